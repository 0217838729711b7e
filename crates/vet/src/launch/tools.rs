//! Tools that are no launchers by trade, with options or commands that start programs.

use super::args::{self, Grammar};
use super::compilers;
use super::{Call, Launches};
use crate::command::{Input, RedirectionKind, Shell, Word};
use crate::knowledge::stays_in_database;

/// An option of a tool whose value runs.
struct Row {
    names: &'static [&'static str],
    grammar: Grammar,
    /// Options whose value is a text for `sh`.
    texts: &'static [&'static str],
    /// Options whose value makes the tool run what is not seen.
    unseen: &'static [&'static str],
}

const fn row(
    names: &'static [&'static str],
    valued: &'static str,
    long: &'static [&'static str],
    texts: &'static [&'static str],
    unseen: &'static [&'static str],
) -> Row {
    Row { names, grammar: Grammar { valued, long }, texts, unseen }
}

/// Source: the manual of each tool.
static ROWS: &[Row] = &[
    row(
        &["tar", "gtar", "bsdtar"],
        "CfbFHIKLNTVXg",
        &[
            "directory",
            "file",
            "to-command",
            "checkpoint-action",
            "use-compress-program",
            "info-script",
            "new-volume-script",
            "rsh-command",
            "rmt-command",
            "exclude",
            "files-from",
            "transform",
            "strip-components",
            "owner",
            "group",
            "mode",
            "mtime",
            "checkpoint-dummy",
        ],
        &[
            "--to-command",
            "-I",
            "--use-compress-program",
            "-F",
            "--info-script",
            "--new-volume-script",
            "--rsh-command",
            "--rmt-command",
        ],
        &[],
    ),
    row(
        &["rsync"],
        "eBfMT",
        &[
            "rsh",
            "rsync-path",
            "exclude",
            "include",
            "filter",
            "files-from",
            "exclude-from",
            "include-from",
            "temp-dir",
            "log-file",
            "bwlimit",
            "password-file",
            "early-input",
            "remote-option",
        ],
        &["-e", "--rsh", "--rsync-path"],
        &["--early-input"],
    ),
    row(&["scp", "sftp"], "cDFiJloPSXBbRs", &[], &["-S", "-D"], &["-F"]),
    row(
        &["sort", "gsort"],
        "kotTS",
        &[
            "compress-program",
            "key",
            "output",
            "temporary-directory",
            "field-separator",
            "buffer-size",
            "batch-size",
            "files0-from",
            "parallel",
            "random-source",
        ],
        &["--compress-program"],
        &[],
    ),
    row(
        &["split", "gsplit"],
        "abCln",
        &["filter", "suffix-length", "bytes", "lines", "line-bytes", "number", "additional-suffix"],
        &["--filter"],
        &[],
    ),
    row(
        &["rg", "ripgrep"],
        "ABCefgjmMrtTdE",
        &[
            "pre",
            "pre-glob",
            "hostname-bin",
            "regexp",
            "glob",
            "file",
            "max-count",
            "type",
            "replace",
            "context",
            "sort",
            "encoding",
            "ignore-file",
            "iglob",
            "threads",
            "max-depth",
            "engine",
            "colors",
            "hyperlink-format",
        ],
        &["--pre", "--hostname-bin"],
        &[],
    ),
    row(
        &["man"],
        "PprLmMSseECRtTHX",
        &[
            "pager",
            "preprocessor",
            "html",
            "manpath",
            "locale",
            "sections",
            "extension",
            "config-file",
            "recode",
            "encoding",
        ],
        &["-P", "--pager", "-H", "--html"],
        &["-C", "--config-file"],
    ),
    row(&["zip"], "tnbx", &["unzip-command", "temp-path"], &["-TT", "--unzip-command"], &[]),
    row(
        &["less", "more", "most"],
        "kpPtTxyobhj",
        &["lesskey-file", "lesskey-src", "lesskey-content"],
        &[],
        &["-k", "--lesskey-file", "--lesskey-src", "--lesskey-content"],
    ),
    row(
        &["gdb", "lldb", "cgdb"],
        "xodpOsSP",
        &[
            "ex",
            "eval-command",
            "command",
            "init-eval-command",
            "init-command",
            "source",
            "one-line",
            "batch-file",
        ],
        &[],
        &[
            "--ex",
            "--eval-command",
            "-x",
            "--command",
            "--init-eval-command",
            "--init-command",
            "-o",
            "-O",
            "-s",
            "-S",
            "-P",
            "--source",
            "--one-line",
        ],
    ),
    row(&["tmux"], "fLSc", &[], &["-c"], &["-f"]),
    row(&["screen"], "cehpstTX", &[], &[], &["-c"]),
    row(
        &["wget"],
        "eOoUPtTiQBl",
        &["use-askpass", "execute", "output-document", "config", "post-file", "header"],
        &["--use-askpass"],
        &["-e", "--execute", "--config"],
    ),
    row(
        &["curl"],
        "odHXuFKATbceEmQrxyYzPtwCDh",
        &["config", "output", "data", "header", "request", "user"],
        &[],
        &[],
    ),
    row(&["openssl"], "", &["engine", "provider"], &[], &["--engine", "--provider"]),
    row(&["nmap"], "pieTDS", &["script", "script-args"], &[], &["--script"]),
    row(
        &["nc", "ncat", "netcat"],
        "ecpswiqIOTXx",
        &["exec", "sh-exec", "lua-exec"],
        &["-e", "-c", "--exec", "--sh-exec"],
        &["--lua-exec"],
    ),
    row(&["dpkg"], "", &["pre-invoke", "post-invoke"], &["--pre-invoke", "--post-invoke"], &[]),
    row(
        &["apt", "apt-get"],
        "oct",
        &["option", "config-file"],
        &[],
        &["-o", "-c", "--option", "--config-file"],
    ),
    row(
        &["pg_dump", "psql"],
        "cfdhUpvoLF",
        &["command", "file", "dbname", "host", "username", "port"],
        &[],
        &[],
    ),
    row(
        &["bat", "batcat", "delta"],
        "lmHrAP",
        &["pager", "language", "line-range", "style", "theme"],
        &["--pager"],
        &[],
    ),
    row(
        &["gpg", "gpg2"],
        "oruNbdhK",
        &["photo-viewer", "output", "recipient", "local-user", "agent-program", "homedir"],
        &["--photo-viewer"],
        &["--agent-program"],
    ),
    row(
        &["svn"],
        "mrFxNc",
        &["editor-cmd", "diff-cmd", "diff3-cmd", "config-option", "message", "revision"],
        &["--editor-cmd", "--diff-cmd", "--diff3-cmd"],
        &["--config-option"],
    ),
    row(&["sshfs"], "opF", &[], &[], &["-F"]),
    row(&["ag"], "ABCGmp", &["pager", "file-search-regex", "ignore", "path-to-ignore"], &["--pager"], &[]),
    row(
        &["xterm", "alacritty", "gnome-terminal", "konsole", "kitty", "wezterm", "foot"],
        "e",
        &["command"],
        &["-e", "--command"],
        &[],
    ),
];

