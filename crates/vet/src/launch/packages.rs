//! Package managers, build systems and test runners: they run a project's code, or fetch code and run it.

use super::args::{self, Grammar};
use super::{Call, Launches};
use crate::command::{Shell, Word};

/// Options of npm and its kin with a value.
pub(super) const GLOBAL: Grammar = Grammar {
    valued: "CwFcp",
    long: &[
        "prefix",
        "dir",
        "cwd",
        "workspace",
        "filter",
        "registry",
        "userconfig",
        "cache",
        "loglevel",
        "package",
        "call",
        "script-shell",
        "shell",
        "git",
        "editor",
        "viewer",
        "globalconfig",
        "tag",
        "otp",
        "node-options",
    ],
};

/// Options of cargo before the command.
pub(super) const CARGO: Grammar =
    Grammar { valued: "CZ", long: &["config", "color", "manifest-path", "target-dir"] };

/// Programs that build or test a project: its own code runs, in whatever language.
const BUILDERS: &[&str] = &[
    "make",
    "gmake",
    "ninja",
    "cmake",
    "ctest",
    "meson",
    "bazel",
    "bazelisk",
    "buck2",
    "scons",
    "waf",
    "just",
    "task",
    "rake",
    "gradle",
    "gradlew",
    "mvn",
    "mvnw",
    "mvnd",
    "ant",
    "sbt",
    "lein",
    "mill",
    "bundle",
    "tox",
    "nox",
    "pytest",
    "py.test",
    "jest",
    "vitest",
    "mocha",
    "ava",
    "tsx",
    "ts-node",
    "playwright",
    "cypress",
    "webpack",
    "vite",
    "rollup",
    "esbuild",
    "next",
    "nuxt",
    "turbo",
    "nx",
    "gulp",
    "grunt",
    "eslint",
    "rspec",
    "phpunit",
    "composer",
    "mix",
    "rebar3",
    "dune",
    "stack",
    "cabal",
    "swift",
    "xcodebuild",
    "go",
    "dotnet",
    "msbuild",
    "zig",
    "pre-commit",
    "ansible-playbook",
    "terraform",
    "pulumi",
    "helm",
    "setup.py",
    "mkdocs",
    "sphinx-build",
    "coverage",
    "hatch",
    "flit",
    "pdm",
    "poetry",
    "uv",
    "pipenv",
    "rye",
    "pip",
    "cargo",
    "npm",
    "pnpm",
    "yarn",
    "bun",
    "deno",
    "lerna",
    "rush",
    "earthly",
    "pants",
    "please",
    "invoke",
    "fab",
    "doit",
];

/// Commands of these that run nothing of the project.
const QUIET: &[&str] = &[
    "fmt",
    "tree",
    "metadata",
    "search",
    "doc",
    "help",
    "version",
    "--version",
    "-V",
    "-v",
    "--help",
    "list",
    "ls",
    "outdated",
    "view",
    "info",
    "audit",
    "why",
    "show",
    "freeze",
    "check-manifest",
    "locate-project",
    "login",
    "logout",
    "whoami",
];

/// Reads one of them; false if the program is none.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    if matches!(call.name, "bun" | "deno" | "swift" | "iex" | "erl" | "mix" | "rake" | "rebar3") {
        evaluates(call, found);
    }
    if matches!(call.name, "mvn" | "mvnw" | "mvnd") {
        super::maven::maven(call, found);
    }
    match call.name {
        "npx" | "bunx" | "pnpx" | "uvx" | "dlx" => fetched(call.words, call.name, call, found),
        "npm" | "pnpm" | "yarn" | "bun" => scripts(call, found),
        "pipx" | "uv" | "poetry" | "pipenv" | "hatch" | "pdm" | "rye" | "pixi" | "conda" | "mamba"
        | "micromamba" | "bundle" | "rustup" | "volta" | "pyenv" | "rbenv" | "nvm" | "fnm" | "corepack"
        | "nix" | "nix-shell" | "guix" | "devbox" | "composer" | "dotnet" | "go" | "deno" | "cargo" => {
            runners(call, found)
        }
        "make" | "gmake" => make(call, found),
        "nodemon" | "concurrently" | "npm-run-all" | "watchexec" | "chokidar" => watchers(call, found),
        name if BUILDERS.contains(&name) => project(call, found),
        _ => return false,
    }
    true
}

