//! Security descriptors of Windows, as bytes and as text; its paths.

use garth_plan::windows::path;
use garth_plan::windows::relay::{Event, Mux, Side, WINDOW};
use garth_plan::windows::token::Token;
use garth_plan::windows::{ObjectKind, SecurityDescriptor, Sid, known, reachable};

/// A security descriptor. What is read is written and read again as the same, in both forms, and a token gets no more
/// than there is.
pub fn security_descriptor(data: &[u8]) {
    let _ = Sid::read(data);
    if let Ok(descriptor) = SecurityDescriptor::read(data) {
        decided(&descriptor);
    }
    if let Ok(text) = core::str::from_utf8(data) {
        match text.parse::<SecurityDescriptor>() {
            Ok(descriptor) => {
                let again = descriptor.to_string().parse::<SecurityDescriptor>();
                assert_eq!(again.as_ref(), Ok(&descriptor), "a text does not round");
                decided(&descriptor);
            }
            Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}"),
        }
    }
}

fn decided(descriptor: &SecurityDescriptor) {
    if let Ok(bytes) = descriptor.to_bytes() {
        assert_eq!(SecurityDescriptor::read(&bytes).as_ref(), Ok(descriptor), "bytes do not round");
    }
    let user = Token::ordinary(known::NOBODY);
    let restricted = Token { restricting: vec![known::EVERYONE], ..user.clone() };
    let reach = |token| reachable(token, descriptor, ObjectKind::File, false);
    let denies_owner = descriptor.dacl.aces().iter().any(|ace| ace.sid == known::OWNER_RIGHTS);
    if let (Ok(all), Ok(fewer)) = (reach(&user), reach(&restricted)) {
        assert!(denies_owner || all.contains(fewer), "a restriction grants something");
    }
}

/// A path of Windows. What is decided has one spelling, holds nothing that Windows would read as something else, and is
/// the same path when the host opens it by that spelling.
pub fn windows_path(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let Ok(decided) = path::decided(text) else { return };
    let written = decided.to_string();
    assert_eq!(path::decided(&written).as_ref(), Ok(&decided), "written as {written}");
    let verbatim = path::verbatim(&decided).unwrap_or_default();
    assert_eq!(path::decided(&verbatim).as_ref(), Ok(&decided), "opened as {verbatim}");
    let units: Vec<u16> = verbatim.encode_utf16().collect();
    assert_eq!(path::opened(&units).as_ref(), Ok(&decided), "opened as {verbatim}");
    for name in decided.components() {
        assert!(!name.ends_with(b".") && !name.ends_with(b" ") && !name.contains(&b':'), "{written}");
    }
}

/// What comes through the relay's pipe, in pieces of a length that the first byte says. Whatever it is, no stream holds
/// more than its window, and the same bytes in one piece mean the same.
pub fn relay_frames(data: &[u8]) {
    let Some((piece, bytes)) = data.split_first() else { return };
    let mut whole = Mux::new(Side::Outside);
    let expected = whole.receive(bytes);
    let mut mux = Mux::new(Side::Outside);
    let mut events = Vec::new();
    for piece in bytes.chunks(usize::from(*piece).max(1)) {
        match mux.receive(piece) {
            Ok(more) => events.extend(more),
            Err(violation) => return assert_eq!(expected, Err(violation), "depends on the pieces"),
        }
    }
    assert_eq!(expected.as_ref(), Ok(&events), "depends on the pieces");
    let mut held = std::collections::BTreeMap::new();
    for event in events {
        if let Event::Data(stream, bytes) = event {
            let sum: &mut usize = held.entry(stream).or_default();
            *sum += bytes.len();
            assert!(*sum <= WINDOW as usize, "more than the window");
        }
    }
}
