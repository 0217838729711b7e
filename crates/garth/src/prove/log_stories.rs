//! Stories about the log: it is neither read, changed, filled nor forged from inside, wherever it is.

use super::attack::Garden;
use super::broker::Session;
use super::run::{Proof, run};
use super::scenario::{Story, length, until};
use garth_audit::core::{Event, Kind, Record};
use garth_audit::io::{Session as Logged, check, sessions, visit};
use garth_host::linux::probe::NAME;
use garth_host::linux::probe::fixture::kill;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A session whose state is at this place, which runs a script of the shell.
fn session(proof: &Proof<'_>, state: &Path, script: &str) -> io::Result<Session> {
    let mut session = proof.session(Garden::Bare, "", &[])?;
    session.environment.push(("XDG_STATE_HOME".into(), state.into()));
    session.command = vec!["sh".into(), "-c".into(), script.into()];
    Ok(session)
}

/// A place for state outside every workspace, which the story has for itself.
pub(super) fn outside(proof: &Proof<'_>, name: &str) -> PathBuf {
    proof.stage.root.join("outside").join(name)
}

/// Runs a script, and gives what was logged then.
fn logged(proof: &Proof<'_>, state: &Path, script: &str) -> io::Result<(bool, Vec<Logged>)> {
    let answers = run(&session(proof, state, script)?)?;
    let ran = answers.told.outcome == "ended" && answers.told.detail.starts_with("code Some(0)");
    Ok((ran, sessions(&state.join("garth/log"))?))
}

/// Good when a log is sound to its end.
pub(super) fn sound(log: &Logged) -> io::Result<Result<(), String>> {
    let checked = check(log, None)?;
    Ok(match (&checked.fault, checked.complete) {
        (Some((_, line, fault)), _) => Err(format!("line {line}: {}", fault.reason)),
        (None, false) => Err("it has no end".into()),
        (None, true) => Ok(()),
    })
}

/// The records of a log.
pub(super) fn records(log: &Logged) -> io::Result<Vec<Record>> {
    let mut records = Vec::new();
    let _all: ControlFlow<()> = visit(log, |_, _, line| {
        records.extend(Record::parse(line));
        ControlFlow::Continue(())
    })?;
    Ok(records)
}

fn told(ran: bool) -> Result<String, String> {
    if ran { Ok("the command ran".into()) } else { Err("the command did not run to its end".into()) }
}

pub(super) fn judged(attack: Result<(), String>, good: &str, ran: bool) -> Story {
    Story { attack: attack.map(|()| good.to_owned()), twin: told(ran) }
}

/// What a shell can do to files and to the directories above them. `@` is the directory of the logs.
const HARM: &str = "cat @/*; for file in @/*.jsonl; do echo x >> \"$file\"; true > \"$file\"; rm -f \"$file\"; \
                    ln \"$file\" stolen; mv \"$file\" moved; chmod 666 \"$file\"; done; \
                    echo x > @/forged.jsonl; mkdir @/new; rm -rf @; rmdir @; mv @ elsewhere; mv @/.. elsewhere; \
                    mv @/../.. elsewhere; ln -s /tmp @; truncate -s 0 @/*.jsonl; true";

