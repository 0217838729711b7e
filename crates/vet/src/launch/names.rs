//! Builtins of shells that take names of variables, and what a name can do that only the run will show.
//!
//! A name may have a subscript, `a[$(rm x)]`, which runs commands; and a variable of any name may be one whose value is
//! run, as that of `PS4` is.

use super::args::{self, Grammar};
use super::variables::{runs_value, split_assignment};
use super::{Call, Launches};
use crate::command::{Part, Unknown, Word};
use crate::hidden::EVALUATED;

/// Builtins whose operands are names, or `name=value`.
const DECLARING: &[&str] = &["declare", "typeset", "local", "export", "readonly"];

/// Looks at the names that a builtin is given.
pub(super) fn named(call: Call<'_>, found: &mut Launches) {
    let grammar = |valued| Grammar { valued, long: &[] };
    match call.name {
        "let" => {
            evaluated(call, found);
            numbered(call, found);
        }
        name if DECLARING.contains(&name) => {
            let read = args::read(call.words, Grammar::FLAGS);
            let refers = read.has(&["-n"]);
            for word in &read.operands {
                unknown_name(word, call.name, found);
                if let Some((_, meant)) = split_assignment(word).filter(|_| refers) {
                    filled(&meant, "declare -n", found);
                }
                if refers && word.has_unknown() {
                    found.unknown(
                        "what a reference to an unknown name makes the shell run",
                        word.span,
                        call.name,
                    );
                }
            }
        }
        "unset" => {
            let read = args::read(call.words, Grammar::FLAGS);
            read.operands.iter().for_each(|word| unknown_name(word, call.name, found));
        }
        "read" => {
            let read = args::read(call.words, grammar("adinNptu"));
            let array = read.value(&["-a"]).cloned();
            read.operands.iter().chain(array.iter()).for_each(|word| filled(word, call.name, found));
        }
        "mapfile" | "readarray" => {
            let read = args::read(call.words, grammar("dnOsuCc"));
            read.operands.iter().for_each(|word| filled(word, call.name, found));
        }
        "printf" => {
            let read = args::read(call.words, grammar("v"));
            read.value(&["-v"]).iter().for_each(|word| filled(word, "printf -v", found));
        }
        "wait" => {
            let read = args::read(call.words, grammar("p"));
            read.value(&["-p"]).iter().for_each(|word| filled(word, "wait -p", found));
        }
        "getopts" => call.words.get(1).into_iter().for_each(|word| filled(word, call.name, found)),
        "test" | "[" => {
            for pair in call.words.windows(2) {
                if let [operator, name] = pair
                    && matches!(operator.text().as_deref(), Some("-v" | "-R"))
                {
                    unknown_name(name, "test -v", found);
                }
            }
        }
        _ => {}
    }
}

/// `let PATH=1`: a number for a variable whose value makes programs run something.
fn numbered(call: Call<'_>, found: &mut Launches) {
    let names = call.words.iter().filter_map(split_assignment).map(|(name, _)| name);
    if let Some(name) = names.into_iter().find(|name| runs_value(name)) {
        found.unknown(format!("what the value of {name} makes programs run"), call.span(), "let");
    }
}

/// Values of data that arithmetic evaluates, as the grammar of the shell found them.
fn evaluated(call: Call<'_>, found: &mut Launches) {
    for word in call.words {
        for part in &word.parts {
            if let Part::Unknown { why: Unknown::Other(why), .. } = part
                && let Some(name) = why.strip_prefix(EVALUATED)
            {
                let what = format!("what a value from data (`{name}`) makes arithmetic run");
                found.unknown(what, word.span, "arithmetic");
            }
        }
    }
}

/// A variable is given a value that stands nowhere in the text.
fn filled(word: &Word, via: &str, found: &mut Launches) {
    unknown_name(word, via, found);
    if let Some(name) = word.text().filter(|name| runs_value(name)) {
        found.unknown(format!("what the value of {name} makes programs run"), word.span, via);
    }
}

/// A name that only the run will show, up to where its value begins.
fn unknown_name(word: &Word, via: &str, found: &mut Launches) {
    let is_number = |part: &Part| matches!(part, Part::Unknown { why: Unknown::Number, .. });
    let is_known = word.known_start().contains('=') || !word.has_unknown();
    if !is_known && !word.parts.iter().any(is_number) {
        found.unknown("what a name that is only known at run time makes the shell run", word.span, via);
    }
}
