//! Times, attributes, further streams and links of what was opened.

use super::handle::checked;
use super::security::{Aligned, structure};
use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_NORMAL, FILE_BASIC_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_STANDARD_INFO, FileBasicInfo,
    FileNameInfo, FileStandardInfo, FileStreamInfo, GetFileInformationByHandleEx, SetFileInformationByHandle,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::{FSCTL_GET_REPARSE_POINT, FSCTL_SET_REPARSE_POINT};

/// Times, in units of 100 ns since 1601, and attributes. In what is set a zero leaves a time as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basic {
    /// When it was made.
    pub created: i64,
    /// When its content was written to.
    pub modified: i64,
    /// When anything about it changed. Programs can set it.
    pub changed: i64,
    /// `FILE_ATTRIBUTE_*`
    pub attributes: u32,
}

fn information<T: Copy>(of: BorrowedHandle<'_>, class: FILE_INFO_BY_HANDLE_CLASS) -> io::Result<T> {
    let mut block = Aligned::room(size_of::<T>());
    let raw = of.as_raw_handle();
    // SAFETY: the handle is open, and the buffer has as many bytes as is said.
    checked(unsafe { GetFileInformationByHandleEx(raw, class, block.as_mut_ptr(), block.short_length()) })?;
    structure(&block).map_err(io::Error::other)
}

/// Times and attributes.
///
/// # Errors
/// When the system does not say.
pub fn basic(of: impl AsHandle) -> io::Result<Basic> {
    let found: FILE_BASIC_INFO = information(of.as_handle(), FileBasicInfo)?;
    Ok(Basic {
        created: found.CreationTime,
        modified: found.LastWriteTime,
        changed: found.ChangeTime,
        attributes: found.FileAttributes,
    })
}

/// Sets the time of making, that of writing, and the attributes.
///
/// # Errors
/// When the system refuses.
pub fn set_basic(of: impl AsHandle, wanted: Basic) -> io::Result<()> {
    let wanted = FILE_BASIC_INFO {
        CreationTime: wanted.created,
        LastAccessTime: 0,
        LastWriteTime: wanted.modified,
        ChangeTime: 0,
        // Zero would leave them as they are.
        FileAttributes: if wanted.attributes == 0 { FILE_ATTRIBUTE_NORMAL } else { wanted.attributes },
    };
    let length = u32::try_from(size_of::<FILE_BASIC_INFO>()).unwrap_or(0);
    let raw = of.as_handle().as_raw_handle();
    // SAFETY: the structure is the one of the class, and it outlives the call.
    checked(unsafe { SetFileInformationByHandle(raw, FileBasicInfo, (&raw const wanted).cast(), length) })
}

/// Bytes of its main stream, and how many names it has.
///
/// # Errors
/// When the system does not say.
pub fn size(of: impl AsHandle) -> io::Result<(u64, u64)> {
    let found: FILE_STANDARD_INFO = information(of.as_handle(), FileStandardInfo)?;
    Ok((found.EndOfFile.unsigned_abs(), found.NumberOfLinks.into()))
}

/// The path on its volume, with a separator in front, as the system names what was opened.
///
/// # Errors
/// When the system does not say, or says more than a path can have.
pub fn path_on_volume(of: impl AsHandle) -> io::Result<OsString> {
    // The length in bytes, then as many units as a path can have.
    let mut block = Aligned::room(4 + 2 * 32_768);
    let raw = of.as_handle().as_raw_handle();
    let (place, length) = (block.as_mut_ptr(), block.short_length());
    // SAFETY: the handle is open, and the buffer has as many bytes as is said.
    checked(unsafe { GetFileInformationByHandleEx(raw, FileNameInfo, place, length) })?;
    let bytes = block.bytes();
    let length = bytes.get(..4).and_then(|length| length.try_into().ok()).map_or(0, u32::from_le_bytes);
    let name = bytes.get(4..4 + length as usize).unwrap_or_default();
    let units: Vec<u16> = name.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    Ok(OsString::from_wide(&units))
}

/// Names and sizes of the streams beside the main one; none where the file system has no such thing.
///
/// # Errors
/// When the system does not say, or says more than 1 MiB.
pub fn streams(of: impl AsHandle) -> io::Result<Vec<(String, u64)>> {
    const NONE: [i32; 5] = [1, 38, 50, 87, 120];
    const MORE: [i32; 2] = [122, 234];
    let raw = of.as_handle().as_raw_handle();
    let mut block = Aligned::room(4096);
    loop {
        let (place, length) = (block.as_mut_ptr(), block.short_length());
        // SAFETY: the handle is open, and the buffer has as many bytes as is said.
        let asked = checked(unsafe { GetFileInformationByHandleEx(raw, FileStreamInfo, place, length) });
        match asked.as_ref().map_err(io::Error::raw_os_error) {
            Ok(()) => return Ok(named_streams(&block.bytes())),
            Err(Some(code)) if NONE.contains(&code) => return Ok(Vec::new()),
            Err(Some(code)) if MORE.contains(&code) && block.len() < 1 << 20 => {
                block = Aligned::room(block.len() * 4);
            }
            Err(_) => asked?,
        }
    }
}

