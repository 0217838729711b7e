//! Addresses that are not on the public internet, as a table with the reason for each row, and blocks of addresses.
//!
//! Sources: the IANA special-purpose address registries (RFC 6890 and its updates), RFC 6598 (shared space), RFC 6052
//! (NAT64), RFC 4380 (Teredo), RFC 7526 (6to4 is historic), and the documentation of the clouds for metadata services.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a special range is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressKind {
    /// No address, or "this network".
    Unspecified,
    /// The host itself.
    Loopback,
    /// A private network.
    Private,
    /// Between a provider and its customers.
    Shared,
    /// The same link only.
    LinkLocal,
    /// A service that hands out the credentials of a cloud machine.
    Metadata,
    /// Many receivers.
    Multicast,
    /// Every receiver of a link.
    Broadcast,
    /// For examples in texts.
    Documentation,
    /// For measurements; garth's own synthetic addresses are of these ranges.
    Benchmark,
    /// Another address in disguise.
    Translation,
    /// Reserved by a protocol or for the future.
    Reserved,
}

/// A block of addresses: those that share the first `prefix` bits of `network`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

impl Cidr {
    const fn v4(octets: [u8; 4], prefix: u8) -> Self {
        Self { network: IpAddr::V4(Ipv4Addr::from_octets(octets)), prefix }
    }

    const fn v6(segments: [u16; 8], prefix: u8) -> Self {
        Self { network: IpAddr::V6(Ipv6Addr::from_segments(segments)), prefix }
    }

    /// The block of `prefix` bits that starts at `network`; `None` if the prefix is too long or if bits after the
    /// prefix are set, because then it is unclear what was meant.
    #[must_use]
    pub fn new(network: IpAddr, prefix: u8) -> Option<Self> {
        let longest = if network.is_ipv4() { 32 } else { 128 };
        let block = Self { network, prefix };
        (prefix <= longest && block.masked(network) == Some(bits(network))).then_some(block)
    }

    /// Reads `address/prefix`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (network, prefix) = text.split_once('/')?;
        let plain = prefix.len() <= 3 && prefix.bytes().all(|digit| digit.is_ascii_digit());
        let is_padded = prefix.len() > 1 && prefix.starts_with('0');
        if !plain || is_padded {
            return None;
        }
        Self::new(network.parse().ok()?, prefix.parse().ok()?)
    }

    /// The first address.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        self.network
    }

    /// How many bits are fixed.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// True if the address is in the block. An IPv4 address is in no IPv6 block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.masked(address) == Some(bits(self.network))
    }

    /// True if every address of `other` is in the block.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.network)
    }

    fn masked(&self, address: IpAddr) -> Option<u128> {
        if address.is_ipv4() != self.network.is_ipv4() {
            return None;
        }
        let width = if address.is_ipv4() { 32 } else { 128 };
        let free = width - u32::from(self.prefix).min(width);
        Some(bits(address).checked_shr(free).and_then(|kept| kept.checked_shl(free)).unwrap_or(0))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.network, self.prefix)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialRange {
    /// Which addresses.
    pub block: Cidr,
    /// What they are for.
    pub kind: AddressKind,
    /// Why they are refused, as a lower-case fragment.
    pub reason: &'static str,
}

const fn row4(octets: [u8; 4], prefix: u8, kind: AddressKind, reason: &'static str) -> SpecialRange {
    SpecialRange { block: Cidr::v4(octets, prefix), kind, reason }
}

const fn row6(segments: [u16; 8], prefix: u8, kind: AddressKind, reason: &'static str) -> SpecialRange {
    SpecialRange { block: Cidr::v6(segments, prefix), kind, reason }
}

