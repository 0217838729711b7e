//! Interpreters that are given code in an argument. Only code that plainly does no more than compute is let be.

use super::args::{self, Grammar};
use super::{Call, Launches, modules, plain, sed};
use crate::command::{Input, Shell, Word};

/// An interpreter: options that carry code, and how its code betrays that more happens.
struct Language {
    names: &'static [&'static str],
    grammar: Grammar,
    /// Options whose value is code.
    code: &'static [&'static str],
    /// Options whose value names a module or file that is loaded.
    loads: &'static [&'static str],
    /// Pieces that let code start programs, or reach what is not in the text.
    suspicious: &'static [&'static str],
    /// Modules that do neither; `None` where modules are not named by a plain word.
    modules: Option<&'static [&'static str]>,
}

const PYTHON: &[&str] = &[
    "exec",
    "eval",
    "compile",
    "__",
    "getattr",
    "setattr",
    "globals",
    "locals",
    "vars",
    "breakpoint",
    "input",
    "builtins",
    "modules",
    "system",
    "popen",
    "spawn",
    "subprocess",
    "importlib",
    "ctypes",
    "pty",
    "runpy",
    "codecs",
    "marshal",
    "pickle",
    "fork",
    "open_code",
    ".os",
    "get_ipython",
    "UnsafeLoader",
    "unsafe",
    "torch.load",
];

const PYTHON_MODULES: &[&str] = &[
    "json",
    "sys",
    "re",
    "math",
    "datetime",
    "time",
    "random",
    "collections",
    "itertools",
    "functools",
    "string",
    "textwrap",
    "base64",
    "hashlib",
    "hmac",
    "uuid",
    "decimal",
    "fractions",
    "statistics",
    "pathlib",
    "platform",
    "struct",
    "binascii",
    "csv",
    "difflib",
    "pprint",
    "tomllib",
    "typing",
    "enum",
    "dataclasses",
    "secrets",
    "locale",
    "unicodedata",
    "urllib.parse",
    "html",
    "ast",
    "calendar",
    "heapq",
    "bisect",
    "operator",
    "copy",
    "os.path",
    "glob",
    "fnmatch",
    "yaml",
    "toml",
    "numpy",
    "pandas",
    "torch",
    "sysconfig",
    "site",
    "zlib",
    "io",
    "argparse",
    "string",
    "numbers",
    "contextlib",
    "traceback",
];

const NODE: &[&str] = &[
    "child_process",
    "exec",
    "spawn",
    "fork",
    "eval",
    "Function",
    "constructor",
    "process.binding",
    "mainModule",
    "import(",
    "createRequire",
    "vm",
    "_load",
    "dlopen",
    "worker",
    "cluster",
    "repl",
    "inspector",
    "globalThis[",
    "process[",
    "require(`",
    "require(a",
    "\\x",
    "\\u",
    "fromCharCode",
];

const PERL: &[&str] = &[
    "system", "exec", "`", "qx", "open", "fork", "eval", "do ", "require", "use ", "|", "syscall", "(??",
    "(?{", "glob", "<", "&{", "&$", "*{", "->", "readpipe",
];
const RUBY: &[&str] = &[
    "system",
    "exec",
    "`",
    "%x",
    "spawn",
    "popen",
    "open",
    "fork",
    "eval",
    "send",
    "require",
    "load",
    "IO",
    "Kernel",
    "Process",
    "const_get",
    "method",
    "Open3",
    "PTY",
];
const PHP: &[&str] = &[
    "system",
    "exec",
    "`",
    "passthru",
    "popen",
    "proc_open",
    "eval",
    "assert",
    "include",
    "require",
    "call_user",
    "create_function",
    "preg_replace",
    "array_map",
    "array_filter",
    "array_walk",
    "usort",
    "ob_start",
    "register_",
    ")(",
    "mail",
    "$",
    "dl(",
    "ffi",
];
const LUA: &[&str] = &["os.", "io.", "load", "require", "dofile", "package", "_G", "_ENV", "debug"];

