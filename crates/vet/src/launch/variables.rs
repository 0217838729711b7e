//! Variables whose value is run, or makes the next program run something.

use super::{Call, Launches};
use crate::command::{Assignment, Command, Part, Shell, Unknown, Word};
use crate::hidden::GIVEN;

/// What the value of a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A text for `sh`.
    Text,
    /// Code, a library, or a file with options that runs, whatever the value is.
    Code,
    /// Options, which run something if one of these pieces stands in them.
    Options(&'static [&'static str]),
    /// Options, of which only those run nothing that begin like one of these.
    Tuning(&'static [&'static str]),
}

/// Options with which a Java machine loads or runs something.
const JAVA: &[&str] =
    &["agent", "-XX:OnError", "-XX:OnOutOfMemory", "@", "bootclasspath", "-XX:Flags", "-cp", "classpath"];

/// Options with which a compiler or a linker starts a program or loads a library, or takes its options from a file.
const COMPILER: &[&str] = &["plugin", "-wrapper", "-B", "-specs", "-fuse-ld", "-Xclang", "--config", "@"];

/// Variables with what their value is. The first that fits counts; `*` stands for any letters.
const VARIABLES: &[(&str, Kind)] = &[
    ("GIT_CONFIG_KEY_*", Kind::Code),
    ("GIT_CONFIG_VALUE_*", Kind::Code),
    ("GIT_CONFIG_GLOBAL", Kind::Code),
    ("GIT_CONFIG_SYSTEM", Kind::Code),
    ("GIT_CONFIG_PARAMETERS", Kind::Code),
    ("GIT_EXEC_PATH", Kind::Code),
    ("GIT_TEMPLATE_DIR", Kind::Code),
    ("GIT_SSH_COMMAND", Kind::Text),
    ("GIT_SSH", Kind::Text),
    ("GIT_EXTERNAL_DIFF", Kind::Text),
    ("GIT_PROXY_COMMAND", Kind::Text),
    ("*EDITOR", Kind::Text),
    ("VISUAL", Kind::Text),
    ("FCEDIT", Kind::Text),
    ("*PAGER", Kind::Text),
    ("*_ASKPASS", Kind::Text),
    ("BROWSER", Kind::Text),
    ("LESSEDIT", Kind::Text),
    ("MANOPT", Kind::Code),
    ("GROFF_COMMAND_PREFIX", Kind::Code),
    ("CC", Kind::Text),
    ("CXX", Kind::Text),
    ("PKG_CONFIG", Kind::Text),
    ("GOCACHEPROG", Kind::Text),
    ("CFLAGS", Kind::Options(COMPILER)),
    ("CXXFLAGS", Kind::Options(COMPILER)),
    ("CPPFLAGS", Kind::Options(COMPILER)),
    ("LDFLAGS", Kind::Options(COMPILER)),
    ("LESSOPEN", Kind::Text),
    ("LESSCLOSE", Kind::Text),
    ("PROMPT_COMMAND", Kind::Text),
    ("RSYNC_RSH", Kind::Text),
    ("CVS_RSH", Kind::Text),
    ("FZF_DEFAULT_COMMAND", Kind::Text),
    ("RUSTC", Kind::Text),
    ("RUSTDOC", Kind::Text),
    ("RUSTC_*WRAPPER", Kind::Text),
    ("CARGO_*_RUNNER", Kind::Text),
    ("CARGO_*_LINKER", Kind::Text),
    ("CARGO_BUILD_RUSTC*", Kind::Text),
    ("CMAKE_*_LAUNCHER", Kind::Text),
    ("BASH_ENV", Kind::Code),
    ("ENV", Kind::Options(&["/", "$", "`", "~"])),
    ("BASH_FUNC_*", Kind::Code),
    ("PS0", Kind::Options(&["$", "`"])),
    ("PS1", Kind::Options(&["$(", "`", "@P"])),
    ("PS2", Kind::Options(&["$(", "`", "@P"])),
    ("PS4", Kind::Options(&["$(", "`", "@P"])),
    ("ZDOTDIR", Kind::Code),
    ("LD_BIND_NOW", Kind::Options(&[])),
    ("LD_DEBUG", Kind::Options(&[])),
    ("LD_*", Kind::Code),
    ("DYLD_*", Kind::Code),
    ("GCONV_PATH", Kind::Code),
    ("GLIBC_TUNABLES", Kind::Code),
    ("NODE_OPTIONS", Kind::Tuning(NODE)),
    ("BUN_OPTIONS", Kind::Code),
    ("PYTHONSTARTUP", Kind::Code),
    ("PYTHONHOME", Kind::Code),
    ("PYTHONBREAKPOINT", Kind::Code),
    ("PYTHONINSPECT", Kind::Code),
    ("PERL5OPT", Kind::Code),
    ("PERL5DB", Kind::Code),
    ("PERL5LIB", Kind::Code),
    ("RUBYOPT", Kind::Tuning(&["-W", "-w", "--enable=frozen", "--yjit", "-E"])),
    ("RUBYLIB", Kind::Code),
    ("LUA_INIT*", Kind::Code),
    ("PHPRC", Kind::Code),
    ("PHP_INI_SCAN_DIR", Kind::Code),
    ("JAVA_TOOL_OPTIONS", Kind::Options(JAVA)),
    ("_JAVA_OPTIONS", Kind::Options(JAVA)),
    ("JDK_JAVA_OPTIONS", Kind::Options(JAVA)),
    ("JAVA_OPTS", Kind::Options(JAVA)),
    ("MAVEN_OPTS", Kind::Options(JAVA)),
    ("GRADLE_OPTS", Kind::Options(JAVA)),
    ("MAVEN_ARGS", Kind::Options(&["exec:", "-javaagent", "-s", "--settings", "-f"])),
    ("DOTNET_STARTUP_HOOKS", Kind::Code),
    ("CORECLR_*", Kind::Code),
    ("COR_*", Kind::Code),
    ("MAKEFLAGS", Kind::Tuning(&["-j", "j", "-s", "-k", "--jobs", "--no-print-directory"])),
    ("GNUMAKEFLAGS", Kind::Tuning(&["-j"])),
    ("MAKEFILES", Kind::Code),
    ("GOFLAGS", Kind::Options(&["exec", "overlay", "modfile", "ldflags"])),
    ("TAR_OPTIONS", Kind::Code),
    ("RIPGREP_CONFIG_PATH", Kind::Code),
    ("LESSKEY*", Kind::Code),
    ("VIMINIT", Kind::Code),
    ("EXINIT", Kind::Code),
    ("OPENSSL_CONF", Kind::Code),
    ("OPENSSL_ENGINES", Kind::Code),
    ("NPM_CONFIG_SCRIPT_SHELL", Kind::Text),
    ("NPM_CONFIG_USERCONFIG", Kind::Code),
    ("NPM_CONFIG_GLOBALCONFIG", Kind::Code),
    ("CLAUDE_CONFIG_DIR", Kind::Code),
    ("CODEX_HOME", Kind::Code),
    ("COMSPEC", Kind::Code),
];

