//! The second phase: special letters make commands, chains, groups and redirections of the lines.

use super::letters::{Letter, Sign, is_delimiter, known, lower_case};
use super::reader::{Mode, Parsed, Reader};
use super::tree::{Joint, Node, Redirect, Simple};
use crate::command::RedirectionKind;

impl Reader<'_> {
    /// Reads and follows everything. A command that is not understood ends with its line.
    pub(super) fn all(&mut self) {
        loop {
            match self.next_line() {
                Ok(false) => return,
                Ok(true) => {
                    self.logical_line();
                    self.risky_values();
                }
                Err(problem) => self.script.problems.push(problem),
            }
            self.open = 0;
            if self.is_spent() {
                return;
            }
        }
    }

    /// A line, and the lines that its groups go on in.
    fn logical_line(&mut self) {
        let result = self.chain(true);
        match result {
            Ok(Some(node)) => self.follow(&node),
            Ok(None) => {}
            Err(problem) => self.script.problems.push(problem),
        }
    }

    /// Commands up to the end of the line or the parenthesis that closes the group.
    fn chain(&mut self, begins: bool) -> Parsed<Option<Node>> {
        let mut nodes = Vec::new();
        let mut joint = Joint::Always;
        loop {
            self.delimiters()?;
            let ends = match self.peek() {
                None => true,
                Some(Sign::Char(')')) => self.open > 0,
                _ => false,
            };
            if ends {
                if joint != Joint::Always {
                    return self.unexpected("a command");
                }
                break;
            }
            let node = self.pipeline(begins && nodes.is_empty())?;
            nodes.push((joint, node));
            joint = match self.joint() {
                Some(joint) => joint,
                None if self.peek().is_none() => break,
                None if self.char_at(0) == Some(')') && self.open > 0 => break,
                None => return self.unexpected("an operator or the end of the line"),
            };
        }
        Ok(match nodes.len() {
            0 => None,
            1 => nodes.pop().map(|(_, node)| node),
            _ => Some(Node::Chain(nodes)),
        })
    }

    /// `&`, `&&` or `||`, if one stands here.
    pub(super) fn joint(&mut self) -> Option<Joint> {
        let (joint, length) = match (self.char_at(0), self.char_at(1)) {
            (Some('&'), Some('&')) => (Joint::Succeeded, 2),
            (Some('|'), Some('|')) => (Joint::Failed, 2),
            (Some('&'), _) => (Joint::Always, 1),
            _ => return None,
        };
        self.pos += length;
        Some(joint)
    }

    pub(super) fn pipeline(&mut self, begins: bool) -> Parsed<Node> {
        let first = self.command(begins)?;
        let mut nodes = vec![first];
        while self.char_at(0) == Some('|') && self.char_at(1) != Some('|') {
            self.pos += 1;
            nodes.push(self.command(false)?);
        }
        Ok(if nodes.len() > 1 { Node::Pipeline(nodes) } else { nodes.remove(0) })
    }

    /// One command with its redirections. `begins` is true where nothing stands before it in its line.
    pub(super) fn command(&mut self, begins: bool) -> Parsed<Node> {
        self.count()?;
        self.nested(|reader| reader.command_inside(begins))
    }

    fn command_inside(&mut self, begins: bool) -> Parsed<Node> {
        let mut redirected = Simple { start: self.here(), ..Simple::default() };
        // The first line of a command line may be run as a command, label or not.
        let mut may_be_label = begins && (self.mode == Mode::Batch || self.lines > 1);
        loop {
            self.delimiters()?;
            match self.char_at(0) {
                Some('@') => {
                    may_be_label = false;
                    self.pos += 1;
                }
                Some('<' | '>') => self.redirection(None, &mut redirected)?,
                Some(digit @ '0'..='9') if matches!(self.char_at(1), Some('<' | '>')) => {
                    self.pos += 1;
                    self.redirection(digit.to_digit(10), &mut redirected)?;
                }
                _ => break,
            }
        }
        let is_plain = redirected.redirections.is_empty();
        let node = match self.peek() {
            Some(Sign::Char('(')) => self.group()?,
            Some(Sign::Char(')')) if self.open == 0 && is_plain => {
                // cmd.exe reads the rest of such a line as a remark.
                self.pos = self.line.len();
                return Ok(Node::Nothing);
            }
            Some(Sign::Char('&' | '|')) => return self.unexpected("a command"),
            Some(Sign::Char(':')) if may_be_label && is_plain => return Ok(self.label()),
            None | Some(Sign::Char(')')) if !is_plain => {
                redirected.end = self.here();
                return Ok(Node::Simple(redirected));
            }
            None | Some(Sign::Char(')')) => return self.unexpected("a command"),
            _ => return self.word_command(redirected),
        };
        self.behind_group(node, redirected)
    }

    /// Redirections behind a parenthesis, and nothing else.
    fn behind_group(&mut self, node: Node, mut redirected: Simple) -> Parsed<Node> {
        loop {
            self.delimiters()?;
            match self.char_at(0) {
                Some('<' | '>') => self.redirection(None, &mut redirected)?,
                Some(digit @ '0'..='9') if matches!(self.char_at(1), Some('<' | '>')) => {
                    self.pos += 1;
                    self.redirection(digit.to_digit(10), &mut redirected)?;
                }
                _ => break,
            }
        }
        redirected.end = self.here();
        let is_plain = redirected.redirections.is_empty();
        Ok(if is_plain { node } else { Node::Redirected(Box::new(node), redirected) })
    }

    /// `( … )`, over any number of lines.
    fn group(&mut self) -> Parsed<Node> {
        self.pos += 1;
        self.open += 1;
        let mut nodes = Vec::new();
        // What stands behind the parenthesis in its line, and the second of two labels in a row, is read as a
        // command, with its operators.
        let mut begins = false;
        loop {
            self.delimiters()?;
            match self.peek() {
                Some(Sign::Char(')')) => break,
                None => {
                    if !self.next_line()? {
                        return self.stop("a parenthesis is not closed");
                    }
                    begins = !matches!(nodes.last(), Some(Node::Label(_)));
                }
                _ => nodes.extend(self.chain(begins)?),
            }
        }
        self.pos += 1;
        self.open -= 1;
        Ok(Node::Group(nodes))
    }

    /// A label: the rest of the line is no command, whatever stands there.
    fn label(&mut self) -> Node {
        let rest = self.line.get(self.pos + 1..).unwrap_or_default();
        let ends = |letter: &Letter| {
            letter.char().is_none_or(|known| is_delimiter(known) || "+:&|<>^()".contains(known))
        };
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let name = lower_case(rest.get(..end).unwrap_or_default());
        self.pos = self.line.len();
        Node::Label(name)
    }

    /// A command that begins with a word: `if`, `for`, `rem` or any other.
    fn word_command(&mut self, redirected: Simple) -> Parsed<Node> {
        let start = self.here();
        let token = self.command_token()?;
        let has_caret = token.iter().any(|letter| letter.escaped);
        let is_plain = redirected.redirections.is_empty();
        let before = redirected.start;
        let node = match known(&token).map(|text| text.to_ascii_lowercase()).as_deref() {
            Some("if") => self.condition()?,
            Some("for") => self.for_loop()?,
            // Behind a redirection or with a caret it is a command like others, and operators count.
            Some("rem") if !has_caret && is_plain && self.remark_follows() => return self.remark(start),
            _ => {
                let mut simple = redirected;
                simple.letters = token;
                simple.start = if is_plain { start } else { before };
                self.arguments(&mut simple)?;
                return Ok(Node::Simple(simple));
            }
        };
        if node.ends_with_parenthesis() {
            return self.behind_group(node, redirected);
        }
        Ok(if is_plain { node } else { Node::Redirected(Box::new(node), redirected) })
    }

    /// The letters of a command's first word, up to what may end the name of a keyword.
    fn command_token(&mut self) -> Parsed<Vec<Letter>> {
        let mut token = Vec::new();
        while let Some(letter) = self.line.get(self.pos).copied() {
            match letter.char() {
                Some('^') => token.extend(self.behind_caret()?),
                Some(known) if known.is_ascii_alphabetic() => {
                    token.push(letter);
                    self.pos += 1;
                }
                _ => break,
            }
            let is_name = |letter: &Letter| letter.char().is_some_and(|known| known.is_ascii_alphabetic());
            if !token.last().is_some_and(is_name) {
                break;
            }
        }
        let ends = self.char_at(0).is_none_or(|next| is_delimiter(next) || "/(&|<>)".contains(next));
        if !ends || self.peek().is_some_and(|sign| matches!(sign, Sign::Value(_))) {
            // Not the end of a word: no keyword, as the letter that does not fit says.
            let next = self.line.get(self.pos).copied();
            token.extend(next.filter(|letter| !matches!(letter.char(), Some('^' | '"'))));
            self.pos += usize::from(next.is_some_and(|letter| !matches!(letter.char(), Some('^' | '"'))));
        }
        Ok(token)
    }

    fn remark_follows(&self) -> bool {
        self.peek().is_none() || matches!(self.char_at(0), Some(' ' | '\t' | '&' | '|' | '<' | '>' | ')'))
    }

    /// `rem`: its first word is read like any other, what stands behind that is not. A caret could lead a remark of one
    /// word on to the next line; that line is read as commands all the same.
    fn remark(&mut self, start: usize) -> Parsed<Node> {
        let mut simple = Simple { start, ..Simple::default() };
        while self.char_at(0).is_some_and(is_delimiter) {
            self.pos += 1;
        }
        let mut has_word = false;
        let mut quoted = false;
        while let Some(letter) = self.line.get(self.pos).copied() {
            match letter.char() {
                Some('"') => {
                    quoted = !quoted;
                    self.pos += 1;
                }
                _ if quoted => self.pos += 1,
                Some('^') => self.pos = self.line.len().min(self.pos + 2),
                Some('&' | '|' | '<' | '>') => break,
                Some(')') if self.open > 0 => break,
                Some(known) if is_delimiter(known) => break,
                _ => self.pos += 1,
            }
            has_word = true;
        }
        let has_ended = self.char_at(0).is_some_and(is_delimiter) || self.peek().is_none();
        if has_ended && has_word {
            self.pos = self.line.len();
        }
        if matches!(self.char_at(0), Some('<' | '>')) {
            self.arguments(&mut simple)?;
        }
        simple.end = self.here();
        if simple.redirections.is_empty() {
            return Ok(Node::Nothing);
        }
        simple.letters.clear();
        Ok(Node::Simple(simple))
    }

    /// The rest of a simple command.
    fn arguments(&mut self, simple: &mut Simple) -> Parsed<()> {
        let mut quoted = false;
        while let Some(letter) = self.line.get(self.pos).copied() {
            match letter.char() {
                Some('"') => quoted = !quoted,
                _ if quoted => {}
                Some('^') => {
                    simple.letters.extend(self.behind_caret()?);
                    continue;
                }
                Some('&' | '|') => break,
                Some(')') if self.open > 0 => break,
                Some('<' | '>') => {
                    let descriptor = handle(&mut simple.letters);
                    self.redirection(descriptor, simple)?;
                    continue;
                }
                _ => {}
            }
            simple.letters.push(letter);
            self.pos += 1;
        }
        simple.end = self.here().max(simple.start);
        Ok(())
    }

    /// `<`, `>`, `>>`, `<&n` and `>&n`, from the sign on.
    fn redirection(&mut self, descriptor: Option<u32>, simple: &mut Simple) -> Parsed<()> {
        let reads = self.char_at(0) == Some('<');
        self.pos += 1;
        let mut kind = if reads { RedirectionKind::Read } else { RedirectionKind::Write };
        if !reads && self.char_at(0) == Some('>') {
            self.pos += 1;
            kind = RedirectionKind::Append;
        }
        if self.char_at(0) == Some('&') {
            self.pos += 1;
            self.delimiters()?;
            kind = RedirectionKind::Duplicate;
        }
        let is_input_copy = reads && kind == RedirectionKind::Duplicate;
        let descriptor = descriptor.or_else(|| is_input_copy.then_some(0));
        let target = match kind {
            RedirectionKind::Duplicate => self.digit(),
            _ => self.token(true)?,
        };
        if target.is_empty() {
            return self.unexpected("the target of a redirection");
        }
        simple.redirections.push(Redirect { descriptor, kind, target });
        Ok(())
    }

    fn digit(&mut self) -> Vec<Letter> {
        let is_digit = |letter: &&Letter| letter.char().is_some_and(|known| known.is_ascii_digit());
        let digit: Vec<Letter> = self.line.get(self.pos).filter(is_digit).copied().into_iter().collect();
        self.pos += digit.len();
        digit
    }

    /// One word: up to a delimiter or an operator outside of quotes, quotes kept. Parentheses are letters of it
    /// unless `parentheses_end` and one is open.
    pub(super) fn token(&mut self, parentheses_end: bool) -> Parsed<Vec<Letter>> {
        self.delimiters()?;
        let mut token = Vec::new();
        let mut quoted = false;
        while let Some(letter) = self.line.get(self.pos).copied() {
            match letter.char() {
                Some('"') => quoted = !quoted,
                _ if quoted => {}
                Some('^') => {
                    token.extend(self.behind_caret()?);
                    continue;
                }
                Some('&' | '|' | '<' | '>') => break,
                Some(')') if parentheses_end && self.open > 0 => break,
                Some(known) if is_delimiter(known) => break,
                _ => {}
            }
            token.push(letter);
            self.pos += 1;
        }
        Ok(token)
    }
}

/// The digit before a redirection, if it stands alone.
fn handle(letters: &mut Vec<Letter>) -> Option<u32> {
    let [before @ .., last] = letters.as_slice() else { return None };
    let digit = last.char().filter(|_| !last.escaped)?.to_digit(10)?;
    let stands_alone = before.last().is_none_or(|letter| letter.char().is_some_and(is_delimiter));
    stands_alone.then(|| {
        letters.pop();
        digit
    })
}
