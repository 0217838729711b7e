//! The system's own token and access check, behind safe functions.

#![expect(unsafe_code, reason = "calls the system")]

use core::ffi::c_void;
use core::ptr;
use garth_plan::windows::token::{Held, MandatoryPolicy};
use garth_plan::windows::{AccessMask, GenericMapping, Group, Membership, Privilege, Sid, Token, known};
use std::io;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::ConvertStringSecurityDescriptorToSecurityDescriptorW;
use windows_sys::Win32::Security::{
    AccessCheck, CreateRestrictedToken, DuplicateToken, GENERIC_MAPPING, GetLengthSid, GetTokenInformation,
    LUID_AND_ATTRIBUTES, PRIVILEGE_SET, PSID, SID_AND_ATTRIBUTES, SecurityImpersonation, TOKEN_DUPLICATE,
    TOKEN_GROUPS, TOKEN_INFORMATION_CLASS, TOKEN_PRIVILEGES, TOKEN_QUERY, TOKEN_USER, TokenGroups,
    TokenPrivileges, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

const SE_GROUP_ENABLED: u32 = 0x4;
const SE_GROUP_USE_FOR_DENY_ONLY: u32 = 0x10;
const SE_PRIVILEGE_ENABLED: u32 = 0x2;

/// A token of the system that can be asked about.
pub struct SystemToken {
    handle: HANDLE,
}

impl Drop for SystemToken {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody else closes it.
        unsafe { CloseHandle(self.handle) };
    }
}

fn checked(result: i32) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

impl SystemToken {
    /// The token of this process.
    pub fn of_process() -> io::Result<Self> {
        let mut handle = ptr::null_mut();
        // SAFETY: the pseudo-handle needs no closing, and `handle` outlives the call.
        checked(unsafe {
            OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, &raw mut handle)
        })?;
        Ok(Self { handle })
    }

    /// This token with a group that only refuses.
    pub fn without(&self, group: &Sid) -> io::Result<Self> {
        let mut bytes = group.to_bytes();
        let disabled = SID_AND_ATTRIBUTES { Sid: bytes.as_mut_ptr().cast(), Attributes: 0 };
        let mut handle = ptr::null_mut();
        // SAFETY: one SID is handed over, and it lives until the call returns; the empty lists are null.
        checked(unsafe {
            CreateRestrictedToken(
                self.handle,
                0,
                1,
                &raw const disabled,
                0,
                ptr::null(),
                0,
                ptr::null(),
                &raw mut handle,
            )
        })?;
        Ok(Self { handle })
    }

    /// A copy that `AccessCheck` takes: it wants one for impersonation.
    pub fn impersonated(&self) -> io::Result<Self> {
        let mut handle = ptr::null_mut();
        // SAFETY: both handles are valid for the call.
        checked(unsafe { DuplicateToken(self.handle, SecurityImpersonation, &raw mut handle) })?;
        Ok(Self { handle })
    }

    /// A block of information, in memory that is aligned for it.
    fn information(&self, class: TOKEN_INFORMATION_CLASS) -> io::Result<Vec<u64>> {
        let mut length = 0;
        // SAFETY: without a buffer only the length is written.
        unsafe { GetTokenInformation(self.handle, class, ptr::null_mut(), 0, &raw mut length) };
        let mut block = vec![0_u64; (length as usize).div_ceil(8) + 1];
        let room = u32::try_from(block.len() * 8).map_err(io::Error::other)?;
        // SAFETY: the buffer has `room` bytes.
        checked(unsafe {
            GetTokenInformation(self.handle, class, block.as_mut_ptr().cast(), room, &raw mut length)
        })?;
        Ok(block)
    }

    /// The token as the model has it. Labels are left out: Wine has none.
    pub fn read(&self) -> io::Result<Token> {
        let user = self.information(TokenUser)?;
        // SAFETY: the block holds a `TOKEN_USER` at its beginning, and its SID lies in the block.
        let user = unsafe { sid((*user.as_ptr().cast::<TOKEN_USER>()).User.Sid) }?;
        let groups = self.information(TokenGroups)?;
        let privileges = self.information(TokenPrivileges)?;
        let (group_block, privilege_block) =
            (groups.as_ptr().cast::<TOKEN_GROUPS>(), privileges.as_ptr().cast::<TOKEN_PRIVILEGES>());
        // SAFETY: each block begins with its structure, whose count says how many entries follow in the same block,
        // and both blocks live until the end of this function.
        let (entries, held) = unsafe {
            let first_group = (&raw const (*group_block).Groups).cast::<SID_AND_ATTRIBUTES>();
            let first_privilege = (&raw const (*privilege_block).Privileges).cast::<LUID_AND_ATTRIBUTES>();
            (
                core::slice::from_raw_parts(first_group, (*group_block).GroupCount as usize),
                core::slice::from_raw_parts(first_privilege, (*privilege_block).PrivilegeCount as usize),
            )
        };
        let groups = entries.iter().map(group).collect::<io::Result<Vec<_>>>()?;
        Ok(Token {
            groups,
            privileges: held.iter().filter_map(privilege).collect(),
            integrity: known::SYSTEM_LEVEL,
            mandatory: MandatoryPolicy { no_write_up: false, new_process_min: false },
            ..Token::ordinary(user)
        })
    }

    /// What the system grants; nothing where it refuses.
    pub fn check(
        &self,
        descriptor: &[u8],
        desired: AccessMask,
        mapping: &GenericMapping,
    ) -> io::Result<AccessMask> {
        let mapping = GENERIC_MAPPING {
            GenericRead: mapping.read.0,
            GenericWrite: mapping.write.0,
            GenericExecute: mapping.execute.0,
            GenericAll: mapping.all.0,
        };
        let mut aligned = vec![0_u64; descriptor.len().div_ceil(8)];
        // SAFETY: the copy has room for all of it, and the two do not overlap.
        unsafe {
            ptr::copy_nonoverlapping(descriptor.as_ptr(), aligned.as_mut_ptr().cast(), descriptor.len());
        }
        let mut used = [0_u64; 64];
        let mut length = u32::try_from(size_of_val(&used)).map_err(io::Error::other)?;
        let (mut granted, mut status) = (0, 0);
        // SAFETY: the descriptor is self-relative and aligned; every result has its place and its length.
        checked(unsafe {
            AccessCheck(
                aligned.as_mut_ptr().cast::<c_void>(),
                self.handle,
                desired.0,
                &raw const mapping,
                used.as_mut_ptr().cast::<PRIVILEGE_SET>(),
                &raw mut length,
                &raw mut granted,
                &raw mut status,
            )
        })?;
        Ok(if status == 0 { AccessMask::NONE } else { AccessMask(granted) })
    }
}

