//! Which variables enter, and with which values.

use crate::facts::Command;
use garth_policy::{EnvDecision, Policy};

/// The environment of the target as `NAME=value` strings, and the names that did not come in.
#[derive(Debug)]
pub(super) struct Entered {
    pub strings: Vec<Vec<u8>>,
    pub dropped: usize,
}

/// Applies the allow-list. Directories that the sandbox has of its own replace the host's.
pub(super) fn lower(policy: &Policy, command: &Command, uid: u32, temporary: &str) -> Entered {
    let mut entered = Entered { strings: Vec::new(), dropped: 0 };
    let mut add = |name: &str, value: &[u8]| {
        let mut string = name.as_bytes().to_vec();
        string.push(b'=');
        string.extend_from_slice(value);
        entered.strings.push(string);
    };
    let mut dropped = 0;
    for (name, value) in &command.environment {
        let Ok(name) = std::str::from_utf8(name) else {
            dropped += 1;
            continue;
        };
        match (policy.env.decide(name), name) {
            (EnvDecision::Set(..), _) => {}
            (EnvDecision::Drop(_), _) => dropped += 1,
            (EnvDecision::Pass(_), "PATH") => add(name, &absolute_directories(value)),
            (EnvDecision::Pass(_), "TMPDIR" | "TMP" | "TEMP") if temporary != "/tmp" => {}
            (EnvDecision::Pass(_), "TMPDIR" | "TMP" | "TEMP") => add(name, temporary.as_bytes()),
            (EnvDecision::Pass(_), "XDG_RUNTIME_DIR") => add(name, format!("/run/user/{uid}").as_bytes()),
            (EnvDecision::Pass(_), "PWD" | "OLDPWD") => {}
            (EnvDecision::Pass(_), _) => add(name, value),
        }
    }
    let here = command.logical_directory.as_ref().unwrap_or(&command.directory);
    add("PWD", here.as_bytes());
    add("GARTH", b"1");
    if uid == 0 && temporary == "/tmp" {
        // As root GNU tar gives what it unpacks to the users that the archive names, and fails where they do not exist.
        add("TAR_OPTIONS", b"--no-same-owner");
    }
    if temporary != "/tmp" {
        // Programs that are not told otherwise would go to a directory that is not theirs here.
        for name in ["TMPDIR", "TMP", "TEMP"] {
            add(name, temporary.as_bytes());
        }
    }
    for (name, value) in policy.env.values() {
        add(name, value.as_bytes());
    }
    entered.dropped = dropped;
    entered
}

/// PATH without entries that mean "wherever I am now".
fn absolute_directories(path: &[u8]) -> Vec<u8> {
    let kept: Vec<&[u8]> = path.split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/")).collect();
    kept.join(&b':')
}

/// The files to try for a program, as `execvp(3)` would with this environment.
pub(super) fn programs(name: &[u8], environment: &[Vec<u8>]) -> Vec<Vec<u8>> {
    if name.contains(&b'/') {
        return vec![name.to_vec()];
    }
    let path = environment.iter().find_map(|string| string.strip_prefix(b"PATH="));
    let path = path.unwrap_or(b"/usr/local/bin:/usr/bin:/bin");
    let directories = path.split(|byte| *byte == b':').filter(|entry| !entry.is_empty());
    directories.map(|directory| [directory, b"/", name].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_path_entries_are_dropped() {
        assert_eq!(absolute_directories(b"/usr/bin::.:bin:/bin"), b"/usr/bin:/bin");
    }

    #[test]
    fn programs_are_looked_up_like_execvp() {
        let environment = [b"PATH=/a:/b".to_vec()];
        assert_eq!(programs(b"x", &environment), [b"/a/x".to_vec(), b"/b/x".to_vec()]);
        assert_eq!(programs(b"./x", &environment), [b"./x".to_vec()]);
        assert_eq!(programs(b"x", &[]).len(), 3);
    }
}
