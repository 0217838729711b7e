//! `if` and `for`.

use super::letters::{Letter, Sign, is_delimiter, known, lower_case};
use super::reader::{Parsed, Reader};
use super::tree::{Joint, Loop, Node, Through};

/// Words between the operands of a comparison.
const COMPARISONS: &[&str] = &["equ", "neq", "lss", "leq", "gtr", "geq"];

/// Conditions of one operand.
const TESTS: &[&str] = &["exist", "defined", "errorlevel", "cmdextversion"];

impl Reader<'_> {
    /// `if`, from behind the word on.
    pub(super) fn condition(&mut self) -> Parsed<Node> {
        loop {
            let operand = self.operand()?;
            let word = lower_case(&operand);
            let is_compared = self.takes_equals()?;
            if is_compared {
                self.operand()?;
                break;
            }
            if word == "/i" || word == "not" {
                continue;
            }
            if TESTS.contains(&word.as_str()) {
                self.operand()?;
                break;
            }
            let comparison = self.operand()?;
            if !COMPARISONS.contains(&lower_case(&comparison).as_str()) {
                return self.stop("the condition of `if` is not understood");
            }
            self.operand()?;
            break;
        }
        let then = self.body("the command of `if`")?;
        let other = self.otherwise(&then)?;
        Ok(Node::If(Box::new(then), other.map(Box::new)))
    }

    fn otherwise(&mut self, then: &Node) -> Parsed<Option<Node>> {
        if !then.ends_with_parenthesis() {
            return Ok(None);
        }
        self.delimiters()?;
        let word: String = (0..4).map_while(|ahead| self.char_at(ahead)).collect();
        let ends = self.line.get(self.pos + 4).is_none_or(|next| {
            next.char().is_some_and(|next| is_delimiter(next) || "(@&|<>^)".contains(next))
        });
        if !word.eq_ignore_ascii_case("else") || !ends {
            return Ok(None);
        }
        self.pos += 4;
        self.body("the command of `else`").map(Some)
    }

    /// A pipeline: what stands behind `if` and `for` reaches as far as the line.
    fn body(&mut self, wanted: &str) -> Parsed<Node> {
        self.delimiters()?;
        if self.peek().is_none() {
            return self.unexpected(wanted);
        }
        self.pipeline(false)
    }

    /// An operand of a condition. Parentheses are letters of it.
    fn operand(&mut self) -> Parsed<Vec<Letter>> {
        let operand = self.token(false)?;
        if operand.is_empty() {
            return self.unexpected("an operand of `if`");
        }
        Ok(operand)
    }

    fn takes_equals(&mut self) -> Parsed<bool> {
        self.blanks()?;
        let found = self.char_at(0) == Some('=') && self.char_at(1) == Some('=');
        if found {
            self.pos += 2;
        }
        Ok(found)
    }

    /// `for`, from behind the word on.
    pub(super) fn for_loop(&mut self) -> Parsed<Node> {
        let mut through = Through::Words;
        let variable = loop {
            let token = self.token(false)?;
            let text = lower_case(&token);
            match text.get(..2) {
                // Directories that match, as files do without it; with `/r` at any depth.
                Some("/d") if text.len() == 2 => {}
                Some("/r") if text.len() == 2 => through = Through::Names,
                Some("/l") if text.len() == 2 => through = Through::Numbers,
                Some("/f") => through = Through::Lines(token.get(2..).unwrap_or_default().to_vec()),
                _ => {
                    if let Some(variable) = loop_variable(&token) {
                        break variable;
                    }
                    match &mut through {
                        _ if token.is_empty() => return self.unexpected("the variable of `for`"),
                        Through::Lines(options) if options.is_empty() => *options = token,
                        // The root of `/r`.
                        Through::Names => {}
                        _ => return self.stop("the variable of `for` is not understood"),
                    }
                }
            }
        };
        self.keyword("in")?;
        self.delimiters()?;
        if self.char_at(0) != Some('(') {
            return self.unexpected("`(` of `for`");
        }
        self.pos += 1;
        let set = self.set()?;
        self.keyword("do")?;
        let start = self.letters_read();
        let body = Box::new(self.rest_of_line("the command of `for`")?);
        let size = self.letters_read().saturating_sub(start);
        Ok(Node::For(Loop { variable, through, set, size, body }))
    }

    /// The command of a loop, with all that is joined to it: `for %i in (1 2) do a & b` runs both twice.
    fn rest_of_line(&mut self, wanted: &str) -> Parsed<Node> {
        let mut nodes = vec![(Joint::Always, self.body(wanted)?)];
        while let Some(joint) = self.joint() {
            self.delimiters()?;
            let ends = self.peek().is_none() || self.open > 0 && self.char_at(0) == Some(')');
            if ends && joint == Joint::Always {
                break;
            }
            nodes.push((joint, self.body("a command")?));
        }
        Ok(if nodes.len() == 1 { nodes.remove(0).1 } else { Node::Chain(nodes) })
    }

    fn keyword(&mut self, wanted: &str) -> Parsed<()> {
        self.delimiters()?;
        let word: String = (0..2).map_while(|ahead| self.char_at(ahead)).collect();
        let ends = self
            .line
            .get(self.pos + 2)
            .is_none_or(|next| next.char().is_some_and(|next| is_delimiter(next) || "(@^\"".contains(next)));
        if !word.eq_ignore_ascii_case(wanted) || !ends {
            return self.unexpected(&format!("`{wanted}`"));
        }
        self.pos += 2;
        Ok(())
    }

    /// The letters between the parentheses of a `for`; lines are words there.
    fn set(&mut self) -> Parsed<Vec<Letter>> {
        let mut letters: Vec<Letter> = Vec::new();
        let mut quoted = false;
        loop {
            let Some(letter) = self.line.get(self.pos).copied() else {
                quoted = false;
                let last = self.line.last().copied();
                if !self.continue_line()? {
                    return self.stop("the parenthesis of `for` is not closed");
                }
                letters.extend(last.map(|last| last.with(Sign::Char('\n'))));
                continue;
            };
            match letter.char() {
                Some('"') => quoted = !quoted,
                _ if quoted => {}
                Some('^') => {
                    letters.extend(self.behind_caret()?);
                    continue;
                }
                Some(')') => break,
                Some('&' | '|' | '<' | '>') => return self.unexpected("`)` of `for`"),
                _ => {}
            }
            letters.push(letter);
            self.pos += 1;
        }
        self.pos += 1;
        Ok(letters)
    }
}

/// The name of a loop's variable: a percent sign and one letter.
fn loop_variable(token: &[Letter]) -> Option<char> {
    let text = known(token)?;
    let mut letters = text.chars();
    (letters.next() == Some('%')).then_some(())?;
    let name = letters.next().filter(|name| *name != '%')?;
    letters.next().is_none().then_some(name)
}
