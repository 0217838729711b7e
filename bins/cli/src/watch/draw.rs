//! The view as a picture of letters. Whatever is drawn was made safe to show before, and is made so once more here.

use super::state::{Part, Told, View, Watched, key_of};
use crate::report::bytes;
use garth::log::core::visible;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Colours may be used.
    pub colour: bool,
}

impl Look {
    fn of(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn good(self) -> Style {
        self.of(Color::Green)
    }

    fn bad(self) -> Style {
        self.of(Color::Red)
    }

    fn soft(self) -> Style {
        if self.colour { Style::new().fg(Color::DarkGray) } else { Style::new() }
    }
}

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws everything.
pub fn draw(view: &View, look: Look, frame: &mut Frame<'_>) {
    let asked = view.question().is_some();
    let details = view.question().map_or(0, |(_, pending)| pending.details.len());
    let question = if asked { u16::try_from(5 + details).unwrap_or(u16::MAX) } else { 0 };
    let [body, ask, foot] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(question), Constraint::Length(1)])
            .areas(frame.area());
    let [top, middle, bottom] = Layout::vertical([
        Constraint::Percentage(24),
        Constraint::Percentage(34),
        Constraint::Percentage(42),
    ])
    .areas(body);
    let [processes, network] =
        Layout::horizontal([Constraint::Percentage(52), Constraint::Percentage(48)]).areas(middle);
    let [denials, why] = if view.part == Part::Events {
        [bottom, Rect::default()]
    } else {
        Layout::horizontal([Constraint::Percentage(56), Constraint::Percentage(44)]).areas(bottom)
    };
    part(view, look, frame, top, Part::Sessions, &sessions(view, look));
    part(
        view,
        look,
        frame,
        processes,
        Part::Processes,
        &view.session().map(|one| running(one, look)).unwrap_or_default(),
    );
    part(
        view,
        look,
        frame,
        network,
        Part::Network,
        &view.session().map(|one| hosts(one, look)).unwrap_or_default(),
    );
    if view.part == Part::Events {
        let rows = view.session().map(|one| told(one.events.iter(), look)).unwrap_or_default();
        part(view, look, frame, denials, Part::Events, &rows);
    } else {
        let rows = view.session().map(|one| told(one.denials.iter(), look)).unwrap_or_default();
        part(view, look, frame, denials, Part::Denials, &rows);
        explain(view, look, frame, why);
    }
    if asked {
        ask_for(view, look, frame, ask);
    }
    keys(view, look, frame, foot);
}

/// A part with its title and rows, so that the chosen row is seen.
fn part(view: &View, look: Look, frame: &mut Frame<'_>, area: Rect, part: Part, rows: &[Line<'_>]) {
    let has_keys = view.part == part;
    let title = title(view, part);
    let border = if has_keys { look.good().patch(BOLD) } else { look.soft() };
    let block = Block::new().borders(Borders::ALL).border_style(border).title(Span::styled(title, BOLD));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let height = usize::from(inner.height);
    if height == 0 {
        return;
    }
    let last = rows.len().saturating_sub(1);
    let chosen = view.rows.get(part.index()).copied().unwrap_or(0).min(last);
    let first = chosen.saturating_sub(height.saturating_sub(1));
    let shown: Vec<Line<'_>> = rows
        .iter()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(at, row)| {
            let is_chosen = at == chosen && (has_keys || part == Part::Sessions);
            if is_chosen { row.clone().patch_style(CHOSEN) } else { row.clone() }
        })
        .collect();
    frame.render_widget(Paragraph::new(shown), inner);
}

fn title(view: &View, part: Part) -> String {
    let count = view.len(part);
    match part {
        Part::Sessions => {
            let live = view.sessions.iter().filter(|session| session.is_live).count();
            format!(" sessions: {live} of {count} run ")
        }
        Part::Processes => view
            .session()
            .map_or_else(|| " processes ".into(), |session| format!(" {} ", session.usage_words())),
        Part::Network => format!(" network: {count} hosts "),
        Part::Denials => format!(" refused: {} ", view.session().map_or(0, |session| session.denied)),
        Part::Events => format!(" events: {} ", view.session().map_or(0, |session| session.count)),
    }
}

fn sessions(view: &View, look: Look) -> Vec<Line<'static>> {
    let row = |session: &Watched| {
        let name = session.id.as_str();
        let (mark, style) = match (&session.ended, session.is_live) {
            (None, true) => ("* ", look.good()),
            (Some(_), _) => ("  ", Style::new()),
            (None, false) => ("! ", look.bad()),
        };
        let asks = if session.pending.is_empty() { "" } else { " asks" };
        Line::from(vec![
            Span::styled(mark, style),
            Span::raw(name.get(..15).unwrap_or(name).to_owned()),
            Span::styled(format!("  {:<14}", session.standing()), style),
            Span::styled(asks, look.bad().patch(BOLD)),
            Span::raw(format!("  {}", visible(&session.command))),
        ])
    };
    view.sessions.iter().map(row).collect()
}

