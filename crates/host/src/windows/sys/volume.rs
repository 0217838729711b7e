//! What a volume is able to do.

use super::file::{Links, Node, Wanted};
use super::handle::checked;
use super::wide::{Wide, text};
use crate::error::Context;
use crate::windows::error::Result;
use garth_plan::windows::facts::VolumeKind;
use std::os::windows::io::{AsHandle, AsRawHandle};
use windows_sys::Win32::Storage::FileSystem::{
    FileCaseSensitiveInfo, GetDriveTypeW, GetFileInformationByHandleEx, GetShortPathNameW,
    GetVolumeInformationByHandleW, GetVolumePathNameW,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::{
    FILE_FS_PERSISTENT_VOLUME_INFORMATION, FSCTL_QUERY_PERSISTENT_VOLUME_STATE,
    PERSISTENT_VOLUME_STATE_DEV_VOLUME,
};

/// `FILE_PERSISTENT_ACLS`
const ACLS: u32 = 0x0000_0008;
/// `FILE_SUPPORTS_REPARSE_POINTS`
const REPARSE_POINTS: u32 = 0x0000_0080;
/// `FILE_NAMED_STREAMS`
const STREAMS: u32 = 0x0004_0000;
/// `FILE_SUPPORTS_HARD_LINKS`
const HARD_LINKS: u32 = 0x0040_0000;

/// What is known of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeInfo {
    /// Its root, with the separator at its end.
    pub root: String,
    /// What kind.
    pub kind: VolumeKind,
    /// Name of the file system.
    pub file_system: String,
    /// It stores and checks descriptors.
    pub acls: bool,
    /// It has reparse points.
    pub reparse_points: bool,
    /// It has hard links.
    pub hard_links: bool,
    /// It has named streams.
    pub streams: bool,
    /// It is a Dev Drive.
    pub dev_drive: bool,
}

/// The volume that a path lies on.
///
/// # Errors
/// When the system does not say.
pub fn of(path: &str) -> Result<VolumeInfo> {
    let wide = Wide::new(path, path)?;
    let mut units = vec![0_u16; path.encode_utf16().count().max(260) + 1];
    let room = u32::try_from(units.len()).unwrap_or(u32::MAX);
    // SAFETY: the path ends with a zero, and the buffer has as many units as is said.
    checked(unsafe { GetVolumePathNameW(wide.as_ptr(), units.as_mut_ptr(), room) })
        .on("find the volume of", path)?;
    let root = text(&units).to_string_lossy().into_owned();
    let root = root.strip_prefix(r"\\?\").unwrap_or(&root).to_owned();
    let node = Node::open(&root, Wanted::Attributes, Links::Follow)?;
    let mut name = [0_u16; 64];
    let mut flags = 0;
    let null = core::ptr::null_mut();
    // SAFETY: the handle is open, the buffer has as many units as is said, and what is not wanted is null.
    checked(unsafe {
        GetVolumeInformationByHandleW(
            node.as_handle().as_raw_handle(),
            null,
            0,
            null.cast(),
            null.cast(),
            &raw mut flags,
            name.as_mut_ptr(),
            64,
        )
    })
    .on("ask for the abilities of the volume", &root)?;
    let has = |flag: u32| flags & flag != 0;
    Ok(VolumeInfo {
        kind: kind(&root)?,
        file_system: text(&name).to_string_lossy().into_owned(),
        acls: has(ACLS),
        reparse_points: has(REPARSE_POINTS),
        hard_links: has(HARD_LINKS),
        streams: has(STREAMS),
        dev_drive: is_dev_drive(&node),
        root,
    })
}

/// Whether names in a directory differ by case (`FILE_CASE_SENSITIVE_INFO`).
///
/// # Errors
/// When there is no such directory, or the system does not say.
pub fn is_case_sensitive(directory: &str) -> Result<bool> {
    const SENSITIVE: u32 = 0x01;
    let node = Node::open(directory, Wanted::Attributes, Links::Follow)?;
    let mut flags = 0_u32;
    // SAFETY: the structure is one number of four bytes, and the handle is open.
    checked(unsafe {
        GetFileInformationByHandleEx(
            node.as_handle().as_raw_handle(),
            FileCaseSensitiveInfo,
            (&raw mut flags).cast(),
            4,
        )
    })
    .on("ask for the case sensitivity of", directory)?;
    Ok(flags & SENSITIVE != 0)
}

/// Whether an existing path has another, short form (8.3).
///
/// # Errors
/// When there is no such path, or the system does not say.
pub fn has_short_name(path: &str) -> Result<bool> {
    let wide = Wide::new(path, path)?;
    let mut units = vec![0_u16; path.encode_utf16().count().max(260) + 1];
    let room = u32::try_from(units.len()).unwrap_or(u32::MAX);
    // SAFETY: the path ends with a zero, and the buffer has as many units as is said.
    let length = unsafe { GetShortPathNameW(wide.as_ptr(), units.as_mut_ptr(), room) };
    checked(i32::from(length > 0 && length < room)).on("ask for the short name of", path)?;
    Ok(text(&units).to_string_lossy() != path)
}

fn kind(root: &str) -> Result<VolumeKind> {
    const REMOVABLE: u32 = 2;
    const FIXED: u32 = 3;
    const REMOTE: u32 = 4;
    let wide = Wide::new("the root of a volume", root)?;
    // SAFETY: the path ends with a zero.
    Ok(match unsafe { GetDriveTypeW(wide.as_ptr()) } {
        REMOVABLE => VolumeKind::Removable,
        FIXED => VolumeKind::Fixed,
        REMOTE => VolumeKind::Remote,
        _ => VolumeKind::Other,
    })
}

/// A volume that does not know the question is none.
fn is_dev_drive(root: &Node) -> bool {
    let mut state = FILE_FS_PERSISTENT_VOLUME_INFORMATION {
        VolumeFlags: 0,
        FlagMask: PERSISTENT_VOLUME_STATE_DEV_VOLUME,
        Version: 1,
        Reserved: 0,
    };
    let length = u32::try_from(size_of_val(&state)).unwrap_or(0);
    let place = (&raw mut state).cast();
    let mut returned = 0;
    // SAFETY: question and answer have the same form and place, as the control code allows, and nothing is asynchronous.
    let asked = unsafe {
        DeviceIoControl(
            root.as_handle().as_raw_handle(),
            FSCTL_QUERY_PERSISTENT_VOLUME_STATE,
            place,
            length,
            place,
            length,
            &raw mut returned,
            core::ptr::null_mut(),
        )
    };
    asked != 0 && state.VolumeFlags & PERSISTENT_VOLUME_STATE_DEV_VOLUME != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_volume_of_the_temporary_directory_is_a_disk() {
        let directory = tempfile::tempdir().unwrap();
        let found = of(directory.path().to_str().unwrap()).unwrap();
        assert!(found.root.ends_with('\\'), "{found:?}");
        assert!(!found.file_system.is_empty());
        assert_ne!(found.kind, VolumeKind::Other);
    }
}
