//! SIDs, lists and descriptors of the plan, in memory as the system takes them.

use crate::OsError;
use crate::windows::error::{Error, Result};
use core::ffi::c_void;
use garth_plan::windows::{Acl, SecurityDescriptor, Sid};
use windows_sys::Win32::Security::{GetLengthSid, IsValidSid, PSID, SECURITY_ATTRIBUTES, SID_AND_ATTRIBUTES};

/// Bytes at an address that is a multiple of eight, as structures of the system need it.
#[derive(Clone, Debug)]
pub struct Aligned {
    words: Vec<u64>,
    length: usize,
}

impl Aligned {
    /// A copy of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0_u64; bytes.len().div_ceil(8).max(1)];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
        Self { words, length: bytes.len() }
    }

    /// Room for `length` bytes, all zero.
    #[must_use]
    pub fn room(length: usize) -> Self {
        Self { words: vec![0; length.div_ceil(8).max(1)], length }
    }

    /// Where it begins. The system declares most of what it only reads as writable.
    pub fn as_mut_ptr(&mut self) -> *mut c_void {
        self.words.as_mut_ptr().cast()
    }

    /// Where it begins.
    #[must_use]
    pub fn as_ptr(&self) -> *const c_void {
        self.words.as_ptr().cast()
    }

    /// A copy of the bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let all = self.words.iter().flat_map(|word| word.to_ne_bytes());
        all.take(self.length).collect()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Length in bytes for calls that take 32 bits.
    pub(super) fn short_length(&self) -> u32 {
        u32::try_from(self.length).unwrap_or(u32::MAX)
    }
}

/// SIDs with attributes: an array whose pointers lead into memory of its own.
pub struct SidArray {
    entries: Vec<SID_AND_ATTRIBUTES>,
    // The entries point into these blocks on the heap, which stay where they are when this structure moves.
    _blocks: Vec<Aligned>,
}

impl core::fmt::Debug for SidArray {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SidArray").field("count", &self.entries.len()).finish_non_exhaustive()
    }
}

impl SidArray {
    /// These SIDs, each with the attributes.
    #[must_use]
    pub fn new(sids: &[Sid], attributes: u32) -> Self {
        let mut blocks: Vec<Aligned> = sids.iter().map(|sid| Aligned::new(&sid.to_bytes())).collect();
        let entries = blocks
            .iter_mut()
            .map(|block| SID_AND_ATTRIBUTES { Sid: block.as_mut_ptr(), Attributes: attributes })
            .collect();
        Self { entries, _blocks: blocks }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Where the array begins; null for an empty one, as calls want it.
    #[must_use]
    pub fn as_ptr(&self) -> *const SID_AND_ATTRIBUTES {
        if self.entries.is_empty() { core::ptr::null() } else { self.entries.as_ptr() }
    }

    /// The same for structures that declare it writable.
    pub fn as_mut_ptr(&mut self) -> *mut SID_AND_ATTRIBUTES {
        if self.entries.is_empty() { core::ptr::null_mut() } else { self.entries.as_mut_ptr() }
    }
}

/// Copies a SID that the system handed out.
///
/// # Safety
/// `sid` is null or points to memory that holds a SID as long as it says to be.
///
/// # Errors
/// [`Error::Value`] for what is no SID.
pub unsafe fn sid(sid: PSID) -> Result<Sid> {
    // SAFETY: the caller vouches for the memory; null is asked about first.
    if sid.is_null() || unsafe { IsValidSid(sid) } == 0 {
        return Err(Error::value("a SID of the system", "it is not valid"));
    }
    // SAFETY: the SID is valid, so it has as many bytes as this says, and the caller vouches for them.
    let bytes = unsafe { core::slice::from_raw_parts(sid.cast::<u8>(), GetLengthSid(sid) as usize) };
    Sid::read(bytes).map_err(|error| Error::value("a SID of the system", error.to_string()))
}

/// A descriptor in self-relative form.
///
/// # Errors
/// [`Error::Value`] for one that is too long.
pub fn descriptor(descriptor: &SecurityDescriptor) -> Result<Aligned> {
    let bytes = descriptor.to_bytes();
    Ok(Aligned::new(&bytes.map_err(|error| Error::value("a security descriptor", error.to_string()))?))
}

/// A list in binary form.
///
/// # Errors
/// [`Error::Value`] for one that is too long.
pub fn list(list: &Acl) -> Result<Aligned> {
    let mut bytes = Vec::with_capacity(list.size());
    list.write(&mut bytes).map_err(|error| Error::value("an access list", error.to_string()))?;
    Ok(Aligned::new(&bytes))
}

/// Security of an object that is made; its handle is not inherited.
pub(super) fn attributes(descriptor: &mut Aligned) -> SECURITY_ATTRIBUTES {
    SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: descriptor.as_mut_ptr(),
        bInheritHandle: 0,
    }
}

/// What a structure says that the system wrote into a block.
///
/// # Errors
/// When the block is too short for it.
pub(super) fn structure<T: Copy>(block: &Aligned) -> core::result::Result<T, OsError> {
    if block.len() < size_of::<T>() || align_of::<T>() > align_of::<u64>() {
        return Err(OsError::new("read", "an answer of the system", 24));
    }
    // SAFETY: the block is as long and as aligned as `T` needs, and the callers only ask for structures of integers and
    // pointers, for which any bytes are a value.
    Ok(unsafe { block.as_ptr().cast::<T>().read() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_plan::windows::known;

    #[test]
    fn sids_go_in_and_come_out() {
        let array = SidArray::new(&[known::EVERYONE, known::ADMINISTRATORS], 4);
        assert_eq!(array.count(), 2);
        // SAFETY: the array has two entries, whose SIDs live as long as it does.
        let read = unsafe { (sid((*array.as_ptr()).Sid), sid((*array.as_ptr().add(1)).Sid)) };
        assert_eq!((read.0.unwrap(), read.1.unwrap()), (known::EVERYONE, known::ADMINISTRATORS));
        assert!(SidArray::new(&[], 0).as_ptr().is_null());
        // SAFETY: null is allowed.
        assert!(unsafe { sid(core::ptr::null_mut()) }.is_err());
    }

    #[test]
    fn bytes_keep_their_order_and_length() {
        let block = Aligned::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!((block.len(), block.words.len()), (9, 2));
        assert_eq!(structure::<[u8; 9]>(&block).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(structure::<[u8; 10]>(&block).is_err());
    }
}
