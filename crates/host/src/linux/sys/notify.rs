//! The listener of `seccomp_unotify(2)`.
#![expect(unsafe_code, reason = "the seccomp ioctls have no safe wrapper")]

use super::memory::last_errno;
use garth_plan::linux::bpf::Instruction;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;

/// A supervised call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    /// Identifies the call while it waits.
    pub id: u64,
    /// The calling thread, as numbered in the supervisor's pid namespace.
    pub thread: u32,
    /// The system-call number.
    pub number: u32,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// The descriptor on which supervised calls arrive.
#[derive(Debug)]
pub struct Listener(OwnedFd);

const FLAG_CONTINUE: u32 = 1;
const FD_SYNC_WAKE_UP: libc::c_ulong = 1;

/// A request number in the type that the C library at hand takes: musl's is signed.
const fn request(number: u32) -> libc::Ioctl {
    number as libc::Ioctl
}

const IOCTL_SET_FLAGS: libc::Ioctl = request(0x4008_2104);
const IOCTL_RECV: libc::Ioctl = request(0xC050_2100);
const IOCTL_SEND: libc::Ioctl = request(0xC018_2101);
const IOCTL_ADDFD: libc::Ioctl = request(0x4018_2103);

impl Listener {
    /// Asks the kernel to run supervisor and caller on one processor in turns (Linux 6.6). It saves the
    /// wake-up of an idle processor, the greater part of the cost; older kernels only stay slower.
    pub fn wake_synchronously(&self) {
        // SAFETY: the request takes an integer argument and no pointer.
        unsafe { libc::ioctl(self.0.as_raw_fd(), IOCTL_SET_FLAGS, FD_SYNC_WAKE_UP) };
    }

    /// Waits for the next call.
    ///
    /// # Errors
    /// `ENOENT` when the caller died meanwhile, `EINTR`, and whatever the descriptor reports when the last
    /// supervised process is gone.
    pub fn receive(&self) -> Result<Notification, Errno> {
        // SAFETY: the structure is plain integers; all zero is what the kernel asks for.
        let mut raw: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the request writes one `seccomp_notif` into the exclusive borrow.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), IOCTL_RECV, &raw mut raw) };
        if result != 0 {
            return Err(last_errno());
        }
        let number = u32::try_from(raw.data.nr).map_err(|_| Errno::NOSYS)?;
        Ok(Notification { id: raw.id, thread: raw.pid, number, arguments: raw.data.args })
    }

    /// Whether every process that could make a supervised call is gone.
    #[must_use]
    pub fn is_deserted(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut events = [PollFd::new(&self.0, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let [event] = match poll(&mut events, Some(&now)) {
            Ok(_) => events,
            Err(_) => return false,
        };
        event.revents().contains(PollFlags::HUP)
    }

    /// Lets the caller go on with the call itself. Only right where the kernel refuses on its own whatever
    /// the caller may have made of its arguments since.
    ///
    /// # Errors
    /// `ENOENT` when the caller is gone.
    pub fn proceed(&self, id: u64) -> Result<(), Errno> {
        self.respond(id, 0, 0, FLAG_CONTINUE)
    }

    /// Answers with success and a value.
    ///
    /// # Errors
    /// `ENOENT` when the caller is gone.
    pub fn succeed(&self, id: u64, value: i64) -> Result<(), Errno> {
        self.respond(id, value, 0, 0)
    }

    /// Answers with an error.
    ///
    /// # Errors
    /// `ENOENT` when the caller is gone.
    pub fn fail(&self, id: u64, errno: Errno) -> Result<(), Errno> {
        self.respond(id, 0, -errno.raw_os_error(), 0)
    }

    fn respond(&self, id: u64, val: i64, error: i32, flags: u32) -> Result<(), Errno> {
        let response = libc::seccomp_notif_resp { id, val, error, flags };
        // SAFETY: the request reads one `seccomp_notif_resp` from the borrow.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), IOCTL_SEND, &raw const response) };
        if result == 0 { Ok(()) } else { Err(last_errno()) }
    }

    /// Installs a copy of `descriptor` in the caller, lets go of the own one, and only then answers with the
    /// copy's number. The other order would show: a program that was just written could not be executed
    /// (`ETXTBSY`), a pipe would not end, a lock would stay, for as long as the supervisor still held it.
    ///
    /// # Errors
    /// `ENOENT` when the caller is gone, `EMFILE` when it has no free descriptor.
    pub fn hand_over(&self, id: u64, descriptor: OwnedFd, close_on_exec: bool) -> Result<(), Errno> {
        let added = self.add(id, descriptor, close_on_exec);
        self.answer_with(id, added)
    }

    /// The second half of [`Listener::hand_over`]: answers with what [`Listener::add`] returned.
    ///
    /// # Errors
    /// `ENOENT` when the caller is gone.
    pub fn answer_with(&self, id: u64, added: Result<i32, Errno>) -> Result<(), Errno> {
        match added {
            Ok(number) => self.succeed(id, number.into()),
            Err(errno) => self.fail(id, errno),
        }
    }

    /// The first half of [`Listener::hand_over`] (`SECCOMP_IOCTL_NOTIF_ADDFD`): the number that the caller's copy got. The
    /// caller goes on sleeping.
    ///
    /// # Errors
    /// As [`Listener::hand_over`].
    pub fn add(&self, id: u64, descriptor: OwnedFd, close_on_exec: bool) -> Result<i32, Errno> {
        let request = libc::seccomp_notif_addfd {
            id,
            flags: 0,
            srcfd: u32::try_from(descriptor.as_raw_fd()).map_err(|_| Errno::BADF)?,
            newfd: 0,
            newfd_flags: if close_on_exec { libc::O_CLOEXEC.cast_unsigned() } else { 0 },
        };
        // SAFETY: the request reads one `seccomp_notif_addfd` from the borrow.
        let number = unsafe { libc::ioctl(self.0.as_raw_fd(), IOCTL_ADDFD, &raw const request) };
        if number < 0 { Err(last_errno()) } else { Ok(number) }
    }
}

/// The child's end of the way on which its listener comes to the supervisor.
#[derive(Debug)]
pub struct Bringer(OwnedFd);

/// The supervisor's end.
#[derive(Debug)]
pub struct Awaited(OwnedFd);

/// A way for the listener of a child that does not exist yet. The child must share this process's table of
/// descriptors until it executes or ends.
///
/// # Errors
/// The error of `pipe2(2)`.
pub fn way() -> Result<(Bringer, Awaited), Errno> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    Ok((Bringer(write), Awaited(read)))
}