/// Code in an argument of a tool that mostly builds.
fn evaluates(call: Call<'_>, found: &mut Launches) {
    let options: &[&str] = match call.name {
        "bun" => &["-e", "-p", "--eval", "--print"],
        "deno" => &["eval", "-"],
        "erl" | "rebar3" => &["-eval", "--eval"],
        "rake" => &["-e", "-E", "-p", "--execute", "--execute-print", "--execute-continue"],
        _ => &["-e", "--eval"],
    };
    let is_code = |word: &&Word| {
        let start = word.known_start();
        options.contains(&start.split('=').next().unwrap_or_default())
    };
    if let Some(word) = call.words.iter().find(is_code) {
        found.unknown(format!("code for {}", call.name), word.span, call.name);
    }
}

fn project(call: Call<'_>, found: &mut Launches) {
    let first = call.words.first().and_then(Word::text).unwrap_or_default();
    if !QUIET.contains(&first.as_str()) {
        found.executes(None, "code of the project and of what it depends on", call.span());
    }
}

/// `npx PACKAGE args`: a program of the project or one that is fetched.
fn fetched(words: &[Word], via: &str, call: Call<'_>, found: &mut Launches) {
    let grammar =
        Grammar { valued: "pc", long: &["package", "call", "from", "with", "python", "spec", "shell"] };
    let options = args::read(words, grammar);
    if let Some(shell) = options.value(&["--shell"]) {
        found.unknown("the shell that npx is given", shell.span, via);
    }
    if let Some(text) = options.value(&["-c", "--call"]) {
        found.text(Shell::Sh, text.clone(), &format!("{via} -c"));
    }
    match options.operands.split_first() {
        Some((name, rest)) => {
            let mut program = name.clone();
            if let Some(text) = name.text() {
                // A version behind the name is not part of the program's name; nor is the scope.
                let text = text.rsplit('/').next().unwrap_or(&text).to_owned();
                let bare = text.split('@').next().filter(|bare| !bare.is_empty()).unwrap_or(&text);
                program = Word::known(bare, name.span);
            }
            found.words(&[vec![program], rest.to_vec()].concat(), via);
            found.executes(None, "a package of the project, or one that is fetched", call.span());
        }
        None if call.words.is_empty() => {}
        None => {}
    }
}

fn scripts(call: Call<'_>, found: &mut Launches) {
    let options = args::read(call.words, GLOBAL);
    let Some((verb, rest)) = options.operands.split_first() else { return };
    let via = format!("{} {}", call.name, verb.known_start());
    tools_of(call, found);
    if hands_on(call, verb, rest, &via, found) {
        return;
    }
    match verb.text().as_deref() {
        Some("exec" | "x" | "dlx" | "create" | "init")
            if rest.iter().any(|word| !word.known_start().starts_with('-'))
                || options.has(&["-c", "--call"]) =>
        {
            if matches!(verb.text().as_deref(), Some("exec" | "x" | "dlx")) {
                if let Some(text) = options.value(&["-c", "--call"]) {
                    found.text(Shell::Sh, text.clone(), &via);
                }
                return fetched(rest, &via, call, found);
            }
            found.executes(None, "a package that is fetched", call.span());
        }
        Some("explore") => {
            let words = args::read(rest.get(1..).unwrap_or_default(), Grammar::FLAGS).operands;
            found.words(&words, &via);
        }
        Some("node") => found.words(&options.operands, &via),
        Some(verb) if QUIET.contains(&verb) => {}
        Some("config" | "set") => {
            if rest.iter().any(|word| {
                word.known_start().contains("script-shell") || word.known_start().contains("node-options")
            }) {
                found.unknown("the shell that runs scripts later", call.span(), &via);
            }
        }
        _ => found.executes(None, "scripts of the project and of what it depends on", call.span()),
    }
}

