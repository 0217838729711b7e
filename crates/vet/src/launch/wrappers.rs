//! Launchers that put options, perhaps some operands, in front of a whole command: one table.

use super::args::{self, Grammar, joined};
use super::{Call, Launches, finders, variables};
use crate::command::{Part, Shell, Unknown, Word};
use crate::hidden::READ;

/// What the operands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Behind this many operands, the words of a command.
    Words(usize),
    /// Behind this many operands, words that are joined to a text for `sh`.
    Joined(usize),
    /// Behind a word `--`, wherever it stands, the words of a command.
    Dashes,
}

/// One family of launchers.
struct Row {
    names: &'static [&'static str],
    grammar: Grammar,
    form: Form,
    /// Options with which no command is run.
    idle: &'static [&'static str],
    /// Why more rights are gained, if they are.
    elevates: Option<&'static str>,
}

const fn row(
    names: &'static [&'static str],
    valued: &'static str,
    long: &'static [&'static str],
    form: Form,
) -> Row {
    Row { names, grammar: Grammar { valued, long }, form, idle: &[], elevates: None }
}

impl Row {
    const fn idle(mut self, options: &'static [&'static str]) -> Self {
        self.idle = options;
        self
    }

    const fn elevating(mut self, reason: &'static str) -> Self {
        self.elevates = Some(reason);
        self
    }
}

