//! Well-known SIDs, with their names and their aliases in SDDL.
//!
//! Source: MS-DTYP 2.4.2.4 (well-known SIDs) and 2.5.1.1 (SDDL), "SID strings" and "Well-known SIDs" in Microsoft's
//! documentation, and the constants of `winnt.h` for packages, capabilities and labels.

use super::sid::Sid;

/// A well-known SID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name, for people.
    pub name: &'static str,
    /// Its two letters in SDDL, where it has them.
    pub alias: Option<&'static str>,
    /// The SID itself.
    pub sid: Sid,
}

/// Nobody (`S-1-0-0`).
pub const NOBODY: Sid = Sid::fixed(0, [0]);
/// Everyone.
pub const EVERYONE: Sid = Sid::fixed(1, [0]);
/// Replaced by the owner's SID when an entry is inherited.
pub const CREATOR_OWNER: Sid = Sid::fixed(3, [0]);
/// Replaced by the primary group's SID when an entry is inherited.
pub const CREATOR_GROUP: Sid = Sid::fixed(3, [1]);
/// Stands for the owner in an access check, and takes the owner's implicit rights away.
pub const OWNER_RIGHTS: Sid = Sid::fixed(3, [4]);
/// Authenticated users.
pub const AUTHENTICATED_USERS: Sid = Sid::fixed(5, [11]);
/// Restricted code, a usual restricting SID.
pub const RESTRICTED: Sid = Sid::fixed(5, [12]);
/// The operating system.
pub const SYSTEM: Sid = Sid::fixed(5, [18]);
/// Local administrators.
pub const ADMINISTRATORS: Sid = Sid::fixed(5, [32, 544]);
/// Local users.
pub const USERS: Sid = Sid::fixed(5, [32, 545]);
/// The prefix of logon sessions.
pub const LOGON: Sid = Sid::fixed(5, [5]);
/// The prefix of package SIDs.
pub const PACKAGES: Sid = Sid::fixed(15, [2]);
/// The prefix of capability SIDs.
pub const CAPABILITIES: Sid = Sid::fixed(15, [3]);
/// Every AppContainer that is not a less privileged one.
pub const ALL_APPLICATION_PACKAGES: Sid = Sid::fixed(15, [2, 1]);
/// Every AppContainer.
pub const ALL_RESTRICTED_APPLICATION_PACKAGES: Sid = Sid::fixed(15, [2, 2]);
/// The label of a process that nobody vouches for.
pub const UNTRUSTED: Sid = Sid::fixed(16, [0]);
/// The label of sandboxes and of AppContainers.
pub const LOW: Sid = Sid::fixed(16, [0x1000]);
/// The label of ordinary processes, and of objects without a label.
pub const MEDIUM: Sid = Sid::fixed(16, [0x2000]);
/// The label of elevated processes.
pub const HIGH: Sid = Sid::fixed(16, [0x3000]);
/// The label of services.
pub const SYSTEM_LEVEL: Sid = Sid::fixed(16, [0x4000]);

const fn row(name: &'static str, alias: &'static str, sid: Sid) -> Known {
    Known { name, alias: if alias.is_empty() { None } else { Some(alias) }, sid }
}

const fn builtin(name: &'static str, alias: &'static str, relative: u32) -> Known {
    row(name, alias, Sid::fixed(5, [32, relative]))
}