/// Reads a list of `FILE_STREAM_INFO`: offset of the next, length of the name in bytes, size, room, name.
fn named_streams(bytes: &[u8]) -> Vec<(String, u64)> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let mut found = Vec::new();
    let mut at = 0;
    while let (Some(next), Some(length)) = (number(at), number(at + 4)) {
        let size = bytes.get(at + 8..at + 16).and_then(|size| size.try_into().ok()).map(u64::from_le_bytes);
        let name = bytes.get(at + 24..at + 24 + length);
        let Some((size, name)) = size.zip(name) else { break };
        let units: Vec<u16> =
            name.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        // `:name:$DATA`; the main stream has no name.
        let text = String::from_utf16_lossy(&units);
        if let Some(name) = text.strip_prefix(':').and_then(|text| text.strip_suffix(":$DATA"))
            && !name.is_empty()
        {
            found.push((name.to_owned(), size));
        }
        if next == 0 {
            break;
        }
        at += next;
    }
    found
}

/// What a reparse point says, as a whole (`REPARSE_DATA_BUFFER`).
///
/// # Errors
/// When it is none, or the system refuses.
pub fn reparse_data(of: impl AsHandle) -> io::Result<Vec<u8>> {
    /// `MAXIMUM_REPARSE_DATA_BUFFER_SIZE`
    const MOST: usize = 16 * 1024;
    let mut block = Aligned::room(MOST);
    let (place, length) = (block.as_mut_ptr(), block.short_length());
    let mut returned = 0;
    let raw = of.as_handle().as_raw_handle();
    let null = core::ptr::null_mut();
    // SAFETY: the handle is open, the buffer has as many bytes as is said, and nothing is asynchronous.
    checked(unsafe {
        DeviceIoControl(raw, FSCTL_GET_REPARSE_POINT, null, 0, place, length, &raw mut returned, null.cast())
    })?;
    let mut bytes = block.bytes();
    bytes.truncate(returned as usize);
    Ok(bytes)
}

/// Makes an empty file or directory a reparse point.
///
/// # Errors
/// When the system refuses.
pub fn set_reparse(of: impl AsHandle, data: &[u8]) -> io::Result<()> {
    let mut block = Aligned::new(data);
    let (place, length) = (block.as_mut_ptr(), block.short_length());
    let mut returned = 0;
    let raw = of.as_handle().as_raw_handle();
    let null = core::ptr::null_mut();
    // SAFETY: the handle is open, the buffer has as many bytes as is said, and nothing is asynchronous.
    checked(unsafe {
        DeviceIoControl(raw, FSCTL_SET_REPARSE_POINT, place, length, null, 0, &raw mut returned, null.cast())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn times_and_attributes_are_set_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create(directory.path().join("x")).unwrap();
        let before = basic(&file).unwrap();
        assert!(before.modified > 0 && before.changed > 0);
        // Whole seconds: some file systems keep no more.
        let modified = 133_000_000_000_000_000;
        set_basic(&file, Basic { modified, attributes: 1, ..Basic::default() }).unwrap();
        let after = basic(&file).unwrap();
        assert_eq!((after.modified, after.attributes & 1), (modified, 1));
        set_basic(&file, Basic::default()).unwrap();
        assert_eq!((basic(&file).unwrap().modified, basic(&file).unwrap().attributes & 1), (modified, 0));
        assert_eq!(size(&file).unwrap(), (0, 1));
        assert_eq!(streams(&file).unwrap(), []);
        assert!(reparse_data(&file).is_err());
    }

    #[test]
    fn a_list_of_streams_is_read() {
        let mut bytes = Vec::new();
        for (at, (name, size)) in [("::$DATA", 3_u64), (":a b:$DATA", 70_000)].into_iter().enumerate() {
            let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let room = (24 + units.len()).next_multiple_of(8);
            let next = if at == 0 { room } else { 0 };
            bytes.extend(u32::try_from(next).unwrap().to_le_bytes());
            bytes.extend(u32::try_from(units.len()).unwrap().to_le_bytes());
            bytes.extend(size.to_le_bytes());
            bytes.extend(size.to_le_bytes());
            bytes.extend(&units);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        assert_eq!(named_streams(&bytes), [("a b".to_owned(), 70_000)]);
        // What is cut off anywhere is read as far as it goes.
        (0..bytes.len()).for_each(|end| drop(named_streams(&bytes[..end])));
    }
}
