//! Scripts of bash that do nothing but start stubs.

use crate::sandbox::STUBS;

/// Makes one script from a seed.
pub(crate) struct Generator {
    state: u64,
    depth: u32,
    /// Bodies of here-documents that the present line has announced.
    documents: String,
    in_function: bool,
    /// Lists around the present one.
    inside: u32,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1b5_4a32_d192_ed03;
        Self { state, depth: 0, documents: String::new(), in_function: false, inside: 0 }
    }

    /// A number below `end` (xorshift64*).
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let number = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or(0) % end
    }

    fn one_of<'o>(&mut self, options: &[&'o str]) -> &'o str {
        options[self.below(options.len())]
    }

    fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Some of these pieces, at most so many.
    pub(crate) fn pieces(&mut self, pieces: &[&str], most: usize) -> String {
        let count = self.below(most + 1);
        (0..count).map(|_| self.one_of(pieces)).collect()
    }

    /// A whole script.
    pub(crate) fn script(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..2 + self.below(4) {
            text += &self.line();
        }
        text += "wait\n";
        text
    }

    fn line(&mut self) -> String {
        let list = self.list();
        let documents = std::mem::take(&mut self.documents);
        format!("{list}\n{documents}")
    }

    fn list(&mut self) -> String {
        let mut text = self.pipeline();
        while self.chance(4) {
            text += self.one_of(&[" && ", " || ", "; ", " & "]);
            text += &self.pipeline();
        }
        text
    }

    fn pipeline(&mut self) -> String {
        let mut text = if self.chance(12) { "! ".to_owned() } else { String::new() };
        text += &self.command();
        while self.chance(6) {
            text += self.one_of(&[" | ", " |& "]);
            text += &self.command();
        }
        text
    }

    fn command(&mut self) -> String {
        if self.depth >= 2 || !self.chance(4) {
            return self.simple();
        }
        self.depth += 1;
        let text = self.compound();
        self.depth -= 1;
        if self.chance(5) { format!("{text} >{}", self.file()) } else { text }
    }

    /// A list inside of a compound. Here-documents of it would stand in another place, so it has none.
    fn inner(&mut self) -> String {
        self.inside += 1;
        let list = self.list();
        self.inside -= 1;
        list
    }

    fn compound(&mut self) -> String {
        let (first, second) = (self.inner(), self.inner());
        match self.below(11) {
            0 => format!("( {first} )"),
            1 => format!("{{ {first}; }}"),
            2 => format!("if {first}; then {second}; fi"),
            3 => format!("if {}; then {first}; else {second}; fi", self.condition()),
            4 => format!("for v in {} {}; do {first}; done", self.word(), self.word()),
            5 => format!("while {}; do {first}; break; done", self.condition()),
            6 => format!("until {}; do {first}; break; done", self.condition()),
            7 => format!(
                "case {} in {}) {first};; *) {second};; esac",
                self.word(),
                self.one_of(&["a*", "w1", "'a b'", "(x|b-c"])
            ),
            8 if !self.in_function => {
                self.in_function = true;
                let body = self.inner();
                self.in_function = false;
                format!("f() {{ {body}; }}; f {}", self.word())
            }
            9 => format!("for ((i=0; i<2; i++)); do {first}; done"),
            _ => format!("{{ {first}; }} 2>&1"),
        }
    }

    fn condition(&mut self) -> String {
        match self.below(4) {
            0 => format!("[[ -n {} ]]", self.quoted()),
            1 => format!("[[ {} == a* || {} =~ ^w ]]", self.quoted(), self.quoted()),
            2 => "(( 1 + 2 > 1 ))".to_owned(),
            _ => self.simple(),
        }
    }

    fn program(&mut self) -> String {
        let name = self.one_of(STUBS);
        match self.below(14) {
            0 => format!("'{name}'"),
            1 => format!("\\{name}"),
            2 => format!("{}\"{}\"", &name[..1], &name[1..]),
            3 => format!("command {name}"),
            4 => format!("{{{name},x}}"),
            5 => format!("$'\\x{:02x}'{}", name.as_bytes()[0], &name[1..]),
            _ => name.to_owned(),
        }
    }

    fn simple(&mut self) -> String {
        match self.below(16) {
            0 => return format!("x={}", self.value()),
            1 => return format!("y={} z=$x", self.value()),
            2 => {
                return format!(
                    "eval {}",
                    self.one_of(&["'ok1 $x'", "\"ok2 a\"", "ok3 'b c'", "'ok4 | no1; ok2 {1..3}'"])
                );
            }
            3 => return format!("p={}; $p {}", self.one_of(STUBS), self.word()),
            4 => return format!("(exec {} {})", self.one_of(STUBS), self.word()),
            5 => {
                return format!(
                    "arr=({} {}); {} \"${{arr[@]}}\" ${{#arr[@]}}",
                    self.word(),
                    self.word(),
                    self.one_of(STUBS)
                );
            }
            _ => {}
        }
        let mut text = if self.chance(8) { format!("x={} ", self.value()) } else { String::new() };
        text += &self.program();
        for _ in 0..self.below(4) {
            text.push(' ');
            text += &self.word();
        }
        if self.chance(5) {
            text.push(' ');
            text += &self.redirection();
        }
        text
    }

    fn file(&mut self) -> &'static str {
        self.one_of(&["f1", "f2", "\"f 3\""])
    }

    fn redirection(&mut self) -> String {
        let file = self.file();
        match self.below(8) {
            0 => format!(">{file}"),
            1 => format!(">>{file}"),
            2 => format!("2>{file}"),
            3 => format!("&>{file}"),
            4 => "2>&1".to_owned(),
            5 => format!("<<<{}", self.quoted()),
            6 => format!("> {file} 2>&1"),
            _ if self.documents.is_empty() && self.inside == 0 => {
                let quote = self.one_of(&["", "'"]);
                let inside = self.one_of(&["plain text", "$x ${y:-d}", "$(ok1 in document)", "`ok2 x`"]);
                self.documents = format!("{inside}\nEND\n");
                format!("<<{quote}END{quote}")
            }
            _ => format!(">|{file}"),
        }
    }

    fn value(&mut self) -> String {
        match self.below(6) {
            0 => self.substitution(),
            1 => "'a b'".to_owned(),
            2 => "\"$y c\"".to_owned(),
            _ => self.one_of(&["a", "b-c", "w1", "''", "$z", "${x}d"]).to_owned(),
        }
    }

    fn quoted(&mut self) -> String {
        match self.below(4) {
            0 => format!("\"{}\"", self.substitution()),
            _ => self.one_of(&["\"$x\"", "'a b'", "\"a $y\"", "\"${z:-no1}\"", "w1"]).to_owned(),
        }
    }

    fn substitution(&mut self) -> String {
        if self.depth >= 2 {
            return "$(ok1)".to_owned();
        }
        self.depth += 1;
        let list = self.inner();
        self.depth -= 1;
        if self.chance(5) {
            format!("`ok2 {}`", self.one_of(&["a", "'b c'", "\\$x"]))
        } else {
            format!("$( {list} )")
        }
    }

    fn word(&mut self) -> String {
        match self.below(26) {
            0 => self.substitution(),
            1 => format!("\"{}\"", self.substitution()),
            2 if self.depth < 2 => {
                self.depth += 1;
                let list = self.inner();
                self.depth -= 1;
                format!("<({list})")
            }
            3 => self.quoted(),
            _ => self
                .one_of(&[
                    "a",
                    "b-c",
                    "--long=1",
                    "'a b'",
                    "\"a b\"",
                    "$x",
                    "\"$x\"",
                    "${y}",
                    "${x:-d e}",
                    "\"${x:-d e}\"",
                    "${x#a}",
                    "${#x}",
                    "$((1+2))",
                    "{a,b}",
                    "x{1..3}y",
                    "~",
                    "*",
                    "f?",
                    "\\q",
                    "$'a\\tb'",
                    "a\"$x\"b",
                    "$y$z",
                    "\"$@\"",
                    "${x:+alt}",
                    "a#b",
                    "\"\"",
                    "${x/a/b}",
                    "$v",
                    "[ab]*",
                    "a=b",
                    "%",
                    "^",
                ])
                .to_owned(),
        }
    }
}