static LANGUAGES: &[Language] = &[
    Language {
        names: &["python", "pypy", "ipython"],
        grammar: Grammar { valued: "cmWXQ", long: &["check-hash-based-pycs"] },
        code: &["-c"],
        loads: &[],
        suspicious: PYTHON,
        modules: Some(PYTHON_MODULES),
    },
    Language {
        names: &["node", "nodejs", "electron"],
        grammar: Grammar {
            valued: "eprC",
            long: &[
                "eval",
                "print",
                "require",
                "import",
                "loader",
                "experimental-loader",
                "conditions",
                "env-file",
                "run",
                "title",
                "input-type",
            ],
        },
        code: &["-e", "-p", "--eval", "--print"],
        loads: &["-r", "--require", "--import", "--loader", "--experimental-loader"],
        suspicious: NODE,
        modules: None,
    },
    Language {
        names: &["perl"],
        grammar: Grammar { valued: "eEMmIx", long: &[] },
        code: &["-e", "-E"],
        loads: &["-M", "-m"],
        suspicious: PERL,
        modules: None,
    },
    Language {
        names: &["ruby", "irb", "jruby"],
        grammar: Grammar { valued: "erICE", long: &["external-encoding", "internal-encoding"] },
        code: &["-e"],
        loads: &["-r"],
        suspicious: RUBY,
        modules: None,
    },
    Language {
        names: &["php"],
        grammar: Grammar {
            valued: "rBREFfdcztS",
            long: &["run", "process-code", "file", "define", "php-ini"],
        },
        code: &["-r", "-B", "-R", "-E", "--run", "--process-code"],
        loads: &["-d", "--define", "-c"],
        suspicious: PHP,
        modules: None,
    },
    Language {
        names: &["lua", "luajit", "texlua"],
        grammar: Grammar { valued: "el", long: &[] },
        code: &["-e"],
        loads: &["-l"],
        suspicious: LUA,
        modules: None,
    },
    Language {
        names: &[
            "tclsh",
            "wish",
            "rscript",
            "r",
            "julia",
            "elixir",
            "erl",
            "ghc",
            "runghc",
            "guile",
            "racket",
            "sbcl",
            "clojure",
            "clj",
            "bb",
            "groovy",
            "scala",
            "swipl",
            "octave",
            "gjs",
            "osascript",
            "jshell",
            "kotlin",
        ],
        grammar: Grammar { valued: "eEgc", long: &["eval", "expr", "execute"] },
        code: &["-e", "-E", "-g", "-c", "--eval", "--expr", "--execute"],
        loads: &[],
        suspicious: &[""],
        modules: None,
    },
    Language {
        names: &["java"],
        grammar: Grammar { valued: "pm", long: &["class-path", "module-path", "module", "add-opens"] },
        code: &[],
        loads: &[],
        suspicious: &[],
        modules: None,
    },
];

/// Reads an interpreter; false if the program is none.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    match call.name {
        "awk" | "gawk" | "mawk" | "nawk" | "original-awk" => awk(call, found),
        "sed" | "gsed" => sed::read(call, found),
        _ => {
            let language = LANGUAGES.iter().find(|language| language.names.contains(&call.name));
            let Some(language) = language else { return false };
            interpreter(language, call, found);
        }
    }
    true
}