/// Options of npm, anywhere on the line, that name a program with which it runs others.
fn tools_of(call: Call<'_>, found: &mut Launches) {
    for given in args::read_all(call.words, GLOBAL).options {
        let is_tool = matches!(
            given.name.as_str(),
            "--script-shell" | "--shell" | "--git" | "--editor" | "--viewer" | "--node-options"
        );
        if let Some(value) = given.value.filter(|_| is_tool) {
            let what = format!("a program or options that {} is given for what it starts", call.name);
            found.unknown(what, value.span, &format!("{} {}", call.name, given.name));
        }
    }
}

/// Verbs of pnpm itself; another one is a script, or a program.
const PNPM: &[&str] = &[
    "add",
    "install",
    "i",
    "update",
    "up",
    "remove",
    "rm",
    "un",
    "link",
    "ln",
    "unlink",
    "import",
    "rebuild",
    "rb",
    "prune",
    "fetch",
    "dedupe",
    "patch",
    "test",
    "t",
    "start",
    "run",
    "exec",
    "dlx",
    "create",
    "init",
    "publish",
    "pack",
    "audit",
    "list",
    "ls",
    "outdated",
    "why",
    "licenses",
    "store",
    "root",
    "bin",
    "setup",
    "config",
    "c",
    "deploy",
    "doctor",
    "env",
    "server",
    "cat-file",
    "cat-index",
    "find-hash",
    "help",
    "build",
    "lint",
    "format",
];

/// Verbs behind which another command stands, in the words of one tool alone. True if nothing else is to be said.
fn hands_on(call: Call<'_>, verb: &Word, rest: &[Word], via: &str, found: &mut Launches) -> bool {
    let text = verb.text().unwrap_or_default();
    let behind = args::read(rest, Grammar::FLAGS).operands;
    match (call.name, text.as_str()) {
        ("yarn" | "bun" | "pnpm", "exec") => {
            // One word of several is a text for a shell.
            if let [one] = behind.as_slice()
                && one.known_start().contains(' ')
            {
                found.text(Shell::Sh, one.clone(), via);
            }
            false
        }
        ("yarn" | "pnpm", "npm") => {
            found.words(&[std::slice::from_ref(verb), rest].concat(), via);
            true
        }
        ("yarn", "workspace" | "workspaces") => {
            let is_exec = |word: &Word| matches!(word.text().as_deref(), Some("exec" | "npm"));
            if let Some(words) = rest.iter().position(is_exec).and_then(|at| rest.get(at..)) {
                let skipped = usize::from(words.first().and_then(Word::text).as_deref() == Some("exec"));
                found.words(words.get(skipped..).unwrap_or_default(), via);
            }
            false
        }
        ("bun", "run") => {
            found.words(&behind, via);
            false
        }
        ("pnpm", verb_text) if !PNPM.contains(&verb_text) && !rest.is_empty() => {
            found.words(&[std::slice::from_ref(verb), rest].concat(), via);
            false
        }
        ("npm", "pkg") => {
            for word in rest {
                let start = word.known_start();
                if let Some((key, _)) = start.split_once('=').filter(|(key, _)| key.starts_with("scripts")) {
                    found.text(Shell::Sh, args::without(word, key.len() + 1), via);
                }
            }
            false
        }
        _ => false,
    }
}