/// Options by the manual of each program (coreutils 9, util-linux 2.41, procps 4, moreutils, strace 6).
static ROWS: &[Row] = &[
    row(
        &[
            "nohup",
            "setsid",
            "unbuffer",
            "catchsegv",
            "eatmydata",
            "fakeroot",
            "proxychains",
            "proxychains4",
            "torsocks",
            "torify",
            "dbus-run-session",
            "caffeinate",
            "winpty",
            "cross-env",
            "cross-env-shell",
            "dotenvx",
            "rlwrap",
            "chronic",
            "linux32",
            "linux64",
            "i386",
            "x86_64",
        ],
        "t",
        &[],
        Form::Words(0),
    ),
    row(&["nice"], "n", &["adjustment"], Form::Words(0)),
    row(&["ionice"], "cnpPu", &["class", "classdata", "pid", "pgid", "uid"], Form::Words(0))
        .idle(&["-p", "--pid", "-P", "-u"]),
    row(&["chrt"], "TPDp", &["sched-runtime", "sched-period", "sched-deadline"], Form::Words(1))
        .idle(&["-p", "--pid"]),
    row(&["taskset"], "", &[], Form::Words(1)).idle(&["-p", "--pid"]),
    row(&["stdbuf"], "ioe", &["input", "output", "error"], Form::Words(0)),
    row(&["timeout"], "ks", &["kill-after", "signal"], Form::Words(1)),
    row(&["time", "gtime"], "fo", &["format", "output"], Form::Words(0)),
    row(&["faketime"], "fp", &["exclude-monotonic"], Form::Words(1)),
    row(&["setarch", "arch"], "", &[], Form::Words(1)),
    row(
        &["numactl"],
        "iNpmlCHSsL",
        &["interleave", "cpunodebind", "physcpubind", "membind", "preferred"],
        Form::Words(0),
    ),
    row(&["prlimit"], "po", &["pid", "output"], Form::Words(0)),
    row(
        &["setpriv"],
        "",
        &[
            "reuid",
            "regid",
            "groups",
            "inh-caps",
            "ambient-caps",
            "bounding-set",
            "securebits",
            "selinux-label",
            "apparmor-profile",
        ],
        Form::Words(0),
    )
    .elevating("it changes the rights of what it starts"),
    row(&["entr"], "", &[], Form::Words(0)),
    row(&["sshpass"], "pfdPn", &[], Form::Words(0)),
    row(&["tini", "dumb-init", "catatonit", "ifne", "cgexec"], "pegrc", &["rewrite"], Form::Words(0)),
    row(
        &["systemd-cat", "systemd-inhibit"],
        "tp",
        &["identifier", "priority", "who", "why", "what", "mode"],
        Form::Words(0),
    ),
    row(
        &["strace"],
        "aeEIoOpPsSuUXb",
        &["columns", "output", "attach", "trace", "env", "string-limit", "user"],
        Form::Words(0),
    )
    .idle(&["-p", "--attach"]),
    row(&["ltrace"], "aAeFlnopsuxXD", &["align", "output", "filter", "user"], Form::Words(0)).idle(&["-p"]),
    row(&["valgrind"], "", &[], Form::Words(0)),
    row(&["scan-build", "analyze-build"], "oBb", &["use-cc", "use-c++", "status-bugs-dir"], Form::Words(0)),
    row(&["mispipe", "pee"], "", &[], Form::Joined(0)),
    row(
        &["xvfb-run"],
        "efnpsw",
        &["error-file", "auth-file", "server-num", "server-args", "xauth-protocol"],
        Form::Words(0),
    ),
    row(&["chroot"], "", &[], Form::Words(1)).elevating("changing the root directory needs more rights"),
    row(
        &["unshare"],
        "SGRwl",
        &[
            "setuid",
            "setgid",
            "root",
            "wd",
            "map-user",
            "map-group",
            "map-users",
            "map-groups",
            "propagation",
            "setgroups",
        ],
        Form::Words(0),
    ),
    row(&["nsenter"], "tSGNW", &["target", "setuid", "setgid"], Form::Words(0))
        .elevating("it enters the namespaces of another process"),
    row(&["bwrap", "firejail", "systemd-nspawn"], "", &[], Form::Dashes),
    row(
        &["systemd-run"],
        "puHMtdrE",
        &[
            "property",
            "unit",
            "slice",
            "uid",
            "gid",
            "nice",
            "working-directory",
            "setenv",
            "description",
            "on-active",
            "on-calendar",
            "host",
            "machine",
        ],
        Form::Words(0),
    )
    .elevating("a service manager runs it, outside of what started this"),
    row(&["pkexec"], "u", &["user"], Form::Words(0)).elevating("it runs with the rights of another user"),
    row(&["doas"], "Cu", &[], Form::Words(0)).elevating("it runs with the rights of another user"),
    row(&["setuidgid", "chpst", "gosu", "su-exec"], "ucbeno", &[], Form::Words(1))
        .elevating("it runs with the rights of another user"),
    row(
        &["hyperfine"],
        "wmMrsSpcLDPnuEx",
        &[
            "warmup",
            "min-runs",
            "max-runs",
            "runs",
            "shell",
            "parameter-scan",
            "parameter-list",
            "export-json",
            "export-markdown",
            "export-csv",
            "command-name",
            "style",
        ],
        Form::Joined(0),
    ),
    row(&["watch"], "nqs", &["interval", "equexit", "shotsdir"], Form::Joined(0)),
    row(&["sem", "rush"], "jd", &["jobs", "id"], Form::Joined(0)),
    row(&["direnv"], "", &[], Form::Words(2)),
    row(
        &["mise", "asdf", "rtx", "dotenv", "doppler", "op", "aws-vault", "chamber", "envchain"],
        "",
        &[],
        Form::Dashes,
    ),
    row(&["perf"], "eopCcFGtu", &[], Form::Words(1)).idle(&["-p"]),
    row(&["cpulimit"], "lpe", &["limit", "pid", "exe"], Form::Dashes),
    row(
        &["daemonize", "start-stop-daemon"],
        "acelopux",
        &["exec", "startas", "chuid", "pidfile", "chdir"],
        Form::Dashes,
    ),
];

/// Reads one of the table, or one of those beside it; false if the program is none.
fn read_row(call: Call<'_>, found: &mut Launches) -> bool {
    let Some(row) = ROWS.iter().find(|row| row.names.contains(&call.name)) else { return false };
    let options = args::read(call.words, row.grammar);
    if let Some(reason) = row.elevates {
        found.elevates(reason, call.span());
    }
    let output = options.value(&["-o", "--output"]).filter(|_| call.name == "strace");
    if let Some(file) = output.filter(|file| file.known_start().starts_with(['|', '!'])) {
        found.text(Shell::Sh, args::without(file, 1), "strace -o");
    }
    if row.idle.iter().any(|idle| options.has(&[idle])) {
        return true;
    }
    let behind = |count: usize| options.operands.get(count..).unwrap_or_default();
    match row.form {
        Form::Words(skip) => {
            if call.name == "setarch" && options.operands.len() < 2 {
                return true;
            }
            let words = behind(skip);
            // Options of a sub-command, as of `perf stat -e x --`.
            let words = if skip > 0 { args::read(words, row.grammar).operands } else { words.to_vec() };
            let assigned =
                words.iter().take_while(|word| variables::split_assignment(word).is_some()).count();
            for (name, value) in words.iter().take(assigned).filter_map(variables::split_assignment) {
                variables::variable(&name, &value, found);
            }
            found.words(words.get(assigned..).unwrap_or_default(), call.name);
        }
        Form::Joined(skip) => {
            if call.name == "watch" && options.has(&["-x", "--exec"]) {
                found.words(behind(skip), "watch -x");
            } else if matches!(call.name, "hyperfine" | "mispipe" | "pee") {
                behind(skip).iter().for_each(|text| found.text(Shell::Sh, text.clone(), call.name));
            } else if !behind(skip).is_empty() {
                found.text(Shell::Sh, joined(behind(skip)), call.name);
            }
        }
        Form::Dashes => {
            let at = call.words.iter().position(|word| word.text().as_deref() == Some("--"));
            match at.and_then(|at| call.words.get(at + 1..)) {
                Some(words) => found.words(words, call.name),
                None => found.unknown(format!("what {} runs", call.name), call.span(), call.name),
            }
        }
    }
    true
}

