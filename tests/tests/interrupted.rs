//! Killed before each system call that changes something: nothing is lost, and going on leads exactly to what was wanted.
//!
//! `strace` writes down the calls of a run that is left alone, and kills another run before the call of each number.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Identity, Run, Snapshot, Terminal, has};
use std::collections::{BTreeMap, HashMap};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

/// Calls that change files. Of some of them it depends on the words: see [`Call::listed`].
const CHANGING: &str = "openat,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,mknodat,symlink,\
    symlinkat,link,linkat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utimensat,setxattr,fsetxattr,\
    lsetxattr,removexattr,lremovexattr,fremovexattr,truncate,ftruncate,copy_file_range,ioctl";

/// One call of a run: its name, and which of that name it is, counted from one.
#[derive(Clone, Debug)]
struct Call {
    name: String,
    number: usize,
    line: String,
}

impl Call {
    /// The calls of a list of `strace` that changed something, in their order.
    fn listed(text: &str) -> Vec<Self> {
        let (mut numbers, mut calls) = (HashMap::<String, usize>::new(), Vec::new());
        for line in text.lines() {
            let Some((name, rest)) = line.split_once('(') else { continue };
            let number = numbers.entry(name.to_owned()).or_default();
            *number += 1;
            let changes = match name {
                "openat" => rest.contains("O_CREAT") || rest.contains("O_TRUNC"),
                // Standard output and standard error.
                "write" => !rest.starts_with("1,") && !rest.starts_with("2,"),
                "ioctl" => rest.contains("FICLONE"),
                _ => true,
            };
            if changes && !rest.contains(") = -1 ") {
                calls.push(Self { name: name.to_owned(), number: *number, line: line.to_owned() });
            }
        }
        calls
    }
}

/// All of a tree: what a snapshot has, and contents and attributes.
#[derive(Debug)]
struct State {
    snapshot: Snapshot,
    contents: BTreeMap<PathBuf, (Vec<u8>, String)>,
}

impl State {
    fn of(garden: &Garden) -> Self {
        let snapshot = Snapshot::of(&garden.work, &[]);
        let files = snapshot.paths().filter(|path| path.symlink_metadata().is_ok_and(|data| data.is_file()));
        let content = |path: &std::path::Path| {
            let mut value = [0; 100];
            let length = rustix::fs::lgetxattr(path, "user.k", &mut value[..]).unwrap_or(0);
            let attribute = String::from_utf8_lossy(&value[..length]).into_owned();
            (path.to_path_buf(), (std::fs::read(path).expect("a file can be read"), attribute))
        };
        let contents = files.map(content).collect();
        Self { snapshot, contents }
    }

    fn same_as(&self, other: &Self, what: &str) {
        self.snapshot.same_as(&other.snapshot, what);
        assert_eq!(self.contents, other.contents, "{what}");
    }

    /// In the middle of the way from one state to another: a file of both has one of both contents, and no file has another.
    fn is_between(&self, one: &Self, other: &Self, what: &str) {
        for (path, (content, _)) in &self.contents {
            if path.components().any(|part| part.as_os_str() == ".garth") {
                continue;
            }
            let known = [one, other].map(|state| state.contents.get(path).map(|(content, _)| content));
            assert!(known.contains(&Some(content)), "{what}: {} has {content:?}", path.display());
        }
        let both = one.contents.keys().filter(|path| other.contents.contains_key(*path));
        let lost: Vec<_> = both.filter(|path| !self.contents.contains_key(*path)).collect();
        assert!(lost.is_empty(), "{what}: {lost:?} is neither what it was nor what it is to be");
    }
}

struct Stage {
    garden: Garden,
}

impl Stage {
    /// None where there is no `strace`. An ordinary user alone: nothing is closed to root.
    fn new() -> Option<Self> {
        Self::of(Identity::all().last().copied().unwrap_or(Identity::Current))
    }

    fn of(identity: Identity) -> Option<Self> {
        has("strace", "strace").then(|| Self { garden: Garden::new(identity) })
    }