/// Values that run nothing of their own: pagers, editors and shells that are usual.
const HARMLESS: &[&str] = &[
    "",
    "cat",
    "less",
    "more",
    "less -FRX",
    "less -R",
    "true",
    ":",
    "false",
    "echo",
    "vi",
    "vim",
    "nano",
    "emacs",
    "code --wait",
    "/bin/true",
    "/bin/cat",
    "none",
    "0",
    "sccache",
    "ccache",
];

/// Options of Node that load and run nothing.
const NODE: &[&str] = &[
    "--max-old-space-size",
    "--max_old_space_size",
    "--no-warnings",
    "--openssl-legacy-provider",
    "--trace-",
    "--enable-source-maps",
    "--experimental-vm-modules",
    "--stack-trace-limit",
    "--unhandled-rejections",
    "--no-deprecation",
    "--disable-warning",
];

/// True if a name fits a pattern with at most one `*`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    }
}

fn kind(name: &str) -> Option<Kind> {
    let upper = name.to_ascii_uppercase();
    VARIABLES.iter().find(|(pattern, _)| fits(pattern, &upper)).map(|(_, kind)| *kind)
}

/// True for a variable whose value makes programs run something.
pub(crate) fn runs_value(name: &str) -> bool {
    name == "PATH" || kind(name).is_some()
}

