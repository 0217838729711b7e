//! P3, P4, P8, P21: what the host later trusts, names that look different, variables, and what stays behind.

use crate::prove::attack::{Attack, Check, Expect, Step, attack, step};
use Check::{Absent, Same};

const WRITE: Step = step("write", &["{ws}\\src\\plain"]);
const SET: Step = step("variable", &["SystemRoot"]);

const fn writes(id: &'static str, title: &'static str, action: Step) -> Attack {
    attack(4, id, title, action, WRITE)
}

const fn comes_in(id: &'static str, title: &'static str, names: &'static [&'static str]) -> Attack {
    attack(8, id, title, step("any-variable", names), SET)
}

pub(super) static ATTACKS: &[Attack] = &[
    writes("git.hook", "change a hook", step("write", &["{ws}\\.git\\hooks\\pre-commit"]))
        .check(&[Same("{ws}\\.git\\hooks\\pre-commit")]),
    writes("git.hook-new", "make a hook", step("write", &["{ws}\\.git\\hooks\\post-checkout"]))
        .check(&[Absent("{ws}\\.git\\hooks\\post-checkout")]),
    writes("git.config", "change the configuration", step("write", &["{ws}\\.git\\config"]))
        .check(&[Same("{ws}\\.git\\config")]),
    writes("git.config-case", "change it in other letters", step("write", &["{ws}\\.GIT\\CONFIG"]))
        .check(&[Same("{ws}\\.git\\config")]),
    writes("git.config-point", "change it by a name with a point", step("write", &["{ws}\\.git.\\config"]))
        .check(&[Same("{ws}\\.git\\config")]),
    writes("git.config-short", "change it by its name of DOS", step("write", &["{ws}\\GIT~1\\config"]))
        .check(&[Same("{ws}\\.git\\config")]),
    writes(
        "git.config-stream",
        "change it by the stream of its directory",
        step("write", &["{ws}\\.git::$INDEX_ALLOCATION\\config"]),
    )
    .check(&[Same("{ws}\\.git\\config")]),
    writes("git.attributes", "make attributes", step("write", &["{ws}\\.git\\info\\attributes"]))
        .check(&[Absent("{ws}\\.git\\info\\attributes")]),
    writes("git.moved", "move the repository away", step("rename", &["{ws}\\.git", "{ws}\\src\\away"]))
        .check(&[Same("{ws}\\.git\\config")]),
    writes("names.mcp", "name a server for agents", step("write", &["{ws}\\.mcp.json"])),
    writes("names.claude", "change an agent's settings", step("write", &["{ws}\\.claude\\settings.json"])),
    writes("names.code", "change the editor's settings", step("write", &["{ws}\\.vscode\\settings.json"]))
        .check(&[Same("{ws}\\.vscode\\settings.json")]),
    writes(
        "names.code-case",
        "change them in other letters",
        step("write", &["{ws}\\.VSCODE\\Settings.json"]),
    )
    .check(&[Same("{ws}\\.vscode\\settings.json")]),
    writes("names.policy", "write the policy of the next sandbox", step("write", &["{ws}\\garth.toml"])),
    writes("names.moved-in", "move a settings file in", step("rename", &["{ws}\\plain2", "{ws}\\.mcp.json"])),
    comes_in("environment.node", "bring in variables of Node", &["NODE_OPTIONS"]),
    comes_in(
        "environment.interpreters",
        "bring in variables of interpreters",
        &["PYTHONSTARTUP", "PYTHONPATH", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS"],
    ),
    comes_in(
        "environment.dotnet",
        "bring in what .NET loads",
        &["DOTNET_STARTUP_HOOKS", "COR_PROFILER_PATH", "CORECLR_PROFILER_PATH"],
    ),
    comes_in("environment.layer", "bring in a layer of compatibility", &["__COMPAT_LAYER"]),
    comes_in(
        "environment.git",
        "bring in variables of git",
        &["GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF", "PAGER"],
    ),
    comes_in("environment.delegates", "bring in addresses of agents", &["SSH_AUTH_SOCK", "DOCKER_HOST"]),
    comes_in(
        "environment.secrets",
        "bring in keys and tokens",
        &["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"],
    ),
    comes_in("environment.unknown", "bring in a variable that nobody knows", &["NOTHING_KNOWN"]),
    attack(
        21,
        "residue.placeholder",
        "leave a name taken that was taken for the session",
        step("write", &["{ws}\\.mcp.json"]),
        WRITE,
    )
    .expect(Expect::Harmless)
    .check(&[Absent("{ws}\\.mcp.json"), Absent("{ws}\\garth.toml"), Absent("{ws}\\.claude")]),
];
