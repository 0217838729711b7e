//! What the tests share: one user, one workspace.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test program uses a part of it, and a failure to build the input is a failure of the test"
)]

pub mod golden;

use garth_policy::{
    AbsPath, Access, Context, FileOp, FileRule, Glob, Layer, Origin, Os, Pattern, Policy, RuleKind, Verdict,
};

pub fn path(text: &str) -> AbsPath {
    AbsPath::posix(text).unwrap()
}

pub fn context() -> Context {
    Context {
        os: Os::Linux,
        workspace: path("/home/ann/ws"),
        home: path("/home/ann"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    }
}

pub fn windows_context() -> Context {
    let at = |text: &str| AbsPath::windows(text).unwrap();
    Context {
        os: Os::Windows,
        workspace: at(r"C:\Users\Ann\ws"),
        home: at(r"C:\Users\Ann"),
        tmp: at(r"C:\Users\Ann\AppData\Local\Temp\garth"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    }
}

pub fn rule(at: &str, access: Access, layer: Layer) -> FileRule {
    FileRule {
        pattern: Pattern::Path(path(at)),
        access,
        execute: true,
        kind: RuleKind::User,
        reason: "".into(),
        origin: Origin::unplaced(layer, "test"),
    }
}

pub fn glob_at(base: &str, pattern: &str) -> Pattern {
    Pattern::Glob(Glob::new(&path(base), pattern).unwrap())
}

pub fn glob_rule(pattern: &str, access: Access, layer: Layer) -> FileRule {
    FileRule { pattern: glob_at("/home/ann/ws", pattern), ..rule("/", access, layer) }
}

pub fn verdict(policy: &Policy, at: &str, op: FileOp) -> Verdict {
    policy.files.decide(&path(at), op).verdict
}
