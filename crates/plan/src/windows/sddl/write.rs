//! A descriptor as text.

use super::super::acl::{Ace, AceKind};
use super::super::descriptor::{Listed, SecurityDescriptor};
use super::super::known;
use super::super::rights::AccessMask;
use super::super::sid::Sid;
use super::words;
use core::fmt;

impl fmt::Display for SecurityDescriptor {
    /// SDDL. What it has no words for is left out: defaulted bits, and control bits of a list that is absent.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, sid) in [("O", self.owner), ("G", self.group)] {
            if let Some(sid) = sid {
                write!(out, "{letter}:{}", Short(sid))?;
            }
        }
        for (letter, list) in [("D", &self.dacl), ("S", &self.sacl)] {
            if *list == Listed::Absent {
                continue;
            }
            write!(out, "{letter}:")?;
            for (word, dacl, sacl) in words::CONTROLS {
                let bit = if letter == "D" { dacl } else { sacl };
                if self.control.contains(*bit) {
                    out.write_str(word)?;
                }
            }
            if *list == Listed::Null {
                out.write_str(words::NULL_LIST)?;
            }
            list.aces().iter().try_for_each(|ace| ace.fmt(out))?;
        }
        Ok(())
    }
}

/// A SID by its alias, where it has one.
struct Short(Sid);

impl fmt::Display for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match known::of(&self.0).and_then(|known| known.alias) {
            Some(alias) => out.write_str(alias),
            None => self.0.fmt(out),
        }
    }
}

impl fmt::Display for Ace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = words::KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("?", |(word, _)| word);
        write!(out, "({kind};")?;
        for (word, flag) in words::FLAGS {
            if self.flags.contains(*flag) {
                out.write_str(word)?;
            }
        }
        write!(out, ";{};;;{})", rights(self), Short(self.sid))
    }
}

/// Rights by name where one name says it all or names of single bits do; else the number. So Windows writes them.
fn rights(ace: &Ace) -> String {
    let table = if ace.kind == AceKind::Label { words::LABEL_RIGHTS } else { words::RIGHTS };
    let whole = table.iter().find(|(_, mask)| *mask == ace.mask).map(|(word, _)| (*word).to_owned());
    whole.or_else(|| spelled(ace.mask, table)).unwrap_or_else(|| ace.mask.to_string())
}

/// A mask in words of one bit each, if these are enough.
fn spelled(mask: AccessMask, table: &[(&str, AccessMask)]) -> Option<String> {
    let single = table.iter().filter(|(_, bits)| bits.0.count_ones() == 1 && mask.contains(*bits));
    let (text, said) = single
        .fold((String::new(), AccessMask::NONE), |(text, said), (word, bits)| (text + word, said | *bits));
    (said == mask && !text.is_empty()).then_some(text)
}
