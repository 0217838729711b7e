//! `garth apply`.

use super::kept::left_out;
use super::patch::patch;
use super::show::{becomes, conflict, hunks, line, name};
use super::{ask, in_short, layer_and_paths, policy_of, too_long};
use crate::arguments::ApplyArguments;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::environment;
use crate::show::HINT;
use crate::words::{changes, changes_are};
use garth::Error;
use garth::policy::escape_visible;
use garth::undo::{
    Applied, Checkpoints, Choice, Choose, Difference, Layer, Order, Reader, Standing, apply, differences,
    interrupted,
};
use std::io::{self, IsTerminal, Write};

/// Puts a layer in place. Exit code 1 if something of what was asked for was left.
pub fn run(arguments: &ApplyArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let (layer, paths) = layer_and_paths(&arguments.words)?;
    let policy = policy_of(&layer)?;
    let attended = io::stdin().is_terminal() && io::stderr().is_terminal();
    if arguments.interactive && !attended {
        return Err(Failure::own(
            "there is nobody to ask",
            "--interactive needs a terminal on standard input and standard error",
            "name the paths: garth apply --yes PATHS",
        ));
    }
    if interrupted(&layer)? {
        writeln!(anstream::stderr(), "garth: going on with an apply that was interrupted")?;
    } else if !arguments.yes && !arguments.interactive && !agreed(&layer, &policy, &paths, attended)? {
        return Ok(1);
    }
    let mut chooser =
        Chooser { arguments, whole: paths.is_empty(), rest: None, of_git: None, stopped: false };
    let mut progress = if arguments.interactive {
        Progress::later("put in place")
    } else {
        Progress::unless(arguments.json, "put in place")
    };
    let id = layer.record.id.clone();
    let checkpoints = Checkpoints::of(&environment())?.within(&policy.undo);
    let applied = apply(layer, &policy, &Order { paths, checkpoints }, &mut chooser, &mut progress)?;
    drop(progress);
    if chooser.stopped && applied.placed == 0 && applied.obstacle.is_none() {
        writeln!(out, "you stopped: nothing was put in place, and the layer {id} is as it was")?;
        return Ok(1);
    }
    tell(arguments, &id, &applied, out)
}

/// Shows what would happen and asks whether it should.
fn agreed(
    layer: &Layer,
    policy: &garth::policy::Policy,
    paths: &[garth::policy::AbsPath],
    attended: bool,
) -> Result<bool, Failure> {
    if !attended {
        return Err(Failure::own(
            "apply changes the workspace, and there is nobody to ask",
            "standard input or standard error is no terminal",
            "say so: garth apply --yes",
        ));
    }
    let mut err = anstream::stderr();
    let looking = Progress::new("comparing the layer with the workspace");
    let all = differences(layer, policy)?;
    drop(looking);
    let wanted: Vec<&Difference> =
        all.list.iter().filter(|difference| super::diff::is_wanted(layer, difference, paths)).collect();
    super::diff::lines(layer, wanted.iter().copied(), paths.is_empty(), &mut err)?;
    let question = format!("put {} in place? [yes, no] ", changes(wanted.len()));
    Ok(matches!(ask(&question)?.as_str(), "y" | "yes"))
}

/// Chooses by options, or asks.
struct Chooser<'a> {
    arguments: &'a ApplyArguments,
    /// No part was named.
    whole: bool,
    /// What was said of all that follows.
    rest: Option<Choice>,
    /// What was said of git's own files, which are asked about together; each for itself where that was said.
    of_git: Option<OfGit>,
    /// It was said to stop.
    stopped: bool,
}

/// What happens to git's own files.
enum OfGit {
    All(Choice),
    Each,
}

impl Choose for Chooser<'_> {
    fn choose(&mut self, layer: &Layer, difference: &Difference) -> Result<Choice, Error> {
        let needs_own_yes = difference.trusted.is_some() || difference.standing != Standing::AsBefore;
        if self.arguments.interactive {
            if let Some(choice) =
                self.rest.clone().filter(|choice| *choice == Choice::Leave || !needs_own_yes)
            {
                return Ok(choice);
            }
            let together = self.whole && super::diff::is_of_git(difference);
            let asked = match &self.of_git {
                Some(OfGit::All(choice)) if together => return Ok(choice.clone()),
                None if together => self.asked_of_git(layer, difference),
                _ => self.asked(layer, difference),
            };
            let choice = asked.map_err(|failure| Error::Undo {
                what: "cannot ask".into(),
                why: failure.text().to_owned(),
                hint: "name the paths: garth apply --yes PATHS".into(),
            })?;
            self.stopped = choice == Choice::Stop;
            return Ok(choice);
        }
        let trusted = difference.trusted.is_none() || self.arguments.yes_trusted;
        let stands = difference.standing == Standing::AsBefore || self.arguments.overwrite;
        Ok(if trusted && stands { Choice::Place } else { Choice::Leave })
    }
}