fn running(session: &Watched, look: Look) -> Vec<Line<'static>> {
    session
        .running
        .iter()
        .map(|process| {
            let number = process.number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            let state = if process.is_stopped { "stands " } else { "" };
            Line::from(vec![
                Span::styled(
                    format!("{number:>5} {:>9} {:>3}% ", bytes(process.memory), process.cpu),
                    look.soft(),
                ),
                Span::raw("  ".repeat(process.depth.min(12))),
                Span::styled(state, look.bad()),
                Span::raw(visible(&process.command)),
            ])
        })
        .collect()
}

fn hosts(session: &Watched, look: Look) -> Vec<Line<'static>> {
    session
        .hosts
        .iter()
        .map(|((host, port), traffic)| {
            let style = if traffic.allowed == 0 { look.bad() } else { Style::new() };
            let refused =
                if traffic.denied == 0 { String::new() } else { format!(" {} refused", traffic.denied) };
            Line::from(vec![
                Span::styled(format!("{}:{port}", visible(host)), style),
                Span::styled(
                    format!("  up {} down {}", bytes(traffic.sent), bytes(traffic.received)),
                    look.soft(),
                ),
                Span::styled(refused, look.bad()),
            ])
        })
        .collect()
}

fn told<'t>(list: impl Iterator<Item = &'t Told>, look: Look) -> Vec<Line<'static>> {
    list.map(|told| {
        let time = told.time.to_string();
        Line::from(vec![
            Span::styled(
                format!("#{:<4} {} ", told.number, time.get(11..19).unwrap_or_default()),
                look.soft(),
            ),
            Span::styled(format!("{} ", told.kind), BOLD),
            Span::raw(visible(&told.words)),
        ])
    })
    .collect()
}

/// Why the chosen refusal was one.
fn explain(view: &View, look: Look, frame: &mut Frame<'_>, area: Rect) {
    let block =
        Block::new().borders(Borders::ALL).border_style(look.soft()).title(Span::styled(" why ", BOLD));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(session) = view.session() else { return };
    let row = view.rows[Part::Denials.index()].min(session.denials.len().saturating_sub(1));
    let Some(denial) = session.denials.get(row) else { return };
    let mut lines = vec![Line::from(visible(&denial.words))];
    lines.extend(denial.why.iter().map(|line| Line::from(visible(line))));
    let start = session.id.as_str().get(..15).unwrap_or_default();
    lines.push(Line::styled(format!("garth why {start}#{}", denial.number), look.soft()));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
}

/// The question, and the keys that answer it.
fn ask_for(view: &View, look: Look, frame: &mut Frame<'_>, area: Rect) {
    let Some((session, pending)) = view.question() else { return };
    let start = session.id.as_str().get(..15).unwrap_or_default();
    let block = Block::new()
        .borders(Borders::ALL)
        .border_style(look.bad().patch(BOLD))
        .title(Span::styled(format!(" {start} asks "), BOLD));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut answers: Vec<Span<'_>> = Vec::new();
    for answer in &pending.answers {
        let key = key_of(answer).map(String::from).unwrap_or_default();
        answers.push(Span::styled(format!(" {key} "), CHOSEN));
        answers.push(Span::raw(format!(" {answer}  ")));
    }
    let answers = match (&pending.problem, pending.answers.is_empty()) {
        (Some(problem), _) => Line::styled(visible(problem), look.bad()),
        (None, true) => {
            Line::styled("a moment: the session is being asked how it may be answered", look.soft())
        }
        (None, false) => Line::from(answers),
    };
    let mut lines = vec![
        Line::from(vec![Span::styled("may it: ", look.soft()), Span::styled(visible(&pending.what), BOLD)]),
        Line::from(vec![Span::styled("because ", look.soft()), Span::raw(visible(&pending.reason))]),
    ];
    lines.extend(pending.details.iter().map(|line| Line::from(visible(line))));
    lines.push(answers);
    frame.render_widget(Paragraph::new(lines), inner);
}

fn keys(view: &View, look: Look, frame: &mut Frame<'_>, area: Rect) {
    let mut line = vec![];
    for (key, what) in [("Tab", "part"), ("Up/Down", "row"), ("Home/End", "first, last"), ("q", "leave")] {
        line.push(Span::styled(key, BOLD));
        line.push(Span::styled(format!(" {what}  "), look.soft()));
    }
    if let Some(note) = &view.note {
        line.push(Span::raw(visible(note)));
    }
    frame.render_widget(Paragraph::new(Line::from(line)), area);
}
