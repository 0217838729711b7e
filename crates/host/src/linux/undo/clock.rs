//! The clock that files are stamped by.

use garth_undo::Time;
use rustix::time::{ClockId, Timespec, clock_gettime};

fn coarse() -> Timespec {
    clock_gettime(ClockId::RealtimeCoarse)
}

/// A time that parts what was changed before this call from what is changed after it. Files are stamped by the kernel's
/// coarse clock, which ticks every few milliseconds (inode_set_ctime_current(9)); this waits for its next tick.
#[must_use]
pub fn parting() -> Time {
    let before = coarse();
    let mut now = before;
    // A clock that stands still is none that could be waited for.
    for _ in 0..200 {
        if (now.tv_sec, now.tv_nsec) != (before.tv_sec, before.tv_nsec) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_micros(500));
        now = coarse();
    }
    Time { seconds: now.tv_sec, nanos: u32::try_from(now.tv_nsec).unwrap_or(0) }
}

/// What the kernel calls itself from one start of the machine to the next (`random(4)`).
#[must_use]
pub fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The time now.
#[must_use]
pub fn now() -> Time {
    let now = coarse();
    Time { seconds: now.tv_sec, nanos: u32::try_from(now.tv_nsec).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn files_of_before_are_older_and_those_of_after_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let stamp = |name: &str| {
            std::fs::write(directory.path().join(name), "x").unwrap();
            let data = std::fs::metadata(directory.path().join(name)).unwrap();
            Time { seconds: data.ctime(), nanos: u32::try_from(data.ctime_nsec()).unwrap() }
        };
        for round in 0..20 {
            let before = stamp(&format!("{round}-before"));
            let parting = parting();
            let after = stamp(&format!("{round}-after"));
            assert!(before < parting && parting <= after, "{before:?} {parting:?} {after:?}");
        }
    }
}