/// One variable that is given a value.
pub(super) fn variable(name: &str, value: &Word, found: &mut Launches) {
    let Some(kind) = kind(name) else { return };
    let text = value.text();
    let is_harmless = text.as_deref().is_some_and(|text| match kind {
        _ if HARMLESS.contains(&text.trim()) => true,
        Kind::Options(pieces) => !pieces.iter().any(|piece| text.contains(piece)),
        Kind::Tuning(starts) => text.split_whitespace().all(|word| {
            starts.iter().any(|start| word.starts_with(start))
                || word.bytes().all(|byte| byte.is_ascii_digit())
        }),
        Kind::Text | Kind::Code => false,
    });
    match kind {
        _ if is_harmless => {}
        Kind::Text => {
            // `less` takes a value with a bar for a filter.
            let start = value.known_start();
            let bars = if name.starts_with("LESS") {
                start.len() - start.trim_start_matches(['|', '-', ' ']).len()
            } else {
                0
            };
            found.text(Shell::Sh, super::args::without(value, bars), name);
        }
        Kind::Code | Kind::Options(_) | Kind::Tuning(_) => {
            found.unknown(format!("what the value of {name} makes programs run"), value.span, name);
        }
    }
}

/// A word of the form `NAME=value` or `NAME+=value`: its name and its value.
pub(super) fn split_assignment(word: &Word) -> Option<(String, Word)> {
    let start = word.known_start();
    let (written, _) = start.split_once('=')?;
    let name = written.strip_suffix('+').unwrap_or(written);
    let first = name.chars().next()?;
    let is_name = (first == '_' || first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric());
    is_name.then(|| (name.to_owned(), super::args::without(word, written.len() + 1)))
}

/// As [`split_assignment`], with any letters in the name, as `env` takes them.
fn split_pair(word: &Word) -> Option<(String, Word)> {
    let start = word.known_start();
    let (name, _) = start.split_once('=')?;
    Some((name.to_owned(), super::args::without(word, name.len() + 1)))
}

/// Variables that the command sets, for itself or for what follows.
pub(super) fn assigned(command: &Command, found: &mut Launches) {
    let hidden = command.assignments.iter().find(|assignment| {
        !command.words.is_empty() && crate::hidden::in_subscript(&assignment.value.known_start())
    });
    if let Some(assignment) = hidden {
        found.unknown("a command in a subscript", assignment.value.span, &assignment.name);
    }
    set(&command.assignments, command.shell, found);
    let program = command.words.first().and_then(Word::text).unwrap_or_default();
    given_by_builtin(&program, command, found);
    if matches!(program.as_str(), "export" | "declare" | "typeset" | "local" | "readonly" | "setenv") {
        for (name, value) in command.words.iter().skip(1).filter_map(split_assignment) {
            variable(&name, &value, found);
            search_path(&name, &value, command.shell, found);
        }
    }
}

/// Variables that get these values.
pub(super) fn set(assignments: &[Assignment], shell: Shell, found: &mut Launches) {
    for Assignment { name, value } in assignments {
        variable(name, value, found);
        search_path(name, value, shell, found);
    }
}

/// Variables to which a builtin gives a value that no assignment shows: `read PAGER`, `printf -v PAGER ...`.
fn given_by_builtin(program: &str, command: &Command, found: &mut Launches) {
    let words = command.words.get(1..).unwrap_or_default();
    let behind_v = |word: &Word| word.text().and_then(|text| text.strip_prefix("-v").map(str::to_owned));
    let names: Vec<String> = match program {
        "read" | "mapfile" | "readarray" | "getopts" => words.iter().filter_map(Word::text).collect(),
        "printf" => match words {
            [option, name, ..] if behind_v(option).as_deref() == Some("") => {
                name.text().into_iter().collect()
            }
            [option, ..] => behind_v(option).into_iter().collect(),
            [] => return,
        },
        // `set /a PATH=1` of cmd.exe.
        "set"
            if command.shell == Shell::Cmd
                && words.first().is_some_and(|word| word.known_start() == "/a") =>
        {
            let text: String = words.get(1..).unwrap_or_default().iter().map(Word::known_start).collect();
            let is_letter = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
            text.split(|letter| !is_letter(letter)).map(str::to_ascii_uppercase).collect()
        }
        _ => return,
    };
    if let Some(name) = names.iter().find(|name| *name == "PATH" || kind(name).is_some()) {
        found.unknown(format!("what the value of {name} makes programs run"), command.span, program);
    }
}

