//! Every state that git 2.47.3 put in place, in order, for real commands: recorded at its calls of rename.
//! Each command counts as a session of its own, so what an earlier one made is not new.

use std::collections::{BTreeMap, BTreeSet};

use crate::git::{Owner, Where, vet_config};

const RECORDED: &str = include_str!("recorded.txt");

#[test]
fn each_step_of_git_is_allowed() {
    let mut files: BTreeMap<&str, &str> = BTreeMap::new();
    let mut steps = 0;
    for session in RECORDED.split("##### ") {
        let before: BTreeSet<&str> = files.keys().copied().collect();
        for step in session.split("=== ").skip(1) {
            let (path, text) = step.split_once('\n').unwrap();
            let git_dir = path.rsplit_once('/').unwrap().0;
            let fresh = !before.contains(format!("{git_dir}/config").as_str());
            let place = Where {
                owner: Owner::of(git_dir.as_bytes()),
                git_dir: git_dir.as_bytes(),
                workspace: b"/w",
                fresh,
            };
            let old = files.get(path).map(|text| text.as_bytes());
            let change = vet_config(old, text.as_bytes(), place);
            assert!(change.is_ok(), "{path}: {}: {text}", change.unwrap_err());
            files.insert(path, text);
            steps += 1;
        }
    }
    assert!(steps > 60, "{steps}");
}
