//! Files and directories by their handles: what was opened is what is decided on.

use super::handle::{checked, code, owned};
use super::security::{Aligned, list, structure};
use super::wide::{Wide, grown};
use crate::OsError;
use crate::error::Context;
use crate::windows::error::{Error, Result};
use garth_plan::windows::facts::{FileId, Reparse};
use garth_plan::windows::{Acl, Control, SecurityDescriptor};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Security::Authorization::{SE_FILE_OBJECT, SetSecurityInfo};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GROUP_SECURITY_INFORMATION, GetKernelObjectSecurity,
    LABEL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    SetKernelObjectSecurity, UNPROTECTED_DACL_SECURITY_INFORMATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateDirectoryW, CreateFileW, DELETE, FILE_ATTRIBUTE_DIRECTORY,
    FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TAG_INFO, FILE_DISPOSITION_INFO,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_OPEN_REPARSE_POINT, FILE_GENERIC_READ,
    FILE_GENERIC_WRITE, FILE_ID_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_NAME_NORMALIZED, FILE_READ_ATTRIBUTES,
    FILE_READ_DATA, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_STANDARD_INFO,
    FILE_WRITE_ATTRIBUTES, FileAttributeTagInfo, FileDispositionInfo, FileIdInfo, FileStandardInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFinalPathNameByHandleW, OPEN_EXISTING,
    READ_CONTROL, SetFileInformationByHandle, WRITE_DAC,
};

/// An opened object of a file system.
#[derive(Debug)]
pub struct Node {
    handle: OwnedHandle,
    /// As it was asked for, for errors.
    name: String,
}

/// What is wanted of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever this user gets: fails only where that is nothing.
    Anything,
    /// Its attributes alone.
    Attributes,
    /// Its descriptor too.
    Security,
    /// Writing its DACL too.
    Protection,
    /// Removing it too.
    Removal,
    /// Holding it: nobody can remove or rename it meanwhile.
    Hold,
    /// Setting its times and attributes too.
    Dress,
    /// Its removal with the last handle, also when this process is killed.
    UntilClosed,
}

/// What to do with a link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Open the link itself.
    Stay,
    /// Open what it leads to.
    Follow,
}

/// Attributes and reparse tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// It is a directory.
    pub directory: bool,
    /// The tag of a reparse point.
    pub tag: Option<u32>,
}

impl Node {
    /// Opens what stands at an absolute path.
    ///
    /// # Errors
    /// When nothing is there, or the system refuses.
    pub fn open(path: impl AsRef<OsStr>, wanted: Wanted, links: Links) -> Result<Self> {
        const MAXIMUM_ALLOWED: u32 = 0x0200_0000;
        let wide = Wide::path(&path)?;
        let path = path.as_ref().display();
        let access = FILE_READ_ATTRIBUTES
            | match wanted {
                Wanted::Attributes | Wanted::Anything => 0,
                Wanted::Security => READ_CONTROL,
                // Sharing is only heeded between those who read, write or remove.
                Wanted::Hold => READ_CONTROL | FILE_READ_DATA,
                Wanted::Protection => READ_CONTROL | WRITE_DAC,
                Wanted::Removal | Wanted::UntilClosed => READ_CONTROL | DELETE,
                Wanted::Dress => FILE_WRITE_ATTRIBUTES,
            };
        let access = if wanted == Wanted::Anything { MAXIMUM_ALLOWED } else { access };
        let share =
            FILE_SHARE_READ | FILE_SHARE_WRITE | if wanted == Wanted::Hold { 0 } else { FILE_SHARE_DELETE };
        // The first flag is what opens a directory at all; it gives no privilege to who has none.
        let flags = FILE_FLAG_BACKUP_SEMANTICS
            | if links == Links::Stay { FILE_FLAG_OPEN_REPARSE_POINT } else { 0 }
            | if wanted == Wanted::UntilClosed { FILE_FLAG_DELETE_ON_CLOSE } else { 0 };
        // SAFETY: the path ends with a zero, and the security and the template may be null.
        let handle = unsafe {
            owned(CreateFileW(
                wide.as_ptr(),
                access,
                share,
                core::ptr::null(),
                OPEN_EXISTING,
                flags,
                core::ptr::null_mut(),
            ))
        };
        Ok(Self { handle: handle.on("open", &path)?, name: path.to_string() })
    }

