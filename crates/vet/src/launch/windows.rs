//! Launchers of Windows.

use super::args::{joined, without};
use super::{Call, Launches};
use crate::command::{Command, Input, Part, Shell, Unknown, Word};
use crate::effect::EffectKind;

/// Reads a launcher of Windows; false if the program is none.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    match call.name {
        "start" => start(call, found),
        "call" => found.text(Shell::Cmd, joined(call.words), "call"),
        "forfiles" => {
            if let Some(text) = switch(call.words, "c") {
                found.text(Shell::Cmd, text, "forfiles /c");
            }
        }
        "wmic" => wmic(call, found),
        "schtasks" => {
            let changes = ["/create", "/change", "/run", "/end", "/delete"];
            if has(call.words, &changes) || !has(call.words, &["/query", "/?"]) {
                found.elevates("the task scheduler runs it, outside of what started this", call.span());
            }
            if let Some(text) = switch(call.words, "tr") {
                found.text(Shell::Cmd, text, "schtasks /tr");
            } else if has(call.words, &["/create", "/change", "/run"]) {
                found.unknown("a task that runs later", call.span(), "schtasks");
            }
        }
        "reg" => registry(call, found),
        "runas" => {
            found.elevates("it runs with the rights of another user", call.span());
            if let Some(text) = call.words.iter().rev().find(|word| !word.known_start().starts_with('/')) {
                found.text(Shell::Cmd, text.clone(), "runas");
            }
        }
        "sc" => {
            if has(call.words, &["create", "config", "start"]) {
                found.elevates("the service manager runs it, outside of what started this", call.span());
                found.unknown("a service", call.span(), "sc");
            }
        }
        "rundll32" | "regsvr32" | "mshta" | "cscript" | "wscript" | "msiexec" | "installutil" | "regasm"
        | "regsvcs" | "certutil" | "bitsadmin" | "odbcconf" | "cmstp" | "mavinject" | "presentationhost"
        | "hh" | "ieexec" | "pcalua" | "conhost" | "explorer" | "at.exe" | "psexec" | "winrs" | "winrm" => {
            unseen(call, found)
        }
        _ => return false,
    }
    true
}

/// Programs of Windows that load code or pass a command on in a way of their own.
fn unseen(call: Call<'_>, found: &mut Launches) {
    match (call.name, call.words.first()) {
        (_, None) => {}
        ("cscript" | "wscript", Some(_)) => {
            let file = call.words.iter().find(|word| !word.known_start().starts_with('/'));
            match file {
                Some(file) if !file.has_unknown() => found.executes(Some(file), "a script", file.span),
                _ => found.unknown("a script that is only known at run time", call.span(), call.name),
            }
        }
        ("conhost" | "psexec" | "winrs", Some(_)) => {
            let words: Vec<Word> = call
                .words
                .iter()
                .skip_while(|word| word.known_start().starts_with(['-', '/', '\\']))
                .cloned()
                .collect();
            found.words(&words, call.name);
        }
        ("pcalua", Some(_)) => {
            let at = call
                .words
                .iter()
                .position(|word| word.text().is_some_and(|text| text.eq_ignore_ascii_case("-a")));
            found.words(at.and_then(|at| call.words.get(at + 1..)).unwrap_or_default(), "pcalua");
        }
        ("certutil" | "bitsadmin", Some(_))
            if !has(
                call.words,
                &["-urlcache", "/transfer", "-decode", "/setnotifycmdline", "-decodehex", "/create"],
            ) => {}
        _ => found.unknown(format!("code that {} loads", call.name), call.span(), call.name),
    }
}

fn has(words: &[Word], wanted: &[&str]) -> bool {
    words.iter().any(|word| {
        let start = word.known_start().to_ascii_lowercase();
        wanted.iter().any(|name| start == *name || start.replacen('/', "-", 1) == *name)
    })
}

/// The value of `/name VALUE` or `/name:VALUE`, the case of letters aside.
fn switch(words: &[Word], name: &str) -> Option<Word> {
    words.iter().enumerate().find_map(|(at, word)| {
        let start = word.known_start().to_ascii_lowercase();
        let given = start.strip_prefix(['/', '-'])?;
        match given.strip_prefix(name)? {
            "" => words.get(at + 1).cloned(),
            rest if rest.starts_with(':') => Some(without(word, name.len() + 2)),
            _ => None,
        }
    })
}

