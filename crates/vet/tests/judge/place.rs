//! Where the texts of these tests would run.

use garth_policy::{AbsPath, Context, Os};
use garth_vet::judge::Surroundings;
use std::collections::BTreeMap;

/// A workspace below a home.
pub fn surroundings() -> Surroundings {
    let [workspace, home, tmp] =
        ["/home/u/work", "/home/u", "/tmp"].map(|text| AbsPath::posix(text).unwrap());
    place(Os::Linux, workspace, home, tmp)
}

/// A workspace below a home on Windows.
pub fn surroundings_on_windows() -> Surroundings {
    let [workspace, home, tmp] =
        ["C:\\Users\\u\\work", "C:\\Users\\u", "C:\\Users\\u\\AppData\\Local\\Temp\\garth"]
            .map(|text| AbsPath::windows(text).unwrap());
    place(Os::Windows, workspace, home, tmp)
}

fn place(os: Os, workspace: AbsPath, home: AbsPath, tmp: AbsPath) -> Surroundings {
    let (git_dirs, path_dirs, env_dirs) = (Vec::new(), Vec::new(), Vec::new());
    let context = Context { os, workspace, home, tmp, git_dirs, path_dirs, env_dirs };
    let directory = context.workspace.clone();
    Surroundings { context, directory, variables: BTreeMap::new(), agent: None }
}
