//! Git: configuration that runs programs, and commands that are given commands.

use super::args::{self, Grammar, joined, without};
use super::{Call, Launches};
use crate::command::{Shell, Word};

/// Options of git itself, before the command.
pub(super) const GLOBAL: Grammar = Grammar {
    valued: "Cc",
    long: &["git-dir", "work-tree", "namespace", "super-prefix", "config-env", "attr-source"],
};

/// Keys, or their ends, whose value is run by a shell. Source: git-config(1).
const TEXT_KEYS: &[&str] = &[
    "core.pager",
    "core.editor",
    "core.sshcommand",
    "core.askpass",
    "core.alternaterefscommand",
    "core.gitproxy",
    "sequence.editor",
    "diff.external",
    "gpg.program",
    "interactive.difffilter",
    "sendemail.sendmailcmd",
    "credential.helper",
    "uploadpack.packobjectshook",
    "web.browser",
    "trailer.command",
];

/// Ends of keys that have a name in the middle, and whose value is run.
const TEXT_ENDS: &[(&str, &str)] = &[
    ("pager.", ""),
    ("diff.", ".textconv"),
    ("diff.", ".command"),
    ("filter.", ".clean"),
    ("filter.", ".smudge"),
    ("filter.", ".process"),
    ("merge.", ".driver"),
    ("mergetool.", ".cmd"),
    ("mergetool.", ".path"),
    ("difftool.", ".cmd"),
    ("difftool.", ".path"),
    ("credential.", ".helper"),
    ("gpg.", ".program"),
    ("gpg.", ".defaultkeycommand"),
    ("remote.", ".uploadpack"),
    ("remote.", ".receivepack"),
    ("browser.", ".cmd"),
    ("man.", ".cmd"),
    ("tar.", ".command"),
    ("trailer.", ".command"),
    ("trailer.", ".cmd"),
    ("guitool.", ".cmd"),
    ("hook.", ".command"),
];

/// Keys that make git read more configuration, hooks or attributes, or talk to programs.
const FILE_KEYS: &[&str] = &[
    "core.hookspath",
    "core.attributesfile",
    "include.path",
    "init.templatedir",
    "core.fsmonitor",
    "protocol.ext.allow",
    "protocol.allow",
    "core.worktree",
    "core.gitdir",
];

/// Reads git; false if the program is another.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    if call.name != "git" {
        // `git-push` is `git push`, in a directory that git knows.
        let Some(name) = call.name.strip_prefix("git-").filter(|name| !name.is_empty()) else { return false };
        let words = [Word::known("git", call.span()), Word::known(name, call.span())];
        found.words(&[&words, call.words].concat(), call.name);
        return true;
    }
    let options = args::read(call.words, GLOBAL);
    let mut aliases = Vec::new();
    for given in &options.options {
        match (given.name.as_str(), &given.value) {
            ("-c", Some(value)) => configuration(value, &mut aliases, found),
            ("--config-env", Some(value)) => {
                found.unknown("configuration of git from a variable", value.span, "git --config-env");
            }
            ("--exec-path", Some(value)) => {
                found.unknown("programs of git from another directory", value.span, "git --exec-path");
            }
            _ => {}
        }
    }
    let Some((name, words)) = options.operands.split_first() else { return true };
    let Some(name) = name.text() else { return true };
    // The last one counts.
    if let Some((alias, meaning)) = aliases.iter().rev().find(|(alias, _)| *alias == name) {
        let git = Word::known("git", call.span());
        let via = format!("git alias {alias}");
        match meaning.split() {
            Some(meant) => found.words(&[vec![git], meant, words.to_vec()].concat(), &via),
            None => found.text(Shell::Sh, joined(&[meaning.text(), words.to_vec()].concat()), &via),
        }
    }
    command(&name, words, call, found);
    true
}

/// What an alias stands for.
struct Alias(Word);

impl Alias {
    /// The words of git, unless it is a text for a shell.
    fn split(&self) -> Option<Vec<Word>> {
        let text = self.0.text()?;
        if text.trim_start().starts_with('!') {
            return None;
        }
        let words = garth_policy::split_words(&text)?;
        Some(words.into_iter().map(|word| Word::known(word, self.0.span)).collect())
    }

