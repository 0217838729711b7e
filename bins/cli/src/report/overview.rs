//! The top of the page: what ran, how it ended, and what held.

use super::Report;
use super::markup::{Markup, bytes, duration, grouped};
use crate::story;
use garth::log::core::{Gap, SessionEnded, SessionStarted};

pub(super) fn header(report: &Report, out: &mut Markup) {
    let story = &report.story;
    out.raw("<header><p class=\"brand\"><svg aria-hidden=\"true\" width=\"18\" height=\"18\" viewBox=\"0 0 18 18\">");
    out.raw("<rect class=\"wall\" x=\"1\" y=\"1\" width=\"16\" height=\"16\" rx=\"3\"/><circle class=\"tree\" cx=\"9\" cy=\"9\" r=\"4\"/></svg> ");
    out.raw("garth <span class=\"meta\">session report</span></p><h1>");
    match &story.started {
        Some(started) => out.raw("<code>").text(&story::command(&started.command)).raw("</code>"),
        None => out.raw("A session without a beginning"),
    };
    out.raw("</h1><p class=\"outcome\">");
    outcome(report, out);
    out.raw(" <span class=\"meta\">").text(&report.session).raw("</span></p>");
    problem(report, out);
    tiles(report, out);
    out.raw("</header>");
}

fn outcome(report: &Report, out: &mut Markup) {
    match &report.story.ended {
        Some(ended) => {
            let good = ended.outcome == "exited" && ended.code == 0;
            out.raw(if good { "<b class=\"pill good\">" } else { "<b class=\"pill bad\">" });
            out.text(&how(ended)).raw("</b>");
            if let Some(message) = &ended.message {
                out.raw(" ").text(message.lines().next().unwrap_or_default());
            }
        }
        None if report.sound.state == "running" => {
            out.raw("<b class=\"pill live\">runs</b> what follows is what happened so far");
        }
        None => {
            out.raw("<b class=\"pill bad\">no end recorded</b> the session crashed, or its log was cut");
        }
    }
}

fn how(ended: &SessionEnded) -> String {
    match (ended.outcome.as_str(), ended.signal) {
        ("signalled", Some(signal)) => format!("ended by signal {signal}"),
        (outcome, _) => format!("{outcome} {}", ended.code),
    }
}

/// What is wrong with the log, so large that nobody overlooks it.
fn problem(report: &Report, out: &mut Markup) {
    let Some(problem) = report.sound.problem.as_ref().filter(|_| report.sound.state == "bad") else { return };
    out.raw("<div class=\"alarm\" role=\"alert\"><strong>The log is not what was written.</strong> ")
        .text(problem);
    out.raw(" Only the ").grouped(report.sound.records).raw(" records before that are shown.</div>");
}

fn tiles(report: &Report, out: &mut Markup) {
    let story = &report.story;
    let lasted = match (&story.ended, story.span) {
        (Some(ended), _) => {
            duration(i64::try_from(ended.milliseconds).unwrap_or(i64::MAX).saturating_mul(1000))
        }
        (None, Some((first, last))) => duration(last.micros() - first.micros()),
        (None, None) => "–".into(),
    };
    let (sent, received) = story.hosts.values().fold((0_u64, 0_u64), |(up, down), host| {
        (up.saturating_add(host.sent), down.saturating_add(host.received))
    });
    let changed = story.files.count().max(report.changes.files.len() as u64 + report.changes.more as u64);
    out.raw("<ul class=\"tiles\">");
    tile("#timeline", "lasted", &lasted, false, out);
    tile("#refused", "refused", &grouped(story.denials.count()), story.denials.count() > 0, out);
    tile("#files", "files changed", &grouped(changed), false, out);
    tile("#processes", "processes", &grouped(story.processes.count()), false, out);
    tile("#network", "hosts", &grouped(story.hosts.len() as u64), false, out);
    tile("#network", "sent", &bytes(sent), false, out);
    tile("#network", "received", &bytes(received), false, out);
    tile("#events", "events", &grouped(story.rows.count()), false, out);
    out.raw("</ul>");
}

fn tile(link: &'static str, name: &'static str, value: &str, warn: bool, out: &mut Markup) {
    out.raw(if warn { "<li class=\"warned\"><a href=\"" } else { "<li><a href=\"" }).raw(link).raw("\"><b>");
    out.text(value).raw("</b> <span>").raw(name).raw("</span></a></li>");
}