/// The logs are in the workspace, by the user's own setting.
pub(super) fn in_workspace(proof: &Proof<'_>) -> Story {
    let state = proof.stage.workspace(Garden::Bare).join("own-state");
    let told = logged(proof, &state, "true").and_then(|(_, first)| {
        let before = first.iter().map(content).collect::<io::Result<Vec<_>>>()?;
        let script = HARM.replace('@', "own-state/garth/log");
        let (ran, logs) =
            logged(proof, &state, &format!("{script}; ls stolen moved elsewhere && exit 7; exit 0"))?;
        let mut attack = if logs.len() == first.len() + 1 {
            Ok(())
        } else {
            Err(format!("there are {} logs of 2", logs.len()))
        };
        for log in &logs {
            attack = attack.and(sound(log)?);
        }
        let earlier = logs.iter().filter(|log| first.iter().any(|known| known.id == log.id));
        let after = earlier.map(content).collect::<io::Result<Vec<_>>>()?;
        if after != before {
            attack = attack.and(Err("an earlier log is not what it was".into()));
        }
        // The same to a directory that is no log's.
        fs::create_dir_all(state.join("other/log"))?;
        fs::write(state.join("other/log/a.jsonl"), "plain\n")?;
        let twin = run(&session(proof, &state, "rm -rf own-state/other && test ! -e own-state/other")?)?;
        let is_free = twin.told.detail.starts_with("code Some(0)");
        Ok(judged(attack, "the logs are hidden and whole", ran && is_free))
    });
    let _removed = fs::remove_dir_all(&state);
    told.unwrap_or_else(Story::broken)
}

pub(super) fn content(log: &Logged) -> io::Result<Vec<u8>> {
    let files = log.files.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    Ok(files.concat())
}

/// The logs are where they usually are: in the home, of which the sandbox has one of its own.
pub(super) fn in_home(proof: &Proof<'_>) -> Story {
    let told = logged_at_home(proof).and_then(|(ran, log, found)| {
        let attack = match found {
            Some(found) => Err(format!("the host has {found}")),
            None => sound(&log)?,
        };
        Ok(judged(attack, "the log is out of reach", ran))
    });
    told.unwrap_or_else(Story::broken)
}

/// Whether it ran, its log, and what the script left in the host's own directory.
fn logged_at_home(proof: &Proof<'_>) -> io::Result<(bool, Logged, Option<String>)> {
    let directory = proof.stage.root.join("home/.local/state/garth/log");
    let before: Vec<_> = sessions(&directory)?.into_iter().map(|log| log.id).collect();
    let mark = "garth-prove-home-log";
    let script = HARM.replace('@', &directory.display().to_string()).replace("; true", "");
    let mut session = proof.session(Garden::Bare, "", &[])?;
    session.command = vec!["sh".into(), "-c".into(), format!("{script}; : {mark}; true")];
    let answers = run(&session)?;
    let ran = answers.told.detail.starts_with("code Some(0)");
    let forged = ["forged.jsonl", "new"].into_iter().find(|name| directory.join(name).exists());
    for log in sessions(&directory)?.into_iter().filter(|log| !before.contains(&log.id)) {
        let is_ours = String::from_utf8_lossy(&content(&log)?).contains(mark);
        if is_ours {
            return Ok((ran, log, forged.map(str::to_owned)));
        }
    }
    Err(io::Error::other("there is no log of the session"))
}

/// A hidden file is read under other names, while the policy traces reads. Each try has to be refused, and told.
pub(super) fn hidden_reads(proof: &Proof<'_>) -> Story {
    const SECRET: &str = "nobody-inside-reads-this";
    let told = read_hidden(proof, SECRET);
    let _removed = fs::remove_dir_all(proof.stage.workspace(Garden::Bare).join("hidden-reads"));
    told.unwrap_or_else(Story::broken)
}

/// Each line reads the file `@` in another way.
const READS: [&str; 7] = [
    "cat @/key",
    "cat ./@/../@/key",
    "ln -s @/key link && cat link",
    "cat /proc/self/cwd/@/key",
    "cat /proc/self/root$PWD/@/key",
    "ln @/key second && cat second",
    "cd @ && cat key",
];

