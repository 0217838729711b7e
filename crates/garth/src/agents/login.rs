//! Logins: what may be one, and which of two is the one to use.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Longest login, in bytes. Those of the agents in the table have some two thousand.
pub(super) const LONGEST: u64 = 64 * 1024;

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

/// Whether two logins have the same keys with values of the same kinds, so that whoever reads one reads the other.
pub(super) fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|there| is_alike(value, there)))
        }
        (Value::Array(one), Value::Array(other)) => {
            let is_plain = |value: &Value| !value.is_object() && !value.is_array();
            one.iter().all(is_plain) && other.iter().all(is_plain)
        }
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        // A key that is not used is null.
        (Value::Null, _) | (_, Value::Null) => true,
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
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
    fn alike_are_those_with_the_same_keys() {
        let host = json!({"tokens": {"id": "a", "n": 1}, "key": null, "scopes": ["a"]});
        for same in [
            json!({"tokens": {"id": "b", "n": 2}, "key": null, "scopes": ["a", "b"]}),
            json!({"tokens": {"id": "b", "n": 2}, "key": "x", "scopes": []}),
        ] {
            assert!(is_alike(&same, &host) && is_alike(&host, &same), "{same}");
        }
        for other in [
            json!({"tokens": {"id": "b", "n": 2}, "key": null}),
            json!({"tokens": {"id": "b", "n": "2"}, "key": null, "scopes": []}),
            json!({"tokens": {"id": "b", "n": 2}, "key": {"run": "x"}, "scopes": []}),
            json!({"tokens": {"id": "b", "n": 2}, "key": null, "scopes": [{"run": "x"}]}),
            json!({"tokens": {"id": "b", "n": 2}, "key": null, "scopes": [], "apiKeyHelper": "x"}),
        ] {
            assert!(!is_alike(&other, &host) && !is_alike(&host, &other), "{other}");
        }
    }
}
