//! What recording and reading cost: `cargo bench -p garth-audit`. The numbers are in `docs/performance-audit.md`.
#![expect(clippy::expect_used, reason = "what goes wrong in a measurement ends it")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use garth_audit::core::redact::{Known, Redactor};
use garth_audit::core::{
    Clause, Event, FileDenied, Filter, Grant, Kind, Moment, NetworkAllowed, NetworkClosed, NetworkDecided,
    ProcessStarted, Search, SessionId,
};
use garth_audit::io::{Append, Directory, Limits, Log, Options, Session, check, sessions, visit};
use std::fs::OpenOptions;
use std::hint::black_box;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug)]
struct Plain(PathBuf);

impl Directory for Plain {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(OpenOptions::new().append(true).create_new(true).open(self.0.join(name))?))
    }
}

/// Secrets as a developer's environment and policy hold them.
fn known() -> Vec<Known> {
    let secret =
        |number: u32| Known { name: format!("TOKEN_{number}"), value: format!("s3cr3t-{number:032x}") };
    (0..20).map(secret).collect()
}

fn log(directory: &Path, number: u64, required: bool) -> Log {
    Log::start(Options {
        session: SessionId::new(Moment::from_micros(0), number),
        directory: Some(Ok(Box::new(Plain(directory.to_owned())))),
        redactor: Redactor::new(&known()),
        limits: Limits { file: 64 << 20, age: Duration::from_secs(86_400), kind: u64::MAX },
        required,
        listener: None,
        held: false,
    })
}

fn clause() -> Option<Clause> {
    Some(Clause {
        layer: "user".into(),
        source: "/home/u/.config/garth/policy.toml".into(),
        line: 12,
        column: 1,
    })
}

fn file_denied(number: u64) -> Event {
    FileDenied {
        program: "node".into(),
        operation: "create".into(),
        kind: Some("file".into()),
        path: format!("/home/u/work/project/.vscode/settings-{number}.json"),
        process: None,
        command: Vec::new(),
        reason: "read-only: tasks, launch commands and interpreter paths in it run on the host".into(),
        origin: clause(),
        grant: Some(Grant {
            section: "files".into(),
            line: format!("\"/home/u/work/project/.vscode/settings-{number}.json\" = \"write\""),
            option: Some("--write /home/u/work/project/.vscode".into()),
        }),
        hint: "garth run --write /home/u/work/project/.vscode -- ...".into(),
    }
    .into()
}

fn network_allowed(number: u64) -> Event {
    NetworkAllowed(NetworkDecided {
        connection: number,
        front: "transparent".into(),
        protocol: "tls".into(),
        host: Some(format!("host-{}.example.com", number % 100)),
        port: 443,
        address: Some("192.0.2.7".into()),
        method: None,
        path: None,
        code: "named".into(),
        reason: "a rule allows the host".into(),
        origin: clause(),
        grant: None,
    })
    .into()
}

fn network_closed(number: u64) -> Event {
    NetworkClosed {
        connection: number,
        host: format!("host-{}.example.com", number % 100),
        port: 443,
        sent: 5120,
        received: 70_000,
        milliseconds: 320,
    }
    .into()
}

fn process_started(number: u64) -> Event {
    let command =
        "rustc --crate-name serde --edition=2024 src/lib.rs --error-format=json --json=artifacts --emit=link";
    let mut command: Vec<String> = command.split(' ').map(str::to_owned).collect();
    command.push(format!("--out-dir=/home/u/work/project/target/debug/deps-{number}"));
    ProcessStarted { process: Some(7), program: "rustc".into(), command, parent: Some(1) }.into()
}

/// As a busy session has them: one in a hundred is a refusal.
fn event(number: u64) -> Event {
    match number % 100 {
        0 => file_denied(number),
        n if n % 3 == 0 => process_started(number),
        n if n % 2 == 0 => network_allowed(number),
        _ => network_closed(number),
    }
}

/// Makes an event of a number.
type Make = fn(u64) -> Event;

fn append(bench: &mut Criterion) {
    let place = tempfile::tempdir().expect("a directory");
    let mut group = bench.benchmark_group("append");
    let kinds: [(&str, Make); 4] = [
        ("file-denied", file_denied),
        ("network-allowed", network_allowed),
        ("network-closed", network_closed),
        ("process-started", process_started),
    ];
    for (number, (name, event)) in (1_u64..).zip(kinds) {
        let log = log(place.path(), number, false);
        group.bench_function(name, |bench| {
            bench.iter_batched(|| event(number), |event| log.record(event), BatchSize::SmallInput);
        });
        assert_eq!(log.lost(), None);
    }
    let log = log(place.path(), 9, true);
    group.bench_function("network-closed, required", |bench| {
        bench.iter_batched(|| network_closed(9), |event| log.record(event), BatchSize::SmallInput);
    });
    assert_eq!(log.lost(), None);
    group.finish();
    let (none, some) = (Redactor::new(&[]), Redactor::new(&known()));
    let line = "/home/u/work/project/.vscode/settings-7.json: tasks, launch commands and interpreter paths run on the host";
    for (name, redactor) in [("redact/no known secrets", none), ("redact/20 known secrets", some)] {
        bench.bench_function(name, |bench| {
            bench.iter_batched_ref(|| line.to_owned(), |text| redactor.text(text), BatchSize::SmallInput);
        });
    }
    bench.bench_function("start/20 known secrets", |bench| bench.iter(|| Redactor::new(black_box(&known()))));
}

/// Records in the large log.
const MANY: u64 = 1_000_000;

fn found(session: &Session, search: &Search) -> usize {
    let mut count = 0;
    let _all: ControlFlow<()> = visit(session, |_, _, line| {
        count += usize::from(search.find(line).is_some());
        ControlFlow::Continue(())
    })
    .expect("a log");
    count
}

fn read(bench: &mut Criterion) {
    let place = tempfile::tempdir().expect("a directory");
    let log = log(place.path(), 1, false);
    (0..MANY).for_each(|number| log.record(event(number)));
    assert_eq!(log.lost(), None);
    let session = sessions(place.path()).expect("a directory").remove(0);
    let bytes: u64 = session.files.iter().map(|file| file.metadata().expect("a file").len()).sum();
    let mut group = bench.benchmark_group("a million events");
    group.sample_size(10).measurement_time(Duration::from_secs(20)).throughput(Throughput::Bytes(bytes));
    let all = Filter::everything;
    let queries = [
        ("query --denied", Filter { denied: true, ..all() }, 10_000),
        ("query --kind file-denied", Filter { kinds: vec![Kind::FileDenied], ..all() }, 10_000),
        ("query --path settings-7700.json", Filter { path: Some("settings-7700.json".into()), ..all() }, 1),
        ("query --host nowhere.test", Filter { host: Some("nowhere.test".into()), ..all() }, 0),
    ];
    for (name, filter, count) in queries {
        let search = Search::new(filter);
        assert_eq!(found(&session, &search), count, "{name}");
        group.bench_function(name, |bench| bench.iter(|| found(&session, &search)));
    }
    group.bench_function("verify", |bench| {
        bench.iter(|| {
            let checked = check(&session, None).expect("a log");
            assert!(checked.fault.is_none() && checked.records > MANY);
        });
    });
    group.finish();
}

criterion_group!(benches, append, read);
criterion_main!(benches);
