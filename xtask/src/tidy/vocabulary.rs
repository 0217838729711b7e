//! The page of the audit log names each kind of event.

use crate::finding::Finding;
use crate::tree::Tree;
use garth_audit::core::Kind;

const PAGE: &str = "docs/audit.md";

/// Kinds of events that stand in no row of the page's table.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.file(PAGE).map_or("", |page| page.text.as_str());
    let cells: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next()).collect();
    let is_told = |kind: &&Kind| cells.iter().any(|cell| cell.split('`').any(|word| word == kind.name()));
    let missing = Kind::ALL.iter().filter(|kind| !is_told(kind));
    missing
        .map(|kind| {
            let what = format!("has no row for the event `{}`", kind.name());
            Finding::whole(PAGE, what, "say there when it is recorded")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_without_a_row_is_found() {
        let rows: String =
            Kind::ALL.iter().map(|kind| format!("| `other`, `{}` | when |\n", kind.name())).collect();
        assert!(check(&Tree::fixture(&[(PAGE, &rows)])).is_empty());
        let without = rows.replace("`dns`", "`dn`");
        let found: Vec<String> =
            check(&Tree::fixture(&[(PAGE, &without)])).into_iter().map(|one| one.what).collect();
        assert_eq!(found, ["has no row for the event `dns`"]);
        assert_eq!(check(&Tree::fixture(&[(PAGE, "`dns` stands in prose alone")])).len(), Kind::ALL.len());
    }
}
