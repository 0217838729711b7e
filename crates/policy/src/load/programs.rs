//! Reading the rows `[programs.NAME]`.

use super::reader::{Reader, Value, in_order, quoted};
use super::written::{Written, keys};
use crate::origin::Layer;
use crate::programs::ProgramRow;
use toml::de::DeValue;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table};

/// What reads a row: the vetting, which this crate does not know. An error is one sentence.
pub type CheckProgram<'c> = &'c dyn Fn(&ProgramRow) -> Result<(), String>;

const HINT: &str = "write a row as docs/vetting-knowledge.md describes it";

impl Reader<'_> {
    pub(super) fn programs(&mut self, value: Value<'_, '_>, out: &mut Written) {
        if self.layer == Layer::Project {
            let message = "a project cannot say what programs do";
            let label = "a row could make any program look harmless";
            self.report("not-for-projects", value.span(), message, label, "put the rows in your own policy");
            return;
        }
        let Some(table) = self.table(value, "[programs]", "write `[programs.NAME]` above each row") else {
            return;
        };
        for (name, value) in in_order(table) {
            out.programs.extend(self.program(name.get_ref(), &name.span(), value));
        }
    }

    fn program(
        &mut self,
        name: &str,
        place: &std::ops::Range<usize>,
        value: Value<'_, '_>,
    ) -> Option<ProgramRow> {
        let table = self.table(value, "a program", HINT)?;
        let known = self.known(table, "[programs.NAME]", keys("programs"));
        if known.len() < table.len() {
            return None;
        }
        let reason = known.iter().find(|(key, _)| key.get_ref() == "reason");
        let reason = reason.and_then(|(_, value)| value.get_ref().as_str()).unwrap_or_default().to_owned();
        let Some(text) = plain(value.get_ref()) else {
            let message = format!("the row of {} holds a number or a date", quoted(name));
            self.report("program-row", place.clone(), message, "", HINT);
            return None;
        };
        let mut program = Table::new();
        program.insert(name, Item::Value(text));
        let mut document = DocumentMut::new();
        document.insert("program", Item::Table(program));
        let (name, text) = (name.to_owned(), document.to_string());
        let row = ProgramRow { name, reason, text, origin: self.origin(place) };
        match (self.check)(&row) {
            Ok(()) => Some(row),
            Err(what) => {
                let message = format!("the row of {} cannot be used", quoted(&row.name));
                self.report("program-row", place.clone(), message, what, HINT);
                None
            }
        }
    }
}

/// A value without its place and layout; `None` for what no row holds. TOML that was read is not nested deeply.
fn plain(value: &DeValue<'_>) -> Option<toml_edit::Value> {
    match value {
        DeValue::String(text) => Some(text.as_ref().into()),
        DeValue::Boolean(word) => Some((*word).into()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| plain(item.get_ref()));
            Some(items.collect::<Option<Array>>()?.into())
        }
        DeValue::Table(entries) => {
            let mut table = InlineTable::new();
            for (key, value) in entries {
                table.insert(key.get_ref().as_ref(), plain(value.get_ref())?);
            }
            Some(table.into())
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => None,
    }
}
