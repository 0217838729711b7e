//! Stories about names that the view does not show: what is looked for among them is refused, and told, whatever else is tried.
//!
//! Where a user may make no file system of his own nobody is told; then the stories show that the reads are refused.

use super::attack::Garden;
use super::log_stories::{content, judged, outside, records, sound};
use super::run::{Proof, run};
use super::scenario::Story;
use garth_audit::core::Record;
use garth_audit::io::{Session as Logged, sessions};
use garth_host::linux::inside::told;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const POLICY: &str = "version = 1\n[audit]\nreads = \"told\"\n";
const SECRET: &str = "nobody-inside-reads-this";

/// What a script did.
struct Told {
    ran: bool,
    log: Logged,
    /// What it wrote to `out` in the workspace.
    out: String,
    records: Vec<Record>,
}

impl Told {
    /// Refusals of what lies at or below a path.
    fn refusals(&self, path: &Path) -> usize {
        let path = path.display().to_string();
        let is_told = |record: &&Record| {
            record.event.is_denial() && record.event.path().is_some_and(|denied| denied.starts_with(&path))
        };
        self.records.iter().filter(is_told).count()
    }

    /// Good when the secret stayed outside, each of these was told, and the log is whole.
    fn judge(&self, paths: &[&Path]) -> io::Result<Result<(), String>> {
        if self.out.contains(SECRET) {
            return Ok(Err("it was read".into()));
        }
        let listed = self.out.lines().any(|line| line.starts_with("told-"));
        if listed {
            return Ok(Err("a listing shows its name".into()));
        }
        let silent = paths.iter().find(|path| self.refusals(path) == 0);
        Ok(match silent {
            Some(path) if told::refused().is_none() => {
                Err(format!("nothing in the log tells of {}", path.display()))
            }
            _ => sound(&self.log)?,
        })
    }
}

/// How it is told where it is.
fn good(refused: &str) -> String {
    match told::refused() {
        None => format!("{refused}, and told"),
        Some(why) => format!("{refused}; this machine lets nobody tell of it: {why}"),
    }
}

/// Runs a script in the workspace; its outputs go to `out`, which it may read in the twin.
fn play(proof: &Proof<'_>, name: &str, rules: &str, script: &str) -> io::Result<Told> {
    let state = outside(proof, &format!("state-told-{name}"));
    let mut session = proof.session(Garden::Bare, &format!("{POLICY}{rules}"), &[])?;
    session.environment.push(("XDG_STATE_HOME".into(), state.clone().into()));
    let script = format!("{{ {script}\n}} > out-{name} 2>&1; echo {SECRET} > own-{name} && cat own-{name}");
    session.command = vec!["sh".into(), "-c".into(), script];
    let ran = run(&session)?.told.detail.starts_with("code Some(0)");
    let workspace = proof.stage.workspace(Garden::Bare);
    let out = fs::read_to_string(workspace.join(format!("out-{name}"))).unwrap_or_default();
    for made in ["out", "own"] {
        let _gone = fs::remove_file(workspace.join(format!("{made}-{name}")));
    }
    let log = sessions(&state.join("garth/log"))?.into_iter().next();
    let log = log.ok_or_else(|| io::Error::other("there is no log"))?;
    Ok(Told { ran, out, records: records(&log)?, log })
}

/// A file outside of everything that the sandbox sees.
fn hide(proof: &Proof<'_>, directory: &str, name: &str) -> io::Result<PathBuf> {
    let directory = proof.stage.root.join(directory);
    fs::create_dir_all(&directory)?;
    let file = directory.join(name);
    fs::write(&file, SECRET)?;
    Ok(file)
}

/// Each line looks for `@` in another way; `&` is its last name.
const WAYS: [&str; 8] = [
    "cat @/key",
    "cat @/../&/key",
    "ls @",
    "test -e @/key; cat @/key",
    "cd @ && cat key",
    "cat /proc/self/root@/key",
    "ln -s @/key link-told; cat link-told; rm link-told",
    "@/key",
];