/// Reads a launcher; false if the program is none.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    match call.name {
        "env" | "genv" => variables::env(call, found),
        "xargs" | "gxargs" => xargs(call, found),
        "find" | "gfind" => finders::find(call.words, found),
        "fd" | "fdfind" => finders::fd(call, found),
        "sudo" | "sudoedit" => sudo(call, found),
        "su" | "runuser" => su(call, found),
        "sg" | "newgrp" => texts_of(call, &["-c"], 1, found),
        "parallel" => parallel(call, found),
        "flock" => flock(call, found),
        "script" => texts_of(call, &["-c", "--command"], usize::MAX, found),
        "ip" => {
            let at = call.words.iter().position(|word| word.text().as_deref() == Some("exec"));
            if let Some(words) = at.and_then(|at| call.words.get(at + 2..)) {
                found.words(words, "ip netns exec");
            }
        }
        "ssh" | "slogin" | "mosh" | "autossh" => ssh(call, found),
        name if name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so" => {
            let grammar =
                Grammar { valued: "", long: &["library-path", "preload", "audit", "argv0", "inhibit-rpath"] };
            let options = args::read(call.words, grammar);
            for name in ["--preload", "--audit", "--library-path"] {
                if let Some(value) = options.value(&[name]) {
                    found.unknown("libraries that the loader is given", value.span, "ld.so");
                }
            }
            found.words(&options.operands, "ld.so");
        }
        "capsh" => {
            found.elevates("it changes the capabilities of what it starts", call.span());
            let at = call.words.iter().position(|word| matches!(word.text().as_deref(), Some("--" | "==")));
            if let Some(words) = at.and_then(|at| call.words.get(at + 1..)) {
                let shell = Word::known("bash", call.span());
                found.words(&[std::slice::from_ref(&shell), words].concat(), "capsh");
            }
        }
        _ => return read_row(call, found),
    }
    true
}

/// A value of one of these options is a text for `sh`; else what stands behind so many operands.
fn texts_of(call: Call<'_>, options: &[&str], skip: usize, found: &mut Launches) {
    let grammar = Grammar {
        valued: "cEIOBTmo",
        long: &["command", "log-in", "log-out", "log-io", "log-timing", "output-limit"],
    };
    let read = args::read_all(call.words, grammar);
    if let Some(text) = read.value(options) {
        found.text(Shell::Sh, text.clone(), call.name);
    } else if let Some(words) = read.operands.get(skip..).filter(|words| !words.is_empty()) {
        found.text(Shell::Sh, joined(words), call.name);
    }
}

/// A word that stands for words which only the run will show.
pub(super) fn more_words(why: &str, call: Call<'_>) -> Word {
    unknown_word(Unknown::Other(why.to_owned()), true, call)
}

/// A word that is not known, where the command stands.
pub(super) fn unknown_word(why: Unknown, splits: bool, call: Call<'_>) -> Word {
    Word { parts: vec![Part::Unknown { why, splits }], span: call.span() }
}

/// Why a word is not known that stands for a mark.
pub(super) fn put_in_later() -> Unknown {
    Unknown::Other("a word that is put in later".to_owned())
}

