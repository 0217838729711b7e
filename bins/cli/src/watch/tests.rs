//! The view without a terminal: what it shows of events, and what its keys do.

use super::draw::{Look, draw, fits};
use super::state::{Deed, Key, Part, Running, View, Watched};
use garth::log::core::{
    ApprovalAnswered, ApprovalAsked, Asked, Event, FileDenied, Grant, Moment, NetworkClosed, Record,
    SessionEnded, SessionId, Usage,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

fn asked() -> Asked {
    Asked {
        question: 3,
        kind: "connect".into(),
        host: Some("registry.example".into()),
        port: Some(443),
        command: None,
        program: Some("/usr/bin/npm".into()),
    }
}

fn denied(path: &str) -> Event {
    FileDenied {
        program: "npm".into(),
        operation: "write".into(),
        kind: None,
        path: path.into(),
        process: None,
        command: Vec::new(),
        reason: "git runs what is in it".into(),
        origin: None,
        grant: Some(Grant {
            section: "files".into(),
            line: "\".git/hooks\" = \"write\"".into(),
            option: Some("--write .git/hooks".into()),
        }),
        hint: String::new(),
    }
    .into()
}

fn watched(number: u64, events: Vec<Event>) -> Watched {
    let session = SessionId::new(Moment::from_micros(1_795_939_554_000_000), number);
    let mut watched = Watched::new(session);
    watched.is_live = true;
    watched.command = "npm install".into();
    for (sequence, event) in (0..).zip(events) {
        let time = Moment::from_micros(1_795_939_554_000_000);
        watched.take(&Record { session, sequence, time, event });
    }
    watched
}

fn view() -> View {
    let closed = NetworkClosed {
        connection: 1,
        host: "registry.example".into(),
        port: 443,
        sent: 2048,
        received: 5 << 20,
        milliseconds: 3,
    };
    let asking = ApprovalAsked { asked: asked(), reason: "no rule names the host".into() };
    let mut first =
        watched(1, vec![denied("/w/.git/hooks/\u{1b}[2Jx\u{202e}"), closed.into(), asking.into()]);
    let running = |number, depth, command: &str| Running {
        number: Some(number),
        depth,
        command: command.into(),
        is_stopped: false,
        tasks: 3,
        memory: 40 << 20,
        cpu: 12,
    };
    first.running = vec![running(2, 0, "npm install"), running(9, 1, "node build.js")];
    let end = SessionEnded {
        outcome: "exited".into(),
        code: 3,
        signal: None,
        message: None,
        denied: 0,
        milliseconds: 1,
        usage: None,
    };
    let second = watched(0, vec![end.into()]);
    let mut view = View::new();
    view.sessions = vec![first, second];
    view
}

fn answerable(view: &mut View) {
    let words = ["once", "session", "always", "no", "quiet"];
    view.sessions[0].pending[0].answers = words.map(str::to_owned).to_vec();
    view.is_seen = true;
}

fn shown(view: &View, colour: bool, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(view, Look { colour }, frame)).unwrap();
    terminal
}

fn text(terminal: &Terminal<TestBackend>) -> String {
    terminal.backend().to_string()
}

#[test]
fn everything_is_there_at_80_by_24() {
    let mut view = view();
    answerable(&mut view);
    insta::assert_snapshot!(text(&shown(&view, false, 80, 24)));
}

/// What an answer would do is on the screen before it is given.
#[test]
fn what_the_session_says_of_its_question_is_shown() {
    let mut view = view();
    answerable(&mut view);
    view.sessions[0].pending[0].details = vec!["it deletes /w/\u{1b}[8mbuild and all below".into()];
    let text = text(&shown(&view, false, 80, 24));
    assert!(text.contains("it deletes /w/\\x1b[8mbuild and all below"), "{text}");
    assert!(text.contains("quiet") && text.contains("no rule names the host"), "{text}");
}

#[test]
fn names_from_inside_move_no_cursor() {
    let terminal = shown(&view(), true, 120, 40);
    let text = text(&terminal);
    assert!(text.contains("\\x1b[2Jx\\u{202e}"), "{text}");
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
}

#[test]
fn without_colour_there_is_none_and_any_size_is_drawn() {
    for cell in shown(&view(), false, 80, 24).backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    for (width, height) in [(1, 1), (5, 3), (20, 8), (300, 100)] {
        shown(&view(), true, width, height);
        shown(&View::new(), true, width, height);
    }
}

#[test]
fn keys_go_through_parts_and_rows() {
    let mut view = view();
    assert_eq!(view.key(Key::Down), Deed::Nothing);
    assert_eq!(view.session().unwrap().standing(), "exited 3");
    assert_eq!(view.key(Key::Down), Deed::Nothing);
    assert_eq!((view.chosen, view.rows[0]), (1, 1));
    view.key(Key::First);
    view.key(Key::Next);
    assert_eq!(view.part, Part::Processes);
    view.key(Key::Last);
    assert_eq!(view.rows[Part::Processes.index()], 1);
    for _ in 0..3 {
        view.key(Key::Next);
    }
    assert_eq!(view.part, Part::Events);
    assert!(text(&shown(&view, false, 80, 24)).contains("approval-asked"));
    view.key(Key::Next);
    view.key(Key::Previous);
    assert_eq!(view.part, Part::Events);
    assert_eq!(view.key(Key::Letter('q')), Deed::Quit);
}

