//! What was refused, and what was asked.

use super::markup::{Markup, duration};
use super::model::{Denial, Question};
use super::{Report, missing};
use garth::log::core::{Clause, Kind};

pub(super) fn section(report: &Report, out: &mut Markup) {
    let denials = &report.story.denials;
    out.raw("<section id=\"refused\" aria-labelledby=\"refused-h\"><h2 id=\"refused-h\">Refused</h2>");
    if denials.list.is_empty() {
        out.raw("<p class=\"none\">The log tells of no refusal.</p>");
        missing(report, "reads", out);
        out.raw("</section>");
        return;
    }
    out.raw(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table class=\"filtered\"><caption>Each refusal with the rule that decided and the \
         least addition to a policy that would allow it</caption><thead><tr><th scope=\"col\" class=\"num\">event</th>\
         <th scope=\"col\">kind</th><th scope=\"col\">what, and why not</th><th scope=\"col\">said by</th>\
         <th scope=\"col\">what would allow it</th></tr></thead><tbody>",
    );
    for denial in &denials.list {
        row(denial, out);
    }
    out.raw("</tbody></table></div>");
    missing(report, "reads", out);
    if denials.more > 0 {
        out.raw("<p class=\"note\">").grouped(denials.more).raw(" more refusals are in the log.</p>");
    }
    out.raw("</section>");
}

fn row(denial: &Denial, out: &mut Markup) {
    out.raw("<tr class=\"denied\"><td class=\"num\">#")
        .number(denial.number)
        .raw("</td><td class=\"kind\">")
        .raw(denial.kind);
    out.raw("</td><th scope=\"row\">").text(&denial.words).raw("</th><td>");
    match &denial.origin {
        Some(origin) => place(origin, out),
        None if denial.kind == Kind::ApprovalAnswered.name() => {
            out.raw("<span class=\"meta\">who was asked</span>");
        }
        None => {
            out.raw("<span class=\"meta\">nothing speaks of it</span>");
        }
    }
    out.raw("</td><td>");
    if let Some(grant) = &denial.grant {
        out.raw("<code>[").text(&grant.section).raw("] ").text(&grant.line).raw("</code>");
        if let Some(option) = &grant.option {
            out.raw(" <span class=\"meta once\">once: <code>garth run ").text(option).raw("</code></span>");
        }
    } else if let Some(hint) = &denial.hint {
        out.text(hint);
    } else {
        out.raw("<span class=\"meta\">nothing</span>");
    }
    out.raw("</td></tr>");
}

fn place(origin: &Clause, out: &mut Markup) {
    out.raw("<code>").text(&origin.source);
    if origin.line > 0 {
        out.raw(":").number(u64::from(origin.line)).raw(":").number(u64::from(origin.column));
    }
    out.raw("</code> <span class=\"meta\">").text(&origin.layer).raw("</span>");
}

pub(super) fn questions(report: &Report, out: &mut Markup) {
    let questions = &report.story.questions;
    if questions.list.is_empty() {
        return;
    }
    out.raw(
        "<section id=\"questions\" aria-labelledby=\"questions-h\"><h2 id=\"questions-h\">Questions</h2>\
         <div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table class=\"filtered\"><caption>What the policy left open</caption><thead><tr>\
         <th scope=\"col\">what</th><th scope=\"col\">because</th><th scope=\"col\">answer</th>\
         <th scope=\"col\" class=\"num\">after</th></tr></thead><tbody>",
    );
    for question in &questions.list {
        one(question, out);
    }
    out.raw("</tbody></table></div>");
    if questions.more > 0 {
        out.raw("<p class=\"note\">").grouped(questions.more).raw(" more questions are in the log.</p>");
    }
    out.raw("</section>");
}

fn one(question: &Question, out: &mut Markup) {
    out.raw("<tr><th scope=\"row\"><code>")
        .text(&question.what)
        .raw("</code></th><td>")
        .text(&question.reason);
    out.raw("</td><td>");
    match &question.answered {
        None => {
            out.raw("<span class=\"meta\">none</span></td><td></td></tr>");
        }
        Some((time, answer)) => {
            let yes = !matches!(answer.as_str(), "no" | "quiet");
            out.raw(if yes { "<b class=\"ok\">" } else { "<b class=\"warn\">" })
                .text(answer)
                .raw("</b></td>");
            let waited = duration(time.micros() - question.asked.micros());
            out.raw("<td class=\"num\">").text(&waited).raw("</td></tr>");
        }
    }
}
