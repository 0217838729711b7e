//! Connections: to unix sockets by path only if their server was made inside.
//!
//! A connection never goes on as the caller's own call: between the check and the call a second thread could put
//! another socket under the descriptor's number, or another address into memory. So it is carried out, whatever its
//! family, on the caller's socket with the address that was read, and for a path on the very object that was looked at.
#![expect(unsafe_code, reason = "connect takes an address that was read from the caller's memory")]

use super::place;
use super::socket::{take_socket, unix_path};
use super::{Answer, Supervisor};
use crate::linux::sys::memory;
use crate::linux::sys::notify::Notification;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, StatxFlags, openat, statx};
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_timeout};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A socket's file, told from one that gets the same number later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Born {
    device: (u32, u32),
    inode: u64,
    /// Time of birth, where the file system knows it.
    birth: (i64, u32),
}

impl Born {
    /// The identity of an opened object, and whether it is a socket.
    fn of(object: impl AsFd) -> Result<(Self, bool), Errno> {
        let wanted = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::BTIME;
        let stat = statx(object, c"", rustix::fs::AtFlags::EMPTY_PATH, wanted)?;
        let born = Self {
            device: (stat.stx_dev_major, stat.stx_dev_minor),
            inode: stat.stx_ino,
            birth: (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec),
        };
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        Ok((born, kind == FileType::Socket))
    }
}

/// The device of the sandbox's own file system.
pub(super) fn own_device() -> Option<(u32, u32)> {
    let root = openat(CWD, c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    Born::of(&root).ok().map(|(born, _)| born.device)
}

/// The longest address of any family (`sockaddr_storage`).
const LONGEST: usize = size_of::<libc::sockaddr_storage>();

/// An address as it was read.
#[derive(Clone, Copy, Debug)]
struct Address {
    bytes: [u8; LONGEST],
    length: usize,
}

/// A connection that is ready to be made. The object that its address leads to is kept open until then.
struct Connection {
    socket: OwnedFd,
    address: Address,
    _object: Option<OwnedFd>,
}

impl Supervisor {
    pub(super) fn connect(
        &mut self,
        call: &Notification,
        socket: i32,
        address: u64,
        length: usize,
    ) -> Answer {
        match self.prepare_connection(call.thread, socket, address, length) {
            Ok(connection) => match connection.make_soon() {
                Err(Errno::CONNREFUSED) => {
                    connection
                        .address
                        .loopback_port()
                        .into_iter()
                        .for_each(|port| self.reporter.nobody_listens(port));
                    Answer::Fail(Errno::CONNREFUSED)
                }
                Err(Errno::AGAIN | Errno::INPROGRESS) if waits(&connection.socket) => {
                    self.connect_later(call.id, connection)
                }
                result => result.into(),
            },
            Err(errno) => Answer::Fail(errno),
        }
    }

    fn prepare_connection(
        &mut self,
        thread: u32,
        socket: i32,
        address: u64,
        length: usize,
    ) -> Result<Connection, Errno> {
        let socket = take_socket(thread, socket)?;
        let address = Address::read(thread, address, length)?;
        let by_path = rustix::net::sockopt::socket_domain(&socket)? == AddressFamily::UNIX;
        let Some(path) = unix_path(address.bytes()).filter(|_| by_path) else {
            return Ok(Connection { socket, address, _object: None });
        };
        let name = place::as_caller(thread, libc::AT_FDCWD, path).ok_or(Errno::NOENT)?;
        let object = openat(CWD, name.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        self.server_inside(thread, &object)?;
        let address = Address::unix(place::descriptor_path(object.as_fd()).as_bytes())?;
        Ok(Connection { socket, address, _object: Some(object) })
    }

    /// A server is inside if its socket was made under this supervisor, or lies where nobody outside can make one.
    fn server_inside(&mut self, thread: u32, object: &OwnedFd) -> Result<(), Errno> {
        let (born, is_socket) = Born::of(object)?;
        if !is_socket {
            return Err(Errno::CONNREFUSED);
        }
        if self.own_sockets.contains(&born) || Some(born.device) == self.own_device {
            return Ok(());
        }
        let path = place::final_path(object.as_fd())?;
        if self.order.is_free(&path) {
            return Ok(());
        }
        self.reporter.outside_server(thread, &path);
        Err(Errno::ACCESS)
    }

    /// Remembers a socket that was bound here.
    pub(super) fn remember_socket(&mut self, place: &place::Place) {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let object = openat(&place.parent, &place.name, flags, Mode::empty());
        // One that is gone already needs no memory.
        if let Ok((born, true)) = object.and_then(Born::of) {
            self.own_sockets.insert(born);
        }
    }

    fn connect_later(&self, id: u64, connection: Connection) -> Answer {
        let listener = Arc::clone(&self.listener);
        self.later.on(move || {
            // The caller may be gone by the time the server has room.
            let _gone = match connection.make() {
                Ok(()) => listener.succeed(id, 0),
                Err(errno) => listener.fail(id, errno),
            };
        })
    }
}

/// Whether the caller wants to wait for its server. The supervisor must not.
fn waits(socket: &OwnedFd) -> bool {
    rustix::fs::fcntl_getfl(socket).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK))
}