    /// Makes an empty file that was not there, protected from the first moment. With `until_closed` it goes with the last
    /// handle, also when this process is killed.
    ///
    /// # Errors
    /// When something is there, or the system refuses.
    pub fn make_file(path: &str, security: &SecurityDescriptor, until_closed: bool) -> Result<Self> {
        let wide = Wide::path(path)?;
        let mut block = super::security::descriptor(security)?;
        let attributes = super::security::attributes(&mut block);
        let access = FILE_READ_ATTRIBUTES | READ_CONTROL | if until_closed { DELETE } else { 0 };
        let flags = FILE_ATTRIBUTE_NORMAL
            | FILE_FLAG_OPEN_REPARSE_POINT
            | if until_closed { FILE_FLAG_DELETE_ON_CLOSE } else { 0 };
        // SAFETY: the path ends with a zero, the security outlives the call, and the template may be null.
        let handle = unsafe {
            owned(CreateFileW(
                wide.as_ptr(),
                access,
                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                &raw const attributes,
                CREATE_NEW,
                flags,
                core::ptr::null_mut(),
            ))
        };
        Ok(Self { handle: handle.on("make", path)?, name: path.to_owned() })
    }

    /// Makes a directory that was not there, protected from the first moment, and opens it for what is wanted.
    ///
    /// # Errors
    /// When something is there, or the system refuses.
    pub fn make_directory(path: &str, security: &SecurityDescriptor, wanted: Wanted) -> Result<Self> {
        let wide = Wide::path(path)?;
        let mut block = super::security::descriptor(security)?;
        let attributes = super::security::attributes(&mut block);
        // SAFETY: the path ends with a zero, and the security outlives the call.
        checked(unsafe { CreateDirectoryW(wide.as_ptr(), &raw const attributes) })
            .on("make the directory", path)?;
        Self::open(path, wanted, Links::Stay)
    }

    /// Makes a file that was not there, protected from the first moment. While it is open nobody else writes to it, renames
    /// or removes it; who may read it can do so.
    ///
    /// # Errors
    /// When something is there, or the system refuses.
    pub fn make_own(path: &str, security: &SecurityDescriptor) -> Result<File> {
        let wide = Wide::path(path)?;
        let mut block = super::security::descriptor(security)?;
        let attributes = super::security::attributes(&mut block);
        // SAFETY: the path ends with a zero, the security outlives the call, and the template may be null.
        let handle = unsafe {
            owned(CreateFileW(
                wide.as_ptr(),
                FILE_GENERIC_READ | FILE_GENERIC_WRITE,
                FILE_SHARE_READ,
                &raw const attributes,
                CREATE_NEW,
                FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT,
                core::ptr::null_mut(),
            ))
        };
        Ok(File::from(handle.on("make", path)?))
    }

    /// What was opened already, by a handle of its own.
    ///
    /// # Errors
    /// When the system has no room for another handle.
    pub fn of(handle: BorrowedHandle<'_>, name: &str) -> core::result::Result<Self, OsError> {
        Ok(Self { handle: handle.try_clone_to_owned().on("keep", name)?, name: name.to_owned() })
    }

    /// What another process had opened, by a handle that is ours.
    #[must_use]
    pub fn taken_over(handle: OwnedHandle, name: &str) -> Self {
        Self { handle, name: name.to_owned() }
    }

