//! P8: the environment is an allow-list.

use crate::prove::attack::{Attack, attack, step};

/// Variables that are put in garth's own environment for the proof.
pub(in crate::prove) const HOSTILE: &[(&str, &str)] = &[
    ("LD_PRELOAD", "/nowhere/evil.so"),
    ("LD_LIBRARY_PATH", "/nowhere"),
    ("LD_AUDIT", "/nowhere/evil.so"),
    ("BASH_ENV", "/nowhere/evil.sh"),
    ("ENV", "/nowhere/evil.sh"),
    ("BASH_FUNC_ls%%", "() { evil; }"),
    ("IFS", "x"),
    ("PROMPT_COMMAND", "evil"),
    ("GIT_SSH_COMMAND", "evil"),
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_DIR", "/nowhere"),
    ("GIT_EXTERNAL_DIFF", "evil"),
    ("PAGER", "evil"),
    ("LESSOPEN", "|evil %s"),
    ("NODE_OPTIONS", "--require /nowhere/evil.js"),
    ("PYTHONSTARTUP", "/nowhere/evil.py"),
    ("PYTHONWARNINGS", "all:0:antigravity.x:0:0"),
    ("PERL5OPT", "-Mevil"),
    ("RUBYOPT", "-revil"),
    ("JAVA_TOOL_OPTIONS", "-javaagent:/nowhere/evil.jar"),
    ("RUSTC_WRAPPER", "/nowhere/evil"),
    ("SSH_AUTH_SOCK", "/nowhere/agent"),
    ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus"),
    ("DOCKER_HOST", "unix:///nowhere/docker.sock"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("GITHUB_TOKEN", "secret"),
    ("ANTHROPIC_API_KEY", "secret"),
    ("ANTHROPIC_BASE_URL", "http://evil"),
    ("DATABASE_URL", "postgres://user:secret@host/"),
    ("NOTHING_KNOWN", "x"),
];

const LANGUAGE: crate::prove::attack::Step = step("variable", &["LANG", "C.UTF-8"]);

const fn comes_in(
    id: &'static str,
    title: &'static str,
    names: &'static [&'static str],
    escapes: &'static [u8],
) -> Attack {
    attack(8, id, title, step("any-variable", names), LANGUAGE).escapes(escapes)
}

pub(super) static ATTACKS: &[Attack] = &[
    comes_in(
        "environment.loader",
        "bring in variables of the loader",
        &["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"],
        &[86],
    ),
    comes_in(
        "environment.shell",
        "bring in variables that shells run",
        &["BASH_ENV", "ENV", "BASH_FUNC_ls%%", "IFS", "PROMPT_COMMAND"],
        &[51, 86],
    ),
    comes_in(
        "environment.git",
        "bring in variables of git",
        &["GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "GIT_DIR", "GIT_EXTERNAL_DIFF"],
        &[86],
    ),
    comes_in("environment.pager", "bring in pagers", &["PAGER", "LESSOPEN"], &[86]),
    comes_in(
        "environment.interpreters",
        "bring in variables of interpreters",
        &["NODE_OPTIONS", "PYTHONSTARTUP", "PYTHONWARNINGS", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS"],
        &[72, 86],
    ),
    comes_in("environment.compilers", "bring in wrappers of compilers", &["RUSTC_WRAPPER"], &[86]),
    comes_in(
        "environment.delegates",
        "bring in addresses of agents and buses",
        &["SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST"],
        &[83],
    ),
    comes_in(
        "environment.secrets",
        "bring in keys and tokens",
        &["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ANTHROPIC_API_KEY", "DATABASE_URL"],
        &[22],
    ),
    comes_in(
        "environment.redirect",
        "bring in the address to which an agent's key is sent",
        &["ANTHROPIC_BASE_URL"],
        &[22, 35],
    ),
    comes_in("environment.unknown", "bring in a variable that nobody knows", &["NOTHING_KNOWN"], &[]),
    attack(
        8,
        "environment.path",
        "run what stands in the working directory, by PATH",
        step("relative-path-entry", &[]),
        LANGUAGE,
    )
    .escapes(&[58, 71]),
];
