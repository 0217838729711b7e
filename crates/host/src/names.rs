//! Questions for names and the broker's answers, as far as a trial of the network needs them.

use std::net::Ipv4Addr;

/// A question for an IPv4 address (RFC 1035 section 4.1).
#[must_use]
pub fn question(number: u16, name: &str) -> Vec<u8> {
    const RECURSION_ONE_QUESTION: [u8; 10] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const ADDRESS_OF_THE_INTERNET: [u8; 5] = [0, 0, 1, 0, 1];
    let mut message = number.to_be_bytes().to_vec();
    message.extend(RECURSION_ONE_QUESTION);
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        message.extend_from_slice(label.as_bytes());
    }
    message.extend(ADDRESS_OF_THE_INTERNET);
    message
}

/// Whether an answer holds an address that stands for a name: a success whose one record ends in it.
#[must_use]
pub fn has_address(answer: &[u8]) -> bool {
    let (Some(header), Some(address)) = (answer.first_chunk::<12>(), answer.last_chunk::<4>()) else {
        return false;
    };
    let (succeeded, records) = (header[3] & 0x0f == 0, u16::from_be_bytes([header[6], header[7]]));
    succeeded && records == 1 && stands_for_names((*address).into())
}

/// Whether the broker gives out this address for a name: it is reserved for measurements (RFC 2544).
fn stands_for_names(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 198 && (18..20).contains(&second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_everything_else() {
        let mut answer = question(1, "a.test");
        assert!(!has_address(&answer), "a question");
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 0, 1]);
        assert!(has_address(&answer));
        answer[3] = 3;
        assert!(!has_address(&answer), "no such name");
        answer[3] = 0;
        *answer.last_mut().unwrap() = 1;
        let length = answer.len();
        answer[length - 4] = 93;
        assert!(!has_address(&answer), "an address of the world");
        assert!(!has_address(&[]));
    }
}
