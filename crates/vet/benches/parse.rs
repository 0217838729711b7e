//! How long a text takes to be read: `cargo bench -p garth-vet`. The numbers are in `docs/performance-vetting.md`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use garth_vet::{Shell, parse, parse_batch};
use std::hint::black_box;
use std::time::Duration;

/// Commands as agents write them.
const TYPICAL: &[(&str, Shell, &str)] = &[
    ("bash/short", Shell::Bash, "git status"),
    ("bash/build", Shell::Bash, "cd crates/vet && cargo test --lib -- --nocapture 2>&1 | tail -n 20"),
    (
        "bash/search",
        Shell::Bash,
        "find . -name '*.rs' -not -path './target/*' | xargs grep -n \"fn main\" | sort | head -50",
    ),
    (
        "bash/loop",
        Shell::Bash,
        "for f in src/*.ts; do if grep -q TODO \"$f\"; then echo \"$f: $(grep -c TODO \"$f\")\"; fi; done",
    ),
    (
        "bash/commit",
        Shell::Bash,
        "git add -A && git commit -m \"$(cat <<'EOF'\nOne line\n\nAnother\nEOF\n)\"",
    ),
    ("cmd/short", Shell::Cmd, "git status"),
    ("cmd/build", Shell::Cmd, "cd /d C:\\work\\app && npm run build 2>&1 | findstr /i \"error warning\""),
    ("cmd/loop", Shell::Cmd, "for /f \"tokens=*\" %i in ('git branch --merged') do git branch -d %i"),
    (
        "cmd/if",
        Shell::Cmd,
        "if exist \"%USERPROFILE%\\.npmrc\" (type \"%USERPROFILE%\\.npmrc\") else echo none",
    ),
];

/// Lines that are repeated to a text of ten megabytes.
const LARGE: &[(&str, Shell, &str)] = &[
    ("bash/lines", Shell::Bash, "git add src/main.rs && cargo test --lib 2>&1 | tail -n 20\n"),
    ("bash/one line", Shell::Bash, "a b; "),
    ("cmd/lines", Shell::Cmd, "git add src\\main.rs && cargo test --lib 2>&1 | more\n"),
    ("cmd/one line", Shell::Cmd, "a b & "),
    ("cmd/variables", Shell::Cmd, "set x=%x%a\necho %x%\n"),
    ("cmd/carets", Shell::Cmd, "^"),
    ("cmd/parentheses", Shell::Cmd, "("),
    ("cmd/loops", Shell::Cmd, "for %%i in (a b c) do git add %%i\n"),
    ("cmd/labels", Shell::Cmd, ":a\nset x=!x!\n"),
];

const MEGABYTES: usize = 10;

fn typical(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("typical");
    for (name, shell, text) in TYPICAL {
        group.bench_function(*name, |bencher| bencher.iter(|| parse(*shell, black_box(text))));
    }
    group.finish();
}

fn large(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("large");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Bytes(10_000_000));
    for (name, shell, unit) in LARGE {
        let text = unit.repeat(MEGABYTES * 1_000_000 / unit.len());
        let read = |text: &str| match shell {
            Shell::Cmd => parse_batch(text),
            shell => parse(*shell, text),
        };
        group.bench_function(*name, |bencher| {
            bencher.iter_batched(|| text.as_str(), |text| read(black_box(text)), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, typical, large);
criterion_main!(benches);