/// Verbs behind which the words of a command stand.
const RUN_VERBS: &[(&str, &[&str])] = &[
    ("uv", &["run"]),
    ("poetry", &["run"]),
    ("pipenv", &["run"]),
    ("pipx", &["run"]),
    ("hatch", &["run"]),
    ("pdm", &["run"]),
    ("rye", &["run"]),
    ("pixi", &["run", "exec"]),
    ("conda", &["run"]),
    ("mamba", &["run"]),
    ("micromamba", &["run"]),
    ("bundle", &["exec"]),
    ("rustup", &["run"]),
    ("volta", &["run"]),
    ("pyenv", &["exec"]),
    ("rbenv", &["exec"]),
    ("nvm", &["exec", "run"]),
    ("fnm", &["exec"]),
    ("corepack", &["pnpm", "yarn", "npm"]),
    ("nix", &["develop", "shell", "run"]),
    ("guix", &["shell"]),
    ("devbox", &["run"]),
    ("composer", &["exec"]),
];

fn runners(call: Call<'_>, found: &mut Launches) {
    let global = match call.name {
        "cargo" => CARGO,
        _ => Grammar {
            valued: "pnCwe",
            long: &[
                "project",
                "directory",
                "python",
                "with",
                "name",
                "prefix",
                "env-file",
                "extra",
                "group",
                "package",
                "from",
                "using",
                "version",
                "spec",
                "with-requirements",
            ],
        },
    };
    if call.name == "nix-shell" {
        let options =
            args::read_all(call.words, Grammar { valued: "pA", long: &["run", "command", "packages"] });
        if let Some(text) = options.value(&["--run", "--command"]) {
            found.text(Shell::Bash, text.clone(), "nix-shell --run");
        }
        return;
    }
    let words: Vec<Word> = call
        .words
        .iter()
        .skip_while(|word| call.name == "cargo" && word.known_start().starts_with('+'))
        .cloned()
        .collect();
    let options = args::read(&words, global);
    let Some((verb, rest)) = options.operands.split_first() else { return };
    let verb = verb.text().unwrap_or_default();
    let via = format!("{} {verb}", call.name);
    let is_run = RUN_VERBS.iter().any(|(name, verbs)| *name == call.name && verbs.contains(&verb.as_str()));
    match (call.name, verb.as_str()) {
        ("uv", "tool" | "x") => return fetched(rest.get(1..).unwrap_or_default(), "uvx", call, found),
        ("rustup", "run") => {
            let words = args::read(rest.get(1..).unwrap_or_default(), Grammar::FLAGS).operands;
            return found.words(&words, &via);
        }
        ("nix" | "guix" | "nvm" | "fnm", _) if is_run => return behind_mark(rest, &via, call, found),
        ("corepack", _) => return found.words(&options.operands, "corepack"),
        ("cargo", _) => cargo(&verb, &options, rest, found),
        ("go", "test" | "build" | "run" | "install" | "vet" | "generate") => go(rest, found),
        _ => {}
    }
    if is_run {
        let words = args::read(rest, global).operands;
        found.words(&words, &via);
    }
    if !QUIET.contains(&verb.as_str()) {
        found.executes(None, "code of the project and of what it depends on", call.span());
    }
}

/// A command behind `-c` or `--`, as of `nix develop`.
fn behind_mark(rest: &[Word], via: &str, call: Call<'_>, found: &mut Launches) {
    let mark = |word: &Word| matches!(word.text().as_deref(), Some("-c" | "--command" | "--"));
    let at = rest.iter().position(mark);
    match at.and_then(|at| rest.get(at + 1..)) {
        Some(words) => found.words(words, via),
        None if matches!(call.name, "nvm" | "fnm") => found.words(rest.get(1..).unwrap_or_default(), via),
        None => found.executes(None, "a package that is fetched", call.span()),
    }
}

