//! The page: tables, goals, and where the time goes.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::contender::{self, BARE, BWRAP, GARTH, JUDGED, JUDGED_ALONE};
use super::measure::Measured;
use super::numbers::{count, short};
use super::options::Options;
use super::race::Race;
use super::workloads;

/// What the counts cannot say by themselves.
const EXPLANATION: &str = include_str!("explanation.md");

/// Memory that broker and runner may hold together, in KiB.
const MEMORY: u64 = 12 * 1024;
/// The share of bubblewrap's time that a start should take, and the share that it may never exceed.
const SHARE: [f64; 2] = [0.5, 0.8];
/// Microseconds that judging a program's start may cost.
const PER_START: f64 = 60.0;
/// What counts as not growing, given how much two runs of the same command differ.
const FLAT: f64 = 1.1;

/// The first part: what was measured, where, when and by which command.
///
/// # Errors
/// When git cannot say which commit this is.
pub fn head(root: &Path, options: &Options) -> Result<String> {
    let commit = match &options.commit {
        Some(commit) => commit.clone(),
        None => first_line(Command::new("git").args(["log", "-1", "--format=%h of %cs"]).current_dir(root))
            .context("cannot ask git for the commit")?,
    };
    let date = first_line(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"])).unwrap_or_default();
    let kernel = first_line(Command::new("uname").args(["-srm"])).unwrap_or_default();
    let bwrap =
        first_line(Command::new("bwrap").arg("--version")).unwrap_or_else(|| "no bubblewrap".to_owned());
    let user = options.user.map_or("the user who called it".to_owned(), |user| format!("user {user}"));
    Ok(format!(
        "# Performance\n\nWritten by `cargo xtask bench {}`. Ratios of one run are comparable; milliseconds of \
         different machines are not.\n\n\
         - **Date** {date}\n- **Machine** {}, {kernel}\n- **garth** commit {commit}, release build\n\
         - **Compared with** {bwrap}; measured as {user}\n\
         - **Method** Every command once per round in turn, `posix_spawn` to the end of the wait. Rounds in which \
         other processes use more than 35 % of the processors are thrown away. *CPU* is user and system time of the \
         whole process tree, which a busy machine disturbs less than the clock.\n",
        call(options),
        machine()
    ))
}

/// The command to run on another machine.
fn call(options: &Options) -> String {
    let user = options.user.map_or(String::new(), |user| format!(" --as {user}"));
    format!("--rounds {} --many {}{user} --write", options.rounds, options.many)
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field =
        |name: &str| text.lines().find(|line| line.starts_with(name))?.split_once(": ").map(|(_, v)| v);
    let guest = if text.contains(" hypervisor") { ", a virtual machine" } else { "" };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{processors} processors ({}){guest}", field("model name").unwrap_or("unknown"))
}

/// The second part: what the inner half measured.
pub fn body(measured: &Measured, base: &Path) -> String {
    let [before, after] = &measured.load;
    let mut page = format!("- **Load averages** before {before}, after {after}\n");
    page += &goals(measured);
    page += &start(measured, base);
    page += &memory(measured);
    page += &works(measured);
    page += &trees(measured);
    page += "\n## Where the time goes\n\n";
    page += EXPLANATION;
    page += &profiles(measured);
    page
}

/// A line of the goals. The processor time has a verdict of its own: on a busy machine it is the one to read. `alone` is
/// the time of a workload without what starting `true` takes.
fn goal(name: &str, limit: f64, wall: f64, cpu: f64, alone: Option<f64>) -> String {
    let verdict = |value: f64| {
        let word = if value <= limit { "met" } else { "**missed**" };
        format!("{} {word}", short(value))
    };
    let alone = alone.map(verdict).unwrap_or_default();
    format!("| {name} | {} | {} | {} | {alone} |\n", short(limit), verdict(wall), verdict(cpu))
}

/// How many times as long a workload takes in garth as bare, when what garth adds to the start of `true` is taken off.
fn alone(workload: &Race, start: &Race) -> f64 {
    let median = |race: &Race, name: &str| race.lane(name).map_or(f64::NAN, |lane| lane.median);
    let added = median(start, GARTH) - median(start, BARE);
    (median(workload, GARTH) - added) / median(workload, BARE)
}

fn goals(measured: &Measured) -> String {
    let ratios = |race: &Race, one: &str, other: &str| [false, true].map(|cpu| race.ratio(one, other, cpu));
    let mut page =
        "\n## Goals\n\n| goal | at most | by the clock | by processor time | by the clock, less a start-up |\n\
         | --- | --- | --- | --- | --- |\n"
            .to_owned();
    let [wall, cpu] = ratios(&measured.start, GARTH, BWRAP);
    page += &goal("start-up to bubblewrap's, same view", SHARE[0], wall, cpu, None);
    page += &goal("the same, never over", SHARE[1], wall, cpu, None);
    for (workload, race) in &measured.workloads {
        let [wall, cpu] = ratios(race, GARTH, BARE);
        let alone = Some(alone(race, &measured.start));
        page += &goal(&format!("{}, to bare", workload.name), workload.goal, wall, cpu, alone);
    }
    let [few, many] = &measured.tree_names;
    let [wall, cpu] = ratios(&measured.trees, many, few);
    page += &goal(&format!("start-up with {many} to {few}"), FLAT, wall, cpu, None);
    for (what, name) in [("judging", JUDGED_ALONE), ("judging and recording", JUDGED)] {
        let each = added(measured, name);
        let word = if each < PER_START { "met" } else { "**missed**" };
        let _ = writeln!(page, "| {what} each program that starts | 60 µs | {} µs {word} | | |", short(each));
    }
    let total: u64 = measured.memory.iter().map(|process| process.peak).sum();
    let word = if total < MEMORY { "met" } else { "**missed**" };
    let _ = writeln!(page, "| memory of broker and runner | 12 MiB | {} MiB {word} | | |", mebibytes(total));
    page + "\nWorkloads are timed whole: a short one, such as `git status`, mostly shows the start-up. The last column takes off \
            what garth adds to `true`.\n"
}

/// A race as a table with ratios to the named lanes.
fn table(race: &Race, others: &[&str]) -> String {
    let mut page = "| | median ms | p99 ms | CPU ms |".to_owned();
    let mut line = "\n| --- | --- | --- | --- |".to_owned();
    for other in others {
        let _ = write!(page, " to {other} | CPU to {other} |");
        line += " --- | --- |";
    }
    page += &line;
    for lane in &race.lanes {
        let _ = write!(
            page,
            "\n| {} | {} | {} | {} |",
            lane.name,
            short(lane.median),
            short(lane.p99),
            short(lane.cpu)
        );
        for other in others {
            let [wall, cpu] = [false, true].map(|cpu| short(race.ratio(&lane.name, other, cpu)));
            let _ = write!(page, " {wall} | {cpu} |");
        }
    }
    format!("{page}\n\n{}\n", race.remark())
}

fn start(measured: &Measured, base: &Path) -> String {
    let mut page = "\n## Start-up of `true`\n\n".to_owned();
    page += &table(&measured.start, &[BARE, BWRAP]);
    page += "\nThe commands, in a scratch directory `$S`:\n\n```\n";
    for one in contender::all(base, &base.join("small")) {
        let command = one.runner(&["/bin/true".to_owned()], base).command.join(" ");
        let _ = writeln!(page, "{}", command.replace(&base.display().to_string(), "$S"));
    }
    page + "```\n"
}

fn memory(measured: &Measured) -> String {
    let mut page =
        "\n## Memory\n\nThe most that garth's own processes held resident during `sleep 0.3`. Pages that \
                    they share count in each.\n\n| process | MiB |\n| --- | --- |\n"
            .to_owned();
    for process in &measured.memory {
        let _ = writeln!(page, "| {} | {} |", process.name, mebibytes(process.peak));
    }
    page
}

fn works(measured: &Measured) -> String {
    let mut page =
        "\n## Workloads\n\nThe command runs once inside; the whole is timed and nothing subtracted, so \
                    each row carries one start-up.\n"
            .to_owned();
    for (workload, race) in &measured.workloads {
        let _ = write!(page, "\n### {}\n\n{}", workload.name, table(race, &[BARE]));
    }
    page += &starts(measured);
    page += "\n### 512 MiB through a pipe, `cat`, and another pipe\n\n";
    page += &table(&measured.pipe, &[BARE]);
    let speeds: Vec<String> = measured
        .pipe
        .lanes
        .iter()
        .map(|lane| format!("{} {} MB/s", lane.name, short(workloads::throughput(lane.median))))
        .collect();
    let _ = writeln!(page, "\nThroughput: {}.", speeds.join(", "));
    page
}

/// What looking at every program costs.
fn starts(measured: &Measured) -> String {
    let mut page = format!(
        "\n### {} programs started by a shell, one after the other\n\n{}\nAdded to each start, by the fastest tenth of the \
         rounds: ",
        workloads::STARTS,
        table(&measured.starts, &[BARE])
    );
    let added: Vec<String> = measured
        .starts
        .lanes
        .iter()
        .skip(1)
        .map(|lane| format!("{} {} µs", lane.name, short(added(measured, &lane.name))))
        .collect();
    let _ = writeln!(page, "{}.", added.join(", "));
    page
}

/// Microseconds. A fifth of a second in which five hundred programs start is disturbed by something nearly always, by more
/// than what is looked for here: medians of rows that differ by nothing differ by tens of microseconds.
fn added(measured: &Measured, name: &str) -> f64 {
    let fast = |race: &Race, name: &str| race.lane(name).map_or(f64::NAN, |lane| lane.fast);
    // Rules for commands add nothing to the start of the sandbox itself.
    let once = fast(&measured.start, if [JUDGED, JUDGED_ALONE].contains(&name) { GARTH } else { name })
        - fast(&measured.start, BARE);
    workloads::per_start(fast(&measured.starts, BARE), fast(&measured.starts, name), once)
}

fn trees(measured: &Measured) -> String {
    let few = measured.tree_names[0].as_str();
    format!(
        "\n## Size of the tree\n\nStart-up of `true` in garth, in a workspace of so many files.\n\n{}",
        table(&measured.trees, &[few])
    )
}

fn profiles(measured: &Measured) -> String {
    let mut page = String::new();
    for (name, profile) in &measured.profiles {
        let calls: Vec<String> =
            profile.calls.iter().map(|(call, times)| format!("{call} {times}")).collect();
        let _ = writeln!(page, "- {name}: {} system calls: {}", profile.total, calls.join(", "));
    }
    if page.is_empty() {
        return "\n`strace` was missing or not allowed to trace, so no system calls were counted.\n"
            .to_owned();
    }
    format!(
        "\nSystem calls of `true`, counted in the same run by `strace -f -c` (the most frequent):\n\n{page}"
    )
}

fn mebibytes(kibibytes: u64) -> String {
    short(u32::try_from(kibibytes).map_or(f64::NAN, f64::from) / count(1024))
}

/// A number with commas between thousands.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.char_indices().flat_map(|(index, digit)| {
        let comma = index > 0 && index % 3 == first;
        comma.then_some(',').into_iter().chain([digit])
    });
    groups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::race::Lane;

    fn race() -> Race {
        let lane = |name: &str, median| Lane {
            name: name.to_owned(),
            median,
            fast: median / 2.0,
            p99: median * 2.0,
            cpu: 1.0,
        };
        Race { lanes: vec![lane(BARE, 0.5), lane(GARTH, 2.0)], rounds: 9, disturbed: 0, all_used: false }
    }

    #[test]
    fn a_table_has_times_and_ratios() {
        let text = table(&race(), &[BARE]);
        assert!(text.contains("| garth | 2.00 | 4.00 | 1.00 | 4.00 | 1.00 |"), "{text}");
    }

    #[test]
    fn a_goal_is_met_or_missed() {
        assert_eq!(goal("x", 0.5, 0.4, 0.6, None), "| x | 0.50 | 0.40 met | 0.60 **missed** |  |\n");
        assert!(goal("x", 0.5, f64::NAN, 0.5, Some(0.5)).contains("– **missed** | 0.50 met | 0.50 met |"));
    }

    #[test]
    fn a_workload_alone_is_without_what_a_start_adds() {
        let mut work = race();
        work.lanes[0].median = 10.0;
        work.lanes[1].median = 11.5;
        assert_eq!(alone(&work, &race()), 1.0);
    }

    #[test]
    fn thousands_have_commas() {
        assert_eq!([7, 100, 2_000, 1_000_000].map(thousands), ["7", "100", "2,000", "1,000,000"]);
    }
}
