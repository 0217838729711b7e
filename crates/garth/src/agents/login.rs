//! Logins: what may be one, and which of two is the one to use.

use super::base::host_file;
use crate::Error;
use crate::undo::write_whole;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Longest login, in bytes. Those of the agents in the table have some two thousand.
pub(super) const LONGEST: u64 = 64 * 1024;

/// Longest token, in bytes. Those of an account have some two thousand.
const LONGEST_TOKEN: usize = 16 * 1024;

/// In place of a digest.
const UNREADABLE: &str = "unreadable";

/// How deep values lie in one another, at most.
const DEEPEST: usize = 8;

/// A login as a text of its own, if it may be one: a JSON object, short, of texts, numbers and lists of those.
pub(super) fn understood(text: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(text).ok()?;
    (text.len() as u64 <= LONGEST && value.is_object() && depth(&value) <= DEEPEST).then_some(value)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether a login is the host's after a renewal: the same but for the values at the `ways`, which are of the same kinds. What
/// else stands in it says whose it is; so this much is known of one that an agent renewed, and no more.
pub(super) fn is_renewal(new: &Value, host: &Value, ways: &[&str]) -> bool {
    let ways: Vec<Vec<&str>> = ways.iter().map(|way| way.split('.').collect()).collect();
    is_same(new, host, &ways.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn is_same(new: &Value, host: &Value, ways: &[&[&str]]) -> bool {
    if ways.iter().any(|way| way.is_empty()) {
        return is_token(new, host);
    }
    let (Value::Object(new), Value::Object(host)) = (new, host) else { return new == host };
    let below = |key: &str| -> Vec<&[&str]> {
        let ways = ways.iter().filter_map(|way| way.split_first());
        ways.filter(|(first, _)| **first == "*" || **first == key).map(|(_, rest)| rest).collect()
    };
    new.len() == host.len()
        && new
            .iter()
            .all(|(key, value)| host.get(key).is_some_and(|there| is_same(value, there, &below(key))))
}

/// What a renewal changes: a token or a time. A key that is not used is null, and stays so.
fn is_token(new: &Value, host: &Value) -> bool {
    match (new, host) {
        (Value::String(new), Value::String(_)) => {
            (1..=LONGEST_TOKEN).contains(&new.len()) && new.bytes().all(|byte| byte.is_ascii_graphic())
        }
        (Value::Number(new), Value::Number(host)) => new.is_f64() == host.is_f64(),
        (new, host) => new.is_null() && host.is_null(),
    }
}

/// The host's login: what tells it apart from others, and its text. One that cannot be read, or is too long, is none that
/// anything came from, and is not none either.
pub(super) fn of_host(path: &Path) -> (String, Option<Vec<u8>>) {
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => (String::new(), None),
        _ => match host_file(path, LONGEST) {
            Some(text) => (digest(Some(&text)), Some(text)),
            None => (UNREADABLE.to_owned(), None),
        },
    }
}

/// Which login of the host each kept one came from: by where it is kept (`own`, `work/ID`), and there by its row.
pub(super) type Origins = BTreeMap<String, BTreeMap<String, String>>;

pub(super) fn origins(store: &Path) -> Origins {
    let text = fs::read(store.join("logins.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

pub(super) fn write_origins(store: &Path, all: &Origins) -> Result<(), Error> {
    write_whole(&store.join("logins.json"), &serde_json::to_vec(all).unwrap_or_default())
}

/// What tells logins apart; empty for none.
pub(super) fn digest(text: Option<&[u8]>) -> String {
    let Some(text) = text else { return String::new() };
    Sha256::digest(text).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_plain_values_are_a_login() {
        let nested = format!("{}1{}", "{\"a\":".repeat(20), "}".repeat(20));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in ["", "x", "[]", "\"x\"", "{\"a\":1} x", nested.as_str(), &long, &deep] {
            assert!(understood(bad.as_bytes()).is_none(), "{}", &bad[..bad.len().min(40)]);
        }
        assert!(
            understood(br#"{"claudeAiOauth":{"accessToken":"a","expiresAt":1,"scopes":["x"]}}"#).is_some()
        );
    }

    #[test]
    fn a_renewal_changes_tokens_and_nothing_else() {
        let ways = ["tokens.id", "tokens.n", "key", "*.oauth"];
        let host = json!({"tokens": {"id": "a", "n": 1, "user": "me"}, "key": null, "scopes": ["a"], "x": {"oauth": "a"}});
        let with = |way: &str, value: Value| {
            let mut new = host.clone();
            *new.pointer_mut(way).unwrap() = value;
            new
        };
        for same in
            [with("/tokens/id", json!("b")), with("/tokens/n", json!(2)), with("/x/oauth", json!("c"))]
        {
            assert!(is_renewal(&same, &host, &ways), "{same}");
            assert!(!is_renewal(&same, &host, &[]), "{same}");
        }
        for other in [
            with("/tokens/user", json!("you")),
            with("/tokens/n", json!("2")),
            with("/tokens/n", json!(1.5)),
            with("/tokens/n", json!(null)),
            with("/tokens/id", json!({"run": "x"})),
            with("/tokens/id", json!("")),
            with("/tokens/id", json!("a\nb")),
            with("/tokens/id", json!("x".repeat(LONGEST_TOKEN + 1))),
            with("/key", json!("x")),
            with("/scopes", json!(["a", "b"])),
            with("/tokens", json!({"id": "b", "n": 2})),
            json!({"tokens": {"id": "b", "n": 2, "user": "me"}, "key": null, "scopes": ["a"], "x": {"oauth": "a"}, "run": "x"}),
        ] {
            assert!(!is_renewal(&other, &host, &ways), "{other}");
        }
    }

    #[test]
    fn a_login_that_is_too_long_is_not_none() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("login");
        assert_eq!(of_host(&file), (String::new(), None));
        fs::write(&file, vec![b'x'; 70_000]).unwrap();
        assert_eq!(of_host(&file), (UNREADABLE.to_owned(), None));
        fs::write(&file, "{}").unwrap();
        assert_eq!(of_host(&file).1.unwrap(), b"{}");
    }
}
