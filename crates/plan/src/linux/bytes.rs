//! Contents of files in one piece: taken as a sequence of numbers, as serde does by itself, a large one costs a start
//! milliseconds. For use with `#[serde(with = "...")]`.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt;

pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_byte_buf(Bytes)
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    /// Formats of text have no bytes, but numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::linux::spec::ViewStep;
    use garth_policy::AbsPath;

    #[test]
    fn contents_come_back_from_text_and_from_bytes() {
        let path = AbsPath::posix(b"/etc/hosts".to_vec()).unwrap();
        let step = ViewStep::File { path, content: vec![0, 7, 255] };
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<ViewStep>(&text).unwrap(), step);
        let bytes = postcard::to_stdvec(&step).unwrap();
        assert_eq!(postcard::from_bytes::<ViewStep>(&bytes).unwrap(), step);
    }
}
