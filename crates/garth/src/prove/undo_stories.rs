//! Stories about what is put in place and taken back: a layer that lies, a tree that changes meanwhile.

use super::attack::{Garden, Step, step};
use super::broker::{Session, Told};
use super::run::{Answers, Proof, run};
use super::scenario::Story;
use crate::Error;
use crate::undo::{
    Applied, Checkpoints, Choice, Choose, Difference, Layer, Layers, Order, Standing, Unwatched, apply,
    discard, reversal,
};
use garth_host::linux::probe::{Line, NAME, Outcome};
use garth_policy::{AbsPath, Context, Os, Policy, Profile};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) const GARDEN: Garden = Garden::Bare;

/// Says yes to what a user says yes to by `--yes`.
struct Yes;

impl Choose for Yes {
    fn choose(&mut self, _layer: &Layer, difference: &Difference) -> Result<Choice, Error> {
        let plain = difference.trusted.is_none() && difference.standing == Standing::AsBefore;
        Ok(if plain { Choice::Place } else { Choice::Leave })
    }
}

/// What the layers and checkpoints of a proof are kept and put in place by.
pub(super) struct Host {
    pub workspace: PathBuf,
    pub tree: AbsPath,
    pub layers: Layers,
    pub checkpoints: Checkpoints,
    policy: Policy,
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

fn path(path: &Path) -> io::Result<AbsPath> {
    AbsPath::posix(path.as_os_str().as_bytes()).map_err(other)
}

/// The final path of a directory of the stage.
fn final_path(directory: &Path) -> io::Result<PathBuf> {
    let object = garth_host::linux::facts::look(&path(directory)?);
    let object = object.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(object.final_path.as_bytes())))
}

impl Host {
    pub fn new(proof: &Proof<'_>) -> io::Result<Self> {
        let bytes = |word: &std::ffi::OsString| word.as_bytes().to_vec();
        let environment: Vec<(Vec<u8>, Vec<u8>)> =
            proof.stage.environment().iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
        let workspace = final_path(&proof.stage.workspace(GARDEN))?;
        let tree = path(&workspace)?;
        let context = Context {
            os: Os::Linux,
            workspace: tree.clone(),
            home: path(&final_path(&proof.stage.root.join("home"))?)?,
            tmp: AbsPath::posix("/tmp").map_err(other)?,
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: Vec::new(),
        };
        Ok(Self {
            workspace,
            tree,
            layers: Layers::of(&environment).map_err(other)?,
            checkpoints: Checkpoints::of(&environment).map_err(other)?,
            policy: Policy::builtin(Profile::Workspace, &context),
        })
    }

    /// Lays out files that no other attack has been at.
    pub fn lay(&self) -> io::Result<()> {
        let own = self.workspace.join("of-undo");
        for name in ["plain", "directory/file", "src/main.rs"] {
            let path = own.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(&own))?;
            std::fs::write(path, "the user's own\n")?;
        }
        Ok(())
    }

    /// The lines of an order; the key of each is its number.
    #[expect(clippy::unused_self, reason = "it belongs to what the host does")]
    pub fn lines(&self, proof: &Proof<'_>, list: &[Step]) -> Vec<Line> {
        let line = |(number, step): (usize, &Step)| proof.line(&number.to_string(), step, GARDEN);
        list.iter().enumerate().map(line).collect()
    }

    /// Runs steps with a layer. The layer, if it changes anything.
    pub fn layered(
        &self,
        proof: &Proof<'_>,
        policy: &str,
        list: &[Step],
    ) -> io::Result<(Answers, Option<Layer>)> {
        for old in self.layers.list().map_err(other)? {
            discard(old).map_err(other)?;
        }
        let lines = self.lines(proof, list);
        let session = Session { layer: true, ..proof.session(GARDEN, policy, &lines)? };
        let answers = run(&session)?;
        Ok((answers, self.layers.list().map_err(other)?.pop()))
    }

    pub fn apply(&self, layer: Layer) -> Result<Applied, Error> {
        let order = Order { paths: Vec::new(), checkpoints: self.checkpoints.clone() };
        apply(layer, &self.policy, &order, &mut Yes, &mut Unwatched)
    }
}