/// Something hidden is looked for in many ways, each below a name of its own, because a name is told once: in the home,
/// which is always a directory of the sandbox's own, and beside it.
pub(super) fn hidden_names(proof: &Proof<'_>) -> Story {
    let places = |number: usize| ["home/told", "told"].map(|place| format!("{place}-{number}"));
    let tell = || -> io::Result<Story> {
        let (mut hidden, mut script) = (Vec::new(), Vec::new());
        for (number, way) in WAYS.iter().enumerate() {
            for place in places(number) {
                hide(proof, &place, "key")?;
                let path = proof.stage.root.join(&place);
                let line = way.replace('&', &format!("{}", path.file_name().unwrap_or_default().display()));
                script.push(format!("({})", line.replace('@', &path.display().to_string())));
                hidden.push(path);
            }
        }
        script.push(format!("ls -aR {}", proof.stage.root.join("home").display()));
        let told = play(proof, "hidden-names", "", &script.join("\n"))?;
        let paths: Vec<&Path> = hidden.iter().map(PathBuf::as_path).collect();
        Ok(judged(told.judge(&paths)?, &good("refused"), told.ran))
    };
    let story = tell().unwrap_or_else(Story::broken);
    for place in (0..WAYS.len()).flat_map(places) {
        let _gone = fs::remove_dir_all(proof.stage.root.join(place));
    }
    story
}

/// Each line uses `@`, which is hidden in a directory that is shown, in another way.
const USES: [&str; 14] = [
    "cat @ @/key",
    "chmod 777 @; cat @ @/key",
    "chown $(id -u) @; touch @; cat @ @/key",
    ": > @; : > @/key; cat @ @/key",
    "mv @ away-told; cat away-told away-told/key",
    "ln @ link-told; cat link-told @/key; rm link-told",
    "ln -s @ link-told; cat link-told link-told/key; rm link-told",
    "cp -r @ copy-told; cat copy-told copy-told/key; rm -rf copy-told",
    "@; @/key",
    "ls -a @; cd @ && cat key",
    "umount @; umount -l @; mount --bind /tmp @; cat @ @/key",
    "cat /proc/self/root@ /proc/self/root@/key",
    "exec 9<@; cat <&9; exec 9<>@; cat <&9; exec 9<@/key; cat <&9",
    "rm -rf @; mkdir @; cat @ @/key",
];

/// A file and a directory that are hidden in the workspace are used in many ways.
pub(super) fn hidden_in_sight(proof: &Proof<'_>) -> Story {
    let workspace = proof.stage.workspace(Garden::Bare);
    let place = |number: usize, kind: &str| workspace.join(format!("mask-told-{number}-{kind}"));
    let tell = || -> io::Result<Story> {
        let (mut hidden, mut script, mut rules) = (Vec::new(), Vec::new(), "[files]\n".to_owned());
        for (number, way) in USES.iter().enumerate() {
            let (file, directory) = (place(number, "file"), place(number, "directory"));
            fs::write(&file, SECRET)?;
            fs::create_dir_all(&directory)?;
            fs::write(directory.join("key"), SECRET)?;
            for path in [file, directory] {
                rules += &format!("{:?} = \"deny\"\n", path.display().to_string());
                script.push(format!("({})", way.replace('@', &path.display().to_string())));
                hidden.push(path);
            }
        }
        let told = play(proof, "in-sight", &rules, &script.join("\n"))?;
        let paths: Vec<&Path> = hidden.iter().map(PathBuf::as_path).collect();
        let mut attack = told.judge(&paths)?;
        let is_kept = |path: &PathBuf| {
            let file = if path.is_dir() { path.join("key") } else { path.clone() };
            fs::read_to_string(file).is_ok_and(|text| text == SECRET)
        };
        if let Some(path) = hidden.iter().find(|path| !is_kept(path)) {
            attack = Err(format!("{} was changed", path.display()));
        }
        Ok(judged(attack, &good("refused"), told.ran))
    };
    let story = tell().unwrap_or_else(Story::broken);
    for number in 0..USES.len() {
        let _gone = fs::remove_file(place(number, "file"));
        let _gone = fs::remove_dir_all(place(number, "directory"));
    }
    story
}

