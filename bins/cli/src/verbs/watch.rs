//! `garth watch`.

use crate::arguments::WatchArguments;
use crate::failure::Failure;
use crate::request::environment;
use crate::sessions::Logs;
use crate::watch::{Deed, Follower, Key, Look, View, Visits, draw, fits, once};
use garth::files::os_path;
use garth::log::core::SessionId;
use garth::log::io::{Session, is_live, sessions};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a key is waited for before everything is looked at again.
const TICK: Duration = Duration::from_millis(150);
/// How often the processes are looked at, and the directory.
const LOOK: Duration = Duration::from_secs(1);
/// A question has to be seen for that long before a key answers it: what was pressed before was meant for something else.
const SEEN: Duration = Duration::from_millis(400);
/// Ended sessions that are shown beside those that run.
const ENDED: usize = 8;

/// Shows what runs, until the user leaves; or once.
pub fn run(arguments: &WatchArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let logs = Logs::find(arguments.directory.as_ref())?;
    let only =
        arguments.session.as_ref().map(|name| logs.named(name).map(|session| session.id)).transpose()?;
    let mut watch = Watch {
        directory: os_path(&logs.directory),
        environment: environment(),
        only,
        followers: Vec::new(),
        visits: Visits::default(),
        view: View::new(),
        looked: None,
        shown: None,
    };
    watch.find(&logs.sessions);
    if arguments.once {
        watch.settle()?;
        once(&watch.view, out)?;
        return Ok(0);
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::new(
            120,
            "there is no terminal to show it on",
            "standard input or standard output is none",
            "garth watch --once prints what is known now",
        ));
    }
    if std::env::var_os("TERM").is_some_and(|name| name == "dumb") {
        return Err(Failure::new(
            120,
            "this terminal cannot be drawn on",
            "TERM=dumb says that it moves no cursor",
            "garth watch --once prints what is known now",
        ));
    }
    // Panics give the terminal back, too.
    let mut terminal = ratatui::try_init().map_err(|error| Failure::file("use", "the terminal", &error))?;
    let result = watch.show(&mut terminal);
    ratatui::restore();
    result.map(|()| 0)
}

struct Watch {
    directory: PathBuf,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    only: Option<SessionId>,
    followers: Vec<Follower>,
    visits: Visits,
    view: View,
    looked: Option<Instant>,
    /// The question that is on the screen, and since when.
    shown: Option<(Shown, Instant)>,
}

/// Session, number and answers of a question, and whether it fits on the screen: another one has to be seen anew.
type Shown = (SessionId, u64, Vec<String>, bool);

impl Watch {
    /// Follows the sessions that run, those that ended last, and those that are followed already.
    fn find(&mut self, found: &[Session]) {
        let mut ended = 0;
        for session in found.iter().rev() {
            let is_followed = self.followers.iter().any(|follower| follower.watched.id == session.id);
            let is_wanted = match self.only {
                Some(only) => session.id == only,
                None if session.files.last().is_some_and(|file| is_live(file)) => true,
                None => {
                    ended += 1;
                    ended <= ENDED
                }
            };
            if is_wanted && !is_followed {
                self.followers.push(Follower::new(&self.directory, session));
            }
        }
        // Those that run stand first.
        self.followers
            .sort_by_key(|follower| (!follower.watched.is_live, std::cmp::Reverse(follower.watched.id)));
    }

    /// Reads on. What cannot be read is told in the view, and tried again.
    fn read(&mut self) -> bool {
        let mut more = false;
        for follower in &mut self.followers {
            match follower.read() {
                Ok(again) => more |= again,
                Err(error) => {
                    self.view.note = Some(format!("{}: {error}", follower.watched.id));
                }
            }
        }
        more
    }

