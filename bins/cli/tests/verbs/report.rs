//! The page of a session, as a browser takes it.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so, and how long a browser took")]

use crate::place::Place;
use garth::log::core::redact::Redactor;
use garth::log::core::{
    Chain, Dns, Event, FileDenied, Grant, Moment, NetworkAllowed, NetworkClosed, NetworkDecided,
    ProcessEnded, ProcessStarted, SessionEnded, SessionId,
};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Names of a target that wants to be markup, and to move the cursor.
const NASTY: &str =
    "<script>alert(1)</script>\"><img src=http://127.0.0.1:9/x onerror=alert(2)>\u{202e}\u{1b}[2J";

fn denied(number: usize) -> FileDenied {
    FileDenied {
        program: "npm".into(),
        operation: "write".into(),
        kind: None,
        path: format!("/home/ann/work/.git/hooks/{number}-{NASTY}"),
        process: None,
        command: Vec::new(),
        reason: "git runs what is in it".into(),
        origin: None,
        grant: Some(Grant {
            section: "files".into(),
            line: format!("\"/home/ann/work/.git/hooks/{number}\" = \"write\""),
            option: Some("--write .git/hooks".into()),
        }),
        hint: "leave hooks to the host".into(),
    }
}

fn allowed(number: usize) -> NetworkAllowed {
    NetworkAllowed(NetworkDecided {
        connection: number as u64,
        front: "transparent".into(),
        protocol: "tls".into(),
        host: Some(format!("host{}.example", number % 40)),
        port: 443,
        address: None,
        method: None,
        path: None,
        code: "named".into(),
        reason: "a rule names it".into(),
        origin: None,
        grant: None,
    })
}

/// An event of a made-up session.
fn event(number: usize) -> Event {
    let process = u32::try_from(number / 6 + 2).ok();
    match number % 6 {
        0 => {
            let command = vec!["cc".into(), "-c".into(), format!("part{number}.c")];
            let parent = process.map(|process| process / 2);
            ProcessStarted { process, program: "cc".into(), command, parent }.into()
        }
        1 => denied(number).into(),
        2 => allowed(number).into(),
        3 => NetworkClosed {
            connection: number as u64,
            host: format!("host{}.example", number % 40),
            port: 443,
            sent: number as u64 * 7,
            received: number as u64 * 900,
            milliseconds: 3,
        }
        .into(),
        4 => Dns {
            host: Some("tracker.example".into()),
            allowed: false,
            code: "unnamed".into(),
            reason: "no rule names the host".into(),
            origin: None,
            grant: None,
        }
        .into(),
        _ => ProcessEnded {
            process,
            code: Some(i32::from(number % 60 == 5)),
            signal: None,
            milliseconds: None,
        }
        .into(),
    }
}

/// Writes the log of a session with so many events; the file of its page.
pub fn page_of(place: &Place, events: usize) -> PathBuf {
    page_with(place, events, event)
}

/// The same of events of this kind.
fn page_with(place: &Place, events: usize, event: impl Fn(usize) -> Event) -> PathBuf {
    let session = SessionId::new(Moment::from_micros(1_795_939_554_000_000), events as u64);
    let (mut chain, redactor) = (Chain::new(session), Redactor::new(&[]));
    let mut text = String::new();
    let end = SessionEnded {
        outcome: "exited".into(),
        code: 1,
        signal: None,
        message: None,
        denied: events / 6,
        milliseconds: 4000,
        usage: None,
    };
    let all = (0..events - 1).map(&event).chain([Event::from(end)]);
    for (number, event) in all.enumerate() {
        // Bursts with pauses between them.
        let at = number * 300 + number / 100 * 40_000;
        let time = Moment::from_micros(1_795_939_554_000_000 + i64::try_from(at).unwrap());
        text.push_str(chain.seal(&event, time, &redactor));
    }
    let logs = place.home().join(".local/state/garth/log");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&logs).unwrap();
    std::fs::write(logs.join(format!("{session}.jsonl")), text).unwrap();
    let page = place.work().join(format!("{events}.html"));
    place.garth(&["report", session.as_str(), "-o", page.to_str().unwrap()]).expect(0);
    page
}

/// What a browser made of a page.
struct Looked {
    dom: String,
    said: String,
    net: String,
    took: Duration,
}

/// Opens a page in a browser that resolves no name; `None` where there is no browser.
fn look(place: &Place, page: &Path, more: &[&str]) -> Option<Looked> {
    let (net, profile) = (place.work().join("net.json"), place.work().join("profile"));
    let began = Instant::now();
    let output = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--window-size=1280,1800"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--log-net-log={}", net.display()))
        .args(more)
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .env("HOME", place.home())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: chromium is not installed");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let took = began.elapsed();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let net = std::fs::read_to_string(net).unwrap_or_default();
    Some(Looked { dom: text(&output.stdout), said: text(&output.stderr), net, took })
}

impl Looked {
    /// The page is whole, says nothing on the console, and asked for nothing.
    fn is_quiet(&self) {
        assert!(self.dom.contains("</footer>"), "{}\n{}", self.said, self.dom.len());
        assert!(!self.said.contains("CONSOLE"), "{}", self.said);
        assert!(self.net.contains("\"constants\""), "no net log was written");
        assert!(!self.net.contains("127.0.0.1:9/x"), "the page fetched what a name said");
    }
}

