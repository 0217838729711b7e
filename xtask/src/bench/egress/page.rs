//! The page: tables and goals.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::super::numbers::{median, percentile, short};
use super::{CLIENTS, Figure, IDLE, Measured, Options};

/// What the figures mean.
const EXPLANATION: &str = "
*Passed through*: a protocol that no proxy knows (64 bytes asked, as many answered as were asked for), by CONNECT. *Opened*: \
HTTP/1.1 over TLS of which the proxy reads each request; certificates and sessions are not kept by the clients. *Requests* are \
of eight clients that keep their connection, *connections* of eight that make a new one for each request. The *first byte* is \
the time from `connect(2)` to the first answer, all handshakes included, of clients that begin one now and then, which leaves the \
machine room (at 500 a second passed through, more than mitmproxy can serve, and 50 opened). The *C floor* (`xtask/src/bench/egress/floor.c`) checks nothing, and moves bytes by `splice(2)`. \
Where the load is above the number of processors, other work ran beside the bench: all contenders share it, so ratios say more than \
times, and the last hundredth is the scheduler's.
";

/// Puts the page together.
///
/// # Errors
/// When git cannot say which commit this is.
pub fn page(root: &Path, options: &Options, measured: &Measured) -> Result<String> {
    let line = |program: &str, words: &[&str]| {
        let said = Command::new(program).args(words).current_dir(root).output().ok()?;
        Some(String::from_utf8_lossy(&said.stdout).lines().next()?.trim().to_owned())
    };
    let commit =
        line("git", &["log", "-1", "--format=%h of %cs"]).context("cannot ask git for the commit")?;
    let date = line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]).unwrap_or_default();
    let kernel = line("uname", &["-srm"]).unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let others = match measured.absent.as_slice() {
        [] => "all contenders were there".to_owned(),
        absent => format!("not installed: {}", absent.join(", ")),
    };
    let mut out = format!(
        "# Performance of the network\n\nWritten by `cargo xtask bench egress --rounds {} --seconds {} --megabytes {} \
         --starts {} --write`. Ratios of one run are comparable; figures of different machines are not.\n\n\
         - **Date** {date}\n- **Machine** {processors} processors, {kernel}; load averages after the run {}\n\
         - **garth** commit {commit}, release build; {others}\n{EXPLANATION}\n## Goals\n\n\
         | goal | bound | measured | |\n| --- | --- | --- | --- |\n",
        options.rounds,
        options.seconds,
        options.bytes >> 20,
        options.starts,
        load.join(" "),
    );
    for (goal, bound, value, is_met) in goals(measured) {
        let verdict = if is_met { "met" } else { "**MISSED**" };
        writeln!(out, "| {goal} | {bound} | {value} | {verdict} |")?;
    }
    table(&mut out, "Passed through", &measured.passed)?;
    table(&mut out, "TLS opened", &measured.opened)?;
    writeln!(out, "\n## {IDLE} idle connections\n\n| | MiB more |\n| --- | --- |")?;
    for (name, kib) in &measured.idle {
        writeln!(out, "| {name} | {} |", kib / 1024)?;
    }
    let [without, with] = &measured.starts;
    writeln!(out, "\n## Start-up of `true`\n\n| | p50 ms | p99 ms |\n| --- | --- | --- |")?;
    for (name, took) in [("no network", without), ("an allow-list", with)] {
        writeln!(out, "| {name} | {} | {} |", short(median(took)), short(percentile(took, 0.99)))?;
    }
    Ok(out)
}

fn table(out: &mut String, title: &str, figures: &[Figure]) -> Result<()> {
    writeln!(
        out,
        "\n## {title}\n\n| | stream MB/s | requests/s | connections/s | first byte p50 ms | p99 ms |\n\
         | --- | --- | --- | --- | --- | --- |"
    )?;
    for figure in figures {
        let numbers = [
            median(&figure.stream),
            median(&figure.requests),
            median(&figure.connections),
            median(&figure.first),
            percentile(&figure.first, 0.99),
        ];
        writeln!(out, "| {} | {} |", figure.name, numbers.map(short).join(" | "))?;
    }
    Ok(())
}

type Goal = (String, String, String, bool);

/// A figure in words, and where it stands.
type Named = (&'static str, fn(&Figure) -> &Vec<f64>);

fn goals(measured: &Measured) -> Vec<Goal> {
    let mut goals = Vec::new();
    let named = |figures: &'_ [Figure], name: &str| -> Option<usize> {
        figures.iter().position(|figure| figure.name == name)
    };
    let figures: [Named; 3] = [
        ("one stream", |figure| &figure.stream),
        ("requests on kept connections", |figure| &figure.requests),
        ("new connections", |figure| &figure.connections),
    ];
    let mut ratio = |goal: String, least: f64, of: &[f64], to: &[f64]| {
        let ratio = median(of) / median(to);
        goals.push((goal, format!("at least {least:.1}"), short(ratio), ratio >= least));
    };
    let passed = &measured.passed;
    if let (Some(own), Some(floor)) = (named(passed, "garth"), named(passed, "C floor")) {
        for (what, of) in &figures {
            ratio(
                format!("{what}, passed through, to the C floor"),
                0.9,
                of(&passed[own]),
                of(&passed[floor]),
            );
        }
    }
    let opened = &measured.opened;
    if let (Some(own), Some(other)) = (named(opened, "garth"), named(opened, "mitmproxy")) {
        for (what, of) in &figures {
            ratio(format!("{what}, TLS opened, to mitmproxy"), 3.0, of(&opened[own]), of(&opened[other]));
        }
        let added = |figure: &Figure| median(&figure.first) - median(&opened[0].first);
        let share = added(&opened[other]) / added(&opened[own]);
        let goal = "time added to the first byte at p50, TLS opened, mitmproxy's to garth's".to_owned();
        goals.push((goal, "at least 3.0".into(), short(share), share >= 3.0));
    }
    if let Some(own) = named(passed, "garth") {
        for (share, name, most) in [(0.5, "p50", 0.25), (0.99, "p99", 2.0)] {
            let added = percentile(&passed[own].first, share) - percentile(&passed[0].first, share);
            let goal = format!("time added to the first byte at {name}, {CLIENTS} clients");
            goals.push((goal, format!("at most {most} ms"), format!("{} ms", short(added)), added <= most));
        }
    }
    if let Some((_, kib)) = measured.idle.iter().find(|(name, _)| *name == "garth") {
        let is_met = *kib < 100_000_000 / 1024;
        goals.push((
            format!("{IDLE} idle connections"),
            "under 100 MB".into(),
            format!("{} MiB", kib / 1024),
            is_met,
        ));
    }
    let [without, with] = &measured.starts;
    let more = median(with) - median(without);
    goals.push((
        "start-up with a network to one without, p50".into(),
        "at most 1 ms more".into(),
        format!("{} ms", short(more)),
        more <= 1.0,
    ));
    goals
}
