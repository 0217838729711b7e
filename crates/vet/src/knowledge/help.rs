//! The options of the table against what the programs of this machine say of themselves in `--help`.

use super::spec::Arity;
use super::table::Row;
use super::texts;
use crate::command::Shell;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// Programs that print options in the common form and do nothing else with `--help`.
const PROGRAMS: &[&str] = &[
    "awk",
    "b2sum",
    "base64",
    "basename",
    "bzip2",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "cmp",
    "column",
    "comm",
    "cp",
    "csplit",
    "curl",
    "cut",
    "date",
    "df",
    "diff",
    "diff3",
    "dirname",
    "du",
    "egrep",
    "env",
    "expand",
    "fallocate",
    "file",
    "flock",
    "fmt",
    "fold",
    "gawk",
    "grep",
    "gzip",
    "head",
    "hexdump",
    "iconv",
    "install",
    "ionice",
    "join",
    "jq",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "nice",
    "nl",
    "od",
    "paste",
    "patch",
    "pathchk",
    "pr",
    "ptx",
    "readlink",
    "realpath",
    "rev",
    "rg",
    "rm",
    "rmdir",
    "rsync",
    "sdiff",
    "sed",
    "seq",
    "setsid",
    "sha1sum",
    "sha256sum",
    "shred",
    "shuf",
    "sort",
    "split",
    "stat",
    "stdbuf",
    "strings",
    "sum",
    "tac",
    "tail",
    "tar",
    "tee",
    "timeout",
    "touch",
    "truncate",
    "tsort",
    "unexpand",
    "uniq",
    "watch",
    "wc",
    "wget",
    "xargs",
    "xz",
    "zstd",
];

/// Options whose help says less than the manual, each with the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("bzip2", "-1", "the help shows a range, `-1 .. -9`"),
    ("xz", "-0", "the help shows a range, `-0 ... -9`"),
    ("curl", "-x", "the help shows a part of the value in brackets"),
    ("curl", "--proxy", "the help shows a part of the value in brackets"),
    ("curl", "--preproxy", "the help shows a part of the value in brackets"),
    ("cut", "-M", "a form of a list of columns, no option"),
    ("file", "-P", "file(1): the value is `name=value`"),
    ("file", "--parameter", "file(1): the value is `name=value`"),
    ("sed", "-e", "sed(1): the value is a script"),
    ("sed", "-f", "sed(1): the value is a file"),
    ("strings", "-a", "the help puts a lone `-` beside it"),
    ("strings", "--all", "the help puts a lone `-` beside it"),
    ("strings", "-v", "the help puts `-V` beside it"),
    ("git am", "--empty", "the help shows the values in parentheses"),
    ("git cherry-pick", "--empty", "the help shows the values in parentheses"),
    ("git rebase", "--empty", "the help shows the values in parentheses"),
    ("git revert", "--empty", "the help shows the values in parentheses"),
    ("git commit", "--fixup", "the help shows a part of the value in brackets"),
    ("tar", "-F", "tar(1): the value is a program"),
    ("tar", "-N", "tar(1): the value is a date"),
    ("wget", "--backups", "the value is optional and joined, as the source of wget says"),
    ("wget", "--hsts-file", "wget(1): the value is a file"),
    ("wget", "--max-redirect", "wget(1): the value is a number"),
];

/// The fewest programs of a machine that make the comparison worth something; fewer are a skip that says so.
const FEWEST: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    JoinedValue,
}

/// Options with what they take, as lines of a help text say it.
fn options(help: &str) -> BTreeMap<String, Takes> {
    let mut found: BTreeMap<String, Takes> = BTreeMap::new();
    for line in help.lines() {
        let text = line.trim_start();
        if text.len() == line.len() || !text.starts_with('-') {
            continue;
        }
        let text = text.replace(",  ", ", ").replace(" --", ", --").replace(",,", ",").replace(" ,", ",");
        let described = text.contains("  ");
        let spelled = text.split("  ").next().unwrap_or(&text).split('\t').next().unwrap_or(&text);
        let pieces = spelled.split(", ").flat_map(|piece| piece.split(" or "));
        let takes: Vec<_> = pieces.filter_map(|piece| option(piece.trim(), described)).collect();
        // In `-k, --key=KEY` both take the value; in `-c, -C NUM, --context[=NUM]` each says its own.
        let strongest = takes.iter().map(|(_, takes)| *takes).find(|takes| *takes != Takes::Nothing);
        let of_all = strongest.filter(|_| takes.len() == 2);
        for (name, own) in takes {
            let takes = if own == Takes::Nothing { of_all.unwrap_or(own) } else { own };
            let merged = match found.get(&name) {
                Some(known) if *known != takes => Takes::JoinedValue,
                _ => takes,
            };
            found.insert(name, merged);
        }
    }
    found
}

