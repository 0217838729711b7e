//! The client's hello of TLS: the server name it asks for, before anything is encrypted.
//!
//! Sources: RFC 8446 sections 4.1.2, 4.2 and 5.1, RFC 6066 section 3 (SNI), RFC 7301 section 3.1 (ALPN), RFC 9849 (ECH).

use super::host::Host;
use super::progress::{Cursor, Progress};

/// Longest hello that is read. Those with post-quantum shares have about 2 KiB.
pub const LONGEST_HELLO: usize = 32 * 1024;

/// The most records that a hello may be spread over.
const MOST_RECORDS: usize = 64;

const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const LONGEST_RECORD: u16 = 16_384;
const EXTENSION_SNI: u16 = 0;
const EXTENSION_ALPN: u16 = 16;
const EXTENSION_ECH: u16 = 0xfe0d;

/// What a hello says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The server name; `None` if there is none.
    pub server_name: Option<Host>,
    /// The protocols offered inside, in the client's order.
    pub protocols: Vec<Vec<u8>>,
    /// True if part of the hello is encrypted, or pretends to be. The outer name is the one that is judged.
    pub encrypted: bool,
}

/// Why the bytes are no hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFault {
    /// No handshake record of TLS, or an empty or overlong one.
    Record,
    /// The handshake starts with something else than a client's hello.
    NotHello,
    /// Longer, or in more pieces, than any client sends.
    TooLong,
    /// A field that does not fit into what holds it.
    Malformed,
    /// The same extension twice.
    Duplicate,
    /// A server name that is no name, or more than one.
    ServerName,
}

impl TlsFault {
    /// The fault, as a lower-case fragment.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Record => "the client sent no handshake of TLS",
            Self::NotHello => "the handshake does not start with a hello",
            Self::TooLong => "the hello is longer than any client's",
            Self::Malformed => "the hello is malformed",
            Self::Duplicate => "the hello has an extension twice",
            Self::ServerName => "the server name of the hello is no single host name",
        }
    }
}

/// Reads the hello at the start of a stream. It may be spread over several records. `used` counts the records read.
///
/// # Errors
/// When the stream does not start with a well-formed hello.
pub fn client_hello(stream: &[u8]) -> Result<Progress<Hello>, TlsFault> {
    let mut cursor = Cursor::new(stream);
    let mut handshake = Vec::new();
    for _ in 0..MOST_RECORDS {
        let Some(fragment) = record(&mut cursor)? else { return Ok(Progress::Partial) };
        handshake.extend_from_slice(fragment);
        if let Some(body) = whole(&handshake)? {
            return Ok(Progress::Done { value: hello(body)?, used: cursor.position() });
        }
    }
    Err(TlsFault::TooLong)
}

/// The payload of the next record; `None` if it is not there yet.
fn record<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, TlsFault> {
    let Some(kind) = cursor.byte() else { return Ok(None) };
    if kind != RECORD_HANDSHAKE {
        return Err(TlsFault::Record);
    }
    let Some(major) = cursor.byte() else { return Ok(None) };
    if major != 3 {
        return Err(TlsFault::Record);
    }
    let Some(_minor) = cursor.byte() else { return Ok(None) };
    let Some(length) = cursor.word() else { return Ok(None) };
    if length == 0 || length > LONGEST_RECORD {
        return Err(TlsFault::Record);
    }
    Ok(cursor.take(usize::from(length)))
}

/// The body of the hello, once all of it is there.
fn whole(handshake: &[u8]) -> Result<Option<&[u8]>, TlsFault> {
    let mut cursor = Cursor::new(handshake);
    match cursor.byte() {
        Some(CLIENT_HELLO) => {}
        Some(_) => return Err(TlsFault::NotHello),
        None => return Ok(None),
    }
    let Some([high, middle, low]) = cursor.array() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap_or(usize::MAX);
    if length > LONGEST_HELLO {
        return Err(TlsFault::TooLong);
    }
    let body = cursor.take(length);
    // What follows the hello in the same records would be another handshake message before the server's: none is.
    if body.is_some() && !cursor.is_empty() {
        return Err(TlsFault::Malformed);
    }
    Ok(body)
}

fn hello(body: &[u8]) -> Result<Hello, TlsFault> {
    let mut cursor = Cursor::new(body);
    let fields = |cursor: &mut Cursor<'_>| {
        let [major, _minor] = cursor.array()?;
        let _random: [u8; 32] = cursor.array()?;
        let session = cursor.short_field()?;
        let suites = cursor.long_field()?;
        let compressions = cursor.short_field()?;
        let sound = major == 3
            && session.len() <= 32
            && !suites.is_empty()
            && suites.len() % 2 == 0
            && !compressions.is_empty();
        sound.then_some(())
    };
    fields(&mut cursor).ok_or(TlsFault::Malformed)?;
    let mut hello = Hello { server_name: None, protocols: Vec::new(), encrypted: false };
    if cursor.is_empty() {
        return Ok(hello);
    }
    let extensions = cursor.long_field().filter(|_| cursor.is_empty()).ok_or(TlsFault::Malformed)?;
    let mut cursor = Cursor::new(extensions);
    let mut seen = Vec::new();
    while !cursor.is_empty() {
        let kind = cursor.word().ok_or(TlsFault::Malformed)?;
        let data = cursor.long_field().ok_or(TlsFault::Malformed)?;
        if seen.contains(&kind) {
            return Err(TlsFault::Duplicate);
        }
        seen.push(kind);
        match kind {
            EXTENSION_SNI => hello.server_name = Some(server_name(data)?),
            EXTENSION_ALPN => hello.protocols = protocols(data).ok_or(TlsFault::Malformed)?,
            EXTENSION_ECH => hello.encrypted = true,
            _ => {}
        }
    }
    Ok(hello)
}

