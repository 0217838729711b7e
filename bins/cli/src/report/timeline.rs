//! The timeline: when what happened, as a drawing with a table beside it.

use super::Report;
use super::lane::Lane;
use super::markup::{Markup, duration};

/// Columns of the drawing.
const COLUMNS: usize = 240;
/// Width of a column, height of a lane and of its bars, and what stands left of them, in units of the drawing.
const WIDTH: u64 = 4;
const LANE: u64 = 34;
const BAR: u64 = 26;
const LEFT: u64 = 118;

/// How much of a lane happened in a column.
#[derive(Clone, Copy, Default)]
struct Cell {
    all: u64,
    denied: u64,
}

struct Drawing {
    cells: Vec<[Cell; COLUMNS]>,
    first: i64,
    span: i64,
}

impl Drawing {
    fn of(points: &[(i64, Lane, bool)]) -> Option<Self> {
        let first = points.iter().map(|(time, ..)| *time).min()?;
        let last = points.iter().map(|(time, ..)| *time).max()?;
        let span = (last - first).max(1);
        let mut cells = vec![[Cell::default(); COLUMNS]; Lane::ALL.len()];
        for (time, lane, denied) in points {
            let part = i128::from(time - first) * (COLUMNS as i128 - 1) / i128::from(span);
            let column = usize::try_from(part).unwrap_or(0).min(COLUMNS - 1);
            let row = Lane::ALL.iter().position(|known| known == lane).unwrap_or(0);
            if let Some(cell) = cells.get_mut(row).and_then(|row| row.get_mut(column)) {
                cell.all += 1;
                cell.denied += u64::from(*denied);
            }
        }
        Some(Self { cells, first, span })
    }

    /// Height of a bar: by the logarithm, so that one event beside a thousand is still seen.
    fn height(count: u64, most: u64) -> u64 {
        let size = |count: u64| u64::from(64 - count.leading_zeros());
        if count == 0 { 0 } else { (size(count) * BAR / size(most.max(1)).max(1)).clamp(4, BAR) }
    }
}

pub(super) fn section(report: &Report, out: &mut Markup) {
    let points = &report.story.points;
    out.raw("<section id=\"timeline\" aria-labelledby=\"timeline-h\"><h2 id=\"timeline-h\">Timeline</h2>");
    let Some(drawing) = Drawing::of(&points.list) else {
        out.raw("<p class=\"none\">There is no event.</p></section>");
        return;
    };
    draw(&drawing, out);
    out.raw(
        "<p class=\"legend\"><span class=\"key all\"></span> happened <span class=\"key denied\"></span> \
         of that refused; a bar is as high as the logarithm of the number of events</p>",
    );
    table(&drawing, &points.list, out);
    if points.more > 0 {
        out.raw("<p class=\"note\">").grouped(points.more).raw(" later events are not drawn.</p>");
    }
    out.raw("</section>");
}

fn draw(drawing: &Drawing, out: &mut Markup) {
    let height = LANE * Lane::ALL.len() as u64;
    let right = LEFT + WIDTH * COLUMNS as u64;
    // What is beside it stays where it is when a narrow window scrolls it, also by keys.
    out.raw("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Timeline\"><svg class=\"timeline\" role=\"img\" aria-labelledby=\"tl-title tl-desc\" viewBox=\"0 0 ");
    out.number(right + 8).raw(" ").number(height + 26);
    out.raw("\"><title id=\"tl-title\">Events over time</title><desc id=\"tl-desc\">One lane for each kind of event, time from ");
    out.raw("left to right; the table below has the numbers.</desc>");
    for (row, (lane, cells)) in Lane::ALL.iter().zip(&drawing.cells).enumerate() {
        let bottom = LANE * row as u64 + LANE - 4;
        out.raw("<text class=\"lane\" x=\"0\" y=\"")
            .number(bottom - 6)
            .raw("\">")
            .raw(lane.name())
            .raw("</text>");
        line("base", (LEFT, bottom), (right, bottom), out);
        let most = cells.iter().map(|cell| cell.all).max().unwrap_or(1);
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.all > 0) {
            let x = LEFT + WIDTH * column as u64;
            bar("bar", x, bottom, Drawing::height(cell.all, most), out);
            if cell.denied > 0 {
                bar("bar denied", x, bottom, Drawing::height(cell.denied, most), out);
            }
        }
    }
    for step in 0..=4_u32 {
        let x = LEFT + (right - LEFT) * u64::from(step) / 4;
        line("tick", (x, height), (x, height + 5), out);
        let anchor = match step {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        out.raw("<text class=\"time\" text-anchor=\"").raw(anchor).raw("\" x=\"").number(x).raw("\" y=\"");
        out.number(height + 19).raw("\">");
        let after = drawing.span / 4 * i64::from(step);
        out.text(&if step == 0 { "0".to_owned() } else { duration(after) }).raw("</text>");
    }
    out.raw("</svg></div>");
}

fn line(class: &'static str, from: (u64, u64), to: (u64, u64), out: &mut Markup) {
    out.raw("<line class=\"").raw(class).raw("\" x1=\"").number(from.0).raw("\" y1=\"").number(from.1);
    out.raw("\" x2=\"").number(to.0).raw("\" y2=\"").number(to.1).raw("\"/>");
}

fn bar(class: &'static str, x: u64, bottom: u64, height: u64, out: &mut Markup) {
    out.raw("<rect class=\"").raw(class).raw("\" x=\"").number(x).raw("\" y=\"").number(bottom - height);
    out.raw("\" width=\"").number(WIDTH - 1).raw("\" height=\"").number(height).raw("\"/>");
}

fn table(drawing: &Drawing, points: &[(i64, Lane, bool)], out: &mut Markup) {
    out.raw(
        "<details><summary>The timeline as a table</summary><div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><caption>Events by time</caption><thead><tr>\
         <th scope=\"col\">lane</th><th scope=\"col\" class=\"num\">events</th><th scope=\"col\" class=\"num\">refused</th>\
         <th scope=\"col\" class=\"num\">first after</th><th scope=\"col\" class=\"num\">last after</th></tr></thead><tbody>",
    );
    for lane in Lane::ALL {
        let of_lane = || points.iter().filter(|(_, of, _)| *of == lane);
        let after = |time: Option<&(i64, Lane, bool)>| {
            time.map_or_else(|| "–".to_owned(), |(time, ..)| duration(time - drawing.first))
        };
        out.raw("<tr><th scope=\"row\">").raw(lane.name()).raw("</th><td class=\"num\">");
        out.grouped(of_lane().count() as u64).raw("</td><td class=\"num\">");
        out.grouped(of_lane().filter(|(.., denied)| *denied).count() as u64).raw("</td><td class=\"num\">");
        out.text(&after(of_lane().next())).raw("</td><td class=\"num\">");
        out.text(&after(of_lane().next_back())).raw("</td></tr>");
    }
    out.raw("</tbody></table></div></details>");
}
