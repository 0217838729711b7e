//! The table.

use super::{Reader, Words};
use garth_policy::FileOp;

const READ: Reader = Reader { op: FileOp::Read, words: Words::All };
const LIST: Reader = Reader { op: FileOp::List, words: Words::All };
const LOOK: Reader = Reader { op: FileOp::Metadata, words: Words::All };
const COPY: Reader = Reader { op: FileOp::Read, words: Words::AllButLast };
const PACK: Reader = Reader { op: FileOp::Read, words: Words::AllButFirst };
const ARCHIVE: Reader = Reader { op: FileOp::Read, words: Words::Archive };
const TEXT: Reader = Reader { op: FileOp::Read, words: Words::Text };
const SHELL: Reader = Reader { op: FileOp::Read, words: Words::Shell };

const CARGO: Reader = marked(&["--manifest-path=", "--config="], &["--manifest-path", "--config", "-C"]);
const CURL: Reader = marked(
    &["file://", "=@", "=<", "@", "--cert=", "--key="],
    &["-T", "--upload-file", "-K", "--config", "-E", "--cert", "--key", "--netrc-file"],
);
const DD: Reader = marked(&["if="], &[]);
const GIT: Reader = Reader {
    op: FileOp::Read,
    words: Words::MarkedOrAbsolute(&["--git-dir=", "--work-tree=", "--file=", "file://"], &["-C", "-F"]),
};
const JAVA: Reader = marked(&[], &["-jar"]);
const MAKE: Reader =
    marked(&["--file=", "--makefile=", "--directory="], &["-f", "-C", "--file", "--directory"]);
const NPM: Reader = marked(&["--prefix=", "--userconfig="], &["--prefix", "--userconfig", "-C"]);
const WGET: Reader = marked(&["--post-file=", "--body-file=", "--input-file="], &["-i", "--input-file"]);

const fn marked(marks: &'static [&'static str], options: &'static [&'static str]) -> Reader {
    Reader { op: FileOp::Read, words: Words::Marked(marks, options) }
}

/// A name by which programs are started, and what they do, sorted. Sources: the manuals of the GNU core utilities,
/// `grep(1)`, `less(1)`, `diff(1)`, `ssh(1)`, `openssl(1)`, `tar(1)`, `curl(1)`, `git(1)` and of the others.
pub(super) const READERS: &[(&str, Reader)] = &[
    ("ack", READ),
    ("ag", READ),
    ("ash", SHELL),
    ("awk", READ),
    ("b2sum", READ),
    ("base32", READ),
    ("base64", READ),
    ("bash", SHELL),
    ("bat", READ),
    ("batcat", READ),
    ("bun", TEXT),
    ("bzcat", READ),
    ("cargo", CARGO),
    ("cat", READ),
    ("cksum", READ),
    ("cmp", READ),
    ("column", READ),
    ("comm", READ),
    ("cp", COPY),
    ("curl", CURL),
    ("cut", READ),
    ("dash", SHELL),
    ("dd", DD),
    ("diff", READ),
    ("du", LIST),
    ("egrep", READ),
    ("expand", READ),
    ("fd", LIST),
    ("fgrep", READ),
    ("file", READ),
    ("find", LIST),
    ("fold", READ),
    ("gawk", READ),
    ("git", GIT),
    ("gmake", MAKE),
    ("grep", READ),
    ("gunzip", READ),
    ("gzip", READ),
    ("head", READ),
    ("hexdump", READ),
    ("iconv", READ),
    ("java", JAVA),
    ("join", READ),
    ("jq", READ),
    ("ksh", SHELL),
    ("less", READ),
    ("ls", LIST),
    ("lua", TEXT),
    ("make", MAKE),
    ("mawk", READ),
    ("md5sum", READ),
    ("more", READ),
    ("nl", READ),
    ("nm", READ),
    ("node", TEXT),
    ("nodejs", TEXT),
    ("npm", NPM),
    ("objdump", READ),
    ("od", READ),
    ("openssl", READ),
    ("paste", READ),
    ("perl", TEXT),
    ("php", TEXT),
    ("pypy", TEXT),
    ("python", TEXT),
    ("readelf", READ),
    ("readlink", LOOK),
    ("realpath", LOOK),
    ("rev", READ),
    ("rg", READ),
    ("rsync", COPY),
    ("ruby", TEXT),
    ("scp", COPY),
    ("sed", READ),
    ("sh", SHELL),
    ("sha1sum", READ),
    ("sha224sum", READ),
    ("sha256sum", READ),
    ("sha384sum", READ),
    ("sha512sum", READ),
    ("shuf", READ),
    ("sort", READ),
    ("sqlite3", READ),
    ("ssh", READ),
    ("ssh-add", READ),
    ("stat", LOOK),
    ("strings", READ),
    ("sum", READ),
    ("tac", READ),
    ("tail", READ),
    ("tar", ARCHIVE),
    ("tree", LIST),
    ("unexpand", READ),
    ("uniq", READ),
    ("unzip", READ),
    ("wc", READ),
    ("wget", WGET),
    ("xxd", READ),
    ("xz", READ),
    ("xzcat", READ),
    ("yq", READ),
    ("zcat", READ),
    ("zgrep", READ),
    ("zip", PACK),
    ("zsh", SHELL),
    ("zstd", READ),
    ("zstdcat", READ),
];
