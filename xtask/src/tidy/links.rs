//! Links between the pages lead somewhere.

use crate::finding::Finding;
use crate::tree::Tree;

/// Relative links of Markdown pages to files that are not there.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (index, line) in prose(&file.text) {
            for target in targets(line).into_iter().filter(|target| is_relative(target)) {
                let path = resolve(&file.path, target);
                let known = tree.paths.iter().any(|one| *one == path || one.starts_with(&format!("{path}/")));
                if !known {
                    let what = format!("links to {target}, which is not in the tree");
                    findings.push(Finding::at(&file.path, index + 1, what, "mend the path or add the file"));
                }
            }
        }
    }
    findings
}

/// Lines outside fenced blocks, with their index.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The targets of `[…](target)` in a line.
fn targets(line: &str) -> Vec<&str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

fn is_relative(target: &str) -> bool {
    !target.is_empty() && !target.contains(':') && !target.starts_with('#') && !target.contains(' ')
}

fn resolve(page: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
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

    #[test]
    fn a_link_to_nothing_is_found() {
        let page = "[a](architecture.md#crates) [b](../README.md) [c](gone.md) ![p](picture.svg)\n[d](https://e.f) [g](#h)\n```\nx[0](gone)\n```\n";
        let tree = Tree::fixture(&[
            ("docs/a.md", page),
            ("docs/architecture.md", ""),
            ("README.md", "[docs](docs)"),
        ]);
        let found: Vec<String> = check(&tree).into_iter().map(|finding| finding.what).collect();
        assert_eq!(
            found,
            ["links to gone.md, which is not in the tree", "links to picture.svg, which is not in the tree"]
        );
    }
}
