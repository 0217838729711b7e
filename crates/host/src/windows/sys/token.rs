//! Access tokens: making weaker ones, and reading what they are.

mod model;

use super::handle::{checked, owned};
use super::security::{Aligned, SidArray, list, sid, structure};
use crate::error::Context;
use crate::windows::error::{Error, Result};
use core::ffi::c_void;
use garth_plan::windows::token::Restriction;
use garth_plan::windows::{AccessMask, Acl, GenericMapping, ObjectKind, SecurityDescriptor, Sid};
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use windows_sys::Win32::Foundation::{HANDLE, LUID};
use windows_sys::Win32::Security::{
    AccessCheck, CREATE_RESTRICTED_TOKEN_FLAGS, CreateRestrictedToken, DISABLE_MAX_PRIVILEGE, DuplicateToken,
    GENERIC_MAPPING, GetTokenInformation, LUID_AND_ATTRIBUTES, PRIVILEGE_SET, SID_AND_ATTRIBUTES,
    SecurityImpersonation, SetTokenInformation, TOKEN_ADJUST_DEFAULT, TOKEN_APPCONTAINER_INFORMATION,
    TOKEN_ASSIGN_PRIMARY, TOKEN_DEFAULT_DACL, TOKEN_DUPLICATE, TOKEN_GROUPS, TOKEN_INFORMATION_CLASS,
    TOKEN_QUERY, TOKEN_USER, TokenAppContainerSid, TokenCapabilities, TokenDefaultDacl, TokenElevation,
    TokenGroups, TokenImpersonationLevel, TokenIsAppContainer, TokenLogonSid, TokenRestrictedSids, TokenUser,
    WRITE_RESTRICTED,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, OpenProcessToken, OpenThreadToken, SetThreadToken,
};

const SE_GROUP_ENABLED: u32 = 0x4;
const SE_GROUP_USE_FOR_DENY_ONLY: u32 = 0x10;
/// `ERROR_INSUFFICIENT_BUFFER`
const TOO_SMALL: i32 = 122;

/// A token.
#[derive(Debug)]
pub struct Token {
    handle: OwnedHandle,
}

