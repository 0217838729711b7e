//! The built-in texts are well-formed, and what is not is refused.

use super::spec::OptionSpec;
use super::table::{Row, Style, Table};
use super::texts::{self, TEXTS};
use crate::command::{Command, Script, Shell, Word};
use std::collections::BTreeMap;
use std::sync::Arc;

fn bash(text: &str) -> Command {
    let script: Script = crate::parse(Shell::Bash, text);
    script.commands.last().cloned().unwrap_or_else(|| panic!("no command in `{text}`"))
}

fn words(words: &[Word]) -> String {
    words.iter().map(|word| word.text().unwrap_or_else(|| "?".to_owned())).collect::<Vec<_>>().join(" ")
}

/// Every row with its place, sub-commands included.
fn rows() -> Vec<(String, Arc<Row>)> {
    let table = texts::read().unwrap_or_else(|error| panic!("{error}"));
    let mut open: Vec<(String, Arc<Row>)> = Vec::new();
    for (name, meanings) in &table.programs {
        open.extend(meanings.iter().map(|(_, row)| (name.clone(), Arc::clone(row))));
    }
    let mut found = Vec::new();
    while let Some((name, row)) = open.pop() {
        open.extend(row.sub.iter().map(|(sub, row)| (format!("{name} {sub}"), Arc::clone(row))));
        found.push((name, row));
    }
    found
}

#[test]
fn the_built_in_texts_can_be_read() {
    if let Err(error) = texts::read() {
        panic!("{error}");
    }
}

#[test]
fn no_name_stands_in_two_texts_for_the_same_shells() {
    let mut seen: BTreeMap<(String, String), &str> = BTreeMap::new();
    for (origin, text) in TEXTS {
        let mut table = Table::default();
        table.add(origin, text).unwrap_or_else(|error| panic!("{error}"));
        for (name, meanings) in &table.programs {
            for (shells, _) in meanings {
                let before = seen.insert((name.clone(), format!("{shells:?}")), origin);
                assert_eq!(before, None, "`{name}` of {origin}");
            }
        }
    }
}

#[test]
fn every_row_has_a_reason_a_source_and_options_spelled_in_its_style() {
    let spelled = |style: Style, name: &str| match style {
        Style::Gnu => name.starts_with(['-', '+']),
        Style::Dash => !name.is_empty(),
        Style::Slash => name.starts_with(['/', '-']),
        Style::Parameters => name.starts_with('-'),
    };
    for (place, row) in rows() {
        assert!(row.reason.len() > 4, "{place}: the reason is `{}`", row.reason);
        assert!(row.source.len() > 3, "{place}: the source is `{}`", row.source);
        for name in row.options.keys() {
            assert!(
                spelled(row.style, name),
                "{place}: `{name}` is not how {:?} spells an option",
                row.style
            );
            assert!(!name.contains([' ', '=', ',']) || row.style == Style::Dash, "{place}: `{name}`");
        }
        for option in row.instead.keys().filter(|option| !option.is_empty()) {
            let key = if row.style == Style::Gnu || row.style == Style::Dash {
                option.clone()
            } else {
                option.to_ascii_lowercase()
            };
            assert!(row.options.contains_key(&key), "{place}: what to do instead of an unknown `{option}`");
        }
    }
}

fn count(wanted: impl Fn(&[Shell], &Row) -> bool) -> usize {
    let table = texts::read().unwrap_or_else(|error| panic!("{error}"));
    let mut found: Vec<*const Row> = Vec::new();
    for (shells, row) in table.programs.values().flatten() {
        if wanted(shells, row) && !found.contains(&Arc::as_ptr(row)) {
            found.push(Arc::as_ptr(row));
        }
    }
    found.len()
}

#[test]
fn the_table_holds_what_it_promises() {
    let table = texts::read().unwrap_or_else(|error| panic!("{error}"));
    let is_cmdlet = |meanings: &[(Vec<Shell>, Arc<Row>)]| {
        meanings.iter().any(|(shells, row)| row.style == Style::Parameters && !shells.is_empty())
    };
    let named = table.programs.iter().filter(|(name, meanings)| name.contains('-') && is_cmdlet(meanings));
    let cmdlets = named.count();
    let programs = count(|_, row| row.style != Style::Parameters);
    assert!(programs >= 250, "{programs} programs");
    assert!(cmdlets >= 120, "{cmdlets} cmdlets");
}

