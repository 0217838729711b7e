//! sqlite3: statements of SQL that reach beyond the database, and the dot-commands of the shell.
//!
//! Source: <https://sqlite.org/cli.html> for the commands and the functions of the shell, <https://sqlite.org/lang.html>
//! for the statements. Words are looked for, in quotes too, so that no spelling of a name hides it.

use super::Deed;

/// Dot-commands that show, or change how is shown.
const SHOWING: &[&str] = &[
    "bail",
    "changes",
    "databases",
    "dbconfig",
    "dbinfo",
    "dump",
    "echo",
    "eqp",
    "exit",
    "explain",
    "fullschema",
    "header",
    "headers",
    "help",
    "indexes",
    "indices",
    "limit",
    "lint",
    "mode",
    "nullvalue",
    "print",
    "prompt",
    "quit",
    "schema",
    "separator",
    "show",
    "stats",
    "tables",
    "timeout",
    "timer",
    "version",
    "width",
];

/// Functions, tables and statements that read or write other files, load libraries or start programs.
const REACHING: &[&str] = &[
    "attach",
    "edit",
    "fsdir",
    "fts3_tokenizer",
    "load_extension",
    "lsdir",
    "readfile",
    "vfs",
    "virtual",
    "writefile",
    "zipfile",
    "temp_store_directory",
    "data_store_directory",
    "sqlite_dbpage",
    "vfstrace",
    "sqlite_memdb",
];

/// What one text does besides reading and changing the database that is open.
pub(super) fn deeds(text: &str) -> Vec<Deed> {
    match text.trim_start().strip_prefix('.') {
        Some(command) => dot(command),
        None => sql(text),
    }
}

/// What lines of standard input do, where a dot-command may begin in any line.
pub(super) fn deeds_of_lines(text: &str) -> Vec<Deed> {
    let commands = text.lines().filter_map(|line| line.trim_start().strip_prefix('.'));
    commands.flat_map(dot).chain(sql(text)).collect()
}

fn dot(command: &str) -> Vec<Deed> {
    let verb = command.split_whitespace().next().unwrap_or_default();
    match SHOWING.contains(&verb) && !command.contains('\n') {
        true => Vec::new(),
        false => vec![Deed::Unclear("a command of sqlite3 that may read or write files or start programs")],
    }
}

fn sql(text: &str) -> Vec<Deed> {
    let lower = text.to_lowercase();
    let is_inside = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    let words = lower.split(|letter: char| !is_inside(letter));
    let (mut reaches, mut vacuums, mut into) = (false, false, false);
    for word in words {
        reaches |= REACHING.contains(&word);
        vacuums |= word == "vacuum";
        into |= word == "into";
    }
    match reaches || vacuums && into {
        true => vec![Deed::Unclear("SQL that may reach other files or load code")],
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{deeds, deeds_of_lines};

    #[test]
    fn what_stays_in_the_database_is_plain() {
        for text in [
            "select * from t",
            "SELECT count(*) FROM users WHERE edited_at > 1",
            "insert into t values ('a');",
            "vacuum",
            ".tables",
            " .schema users",
            "select attachment from t",
        ] {
            assert_eq!(deeds(text), [], "{text}");
        }
        assert_eq!(deeds_of_lines(".headers on\nselect 1;\n.mode csv\n"), []);
    }

    #[test]
    fn what_reaches_out_is_not() {
        for text in [
            "select writefile('a','b')",
            "SELECT \"WriteFile\"('a','b')",
            "select/**/edit(x)from t",
            "ATTACH 'a' AS b",
            "vacuum into 'a'",
            "create virtual table a using csv(filename='b')",
            "pragma temp_store_directory='a'",
            ".sh x",
            ".output a",
            ".tab\n.sh x",
            ".schemata",
        ] {
            assert_ne!(deeds(text), [], "{text}");
        }
        assert_ne!(deeds_of_lines("select 1;\n .once a\nselect 2;"), []);
    }
}
