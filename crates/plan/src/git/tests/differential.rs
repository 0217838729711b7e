//! The parser beside the real one: random texts, read by `git config --list` and by us.

use super::{Scratch, git};
use crate::git::Config;

const CASES: u32 = 2400;

/// Where we refuse and git need not.
const STRICT: &[&str] = &[
    "a NUL byte",
    "a carriage return inside a line",
    "a key before the first section",
    "a section name with an empty part",
    "a control character in a section name",
];

/// SplitMix64: the same texts on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }
}

const HEADERS: &[&[u8]] = &[
    b"[core]",
    b"[Core]",
    b"[a.B]",
    b"[a.b \"C\"]",
    b"[remote \"x y\"]",
    b"[remote \"q\\\"\\\\z\"]",
    b"[a \"\"]",
    b"[a  \t\"b\"]",
    b"[a-1]",
    b"[1]",
    b"[-]",
    b"[a \"]\"]",
    b"[a \"\xc3\xa9\"]",
];
const KEYS: &[&[u8]] = &[b"key", b"KEY", b"k-1", b"b", b"Url"];
const VALUES: &[&[u8]] = &[
    b"x",
    b" x ",
    b"\"a b\"",
    b"\"#\"",
    b"a\\\n b",
    b"a  \tb",
    b"\\\"",
    b"\\\\",
    b"\\n\\t\\b",
    b"",
    b"a # c",
    b"a;c",
    b"\"\"",
    b"\" \" ",
    b"a\\\r\n\tb",
    b"x = y",
    b"[z]",
    b"\xff\xfe",
    b"a \\\n",
    b"\"a\\\nb\"",
    b"!sh -c \"x\"",
];
const BREAKS: &[&[u8]] =
    &[b"\n", b"\n", b"\n", b"\r\n", b" ", b"", b"\n\t", b"\n# c\\\n", b" ; c\n", b"\n\n"];
const NOISE: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"[",
    b"]",
    b"=",
    b"#",
    b";",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    b"\t",
    b"a",
    b"Z",
    b"9",
    b"-",
    b".",
    b"_",
    b"\\\n",
    b"\x0b",
    b"\x0c",
    b"\x01",
    b"\0",
    b"\xef\xbb\xbf",
    b"\x7f",
    b"\xef",
    b"\\x",
    b"\\t",
];

/// Mostly well formed, with something strange in it.
fn text(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    if random.below(12) == 0 {
        out.extend_from_slice(b"\xef\xbb\xbf");
    }
    for _ in 0..=random.below(4) {
        if random.below(20) != 0 {
            out.extend_from_slice(random.pick(HEADERS));
            out.extend_from_slice(random.pick(BREAKS));
        }
        for _ in 0..random.below(4) {
            out.extend_from_slice(random.pick(KEYS));
            match random.below(6) {
                0 => {}
                1 => out.extend_from_slice(b" = "),
                2 => out.extend_from_slice(b"\t="),
                _ => out.push(b'='),
            }
            out.extend_from_slice(random.pick(VALUES));
            out.extend_from_slice(random.pick(BREAKS));
        }
    }
    for _ in 0..random.below(4).saturating_sub(1) {
        let at = random.below(out.len() + 1);
        let noise = random.pick(NOISE);
        if random.below(3) == 0 && at < out.len() {
            out.remove(at);
        }
        out.splice(at..at, noise.iter().copied());
    }
    out
}

/// As `git config --list -z` prints them: the name, a line feed and the value, if any; then NUL.
fn as_git_prints(config: &Config) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in &config.entries {
        out.extend(entry.name());
        if let Some(value) = &entry.value {
            out.push(b'\n');
            out.extend_from_slice(value);
        }
        out.push(0);
    }
    out
}

/// Whether the git of this machine keeps a tab inside a value that is not quoted; before 2.45 it makes a blank of it.
fn keeps_tabs(scratch: &Scratch) -> bool {
    let file = scratch.0.join("config");
    std::fs::write(&file, "[a]b = x\ty\n").unwrap();
    let value = git(&scratch.0, &["config", "--file", "config", "a.b"]).stdout;
    match value.as_slice() {
        b"x\ty\n" => true,
        b"x y\n" => false,
        other => panic!("{}", other.escape_ascii()),
    }
}

#[test]
fn reads_as_git_reads() {
    let scratch = Scratch::new();
    let file = scratch.0.join("config");
    let keeps_tabs = keeps_tabs(&scratch);
    let plain = |printed: Vec<u8>| match keeps_tabs {
        true => printed,
        false => printed.into_iter().map(|byte| if byte == b'\t' { b' ' } else { byte }).collect(),
    };
    let mut random = Random(0x6761_7274_6831);
    let (mut both, mut neither, mut stricter) = (0, 0, 0);
    for case in 0..CASES {
        let text = text(&mut random);
        std::fs::write(&file, &text).unwrap();
        let real = git(&scratch.0, &["config", "--file", "config", "--list", "-z"]);
        let shown = text.escape_ascii();
        match (Config::parse(&text), real.status.success()) {
            (Ok(config), true) => {
                both += 1;
                let (ours, theirs) = (plain(as_git_prints(&config)), plain(real.stdout));
                assert_eq!(
                    ours.escape_ascii().to_string(),
                    theirs.escape_ascii().to_string(),
                    "case {case}: {shown}"
                );
            }
            (Ok(config), false) => panic!("case {case}: git refuses, we read {config:?}: {shown}"),
            (Err(error), true) => {
                assert!(STRICT.contains(&error.reason), "case {case}: git reads, we say {error:?}: {shown}");
                stricter += 1;
            }
            (Err(_), false) => neither += 1,
        }
    }
    assert!(
        both > CASES / 4 && neither > CASES / 20 && stricter > CASES / 100,
        "{both} {neither} {stricter}"
    );
}