impl Token {
    /// The token of this process, to read and to make weaker ones of.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn own() -> Result<Self> {
        // SAFETY: the pseudo-handle needs no closing.
        let process = unsafe { GetCurrentProcess() };
        let rights = TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY | TOKEN_ADJUST_DEFAULT;
        Ok(open(process, rights).on("open", "the token of garth")?)
    }

    /// The token of another process, to read.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn of(process: BorrowedHandle<'_>) -> Result<Self> {
        Ok(open(process.as_raw_handle(), TOKEN_QUERY | TOKEN_DUPLICATE)
            .on("open", "the token of the process")?)
    }

    /// Does something with the rights of this token and no others, by a thread of its own that ends with it: nothing of garth goes on
    /// under it, also where going back fails.
    ///
    /// # Errors
    /// When the system refuses, or lets the thread do less than act by the token.
    pub fn act<T: Send>(&self, what: impl FnOnce() -> T + Send) -> Result<T> {
        let client = self.client()?;
        std::thread::scope(|scope| {
            let acting = std::thread::Builder::new().name("canary".into()).spawn_scoped(scope, || {
                client.take_on()?;
                Ok(what())
            });
            let done = acting.on("start", "a thread")?.join();
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// A copy by which a thread can act.
    fn client(&self) -> Result<Self> {
        let mut copy = core::ptr::null_mut();
        // SAFETY: the handle is open, and the result has its place.
        checked(unsafe { DuplicateToken(self.handle.as_raw_handle(), SecurityImpersonation, &raw mut copy) })
            .on("copy", "a token")?;
        // SAFETY: the call succeeded, so the handle is open and ours.
        Ok(Self { handle: unsafe { owned(copy) }.on("copy", "a token")? })
    }

    /// Has this thread act by the token from now on, and reads back that it does.
    fn take_on(&self) -> Result<()> {
        note!("SetThreadToken {:?}", self.handle.as_raw_handle());
        // SAFETY: no thread means the present one, and the token is open and one for impersonation.
        checked(unsafe { SetThreadToken(core::ptr::null(), self.handle.as_raw_handle()) })
            .on("act by", "a token")?;
        let found = Self::of_this_thread()?;
        // A thread whose process lacks the right to more is let know who somebody is, and acts by nothing.
        let level = found.number(TokenImpersonationLevel, "the level of a thread")?;
        if level < SecurityImpersonation.cast_unsigned() {
            return Err(Error::value("a token", format!("a thread acts by it at level {level} alone")));
        }
        Ok(())
    }

    /// What this thread acts by, if that is not the token of the process.
    fn of_this_thread() -> Result<Self> {
        let mut found: *mut c_void = core::ptr::null_mut();
        // SAFETY: the pseudo-handle needs no closing, and the result has its place. Whether the token may be opened is asked of
        // the process, because by the token itself it may not be.
        checked(unsafe { OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, 1, &raw mut found) })
            .on("open", "the token of a thread")?;
        // SAFETY: the call succeeded, so the handle is open and ours.
        Ok(Self { handle: unsafe { owned(found) }.on("open", "the token of a thread")? })
    }

    /// A weaker token.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn restricted(&self, how: &Restriction) -> Result<Self> {
        let mut flags: CREATE_RESTRICTED_TOKEN_FLAGS = 0;
        if how.drop_privileges {
            flags |= DISABLE_MAX_PRIVILEGE;
        }
        if how.write_restricted {
            flags |= WRITE_RESTRICTED;
        }
        let disable = SidArray::new(&how.disable, 0);
        // A restricting SID has no attributes; the call refuses any other.
        let restricting = SidArray::new(&how.restricting, 0);
        let delete: Vec<LUID_AND_ATTRIBUTES> = how
            .delete
            .iter()
            .map(|privilege| LUID_AND_ATTRIBUTES {
                Luid: LUID { LowPart: privilege.number(), HighPart: 0 },
                Attributes: 0,
            })
            .collect();
        let deleted = u32::try_from(delete.len()).unwrap_or(u32::MAX);
        let first = if delete.is_empty() { core::ptr::null() } else { delete.as_ptr() };
        let mut handle = core::ptr::null_mut();
        note!(
            "CreateRestrictedToken {flags:#x}: disable {}, delete {}, restrict {}",
            // SAFETY: as of the call.
            unsafe { super::calls::kept::sids(disable.as_ptr(), disable.count()) },
            super::calls::kept::privileges(&delete),
            // SAFETY: as of the call.
            unsafe { super::calls::kept::sids(restricting.as_ptr(), restricting.count()) }
        );
        // SAFETY: each array has as many entries as is said, all live until the call returns, and empty ones are null.
        checked(unsafe {
            CreateRestrictedToken(
                self.handle.as_raw_handle(),
                flags,
                disable.count(),
                disable.as_ptr(),
                deleted,
                first,
                restricting.count(),
                restricting.as_ptr(),
                &raw mut handle,
            )
        })
        .on("restrict", "the token")?;
        // SAFETY: the call succeeded, so the handle is open and ours.
        let handle = unsafe { owned(handle) }.on("restrict", "the token")?;
        note!("CreateRestrictedToken = {:?}", handle.as_raw_handle());
        Ok(Self { handle })
    }

    /// Sets the DACL of objects that are made with this token and inherit none.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_default_dacl(&self, dacl: &Acl) -> Result<()> {
        let mut block = list(dacl)?;
        let value = TOKEN_DEFAULT_DACL { DefaultDacl: block.as_mut_ptr().cast() };
        let length = u32::try_from(size_of::<TOKEN_DEFAULT_DACL>()).unwrap_or(0);
        note!("SetTokenInformation {:?}: {}", self.handle.as_raw_handle(), super::calls::kept::list(&block));
        // SAFETY: the structure is the one of the class; it and the list live until the call returns.
        checked(unsafe {
            SetTokenInformation(
                self.handle.as_raw_handle(),
                TokenDefaultDacl,
                (&raw const value).cast(),
                length,
            )
        })
        .on("set", "the default access list of the token")?;
        Ok(())
    }

    /// A block of information.
    fn information(&self, class: TOKEN_INFORMATION_CLASS) -> io::Result<Aligned> {
        let mut room = Aligned::room(256);
        loop {
            let mut length = 0;
            // SAFETY: the buffer has as many bytes as is said, and the length has its place.
            let asked = checked(unsafe {
                GetTokenInformation(
                    self.handle.as_raw_handle(),
                    class,
                    room.as_mut_ptr(),
                    room.short_length(),
                    &raw mut length,
                )
            });
            match asked {
                Ok(()) => return Ok(room),
                Err(error) if error.raw_os_error() == Some(TOO_SMALL) && length as usize > room.len() => {
                    room = Aligned::room(length as usize);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The user.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn user(&self) -> Result<(Sid, u32)> {
        let block = self.information(TokenUser).on("read the user of", "a token")?;
        let user: TOKEN_USER = structure(&block)?;
        // SAFETY: the SID lies in the block, which lives until it was copied.
        Ok((unsafe { sid(user.User.Sid) }?, user.User.Attributes))
    }

    /// SIDs with their attributes of a class that has the form of groups.
    fn sids(&self, class: TOKEN_INFORMATION_CLASS, what: &str) -> Result<Vec<(Sid, u32)>> {
        let block = self.information(class).on("read", format!("the {what} of a token"))?;
        let header: TOKEN_GROUPS = structure(&block)?;
        let offset = core::mem::offset_of!(TOKEN_GROUPS, Groups);
        let most = (block.len() - offset) / size_of::<SID_AND_ATTRIBUTES>();
        let count = (header.GroupCount as usize).min(most);
        // SAFETY: the entries begin at the offset and end in the block, as was counted.
        let entries = unsafe {
            let first = block.as_ptr().byte_add(offset).cast::<SID_AND_ATTRIBUTES>();
            core::slice::from_raw_parts(first, count)
        };
        // SAFETY: the SIDs lie in the block, which lives until they were copied.
        entries.iter().map(|entry| Ok((unsafe { sid(entry.Sid) }?, entry.Attributes))).collect()
    }

    /// SIDs that grant, and SIDs that only refuse; the user is among the first unless it only refuses.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn memberships(&self) -> Result<(Vec<Sid>, Vec<Sid>)> {
        let (user, attributes) = self.user()?;
        let mut all = self.sids(TokenGroups, "groups")?;
        let deny_only = attributes & SE_GROUP_USE_FOR_DENY_ONLY;
        all.push((user, if deny_only != 0 { deny_only } else { SE_GROUP_ENABLED }));
        let having = |bits: u32, all: &[(Sid, u32)]| {
            all.iter().filter(|(_, found)| found & bits != 0).map(|(sid, _)| *sid).collect()
        };
        Ok((having(SE_GROUP_ENABLED, &all), having(SE_GROUP_USE_FOR_DENY_ONLY, &all)))
    }

    /// Restricting SIDs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn restricting(&self) -> Result<Vec<Sid>> {
        Ok(self.sids(TokenRestrictedSids, "restricting SIDs")?.into_iter().map(|(sid, _)| sid).collect())
    }

    /// The SIDs of the logon session.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn logon(&self) -> Result<Vec<Sid>> {
        Ok(self.sids(TokenLogonSid, "logon session")?.into_iter().map(|(sid, _)| sid).collect())
    }

    /// Numbers of the privileges, enabled or not.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn privileges(&self) -> Result<Vec<u32>> {
        Ok(self.privilege_entries()?.iter().map(|entry| entry.Luid.LowPart).collect())
    }

    fn number(&self, class: TOKEN_INFORMATION_CLASS, what: &str) -> Result<u32> {
        let block = self.information(class).on("ask", format!("whether a token is {what}"))?;
        Ok(structure::<u32>(&block)?)
    }

    /// Whether it is that of an administrator with all rights.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn is_elevated(&self) -> Result<bool> {
        Ok(self.number(TokenElevation, "elevated")? != 0)
    }

    /// Whether it is weaker than its user's own: restricted, or of a container.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn is_confined(&self) -> Result<bool> {
        /// `ERROR_INVALID_FUNCTION`: Wine has no restricting SIDs, and does not know the question.
        const UNKNOWN: i32 = 1;
        let is_restricted = match self.restricting() {
            Ok(restricting) => !restricting.is_empty(),
            Err(error) if error.code() == Some(UNKNOWN) => false,
            Err(error) => return Err(error),
        };
        Ok(is_restricted || self.package()?.is_some())
    }

    /// The package; `None` for a token that is not of a container.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn package(&self) -> Result<Option<Sid>> {
        if self.number(TokenIsAppContainer, "that of a container")? == 0 {
            return Ok(None);
        }
        let block = self.information(TokenAppContainerSid).on("read the package of", "a token")?;
        let package: TOKEN_APPCONTAINER_INFORMATION = structure(&block)?;
        // SAFETY: the SID lies in the block, which lives until it was copied.
        Ok(Some(unsafe { sid(package.TokenAppContainer) }?))
    }

    /// Capabilities.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn capabilities(&self) -> Result<Vec<Sid>> {
        let all = self.sids(TokenCapabilities, "capabilities")?;
        Ok(all.into_iter().filter(|(_, found)| found & SE_GROUP_ENABLED != 0).map(|(sid, _)| sid).collect())
    }

    /// Whether the system would grant this token access to a file with such a descriptor.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn grants(&self, security: &SecurityDescriptor, desired: AccessMask) -> Result<bool> {
        // The check wants a token for impersonation.
        let client = self.client()?;
        let mut block = super::security::descriptor(security)?;
        let mapping = generic(ObjectKind::File.mapping());
        let mut used = Aligned::room(512);
        let mut length = used.short_length();
        let (mut granted, mut status) = (0, 0);
        // SAFETY: the descriptor is self-relative and aligned; every result has its place and its length.
        checked(unsafe {
            AccessCheck(
                block.as_mut_ptr(),
                client.handle.as_raw_handle(),
                desired.0,
                &raw const mapping,
                used.as_mut_ptr().cast::<PRIVILEGE_SET>(),
                &raw mut length,
                &raw mut granted,
                &raw mut status,
            )
        })
        .on("check access of", "a token")?;
        Ok(status != 0)
    }
}

impl AsHandle for Token {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

fn open(process: HANDLE, rights: u32) -> io::Result<Token> {
    let mut handle: *mut c_void = core::ptr::null_mut();
    // SAFETY: the callers hand over a process's handle that is open, and the result has its place.
    checked(unsafe { OpenProcessToken(process, rights, &raw mut handle) })?;
    // SAFETY: the call succeeded, so the handle is open and ours.
    Ok(Token { handle: unsafe { owned(handle) }? })
}

fn generic(mapping: &GenericMapping) -> GENERIC_MAPPING {
    GENERIC_MAPPING {
        GenericRead: mapping.read.0,
        GenericWrite: mapping.write.0,
        GenericExecute: mapping.execute.0,
        GenericAll: mapping.all.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_acts_by_a_token_and_its_process_never() {
        let own = Token::own().unwrap();
        let by_itself = || Token::of_this_thread().err().and_then(|error| error.code());
        // `ERROR_NO_TOKEN`
        assert_eq!((own.act(by_itself).unwrap(), by_itself()), (None, Some(1008)));
    }
}
