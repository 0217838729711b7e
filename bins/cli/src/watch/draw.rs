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

/// Letters of a session's name that tell the microsecond of its start.
const EXACT: usize = 22;
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Columns below which there is one part beside the sessions at a time, and not two beside each other.
const NARROW: u16 = 64;
/// Rows that the parts keep whatever a question needs: borders and one row.
const LEAST: usize = 3;
/// Rows of a question beside what it asks: borders and the answers.
const FRAME: usize = 3;

/// Draws everything.
pub fn draw(view: &View, look: Look, frame: &mut Frame<'_>) {
    let area = frame.area();
    let asked = question(view, area.width);
    let most = usize::from(area.height).saturating_sub(LEAST + 1);
    let needed = if asked.is_empty() { 0 } else { (asked.len() + FRAME).min(most.max(FRAME + 1)) };
    let rows = |count: usize| Constraint::Length(u16::try_from(count).unwrap_or(u16::MAX));
    let told = view.note.as_ref().map(|note| folded(&visible(note), usize::from(area.width)));
    let told = told.unwrap_or_default();
    let [body, ask, said, foot] = Layout::vertical([
        Constraint::Fill(1),
        rows(needed),
        rows(told.len().min(usize::from(area.height) / 4)),
        Constraint::Length(1),
    ])
    .areas(area);
    if area.width < NARROW {
        narrow(view, look, frame, body)
    } else {
        wide(view, look, frame, body)
    }
    if !asked.is_empty() {
        ask_for(view, look, frame, ask, asked);
    }
    frame.render_widget(Paragraph::new(told.into_iter().map(Line::from).collect::<Vec<_>>()), said);
    keys(look, frame, foot);
}

/// Whether the question of now is wholly on a screen of this size.
pub fn fits(view: &View, width: u16, height: u16) -> bool {
    question(view, width).len() + FRAME + LEAST < usize::from(height)
}

/// All parts at once.
fn wide(view: &View, look: Look, frame: &mut Frame<'_>, body: Rect) {
    // Who goes through the refusals wants to read all of why.
    let reads = view.part == Part::Denials;
    let heights = if reads { [18, 18, 64] } else { [24, 34, 42] };
    let [top, middle, bottom] = Layout::vertical(heights.map(Constraint::Percentage)).areas(body);
    let [processes, network] =
        Layout::horizontal([Constraint::Percentage(52), Constraint::Percentage(48)]).areas(middle);
    part(view, look, frame, top, Part::Sessions);
    part(view, look, frame, processes, Part::Processes);
    part(view, look, frame, network, Part::Network);
    if view.part == Part::Events {
        part(view, look, frame, bottom, Part::Events);
    } else {
        let widths = if reads { [44, 56] } else { [56, 44] };
        let [denials, why] = Layout::horizontal(widths.map(Constraint::Percentage)).areas(bottom);
        part(view, look, frame, denials, Part::Denials);
        explain(view, look, frame, why);
    }
}

/// The sessions, and the part that keys go to; refusals while that are the sessions themselves.
fn narrow(view: &View, look: Look, frame: &mut Frame<'_>, body: Rect) {
    let [top, rest] = Layout::vertical([Constraint::Percentage(30), Constraint::Percentage(70)]).areas(body);
    part(view, look, frame, top, Part::Sessions);
    match view.part {
        Part::Sessions | Part::Denials => {
            let [denials, why] =
                Layout::vertical([Constraint::Percentage(45), Constraint::Percentage(55)]).areas(rest);
            part(view, look, frame, denials, Part::Denials);
            explain(view, look, frame, why);
        }
        other => part(view, look, frame, rest, other),
    }
}

/// The rows of a part.
fn rows_of(view: &View, look: Look, part: Part) -> Vec<Line<'static>> {
    let one = view.session();
    match part {
        Part::Sessions => sessions(view, look),
        Part::Processes => one.map(|one| running(one, look)).unwrap_or_default(),
        Part::Network => one.map(|one| hosts(one, look)).unwrap_or_default(),
        Part::Denials => one.map(|one| told(one.denials.iter(), look)).unwrap_or_default(),
        Part::Events => one.map(|one| told(one.events.iter(), look)).unwrap_or_default(),
    }
}

