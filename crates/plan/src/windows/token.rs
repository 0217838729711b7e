//! Access tokens: who asks, and with what.
//!
//! Source: MS-DTYP 2.5.2, "Access tokens", "Restricted tokens", "SID attributes in an access token", "Privilege
//! constants" and "Mandatory integrity control" in Microsoft's documentation.

use super::acl::Acl;
use super::derive;
use super::known;
use super::sid::Sid;
use core::fmt;
use serde::{Deserialize, Serialize};

/// How a group takes part in access checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Membership {
    /// `SE_GROUP_ENABLED`: its allow and its deny entries count.
    Enabled,
    /// `SE_GROUP_USE_FOR_DENY_ONLY`: its deny entries count.
    DenyOnly,
    /// Neither: no entry counts.
    Disabled,
}

/// A group of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Which.
    pub sid: Sid,
    /// How it takes part.
    pub membership: Membership,
    /// `SE_GROUP_MANDATORY`: the process cannot disable it.
    pub mandatory: bool,
    /// `SE_GROUP_OWNER`: it may become the owner of an object.
    pub owner: bool,
    /// `SE_GROUP_LOGON_ID`: it is the logon session.
    pub logon: bool,
}

impl Group {
    /// An enabled, mandatory group.
    #[must_use]
    pub fn enabled(sid: Sid) -> Self {
        let logon = sid.is_below(&known::LOGON);
        Self { sid, membership: Membership::Enabled, mandatory: true, owner: false, logon }
    }

    /// A group that only refuses.
    #[must_use]
    pub fn deny_only(sid: Sid) -> Self {
        Self { membership: Membership::DenyOnly, mandatory: false, ..Self::enabled(sid) }
    }
}

macro_rules! privileges {
    ($($variant:ident $number:literal $name:literal $what:literal,)*) => {
        /// A privilege.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Privilege {
            $(
                #[doc = concat!("`", $name, "`: ", $what, ".")]
                $variant,
            )*
        }

        impl Privilege {
            /// All, by their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name that Windows gives it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The low part of its identifier (`winnt.h`).
            #[must_use]
            pub fn number(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }
        }
    };
}

privileges! {
    CreateToken 2 "SeCreateTokenPrivilege" "make tokens",
    AssignPrimaryToken 3 "SeAssignPrimaryTokenPrivilege" "start a process with another token",
    LockMemory 4 "SeLockMemoryPrivilege" "keep pages in memory",
    IncreaseQuota 5 "SeIncreaseQuotaPrivilege" "raise the quota of a process",
    MachineAccount 6 "SeMachineAccountPrivilege" "add computers to a domain",
    Tcb 7 "SeTcbPrivilege" "act as part of the operating system",
    Security 8 "SeSecurityPrivilege" "read and write SACLs",
    TakeOwnership 9 "SeTakeOwnershipPrivilege" "become the owner of any object",
    LoadDriver 10 "SeLoadDriverPrivilege" "load drivers",
    SystemProfile 11 "SeSystemProfilePrivilege" "measure the system",
    SystemTime 12 "SeSystemtimePrivilege" "set the clock",
    ProfileSingleProcess 13 "SeProfileSingleProcessPrivilege" "measure a process",
    IncreaseBasePriority 14 "SeIncreaseBasePriorityPrivilege" "raise priorities",
    CreatePagefile 15 "SeCreatePagefilePrivilege" "make page files",
    CreatePermanent 16 "SeCreatePermanentPrivilege" "make permanent objects",
    Backup 17 "SeBackupPrivilege" "read every file when it is opened for backup",
    Restore 18 "SeRestorePrivilege" "write every file when it is opened for restoring",
    Shutdown 19 "SeShutdownPrivilege" "shut down",
    Debug 20 "SeDebugPrivilege" "open every process",
    Audit 21 "SeAuditPrivilege" "write the security log",
    SystemEnvironment 22 "SeSystemEnvironmentPrivilege" "write firmware variables",
    ChangeNotify 23 "SeChangeNotifyPrivilege" "pass through directories without traverse rights",
    RemoteShutdown 24 "SeRemoteShutdownPrivilege" "shut down from afar",
    Undock 25 "SeUndockPrivilege" "undock",
    SyncAgent 26 "SeSyncAgentPrivilege" "synchronise a directory service",
    EnableDelegation 27 "SeEnableDelegationPrivilege" "trust accounts for delegation",
    ManageVolume 28 "SeManageVolumePrivilege" "manage volumes",
    Impersonate 29 "SeImpersonatePrivilege" "act as a client",
    CreateGlobal 30 "SeCreateGlobalPrivilege" "make global objects from a session",
    TrustedCredManAccess 31 "SeTrustedCredManAccessPrivilege" "read stored credentials as a trusted caller",
    Relabel 32 "SeRelabelPrivilege" "raise the label of an object",
    IncreaseWorkingSet 33 "SeIncreaseWorkingSetPrivilege" "raise working sets",
    TimeZone 34 "SeTimeZonePrivilege" "set the time zone",
    CreateSymbolicLink 35 "SeCreateSymbolicLinkPrivilege" "make symbolic links",
    DelegateSessionUserImpersonate 36 "SeDelegateSessionUserImpersonatePrivilege" "act as another user of the session",
}

