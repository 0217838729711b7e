//! The report of a session as one page: data in, text out. Nothing in it is fetched, and nothing from inside the sandbox is
//! markup ([`markup::Markup`]).

mod activity;
mod changes;
mod events;
mod lane;
mod markup;
mod model;
mod overview;
mod page;
mod processes;
mod refused;
#[cfg(test)]
mod style_tests;
mod timeline;

#[cfg(test)]
mod tests;

pub use changes::{ChangedFile, Changes};
pub use markup::{bytes, duration};
pub use model::Story;
pub use page::page;

/// What a check of the log said.
#[derive(Debug)]
pub struct Sound {
    /// `complete`, `running`, `open` or `bad`.
    pub state: &'static str,
    /// Sound records from the start.
    pub records: u64,
    /// Hash of the last of them.
    pub head: Option<String>,
    /// What is wrong, and where.
    pub problem: Option<String>,
}

/// All that a page tells.
#[derive(Debug)]
pub struct Report {
    /// Name of the session.
    pub session: String,
    /// Version of the garth that writes the page.
    pub garth: &'static str,
    /// When it is written.
    pub written: String,
    /// What a check of the log said.
    pub sound: Sound,
    /// What the records say.
    pub story: Story,
    /// What the session changed, as far as it can still be seen.
    pub changes: Changes,
}

/// Tells what of a list the log does not have: `processes`, `changes` or `reads`.
fn missing(report: &Report, list: &str, out: &mut markup::Markup) {
    let closed = report.story.closed.iter().filter(|closed| closed.list == list && !closed.complete);
    for closed in closed {
        out.raw("<p class=\"note\">Not all of it is in the log");
        if closed.more > 0 {
            out.raw(": ").grouped(closed.more).raw(" more happened");
        }
        if let Some(missing) = &closed.missing {
            out.raw(": ").text(missing);
        }
        out.raw(".</p>");
    }
}
