//! Choices: answers to an agent's questions, in a file with much else in it. Only keys of a table last, and only where they
//! were changed inside.

use garth_policy::agents::{CHOICES, CHOICES_OF_PROJECTS};
use serde_json::{Map, Value};

/// Longest file of choices of the host's, in bytes: history lies in it too.
pub(super) const LONGEST: u64 = 64 << 20;
/// Longest text of what is kept.
const LONGEST_KEPT: usize = 64 * 1024;

/// What the agent is to see: the host's file with what was chosen inside before. `None` for neither; the host's own text
/// where nothing was chosen, or where it is not understood.
pub(super) fn shown(host: Option<&[u8]>, kept: Option<&[u8]>) -> Option<Vec<u8>> {
    let unchanged = host.map(<[u8]>::to_vec);
    let Some(kept) = kept.and_then(object).filter(|kept| !kept.is_empty()) else { return unchanged };
    let mut all = match host {
        None => Map::new(),
        Some(host) => match object(host) {
            Some(all) => all,
            None => return unchanged,
        },
    };
    for (key, value) in kept {
        let place = all.entry(key).or_insert(Value::Null);
        match (place, value) {
            (Value::Object(projects), Value::Object(chosen)) => {
                for (project, answers) in chosen {
                    merge(projects.entry(project).or_insert_with(|| Value::Object(Map::new())), answers);
                }
            }
            (place, value) => *place = value,
        }
    }
    serde_json::to_vec_pretty(&Value::Object(all)).ok()
}

fn merge(place: &mut Value, answers: Value) {
    match (place, answers) {
        (Value::Object(there), Value::Object(answers)) => there.extend(answers),
        (place, answers) => *place = answers,
    }
}

/// What is kept after a sandbox that saw `before` and left `after`; `None` if that is what was kept already. Of projects only
/// this workspace counts: no sandbox answers for another one.
pub(super) fn kept(
    before: Option<&[u8]>,
    after: &[u8],
    kept: Option<&[u8]>,
    workspace: &str,
) -> Option<Vec<u8>> {
    let (before, after) = (before.and_then(object).unwrap_or_default(), object(after)?);
    let old = kept.and_then(object).unwrap_or_default();
    let mut new = old.clone();
    for key in CHOICES {
        if let Some(value) = after.get(key).filter(|value| before.get(key) != Some(*value) && is_plain(value))
        {
            new.insert(key.to_owned(), value.clone());
        }
    }
    let (projects, answers) = CHOICES_OF_PROJECTS;
    let of = |all: &Map<String, Value>, key: &str| all.get(projects)?.get(workspace)?.get(key).cloned();
    for key in answers {
        let Some(value) = of(&after, key).filter(|value| !value.is_object() && !value.is_array()) else {
            continue;
        };
        if of(&before, key).as_ref() != Some(&value) {
            let all = new.entry(projects).or_insert_with(|| Value::Object(Map::new()));
            let all = all.as_object_mut()?;
            let own = all.entry(workspace).or_insert_with(|| Value::Object(Map::new()));
            own.as_object_mut()?.insert(key.to_owned(), value);
        }
    }
    let text = serde_json::to_vec_pretty(&Value::Object(new.clone())).ok()?;
    (new != old && text.len() <= LONGEST_KEPT).then_some(text)
}

/// A text, a number, yes or no; or such values by name, as those that say whose a login is.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(_) => false,
        Value::Object(map) => map.values().all(|value| !value.is_object() && !value.is_array()),
        _ => true,
    }
}

fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(text).ok()? {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    fn value(text: Option<Vec<u8>>) -> Value {
        serde_json::from_slice(&text.unwrap()).unwrap()
    }

    #[test]
    fn answers_last_and_nothing_beside_them() {
        let host = json!({"theme": "dark", "mcpServers": {"a": {"command": "x"}}, "projects": {"/w": {"allowedTools": []}}});
        let after = json!({
            "theme": "light", "mcpServers": {"evil": {"command": "evil"}}, "apiKeyHelper": "evil", "numStartups": ["evil"],
            "oauthAccount": {"accountUuid": "u", "deep": {"x": 1}},
            "projects": {
                "/w": {"hasTrustDialogAccepted": true, "allowedTools": ["Bash"], "mcpServers": {"evil": {}}},
                "/other": {"hasTrustDialogAccepted": true},
            },
        });
        let new = kept(Some(&text(&host)), &text(&after), None, "/w");
        let expected = json!({"theme": "light", "projects": {"/w": {"hasTrustDialogAccepted": true}}});
        assert_eq!(value(new.clone()), expected);
        let seen = value(shown(Some(&text(&host)), new.as_deref()));
        let expected = json!({
            "theme": "light", "mcpServers": {"a": {"command": "x"}},
            "projects": {"/w": {"allowedTools": [], "hasTrustDialogAccepted": true}},
        });
        assert_eq!(seen, expected);
        // Nothing new: nothing is written.
        assert_eq!(kept(Some(&text(&seen)), &text(&seen), new.as_deref(), "/w"), None);
        assert_eq!(kept(None, b"no json", None, "/w"), None);
    }

    #[test]
    fn what_is_not_understood_is_shown_as_it_is() {
        let chosen = text(&json!({"theme": "light"}));
        assert_eq!(shown(Some(b"its state"), Some(&chosen)).unwrap(), b"its state");
        assert_eq!(shown(Some(b"{} "), None).unwrap(), b"{} ");
        assert_eq!(shown(None, None), None);
        assert_eq!(value(shown(None, Some(&chosen))), json!({"theme": "light"}));
    }
}