/// Reads one of the tools; false if the program is none.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    match call.name {
        "vi" | "vim" | "nvim" | "view" | "ex" | "gvim" | "vimdiff" | "rvim" => editor(call, found),
        "emacs" | "emacsclient" => emacs(call, found),
        "ed" | "red" => found_in_input(call, "commands of an editor", found),
        "gdb" | "lldb" | "cgdb" | "gnuplot" | "dc" | "m4" | "gp" | "octave" => {
            if call.name != "dc" || input_escapes(call) {
                given_input(call, "commands of a program that can start others", found);
            }
            return read_row(call, found);
        }
        "expect" | "dejagnu" => expect(call, found),
        "sqlite3" | "sqlite" => sqlite(call, found),
        "at" | "batch" => later(call, found),
        "crontab" => crontab(call, found),
        name if compilers::is_compiler(name) => return compilers::compiler(call, found),
        "ld" | "ld.bfd" | "ld.gold" | "ld.lld" | "lld" | "mold" => return compilers::linker(call, found),
        "gh" => return compilers::codespace(call, found),
        "ssh-keygen" | "ssh-add" | "ssh-agent" => return security_key(call, found),
        "socat" => socat(call, found),
        _ => return read_row(call, found),
    }
    true
}

fn read_row(call: Call<'_>, found: &mut Launches) -> bool {
    let Some(row) = ROWS.iter().find(|row| row.names.contains(&call.name)) else { return false };
    options(row, call, found);
    special(call, found);
    true
}

