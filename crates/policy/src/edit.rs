//! Adding a line to a policy file without touching the rest of it.

use crate::files::Access;
use std::fmt;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};

/// Something to add to a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    /// Access to a path, in the spelling of a policy file. An entry for the same key is replaced.
    File(String, Access),
    /// An allowed domain; the mode becomes `allow-list` if the file names none.
    Domain(String),
    /// A port of a server inside.
    Listen(u16),
    /// A loopback port of the host.
    HostPort(u16),
    /// A variable that is passed on.
    Env(String),
    /// A Unix socket of the host.
    Socket(String),
    /// A named gap that is accepted.
    Accept(String),
}

/// Why a file cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// It is no TOML; the message of the parser.
    Syntax(String),
    /// A key that should hold a table or an array holds something else.
    Shape(String),
}

impl fmt::Display for EditError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => write!(out, "the policy cannot be edited: {message}"),
            Self::Shape(key) => write!(out, "the policy cannot be edited: `{key}` is not what it should be"),
        }
    }
}

impl std::error::Error for EditError {}

/// The text with the addition; comments and the order of lines stay. An empty text becomes a new policy file.
///
/// # Errors
/// When the text is no TOML or has something else where the addition belongs.
pub fn add(text: &str, addition: &Addition) -> Result<String, EditError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| EditError::Syntax(error.message().to_owned()))?;
    if text.trim().is_empty() {
        document.insert("version", value(1));
    }
    match addition {
        Addition::File(key, access) => {
            let files = section(document.as_table_mut(), "files")?;
            set_access(files, key, *access)?;
        }
        Addition::Domain(host) => {
            let network = section(document.as_table_mut(), "network")?;
            if !network.contains_key("mode") {
                network.insert("mode", value("allow-list"));
            }
            set_domain(network, host)?;
        }
        Addition::Listen(port) => append(&mut document, "network", "listen", i64::from(*port).into())?,
        Addition::HostPort(port) => append(&mut document, "network", "host-ports", i64::from(*port).into())?,
        Addition::Env(name) => append(&mut document, "env", "allow", name.as_str().into())?,
        Addition::Socket(path) => append(&mut document, "sockets", "allow", path.as_str().into())?,
        Addition::Accept(gap) => append(&mut document, "tier", "accept", gap.as_str().into())?,
    }
    Ok(document.to_string())
}

fn section<'d>(document: &'d mut Table, name: &str) -> Result<&'d mut dyn toml_edit::TableLike, EditError> {
    let item = document.entry(name).or_insert_with(|| Item::Table(Table::new()));
    item.as_table_like_mut().ok_or_else(|| EditError::Shape(name.to_owned()))
}

fn set_access(files: &mut dyn toml_edit::TableLike, key: &str, access: Access) -> Result<(), EditError> {
    match files.get_mut(key) {
        Some(item) if item.is_table_like() => {
            let table = item.as_table_like_mut().ok_or_else(|| EditError::Shape(key.to_owned()))?;
            replace(table.get_mut("access"), access.name());
        }
        found @ Some(_) => replace(found, access.name()),
        None => {
            files.insert(key, value(access.name()));
        }
    }
    Ok(())
}

/// Puts a new word in place of a value, with the comment behind it.
fn replace(item: Option<&mut Item>, word: &str) {
    if let Some(old) = item.and_then(Item::as_value_mut) {
        let decor = old.decor().clone();
        *old = Value::from(word);
        *old.decor_mut() = decor;
    }
}

fn set_domain(network: &mut dyn toml_edit::TableLike, host: &str) -> Result<(), EditError> {
    let item = network.entry("domains").or_insert_with(|| value(InlineTable::new()));
    let domains = item.as_table_like_mut().ok_or_else(|| EditError::Shape("network.domains".to_owned()))?;
    match domains.get_mut(host) {
        None => {
            domains.insert(host, value("allow"));
        }
        found => replace(found, "allow"),
    }
    Ok(())
}

fn append(document: &mut DocumentMut, name: &str, key: &str, new: Value) -> Result<(), EditError> {
    let item = section(document.as_table_mut(), name)?.entry(key).or_insert_with(|| value(Array::new()));
    let array = item.as_array_mut().ok_or_else(|| EditError::Shape(format!("{name}.{key}")))?;
    let is_there = array.iter().any(|known| match (known.as_str(), known.as_integer()) {
        (Some(text), _) => new.as_str() == Some(text),
        (_, Some(number)) => new.as_integer() == Some(number),
        _ => false,
    });
    if !is_there {
        array.push(new);
    }
    Ok(())
}
