//! Whether arguments can come of words that are known in part.

use garth_vet::{Part, Unknown, Word};

/// True if these arguments can come of these words.
pub(crate) fn matches(words: &[Word], arguments: &[String]) -> bool {
    let Some((word, rest)) = words.split_first() else { return arguments.is_empty() };
    let may_split =
        word.parts.iter().any(|part| matches!(part, Part::Pattern(_) | Part::Unknown { splits: true, .. }));
    if !may_split {
        let Some((argument, others)) = arguments.split_first() else { return false };
        return fits(&word.parts, argument) && matches(rest, others);
    }
    (0..=arguments.len()).any(|count| {
        let (taken, others) = arguments.split_at(count);
        let fits = match taken {
            [] => !word.parts.iter().any(|part| matches!(part, Part::Text(_))),
            [one] => fits(&word.parts, one),
            [first, .., last] => begins(&word.parts, first) && ends(&word.parts, last),
        };
        fits && matches(rest, others)
    })
}

fn begins(parts: &[Part], argument: &str) -> bool {
    match parts.first() {
        Some(Part::Text(text)) => argument.starts_with(text.as_str()),
        _ => true,
    }
}

fn ends(parts: &[Part], argument: &str) -> bool {
    match parts.last() {
        Some(Part::Text(text)) => argument.ends_with(text.as_str()),
        _ => true,
    }
}

/// True if one argument can come of these pieces.
fn fits(parts: &[Part], argument: &str) -> bool {
    let Some((part, rest)) = parts.split_first() else { return argument.is_empty() };
    match part {
        Part::Text(text) => argument.strip_prefix(text.as_str()).is_some_and(|left| fits(rest, left)),
        Part::Unknown { why: Unknown::Number, .. } => {
            let ends = argument.char_indices().map(|(at, letter)| at + letter.len_utf8());
            let is_number =
                |end: &usize| argument[..*end].chars().all(|letter| letter.is_ascii_digit() || letter == '-');
            ends.take_while(is_number).any(|end| fits(rest, &argument[end..]))
        }
        Part::Pattern(_) | Part::Home(_) | Part::Unknown { .. } => {
            let places = argument.char_indices().map(|(at, _)| at).chain([argument.len()]);
            places.into_iter().any(|at| fits(rest, &argument[at..]))
        }
    }
}