/// Input that is in the text, for a program whose language has a way to the shell in many words.
fn given_input(call: Call<'_>, what: &str, found: &mut Launches) {
    match &call.command.input {
        Input::Text(text) => found.unknown(what, text.span, call.name),
        Input::Pipe(_) => found.unknown(what, call.span(), call.name),
        Input::Inherited => {}
    }
}

/// True unless the input is known and holds no mark of an escape.
fn input_escapes(call: Call<'_>) -> bool {
    match &call.command.input {
        Input::Text(text) => text.text().is_none_or(|text| text.contains('!')),
        Input::Pipe(_) | Input::Inherited => false,
    }
}

fn options(row: &Row, call: Call<'_>, found: &mut Launches) {
    // Options of one dash and several letters are read like those with two.
    let words: Vec<Word> = call.words.iter().map(|word| doubled(word, row)).collect();
    let words = if call.name == "tar" { old_style(&words) } else { words };
    for given in args::read_all(&words, row.grammar).options {
        let name = given.name.as_str();
        let via = format!("{} {name}", call.name);
        match given.value {
            Some(value) if row.texts.contains(&name) => found.text(Shell::Sh, value, &via),
            Some(value) if name == "--checkpoint-action" => checkpoint(&value, found),
            Some(value) if row.unseen.contains(&name) => {
                found.unknown(format!("what `{via}` makes it run"), value.span, &via);
            }
            _ => {}
        }
    }
}

/// `-ex` and `-TT`: a long name behind one dash.
fn doubled(word: &Word, row: &Row) -> Word {
    let start = word.known_start();
    let Some(name) = start.strip_prefix('-').filter(|name| name.len() > 1 && !name.starts_with('-')) else {
        return word.clone();
    };
    let name = name.split('=').next().unwrap_or(name);
    let is_long = row.grammar.long.contains(&name) && matches!(row.names.first(), Some(&("gdb" | "openssl")));
    if !is_long {
        return word.clone();
    }
    let mut parts = vec![crate::command::Part::Text("-".to_owned())];
    parts.extend(word.parts.iter().cloned());
    let mut whole = Word { parts, span: word.span };
    if let (Some(text), true) = (whole.text(), true) {
        whole = Word::known(text, word.span);
    }
    whole
}

/// `tar xfI a.tar prog`: letters without a dash, whose values follow in order.
fn old_style(words: &[Word]) -> Vec<Word> {
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let Some(letters) = first.text().filter(|text| !text.starts_with('-') && !text.is_empty()) else {
        return words.to_vec();
    };
    let mut spelled = Vec::with_capacity(words.len() + letters.len());
    let mut values = rest.iter();
    for letter in letters.chars() {
        spelled.push(Word::known(format!("-{letter}"), first.span));
        if "CfbFHIKLNTVXg".contains(letter) {
            spelled.extend(values.next().cloned());
        }
    }
    spelled.extend(values.cloned());
    spelled
}

fn checkpoint(value: &Word, found: &mut Launches) {
    let start = value.known_start();
    if let Some(at) = start.find("exec=") {
        found.text(Shell::Sh, args::without(value, at + 5), "tar --checkpoint-action");
    } else if value.has_unknown() {
        found.unknown("an action of tar that is only known at run time", value.span, "tar");
    }
}

