//! What happened inside as a whole, for the log: processes, changed files, and how complete the lists of them are.

use crate::audit::{Recorder, tell, words};
use crate::changed::{closed, kept_by};
use garth_audit::core::{Change as How, FileChanged, ProcessEnded, ProcessStarted};
use garth_host::linux::broker::wait::Inside;
use garth_host::linux::supervise::{Changed, ChangesCounted, Counted, Gone, How as Noted, Started};
use garth_plan::linux::Plan;
use garth_plan::linux::spec::Tier;
use garth_policy::{NodeKind, Policy, Reads, escape_visible};

/// What was told of the inside of one sandbox.
#[derive(Debug, Default)]
pub(crate) struct Account {
    changed: Vec<Changed>,
    counted: Option<(Counted, ChangesCounted)>,
    /// A limit that was met without an end.
    pub(crate) limited: Option<String>,
}

impl Account {
    pub(crate) fn take(&mut self, recorder: &Recorder, told: Inside) {
        match told {
            Inside::Started(told) => tell(recorder, || started(told)),
            Inside::Gone(Gone { process, code, signal, milliseconds }) => tell(recorder, || ProcessEnded {
                process: Some(process),
                code,
                signal,
                milliseconds: Some(milliseconds),
            }),
            Inside::Changed(changed) => self.changed.extend(changed),
            Inside::Counted(processes, changes) => self.counted = Some((processes, changes)),
            Inside::LimitMet(what) => self.limited = Some(what),
        }
    }

    /// Tells how complete the list of processes is.
    pub(crate) fn close_processes(&self, recorder: &Recorder, wanted: bool) {
        let counted = self.counted.map(|(processes, _)| processes);
        let missing = match counted {
            _ if !wanted => Some("the policy says audit.processes = false".to_owned()),
            None => Some(ENDED_EARLY.to_owned()),
            Some(Counted { unwatched: 0, .. }) => None,
            Some(Counted { unwatched, .. }) => Some(format!("the ends of {unwatched} processes")),
        };
        let (told, more) = counted.map_or((0, 0), |counted| (counted.told, counted.unwatched));
        // The start of the command itself is told by the broker, whatever the policy says.
        let told = told + 1;
        tell(recorder, || closed("processes", (told, more), missing));
    }

    /// Tells how complete the refused reads are, of a sandbox with this plan.
    pub(crate) fn close_reads(
        &self,
        recorder: &Recorder,
        (reads, plan): (Reads, &Plan),
        (told, hidden): (u64, u64),
    ) {
        let missing = match &self.counted {
            None => Some(ENDED_EARLY),
            Some(_) if hidden >= MOST_HIDDEN => Some("different ones beyond that number"),
            Some(_) => untold(reads, plan),
        };
        tell(recorder, || closed("reads", (told, 0), missing.map(str::to_owned)));
    }

    /// Tells what the supervisor saw of changes, for a session that keeps nothing to compare with.
    pub(crate) fn close_changes(self, recorder: &Recorder, policy: &Policy) {
        let Self { changed, counted, .. } = self;
        let (told, seen) = (changed.len() as u64, counted.map(|(_, changes)| changes));
        for changed in changed {
            tell(recorder, || noted(changed, policy));
        }
        let missing = match seen {
            None => Some(ENDED_EARLY.to_owned()),
            Some(ChangesCounted { more: 1.., .. }) => Some(
                "changes beyond the number that is told; run with --checkpoint or --cow to compare"
                    .to_owned(),
            ),
            Some(ChangesCounted { removals_unseen: true, .. }) => Some(UNSEEN.to_owned()),
            Some(_) => Some("changes of modes, times and attributes".to_owned()),
        };
        tell(recorder, || closed("changes", (told, seen.map_or(0, |seen| seen.more)), missing));
    }
}

/// Different reads of what is hidden that are told.
pub(crate) const MOST_HIDDEN: u64 = 500;

/// What nobody is told of in a sandbox with this plan; `None` if that is nothing.
fn untold(reads: Reads, plan: &Plan) -> Option<&'static str> {
    match (reads, plan.spec.tier) {
        (Reads::Trace, _) if plan.supervision.is_some() => None,
        (Reads::Told, Tier::Process) if plan.spec.told.is_some() => Some(ONCE),
        (_, Tier::Process) => Some(UNTRACED),
        (_, Tier::Landlock) => Some(BY_LANDLOCK),
    }
}