impl Address {
    /// Copies the caller's address.
    fn read(thread: u32, at: u64, length: usize) -> Result<Self, Errno> {
        let mut address = Self { bytes: [0; LONGEST], length };
        let bytes = address.bytes.get_mut(..length).ok_or(Errno::INVAL)?;
        if length > 0 && memory::read(thread, at, bytes)? < length {
            return Err(Errno::FAULT);
        }
        Ok(address)
    }

    /// The address of a unix socket by its path.
    fn unix(path: &[u8]) -> Result<Self, Errno> {
        let family = libc::sa_family_t::try_from(libc::AF_UNIX).map_err(|_| Errno::INVAL)?.to_ne_bytes();
        let text = [&family[..], path, b"\0"].concat();
        let mut address = Self { bytes: [0; LONGEST], length: text.len() };
        address.bytes.get_mut(..text.len()).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(&text);
        Ok(address)
    }

    /// The port, if it is one of the loopback (`ip(7)`, `ipv6(7)`).
    fn loopback_port(&self) -> Option<u16> {
        let bytes = self.bytes();
        let family = i32::from(libc::sa_family_t::from_ne_bytes(*bytes.first_chunk()?));
        let address: IpAddr = match family {
            libc::AF_INET => <[u8; 4]>::try_from(bytes.get(4..8)?).ok()?.into(),
            libc::AF_INET6 => <[u8; 16]>::try_from(bytes.get(8..24)?).ok()?.into(),
            _ => return None,
        };
        let port = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
        address.to_canonical().is_loopback().then_some(port)
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The shortest time that a call can be told to wait.
const SOON: Duration = Duration::from_micros(1);

impl Connection {
    /// Connects if that needs no waiting, as almost always: a thread for it would cost three times as much.
    fn make_soon(&self) -> Result<(), Errno> {
        if !waits(&self.socket) {
            return self.make();
        }
        let before = socket_timeout(&self.socket, Timeout::Send)?;
        set_socket_timeout(&self.socket, Timeout::Send, Some(SOON))?;
        let result = self.make();
        set_socket_timeout(&self.socket, Timeout::Send, before)?;
        result
    }

    fn make(&self) -> Result<(), Errno> {
        let address = self.address.bytes();
        let length = libc::socklen_t::try_from(address.len()).map_err(|_| Errno::INVAL)?;
        // SAFETY: the address is a live borrow of `length` bytes, which the kernel copies before it looks at them.
        let result = unsafe { libc::connect(self.socket.as_raw_fd(), address.as_ptr().cast(), length) };
        if result == 0 { Ok(()) } else { Err(memory::last_errno()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::SocketType;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn an_opened_socket_is_connected_to_whatever_its_name_leads_to_now() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("a"), directory.path().join("b"));
        let (_one, _two) = (UnixListener::bind(&path).unwrap(), UnixListener::bind(&other).unwrap());
        let object = openat(CWD, &path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        std::fs::rename(&other, &path).unwrap();
        let address = Address::unix(place::descriptor_path(object.as_fd()).as_bytes()).unwrap();
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        assert!(waits(&socket));
        Connection { socket: socket.try_clone().unwrap(), address, _object: Some(object) }
            .make_soon()
            .unwrap();
        let stream = UnixStream::from(socket);
        assert_eq!(
            stream.peer_addr().unwrap().as_pathname(),
            Some(path.as_path()),
            "the name when it was bound"
        );
    }

    #[test]
    fn a_server_without_room_is_waited_for_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let server = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&server, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&server, 0).unwrap();
        let connect = || {
            let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
            let address = Address::unix(path.to_str().unwrap().as_bytes()).unwrap();
            let connection = Connection { socket, address, _object: None };
            let result = connection.make_soon();
            assert_eq!(socket_timeout(&connection.socket, Timeout::Send).unwrap(), None, "as it was");
            (connection, result)
        };
        let (_first, result) = connect();
        assert_eq!(result, Ok(()));
        assert_eq!(connect().1, Err(Errno::AGAIN));
    }

    #[test]
    fn the_next_socket_of_a_name_is_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let born = || {
            let object = openat(CWD, &path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
            Born::of(object).unwrap()
        };
        let first = UnixListener::bind(&path).unwrap();
        let (one, is_socket) = born();
        assert!(is_socket);
        drop(first);
        std::fs::remove_file(&path).unwrap();
        // Times of birth are counted in ticks of the kernel.
        std::thread::sleep(Duration::from_millis(20));
        let _second = UnixListener::bind(&path).unwrap();
        assert_ne!(one, born().0, "the number may be the same, the birth is not");
    }

    #[test]
    fn addresses_are_read_whole_or_not_at_all() {
        let me = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let raw = [1u8, 0, b'x', 0];
        let at = raw.as_ptr().addr() as u64;
        assert_eq!(Address::read(me, at, 4).unwrap().bytes(), raw);
        assert_eq!(Address::read(me, 8, 4).map(|_| ()), Err(Errno::FAULT));
        assert_eq!(Address::read(me, at, 1000).map(|_| ()), Err(Errno::INVAL));
        assert_eq!(Address::read(me, 0, 0).unwrap().bytes(), b"");
    }

    #[test]
    fn ports_of_the_loopback_are_told_from_others() {
        let port = |family: i32, rest: &[u8]| {
            let family = libc::sa_family_t::try_from(family).unwrap().to_ne_bytes();
            let text = [&family[..], &5432_u16.to_be_bytes(), rest].concat();
            let mut address = Address { bytes: [0; LONGEST], length: text.len() };
            address.bytes[..text.len()].copy_from_slice(&text);
            address.loopback_port()
        };
        assert_eq!(port(libc::AF_INET, &[127, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]), Some(5432));
        assert_eq!(port(libc::AF_INET, &[10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        let six = |last: [u8; 4]| {
            [&[0; 4][..], &[0; 10], &[if last == [0, 0, 0, 1] { 0 } else { 0xff }; 2], &last].concat()
        };
        assert_eq!(port(libc::AF_INET6, &six([0, 0, 0, 1])), Some(5432));
        assert_eq!(port(libc::AF_INET6, &six([127, 0, 0, 1])), Some(5432));
        assert_eq!(port(libc::AF_INET6, &six([93, 184, 216, 34])), None);
        assert_eq!(port(libc::AF_UNIX, b"/run/x"), None);
        assert_eq!(port(libc::AF_INET, b""), None);
    }
}
