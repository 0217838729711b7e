//! Security descriptors of Windows, as bytes and as text.

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