pub(super) fn assurance(report: &Report, out: &mut Markup) {
    out.raw("<section id=\"assurance\" aria-labelledby=\"assurance-h\"><h2 id=\"assurance-h\">What held</h2><div class=\"columns\">");
    if let Some(started) = &report.story.started {
        gaps(&started.gaps, out);
        facts(started, out);
    } else {
        out.raw("<p class=\"none\">The log does not tell how the session started.</p>");
    }
    log(report, out);
    out.raw("</div></section>");
}

fn gaps(gaps: &[Gap], out: &mut Markup) {
    out.raw("<div><h3>Assurance</h3>");
    if gaps.is_empty() {
        out.raw("<p><b class=\"pill good\">enforced</b> Every clause of the policy was enforced.</p></div>");
        return;
    }
    out.raw(
        "<p>These gaps were accepted. Everything else in the policy was enforced.</p><ul class=\"gaps\">",
    );
    for gap in gaps {
        out.raw("<li><code>").text(&gap.gap).raw("</code> <b class=\"warn\">").text(&gap.status).raw("</b> ");
        out.text(&gap.detail)
            .raw(" <span class=\"meta\">clauses of the policy: ")
            .grouped(gap.clauses as u64);
        out.raw("</span></li>");
    }
    out.raw("</ul></div>");
}

fn facts(started: &SessionStarted, out: &mut Markup) {
    let machine = &started.machine;
    out.raw("<div><h3>Policy and machine</h3><dl>");
    fact("profile", &started.profile, out);
    fact("policy (SHA-256)", &started.policy, out);
    fact("tier", &started.tier, out);
    fact("workspace", &started.workspace, out);
    if started.directory != started.workspace {
        fact("directory", &started.directory, out);
    }
    if let Some(agent) = &started.agent {
        fact("agent", agent, out);
    }
    fact("kernel", &format!("{} {}", machine.kernel, machine.arch), out);
    // What only Linux has is told of Linux alone.
    if let Some(user) = machine.user {
        let landlock =
            if machine.landlock == 0 { "not there".into() } else { format!("ABI {}", machine.landlock) };
        fact("Landlock", &landlock, out);
        fact("supervision", if machine.supervision { "yes" } else { "no" }, out);
        fact("user", &user.to_string(), out);
    }
    if let Some(sid) = &machine.sid {
        fact("user", sid, out);
    }
    fact("garth", &started.garth, out);
    out.raw("</dl></div>");
}

fn fact(name: &'static str, value: &str, out: &mut Markup) {
    out.raw("<div><dt>").raw(name).raw("</dt><dd><code>").text(value).raw("</code></dd></div>");
}

/// What a check of the log said, and what the session used.
fn log(report: &Report, out: &mut Markup) {
    let sound = &report.sound;
    out.raw("<div><h3>The log</h3><p>");
    out.raw(match sound.state {
        "complete" => "<b class=\"pill good\">sound</b> The chain of hashes holds from the first record to the end of the session.",
        "running" => "<b class=\"pill live\">sound so far</b> The session still runs.",
        "bad" => "<b class=\"pill bad\">changed</b> The log is not what was written.",
        _ => "<b class=\"pill warned\">no end</b> The chain holds, and ends before the session does.",
    });
    out.raw("</p><dl>");
    fact("sound records", &grouped(sound.records), out);
    if let Some(head) = &sound.head {
        fact("last hash", head, out);
    }
    if let Some(problem) = &sound.problem {
        fact("problem", problem, out);
    }
    if let Some((first, last)) = report.story.span {
        fact("first record", &first.to_string(), out);
        fact("last record", &last.to_string(), out);
    }
    if let Some(required) = report.story.started.as_ref().map(|started| started.required) {
        fact("required by the policy", if required { "yes" } else { "no" }, out);
    }
    let usage = report.story.ended.as_ref().and_then(|ended| ended.usage);
    if let Some(usage) = usage {
        let time = |millis: u64| duration(i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000));
        fact("processor", &format!("{} own, {} kernel", time(usage.user), time(usage.system)), out);
        fact("most memory of a process", &bytes(usage.memory), out);
    }
    out.raw("</dl></div>");
}
