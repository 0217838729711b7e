//! Code of other languages: what shows that it may do more than compute.

/// True if letters stand in the code that a language takes for others: wide and mathematical forms, ligatures.
pub(super) fn is_disguised(code: &str) -> bool {
    code.chars().any(|letter| {
        matches!(
            letter,
            '\u{aa}' | '\u{ba}' | '\u{17f}' | '\u{2b0}'..='\u{2b8}' | '\u{1d2c}'..='\u{1d6a}'
                | '\u{2071}'..='\u{209c}' | '\u{2100}'..='\u{214f}' | '\u{fb00}'..='\u{fb06}'
                | '\u{ff21}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}'
        )
    })
}

/// Pieces of calls that write, move or delete.
const WRITING: &[&str] = &[
    "write",
    "unlink",
    "remove",
    "rename",
    "rmtree",
    "rmSync",
    "rmdir",
    "rm(",
    "copy",
    "move",
    "symlink",
    "mkdir",
    "chmod",
    "truncate",
    "append",
    "delete",
    "put_contents",
    "'w",
    "\"w",
    "'a'",
    "\"a\"",
    "touch",
];

/// Pieces of these that delete.
const DELETING: &[&str] = &["unlink", "remove(", "rmtree", "rmSync", "rmdir", "rm(", "delete"];

/// Names of what the host later trusts.
const GUARDED: &[&str] = &[
    ".git/",
    "hooks",
    ".bash",
    ".profile",
    ".zsh",
    ".ssh",
    ".vscode",
    ".mcp",
    ".claude",
    ".cursor",
    ".idea",
    ".envrc",
    ".gitconfig",
    ".npmrc",
    ".husky",
    ".gitattributes",
    ".gitmodules",
    "autostart",
    "LaunchAgents",
];

/// True if the code writes and names what the host later trusts, or deletes and names a place outside the workspace.
pub(super) fn touches_guarded_files(code: &str) -> bool {
    let holds = |pieces: &[&str]| pieces.iter().any(|piece| code.contains(piece));
    let outside = ["'/", "\"/", "'~", "\"~", "..", "'C:", "\"C:", "home("];
    holds(WRITING) && holds(GUARDED) || holds(DELETING) && holds(&outside)
}

/// True if a script for node loads and calls by plain names alone: no name is put together.
pub(super) fn is_direct(code: &str) -> bool {
    let dense: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let loads_plainly = dense.match_indices("require").all(|(at, name)| {
        let rest = dense.get(at + name.len()..).unwrap_or_default();
        let mark = rest.strip_prefix('(').and_then(|rest| rest.chars().next());
        let Some(mark @ ('"' | '\'')) = mark else { return false };
        let module = rest.get(2..).unwrap_or_default().split(mark).next().unwrap_or_default();
        let behind = rest.get(2 + module.len() + 1..).unwrap_or_default();
        module != "module" && module != "node:module" && behind.starts_with(')')
    });
    // A key that is computed names any member; to call it is enough to reach `eval`.
    let calls_computed = dense.contains("](") || dense.contains("]`");
    let joins_key = ["[\"", "['"].iter().any(|start| {
        dense.match_indices(start).any(|(at, _)| {
            let is_index = dense.get(..at).and_then(|before| before.chars().next_back());
            let is_index = is_index.is_some_and(|letter| letter.is_alphanumeric() || "_$])".contains(letter));
            let key = dense.get(at..).unwrap_or_default().chars().take(80).collect::<String>();
            is_index && key.split(']').next().unwrap_or_default().contains('+')
        })
    });
    loads_plainly && !calls_computed && !joins_key
}

/// True if a program for awk starts nothing and reaches no host: no `system`, pipe, `getline` or directive outside of
/// strings and patterns.
pub(super) fn is_plain_awk(code: &str) -> bool {
    let bare = awk_without_texts(code);
    let bare = bare.replace("||", " ");
    !["system", "|", "@", "getline"].iter().any(|piece| bare.contains(piece)) && !code.contains("/inet/")
}

/// A program for awk without its strings, patterns and comments.
fn awk_without_texts(code: &str) -> String {
    let mut bare = String::new();
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => skip(&mut letters, '"'),
            '/' if begins_value(&bare) => {
                skip(&mut letters, '/');
                bare.push('0');
            }
            '#' => {
                letters.by_ref().take_while(|letter| *letter != '\n').for_each(drop);
                bare.push('\n');
            }
            _ => bare.push(letter),
        }
    }
    bare
}

/// Skips to the mark that is not escaped. Within brackets of a pattern a slash may be an end or not: it ends.
fn skip(letters: &mut std::str::Chars<'_>, mark: char) {
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter == mark => return,
            _ => {}
        }
    }
}

/// True where a slash begins a pattern: behind an operator or a word that takes a value.
fn begins_value(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    if before.ends_with("++") || before.ends_with("--") {
        return false;
    }
    let word = before.rsplit(|letter: char| !(letter == '_' || letter.is_alphanumeric())).next();
    if matches!(word, Some("print" | "printf" | "return" | "in" | "case" | "else" | "do" | "getline")) {
        return true;
    }
    before.chars().next_back().is_none_or(|last| "(,!~{};&|\n=<>+-*%?:^".contains(last))
}

#[cfg(test)]
mod tests {
    use super::{is_direct, is_plain_awk};

    #[test]
    fn awk_is_read_with_its_patterns() {
        for plain in ["{print $1}", "/a|b/ {print}", "$1 ~ /\"/ || $2", "{print $1/2, \"a|b\"}", "/system/"] {
            assert!(is_plain_awk(plain), "{plain}");
        }
        for odd in [
            "/\"/{system(\"x\")} /\"/",
            "BEGIN{\"x\"|getline}",
            "{print | \"sh\"}",
            "@load \"x\"",
            "x++ /system(\"x\")/ 2",
            "{print /\"/; system(\"x\"); print /\"/}",
        ] {
            assert!(!is_plain_awk(odd), "{odd}");
        }
    }

    #[test]
    fn names_that_are_put_together_are_not_plain() {
        assert!(is_direct("console.log(require('./package.json').version)"));
        assert!(is_direct("const a=[1,2]; console.log(a[0], {'x':1}['x'])"));
        assert!(!is_direct("x=require; x('fs')"));
        assert!(!is_direct("this['ev'+'al']('x')"));
        assert!(!is_direct("require('module')"));
    }
}
