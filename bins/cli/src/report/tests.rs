//! The page as a whole.

use super::changes::ChangedFile;
use super::*;
use garth::log::core::{
    ApprovalAnswered, ApprovalAsked, Asked, BrokerError, Change, Clause, CommandVetted, Dns, Event,
    FileChanged, FileDenied, Gap, Grant, LimitHit, ListClosed, Machine, Moment, NetworkAllowed,
    NetworkClosed, NetworkDecided, NetworkDenied, PlanChanged, ProcessEnded, ProcessStarted, Record,
    RepositoryMade, Rule, SecretUse, SecretUsed, SecretWithheld, SessionEnded, SessionId, SessionStarted,
    Usage,
};
use proptest::prelude::*;

fn clause(name: &str) -> Option<Clause> {
    Some(Clause { layer: name.into(), source: name.into(), line: 3, column: 1 })
}

fn grant(name: &str) -> Option<Grant> {
    Some(Grant { section: name.into(), line: name.into(), option: Some(name.into()) })
}

fn started(name: &str) -> SessionStarted {
    SessionStarted {
        garth: name.into(),
        agent: Some(name.into()),
        workspace: name.into(),
        directory: format!("{name}/d"),
        command: vec![name.into(), name.into()],
        policy: name.into(),
        profile: name.into(),
        tier: name.into(),
        gaps: vec![Gap { gap: name.into(), status: name.into(), detail: name.into(), clauses: 2 }],
        machine: Machine {
            kernel: name.into(),
            arch: name.into(),
            landlock: 7,
            supervision: true,
            user: Some(1000),
            sid: Some(name.into()),
        },
        required: true,
    }
}

fn decided(name: &str) -> NetworkDecided {
    NetworkDecided {
        connection: 1,
        front: name.into(),
        protocol: name.into(),
        host: Some(name.into()),
        port: 443,
        address: Some(name.into()),
        method: Some(name.into()),
        path: Some(name.into()),
        code: name.into(),
        reason: name.into(),
        origin: clause(name),
        grant: grant(name),
    }
}

fn of_files(name: &str) -> Vec<Event> {
    let denied = |grant: Option<Grant>, origin: Option<Clause>| FileDenied {
        program: name.into(),
        operation: name.into(),
        kind: Some(name.into()),
        path: name.into(),
        process: None,
        command: Vec::new(),
        reason: name.into(),
        origin,
        grant,
        hint: name.into(),
    };
    let changed = |change: Change, from: Option<String>| FileChanged {
        path: name.into(),
        change,
        from,
        bytes: Some(7),
        kind: None,
        protected: Some(name.into()),
    };
    vec![
        denied(grant(name), clause(name)).into(),
        denied(None, None).into(),
        changed(Change::Created, None).into(),
        changed(Change::Renamed, Some(name.into())).into(),
        RepositoryMade { path: name.into() }.into(),
    ]
}

fn of_network(name: &str) -> Vec<Event> {
    let secret = || SecretUse {
        secret: name.into(),
        host: Some(name.into()),
        port: 443,
        connection: 1,
        place: None,
        reason: None,
    };
    let (host, code, reason) = (Some(name.to_owned()), name.to_owned(), name.to_owned());
    vec![
        NetworkAllowed(decided(name)).into(),
        NetworkDenied(decided(name)).into(),
        SecretUsed(secret()).into(),
        SecretWithheld(secret()).into(),
        Dns { host, allowed: false, code, reason, origin: clause(name), grant: grant(name) }.into(),
        NetworkClosed {
            connection: 1,
            host: name.into(),
            port: 443,
            sent: 2048,
            received: 4096,
            milliseconds: 12,
        }
        .into(),
    ]
}

fn of_commands(name: &str) -> Vec<Event> {
    let process = |process: Option<u32>, parent: Option<u32>| ProcessStarted {
        process,
        program: name.into(),
        command: vec![name.into()],
        parent,
    };
    let asked = || Asked {
        question: 0,
        kind: "execute".into(),
        host: None,
        port: None,
        command: Some(vec![name.into()]),
        program: Some(name.into()),
    };
    vec![
        process(None, None).into(),
        process(Some(5), Some(2)).into(),
        process(Some(6), Some(5)).into(),
        ProcessEnded { process: Some(6), code: Some(3), signal: None, milliseconds: None }.into(),
        CommandVetted {
            allowed: false,
            rule: Rule::Deny,
            command: vec![name.into()],
            file: name.into(),
            program: name.into(),
            reason: name.into(),
            origin: clause(name),
            asked: false,
        }
        .into(),
        ApprovalAsked { asked: asked(), reason: name.into() }.into(),
        ApprovalAnswered { asked: asked(), answer: name.into(), problem: None }.into(),
    ]
}

