//! awk: pipes, `system`, `getline`, redirections of `print`.

use super::{Deed, is_open_already};
use std::iter::Peekable;
use std::str::Chars;

/// A piece of a script, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    /// A number or a regular expression.
    Value,
    Sign(char),
    /// `||`, `&&`, `>=` and other signs of two letters that are not redirections.
    Operator,
    /// `>>`.
    Append,
    /// The end of a statement: a line break or `;`.
    End,
}

/// What a script does, by its tokens.
pub(super) fn deeds(script: &str) -> Vec<Deed> {
    let Some(tokens) = tokens(script) else {
        return vec![Deed::Unclear("an awk script that is not understood")];
    };
    let mut deeds = Vec::new();
    let mut depth = 0_usize;
    // The depth of parentheses at which a print statement began.
    let mut printing: Option<usize> = None;
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[') => depth += 1,
            Token::Sign(')' | ']') => depth = depth.saturating_sub(1),
            Token::End | Token::Sign('{' | '}') => printing = None,
            Token::Name(name) => match name.as_str() {
                "print" | "printf" => printing = Some(depth),
                "system" => deeds.push(Deed::Runs),
                "ARGV" | "ARGC" => deeds.push(Deed::Unclear("a script that chooses its files itself")),
                "getline" => deeds.extend(read(&tokens[place + 1..])),
                _ => {}
            },
            // `print | "command"`, `"command" | getline`, `@load`, `@name()`.
            Token::Sign('|' | '@') => deeds.push(Deed::Runs),
            Token::Append | Token::Sign('>') if printing == Some(depth) => {
                deeds.extend(file(&tokens[place + 1..]).map(Deed::Writes));
            }
            _ => {}
        }
    }
    deeds
}

/// `getline < file` and `getline name < file`.
fn read(tokens: &[Token]) -> Option<Deed> {
    let rest = match tokens {
        [Token::Sign('<'), rest @ ..] | [Token::Name(_), Token::Sign('<'), rest @ ..] => rest,
        // `getline array[i] < file`: what is assigned can be any place.
        tokens => {
            let end = tokens.iter().position(|token| matches!(token, Token::End | Token::Sign('}')));
            let here = &tokens[..end.unwrap_or(tokens.len())];
            return here.contains(&Token::Sign('<')).then_some(Deed::Reads(None));
        }
    };
    file(rest).map(Deed::Reads)
}

/// The file behind a redirection; nothing for one that is open already.
fn file(tokens: &[Token]) -> Option<Option<String>> {
    match tokens {
        [Token::Text(name), rest @ ..] => {
            let ends = matches!(rest.first(), None | Some(Token::End | Token::Sign('}')));
            match ends {
                true if is_open_already(name) => None,
                true => Some(Some(name.clone())),
                false => Some(None),
            }
        }
        _ => Some(None),
    }
}

/// The tokens of a script; `None` if a text or a regular expression does not end.
fn tokens(script: &str) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut letters = script.chars().peekable();
    while let Some(letter) = letters.next() {
        let token = match letter {
            '\n' | ';' => Token::End,
            '\\' | ' ' | '\t' | '\r' => continue,
            '#' => {
                while letters.next_if(|letter| *letter != '\n').is_some() {}
                continue;
            }
            '"' => Token::Text(quoted(&mut letters, '"')?),
            '/' if !ends_operand(tokens.last()) => {
                regular_expression(&mut letters)?;
                Token::Value
            }
            '0'..='9' | '.' => {
                while letters.next_if(|letter| letter.is_ascii_alphanumeric() || *letter == '.').is_some() {}
                Token::Value
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                let mut name = String::from(letter);
                while let Some(more) = letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_') {
                    name.push(more);
                }
                Token::Name(name)
            }
            letter => sign(letter, &mut letters),
        };
        tokens.push(token);
    }
    Some(tokens)
}

fn sign(letter: char, letters: &mut Peekable<Chars<'_>>) -> Token {
    let next = letters.peek().copied();
    let double = match (letter, next) {
        ('>', Some('>')) => Token::Append,
        ('|', Some('|')) | ('&', Some('&')) => Token::Operator,
        ('=' | '!' | '<' | '>' | '+' | '-' | '*' | '%' | '^', Some('='))
        | ('+', Some('+'))
        | ('-', Some('-')) => Token::Operator,
        _ => return Token::Sign(letter),
    };
    letters.next();
    double
}

/// True if a `/` behind the token divides; else it begins a regular expression. Source: the grammar of awk in POSIX.
fn ends_operand(token: Option<&Token>) -> bool {
    match token {
        Some(Token::Text(_) | Token::Value | Token::Sign(')' | ']' | '$')) => true,
        Some(Token::Name(name)) => {
            !["print", "printf", "return", "in", "getline", "case", "if", "while", "do", "else"]
                .contains(&name.as_str())
        }
        _ => false,
    }
}

fn quoted(letters: &mut Peekable<Chars<'_>>, end: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\\' => {
                text.push('\\');
                text.push(letters.next()?);
            }
            letter if letter == end => return Some(text),
            letter => text.push(letter),
        }
    }
}

fn regular_expression(letters: &mut Peekable<Chars<'_>>) -> Option<()> {
    let mut class = false;
    loop {
        match letters.next()? {
            '\\' => {
                letters.next()?;
            }
            '[' if !class => {
                class = true;
                // `[]x]` and `[^]x]` begin with a bracket that does not end them.
                letters.next_if_eq(&'^');
                letters.next_if_eq(&']');
            }
            ']' => class = false,
            '\n' => return None,
            '/' if !class => return Some(()),
            _ => {}
        }
    }
}
