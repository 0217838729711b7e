//! Records in the forms that other systems take.

pub mod cef;
pub mod event_log;
pub mod ocsf;
#[cfg(feature = "otlp")]
pub mod otlp;

use super::event::Event;

/// How much a record matters to whoever looks for trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It happened.
    Plain,
    /// Something was refused, as it should be.
    Refused,
    /// Something did not go as it should.
    Trouble,
}

fn weight(event: &Event) -> Weight {
    match event {
        Event::BrokerError(_) | Event::EventsOmitted(_) | Event::LogRecovered(_) | Event::LimitHit(_) => {
            Weight::Trouble
        }
        event if event.is_denial() => Weight::Refused,
        _ => Weight::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Kind;
    use super::super::moment::Moment;
    use super::super::record::{Record, SessionId};
    use super::Event;
    use serde_json::{Map, Value, json};

    /// A record of an event.
    pub(super) fn record(event: Event) -> Record {
        let time = Moment::from_micros(0);
        Record { session: SessionId::new(time, 1), sequence: 0, time, event }
    }

    /// One event of each kind, made from the schema: so a new kind is not forgotten.
    pub(super) fn every_event() -> Vec<Event> {
        let schema = crate::core::schema();
        let event = |kind: &Kind| {
            let form = &schema["$defs"][kind.name()];
            let frame = ["version", "session", "sequence", "time", "previous", "hash"];
            let members = form["properties"].as_object().unwrap().iter();
            let members = members.filter(|(name, _)| !frame.contains(&name.as_str()));
            let mut event: Map<String, Value> =
                members.map(|(name, form)| (name.clone(), value(form, &schema, name))).collect();
            event.insert("event".to_owned(), json!(kind.name()));
            serde_json::from_value(Value::Object(event.clone()))
                .unwrap_or_else(|error| panic!("{error}: {event:?}"))
        };
        Kind::ALL.iter().map(event).collect()
    }

    fn value(form: &Value, schema: &Value, name: &str) -> Value {
        if let Some(reference) = form["$ref"].as_str() {
            let target = &schema["$defs"][reference.trim_start_matches("#/$defs/")];
            return value(target, schema, name);
        }
        if let Some(choices) = form["anyOf"].as_array().or(form["oneOf"].as_array()) {
            return value(&choices[0], schema, name);
        }
        if let Some(choice) = form.get("const").or_else(|| form["enum"].get(0)) {
            return choice.clone();
        }
        let kind = form["type"].as_str().or_else(|| form["type"][0].as_str()).unwrap_or("null");
        match (kind, name) {
            ("string", "path") => json!("/w/c"),
            ("string", "operation") => json!("create"),
            ("string", "kind") => json!("directory"),
            ("string", "program") => json!("mkdir"),
            ("string", _) => json!("text"),
            ("integer", _) => json!(7),
            ("boolean", _) => json!(false),
            ("array", _) => json!([value(&form["items"], schema, name)]),
            ("object", _) => {
                let members = form["properties"].as_object().unwrap().iter();
                members.map(|(name, form)| (name.clone(), value(form, schema, name))).collect()
            }
            _ => Value::Null,
        }
    }
}
