//! Job objects: limits for a tree of processes, and its end.

use super::handle::{checked, owned};
use crate::OsError;
use crate::error::Context;
use garth_plan::windows::launch::{JobSpec, ObservedJob, UiLimits};
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::time::Duration;
use windows_sys::Win32::System::JobObjects::{
    CreateJobObjectW, IsProcessInJob, JOB_OBJECT_CPU_RATE_CONTROL_ENABLE,
    JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP, JOB_OBJECT_LIMIT_ACTIVE_PROCESS, JOB_OBJECT_LIMIT_BREAKAWAY_OK,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_JOB_MEMORY,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK,
    JOBOBJECT_ASSOCIATE_COMPLETION_PORT, JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
    JOBOBJECT_BASIC_UI_RESTRICTIONS, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0, JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JOBOBJECTINFOCLASS,
    JobObjectAssociateCompletionPortInformation, JobObjectBasicAccountingInformation,
    JobObjectBasicUIRestrictions, JobObjectCpuRateControlInformation, JobObjectExtendedLimitInformation,
    QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};

/// What the processes of a job used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Processor time in their own code.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Most memory of one of them, in bytes.
    pub memory: u64,
    /// How many there were.
    pub processes: u64,
}

/// A job. Everything in it ends when this is dropped, and when this process dies: nobody else has a handle.
#[derive(Debug)]
pub struct Job {
    handle: OwnedHandle,
}

