//! Names that programs list: `find`, `fd`, `rg -l`, `grep -rl`, `git ls-files`, `ls`. What they print is not known, but where it
//! lies is: below the directories they are given. Such names are as good as the pattern `DIRECTORY/*` of a shell.
//!
//! A name with a blank is more than one word to `xargs` and to the shell, and a link among the names leads elsewhere: as with
//! patterns, only the sandbox decides there.

mod find;

use super::args::{Grammar, read_all};
use crate::command::{Part, Word};
use find::find;

/// Patterns that one list may have.
const MOST: usize = 8;

/// Words of a command that are looked at: several others may read from it.
const MOST_WORDS: usize = 256;

/// Names in a repository and in settings that a search with hidden files finds, and that nobody means.
const GUARDED: &[&str] = &[
    "HEAD",
    "MERGE_MSG",
    "attributes",
    "commondir",
    "config",
    "config.worktree",
    "description",
    "exclude",
    "gitdir",
    "hooks",
    "index",
    "info",
    "launch.json",
    "modules",
    "objects",
    "refs",
    "settings.json",
    "settings.local.json",
    "tasks.json",
    "update",
    "worktrees",
];

/// How the names of hooks begin.
const HOOKS: &[&str] = &[
    "applypatch-",
    "commit-",
    "fsmonitor-",
    "p4-",
    "post-",
    "pre-",
    "prepare-",
    "proc-receive",
    "push-to-",
    "reference-",
    "sendemail-",
];

/// The patterns of the names that a command prints, one a line or with zeros between them; `None` where it prints something
/// else, or where what it finds is not known.
pub(crate) fn names(words: &[Word]) -> Option<Vec<String>> {
    let (program, words) = words.split_first().filter(|_| words.len() <= MOST_WORDS)?;
    let found = match program.text()?.as_str() {
        "find" => find(words, false),
        "fd" | "fdfind" => fd(words),
        "rg" => ripgrep(words),
        "grep" | "egrep" | "fgrep" => grep(words),
        "git" => git(words),
        "ls" => ls(words),
        _ => None,
    }?;
    (1..=MOST).contains(&found.len()).then_some(found)
}

/// The patterns of the names that `find` hands to a command; `words` are those behind the program.
pub(crate) fn handed_by_find(words: &[Word]) -> Option<Vec<String>> {
    find(words, true).filter(|found| (1..=MOST).contains(&found.len()))
}

/// The patterns of the names that `fd` hands to a command; `words` are those behind the program.
pub(crate) fn handed_by_fd(words: &[Word]) -> Option<Vec<String>> {
    const ACTIONS: [&str; 4] = ["-x", "-X", "--exec", "--exec-batch"];
    let begins = |word: &Word| word.text().is_some_and(|text| ACTIONS.contains(&text.as_str()));
    let before = words.get(..words.iter().position(begins)?)?;
    fd(before).filter(|found| (1..=MOST).contains(&found.len()))
}

/// True if a command prints lines of its input and nothing else, so that what comes out are the names that went in.
pub(crate) fn is_filter(words: &[Word]) -> bool {
    let texts = words.iter().take(MOST_WORDS).map(Word::text).collect::<Option<Vec<_>>>();
    let Some(texts) = texts.filter(|_| words.len() <= MOST_WORDS) else { return false };
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let Some((program, rest)) = texts.split_first() else { return false };
    let is_option = |word: &&&str| word.starts_with('-') && word.len() > 1;
    let options: Vec<&str> = rest.iter().filter(is_option).copied().collect();
    let operands: Vec<&str> = rest.iter().filter(|word| !is_option(word)).copied().collect();
    let has_letter = |letters: &str| {
        options
            .iter()
            .any(|option| option.starts_with("--") || option.contains(|letter| letters.contains(letter)))
    };
    match *program {
        "sort" => operands.is_empty() && !has_letter("oTtkS"),
        "uniq" => operands.is_empty() && !has_letter("cfsw"),
        "head" | "tail" => operands.iter().all(|word| word.trim_start_matches('+').parse::<u32>().is_ok()),
        "grep" | "egrep" | "fgrep" => operands.len() == 1 && !has_letter("cbHlLnoqrRfABCTmed"),
        "tr" => options.is_empty() && matches!(operands.as_slice(), ["\\n", "\\0" | "\\000"]),
        _ => false,
    }
}

// ---- Patterns -------------------------------------------------------------------------------------------------

