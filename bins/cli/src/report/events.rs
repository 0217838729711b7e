//! All events, in parts that a browser need not lay out before they are seen.

use super::Report;
use super::markup::Markup;
use super::model::Row;

/// Rows of a part.
const PART: usize = 250;
/// With no more rows than that they are shown at once.
const SHOWN: usize = 500;

pub(super) fn section(report: &Report, out: &mut Markup) {
    let rows = &report.story.rows;
    out.raw("<section id=\"events\" aria-labelledby=\"events-h\"><h2 id=\"events-h\">Events</h2>");
    out.raw(if rows.list.len() <= SHOWN { "<details open>" } else { "<details>" });
    out.raw("<summary>All ").grouped(rows.count()).raw(" events, one by one</summary>");
    for part in rows.list.chunks(PART) {
        let (first, last) = (part.first(), part.last());
        let name = [first, last].map(|row| row.map_or(0, |row| row.number));
        // A browser that has not laid the part out knows no caption, and reads the label.
        out.raw("<div class=\"part\"><table class=\"filtered events\" aria-label=\"Events ");
        out.number(name[0]).raw(" to ").number(name[1]).raw("\"><caption>Events ");
        out.number(name[0]).raw(" to ").number(name[1]);
        out.raw(
            "</caption><thead><tr><th scope=\"col\" class=\"num\">event</th><th scope=\"col\">time</th>\
             <th scope=\"col\">kind</th><th scope=\"col\">what happened</th></tr></thead><tbody>",
        );
        part.iter().for_each(|row| one(row, out));
        out.raw("</tbody></table></div>");
    }
    if rows.more > 0 {
        out.raw("<p class=\"note\">").grouped(rows.more).raw(" more events are in the log; <code>garth log ");
        out.text(&report.session).raw("</code> shows them.</p>");
    }
    out.raw("</details></section>");
}

fn one(row: &Row, out: &mut Markup) {
    let time = row.time.to_string();
    out.raw(if row.denied { "<tr class=\"denied\">" } else { "<tr>" });
    out.raw("<td class=\"num\">#").number(row.number).raw("</td><td>");
    out.text(time.get(11..23).unwrap_or_default()).raw("</td><td>").raw(row.kind).raw("</td><td>");
    out.text(&row.words).raw("</td></tr>");
}
