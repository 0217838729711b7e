//! Names below `/proc` and `/dev/fd` that lead to the files of a process (proc(5)).

/// Where such a name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through<'t> {
    /// To this name below the root.
    Root(&'t str),
    /// To this name below the working directory.
    Directory(&'t str),
    /// To what only the run will show.
    Unknown,
}

/// True for the name of an open descriptor alone.
pub(super) fn is_descriptor(text: &str) -> bool {
    text.strip_prefix("/dev/fd/")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Where a name leads through a process: `/proc/self/cwd/x`, `/proc/7/root/x`, `/dev/fd/3/x`. `None` for other names.
pub(super) fn through(text: &str) -> Option<Through<'_>> {
    let mut rest = text.strip_prefix('/')?;
    match next(&mut rest)? {
        "proc" => {}
        "dev" if next(&mut rest) == Some("fd") => {
            next(&mut rest)?;
            return (!rest.is_empty()).then_some(Through::Unknown);
        }
        _ => return None,
    }
    let process = next(&mut rest)?;
    let is_process =
        matches!(process, "self" | "thread-self") || process.bytes().all(|byte| byte.is_ascii_digit());
    if !is_process {
        return None;
    }
    let mut link = next(&mut rest)?;
    if link == "task" {
        next(&mut rest)?;
        link = next(&mut rest)?;
    }
    match link {
        "root" => Some(Through::Root(rest)),
        "cwd" if matches!(process, "self" | "thread-self") => Some(Through::Directory(rest)),
        "cwd" | "fd" | "map_files" if !rest.is_empty() => Some(Through::Unknown),
        _ => None,
    }
}

/// The next name of a path; empty ones and single points are passed over.
fn next<'t>(rest: &mut &'t str) -> Option<&'t str> {
    loop {
        if rest.is_empty() {
            return None;
        }
        let (name, tail) = rest.split_once('/').unwrap_or((rest, ""));
        *rest = tail;
        if !name.is_empty() && name != "." {
            return Some(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_through_processes() {
        let table = [
            ("/proc/self/cwd/.git/config", Some(Through::Directory(".git/config"))),
            ("//proc/./self//cwd/a", Some(Through::Directory("a"))),
            ("/proc/7/root/etc/x", Some(Through::Root("etc/x"))),
            ("/proc/self/task/8/root/x", Some(Through::Root("x"))),
            ("/proc/7/cwd/x", Some(Through::Unknown)),
            ("/proc/self/fd/3/x", Some(Through::Unknown)),
            ("/dev/fd/../cwd/x", Some(Through::Unknown)),
            ("/dev/fd/3", None),
            ("/proc/self/status", None),
            ("/proc/cpuinfo", None),
            ("proc/self/cwd/x", None),
        ];
        for (text, expected) in table {
            assert_eq!(through(text), expected, "{text}");
        }
    }
}
