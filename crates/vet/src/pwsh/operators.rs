//! Operators of expression mode and how tightly they bind (about_Operator_Precedence).

use super::cursor::{Parser, is_dash};

/// Binds weakest: `??`.
pub(super) const WEAKEST: u8 = 1;
const LOGICAL: u8 = 2;
const BITWISE: u8 = 3;
const COMPARISON: u8 = 4;
const ADDITIVE: u8 = 5;
const MULTIPLICATIVE: u8 = 6;
const FORMAT: u8 = 7;
const RANGE: u8 = 8;

/// Comparison operators that exist with `c` and `i` before their name as well.
const CASED: &[&str] = &[
    "eq",
    "ne",
    "ge",
    "gt",
    "lt",
    "le",
    "like",
    "notlike",
    "match",
    "notmatch",
    "replace",
    "contains",
    "notcontains",
    "in",
    "notin",
    "split",
];

/// How tightly a named binary operator binds; nothing if there is none of this name.
fn strength(name: &str) -> Option<u8> {
    let cased = name.strip_prefix(['c', 'i']).unwrap_or(name);
    Some(match name {
        "and" | "or" | "xor" => LOGICAL,
        "band" | "bor" | "bxor" => BITWISE,
        "is" | "isnot" | "as" | "join" | "shl" | "shr" => COMPARISON,
        "f" => FORMAT,
        _ if CASED.contains(&name) || CASED.contains(&cased) => COMPARISON,
        _ => return None,
    })
}

/// The operator without its letter for case.
pub(super) fn plain_name(name: &str) -> &str {
    let cased = name.strip_prefix(['c', 'i']).unwrap_or(name);
    if !CASED.contains(&name) && CASED.contains(&cased) { cased } else { name }
}

impl Parser<'_> {
    /// The binary operator at the position, not taken: its name, how tightly it binds, and its length in bytes.
    pub(super) fn binary_operator(&self) -> Option<(String, u8, usize)> {
        let letter = self.peek()?;
        let second = self.peek_behind(1);
        if second == Some('=') && letter != '=' {
            return None;
        }
        let one = |name: &str, strength| Some((name.to_owned(), strength, name.len()));
        match letter {
            '+' => one("+", ADDITIVE),
            '*' if second != Some('>') => one("*", MULTIPLICATIVE),
            '/' => one("/", MULTIPLICATIVE),
            '%' => one("%", MULTIPLICATIVE),
            '.' if second == Some('.') => one("..", RANGE),
            '?' if second == Some('?') && self.peek_behind(2) != Some('=') && !self.is_five() => {
                one("??", WEAKEST)
            }
            _ if is_dash(letter) => {
                let name: String =
                    self.rest().chars().skip(1).take_while(char::is_ascii_alphabetic).take(12).collect();
                if name.is_empty() {
                    return Some(("-".to_owned(), ADDITIVE, letter.len_utf8()));
                }
                let name = name.to_ascii_lowercase();
                let length = letter.len_utf8() + name.len();
                strength(&name).map(|strength| (name, strength, length))
            }
            _ => None,
        }
    }

    /// The unary operator at the position, taken.
    pub(super) fn unary_operator(&mut self) -> Option<String> {
        let letter = self.peek()?;
        let second = self.peek_behind(1);
        if matches!(letter, '!' | ',') {
            self.bump();
            return Some(letter.to_string());
        }
        if letter == '+' {
            let name = if second == Some('+') { "++" } else { "+" };
            self.at += name.len();
            return Some(name.to_owned());
        }
        if !is_dash(letter) {
            return None;
        }
        if second.is_some_and(is_dash) {
            self.bump();
            self.bump();
            return Some("--".to_owned());
        }
        let name: String =
            self.rest().chars().skip(1).take_while(char::is_ascii_alphabetic).take(8).collect();
        let name = name.to_ascii_lowercase();
        let is_known = matches!(name.as_str(), "not" | "bnot" | "join" | "split" | "csplit" | "isplit");
        if !name.is_empty() && !is_known {
            return None;
        }
        self.at += letter.len_utf8() + name.len();
        Some(if name.is_empty() { "-".to_owned() } else { plain_name(&name).to_owned() })
    }

    /// The assignment operator at the position, taken.
    pub(super) fn assignment_operator(&mut self) -> Option<String> {
        if self.rest().starts_with('=') {
            self.at += 1;
            return Some("=".to_owned());
        }
        let letter = self.peek()?;
        if self.rest().starts_with("??=") && !self.is_five() {
            self.at += 3;
            return Some("??=".to_owned());
        }
        if self.peek_behind(1) != Some('=') || !(matches!(letter, '+' | '*' | '/' | '%') || is_dash(letter)) {
            return None;
        }
        self.at += letter.len_utf8() + 1;
        Some(format!("{}=", if is_dash(letter) { '-' } else { letter }))
    }
}
