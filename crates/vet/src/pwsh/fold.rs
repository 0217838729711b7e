//! Operators on values that are known, as they are used to build and to hide names.

use super::value::{LONGEST, Value, number, push, push_text};
use crate::command::Part;

/// Longest list that is folded.
const MOST: usize = 20_000;

/// Letters that mean something in a regular expression.
const REGEX_LETTERS: &[char] = &['\\', '.', '*', '+', '?', '[', ']', '(', ')', '{', '}', '|', '^', '$'];

/// A binary operator, named without dash and case letter. `None` where the result is only known at run time.
pub(super) fn binary(name: &str, left: &Value, right: &Value) -> Option<Value> {
    let folded = match name {
        "+" => add(left, right),
        "-" => arithmetic(left, right, i64::checked_sub),
        "*" => multiply(left, right),
        "/" => arithmetic(left, right, |left, right| {
            (right != 0 && left % right == 0).then(|| left.checked_div(right)).flatten()
        }),
        "%" => arithmetic(left, right, i64::checked_rem),
        "band" => arithmetic(left, right, |left, right| Some(left & right)),
        "bor" => arithmetic(left, right, |left, right| Some(left | right)),
        "bxor" => arithmetic(left, right, |left, right| Some(left ^ right)),
        ".." => range(left, right),
        "f" => format(left, right),
        "join" => join(left, &right.text()?),
        "replace" => replace(left, right),
        "split" => split(left, &right.text()?),
        _ => None,
    }?;
    is_small(&folded).then_some(folded)
}

fn is_small(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.len() <= LONGEST,
        Value::List(all) => all.len() <= MOST,
        Value::Mixed(parts) => parts.len() <= MOST,
        _ => true,
    }
}

fn arithmetic(left: &Value, right: &Value, of: impl Fn(i64, i64) -> Option<i64>) -> Option<Value> {
    of(left.number()?, right.number()?).map(Value::Number)
}

fn add(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::List(first), _) => {
            let mut all = first.clone();
            all.extend(right.clone().elements());
            Some(Value::List(all))
        }
        (Value::Number(first), _) => first.checked_add(right.number()?).map(Value::Number),
        (Value::Text(_) | Value::Letter(_), _) if left.text().is_some() && right.text().is_some() => {
            Some(Value::Text(left.text()? + &right.text()?))
        }
        (Value::Null, _) => Some(right.clone()),
        (Value::Text(_) | Value::Letter(_) | Value::Mixed(_), _) => {
            let mut parts = left.clone().inside();
            right.clone().inside().into_iter().for_each(|part| push(&mut parts, part));
            Some(Value::Mixed(parts))
        }
        _ => None,
    }
}

fn multiply(left: &Value, right: &Value) -> Option<Value> {
    let times = right.number()?;
    match left {
        Value::Number(number) => number.checked_mul(times).map(Value::Number),
        Value::Text(text) => {
            let times = usize::try_from(times).ok()?;
            (text.len().checked_mul(times)? <= LONGEST).then(|| Value::Text(text.repeat(times)))
        }
        _ => None,
    }
}

fn range(left: &Value, right: &Value) -> Option<Value> {
    let (first, last) = (left.number()?, right.number()?);
    if usize::try_from(first.abs_diff(last)).ok()? > MOST {
        return None;
    }
    let numbers: Vec<i64> =
        if first <= last { (first..=last).collect() } else { (last..=first).rev().collect() };
    Some(Value::List(numbers.into_iter().map(Value::Number).collect()))
}

/// `-f`: `{0}` and its like. With an alignment or a format it is only known at run time.
fn format(left: &Value, right: &Value) -> Option<Value> {
    let pattern = left.text()?;
    let arguments = match right {
        Value::List(all) => all.clone(),
        other => vec![other.clone()],
    };
    let mut parts: Vec<Part> = Vec::new();
    let mut length = 0;
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        if matches!(letter, '{' | '}') && letters.peek() == Some(&letter) {
            letters.next();
            push_text(&mut parts, letter.encode_utf8(&mut [0; 4]));
        } else if letter == '{' {
            let mut digits = String::new();
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            letters.next_if_eq(&'}')?;
            for part in arguments.get(digits.parse::<usize>().ok()?)?.clone().inside() {
                length += if let Part::Text(text) = &part { text.len() } else { 1 };
                push(&mut parts, part);
            }
        } else {
            push_text(&mut parts, letter.encode_utf8(&mut [0; 4]));
        }
        if length > LONGEST {
            return None;
        }
    }
    Some(of_parts(parts))
}

/// A text of pieces, all of them known or not.
pub(super) fn of_parts(mut parts: Vec<Part>) -> Value {
    match parts.as_mut_slice() {
        [] => Value::Text(String::new()),
        [Part::Text(text)] => Value::Text(std::mem::take(text)),
        _ => Value::Mixed(parts),
    }
}

/// `-join`, with what stands between the elements.
pub(super) fn join(left: &Value, between: &str) -> Option<Value> {
    let mut parts = Vec::new();
    let mut length = 0;
    for (number, value) in left.clone().elements().into_iter().enumerate() {
        if matches!(value, Value::Unknown(_)) {
            return None;
        }
        if number > 0 {
            push_text(&mut parts, between);
            length += between.len();
        }
        for part in value.inside() {
            length += if let Part::Text(text) = &part { text.len() } else { 1 };
            push(&mut parts, part);
        }
        if length > LONGEST {
            return None;
        }
    }
    Some(of_parts(parts))
}

