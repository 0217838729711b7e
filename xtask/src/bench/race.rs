//! Commands in turn: each once per round, so that whatever disturbs the machine disturbs all of them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::cost::{self, Cost};
use super::load::{FOREIGN, Watch};
use super::numbers::{median, percentile};

/// The processors' use is counted in hundredths of a second; rounds are judged together until this much has passed.
const JUDGED: Duration = Duration::from_millis(200);

/// How many rounds are tried for each one that is wanted.
const PATIENCE: usize = 2;

/// A command under a name.
#[derive(Debug, Clone)]
pub struct Runner {
    /// How the tables call it.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The directory it runs in.
    pub place: PathBuf,
}

/// The measurements of one command, in milliseconds.
#[derive(Debug, Clone)]
pub struct Lane {
    /// How the tables call it.
    pub name: String,
    /// Median of the time.
    pub median: f64,
    /// What the fastest tenth of the rounds took at most: disturbances only ever add, so of long commands it says more
    /// about what they cost by themselves.
    pub fast: f64,
    /// 99th percentile of the time.
    pub p99: f64,
    /// Median of the processor time.
    pub cpu: f64,
}

/// A finished race.
#[derive(Debug)]
pub struct Race {
    /// One entry for each command, in the order given.
    pub lanes: Vec<Lane>,
    /// Rounds the results are made of.
    pub rounds: usize,
    /// Rounds in which others kept the processors busy.
    pub disturbed: usize,
    /// Whether disturbed rounds had to be used, because too few others were to be had.
    pub all_used: bool,
}

impl Race {
    /// The measurements under a name.
    pub fn lane(&self, name: &str) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.name == name)
    }

    /// How many times as long the first takes as the second; processor times where `cpu`.
    pub fn ratio(&self, first: &str, second: &str, cpu: bool) -> f64 {
        match (self.lane(first), self.lane(second)) {
            (Some(one), Some(other)) if cpu => one.cpu / other.cpu,
            (Some(one), Some(other)) => one.median / other.median,
            _ => f64::NAN,
        }
    }

    /// One sentence about the rounds.
    pub fn remark(&self) -> String {
        match (self.disturbed, self.all_used) {
            (0, _) => format!("{} rounds, all quiet.", self.rounds),
            (disturbed, false) => format!("{} quiet rounds; {disturbed} others thrown away.", self.rounds),
            (disturbed, true) => format!(
                "{} rounds. **The machine was busy**: other processes used more than {:.0} % of it in {disturbed} of \
                 them, and too few were quiet to use only those. Read ratios and processor times.",
                self.rounds,
                FOREIGN * 100.0
            ),
        }
    }
}

/// Rounds that were run one after the other and are judged together: for each round, a cost per command.
type Block = Vec<Vec<Cost>>;

/// Runs every command once per round until enough quiet rounds are there, after one round that is not counted.
///
/// # Errors
/// When a command cannot be started or fails.
pub fn run(runners: &[Runner], wanted: usize) -> Result<Race> {
    round(runners)?;
    let (mut quiet, mut loud) = (Block::new(), Block::new());
    while quiet.len() < wanted && quiet.len() + loud.len() < wanted * PATIENCE {
        let (watch, start) = (Watch::new(), Instant::now());
        let mut block = Block::new();
        while start.elapsed() < JUDGED && quiet.len() + block.len() < wanted {
            block.push(round(runners)?);
        }
        if watch.foreign() > FOREIGN { &mut loud } else { &mut quiet }.extend(block);
    }
    Ok(finish(runners, quiet, loud, wanted))
}

fn round(runners: &[Runner]) -> Result<Vec<Cost>> {
    let costs = runners
        .iter()
        .map(|one| cost::once(&one.command, &one.place).with_context(|| format!("in `{}`", one.name)));
    costs.collect()
}

/// Quiet rounds alone where there are enough: half of those wanted.
fn finish(runners: &[Runner], quiet: Block, loud: Block, wanted: usize) -> Race {
    let disturbed = loud.len();
    let all_used = quiet.len() * 2 < wanted;
    let rounds = if all_used { [quiet, loud].concat() } else { quiet };
    let lanes = runners.iter().enumerate().map(|(index, runner)| {
        let pick =
            |of: fn(&Cost) -> f64| rounds.iter().filter_map(|r| r.get(index).map(of)).collect::<Vec<_>>();
        let (wall, cpu) = (pick(|cost| cost.wall), pick(|cost| cost.cpu));
        Lane {
            name: runner.name.clone(),
            median: median(&wall),
            fast: percentile(&wall, 0.1),
            p99: percentile(&wall, 0.99),
            cpu: median(&cpu),
        }
    });
    Race { lanes: lanes.collect(), rounds: rounds.len(), disturbed, all_used }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(walls: &[f64]) -> Block {
        walls
            .iter()
            .map(|wall| vec![Cost { wall: *wall, cpu: 1.0 }, Cost { wall: wall * 3.0, cpu: 5.0 }])
            .collect()
    }

    fn runners() -> Vec<Runner> {
        ["bare", "garth"]
            .map(|name| Runner { name: name.to_owned(), command: Vec::new(), place: PathBuf::new() })
            .to_vec()
    }

    #[test]
    fn disturbed_rounds_are_thrown_away_while_others_suffice() {
        let race = finish(&runners(), block(&[1.0, 2.0, 2.0]), block(&[50.0]), 4);
        assert_eq!((race.rounds, race.disturbed, race.all_used), (3, 1, false));
        assert_eq!((race.ratio("garth", "bare", false), race.ratio("garth", "bare", true)), (3.0, 5.0));
        assert_eq!(race.lane("garth").map(|lane| (lane.fast, lane.median)), Some((3.0, 6.0)));
        assert!(race.remark().contains("1 others thrown away"), "{}", race.remark());
    }

    #[test]
    fn a_busy_machine_is_told() {
        let race = finish(&runners(), block(&[1.0]), block(&[50.0, 60.0, 70.0]), 4);
        assert_eq!((race.rounds, race.lane("bare").unwrap().median), (4, 50.0));
        assert!(race.remark().contains("busy"), "{}", race.remark());
    }
}
