//! Options of one letter in rules: `-rf` stands for its letters, in whatever words and order they are given.

use super::rules::Match;

/// Letters of a word of a rule that is read as a cluster. Longer ones are names behind one dash, as of `find -delete`.
const MOST_LETTERS: usize = 3;

/// Letters of a word of a command that is read as a cluster.
const MOST_GIVEN: usize = 6;

/// True if every choice is a word of single letters: `-rf`.
pub(super) fn are_letters(choices: &[String]) -> bool {
    let is_cluster =
        |word: &String| cluster(word).is_some_and(|letters| (2..=MOST_LETTERS).contains(&letters.len()));
    !choices.is_empty() && choices.iter().all(is_cluster)
}

/// The letters behind one dash.
fn cluster(word: &str) -> Option<&str> {
    word.strip_prefix('-').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// Whether the words behind a program give all letters of one of the choices: certainly where they are letters in
/// this very case, possibly where a long name begins with one.
pub(super) fn given(choices: &[String], words: &[&str]) -> Option<Match> {
    let words = words.iter().take_while(|word| **word != "--");
    let letters: String = words
        .clone()
        .filter_map(|word| cluster(word))
        .filter(|letters| letters.len() <= MOST_GIVEN)
        .collect();
    let names: String =
        words.filter_map(|word| word.strip_prefix("--").and_then(|name| name.chars().next())).collect();
    let sure = |choice: &String| {
        let of_letter = |letter: char| {
            if letters.contains(letter) {
                return Some(Match::Certain);
            }
            let other = if letter.is_ascii_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            };
            (names.contains(letter) || letters.contains(other)).then_some(Match::Possible)
        };
        cluster(choice)?.chars().map(of_letter).min().flatten()
    };
    choices.iter().filter_map(sure).max()
}