/// Names, kinds, sizes and times of all in a directory.
fn looked_at(directory: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut todo = vec![directory.to_path_buf()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(&next)? {
            let entry = entry?;
            // The program of the proof and its order are the proof's own.
            if entry.file_name().as_bytes().starts_with(NAME.as_bytes()) {
                continue;
            }
            let path = entry.path();
            let data = path.symlink_metadata()?;
            found.push(format!(
                "{} {:?} {} {:?}",
                path.display(),
                data.file_type(),
                data.len(),
                data.modified()?
            ));
            if data.is_dir() {
                todo.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn said(told: &Told) -> String {
    format!("{} {}", told.outcome, told.detail)
}

/// Good when this step went as wished.
pub(super) fn went(answers: &Answers, number: &str) -> Result<String, String> {
    match answers.outcomes.get(number) {
        Some(Outcome::Succeeded) => Ok("succeeded".into()),
        other => Err(format!("{other:?}, {}", said(&answers.told))),
    }
}

pub(super) fn told(story: io::Result<Story>) -> Story {
    story.unwrap_or_else(Story::broken)
}

/// Writes, removes and renames in a layer: the workspace is as it was.
pub(super) fn untouched(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        host.lay()?;
        let steps = [
            step("overwrite", &["{ws}/of-undo/plain"]),
            step("remove", &["{ws}/of-undo/directory/file"]),
            step("rename", &["{ws}/of-undo/src/main.rs", "{ws}/of-undo/src/other.rs"]),
            step("write", &["{ws}/of-undo/fresh-in-layer"]),
        ];
        // The files of the proof itself are made on the way.
        let _first = host.layered(proof, "", &steps[..1])?;
        let before = looked_at(&host.workspace)?;
        let (answers, layer) = host.layered(proof, "", &steps)?;
        let after = looked_at(&host.workspace)?;
        let changed = after.iter().zip(&before).find(|(after, before)| after != before);
        let attack = match changed {
            None if after.len() == before.len() => Ok("the workspace is as it was".into()),
            other => Err(format!("the workspace was changed: {other:?}")),
        };
        let twin = (0..4).try_fold("succeeded".to_owned(), |_, number| went(&answers, &number.to_string()));
        if let Some(layer) = layer {
            discard(layer).map_err(other)?;
        }
        Ok(Story { attack, twin })
    })())
}

/// Sets the kernel's own marks from inside, so that an apply would take away what nobody removed.
pub(super) fn forged_marks(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        host.lay()?;
        let steps = [
            step("attribute", &["{ws}/of-undo/directory", "user.overlay.opaque", "y"]),
            step("attribute", &["{ws}/of-undo/plain", "user.overlay.whiteout", "y"]),
            step("attribute", &["{ws}/of-undo/src", "user.overlay.redirect", "/directory"]),
            step("attribute", &["{ws}/of-undo/plain", "user.overlay.metacopy", ""]),
            step("make-device", &["{ws}/of-undo/victim-node", "0", "0"]),
            step("write", &["{ws}/of-undo/beside-marks"]),
        ];
        let (answers, layer) = host.layered(proof, "", &steps)?;
        let Some(layer) = layer else { return Ok(Story::broken(said(&answers.told))) };
        let applied = host.apply(layer).map_err(other)?;
        let own = host.workspace.join("of-undo");
        let gone =
            ["directory/file", "plain", "src/main.rs"].into_iter().find(|name| !own.join(name).exists());
        let made = own.join("victim-node").symlink_metadata().is_ok();
        let attack = match (gone, made) {
            (None, false) => Ok(format!("nothing went, {} were put in place", applied.placed)),
            (Some(name), _) => Err(format!("{name} was taken away by a forged mark")),
            (None, true) => Err("a device was made in the workspace".into()),
        };
        let twin = went(&answers, "5").and_then(|good| {
            if own.join("beside-marks").exists() { Ok(good) } else { Err("it was not put in place".into()) }
        });
        Ok(Story { attack, twin })
    })())
}

/// Brings what the host runs in by a layer, which a policy had let be written.
pub(super) fn trusted(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        let steps = [step("write", &["{ws}/.mcp.json"]), step("write", &["{ws}/beside-trusted"])];
        let policy = "version = 1\n[files]\n\"{ws}/.mcp.json\" = \"write\"\n";
        let (answers, layer) = host.layered(proof, policy, &steps)?;
        let Some(layer) = layer else { return Ok(Story::broken(said(&answers.told))) };
        let written = went(&answers, "0");
        let applied = host.apply(layer).map_err(other)?;
        let attack = if host.workspace.join(".mcp.json").exists() {
            Err("it is in place without a yes of its own".into())
        } else {
            Ok(format!("left in the layer, {} changes", applied.left.len()))
        };
        let placed = host.workspace.join("beside-trusted").exists();
        let twin = written
            .and_then(|good| if placed { Ok(good) } else { Err("the other was not put in place".into()) });
        Ok(Story { attack, twin })
    })())
}