/// A text in lines of at most this many columns, broken wherever they end: nothing of it is left out.
fn folded(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for letter in text.chars() {
        let wide = Span::raw(letter.encode_utf8(&mut [0; 4]).to_owned()).width();
        if used + wide > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        line.push(letter);
        used += wide;
    }
    lines.push(line);
    lines
}

/// A part with its title and rows, so that the chosen row is seen.
fn part(view: &View, look: Look, frame: &mut Frame<'_>, area: Rect, part: Part) {
    let rows = rows_of(view, look, part);
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
        Part::Network => format!(" network: {count} {} ", if count == 1 { "host" } else { "hosts" }),
        Part::Denials => format!(" refused: {} ", view.session().map_or(0, |session| session.denied)),
        Part::Events => format!(" events: {} ", view.session().map_or(0, |session| session.count)),
    }
}

fn sessions(view: &View, look: Look) -> Vec<Line<'static>> {
    let longest = view.sessions.iter().map(|session| view.short(&session.id).len()).max().unwrap_or(0);
    let row = |session: &Watched| {
        let (mark, style) = match (&session.ended, session.is_live) {
            (None, true) => ("* ", look.good()),
            (Some(_), _) => ("  ", Style::new()),
            (None, false) => ("! ", look.bad()),
        };
        let asks = if session.pending.is_empty() { "" } else { " asks" };
        Line::from(vec![
            Span::styled(mark, style),
            Span::raw(format!("{:<longest$}", view.short(&session.id))),
            Span::styled(format!("  {:<11}", session.standing()), style),
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
    let start = session.id.as_str().get(..EXACT).unwrap_or_default();
    lines.push(Line::styled(format!("garth why {start}#{}", denial.number), look.soft()));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
}

/// What a question asks, in lines of a window of this width; none without a question.
fn question(view: &View, width: u16) -> Vec<Line<'static>> {
    let Some((_, pending)) = view.question() else { return Vec::new() };
    let width = usize::from(width.saturating_sub(2)).max(1);
    let texts =
        [format!("may it: {}", visible(&pending.what)), format!("because {}", visible(&pending.reason))];
    let [what, reason] = texts.map(|text| folded(&text, width));
    let details = pending.details.iter().flat_map(|line| folded(&visible(line), width));
    what.into_iter()
        .map(|line| Line::styled(line, BOLD))
        .chain(reason.into_iter().chain(details).map(Line::from))
        .collect()
}

/// The question, and the keys that answer it.
fn ask_for(view: &View, look: Look, frame: &mut Frame<'_>, area: Rect, mut lines: Vec<Line<'static>>) {
    let Some((session, pending)) = view.question() else { return };
    let block = Block::new()
        .borders(Borders::ALL)
        .border_style(look.bad().patch(BOLD))
        .title(Span::styled(format!(" {} asks ", view.short(&session.id)), BOLD));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let room = usize::from(inner.height).saturating_sub(1);
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines
            .push(Line::styled("... and more: a larger window shows it, then it can be allowed", look.bad()));
    }
    lines.push(match (&pending.problem, view.answers()) {
        (Some(problem), _) => Line::styled(visible(problem), look.bad()),
        (None, answers) if answers.is_empty() => {
            Line::styled("a moment: the session is being asked how it may be answered", look.soft())
        }
        (None, answers) => offered(&answers, usize::from(inner.width)),
    });
    frame.render_widget(Paragraph::new(lines), inner);
}

/// Keys with what they answer, closer together where there is little room.
fn offered(answers: &[&str], width: usize) -> Line<'static> {
    let line = |gap: &'static str| {
        let spans = answers.iter().flat_map(|answer| {
            let key = key_of(answer).map(String::from).unwrap_or_default();
            [Span::styled(format!("{gap}{key}{gap}"), CHOSEN), Span::raw(format!(" {answer} {gap}"))]
        });
        Line::from(spans.collect::<Vec<_>>())
    };
    let roomy = line(" ");
    if roomy.width() <= width { roomy } else { line("") }
}

fn keys(look: Look, frame: &mut Frame<'_>, area: Rect) {
    let mut line = vec![];
    for (key, what) in [("q", "leave"), ("Tab", "part"), ("Up/Down", "row"), ("Home/End", "first, last")] {
        line.push(Span::styled(key, BOLD));
        line.push(Span::styled(format!(" {what}  "), look.soft()));
    }
    frame.render_widget(Paragraph::new(Line::from(line)), area);
}
