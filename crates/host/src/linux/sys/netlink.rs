//! Requests to the kernel's network configuration (`netlink(7)`): a message is a header, a fixed part and attributes,
//! each padded to four bytes. Numbers are in the machine's byte order unless an attribute says otherwise.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`.
const ACK: u16 = 0x4;
/// `NLM_F_CREATE`.
pub const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`.
pub const APPEND: u16 = 0x800;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;
/// Length of `struct nlmsghdr`.
const HEADER: usize = 16;

/// One message while it is being put together.
#[derive(Debug)]
pub struct Message {
    bytes: Vec<u8>,
    acknowledged: bool,
}

impl Message {
    /// A request of this type, which the kernel acknowledges. `fixed` is the part before the attributes.
    #[must_use]
    pub fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        Self::with(kind, flags | REQUEST | ACK, fixed, true)
    }

    /// A request that gets no answer of its own: the ends of a batch.
    #[must_use]
    pub fn silent(kind: u16, fixed: &[u8]) -> Self {
        Self::with(kind, REQUEST, fixed, false)
    }

    fn with(kind: u16, flags: u16, fixed: &[u8], acknowledged: bool) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(fixed);
        pad(&mut bytes);
        Self { bytes, acknowledged }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        append(&mut self.bytes, kind, value);
        self
    }

    /// Adds an attribute that holds attributes.
    #[must_use]
    pub fn nest(self, kind: u16, inner: &Attributes) -> Self {
        self.attribute(kind | NESTED, &inner.0)
    }

    /// The whole message with this sequence number.
    fn finished(&self, number: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        bytes[8..12].copy_from_slice(&number.to_ne_bytes());
        bytes
    }
}

/// Attributes that stand within another one.
#[derive(Clone, Debug, Default)]
pub struct Attributes(Vec<u8>);

impl Attributes {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        append(&mut self.0, kind, value);
        self
    }

    /// Adds an attribute that holds attributes.
    #[must_use]
    pub fn nest(self, kind: u16, inner: &Self) -> Self {
        self.attribute(kind | NESTED, &inner.0)
    }
}

fn append(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&length.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    pad(bytes);
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// Sends messages as one and reads what the kernel says of each. No protocol means routing.
///
/// # Errors
/// The first error that the kernel reports: `EOPNOTSUPP` or `ENOENT` for what this kernel was built without.
pub fn request(protocol: Option<Protocol>, messages: &[Message]) -> Result<(), Errno> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    bind(&socket, &SocketAddrNetlink::new(0, 0))?;
    let mut bytes = Vec::new();
    for (number, message) in (1..).zip(messages) {
        bytes.extend(message.finished(number));
    }
    send(&socket, &bytes, SendFlags::empty())?;
    let mut awaited = messages.iter().filter(|message| message.acknowledged).count();
    while awaited > 0 {
        awaited = awaited.saturating_sub(read_answers(&socket)?);
    }
    Ok(())
}

/// Reads one packet; how many acknowledgements were in it. The kernel answers before `send` returns.
fn read_answers(socket: &OwnedFd) -> Result<usize, Errno> {
    let mut buffer = [0_u8; 8192];
    let (count, _) = recv(socket, &mut buffer, RecvFlags::DONTWAIT)?;
    let mut rest = buffer.get(..count).unwrap_or_default();
    let mut acknowledged = 0;
    while let Some((length, kind)) = header(rest) {
        if kind == ERROR {
            let code = rest.get(HEADER..HEADER + 4).and_then(|code| code.try_into().ok());
            match code.map(i32::from_ne_bytes) {
                Some(0) => acknowledged += 1,
                Some(code) => return Err(Errno::from_raw_os_error(-code)),
                None => return Err(Errno::BADMSG),
            }
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(acknowledged)
}

fn header(bytes: &[u8]) -> Option<(usize, u16)> {
    let length = u32::from_ne_bytes(bytes.get(0..4)?.try_into().ok()?);
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|length| *length >= HEADER)?;
    Some((length, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nested() {
        let inner = Attributes::none().attribute(1, b"cmp\0").attribute(2, &[7]);
        let message = Message::new(5, CREATE, &[1, 0, 0, 0]).nest(4, &inner);
        let bytes = message.finished(9);
        let expected: Vec<u8> = [
            &40_u32.to_ne_bytes()[..],
            &5_u16.to_ne_bytes(),
            &0x405_u16.to_ne_bytes(),
            &9_u32.to_ne_bytes(),
            &[0; 4],
            &[1, 0, 0, 0],
            &20_u16.to_ne_bytes(),
            &0x8004_u16.to_ne_bytes(),
            &8_u16.to_ne_bytes(),
            &1_u16.to_ne_bytes(),
            b"cmp\0",
            &5_u16.to_ne_bytes(),
            &2_u16.to_ne_bytes(),
            &[7, 0, 0, 0],
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn the_kernel_says_no_to_what_needs_a_right() {
        // RTM_NEWROUTE with nothing in it: refused for want of a right, or as senseless for root.
        let refused = request(None, &[Message::new(24, CREATE, &[0; 12])]);
        assert!(refused.is_err());
    }
}