/// Every special range. The longest prefix that holds an address speaks for it.
#[rustfmt::skip]
pub const SPECIAL_RANGES: &[SpecialRange] = &[
    row4([0, 0, 0, 0], 8, AddressKind::Unspecified, "the address means this network (0.0.0.0/8)"),
    row4([10, 0, 0, 0], 8, AddressKind::Private, "the address is private (10.0.0.0/8)"),
    row4([100, 64, 0, 0], 10, AddressKind::Shared, "the address is shared by a provider's customers (100.64.0.0/10)"),
    row4([100, 100, 100, 200], 32, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row4([127, 0, 0, 0], 8, AddressKind::Loopback, "the address is the host's loopback (127.0.0.0/8)"),
    row4([168, 63, 129, 16], 32, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row4([169, 254, 0, 0], 16, AddressKind::LinkLocal, "the address is link-local (169.254.0.0/16)"),
    row4([169, 254, 169, 254], 32, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row4([169, 254, 170, 2], 32, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row4([169, 254, 170, 23], 32, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row4([172, 16, 0, 0], 12, AddressKind::Private, "the address is private (172.16.0.0/12)"),
    row4([192, 0, 0, 0], 24, AddressKind::Reserved, "the address is reserved for protocols (192.0.0.0/24)"),
    row4([192, 0, 0, 192], 32, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row4([192, 0, 2, 0], 24, AddressKind::Documentation, "the address is for documentation (192.0.2.0/24)"),
    row4([192, 88, 99, 0], 24, AddressKind::Translation, "the address is a 6to4 relay (192.88.99.0/24)"),
    row4([192, 168, 0, 0], 16, AddressKind::Private, "the address is private (192.168.0.0/16)"),
    row4([198, 18, 0, 0], 15, AddressKind::Benchmark, "the address is for measurements (198.18.0.0/15)"),
    row4([198, 51, 100, 0], 24, AddressKind::Documentation, "the address is for documentation (198.51.100.0/24)"),
    row4([203, 0, 113, 0], 24, AddressKind::Documentation, "the address is for documentation (203.0.113.0/24)"),
    row4([224, 0, 0, 0], 4, AddressKind::Multicast, "the address is multicast (224.0.0.0/4)"),
    row4([240, 0, 0, 0], 4, AddressKind::Reserved, "the address is reserved (240.0.0.0/4)"),
    row4([255, 255, 255, 255], 32, AddressKind::Broadcast, "the address is broadcast"),
    row6([0, 0, 0, 0, 0, 0, 0, 0], 3, AddressKind::Reserved, "the address is not global unicast"),
    row6([0x4000, 0, 0, 0, 0, 0, 0, 0], 2, AddressKind::Reserved, "the address is not global unicast"),
    row6([0x8000, 0, 0, 0, 0, 0, 0, 0], 1, AddressKind::Reserved, "the address is not global unicast"),
    row6([0, 0, 0, 0, 0, 0, 0, 0], 96, AddressKind::Translation, "the address is IPv4-compatible (::/96)"),
    row6([0, 0, 0, 0, 0, 0, 0, 0], 128, AddressKind::Unspecified, "the address is unspecified (::)"),
    row6([0, 0, 0, 0, 0, 0, 0, 1], 128, AddressKind::Loopback, "the address is the host's loopback (::1)"),
    row6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, AddressKind::Translation, "the address is IPv4-translated (::ffff:0:0:0/96)"),
    row6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, AddressKind::Translation, "the address is translated locally (64:ff9b:1::/48)"),
    row6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, AddressKind::Reserved, "the address is for discarding (100::/64)"),
    row6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, AddressKind::Reserved, "the address is reserved for protocols (2001::/23)"),
    row6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, AddressKind::Translation, "the address is a Teredo tunnel (2001::/32)"),
    row6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, AddressKind::Benchmark, "the address is for measurements (2001:2::/48)"),
    row6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, AddressKind::Documentation, "the address is for documentation (2001:db8::/32)"),
    row6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, AddressKind::Translation, "the address is a 6to4 tunnel (2002::/16)"),
    row6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, AddressKind::Documentation, "the address is for documentation (3fff::/20)"),
    row6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, AddressKind::Reserved, "the address is a routing segment (5f00::/16)"),
    row6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, AddressKind::Private, "the address is private (fc00::/7)"),
    row6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23], 128, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128, AddressKind::Metadata, "the address is a cloud's metadata service"),
    row6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, AddressKind::LinkLocal, "the address is link-local (fe80::/10)"),
    row6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, AddressKind::Private, "the address is site-local (fec0::/10)"),
    row6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, AddressKind::Multicast, "the address is multicast (ff00::/8)"),
];