    /// The name that it was asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of its handle in this process.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.raw().addr() as u64
    }

    fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }

    fn information<T: Copy>(&self, class: FILE_INFO_BY_HANDLE_CLASS) -> io::Result<T> {
        let mut block = Aligned::room(size_of::<T>());
        // SAFETY: the buffer has as many bytes as is said.
        checked(unsafe {
            GetFileInformationByHandleEx(self.raw(), class, block.as_mut_ptr(), block.short_length())
        })?;
        structure(&block).map_err(io::Error::other)
    }

    /// What it is.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn kind(&self) -> core::result::Result<Kind, OsError> {
        let found: FILE_ATTRIBUTE_TAG_INFO =
            self.information(FileAttributeTagInfo).on("read the attributes of", &self.name)?;
        let reparse = found.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0;
        Ok(Kind {
            directory: found.FileAttributes & FILE_ATTRIBUTE_DIRECTORY != 0,
            tag: reparse.then_some(found.ReparseTag),
        })
    }

    /// How many names it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn links(&self) -> core::result::Result<u32, OsError> {
        match self.information::<FILE_STANDARD_INFO>(FileStandardInfo) {
            Ok(standard) => Ok(standard.NumberOfLinks),
            Err(_) => self.identity().map(|(_, links)| links),
        }
    }

    /// Its identity, and how many names it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn identity(&self) -> core::result::Result<(FileId, u32), OsError> {
        let ids = self.information::<FILE_ID_INFO>(FileIdInfo);
        let standard = self.information::<FILE_STANDARD_INFO>(FileStandardInfo);
        if let (Ok(id), Ok(standard)) = (ids, standard) {
            let number = u128::from_le_bytes(id.FileId.Identifier);
            let id = FileId { volume: id.VolumeSerialNumber, file: halves(number) };
            return Ok((id, standard.NumberOfLinks));
        }
        // A file system whose numbers have 64 bits may know only these. Asked for all of it at once the system asks the volume
        // once more for its number, so this comes last.
        let mut found = BY_HANDLE_FILE_INFORMATION::default();
        // SAFETY: the handle is open, and the result has its place.
        checked(unsafe { GetFileInformationByHandle(self.raw(), &raw mut found) })
            .on("read the identity of", &self.name)?;
        let low = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
        let id = FileId { volume: u64::from(found.dwVolumeSerialNumber), file: (0, low) };
        Ok((id, found.nNumberOfLinks))
    }

    /// Whether no byte is in the file.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn is_empty(&self) -> core::result::Result<bool, OsError> {
        let found: FILE_STANDARD_INFO =
            self.information(FileStandardInfo).on("read the size of", &self.name)?;
        Ok(found.EndOfFile == 0)
    }

    /// The path of what was opened, without links, as drives or shares name it.
    ///
    /// # Errors
    /// When the system does not say, or no drive names it.
    pub fn final_path(&self) -> core::result::Result<OsString, OsError> {
        let found = grown(|buffer| {
            let room = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
            // SAFETY: the buffer has as many units as is said.
            unsafe { GetFinalPathNameByHandleW(self.raw(), buffer.as_mut_ptr(), room, FILE_NAME_NORMALIZED) }
        });
        found.on("read the final path of", &self.name)
    }

    /// Owner, group, DACL and label.
    ///
    /// # Errors
    /// When the system refuses, or the descriptor is not understood.
    pub fn security(&self) -> Result<SecurityDescriptor> {
        let wanted = OWNER_SECURITY_INFORMATION
            | GROUP_SECURITY_INFORMATION
            | DACL_SECURITY_INFORMATION
            | LABEL_SECURITY_INFORMATION;
        let mut block = Aligned::room(512);
        loop {
            let mut needed = 0;
            // SAFETY: the buffer has as many bytes as is said, and the length has its place.
            let asked = checked(unsafe {
                GetKernelObjectSecurity(
                    self.raw(),
                    wanted,
                    block.as_mut_ptr(),
                    block.short_length(),
                    &raw mut needed,
                )
            });
            match asked {
                Ok(()) => break,
                Err(_) if needed as usize > block.len() => block = Aligned::room(needed as usize),
                Err(error) => {
                    let refused: io::Result<()> = Err(error);
                    refused.on("read the protection of", &self.name)?;
                }
            }
        }
        SecurityDescriptor::read(&block.bytes())
            .map_err(|error| Error::value(format!("the protection of {}", self.name), error.to_string()))
    }

    /// Replaces the DACL. With `propagate` what is below inherits it now; without, nothing below is looked at.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_dacl(&self, dacl: &Acl, protected: bool, propagate: bool) -> Result<()> {
        if propagate {
            let mut block = list(dacl)?;
            let kept = if protected {
                PROTECTED_DACL_SECURITY_INFORMATION
            } else {
                UNPROTECTED_DACL_SECURITY_INFORMATION
            };
            let null = core::ptr::null_mut();
            // SAFETY: the handle is open, and the list outlives the call; what is not set is null.
            let result = unsafe {
                SetSecurityInfo(
                    self.raw(),
                    SE_FILE_OBJECT,
                    DACL_SECURITY_INFORMATION | kept,
                    null,
                    null,
                    block.as_mut_ptr().cast(),
                    null.cast(),
                )
            };
            return Ok(code(result, "protect", &self.name)?);
        }
        // The bits say that the list was inherited as it should be, so that the system leaves it as it is.
        let control = Control::DACL_AUTO_INHERITED;
        let security = SecurityDescriptor {
            owner: None,
            group: None,
            dacl: garth_plan::windows::Listed::Present(dacl.clone()),
            sacl: garth_plan::windows::Listed::Absent,
            control: if protected { control | Control::DACL_PROTECTED } else { control },
        };
        let mut block = super::security::descriptor(&security)?;
        // SAFETY: the handle is open, and the descriptor outlives the call.
        let set = checked(unsafe {
            SetKernelObjectSecurity(self.raw(), DACL_SECURITY_INFORMATION, block.as_mut_ptr())
        });
        Ok(set.on("protect", &self.name)?)
    }

    /// Removes it when this handle is closed. A directory must be empty.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(self) -> Result<()> {
        let disposition = FILE_DISPOSITION_INFO { DeleteFile: true };
        let length = u32::try_from(size_of::<FILE_DISPOSITION_INFO>()).unwrap_or(0);
        // SAFETY: the structure is the one of the class, and it outlives the call.
        let set = checked(unsafe {
            SetFileInformationByHandle(
                self.raw(),
                FileDispositionInfo,
                (&raw const disposition).cast(),
                length,
            )
        });
        Ok(set.on("remove", &self.name)?)
    }
}

