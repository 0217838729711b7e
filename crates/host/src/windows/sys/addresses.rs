//! The machine's own addresses.

use super::handle::code;
use super::security::Aligned;
use crate::OsError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_FRIENDLY_NAME, GAA_FLAG_SKIP_MULTICAST,
    GetAdaptersAddresses, IP_ADAPTER_ADDRESSES_LH,
};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS,
};

/// `ERROR_BUFFER_OVERFLOW`
const TOO_SMALL: u32 = 111;
/// What the documentation recommends to begin with, in bytes.
const FIRST: u32 = 15_000;
/// Interfaces may come between two calls, but not forever.
const TRIES: usize = 5;

/// Every address of every interface of this machine. What listens there is the host's.
///
/// # Errors
/// When the system does not say.
pub fn own() -> Result<Vec<IpAddr>, OsError> {
    let flags = GAA_FLAG_SKIP_ANYCAST
        | GAA_FLAG_SKIP_MULTICAST
        | GAA_FLAG_SKIP_DNS_SERVER
        | GAA_FLAG_SKIP_FRIENDLY_NAME;
    let mut length = FIRST;
    let mut last = TOO_SMALL;
    for _ in 0..TRIES {
        let mut block = Aligned::room(length as usize);
        // SAFETY: the block has `length` bytes and is aligned for the structure; the reserved argument is null.
        last = unsafe {
            GetAdaptersAddresses(
                u32::from(AF_UNSPEC),
                flags,
                core::ptr::null(),
                block.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if last == 0 {
            let mut found = addresses(block.as_ptr().cast());
            // A machine without any adapter has its loopback all the same.
            found.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
            return Ok(found);
        }
        if last != TOO_SMALL {
            break;
        }
    }
    code(last, "list", "the interfaces").map(|()| Vec::new())
}

fn addresses(mut adapter: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<IpAddr> {
    let mut found = Vec::new();
    // SAFETY: the system made two lists, one within the other, that end with null, in a block that the caller keeps.
    while let Some(this) = unsafe { adapter.as_ref() } {
        let mut unicast = this.FirstUnicastAddress.cast_const();
        // SAFETY: as above.
        while let Some(one) = unsafe { unicast.as_ref() } {
            found.extend(address(&one.Address));
            unicast = one.Next;
        }
        adapter = this.Next;
    }
    found
}

fn address(one: &SOCKET_ADDRESS) -> Option<IpAddr> {
    // SAFETY: an address that the system lists begins with its family.
    let family = unsafe { one.lpSockaddr.as_ref()? }.sa_family;
    match family {
        AF_INET => {
            // SAFETY: an address of this family has this form, and every pattern of bits is one.
            let octets =
                unsafe { (*one.lpSockaddr.cast::<SOCKADDR_IN>()).sin_addr.S_un.S_addr }.to_ne_bytes();
            Some(Ipv4Addr::from(octets).into())
        }
        AF_INET6 => {
            // SAFETY: as above.
            let octets = unsafe { (*one.lpSockaddr.cast::<SOCKADDR_IN6>()).sin6_addr.u.Byte };
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_the_machines_own() {
        let found = own().unwrap();
        assert!(found.contains(&Ipv4Addr::LOCALHOST.into()), "{found:?}");
    }
}