impl Job {
    /// An empty job with its limits. It has no name, so nobody can open it.
    ///
    /// # Errors
    /// When the system refuses a limit; none is left out.
    pub fn new(spec: &JobSpec) -> Result<Self, OsError> {
        // SAFETY: both arguments may be null: default security, no name.
        let handle = unsafe { owned(CreateJobObjectW(core::ptr::null(), core::ptr::null())) };
        let job = Self { handle: handle.on("make", "a job object")? };
        note!("CreateJobObjectW = {:?}", job.handle.as_raw_handle());
        job.set(JobObjectExtendedLimitInformation, &limits(spec)?).on("limit", "a job object")?;
        if spec.ui != UiLimits(0) {
            let ui = JOBOBJECT_BASIC_UI_RESTRICTIONS { UIRestrictionsClass: spec.ui.0 };
            job.set(JobObjectBasicUIRestrictions, &ui).on("limit the user interface of", "a job object")?;
        }
        if let Some(rate) = spec.cpu {
            let control = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
            let information = JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
                ControlFlags: control,
                Anonymous: JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0 { CpuRate: rate },
            };
            let set = job.set(JobObjectCpuRateControlInformation, &information);
            set.on("limit the processors of", "a job object").map_err(|error| {
                error.with_remedy(
                    "leave `limits.cpu` out of your policy, or ask for less than a whole machine",
                )
            })?;
        }
        Ok(job)
    }

    fn set<T>(&self, class: JOBOBJECTINFOCLASS, information: &T) -> io::Result<()> {
        let length = u32::try_from(size_of::<T>()).map_err(io::Error::other)?;
        note!(
            "SetInformationJobObject {:?}: {}",
            self.handle.as_raw_handle(),
            // SAFETY: as of the call.
            unsafe { super::calls::kept::job(class, (&raw const *information).cast()) }
        );
        // SAFETY: the structure is the one of the class, and it outlives the call.
        checked(unsafe {
            SetInformationJobObject(
                self.handle.as_raw_handle(),
                class,
                (&raw const *information).cast(),
                length,
            )
        })
    }

    fn query<T: Default>(&self, class: JOBOBJECTINFOCLASS) -> Option<T> {
        let mut information = T::default();
        note!("QueryInformationJobObject {:?}: class {class}", self.handle.as_raw_handle());
        let length = u32::try_from(size_of::<T>()).ok()?;
        // SAFETY: the structure is the one of the class, and it outlives the call.
        checked(unsafe {
            QueryInformationJobObject(
                self.handle.as_raw_handle(),
                class,
                (&raw mut information).cast(),
                length,
                core::ptr::null_mut(),
            )
        })
        .ok()
        .map(|()| information)
    }

    /// What the system says that the limits are.
    #[must_use]
    pub fn observe(&self) -> ObservedJob {
        let limits: Option<JOBOBJECT_EXTENDED_LIMIT_INFORMATION> =
            self.query(JobObjectExtendedLimitInformation);
        let flags = limits.map(|limits| limits.BasicLimitInformation.LimitFlags);
        let has = |flag: u32| flags.map(|flags| flags & flag != 0);
        let breakaway = JOB_OBJECT_LIMIT_BREAKAWAY_OK | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
        let ui: Option<JOBOBJECT_BASIC_UI_RESTRICTIONS> = self.query(JobObjectBasicUIRestrictions);
        ObservedJob {
            kill_on_close: has(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE),
            breakaway: has(breakaway),
            memory: limits.map(|limits| {
                let set = limits.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_JOB_MEMORY != 0;
                set.then_some(limits.JobMemoryLimit as u64)
            }),
            processes: limits.map(|limits| {
                let set = limits.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_ACTIVE_PROCESS != 0;
                set.then_some(limits.BasicLimitInformation.ActiveProcessLimit)
            }),
            cpu: self.processors(),
            ui: ui.map(|ui| UiLimits(ui.UIRestrictionsClass)),
        }
    }

    fn processors(&self) -> Option<Option<u32>> {
        let found: JOBOBJECT_CPU_RATE_CONTROL_INFORMATION = self.query(JobObjectCpuRateControlInformation)?;
        if found.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_ENABLE == 0 {
            return Some(None);
        }
        let hard = found.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP != 0;
        // SAFETY: every form of the union is a number of 32 bits, or two of 16.
        let rate = unsafe { found.Anonymous.CpuRate };
        hard.then_some(Some(rate))
    }

    /// Whether a process is in this job.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn holds(&self, process: BorrowedHandle<'_>) -> Result<bool, OsError> {
        let mut inside = 0;
        note!("IsProcessInJob {:?} {:?}", process.as_raw_handle(), self.handle.as_raw_handle());
        // SAFETY: both handles are open while they are borrowed, and the result has its place.
        checked(unsafe {
            IsProcessInJob(process.as_raw_handle(), self.handle.as_raw_handle(), &raw mut inside)
        })
        .on("ask for the job of", "a process")?;
        Ok(inside != 0)
    }

    /// Tells of the processes in it to this completion port, under a key.
    ///
    /// # Errors
    /// When the system refuses; a job has one port.
    pub(super) fn tell(&self, port: BorrowedHandle<'_>, key: usize) -> Result<(), OsError> {
        let information = JOBOBJECT_ASSOCIATE_COMPLETION_PORT {
            CompletionKey: core::ptr::without_provenance_mut(key),
            CompletionPort: port.as_raw_handle(),
        };
        self.set(JobObjectAssociateCompletionPortInformation, &information).on("hear of", "a job object")
    }

    /// The same job by another handle. What is in it lives until both are closed, or it is ended.
    ///
    /// # Errors
    /// When the system has no room for another handle.
    pub fn twin(&self) -> Result<Self, OsError> {
        Ok(Self { handle: self.handle.try_clone().on("keep", "a job object")? })
    }

    /// What all that was in it used so far; `None` if the system does not say.
    #[must_use]
    pub fn used(&self) -> Option<Used> {
        let times: JOBOBJECT_BASIC_ACCOUNTING_INFORMATION =
            self.query(JobObjectBasicAccountingInformation)?;
        let limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = self.query(JobObjectExtendedLimitInformation)?;
        // Times are counted in units of 100 nanoseconds.
        let time = |units: i64| Duration::from_micros(u64::try_from(units).unwrap_or(0) / 10);
        Some(Used {
            user: time(times.TotalUserTime),
            system: time(times.TotalKernelTime),
            memory: limits.PeakProcessMemoryUsed as u64,
            processes: u64::from(times.TotalProcesses),
        })
    }

    /// How many processes of it live.
    #[must_use]
    pub fn active(&self) -> Option<u32> {
        let accounting: JOBOBJECT_BASIC_ACCOUNTING_INFORMATION =
            self.query(JobObjectBasicAccountingInformation)?;
        Some(accounting.ActiveProcesses)
    }

    /// Ends everything in it, with this exit code.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn terminate(&self, code: u32) -> Result<(), OsError> {
        // SAFETY: the handle is open.
        checked(unsafe { TerminateJobObject(self.handle.as_raw_handle(), code) }).on("end", "a job object")
    }
}

impl AsHandle for Job {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

fn limits(spec: &JobSpec) -> Result<JOBOBJECT_EXTENDED_LIMIT_INFORMATION, OsError> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    // Without the second a crash would wait for somebody to close a window.
    let mut flags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    if let Some(memory) = spec.memory {
        flags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
        let too_large = || OsError::new("limit", format!("the memory of a job to {memory} bytes"), 87);
        limits.JobMemoryLimit = usize::try_from(memory).map_err(|_| too_large())?;
    }
    if let Some(processes) = spec.processes {
        flags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
        limits.BasicLimitInformation.ActiveProcessLimit = processes;
    }
    limits.BasicLimitInformation.LimitFlags = flags;
    Ok(limits)
}
