//! One source file: its text, its syntax, and which of its lines are tests.

use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Meta, Token, punctuated::Punctuated};

/// Whether a file ends up in what users get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Compiled into tests, benchmarks or examples alone.
    Test,
    /// Compiled into a library, a program or a build script.
    Product,
}

/// A file of the tree that holds text.
pub struct SourceFile {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// Whole content.
    pub text: String,
    /// The syntax of a `.rs` file, or why there is none.
    pub rust: Option<Result<Rust, SyntaxError>>,
    /// How the file is compiled; `None` while no crate root leads to it.
    pub role: Option<Role>,
}

/// The syntax of a Rust file.
pub struct Rust {
    /// All tokens; comments are not among them, documentation is only as string literals.
    pub tokens: TokenStream,
    /// The parsed file.
    pub syntax: syn::File,
    /// Lines (from 1) of items that exist in tests alone.
    pub test_lines: Vec<RangeInclusive<usize>>,
}

/// Why a file does not parse.
#[derive(Debug)]
pub struct SyntaxError {
    /// Line, from 1.
    pub line: usize,
    /// What the parser says.
    pub message: String,
}

impl SourceFile {
    /// Reads a file's text; parses it when its name ends in `.rs`.
    pub fn new(path: &str, text: String) -> Self {
        let rust = path.ends_with(".rs").then(|| parse(&text));
        Self { path: path.to_owned(), text, rust, role: None }
    }

    /// The syntax, where the file is Rust and parses.
    pub fn rust(&self) -> Option<&Rust> {
        self.rust.as_ref()?.as_ref().ok()
    }

    /// The syntax of a file that belongs to what users get.
    pub fn product(&self) -> Option<&Rust> {
        (self.role == Some(Role::Product)).then(|| self.rust()).flatten()
    }
}

impl Rust {
    /// Whether a line (from 1) belongs to an item that exists in tests alone.
    pub fn is_test(&self, line: usize) -> bool {
        self.test_lines.iter().any(|range| range.contains(&line))
    }
}

fn parse(text: &str) -> Result<Rust, SyntaxError> {
    let tokens: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| SyntaxError {
        line: error.span().start().line,
        message: error.to_string(),
    })?;
    let syntax: syn::File = syn::parse2(tokens.clone())
        .map_err(|error| SyntaxError { line: error.span().start().line, message: error.to_string() })?;
    let mut finder = TestFinder::default();
    finder.visit_file(&syntax);
    Ok(Rust { tokens, syntax, test_lines: finder.lines })
}

#[derive(Default)]
struct TestFinder {
    lines: Vec<RangeInclusive<usize>>,
}

impl TestFinder {
    fn note(&mut self, attributes: &[Attribute], item: &impl syn::spanned::Spanned) -> bool {
        let test = attributes.iter().any(is_test_only);
        if test {
            let span = item.span();
            self.lines.push(span.start().line..=span.end().line);
        }
        test
    }
}

impl<'ast> Visit<'ast> for TestFinder {
    fn visit_item(&mut self, item: &'ast Item) {
        if !self.note(attributes(item), item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !self.note(attributes, item) {
            visit::visit_impl_item(self, item);
        }
    }
}

/// The attributes of an item.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an attribute makes its item exist in tests alone: `#[test]`, `#[cfg(test)]`,
/// `#[cfg(all(test, …))]`.
pub fn is_test_only(attribute: &Attribute) -> bool {
    if attribute.path().is_ident("test") {
        return true;
    }
    attribute.path().is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta))
}

fn needs_test(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => {
            let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let Ok(inner) = inner else { return false };
            if list.path.is_ident("all") {
                inner.iter().any(needs_test)
            } else {
                list.path.is_ident("any") && !inner.is_empty() && inner.iter().all(needs_test)
            }
        }
        Meta::NameValue(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> Rust {
        parse(text).map_err(|error| error.message).unwrap()
    }

    #[test]
    fn items_for_tests_are_known_with_their_attributes() {
        let file = rust("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n\nfn c() {}\n");
        assert_eq!(file.test_lines, [3..=6]);
        assert!(!file.is_test(1) && file.is_test(5) && !file.is_test(8));
    }

    #[test]
    fn a_predicate_that_product_code_can_meet_is_not_a_test() {
        for product in ["not(test)", "any(test, unix)", "feature = \"test\"", "unix"] {
            assert!(rust(&format!("#[cfg({product})]\nfn a() {{}}\n")).test_lines.is_empty(), "{product}");
        }
        for test in ["test", "all(test, unix)", "any(test, all(test, unix))"] {
            assert_eq!(rust(&format!("#[cfg({test})]\nfn a() {{}}\n")).test_lines, [1..=2], "{test}");
        }
    }

    #[test]
    fn methods_for_tests_are_known() {
        let file = rust("struct A;\nimpl A {\n    #[cfg(test)]\n    fn a() {}\n    fn b() {}\n}\n");
        assert_eq!(file.test_lines, [3..=4]);
    }

    #[test]
    fn a_file_that_does_not_parse_says_where() {
        let file = SourceFile::new("a.rs", "fn a() {}\nfn {\n}\n".to_owned());
        let error = file.rust.unwrap().err().unwrap();
        assert_eq!(error.line, 2, "{}", error.message);
    }
}