/// The text of a word whose letters are known, and that begins no option. A pattern is taken by its letters.
fn place(word: &Word) -> Option<String> {
    let mut text = String::new();
    for part in &word.parts {
        match part {
            Part::Text(piece) | Part::Pattern(piece) => text.push_str(piece),
            Part::Home(_) | Part::Unknown { .. } => return None,
        }
    }
    (!text.is_empty() && !text.contains(['\n', '\0'])).then_some(text)
}

fn places(words: &[Word]) -> Option<Vec<String>> {
    words.iter().map(place).collect()
}

/// What stands below a directory.
fn below(directory: &str, name: &str) -> String {
    match directory.trim_end_matches('/') {
        "" if directory.starts_with('/') => format!("/{name}"),
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}

/// True if a directory may be the top of a working tree, so that a search with hidden files finds the repository.
fn may_have_repository(directory: &str) -> bool {
    let mut pieces = directory.split('/').filter(|piece| !matches!(*piece, "" | "."));
    directory.starts_with('/') || pieces.next().is_none() || directory.split('/').any(|piece| piece == "..")
}

/// True if a pattern for the last name of a path stands for no name that is guarded: `*.py`, `__pycache__`, not `*` or `config`.
fn is_plain_name(pattern: &str) -> bool {
    let literal =
        pattern.split(['*', '?', '[', ']', '\\']).max_by_key(|piece| piece.len()).unwrap_or_default();
    let is_whole = literal.len() == pattern.len();
    let is_guarded = |name: &str| GUARDED.contains(&name) || HOOKS.iter().any(|hook| name.starts_with(hook));
    let ends = |suffix: &str| GUARDED.iter().any(|name| name.ends_with(suffix));
    let fits = if is_whole {
        !is_guarded(pattern)
    } else {
        // The ending of a file's name, or a beginning that is none of the guarded.
        let first = pattern.split(['*', '?', '[']).next().unwrap_or_default();
        let last = pattern.rsplit(['*', '?', ']']).next().unwrap_or_default();
        let begins = first.len() >= 2
            && !GUARDED.iter().chain(HOOKS).any(|name| name.starts_with(first) || first.starts_with(name));
        last.len() >= 2 && last.starts_with('.') && !ends(last) || begins
    };
    fits && !pattern.starts_with('.') && !pattern.contains('/') && literal.len() >= 2
}

// ---- Others ---------------------------------------------------------------------------------------------------

fn fd(words: &[Word]) -> Option<Vec<String>> {
    const GRAMMAR: Grammar = Grammar {
        valued: "dteSEcjoC",
        long: &[
            "max-depth",
            "min-depth",
            "exact-depth",
            "type",
            "extension",
            "size",
            "exclude",
            "color",
            "threads",
            "owner",
            "base-directory",
            "changed-within",
            "changed-before",
            "max-results",
            "search-path",
            "format",
            "path-separator",
        ],
    };
    let options = read_all(words, GRAMMAR);
    let odd = [
        "-H",
        "--hidden",
        "-u",
        "--unrestricted",
        "-a",
        "--absolute-path",
        "-l",
        "--list-details",
        "-x",
        "--exec",
        "-X",
    ];
    let elsewhere =
        ["--exec-batch", "-C", "--base-directory", "--search-path", "--format", "--path-separator"];
    if options.has(&odd) || options.has(&elsewhere) {
        return None;
    }
    below_all(options.operands.get(1..).unwrap_or_default())
}

fn ripgrep(words: &[Word]) -> Option<Vec<String>> {
    const GRAMMAR: Grammar = Grammar {
        valued: "efgtTABCmMjrdE",
        long: &[
            "regexp",
            "file",
            "glob",
            "iglob",
            "type",
            "type-not",
            "after-context",
            "before-context",
            "context",
            "max-count",
            "max-columns",
            "threads",
            "max-depth",
            "sort",
            "sortr",
            "color",
            "encoding",
            "engine",
            "max-filesize",
            "colors",
        ],
    };
    let options = read_all(words, GRAMMAR);
    let lists_all = options.has(&["--files"]);
    let lists = options.has(&["-l", "--files-with-matches", "--files-without-match"]) || lists_all;
    let shows_hidden = options.has(&["--hidden", "-.", "-u", "--unrestricted", "--no-ignore"]);
    let odd = ["--pre", "-r", "--replace", "--json", "-c", "--count", "--path-separator", "--color"];
    if !lists || shows_hidden || options.has(&odd) {
        return None;
    }
    let has_pattern = lists_all || options.has(&["-e", "--regexp", "-f", "--file"]);
    below_all(options.operands.get(usize::from(!has_pattern)..).unwrap_or_default())
}

fn below_all(directories: &[Word]) -> Option<Vec<String>> {
    if directories.is_empty() {
        return Some(vec!["*".to_owned()]);
    }
    // A directory of this name, or a file.
    Some(places(directories)?.iter().take(MOST + 1).map(|directory| below(directory, "*")).collect())
}

fn grep(words: &[Word]) -> Option<Vec<String>> {
    const GRAMMAR: Grammar = Grammar {
        valued: "efmABCDd",
        long: &[
            "regexp",
            "file",
            "max-count",
            "after-context",
            "before-context",
            "context",
            "devices",
            "directories",
            "include",
            "exclude",
            "exclude-dir",
            "exclude-from",
            "binary-files",
            "label",
        ],
    };
    let options = read_all(words, GRAMMAR);
    if !options.has(&["-l", "-L", "--files-with-matches", "--files-without-match"])
        || options.has(&["--label"])
    {
        return None;
    }
    let has_pattern = options.has(&["-e", "--regexp", "-f", "--file"]);
    let operands = options.operands.get(usize::from(!has_pattern)..).unwrap_or_default();
    if !options.has(&["-r", "-R", "--recursive", "--dereference-recursive"]) {
        return places(operands)
            .filter(|files| !options.has(&["-d", "--directories"]) && !files.iter().any(|file| file == "-"));
    }
    let values = |name: &str| {
        let given = options.options.iter().filter(|given| given.name == name);
        given.map(|given| given.value.as_ref().and_then(Word::text)).collect::<Option<Vec<_>>>()
    };
    let included = values("--include")?;
    let excluded = values("--exclude-dir")?;
    let directories = if operands.is_empty() { vec![".".to_owned()] } else { places(operands)? };
    let names = if !included.is_empty() && included.iter().all(|name| is_plain_name(name)) {
        included
    } else if excluded.iter().any(|name| matches!(name.as_str(), ".git" | ".*" | ".git*"))
        || !directories.iter().any(|directory| may_have_repository(directory))
    {
        vec!["*".to_owned()]
    } else {
        return None;
    };
    let pairs = directories.iter().flat_map(|directory| names.iter().map(|name| below(directory, name)));
    Some(pairs.take(MOST + 1).collect())
}

/// `git ls-files`, `git grep -l`, `git diff --name-only`: names of the repository's own files.
fn git(words: &[Word]) -> Option<Vec<String>> {
    let (sub, words) = words.split_first()?;
    let texts: Vec<String> = words.iter().map(place).collect::<Option<_>>()?;
    let has = |wanted: &[&str]| texts.iter().any(|word| wanted.contains(&word.as_str()));
    let lists = match sub.text()?.as_str() {
        "ls-files" => !has(&[
            "-s",
            "--stage",
            "-u",
            "--unmerged",
            "-t",
            "-v",
            "-f",
            "--debug",
            "--eol",
            "--resolve-undo",
        ]),
        "grep" => has(&["-l", "--files-with-matches", "--name-only", "-L", "--files-without-match"]),
        "diff" => has(&["--name-only"]),
        _ => false,
    };
    // Steps upwards, and settings that give the names another form.
    let is_odd = |word: &String| {
        word == ".."
            || word.starts_with("../")
            || word.contains("/../")
            || word.starts_with("--format")
            || word.starts_with("-O")
    };
    let abbreviates =
        texts.iter().any(|word| word.starts_with("--open-files") || word.starts_with("--no-index"));
    (lists && !abbreviates && !texts.iter().any(is_odd)).then(|| vec!["*".to_owned()])
}

/// `ls`: the names in this directory, or the files that it is given.
fn ls(words: &[Word]) -> Option<Vec<String>> {
    let is_option = |word: &&Word| word.known_start().starts_with('-');
    let options: Vec<String> = words.iter().filter(is_option).map(Word::text).collect::<Option<_>>()?;
    let is_plain = |option: &String| {
        !option.starts_with("--") && option.bytes().skip(1).all(|letter| b"1dtrSUvXp".contains(&letter))
    };
    let operands: Vec<Word> = words.iter().filter(|word| !is_option(word)).cloned().collect();
    if !options.iter().all(is_plain) || options.iter().any(|option| option.contains('p')) {
        return None;
    }
    let operands = places(&operands)?;
    // Of a directory it prints the names without it.
    let mut found = vec!["*".to_owned()];
    found.extend(operands);
    Some(found)
}