/// A privilege that a token has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which.
    pub privilege: Privilege,
    /// Whether it is enabled; the process may enable what it has, so a plan has to remove it.
    pub enabled: bool,
}

/// `TOKEN_MANDATORY_POLICY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MandatoryPolicy {
    /// Labels are heeded at all.
    pub no_write_up: bool,
    /// A new process gets the lower of the levels of its token and of its program.
    pub new_process_min: bool,
}

/// What makes a token that of an AppContainer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppContainer {
    /// The package SID.
    pub package: Sid,
    /// The enabled capabilities.
    pub capabilities: Vec<Sid>,
    /// Entries for all application packages do not count (`PROC_THREAD_ATTRIBUTE_ALL_APPLICATION_PACKAGES_POLICY`).
    pub less_privileged: bool,
}

/// How `CreateRestrictedToken` makes a weaker token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// SIDs that shall only refuse from now on, the user's own among them if wanted. Those that the token has not are
    /// passed over.
    pub disable: Vec<Sid>,
    /// Every privilege but the one to pass through directories goes (`DISABLE_MAX_PRIVILEGE`).
    pub drop_privileges: bool,
    /// Privileges that go.
    pub delete: Vec<Privilege>,
    /// Restricting SIDs.
    pub restricting: Vec<Sid>,
    /// They are asked about writing alone (`WRITE_RESTRICTED`).
    pub write_restricted: bool,
}

/// Why a token cannot be restricted as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestrictionError {
    /// The token is restricted already; what a second list means for a write restriction is not documented.
    Nested,
    /// A write restriction without a restricting SID.
    Empty,
}

impl fmt::Display for RestrictionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nested => "the token is restricted already",
            Self::Empty => "a write restriction needs a restricting SID",
        })
    }
}

impl core::error::Error for RestrictionError {}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The user.
    pub user: Sid,
    /// The user's SID only refuses.
    pub user_deny_only: bool,
    /// The groups.
    pub groups: Vec<Group>,
    /// Restricting SIDs: where there are some, they too must be granted what is asked.
    pub restricting: Vec<Sid>,
    /// Restricting SIDs are asked about writing alone (`WRITE_RESTRICTED`).
    pub write_restricted: bool,
    /// Privileges.
    pub privileges: Vec<Held>,
    /// The integrity level, as a label of [`known`].
    pub integrity: Sid,
    /// How labels are heeded.
    pub mandatory: MandatoryPolicy,
    /// Owner of new objects.
    pub owner: Sid,
    /// Primary group of new objects.
    pub primary_group: Sid,
    /// DACL of new objects whose parent gives none.
    pub default_dacl: Option<Acl>,
    /// Set for an AppContainer.
    pub app_container: Option<AppContainer>,
    /// The terminal session.
    pub session: u32,
}

impl Token {
    /// The token of an ordinary process of a user: medium integrity, Everyone, Users and Authenticated Users, and the
    /// one privilege that all have.
    #[must_use]
    pub fn ordinary(user: Sid) -> Self {
        let groups = [known::EVERYONE, known::USERS, known::AUTHENTICATED_USERS].map(Group::enabled);
        Self {
            user,
            user_deny_only: false,
            groups: groups.to_vec(),
            restricting: Vec::new(),
            write_restricted: false,
            privileges: vec![Held { privilege: Privilege::ChangeNotify, enabled: true }],
            integrity: known::MEDIUM,
            mandatory: MandatoryPolicy { no_write_up: true, new_process_min: true },
            owner: user,
            primary_group: user,
            default_dacl: None,
            app_container: None,
            session: 1,
        }
    }

    /// This token as an AppContainer makes it: low integrity, the package and its capabilities.
    #[must_use]
    pub fn in_app_container(&self, package: Sid, capabilities: &[&str]) -> Self {
        let capabilities = capabilities.iter().map(|name| derive::capability(name)).collect();
        let app_container = Some(AppContainer { package, capabilities, less_privileged: false });
        Self { integrity: known::LOW, app_container, ..self.clone() }
    }

    /// The token that `CreateRestrictedToken` makes of this one.
    ///
    /// # Errors
    /// [`RestrictionError`], where the result is not documented.
    pub fn restricted(&self, how: &Restriction) -> Result<Self, RestrictionError> {
        if self.is_restricted() && !how.restricting.is_empty() {
            return Err(RestrictionError::Nested);
        }
        if how.write_restricted && how.restricting.is_empty() {
            return Err(RestrictionError::Empty);
        }
        let mut weaker = self.clone();
        weaker.user_deny_only |= how.disable.contains(&self.user);
        for group in weaker.groups.iter_mut().filter(|group| how.disable.contains(&group.sid)) {
            group.membership = Membership::DenyOnly;
            group.mandatory = false;
        }
        let goes = |privilege: Privilege| {
            how.delete.contains(&privilege) || how.drop_privileges && privilege != Privilege::ChangeNotify
        };
        weaker.privileges.retain(|held| !goes(held.privilege));
        if !how.restricting.is_empty() {
            weaker.restricting.clone_from(&how.restricting);
            weaker.write_restricted = how.write_restricted;
        }
        Ok(weaker)
    }