/// What is not an option.
fn special(call: Call<'_>, found: &mut Launches) {
    match call.name {
        "gdb" | "lldb" => {
            let mark = |word: &Word| matches!(word.text().as_deref(), Some("--args" | "-args" | "--"));
            let at = call.words.iter().position(mark);
            let words = at.and_then(|at| call.words.get(at + 1..)).map(<[Word]>::to_vec);
            if let Some(words) = words {
                found.words(&words, "gdb --args");
            }
        }
        "sshfs" => {
            for word in call.words {
                let start = word.known_start();
                if let Some(at) = start.to_ascii_lowercase().find("command=") {
                    found.text(Shell::Sh, args::without(word, at + 8), "sshfs -o");
                }
            }
        }
        "screen" => {
            found.elevates("a terminal server that runs already may do it", call.span());
            found.words(
                &args::read(call.words, Grammar { valued: "cehpsStTX", long: &[] }).operands,
                "screen",
            );
        }
        "tmux" => {
            let verbs = [
                "new",
                "new-session",
                "new-window",
                "neww",
                "split-window",
                "splitw",
                "run-shell",
                "run",
                "respawn-pane",
                "if-shell",
                "pipe-pane",
                "send-keys",
                "send",
            ];
            let at = call
                .words
                .iter()
                .position(|word| word.text().is_some_and(|text| verbs.contains(&text.as_str())));
            if let Some(rest) = at.and_then(|at| call.words.get(at + 1..)) {
                found.elevates("a terminal server that runs already may do it", call.span());
                let operands = args::read(rest, Grammar { valued: "cnstxyFept", long: &[] }).operands;
                if !operands.is_empty() {
                    found.text(Shell::Sh, args::joined(&operands), call.name);
                }
            }
        }
        "zip" => test_of_zip(call, found),
        "xterm" | "alacritty" | "kitty" | "foot" | "konsole" | "gnome-terminal" => {
            let at =
                call.words.iter().position(|word| matches!(word.text().as_deref(), Some("-e" | "--" | "-x")));
            if let Some(words) = at.and_then(|at| call.words.get(at + 1..)) {
                found.words(words, call.name);
            }
        }
        "less" | "more" | "most" => {
            for word in call.words.iter().filter(|word| word.known_start().starts_with('+')) {
                let text = word.known_start();
                if text.contains(['!', '|']) || word.has_unknown() {
                    found.text(
                        Shell::Sh,
                        args::without(word, text.find(['!', '|']).map_or(1, |at| at + 1)),
                        "less +!",
                    );
                }
            }
        }
        _ => {}
    }
}

/// `-TT TEXT` and `-qTTTEXT`: the command with which zip tests.
fn test_of_zip(call: Call<'_>, found: &mut Launches) {
    let mut words = call.words.iter();
    while let Some(word) = words.next() {
        let start = word.known_start();
        let Some(at) = start.find("TT").filter(|_| start.starts_with('-') && !start.starts_with("--")) else {
            continue;
        };
        if at + 2 < start.len() || word.has_unknown() {
            found.text(Shell::Sh, args::without(word, at + 2), "zip -TT");
        }
        // With `-TTT` both readings are open: the value may be attached or stand behind.
        if start.trim_end_matches('T').len() <= at
            && let Some(text) = words.next()
        {
            found.text(Shell::Sh, text.clone(), "zip -TT");
        }
    }
}

