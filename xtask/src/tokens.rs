//! Searches in token streams, which see into macro calls where a syntax tree does not.

use proc_macro2::{Delimiter, Group, LineColumn, TokenStream, TokenTree};

/// A token with its line (from 1) and the tokens that follow it in the same group.
pub struct Place<'a> {
    /// The token's line, from 1.
    pub line: usize,
    /// The token and all that follow it in its group.
    pub rest: &'a [TokenTree],
}

impl Place<'_> {
    /// Where the token begins.
    pub fn start(&self) -> LineColumn {
        self.rest.first().map_or(LineColumn { line: self.line, column: 0 }, |tree| tree.span().start())
    }
}

/// Calls `visit` for every token, groups first and then what they hold.
pub fn walk(tokens: &TokenStream, visit: &mut dyn FnMut(&Place<'_>)) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (index, tree) in trees.iter().enumerate() {
        let rest = trees.get(index..).unwrap_or_default();
        visit(&Place { line: tree.span().start().line, rest });
        if let TokenTree::Group(group) = tree {
            walk(&group.stream(), visit);
        }
    }
}

/// Whether a token is this word.
pub fn is_word(tree: Option<&TokenTree>, word: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(ident)) if ident == word)
}

/// Whether a token is this sign.
pub fn is_sign(tree: Option<&TokenTree>, sign: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// The token as a group with this delimiter.
pub fn group(tree: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match tree {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// Every word in a stream, at any depth.
pub fn words(tokens: &TokenStream) -> Vec<String> {
    let mut words = Vec::new();
    walk(tokens, &mut |place| {
        if let Some(TokenTree::Ident(ident)) = place.rest.first() {
            words.push(ident.to_string());
        }
    });
    words
}

/// A path that begins with `first`, written out (`std::{fs, io::Read}` gives two), with its line.
pub fn paths_from(tokens: &TokenStream, first: &str) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    walk(tokens, &mut |place| {
        if is_word(place.rest.first(), first) {
            expand(place.rest, &mut Vec::new(), place.line, &mut found);
        }
    });
    found
}

fn expand(
    tokens: &[TokenTree],
    prefix: &mut Vec<String>,
    line: usize,
    found: &mut Vec<(Vec<String>, usize)>,
) {
    let depth = prefix.len();
    let mut position = 0;
    let mut line = line;
    loop {
        match tokens.get(position) {
            Some(TokenTree::Ident(ident)) => {
                line = ident.span().start().line;
                prefix.push(ident.to_string());
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && !prefix.is_empty() => {
                expand_group(group, prefix, found);
                prefix.truncate(depth);
                return;
            }
            _ => break,
        }
        let follows = is_sign(tokens.get(position + 1), ':') && is_sign(tokens.get(position + 2), ':');
        if !follows {
            break;
        }
        position += 3;
    }
    found.push((prefix.clone(), line));
    prefix.truncate(depth);
}

fn expand_group(group: &Group, prefix: &mut Vec<String>, found: &mut Vec<(Vec<String>, usize)>) {
    let trees: Vec<TokenTree> = group.stream().into_iter().collect();
    for entry in trees.split(|tree| is_sign(Some(tree), ',')) {
        if let Some(first) = entry.first() {
            expand(entry, prefix, first.span().start().line, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let tokens: TokenStream = text.parse().unwrap();
        paths_from(&tokens, "std")
            .into_iter()
            .map(|(path, line)| format!("{}:{line}", path.join("::")))
            .collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        let text = "use std::{\n    fs::{self, File},\n    io,\n};\n";
        assert_eq!(paths(text), ["std::fs::self:2", "std::fs::File:2", "std::io:3"]);
    }

    #[test]
    fn paths_in_macro_calls_are_seen_and_text_is_not() {
        assert_eq!(paths("m!(std::fs::read(x)); // std::net\nlet a = \"std::env\";"), ["std::fs::read:1"]);
    }

    #[test]
    fn words_are_found_at_any_depth() {
        let tokens: TokenStream = "all(a, not(b = \"c\"))".parse().unwrap();
        assert_eq!(words(&tokens), ["all", "a", "not", "b"]);
    }
}
