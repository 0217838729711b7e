//! Functions that not every Windows has, looked up when they are needed.
//!
//! A program that imports a function in the usual way does not even start where it is missing.

use super::handle::checked;
use super::wide::Wide;
use crate::OsError;
use crate::error::Context;
use crate::windows::error::Unavailable;
use core::marker::PhantomData;
use std::sync::OnceLock;
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW, SetDefaultDllDirectories,
};

/// A function of a system library, of the type `F`.
#[derive(Debug)]
pub struct Function<F> {
    missing: Unavailable,
    /// The name with its zero.
    name: &'static core::ffi::CStr,
    address: OnceLock<Option<usize>>,
    signature: PhantomData<fn() -> F>,
}

impl<F: Copy> Function<F> {
    /// Names a function.
    ///
    /// # Safety
    /// `F` is the type of a pointer to the function, `extern "system"`, as its documentation gives it.
    #[must_use]
    pub const unsafe fn new(
        library: &'static str,
        name: &'static core::ffi::CStr,
        since: &'static str,
    ) -> Self {
        assert!(size_of::<F>() == size_of::<usize>(), "a function pointer is meant");
        let function = match name.to_str() {
            Ok(text) => text,
            Err(_) => "",
        };
        Self {
            missing: Unavailable { function, library, since },
            name,
            address: OnceLock::new(),
            signature: PhantomData,
        }
    }

    /// The function.
    ///
    /// # Errors
    /// [`Unavailable`] where the library or the function is missing.
    pub fn find(&self) -> Result<F, Unavailable> {
        let address = self.address.get_or_init(|| lookup(self.missing.library, self.name));
        let address = (*address).ok_or(self.missing)?;
        // SAFETY: `new` was told that `F` is the type of this function's pointer, and sizes were compared there.
        Ok(unsafe { core::mem::transmute_copy::<usize, F>(&address) })
    }

    /// Whether it is there.
    pub fn is_available(&self) -> bool {
        self.find().is_ok()
    }
}

/// From now on a library that is named without a path is searched in the directory of the system alone: that of the program may
/// be one where anybody writes, such as the user's downloads. What is bound late (`bins/cli/late.imports`) is searched so too.
///
/// # Errors
/// When the system refuses.
pub fn search_system_alone() -> Result<(), OsError> {
    // SAFETY: it takes a number alone.
    checked(unsafe { SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32) })
        .on("restrict", "the search for libraries")
}

/// Where a function is. Only the directory of the system is searched: what lies beside the program or on PATH may be
/// anybody's. The library stays loaded.
fn lookup(library: &str, name: &core::ffi::CStr) -> Option<usize> {
    let library = Wide::new("the name of a library", library).ok()?;
    // SAFETY: the name ends with a zero, and the second argument is reserved as null.
    let module =
        unsafe { LoadLibraryExW(library.as_ptr(), core::ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
    if module.is_null() {
        return None;
    }
    // SAFETY: the module is loaded and is never freed, and the name ends with a zero.
    let found = unsafe { GetProcAddress(module, name.as_ptr().cast()) };
    found.map(|function| function as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tick = unsafe extern "system" fn() -> u64;

    #[test]
    fn what_is_there_is_called_and_what_is_not_is_named() {
        // SAFETY: it takes nothing and returns a count (sysinfoapi.h).
        let known = unsafe { Function::<Tick>::new("kernel32.dll", c"GetTickCount64", "Windows Vista") };
        // SAFETY: as above; the function has no rules.
        assert!(unsafe { known.find().unwrap()() } > 0);
        // SAFETY: never called.
        let absent = unsafe { Function::<Tick>::new("kernel32.dll", c"NoSuchFunction", "Windows 99") };
        assert_eq!(absent.find().unwrap_err().since, "Windows 99");
        // SAFETY: never called.
        let nowhere = unsafe { Function::<Tick>::new("no-such-library.dll", c"F", "Windows 99") };
        assert!(!nowhere.is_available());
    }
}