fn xargs(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: Grammar = Grammar {
        valued: "aEILnPsdJRS",
        long: &["arg-file", "delimiter", "max-args", "max-procs", "max-chars", "process-slot-var"],
    };
    let options = args::read(call.words, GRAMMAR);
    let replaced = options.value(&["-I", "-J"]).and_then(Word::text);
    let replaced = replaced.or_else(|| options.has(&["-i", "--replace"]).then(|| "{}".to_owned()));
    let mut words = options.operands;
    let input = || more_words(READ, call);
    match replaced {
        Some(mark) if !mark.is_empty() => {
            let why = Unknown::Other(READ.to_owned());
            words.iter_mut().for_each(|word| replace(word, &mark, &why));
        }
        _ => words.push(input()),
    }
    if words.first().is_some_and(Word::has_unknown) && words.len() == 1 {
        return;
    }
    found.words(&words, "xargs");
}

/// Every occurrence of the mark becomes unknown.
pub(super) fn replace(word: &mut Word, mark: &str, why: &Unknown) {
    let mut parts = Vec::with_capacity(word.parts.len());
    for part in std::mem::take(&mut word.parts) {
        let Part::Text(text) = part else {
            parts.push(part);
            continue;
        };
        for (at, piece) in text.split(mark).enumerate() {
            if at > 0 {
                parts.push(Part::Unknown { why: why.clone(), splits: false });
            }
            if !piece.is_empty() {
                parts.push(Part::Text(piece.to_owned()));
            }
        }
    }
    word.parts = parts;
}

fn sudo(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: Grammar = Grammar {
        valued: "CDghpRrTtuU",
        long: &[
            "close-from",
            "chdir",
            "group",
            "host",
            "prompt",
            "chroot",
            "role",
            "command-timeout",
            "type",
            "user",
            "other-user",
        ],
    };
    found.elevates("it runs with the rights of another user", call.span());
    let options = args::read(call.words, GRAMMAR);
    if options.has(&["-e", "--edit"]) || call.name == "sudoedit" {
        return;
    }
    let words = options.operands.as_slice();
    let assigned = words.iter().take_while(|word| variables::split_assignment(word).is_some()).count();
    for (name, value) in words.iter().take(assigned).filter_map(variables::split_assignment) {
        variables::variable(&name, &value, found);
    }
    let words = words.get(assigned..).unwrap_or_default();
    if options.has(&["-s", "--shell"]) && !words.is_empty() {
        // One reading: two at each level would be very many at the last.
        return found.text(Shell::Sh, joined(words), "sudo -s");
    }
    let moves = options.has(&["-D", "--chdir", "-R", "--chroot", "-i", "--login"]);
    found.words(words, if moves { "sudo -D" } else { "sudo" });
}

fn su(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: Grammar = Grammar {
        valued: "cgGswuT",
        long: &[
            "command",
            "session-command",
            "group",
            "supp-group",
            "shell",
            "whitelist-environment",
            "user",
        ],
    };
    found.elevates("it runs with the rights of another user", call.span());
    if call.name == "runuser" {
        let options = args::read(call.words, GRAMMAR);
        if options.has(&["-u", "--user"]) {
            return found.words(&options.operands, "runuser");
        }
    }
    let options = args::read_all(call.words, GRAMMAR);
    for given in &options.options {
        if let ("-c" | "--command" | "--session-command", Some(text)) = (given.name.as_str(), &given.value) {
            found.text(Shell::Sh, text.clone(), "su -c");
        }
    }
    let behind = options.operands.iter().filter(|word| word.text().as_deref() != Some("-")).skip(1);
    let behind: Vec<Word> = behind.cloned().collect();
    if !behind.is_empty() {
        let shell = Word::known("sh", call.span());
        found.words(&[vec![shell], behind].concat(), "su");
    }
}