const BY_LANDLOCK: &str = "reads that Landlock refuses and no known program's words name, of which the kernel tells the machine's audit log alone, from Linux 6.15 on; \
                           audit.reads = \"trace\" tells those that are opened, where anything may be changed at all";

const UNTRACED: &str = "reads that the kernel refuses by itself, because the view does not show what is there, but for those that \
                        the words of a known program name; audit.reads = \"told\" tells them";

const ONCE: &str = "further names in a directory that is not shown, what was hidden where the sandbox wrote before, and what \
                    lies in the host's temporary directories; audit.reads = \"trace\" tells those that are opened";

const ENDED_EARLY: &str = "what was not told before the sandbox was ended from outside";

const UNSEEN: &str = "removed files that were not opened for writing, and changes of modes, times and attributes; \
     run with --checkpoint or --cow to compare";

fn started(told: Started) -> ProcessStarted {
    let Started { process, parent, program, arguments, whole } = told;
    let mut command = words(&arguments);
    if !whole {
        command.push("[more words]".to_owned());
    }
    ProcessStarted { process, program: escape_visible(&program), command, parent }
}

fn node(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::File => "file",
        NodeKind::Directory => "directory",
        NodeKind::Symlink => "symlink",
        NodeKind::Other => "other",
    }
}

fn noted(changed: Changed, policy: &Policy) -> FileChanged {
    let Changed { path, how, from, kind, bytes } = changed;
    let change = match how {
        Noted::Made => How::Created,
        Noted::Written => How::Modified,
        Noted::Removed => How::Deleted,
        Noted::Moved => How::Renamed,
    };
    FileChanged {
        change,
        from: from.map(|from| from.to_lossless()),
        bytes,
        kind: Some(node(kind).to_owned()),
        protected: kept_by(policy, &path),
        path: path.to_lossless(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_audit::core::{Event, Kind as EventKind, ListClosed, Record};
    use std::sync::{Arc, Mutex};

    fn heard(tell: impl FnOnce(&Recorder)) -> Vec<Event> {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&lines);
        let listener = Arc::new(move |line: &str| kept.lock().unwrap().push(line.to_owned()));
        let recorder: Recorder = Some(Arc::new(crate::unwritten_log(listener).unwrap()));
        tell(&recorder);
        let lines = lines.lock().unwrap();
        lines.iter().map(|line| Record::parse(line.as_bytes()).unwrap().event).collect()
    }

    fn list(event: &Event) -> &ListClosed {
        match event {
            Event::ListClosed(closed) => closed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_complete_only_if_everything_was_told() {
        let with = |counted: Option<Counted>, wanted: bool| {
            let counted = counted.map(|counted| (counted, ChangesCounted::default()));
            let account = Account { counted, ..Account::default() };
            list(&heard(|recorder| account.close_processes(recorder, wanted))[0]).clone()
        };
        let told = Counted { told: 3, unwatched: 0, left: 0 };
        assert!(with(Some(told), true).complete);
        assert_eq!(with(Some(told), true).told, 4, "the command itself is one more");
        assert_eq!(with(None, true).told, 1);
        assert!(!with(Some(told), false).complete);
        assert!(!with(None, true).complete);
        let over = with(Some(Counted { unwatched: 2, ..told }), true);
        assert_eq!((over.complete, over.more), (false, 2));
    }

    #[test]
    fn what_is_not_whole_says_so_and_is_safe_to_show() {
        let mut account = Account::default();
        let told = Started {
            process: Some(7),
            parent: None,
            program: b"/bin/\x1bx".to_vec(),
            arguments: vec![b"x\n".to_vec()],
            whole: false,
        };
        let events = heard(|recorder| account.take(recorder, Inside::Started(told)));
        let Event::ProcessStarted(started) = &events[0] else { panic!("{events:?}") };
        assert_eq!(started.command, ["x\\x0a", "[more words]"]);
        assert!(!started.program.contains('\u{1b}'), "{}", started.program);
        assert_eq!(events[0].kind(), EventKind::ProcessStarted);
    }
}