/// A search path with an entry that is relative: names of programs mean files of the working directory.
fn search_path(name: &str, value: &Word, shell: Shell, found: &mut Launches) {
    let is_windows = matches!(shell, Shell::Cmd | Shell::Pwsh | Shell::WindowsPowershell);
    if name != "PATH" && !(is_windows && name.eq_ignore_ascii_case("PATH")) {
        return;
    }
    let is_here = |name: &str| name == "PWD" || is_windows && name.eq_ignore_ascii_case("CD");
    let text: String = value
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) | Part::Pattern(text) => text.clone(),
            Part::Home(_) => "/home".to_owned(),
            Part::Unknown { why: Unknown::Variable(name), .. } if is_here(name) => ".".to_owned(),
            Part::Unknown { why: Unknown::Other(why), .. } if why == GIVEN => ".".to_owned(),
            Part::Unknown { .. } => "/unknown".to_owned(),
        })
        .collect();
    let is_absolute = |entry: &str| {
        entry.starts_with(['/', '\\']) || entry.contains(":\\") || is_windows && entry.contains(":/")
    };
    let is_relative = match is_windows {
        // An empty entry is none there.
        true => text.split(';').any(|entry| !entry.trim().is_empty() && !is_absolute(entry)),
        false => text.split(':').any(|entry| !entry.starts_with('/') && !entry.contains(":\\")),
    };
    if is_relative {
        found.unknown("programs that are searched for in the working directory", value.span, "PATH");
    }
}

/// `env`: options, assignments, then a command.
pub(super) fn env(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: super::args::Grammar =
        super::args::Grammar { valued: "uCSa", long: &["unset", "chdir", "split-string", "argv0"] };
    let read = super::args::read(call.words, GRAMMAR);
    // A single dash is the old spelling of `-i`.
    let mut rest = read.operands.as_slice();
    while let Some((word, tail)) = rest.split_first()
        && word.text().as_deref() == Some("-")
    {
        rest = tail;
    }
    while let Some((word, tail)) = rest.split_first()
        && let Some((name, value)) = split_pair(word)
    {
        variable(&name, &value, found);
        search_path(&name, &value, call.command.shell, found);
        rest = tail;
    }
    // Each text is split in its place, so all of them, one behind the other, begin the command.
    let split = |given: &super::args::Given| matches!(given.name.as_str(), "-S" | "--split-string");
    let texts: Vec<Word> =
        read.options.iter().filter(|given| split(given)).filter_map(|given| given.value.clone()).collect();
    if texts.is_empty() {
        let moves = read.has(&["-C", "--chdir"]);
        return found.words(rest, if moves { "env -C" } else { call.name });
    }
    let texts: Vec<Word> = texts.iter().map(unescaped).collect();
    found.text(Shell::Sh, super::args::joined(&[texts.as_slice(), rest].concat()), "env -S");
}

/// `\_` is a blank for `env -S`, and `\c` ends the text (env(1)).
fn unescaped(text: &Word) -> Word {
    let plain = |piece: &str| piece.replace("\\_", " ").replace(['\u{b}', '\u{c}'], " ");
    let mut parts = Vec::with_capacity(text.parts.len());
    for part in &text.parts {
        let Part::Text(piece) = part else {
            parts.push(part.clone());
            continue;
        };
        let end = piece.find("\\c");
        parts.push(Part::Text(plain(piece.get(..end.unwrap_or(piece.len())).unwrap_or_default())));
        if end.is_some() {
            break;
        }
    }
    Word { parts, span: text.span }
}
