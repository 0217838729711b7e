//! Draws rows of cells as a terminal window: one file, with no font or picture from elsewhere.

use std::fmt::Write as _;

use super::screen::{Cell, Colour, Style};

/// Size of a character in pixels. Each run of text is stretched to it, so columns stay in line in every font.
const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 20.0;

const MARGIN: f64 = 20.0;
const TITLE_BAR: f64 = 38.0;

const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d7dae0";

/// The sixteen named colours, chosen to be read on [`BACKGROUND`].
const PALETTE: [&str; 16] = [
    "#3b4048", "#f0717b", "#8fce7f", "#e8c069", "#6fb3f2", "#cf8ee8", "#5fc9c9", "#c5c8cf", //
    "#767d89", "#ff8b94", "#a9e29b", "#f7d58b", "#8ec7ff", "#e0a8f5", "#7fe0e0", "#ffffff",
];

/// Draws the rows; `title` says to a screen reader what is seen.
pub fn render(rows: &[Vec<Cell>], columns: usize, title: &str) -> String {
    let width = MARGIN * 2.0 + CELL_WIDTH * cells(columns);
    let height = TITLE_BAR + MARGIN * 1.5 + CELL_HEIGHT * cells(rows.len());
    let mut drawing = frame(width, height, title);
    for (index, row) in rows.iter().enumerate() {
        let top = TITLE_BAR + MARGIN * 0.5 + CELL_HEIGHT * cells(index);
        let mut start = 0;
        for run in row.chunk_by(|a, b| a.style == b.style) {
            drawing.push_str(&draw_run(run, start, top));
            start += run.len();
        }
    }
    drawing.push_str("</g>\n</svg>\n");
    drawing
}

fn cells(count: usize) -> f64 {
    // A picture has far fewer cells than u32 counts.
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn frame(width: f64, height: f64, title: &str) -> String {
    let title = escape(&format!("A terminal that runs: {title}"));
    let mut frame = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (x, colour) in [(22, "#f0717b"), (42, "#e8c069"), (62, "#8fce7f")] {
        let _ = writeln!(frame, "<circle cx=\"{x}\" cy=\"20\" r=\"6\" fill=\"{colour}\"/>");
    }
    let _ = writeln!(
        frame,
        "<g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace\" \
         font-size=\"14\" fill=\"{FOREGROUND}\" xml:space=\"preserve\">"
    );
    frame
}

/// Draws cells of one style; `start` is their column, `top` the upper edge in pixels.
fn draw_run(run: &[Cell], start: usize, top: f64) -> String {
    let Some(style) = run.first().map(|cell| cell.style) else { return String::new() };
    let (foreground, background) = colours(&style);
    let (x, width) = (MARGIN + CELL_WIDTH * cells(start), CELL_WIDTH * cells(run.len()));
    let mut drawn = String::new();
    if let Some(colour) = background {
        let _ = writeln!(
            drawn,
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{colour}\"/>"
        );
    }
    let text: String = run.iter().map(|cell| cell.letter).collect();
    if text.trim().is_empty() && !style.underline {
        return drawn;
    }
    let _ = writeln!(
        drawn,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\"{}{}>{}</text>",
        top + CELL_HEIGHT * 0.72,
        foreground.map(|colour| format!(" fill=\"{colour}\"")).unwrap_or_default(),
        attributes(&style),
        escape(&text)
    );
    drawn
}

fn attributes(style: &Style) -> String {
    let all = [
        (style.bold, " font-weight=\"bold\""),
        (style.dim, " opacity=\"0.65\""),
        (style.italic, " font-style=\"italic\""),
        (style.underline, " text-decoration=\"underline\""),
    ];
    all.iter().filter(|(set, _)| *set).map(|(_, attribute)| *attribute).collect()
}

/// Colours of the letter and of what is behind it; `None` is the window's own.
fn colours(style: &Style) -> (Option<String>, Option<String>) {
    let (front, behind) = (style.foreground.map(hex), style.background.map(hex));
    if style.inverse {
        (
            Some(behind.unwrap_or_else(|| BACKGROUND.to_owned())),
            Some(front.unwrap_or_else(|| FOREGROUND.to_owned())),
        )
    } else {
        (front, behind)
    }
}

/// The palette of 256 is sixteen names, a cube of 6 x 6 x 6 and 24 shades of grey, as xterm defines it.
fn hex(colour: Colour) -> String {
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    let (red, green, blue) = match colour {
        Colour::Rgb(red, green, blue) => (red, green, blue),
        Colour::Palette(number @ 16..=231) => {
            let place = number - 16;
            (level(place / 36), level(place / 6 % 6), level(place % 6))
        }
        Colour::Palette(number @ 232..) => {
            let grey = 8 + (number - 232) * 10;
            (grey, grey, grey)
        }
        Colour::Palette(number) => {
            return PALETTE.get(usize::from(number)).copied().unwrap_or(FOREGROUND).to_owned();
        }
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Text for XML 1.0, which has no place for control characters.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}')
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::screen::Screen;
    use super::*;

    fn drawn(text: &str) -> String {
        let mut screen = Screen::new(20);
        screen.write(text);
        render(&screen.rows(), 20, "a & b")
    }

    #[test]
    fn text_stands_in_its_column_and_is_escaped() {
        let drawing = drawn("<a>\x1b[31mbad\x1b[0m");
        assert!(drawing.contains(">&lt;a&gt;</text>"), "{drawing}");
        assert!(
            drawing.contains("x=\"45.2\"") && drawing.contains("fill=\"#f0717b\">bad</text>"),
            "{drawing}"
        );
        assert!(drawing.contains("runs: a &amp; b</title>"), "{drawing}");
    }

    #[test]
    fn the_window_grows_with_the_rows() {
        assert!(drawn("a").contains("viewBox=\"0 0 208 88\""));
        assert!(drawn("a\r\nb\r\nc").contains("viewBox=\"0 0 208 128\""));
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let drawing = drawn("x");
        assert_eq!(drawing.matches("http").count(), 1, "only the name space: {drawing}");
        assert!(!drawing.contains("url(") && !drawing.contains("href") && !drawing.contains("<style"));
    }

    #[test]
    fn inverse_exchanges_the_colours() {
        let drawing = drawn("\x1b[7mx");
        assert!(drawing.contains(&format!("height=\"20\" fill=\"{FOREGROUND}\"")), "{drawing}");
        assert!(drawing.contains(&format!("fill=\"{BACKGROUND}\">x</text>")), "{drawing}");
    }

    #[test]
    fn blanks_are_drawn_only_with_a_background() {
        assert!(!drawn("\x1b[32m  \x1b[0mx").contains("fill=\"#8fce7f\">"));
        assert!(drawn("\x1b[42m  \x1b[0mx").contains("height=\"20\" fill=\"#8fce7f\"/>"));
    }

    #[test]
    fn the_palette_is_that_of_xterm() {
        assert_eq!(hex(Colour::Palette(16)), "#000000");
        assert_eq!(hex(Colour::Palette(208)), "#ff8700");
        assert_eq!(hex(Colour::Palette(231)), "#ffffff");
        assert_eq!(hex(Colour::Palette(255)), "#eeeeee");
        assert_eq!(hex(Colour::Rgb(1, 2, 255)), "#0102ff");
    }
}