/// The IPv4 prefix of NAT64 (RFC 6052): what such an address stands for is judged.
const NAT64: Cidr = Cidr::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// The row that speaks for an address; `None` if it is on the public internet.
///
/// An IPv4-mapped address is the IPv4 address, and a NAT64 address is judged by the IPv4 address in it.
#[must_use]
pub fn special_range(address: IpAddr) -> Option<&'static SpecialRange> {
    let judged = embedded(address).map_or_else(|| canonical(address), IpAddr::V4);
    let holding = SPECIAL_RANGES.iter().filter(|range| range.block.contains(judged));
    holding.max_by_key(|range| range.block.prefix)
}

/// True for addresses that are not on the public internet: private, loopback, link-local, metadata, multicast,
/// documentation, translation and reserved ranges.
#[must_use]
pub fn is_special(address: IpAddr) -> bool {
    special_range(address).is_some()
}

/// The one spelling of an address: an IPv4-mapped IPv6 address is the IPv4 address.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The IPv4 address that a NAT64 address stands for.
#[must_use]
pub fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [.., a, b, c, d] = address.octets();
    NAT64.contains(IpAddr::V6(address)).then(|| Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<AddressKind> {
        special_range(text.parse().unwrap()).map(|range| range.kind)
    }

    #[test]
    fn each_range_has_its_first_and_last_address_and_not_the_next() {
        for range in SPECIAL_RANGES {
            assert!(Cidr::new(range.block.network, range.block.prefix).is_some(), "{}", range.block);
            assert!(is_special(range.block.network), "{}", range.block);
        }
        for (inside, outside) in [
            ("10.255.255.255", "11.0.0.0"),
            ("100.64.0.0", "100.63.255.255"),
            ("100.127.255.255", "100.128.0.0"),
            ("172.31.255.255", "172.32.0.0"),
            ("198.19.255.255", "198.20.0.0"),
            ("169.254.255.255", "169.255.0.0"),
            ("2001:1ff::1", "2001:200::1"),
            ("3fff:fff::1", "3fff:1000::1"),
            ("fe80::1", "2606:4700::1111"),
            ("64:ff9b::7f00:1", "64:ff9b::808:808"),
            ("::ffff:10.0.0.1", "::ffff:8.8.8.8"),
            ("::8.8.8.8", "8.8.8.8"),
        ] {
            assert!(kind(inside).is_some(), "{inside}");
            assert!(kind(outside).is_none(), "{outside}");
        }
    }

    #[test]
    fn the_longest_prefix_speaks() {
        assert_eq!(kind("169.254.169.254"), Some(AddressKind::Metadata));
        assert_eq!(kind("169.254.1.1"), Some(AddressKind::LinkLocal));
        assert_eq!(kind("100.100.100.200"), Some(AddressKind::Metadata));
        assert_eq!(kind("fd00:ec2::254"), Some(AddressKind::Metadata));
        assert_eq!(kind("fd00:ec2::255"), Some(AddressKind::Private));
        assert_eq!(kind("::1"), Some(AddressKind::Loopback));
        assert_eq!(kind("2001::1"), Some(AddressKind::Translation));
        assert_eq!(kind("64:ff9b::a9fe:a9fe"), Some(AddressKind::Metadata));
        assert_eq!(kind("255.255.255.255"), Some(AddressKind::Broadcast));
    }

    #[test]
    fn a_block_with_loose_bits_or_an_odd_prefix_is_none() {
        for text in
            ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "10.0.0.0", "::1/64", "::/129", "10/8"]
        {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
        assert!(Cidr::parse("0.0.0.0/0").is_some_and(|all| all.contains(Ipv4Addr::LOCALHOST.into())));
        assert!(Cidr::parse("::/0").is_some_and(|all| !all.contains(Ipv4Addr::LOCALHOST.into())));
    }
}
