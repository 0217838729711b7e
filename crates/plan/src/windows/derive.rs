//! SIDs that are computed from names: capabilities, packages, logon sessions.
//!
//! Source: Microsoft's documentation of `DeriveCapabilitySidsFromName` and
//! `DeriveAppContainerSidFromAppContainerName`; the tests compare with published results of both.

use super::known;
use super::sid::{Sid, SidError};
use sha2::{Digest, Sha256};

/// The SHA-256 of a text in UTF-16, as eight numbers.
fn digest(text: &str) -> [u32; 8] {
    let mut hash = Sha256::new();
    text.encode_utf16().for_each(|unit| hash.update(unit.to_le_bytes()));
    let bytes = hash.finalize();
    let mut numbers = [0; 8];
    for (number, chunk) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    }
    numbers
}

/// Sixteen hexadecimal digits that stand for a text: names of profiles and capabilities are short.
pub(super) fn short(text: &str) -> String {
    let [first, second, ..] = digest(text);
    format!("{first:08x}{second:08x}")
}

/// The capability SID of a capability's name, in a token's list of capabilities. The case of the name does not
/// matter. Names that Windows knew before it derived SIDs keep their short SIDs (`S-1-15-3-1` for `internetClient`).
#[must_use]
pub fn capability(name: &str) -> Sid {
    if let Some(known) = known::capability(name) {
        return known;
    }
    let hash = digest(&name.to_uppercase());
    let [a, b, c, d, e, f, g, h] = hash;
    Sid::fixed(15, [3, 1024, a, b, c, d, e, f, g, h])
}

/// The group SID of a capability's name, which services hold.
#[must_use]
pub fn capability_group(name: &str) -> Sid {
    let [a, b, c, d, e, f, g, h] = digest(&name.to_uppercase());
    Sid::fixed(5, [32, a, b, c, d, e, f, g, h])
}

/// The package SID of an AppContainer's name. The case of the name does not matter.
#[must_use]
pub fn package(name: &str) -> Sid {
    let [a, b, c, d, e, f, g, _] = digest(&name.to_lowercase());
    Sid::fixed(15, [2, a, b, c, d, e, f, g])
}

/// The SID of a logon session, from the two halves of its identifier.
#[must_use]
pub fn logon(high: u32, low: u32) -> Sid {
    Sid::fixed(5, [5, high, low])
}

/// The mandatory label of a level.
///
/// # Errors
/// Never for the levels of [`known`]; any number is a level.
pub fn integrity(level: u32) -> Result<Sid, SidError> {
    Sid::new(16, &[level])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published results of the real functions, as they stand in descriptors of Windows itself.
    #[test]
    fn derived_capabilities_are_those_of_windows() {
        let cases = [
            (
                "registryRead",
                "S-1-15-3-1024-1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-3456934681",
            ),
            (
                "lpacCom",
                "S-1-15-3-1024-2405443489-874036122-4286035555-1823921565-1746547431-2453885448-3625952902-991631256",
            ),
            (
                "lpacInstrumentation",
                "S-1-15-3-1024-3153509613-960666767-3724611135-2725662640-12138253-543910227-1950414635-4190290187",
            ),
            (
                "lpacPnPNotifications",
                "S-1-15-3-1024-220022770-701261984-3991292956-4208751020-2918293058-3396419331-1700932348-2078364891",
            ),
            (
                "lpacServicesManagement",
                "S-1-15-3-1024-528118966-3876874398-709513571-1907873084-3598227634-3698730060-278077788-3990600205",
            ),
            (
                "lpacSessionManagement",
                "S-1-15-3-1024-1864111754-776273317-3666925027-2523908081-3792458206-3582472437-4114419977-1582884857",
            ),
        ];
        for (name, sid) in cases {
            assert_eq!(capability(name).to_string(), sid, "{name}");
            assert_eq!(capability(&name.to_lowercase()), capability(name));
        }
        assert_eq!(capability("internetClient").to_string(), "S-1-15-3-1");
        assert_eq!(capability("INTERNETCLIENT").to_string(), "S-1-15-3-1");
    }

    #[test]
    fn derived_packages_are_those_of_windows() {
        // The package of the former Edge, in published firewall rules and registry paths.
        let edge = "S-1-15-2-3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194";
        assert_eq!(package("microsoft.microsoftedge_8wekyb3d8bbwe").to_string(), edge);
        assert_eq!(package("Microsoft.MicrosoftEdge_8wekyb3d8bbwe").to_string(), edge);
    }

    #[test]
    fn a_group_and_its_capability_share_the_hash() {
        let capability = capability("lpacCom");
        let group = capability_group("lpacCom");
        assert_eq!(capability.sub_authorities()[2..], group.sub_authorities()[1..]);
        assert_eq!(logon(0, 109_260).to_string(), "S-1-5-5-0-109260");
        assert_eq!(integrity(0x1000).unwrap().to_string(), "S-1-16-4096");
    }
}
