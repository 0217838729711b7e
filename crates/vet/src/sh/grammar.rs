//! Lists, pipelines and compound commands.

use super::cursor::{Parsed, Parser};
use super::tree::{Arm, List, Node, Piece, Word};
use super::words::{ENDS_WORD, is_name};
use crate::command::Shell;

/// Reserved words that end a list.
const ENDS_LIST: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}"];

/// The longest reserved word is `function`.
const LONGEST_RESERVED: usize = 9;

/// Reserved words of zsh alone, in the place of a command.
const ZSH_WORDS: &[&str] = &["foreach", "repeat", "nocorrect", "noglob"];

impl Parser<'_> {
    /// The whole text.
    pub(super) fn whole(&mut self) -> Parsed<List> {
        let list = self.list()?;
        match self.peek() {
            None => Ok(list),
            Some(_) => self.unexpected("a command"),
        }
    }

    /// As many commands of the text as can be read; an error ends it.
    pub(super) fn as_far_as_possible(&mut self) -> List {
        let mut list = List::default();
        let result = self.items(&mut list);
        let rest = std::mem::take(&mut self.announced);
        let result = result.and_then(|()| match self.peek() {
            None => rest.iter().try_for_each(|announced| self.document(announced)),
            Some(_) => self.unexpected("a command"),
        });
        self.problems.extend(result.err());
        list
    }

    /// Commands up to what ends them, which is not consumed.
    pub(super) fn list(&mut self) -> Parsed<List> {
        let mut list = List::default();
        self.items(&mut list)?;
        Ok(list)
    }

    fn items(&mut self, list: &mut List) -> Parsed<()> {
        loop {
            self.newlines()?;
            if self.ends_list() {
                return Ok(());
            }
            let node = self.chain()?;
            self.blanks();
            let (background, goes_on) = match (self.peek(), self.peek_second()) {
                (Some(b'&'), _) => (true, true),
                (Some(b';'), Some(b';' | b'&' | b'|')) => (false, false),
                (Some(b';'), _) => (false, true),
                (Some(b'\n'), _) => (false, true),
                _ => (false, false),
            };
            list.items.push((node, background));
            if !goes_on {
                return Ok(());
            }
            if self.peek() != Some(b'\n') {
                self.at += 1;
            }
        }
    }

    fn ends_list(&mut self) -> bool {
        match self.peek() {
            None | Some(b')') => true,
            Some(b';') => matches!(self.peek_second(), Some(b';' | b'&' | b'|')),
            _ => self.reserved().is_some_and(|word| ENDS_LIST.contains(&word.as_str())),
        }
    }

    /// The word here if it could be a reserved one: plain letters up to the end of the word. Nothing is consumed.
    pub(super) fn reserved(&mut self) -> Option<String> {
        let start = self.at;
        let mut word = String::new();
        while let Some(byte) = self.peek() {
            if ENDS_WORD.contains(&byte) {
                break;
            }
            if word.len() == LONGEST_RESERVED || !(byte.is_ascii_lowercase() || b"{}![]".contains(&byte)) {
                word.clear();
                break;
            }
            word.push(char::from(byte));
            self.at += 1;
        }
        self.at = start;
        (!word.is_empty()).then_some(word)
    }

    /// Consumes this reserved word.
    fn take_reserved(&mut self, wanted: &str) -> bool {
        self.blanks();
        let found = self.reserved().as_deref() == Some(wanted);
        found && self.take_all(wanted)
    }

    fn expect(&mut self, wanted: &str) -> Parsed<()> {
        if self.take_reserved(wanted) { Ok(()) } else { self.unexpected(&format!("`{wanted}`")) }
    }

    /// Pipelines joined by `&&` and `||`.
    fn chain(&mut self) -> Parsed<Node> {
        let mut nodes = vec![(true, self.pipeline()?)];
        loop {
            self.blanks();
            let is_and = match (self.peek(), self.peek_second()) {
                (Some(b'&'), Some(b'&')) => true,
                (Some(b'|'), Some(b'|')) => false,
                _ => break,
            };
            self.take_all(if is_and { "&&" } else { "||" });
            self.newlines()?;
            nodes.push((is_and, self.pipeline()?));
        }
        Ok(match nodes.len() {
            1 => nodes.remove(0).1,
            _ => Node::Chain(nodes),
        })
    }

    fn pipeline(&mut self) -> Parsed<Node> {
        let is_negated = self.prefixes()?;
        let mut nodes = vec![self.command()?];
        loop {
            self.blanks();
            if self.peek() != Some(b'|') || self.peek_second() == Some(b'|') {
                break;
            }
            self.at += 1;
            self.take(b'&');
            self.newlines()?;
            self.prefixes()?;
            nodes.push(self.command()?);
        }
        let node = if nodes.len() == 1 { nodes.remove(0) } else { Node::Pipeline(nodes) };
        // In a group its success is not taken for that of its command.
        Ok(if is_negated { Node::Group(List { items: vec![(node, false)] }, false) } else { node })
    }

    /// `!` and `time`, with its options. True if there is a `!`.
    fn prefixes(&mut self) -> Parsed<bool> {
        let mut is_negated = false;
        loop {
            self.blanks();
            if self.peek() == Some(b'!') && self.peek_second().is_none_or(|byte| ENDS_WORD.contains(&byte)) {
                self.at += 1;
                is_negated = true;
            } else if self.shell == Shell::Bash && self.take_reserved("time") {
                self.blanks();
                let start = self.at;
                if !(self.take_all("-p") && self.peek().is_none_or(|byte| ENDS_WORD.contains(&byte))) {
                    self.at = start;
                }
                self.blanks();
                let start = self.at;
                if !(self.take_all("--") && self.peek().is_none_or(|byte| ENDS_WORD.contains(&byte))) {
                    self.at = start;
                }
                if matches!(self.peek(), None | Some(b'\n' | b';' | b'|' | b'&' | b')')) {
                    return Ok(is_negated);
                }
            } else {
                return Ok(is_negated);
            }
        }
    }

    /// One command with its redirections.
    fn command(&mut self) -> Parsed<Node> {
        self.count()?;
        self.nested(|parser| {
            parser.blanks();
            let start = parser.at;
            let Some(node) = parser.compound(start)? else { return parser.simple() };
            if matches!(node, Node::Function { .. } | Node::Coprocess(_)) {
                return Ok(node);
            }
            let redirections = parser.redirections()?;
            parser.after_compound()?;
            Ok(if redirections.is_empty() { node } else { Node::Redirected(Box::new(node), redirections) })
        })
    }

    /// Behind a compound command only an operator or the end can follow.
    fn after_compound(&mut self) -> Parsed<()> {
        self.blanks();
        match self.peek() {
            None | Some(b'\n' | b';' | b'&' | b'|' | b')') => Ok(()),
            Some(_) if self.reserved().is_some_and(|word| ENDS_LIST.contains(&word.as_str())) => Ok(()),
            Some(_) if self.reserved().as_deref() == Some("always") => self.stop("`always` is a form of zsh"),
            Some(_) => self.unexpected("the end of the command"),
        }
    }

    /// A compound command, if one begins here.
    fn compound(&mut self, start: usize) -> Parsed<Option<Node>> {
        if self.peek() == Some(b'(') {
            return self.parenthesis(start).map(Some);
        }
        let Some(word) = self.reserved() else { return Ok(None) };
        let is_bash = self.shell == Shell::Bash;
        if ENDS_LIST.contains(&word.as_str()) {
            return self.unexpected("a command");
        }
        if ZSH_WORDS.contains(&word.as_str()) {
            return self.stop(format!("`{word}` is a form of zsh"));
        }
        let read: fn(&mut Self, usize) -> Parsed<Node> = match word.as_str() {
            "if" => Self::if_command,
            "while" | "until" => Self::loop_command,
            "for" | "select" => Self::for_command,
            "case" => Self::case_command,
            "{" => Self::group,
            "[[" if is_bash => Self::test,
            "function" => Self::function,
            "coproc" if is_bash => Self::coprocess,
            _ => return Ok(None),
        };
        self.take_all(&word);
        read(self, start).map(Some)
    }

    /// `( ... )` or `(( ... ))`.
    fn parenthesis(&mut self, start: usize) -> Parsed<Node> {
        if self.shell == Shell::Bash
            && let Some(pieces) = self.arithmetic_within()?
        {
            return Ok(Node::Arithmetic(pieces, self.span(start)));
        }
        self.at += 1;
        Ok(Node::Group(self.list_to_parenthesis()?, true))
    }

    fn group(&mut self, _start: usize) -> Parsed<Node> {
        let list = self.list()?;
        self.expect("}")?;
        Ok(Node::Group(list, false))
    }

    fn if_command(&mut self, _start: usize) -> Parsed<Node> {
        let mut lists = vec![self.list()?];
        self.expect("then")?;
        lists.push(self.list()?);
        loop {
            if self.take_reserved("elif") {
                lists.push(self.list()?);
                self.expect("then")?;
            } else if !self.take_reserved("else") {
                self.expect("fi")?;
                return Ok(Node::Branches(lists, false));
            }
            lists.push(self.list()?);
        }
    }

    fn loop_command(&mut self, _start: usize) -> Parsed<Node> {
        let condition = self.list()?;
        let body = self.body()?;
        Ok(Node::Branches(vec![condition, body], true))
    }

    /// `do ... done`.
    fn body(&mut self) -> Parsed<List> {
        self.expect("do")?;
        let body = self.list()?;
        self.expect("done")?;
        Ok(body)
    }

    fn for_command(&mut self, start: usize) -> Parsed<Node> {
        self.blanks();
        if self.peek() == Some(b'(') {
            let Some(pieces) = self.arithmetic_within()? else {
                return self.unexpected("`((` and `))`");
            };
            let head = Node::Arithmetic(pieces, self.span(start));
            self.blanks();
            self.take(b';');
            let body = self.for_body()?;
            let head = List { items: vec![(head, false)] };
            return Ok(Node::Branches(vec![head, body], true));
        }
        let name = match self.word()?.map(|word| word.pieces).as_deref() {
            Some([Piece::Bare(name)]) if is_name(name) => name.clone(),
            _ => return self.unexpected("the name of the loop's variable"),
        };
        self.newlines()?;
        let mut words = Vec::new();
        if self.take_reserved("in") {
            while let Some(word) = self.word()? {
                words.push(word);
            }
        }
        self.blanks();
        self.take(b';');
        let body = self.for_body()?;
        let selects = self.text.get(start..).is_some_and(|text| text.starts_with("select"));
        Ok(Node::For { name, words, body, selects })
    }

    /// `do ... done`, or braces, which bash takes as well.
    fn for_body(&mut self) -> Parsed<List> {
        self.newlines()?;
        if !self.take_reserved("{") {
            return self.body();
        }
        let body = self.list()?;
        self.expect("}")?;
        Ok(body)
    }

    fn case_command(&mut self, _start: usize) -> Parsed<Node> {
        let Some(word) = self.word()? else { return self.unexpected("the word of `case`") };
        self.newlines()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            if self.take_reserved("esac") {
                return Ok(Node::Case { word, arms });
            }
            arms.push(self.arm()?);
            self.newlines()?;
            if !(self.take_all(";;&") || self.take_all(";;") || self.take_all(";&")) {
                self.expect("esac")?;
                return Ok(Node::Case { word, arms });
            }
        }
    }

    fn arm(&mut self) -> Parsed<Arm> {
        self.take(b'(');
        let mut patterns = Vec::new();
        loop {
            match self.word()? {
                Some(pattern) => patterns.push(pattern),
                None => return self.unexpected("a pattern of `case`"),
            }
            self.blanks();
            if self.take(b'|') {
                continue;
            }
            if !self.take(b')') {
                return self.unexpected("`)` behind the pattern");
            }
            return Ok((patterns, self.list()?));
        }
    }

    /// Behind `function`.
    fn function(&mut self, _start: usize) -> Parsed<Node> {
        let Some(name) = self.word()? else { return self.unexpected("the name of the function") };
        self.blanks();
        if self.peek() == Some(b'(') && self.peek_second() == Some(b')') {
            self.take_all("()");
        }
        self.function_body(name)
    }

    /// The body of a function.
    pub(super) fn function_body(&mut self, name: Word) -> Parsed<Node> {
        self.newlines()?;
        let body = self.command()?;
        Ok(Node::Function { name, body: Box::new(body) })
    }

    fn coprocess(&mut self, _start: usize) -> Parsed<Node> {
        self.blanks();
        let start = self.at;
        // `coproc NAME { ...; }`: a name only stands before a compound command.
        if let Some([Piece::Bare(name)]) = self.word()?.map(|word| word.pieces).as_deref()
            && is_name(name)
        {
            self.blanks();
            let compound = ["if", "while", "until", "for", "select", "case", "{", "[["];
            let is_compound = self.peek() == Some(b'(')
                || self.reserved().is_some_and(|word| compound.contains(&word.as_str()));
            let named = !compound.contains(&name.as_str());
            if is_compound && named {
                return Ok(Node::Coprocess(Box::new(self.command()?)));
            }
        }
        self.at = start;
        Ok(Node::Coprocess(Box::new(self.command()?)))
    }

    /// Behind `[[`: words up to `]]`. What the operators compare does not matter; what is expanded does.
    fn test(&mut self, _start: usize) -> Parsed<Node> {
        let mut words = Vec::new();
        loop {
            self.newlines()?;
            if self.reserved().as_deref() == Some("]]") {
                self.take_all("]]");
                return Ok(Node::Test(words));
            }
            match self.word()? {
                Some(word) => {
                    let is_match = matches!(word.pieces.as_slice(), [Piece::Bare(text)] if text == "=~");
                    words.push(word);
                    if is_match {
                        self.has_patterns = false;
                        let expression = self.regular_expression();
                        self.has_patterns = true;
                        words.push(expression?);
                    }
                }
                None => match self.peek() {
                    Some(b'(' | b')' | b'<' | b'>' | b'&' | b'|') => self.at += 1,
                    _ => return self.unexpected("`]]`"),
                },
            }
        }
    }

    /// The word behind `=~`, in which parentheses and bars are letters.
    fn regular_expression(&mut self) -> Parsed<Word> {
        self.blanks();
        let start = self.at;
        let mut word = Word::default();
        let mut depth = 0_usize;
        loop {
            if let Some(part) = self.word()? {
                word.pieces.extend(part.pieces);
            }
            match self.byte(self.at) {
                Some(b'(') => depth += 1,
                Some(b')') if depth > 0 => depth -= 1,
                Some(b'|' | b'<' | b'>') => {}
                Some(b' ' | b'\t' | b';' | b'&') if depth > 0 => {}
                _ => break,
            }
            if self.byte(self.at) == Some(b'|') && depth == 0 && self.byte(self.at + 1) == Some(b'|') {
                break;
            }
            self.at += 1;
            // A blank outside of parentheses ends it, and `word` would skip it.
            if depth == 0 && matches!(self.byte(self.at), Some(b' ' | b'\t' | b'\n')) {
                break;
            }
        }
        word.span = self.span(start);
        Ok(word)
    }
}
