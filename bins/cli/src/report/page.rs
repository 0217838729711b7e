//! The page as a whole.

use super::markup::Markup;
use super::{Report, activity, changes, events, overview, processes, refused, timeline};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("filter.js");

/// How a policy for content names an inline text (CSP level 3, section 2.3.1).
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The report as one page of HTML. It fetches nothing, and says so in a policy for content that allows its own style and
/// script alone.
pub fn page(report: &Report) -> String {
    let mut out = Markup::default();
    out.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src ");
    out.text(&format!("'{}'; script-src '{}'", hash(STYLE), hash(SCRIPT)));
    out.raw("; base-uri &#39;none&#39;; form-action &#39;none&#39;\">");
    out.raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">");
    out.raw("<meta name=\"referrer\" content=\"no-referrer\"><title>garth: ")
        .text(&report.session)
        .raw("</title>");
    out.raw("<style>")
        .raw(STYLE)
        .raw("</style></head><body><a class=\"skip\" href=\"#main\">Skip to the report</a>");
    overview::header(report, &mut out);
    navigation(report, &mut out);
    out.raw("<main id=\"main\" tabindex=\"-1\">");
    timeline::section(report, &mut out);
    refused::section(report, &mut out);
    refused::questions(report, &mut out);
    changes::section(report, &mut out);
    activity::section(report, &mut out);
    activity::notes(report, &mut out);
    processes::section(report, &mut out);
    overview::assurance(report, &mut out);
    events::section(report, &mut out);
    out.raw("</main><footer><p>Written by garth ").text(report.garth).raw(" on ").text(&report.written);
    out.raw(
        ". Times are UTC. Texts that came from inside the sandbox are quoted, never believed.</p></footer>",
    );
    out.raw("<script>").raw(SCRIPT).raw("</script></body></html>\n");
    out.finish()
}

fn navigation(report: &Report, out: &mut Markup) {
    out.raw("<nav aria-label=\"Sections\"><ul>");
    let story = &report.story;
    let mut link = |markup: &'static str, there: bool| {
        if there {
            out.raw(markup);
        }
    };
    link("<li><a href=\"#timeline\">Timeline</a></li>", true);
    link("<li><a href=\"#refused\">Refused</a></li>", true);
    link("<li><a href=\"#questions\">Questions</a></li>", !story.questions.list.is_empty());
    link("<li><a href=\"#files\">Files</a></li>", true);
    link("<li><a href=\"#network\">Network</a></li>", true);
    link("<li><a href=\"#notes\">Notes</a></li>", !story.notes.list.is_empty());
    link("<li><a href=\"#processes\">Processes</a></li>", true);
    link("<li><a href=\"#assurance\">What held</a></li>", true);
    link("<li><a href=\"#events\">Events</a></li>", true);
    out.raw(
        "</ul><search><label for=\"filter\" hidden>Filter <input id=\"filter\" type=\"search\" autocomplete=\"off\" \
         placeholder=\"text in a row  ( / )\"></label><span id=\"found\" role=\"status\"></span></search></nav>",
    );
}
