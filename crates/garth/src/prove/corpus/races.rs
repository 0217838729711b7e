//! P2 against a second thread: what was checked is what is used.

use crate::prove::attack::{Attack, Check, Garden, attack, step};
use Check::{Absent, Same};

const OUT: &[Check] = &[Same("{out}/directory"), Same("{out}/directory/victim")];
const GUARDED: &[Check] = &[Same("{ws}/.vscode")];

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        2,
        "race.open",
        "swap the directory for a link while a file is made in it",
        step("swap-path", &["open", "{ws}/race-1", "{out}/directory"]),
        step("write", &["{ws}/race-1/after"]),
    )
    .escapes(&[79])
    .check(OUT),
    attack(
        2,
        "race.create",
        "the same, with a file made for reading",
        step("swap-path", &["create", "{ws}/race-2", "{out}/directory"]),
        step("write", &["{ws}/race-2/after"]),
    )
    .check(OUT),
    attack(
        2,
        "race.directory",
        "the same, with a directory",
        step("swap-path", &["directory", "{ws}/race-3", "{out}/directory"]),
        step("write", &["{ws}/race-3/after"]),
    )
    .check(OUT),
    attack(
        2,
        "race.symlink",
        "the same, with a link",
        step("swap-path", &["symlink", "{ws}/race-4", "{out}/directory"]),
        step("write", &["{ws}/race-4/after"]),
    )
    .check(OUT),
    attack(
        2,
        "race.link",
        "the same, with a hard link",
        step("swap-path", &["link", "{ws}/race-5", "{out}/directory"]),
        step("write", &["{ws}/race-5/after"]),
    )
    .check(OUT),
    attack(
        2,
        "race.rename",
        "the same, with a file that is moved in",
        step("swap-path", &["rename", "{ws}/race-6", "{out}/directory"]),
        step("write", &["{ws}/race-6/after"]),
    )
    .check(OUT),
    attack(
        2,
        "race.truncate",
        "the same, with a file that is emptied",
        step("swap-path", &["truncate", "{ws}/race-7", "{out}/directory"]),
        step("write", &["{ws}/race-7/after"]),
    )
    .check(OUT),
    attack(
        2,
        "race.read-only-open",
        "swap the directory for a link to read-only programs while a file is made",
        step("swap-path", &["open", "{ws}/race-8", "{bin}"]),
        step("write", &["{ws}/race-8/after"]),
    )
    .check(&[Same("{bin}"), Same("{bin}/tool")]),
    attack(
        3,
        "race.guarded-open",
        "swap the directory for a link to a protected one while a file is made",
        step("swap-path", &["open", "{ws}/race-9", "{ws}/.vscode"]),
        step("write", &["{ws}/race-9/after"]),
    )
    .check(GUARDED),
    attack(
        3,
        "race.guarded-rename",
        "swap the directory for a link to a protected one while a file is moved in",
        step("swap-path", &["rename", "{ws}/race-10", "{ws}/.vscode"]),
        step("write", &["{ws}/race-10/after"]),
    )
    .check(GUARDED),
    attack(
        4,
        "race.hooks",
        "swap the directory for a link to the hooks while a file is made",
        step("swap-path", &["open", "{ws}/race-11", "{ws}/nested/.git/hooks"]),
        step("write", &["{ws}/race-11/after"]),
    )
    .escapes(&[7])
    .check(&[Same("{ws}/nested/.git/hooks")]),
    attack(
        3,
        "race.memory-open",
        "change the path in memory while the call is decided on",
        step("swap-memory", &["open", "{ws}/aaaaaaa/new", "{ws}/.vscode/new"]),
        step("make-directory", &["{ws}/race-12"]),
    )
    .check(GUARDED),
    attack(
        3,
        "race.memory-absent",
        "the same, with a protected name that does not exist",
        step("swap-memory", &["open", "{ws}/.mcp-json", "{ws}/.mcp.json"]),
        step("write", &["{ws}/.mcp-json"]),
    )
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        3,
        "race.memory-directory",
        "the same, with a protected directory that does not exist",
        step("swap-memory", &["directory", "{ws}/.cursar", "{ws}/.cursor"]),
        step("make-directory", &["{ws}/.cursar"]),
    )
    .check(&[Absent("{ws}/.cursor")]),
    attack(
        3,
        "race.parent",
        "fill a directory while it is moved to where its content would be protected",
        step("swap-parent", &["{ws}/race-13", "{ws}/.github", "hooks"]),
        step("make-directory", &["{ws}/race-14"]),
    )
    .within(Garden::Bare)
    .check(&[Absent("{ws}/.github/hooks")]),
];
