//! Where the texts of these tests would run.

use garth_policy::{AbsPath, Context, Os};
use garth_vet::judge::Surroundings;
use std::collections::BTreeMap;

/// A workspace below a home.
pub fn surroundings() -> Surroundings {
    let path = |text: &str| AbsPath::posix(text).unwrap();
    let context = Context {
        os: Os::Linux,
        workspace: path("/home/u/work"),
        home: path("/home/u"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    let directory = context.workspace.clone();
    Surroundings { context, directory, variables: BTreeMap::new(), agent: None }
}
