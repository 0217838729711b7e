//! Hosts with what went to and fro, and what else is worth a note.

use super::Report;
use super::markup::{Markup, bytes};
use super::model::Traffic;

pub(super) fn section(report: &Report, out: &mut Markup) {
    let story = &report.story;
    out.raw("<section id=\"network\" aria-labelledby=\"network-h\"><h2 id=\"network-h\">Network</h2>");
    if story.hosts.is_empty() {
        out.raw(
            "<p class=\"none\">The log tells of no host. Where the policy gives no network there is nobody to ask: \
             what needs one fails by itself.</p></section>",
        );
        return;
    }
    out.raw(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table class=\"filtered\"><caption>Hosts, those with the most bytes first</caption>\
         <thead><tr><th scope=\"col\">host</th><th scope=\"col\" class=\"num\">allowed</th>\
         <th scope=\"col\" class=\"num\">refused</th><th scope=\"col\" class=\"num\">up</th>\
         <th scope=\"col\" class=\"num\">down</th><th scope=\"col\">share</th><th scope=\"col\">because</th></tr></thead><tbody>",
    );
    let mut hosts: Vec<(&(String, u16), &Traffic)> = story.hosts.iter().collect();
    hosts.sort_by_key(|(_, traffic)| std::cmp::Reverse(total(traffic)));
    let most = hosts.iter().map(|(_, traffic)| total(traffic)).max().unwrap_or(0);
    for ((host, port), traffic) in hosts {
        row(host, *port, traffic, most, out);
    }
    out.raw("</tbody></table></div>");
    if story.more_hosts > 0 {
        out.raw("<p class=\"note\">")
            .grouped(story.more_hosts)
            .raw(" decisions on other hosts are in the log.</p>");
    }
    out.raw("</section>");
}

fn total(traffic: &Traffic) -> u64 {
    traffic.sent.saturating_add(traffic.received)
}

fn row(host: &str, port: u16, traffic: &Traffic, most: u64, out: &mut Markup) {
    out.raw(if traffic.allowed == 0 { "<tr class=\"denied\">" } else { "<tr>" });
    out.raw("<th scope=\"row\"><code>").text(host);
    if port > 0 {
        out.raw(":").number(u64::from(port));
    }
    out.raw("</code>");
    for secret in &traffic.secrets {
        out.raw(" <span class=\"badge\">secret ").text(secret).raw("</span>");
    }
    out.raw("</th><td class=\"num\">").grouped(traffic.allowed).raw("</td><td class=\"num\">");
    out.raw(if traffic.denied > 0 { "<b class=\"warn\">" } else { "<b>" })
        .grouped(traffic.denied)
        .raw("</b>");
    out.raw("</td><td class=\"num\">").text(&bytes(traffic.sent)).raw("</td><td class=\"num\">");
    out.text(&bytes(traffic.received)).raw("</td><td>");
    share(traffic, most, out);
    out.raw("</td><td>").text(&traffic.reason).raw("</td></tr>");
}

/// A bar of what went up and down, of the largest.
fn share(traffic: &Traffic, most: u64, out: &mut Markup) {
    const WIDTH: u128 = 90;
    let part = |count: u64| u64::try_from(u128::from(count) * WIDTH / u128::from(most.max(1))).unwrap_or(0);
    let (up, down) = (part(traffic.sent), part(traffic.received));
    out.raw("<svg class=\"share\" aria-hidden=\"true\" width=\"90\" height=\"10\"><rect class=\"rail\" width=\"90\" height=\"10\"/>");
    out.raw("<rect class=\"up\" width=\"")
        .number(up)
        .raw("\" height=\"10\"/><rect class=\"down\" x=\"")
        .number(up);
    out.raw("\" width=\"").number(down).raw("\" height=\"10\"/></svg>");
}

pub(super) fn notes(report: &Report, out: &mut Markup) {
    let notes = &report.story.notes;
    if notes.list.is_empty() {
        return;
    }
    out.raw(
        "<section id=\"notes\" aria-labelledby=\"notes-h\"><h2 id=\"notes-h\">Limits, failures and changes of plan</h2>\
         <ul class=\"notes\">",
    );
    for (time, kind, words) in &notes.list {
        out.raw("<li><b>").raw(kind).raw("</b> ").text(words).raw(" <span class=\"meta\">");
        out.text(&time.to_string()).raw("</span></li>");
    }
    out.raw("</ul>");
    if notes.more > 0 {
        out.raw("<p class=\"note\">").grouped(notes.more).raw(" more are in the log.</p>");
    }
    out.raw("</section>");
}
