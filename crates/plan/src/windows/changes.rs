//! Which files changed, by what the system says of a directory while a command runs.
//!
//! Source: documentation of `ReadDirectoryChangesW` and `FILE_NOTIFY_INFORMATION`. The system tells what was done; a log
//! tells what is different in the end. So a file that was made and removed again is none of the changes, and one that
//! was removed and made again is a changed one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What was done to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was made, or moved here from outside.
    Added,
    /// It was removed, or moved away.
    Removed,
    /// Content, size, times, attributes or protection changed.
    Modified,
    /// It has another name from now on, which the next notice tells.
    RenamedFrom,
    /// That other name.
    RenamedTo,
}

/// One notice of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What was done.
    pub action: Action,
    /// The name below the directory, as units of UTF-16; it may be no Unicode.
    pub name: Vec<u16>,
}

/// Notices that are not what the system is documented to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnderstood;

/// Reads a list of `FILE_NOTIFY_INFORMATION`: offset of the next, action, length of the name in bytes, name.
///
/// # Errors
/// A list that is cut off, or whose offsets do not go forward.
pub fn notices(bytes: &[u8]) -> Result<Vec<Notice>, NotUnderstood> {
    const HEAD: usize = 12;
    let mut found = Vec::new();
    let mut rest = bytes;
    loop {
        let (head, after) = rest.split_first_chunk::<HEAD>().ok_or(NotUnderstood)?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let length = usize::try_from(number(8)).map_err(|_| NotUnderstood)?;
        let name = after.get(..length).filter(|_| length % 2 == 0).ok_or(NotUnderstood)?;
        found.push(Notice { action: action(number(4)), name: units(name) });
        match usize::try_from(number(0)).map_err(|_| NotUnderstood)? {
            0 => return Ok(found),
            next if next < HEAD + length => return Err(NotUnderstood),
            next => rest = rest.get(next..).ok_or(NotUnderstood)?,
        }
    }
}

fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// `FILE_ACTION_*` (winnt.h). What is none of these, such as a further stream, changes what is there.
fn action(number: u32) -> Action {
    match number {
        1 => Action::Added,
        2 => Action::Removed,
        4 => Action::RenamedFrom,
        5 => Action::RenamedTo,
        _ => Action::Modified,
    }
}

/// How a name differs from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It was not there.
    Created,
    /// It is not what it was.
    Modified,
    /// It is gone.
    Deleted,
    /// It had this name, which is gone.
    Renamed(Vec<u16>),
}

/// One name that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The name below the directory.
    pub name: Vec<u16>,
    /// How.
    pub how: How,
    /// Nothing below it was heard of: what became of a directory's content is not known if it was moved here as a whole.
    pub is_alone: bool,
}

/// What is kept of a name.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// It was there at first.
    was: bool,
    /// It is there now.
    is: bool,
    /// It was written to, or made anew.
    touched: bool,
    /// The name that it had at first.
    from: Option<Vec<u16>>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Names.
    pub names: usize,
    /// Units of UTF-16 in them.
    pub units: usize,
    /// Names that go along with renamed directories.
    pub moves: usize,
}

impl Room {
    /// Some ten megabytes; a renamed directory with everything in it, again and again, ends as well.
    pub const USUAL: Self = Self { names: 50_000, units: 4 << 20, moves: 500_000 };
}

/// All that was heard of one directory.
#[derive(Debug)]
pub struct Ledger {
    names: BTreeMap<Vec<u16>, Seen>,
    room: Room,
    /// The name that the next notice renames.
    renamed: Option<Vec<u16>>,
    is_full: bool,
}

const SEPARATOR: u16 = b'\\' as u16;

impl Ledger {
    /// Nothing was heard yet.
    #[must_use]
    pub fn new(room: Room) -> Self {
        Self { names: BTreeMap::new(), room, renamed: None, is_full: false }
    }

    /// There was more than there is room for, so names are missing.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Takes the next notice.
    pub fn take(&mut self, Notice { action, name }: Notice) {
        let source = if action == Action::RenamedTo { self.renamed.take() } else { None };
        let origin = source.as_ref().and_then(|old| self.origin(old));
        // What is told first of a name says whether it was there before.
        let was = !matches!(action, Action::Added | Action::RenamedTo);
        let Some(seen) = self.seen(&name, was) else { return };
        match action {
            Action::Added => (seen.is, seen.touched, seen.from) = (true, true, None),
            Action::Modified => (seen.is, seen.touched) = (true, true),
            Action::Removed => seen.is = false,
            Action::RenamedFrom => {
                seen.is = false;
                self.renamed = Some(name);
            }
            Action::RenamedTo => {
                seen.is = true;
                // One that takes the place of another makes that one another.
                seen.touched |= seen.was && origin.as_ref() != Some(&name);
                seen.from = origin;
                if let Some(old) = source {
                    self.move_below(&old, &name);
                }
            }
        }
    }

