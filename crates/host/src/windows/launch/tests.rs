//! Starting, streams, exit codes and lifetimes. Under Wine these say nothing of containment: what was read back differs
//! there, and only these tests let that pass.

use super::{Difference, Error, Identity, LaunchSpec, Property, Streams, Token, launch_relaxed};
use crate::windows::processes::{Started, Told, Watch, port};
use crate::windows::sys::session_end;
use crate::windows::wait::{Outcome, wait};
use garth_plan::windows::launch::{JobSpec, UiLimits};
use garth_plan::windows::quote::{for_batch_file, for_c_runtime, for_cmd_text};
use garth_plan::windows::spec::{Desktop, Inherited};
use garth_plan::windows::token::Restriction;
use garth_plan::windows::{AccessMask, Ace, Acl, AppContainer, Sid, derive, known};
use std::io::{Read, Write, pipe};
use std::os::windows::io::AsHandle;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(in crate::windows) const ALL: &[Property] = &[
    Property::JobLifetime,
    Property::JobLimits,
    Property::UiLimits,
    Property::Restricting,
    Property::DenyOnly,
    Property::Privileges,
    Property::AccessCheck,
];

fn system(name: &str) -> String {
    let root = std::env::var("SystemRoot").unwrap();
    format!(r"{root}\System32\{name}")
}

fn spec(command_line: String, program: String) -> LaunchSpec {
    let own = Token::own().unwrap();
    let root: Sid = "S-1-15-3-1024-1-2-3-4-5-6-7-8".parse().unwrap();
    let logon = own.logon().unwrap();
    let (user, _) = own.user().unwrap();
    let full = |sid: Sid| Ace::allow(sid, AccessMask::GENERIC_ALL);
    LaunchSpec {
        program,
        command_line,
        directory: std::env::temp_dir().to_str().unwrap().to_owned(),
        environment: std::env::vars().filter(|(name, _)| !name.is_empty()).collect(),
        identity: Identity::Restricted {
            restriction: Restriction {
                disable: vec![known::ADMINISTRATORS],
                drop_privileges: true,
                delete: Vec::new(),
                restricting: [vec![root], logon].concat(),
                write_restricted: true,
            },
            default_dacl: Acl::new(vec![full(user), full(known::SYSTEM), full(root)]),
        },
        job: JobSpec { memory: Some(1 << 30), processes: Some(64), cpu: None, ui: UiLimits::ALL },
        desktop: Some(Desktop { prefix: "garth-test-".into(), security: "D:(A;;GA;;;WD)".parse().unwrap() }),
        mitigations: 0,
        console: None,
        handles: Inherited::ALL.to_vec(),
        time: None,
    }
}

pub(in crate::windows) fn cmd(text: &str) -> LaunchSpec {
    let program = system("cmd.exe");
    spec(for_cmd_text(&program, text).unwrap(), program)
}

/// An order for a container of this name, which no system has.
pub(in crate::windows) fn contained(name: &str) -> LaunchSpec {
    let base = Restriction {
        disable: vec![known::ADMINISTRATORS],
        drop_privileges: true,
        delete: Vec::new(),
        restricting: Vec::new(),
        write_restricted: false,
    };
    let capabilities = vec![derive::capability("garth.one"), derive::capability("internetClient")];
    let container = AppContainer { package: derive::package(name), capabilities, less_privileged: false };
    LaunchSpec { identity: Identity::Container { base, container }, ..cmd("ver") }
}

/// Runs it, types `input`, and returns how it ended, what it wrote, and what differed.
fn run(spec: &LaunchSpec, input: &[u8]) -> (Outcome, String, Vec<Difference>) {
    let (reader, mut typed) = pipe().unwrap();
    let (mut output, writer) = pipe().unwrap();
    let streams = Streams::of([reader.as_handle(), writer.as_handle(), writer.as_handle()]).unwrap();
    drop((reader, writer));
    let launched = launch_relaxed(spec, streams, ALL, None).unwrap();
    let relaxed = launched.relaxed.clone();
    typed.write_all(input).unwrap();
    drop(typed);
    let drain = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let outcome = wait(launched, spec.time.map(Duration::from_millis), &mut |_, _| false).unwrap();
    (outcome, String::from_utf8_lossy(&drain.join().unwrap()).into_owned(), relaxed)
}

#[test]
fn exit_codes_and_output_pass_through() {
    for code in [0, 1, 255, 70_000] {
        let (outcome, output, _) = run(&cmd(&format!("echo said & exit {code}")), b"");
        assert_eq!(outcome, Outcome::Ended(code));
        assert!(output.starts_with("said"), "{output}");
    }
}