impl Bringer {
    /// In the child: brings what [`Program::install`] returned. Allocates nothing.
    ///
    /// # Errors
    /// The `errno` of `write(2)`.
    pub fn bring(&self, listener: i32) -> Result<(), i32> {
        rustix::io::write(&self.0, &listener.to_ne_bytes()).map(drop).map_err(Errno::raw_os_error)
    }
}

impl Awaited {
    /// Waits for the listener; `None` when none will come.
    #[must_use]
    pub fn take(self) -> Option<Listener> {
        let mut number = [0; 4];
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut number)).ok()?;
        if count != number.len() {
            return None;
        }
        // SAFETY: seccomp returned this number to the child, which shares our table of descriptors and wrote it to a
        // pipe that only it and its starter hold; nothing else in this process refers to it.
        Some(Listener(unsafe { OwnedFd::from_raw_fd(i32::from_ne_bytes(number)) }))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether the kernel can send calls to a supervisor (`SECCOMP_GET_ACTION_AVAIL`).
#[must_use]
pub fn available() -> bool {
    const GET_ACTION_AVAIL: libc::c_ulong = 2;
    let action: u32 = 0x7fc0_0000;
    // SAFETY: the call reads one `u32` from the borrow.
    unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0 as libc::c_ulong, &raw const action) == 0 }
}

/// A seccomp program in the kernel's layout, ready to be installed between `clone` and `execve`.
#[derive(Debug)]
pub struct Program(Vec<libc::sock_filter>);

impl Program {
    /// Lays the instructions out.
    #[must_use]
    pub fn new(instructions: &[Instruction]) -> Self {
        Self(
            instructions
                .iter()
                .map(|i| libc::sock_filter { code: i.code, jt: i.jt, jf: i.jf, k: i.k })
                .collect(),
        )
    }

    /// Installs the program on the calling thread and returns the raw listener, when asked for one.
    /// Allocates nothing, so it can run in a child that shares its parent's memory.
    ///
    /// # Errors
    /// The `errno` of `seccomp(2)`; `EBUSY` when a listener is already installed above.
    pub fn install(&self, listener: bool) -> Result<Option<i32>, i32> {
        const MODE_FILTER: libc::c_ulong = 1;
        const NEW_LISTENER: libc::c_ulong = 1 << 3;
        const WAIT_KILLABLE: libc::c_ulong = 1 << 5;
        let program = libc::sock_fprog {
            len: u16::try_from(self.0.len()).map_err(|_| libc::EINVAL)?,
            filter: self.0.as_ptr().cast_mut(),
        };
        let flags = if listener { NEW_LISTENER | WAIT_KILLABLE } else { 0 };
        // SAFETY: the program points to `len` instructions that live as long as `self`; the kernel copies them.
        let result = unsafe { libc::syscall(libc::SYS_seccomp, MODE_FILTER, flags, &raw const program) };
        if result < 0 {
            return Err(last_errno().raw_os_error());
        }
        Ok(if listener { i32::try_from(result).ok() } else { None })
    }
}
