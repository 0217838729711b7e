//! Which process of a sandbox made a connection, found from outside by its socket.

use rustix::fd::{AsFd, AsRawFd};
use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Longest command line that is read, in bytes.
const LONGEST: usize = 4096;

/// A process inside. All but its number and its program is what the process says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its number outside.
    pub pid: i32,
    /// The file that it executes, by the kernel's word.
    pub program: Option<Vec<u8>>,
    /// Its command line, at most 4 KiB of it.
    pub command: Vec<Vec<u8>>,
}

/// The descendant of `runner` (a pidfd) that holds the socket with this local address in its network namespace.
///
/// `None` if there is none any more, if more than one socket has the address, or if the kernel does not say.
/// Sources: `proc_pid_net(5)`, `proc_pid_fd(5)`, and for the table of sockets the kernel's `proc_net_tcp.rst`.
#[must_use]
pub fn find(runner: impl AsFd, socket: SocketAddr) -> Option<Client> {
    let runner = number(runner)?;
    let at = |name: &str| fs::read_to_string(process(runner).join("net").join(name)).unwrap_or_default();
    let inode = inode(&[at("tcp"), at("tcp6")].concat(), socket)?;
    let wanted = PathBuf::from(format!("socket:[{inode}]"));
    let pid = inside(runner).into_iter().map(|row| row.pid).find(|pid| holds(*pid, &wanted))?;
    let program = fs::read_link(process(pid).join("exe")).ok();
    let mut words = fs::read(process(pid).join("cmdline")).unwrap_or_default();
    words.truncate(LONGEST);
    let command = words.strip_suffix(b"\0").unwrap_or(&words).split(|byte| *byte == 0);
    Some(Client {
        pid,
        program: program.map(|path| path.into_os_string().into_vec()),
        command: command.map(<[u8]>::to_vec).collect(),
    })
}

/// Whether every descendant of the runner stands still (or is dead).
#[must_use]
pub fn all_stopped(runner: impl AsFd) -> bool {
    number(runner).is_some_and(|runner| inside(runner).iter().all(|row| row.is_stopped))
}

/// The number of the process of a pidfd (`proc_pid_fdinfo(5)`).
fn number(process: impl AsFd) -> Option<i32> {
    let descriptor = process.as_fd().as_raw_fd();
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    (number > 0).then_some(number)
}

fn process(pid: i32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// A process and what the kernel tells everybody about it (`proc_pid_stat(5)`).
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) is_stopped: bool,
}

/// The processes that descend from the runner. It is the first of their namespace, so orphans come back to it.
pub(crate) fn inside(runner: i32) -> Vec<Row> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut children: HashMap<i32, Vec<Row>> = HashMap::new();
    for row in numbers.filter_map(stat) {
        children.entry(row.parent).or_default().push(row);
    }
    // Taken out as they are found, so a circle that numbers used anew could make ends too.
    let mut found = children.remove(&runner).unwrap_or_default();
    let mut next = 0;
    while let Some(row) = found.get(next) {
        let below = children.remove(&row.pid).unwrap_or_default();
        found.extend(below);
        next += 1;
    }
    found
}

fn stat(pid: i32) -> Option<Row> {
    let text = fs::read(process(pid).join("stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name, in brackets, may hold anything.
    let mut words = text.rsplit_once(')')?.1.split_whitespace();
    // `D`: in a call that only death breaks off, such as a supervised one; it stops before it returns to its program.
    let is_stopped = matches!(words.next()?, "T" | "t" | "Z" | "X" | "D");
    Some(Row { pid, parent: words.next()?.parse().ok()?, is_stopped })
}

fn holds(pid: i32, wanted: &Path) -> bool {
    let Ok(entries) = fs::read_dir(process(pid).join("fd")) else { return false };
    entries.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == wanted))
}

/// The one inode in a table of sockets that has this local address.
fn inode(table: &str, socket: SocketAddr) -> Option<u64> {
    let wanted = (socket.ip().to_canonical(), socket.port());
    // A connection that is over and only waited out has no inode, and its address may be in use again.
    let mut found =
        table.lines().filter_map(row).filter(|(address, inode)| *address == wanted && *inode != 0);
    let (_, inode) = found.next()?;
    found.next().is_none().then_some(inode)
}

/// Local address and inode of a row.
fn row(line: &str) -> Option<((IpAddr, u16), u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = words.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(((self::address(address)?.to_canonical(), port), words.get(9)?.parse().ok()?))
}

/// An address as the kernel prints it: whole words of the processor, each in its own order of bytes.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = text.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{PidfdFlags, getpid, pidfd_open};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    #[test]
    fn a_table_of_sockets_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n   \
             1: 050012C6:9C40 050012C6:01BB 01 00000000:00000000 00:00000000 00000000     0        0 4343 1\n   \
             0: 0000000000000000FFFF0000060012C6:9C41 0:0 01 0:0 00:0 0     0        0 4444 1\n";
        let of = |text: &str| inode(table, text.parse().unwrap());
        assert_eq!(of("127.0.0.1:8080"), Some(4242));
        assert_eq!(of("198.18.0.5:40000"), Some(4343));
        assert_eq!(of("[::ffff:198.18.0.5]:40000"), Some(4343));
        assert_eq!(of("198.18.0.6:40001"), Some(4444));
        assert_eq!(of("198.18.0.5:40001"), None);
        let over = "   2: 050012C6:9C40 060012C6:01BB 06 0:0 03:0 0     0        0 0 3\n";
        assert_eq!(inode(&[over, table].concat(), "198.18.0.5:40000".parse().unwrap()), Some(4343));
        let twice = table.repeat(2);
        assert_eq!(inode(&twice, "198.18.0.5:40000".parse().unwrap()), None, "two sockets, so nobody knows");
    }

    /// A process of the same namespace that holds a connection is found, and what it says of itself.
    #[test]
    fn a_process_is_found_by_its_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        let local = stream.local_addr().unwrap();
        // The child holds the connection as its input; this process lets go of it.
        let mut child = Command::new("sh")
            .args(["-c", "read line", "a \u{1b}word"])
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(stream)))
            .spawn()
            .unwrap();
        // The parent of all processes of this test.
        let itself = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
        let found = find(&itself, local).unwrap();
        assert_eq!(found.pid, i32::try_from(child.id()).unwrap());
        assert_eq!(found.command.last().unwrap(), "a \u{1b}word".as_bytes());
        assert!(found.program.is_some_and(|program| program.starts_with(b"/")));
        assert!(!all_stopped(&itself), "the child runs");
        assert_eq!(find(&itself, "127.0.0.1:1".parse().unwrap()), None);
        drop(listener);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
