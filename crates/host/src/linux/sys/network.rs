//! The loopback interface (`netdevice(7)`) and the namespace that it is in.
#![expect(unsafe_code, reason = "interface requests have no safe wrapper")]

use super::memory::last_errno;
use rustix::fd::{AsRawFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// `SIOCSIFFLAGS` of `linux/sockios.h`, in the type that the C library at hand takes.
const SIOCSIFFLAGS: libc::Ioctl = 0x8914;

/// `SIOCGSKNS` of `linux/sockios.h`.
const SIOCGSKNS: libc::Ioctl = 0x894C;

/// Brings `lo` up in the network namespace of the caller.
///
/// # Errors
/// The error of `SIOCSIFFLAGS`.
pub fn loopback_up() -> Result<(), Errno> {
    let socket = any_socket()?;
    // SAFETY: the request is plain memory, and zero is its empty value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *slot = byte.cast_signed();
    }
    let flags = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).map_err(|_| Errno::INVAL)?;
    // SAFETY: the call reads one `ifreq` from the borrow.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCSIFFLAGS, &raw const request) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// The network namespace of the caller, found by way of a socket: no path is looked up.
///
/// # Errors
/// The error of `SIOCGSKNS`; `EPERM` without rights over the namespace.
pub fn own_namespace() -> Result<OwnedFd, Errno> {
    let socket = any_socket()?;
    // SAFETY: the request takes no argument and returns a fresh descriptor, closed on execution.
    let number = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS) };
    if number < 0 {
        return Err(last_errno());
    }
    // SAFETY: nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn any_socket() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
}
