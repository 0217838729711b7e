//! Policy files: the user's, a zero byte, the project's.

use garth_policy::{
    AbsPath, AccessRequest, Context, Diagnostics, FileOp, Inputs, NodeKind, Os, Outcome, Policy, Source,
    TrustStore, load,
};

use super::split;

/// Loading never fails without saying where and why, and a project that is not trusted opens nothing that was
/// closed without it.
pub fn policy_file(data: &[u8]) {
    let (user, project) = split(data);
    let Some(context) = context() else { return };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let user = Source { name: "user.toml".to_owned(), text: text(user) };
    let project = project.map(|bytes| Source { name: "garth.toml".to_owned(), text: text(bytes) });
    let alone = resolve(&context, &user, None);
    let Some(project) = project else { return };
    if let (Some(alone), Some(both)) = (alone, resolve(&context, &user, Some(project))) {
        for probe in probes(&context) {
            let (before, after) = (probe.ask(&alone), probe.ask(&both));
            assert!(after <= before, "an untrusted project turns {before:?} into {after:?}: {probe:?}");
        }
    }
}

fn resolve(context: &Context, user: &Source, project: Option<Source>) -> Option<Policy> {
    let inputs = Inputs {
        context: context.clone(),
        managed: None,
        user: Some(user.clone()),
        project,
        flags: Vec::new(),
    };
    match load(&inputs, &TrustStore::empty()) {
        Ok(loaded) => {
            assert!(!loaded.project_trusted, "nothing is trusted");
            explained(&loaded.warnings);
            Some(loaded.policy)
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a reason");
            explained(&mistakes);
            None
        }
    }
}

/// Every mistake says what is wrong and what to do, and stands in its file.
fn explained(mistakes: &Diagnostics) {
    for mistake in &mistakes.list {
        assert!(!mistake.message.is_empty() && !mistake.hint.is_empty(), "says too little: {mistake:?}");
        if let Some((_, text)) = mistakes.texts.iter().find(|(name, _)| *name == mistake.file) {
            let lines = text.lines().count().max(1) + 1;
            assert!(usize::try_from(mistake.line).is_ok_and(|line| line <= lines), "outside: {mistake:?}");
            assert!(mistake.line > 0 && mistake.column > 0, "stands nowhere: {mistake:?}");
        }
    }
    assert!(mistakes.is_empty() || !mistakes.render(false).is_empty());
}

fn context() -> Option<Context> {
    let path = |text: &str| AbsPath::posix(text).ok();
    Some(Context {
        os: Os::Linux,
        workspace: path("/home/u/app")?,
        home: path("/home/u")?,
        tmp: path("/tmp")?,
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    })
}

/// A question that both policies are asked.
#[derive(Debug)]
enum Probe {
    File(AbsPath, FileOp),
    Connect(&'static str),
    Port(u16),
    Env(&'static str),
    Command(Vec<String>),
}

impl Probe {
    fn ask(&self, policy: &Policy) -> Outcome {
        let request = match self {
            Self::File(path, op) => AccessRequest::File { path, op: *op },
            Self::Connect(host) => AccessRequest::Connect { host, port: 443 },
            Self::Port(port) => AccessRequest::HostPort { port: *port },
            Self::Env(name) => AccessRequest::Env { name },
            Self::Command(argv) => AccessRequest::Command { argv, agent: None },
        };
        policy.decide(&request).outcome
    }
}

fn probes(context: &Context) -> Vec<Probe> {
    let names: [&[u8]; 8] = [
        b"",
        b"src/a.rs",
        b".env",
        b".git/hooks/x",
        b"garth.toml",
        b"../.ssh/id",
        b"../.cargo/bin/x",
        b"../../../etc/x",
    ];
    let ops = [
        FileOp::Read,
        FileOp::List,
        FileOp::Execute,
        FileOp::Write,
        FileOp::Delete,
        FileOp::Link,
        FileOp::Create(NodeKind::File),
        FileOp::MoveTo(NodeKind::Directory),
    ];
    let paths = names.iter().filter_map(|name| context.workspace.resolve(name).ok());
    let mut probes: Vec<Probe> = paths.flat_map(|path| ops.map(|op| Probe::File(path.clone(), op))).collect();
    probes.extend(["github.com", "a.example.com", "10.0.0.1"].map(Probe::Connect));
    probes.extend([22, 3000, 5432].map(Probe::Port));
    probes.extend(["LANG", "GITHUB_TOKEN", "LD_PRELOAD"].map(Probe::Env));
    probes.extend(
        ["git push origin main", "rm -r x", "make"]
            .map(|line| Probe::Command(line.split(' ').map(str::to_owned).collect())),
    );
    probes
}
