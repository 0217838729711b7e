//! Modules of Python that are programs of their own: `python -m zipfile -e a.zip directory`.

use super::args::{self, Grammar};
use super::{Call, Launches};
use crate::command::{Span, Word};
use crate::effect::{Effect, EffectKind};

/// What a module of the standard library does with its words.
struct Module {
    name: &'static str,
    /// Options with a value.
    grammar: Grammar,
    /// Options with which all operands but the first are written, or the one at this place.
    written: &'static [(&'static str, usize)],
    /// The place of an operand that is written without any option.
    operand: Option<usize>,
    /// Options whose value is written.
    values: &'static [&'static str],
}

const fn module(
    name: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
    written: &'static [(&'static str, usize)],
    operand: Option<usize>,
    values: &'static [&'static str],
) -> Module {
    Module { name, grammar: Grammar { valued, long }, written, operand, values }
}

/// Source: the command line of each module in the documentation of Python's library.
const MODULES: &[Module] = &[
    module(
        "zipfile",
        "",
        &["metadata-encoding"],
        &[("-e", 1), ("--extract", 1), ("-c", 0), ("--create", 0)],
        None,
        &[],
    ),
    module("tarfile", "", &["filter"], &[("-e", 1), ("--extract", 1), ("-c", 0), ("--create", 0)], None, &[]),
    module("venv", "", &["prompt"], &[], Some(0), &[]),
    module("virtualenv", "p", &["python", "prompt"], &[], Some(0), &[]),
    module("ensurepip", "", &["root"], &[], None, &["--root"]),
    module("json.tool", "", &["indent"], &[], Some(1), &[]),
    module("cProfile", "os", &["outfile", "sort"], &[], None, &["-o", "--outfile"]),
    module("profile", "os", &["outfile", "sort"], &[], None, &["-o", "--outfile"]),
    module(
        "trace",
        "fC",
        &["file", "coverdir", "ignore-module", "ignore-dir"],
        &[],
        None,
        &["-f", "--file", "-C", "--coverdir"],
    ),
    module("zipapp", "opm", &["output", "python", "main"], &[], None, &["-o", "--output"]),
];

/// What a module does to files, and what acts for it outside. `words` stand behind its name.
pub(super) fn effects(name: &str, words: &[Word], call: Call<'_>, found: &mut Launches) {
    if name == "webbrowser" {
        return found.elevates("a browser of the desktop opens it", call.span());
    }
    let Some(module) = MODULES.iter().find(|module| module.name == name) else { return };
    let read = args::read_all(words, module.grammar);
    if name == "ensurepip" && read.has(&["--user"]) {
        found.effect(EffectKind::ChangesConfig, None, "it installs pip for the user", call.span());
    }
    for given in &read.options {
        if module.values.contains(&given.name.as_str())
            && let Some(value) = &given.value
        {
            writes(value, found);
        }
        let place = module.written.iter().find(|(option, _)| *option == given.name).map(|(_, place)| *place);
        // All words behind the option of `tarfile` are its values.
        if let Some(place) = place {
            let here = here(call.span());
            writes(read.operands.get(place).unwrap_or(&here), found);
        }
    }
    if let Some(word) = module.operand.and_then(|place| read.operands.get(place)) {
        writes(word, found);
    }
}

fn here(span: Span) -> Word {
    Word::known(".", span)
}

fn writes(word: &Word, found: &mut Launches) {
    found.effects.push(Effect {
        kind: EffectKind::Writes,
        target: Some(word.clone()),
        recursive: true,
        reason: "a module of Python writes it".to_owned(),
        span: word.span,
    });
}
