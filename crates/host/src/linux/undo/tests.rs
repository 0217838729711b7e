//! Random trees, and an end at every step.

use super::Root;
use super::place::{Obstacle, Placer, Watch, tidy};
use crate::OsError;
use garth_policy::AbsPath;
use garth_undo::{Change, Kind, Line, Tree, changes, order, read_pending};
use rustix::fd::OwnedFd;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// A small source of numbers, the same for the same seed (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What a tree is, without what is not put in place: names, kinds, modes, contents, targets, times of files.
fn looked_at(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let data = path.symlink_metadata().unwrap();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let mode = data.permissions().mode();
            let line = if data.is_dir() {
                todo.push(path);
                format!("{mode:o}")
            } else if data.is_symlink() {
                format!("-> {}", path.read_link().unwrap().display())
            } else if data.is_file() {
                format!("{mode:o} {:?} {:?}", data.modified().unwrap(), fs::read(&path).unwrap())
            } else {
                format!("{mode:o} pipe")
            };
            found.insert(name, line);
        }
    }
    found
}

const NAMES: [&str; 5] = ["a", "b", "c", "d\n\u{1b}", "e"];

/// Fills a directory with anything.
fn fill(directory: &Path, numbers: &mut Numbers, depth: u64) {
    for name in NAMES {
        let path = directory.join(name);
        match numbers.below(9) {
            0..=2 => {
                fs::write(&path, vec![b'x'; usize::try_from(numbers.below(3)).unwrap()]).unwrap();
                fs::set_permissions(
                    &path,
                    fs::Permissions::from_mode(0o600 + u32::try_from(numbers.below(2)).unwrap() * 0o44),
                )
                .unwrap();
            }
            3 => symlink(NAMES[usize::try_from(numbers.below(5)).unwrap()], &path).unwrap(),
            4 => rustix::fs::mknodat(
                rustix::fs::CWD,
                &path,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RWXU,
                0,
            )
            .unwrap(),
            5 | 6 if depth > 0 => {
                fs::create_dir(&path).unwrap();
                fill(&path, numbers, depth - 1);
            }
            _ => {}
        }
    }
}

/// Makes `merged` what a layer over `lower` would show, by the rules of overlayfs, and writes the layer: an independent
/// way to the same end.
fn write_layer(lower: &Path, upper: &Path, merged: &Path, numbers: &mut Numbers, depth: u64) {
    for name in NAMES {
        let (below, above, shown) = (lower.join(name), upper.join(name), merged.join(name));
        let was = below.symlink_metadata().ok();
        let is_directory = was.as_ref().is_some_and(fs::Metadata::is_dir);
        match numbers.below(6) {
            // Untouched.
            0 | 1 if was.is_some() => copy_tree(&below, &shown),
            // Gone.
            2 if was.is_some() => {
                rustix::fs::mknodat(
                    rustix::fs::CWD,
                    &above,
                    rustix::fs::FileType::CharacterDevice,
                    rustix::fs::Mode::empty(),
                    0,
                )
                .unwrap();
            }
            // A directory that is merged.
            3 if is_directory => {
                for path in [&above, &shown] {
                    fs::create_dir(path).unwrap();
                    fs::set_permissions(path, was.as_ref().unwrap().permissions()).unwrap();
                }
                write_layer(&below, &above, &shown, numbers, depth.saturating_sub(1));
            }
            // A directory that hides what is below.
            4 if depth > 0 => {
                fs::create_dir(&above).unwrap();
                fill(&above, numbers, depth - 1);
                copy_tree(&above, &shown);
                if is_directory {
                    rustix::fs::setxattr(
                        &above,
                        "user.overlay.opaque",
                        b"y",
                        rustix::fs::XattrFlags::empty(),
                    )
                    .unwrap();
                }
            }
            _ => {
                fs::write(&above, format!("new {}", numbers.below(3))).unwrap();
                copy_tree(&above, &shown);
            }
        }
    }
}

fn copy_tree(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp")
        .arg("-a")
        .arg("--no-preserve=links")
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(done.success());
    // The marks of a layer are no part of what it shows.
    let _none = rustix::fs::removexattr(to, "user.overlay.opaque");
}

struct Stage {
    directory: tempfile::TempDir,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["lower", "upper", "merged"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        fill(&directory.path().join("lower"), &mut numbers, 2);
        let path = |name: &str| directory.path().join(name);
        write_layer(&path("lower"), &path("upper"), &path("merged"), &mut numbers, 2);
        Self { directory }
    }

    fn lower(&self) -> Root {
        let path = self.directory.path().join("lower");
        Root::open(&AbsPath::posix(path.as_os_str().as_encoded_bytes()).unwrap()).unwrap()
    }

    fn upper(&self) -> Root {
        Root::open_layer(&self.directory.path().join("upper")).unwrap()
    }

    fn changes(&self) -> Vec<Change> {
        changes(&mut self.lower(), &mut self.upper()).unwrap().changes
    }

    fn journal(&self) -> OwnedFd {
        let path = self.directory.path().join("journal");
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().into()
    }

