use std::collections::HashSet;

use super::{OLD, Scratch, git};
use crate::git::keys::{Class, row, table};
use crate::git::{Config, vet_config};

fn class(text: &str) -> Option<Class> {
    row(&Config::parse(text.as_bytes()).unwrap().entries[0]).map(|row| row.class)
}

#[test]
fn each_pattern_stands_once() {
    let mut seen = HashSet::new();
    for (pattern, ..) in table() {
        assert!(seen.insert(pattern.to_ascii_lowercase()), "{pattern} stands twice");
        let parts: Vec<&str> = pattern.split('.').collect();
        assert!(matches!(parts.len(), 2 | 3), "{pattern}");
        assert!(parts[0] != "*" && parts[0] != "**", "{pattern}");
    }
}

#[test]
fn the_closest_pattern_counts() {
    assert_eq!(class("[http]postBuffer=1"), Some(Class::Harmless));
    assert_eq!(class("[http]proxy=x"), Some(Class::Redirects));
    assert_eq!(class("[http \"https://x\"]postBuffer=1"), Some(Class::Redirects));
    assert_eq!(class("[lfs \"https://x\"]locksverify=1"), Some(Class::Harmless));
    assert_eq!(class("[lfs]standalonetransferagent=x"), Some(Class::Runs));
    assert_eq!(class("[mergetool]keepBackup"), Some(Class::Harmless));
    assert_eq!(class("[mergetool \"x\"]cmd=x"), Some(Class::Runs));
    assert_eq!(class("[user \"x\"]name=x"), None);
    assert_eq!(class("[core \"\"]bare"), None);
    assert_eq!(class("[remote \"\"]url=x"), None);
    assert_eq!(class("[filter \"\"]clean=x"), Some(Class::Runs));
    assert_eq!(class("[made-up]key"), None);
}

/// Git lists its keys with `<name>` for a subsection and `*` for any key.
#[test]
fn each_key_that_git_lists_has_a_row() {
    let scratch = Scratch::new();
    let listed = git(&scratch.0, &["help", "-c"]);
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<&str> =
        listed.lines().filter(|line| line.contains('.') && !line.starts_with('\'')).collect();
    assert!(names.len() > 500, "git lists {}", names.len());
    let mut missing = Vec::new();
    for name in names {
        let (section, rest) = name.split_once('.').unwrap();
        let (subsection, key) = rest.rsplit_once('.').map_or((None, rest), |(sub, key)| (Some(sub), key));
        let header =
            subsection.map_or_else(|| format!("[{section}]"), |sub| format!("[{section} \"{sub}\"]"));
        let key = if key.is_empty() || !key.as_bytes()[0].is_ascii_alphabetic() { "any" } else { key };
        let key: String = key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        if class(&format!("{header}{key}=x")).is_none() {
            missing.push(name);
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// A row that is not harmless holds in every spelling, for setting, changing and removing.
#[test]
fn no_spelling_sets_what_is_not_harmless() {
    for (pattern, class, _) in table().filter(|(_, class, _)| *class != Class::Harmless) {
        let sample = pattern.replace("**", "any").replace('*', "x");
        let (section, rest) = sample.split_once('.').unwrap();
        let (sub, key) = rest.rsplit_once('.').map_or((None, rest), |(sub, key)| (Some(sub), key));
        let quoted = sub.map_or_else(|| format!("[{section}]"), |sub| format!("[{section} \"{sub}\"]"));
        let dotted = sub.map_or_else(|| format!("[{section}]"), |sub| format!("[{section}.{sub}]"));
        let texts = [
            format!("{quoted}\n\t{key} = true\n"),
            format!("{}{}=true", quoted.replace(section, &section.to_uppercase()), key.to_uppercase()),
            format!("{dotted}\r\n{key}\r\n"),
            format!("[user]name=x\\\n{quoted}\n{quoted}{key}=\"tr\"ue;"),
            format!("{quoted};x\n{key}=\\\n true"),
        ];
        for text in texts {
            let set = vet_config(None, text.as_bytes(), OLD);
            assert!(set.is_err(), "{pattern} ({class:?}): {text:?}");
            let kept = vet_config(Some(text.as_bytes()), text.as_bytes(), OLD);
            assert!(kept.is_ok(), "{pattern}: {text:?}: {kept:?}");
            let added = format!("{text}\n[user]email=x\n");
            assert!(vet_config(Some(text.as_bytes()), added.as_bytes(), OLD).is_ok(), "{pattern}: {text:?}");
            let gone = vet_config(Some(text.as_bytes()), b"[user]name=\"x[y]\"\n", OLD);
            assert!(gone.is_err(), "{pattern}: {text:?}");
            let other = text.replace("true", "other") + &format!("\n{quoted}{key}=other");
            assert!(
                vet_config(Some(text.as_bytes()), other.as_bytes(), OLD).is_err(),
                "{pattern}: {other:?}"
            );
        }
    }
}
