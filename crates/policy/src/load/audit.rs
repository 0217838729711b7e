//! The section on the log.

use super::merge::{self, Layers, strongest};
use super::reader::{Reader, Value, quoted};
use super::written::{BYTES, SECONDS};
use crate::limits::{parse_bytes, parse_duration};
use crate::origin::{Layer, Sourced};
use crate::path::AbsPath;
use crate::session::{Audit, Reads};
use std::cmp::Reverse;
use std::time::Duration;

/// The section as one layer has it.
#[derive(Clone, Debug, Default)]
pub(super) struct AuditWritten {
    pub(super) required: Option<Sourced<bool>>,
    pub(super) path: Option<Sourced<AbsPath>>,
    processes: Option<Sourced<bool>>,
    reads: Option<Sourced<Reads>>,
    keep_for: Option<Sourced<Duration>>,
    keep_size: Option<Sourced<u64>>,
    anchor: Option<Sourced<AbsPath>>,
}

impl Reader<'_> {
    pub(super) fn audit(&mut self, value: Value<'_, '_>, out: &mut AuditWritten) {
        let reads = [Reads::Cheap, Reads::Told, Reads::Trace].map(|reads| (reads.name(), reads));
        for (key, value) in self.section(value, "audit") {
            let span = value.span();
            match key.get_ref().as_ref() {
                "required" => {
                    out.required = self.boolean(value, "required").map(|said| self.sourced(said, &span))
                }
                "processes" => {
                    out.processes = self.boolean(value, "processes").map(|said| self.sourced(said, &span))
                }
                "reads" => {
                    let chosen = self.choice(value, "way to find refused reads", &reads);
                    out.reads = chosen.map(|reads| self.sourced(reads, &span));
                }
                "keep-for" if self.owns_log(value, "how long logs are kept") => {
                    out.keep_for = self.parsed(value, "duration", SECONDS, parse_duration);
                }
                "keep-size" if self.owns_log(value, "how much of the logs is kept") => {
                    out.keep_size = self.parsed(value, "size of logs", BYTES, parse_bytes);
                }
                "anchor" => out.anchor = self.log_path(value, "anchor", "where heads of the log are"),
                "path" => out.path = self.log_path(value, "path", "where the log is written"),
                _ => {}
            }
        }
    }

    /// Whether this layer may say something of the log itself; if not, that is reported.
    fn owns_log(&mut self, value: Value<'_, '_>, what: &str) -> bool {
        if self.layer != Layer::Project {
            return true;
        }
        let message = format!("a project cannot choose {what}");
        self.report("path-outside", value.span(), message, "", "put the line in your own policy");
        false
    }

    fn log_path(&mut self, value: Value<'_, '_>, key: &str, what: &str) -> Option<Sourced<AbsPath>> {
        let hint = "write an absolute path or one that starts with `~/`";
        let text = self.string(value, key, hint)?;
        if !self.owns_log(value, what) {
            return None;
        }
        match self.plain_path(text) {
            Some(path) if path.starts_with(&self.context.workspace) => {
                let message = "the log cannot be in the workspace";
                self.report("dangerous-root", value.span(), message, "it could be written from inside", hint);
                None
            }
            Some(path) => Some(self.sourced(path, &value.span())),
            None => {
                self.report("bad-path", value.span(), format!("{} is no path", quoted(text)), "", hint);
                None
            }
        }
    }
}

/// What the layers come to, apart from whether the log is required.
pub(super) fn settle(audit: &mut Audit, layers: &Layers) {
    let more = |said: &bool| Reverse(*said);
    merge::settle(&mut audit.processes, layers, |written| written.audit.processes.as_ref(), more);
    merge::settle(&mut audit.reads, layers, |written| written.audit.reads.as_ref(), |reads| Reverse(*reads));
    let managed = layers.managed.as_ref().map(|managed| &managed.audit);
    let fixed = |of: fn(&AuditWritten) -> Option<&Sourced<AbsPath>>| {
        managed.and_then(of).cloned().or_else(|| strongest(layers, |written| of(&written.audit)))
    };
    audit.path = fixed(|written| written.path.as_ref());
    audit.anchor = fixed(|written| written.anchor.as_ref());
    audit.keep_for = strongest(layers, |written| written.audit.keep_for.as_ref());
    lengthen(&mut audit.keep_for, managed.and_then(|managed| managed.keep_for.as_ref()));
    audit.keep_size = strongest(layers, |written| written.audit.keep_size.as_ref());
    lengthen(&mut audit.keep_size, managed.and_then(|managed| managed.keep_size.as_ref()));
}

/// The administrator's word only adds to what is kept.
fn lengthen<T: Clone + Ord>(slot: &mut Option<Sourced<T>>, managed: Option<&Sourced<T>>) {
    if let (Some(own), Some(managed)) = (&slot, managed)
        && own.value < managed.value
    {
        *slot = Some(managed.clone());
    }
}