/// Editors of the family of vi: `-c COMMAND`, `+COMMAND`, scripts.
fn editor(call: Call<'_>, found: &mut Launches) {
    let grammar =
        Grammar { valued: "cSsuUiTwWtd", long: &["cmd", "remote-expr", "remote-send", "servername"] };
    let read = args::read_all(call.words, grammar);
    for given in &read.options {
        match (given.name.as_str(), &given.value) {
            ("-c" | "--cmd", Some(value)) => ex_command(value, call, found),
            ("-S" | "-s" | "-u" | "-U" | "--remote-expr" | "--remote-send", Some(value))
                if value.text().as_deref() != Some("NONE") =>
            {
                found.unknown("a script of the editor", value.span, call.name);
            }
            _ => {}
        }
    }
    for word in read.operands.iter().filter(|word| word.known_start().starts_with('+')) {
        ex_command(&args::without(word, 1), call, found);
    }
    found_in_input(call, "commands of an editor", found);
}

/// `!COMMAND` runs it; moving, saving and quitting do nothing else; the rest is not known.
fn ex_command(word: &Word, call: Call<'_>, found: &mut Launches) {
    let start = word.known_start();
    let command = start.trim_start_matches([':', ' ']);
    if let Some(at) =
        start.find('!').filter(|_| command.starts_with(['!', 'r', '%', '.', 'w']) && command.contains('!'))
        && !matches!(command, "wq!" | "w!" | "q!" | "qa!")
    {
        return found.text(Shell::Sh, args::without(word, at + 1), &format!("{} -c", call.name));
    }
    let is_harmless = word.text().is_some()
        && (command.bytes().all(|byte| byte.is_ascii_digit() || byte == b'$')
            || matches!(command, "q" | "wq" | "x" | "w" | "qa" | "wq!" | "q!" | "qa!" | "w!")
            || command.starts_with('/')
            || command.starts_with("set "));
    if !is_harmless {
        found.unknown("a command of the editor", word.span, call.name);
    }
}

fn emacs(call: Call<'_>, found: &mut Launches) {
    let flags = [
        "--eval",
        "-eval",
        "-e",
        "-l",
        "--load",
        "-load",
        "-f",
        "--funcall",
        "--script",
        "-script",
        "--execute",
        "-q",
    ];
    for word in call.words {
        let start = word.known_start();
        let name = start.split('=').next().unwrap_or_default();
        if flags.contains(&name) && name != "-q" {
            found.unknown("code for emacs", word.span, "emacs");
        }
    }
}

/// Commands for a program that has an escape to the shell, as far as its input is in the text.
fn found_in_input(call: Call<'_>, what: &str, found: &mut Launches) {
    match &call.command.input {
        Input::Text(text) => {
            let is_plain = text.text().is_some_and(|text| {
                !text.lines().any(|line| {
                    let line = line.trim_start();
                    line.contains('!') || line.starts_with(".shell") || line.starts_with(".system")
                })
            });
            if !is_plain {
                found.unknown(what, text.span, call.name);
            }
        }
        Input::Pipe(_) => found.unknown(what, call.span(), call.name),
        Input::Inherited => {}
    }
}

fn expect(call: Call<'_>, found: &mut Launches) {
    let options = args::read(call.words, Grammar { valued: "cf", long: &[] });
    match (options.value(&["-c"]), options.operands.first()) {
        (Some(text), _) => found.unknown("a script of expect", text.span, "expect -c"),
        (None, Some(file)) => found.executes(Some(file), "a script of expect", file.span),
        (None, None) => found.unknown("a script of expect", call.span(), "expect"),
    }
}

