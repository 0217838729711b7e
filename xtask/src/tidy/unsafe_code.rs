//! `unsafe` stands in one crate, and each use says why it is sound.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, LineColumn, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::finding::Finding;
use crate::source::{Rust, SourceFile};
use crate::tokens::{group, is_word, walk};
use crate::tree::Tree;

/// The directory of the one crate with `unsafe`.
const HOME: &str = "crates/host/";

/// `unsafe` elsewhere, and `unsafe` without its reason.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(rust) = file.rust() else { continue };
        if file.path.starts_with(HOME) {
            findings.extend(unproven(file, rust));
        } else {
            findings.extend(misplaced(file, rust));
        }
    }
    findings
}

fn misplaced(file: &SourceFile, rust: &Rust) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(&rust.tokens, &mut |place| {
        if is_word(place.rest.first(), "unsafe") {
            let hint = "add a safe function to crates/host and call that";
            findings.push(Finding::at(&file.path, place.line, "`unsafe` outside crates/host", hint));
        }
    });
    findings
}

fn unproven(file: &SourceFile, rust: &Rust) -> Vec<Finding> {
    let mut extents = Extents::default();
    extents.visit_file(&rust.syntax);
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    walk(&rust.tokens, &mut |place| {
        let Some(what) = claim(place.rest) else { return };
        let start = extents.start_around(place.start());
        if !has_reason(&lines, place.line) && !has_reason(&lines, start) {
            let hint = "write `// SAFETY: …` directly above: which rule of the call is met, and by what";
            findings.push(Finding::at(&file.path, place.line, format!("{what} without its reason"), hint));
        }
    });
    findings
}

/// What the `unsafe` at the head of these tokens claims; `None` for other tokens and for pointer types.
fn claim(rest: &[TokenTree]) -> Option<&'static str> {
    if !is_word(rest.first(), "unsafe") {
        return None;
    }
    let mut next = 1;
    if is_word(rest.get(next), "extern") {
        next += 1;
        if matches!(rest.get(next), Some(TokenTree::Literal(_))) {
            next += 1;
        }
    }
    match rest.get(next) {
        following if group(following, Delimiter::Brace).is_some() => Some("`unsafe` block"),
        following if group(following, Delimiter::Parenthesis).is_some() => Some("`unsafe` attribute"),
        following if is_word(following, "impl") => Some("`unsafe impl`"),
        following if is_word(following, "trait") => Some("`unsafe trait`"),
        following if is_word(following, "fn") && matches!(rest.get(next + 1), Some(TokenTree::Ident(_))) => {
            Some("`unsafe fn`")
        }
        _ => None,
    }
}

/// Whether the comment that ends directly above this line (from 1) gives a reason. Attributes between the
/// two are skipped.
fn has_reason(lines: &[&str], line: usize) -> bool {
    let above = lines.get(..line.saturating_sub(1)).unwrap_or_default();
    above
        .iter()
        .rev()
        .map(|text| text.trim())
        .skip_while(|text| text.starts_with("#["))
        .take_while(|text| text.starts_with("//"))
        .any(|text| text.contains("SAFETY:") || text.trim_start_matches('/').trim() == "# Safety")
}

/// Where statements, items, fields and match arms begin and end.
#[derive(Default)]
struct Extents {
    ranges: Vec<RangeInclusive<LineColumn>>,
}

impl Extents {
    fn note(&mut self, node: &impl Spanned) {
        let span = node.span();
        self.ranges.push(span.start()..=span.end());
    }

    /// First line of the innermost extent around a place. Of nested extents the one that begins last is the
    /// innermost.
    fn start_around(&self, place: LineColumn) -> usize {
        let around = self.ranges.iter().filter(|range| range.contains(&place));
        around.map(RangeInclusive::start).max().map_or(place.line, |start| start.line)
    }
}

impl<'ast> Visit<'ast> for Extents {
    fn visit_stmt(&mut self, node: &'ast syn::Stmt) {
        self.note(node);
        visit::visit_stmt(self, node);
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        self.note(node);
        visit::visit_arm(self, node);
    }

    fn visit_field_value(&mut self, node: &'ast syn::FieldValue) {
        self.note(node);
        visit::visit_field_value(self, node);
    }

    fn visit_item(&mut self, node: &'ast syn::Item) {
        self.note(node);
        visit::visit_item(self, node);
    }

    fn visit_impl_item(&mut self, node: &'ast syn::ImplItem) {
        self.note(node);
        visit::visit_impl_item(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::fixture(&[(path, text)]))
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect()
    }

    #[test]
    fn unsafe_outside_its_crate_is_found_also_in_macros() {
        let text =
            "fn a() { unsafe { b() } }\nm! { unsafe { c() } }\n// unsafe\nconst D: &str = \"unsafe\";\n";
        let rule = "`unsafe` outside crates/host";
        assert_eq!(found("crates/plan/src/lib.rs", text), [format!("1: {rule}"), format!("2: {rule}")]);
    }

    #[test]
    fn a_block_needs_its_reason_directly_above() {
        let proven = "fn a() {\n    // SAFETY: b has no rules.\n    unsafe { b() };\n}\n";
        assert!(found("crates/host/src/lib.rs", proven).is_empty());
        for unproven in [
            "fn a() {\n    unsafe { b() };\n}\n",
            "fn a() {\n    // SAFETY: far away.\n    c();\n    unsafe { b() };\n}\n",
            "fn a() {\n    // safe enough\n    unsafe { b() };\n}\n",
        ] {
            assert_eq!(found("crates/host/src/lib.rs", unproven).len(), 1, "{unproven}");
        }
    }

    #[test]
    fn the_reason_may_stand_above_the_statement_around() {
        let text = "fn a() {\n    // SAFETY: b has no rules.\n    let x = f(\n        1,\n        unsafe { b() },\n    );\n}\n";
        assert!(found("crates/host/src/lib.rs", text).is_empty());
    }

    #[test]
    fn functions_and_impls_need_theirs_and_types_do_not() {
        let text = "unsafe impl Send for A {}\nunsafe fn a() {}\ntype F = unsafe extern \"C\" fn(u8);\n";
        assert_eq!(
            found("crates/host/src/lib.rs", text),
            ["1: `unsafe impl` without its reason", "2: `unsafe fn` without its reason"]
        );
        let proven = "// SAFETY: A is plain data.\nunsafe impl Send for A {}\n/// Does a.\n///\n/// # Safety\n/// Call once.\n#[inline]\nunsafe fn a() {}\n";
        assert!(found("crates/host/src/lib.rs", proven).is_empty());
    }
}
