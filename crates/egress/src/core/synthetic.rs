//! Addresses that stand for names inside the garden. An address is given to a name once per session, so a program that
//! keeps it reaches the same name later, and no real address of the name is ever seen inside.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use garth_policy::Cidr;
use std::collections::HashMap;

/// The names of a session and their addresses.
#[derive(Clone, Debug)]
pub struct Synthetic {
    v4: (u32, Cidr),
    v6: (u128, Cidr),
    most: u32,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

/// How many names a session can have.
const MOST_NAMES: u32 = 65_536;

impl Synthetic {
    /// Takes addresses from two blocks. `None` if a block is of the wrong family or too small for one name.
    #[must_use]
    pub fn new(v4: Cidr, v6: Cidr) -> Option<Self> {
        let (IpAddr::V4(first4), IpAddr::V6(first6)) = (v4.network(), v6.network()) else { return None };
        let room4 = 1_u64.checked_shl(32_u32.checked_sub(u32::from(v4.prefix()))?)?;
        let bits6 = 128_u32.checked_sub(u32::from(v6.prefix()))?.min(33);
        let room6 = 1_u64.checked_shl(bits6)?;
        // The first and the last address of an IPv4 block mean the network and all of it.
        let most = u32::try_from(room4.min(room6).saturating_sub(2)).ok()?.min(MOST_NAMES);
        (most > 0).then(|| Self {
            v4: (first4.to_bits(), v4),
            v6: (first6.to_bits(), v6),
            most,
            names: Vec::new(),
            numbers: HashMap::new(),
        })
    }

    /// Takes addresses from the blocks that are reserved for measurements, and that no network routes: 198.18.0.0/15
    /// (RFC 2544) and 2001:2::/48 (RFC 5180).
    #[must_use]
    pub fn benchmark() -> Option<Self> {
        Self::new(Cidr::parse("198.18.0.0/15")?, Cidr::parse("2001:2::/48")?)
    }

    /// The addresses of a name, the same each time; `None` when all are given away.
    pub fn assign(&mut self, name: &str) -> Option<(Ipv4Addr, Ipv6Addr)> {
        let known = self.numbers.get(name).copied();
        let number = match known {
            Some(number) => number,
            None => self.append(name)?,
        };
        let v4 = Ipv4Addr::from_bits(self.v4.0.checked_add(number)?.checked_add(1)?);
        let v6 = Ipv6Addr::from_bits(self.v6.0.checked_add(u128::from(number))?.checked_add(1)?);
        Some((v4, v6))
    }

    fn append(&mut self, name: &str) -> Option<u32> {
        let number = u32::try_from(self.names.len()).ok().filter(|number| *number < self.most)?;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// The name that an address was given to.
    #[must_use]
    pub fn name(&self, address: IpAddr) -> Option<&str> {
        let offset = match address.to_canonical() {
            IpAddr::V4(address) => u128::from(address.to_bits().checked_sub(self.v4.0)?),
            IpAddr::V6(address) => address.to_bits().checked_sub(self.v6.0)?,
        };
        let number = usize::try_from(offset.checked_sub(1)?).ok()?;
        self.names.get(number).map(String::as_str)
    }

    /// True if the address is of one of the two blocks, whether it was given away or not.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.v4.1.contains(address) || self.v6.1.contains(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_addresses_and_they_lead_back() {
        let mut synthetic = Synthetic::benchmark().unwrap();
        let (v4, v6) = synthetic.assign("a.example").unwrap();
        assert_eq!((v4.to_string(), v6.to_string()), ("198.18.0.1".to_owned(), "2001:2::1".to_owned()));
        let other = synthetic.assign("b.example").unwrap();
        assert_ne!(other.0, v4);
        assert_eq!(synthetic.assign("a.example"), Some((v4, v6)));
        assert_eq!(synthetic.name(v4.into()), Some("a.example"));
        assert_eq!(synthetic.name(v6.into()), Some("a.example"));
        assert_eq!(synthetic.name(v4.to_ipv6_mapped().into()), Some("a.example"));
        assert_eq!(synthetic.name("198.18.0.0".parse().unwrap()), None);
        assert_eq!(synthetic.name("198.18.0.3".parse().unwrap()), None);
        assert_eq!(synthetic.name("8.8.8.8".parse().unwrap()), None);
        assert!(synthetic.holds("198.19.255.255".parse().unwrap()));
        assert!(!synthetic.holds("198.20.0.0".parse().unwrap()));
    }

    #[test]
    fn a_full_block_gives_no_more() {
        let small = Synthetic::new(Cidr::parse("10.0.0.0/30").unwrap(), Cidr::parse("fd00::/64").unwrap());
        let mut small = small.unwrap();
        assert!(small.assign("a").is_some() && small.assign("b").is_some());
        assert_eq!(small.assign("c"), None);
        assert!(small.assign("a").is_some());
        let block = |text| Cidr::parse(text).unwrap();
        assert!(Synthetic::new(block("10.0.0.0/31"), block("fd00::/64")).is_none());
        assert!(Synthetic::new(block("fd00::/64"), block("10.0.0.0/8")).is_none());
        assert!(Synthetic::new(block("0.0.0.0/0"), block("::/0")).is_some());
    }
}