/// `start "title" /d DIR /b PROGRAM args`.
fn start(call: Call<'_>, found: &mut Launches) {
    let mut rest = call.words;
    if rest.len() > 1
        && rest.first().and_then(Word::text).is_some_and(|title| title.is_empty() || title.contains(' '))
    {
        rest = rest.get(1..).unwrap_or_default();
    }
    while let Some((word, tail)) = rest.split_first()
        && let Some(flag) =
            word.text().filter(|text| text.strip_prefix('/').is_some_and(|flag| !flag.contains('/')))
    {
        let takes_next = matches!(flag.to_ascii_lowercase().as_str(), "/d" | "/node" | "/affinity");
        rest = tail.get(usize::from(takes_next)..).unwrap_or_default();
    }
    found.words(rest, "start");
}

/// `wmic process call create "TEXT"`.
fn wmic(call: Call<'_>, found: &mut Launches) {
    let at = call
        .words
        .iter()
        .position(|word| word.text().is_some_and(|text| text.eq_ignore_ascii_case("create")));
    if let Some(rest) = at.and_then(|at| call.words.get(at + 1..)) {
        found.elevates("the management service starts it, outside of what started this", call.span());
        match rest.first() {
            Some(text) => found.text(Shell::Cmd, text.clone(), "wmic process call create"),
            None => found.unknown("a process", call.span(), "wmic"),
        }
    }
    if has(call.words, &["-format"])
        || call.words.iter().any(|word| word.known_start().to_ascii_lowercase().starts_with("/format:"))
    {
        found.unknown("a style sheet with code", call.span(), "wmic /format");
    }
}

/// Keys of the registry from which programs are started.
const STARTING: &[&str] = &[
    "\\run",
    "\\runonce",
    "\\winlogon",
    "image file execution options",
    "\\command",
    "autorun",
    "\\environment",
    "appinit_dlls",
    "\\services\\",
];

fn registry(call: Call<'_>, found: &mut Launches) {
    let is_add = call.words.first().and_then(Word::text).is_some_and(|verb| verb.eq_ignore_ascii_case("add"));
    if call.words.first().and_then(Word::text).is_some_and(|verb| verb.eq_ignore_ascii_case("import")) {
        found.unknown("keys of the registry that a file holds", call.span(), "reg import");
    }
    if !is_add {
        return;
    }
    let key = call.words.get(1);
    let text = key.map(Word::known_start).unwrap_or_default().to_ascii_lowercase();
    let starts = STARTING.iter().any(|piece| text.contains(piece)) || key.is_some_and(Word::has_unknown);
    if starts {
        match switch(call.words, "d") {
            Some(data) => found.text(Shell::Cmd, data, "reg add"),
            None => found.unknown("a program that is started later", call.span(), "reg add"),
        }
    }
}

/// Commands of PowerShell that delete or move what comes through the pipe.
const DELETERS: &[&str] = &[
    "remove-item",
    "ri",
    "rm",
    "rmdir",
    "del",
    "erase",
    "rd",
    "clear-content",
    "clc",
    "move-item",
    "mi",
    "mv",
    "move",
    "rename-item",
    "rni",
    "ren",
];

/// Methods of an object that is not known which delete or move the file that it stands for.
const DELETING: &[&str] = &[".delete", ".moveto"];

/// Methods that write the file which an object stands for, or another one that they are given.
const WRITING: &[&str] = &[".copyto", ".openwrite", ".createtext", ".appendtext"];

/// Files of a pipe that are deleted, and methods that delete or write what they belong to: which, only the run will show.
pub(super) fn deletes_unseen(command: &Command, found: &mut Launches) {
    let Some((program, words)) = command.words.split_first() else { return };
    let name = program.known_start().to_ascii_lowercase();
    let is_option = |word: &Word| word.known_start().starts_with('-');
    let is_piped = matches!(command.input, Input::Pipe(_))
        && DELETERS.contains(&name.as_str())
        && words.iter().all(is_option);
    let is_one_of =
        |methods: &[&str]| name.starts_with("[?]") && methods.iter().any(|method| name.ends_with(method));
    let is_method = is_one_of(DELETING);
    if is_one_of(WRITING) {
        let why = Unknown::Other("the file of an object".to_owned());
        let target = Word { parts: vec![Part::Unknown { why, splits: false }], span: command.span };
        found.effect(EffectKind::Writes, Some(&target), "it writes a file of an object", command.span);
    }
    if is_piped || is_method {
        let why = Unknown::Other("what comes through the pipe".to_owned());
        let target = Word { parts: vec![Part::Unknown { why, splits: true }], span: command.span };
        found.effect(
            EffectKind::Deletes,
            Some(&target),
            "it deletes or moves what it is handed",
            command.span,
        );
    }
}
