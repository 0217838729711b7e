//! Steps for people and for programs.

use garth_plan::windows::setup::{Lasts, State, Step};
use std::fmt::Write;

/// Every step with all that is known of it.
#[must_use]
pub fn plan(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let mut line = |name: &str, value: &str| {
            // Writing to a text does not fail.
            let _written = writeln!(text, "  {name:<8} {value}");
        };
        let lasts = match step.lasts {
            Lasts::UntilUndone => "until it is undone",
            Lasts::UntilRestart => "until Windows starts again; apply it again then",
        };
        line("step", &format!("{} of {}: {}", step.code.name(), step.object, state(&step.state)));
        if let Some(entries) = &step.entries {
            line("entries", entries);
        }
        line("for", step.reason);
        line("lasts", lasts);
        line("undo", step.undo);
        text.push('\n');
    }
    text.push_str(&summary(steps));
    text
}

/// A line for each step.
#[must_use]
pub fn states(steps: &[Step]) -> String {
    let line = |step: &Step| format!("  {:<20} {}: {}\n", step.code.name(), step.object, state(&step.state));
    steps.iter().map(line).collect::<String>() + &summary(steps)
}

/// What does not work as the machine stands.
#[must_use]
pub fn report(steps: &[Step]) -> String {
    let mut text =
        "Sandboxes hold without an administrator. What does not work without these steps:\n".to_owned();
    let missing: Vec<&Step> = steps.iter().filter(|step| step.state != State::Prepared).collect();
    for step in &missing {
        let _written = writeln!(
            text,
            "  {} of {} ({}): {}",
            step.code.name(),
            step.object,
            state(&step.state),
            step.code.without()
        );
    }
    if missing.is_empty() {
        text.push_str("  nothing: all of them are prepared\n");
    }
    text
}

fn state(state: &State) -> String {
    match state.detail() {
        Some(why) => format!("{}: {why}", state.name()),
        None => state.name().to_owned(),
    }
}

fn summary(steps: &[Step]) -> String {
    let of = |name: &str| steps.iter().filter(|step| step.state.name() == name).count();
    let named = ["prepared", "not prepared", "differs", "unknown"].map(|name| format!("{} {name}", of(name)));
    format!("{}\n", named.join(", "))
}

/// The same for programs: one object with the steps.
#[must_use]
pub fn json(steps: &[Step]) -> String {
    let prepared = steps.iter().all(|step| step.state == State::Prepared);
    let value = serde_json::json!({ "version": 1, "prepared": prepared, "steps": steps });
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_plan::windows::facts::{Directories, Prepared};
    use garth_plan::windows::setup::{Recorded, Wishes};
    use garth_policy::AbsPath;
    use std::collections::BTreeMap;

    fn steps() -> Vec<Step> {
        let path = |text: &str| AbsPath::windows(text).unwrap();
        let directories = Directories {
            windows: path("C:\\Windows"),
            program_files: Vec::new(),
            program_data: path("C:\\ProgramData"),
            profiles: path("C:\\Users"),
            profile: path("C:\\Users\\ada"),
            local_app_data: path("C:\\Users\\ada\\AppData\\Local"),
            synchronised: Vec::new(),
            garth: path("C:\\Program Files\\garth"),
        };
        let prepared = Prepared { null_device: None, loopback: Some(Vec::new()) };
        let (paths, wishes) =
            (BTreeMap::new(), Wishes { profiles: vec![path("C:\\Users\\ada")], ..Wishes::default() });
        let recorded =
            Recorded { directories: &directories, paths: &paths, volumes: &[], prepared: &prepared };
        garth_plan::windows::setup::plan(recorded, &wishes)
    }

    #[test]
    fn every_step_is_told_with_its_code_and_why_nothing_is_known() {
        let steps = steps();
        for text in [plan(&steps), states(&steps), report(&steps)] {
            for step in &steps {
                assert!(text.contains(step.code.name()) && text.contains(&step.object), "{text}");
            }
            assert!(text.contains("unknown: it was not looked at"), "{text}");
        }
        assert!(states(&steps).ends_with("0 prepared, 0 not prepared, 0 differs, 6 unknown\n"));
        assert!(plan(&steps).contains("D:(A;;0x100080;;;AC)(A;;0x100080;;;S-1-15-2-2)"));
    }

    #[test]
    fn programs_get_the_same() {
        let value: serde_json::Value = serde_json::from_str(&json(&steps())).unwrap();
        assert_eq!(value["prepared"], false);
        let device = &value["steps"][5];
        assert_eq!((&device["code"], &device["state"]), (&"setup.null-device".into(), &"unknown".into()));
        assert_eq!(
            (&device["lasts"], &device["detail"]),
            (&"until-restart".into(), &"it was not looked at".into())
        );
    }
}