    /// The name that this one had at first; `None` if it was made meanwhile.
    fn origin(&self, name: &[u16]) -> Option<Vec<u16>> {
        let seen = self.names.get(name)?;
        if seen.from.is_some() { seen.from.clone() } else { seen.was.then(|| name.to_vec()) }
    }

    fn seen(&mut self, name: &[u16], was: bool) -> Option<&mut Seen> {
        if !self.names.contains_key(name) {
            if self.names.len() >= self.room.names || self.room.units < name.len() {
                self.is_full = true;
                return None;
            }
            self.room.units -= name.len();
            self.names.insert(name.to_vec(), Seen { was, is: was, ..Seen::default() });
        }
        self.names.get_mut(name)
    }

    /// What lay below a directory that was renamed lies below its new name.
    fn move_below(&mut self, old: &[u16], new: &[u16]) {
        let moved: Vec<Vec<u16>> = self
            .below(old)
            .filter(|(_, seen)| seen.is)
            .map(|(name, _)| name.clone())
            .take(self.room.moves.saturating_add(1))
            .collect();
        if moved.len() > self.room.moves {
            self.is_full = true;
            return;
        }
        self.room.moves -= moved.len();
        for name in moved {
            let Some(mut seen) = self.names.remove(&name) else { continue };
            let new: Vec<u16> = new.iter().chain(&name[old.len()..]).copied().collect();
            if self.names.get(&new).is_some_and(|there| there.was) {
                (seen.was, seen.touched) = (true, true);
            }
            let longer = new.len().saturating_sub(name.len());
            if self.room.units < longer {
                self.is_full = true;
                continue;
            }
            self.room.units -= longer;
            self.names.insert(new, seen);
        }
    }