    fn place(&self, changes: &[Change], watch: &mut impl Watch) -> Result<(), Obstacle> {
        let (mut target, mut source, journal) = (self.lower(), self.upper(), self.journal());
        let mut placer = Placer {
            target: &mut target,
            source: &mut source,
            watch,
            journal: &journal,
            id: "test",
            links: HashMap::new(),
            plain_modes: false,
            recorded_owners: false,
            closed: BTreeMap::new(),
            finished: 0,
        };
        placer.place(changes, &order(changes))
    }

    fn is_in_place(&self, seed: u64) {
        let path = |name: &str| self.directory.path().join(name);
        assert_eq!(looked_at(&path("lower")), looked_at(&path("merged")), "seed {seed}");
    }
}

/// Ends the work before the step of this number, as a crash would.
struct End {
    after: usize,
    steps: usize,
}

impl Watch for End {
    fn about_to(&mut self, what: &'static str, path: &AbsPath) -> Result<(), OsError> {
        self.steps += 1;
        if self.steps > self.after { Err(OsError::new(what, path.to_string(), 4)) } else { Ok(()) }
    }
}

#[test]
fn a_layer_in_place_is_what_it_shows() {
    for seed in 1..50 {
        let stage = Stage::new(seed);
        let found = stage.changes();
        stage.place(&found, &mut super::place::Unwatched).unwrap();
        stage.is_in_place(seed);
        // Nothing is left to do but what cannot be told without reading.
        let left = stage.changes();
        assert!(left.iter().all(Change::wants_content), "seed {seed}: {left:?}");
    }
}

#[test]
fn an_end_at_any_step_loses_nothing_and_is_gone_on_from() {
    let mut ends = 0;
    for seed in [3, 7] {
        let all = Stage::new(seed);
        let mut count = End { after: usize::MAX, steps: 0 };
        all.place(&all.changes(), &mut count).unwrap();
        for after in 0..count.steps {
            let stage = Stage::new(seed);
            let found = stage.changes();
            let begun = garth_undo::Begun {
                paths: found.iter().map(|change| change.path.clone()).collect(),
                ..garth_undo::Begun::default()
            };
            rustix::io::write(stage.journal(), Line::Begun(begun).text().as_bytes()).unwrap();
            let ended = stage.place(&found, &mut End { after, steps: 0 });
            assert!(matches!(ended, Err(Obstacle::Os(_))), "seed {seed}, step {after}");
            nothing_is_lost(&stage, &found);
            // What is found now is what is still to be done; it goes on from there.
            let left = stage.changes();
            stage.place(&left, &mut super::place::Unwatched).unwrap();
            stage.is_in_place(seed);
            assert!(!stage.directory.path().join("lower/.garth").exists());
            ends += 1;
        }
    }
    assert!(ends > 40, "{ends}");
}

/// At each name stands what was there before or what is to be there; or what the journal speaks of.
fn nothing_is_lost(stage: &Stage, found: &[Change]) {
    let text = fs::read(stage.directory.path().join("journal")).unwrap();
    let pending = read_pending(&text).unwrap().unwrap();
    let (mut target, mut source) = (stage.lower(), stage.upper());
    for change in found {
        let present = target.look(&change.path).unwrap().map(|seen| seen.entry);
        let is_before = match (&present, &change.before) {
            (Some(present), Some(before)) => {
                present.is_untouched_since(before)
                    || (present.kind == Kind::Directory && before.kind == Kind::Directory)
            }
            (None, None) => true,
            _ => false,
        };
        let is_after = match (&present, &change.after) {
            (Some(present), Some(after)) => present.kind == after.kind && present.size == after.size,
            (None, None) => true,
            _ => false,
        };
        assert!(is_before || is_after || pending.touched.contains(&change.path), "{change:?}: {present:?}");
        // And the layer still has it.
        assert!(change.after.is_none() || source.look(&change.path).unwrap().is_some());
    }
}

#[test]
fn what_was_changed_a_moment_ago_stays() {
    let stage = Stage::new(5);
    let found = stage.changes();
    let path = |change: &Change| {
        stage.directory.path().join("lower").join(change.path.to_string().trim_start_matches('/'))
    };
    let is_file = |change: &&Change| {
        change.before.as_ref().is_some_and(|entry| entry.kind == Kind::File && entry.names == 1)
    };
    let victim = found.iter().find(is_file).unwrap();
    fs::write(path(victim), "changed outside").unwrap();
    let ended = stage.place(&found, &mut super::place::Unwatched);
    assert!(matches!(ended, Err(Obstacle::Moved(_))), "{ended:?}");
    assert_eq!(fs::read(path(victim)).unwrap(), b"changed outside");
    tidy(&mut stage.lower(), "test").unwrap();
    assert!(!stage.directory.path().join("lower/.garth").exists());
}

#[test]
fn a_directory_that_holds_something_new_does_not_go() {
    let stage = Stage::new(5);
    let root = stage.directory.path();
    fs::create_dir_all(root.join("lower/gone/in")).unwrap();
    let gone = root.join("upper/gone");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &gone,
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::empty(),
        0,
    )
    .unwrap();
    let found = stage.changes();
    fs::write(root.join("lower/gone/in/new"), "new").unwrap();
    let ended = stage.place(&found, &mut super::place::Unwatched);
    assert!(matches!(ended, Err(Obstacle::NotEmpty(_))), "{ended:?}");
    assert!(root.join("lower/gone/in/new").exists());
}