fn read_hidden(proof: &Proof<'_>, secret: &str) -> io::Result<Story> {
    let workspace = proof.stage.workspace(Garden::Bare);
    let place = workspace.join("hidden-reads");
    for name in ["closed", "open"] {
        fs::create_dir_all(place.join(name))?;
        fs::write(place.join(name).join("key"), secret)?;
    }
    let state = outside(proof, "state-hidden-reads");
    let closed = place.join("closed");
    let policy = format!(
        "version = 1\n[files]\n{:?} = \"deny\"\n[audit]\nreads = \"trace\"\n",
        closed.display().to_string()
    );
    let script = |name: &str| {
        let lines = READS.map(|line| format!("({})", line.replace('@', name)));
        format!(
            "cd hidden-reads; rm -f link second; {{ {}; }} > out-{name} 2>/dev/null; true",
            lines.join("; ")
        )
    };
    let mut session = proof.session(Garden::Bare, &policy, &[])?;
    session.environment.push(("XDG_STATE_HOME".into(), state.clone().into()));
    session.command = vec!["sh".into(), "-c".into(), format!("{}; {}", script("closed"), script("open"))];
    let ran = run(&session)?.told.detail.starts_with("code Some(0)");
    let out = |name: &str| fs::read_to_string(place.join(format!("out-{name}"))).unwrap_or_default();
    let logs = sessions(&state.join("garth/log"))?;
    let Some(log) = logs.first() else { return Err(io::Error::other("there is no log")) };
    let path = closed.display().to_string();
    let denied = |record: &Record| {
        let is_read = matches!(&record.event, Event::FileDenied(denied) if denied.operation == "read");
        is_read && record.event.path().is_some_and(|denied| denied.starts_with(&path))
    };
    let events = records(log)?.iter().filter(|record| denied(record)).count();
    let attack = match (out("closed").contains(secret), events) {
        (true, _) => Err("it was read".to_owned()),
        (false, 0) => Err("nothing in the log tells of it".to_owned()),
        (false, _) => sound(log)?,
    };
    let reads = out("open").matches(secret).count();
    Ok(judged(attack, &format!("refused, with {events} events"), ran && reads >= READS.len() - 1))
}

/// What looks like a record.
const FORGED: &str = "{\"version\":1,\"session\":\"20261130T040236Z-0000000000000000\",\"sequence\":1,\"event\":\"file-denied\"}";

/// The target writes lines that look like records, to both outputs and into its own names.
pub(super) fn forged(proof: &Proof<'_>) -> Story {
    let script = format!(
        "printf '%s\\n' '{FORGED}'; printf '%s\\n' '{FORGED}' >&2; mkdir \".vscode/$(printf 'a\\n%s' '{FORGED}')\" 2>/dev/null; true"
    );
    let told = logged(proof, &outside(proof, "state-forged"), &script);
    told.and_then(only_the_brokers).unwrap_or_else(Story::broken)
}

/// The same to every descriptor that it has, and to those of every process that it can see.
pub(super) fn descriptors(proof: &Proof<'_>) -> Story {
    let script =
        format!("mkdir .vscode/told 2>/dev/null; ./{NAME} act write-everywhere '{FORGED}'; test $? = 0");
    let told = logged(proof, &outside(proof, "state-descriptors"), &script);
    told.and_then(only_the_brokers).unwrap_or_else(Story::broken)
}

/// Good when no line of the target's is in the log, and the broker's of what it was refused is.
fn only_the_brokers((ran, logs): (bool, Vec<Logged>)) -> io::Result<Story> {
    let Some(log) = logs.first() else { return Err(io::Error::other("there is no log")) };
    let sound = sound(log)?;
    let text = String::from_utf8_lossy(&content(log)?).into_owned();
    let all = records(log)?;
    let denied = all.iter().filter(|record| record.event.kind() == Kind::FileDenied).count();
    let attack = if text.lines().any(|found| found == FORGED || !found.contains(log.id.as_str())) {
        Err("a line of the target's is in the log".into())
    } else {
        sound
    };
    Ok(judged(attack, "only the broker's records are there", ran && denied == 1))
}

