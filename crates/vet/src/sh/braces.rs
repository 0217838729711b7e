//! Brace expansion, which comes before every other: `a{b,c}` and `{1..3}`.

use super::tree::Piece;

/// Words that one word may become. More is no command line that a person wrote.
const MOST_WORDS: usize = 256;

/// Letters of a word whose braces are followed.
const LONGEST: usize = 4096;

/// Braces in each other that are followed.
const DEEPEST: u32 = 8;

/// A piece of a word, with bare letters one by one.
#[derive(Clone, Debug)]
enum Atom {
    Letter(char),
    Piece(Piece),
}

/// True if the word may have to be expanded.
pub(super) fn has_braces(pieces: &[Piece]) -> bool {
    let bare = |test: &dyn Fn(&str) -> bool| {
        pieces.iter().any(|piece| matches!(piece, Piece::Bare(text) if test(text)))
    };
    bare(&|text| text.contains('{'))
        && bare(&|text| text.contains('}'))
        && bare(&|text| text.contains(',') || text.contains(".."))
}

/// The words that the braces stand for; `None` if they are too many.
pub(super) fn expand(pieces: &[Piece]) -> Option<Vec<Vec<Piece>>> {
    let mut atoms = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bare(text) => atoms.extend(text.chars().map(Atom::Letter)),
            other => atoms.push(Atom::Piece(other.clone())),
        }
    }
    if atoms.len() > LONGEST {
        return None;
    }
    let words = expand_atoms(&atoms, 0)?;
    Some(words.into_iter().map(joined).collect())
}

fn joined(atoms: Vec<Atom>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for atom in atoms {
        match atom {
            Atom::Letter(letter) => {
                super::cursor::push_text(&mut pieces, letter.encode_utf8(&mut [0; 4]), false);
            }
            Atom::Piece(piece) => pieces.push(piece),
        }
    }
    pieces
}

fn expand_atoms(atoms: &[Atom], depth: u32) -> Option<Vec<Vec<Atom>>> {
    if depth > DEEPEST {
        return None;
    }
    let mut from = 0;
    while let Some(open) = find(atoms, from, '{') {
        let Some(found) = alternatives(atoms, open) else {
            from = open + 1;
            continue;
        };
        let (choices, end) = found;
        let rest = expand_atoms(atoms.get(end..)?, depth + 1)?;
        let mut words = Vec::new();
        for choice in choices {
            for middle in expand_atoms(&choice, depth + 1)? {
                for tail in &rest {
                    let mut word = atoms.get(..open)?.to_vec();
                    word.extend(middle.iter().cloned());
                    word.extend(tail.iter().cloned());
                    words.push(word);
                    if words.len() > MOST_WORDS {
                        return None;
                    }
                }
            }
        }
        return Some(words);
    }
    Some(vec![atoms.to_vec()])
}

fn find(atoms: &[Atom], from: usize, wanted: char) -> Option<usize> {
    let rest = atoms.get(from..)?;
    rest.iter().position(|atom| matches!(atom, Atom::Letter(letter) if *letter == wanted)).map(|at| at + from)
}

/// The alternatives of the brace at `open`, and where the word goes on; `None` if these braces mean themselves.
fn alternatives(atoms: &[Atom], open: usize) -> Option<(Vec<Vec<Atom>>, usize)> {
    let mut depth = 0_usize;
    let mut choices = Vec::new();
    let mut choice = Vec::new();
    for (index, atom) in atoms.iter().enumerate().skip(open + 1) {
        match atom {
            Atom::Letter('}') if depth == 0 => {
                let last = std::mem::take(&mut choice);
                if choices.is_empty() {
                    return Some((sequence(&last)?, index + 1));
                }
                choices.push(last);
                return Some((choices, index + 1));
            }
            Atom::Letter(',') if depth == 0 => {
                choices.push(std::mem::take(&mut choice));
                continue;
            }
            Atom::Letter('{') => depth += 1,
            Atom::Letter('}') => depth -= 1,
            _ => {}
        }
        choice.push(atom.clone());
    }
    None
}

/// `1..5`, `a..e`, `1..9..2`; the words of one that is too long are as many as are followed, and one more.
fn sequence(atoms: &[Atom]) -> Option<Vec<Vec<Atom>>> {
    let letters: Option<String> = atoms
        .iter()
        .map(|atom| match atom {
            Atom::Letter(letter) => Some(*letter),
            Atom::Piece(_) => None,
        })
        .collect();
    let letters = letters?;
    let mut parts = letters.split("..");
    let (from, to, step) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let step = step.map_or(Some(1), |step| step.parse::<i64>().ok())?.unsigned_abs().max(1);
    let step = usize::try_from(step).ok()?;
    let words = |shown: Vec<String>| {
        Some(shown.into_iter().map(|word| word.chars().map(Atom::Letter).collect()).collect())
    };
    if let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let (low, high) = (from.min(to), from.max(to));
        let mut numbers: Vec<String> =
            (low..=high).step_by(step).take(MOST_WORDS + 1).map(|number| number.to_string()).collect();
        if from > to {
            numbers.reverse();
        }
        return words(numbers);
    }
    let one = |text: &str| {
        let mut letters = text.chars();
        letters.next().filter(|letter| letter.is_ascii_alphabetic() && letters.next().is_none())
    };
    let (from, to) = (one(from)?, one(to)?);
    let mut range: Vec<String> =
        (from.min(to)..=from.max(to)).step_by(step).map(|letter| letter.to_string()).collect();
    if from > to {
        range.reverse();
    }
    words(range)
}