    /// Looks at the processes and for new sessions, once in a while.
    fn look(&mut self) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return;
        }
        self.looked = Some(Instant::now());
        if let Ok(found) = sessions(&self.directory) {
            self.find(&found);
        }
        for follower in &mut self.followers {
            follower.look();
        }
        let only = self.only;
        self.followers.retain(|follower| only.is_some() || !follower.is_over());
    }

    /// Brings the view up to date; it stays at the session that was chosen.
    fn update(&mut self) {
        for follower in &mut self.followers {
            let log = follower.handle();
            if let Some(note) = self.visits.hear(&mut follower.watched, &log, &self.environment) {
                self.view.note = Some(note);
            }
        }
        let chosen = self.view.session().map(|session| session.id);
        self.view.sessions = self.followers.iter().map(|follower| follower.watched.clone()).collect();
        let place = self.view.sessions.iter().position(|session| Some(session.id) == chosen);
        self.view.choose(place.unwrap_or(0));
    }

    /// Notes which question is drawn in a window of this size, and whether it was there for long enough to be answered.
    fn see(&mut self, width: u16, height: u16) {
        self.view.is_cramped = !fits(&self.view, width, height);
        let is_cramped = self.view.is_cramped;
        let now = self
            .view
            .question()
            .map(|(session, pending)| (session.id, pending.number, pending.answers.clone(), is_cramped));
        if self.shown.as_ref().map(|(shown, _)| shown) != now.as_ref() {
            self.shown = now.map(|now| (now, Instant::now()));
        }
        self.view.is_seen = self.shown.as_ref().is_some_and(|(_, since)| since.elapsed() >= SEEN);
    }

    /// All that is known now, for a view that is shown once.
    fn settle(&mut self) -> Result<(), Failure> {
        if self.only.is_none() {
            // Of a log in more than one file the last one is held.
            let live: Vec<SessionId> = sessions(&self.directory)
                .unwrap_or_default()
                .iter()
                .filter(|session| session.files.last().is_some_and(|file| is_live(file)))
                .map(|session| session.id)
                .collect();
            self.followers.retain(|follower| live.contains(&follower.watched.id));
        }
        for follower in &mut self.followers {
            loop {
                let more = follower.read();
                let id = follower.watched.id;
                if !more.map_err(|error| Failure::file("read the log of", id, &error))? {
                    break;
                }
            }
            follower.look();
        }
        self.view.sessions = self.followers.iter().map(|follower| follower.watched.clone()).collect();
        Ok(())
    }

    fn show(&mut self, terminal: &mut ratatui::DefaultTerminal) -> Result<(), Failure> {
        // https://no-color.org: set, and not empty.
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let look = Look { colour };
        let failed = |error: &io::Error| Failure::file("use", "the terminal", error);
        loop {
            self.look();
            let more = self.read();
            self.update();
            let size = terminal.size().map_err(|error| failed(&error))?;
            self.see(size.width, size.height);
            terminal.draw(|frame| draw(&self.view, look, frame)).map_err(|error| failed(&error))?;
            let patience = if more { Duration::ZERO } else { TICK };
            if event::poll(patience).map_err(|error| failed(&error))?
                && let Event::Key(pressed) = event::read().map_err(|error| failed(&error))?
                && let Some(key) = key(pressed)
            {
                match self.view.key(key) {
                    Deed::Nothing => {}
                    Deed::Quit => return Ok(()),
                    Deed::Answer { session, question, answer } => {
                        if let Err(error) = self.visits.answer(session, question, &answer) {
                            self.view.note = Some(format!("the answer did not arrive: {error}"));
                        }
                    }
                }
            }
        }
    }
}

/// What a key of the terminal means here.
fn key(pressed: KeyEvent) -> Option<Key> {
    if pressed.kind == KeyEventKind::Release {
        return None;
    }
    let control = pressed.modifiers.contains(KeyModifiers::CONTROL);
    Some(match pressed.code {
        KeyCode::Char('c' | 'd') if control => Key::Escape,
        KeyCode::Char(_) if control || pressed.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char('j') | KeyCode::Down => Key::Down,
        KeyCode::Char('k') | KeyCode::Up => Key::Up,
        KeyCode::Char(letter) => Key::Letter(letter),
        KeyCode::Esc => Key::Escape,
        KeyCode::Tab | KeyCode::Right => Key::Next,
        KeyCode::BackTab | KeyCode::Left => Key::Previous,
        KeyCode::Home => Key::First,
        KeyCode::End => Key::Last,
        _ => return None,
    })
}
