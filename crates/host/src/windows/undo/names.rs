//! Names of files as bytes: UTF-8, and for halves of characters that stand alone, which Windows allows in names, the three bytes
//! that each would have ("generalized UTF-8" of <https://simonsapin.github.io/wtf-8/>). Each name has bytes of its own, and
//! these lead back to it.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::{OsStrExt, OsStringExt};

/// The bytes of a name.
pub fn bytes_of(name: &OsStr) -> Vec<u8> {
    if let Some(text) = name.to_str() {
        return text.as_bytes().to_vec();
    }
    let mut bytes = Vec::new();
    for letter in char::decode_utf16(name.encode_wide()) {
        match letter {
            Ok(letter) => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(half) => {
                let [high, low] = half.unpaired_surrogate().to_be_bytes();
                bytes.extend_from_slice(&[
                    0xe0 | high >> 4,
                    0x80 | (high & 15) << 2 | low >> 6,
                    0x80 | low & 0x3f,
                ]);
            }
        }
    }
    bytes
}

/// The name that has these bytes; `None` where no name does.
pub fn name_of(bytes: &[u8]) -> Option<OsString> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                units.extend(text.encode_utf16());
                return Some(OsString::from_wide(&units));
            }
            Err(error) => {
                let (text, more) = rest.split_at(error.valid_up_to());
                units.extend(std::str::from_utf8(text).ok()?.encode_utf16());
                let (half, more) = more.split_at_checked(3)?;
                let [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf] = *half else { return None };
                units.push(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f));
                rest = more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_itself() {
        for units in [
            "plain".encode_utf16().collect::<Vec<u16>>(),
            "長い äöü 🦀".encode_utf16().collect(),
            vec![0xd800],
            vec![0x61, 0xdfff, 0x62],
            vec![0xdc00, 0xd800],
            vec![],
        ] {
            let name = OsString::from_wide(&units);
            assert_eq!(name_of(&bytes_of(&name)), Some(name));
        }
        assert_eq!(bytes_of(&OsString::from_wide(&[0xd800])), b"\xed\xa0\x80");
        for bytes in [&b"\xff"[..], b"\xed", b"\xed\xa0", b"a\xc3", b"\xe2\x82"] {
            assert_eq!(name_of(bytes), None, "{bytes:?}");
        }
    }
}