    fn below<'l>(&'l self, directory: &[u16]) -> impl Iterator<Item = (&'l Vec<u16>, &'l Seen)> + use<'l> {
        let start: Vec<u16> = directory.iter().copied().chain([SEPARATOR]).collect();
        let range = (Bound::Included(start.clone()), Bound::Unbounded);
        self.names.range(range).take_while(move |(name, _)| name.starts_with(&start))
    }

    /// What is different in the end, by name.
    #[must_use]
    pub fn changes(&self) -> Vec<Changed> {
        let is_gone = |name: &Vec<u16>| self.names.get(name).is_some_and(|seen| seen.was && !seen.is);
        let renamed: BTreeSet<&Vec<u16>> = self
            .names
            .values()
            .filter(|seen| seen.is && !seen.was)
            .filter_map(|seen| seen.from.as_ref().filter(|from| is_gone(from)))
            .collect();
        let how = |name: &Vec<u16>, seen: &Seen| match (seen.was, seen.is) {
            (false, false) => None,
            (false, true) => Some(match seen.from.as_ref().filter(|from| is_gone(from)) {
                Some(from) => How::Renamed(from.clone()),
                None => How::Created,
            }),
            // It went, and came back as it was.
            (true, true) if !seen.touched => None,
            (true, true) => Some(How::Modified),
            (true, false) => (!renamed.contains(name)).then_some(How::Deleted),
        };
        let changed = |(name, seen): (&Vec<u16>, &Seen)| {
            let is_alone = self.below(name).next().is_none();
            Some(Changed { name: name.clone(), how: how(name, seen)?, is_alone })
        };
        self.names.iter().filter_map(changed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDED: u32 = 1;
    const REMOVED: u32 = 2;
    const MODIFIED: u32 = 3;
    const OLD: u32 = 4;
    const NEW: u32 = 5;

    /// A list as the system writes it.
    fn list(told: &[(u32, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, (action, name)) in told.iter().enumerate() {
            let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let room = (12 + name.len()).next_multiple_of(4);
            let next = if at + 1 == told.len() { 0 } else { room };
            let length = u32::try_from(name.len()).unwrap();
            for number in [u32::try_from(next).unwrap(), *action, length] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(&name);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    fn ledger(told: &[(u32, &str)], room: Room) -> Ledger {
        let mut ledger = Ledger::new(room);
        for notice in notices(&list(told)).unwrap() {
            ledger.take(notice);
        }
        ledger
    }

    /// The changes, one after another.
    fn of(told: &[(u32, &str)]) -> String {
        let text = |units: &[u16]| String::from_utf16(units).unwrap();
        let line = |changed: &Changed| match &changed.how {
            How::Created => format!("+{}", text(&changed.name)),
            How::Modified => format!("!{}", text(&changed.name)),
            How::Deleted => format!("-{}", text(&changed.name)),
            How::Renamed(from) => format!("{}>{}", text(from), text(&changed.name)),
        };
        let changes = ledger(told, Room::USUAL).changes();
        changes.iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_told_is_what_is_different_in_the_end() {
        assert_eq!(of(&[(ADDED, "a"), (MODIFIED, "a"), (MODIFIED, "b"), (REMOVED, "c")]), "+a !b -c");
        assert_eq!(of(&[(ADDED, "a"), (MODIFIED, "a"), (REMOVED, "a")]), "");
        assert_eq!(of(&[(REMOVED, "a"), (ADDED, "a")]), "!a");
        assert_eq!(of(&[(MODIFIED, "a"), (REMOVED, "a")]), "-a");
        assert_eq!(of(&[(6, "a:stream")]), "!a:stream");
    }

    #[test]
    fn renames_are_followed_to_the_first_name() {
        assert_eq!(of(&[(OLD, "a"), (NEW, "b")]), "a>b");
        assert_eq!(of(&[(OLD, "a"), (NEW, "b"), (OLD, "b"), (NEW, "c")]), "a>c");
        assert_eq!(of(&[(OLD, "a"), (NEW, "b"), (OLD, "b"), (NEW, "a")]), "");
        assert_eq!(of(&[(MODIFIED, "a"), (OLD, "a"), (NEW, "b"), (OLD, "b"), (NEW, "a")]), "!a");
        assert_eq!(of(&[(OLD, "a"), (NEW, "A")]), "a>A");
        // Made under another name first, as editors do.
        assert_eq!(
            of(&[(ADDED, "t"), (MODIFIED, "t"), (REMOVED, "a"), (OLD, "t"), (NEW, "a")]),
            "!a",
            "a save by replacing"
        );
        assert_eq!(of(&[(ADDED, "t"), (OLD, "t"), (NEW, "a")]), "+a");
        // The old name is somebody else's now.
        assert_eq!(of(&[(OLD, "a"), (NEW, "b"), (ADDED, "a")]), "!a +b");
        assert_eq!(of(&[(OLD, "a"), (NEW, "b"), (REMOVED, "b")]), "-a");
        assert_eq!(of(&[(REMOVED, "b"), (OLD, "a"), (NEW, "b")]), "-a !b");
        // A notice of the two is lost.
        assert_eq!(of(&[(NEW, "b")]), "+b");
        assert_eq!(of(&[(OLD, "a")]), "-a");
    }

    #[test]
    fn what_is_in_a_renamed_directory_goes_along() {
        let told = [
            (MODIFIED, "d\\x"),
            (ADDED, "d\\y"),
            (REMOVED, "d\\z"),
            (MODIFIED, "d2\\x"),
            (OLD, "d"),
            (NEW, "e"),
        ];
        assert_eq!(of(&told), "!d2\\x -d\\z d>e !e\\x +e\\y");
    }

    #[test]
    fn a_directory_of_which_nothing_was_heard_is_alone() {
        let ledger = ledger(&[(ADDED, "full"), (ADDED, "full\\x"), (ADDED, "moved")], Room::USUAL);
        let alone: Vec<bool> = ledger.changes().iter().map(|changed| changed.is_alone).collect();
        assert_eq!(alone, [false, true, true]);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let told = [(ADDED, "a"), (ADDED, "b"), (MODIFIED, "a"), (ADDED, "c")];
        let two = ledger(&told, Room { names: 2, ..Room::USUAL });
        assert!(two.is_full() && two.changes().len() == 2);
        assert!(!ledger(&told, Room { names: 3, ..Room::USUAL }).is_full());
        assert!(ledger(&told, Room { units: 2, ..Room::USUAL }).is_full());
        let moving = [(ADDED, "d\\a"), (ADDED, "d\\b"), (OLD, "d"), (NEW, "e")];
        assert!(ledger(&moving, Room { moves: 1, ..Room::USUAL }).is_full());
        assert!(!ledger(&moving, Room { moves: 2, ..Room::USUAL }).is_full());
    }

    #[test]
    fn a_list_that_is_cut_off_or_turns_back_is_not_understood() {
        let whole = list(&[(ADDED, "one"), (REMOVED, "two")]);
        assert_eq!(notices(&whole).unwrap().len(), 2);
        // The last name ends on a boundary but for two bytes.
        for end in 0..whole.len() - 2 {
            assert_eq!(notices(&whole[..end]), Err(NotUnderstood), "{end}");
        }
        let mut turning = whole.clone();
        turning[0] = 4;
        assert_eq!(notices(&turning), Err(NotUnderstood));
        let mut odd = list(&[(ADDED, "one")]);
        odd[8] = 5;
        assert_eq!(notices(&odd), Err(NotUnderstood));
    }
}