/// A session in which everything is called so.
fn events(name: &str) -> Vec<Event> {
    let mut events: Vec<Event> = vec![started(name).into()];
    events.extend(of_commands(name));
    events.extend(of_files(name));
    events.extend(of_network(name));
    let (list, missing) = ("processes".to_owned(), Some(name.to_owned()));
    events.push(ListClosed { list, complete: false, told: 3, more: 2, missing }.into());
    events.push(PlanChanged { tier: name.into(), reason: name.into(), gaps: Vec::new() }.into());
    events.push(LimitHit { limit: name.into(), ended: false }.into());
    events.push(BrokerError { operation: name.into(), cause: name.into() }.into());
    events.push(
        SessionEnded {
            outcome: name.into(),
            code: 3,
            signal: None,
            message: Some(name.into()),
            denied: 2,
            milliseconds: 1500,
            usage: Some(Usage { user: 10, system: 20, memory: 1 << 20 }),
        }
        .into(),
    );
    events
}

fn report(name: &str) -> Report {
    let session = SessionId::new(Moment::from_micros(0), 1);
    let mut story = Story::new();
    for (sequence, event) in (0_u64..).zip(events(name)) {
        let time = Moment::from_micros(i64::try_from(sequence).unwrap() * 1000);
        story.take(Record { session, sequence, time, event });
    }
    let mut changes = Changes { source: Some(name.into()), ..Changes::default() };
    let file = ChangedFile {
        name: name.into(),
        what: "changed",
        counts: (1, 1),
        remark: Some(name.into()),
        lines: Vec::new(),
        more: 0,
    };
    let lines = ['@', ' ', '+', '-'].map(|sign| (sign, name.as_bytes().to_vec()));
    changes.add(file, &lines);
    let sound = Sound { state: "bad", records: 9, head: Some(name.into()), problem: Some(name.into()) };
    let (session, written) = (session.to_string(), name.to_owned());
    Report { session, garth: "1", written, sound, story, changes }
}

/// The tags of a page, with their attributes.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|rest| rest.split_inclusive('>').next().unwrap_or(rest)).collect()
}

#[test]
fn the_page_tells_everything_and_has_the_parts_that_readers_of_screens_need() {
    let page = page(&report("NAME"));
    let headings =
        ["Timeline", "Refused", "Questions", "Files changed", "Network", "Processes", "What held", "Events"];
    for heading in headings {
        assert!(page.contains(&format!("\">{heading}</h2>")), "{heading}");
    }
    for part in [
        "<html lang=\"en\">",
        "<a class=\"skip\" href=\"#main\">",
        "<header>",
        "<nav aria-label=\"Sections\">",
        "<main id=\"main\" tabindex=\"-1\">",
        "<footer>",
        "role=\"img\" aria-labelledby=\"tl-title tl-desc\"",
        "<title id=\"tl-title\">",
        "default-src &#39;none&#39;",
        "The log is not what was written.",
        "<ins>+NAME</ins>",
        "<del>-NAME</del>",
        "once: <code>garth run NAME</code>",
        "<code>NAME:3:1</code>",
        "2.0 KiB",
        "<b class=\"warn\">exited with 3</b>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let count = |what: &str| page.matches(what).count();
    assert_eq!(count("<h1>"), 1);
    assert_eq!(count("<th"), count("<th scope=\"col\"") + count("<th scope=\"row\"") + count("<thead>"));
    for tag in ["section", "table", "tr", "td", "ul", "li", "details", "summary", "div", "span", "code", "b"]
    {
        let opened = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
        assert_eq!(opened, count(&format!("</{tag}>")), "{tag}");
    }
    // Each link leads to a part that is there.
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("id=\"{link}\"")), "{link}");
    }
}

#[test]
fn nothing_is_fetched() {
    let page = page(&report("https://elsewhere.example/x"));
    for tag in tags(&page) {
        for word in [
            " src=", "http:", "https:", "url(", "@import", "style=", "onclick", "<link", "<img", "<iframe",
            "<base",
        ] {
            assert!(!tag.contains(word), "{tag}");
        }
    }
    assert!(!include_str!("style.css").contains("url(") && !include_str!("style.css").contains("@import"));
    let script = include_str!("filter.js");
    assert!(!["fetch(", "XMLHttp", "innerHTML", "eval", "import("].iter().any(|word| script.contains(word)));
}

#[test]
fn a_session_without_anything_has_a_page_too() {
    let (session, written) = ("S".to_owned(), String::new());
    let sound = Sound { state: "open", records: 0, head: None, problem: None };
    let changes = Changes::default();
    let page = page(&Report { session, garth: "1", written, sound, story: Story::new(), changes });
    assert!(page.contains("A session without a beginning") && page.contains("The log tells of no refusal."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// Whatever things inside are called, the page has the same tags.
    #[test]
    fn no_name_from_inside_makes_a_tag(
        name in prop_oneof![any::<String>(), "[<>\"'&/=a-z! -]{0,40}", Just("</script><script>alert(1)</script>".to_owned())],
    ) {
        let name = format!("x{name}");
        let (page, plain) = (page(&report(&name)), page(&report("x")));
        prop_assert_eq!(tags(&page), tags(&plain));
        prop_assert!(!page.chars().any(|letter| letter.is_control() && letter != '\n'));
        let turns = page.contains(['\u{202e}', '\u{2066}', '\u{200f}', '\u{2069}']);
        prop_assert!(!turns);
    }
}