/// `--name`, `--name=VALUE`, `--name[=VALUE]`, `-n VALUE`, `-n[VALUE]`. `--name=word` shows one value of an option that
/// another line describes.
fn option(piece: &str, described: bool) -> Option<(String, Takes)> {
    let end = piece.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
    let (name, rest) = piece.split_at(end.unwrap_or(piece.len()));
    let short = name.len() == 2 && name.starts_with('-') && name != "--";
    if !(short || name.starts_with("--") && name.len() > 3) {
        return None;
    }
    let word = rest.trim_start_matches([' ', '=']).split(' ').next().unwrap_or_default();
    let upper = !word.is_empty() && word.chars().all(|letter| !letter.is_ascii_lowercase());
    let takes = match rest.chars().next() {
        None => Takes::Nothing,
        Some('[') => Takes::JoinedValue,
        Some(' ') if word.starts_with('[') => Takes::JoinedValue,
        Some('<') => Takes::Value,
        Some('=') if upper || word.starts_with(['{', '<']) => Takes::Value,
        Some('=') => return None,
        Some(' ') if upper || word.starts_with('<') || (described && !word.is_empty()) => Takes::Value,
        Some(_) => Takes::Nothing,
    };
    Some((name.to_owned(), takes))
}

fn agrees(takes: Takes, arity: Arity) -> bool {
    match takes {
        Takes::Nothing => matches!(arity, Arity::Switch | Arity::Joined),
        Takes::Value => matches!(arity, Arity::Words(_) | Arity::Terminated),
        // A short option with an optional value that stands in the next word has no common notation.
        Takes::JoinedValue => matches!(arity, Arity::Joined | Arity::Switch),
    }
}

fn compare(program: &str, row: &Row, help: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, takes) in options(help) {
        let excepted = EXCEPTIONS.iter().any(|(of, option, _)| *of == program && *option == name);
        if excepted || ["--help", "--version", "-h", "-V"].contains(&name.as_str()) {
            continue;
        }
        let rest = name.strip_prefix("--no-");
        let other = rest.map_or_else(|| name.replacen("--", "--no-", 1), |rest| format!("--{rest}"));
        match row.options.get(&name).or_else(|| row.options.get(&other).filter(|_| row.negatable)) {
            None => wrong.push(format!("{program} {name}: not in the table ({takes:?})")),
            Some(spec) if !agrees(takes, spec.arity) => {
                wrong.push(format!("{program} {name}: {takes:?} in the help, {:?} in the table", spec.arity));
            }
            Some(_) => {}
        }
    }
    wrong
}

fn help_of(program: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--help").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    if program == "curl" {
        command.arg("all");
    }
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_table_agrees_with_the_help_of_the_programs_here() {
    let table = texts::read().unwrap_or_else(|error| panic!("{error}"));
    let (mut compared, mut absent, mut wrong) = (0, Vec::new(), Vec::new());
    for program in PROGRAMS {
        let Some(row) = table.row(Shell::Argv, program) else { panic!("no row for {program}") };
        match help_of(program).filter(|help| options(help).len() > 1) {
            Some(help) => {
                compared += 1;
                wrong.extend(compare(program, row, &help));
            }
            None => absent.push(*program),
        }
    }
    println!("compared {compared}; absent or without a list of options: {}", absent.join(" "));
    if compared < FEWEST {
        println!("skipped: this machine has too few of the programs");
        return;
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

/// Sub-commands of git that print their options in the common form with `-h`.
const GIT: &[&str] = &[
    "add",
    "am",
    "apply",
    "branch",
    "checkout",
    "cherry-pick",
    "clean",
    "clone",
    "commit",
    "config",
    "describe",
    "fetch",
    "fsck",
    "gc",
    "grep",
    "init",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "merge",
    "mv",
    "name-rev",
    "pull",
    "push",
    "rebase",
    "reset",
    "restore",
    "revert",
    "rm",
    "show-branch",
    "status",
    "switch",
    "tag",
];

#[test]
fn the_table_agrees_with_what_git_says_of_its_subcommands() {
    let table = texts::read().unwrap_or_else(|error| panic!("{error}"));
    let Some(git) = table.row(Shell::Argv, "git") else { panic!("no row for git") };
    let (mut compared, mut wrong) = (0, Vec::new());
    for name in GIT {
        let Some(row) = git.sub.get(*name) else { panic!("no row for git {name}") };
        let Ok(output) = Command::new("git").args([name, "-h"]).stdin(Stdio::null()).output() else {
            continue;
        };
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).replace("--[no-]", "--");
        compared += usize::from(options(&text).len() > 1);
        wrong.extend(compare(&format!("git {name}"), row, &text));
    }
    println!("compared {compared} sub-commands of git");
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_help_text_is_read() {
    let help = "Usage: x\n  -c, --check, --check=quiet  check\n  -k, --key=KEY  a key\n      --color[=WHEN]  colours\n  -i[SUFFIX], --in-place[=SUFFIX]\n  -s  quiet\nlast - line\n";
    let found = options(help);
    assert_eq!(found.get("--key"), Some(&Takes::Value));
    assert_eq!(found.get("-k"), Some(&Takes::Value));
    assert_eq!(found.get("--color"), Some(&Takes::JoinedValue));
    assert_eq!(found.get("-i"), Some(&Takes::JoinedValue));
    assert_eq!(found.get("-s"), Some(&Takes::Nothing));
}