#[test]
fn a_browser_shows_the_page_and_fetches_nothing() {
    let place = Place::new("report-browser");
    for events in [10, 10_000] {
        let page = page_of(&place, events);
        for scheme in ["1", "0"] {
            let setting = format!("--blink-settings=preferredColorScheme={scheme}");
            let Some(looked) = look(&place, &page, &[&setting]) else { return };
            looked.is_quiet();
            let rows = looked.dom.matches("<td>file-denied</td>").count();
            assert!(rows >= events / 6, "{rows} of {events}");
            // The script ran: it shows the filter. The names did not become markup.
            assert!(looked.dom.contains("<label for=\"filter\">"), "the script did not run");
            assert!(!looked.dom.contains("<img") && !looked.dom.contains("<script>alert"));
            assert!(looked.dom.contains("&lt;script&gt;alert(1)"), "the name is not shown");
            assert!(!looked.dom.contains(['\u{202e}', '\u{1b}']));
            // A loaded machine and a cold browser take some of it.
            assert!(looked.took < Duration::from_secs(60), "{:?} for {events}", looked.took);
            eprintln!("{events} events, scheme {scheme}: {:?}, {} bytes", looked.took, looked.dom.len());
        }
    }
}

/// The page's own policy names its script by its hash. Without the script the page shows the same.
#[test]
fn no_script_but_the_pages_own_runs_and_without_it_all_is_shown() {
    let place = Place::new("report-plain");
    let page = page_of(&place, 100);
    let text = std::fs::read_to_string(&page).unwrap();
    let changed = text.replacen("\"use strict\";", "\"use strict\"; ", 1).replacen(
        "</body>",
        "<script>1</script></body>",
        1,
    );
    assert_ne!(text, changed);
    std::fs::write(&page, changed).unwrap();
    let Some(looked) = look(&place, &page, &[]) else { return };
    let refused = looked.said.matches("Content Security Policy directive").count();
    assert!(refused >= 2, "{}", looked.said);
    assert!(looked.dom.contains("<label for=\"filter\" hidden"), "the box is of no use without the script");
    assert!(looked.dom.contains("All 100 events, one by one"));
}

#[test]
fn a_large_log_has_a_page_of_bounded_size() {
    let place = Place::new("report-large");
    let small = page_of(&place, 10_000).metadata().unwrap().len();
    let large = page_of(&place, 25_000).metadata().unwrap().len();
    assert!(small < 8 << 20, "{small}");
    assert!(large < 14 << 20, "{large}");
    let text = std::fs::read_to_string(place.work().join("25000.html")).unwrap();
    assert!(text.contains("more events are in the log"), "what is left out is told");
}

#[test]
fn the_page_of_a_session_shows_what_it_did() {
    let place = Place::new("report-session");
    place.write("kept.txt", "one\ntwo\n");
    let script = "echo three >> kept.txt; echo '<b>new</b>' > made.txt; mkdir .vscode 2>/dev/null; exit 3";
    place.garth(&["run", "--cow", "--", "sh", "-c", script]).expect(3);
    let page = place.work().join("page.html");
    let said = place.garth(&["report", "last", "-o", page.to_str().unwrap()]).expect(0);
    assert!(said.err.contains(" shows "), "{}", said.err);
    let text = std::fs::read_to_string(&page).unwrap();
    for part in [
        ">exited 3</b>",
        "<ins>+three</ins>",
        "<ins>+&lt;b&gt;new&lt;/b&gt;</ins>",
        "<b class=\"pill good\">sound</b>",
        "garth run --write",
        "<b class=\"warn\">exited with 3</b>",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // It is as private as the log, and nothing is overwritten.
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = place.garth(&["report", "last", "-o", page.to_str().unwrap()]).expect(125);
    assert!(again.err.contains("cannot make"), "{}", again.err);
    // Without -o it goes to standard output.
    assert!(place.garth(&["report"]).expect(0).out.starts_with("<!doctype html>"));
    // What can no longer be seen is said.
    place.garth(&["discard"]).expect(0);
    assert!(place.garth(&["report"]).expect(0).out.contains(" is gone, so the differences"));
}

#[test]
fn the_page_of_a_checkpoint_shows_the_differences() {
    let place = Place::new("report-checkpoint");
    place.write("kept.txt", "one\ntwo\n");
    place.write("gone.txt", "going\n");
    place
        .garth(&[
            "run",
            "--checkpoint",
            "--",
            "sh",
            "-c",
            "echo three >> kept.txt; rm gone.txt; echo 4 > four",
        ])
        .expect(0);
    let text = place.garth(&["report"]).expect(0).out;
    for part in ["<ins>+three</ins>", "<del>-going</del>", "<ins>+4</ins>", "against the checkpoint"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.matches("<span class=\"what\">deleted</span>").count(), 1, "{text}");
}

#[test]
fn a_changed_log_is_told_and_what_follows_is_not_shown() {
    let place = Place::new("report-changed");
    page_of(&place, 50);
    let path = std::fs::read_dir(place.home().join(".local/state/garth/log"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = std::fs::read_to_string(&path).unwrap().replacen("host20.example", "host21.example", 1);
    std::fs::write(&path, text).unwrap();
    let page = place.garth(&["report"]).expect(0).out;
    assert!(page.contains("The log is not what was written.") && page.contains(":21: "), "{page}");
    assert!(page.contains("All 20 events, one by one"), "{page}");
}

#[test]
fn a_session_of_refusals_alone_has_a_page_of_them() {
    let place = Place::new("report-refusals");
    let page = page_with(&place, 41, |number| denied(number).into());
    let text = std::fs::read_to_string(&page).unwrap();
    let part = text.split("<section id=\"refused\"").nth(1).and_then(|rest| rest.split("</section>").next());
    assert_eq!(part.unwrap().matches("<tr class=\"denied\">").count(), 40);
    assert!(text.contains("<b>40</b>") && text.contains("--write .git/hooks"), "{text}");
    for none in ["The log tells of no host.", "The log tells of no changed file."] {
        assert!(text.contains(none), "{none}");
    }
    let Some(looked) = look(&place, &page, &[]) else { return };
    looked.is_quiet();
}