    fn garth(&self, words: &[&str]) -> Run {
        let program = self.garden.program().to_str().expect("text").to_owned();
        self.garden.outside(&[&[program.as_str()], words].concat())
    }

    fn traced(&self, options: &[&str], words: &[&str]) -> Run {
        let program = self.garden.program().to_str().expect("text").to_owned();
        self.garden.outside(&[&["strace", "-qq"], options, &["--", program.as_str()], words].concat())
    }

    /// The calls of this run that change something.
    fn calls(&self, words: &[&str]) -> Vec<Call> {
        let list = self.garden.home.join("calls");
        let option = format!("trace={CHANGING}");
        let run = self.traced(&["-o", list.to_str().expect("text"), "-e", &option], words);
        assert!(run.status.success(), "{run}");
        Call::listed(&std::fs::read_to_string(list).expect("a list"))
    }

    /// Runs it, and kills it before this call. False if it did not come to that.
    fn killed(&self, words: &[&str], call: &Call) -> bool {
        let trace = format!("trace={}", call.name);
        let inject = format!("inject={}:signal=KILL:when={}", call.name, call.number);
        let run = self.traced(&["-o", "/dev/null", "-e", &trace, "-e", &inject], words);
        let killed = run.status.signal() == Some(9);
        assert!(killed || run.status.success(), "{call:?}: {run}");
        killed
    }

    /// An empty workspace and nothing kept, then the usual files.
    fn fresh(&self) {
        let _ = self
            .garden
            .prepare("chmod -R u+rwX .; rm -rf ./* .garth ../home/.local/state/garth/{layers,checkpoints}");
        let _ = self.garden.prepare(PREPARE);
    }

    fn state(&self) -> State {
        State::of(&self.garden)
    }

    /// What was only begun is residue, and `clean` takes it away.
    fn nothing_is_left_of(&self, kind: &str, what: &str) {
        let cleaned = self.garth(&["clean"]).code(0);
        let kept = self.garden.home.join(".local/state/garth").join(kind);
        let left = std::fs::read_dir(kept).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{what}: {cleaned}");
    }
}

const PREPARE: &str = "mkdir -p dir/deep gone empty; echo one > a; echo two > b; ln -s a link; mkfifo pipe; echo q > gone/q
    echo x > dir/deep/x; ln dir/deep/x dir/second; echo kept > kept; chmod 600 b; python3 -c 'import os; os.setxattr(\"b\", \"user.k\", b\"old\")'
    mkdir -p shut/in; echo s > shut/in/s
    touch -hd '2001-01-01 00:00:00.25' a b link pipe gone/q dir/deep/x kept shut/in/s
    touch -d '2002-02-02 00:00:00.125' gone empty dir/deep dir shut/in shut .; chmod 555 shut/in shut";

/// Contents, modes, attributes, links, a file where a directory was and the other way round, with times of its own.
const CHANGE: &str = "echo more >> a; chmod 755 b; python3 -c 'import os; os.setxattr(\"b\", \"user.k\", b\"new\")'; rm -r gone; echo file > gone; rm link; mkdir link
    echo in > link/in; rmdir empty; rm pipe; ln -s b pipe; mkdir -p new/er; echo n > new/er/n; ln new/er/n new/second
    chmod 755 shut/in; echo more >> shut/in/s; echo t > shut/in/t
    touch -hd '2011-01-01 00:00:00.5' a b gone link/in pipe new/er/n
    touch -hd '2011-01-01 00:00:00.5' shut/in/s shut/in/t
    touch -d '2012-02-02 00:00:00.75' link new/er new dir shut/in .; chmod 555 shut/in";

/// Enough of the calls were met; which one is the last may differ by one or two between runs.
fn were_met(met: usize, calls: &[Call]) {
    let count = calls.len();
    assert!(count > 15 && met + 3 >= count, "{met} of {count}: {calls:?}");
}

