//! Choices: answers to an agent's questions, in a file with much else in it. Only keys of a table last, and only where they
//! were changed inside.

use garth_policy::agents::{CHOICES, CHOICES_OF_PROJECTS};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Longest file of choices of the host's, in bytes: history lies in it too.
pub(super) const LONGEST: u64 = 64 << 20;
/// Longest one that is taken from a sandbox.
pub(super) const LONGEST_INSIDE: u64 = 8 << 20;
/// Longest text of what is kept.
const LONGEST_KEPT: usize = 64 * 1024;
/// Most values that one choice has by name.
const MOST_NAMES: usize = 1000;

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
    let before = before.and_then(|text| answers(text, workspace)).unwrap_or_default();
    let after = answers(after, workspace)?;
    let old = kept.and_then(object).unwrap_or_default();
    let mut new = old.clone();
    let changed = |before: &Map<String, Value>, after: Map<String, Value>| {
        let is_changed = |(key, value): &(String, Value)| before.get(key) != Some(value);
        after.into_iter().filter(is_changed).collect::<Vec<_>>()
    };
    new.extend(changed(&before.all, after.all));
    for (key, value) in changed(&before.here, after.here) {
        let all = new.entry(CHOICES_OF_PROJECTS.0).or_insert_with(|| Value::Object(Map::new()));
        let all = all.as_object_mut()?;
        let own = all.entry(workspace).or_insert_with(|| Value::Object(Map::new()));
        own.as_object_mut()?.insert(key, value);
    }
    let text = serde_json::to_vec_pretty(&Value::Object(new.clone())).ok()?;
    (new != old && text.len() <= LONGEST_KEPT).then_some(text)
}

/// What may last of a file of choices. All else in it is read over: however large it is, it takes no memory.
#[derive(Default)]
struct Answers {
    all: Map<String, Value>,
    /// For the workspace.
    here: Map<String, Value>,
}

fn answers(text: &[u8], workspace: &str) -> Option<Answers> {
    let mut found = Answers::default();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let part = Part { depth: Depth::File, workspace, found: &mut found };
    part.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(found)
}

/// Which object of the file it is.
#[derive(Clone, Copy)]
enum Depth {
    File,
    Projects,
    Project,
}

struct Part<'f, 'w> {
    depth: Depth,
    workspace: &'w str,
    found: &'f mut Answers,
}

impl<'de> DeserializeSeed<'de> for Part<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Part<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { depth, workspace, found } = self;
        while let Some(key) = map.next_key::<String>()? {
            let next = match depth {
                Depth::File if key == CHOICES_OF_PROJECTS.0 => Some(Depth::Projects),
                Depth::Projects if key == workspace => Some(Depth::Project),
                _ => None,
            };
            if let Some(depth) = next {
                map.next_value_seed(Part { depth, workspace, found: &mut *found })?;
                continue;
            }
            let (is_wanted, nested, place) = match depth {
                Depth::File => (CHOICES.contains(&key.as_str()), 1, &mut found.all),
                Depth::Projects => (false, 0, &mut found.all),
                Depth::Project => (CHOICES_OF_PROJECTS.1.contains(&key.as_str()), 0, &mut found.here),
            };
            if !is_wanted {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(value) = map.next_value_seed(Plain(nested))? {
                place.insert(key, value);
            }
        }
        Ok(())
    }
}

/// A text, a number, yes or no; with a depth of one also such values by name, as those that say whose a login is. `None` for
/// all else, and for a long text.
struct Plain(u8);

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Value>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Option<Value>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok((value.len() <= LONGEST_KEPT).then(|| value.into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Some(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Some(Map::new());
        while let Some(key) = map.next_key::<String>()? {
            let Some(nested) = self.0.checked_sub(1).filter(|_| found.is_some()) else {
                found = None;
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            match (map.next_value_seed(Plain(nested))?, &mut found) {
                (Some(value), Some(all)) if all.len() < MOST_NAMES => {
                    all.insert(key, value);
                }
                _ => found = None,
            }
        }
        Ok(found.filter(|_| self.0 > 0).map(Value::Object))
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
    fn what_is_no_choice_is_read_over() {
        let many = format!("[{}0]", "0,".repeat(1_000_000));
        let names: Vec<String> = (0..2000).map(|name| format!("\"{name}\":1")).collect();
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        let after = format!(
            "{{\"theme\":{many},\"userID\":\"{}\",\"other\":{many},\"editorMode\":\"vim\",\"oauthAccount\":{{{}}},\
             \"numStartups\":{{\"a\":{deep}}},\"projects\":{{\"/w\":{{\"hasTrustDialogAccepted\":{{}},\"x\":{many}}},\"/v\":{many}}}}}",
            "x".repeat(LONGEST_KEPT + 1),
            names.join(","),
        );
        assert_eq!(value(kept(None, after.as_bytes(), None, "/w")), json!({"editorMode": "vim"}));
        assert_eq!(kept(None, format!("{after} x").as_bytes(), None, "/w"), None);
        let account = json!({"oauthAccount": {"accountUuid": "u", "n": null}});
        assert_eq!(value(kept(None, &text(&account), None, "/w")), account);
        assert_eq!(kept(None, br#"{"editorMode": "vim", "projects": 1}"#, None, "/w"), None);
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