fn interpreter(language: &Language, call: Call<'_>, found: &mut Launches) {
    if call.name == "java" {
        errors_of_java(call, found);
    }
    // The last rows of the table have long options behind one dash, of which none carries code.
    let is_long = |word: &&Word| {
        let start = word.known_start();
        language.suspicious != [""] || start.starts_with("--") || !start.starts_with('-') || start.len() <= 3
    };
    let words: Vec<Word> = call.words.iter().filter(is_long).cloned().collect();
    let options = if is_node(call.name) {
        // `-pe` is one option, and options with a value of their own may stand before the code.
        let words: Vec<Word> = words.iter().map(spelled_out).collect();
        args::read_all(&words, language.grammar)
    } else {
        args::read(&words, language.grammar)
    };
    piped_files(&options, call, found);
    let mut is_given_code = false;
    for given in &options.options {
        let name = given.name.as_str();
        if language.code.contains(&name) {
            is_given_code = true;
            let Some(code) = &given.value else { continue };
            let is_plain = code.text().is_some_and(|text| is_plain(language, &text));
            if !is_plain {
                found.unknown(
                    format!("code for {} that may start programs", call.name),
                    code.span,
                    &format!("{} {name}", call.name),
                );
            }
        } else if language.loads.contains(&name)
            && let Some(module) = &given.value
        {
            let is_path = module.text().is_none_or(|text| text.contains(['/', '\\', '=', ',', ' ']));
            if is_path {
                found.unknown(
                    format!("what {} loads first", call.name),
                    module.span,
                    &format!("{} {name}", call.name),
                );
            }
        }
    }
    if language.modules.is_some()
        && let Some(module) = options.value(&["-m"])
    {
        let name = module.text().unwrap_or_default();
        // What stands behind the module's name is its own.
        let at = call
            .words
            .iter()
            .position(|word| word.span == module.span && word.known_start().ends_with(&name));
        let behind = at.and_then(|at| call.words.get(at + 1..)).unwrap_or_default();
        modules::effects(&name, behind, call, found);
        return python_module(module, &options.operands, call, found);
    }
    if is_given_code {
        return;
    }
    match options.operands.first() {
        Some(file) if !file.text().is_some_and(|name| args::is_standard_input(&name)) => {
            let is_descriptor = file.text().is_some_and(|name| args::is_descriptor(&name));
            if file.has_unknown() || is_descriptor {
                found.unknown("a script that is only known at run time", file.span, call.name);
            } else {
                found.executes(Some(file), "a script", file.span);
            }
        }
        _ => standard_input(language, call, found),
    }
}

/// Texts that a Java machine runs when it ends badly, and files that hold such options.
fn errors_of_java(call: Call<'_>, found: &mut Launches) {
    for word in call.words {
        let start = word.known_start();
        if let Some(name) =
            ["-XX:OnError=", "-XX:OnOutOfMemoryError="].iter().find(|name| start.starts_with(**name))
        {
            found.text(Shell::Sh, args::without(word, name.len()), name);
        } else if start.starts_with("-XX:Flags=") || start.starts_with("-XX:VMOptionsFile=") {
            found.unknown("options of java in a file", word.span, "java");
        }
    }
}

fn is_node(name: &str) -> bool {
    matches!(name, "node" | "nodejs" | "electron")
}

fn spelled_out(word: &Word) -> Word {
    if word.text().as_deref() == Some("-pe") { Word::known("-e", word.span) } else { word.clone() }
}

/// Files that perl and ruby open while they read lines: a bar in the name makes a command of it.
fn piped_files(options: &args::Read, call: Call<'_>, found: &mut Launches) {
    if !matches!(call.name, "perl" | "ruby") {
        return;
    }
    for word in &options.operands {
        let start = word.known_start();
        let name = start.trim();
        if name.starts_with('|') || name.ends_with('|') && word.text().is_some() {
            let text = Word::known(name.trim_matches('|'), word.span);
            found.text(Shell::Sh, text, &format!("{} FILE", call.name));
        } else if name.starts_with('>') {
            found.unknown("a file that is written where a name is read", word.span, call.name);
        }
    }
}