impl AsHandle for Node {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

fn halves(number: u128) -> (u64, u64) {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    let low = number as u64;
    (u64::try_from(number >> 64).unwrap_or(0), low)
}

/// What a reparse tag means (`ntifs.h`, "Reparse point tags").
#[must_use]
pub fn reparse(tag: u32) -> Reparse {
    const SYMLINK: u32 = 0xa000_000c;
    const MOUNT_POINT: u32 = 0xa000_0003;
    const APP_ALIAS: u32 = 0x8000_001b;
    const CLOUD: u32 = 0x9000_001a;
    // The tags of cloud files differ in the third hexadecimal digit from the right alone.
    const CLOUD_MASK: u32 = 0xffff_0fff;
    match tag {
        SYMLINK => Reparse::SymbolicLink,
        MOUNT_POINT => Reparse::MountPoint,
        APP_ALIAS => Reparse::AppAlias,
        tag if tag & CLOUD_MASK == CLOUD => Reparse::Cloud,
        other => Reparse::Other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(of: &std::path::Path) -> String {
        of.to_str().unwrap().to_owned()
    }

    #[test]
    fn one_object_has_one_identity_under_all_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("one"), directory.path().join("other"));
        std::fs::write(&one, "x").unwrap();
        std::fs::hard_link(&one, &other).unwrap();
        let open = |of: &std::path::Path| Node::open(path(of), Wanted::Attributes, Links::Stay).unwrap();
        let (id, links) = open(&one).identity().unwrap();
        assert_eq!(open(&other).identity().unwrap(), (id, 2));
        assert_eq!(links, 2);
        assert_ne!(open(directory.path()).identity().unwrap().0, id);
        assert!(open(directory.path()).kind().unwrap().directory);
        assert_eq!(open(&one).kind().unwrap(), Kind { directory: false, tag: None });
        let upper = path(&one).to_uppercase();
        assert_eq!(open(std::path::Path::new(&upper)).identity().unwrap().0, id);
        let found = open(&one).final_path().unwrap().into_string().unwrap();
        assert!(found.starts_with(r"\\?\") && found.ends_with("one"), "{found}");
    }

    #[test]
    fn what_is_not_there_says_so() {
        let error = Node::open(r"C:\no such\file", Wanted::Attributes, Links::Stay).unwrap_err();
        assert!(matches!(error.code(), Some(2 | 3)), "{error}");
    }

    #[test]
    fn a_placeholder_goes_with_its_handle() {
        let directory = tempfile::tempdir().unwrap();
        let name = directory.path().join("taken");
        let security: SecurityDescriptor = "D:(A;;FA;;;WD)".parse().unwrap();
        let made = Node::make_file(&path(&name), &security, true).unwrap();
        assert!(name.exists());
        assert!(Node::make_file(&path(&name), &security, false).is_err(), "it is taken");
        drop(made);
        assert!(!name.exists());
        let inner = directory.path().join("inner");
        drop(Node::make_directory(&path(&inner), &security, Wanted::Security).unwrap());
        Node::open(path(&inner), Wanted::Removal, Links::Stay).unwrap().remove().unwrap();
        assert!(!inner.exists());
        let kept = Node::make_directory(&path(&inner), &security, Wanted::UntilClosed).unwrap();
        assert!(inner.exists());
        drop(kept);
        assert!(!inner.exists());
        // What was put into it stays, and so does the directory.
        let kept = Node::make_directory(&path(&inner), &security, Wanted::UntilClosed).unwrap();
        std::fs::write(inner.join("of the user"), "x").unwrap();
        drop(kept);
        assert!(inner.join("of the user").exists());
    }

    #[test]
    fn what_is_held_can_neither_go_nor_move() {
        let directory = tempfile::tempdir().unwrap();
        let name = directory.path().join("held");
        std::fs::create_dir(&name).unwrap();
        let held = Node::open(path(&name), Wanted::Hold, Links::Stay).unwrap();
        assert!(std::fs::remove_dir(&name).is_err());
        drop(held);
        std::fs::remove_dir(&name).unwrap();
    }

    #[test]
    fn tags_have_their_names() {
        assert_eq!(reparse(0xa000_0003), Reparse::MountPoint);
        assert_eq!(reparse(0x9000_701a), Reparse::Cloud);
        assert_eq!(reparse(0x8000_0017), Reparse::Other(0x8000_0017));
        assert_eq!(halves(1 << 64 | 2), (1, 2));
    }
}
