//! Programs that read what their words name: what a supervisor can tell of a refused read before it takes place.
//!
//! What a view does not show is refused by the kernel alone. A program of this table that starts with the name of such a
//! file is about to be refused, and its start is seen in any case. Programs that also make what they name are not here, but for
//! those whose last word alone is made.

use garth_policy::FileOp;

/// What a program does with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// What for.
    pub op: FileOp,
    /// The last word is where it writes to.
    pub writes_last: bool,
}

const READ: Reader = Reader { op: FileOp::Read, writes_last: false };
const LIST: Reader = Reader { op: FileOp::List, writes_last: false };
const COPY: Reader = Reader { op: FileOp::Read, writes_last: true };

/// The table: a name by which programs are started, and what they do. Sources: the manuals of the GNU core utilities,
/// `grep(1)`, `less(1)`, `diff(1)`, `ssh(1)`, `openssl(1)` and of the others.
const READERS: &[(&str, Reader)] = &[
    ("awk", READ),
    ("base32", READ),
    ("base64", READ),
    ("bat", READ),
    ("batcat", READ),
    ("cat", READ),
    ("cksum", READ),
    ("cmp", READ),
    ("comm", READ),
    ("cp", COPY),
    ("cut", READ),
    ("diff", READ),
    ("egrep", READ),
    ("fgrep", READ),
    ("find", LIST),
    ("fold", READ),
    ("gawk", READ),
    ("grep", READ),
    ("head", READ),
    ("hexdump", READ),
    ("jq", READ),
    ("less", READ),
    ("ls", LIST),
    ("mawk", READ),
    ("md5sum", READ),
    ("more", READ),
    ("nl", READ),
    ("od", READ),
    ("openssl", READ),
    ("paste", READ),
    ("rg", READ),
    ("rsync", COPY),
    ("scp", COPY),
    ("sed", READ),
    ("sha1sum", READ),
    ("sha256sum", READ),
    ("sha512sum", READ),
    ("sort", READ),
    ("ssh", READ),
    ("ssh-add", READ),
    ("strings", READ),
    ("tac", READ),
    ("tail", READ),
    ("tree", LIST),
    ("uniq", READ),
    ("wc", READ),
    ("xxd", READ),
    ("yq", READ),
    ("zcat", READ),
    ("zgrep", READ),
];

/// What a program does with its words, by the path that it is started by; `None` if that is not known.
#[must_use]
pub fn reader(program: &[u8]) -> Option<Reader> {
    let name = program.rsplit(|byte| *byte == b'/').next()?;
    let at = READERS.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
    READERS.get(at).map(|(_, reader)| *reader)
}

/// Words of one program that are looked at.
const MOST: usize = 64;

impl Reader {
    /// What of its arguments, the first of which is its own name, may be the name of something that it reads.
    pub fn names<'w>(&self, arguments: &'w [Vec<u8>]) -> impl Iterator<Item = &'w [u8]> + use<'w> {
        let last = arguments.len().saturating_sub(usize::from(self.writes_last));
        arguments.get(1..last).unwrap_or_default().iter().take(MOST).filter_map(|word| named(word))
    }
}

/// The name in a word: all of it, or what stands behind the equals sign of an option.
fn named(word: &[u8]) -> Option<&[u8]> {
    let name = match word.strip_prefix(b"-") {
        None => word,
        Some(option) => &option[option.iter().position(|byte| *byte == b'=')? + 1..],
    };
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(program: &str, words: &[&str]) -> Vec<String> {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let found = reader(program.as_bytes()).map(|reader| reader.names(&words).collect::<Vec<_>>());
        found.unwrap_or_default().iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn every_row_is_found() {
        for (name, reads) in READERS {
            assert_eq!(reader(format!("/usr/bin/{name}").as_bytes()), Some(*reads), "{name}");
        }
    }

    #[test]
    fn what_a_reader_may_read_is_named() {
        assert_eq!(names("/bin/cat", &["cat", "-n", "a", "--", "b"]), ["a", "b"]);
        assert_eq!(names("grep", &["grep", "--file=.netrc", "-r", "x", "d/"]), [".netrc", "x", "d/"]);
        assert_eq!(names("cp", &["cp", "a", "b", "to"]), ["a", "b"]);
        for words in [&[][..], &["cp"], &["cp", "to"]] {
            assert!(names("cp", words).is_empty(), "{words:?}");
        }
        for program in ["", "/", "echo", "cat2", "/usr/bin/", "touch", "tee"] {
            assert!(names(program, &["x", "secret"]).is_empty(), "{program}");
        }
        let many = vec!["word"; 1000];
        assert_eq!(names("cat", &many).len(), MOST);
    }
}