fn standard_input(language: &Language, call: Call<'_>, found: &mut Launches) {
    match &call.command.input {
        Input::Text(text) if !text.text().is_some_and(|text| is_plain(language, &text)) => {
            found.unknown(format!("code for {} that may start programs", call.name), text.span, call.name);
        }
        Input::Pipe(_)
            if !call.words.iter().any(|word| {
                matches!(word.text().as_deref(), Some("--version" | "-V" | "-v" | "--help" | "-h"))
            }) =>
        {
            found.unknown("code that another command prints", call.span(), call.name);
        }
        _ => {}
    }
}

/// Modules of Python that are programs, and what they run.
fn python_module(module: &Word, operands: &[Word], call: Call<'_>, found: &mut Launches) {
    match module.text().as_deref() {
        Some("pdb" | "cProfile" | "profile" | "trace" | "runpy" | "coverage" | "kernprof") => {
            found.executes(operands.first(), "a script", module.span);
        }
        Some("code" | "asyncio" | "IPython") => {
            found.unknown("code for python that may start programs", call.span(), "python -m");
        }
        Some("timeit") if !operands.is_empty() => {
            found.unknown("code for python that may start programs", call.span(), "python -m");
        }
        Some(name) if name.starts_with("pip") => {
            found.words(&[vec![Word::known("pip", module.span)], operands.to_vec()].concat(), "python -m");
        }
        Some(_) => found.executes(None, "a module of the project or of what it depends on", call.span()),
        None => found.unknown("a module that is only known at run time", module.span, "python -m"),
    }
}

/// True if the code plainly starts nothing: none of the pieces stands in it, and what it loads is known.
fn is_plain(language: &Language, code: &str) -> bool {
    if language.suspicious.iter().any(|piece| code.contains(piece)) || plain::is_disguised(code) {
        return false;
    }
    if plain::touches_guarded_files(code) {
        return false;
    }
    if language.names.contains(&"node") && !plain::is_direct(code) {
        return false;
    }
    match language.modules {
        Some(known) => python_imports(code).all(|module| known.contains(&module)),
        None => true,
    }
}

/// Modules that a code of Python names.
fn python_imports(code: &str) -> impl Iterator<Item = &str> {
    code.split(['\n', ';', ':']).flat_map(|statement| {
        let statement = statement.trim();
        let named = match (statement.strip_prefix("from "), statement.strip_prefix("import ")) {
            (Some(rest), _) => rest.split(" import").next().unwrap_or(rest),
            (None, Some(rest)) => rest,
            // An import in another place is not understood, and no module is called like this.
            (None, None) if statement.contains("import") => "import",
            (None, None) => "",
        };
        named
            .split(',')
            .map(|name| name.split(" as ").next().unwrap_or(name).trim())
            .filter(|name| !name.is_empty())
    })
}

/// `awk`: a program text in the first operand, or files of it.
fn awk(call: Call<'_>, found: &mut Launches) {
    let grammar = Grammar {
        valued: "FvfielW",
        long: &["field-separator", "assign", "file", "exec", "include", "load", "source"],
    };
    let options = args::read(call.words, grammar);
    let mut texts: Vec<&Word> = Vec::new();
    for given in &options.options {
        match (given.name.as_str(), &given.value) {
            ("-f" | "--file" | "-E" | "--exec" | "-i" | "--include", Some(file)) => {
                let is_open = |name: &str| args::is_standard_input(name) || args::is_descriptor(name);
                if file.text().is_none_or(|name| is_open(&name)) {
                    found.unknown("a program for awk", file.span, "awk");
                }
                found.executes(Some(file), "a program for awk", file.span);
            }
            ("-l" | "--load", Some(library)) => {
                found.unknown("a library that awk loads", library.span, "awk")
            }
            ("-e" | "--source", Some(text)) => texts.push(text),
            _ => {}
        }
    }
    if !options.has(&["-f", "--file", "-E", "--exec", "-e", "--source"]) {
        texts.extend(options.operands.first());
    }
    for text in texts {
        if !text.text().is_some_and(|code| plain::is_plain_awk(&code)) {
            found.unknown("a program for awk that may start programs", text.span, "awk");
        }
    }
}