#[test]
fn an_apply_goes_on_from_anywhere_and_is_taken_back() {
    let Some(stage) = Stage::new() else { return };
    let layered = || {
        stage.fresh();
        let _ = stage.garth(&["run", "--cow", "--", "bash", "-euc", CHANGE]).code(0);
    };
    layered();
    let before = stage.state();
    let apply = ["apply", "--yes"];
    let calls = stage.calls(&apply);
    let after = stage.state();
    let mut met = 0;
    for (index, call) in calls.iter().enumerate() {
        layered();
        stage.state().same_as(&before, "the preparation is the same each time");
        met += usize::from(stage.killed(&apply, call));
        stage.state().is_between(&before, &after, &call.line);
        // Of some once more, when it has just written down that it goes on, and when it has done something.
        for number in 1..=if index % 10 == 2 { 2 } else { 0 } {
            let again = Call { name: "fdatasync".into(), number, line: String::new() };
            if stage.garth(&["layers"]).text().contains("there are no layers") {
                break;
            }
            let _ = stage.killed(&apply, &again);
            stage.state().is_between(&before, &after, &call.line);
        }
        if !stage.garth(&["layers"]).text().contains("there are no layers") {
            let _ = stage.garth(&apply).code(0);
        }
        stage.state().same_as(&after, &format!("gone on from {call:?}"));
        stage.nothing_is_left_of("layers", &call.line);
        // The checkpoint of what was replaced is of before the first attempt.
        let _ = stage.garth(&["undo", "--yes"]).code(0);
        stage.state().same_as(&before, &format!("taken back after {call:?}"));
    }
    were_met(met, &calls);
}

#[test]
fn an_undo_goes_on_from_anywhere() {
    let Some(stage) = Stage::new() else { return };
    let changed = || {
        stage.fresh();
        let before = stage.state();
        let _ = stage.garth(&["run", "--checkpoint", "--", "bash", "-euc", CHANGE]).code(0);
        before
    };
    let before = changed();
    let after = stage.state();
    let undo = ["undo", "--yes"];
    let calls = stage.calls(&undo);
    stage.state().same_as(&before, "the undo that is left alone");
    let mut met = 0;
    for call in &calls {
        changed().same_as(&before, "the preparation is the same each time");
        let id = newest(&stage);
        met += usize::from(stage.killed(&undo, call));
        stage.state().is_between(&after, &before, &call.line);
        let _ = stage.garth(&["undo", "--yes", "--to", &id]).code(0);
        stage.state().same_as(&before, &format!("gone on from {call:?}"));
        assert!(!stage.garden.has(".garth"), "{call:?}");
    }
    were_met(met, &calls);
}

/// The name of the last checkpoint.
fn newest(stage: &Stage) -> String {
    let listed: serde_json::Value =
        serde_json::from_slice(&stage.garth(&["checkpoints", "--json"]).stdout).expect("JSON");
    let last = listed["checkpoints"].as_array().and_then(|list| list.last()).expect("a checkpoint");
    last["id"].as_str().expect("a name").to_owned()
}

#[test]
fn a_layer_that_is_half_thrown_away_is_whole_or_residue() {
    let Some(stage) = Stage::new() else { return };
    let layered = || {
        let _ = stage.garth(&["run", "--cow", "--", "bash", "-euc", CHANGE]).code(0);
    };
    stage.fresh();
    layered();
    let before = stage.state();
    let calls = stage.calls(&["discard"]);
    let mut met = 0;
    for call in &calls {
        layered();
        met += usize::from(stage.killed(&["discard"], call));
        stage.state().same_as(&before, &call.line);
        if !stage.garth(&["layers"]).text().contains("there are no layers") {
            // It is still whole: all of it can be put in place.
            let shown = stage.garth(&["diff"]).code(0);
            assert!(shown.text().contains("14 changes"), "{call:?}: {shown}");
            let _ = stage.garth(&["discard"]).code(0);
        }
        stage.nothing_is_left_of("layers", &call.line);
    }
    were_met(met, &calls);
}

