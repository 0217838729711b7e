//! What a session changed in files: what its log says, and the differences that can still be seen.

use super::markup::{Markup, bytes};
use super::{Report, missing};
use garth::log::core::{Change, FileChanged};
use garth::policy::escape_visible;

/// What a line of a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Where the next lines stand.
    Place,
    /// The line stays.
    Same,
    /// The line is new.
    Added,
    /// The line goes.
    Removed,
}

/// A changed file whose difference can still be seen.
#[derive(Debug)]
pub struct ChangedFile {
    /// Its name, made safe to show.
    pub name: String,
    /// What became of it, in a word.
    pub what: &'static str,
    /// Lines that are new, and that went.
    pub counts: (usize, usize),
    /// What else there is to say: a conflict, or why it needs a yes of its own.
    pub remark: Option<String>,
    /// The difference, as far as it is shown.
    pub lines: Vec<(Sign, String)>,
    /// Lines that are not shown.
    pub more: usize,
}

/// What can still be seen of the changes.
#[derive(Debug, Default)]
pub struct Changes {
    /// Where it was looked at, in a sentence; or why it was not.
    pub source: Option<String>,
    /// The files.
    pub files: Vec<ChangedFile>,
    /// Files that are not shown.
    pub more: usize,
}

/// Most lines of one difference.
const LINES: usize = 400;
/// Most bytes of all differences.
const BYTES: usize = 2 << 20;
/// Most files with a difference.
const FILES: usize = 500;
/// Most letters of one line.
const LETTERS: usize = 500;

impl Changes {
    /// Adds a file with its difference; what goes beyond the bounds is counted.
    pub fn add(&mut self, mut file: ChangedFile, lines: &[(char, Vec<u8>)]) {
        if self.files.len() >= FILES {
            self.more += 1;
            return;
        }
        let used: usize = self.files.iter().map(ChangedFile::bytes).sum();
        let mut left = BYTES.saturating_sub(used);
        for (sign, line) in lines {
            let sign = match sign {
                '@' => Sign::Place,
                '+' => Sign::Added,
                '-' => Sign::Removed,
                _ => Sign::Same,
            };
            let text = plain(line);
            if file.lines.len() >= LINES || text.len() > left {
                break;
            }
            left -= text.len();
            file.lines.push((sign, text));
        }
        file.more = lines.len() - file.lines.len();
        self.files.push(file);
    }
}

impl ChangedFile {
    fn bytes(&self) -> usize {
        self.lines.iter().map(|(_, text)| text.len()).sum()
    }
}

/// A line of a file: tabs stay, everything else that is no plain letter is escaped.
fn plain(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = line.split(|byte| *byte == b'\t').map(escape_visible).collect::<Vec<_>>().join("    ");
    match text.char_indices().nth(LETTERS) {
        None => text,
        Some((end, _)) => format!("{} … [{} bytes more]", &text[..end], text.len() - end),
    }
}

pub(super) fn section(report: &Report, out: &mut Markup) {
    let (story, changes) = (&report.story, &report.changes);
    out.raw("<section id=\"files\" aria-labelledby=\"files-h\"><h2 id=\"files-h\">Files changed</h2>");
    if let Some(source) = &changes.source {
        out.raw("<p class=\"note\">").text(source).raw("</p>");
    }
    if story.files.list.is_empty() && changes.files.is_empty() {
        out.raw("<p class=\"none\">The log tells of no changed file.</p>");
    }
    for file in &changes.files {
        difference(file, out);
    }
    if changes.more > 0 {
        out.raw("<p class=\"note\">").grouped(changes.more as u64).raw(" more files are not shown.</p>");
    }
    missing(report, "changes", out);
    if !story.files.list.is_empty() {
        recorded(&story.files.list, story.files.more, out);
    }
    out.raw("</section>");
}

fn difference(file: &ChangedFile, out: &mut Markup) {
    let (added, removed) = file.counts;
    out.raw("<details class=\"file\"><summary><span class=\"what\">").text(file.what);
    out.raw("</span> <code>").text(&file.name).raw("</code>");
    if added + removed > 0 {
        out.raw(" <span class=\"plus\">+").grouped(added as u64).raw("</span> <span class=\"minus\">−");
        out.grouped(removed as u64).raw("</span>");
    }
    if let Some(remark) = &file.remark {
        out.raw(" <strong class=\"warn\">").text(remark).raw("</strong>");
    }
    out.raw("</summary>");
    if file.lines.is_empty() {
        out.raw("<p class=\"none\">There is no text to compare.</p>");
    } else {
        out.raw("<pre class=\"diff\" tabindex=\"0\" role=\"group\" aria-label=\"Difference\">");
        for (sign, line) in &file.lines {
            let (open, close) = match sign {
                Sign::Place => ("<span class=\"at\">", "</span>\n"),
                Sign::Same => ("<span> ", "</span>\n"),
                Sign::Added => ("<ins>+", "</ins>\n"),
                Sign::Removed => ("<del>-", "</del>\n"),
            };
            out.raw(open).text(line).raw(close);
        }
        out.raw("</pre>");
    }
    if file.more > 0 {
        out.raw("<p class=\"note\">").grouped(file.more as u64).raw(" more lines are not shown.</p>");
    }
    out.raw("</details>");
}

/// What the log itself says.
fn recorded(files: &[FileChanged], more: u64, out: &mut Markup) {
    out.raw(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table class=\"filtered\"><caption>As the log tells it</caption><thead><tr>\
         <th scope=\"col\">what</th><th scope=\"col\">file</th><th scope=\"col\" class=\"num\">size</th></tr></thead><tbody>",
    );
    for file in files {
        let what = match file.change {
            Change::Created => "created",
            Change::Modified => "modified",
            Change::Deleted => "deleted",
            Change::Renamed => "renamed",
        };
        out.raw("<tr><td>").raw(what).raw("</td><th scope=\"row\"><code>").text(&file.path).raw("</code>");
        if let Some(from) = &file.from {
            out.raw(" from <code>").text(from).raw("</code>");
        }
        if let Some(why) = &file.protected {
            out.raw(" <strong class=\"warn\">").text(why).raw("</strong>");
        }
        out.raw("</th><td class=\"num\">").text(&file.bytes.map(bytes).unwrap_or_default()).raw("</td></tr>");
    }
    out.raw("</tbody></table></div>");
    if more > 0 {
        out.raw("<p class=\"note\">").grouped(more).raw(" more files are in the log.</p>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ChangedFile {
        ChangedFile {
            name: "a".into(),
            what: "changed",
            counts: (1, 0),
            remark: None,
            lines: Vec::new(),
            more: 0,
        }
    }

    #[test]
    fn differences_are_bounded_and_what_is_missing_is_counted() {
        let mut changes = Changes::default();
        let many = vec![('+', b"x\n".to_vec()); LINES + 7];
        changes.add(file(), &many);
        assert_eq!((changes.files[0].lines.len(), changes.files[0].more), (LINES, 7));
        let wide = vec![('+', vec![b'y'; 100_000]); LINES];
        for _ in 0..FILES + 2 {
            changes.add(file(), &wide);
        }
        let bytes: usize = changes.files.iter().map(ChangedFile::bytes).sum();
        assert!(bytes <= BYTES, "{bytes}");
        assert_eq!((changes.files.len(), changes.more), (FILES, 3));
    }

    #[test]
    fn lines_of_files_are_plain_letters() {
        assert_eq!(plain(b"\ta\x1b[2Jb\xff\n"), "    a\\x1b[2Jb\\xff");
    }
}
