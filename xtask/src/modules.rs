//! Which files the crate roots lead to, and whether as product or for tests alone.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ItemMod, Lit, Meta, Token, punctuated::Punctuated};

use crate::source::{Role, SourceFile, is_test_only};

/// A `mod name;` with all the files it may stand for.
#[derive(Debug, PartialEq, Eq)]
struct Declaration {
    candidates: Vec<String>,
    role: Role,
}

/// Sets [`SourceFile::role`] of every file that a root leads to. A file that is reached in both roles is
/// product.
pub fn assign_roles(files: &mut [SourceFile], roots: Vec<(String, Role)>) {
    let index: BTreeMap<String, usize> =
        files.iter().enumerate().map(|(position, file)| (file.path.clone(), position)).collect();
    let mut waiting: Vec<(String, Role, bool)> =
        roots.into_iter().map(|(path, role)| (path, role, true)).collect();
    while let Some((path, role, owns_directory)) = waiting.pop() {
        let Some(file) = index.get(&path).and_then(|position| files.get_mut(*position)) else { continue };
        if file.role >= Some(role) {
            continue;
        }
        file.role = Some(role);
        let Some(rust) = file.rust() else { continue };
        for (declaration, by_path) in declarations(&path, &rust.syntax, owns_directory) {
            let role = role.min(declaration.role);
            for candidate in declaration.candidates {
                let owns = by_path || candidate.ends_with("/mod.rs");
                waiting.push((candidate, role, owns));
            }
        }
    }
}

/// The declarations of a file, each with whether it names its file by `#[path]`.
///
/// `owns_directory` is true for crate roots, `mod.rs` and files that were named by `#[path]`: their modules
/// lie beside them, those of other files in a directory of their name.
fn declarations(path: &str, syntax: &syn::File, owns_directory: bool) -> Vec<(Declaration, bool)> {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let modules = if owns_directory { directory } else { path.trim_end_matches(".rs") };
    let mut finder =
        Finder { directory, modules, inline: Vec::new(), role: Role::Product, found: Vec::new() };
    finder.visit_file(syntax);
    finder.found
}

struct Finder<'a> {
    directory: &'a str,
    modules: &'a str,
    inline: Vec<String>,
    role: Role,
    found: Vec<(Declaration, bool)>,
}

impl Finder<'_> {
    /// Where the modules declared at this place lie.
    fn place(&self) -> String {
        join(self.modules, &self.inline.join("/"))
    }

    fn declare(&mut self, module: &ItemMod) {
        let named = path_attributes(&module.attrs);
        let base = if self.inline.is_empty() { self.directory.to_owned() } else { self.place() };
        let by_path: Vec<String> = named.iter().map(|name| join(&base, name)).collect();
        if !by_path.is_empty() {
            self.found.push((Declaration { candidates: by_path, role: self.role }, true));
        }
        let plain = join(&self.place(), &module.ident.to_string());
        let candidates = vec![format!("{plain}.rs"), format!("{plain}/mod.rs")];
        self.found.push((Declaration { candidates, role: self.role }, false));
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let outer = self.role;
        if module.attrs.iter().any(is_test_only) {
            self.role = Role::Test;
        }
        if module.content.is_some() {
            self.inline.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.inline.pop();
        } else {
            self.declare(module);
        }
        self.role = outer;
    }
}

/// The files named by `#[path = "…"]` and `#[cfg_attr(…, path = "…")]`.
fn path_attributes(attributes: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in attributes {
        found.extend(named_path(&attribute.meta));
        if attribute.path().is_ident("cfg_attr")
            && let Ok(inner) = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        {
            found.extend(inner.iter().filter_map(named_path));
        }
    }
    found
}

fn named_path(meta: &Meta) -> Option<String> {
    let Meta::NameValue(pair) = meta else { return None };
    let Expr::Lit(literal) = &pair.value else { return None };
    let Lit::Str(text) = &literal.lit else { return None };
    pair.path.is_ident("path").then(|| text.value())
}

/// Joins with `/` and takes out `.` and `..`.
fn join(base: &str, rest: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(rest.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(files: &[(&str, &str)], roots: &[(&str, Role)]) -> Vec<(String, Option<Role>)> {
        let mut files: Vec<SourceFile> =
            files.iter().map(|(path, text)| SourceFile::new(path, (*text).to_owned())).collect();
        assign_roles(&mut files, roots.iter().map(|(path, role)| ((*path).to_owned(), *role)).collect());
        files.into_iter().map(|file| (file.path, file.role)).collect()
    }

    fn unreached(files: &[(&str, &str)]) -> Vec<String> {
        let roles = roles(files, &[("a/src/lib.rs", Role::Product)]);
        roles.into_iter().filter(|(_, role)| role.is_none()).map(|(path, _)| path).collect()
    }

    #[test]
    fn modules_lie_beside_roots_and_below_other_files() {
        let files = [
            ("a/src/lib.rs", "mod b; mod e { mod f; }"),
            ("a/src/b.rs", "mod c;"),
            ("a/src/b/c.rs", ""),
            ("a/src/e/f/mod.rs", "mod g;"),
            ("a/src/e/f/g.rs", ""),
            ("a/src/c.rs", "never reached"),
        ];
        assert_eq!(unreached(&files), ["a/src/c.rs"]);
    }

    #[test]
    fn path_attributes_are_followed_also_below_cfg_attr() {
        let files = [
            ("a/src/lib.rs", "#[path = \"../x/y.rs\"] mod b; #[cfg_attr(unix, path = \"u.rs\")] mod os;"),
            ("a/x/y.rs", "mod beside;"),
            ("a/x/beside.rs", ""),
            ("a/src/u.rs", ""),
        ];
        assert!(unreached(&files).is_empty());
    }

    #[test]
    fn a_module_for_tests_makes_its_files_tests() {
        let files = [
            ("a/src/lib.rs", "#[cfg(test)] mod t; mod p;"),
            ("a/src/t.rs", "mod u;"),
            ("a/src/t/u.rs", ""),
            ("a/src/p.rs", ""),
        ];
        let roles = roles(&files, &[("a/src/lib.rs", Role::Product)]);
        let roles: Vec<_> = roles.into_iter().map(|(_, role)| role.unwrap()).collect();
        assert_eq!(roles, [Role::Product, Role::Test, Role::Test, Role::Product]);
    }

    #[test]
    fn product_wins_over_test() {
        let files = [("a/src/lib.rs", ""), ("a/tests/t.rs", "#[path = \"../src/lib.rs\"] mod a;")];
        for roots in [
            [("a/src/lib.rs", Role::Product), ("a/tests/t.rs", Role::Test)],
            [("a/tests/t.rs", Role::Test), ("a/src/lib.rs", Role::Product)],
        ] {
            assert_eq!(roles(&files, &roots)[0].1, Some(Role::Product));
        }
    }
}