/// A hand that swaps a directory of the workspace for a link to a place outside, again and again.
struct Swapper {
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Swapper {
    fn start(directory: &Path, link: &Path) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (stop, one, two) = (Arc::clone(&ended), directory.to_path_buf(), link.to_path_buf());
        let thread = std::thread::spawn(move || {
            let mut swaps = 0;
            while !stop.load(Ordering::Relaxed) {
                let swapped = garth_host::linux::undo::content::exchange(&one, &two);
                swaps += u64::from(swapped.is_ok());
            }
            // An even number leaves the directory at its name.
            if swaps % 2 == 1 {
                let _as_it_is = garth_host::linux::undo::content::exchange(&one, &two);
            }
            swaps
        });
        Self { ended, thread: Some(thread) }
    }

    fn stop(&mut self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or(0)
    }
}

/// What is outside, and a link to it beside a directory of the workspace.
fn lure(host: &Host, proof: &Proof<'_>, name: &str) -> io::Result<(PathBuf, PathBuf, PathBuf)> {
    let outside = proof.stage.root.join(format!("outside/{name}"));
    std::fs::create_dir_all(&outside)?;
    for file in ["file", "other"] {
        std::fs::write(outside.join(file), "outside\n")?;
    }
    let (directory, link) = (host.workspace.join(name), host.workspace.join(format!("{name}-link")));
    std::fs::create_dir_all(&directory)?;
    for file in ["file", "other"] {
        std::fs::write(directory.join(file), "the user's own\n")?;
    }
    std::os::unix::fs::symlink(&outside, &link)?;
    Ok((outside, directory, link))
}

/// Swaps a directory for a link while a layer is put in place.
pub(super) fn swapped_apply(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        let (outside, directory, link) = lure(&host, proof, "swapped")?;
        let steps = [
            step("overwrite", &["{ws}/swapped/file"]),
            step("remove", &["{ws}/swapped/other"]),
            step("write", &["{ws}/swapped/fresh"]),
        ];
        let before = looked_at(&outside)?;
        let (answers, layer) = host.layered(proof, "", &steps)?;
        let Some(layer) = layer else { return Ok(Story::broken(said(&answers.told))) };
        let mut swapper = Swapper::start(&directory, &link);
        for _ in 0..60 {
            // Each attempt meets another moment; most fail, and some do a part.
            let _any = host.apply(layer.clone());
        }
        let swaps = swapper.stop();
        let attack = unharmed(&outside, &before, swaps)?;
        // Without the hand it is put in place, unless that was done between two swaps.
        let _rest = host.apply(layer);
        let content = std::fs::read_to_string(directory.join("file"))?;
        let twin = match content.as_str() {
            "the user's own\n" => Err("nothing was put in place afterwards".into()),
            _ => Ok(format!("put in place after {swaps} swaps")),
        };
        Ok(Story { attack, twin })
    })())
}

fn unharmed(outside: &Path, before: &[String], swaps: u64) -> io::Result<Result<String, String>> {
    let after = looked_at(outside)?;
    Ok(if after == before && swaps > 0 {
        Ok(format!("nothing outside was changed in {swaps} swaps"))
    } else {
        Err(format!("outside after {swaps} swaps: {after:?}"))
    })
}

/// Swaps a directory for a link while a checkpoint is gone back to.
pub(super) fn swapped_undo(proof: &Proof<'_>) -> Story {
    told((|| {
        let host = Host::new(proof)?;
        let (outside, directory, link) = lure(&host, proof, "reverted")?;
        let before = looked_at(&outside)?;
        let checkpoint = host.checkpoints.make(&host.tree, &[], &mut || {}).map_err(other)?;
        std::fs::write(directory.join("file"), "changed\n")?;
        std::fs::write(directory.join("fresh"), "made\n")?;
        std::fs::remove_file(directory.join("other"))?;
        let back = || {
            let reversal = reversal(checkpoint.clone(), &[])?;
            reversal.carry_out(&host.checkpoints, Vec::new(), &mut Unwatched)
        };
        let mut swapper = Swapper::start(&directory, &link);
        for _ in 0..30 {
            let _any = back();
        }
        let swaps = swapper.stop();
        let attack = unharmed(&outside, &before, swaps)?;
        let _rest = back();
        let restored = std::fs::read_to_string(directory.join("file")).unwrap_or_default();
        let twin = if restored == "the user's own\n" && !directory.join("fresh").exists() {
            Ok(format!("taken back after {swaps} swaps"))
        } else {
            Err(format!("not taken back: {restored:?}"))
        };
        Ok(Story { attack, twin })
    })())
}
