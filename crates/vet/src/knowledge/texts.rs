//! The texts that are compiled in.

use super::table::Table;
#[cfg(test)]
use super::table::TableError;
use super::unread::Unread;
use std::sync::OnceLock;

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../knowledge/", $name)))),*]
    };
}

/// One text for each family, with its file name as origin.
pub(super) const TEXTS: &[(&str, &str)] = texts![
    "build.toml",
    "cmd.toml",
    "dotnet.toml",
    "environment.toml",
    "files.toml",
    "git.toml",
    "network.toml",
    "node.toml",
    "powershell.toml",
    "python.toml",
    "search.toml",
    "shell.toml",
    "system.toml",
    "text.toml",
    "windows.toml",
];

static UNREAD: OnceLock<Unread> = OnceLock::new();

/// The rows of all texts, each read when it is asked for.
pub(super) fn unread() -> &'static Unread {
    UNREAD.get_or_init(|| Unread::of(TEXTS))
}

/// The table of all texts.
pub(super) fn built_in() -> Table {
    Table { unread: Some(unread()), ..Table::default() }
}

/// Reads all texts at once.
#[cfg(test)]
pub(super) fn read() -> Result<Table, TableError> {
    let mut table = Table::default();
    for (origin, text) in TEXTS {
        table.add(origin, text)?;
    }
    Ok(table)
}
