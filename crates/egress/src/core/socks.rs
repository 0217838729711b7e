//! SOCKS version 5: greeting, user name and password, request. The client's half only; nothing else is carried.
//!
//! Sources: RFC 1928 and RFC 1929.

use super::host::{Host, HostFault};
use super::progress::{Cursor, Progress};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
const NOTHING_ACCEPTABLE: u8 = 0xff;

/// Why the bytes are no SOCKS 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocksFault {
    /// Another version.
    Version,
    /// A greeting without methods.
    NoMethods,
    /// The reserved byte is set.
    Reserved,
    /// No kind of address of RFC 1928.
    AddressKind,
}

impl SocksFault {
    /// The fault, as a lower-case fragment.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Version => "the client speaks no SOCKS of version 5",
            Self::NoMethods => "the client offers no way to authenticate",
            Self::Reserved => "a reserved byte of the SOCKS request is set",
            Self::AddressKind => "the SOCKS request has no known kind of address",
        }
    }
}

/// The ways to authenticate that a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// None at all.
    pub nothing: bool,
    /// User name and password.
    pub password: bool,
}

impl Greeting {
    /// The method to take, or `None` if the client offers none that will do.
    #[must_use]
    pub fn choose(self, wants_password: bool) -> Option<Method> {
        match (wants_password, self.nothing, self.password) {
            (true, _, true) => Some(Method::Password),
            (false, true, _) => Some(Method::Nothing),
            // A client that insists on a password when none is wanted: any will do.
            (false, false, true) => Some(Method::Password),
            _ => None,
        }
    }
}

/// A way to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// None at all.
    Nothing,
    /// User name and password.
    Password,
}

/// User name and password as sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Credentials(..)")
    }
}

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A connection.
    Connect,
    /// A listener, a datagram relay, or something unknown; none is carried.
    Other(u8),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is wanted.
    pub command: Command,
    /// The host, or why it is none.
    pub host: Result<Host, HostFault>,
    /// The port.
    pub port: u16,
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reply {
    /// The connection is there.
    Succeeded = 0,
    /// Something failed.
    Failure = 1,
    /// The rules do not allow it.
    NotAllowed = 2,
    /// The name does not resolve, or no address answers.
    HostUnreachable = 4,
    /// The host refused.
    Refused = 5,
    /// The command is not carried.
    CommandUnknown = 7,
    /// The kind of address is unknown.
    AddressUnknown = 8,
}

/// The first message.
///
/// # Errors
/// When it is none of version 5.
pub fn greeting(bytes: &[u8]) -> Result<Progress<Greeting>, SocksFault> {
    let mut cursor = Cursor::new(bytes);
    match cursor.byte() {
        Some(VERSION) => {}
        Some(_) => return Err(SocksFault::Version),
        None => return Ok(Progress::Partial),
    }
    let Some(methods) = cursor.short_field() else { return Ok(Progress::Partial) };
    if methods.is_empty() {
        return Err(SocksFault::NoMethods);
    }
    let value =
        Greeting { nothing: methods.contains(&NO_AUTHENTICATION), password: methods.contains(&PASSWORD) };
    Ok(Progress::Done { value, used: cursor.position() })
}

/// The answer to the first message.
#[must_use]
pub fn choice(method: Option<Method>) -> [u8; 2] {
    let number = match method {
        Some(Method::Nothing) => NO_AUTHENTICATION,
        Some(Method::Password) => PASSWORD,
        None => NOTHING_ACCEPTABLE,
    };
    [VERSION, number]
}

/// User name and password.
///
/// # Errors
/// When the message is of another version.
pub fn credentials(bytes: &[u8]) -> Result<Progress<Credentials>, SocksFault> {
    let mut cursor = Cursor::new(bytes);
    match cursor.byte() {
        Some(1) => {}
        Some(_) => return Err(SocksFault::Version),
        None => return Ok(Progress::Partial),
    }
    let fields = cursor.short_field().and_then(|user| Some((user, cursor.short_field()?)));
    let Some((user, password)) = fields else { return Ok(Progress::Partial) };
    let value = Credentials { user: user.to_vec(), password: password.to_vec() };
    Ok(Progress::Done { value, used: cursor.position() })
}

/// The answer to user name and password.
#[must_use]
pub fn credentials_reply(accepted: bool) -> [u8; 2] {
    [1, u8::from(!accepted)]
}

/// The request.
///
/// # Errors
/// When it is malformed. A host that is none is no error here: the client gets an answer for it.
pub fn request(bytes: &[u8]) -> Result<Progress<Request>, SocksFault> {
    let mut cursor = Cursor::new(bytes);
    let Some([version, command, reserved, kind]) = cursor.array() else {
        let is_other = bytes.first().is_some_and(|version| *version != VERSION);
        return if is_other { Err(SocksFault::Version) } else { Ok(Progress::Partial) };
    };
    if version != VERSION {
        return Err(SocksFault::Version);
    }
    if reserved != 0 {
        return Err(SocksFault::Reserved);
    }
    let host = match kind {
        1 => cursor.array::<4>().map(|octets| Ok(Host::from(IpAddr::V4(Ipv4Addr::from(octets))))),
        4 => cursor.array::<16>().map(|octets| Ok(Host::from(IpAddr::V6(Ipv6Addr::from(octets))))),
        3 => cursor.short_field().map(Host::read_bytes),
        _ => return Err(SocksFault::AddressKind),
    };
    let Some((host, port)) = host.and_then(|host| Some((host, cursor.word()?))) else {
        return Ok(Progress::Partial);
    };
    let command = if command == 1 { Command::Connect } else { Command::Other(command) };
    Ok(Progress::Done { value: Request { command, host, port }, used: cursor.position() })
}