    fn text(&self) -> Vec<Word> {
        let start = self.0.known_start();
        let skipped = start.len() - start.trim_start().len();
        let is_shell = start.trim_start().starts_with('!');
        vec![without(&self.0, skipped + usize::from(is_shell))]
    }
}

/// One `key=value`.
fn configuration(word: &Word, aliases: &mut Vec<(String, Alias)>, found: &mut Launches) {
    let start = word.known_start();
    let Some((key, _)) = start.split_once('=') else {
        if word.has_unknown() {
            found.unknown("configuration of git that is only known at run time", word.span, "git -c");
        }
        return;
    };
    let value = without(word, key.len() + 1);
    let lower = key.to_ascii_lowercase();
    if let Some(alias) = lower.strip_prefix("alias.") {
        let name = alias.strip_suffix(".command").unwrap_or(alias);
        return aliases.push((name.to_owned(), Alias(value)));
    }
    let text = value.text();
    let is_off = matches!(
        text.as_deref(),
        Some("" | "cat" | "less" | "true" | "false" | "never" | "0" | "/dev/null" | "store" | "cache")
    );
    if is_off {
        return;
    }
    let is_text = TEXT_KEYS.contains(&lower.as_str())
        || TEXT_ENDS.iter().any(|(start, end)| lower.starts_with(start) && lower.ends_with(end));
    if is_text {
        let is_shell = text.as_deref().is_some_and(|text| text.starts_with('!'));
        found.text(Shell::Sh, without(&value, usize::from(is_shell)), &format!("git -c {lower}"));
    } else if FILE_KEYS.contains(&lower.as_str()) || lower.starts_with("includeif.") {
        found.unknown(format!("what the configuration {lower} makes git run"), word.span, "git -c");
    }
}

/// Options of commands of git whose value is a text for `sh`. Source: the manual of each command.
const OPTIONS: &[(&str, &[&str])] = &[
    ("rebase", &["-x", "--exec"]),
    (
        "filter-branch",
        &[
            "--tree-filter",
            "--index-filter",
            "--msg-filter",
            "--env-filter",
            "--parent-filter",
            "--commit-filter",
            "--tag-name-filter",
            "--setup",
        ],
    ),
    ("difftool", &["-x", "--extcmd"]),
    ("mergetool", &["-x", "--extcmd"]),
    ("grep", &["--open-files-in-pager", "-O"]),
    ("clone", &["--upload-pack", "-u"]),
    ("fetch", &["--upload-pack"]),
    ("pull", &["--upload-pack"]),
    ("push", &["--receive-pack", "--exec"]),
    ("ls-remote", &["--upload-pack", "--exec"]),
    ("archive", &["--exec"]),
    ("fetch-pack", &["--upload-pack", "--exec"]),
    ("send-pack", &["--receive-pack", "--exec"]),
    ("send-email", &["--to-cmd", "--cc-cmd", "--sendmail-cmd", "--smtp-server"]),
];

/// Options of commands of git with a value, as far as they matter here.
const INNER: Grammar = Grammar {
    valued: "xbCcuotmF",
    long: &[
        "exec",
        "upload-pack",
        "receive-pack",
        "extcmd",
        "tree-filter",
        "index-filter",
        "msg-filter",
        "env-filter",
        "parent-filter",
        "commit-filter",
        "tag-name-filter",
        "setup",
        "config",
        "template",
        "to-cmd",
        "cc-cmd",
        "sendmail-cmd",
        "smtp-server",
        "output",
    ],
};

