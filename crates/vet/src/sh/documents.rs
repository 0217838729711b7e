//! Here-documents.

use super::cursor::{Announced, Parsed, Parser, Places};
use super::tree::Piece;

impl Parser<'_> {
    /// The body of an announced here-document, which starts here.
    pub(super) fn document(&mut self, announced: &Announced) -> Parsed<()> {
        let start = self.at;
        let (end, stripped) = self.document_lines(announced)?;
        let after = std::mem::replace(&mut self.at, end);
        let span = self.span(start);
        self.at = after;
        let raw = self.text.get(start..end).unwrap_or_default();
        let text = if announced.strips_tabs { stripped.as_str() } else { raw };
        let pieces = if announced.is_quoted {
            vec![Piece::Quoted(text.to_owned())]
        } else {
            let places = if announced.strips_tabs { Places::At(span) } else { self.places_from(start) };
            self.quoted_text(text, places)?
        };
        if let Some(document) = self.documents.get_mut(announced.number) {
            document.pieces = pieces;
            document.span = span;
        }
        Ok(())
    }

    /// Moves behind the delimiter. Where the body ends, and the body without the tabs at the start of its lines if
    /// they are to be stripped.
    fn document_lines(&mut self, announced: &Announced) -> Parsed<(usize, String)> {
        let mut stripped = String::new();
        let mut is_continued = false;
        loop {
            let start = self.at;
            let rest = self.text.get(start..).unwrap_or_default();
            if rest.is_empty() {
                return Ok((start, stripped));
            }
            let line = rest.split('\n').next().unwrap_or_default();
            self.at = (start + line.len() + 1).min(self.text.len());
            let shown = if announced.strips_tabs { line.trim_start_matches('\t') } else { line };
            if shown == announced.delimiter && !is_continued {
                return Ok((start, stripped));
            }
            let goes_on = !announced.is_quoted && ends_in_backslash(line);
            if goes_on && !is_continued && ends_over_lines(rest, announced) {
                return self.stop("the end of a here-document is written over several lines");
            }
            is_continued = goes_on;
            if announced.strips_tabs {
                stripped.push_str(shown);
                stripped.push('\n');
            }
        }
    }
}

/// True if the line goes on in the next: its last backslash is not itself escaped.
fn ends_in_backslash(line: &str) -> bool {
    let kept = line.trim_end_matches('\\');
    (line.len() - kept.len()) % 2 == 1
}

/// True if this line, joined with the next ones, is the delimiter: bash takes it for the end, other shells do not.
fn ends_over_lines(rest: &str, announced: &Announced) -> bool {
    let longest = 4 * announced.delimiter.len() + 64;
    let near = rest.as_bytes().get(..longest).unwrap_or(rest.as_bytes());
    let joined = String::from_utf8_lossy(near).replace("\\\n", "");
    let shown = if announced.strips_tabs { joined.trim_start_matches('\t') } else { &joined };
    shown.split('\n').next() == Some(announced.delimiter.as_str())
}