#[test]
fn input_passes_through() {
    let (outcome, output, _) = run(&child("copy", &[]), b"ab\r\ncd\0ef");
    assert_eq!(outcome, Outcome::Ended(0), "{output}");
    assert!(output.contains("ab\r\ncd\0ef"), "{output}");
}

#[test]
fn the_time_limit_ends_everything() {
    let mut spec = cmd("ping -n 6000 127.0.0.1 > NUL");
    spec.time = Some(300);
    let began = Instant::now();
    assert_eq!(run(&spec, b"").0, Outcome::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(600), "{:?}", began.elapsed());
}

#[test]
fn a_child_that_stays_behind_ends_with_the_first_process() {
    let began = Instant::now();
    // The child keeps the output open, so reading it to its end shows that it is gone.
    let (outcome, output, _) = run(&cmd("start /b ping -n 6000 127.0.0.1 & echo left & exit 3"), b"");
    assert_eq!(outcome, Outcome::Ended(3), "{output}");
    assert!(began.elapsed() < Duration::from_secs(600), "{:?}", began.elapsed());
}

#[test]
fn a_process_that_is_not_as_ordered_never_runs() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark");
    let order = cmd(&format!("echo ran > \"{}\"", mark.display()));
    let (reader, writer) = pipe().unwrap();
    let streams = Streams::of([reader.as_handle(), writer.as_handle(), writer.as_handle()]).unwrap();
    match launch_relaxed(&order, streams, &[], None) {
        Err(Error::NotAsOrdered(found)) => {
            assert!(!found.is_empty());
            std::thread::sleep(Duration::from_millis(300));
            assert!(!mark.exists(), "it ran: {found:?}");
        }
        // A Windows that does as it is told.
        Ok(launched) => {
            assert_eq!(launched.relaxed, []);
            wait(launched, None, &mut |_, _| false).unwrap();
            assert!(mark.exists());
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn only_listed_handles_are_inherited() {
    // A pipe whose only writer is an inheritable handle that is not on the list: once this process closes its copy, the
    // reader sees the end although the child still lives.
    let (mut reader, writer) = pipe().unwrap();
    let stray = crate::windows::sys::handle::inheritable(writer.as_handle()).unwrap();
    drop(writer);
    let (input, typed) = pipe().unwrap();
    let (_output, out) = pipe().unwrap();
    let streams = Streams::of([input.as_handle(), out.as_handle(), out.as_handle()]).unwrap();
    let launched = launch_relaxed(&child("copy", &[]), streams, ALL, None).unwrap();
    drop(stray);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(launched.job.active(), Some(1), "the child waits for its input");
    drop((input, typed));
    assert_eq!(wait(launched, None, &mut |_, _| false).unwrap(), Outcome::Ended(0));
}

/// This very test program as the child: what it does is named in its environment.
fn child(what: &str, words: &[&str]) -> LaunchSpec {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    let head = [program.as_str(), "--exact", "windows::launch::tests::as_child", "--nocapture", "--"];
    let line = for_c_runtime(&[&head[..], words].concat()).unwrap();
    let mut order = spec(line, program);
    order.environment.push((CHILD.into(), what.into()));
    order
}

const CHILD: &str = "GARTH_TEST_CHILD";

/// Not a test of its own: what the child does. Without its variable it does nothing.
#[test]
fn as_child() {
    match std::env::var(CHILD).as_deref() {
        Ok("copy") => {
            std::io::copy(&mut std::io::stdin(), &mut std::io::stdout()).unwrap();
        }
        Ok("leaks") => print!("<{}>", leaks()),
        Ok("session-end") => print!("{}", session_end::tests::as_child()),
        Ok("arguments") => {
            let words: Vec<String> = std::env::args().skip_while(|word| word != "--").skip(1).collect();
            print!("<{words:?}>");
        }
        _ => {}
    }
}

#[test]
fn the_end_of_the_session_is_noted_like_that_of_the_console() {
    let (_, output, _) = run(&child("session-end", &[]), b"");
    assert!(output.contains("<None Some(0) Some(Close)>"), "{output}");
}

/// How many handles are left of this many starts, each with its job, token, desktop, streams and process.
fn leaks() -> i64 {
    let order = cmd("exit 0");
    let start = |times: usize| {
        for _ in 0..times {
            assert_eq!(run(&order, b"").0, Outcome::Ended(0));
        }
        crate::windows::sys::handle::tests::count()
    };
    let before = start(3);
    start(STARTS) - before
}

const STARTS: usize = 12;

/// In a process of its own, since tests beside it have handles too.
#[test]
fn a_start_leaves_no_handle() {
    let (_, output, _) = run(&child("leaks", &[]), b"");
    let said = output.split(['<', '>']).nth(1).and_then(|number| number.parse::<i64>().ok());
    let left = said.unwrap_or_else(|| panic!("{output}"));
    // One that is left of each start would be as many.
    assert!(left < i64::try_from(STARTS).unwrap(), "{left} handles are left of {STARTS} starts");
}

/// A batch file hands its arguments on; each arrives, or the line is refused.
#[test]
fn a_batch_file_hands_its_arguments_on() {
    let directory = tempfile::Builder::new().prefix("with space ä").tempdir().unwrap();
    let file = directory.path().join("hand on.cmd");
    let own = std::env::current_exe().unwrap();
    let text =
        format!("@\"{}\" --exact windows::launch::tests::as_child --nocapture -- %*\r\n", own.display());
    std::fs::write(&file, text).unwrap();
    let program = system("cmd.exe");
    for words in
        [vec!["a b", "plain", "c\\"], vec!["&|<>", "^", "!x!", "ä", "'"], vec!["d e\\\\", "(1)", "a=b;c,d"]]
    {
        let line = for_batch_file(&program, file.to_str().unwrap(), &words).unwrap();
        let mut order = spec(line, program.clone());
        order.environment.push((CHILD.into(), "arguments".into()));
        let (_, output, _) = run(&order, b"");
        assert!(output.contains(&format!("<{words:?}>")), "{words:?}: {output}");
    }
    for word in ["%PATH%", "a\"b", "line\nbreak"] {
        assert!(for_batch_file(&program, "x.cmd", &[word]).is_err(), "{word}");
    }
}

#[test]
fn arguments_arrive_as_they_were_given() {
    for words in [
        vec!["a b", "", "c\\", "d\\\\ \"e\"", "%PATH%", "ä😀", "'", "^&|<>"],
        vec!["\\\"", "\\\\server\\share\\", "tab\there", "line\nbreak"],
    ] {
        let (_, output, _) = run(&child("arguments", &words), b"");
        assert!(output.contains(&format!("<{words:?}>")), "{words:?}: {output}");
    }
}

/// What starts inside is told with its program and words, and its end with its code; each is asked by a handle of its own.
#[test]
fn processes_are_heard_as_they_come_and_go() {
    let port = port().unwrap();
    let null = std::fs::File::options().read(true).write(true).open("NUL").unwrap();
    let (input, typed) = pipe().unwrap();
    let streams = Streams::of([input.as_handle(), null.as_handle(), null.as_handle()]).unwrap();
    drop(input);
    // It searches to the end of its input, so it lives until it was told of.
    let order = cmd("cmd /c \"findstr x >NUL & exit 3\" & exit 5");
    let launched = launch_relaxed(&order, streams, ALL, Some(&port)).unwrap();
    let heard: Arc<Mutex<Vec<Told>>> = Arc::default();
    let kept = Arc::clone(&heard);
    let mut typed = Some(typed);
    let is = |started: &Started, name: &str| started.program.to_ascii_lowercase().ends_with(name);
    let hear = move |told: Told| {
        if matches!(&told, Told::Started(started) if is(started, "findstr.exe")) {
            drop(typed.take());
        }
        kept.lock().unwrap().push(told);
    };
    let watch = Watch::start(port, &launched, hear).unwrap();
    let outcome = wait(launched, Some(Duration::from_mins(5)), &mut |_, _| false).unwrap();
    assert_eq!(outcome, Outcome::Ended(5));
    let counted = watch.stop();
    let heard = heard.lock().unwrap();
    let found = |name: &str| {
        let told = heard.iter().find_map(|told| match told {
            Told::Started(started) if is(started, name) => Some(started.clone()),
            _ => None,
        });
        told.unwrap_or_else(|| panic!("{name}: {heard:?}"))
    };
    // Wine does not say how a process was called.
    let (inner, search) = (found(r"system32\cmd.exe"), found(r"system32\findstr.exe"));
    assert_eq!(search.parent, Some(inner.process), "{heard:?}");
    let ended = heard.iter().any(|told| matches!(told, Told::Ended(id, Some(3), _) if *id == inner.process));
    assert!(ended, "{heard:?}");
    assert!(counted.told >= 2, "{counted:?}");
}