/// `.shell` and `.system` run commands, `.load` and `load_extension` load code, `.output` may open a pipe. What else words
/// do, the table says; here are those that run something, and lines of standard input.
fn sqlite(call: Call<'_>, found: &mut Launches) {
    const WHAT: &str = "a command of sqlite3 that may start programs";
    for word in call.words {
        let start = word.known_start();
        let Some(command) = start.trim_start().strip_prefix('.') else { continue };
        let verb = command.split_whitespace().next().unwrap_or_default();
        let is_shell = verb.len() > 1 && ("shell".starts_with(verb) || "system".starts_with(verb));
        let runs = ["load", "read", "import", "excel", "edit", "once", "ou", "sh", "sy"];
        if is_shell {
            let at = start.len() - command.len() + verb.len();
            found.text(Shell::Sh, args::without(word, at), "sqlite3 .shell");
        } else if word.has_unknown() || runs.iter().any(|start| command.starts_with(start)) {
            found.unknown(WHAT, word.span, "sqlite3");
        }
    }
    if has_statements(call.words) {
        return;
    }
    for redirection in &call.command.redirections {
        if redirection.kind == RedirectionKind::Read {
            found.executes(
                Some(&redirection.target),
                "commands of sqlite3 in a file",
                redirection.target.span,
            );
        }
    }
    match &call.command.input {
        Input::Text(text) if !text.text().is_some_and(|text| stays_in_database(&text)) => {
            found.unknown(WHAT, text.span, "sqlite3");
        }
        Input::Pipe(_) => {
            found.unknown("commands of sqlite3 that come through a pipe", call.span(), "sqlite3")
        }
        Input::Text(_) | Input::Inherited => {}
    }
}

/// True if something stands behind the database, so that standard input is not read.
fn has_statements(words: &[Word]) -> bool {
    const VALUED: &[&str] =
        &["separator", "nullvalue", "newline", "mmap", "maxsize", "memtrace", "vfs", "init", "cmd"];
    let (mut operands, mut values) = (0, 0);
    for word in words {
        let start = word.known_start();
        if values > 0 {
            values -= 1;
        } else if let Some(option) = start.strip_prefix('-') {
            let name = option.trim_start_matches('-');
            values = match name {
                "lookaside" | "pagecache" => 2,
                _ => usize::from(VALUED.contains(&name)),
            };
        } else {
            operands += 1;
        }
    }
    operands > 1
}

/// Libraries for keys, and the command that an agent runs. False if there is none.
fn security_key(call: Call<'_>, found: &mut Launches) -> bool {
    let options = args::read(call.words, Grammar { valued: "DwsSabCEfFmNnOPtVZ", long: &[] });
    let library = match call.name {
        "ssh-keygen" => options.value(&["-D", "-w"]),
        "ssh-add" => options.value(&["-s", "-S"]),
        _ => None,
    };
    if let Some(library) = library {
        found.unknown("a library for keys", library.span, call.name);
        return true;
    }
    if call.name == "ssh-agent" && !options.operands.is_empty() {
        found.words(&options.operands, "ssh-agent");
        return true;
    }
    false
}

const LATER: &str = "a service runs it later, outside of what started this";

fn later(call: Call<'_>, found: &mut Launches) {
    let options = args::read(call.words, Grammar { valued: "fqt", long: &[] });
    if options.has(&["-l", "-d", "-r"]) {
        return;
    }
    found.elevates(LATER, call.span());
    match (options.value(&["-f"]), &call.command.input) {
        (Some(file), _) => found.executes(Some(file), "commands that run later", file.span),
        (None, Input::Text(text)) => found.text(Shell::Sh, text.clone(), call.name),
        (None, _) => found.unknown("commands that run later", call.span(), call.name),
    }
}

fn crontab(call: Call<'_>, found: &mut Launches) {
    let options = args::read(call.words, Grammar { valued: "u", long: &[] });
    if options.has(&["-l"]) {
        return;
    }
    found.elevates(LATER, call.span());
    if !options.has(&["-r"]) {
        found.unknown("commands that run later", call.span(), "crontab");
    }
}

/// `EXEC:` and `SYSTEM:` addresses start programs.
fn socat(call: Call<'_>, found: &mut Launches) {
    for word in call.words {
        let start = word.known_start();
        let upper = start.to_ascii_uppercase();
        for kind in ["EXEC:", "SYSTEM:", "SHELL:"] {
            if let Some(at) = upper.find(kind) {
                found.text(Shell::Sh, args::without(word, at + kind.len()), "socat");
            }
        }
        if word.has_unknown() && !start.contains(':') {
            found.unknown("an address of socat that is only known at run time", word.span, "socat");
        }
    }
}