/// `-replace` where neither the pattern nor the replacement is more than letters.
fn replace(left: &Value, right: &Value) -> Option<Value> {
    let (pattern, replacement) = match right {
        Value::List(all) => match all.as_slice() {
            [pattern, replacement] => (pattern.text()?, replacement.text()?),
            [pattern] => (pattern.text()?, String::new()),
            _ => return None,
        },
        other => (other.text()?, String::new()),
    };
    let pattern = unescaped(&pattern)?;
    if replacement.contains('$') || pattern.is_empty() {
        return None;
    }
    each(left, |text| Some(Value::Text(replaced(&text, &pattern, &replacement, true)?)))
}

/// A regular expression of plain or escaped letters, as these letters.
fn unescaped(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            text.push(letters.next().filter(|next| !next.is_alphanumeric())?);
        } else if REGEX_LETTERS.contains(&letter) {
            return None;
        } else {
            text.push(letter);
        }
    }
    Some(text)
}

/// All places replaced, with or without regard to the case of ASCII letters. Nothing if the result is too long.
pub(super) fn replaced(text: &str, pattern: &str, replacement: &str, ignores_case: bool) -> Option<String> {
    if pattern.is_empty() {
        return None;
    }
    if ignores_case && !(text.is_ascii() && pattern.is_ascii()) {
        return None;
    }
    let (searched, wanted) = if ignores_case {
        (text.to_ascii_lowercase(), pattern.to_ascii_lowercase())
    } else {
        (text.to_owned(), pattern.to_owned())
    };
    let mut result = String::new();
    let mut from = 0;
    for (at, _) in searched.match_indices(&wanted) {
        result.push_str(text.get(from..at)?);
        result.push_str(replacement);
        from = at + wanted.len();
        if result.len() > LONGEST {
            return None;
        }
    }
    result.push_str(text.get(from..)?);
    Some(result)
}

fn split(left: &Value, pattern: &str) -> Option<Value> {
    let pattern = unescaped(pattern).filter(|pattern| !pattern.is_empty())?;
    if !pattern.chars().all(|letter| letter.to_lowercase().eq(letter.to_uppercase())) {
        return None;
    }
    let mut all = Vec::new();
    for value in left.clone().elements() {
        let text = value.text()?;
        all.extend(text.split(pattern.as_str()).map(|piece| Value::Text(piece.to_owned())));
    }
    Some(Value::List(all))
}

fn each(left: &Value, of: impl Fn(String) -> Option<Value>) -> Option<Value> {
    match left {
        Value::List(all) => {
            all.iter().map(|value| of(value.text()?)).collect::<Option<Vec<_>>>().map(Value::List)
        }
        other => of(other.text()?),
    }
}

/// A unary operator, named without its dash.
pub(super) fn unary(name: &str, operand: &Value) -> Option<Value> {
    match name {
        "join" => join(operand, ""),
        "-" => operand.number()?.checked_neg().map(Value::Number),
        "+" => operand.number().map(Value::Number),
        "," => Some(Value::List(vec![operand.clone()])),
        "split" => {
            let text = operand.text()?;
            Some(Value::List(text.split_whitespace().map(|word| Value::Text(word.to_owned())).collect()))
        }
        _ => None,
    }
}

/// `value[index]`, of a text or a list.
pub(super) fn index(value: &Value, index: &Value) -> Option<Value> {
    let all: Vec<Value> = match value {
        Value::Text(text) => text.chars().map(Value::Letter).collect(),
        Value::List(all) => all.clone(),
        _ => return None,
    };
    let pick = |index: &Value| {
        let index = index.number()?;
        let length = i64::try_from(all.len()).ok()?;
        let at = if index < 0 { length.checked_add(index)? } else { index };
        all.get(usize::try_from(at).ok()?).cloned()
    };
    match index {
        Value::List(several) => several.iter().map(pick).collect::<Option<Vec<_>>>().map(Value::List),
        one => pick(one),
    }
}

/// `[type]value`, by the full name of the type in lower case.
pub(super) fn cast(name: &str, value: &Value) -> Option<Value> {
    match name {
        "system.string" => value.text().map(Value::Text),
        "system.char" => match value {
            Value::Letter(_) => Some(value.clone()),
            Value::Text(text) if text.chars().count() == 1 => text.chars().next().map(Value::Letter),
            Value::Number(number) => u32::try_from(*number).ok().and_then(char::from_u32).map(Value::Letter),
            _ => None,
        },
        "system.char[]" => match value {
            Value::Text(text) => Some(Value::List(text.chars().map(Value::Letter).collect())),
            Value::List(all) => {
                all.iter().map(|one| cast("system.char", one)).collect::<Option<Vec<_>>>().map(Value::List)
            }
            one => cast("system.char", one).map(|one| Value::List(vec![one])),
        },
        "system.int32" | "system.int64" | "system.byte" => match value {
            Value::Text(text) => number(text).map(Value::Number),
            other => other.number().map(Value::Number),
        },
        "system.string[]" | "system.object[]" | "system.array" => Some(Value::List(value.clone().elements())),
        _ => None,
    }
}