fn parallel(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: Grammar = Grammar {
        valued: "jSaLnNIdECsPX",
        long: &[
            "jobs",
            "sshlogin",
            "arg-file",
            "max-args",
            "colsep",
            "delay",
            "joblog",
            "results",
            "retries",
            "timeout",
            "workdir",
            "tmpdir",
            "load",
            "memfree",
            "nice",
            "tagstring",
            "env",
            "basefile",
            "return",
            "transferfile",
            "halt",
        ],
    };
    let options = args::read(call.words, GRAMMAR);
    let is_mark = |word: &Word| matches!(word.text().as_deref(), Some(":::" | "::::" | ":::+" | "::::+"));
    let end = options.operands.iter().position(is_mark).unwrap_or(options.operands.len());
    let (command, given) = options.operands.split_at(end);
    if command.is_empty() {
        for text in given.iter().filter(|word| !is_mark(word)) {
            found.text(Shell::Sh, text.clone(), "parallel");
        }
        if given.is_empty() || given.first().and_then(Word::text).is_some_and(|mark| mark.starts_with("::::"))
        {
            found.unknown("commands that parallel reads", call.span(), "parallel");
        }
        return;
    }
    let mut command = command.to_vec();
    for mark in ["{}", "{.}", "{/}", "{//}", "{/.}", "{1}", "{2}", "{3}", "{4}", "{5}"] {
        command.iter_mut().for_each(|word| replace(word, mark, &put_in_later()));
    }
    let is_odd = |word: &Word| {
        word.known_start().contains('{')
            || word.parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains('{')))
    };
    if command.iter().any(is_odd) {
        found.unknown("what parallel puts in the place of braces", call.span(), "parallel");
    }
    command.push(more_words("words that parallel reads", call));
    let is_plain = command.iter().all(|word| {
        let text = word.known_start();
        !text.contains([';', '|', '&', '$', '`', '(', '>', '<'])
    });
    // A single word with blanks is a text; without, it is a program.
    let is_program = |word: &Word| word.text().is_some_and(|text| !text.contains(char::is_whitespace));
    if is_plain && (command.len() > 2 || command.first().is_some_and(is_program)) {
        return found.words(&command, "parallel");
    }
    command.pop();
    found.text(Shell::Sh, joined(&command), "parallel");
}

fn flock(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: Grammar =
        Grammar { valued: "wEc", long: &["wait", "timeout", "conflict-exit-code", "command"] };
    let options = args::read(call.words, GRAMMAR);
    let behind = options.operands.get(1..).unwrap_or_default();
    match behind.split_first() {
        Some((flag, text)) if matches!(flag.text().as_deref(), Some("-c" | "--command")) => {
            text.iter().for_each(|text| found.text(Shell::Sh, text.clone(), "flock -c"));
        }
        _ => found.words(behind, "flock"),
    }
    if let Some(text) = options.value(&["-c", "--command"]) {
        found.text(Shell::Sh, text.clone(), "flock -c");
    }
}

/// `ssh`: a text for the shell of the other side, and commands that the near side runs.
fn ssh(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: Grammar = Grammar { valued: "BbcDEeFIiJLlmOoPpQRSWw", long: &["ssh", "server", "client"] };
    let options = args::read(call.words, GRAMMAR);
    for given in options.options.iter().filter(|given| given.name == "-o") {
        let Some(value) = &given.value else { continue };
        let text = value.known_start();
        let Some((key, _)) = text.split_once(['=', ' ']) else { continue };
        let runs = [
            "proxycommand",
            "localcommand",
            "knownhostscommand",
            "proxyusefdpass",
            "pkcs11provider",
            "securitykeyprovider",
        ];
        if runs.contains(&key.trim().to_ascii_lowercase().as_str()) {
            let text = args::without(value, key.len() + 1);
            found.text(Shell::Sh, text, "ssh -o");
        }
    }
    if let Some(file) = options.value(&["-F"]).filter(|file| file.text().as_deref() != Some("/dev/null")) {
        found.unknown("commands in a configuration of ssh", file.span, "ssh -F");
    }
    if let Some(library) = options.value(&["-I"]) {
        found.unknown("a library that ssh loads", library.span, "ssh -I");
    }
    // Options may also stand behind the host.
    let behind = options.operands.get(1..).unwrap_or_default();
    let behind = args::read(behind, GRAMMAR).operands;
    if !behind.is_empty() {
        found.text(Shell::Sh, joined(&behind), "ssh");
    }
}

/// The name of a program: without directory, version and the endings of Windows, in small letters.
pub(crate) fn program_of(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let mut name = name.to_ascii_lowercase();
    for ending in [".exe", ".cmd", ".bat", ".com", ".ps1"] {
        if let Some(stem) = name.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            name.truncate(stem.len());
            break;
        }
    }
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-'));
    if VERSIONED.contains(&stem) {
        name.truncate(stem.len());
    }
    name
}

/// Programs that are installed under names with a version.
const VERSIONED: &[&str] = &[
    "python", "perl", "ruby", "node", "nodejs", "lua", "php", "pip", "bash", "ksh", "zsh", "gawk", "tclsh",
    "pypy",
];
