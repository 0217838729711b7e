//! Log records of OpenTelemetry, as requests of OTLP in protobuf.

use super::{Weight, weight};
use crate::core::record::Record;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use serde_json::Value;

/// The path of the service below an endpoint (OTLP 1, section OTLP/HTTP).
pub const PATH: &str = "/v1/logs";

/// Records that one request takes.
pub const MOST: usize = 512;

/// The bytes of a request with these records. `version` is that of garth.
#[must_use]
pub fn request(records: &[Record], version: &str) -> Vec<u8> {
    let scope = InstrumentationScope {
        name: "garth".to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = Resource {
        attributes: vec![text("service.name", "garth"), text("service.version", version)],
        ..Resource::default()
    };
    let log_records = records.iter().map(log_record).collect();
    let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records, ..ScopeLogs::default() }];
    let resource_logs =
        vec![ResourceLogs { resource: Some(resource), scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

/// How many records a receiver did not take, and why, by its answer.
///
/// # Errors
/// An answer that is none, in words.
pub fn rejected(answer: &[u8]) -> Result<Option<(u64, String)>, String> {
    let answer = ExportLogsServiceResponse::decode(answer).map_err(|error| error.to_string())?;
    let partial = answer.partial_success.filter(|partial| partial.rejected_log_records > 0);
    Ok(partial.map(|partial| (partial.rejected_log_records.unsigned_abs(), partial.error_message)))
}

fn log_record(record: &Record) -> LogRecord {
    let nanos = u64::try_from(record.time.micros()).unwrap_or(0).saturating_mul(1000);
    let severity = match weight(&record.event) {
        Weight::Plain => SeverityNumber::Info,
        Weight::Refused => SeverityNumber::Warn,
        Weight::Trouble => SeverityNumber::Error,
    };
    let kind = record.event.kind();
    let mut attributes = vec![
        text("garth.session", record.session.as_str()),
        text("garth.id", &record.id()),
        pair("garth.sequence", Any::IntValue(i64::try_from(record.sequence).unwrap_or(i64::MAX))),
        pair("garth.denied", Any::BoolValue(record.event.is_denial())),
    ];
    // By the names that OpenTelemetry gives to these.
    let known = [
        ("file.path", record.event.path()),
        ("server.address", record.event.host()),
        ("process.command", record.event.program()),
    ];
    attributes.extend(known.into_iter().filter_map(|(name, value)| Some(text(name, value?))));
    LogRecord {
        time_unix_nano: nanos,
        observed_time_unix_nano: nanos,
        severity_number: severity.into(),
        severity_text: severity.as_str_name().trim_start_matches("SEVERITY_NUMBER_").to_owned(),
        body: Some(AnyValue { value: any(serde_json::to_value(&record.event).unwrap_or_default()) }),
        attributes,
        event_name: format!("garth.{}", kind.name()),
        ..LogRecord::default()
    }
}

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Any::StringValue(value.to_owned()))
}

/// A value of JSON. Events are flat, so this does not go deep.
fn any(value: Value) -> Option<Any> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => Any::BoolValue(value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Any::IntValue(whole),
            None => Any::StringValue(number.to_string()),
        },
        Value::String(value) => Any::StringValue(value),
        Value::Array(values) => {
            let values = values.into_iter().map(|value| AnyValue { value: any(value) }).collect();
            Any::ArrayValue(ArrayValue { values })
        }
        Value::Object(members) => {
            let member = |(key, value)| KeyValue {
                key,
                value: Some(AnyValue { value: any(value) }),
                ..KeyValue::default()
            };
            Any::KvlistValue(KeyValueList { values: members.into_iter().map(member).collect() })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{every_event, record};
    use super::*;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsPartialSuccess;

    #[test]
    fn every_event_is_read_back_by_the_protocol() {
        let records: Vec<Record> = every_event().into_iter().map(record).collect();
        let read = ExportLogsServiceRequest::decode(request(&records, "0.1.0").as_slice()).unwrap();
        let logs = &read.resource_logs[0].scope_logs[0].log_records;
        assert_eq!(logs.len(), records.len());
        for (log, record) in logs.iter().zip(&records) {
            assert_eq!(log.event_name, format!("garth.{}", record.event.kind().name()));
            assert!(log.body.is_some() && log.severity_number > 0);
            let denied = log.attributes.iter().find(|pair| pair.key == "garth.denied").unwrap();
            let denied = denied.value.as_ref().unwrap().value.as_ref().unwrap();
            assert_eq!(*denied, Any::BoolValue(record.event.is_denial()));
        }
    }

    #[test]
    fn what_a_receiver_did_not_take_is_told() {
        let partial = ExportLogsPartialSuccess { rejected_log_records: 3, error_message: "too old".into() };
        let answer = ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(rejected(&answer), Ok(Some((3, "too old".into()))));
        assert_eq!(rejected(b""), Ok(None));
        assert!(rejected(b"no protobuf").is_err());
    }
}
