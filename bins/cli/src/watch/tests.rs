//! The view without a terminal: what it shows of events, and what its keys do.

use super::draw::{Look, draw};
use super::state::{Deed, Key, Part, Running, View, Watched};
use garth::log::core::{
    ApprovalAnswered, ApprovalAsked, Asked, Event, FileDenied, Grant, Moment, NetworkClosed, Record,
    SessionEnded, SessionId,
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
