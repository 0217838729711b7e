//! The JSON Schema of a record.

use super::event::Kind;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// The JSON Schema of a line, both of the log and of `garth run --json`: one definition for each kind of event, by its
/// name.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let mut definitions = Map::new();
    let mut choices = Vec::new();
    for kind in Kind::ALL {
        let mut members = members(*kind, &mut generator);
        if let Some(form) = members.as_object_mut() {
            frame(form, *kind);
        }
        choices.push(json!({ "$ref": format!("#/$defs/{}", kind.name()) }));
        definitions.insert(kind.name().to_owned(), members);
    }
    let shared = generator.take_definitions(true);
    definitions.extend(shared.into_iter().filter(|(name, _)| !SHARED.contains(&name.as_str())));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "events of garth",
        "description": "One JSON object a line: a record of the log, and a line of `garth run --json` on standard error. The \
                        target's own standard error goes the same way; lines that are no event are its. docs/audit.md has \
                        the order of the members and what the hashes are made of.",
        "oneOf": choices,
        "$defs": definitions,
    })
}

/// Forms of events that two kinds share. They stand in place of a reference, as a frame is put around each.
const SHARED: [&str; 2] = ["NetworkDecided", "SecretUse"];

/// The members of a kind, a reference to those of another one followed.
fn members(kind: Kind, generator: &mut SchemaGenerator) -> Value {
    let members = kind.members(generator).to_value();
    let shared = members["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/"));
    shared.and_then(|name| generator.definitions().get(name)).cloned().unwrap_or(members)
}

/// Puts the members of every record around those of a kind.
fn frame(form: &mut Map<String, Value>, kind: Kind) {
    let hash = |what: &str| json!({ "description": what, "type": "string", "pattern": "^[0-9a-f]{64}$" });
    let number = |what: &str| json!({ "description": what, "type": "integer", "minimum": 0 });
    let frame = [
        ("version", json!({ "const": 1 })),
        ("session", json!({ "type": "string", "pattern": "^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}$" })),
        ("sequence", number("Number of the record in its session, from 0.")),
        (
            "time",
            json!({ "description": "UTC, with microseconds.", "type": "string", "format": "date-time" }),
        ),
        ("event", json!({ "const": kind.name() })),
        ("previous", hash("Hash of the record before; zeros for the first.")),
        ("hash", hash("SHA-256 of this line without its last member.")),
    ];
    let mut required: Vec<Value> = frame.iter().map(|(name, _)| json!(name)).collect();
    if let Some(Value::Array(own)) = form.remove("required") {
        required.extend(own);
    }
    let properties = form.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.extend(frame.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    form.insert("required".to_owned(), Value::Array(required));
    form.insert("additionalProperties".to_owned(), json!(false));
    form.insert("description".to_owned(), json!(kind.description()));
    form.remove("title");
    form.remove("$schema");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_members_and_the_frame() {
        let schema = schema();
        let kinds = schema["oneOf"].as_array().unwrap().len();
        assert_eq!(kinds, Kind::ALL.len());
        for kind in Kind::ALL {
            let form = &schema["$defs"][kind.name()];
            assert!(
                form["properties"].as_object().unwrap().len() > 7,
                "{} has no member of its own",
                kind.name()
            );
            assert_eq!(form["properties"]["event"]["const"], kind.name());
            assert!(form["description"].as_str().is_some_and(|text| text.ends_with('.')), "{form}");
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        }
    }

    #[test]
    fn no_member_of_an_event_has_a_name_of_the_frame() {
        let mut generator = SchemaGenerator::default();
        for kind in Kind::ALL {
            let members = members(*kind, &mut generator);
            for name in ["version", "session", "sequence", "time", "event", "previous", "hash"] {
                assert!(members["properties"].get(name).is_none(), "{}: {name}", kind.name());
            }
        }
    }
}