/// The one entry of the list. The format allows more, of other kinds; no client sends them, and servers differ.
fn server_name(data: &[u8]) -> Result<Host, TlsFault> {
    let mut outer = Cursor::new(data);
    let list = outer.long_field().filter(|_| outer.is_empty()).ok_or(TlsFault::Malformed)?;
    let mut cursor = Cursor::new(list);
    let kind = cursor.byte().ok_or(TlsFault::Malformed)?;
    let name = cursor.long_field().ok_or(TlsFault::Malformed)?;
    if kind != 0 || !cursor.is_empty() {
        return Err(TlsFault::ServerName);
    }
    match Host::read_bytes(name) {
        Ok(host @ Host::Name(_)) if name.is_ascii() => Ok(host),
        _ => Err(TlsFault::ServerName),
    }
}

fn protocols(data: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut outer = Cursor::new(data);
    let list = outer.long_field().filter(|_| outer.is_empty())?;
    let mut cursor = Cursor::new(list);
    let mut out = Vec::new();
    while !cursor.is_empty() {
        out.push(cursor.short_field().filter(|name| !name.is_empty())?.to_vec());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(length_bytes: usize, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[4 - length_bytes..], data].concat()
    }

    fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
        [kind.to_be_bytes().to_vec(), field(2, data)].concat()
    }

    fn sni(name: &[u8]) -> Vec<u8> {
        extension(0, &field(2, &[vec![0], field(2, name)].concat()))
    }

    fn message(extensions: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend(field(1, &[1; 32]));
        body.extend(field(2, &[0x13, 1, 0x13, 2]));
        body.extend([1, 0]);
        body.extend(field(2, &extensions.concat()));
        [vec![1], field(3, &body)].concat()
    }

    fn records(handshake: &[u8], size: usize) -> Vec<u8> {
        handshake.chunks(size).flat_map(|part| [vec![22, 3, 1], field(2, part)].concat()).collect()
    }

    fn read(extensions: &[Vec<u8>]) -> Result<Hello, TlsFault> {
        client_hello(&records(&message(extensions), 4096)).map(|progress| progress.done().unwrap())
    }

    #[test]
    fn names_and_protocols_are_read_from_any_fragmentation() {
        let alpn = extension(16, &field(2, &[field(1, b"h2"), field(1, b"http/1.1")].concat()));
        let whole = message(&[sni(b"Example.com"), alpn, extension(0xfe0d, &[0])]);
        for size in [8, 50, 100, 4096] {
            let stream = records(&whole, size);
            for end in 0..stream.len() {
                assert_eq!(client_hello(stream.get(..end).unwrap()), Ok(Progress::Partial), "{size} {end}");
            }
            let Progress::Done { value, used } = client_hello(&stream).unwrap() else { panic!("partial") };
            assert_eq!(used, stream.len());
            assert_eq!(value.server_name, Some(Host::read("example.com").unwrap()));
            assert_eq!(value.protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
            assert!(value.encrypted);
        }
    }

    #[test]
    fn a_hello_without_a_name_is_one() {
        assert_eq!(read(&[]).unwrap().server_name, None);
    }

    #[test]
    fn odd_hellos_are_refused() {
        assert_eq!(read(&[sni(b"a.example"), sni(b"b.example")]), Err(TlsFault::Duplicate));
        let two = [vec![0], field(2, b"a.example"), vec![0], field(2, b"b.example")].concat();
        assert_eq!(read(&[extension(0, &field(2, &two))]), Err(TlsFault::ServerName));
        for name in [&b"127.0.0.1"[..], b"a\0.example", b"", b"2130706433", "b\u{fc}cher.example".as_bytes()]
        {
            assert_eq!(read(&[sni(name)]), Err(TlsFault::ServerName), "{name:?}");
        }
        assert_eq!(read(&[vec![0, 0, 0, 9, 1]]), Err(TlsFault::Malformed));
        assert_eq!(client_hello(&[23, 3, 1, 0, 1, 1]), Err(TlsFault::Record));
        assert_eq!(client_hello(&[22, 3, 1, 0, 0]), Err(TlsFault::Record));
        assert_eq!(client_hello(&[22, 3, 1, 0xff, 0xff]), Err(TlsFault::Record));
        assert_eq!(client_hello(&[22, 3, 1, 0, 1, 2]), Err(TlsFault::NotHello));
        assert_eq!(client_hello(&[22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]), Err(TlsFault::TooLong));
        assert_eq!(client_hello(&records(&message(&[sni(b"a.example")]), 1)), Err(TlsFault::TooLong));
        let mut longer = message(&[]);
        longer.push(0);
        assert_eq!(client_hello(&records(&longer, 4096)), Err(TlsFault::Malformed));
    }
}
