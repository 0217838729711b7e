//! The machine's own addresses, and names that nobody can guess.

use crate::OsError;
use crate::error::Context;
use std::net::IpAddr;

/// Every address of every interface of this machine (`getifaddrs(3)`). What listens there is the host's.
///
/// # Errors
/// The error of the call: without the answer nobody can say what is the host's.
pub fn own() -> Result<Vec<IpAddr>, OsError> {
    let interfaces = nix::ifaddrs::getifaddrs().map_err(std::io::Error::from).on("list", "the interfaces")?;
    let address = |storage: nix::sys::socket::SockaddrStorage| {
        let four = storage.as_sockaddr_in().map(|four| IpAddr::V4(four.ip()));
        four.or_else(|| storage.as_sockaddr_in6().map(|six| IpAddr::V6(six.ip())))
    };
    Ok(interfaces.filter_map(|interface| address(interface.address?)).collect())
}

/// Whether a server of this machine listens at this port of its loopback, by the kernel's tables (`proc_net(5)`).
#[must_use]
pub fn loopback_listens(port: u16) -> bool {
    const LISTENING: &str = "0A";
    const ANY: [&str; 2] = ["00000000", "00000000000000000000000000000000"];
    const ONE: &str = "00000000000000000000000001000000";
    let reaches = |address: &str| ANY.contains(&address) || address == ONE || is_loopback(address);
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        text.lines().skip(1).any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (local, state) = (words.next(), words.nth(1));
            let place = local.and_then(|local| local.split_once(':'));
            state == Some(LISTENING)
                && place.is_some_and(|(address, number)| {
                    reaches(address) && u16::from_str_radix(number, 16) == Ok(port)
                })
        })
    })
}

/// An address of 127.0.0.0/8, whose bytes the kernel writes as a number of the machine.
fn is_loopback(address: &str) -> bool {
    let number = u32::from_str_radix(address, 16);
    address.len() == 8 && number.is_ok_and(|number| number.to_ne_bytes()[0] == 127)
}

/// 128 random bits.
///
/// # Errors
/// The error of `getrandom(2)`.
pub fn unguessable() -> Result<[u8; 16], OsError> {
    let mut random = [0; 16];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).on("draw", "random bits")?;
    Ok(random)
}

#[cfg(test)]
mod tests {
    #[test]
    fn servers_of_the_loopback_are_found() {
        for place in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            let Ok(server) = std::net::TcpListener::bind(place) else { continue };
            let port = server.local_addr().unwrap().port();
            assert!(super::loopback_listens(port), "{place}");
            drop(server);
            assert!(!super::loopback_listens(port), "{place} is gone");
        }
    }

    #[test]
    fn the_loopback_is_the_machines_own() {
        assert!(super::own().unwrap().contains(&std::net::Ipv4Addr::LOCALHOST.into()));
        assert_ne!(super::unguessable().unwrap(), super::unguessable().unwrap());
    }
}