/// Commands of git that are given commands.
fn command(name: &str, words: &[Word], call: Call<'_>, found: &mut Launches) {
    if let Some((_, options)) = OPTIONS.iter().find(|(known, _)| *known == name) {
        for given in args::read_all(words, INNER).options {
            // Git takes the beginning of a name for the whole, where it is not that of another option as well.
            let is_meant = |option: &str| {
                *option == given.name
                    || given.name.len() > 3 && option.starts_with("--") && option.starts_with(&given.name)
            };
            if options.iter().any(|option| is_meant(option))
                && let Some(value) = given.value
            {
                found.text(Shell::Sh, value, &format!("git {name} {}", given.name));
            }
        }
    }
    match name {
        "bisect" if words.first().and_then(Word::text).as_deref() == Some("run") => {
            found.words(words.get(1..).unwrap_or_default(), "git bisect run");
        }
        "submodule" => {
            let at = words.iter().position(|word| word.text().as_deref() == Some("foreach"));
            if let Some(rest) = at.and_then(|at| words.get(at + 1..)) {
                let rest = args::read(rest, Grammar::FLAGS).operands;
                found.text(Shell::Sh, joined(&rest), "git submodule foreach");
            }
            remote(words, found);
        }
        "for-each-repo" => {
            let rest = args::read(words, Grammar { valued: "", long: &["config"] }).operands;
            let git = Word::known("git", call.span());
            found.words(&[vec![git], rest].concat(), "git for-each-repo");
        }
        "grep" => pager_of_grep(words, found),
        "merge-index" => {
            let rest = args::read(words, Grammar::FLAGS).operands;
            found.words(rest.get(..1).unwrap_or_default(), "git merge-index");
        }
        "clone" | "init" => {
            remote(words, found);
            new_repository(name, words, found);
        }
        "fetch" | "pull" | "push" | "ls-remote" | "archive" | "fetch-pack" | "send-pack" | "remote" => {
            remote(words, found);
        }
        "config" => config(words, found),
        _ => {}
    }
}

/// `-O` with a value that is attached, also behind other letters: `-nOless`.
fn pager_of_grep(words: &[Word], found: &mut Launches) {
    for word in words {
        let start = word.known_start();
        let letters = start.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
        // Behind these letters the rest of the word is their value.
        let before =
            |at: &usize| !start.get(..*at).unwrap_or_default().contains(['e', 'f', 'A', 'B', 'C', 'm']);
        if let Some(at) = letters.and_then(|_| start.find('O')).filter(before)
            && (at + 1 < start.len() || word.has_unknown())
        {
            found.text(Shell::Sh, without(word, at + 1), "git grep -O");
        }
    }
}

/// Configuration and hooks that a new repository begins with.
fn new_repository(name: &str, words: &[Word], found: &mut Launches) {
    let grammar = Grammar { valued: "cbou", long: &["config", "template"] };
    for given in args::read_all(words, grammar).options {
        match (given.name.as_str(), given.value) {
            ("-c" | "--config", Some(value)) if name == "clone" => {
                configuration(&value, &mut Vec::new(), found);
            }
            ("--template", Some(value)) => {
                found.unknown(
                    "hooks from a template directory",
                    value.span,
                    &format!("git {name} --template"),
                );
            }
            _ => {}
        }
    }
}

/// `ext::` runs a command, and names that begin with a dash are options of `ssh`.
fn remote(words: &[Word], found: &mut Launches) {
    for word in words {
        let start = word.known_start();
        if start.starts_with("ext::") {
            found.text(Shell::Sh, without(word, 5), "git ext::");
        } else if start.starts_with("fd::") || start.starts_with("ssh://-") {
            found.unknown("a transport that git starts", word.span, "git");
        }
    }
}

/// `git config key value`: what is written now runs later.
fn config(words: &[Word], found: &mut Launches) {
    let grammar = Grammar { valued: "f", long: &["file", "blob", "type", "default", "comment", "value"] };
    let operands = args::read_all(words, grammar).operands;
    let is_verb = operands.first().and_then(Word::text).is_some_and(|text| text == "set" || text == "add");
    let operands = operands.get(usize::from(is_verb)..).unwrap_or_default();
    if let [key, value, ..] = operands
        && let Some(key_text) = key.text()
    {
        let mut pair = Word::known(format!("{key_text}="), value.span);
        pair.parts.extend(value.parts.iter().cloned());
        let mut aliases = Vec::new();
        configuration(&pair, &mut aliases, found);
        for (name, alias) in aliases.into_iter().filter(|(_, alias)| alias.split().is_none()) {
            found.text(Shell::Sh, joined(&alias.text()), &format!("git config alias.{name}"));
        }
    }
}