/// The table. No SID and no alias stands in it twice.
pub const KNOWN: &[Known] = &[
    row("Nobody", "", NOBODY),
    row("Everyone", "WD", EVERYONE),
    row("Local", "", Sid::fixed(2, [0])),
    row("Console logon", "", Sid::fixed(2, [1])),
    row("Creator owner", "CO", CREATOR_OWNER),
    row("Creator group", "CG", CREATOR_GROUP),
    row("Creator owner server", "", Sid::fixed(3, [2])),
    row("Creator group server", "", Sid::fixed(3, [3])),
    row("Owner rights", "OW", OWNER_RIGHTS),
    row("Dialup", "", Sid::fixed(5, [1])),
    row("Network", "NU", Sid::fixed(5, [2])),
    row("Batch", "", Sid::fixed(5, [3])),
    row("Interactive", "IU", Sid::fixed(5, [4])),
    row("Service", "SU", Sid::fixed(5, [6])),
    row("Anonymous", "AN", Sid::fixed(5, [7])),
    row("Enterprise domain controllers", "ED", Sid::fixed(5, [9])),
    row("Self", "PS", Sid::fixed(5, [10])),
    row("Authenticated users", "AU", AUTHENTICATED_USERS),
    row("Restricted code", "RC", RESTRICTED),
    row("Terminal server users", "", Sid::fixed(5, [13])),
    row("Remote interactive logon", "", Sid::fixed(5, [14])),
    row("This organization", "", Sid::fixed(5, [15])),
    row("System", "SY", SYSTEM),
    row("Local service", "LS", Sid::fixed(5, [19])),
    row("Network service", "NS", Sid::fixed(5, [20])),
    row("Write restricted code", "WR", Sid::fixed(5, [33])),
    row("User-mode drivers", "UD", Sid::fixed(5, [84, 0, 0, 0, 0, 0])),
    row("Local account", "", Sid::fixed(5, [113])),
    row("Local account and administrator", "", Sid::fixed(5, [114])),
    row(
        "Trusted installer",
        "",
        Sid::fixed(5, [80, 956_008_885, 3_418_522_649, 1_831_038_044, 1_853_292_631, 2_271_478_464]),
    ),
    builtin("Administrators", "BA", 544),
    builtin("Users", "BU", 545),
    builtin("Guests", "BG", 546),
    builtin("Power users", "PU", 547),
    builtin("Account operators", "AO", 548),
    builtin("Server operators", "SO", 549),
    builtin("Printer operators", "PO", 550),
    builtin("Backup operators", "BO", 551),
    builtin("Replicators", "RE", 552),
    builtin("Pre-Windows 2000 compatible access", "RU", 554),
    builtin("Remote desktop users", "RD", 555),
    builtin("Network configuration operators", "NO", 556),
    builtin("Performance monitor users", "MU", 558),
    builtin("Performance log users", "LU", 559),
    builtin("Distributed COM users", "", 562),
    builtin("IIS users", "IS", 568),
    builtin("Cryptographic operators", "CY", 569),
    builtin("Event log readers", "ER", 573),
    builtin("Certificate service DCOM access", "CD", 574),
    builtin("RDS remote access servers", "RA", 575),
    builtin("RDS endpoint servers", "ES", 576),
    builtin("RDS management servers", "MS", 577),
    builtin("Hyper-V administrators", "HA", 578),
    builtin("Access control assistance operators", "AA", 579),
    builtin("Remote management users", "RM", 580),
    row("All application packages", "AC", ALL_APPLICATION_PACKAGES),
    row("All restricted application packages", "", ALL_RESTRICTED_APPLICATION_PACKAGES),
    row("internetClient", "", Sid::fixed(15, [3, 1])),
    row("internetClientServer", "", Sid::fixed(15, [3, 2])),
    row("privateNetworkClientServer", "", Sid::fixed(15, [3, 3])),
    row("picturesLibrary", "", Sid::fixed(15, [3, 4])),
    row("videosLibrary", "", Sid::fixed(15, [3, 5])),
    row("musicLibrary", "", Sid::fixed(15, [3, 6])),
    row("documentsLibrary", "", Sid::fixed(15, [3, 7])),
    row("enterpriseAuthentication", "", Sid::fixed(15, [3, 8])),
    row("sharedUserCertificates", "", Sid::fixed(15, [3, 9])),
    row("removableStorage", "", Sid::fixed(15, [3, 10])),
    row("appointments", "", Sid::fixed(15, [3, 11])),
    row("contacts", "", Sid::fixed(15, [3, 12])),
    row("Untrusted level", "", UNTRUSTED),
    row("Low level", "LW", LOW),
    row("Medium level", "ME", MEDIUM),
    row("Medium plus level", "MP", Sid::fixed(16, [0x2100])),
    row("High level", "HI", HIGH),
    row("System level", "SI", SYSTEM_LEVEL),
];

/// Aliases of SDDL that mean another SID in each domain or on each machine, so that a text alone does not say which.
pub const RELATIVE_ALIASES: &[&str] =
    &["AP", "CA", "CN", "DA", "DC", "DD", "DG", "DU", "EA", "EK", "KA", "LA", "LG", "PA", "RO", "RS", "SA"];

/// The row of a SID.
#[must_use]
pub fn of(sid: &Sid) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.sid == *sid)
}

/// The SID of an alias, in capital letters.
#[must_use]
pub fn by_alias(alias: &str) -> Option<Sid> {
    KNOWN.iter().find(|known| known.alias == Some(alias)).map(|known| known.sid)
}

/// The short SID of a capability that has one, by its name in any case.
#[must_use]
pub fn capability(name: &str) -> Option<Sid> {
    let mut rows = KNOWN.iter().filter(|known| known.sid.is_below(&CAPABILITIES));
    rows.find(|known| known.name.eq_ignore_ascii_case(name)).map(|known| known.sid)
}

/// A SID for people: its name and itself, or itself alone.
#[must_use]
pub fn described(sid: &Sid) -> String {
    match of(sid) {
        Some(known) => format!("{} ({sid})", known.name),
        None => sid.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_stands_twice() {
        for (at, one) in KNOWN.iter().enumerate() {
            for other in &KNOWN[at + 1..] {
                assert!(one.sid != other.sid && one.name != other.name, "{}", one.name);
                assert!(one.alias.is_none() || one.alias != other.alias, "{}", one.name);
            }
            assert!(one.alias.is_none_or(|alias| alias.len() == 2 && !RELATIVE_ALIASES.contains(&alias)));
        }
    }

    #[test]
    fn rows_are_found_by_each_key() {
        assert_eq!(by_alias("BA").unwrap().to_string(), "S-1-5-32-544");
        assert_eq!(by_alias("UD").unwrap().to_string(), "S-1-5-84-0-0-0-0-0");
        assert_eq!(by_alias("ba"), None);
        assert_eq!(capability("internetclient").unwrap().to_string(), "S-1-15-3-1");
        assert_eq!(capability("Everyone"), None);
        assert_eq!(described(&SYSTEM), "System (S-1-5-18)");
        assert_eq!(described(&Sid::fixed(5, [21, 1])), "S-1-5-21-1");
    }
}
