//! Files and functions stay small. Tests are not counted.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::finding::{Finding, Report};
use crate::source::{Rust, SourceFile};
use crate::tree::Tree;

/// Limits in lines.
struct Budget {
    /// What is measured.
    noun: &'static str,
    /// Nine of ten may not be longer.
    p90: usize,
    /// None may be longer.
    longest: usize,
    /// What to do about one that is.
    hint: &'static str,
}

const FILES: Budget =
    Budget { noun: "file", p90: 500, longest: 700, hint: "split it where a reader would look for the parts" };

const FUNCTIONS: Budget =
    Budget { noun: "function", p90: 40, longest: 80, hint: "name its steps and make each a function" };

/// How many of the longest are shown.
const SHOWN: usize = 5;

/// A measured piece of product code.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Measured {
    path: String,
    line: usize,
    name: String,
    lines: usize,
}

/// Files and functions over budget; the longest of each as notes.
pub fn check(tree: &Tree) -> Report {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for file in &tree.files {
        if let Some(rust) = file.product() {
            files.push(measure_file(file, rust));
            functions.extend(measure_functions(&file.path, rust));
        }
    }
    let mut report = Report::default();
    judge(&FILES, files, &mut report);
    judge(&FUNCTIONS, functions, &mut report);
    report
}

fn measure_file(file: &SourceFile, rust: &Rust) -> Measured {
    let lines = (1..=file.text.lines().count()).filter(|line| !rust.is_test(*line)).count();
    Measured { path: file.path.clone(), line: 0, name: String::new(), lines }
}

fn measure_functions(path: &str, rust: &Rust) -> Vec<Measured> {
    let mut finder = Functions { path, found: Vec::new() };
    finder.visit_file(&rust.syntax);
    finder.found.retain(|function| !rust.is_test(function.line));
    finder.found
}

fn judge(budget: &Budget, mut measured: Vec<Measured>, report: &mut Report) {
    measured.sort_by(|a, b| b.lines.cmp(&a.lines).then_with(|| a.path.cmp(&b.path)));
    let p90 = percentile_90(&measured);
    let noun = budget.noun;
    report.notes.push(format!("{} {noun}s, p90 {p90} lines (at most {})", measured.len(), budget.p90));
    for one in measured.iter().take(SHOWN) {
        let place =
            if one.line > 0 { format!("{}:{} {}", one.path, one.line, one.name) } else { one.path.clone() };
        report.notes.push(format!("  {:>4} {place}", one.lines));
    }
    for one in measured.iter().filter(|one| one.lines > budget.longest) {
        let what = format!("{noun} {} of {} lines, at most {}", one.name, one.lines, budget.longest);
        report.findings.push(Finding::at(&one.path, one.line, what.replace("  ", " "), budget.hint));
    }
    if p90 > budget.p90 {
        let path = measured.first().map_or("", |one| one.path.as_str());
        let what = format!("one {noun} in ten is over {} lines (p90 is {p90})", budget.p90);
        report.findings.push(Finding::whole(path, what, budget.hint));
    }
}

/// Length that nine of ten do not exceed; the slice is sorted, longest first.
fn percentile_90(longest_first: &[Measured]) -> usize {
    longest_first.get(longest_first.len() / 10).map_or(0, |one| one.lines)
}

struct Functions<'a> {
    path: &'a str,
    found: Vec<Measured>,
}

impl Functions<'_> {
    /// Counts from the signature to the closing brace; attributes and documentation are not counted.
    fn note(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = signature.span().start().line;
        let lines = body.span().end().line.saturating_sub(line) + 1;
        let name = signature.ident.to_string();
        self.found.push(Measured { path: self.path.to_owned(), line, name, lines });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.note(&node.sig, &node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.note(&node.sig, &node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(body) = &node.default {
            self.note(&node.sig, body);
        }
        visit::visit_trait_item_fn(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn a() {{\n{}}}\n", "    b();\n".repeat(lines - 2))
    }

    fn whats(text: &str) -> Vec<String> {
        let report = check(&Tree::fixture(&[("crates/a/src/lib.rs", text)]));
        report.findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_function_may_fill_its_budget_and_not_more() {
        // Ten short ones keep the percentile down.
        let short = "fn s() {}\n".repeat(10);
        assert!(whats(&format!("{short}{}", function(80))).is_empty());
        assert_eq!(whats(&format!("{short}{}", function(81))), ["function a of 81 lines, at most 80"]);
    }

    #[test]
    fn many_middling_functions_break_the_percentile() {
        assert_eq!(whats(&function(41)), ["one function in ten is over 40 lines (p90 is 41)"]);
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_are_not_counted() {
        let found = whats(&"// x\n".repeat(701));
        assert_eq!(found[0], "file of 701 lines, at most 700");
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn a() {}\n".repeat(800));
        assert!(whats(&tests).is_empty());
    }

    #[test]
    fn the_percentile_is_the_nearest_rank() {
        let measured = |lines: usize| Measured { path: String::new(), line: 0, name: String::new(), lines };
        let ten: Vec<Measured> = (1..=10).rev().map(measured).collect();
        assert_eq!(percentile_90(&ten), 9);
        assert_eq!(percentile_90(&[]), 0);
        assert_eq!(percentile_90(&[measured(7)]), 7);
    }
}