#[test]
fn a_question_is_answered_by_its_keys_and_only_when_the_session_said_how() {
    let mut view = view();
    assert_eq!(view.key(Key::Letter('o')), Deed::Nothing);
    answerable(&mut view);
    let session = view.sessions[0].id;
    for (letter, word) in [('o', "once"), ('s', "session"), ('a', "always"), ('n', "no"), ('Q', "quiet")] {
        let (question, answer) = (3, word.to_owned());
        assert_eq!(view.key(Key::Letter(letter)), Deed::Answer { session, question, answer });
    }
    assert_eq!(view.key(Key::Letter('y')), Deed::Nothing);
    // The question of another session is shown and answered, too.
    view.choose(1);
    assert!(matches!(view.key(Key::Letter('n')), Deed::Answer { session: of, .. } if of == session));
    let answered = ApprovalAnswered { asked: asked(), answer: "no".into(), problem: None };
    let (time, sequence) = (Moment::from_micros(0), 9);
    view.sessions[0].take(&Record { session, sequence, time, event: answered.into() });
    assert!(view.question().is_none());
    assert_eq!(view.key(Key::Letter('n')), Deed::Nothing);
}

/// What is asked for is on the screen as a whole before it can be allowed; to refuse it needs no more room.
#[test]
fn a_question_that_is_larger_than_the_window_can_only_be_refused() {
    let mut view = view();
    answerable(&mut view);
    view.sessions[0].pending[0].what = format!("rm -rf {} END", "/w/directory ".repeat(30).trim());
    for (width, height, whole) in [(80, 24, true), (40, 24, true), (40, 14, false), (80, 8, false)] {
        view.is_cramped = !fits(&view, width, height);
        assert_eq!(view.is_cramped, !whole, "{width}x{height}");
        let text = text(&shown(&view, false, width, height));
        assert_eq!(text.contains("END"), whole, "{text}");
        assert_eq!(text.contains("larger window"), !whole, "{text}");
        let all = ["once", "session", "always", "no", "quiet"];
        assert_eq!(view.answers(), if whole { &all[..] } else { &all[3..] });
        let allows = view.key(Key::Letter('o')) != Deed::Nothing;
        assert!(allows == whole && view.key(Key::Letter('n')) != Deed::Nothing);
    }
}

#[test]
fn a_question_that_was_not_seen_is_not_answered() {
    let mut view = view();
    answerable(&mut view);
    view.is_seen = false;
    assert_eq!(view.key(Key::Letter('o')), Deed::Nothing);
    assert_eq!(view.key(Key::Letter('n')), Deed::Nothing);
    assert!(text(&shown(&view, false, 80, 24)).contains("a moment"));
}

#[test]
fn a_narrow_window_shows_one_part_and_all_answers() {
    let mut view = view();
    answerable(&mut view);
    view.note = Some("answered here, or by another who watches: once".into());
    insta::assert_snapshot!(text(&shown(&view, false, 40, 30)));
    view.key(Key::Next);
    assert!(view.note.is_none(), "it was seen when a key is pressed");
    let text = text(&shown(&view, false, 40, 30));
    assert!(text.contains("node build.js") && !text.contains("why"), "{text}");
}

#[test]
fn sessions_of_one_second_have_names_that_differ() {
    let moment = |micros: i64| SessionId::new(Moment::from_micros(1_795_939_554_000_000 + micros), 7);
    let mut view = View::new();
    view.sessions = [1, 0x12345, 3_000_000].map(|micros| Watched::new(moment(micros))).to_vec();
    let short = |number: usize| view.short(&view.sessions[number].id);
    assert_eq!(
        (short(0), short(1), short(2)),
        ("20261129T080554Z-0", "20261129T080554Z-1", "20261129T080557")
    );
}

#[test]
fn what_an_ended_session_used_is_told() {
    let mut view = view();
    view.choose(1);
    assert!(text(&shown(&view, false, 80, 24)).contains("nothing runs"));
    view.sessions[1].used = Some(Usage { user: 1500, system: 500, memory: 3 << 20 });
    let text = text(&shown(&view, false, 100, 24));
    assert!(text.contains("used 2.0 s cpu, at most 3.0 MiB in one process"), "{text}");
}

#[test]
fn all_of_why_can_be_read_at_80_by_24_and_nothing_stands_there_twice() {
    let mut event = denied("/home/ann/work/of/a/rather/long/name/.git/hooks/pre-commit");
    if let Event::FileDenied(denied) = &mut event {
        denied.reason =
            "read-only: git on the host runs these programs at commit, checkout, merge and push".into();
        denied.hint = "garth run --write .git/hooks -- ...".into();
    }
    let mut view = View::new();
    view.sessions = vec![watched(1, vec![event])];
    view.part = Part::Denials;
    let shown = text(&shown(&view, false, 80, 24));
    assert_eq!(shown.matches("garth run --write .git/hooks").count(), 1, "{shown}");
    for part in ["merge and push", "would be allowed by", "garth why"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn names_of_any_length_leave_the_columns_in_line() {
    let mut view = View::new();
    view.sessions = [1, 1 << 40, (1 << 40) + 1].map(|number| watched(number, Vec::new())).into();
    let lengths: Vec<usize> = view.sessions.iter().map(|session| view.short(&session.id).len()).collect();
    assert!(lengths.iter().any(|length| *length != lengths[0]), "{lengths:?}");
    let shown = text(&shown(&view, false, 100, 24));
    let columns: Vec<_> = shown.lines().filter_map(|line| line.find("runs  ")).collect();
    assert_eq!(columns.len(), 3, "{shown}");
    assert!(columns.iter().all(|column| *column == columns[0]), "{shown}");
}
