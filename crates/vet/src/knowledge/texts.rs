//! The texts that are compiled in.

use super::table::{Table, TableError};
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

static TABLE: OnceLock<Table> = OnceLock::new();

/// The table, read once.
pub(super) fn built_in() -> &'static Table {
    // A text that cannot be read leaves no program known, which is safe; a test holds that all can be read.
    TABLE.get_or_init(|| read().unwrap_or_default())
}

/// Reads all texts.
pub(super) fn read() -> Result<Table, TableError> {
    let mut table = Table::default();
    for (origin, text) in TEXTS {
        table.add(origin, text)?;
    }
    Ok(table)
}