impl Chooser<'_> {
    /// Asks about all files of git's own at once: an index without its objects is a broken repository.
    fn asked_of_git(&mut self, layer: &Layer, difference: &Difference) -> Result<Choice, Failure> {
        loop {
            let said = ask("put what git itself wrote to .git in place, all of it? [yes, no, each, quit] ")?;
            let choice = match said.as_str() {
                "y" | "yes" => Choice::Place,
                "n" | "no" => Choice::Leave,
                "e" | "each" => {
                    self.of_git = Some(OfGit::Each);
                    return self.asked(layer, difference);
                }
                "q" | "quit" => return Ok(Choice::Stop),
                _ => {
                    writeln!(anstream::stderr(), "garth: that is no answer")?;
                    continue;
                }
            };
            self.of_git = Some(OfGit::All(choice.clone()));
            return Ok(choice);
        }
    }

    fn asked(&mut self, layer: &Layer, difference: &Difference) -> Result<Choice, Failure> {
        let mut err = anstream::stderr();
        let texts = Reader::new(layer)?.texts(difference);
        line(layer, difference, hunks(&difference.change, &texts).as_ref(), &mut err)?;
        let is_conflict = difference.standing != Standing::AsBefore;
        let merged = if is_conflict { conflict(&difference.change, &texts, &mut err)? } else { None };
        let shown = name(layer, difference);
        let question = question(difference, merged.is_some(), &shown);
        loop {
            match ask(&question)?.as_str() {
                "y" | "yes" => return Ok(Choice::Place),
                "n" | "no" => return Ok(Choice::Leave),
                "d" | "diff" => {
                    if !patch(&difference.change, &texts, true, &mut err)? {
                        line(layer, difference, None, &mut err)?;
                    }
                }
                "m" | "merge" if merged.is_some() => {
                    let text = merged.clone().unwrap_or_default();
                    becomes(texts.outside.as_deref().unwrap_or_default(), &text, &mut err)?;
                    if matches!(ask(&format!("write this to {shown}? [yes, no] "))?.as_str(), "y" | "yes") {
                        return Ok(Choice::Merge(text));
                    }
                }
                "a" | "all" if !is_conflict && difference.trusted.is_none() => {
                    self.rest = Some(Choice::Place);
                    return Ok(Choice::Place);
                }
                "none" => {
                    self.rest = Some(Choice::Leave);
                    return Ok(Choice::Leave);
                }
                "q" | "quit" => return Ok(Choice::Stop),
                _ => writeln!(err, "garth: that is no answer")?,
            }
        }
    }
}

/// What is asked of a difference.
fn question(difference: &Difference, can_merge: bool, shown: &str) -> String {
    let trusted = difference.trusted.is_some();
    let words = if trusted { " is run or trusted outside." } else { "" };
    match (difference.standing != Standing::AsBefore, can_merge) {
        (true, true) if trusted => {
            format!("{shown}{words} Overwrite it with what the layer has? [yes, no, merge, diff, quit] ")
        }
        (true, false) if trusted => {
            format!("{shown}{words} Overwrite it with what the layer has? [yes, no, diff, quit] ")
        }
        (true, true) => format!("overwrite {shown} with what the layer has? [yes, no, merge, diff, quit] "),
        (true, false) => format!("overwrite {shown} with what the layer has? [yes, no, diff, quit] "),
        (false, _) if trusted => format!("{shown}{words} Put it in place? [yes, no, diff, quit] "),
        (false, _) => format!("put {shown} in place? [yes, no, all, none, diff, quit] "),
    }
}

fn tell(arguments: &ApplyArguments, id: &str, applied: &Applied, out: &mut dyn Write) -> Result<u8, Failure> {
    if arguments.json {
        let left = applied.left.iter().map(|(difference, why)| {
            serde_json::json!({ "tree": difference.tree, "path": difference.change.path, "reason": why })
        });
        let whole = serde_json::json!({
            "version": 1,
            "layer": id,
            "placed": applied.placed,
            "left": left.collect::<Vec<_>>(),
            "checkpoints": applied.checkpoints.iter().map(|record| &record.id).collect::<Vec<_>>(),
            "notKept": applied.not_kept,
            "tooLong": applied.beyond,
            "finished": applied.finished,
            "obstacle": applied.obstacle,
        });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{} in place", changes_are(applied.placed))?;
        for (difference, why) in &applied.left {
            let path = in_short(&difference.change.path);
            writeln!(out, "left in the layer: {path}: {}", escape_visible(why.as_bytes()))?;
        }
        too_long("left in the layer", &applied.beyond, out)?;
        kept(applied, out)?;
        hints(id, applied, out)?;
    }
    if let Some(obstacle) = &applied.obstacle {
        return Err(Failure::own(
            "the layer is not in place as a whole",
            obstacle,
            format!("nothing is lost: garth diff {id} shows what is left, garth apply {id} goes on"),
        ));
    }
    Ok(u8::from(!applied.left.is_empty() || !applied.beyond.is_empty()))
}

/// What was replaced, and what of it cannot be brought back.
fn kept(applied: &Applied, out: &mut dyn Write) -> io::Result<()> {
    for record in &applied.checkpoints {
        let id = &record.id;
        writeln!(out, "what was replaced is in the checkpoint {id}: garth undo --to {id}")?;
    }
    left_out("what was replaced there is not kept, for its size", &applied.not_kept, out)
}

fn hints(id: &str, applied: &Applied, out: &mut dyn Write) -> io::Result<()> {
    let is_trusted = |(difference, _): &(Difference, String)| difference.trusted.is_some();
    let is_conflict = |(difference, _): &(Difference, String)| difference.standing != Standing::AsBefore;
    if applied.left.iter().any(is_trusted) {
        let why = "what the host runs or trusts needs a yes of its own";
        writeln!(out, "{HINT}hint:{HINT:#} {why}: garth apply --yes-trusted {id}, or --interactive")?;
    }
    if applied.left.iter().any(is_conflict) {
        let why = "what was changed outside meanwhile is not overwritten";
        writeln!(out, "{HINT}hint:{HINT:#} {why}: garth apply --overwrite {id}, or --interactive")?;
    }
    if applied.finished {
        writeln!(out, "the layer {id} is empty now, and gone")?;
    }
    Ok(())
}
