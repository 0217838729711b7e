//! The journal of putting changes in place: written before anything is changed, so that what was interrupted goes on.
//!
//! One JSON object a line: what was begun, then each name that is done, then the end. Each step comes to the same if it is
//! done twice, so a line that was lost costs nothing. A last line that was cut short is one of these.

use crate::Time;
use garth_policy::AbsPath;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was begun, and what the user had said by then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The tree, by its place in the layer's list.
    pub tree: usize,
    /// The names that are put in place.
    pub paths: BTreeSet<AbsPath>,
    /// Those whose counterpart outside is overwritten although it was changed.
    #[serde(default)]
    pub overwrite: BTreeSet<AbsPath>,
    /// The checkpoint of what stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// Those that get a text that both sides were put together to, by its number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub merged: BTreeMap<AbsPath, u64>,
    /// The times that directories are to have in the end. What was put in place tells nothing of them any more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub times: BTreeMap<AbsPath, Time>,
    /// The modes that directories are to have in the end, which are open to their owner meanwhile.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modes: BTreeMap<AbsPath, u32>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// What is begun.
    Begun(Begun),
    /// A name is about to be changed.
    Now(AbsPath),
    /// All is done.
    Ended,
}

impl Line {
    /// The line as text, with its end.
    #[must_use]
    pub fn text(&self) -> String {
        // Paths and numbers always have a form in JSON.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// What was interrupted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// What was begun.
    pub begun: Begun,
    /// Names that may have been changed by it.
    pub touched: BTreeSet<AbsPath>,
}

/// Reads a journal; `None` if nothing was interrupted.
///
/// # Errors
/// The number of a line that is not understood, counted from one. The last may be cut short.
pub fn read_pending(text: &[u8]) -> Result<Option<Pending>, usize> {
    let mut pending: Option<Pending> = None;
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(whole) = line.strip_suffix(b"\n") else { break };
        match serde_json::from_slice::<Line>(whole).map_err(|_| number + 1)? {
            // One that goes on with what was interrupted before: what that one had half done is still so.
            Line::Begun(begun) => {
                let mut touched = pending.take().map(|earlier| earlier.touched).unwrap_or_default();
                touched.retain(|path| begun.paths.contains(path));
                pending = Some(Pending { begun, touched });
            }
            Line::Now(path) => {
                pending.as_mut().ok_or(number + 1)?.touched.insert(path);
            }
            Line::Ended => pending = None,
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_cut_anywhere_is_understood() {
        let path = |text: &str| AbsPath::posix(text.as_bytes()).unwrap();
        let begun = Begun {
            paths: [path("/a"), path("/\u{7}b")].into(),
            merged: [(path("/a"), 7)].into(),
            checkpoint: Some("abc".into()),
            times: [(path("/d"), Time { seconds: 1, nanos: 5 })].into(),
            modes: [(path("/d"), 0o555)].into(),
            ..Begun::default()
        };
        let lines =
            [Line::Begun(begun.clone()), Line::Now(path("/a")), Line::Now(path("/\u{7}b")), Line::Ended];
        let text: String = lines.iter().map(Line::text).collect();
        for cut in 0..=text.len() {
            let whole = text[..cut].matches('\n').count();
            let pending = read_pending(&text.as_bytes()[..cut]).unwrap();
            assert_eq!(pending.is_some(), (1..4).contains(&whole), "{cut}");
            if let Some(pending) = pending {
                assert_eq!((pending.begun, pending.touched.len()), (begun.clone(), whole - 1));
            }
        }
        // What goes on knows what was touched before, of what it speaks of itself, until the end of it.
        let rest = Begun { paths: [path("/a")].into(), ..Begun::default() };
        let again = |lines: &[Line]| {
            let text: String = lines.iter().map(Line::text).collect();
            read_pending(text.as_bytes()).unwrap().map(|pending| pending.touched)
        };
        assert_eq!(again(&[&lines[..3], &[Line::Begun(rest.clone())]].concat()), Some([path("/a")].into()));
        assert_eq!(again(&[&lines[..], &[Line::Begun(rest)]].concat()), Some(BTreeSet::new()));
        assert_eq!(read_pending(b"{}\n"), Err(1));
        assert_eq!(read_pending(b"\"ended\"\n{\"now\":\"/a\"}\n"), Err(2));
    }
}
