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
    fn the_loopback_is_the_machines_own() {
        assert!(super::own().unwrap().contains(&std::net::Ipv4Addr::LOCALHOST.into()));
        assert_ne!(super::unguessable().unwrap(), super::unguessable().unwrap());
    }
}
