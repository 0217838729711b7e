//! The reference page, made from the schema and the tables.

use crate::agents::AGENTS;
use crate::context::Os;
use crate::env::{DEFAULT_ALLOWED, EnvGuard, GUARDED};
use crate::git::ROWS;
use crate::places::{Place, places};
use crate::profile::Profile;
use crate::protected::PROTECTED;
use crate::schema::schema;
use crate::secrets;
use serde_json::Value;
use std::fmt::Write as _;

/// The text of the policy reference in Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let mut out = String::from(
        "# Policy reference\n\nThis page is generated from the schema and the tables of the policy crate; do not edit it.\n",
    );
    profiles(&mut out);
    keys(&mut out);
    tables(&mut out);
    out
}

fn profiles(out: &mut String) {
    out.push_str("\n## Profiles\n\n| profile | |\n| --- | --- |\n");
    for profile in Profile::ALL {
        let _ = writeln!(out, "| `{}` | {} |", profile.name(), profile.summary());
    }
}

fn keys(out: &mut String) {
    let schema = schema();
    out.push_str("\n## Keys\n");
    section(out, "the file", &schema);
    for (name, part) in properties(&schema) {
        nested(out, name, part);
    }
}

fn nested(out: &mut String, name: &str, part: &Value) {
    if !properties(part).is_empty() {
        section(out, &format!("`[{name}]`"), part);
        for (key, inner) in properties(part) {
            nested(out, &format!("{name}.{key}"), inner);
        }
    } else if let Some(items) = part.get("items").filter(|items| !properties(items).is_empty()) {
        section(out, &format!("`[[{name}]]`"), items);
    } else if let Some(inner) = part.get("additionalProperties").filter(|inner| !properties(inner).is_empty())
    {
        section(out, &format!("`[{name}.NAME]`"), inner);
    }
}

fn section(out: &mut String, heading: &str, part: &Value) {
    let _ = writeln!(out, "\n### {heading}\n\n| key | value | |\n| --- | --- | --- |");
    for (key, value) in properties(part) {
        let description = value.get("description").and_then(Value::as_str).unwrap_or("").replace('\n', " ");
        let _ = writeln!(out, "| `{key}` | {} | {} |", kind(value), description.replace('|', "\\|"));
    }
}

fn properties(part: &Value) -> Vec<(&str, &Value)> {
    let map = part.get("properties").and_then(Value::as_object);
    map.map(|map| map.iter().map(|(key, value)| (key.as_str(), value)).collect()).unwrap_or_default()
}

fn kind(value: &Value) -> String {
    let words: Vec<&str> = words(value);
    if !words.is_empty() {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(number) = value.get("const") {
        return format!("`{number}`");
    }
    match value.get("type").and_then(Value::as_str) {
        Some("array") => format!("list of {}", value.get("items").map_or("values".to_owned(), kind)),
        Some("object") => "table".to_owned(),
        Some(other) => other.to_owned(),
        None => "word or table".to_owned(),
    }
}

fn words(value: &Value) -> Vec<&str> {
    let listed = value.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let choices = value.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    listed.chain(choices.filter_map(|choice| choice.get("const").and_then(Value::as_str))).collect()
}

fn rows(out: &mut String, heading: &str, places: &[Place]) {
    if places.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n#### {heading}\n\n| path | |\n| --- | --- |");
    for place in places {
        let _ = writeln!(out, "| `{}` | {} |", place.path, place.reason);
    }
}

fn tables(out: &mut String) {
    out.push_str("\n## Host-trusted files\n\nRead-only at the root of a workspace, also where they do not exist. Only your own or the administrator's policy opens one, by naming it.\n\n| name | taken up by | why |\n| --- | --- | --- |\n");
    for row in PROTECTED {
        let _ = writeln!(out, "| `{}` | {} | {} |", row.name, row.consumer, row.reason);
    }
    out.push_str("\n## Git directories\n\n| place | refused | why |\n| --- | --- | --- |\n");
    for row in &ROWS {
        let _ = writeln!(out, "| `{}` | {} | {} |", row.pattern, row.refused, row.reason);
    }
    out.push_str("\n## Secrets\n\nDenied in every profile. Only your own or the administrator's policy opens one, by naming it.\n");
    rows(out, "everywhere", secrets::ANYWHERE);
    rows(out, "Linux and macOS", secrets::POSIX);
    rows(out, "Linux", secrets::LINUX);
    rows(out, "macOS", secrets::MACOS);
    rows(out, "Windows", secrets::WINDOWS);
    out.push_str("\n## Agents\n\nFor the agent at `--agent` alone. What it keeps is shown to it as a layer. Of its changes the next sandbox sees those to what is listed as lasting (`docs/agents.md`); all others go with the sandbox.\n");
    for agent in &AGENTS {
        rows(out, &format!("`{}`", agent.name), agent.keeps);
        out.push_str("\n| lasts | as |\n| --- | --- |\n");
        for row in agent.lasts {
            let _ = writeln!(out, "| `{}` | {} |", row.path, format!("{:?}", row.kind).to_lowercase());
        }
        out.push_str("\n| host | |\n| --- | --- |\n");
        for host in agent.hosts {
            let _ = writeln!(out, "| `{}` | {} |", host.path, host.reason);
        }
    }
    out.push_str("\n## Tokens\n");
    for (os, name) in [(Os::Linux, "Linux"), (Os::MacOs, "macOS"), (Os::Windows, "Windows")] {
        let _ = writeln!(out, "\n### {name}");
        rows(out, "`:system`", places(os).system);
        rows(out, "`:toolchains`", places(os).toolchains);
        rows(out, "`:caches`", places(os).caches);
        rows(out, "what `strict` reads", places(os).minimal);
        rows(out, "further caches of `build`", places(os).build_caches);
        rows(out, "settings of tools", places(os).settings);
        rows(out, "what `browser` reads", places(os).browser);
        rows(out, "devices", places(os).devices);
        rows(out, "private to the sandbox", places(os).private);
    }
    variables(out);
}

fn variables(out: &mut String) {
    out.push_str("\n## Variables that come in\n\n| name | |\n| --- | --- |\n");
    for (name, reason) in DEFAULT_ALLOWED {
        let _ = writeln!(out, "| `{name}` | {reason} |");
    }
    out.push_str("\n## Guarded variables\n\n| name | comes in | why |\n| --- | --- | --- |\n");
    for row in GUARDED {
        let way = match row.guard {
            EnvGuard::Runs | EnvGuard::Delegate => "only with a value in `[env] set`",
            EnvGuard::Secret | EnvGuard::Named => "only if it is named in `[env] allow`",
        };
        let _ = writeln!(out, "| `{}` | {way} | {} |", row.name, row.reason);
    }
}