    /// True if the privilege is there and enabled.
    #[must_use]
    pub fn has_enabled(&self, privilege: Privilege) -> bool {
        self.privileges.iter().any(|held| held.privilege == privilege && held.enabled)
    }

    /// True if allow entries for this SID count.
    #[must_use]
    pub fn allows(&self, sid: &Sid) -> bool {
        self.user == *sid && !self.user_deny_only
            || self.groups.iter().any(|group| group.sid == *sid && group.membership == Membership::Enabled)
    }

    /// True if deny entries for this SID count.
    #[must_use]
    pub fn denies(&self, sid: &Sid) -> bool {
        self.user == *sid
            || self.groups.iter().any(|group| group.sid == *sid && group.membership != Membership::Disabled)
    }

    /// True if there are restricting SIDs.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        !self.restricting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_have_the_numbers_of_windows() {
        assert_eq!(Privilege::ALL.len(), 35);
        let numbers: Vec<u32> = Privilege::ALL.iter().map(|privilege| privilege.number()).collect();
        assert_eq!(numbers, (2..=36).collect::<Vec<_>>());
        assert_eq!(Privilege::Backup.name(), "SeBackupPrivilege");
        assert_eq!(Privilege::ChangeNotify.number(), 23);
    }

    #[test]
    fn deny_only_refuses_and_grants_nothing() {
        let mut token = Token::ordinary(Sid::fixed(5, [21, 1, 2, 3, 1001]));
        token.groups.push(Group::deny_only(known::ADMINISTRATORS));
        assert!(token.denies(&known::ADMINISTRATORS) && !token.allows(&known::ADMINISTRATORS));
        assert!(token.allows(&known::USERS) && token.denies(&known::USERS));
        token.user_deny_only = true;
        assert!(!token.allows(&token.user) && token.denies(&token.user));
        assert!(Group::enabled(derive::logon(0, 7)).logon);
    }

    fn nothing() -> Restriction {
        Restriction {
            disable: Vec::new(),
            drop_privileges: false,
            delete: Vec::new(),
            restricting: Vec::new(),
            write_restricted: false,
        }
    }

    #[test]
    fn restricting_only_takes_away() {
        let mut token = Token::ordinary(Sid::fixed(5, [21, 1, 2, 3, 1001]));
        token.groups.push(Group::enabled(known::ADMINISTRATORS));
        token.privileges.push(Held { privilege: Privilege::Debug, enabled: false });
        token.privileges.push(Held { privilege: Privilege::Shutdown, enabled: true });
        assert_eq!(token.restricted(&nothing()).unwrap(), token);
        let recipe = Restriction {
            disable: vec![known::ADMINISTRATORS, known::SYSTEM, token.user],
            drop_privileges: true,
            restricting: vec![known::RESTRICTED, known::EVERYONE],
            write_restricted: true,
            ..nothing()
        };
        let weaker = token.restricted(&recipe).unwrap();
        assert!(!weaker.allows(&known::ADMINISTRATORS) && weaker.denies(&known::ADMINISTRATORS));
        assert!(weaker.user_deny_only && weaker.is_restricted() && weaker.write_restricted);
        assert_eq!(weaker.privileges, [Held { privilege: Privilege::ChangeNotify, enabled: true }]);
        assert_eq!(weaker.groups.len(), token.groups.len());
        let fewer = token.restricted(&Restriction { delete: vec![Privilege::Debug], ..nothing() }).unwrap();
        assert_eq!(fewer.privileges.len(), 2);
    }

    #[test]
    fn what_is_not_documented_is_refused() {
        let token = Token::ordinary(known::SYSTEM);
        let once = Restriction { restricting: vec![known::RESTRICTED], ..nothing() };
        let restricted = token.restricted(&once).unwrap();
        assert_eq!(restricted.restricted(&once), Err(RestrictionError::Nested));
        assert!(restricted.restricted(&nothing()).unwrap().is_restricted());
        let empty = Restriction { write_restricted: true, ..nothing() };
        assert_eq!(token.restricted(&empty), Err(RestrictionError::Empty));
    }

    #[test]
    fn a_token_survives_being_recorded() {
        let token = Token::ordinary(known::SYSTEM)
            .in_app_container(derive::package("garth.test"), &["internetClient", "registryRead"]);
        let text = serde_json::to_string(&token).unwrap();
        assert_eq!(serde_json::from_str::<Token>(&text).unwrap(), token);
        assert!(serde_json::from_str::<Token>(&text.replace("S-1-5-18", "S-1-5")).is_err());
    }
}
