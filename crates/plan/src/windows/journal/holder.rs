//! Who has a sandbox in a workspace, for whoever else wants one there.
//!
//! Two sandboxes in one workspace would share names that are taken, which go with the first: what the second relies on
//! would be gone. So the second one is refused, before anything is changed.

use garth_policy::AbsPath;

/// The holder of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process, for people: the number may be another's later.
    pub process: u32,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// The workspace.
    pub workspace: AbsPath,
}

/// The first line of the text.
const FORM: &str = "garth holder 1";

/// The longest text that is read, in bytes.
pub const LONGEST: u64 = 256 << 10;

impl Holder {
    /// The text that stands beside a session's record.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{FORM}\n{}\n{}\n{}\n", self.process, self.since, self.workspace.to_lossless())
    }

    /// Reads the text; `None` for what is not understood.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut lines = core::str::from_utf8(text).ok()?.strip_suffix('\n')?.split('\n');
        let (FORM, process, since) = (lines.next()?, lines.next()?, lines.next()?) else { return None };
        let workspace = AbsPath::from_lossless(lines.next()?).ok()?;
        let holder = Self { process: process.parse().ok()?, since: since.parse().ok()?, workspace };
        lines.next().is_none().then_some(holder)
    }

    /// Whether a sandbox in this workspace would share something with the holder's: it is the same, or one lies in the
    /// other.
    #[must_use]
    pub fn is_in_the_way_of(&self, workspace: &AbsPath) -> bool {
        self.workspace.starts_with(workspace) || workspace.starts_with(&self.workspace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(workspace: &str) -> Holder {
        Holder { process: 4711, since: 1_790_000_000, workspace: AbsPath::windows(workspace).unwrap() }
    }

    #[test]
    fn a_text_is_read_whole_or_not_at_all() {
        let one = holder(r"C:\Users\山田太郎\計画");
        let text = one.to_text();
        assert_eq!(Holder::read(text.as_bytes()), Some(one));
        for at in 0..text.len() {
            assert_eq!(Holder::read(&text.as_bytes()[..at]), None, "cut at {at}");
        }
        for bad in [
            "",
            "\0\0\0",
            "garth holder 2\n1\n2\nC:\\w\n",
            "garth holder 1\n-1\n2\nC:\\w\n",
            "garth holder 1\n1\n2\nw\n",
        ] {
            assert_eq!(Holder::read(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Holder::read(format!("{text}more\n").as_bytes()), None);
    }

    #[test]
    fn what_overlaps_is_in_the_way() {
        let table = [
            (r"C:\w", true),
            (r"c:\W", true),
            (r"C:\w\inner", true),
            (r"C:\", true),
            (r"C:\ww", false),
            (r"C:\other", false),
            (r"D:\w", false),
        ];
        for (workspace, expected) in table {
            let other = AbsPath::windows(workspace).unwrap();
            assert_eq!(holder(r"C:\w").is_in_the_way_of(&other), expected, "{workspace}");
        }
    }
}
