//! An event in one line of words. Whatever came from inside is neutralised.

use garth::log::core::{
    Change, Clause, CommandVetted, Event, Grant, NetworkAllowed, NetworkDecided, NetworkDenied, SecretUsed,
    SecretWithheld, visible,
};
use garth::shell_word;

/// Longest line of words that is shown.
const LONGEST: usize = 400;

/// The event in words.
pub fn line(event: &Event) -> String {
    let text = visible(&words(event));
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(" ...".chars()).collect()
}

/// A command line as a shell would read it. Its words are safe to show already.
pub fn command(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| shell_word(word.as_bytes())).collect();
    quoted.join(" ")
}

fn words(event: &Event) -> String {
    match event {
        Event::SessionStarted(started) => {
            let agent = started.agent.as_ref().map_or_else(String::new, |agent| format!(" for {agent}"));
            format!("started{agent} in {}: {}", started.workspace, command(&started.command))
        }
        Event::PlanChanged(changed) => format!("tier {} now: {}", changed.tier, changed.reason),
        Event::SessionEnded(ended) => {
            let why = ended.message.as_ref().map_or_else(String::new, |why| format!(": {}", first_line(why)));
            let time = seconds(ended.milliseconds);
            format!("{} with {} after {time}{why}", ended.outcome, ended.code)
        }
        Event::CommandVetted(vetted) => vetted_words(vetted),
        Event::ProcessStarted(started) => {
            let number = started.process.map_or_else(String::new, |number| format!("{number} "));
            format!("{number}started {}", command(&started.command))
        }
        Event::ProcessEnded(ended) => {
            let number = ended.process.map_or_else(String::new, |number| format!("{number} "));
            match (ended.code, ended.signal) {
                (_, Some(signal)) => format!("{number}ended by signal {signal}"),
                (Some(code), None) => format!("{number}exited with {code}"),
                (None, None) => format!("{number}ended"),
            }
        }
        Event::FileDenied(denied) => {
            let kind = denied.kind.as_ref().map_or_else(String::new, |kind| format!(" {kind}"));
            format!("{}: {}{kind} {}: {}", denied.program, denied.operation, denied.path, denied.reason)
        }
        Event::FileChanged(changed) => {
            let look = changed.protected.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            match (&changed.change, &changed.from) {
                (Change::Renamed, Some(from)) => format!("renamed {from} to {}{look}", changed.path),
                (change, _) => format!("{} {}{look}", format!("{change:?}").to_lowercase(), changed.path),
            }
        }
        Event::RepositoryMade(made) => format!("{} became a git repository", made.path),
        Event::CheckpointMade(made) => {
            format!("{} holds {} names, {} left out", made.checkpoint, made.entries, made.left_out)
        }
        Event::LayerKept(kept) => format!("{} changes {} names", kept.layer, kept.changes),
        Event::NetworkAllowed(NetworkAllowed(decided)) | Event::NetworkDenied(NetworkDenied(decided)) => {
            network_words(decided)
        }
        Event::NetworkClosed(closed) => format!(
            "{}:{} closed: {} bytes sent, {} received, {}",
            closed.host,
            closed.port,
            closed.sent,
            closed.received,
            seconds(closed.milliseconds)
        ),
        Event::Dns(asked) => {
            let answer = if asked.allowed { "answered" } else { "refused" };
            format!("{} {answer}: {}", host(asked.host.as_ref()), asked.reason)
        }
        other => rest(other),
    }
}

fn rest(event: &Event) -> String {
    match event {
        Event::SecretUsed(SecretUsed(used)) => {
            let place = used.place.as_ref().map_or_else(String::new, |place| format!("the {place} of "));
            let host = host(used.host.as_ref());
            format!("{} was put into {place}a request to {host}:{}", used.secret, used.port)
        }
        Event::SecretWithheld(SecretWithheld(kept)) => {
            let place = kept.place.as_ref().map_or_else(String::new, |place| format!(", in its {place}"));
            let why = kept.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{} was kept from {}:{}{place}{why}", kept.secret, host(kept.host.as_ref()), kept.port)
        }
        Event::ApprovalAsked(asked) => format!("{}? {}", asked_words(&asked.asked), asked.reason),
        Event::ApprovalAnswered(answered) => format!("{}: {}", asked_words(&answered.asked), answered.answer),
        Event::LimitHit(hit) => {
            format!("{}{}", hit.limit, if hit.ended { ", which ended it" } else { "" })
        }
        Event::ResidueCleaned(cleaned) => format!("removed {}", cleaned.path),
        Event::BrokerError(error) => format!("could not {}: {}", error.operation, error.cause),
        Event::EventsOmitted(omitted) => format!("{} of {} are not recorded", omitted.count, omitted.kind),
        Event::LogContinued(next) => format!("goes on in {}", next.file),
        Event::LogHead(before) => format!("continues {}", before.file),
        Event::ListClosed(closed) => {
            let more = if closed.more > 0 { format!(", and {} more", closed.more) } else { String::new() };
            let missing = closed.missing.as_ref();
            let missing =
                missing.map_or_else(|| "; that is all".to_owned(), |what| format!("; not seen: {what}"));
            format!("{}: {} told{more}{missing}", closed.list, closed.told)
        }
        Event::LogRemoved(removed) => {
            format!("removed the log of {}, {} bytes: {}", removed.log, removed.bytes, removed.reason)
        }
        Event::LogRecovered(recovered) => match &recovered.file {
            Some(file) => format!("{} bytes that were no record are in {file}", recovered.bytes),
            None => "the session had died; closed".to_owned(),
        },
        _ => String::new(),
    }
}

fn vetted_words(vetted: &CommandVetted) -> String {
    let verdict = if vetted.allowed { "allowed" } else { "denied" };
    format!("{}: {verdict} {}: {}", vetted.program, command(&vetted.command), vetted.reason)
}

fn network_words(decided: &NetworkDecided) -> String {
    let request = match (&decided.method, &decided.path) {
        (Some(method), Some(path)) => format!(" {method} {path}"),
        _ => String::new(),
    };
    let port = if decided.port == 0 { String::new() } else { format!(":{}", decided.port) };
    format!("{}{port}{request}: {}", host(decided.host.as_ref()), decided.reason)
}

/// What is asked for.
pub fn asked_words(asked: &garth::log::core::Asked) -> String {
    match (&asked.command, &asked.host, asked.port) {
        (Some(words), ..) => command(words),
        (None, Some(host), Some(port)) => format!("{host}:{port}"),
        _ => asked.kind.clone(),
    }
}

fn host(host: Option<&String>) -> &str {
    host.map_or("what is no host", String::as_str)
}

/// Clause, grant and hint of an event, where it has them.
pub fn said(event: &Event) -> (Option<&Clause>, Option<&Grant>, Option<&str>) {
    match event {
        Event::FileDenied(denied) => {
            (denied.origin.as_ref(), denied.grant.as_ref(), Some(denied.hint.as_str()))
        }
        Event::CommandVetted(vetted) => (vetted.origin.as_ref(), None, None),
        Event::Dns(asked) => (asked.origin.as_ref(), asked.grant.as_ref(), None),
        Event::NetworkAllowed(NetworkAllowed(decided)) | Event::NetworkDenied(NetworkDenied(decided)) => {
            (decided.origin.as_ref(), decided.grant.as_ref(), None)
        }
        _ => (None, None, None),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A time in seconds, for people.
pub fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}
