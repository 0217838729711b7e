//! Contents of files.

use crate::undo::Opened;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::AsHandle;

const PIECE: usize = 128 * 1024;

/// The code of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i32);

impl From<Code> for io::Error {
    fn from(code: Code) -> Self {
        Self::from_raw_os_error(code.0)
    }
}

impl From<io::Error> for Code {
    fn from(error: io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(0))
    }
}

/// Another handle to the same place in the same file.
fn again(file: impl AsHandle) -> Result<File, Code> {
    Ok(File::from(file.as_handle().try_clone_to_owned()?))
}

fn read_full(file: &mut File, buffer: &mut [u8]) -> Result<usize, Code> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Whether the rest of two files is the same.
///
/// # Errors
/// The error of a read.
pub fn same(one: impl AsHandle, other: impl AsHandle) -> Result<bool, Code> {
    let (mut one, mut other) = (again(one)?, again(other)?);
    let (mut here, mut there) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let count = read_full(&mut one, &mut here)?;
        if count != read_full(&mut other, &mut there)? || here[..count] != there[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

/// The rest of a file, if it is no longer than `most` bytes.
///
/// # Errors
/// The error of a read.
pub fn read_short(file: impl AsHandle, most: u64) -> Result<Option<Vec<u8>>, Code> {
    let mut text = Vec::new();
    again(file)?.take(most.saturating_add(1)).read_to_end(&mut text)?;
    Ok((text.len() as u64 <= most).then_some(text))
}

/// Copies the rest of a file, and makes the copy durable.
///
/// # Errors
/// The error of a read or write.
pub fn copy(from: &Opened, to: &Opened) -> Result<(), Code> {
    let (mut from, mut to) = (again(from)?, again(to)?);
    io::copy(&mut from, &mut to)?;
    Ok(to.sync_all()?)
}

/// Writes all of these bytes, and makes them durable.
///
/// # Errors
/// The error of a write.
pub fn write_all(file: impl AsHandle, bytes: &[u8]) -> Result<(), Code> {
    let mut file = again(file)?;
    file.write_all(bytes)?;
    Ok(file.sync_data()?)
}