/// Thousands of refusals.
pub(super) fn flooded(proof: &Proof<'_>) -> Story {
    const MOST: usize = 4 << 20;
    let script = "n=0; while [ $n -lt 20000 ]; do n=$((n+1)); true > .vscode/$n; done 2>/dev/null; exit 0";
    let script = format!("sh -c '{script}'; mkdir .zed/last 2>/dev/null; exit 0");
    let told = logged(proof, &outside(proof, "state-flooded"), &script).and_then(|(ran, logs)| {
        let Some(log) = logs.first() else { return Err(io::Error::other("there is no log")) };
        let length = content(log)?.len();
        let denied = records(log)?.iter().filter(|record| record.event.is_denial()).count();
        let attack = if length > MOST { Err(format!("{length} bytes")) } else { sound(log)? };
        let good = format!("{denied} records, {length} bytes, with an end");
        Ok(judged(attack, &good, ran && denied > 0))
    });
    told.unwrap_or_else(Story::broken)
}

/// The log is lost in the middle of a session whose policy requires it: everything inside has to end.
pub(super) fn lost(proof: &Proof<'_>) -> Story {
    // A refusal in each turn, so that there is something to record.
    let script = "(while true; do date +%N > lost-beat; sleep 0.05; done) & \
                  n=0; while true; do n=$((n+1)); mkdir .vscode/$n 2>/dev/null; sleep 0.1; done";
    let state = outside(proof, "state-lost");
    let told = session(proof, &state, script).and_then(|session| {
        let policy = "version = 1\n[audit]\nrequired = true\n";
        let policy = proof.session(Garden::Bare, policy, &[])?.policy;
        without_log(proof, &Session { policy, ..session }, &state)
    });
    match told {
        Ok((attack, ran)) => judged(attack, "everything inside was ended", ran),
        Err(error) => Story::broken(error),
    }
}

/// Starts a session, takes its log away, and tells whether it ended for that, and whether it had run.
fn without_log(proof: &Proof<'_>, session: &Session, state: &Path) -> io::Result<(Result<(), String>, bool)> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let beat = proof.stage.workspace(Garden::Bare).join("lost-beat");
    let logs = || sessions(&state.join("garth/log")).unwrap_or_default();
    let mut child = session.start()?;
    let ran = until(PATIENCE, || length(&beat) > 0 && !logs().is_empty());
    logs().iter().flat_map(|log| &log.files).try_for_each(fs::remove_file)?;
    let end = Instant::now() + PATIENCE;
    let mut over = false;
    while !over && Instant::now() < end {
        over = child.try_wait()?.is_some();
        std::thread::sleep(Duration::from_millis(10));
    }
    let before = fs::read(&beat).unwrap_or_default();
    std::thread::sleep(Duration::from_millis(300));
    let lives = fs::read(&beat).unwrap_or_default() != before;
    if !over {
        kill(child.id());
    }
    child.wait()?;
    let met = match (over, lives) {
        (false, _) => Err("the session goes on".to_owned()),
        (true, true) => Err("something inside lives on".to_owned()),
        (true, false) => Ok(()),
    };
    Ok((met, ran))
}

/// Names that would change the terminal of whoever reads the log.
pub(super) fn escapes(proof: &Proof<'_>) -> Story {
    let script =
        "mkdir \".vscode/$(printf 'a\\033[2J\\007\\302\\233\\342\\200\\256\\177')\" 2>/dev/null; exit 0";
    let told = logged(proof, &outside(proof, "state-escapes"), script).and_then(|(ran, logs)| {
        let Some(log) = logs.first() else { return Err(io::Error::other("there is no log")) };
        let text = String::from_utf8_lossy(&content(log)?).into_owned();
        let bad =
            text.chars().find(|letter| *letter != '\n' && (letter.is_control() || *letter == '\u{202e}'));
        let all = records(log)?;
        let denied = all.iter().find_map(|record| record.event.path());
        let attack = match bad {
            Some(letter) => Err(format!("it holds {letter:?}")),
            None => sound(log)?,
        };
        // It says which file it was, all the same.
        let is_told = denied.is_some_and(|path| path.ends_with("a\u{1b}[2J\u{7}\u{9b}\u{202e}\u{7f}"));
        Ok(judged(attack, "written with escapes", ran && is_told))
    });
    told.unwrap_or_else(Story::broken)
}
