//! A token of the system as the plan has it.

use super::{SE_GROUP_ENABLED, SE_GROUP_USE_FOR_DENY_ONLY, Token};
use crate::error::Context;
use crate::windows::error::{Error, Result};
use crate::windows::sys::security::{Aligned, sid, structure};
use garth_plan::windows::acl::ListKind;
use garth_plan::windows::token::{Held, MandatoryPolicy};
use garth_plan::windows::{Acl, AppContainer, Group, Membership, Privilege, Sid, Token as Model};
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Security::{
    ACL, IsTokenRestricted, LUID_AND_ATTRIBUTES, TOKEN_DEFAULT_DACL, TOKEN_INFORMATION_CLASS,
    TOKEN_MANDATORY_LABEL, TOKEN_MANDATORY_POLICY, TOKEN_OWNER, TOKEN_PRIMARY_GROUP, TOKEN_PRIVILEGES,
    TokenDefaultDacl, TokenGroups, TokenIntegrityLevel, TokenMandatoryPolicy, TokenOwner, TokenPrimaryGroup,
    TokenPrivileges, TokenSessionId,
};

const SE_GROUP_MANDATORY: u32 = 0x1;
const SE_GROUP_OWNER: u32 = 0x8;
const SE_GROUP_LOGON_ID: u32 = 0xc000_0000;
const SE_PRIVILEGE_ENABLED: u32 = 0x2;
const NO_WRITE_UP: u32 = 0x1;
const NEW_PROCESS_MIN: u32 = 0x2;

impl Token {
    /// Everything that access checks look at. Restricting SIDs are only asked for where the token is restricted; whether
    /// they count for writing alone the system does not say, and garth is not run inside such a token.
    ///
    /// # Errors
    /// When the system does not say, or the token is restricted.
    pub fn model(&self) -> Result<Model> {
        // SAFETY: the handle is open.
        if unsafe { IsTokenRestricted(self.handle.as_raw_handle()) } != 0 {
            return Err(Error::value(
                "the token of garth",
                "it is restricted already, and what it may do cannot be planned; start garth outside of other sandboxes",
            ));
        }
        let (user, attributes) = self.user()?;
        let package = self.package()?;
        let app_container = match package {
            Some(package) => {
                // Whether grants of all packages count is not asked; the stricter is taken.
                Some(AppContainer { package, capabilities: self.capabilities()?, less_privileged: true })
            }
            None => None,
        };
        Ok(Model {
            user,
            user_deny_only: attributes & SE_GROUP_USE_FOR_DENY_ONLY != 0,
            groups: self.sids(TokenGroups, "groups")?.into_iter().map(group).collect(),
            restricting: Vec::new(),
            write_restricted: false,
            privileges: self.held()?,
            integrity: self.level()?,
            mandatory: self.mandatory(),
            owner: self.one(TokenOwner, "owner", |owner: TOKEN_OWNER| owner.Owner)?,
            primary_group: self
                .one(TokenPrimaryGroup, "primary group", |group: TOKEN_PRIMARY_GROUP| group.PrimaryGroup)?,
            default_dacl: self.default_dacl()?,
            app_container,
            session: self.number(TokenSessionId, "of a session")?,
        })
    }

    fn one<T: Copy>(
        &self,
        class: TOKEN_INFORMATION_CLASS,
        what: &str,
        pointer: impl Fn(T) -> *mut core::ffi::c_void,
    ) -> Result<Sid> {
        let block = self.information(class).on("read", format!("the {what} of a token"))?;
        // SAFETY: the SID lies in the block, which lives until it was copied.
        unsafe { sid(pointer(structure(&block)?)) }
    }

    fn level(&self) -> Result<Sid> {
        self.one(TokenIntegrityLevel, "integrity level", |label: TOKEN_MANDATORY_LABEL| label.Label.Sid)
    }

    /// What cannot be asked is taken for no protection.
    fn mandatory(&self) -> MandatoryPolicy {
        let asked = self.information(TokenMandatoryPolicy).ok();
        let found: Option<TOKEN_MANDATORY_POLICY> = asked.and_then(|block| structure(&block).ok());
        let bits = found.map_or(0, |policy| policy.Policy);
        MandatoryPolicy { no_write_up: bits & NO_WRITE_UP != 0, new_process_min: bits & NEW_PROCESS_MIN != 0 }
    }

    fn held(&self) -> Result<Vec<Held>> {
        let known = |entry: LUID_AND_ATTRIBUTES| {
            let privilege = Privilege::ALL.iter().find(|one| one.number() == entry.Luid.LowPart)?;
            Some(Held { privilege: *privilege, enabled: entry.Attributes & SE_PRIVILEGE_ENABLED != 0 })
        };
        Ok(self.privilege_entries()?.into_iter().filter_map(known).collect())
    }

    pub(super) fn privilege_entries(&self) -> Result<Vec<LUID_AND_ATTRIBUTES>> {
        let block = self.information(TokenPrivileges).on("read the privileges of", "a token")?;
        let header: TOKEN_PRIVILEGES = structure(&block)?;
        let offset = core::mem::offset_of!(TOKEN_PRIVILEGES, Privileges);
        let most = (block.len() - offset) / size_of::<LUID_AND_ATTRIBUTES>();
        let count = (header.PrivilegeCount as usize).min(most);
        // SAFETY: the entries begin at the offset and end in the block, as was counted.
        Ok(unsafe {
            let first = block.as_ptr().byte_add(offset).cast::<LUID_AND_ATTRIBUTES>();
            core::slice::from_raw_parts(first, count).to_vec()
        })
    }

    fn default_dacl(&self) -> Result<Option<Acl>> {
        let block = self.information(TokenDefaultDacl).on("read the default access list of", "a token")?;
        let list: TOKEN_DEFAULT_DACL = structure(&block)?;
        if list.DefaultDacl.is_null() {
            return Ok(None);
        }
        let bytes = inside(&block, list.DefaultDacl)?;
        let list = Acl::read(bytes, ListKind::Discretionary);
        Ok(Some(list.map_err(|error| Error::value("the default access list of a token", error.to_string()))?))
    }
}

/// The bytes from a pointer into a block to the block's end.
fn inside(block: &Aligned, pointer: *const ACL) -> Result<&[u8]> {
    let offset = (pointer as usize).wrapping_sub(block.as_ptr() as usize);
    if offset >= block.len() {
        return Err(Error::value("an access list of the system", "it lies elsewhere than it should"));
    }
    // SAFETY: the block has that many bytes from the offset on, and is borrowed as long as the result.
    Ok(unsafe { core::slice::from_raw_parts(block.as_ptr().cast::<u8>().add(offset), block.len() - offset) })
}

fn group((sid, attributes): (Sid, u32)) -> Group {
    let membership = if attributes & SE_GROUP_USE_FOR_DENY_ONLY != 0 {
        Membership::DenyOnly
    } else if attributes & SE_GROUP_ENABLED != 0 {
        Membership::Enabled
    } else {
        Membership::Disabled
    };
    Group {
        sid,
        membership,
        mandatory: attributes & SE_GROUP_MANDATORY != 0,
        owner: attributes & SE_GROUP_OWNER != 0,
        logon: attributes & SE_GROUP_LOGON_ID == SE_GROUP_LOGON_ID,
    }
}
