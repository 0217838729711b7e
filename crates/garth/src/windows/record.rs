//! What is to be known of this machine, in the form from which plans are made anywhere.

use super::{Request, failed};
use crate::files::{layers, load_layers};
use crate::{Error, Surroundings};
use garth_host::windows::facts::{extend, facts};
use garth_host::windows::survey::survey;
use garth_plan::facts::Command;
use garth_plan::windows::doctor::PROGRAMS;
use garth_plan::windows::facts::{FactQuery, HostFacts, Policies, PolicyText};
use garth_plan::windows::setup::{self, Wishes};
use garth_plan::windows::{further_questions, questions};
use garth_policy::{EnvDecision, Policy, Profile, Source};

/// What the plan of this command needs.
///
/// # Errors
/// See [`Error`].
pub fn record(request: &Request) -> Result<HostFacts, Error> {
    let surroundings = crate::surroundings(request.workspace.as_ref(), &environment(request))?;
    looked(request, &surroundings, FactQuery::nothing())
}

/// What plans of usual commands need, for each built-in profile, and what `garth doctor` tells of. Variables that no
/// sandbox would get are left out: a report is for other eyes.
///
/// # Errors
/// See [`Error`].
pub fn record_all(request: &Request) -> Result<HostFacts, Error> {
    let surroundings = crate::surroundings(request.workspace.as_ref(), &environment(request))?;
    let mut query = FactQuery::nothing();
    query.tools.extend(PROGRAMS.iter().map(|program| program.name.to_owned()));
    let builtin = Policy::builtin(Profile::Workspace, &surroundings.context);
    for profile in Profile::ALL {
        let policy = Policy::builtin(profile, &surroundings.context);
        let command = command(request, &surroundings);
        query.paths.extend(questions(&policy, &policy.files.boundaries(), &command).paths);
    }
    let mut facts = looked(request, &surroundings, query)?;
    let paths = setup::questions(&facts.directories, &Wishes::of(&facts));
    extend(&mut facts, &FactQuery { paths, ..FactQuery::nothing() }, None);
    facts.survey = Some(survey(&facts.context.workspace));
    facts.environment.retain(|(name, _)| matches!(builtin.env.decide(name), EnvDecision::Pass(_)));
    Ok(facts)
}

/// Looks at what the policy in force and this command ask, and at `more`.
fn looked(request: &Request, surroundings: &Surroundings, more: FactQuery) -> Result<HostFacts, Error> {
    let (inputs, trust) =
        layers(surroundings, &environment(request), request.policy.as_ref(), &request.flags)?;
    let loaded = load_layers(&inputs, &trust).map_err(|found| Error::Policy(found.render(false)))?;
    let project_trusted = inputs.project.as_ref().is_some_and(|project| trust.is_trusted(&project.text));
    let boundaries = loaded.policy.files.boundaries();
    let mut query = questions(&loaded.policy, &boundaries, &command(request, surroundings));
    query.paths.extend(more.paths);
    query.tools.extend(more.tools);
    let mut found = facts(&query, surroundings.context.clone(), request.environment.clone(), None)
        .map_err(|error| failed("look at this machine", error))?;
    let further = further_questions(&found);
    extend(&mut found, &further, None);
    found.system.proven = super::proof::proven(&found);
    let text = |source: Option<Source>| source.map(|Source { name, text }| PolicyText { name, text });
    found.policies = Policies {
        managed: text(inputs.managed),
        user: text(inputs.user),
        project: text(inputs.project),
        project_trusted,
    };
    Ok(found)
}

fn environment(request: &Request) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = |text: &String| text.clone().into_bytes();
    request.environment.iter().map(|(name, value)| (bytes(name), bytes(value))).collect()
}

fn command(request: &Request, surroundings: &Surroundings) -> Command {
    Command {
        arguments: request.arguments.iter().map(|word| word.clone().into_bytes()).collect(),
        directory: surroundings.directory.clone(),
        logical_directory: None,
        environment: environment(request),
        terminal: request.terminal,
        layers: Vec::new(),
        kept: Vec::new(),
        observe: false,
    }
}
