//! Who has a sandbox in a workspace, for whoever else wants one there.
//!
//! Under the same policy the second one shares what was made for the first ([`super::sharing`]); any other is refused, before
//! anything is changed.

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
    /// What another sandbox needs to share it; `None` for one that is shared by nobody.
    pub shared: Option<Box<Shared>>,
}

/// What a sandbox tells those that share its workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// When its process began, in the system's units of 100 nanoseconds since 1601: with the number it names one process for ever.
    pub began: u64,
    /// What policy and tier come to: who has the same may share.
    pub likeness: String,
    /// Placeholders that go with their last handle, and the numbers of its handles.
    pub lent: Vec<(u64, AbsPath)>,
}

/// The first line of the text; the other one is of a sandbox that nobody shares.
const FORM: &str = "garth holder 2";
const ALONE: &str = "garth holder 1";

/// The longest text that is read, in bytes.
pub const LONGEST: u64 = 256 << 10;

impl Holder {
    /// The text that stands beside a session's record.
    #[must_use]
    pub fn to_text(&self) -> String {
        let form = if self.shared.is_some() { FORM } else { ALONE };
        let mut text =
            format!("{form}\n{}\n{}\n{}\n", self.process, self.since, self.workspace.to_lossless());
        if let Some(Shared { began, likeness, lent }) = self.shared.as_deref() {
            text.push_str(&format!("{began}\n{likeness}\n{}\n", lent.len()));
            lent.iter().for_each(|(number, path)| {
                text.push_str(&format!("{number} {}\n", path.to_lossless()));
            });
        }
        text
    }

    /// Reads the text; `None` for what is not understood.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut lines = core::str::from_utf8(text).ok()?.strip_suffix('\n')?.split('\n');
        let form = lines.next().filter(|form| [FORM, ALONE].contains(form))?;
        let (process, since) = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?);
        let workspace = AbsPath::from_lossless(lines.next()?).ok()?;
        let shared = if form == FORM { Some(Box::new(Shared::read(&mut lines)?)) } else { None };
        lines.next().is_none().then_some(Self { process, since, workspace, shared })
    }

    /// Whether a sandbox of this likeness in this workspace may share it.
    #[must_use]
    pub fn is_shared_by(&self, workspace: &AbsPath, likeness: &str) -> bool {
        self.workspace == *workspace && self.shared.as_ref().is_some_and(|shared| shared.likeness == likeness)
    }

    /// Whether a sandbox in this workspace would share something with the holder's: it is the same, or one lies in the
    /// other.
    #[must_use]
    pub fn is_in_the_way_of(&self, workspace: &AbsPath) -> bool {
        self.workspace.starts_with(workspace) || workspace.starts_with(&self.workspace)
    }
}

impl Shared {
    fn read<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Option<Self> {
        let (began, likeness) = (lines.next()?.parse().ok()?, lines.next()?.to_owned());
        let count: usize = lines.next()?.parse().ok()?;
        let mut lent = Vec::new();
        for _ in 0..count {
            let (number, path) = lines.next()?.split_once(' ')?;
            lent.push((number.parse().ok()?, AbsPath::from_lossless(path).ok()?));
        }
        Some(Self { began, likeness, lent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(workspace: &str) -> Holder {
        let workspace = AbsPath::windows(workspace).unwrap();
        Holder { process: 4711, since: 1_790_000_000, workspace, shared: None }
    }

    fn shared(workspace: &str) -> Holder {
        let lent = [(64, ".claude"), (u64::MAX, "計画 b")];
        let one = holder(workspace);
        let lent = lent.map(|(number, name)| (number, one.workspace.join(name.as_bytes()).unwrap())).to_vec();
        Holder { shared: Some(Box::new(Shared { began: 7, likeness: "ab12".into(), lent })), ..one }
    }

    #[test]
    fn a_text_is_read_whole_or_not_at_all() {
        for one in [holder(r"C:\Users\山田太郎\計画"), shared(r"C:\Users\山田太郎\計画")] {
            let text = one.to_text();
            assert_eq!(Holder::read(text.as_bytes()), Some(one));
            for at in 0..text.len() {
                assert_eq!(Holder::read(&text.as_bytes()[..at]), None, "cut at {at}");
            }
            assert_eq!(Holder::read(format!("{text}more\n").as_bytes()), None);
        }
        for bad in [
            "",
            "\0\0\0",
            "garth holder 2\n1\n2\nC:\\w\n",
            "garth holder 2\n1\n2\nC:\\w\n3\nab\n99999999999\n",
            "garth holder 3\n1\n2\nC:\\w\n",
            "garth holder 1\n-1\n2\nC:\\w\n",
            "garth holder 1\n1\n2\nw\n",
        ] {
            assert_eq!(Holder::read(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn only_the_same_shares() {
        let (one, other) = (shared(r"C:\w"), AbsPath::windows(r"C:\w\inner").unwrap());
        assert!(one.is_shared_by(&AbsPath::windows(r"c:\W").unwrap(), "ab12"));
        assert!(!one.is_shared_by(&one.workspace, "ab13"));
        assert!(!one.is_shared_by(&other, "ab12"));
        assert!(!holder(r"C:\w").is_shared_by(&one.workspace, "ab12"));
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
