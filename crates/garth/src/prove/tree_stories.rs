//! Stories about trees that are hard to walk, and about a layer that is put in place while its command runs.

use super::attack::{Step, step};
use super::run::{Answers, Proof};
use super::scenario::Story;
use super::undo_stories::{GARDEN, Host, told, went};
use crate::Error;
use crate::undo::{Layer, Unwatched, discard, remove_directory, reversal};
use garth_host::linux::probe::fixture::kill;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

/// What takes longer goes up with more than the names that are there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Deeper than any path is long, with the shortest names and the longest.
const DEEP: [Step; 2] =
    [step("dig", &["{ws}/of-deep/long", "255", "10000"]), step("dig", &["{ws}/of-deep/short", "1", "10000"])];

/// A tree as deep as people have them, with the longest names.
const SHALLOW: [Step; 2] =
    [step("dig", &["{ws}/of-shallow", "255", "6"]), step("write", &["{ws}/of-shallow/beside"])];

fn both_went(answers: &Answers) -> Result<String, String> {
    went(answers, "0").and_then(|_| went(answers, "1"))
}

/// The file at the bottom of the shallow tree.
fn has_bottom(workspace: &Path) -> bool {
    let mut path = workspace.join("of-shallow");
    path.extend(std::iter::repeat_n("d".repeat(255), 6));
    path.join("bottom").exists()
}

fn in_time(began: Instant, good: String) -> Result<String, String> {
    let took = began.elapsed();
    if took < PATIENCE { Ok(good) } else { Err(format!("it took {} s", took.as_secs())) }
}

/// A tree in a layer that nobody can name the bottom of: the rest is put in place, and it is thrown away.
pub(super) fn deep_layer(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        fs::create_dir_all(host.workspace.join("of-deep"))?;
        let beside = step("write", &["{ws}/of-deep/beside"]);
        let (answers, layer) = host.layered(proof, "", &[DEEP[0], DEEP[1], beside])?;
        let Some(layer) = layer else { return Ok(Story::broken(&answers.told.detail)) };
        let began = Instant::now();
        let applied = host.apply(layer.clone());
        let rest = discard(layer);
        let attack = match (applied, rest, host.workspace.join("of-deep/beside").exists()) {
            (Ok(applied), Ok(()), true) if applied.obstacle.is_none() && !applied.left.is_empty() => {
                in_time(began, format!("{} were put in place, {} left", applied.placed, applied.left.len()))
            }
            (Ok(applied), rest, beside) => {
                Err(format!("{:?}, the file beside: {beside}, {rest:?}", applied.obstacle))
            }
            (Err(error), ..) => Err(format!("nothing can be put in place: {error}")),
        };
        remove_directory(&host.workspace.join("of-deep")).map_err(io::Error::other)?;
        let (answers, layer) = host.layered(proof, "", &SHALLOW)?;
        let whole = layer.map(|layer| host.apply(layer));
        let twin = both_went(&answers).and_then(|good| match whole {
            Some(Ok(applied)) if applied.finished && has_bottom(&host.workspace) => Ok(good),
            other => Err(format!("it was not put in place: {other:?}")),
        });
        remove_directory(&host.workspace.join("of-shallow")).map_err(io::Error::other)?;
        Ok(Story { attack, twin })
    })())
}

