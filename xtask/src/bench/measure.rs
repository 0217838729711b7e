//! The inner half: runs as the user who is measured, in the scratch directory, and prints its part of the page.

use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::contender::{self, BARE, BWRAP, Contender, GARTH};
use super::memory::{self, Process};
use super::profile::{self, Profile};
use super::race::{self, Race, Runner};
use super::workloads::{self, Workload};
use super::{cost, load, page, stage};

/// The program of garth alone, without a sandbox: what of a start-up is starting a program and reading arguments.
pub const VERSION: &str = "garth --version, no sandbox";

/// Everything that was measured.
pub struct Measured {
    /// `true` in every sandbox.
    pub start: Race,
    /// Processes of garth.
    pub memory: Vec<Process>,
    /// Each workload with its race.
    pub workloads: Vec<(Workload, Race)>,
    /// Programs started one after the other.
    pub starts: Race,
    /// The stream.
    pub pipe: Race,
    /// `true` in garth, in a small and in a large tree.
    pub trees: Race,
    /// Names of the two trees in that race.
    pub tree_names: [String; 2],
    /// System calls of garth and bubblewrap, where strace could count them.
    pub profiles: Vec<(String, Profile)>,
    /// Load averages before and after.
    pub load: [String; 2],
}

/// Measures in a prepared directory: its path, the rounds, the number of files in the large tree.
///
/// # Errors
/// When an argument is missing or a command cannot be started or fails.
pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<()> {
    let [base, rounds, many] = arguments else { anyhow::bail!("a directory, rounds and files are needed") };
    cost::adopt()?;
    let measured = everything(Path::new(base), rounds.parse()?, many.parse()?)?;
    out.write_all(page::body(&measured, Path::new(base)).as_bytes())?;
    Ok(())
}

fn everything(base: &Path, rounds: usize, many: usize) -> Result<Measured> {
    let before = load::averages();
    let few = (rounds / 10).max(5);
    let place = base.join("small");
    let contenders = contender::all(base, &place);
    let garth = contenders.iter().find(|one| one.name == GARTH).context("garth is a contender")?;
    let tree_names = [stage::FEW, many].map(|files| format!("{} files", page::thousands(files)));
    Ok(Measured {
        start: start(&contenders, base, rounds)?,
        memory: memory::peak(garth, &place)?,
        trees: trees(garth, base, &tree_names, rounds / 2)?,
        tree_names,
        // Its differences are small, and the fastest tenth is to be more than one round.
        starts: workloads::starts(base, few * 3)?,
        pipe: workloads::pipe(base, few)?,
        workloads: raced(base, (rounds / 40).max(5))?,
        profiles: profiles(&contenders, base),
        load: [before, load::averages()],
    })
}

fn start(contenders: &[Contender], base: &Path, rounds: usize) -> Result<Race> {
    let place = base.join("small");
    let mut runners: Vec<Runner> =
        contenders.iter().map(|one| one.runner(&["/bin/true".to_owned()], &place)).collect();
    let command = vec![base.join("garth").display().to_string(), "--version".to_owned()];
    runners.push(Runner { name: VERSION.to_owned(), command, place });
    race::run(&runners, rounds)
}

fn trees(garth: &Contender, base: &Path, names: &[String; 2], rounds: usize) -> Result<Race> {
    let places = [base.join("small"), base.join("large")];
    let runners: Vec<Runner> = places
        .iter()
        .zip(names)
        .map(|(place, name)| Runner { name: name.clone(), ..garth.runner(&["/bin/true".to_owned()], place) })
        .collect();
    race::run(&runners, rounds.max(5))
}

fn raced(base: &Path, rounds: usize) -> Result<Vec<(Workload, Race)>> {
    let all = workloads::workloads().into_iter();
    all.map(|workload| workload.race(base, rounds).map(|race| (workload, race))).collect()
}

fn profiles(contenders: &[Contender], base: &Path) -> Vec<(String, Profile)> {
    let place = base.join("small");
    contenders
        .iter()
        .filter(|one| [BARE, GARTH, BWRAP].contains(&one.name))
        .filter_map(|one| Some((one.name.to_owned(), profile::count(one, base, &place)?)))
        .collect()
}
