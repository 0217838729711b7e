//! Calls that change the limits, the scheduling or the priority of a process that they name by a number.
//!
//! For most of them the kernel asks for no more than the same user, which the runner is: with few descriptors it would open
//! nothing any more, and count and tell nothing. Where there is no pid namespace every process of the user outside has a number
//! too. All that counts stands in registers, so a call that may go on goes on.

use super::call::Whom;
use super::{Answer, Supervisor, processes};
use crate::linux::inside::count;
use rustix::io::Errno;
use rustix::process::{Pid, getpgid, getpgrp, getpid};

impl Supervisor {
    /// Lets a change of processes inside go on, but not of the runner.
    pub(super) fn another(&self, caller: u32, whom: Whom) -> Answer {
        let may = match whom {
            Whom::Thread(0) => true,
            Whom::Thread(number) => match processes::number(number) {
                Some(process) => is_inside(process),
                None => return Answer::Fail(Errno::SRCH),
            },
            Whom::Group(0) => {
                pid(caller).and_then(|caller| getpgid(Some(caller)).ok()).is_some_and(may_group)
            }
            Whom::Group(number) => pid(number).is_some_and(may_group),
            Whom::More => false,
        };
        if may { Answer::Proceed } else { Answer::Fail(Errno::PERM) }
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// Whether a process is one of the sandbox. In a pid namespace every other is; without, those that descend from this one.
fn is_inside(process: u32) -> bool {
    let own = getpid();
    pid(process).is_some_and(|process| process != own && (own == Pid::INIT || count::is_descendant(process)))
}

fn may_group(group: Pid) -> bool {
    group != getpgrp() && (getpid() == Pid::INIT || count::is_descendant(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_inside_and_its_parents_are_not() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let own = u32::try_from(getpid().as_raw_nonzero().get()).unwrap();
        let found =
            (is_inside(child.id()), is_inside(own), is_inside(1), is_inside(i32::MAX.cast_unsigned()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, (true, false, false, false));
        assert!(!may_group(getpgrp()));
    }
}