/// The bytes that the system makes of a descriptor in SDDL.
pub fn bytes_of(text: &str) -> io::Result<Vec<u8>> {
    let wide: Vec<u16> = text.encode_utf16().chain([0]).collect();
    let (mut descriptor, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the text ends with a zero, and both results have their place.
    checked(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            wide.as_ptr(),
            1,
            &raw mut descriptor,
            &raw mut length,
        )
    })?;
    // SAFETY: the system vouches for `length` bytes, which nobody else holds; they are copied before they are freed.
    let bytes = unsafe {
        let bytes = core::slice::from_raw_parts(descriptor.cast::<u8>(), length as usize).to_vec();
        LocalFree(descriptor);
        bytes
    };
    Ok(bytes)
}

/// Copies a SID that the system handed out.
///
/// # Safety
/// `sid` points to a valid SID.
unsafe fn sid(sid: PSID) -> io::Result<Sid> {
    // SAFETY: the caller vouches for the SID, and so for as many bytes as it says to have.
    let bytes = unsafe { core::slice::from_raw_parts(sid.cast::<u8>(), GetLengthSid(sid) as usize) };
    Sid::read(bytes).map_err(io::Error::other)
}

fn group(entry: &SID_AND_ATTRIBUTES) -> io::Result<Group> {
    // SAFETY: the entry comes from a block that is still alive.
    let sid = unsafe { sid(entry.Sid) }?;
    let membership = if entry.Attributes & SE_GROUP_USE_FOR_DENY_ONLY != 0 {
        Membership::DenyOnly
    } else if entry.Attributes & SE_GROUP_ENABLED != 0 {
        Membership::Enabled
    } else {
        Membership::Disabled
    };
    Ok(Group { membership, ..Group::enabled(sid) })
}

fn privilege(entry: &LUID_AND_ATTRIBUTES) -> Option<Held> {
    let number = entry.Luid.LowPart;
    let privilege = Privilege::ALL.iter().find(|privilege| privilege.number() == number)?;
    Some(Held { privilege: *privilege, enabled: entry.Attributes & SE_PRIVILEGE_ENABLED != 0 })
}
