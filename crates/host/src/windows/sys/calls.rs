//! What the calls that make a sandbox were handed: read back from the very memory that the system gets, and kept for the tests of
//! this crate alone. In a program nothing of it is left.

/// Notes a call, in the words of `format!`. It stands right before the call, or behind it where it tells the handle that came of it.
macro_rules! note {
    ($($words:tt)*) => {
        #[cfg(test)]
        $crate::windows::sys::calls::kept::push(format!($($words)*));
    };
}

#[cfg(test)]
pub(in crate::windows) mod kept {
    use super::super::security::{Aligned, sid};
    use core::ffi::c_void;
    use garth_plan::windows::acl::ListKind;
    use garth_plan::windows::{Acl, SecurityDescriptor, Sid};
    use std::cell::RefCell;
    use windows_sys::Win32::Security::{LUID_AND_ATTRIBUTES, SECURITY_CAPABILITIES, SID_AND_ATTRIBUTES};
    use windows_sys::Win32::System::JobObjects::{
        JOBOBJECT_BASIC_UI_RESTRICTIONS, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JOBOBJECTINFOCLASS, JobObjectBasicUIRestrictions,
        JobObjectCpuRateControlInformation, JobObjectExtendedLimitInformation,
    };
    use windows_sys::Win32::System::Threading::{
        PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES,
    };

    thread_local! {
        /// The calls of this thread: tests run beside each other.
        static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    /// Keeps a call.
    pub fn push(call: String) {
        CALLS.with_borrow_mut(|calls| calls.push(call));
    }

    /// The calls of this thread since the last time, and what came of it.
    pub fn during<T>(what: impl FnOnce() -> T) -> (Vec<String>, T) {
        CALLS.take();
        let result = what();
        (CALLS.take(), result)
    }

    /// What is set of a job.
    ///
    /// # Safety
    /// `information` leads to the structure of the class.
    #[expect(non_upper_case_globals, reason = "names of the system's own")]
    pub unsafe fn job(class: JOBOBJECTINFOCLASS, information: *const c_void) -> String {
        match class {
            JobObjectExtendedLimitInformation => {
                // SAFETY: the caller vouches for the structure.
                let limits = unsafe { &*information.cast::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>() };
                let basic = &limits.BasicLimitInformation;
                let (flags, processes) = (basic.LimitFlags, basic.ActiveProcessLimit);
                format!("limits {flags:#x}, {} bytes, {processes} processes", limits.JobMemoryLimit)
            }
            JobObjectBasicUIRestrictions => {
                // SAFETY: the caller vouches for the structure.
                let ui = unsafe { &*information.cast::<JOBOBJECT_BASIC_UI_RESTRICTIONS>() };
                format!("user interface {:#x}", ui.UIRestrictionsClass)
            }
            JobObjectCpuRateControlInformation => {
                // SAFETY: the caller vouches for the structure, whose union is a number of 32 bits in each form.
                let (control, rate) = unsafe {
                    let found = &*information.cast::<JOBOBJECT_CPU_RATE_CONTROL_INFORMATION>();
                    (found.ControlFlags, found.Anonymous.CpuRate)
                };
                format!("processors {control:#x}, {rate}")
            }
            other => format!("class {other}"),
        }
    }

    /// SIDs with their attributes.
    ///
    /// # Safety
    /// `first` leads to `count` entries with valid SIDs, or is null.
    pub unsafe fn sids(first: *const SID_AND_ATTRIBUTES, count: u32) -> String {
        let entries = if first.is_null() {
            &[]
        } else {
            // SAFETY: the caller vouches for the entries.
            unsafe { core::slice::from_raw_parts(first, count as usize) }
        };
        // SAFETY: the caller vouches for the SIDs.
        let each = entries.iter().map(|entry| (unsafe { sid(entry.Sid) }.unwrap(), entry.Attributes));
        shown(each)
    }

    /// SIDs as [`sids`] writes them.
    pub fn shown(sids: impl IntoIterator<Item = (Sid, u32)>) -> String {
        let each: Vec<String> =
            sids.into_iter().map(|(sid, attributes)| format!("{sid}/{attributes}")).collect();
        format!("[{}]", each.join(" "))
    }

    /// Numbers of privileges.
    pub fn privileges(entries: &[LUID_AND_ATTRIBUTES]) -> String {
        format!("{:?}", entries.iter().map(|entry| entry.Luid.LowPart).collect::<Vec<_>>())
    }

    /// An access list.
    pub fn list(block: &Aligned) -> String {
        format!("{:?}", Acl::read(&block.bytes(), ListKind::Discretionary).unwrap())
    }

    /// A descriptor as text.
    pub fn descriptor(block: &Aligned) -> String {
        SecurityDescriptor::read(&block.bytes()).unwrap().to_string()
    }

    /// A container.
    ///
    /// # Safety
    /// The pointers of the structure are valid.
    pub unsafe fn container(value: &SECURITY_CAPABILITIES) -> String {
        // SAFETY: the caller vouches for both.
        let (package, capabilities) =
            unsafe { (sid(value.AppContainerSid).unwrap(), sids(value.Capabilities, value.CapabilityCount)) };
        format!("package {package}, capabilities {capabilities}, reserved {}", value.Reserved)
    }

    /// An attribute's value, in words of 64 bits or what is left of one.
    ///
    /// # Safety
    /// `value` leads to `length` bytes, but for a pseudoconsole, which is the value.
    pub unsafe fn attribute(attribute: u32, value: *const c_void, length: usize) -> String {
        if attribute == PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE {
            return format!("{:#x}", value as usize);
        }
        if attribute == PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES {
            // Addresses; what they lead to is noted by itself.
            return format!("{length} bytes");
        }
        // SAFETY: the caller vouches for the bytes.
        let bytes = unsafe { core::slice::from_raw_parts(value.cast::<u8>(), length) };
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let words: Vec<String> = bytes.chunks(8).map(|bytes| format!("{:#x}", word(bytes))).collect();
        words.join(" ")
    }

    /// A text that ends with a zero; `-` for none.
    ///
    /// # Safety
    /// `text` is null or leads to such a text.
    pub unsafe fn text(text: *const u16) -> String {
        if text.is_null() {
            return "-".to_owned();
        }
        let mut units = Vec::new();
        // SAFETY: the caller vouches for all up to the zero.
        while let unit @ 1.. = unsafe { *text.add(units.len()) } {
            units.push(unit);
        }
        String::from_utf16(&units).unwrap()
    }
}
