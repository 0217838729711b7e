//! Adding a line to a policy file without touching the rest of it.

use crate::files::Access;
use std::fmt;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

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
    /// A rule that allows commands that begin with these words, for one agent or for all.
    Command(Vec<String>, Option<String>),
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
        Addition::Command(prefix, agent) => allow_command(&mut document, prefix, agent.as_deref())?,
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
            if let Some(inline) = item.as_inline_table_mut() {
                keep_last_blank(inline);
            }
        }
        found => replace(found, "allow"),
    }
    Ok(())
}

/// Moves the blank before the closing brace behind the value that was added: `{ a = 1, b = 2 }`, not `{ a = 1 , b = 2}`.
fn keep_last_blank(inline: &mut InlineTable) {
    let mut values: Vec<&mut Value> = inline.iter_mut().map(|(_, value)| value).collect();
    let [.., before, added] = values.as_mut_slice() else { return };
    let blank = before.decor().suffix().and_then(|blank| blank.as_str()).unwrap_or_default().to_owned();
    before.decor_mut().set_suffix("");
    added.decor_mut().set_suffix(blank);
}

/// Why a rule stands there that was added by a program.
const BY_THE_USER: &str = "allowed by the user";

/// Adds a rule behind those that are there, in the form that the file uses.
fn allow_command(
    document: &mut DocumentMut,
    prefix: &[String],
    agent: Option<&str>,
) -> Result<(), EditError> {
    let words = prefix.iter().map(String::as_str).collect::<Array>();
    let mut rule = Table::new();
    rule.insert("prefix", value(words));
    rule.insert("decision", value("allow"));
    rule.insert("reason", value(BY_THE_USER));
    if let Some(agent) = agent {
        rule.insert("agents", value(std::iter::once(agent).collect::<Array>()));
    }
    let rules = document.entry("commands").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let is_same = |known: &dyn toml_edit::TableLike| {
        let text = |key| known.get(key).map(|item| item.to_string().trim().to_owned());
        let own = |key| rule.get(key).map(|item| item.to_string().trim().to_owned());
        ["prefix", "decision", "agents"].into_iter().all(|key| text(key) == own(key))
    };
    let is_there = match &*rules {
        Item::ArrayOfTables(rules) => rules.iter().any(|known| is_same(known)),
        Item::Value(Value::Array(rules)) => {
            rules.iter().filter_map(Value::as_inline_table).any(|known| is_same(known))
        }
        _ => return Err(EditError::Shape("commands".to_owned())),
    };
    match rules {
        _ if is_there => {}
        Item::ArrayOfTables(rules) => rules.push(rule),
        other => {
            if let Some(rules) = other.as_array_mut() {
                rules.push(rule.into_inline_table());
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str, words: &[&str], agent: Option<&str>) -> Result<String, EditError> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        add(text, &Addition::Command(words, agent.map(str::to_owned)))
    }

    #[test]
    fn a_rule_is_added_once_and_the_rest_stays() {
        let before = "version = 1 # mine\n\n# pushing is mine\n[[commands]]\nprefix = [\"git\", \"push\"]\n\
            decision = \"deny\" # always\n\n[limits]\nprocesses = 9\n";
        let after = allowed(before, &["frob", "a\"b"], None).unwrap();
        let rule = "[[commands]]\nprefix = [\"frob\", 'a\"b']\ndecision = \"allow\"\nreason = \"allowed by the user\"\n";
        assert!(after.contains(rule), "{after}");
        for line in before.lines() {
            assert!(after.contains(line), "{line} is gone from {after}");
        }
        assert_eq!(allowed(&after, &["frob", "a\"b"], None).unwrap(), after);
        let of_agent = allowed(&after, &["frob", "a\"b"], Some("codex")).unwrap();
        assert!(of_agent.contains("agents = [\"codex\"]"), "{of_agent}");
    }

    #[test]
    fn an_empty_file_and_inline_rules_take_a_rule_too() {
        assert!(allowed("", &["frob"], None).unwrap().starts_with("version = 1\n"));
        let inline = "version = 1\ncommands = [{ prefix = [\"a\"], decision = \"ask\" }]\n";
        let after = allowed(inline, &["b"], None).unwrap();
        assert!(after.contains("{ prefix = [\"a\"], decision = \"ask\" }"), "{after}");
        let rules = after.parse::<DocumentMut>().unwrap()["commands"].as_array().map(Array::len);
        assert_eq!(rules, Some(2), "{after}");
        assert_eq!(allowed(&after, &["b"], None).unwrap(), after);
        assert!(matches!(allowed("commands = 1\n", &["b"], None), Err(EditError::Shape(_))));
    }

    #[test]
    fn a_domain_stands_among_others_as_a_person_writes_it() {
        let of = |text: &str| add(text, &Addition::Domain("c".into())).unwrap();
        let inline = of("version = 1\n[network]\ndomains = { \"a\" = \"deny\", b = \"allow\" } # kept\n");
        assert!(inline.contains("{ \"a\" = \"deny\", b = \"allow\", c = \"allow\" } # kept\n"), "{inline}");
        let table = of("[network.domains] # kept\na = \"deny\" # as well\n");
        assert!(table.contains("a = \"deny\" # as well\nc = \"allow\"\n"), "{table}");
        assert!(of("").contains("c = \"allow\""));
    }
}