/// Thousands of names that nobody has, and then one that the host has.
pub(super) fn flooded(proof: &Proof<'_>) -> Story {
    const MOST: usize = 1 << 20;
    let tell = || -> io::Result<Story> {
        let key = hide(proof, "home/told-flood", "key")?;
        let home = proof.stage.root.join("home").display().to_string();
        let script = format!(
            "n=0; while [ $n -lt 10000 ]; do n=$((n+1)); test -e {home}/no-$n; done\n\
             n=0; while [ $n -lt 300 ]; do n=$((n+1)); : > {home}/made; rm {home}/made; done\n\
             cat {}",
            key.display()
        );
        let told = play(proof, "flood", "", &script)?;
        let length = content(&told.log)?.len();
        let attack = if length > MOST { Err(format!("{length} bytes of log")) } else { told.judge(&[&key])? };
        let _gone = fs::remove_dir_all(proof.stage.root.join("home/told-flood"));
        Ok(judged(attack, &good(&format!("{length} bytes of log; the last one refused")), told.ran))
    };
    tell().unwrap_or_else(Story::broken)
}

/// Everything from inside that could take away what tells.
pub(super) fn silenced(proof: &Proof<'_>) -> Story {
    let tell = || -> io::Result<Story> {
        let key = hide(proof, "home/told-silence", "key")?;
        let home = proof.stage.root.join("home").display().to_string();
        let script = format!(
            "umount / {home}; umount -l /; umount -f {home}; mount -o remount,rw /; mount --bind /tmp {home}\n\
             kill -9 1; kill -STOP 1\n\
             cat /dev/fuse; (exec 9<> /dev/fuse); ls /sys/fs/fuse/connections && echo 1 > /sys/fs/fuse/connections/*/abort\n\
             for file in /proc/1/fd/* /proc/1/task/*/fd/*; do cat $file; done\n\
             setfattr -n user.overlay.opaque -v y {home}; mv {home} {home}-moved; rmdir {home}\n\
             unshare -rm umount -l /; unshare -r mount -t tmpfs none {home}\n\
             cat {}",
            key.display()
        );
        let told = play(proof, "silence", "", &script)?;
        let _gone = fs::remove_dir_all(proof.stage.root.join("home/told-silence"));
        Ok(judged(told.judge(&[&key])?, &good("refused"), told.ran))
    };
    tell().unwrap_or_else(Story::broken)
}

/// A hidden file whose name would change a terminal.
pub(super) fn escapes(proof: &Proof<'_>) -> Story {
    let tell = || -> io::Result<Story> {
        let name = "told-\u{1b}]0;owned\u{7}\u{202e}\n{\"version\":1}";
        let key = hide(proof, &format!("home/{name}"), "key")?;
        let home = proof.stage.root.join("home").display().to_string();
        let script = format!("cat {home}/told-*/key; cat '{}'", key.display());
        let told = play(proof, "escapes", "", &script)?;
        let _gone = fs::remove_dir_all(proof.stage.root.join("home").join(name));
        let raw = content(&told.log)?;
        let text = String::from_utf8_lossy(&raw);
        let mut attack = told.judge(&[])?;
        if text.contains(['\u{1b}', '\u{7}', '\u{202e}'])
            || text.lines().any(|line| !line.contains("\"hash\":"))
        {
            attack = Err("the log has it as it is".into());
        } else if told::refused().is_none() && !text.contains("owned") {
            attack = Err("nothing in the log tells of it".into());
        }
        Ok(judged(attack, &good("refused, with its name made harmless"), told.ran))
    };
    tell().unwrap_or_else(Story::broken)
}