/// Options of cargo that carry commands or configuration with commands.
fn cargo(verb: &str, global: &args::Read, rest: &[Word], found: &mut Launches) {
    if matches!(verb, "watch" | "hack") {
        let grammar = Grammar { valued: "xswBECFp", long: &["exec", "shell", "watch", "features"] };
        for given in args::read_all(rest, grammar).options {
            match (given.name.as_str(), given.value) {
                ("-s" | "--shell", Some(text)) => found.text(Shell::Sh, text, "cargo watch -s"),
                ("-x" | "--exec", Some(text)) => {
                    let mut line = Word::known("cargo ", text.span);
                    line.parts.extend(text.parts);
                    found.text(Shell::Sh, line, "cargo watch -x");
                }
                _ => {}
            }
        }
    }
    let grammar =
        Grammar { valued: "pFjZ", long: &["config", "package", "features", "test", "bin", "example"] };
    let inner = args::read_all(rest, grammar).options;
    for given in global.options.iter().chain(&inner) {
        let ("--config", Some(value)) = (given.name.as_str(), &given.value) else { continue };
        let text = value.known_start();
        let keys = ["runner", "linker", "rustc", "alias", "credential", "rustdoc", "env"];
        if keys.iter().any(|key| text.contains(key)) || !text.contains('=') {
            found.unknown("configuration with which cargo runs programs", value.span, "cargo --config");
        }
    }
}

/// Flags of go that name a program through which others are run.
fn go(rest: &[Word], found: &mut Launches) {
    for word in rest {
        let start = word.known_start();
        let Some(name) = start.strip_prefix("--").or_else(|| start.strip_prefix('-')) else { continue };
        if matches!(name.split('=').next(), Some("exec" | "toolexec" | "vettool" | "overlay" | "gccgoflags"))
        {
            found.unknown("a program through which go runs others", word.span, "go");
        }
    }
}

/// `make`: the project's rules, those of a file, of standard input or of `--eval`.
fn make(call: Call<'_>, found: &mut Launches) {
    let grammar = Grammar {
        valued: "CfIoWEj",
        long: &[
            "directory",
            "file",
            "makefile",
            "include-dir",
            "old-file",
            "assume-old",
            "what-if",
            "new-file",
            "assume-new",
            "eval",
        ],
    };
    let options = args::read_all(call.words, grammar);
    for given in &options.options {
        match (given.name.as_str(), &given.value) {
            ("-E" | "--eval", Some(text)) => {
                found.unknown("rules of make that stand on the command line", text.span, "make --eval");
            }
            ("-f" | "--file" | "--makefile", Some(file)) => match file.text().as_deref() {
                Some("-" | "/dev/stdin") => {
                    found.unknown("rules of make that come through standard input", file.span, "make -f")
                }
                Some(_) => found.executes(Some(file), "rules of make", file.span),
                None => found.unknown("rules of make that are only known at run time", file.span, "make -f"),
            },
            _ => {}
        }
    }
    for (name, value) in options.operands.iter().filter_map(super::variables::split_assignment) {
        let start = value.known_start();
        if start.contains("$(shell") || start.contains("${shell") || start.contains("$(eval") {
            found.unknown("a function of make that runs commands", value.span, &format!("make {name}="));
        }
        if matches!(
            name.as_str(),
            "SHELL"
                | "MAKE"
                | "MAKEFLAGS"
                | ".SHELLFLAGS"
                | "CC"
                | "CXX"
                | "CPP"
                | "LD"
                | "AR"
                | "AS"
                | "RM"
                | "INSTALL"
        ) {
            found.text(Shell::Sh, value, &format!("make {name}="));
        }
    }
    found.executes(None, "rules of the project", call.span());
}

fn watchers(call: Call<'_>, found: &mut Launches) {
    let grammar = Grammar {
        valued: "xewnic",
        long: &["exec", "ext", "watch", "names", "ignore", "command", "initial"],
    };
    let options = args::read_all(call.words, grammar);
    for given in &options.options {
        if let ("-x" | "--exec" | "-c" | "--command", Some(text)) = (given.name.as_str(), &given.value) {
            found.text(Shell::Sh, text.clone(), call.name);
        }
    }
    match call.name {
        "concurrently" => {
            options.operands.iter().for_each(|text| found.text(Shell::Sh, text.clone(), "concurrently"))
        }
        "watchexec" => found.text(Shell::Sh, args::joined(&options.operands), "watchexec"),
        _ => found.executes(None, "code of the project", call.span()),
    }
}
