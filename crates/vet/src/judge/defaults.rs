//! What each profile says where no rule of the policy does: one table.

use garth_policy::{CommandDecision, Profile};

/// Something that is found in a text and that no rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Situation {
    /// A part is not understood.
    Problem,
    /// Which program runs is only known at run time.
    UnknownName,
    /// A program of which nothing is known.
    UnknownProgram,
    /// A script or the project's own code runs, from a place that the policy lets be run.
    ProjectCode,
    /// Code or commands run that the text does not show.
    HiddenCode,
    /// What is written, deleted or connected to is only known at run time.
    UnknownTarget,
    /// What is read is only known at run time.
    UnknownRead,
    /// Rights are gained, or a service acts that has more.
    Elevation,
    /// Settings that outlive the command are changed.
    Configuration,
    /// The words do not show what the program does.
    UnknownEffect,
    /// The sandbox would refuse it.
    Refused,
    /// Something outside the workspace is deleted.
    OutsideDelete,
    /// It connects to a host that its words do not name.
    UnnamedHost,
}

/// One row: what `strict` says, what the others say, and why.
pub(super) struct Row {
    situation: Situation,
    strict: CommandDecision,
    others: CommandDecision,
    reason: &'static str,
}

const fn row(
    situation: Situation,
    strict: CommandDecision,
    others: CommandDecision,
    reason: &'static str,
) -> Row {
    Row { situation, strict, others, reason }
}

use CommandDecision::{Allow, Ask};

/// Every situation once.
pub(super) static DEFAULTS: &[Row] = &[
    row(Situation::Problem, Ask, Ask, "what is not understood is not safe"),
    row(Situation::UnknownName, Ask, Ask, "a program that is only known at run time can be any program"),
    row(Situation::UnknownProgram, Ask, Allow, "the sandbox holds what an unknown program does"),
    row(
        Situation::ProjectCode,
        Ask,
        Allow,
        "builds and tests run the project's code, and the sandbox holds it",
    ),
    row(Situation::HiddenCode, Ask, Ask, "commands that are not shown cannot be judged"),
    row(Situation::UnknownTarget, Ask, Ask, "a target that is only known at run time can be any target"),
    row(Situation::UnknownRead, Ask, Allow, "the sandbox decides on what is opened, whatever its name"),
    row(Situation::Elevation, Ask, Ask, "more rights, or a service outside, are beyond the sandbox"),
    row(Situation::Configuration, Ask, Ask, "settings outlive the command"),
    row(Situation::UnknownEffect, Ask, Ask, "what the words do not show cannot be judged"),
    row(Situation::Refused, Ask, Ask, "the sandbox would refuse it, so the command would fail half way"),
    row(Situation::OutsideDelete, Ask, Ask, "what is deleted outside the workspace is not the task's own"),
    row(Situation::UnnamedHost, Ask, Allow, "the sandbox lets no other host be reached, whatever it is"),
];

/// What the profile says of a situation, and why.
pub(super) fn default_for(profile: Profile, situation: Situation) -> (CommandDecision, &'static str) {
    let Some(row) = DEFAULTS.iter().find(|row| row.situation == situation) else {
        return (Ask, "nothing is said of it");
    };
    match profile {
        Profile::Strict if row.strict > row.others => (row.strict, "the profile `strict` asks for that"),
        Profile::Strict => (row.strict, row.reason),
        _ => (row.others, row.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_is_never_milder_and_each_situation_stands_once() {
        for (at, row) in DEFAULTS.iter().enumerate() {
            assert!(row.strict >= row.others && !row.reason.is_empty());
            assert!(DEFAULTS.iter().skip(at + 1).all(|other| other.situation != row.situation));
        }
    }
}
