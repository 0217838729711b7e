//! The processes as a tree.

use super::markup::{Markup, duration};
use super::model::Process;
use super::{Report, missing};
use std::collections::HashMap;

/// Levels that are shown as such; what is deeper stands beside the last one.
const DEPTH: usize = 24;

pub(super) fn section(report: &Report, out: &mut Markup) {
    let processes = &report.story.processes;
    out.raw(
        "<section id=\"processes\" aria-labelledby=\"processes-h\"><h2 id=\"processes-h\">Processes</h2>",
    );
    if processes.list.is_empty() {
        out.raw("<p class=\"none\">The log tells of no process.</p></section>");
        return;
    }
    missing(report, "processes", out);
    tree(&processes.list, out);
    if processes.more > 0 {
        out.raw("<p class=\"note\">").grouped(processes.more).raw(" more processes are in the log.</p>");
    }
    out.raw("</section>");
}

/// Children of each process, by place in the list; those whose parent is not known belong to the first.
fn children(processes: &[Process]) -> (Vec<usize>, HashMap<usize, Vec<usize>>) {
    let mut last: HashMap<u32, usize> = HashMap::new();
    let (mut roots, mut children) = (Vec::new(), HashMap::<usize, Vec<usize>>::new());
    for (at, process) in processes.iter().enumerate() {
        // A parent stands before its child, so there is no way round.
        match process.parent.and_then(|parent| last.get(&parent).copied()) {
            Some(parent) => children.entry(parent).or_default().push(at),
            None if at > 0 && process.number.is_some() && processes[0].number.is_none() => {
                children.entry(0).or_default().push(at);
            }
            None => roots.push(at),
        }
        if let Some(number) = process.number {
            last.insert(number, at);
        }
    }
    (roots, children)
}

/// Writes the tree without calling itself: how deep it is, the target chooses.
fn tree(processes: &[Process], out: &mut Markup) {
    let (roots, children) = children(processes);
    out.raw("<ul class=\"tree\">");
    // Lists that are being written: what is left of each.
    let mut open: Vec<(std::vec::IntoIter<usize>, bool)> = vec![(roots.into_iter(), false)];
    while let Some((list, nested)) = open.last_mut() {
        let Some(at) = list.next() else {
            if *nested {
                out.raw("</ul></li>");
            }
            open.pop();
            continue;
        };
        one(&processes[at], out);
        match children.get(&at) {
            None => {
                out.raw("</li>");
            }
            Some(below) => {
                let nested = open.len() < DEPTH;
                out.raw(if nested { "<ul>" } else { "</li>" });
                open.push((below.clone().into_iter(), nested));
            }
        }
    }
    out.raw("</ul>");
}

fn one(process: &Process, out: &mut Markup) {
    out.raw("<li><code>").text(&process.command).raw("</code> <span class=\"meta\">");
    if let Some(number) = process.number {
        out.raw("no. ").number(u64::from(number)).raw(" · ");
    }
    match &process.ended {
        Some((ended, how)) => {
            // How it ended is not always known.
            let bad = how != "exited with 0" && how != "ended";
            out.raw(if bad { "<b class=\"warn\">" } else { "<b class=\"ok\">" }).text(how).raw("</b> after ");
            out.text(&duration(ended.micros() - process.started.micros()));
        }
        None => {
            out.raw("no end recorded");
        }
    }
    out.raw("</span>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth::log::core::Moment;

    fn process(number: Option<u32>, parent: Option<u32>) -> Process {
        let command = format!("{number:?}");
        Process { number, parent, command, started: Moment::from_micros(0), ended: None }
    }

    #[test]
    fn a_tree_has_as_many_ends_as_beginnings() {
        let shapes: [Vec<Process>; 3] = [
            vec![
                process(None, None),
                process(Some(5), Some(9)),
                process(Some(6), Some(5)),
                process(Some(6), Some(6)),
            ],
            (1..100_000_u32).map(|number| process(Some(number), Some(number - 1))).collect(),
            vec![process(Some(3), Some(3)), process(Some(3), None)],
        ];
        for processes in shapes {
            let mut out = Markup::default();
            tree(&processes, &mut out);
            let text = out.finish();
            let count = |what: &str| text.matches(what).count();
            assert_eq!((count("<li>"), count("<ul")), (count("</li>"), count("</ul>")));
            assert_eq!(count("<li>"), processes.len());
        }
    }
}