/// The answer to a request. The address of the outgoing socket is the broker's own business: it is left zero.
#[must_use]
pub fn reply(reply: Reply) -> [u8; 10] {
    [VERSION, reply as u8, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// The messages of a client that connects to `host`, for a proxy upstream.
#[must_use]
pub fn client_greeting(has_password: bool) -> Vec<u8> {
    if has_password {
        vec![VERSION, 2, NO_AUTHENTICATION, PASSWORD]
    } else {
        vec![VERSION, 1, NO_AUTHENTICATION]
    }
}

/// User name and password of a client; `None` if one is longer than the message allows.
#[must_use]
pub fn client_credentials(user: &str, password: &str) -> Option<Vec<u8>> {
    let mut out = vec![1];
    for field in [user, password] {
        out.push(u8::try_from(field.len()).ok()?);
        out.extend(field.bytes());
    }
    Some(out)
}

/// The request of a client; `None` if the name is longer than the message allows.
#[must_use]
pub fn client_request(host: &Host, port: u16) -> Option<Vec<u8>> {
    let mut out = vec![VERSION, 1, 0];
    match host {
        Host::Address(IpAddr::V4(address)) => {
            out.push(1);
            out.extend(address.octets());
        }
        Host::Address(IpAddr::V6(address)) => {
            out.push(4);
            out.extend(address.octets());
        }
        Host::Name(name) => {
            out.extend([3, u8::try_from(name.len()).ok()?]);
            out.extend(name.bytes());
        }
    }
    out.extend(port.to_be_bytes());
    Some(out)
}

/// The method that a proxy upstream chose.
///
/// # Errors
/// When it is of another version or accepts none of those offered.
pub fn chosen(bytes: [u8; 2]) -> Result<Method, SocksFault> {
    match bytes {
        [VERSION, NO_AUTHENTICATION] => Ok(Method::Nothing),
        [VERSION, PASSWORD] => Ok(Method::Password),
        [VERSION, _] => Err(SocksFault::NoMethods),
        _ => Err(SocksFault::Version),
    }
}

/// The answer of a proxy upstream to a request: whether it succeeded (0) or its code.
///
/// # Errors
/// When it is malformed.
pub fn answered(bytes: &[u8]) -> Result<Progress<u8>, SocksFault> {
    let mut cursor = Cursor::new(bytes);
    let Some([version, code, _, kind]) = cursor.array() else { return Ok(Progress::Partial) };
    if version != VERSION {
        return Err(SocksFault::Version);
    }
    let address = match kind {
        1 => cursor.take(4),
        4 => cursor.take(16),
        3 => cursor.short_field(),
        _ => return Err(SocksFault::AddressKind),
    };
    match address.and_then(|_| cursor.word()) {
        Some(_) => Ok(Progress::Done { value: code, used: cursor.position() }),
        None => Ok(Progress::Partial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done<T>(progress: Result<Progress<T>, SocksFault>) -> T {
        progress.unwrap().done().unwrap()
    }

    #[test]
    fn a_conversation_is_read_byte_by_byte() {
        let all = [5, 2, 0, 2];
        for end in 0..all.len() {
            assert_eq!(greeting(all.get(..end).unwrap()), Ok(Progress::Partial));
        }
        assert_eq!(done(greeting(&all)), Greeting { nothing: true, password: true });
        let asked = client_request(&Host::read("a.example").unwrap(), 443).unwrap();
        for end in 0..asked.len() {
            assert_eq!(request(asked.get(..end).unwrap()), Ok(Progress::Partial));
        }
        let read = done(request(&asked));
        assert_eq!(read.command, Command::Connect);
        assert_eq!((read.host.unwrap().text(), read.port), ("a.example".to_owned(), 443));
        let sent = client_credentials("u", "pw").unwrap();
        let read = done(credentials(&sent));
        assert_eq!((read.user, read.password), (b"u".to_vec(), b"pw".to_vec()));
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(greeting(&[4, 1]), Err(SocksFault::Version));
        assert_eq!(greeting(&[5, 0]), Err(SocksFault::NoMethods));
        assert_eq!(request(&[4]), Err(SocksFault::Version));
        assert_eq!(request(&[5, 1, 1, 1]), Err(SocksFault::Reserved));
        assert_eq!(request(&[5, 1, 0, 2]), Err(SocksFault::AddressKind));
        assert_eq!(credentials(&[5]), Err(SocksFault::Version));
        assert_eq!(done(request(&[5, 3, 0, 1, 1, 2, 3, 4, 0, 80])).command, Command::Other(3));
    }

    #[test]
    fn a_name_with_nul_is_no_host() {
        let mut asked = vec![5, 1, 0, 3, 17];
        asked.extend(b"bad.example\0.good");
        asked.extend([0, 80]);
        assert_eq!(done(request(&asked)).host, Err(HostFault::Letter));
    }

    #[test]
    fn a_mapped_address_is_the_address() {
        let mut asked = vec![5, 1, 0, 4];
        asked.extend("::ffff:127.0.0.1".parse::<Ipv6Addr>().unwrap().octets());
        asked.extend([0, 80]);
        assert_eq!(done(request(&asked)).host.unwrap().text(), "127.0.0.1");
    }

    #[test]
    fn the_password_is_wanted_or_not() {
        let only = |nothing, password| Greeting { nothing, password };
        assert_eq!(only(true, false).choose(true), None);
        assert_eq!(only(true, true).choose(true), Some(Method::Password));
        assert_eq!(only(true, true).choose(false), Some(Method::Nothing));
        assert_eq!(only(false, false).choose(false), None);
        assert_eq!(choice(None), [5, 0xff]);
    }
}
