//! The list of what a new process gets beside its image: its job, its handles, its console, its container.

use super::console::PseudoConsole;
use super::handle::checked;
use super::security::{Aligned, SidArray};
use crate::OsError;
use crate::error::Context;
use core::ffi::c_void;
use core::marker::PhantomData;
use garth_plan::windows::AppContainer;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Security::SECURITY_CAPABILITIES;
use windows_sys::Win32::System::Console::HPCON;
use windows_sys::Win32::System::Threading::{
    DeleteProcThreadAttributeList, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST,
    PROC_THREAD_ATTRIBUTE_ALL_APPLICATION_PACKAGES_POLICY, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
    PROC_THREAD_ATTRIBUTE_JOB_LIST, PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY,
    PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES,
    UpdateProcThreadAttribute,
};

/// `PROCESS_CREATION_ALL_APPLICATION_PACKAGES_OPT_OUT`
const OPT_OUT: u32 = 1;
/// `SE_GROUP_ENABLED`
const ENABLED: u32 = 4;
/// Attributes that this list has room for; each is set at most once.
const MOST: u32 = 6;

/// A list of attributes. What it borrows has to live until the process was made.
#[derive(Debug)]
pub struct AttributeList<'a> {
    block: Aligned,
    // The system keeps the addresses of the values, so each stands on the heap.
    values: Vec<Aligned>,
    capabilities: Vec<SidArray>,
    borrowed: PhantomData<BorrowedHandle<'a>>,
}

impl<'a> AttributeList<'a> {
    /// An empty list.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new() -> Result<Self, OsError> {
        let mut length = 0;
        // SAFETY: without a list only the length is written.
        unsafe { InitializeProcThreadAttributeList(core::ptr::null_mut(), MOST, 0, &raw mut length) };
        let mut block = Aligned::room(length);
        // SAFETY: the block has as many bytes as the system asked for, and stays on the heap until it is deleted.
        checked(unsafe { InitializeProcThreadAttributeList(block.as_mut_ptr(), MOST, 0, &raw mut length) })
            .on("make", "a list of attributes")?;
        Ok(Self { block, values: Vec::new(), capabilities: Vec::new(), borrowed: PhantomData })
    }

    /// The list as the call that makes a process takes it.
    pub(super) fn as_mut_ptr(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.block.as_mut_ptr()
    }

    fn update(&mut self, attribute: u32, value: *const c_void, length: usize) -> io::Result<()> {
        note!(
            "UpdateProcThreadAttribute {attribute:#x}: {}",
            // SAFETY: as of the call.
            unsafe { super::calls::kept::attribute(attribute, value, length) }
        );
        // SAFETY: the list is initialised, and `value` leads to `length` bytes that live as long as this list: the callers
        // keep them in `values`, or hand over what is a value itself.
        checked(unsafe {
            UpdateProcThreadAttribute(
                self.block.as_mut_ptr(),
                0,
                attribute as usize,
                value,
                length,
                core::ptr::null_mut(),
                core::ptr::null(),
            )
        })
    }

    fn keep(&mut self, attribute: u32, bytes: &[u8]) -> io::Result<()> {
        let value = Aligned::new(bytes);
        let (address, length) = (value.as_ptr(), value.len());
        self.values.push(value);
        self.update(attribute, address, length)
    }

    /// The process begins in this job.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn job(&mut self, job: BorrowedHandle<'a>) -> Result<(), OsError> {
        let bytes = handle_bytes([job]);
        self.keep(PROC_THREAD_ATTRIBUTE_JOB_LIST, &bytes).on("choose", "the job of a process")
    }

    /// The process inherits these handles and no other.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn handles(&mut self, handles: &[BorrowedHandle<'a>]) -> Result<(), OsError> {
        // The same handle twice is refused by the system.
        let mut unique: Vec<BorrowedHandle<'a>> = Vec::new();
        for handle in handles {
            if !unique.iter().any(|known| known.as_raw_handle() == handle.as_raw_handle()) {
                unique.push(*handle);
            }
        }
        let bytes = handle_bytes(unique);
        self.keep(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &bytes).on("choose", "the handles of a process")
    }

    /// The process is attached to this pseudoconsole.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn console(&mut self, console: &'a PseudoConsole) -> Result<(), OsError> {
        // This one attribute is not pointed to: the handle stands in its place.
        let value = console.raw() as *const c_void;
        self.update(PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, value, size_of::<HPCON>())
            .on("choose", "the console of a process")
    }

    /// `PROCESS_CREATION_MITIGATION_POLICY` bits.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn mitigations(&mut self, bits: u64) -> Result<(), OsError> {
        self.keep(PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY, &bits.to_ne_bytes())
            .on("choose", "the mitigations of a process")
    }

    /// The process runs in this AppContainer.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn container(&mut self, container: &AppContainer) -> Result<(), OsError> {
        let mut package = Aligned::new(&container.package.to_bytes());
        let mut capabilities = SidArray::new(&container.capabilities, ENABLED);
        let value = SECURITY_CAPABILITIES {
            AppContainerSid: package.as_mut_ptr(),
            Capabilities: capabilities.as_mut_ptr(),
            CapabilityCount: capabilities.count(),
            Reserved: 0,
        };
        // SAFETY: the structure was filled just now.
        note!("SECURITY_CAPABILITIES: {}", unsafe { super::calls::kept::container(&value) });
        self.values.push(package);
        self.capabilities.push(capabilities);
        // SAFETY: a structure of pointers and integers without padding at its end may be read as bytes.
        let bytes = unsafe {
            core::slice::from_raw_parts((&raw const value).cast::<u8>(), size_of::<SECURITY_CAPABILITIES>())
        };
        self.keep(PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES, bytes)
            .on("choose", "the container of a process")?;
        if container.less_privileged {
            let policy = PROC_THREAD_ATTRIBUTE_ALL_APPLICATION_PACKAGES_POLICY;
            self.keep(policy, &OPT_OUT.to_ne_bytes())
                .on("take the grants of all packages from", "a process")?;
        }
        Ok(())
    }
}

impl Drop for AttributeList<'_> {
    fn drop(&mut self) {
        // SAFETY: the list was initialised when it was made.
        unsafe { DeleteProcThreadAttributeList(self.block.as_mut_ptr()) };
    }
}

fn handle_bytes<'h>(handles: impl IntoIterator<Item = BorrowedHandle<'h>>) -> Vec<u8> {
    let address = |handle: BorrowedHandle<'h>| -> HANDLE { handle.as_raw_handle() };
    handles.into_iter().flat_map(|handle| (address(handle) as usize).to_ne_bytes()).collect()
}