#[test]
fn a_checkpoint_is_whole_or_residue() {
    let Some(stage) = Stage::new() else { return };
    let run = ["run", "--checkpoint", "--", "bash", "-euc", CHANGE];
    stage.fresh();
    let before = stage.state();
    let mut calls = stage.calls(&run);
    // From here on the command may run, and changes the workspace.
    let made = calls
        .iter()
        .position(|call| call.name.starts_with("rename") && call.line.contains("checkpoint.json"));
    calls.truncate(made.expect("a checkpoint is made") + 2);
    let mut met = 0;
    for call in &calls {
        stage.fresh();
        met += usize::from(stage.killed(&run, call));
        let listed = stage.garth(&["checkpoints"]).code(0);
        if listed.text().contains("there are no checkpoints") {
            stage.nothing_is_left_of("checkpoints", &call.line);
        } else {
            // It is whole: whatever is done now is taken back.
            let _ = stage.garden.prepare("chmod -R u+rwX .; rm -rf ./*; echo other > kept");
            let _ = stage.garth(&["undo", "--yes"]).code(0);
        }
        stage.state().same_as(&before, &call.line);
    }
    were_met(met, &calls);
}

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n";

/// Answers the questions of an interactive apply, in front of which `strace` stands: both sides of a conflict put together,
/// and another change taken.
fn answered(stage: &Stage, options: &[&str]) -> bool {
    let program = stage.garden.program().to_str().expect("text");
    let words = [&["strace", "-qq"], options, &["--", program, "apply", "--interactive"]].concat();
    let mut terminal = Terminal::bare(&stage.garden.at(""), &words, 50, 160);
    for (question, key) in
        [("overwrite fits", "merge"), ("write this to fits?", "yes"), ("put other in place?", "yes")]
    {
        let _ = terminal.expect(question);
        let _ = terminal.expect("] ");
        terminal.send(&format!("{key}\n"));
    }
    terminal.wait().success()
}

/// What was answered is kept with the first line of the journal; before that the next apply names what is left.
#[test]
fn a_merged_text_is_not_asked_for_again() {
    // Who answers at the terminal is whoever runs the tests.
    let Some(stage) = Stage::of(Identity::Current) else { return };
    let garden = &stage.garden;
    let layered = || {
        let _ = garden
            .prepare("chmod -R u+rwX .; rm -rf ./* .garth ../home/.local/state/garth/{layers,checkpoints}");
        garden.write("fits", LINES);
        garden.write("other", "1\n");
        let _ = stage
            .garth(&["run", "--cow", "--", "bash", "-euc", "sed -i s/2/two/ fits; echo 2 > other"])
            .code(0);
        garden.write("fits", LINES.replace('7', "seven"));
    };
    layered();
    let list = garden.home.join("calls");
    let option = format!("trace={CHANGING}");
    assert!(answered(&stage, &["-o", list.to_str().expect("text"), "-e", &option]));
    let merged = LINES.replace('2', "two").replace('7', "seven");
    assert_eq!((garden.read("fits"), garden.read("other")), (merged.clone(), "2\n".into()));
    let calls = Call::listed(&std::fs::read_to_string(list).expect("a list"));
    let kept =
        calls.iter().position(|call| call.line.contains("merged/0") && call.name.starts_with("rename"));
    let (mut gone_on, mut named) = (0, 0);
    // The other question comes after the text was kept.
    for call in &calls[kept.expect("the text is kept") + 1..] {
        layered();
        let trace = format!("trace={}", call.name);
        let inject = format!("inject={}:signal=KILL:when={}", call.name, call.number);
        let _ended = answered(&stage, &["-o", "/dev/null", "-e", &trace, "-e", &inject]);
        if stage.garth(&["layers"]).text().contains("there are no layers") {
            assert_eq!(garden.read("fits"), merged, "{call:?}");
            continue;
        }
        let next = stage.garth(&["apply", "--yes"]);
        assert_eq!(garden.read("other"), "2\n", "{call:?}: {next}");
        if next.status.success() {
            assert_eq!(garden.read("fits"), merged, "{call:?}: {next}");
            gone_on += 1;
        } else {
            assert!(next.text().contains("left in the layer: fits: "), "{call:?}: {next}");
            assert_eq!(garden.read("fits"), LINES.replace('7', "seven"), "{call:?}");
            named += 1;
        }
    }
    assert!(gone_on > 8 && named > 0, "{gone_on} {named}");
}