/// The same in place, after a checkpoint: what else was done is taken back.
pub(super) fn deep_undo(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        host.lay()?;
        let plain = host.workspace.join("of-undo/plain");
        let back = |list: &[Step]| {
            let checkpoint = host.checkpoints.make(&host.tree, &[], &mut || {}).map_err(io::Error::other)?;
            let answers = proof.sandbox(GARDEN, "", &host.lines(proof, list))?;
            let changed = fs::read_to_string(&plain)?;
            let began = Instant::now();
            let reverted = reversal(checkpoint, &[])
                .and_then(|reversal| reversal.carry_out(&host.checkpoints, Vec::new(), &mut Unwatched));
            let is_back = changed != "the user's own\n" && fs::read_to_string(&plain)? == "the user's own\n";
            Ok::<_, io::Error>((answers, reverted, is_back, began))
        };
        fs::create_dir_all(host.workspace.join("of-deep"))?;
        let overwrite = step("overwrite", &["{ws}/of-undo/plain"]);
        let (_, reverted, is_back, began) = back(&[DEEP[0], DEEP[1], overwrite])?;
        let attack = match reverted {
            Ok(reverted) if reverted.obstacle.is_none() && is_back => {
                in_time(began, format!("{} were taken back", reverted.placed))
            }
            other => Err(format!("nothing can be taken back: {other:?}")),
        };
        remove_directory(&host.workspace.join("of-deep")).map_err(io::Error::other)?;
        let (answers, reverted, is_back, _) = back(&[SHALLOW[0], SHALLOW[1], overwrite])?;
        let is_gone = !host.workspace.join("of-shallow").exists();
        let twin = both_went(&answers).and_then(|good| match reverted {
            Ok(_) if is_gone && is_back => Ok(good),
            other => Err(format!("gone: {is_gone}, back: {is_back}: {other:?}")),
        });
        Ok(Story { attack, twin })
    })())
}

/// As many files as are made inside in some seconds, where each is decided on.
const MANY: usize = 3000;

/// A flood of files in a layer.
pub(super) fn many_files(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        let flood = [step("fill", &["{ws}/of-many", "3000", "40"])];
        let (answers, layer) = host.layered(proof, "", &flood)?;
        let Some(layer) = layer else { return Ok(Story::broken(&answers.told.detail)) };
        let began = Instant::now();
        let applied = host.apply(layer).map_err(io::Error::other)?;
        let own = host.workspace.join("of-many");
        let there = fs::read_dir(&own).map_or(0, Iterator::count);
        let attack = in_time(began, format!("{} changes in place in time", applied.placed));
        remove_directory(&own).map_err(io::Error::other)?;
        let twin = went(&answers, "0")
            .and_then(|good| if there == MANY { Ok(good) } else { Err(format!("{there} files of {MANY}")) });
        Ok(Story { attack, twin })
    })())
}

/// Tries to put a layer in place, and to throw it away, while its command writes to it.
pub(super) fn running(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        for old in host.layers.list().map_err(io::Error::other)? {
            discard(old).map_err(io::Error::other)?;
        }
        let script = "n=0; while true; do n=$((n+1)); echo $n > of-running; test $n = 20 && echo ready; done";
        let mut session = proof.session(GARDEN, "", &[])?;
        session.layer = true;
        session.command = vec!["sh".into(), "-c".into(), script.into()];
        let mut child = session.start()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let layer = host.layers.list().map_err(io::Error::other)?.pop();
        let tried = layer.clone().map(|layer| while_it_runs(&host, &layer));
        kill(child.id());
        child.wait()?;
        let attack = tried.unwrap_or_else(|| Err("there is no layer".into()));
        let twin = match layer.map(|layer| patiently(|| host.apply(layer.clone()))) {
            _ if line.trim() != "ready" => Err("the command did not run".into()),
            Some(Ok(applied)) if host.workspace.join("of-running").exists() => {
                Ok(format!("{} in place after its end", applied.placed))
            }
            other => Err(format!("not in place after its end: {other:?}")),
        };
        Ok(Story { attack, twin })
    })())
}

/// Good when nothing of it is done.
fn while_it_runs(host: &Host, layer: &Layer) -> Result<String, String> {
    for _ in 0..20 {
        if let Ok(applied) = host.apply(layer.clone()) {
            return Err(format!("{} were put in place while it runs", applied.placed));
        }
        if discard(layer.clone()).is_ok() {
            return Err("its layer was thrown away while it runs".into());
        }
    }
    if host.workspace.join("of-running").exists() {
        return Err("it is in the workspace".into());
    }
    Ok("refused while it runs".into())
}

/// A sandbox whose broker was killed takes a moment to go.
fn patiently<T>(mut act: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match act() {
            Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            other => return other,
        }
    }
}