#[test]
fn a_second_text_replaces_rows_and_says_where_it_is_wrong() {
    let mut table = Table::built_in();
    let own = "[program.cat]\nreason = 'deploys'\nsource = 'us'\noperands = ['writes *']\n";
    table.add("garth.toml", own).unwrap_or_else(|error| panic!("{error}"));
    assert!(!table.harmless(&bash("cat a")));
    assert!(table.harmless(&bash("head a")));

    let wrong = [
        ("[program.x]\nreason = 'r'\nsource = 's'\nflag = '-a'\n", "unknown field `flag`"),
        ("[program.x]\nsource = 'some'\n", "no reason"),
        ("[program.x]\nreason = 'r'\nsource = 's'\noptions = ['-a: mode off']\n", "no mode `off`"),
        ("[program.x]\nreason = 'r'\nsource = 's'\nflags = '-a -a'\n", "stands twice"),
        ("[program.x]\nalso = 'y, x'\nreason = 'r'\nsource = 's'\n", "stands twice"),
        (
            "[program.x]\nreason = 'r'\nsource = 's'\noperands = ['reads *', 'text *']\n",
            "any number of times",
        ),
        ("[program.x]\nreason = 'r'\nsource = 's'\nuse = ['more']\n", "no group `more`"),
        ("[variable.X]\nreason = 'r'\nsource = 's'\ndoes = 'dances'\n", "is no action"),
        ("[program.x", "TOML"),
    ];
    for (text, expected) in wrong {
        let Err(error) = table.add("garth.toml", text) else { panic!("accepted: {text}") };
        let shown = error.to_string();
        assert!(shown.contains(expected) && shown.starts_with("garth.toml: "), "{text}\n{shown}");
    }
}

#[test]
fn options_between_program_and_subcommand_are_left_out() {
    let cases = [
        ("git -C x -c a=b push --force origin", "git push --force origin"),
        ("git --git-dir=.git --no-pager log -3", "git log -3"),
        ("git push", "git push"),
        ("/usr/bin/git.exe push", "git push"),
        ("npm --prefix x i left-pad", "npm install left-pad"),
        ("npm -g i left-pad", "npm install left-pad"),
        ("docker --context prod container rm -f x", "docker container rm -f x"),
        ("docker -H tcp://1.2.3.4 run --rm x", "docker run --rm x"),
        ("cargo +nightly t --workspace", "cargo test --workspace"),
        ("kubectl --context prod -n web delete pod x", "kubectl delete pod x"),
        ("rm -rf a", "rm -rf a"),
        ("dir x", "dir x"),
        ("ip a add 1.2.3.4/8 dev lo", "ip address add 1.2.3.4/8 dev lo"),
        ("git remote -v add origin x", "git remote add origin x"),
    ];
    for (text, expected) in cases {
        let found = super::subcommand(&bash(text));
        assert_eq!(found.as_deref().map(words).as_deref(), Some(expected), "{text}");
    }
    assert_eq!(super::subcommand(&bash("./git push")), None);
    assert_eq!(super::subcommand(&bash("$GIT push")), None);
}

#[test]
fn harmless_is_known_and_only_reads() {
    for text in ["cat a", "git status", "git -C x log -p", "ls -la", "grep -rn x .", "cat a 2>/dev/null"] {
        assert!(super::harmless(&bash(text)), "{text}");
    }
    for text in [
        "cat a > b",
        "./cat a",
        "frobnicate",
        "LD_PRELOAD=./x.so cat a",
        "GIT_PAGER=./x git log",
        "cat --frob a",
        "find . -delete",
        "find . -exec cat {} +",
        "xargs cat",
        "rm a",
        "$X",
    ] {
        assert!(!super::harmless(&bash(text)), "{text}");
    }
}

#[test]
fn a_safer_way_is_named_where_there_is_one() {
    let cases = [
        ("git push --force origin main", Some("--force-with-lease")),
        ("git push -f", Some("--force-with-lease")),
        ("git push --force-with-lease", None),
        ("git reset --hard", Some("git stash")),
        ("git clean -fdx", Some("git clean -n")),
        ("ls", None),
    ];
    for (text, expected) in cases {
        let found = super::instead(&bash(text));
        match expected {
            Some(piece) => {
                assert!(found.as_ref().is_some_and(|found| found.contains(piece)), "{text}: {found:?}")
            }
            None => assert_eq!(found, None, "{text}"),
        }
    }
}

/// Every option that runs something is seen by `runs` or has an effect that is no reading.
#[test]
fn what_runs_something_is_never_harmless() {
    use super::spec::Action;
    let runs = |spec: &OptionSpec| spec.actions.iter().any(|action| matches!(action, Action::Runs(_)));
    let mut tried = 0;
    for (place, row) in rows().iter().filter(|(place, row)| !place.contains(' ') && row.style == Style::Gnu) {
        for (name, _) in row.options.iter().filter(|(_, spec)| runs(spec)) {
            if !super::is_known(Shell::Argv, place) || row.bundled {
                continue;
            }
            let words = [place.clone(), name.clone(), "value".to_owned()];
            let script = crate::argv(&words, crate::Span::default());
            let Some(command) = script.commands.first() else { continue };
            assert!(!super::harmless(command), "{words:?}");
            tried += 1;
        }
    }
    assert!(tried > 10, "only {tried} options run something");
}
