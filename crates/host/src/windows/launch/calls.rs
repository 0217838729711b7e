//! The calls of a start, with what each was handed: nothing but what was ordered, and nothing before what it needs. They are noted
//! from the memory that the system gets, so this holds of what a system is told, whatever it makes of it.

use super::tests::{ALL, cmd, contained};
use super::{Error, Identity, LaunchSpec, Launched, Property, Streams, launch_relaxed};
use crate::windows::error::Result;
use crate::windows::sys::calls::kept::{during, shown};
use garth_plan::windows::AppContainer;
use garth_plan::windows::token::Restriction;
use std::io::pipe;
use std::os::windows::io::{AsHandle, AsRawHandle};

/// `PROCESS_CREATION_MITIGATION_POLICY_EXTENSION_POINT_DISABLE_ALWAYS_ON`
const MITIGATION: u64 = 1 << 32;
/// `CREATE_SUSPENDED`, `CREATE_UNICODE_ENVIRONMENT`, `EXTENDED_STARTUPINFO_PRESENT`, `CREATE_NO_WINDOW`
const FLAGS: u32 = 0x4 | 0x400 | 0x8_0000 | 0x0800_0000;
/// A job ends with its last handle and at a crash, and has a limit of memory and of processes.
const LIMITS: u32 = 0x2000 | 0x400 | 0x200 | 0x8;
/// `SE_GROUP_ENABLED`
const ENABLED: u32 = 4;

/// The calls of a start with these properties let pass, what came of it, and the streams that were handed over.
fn started(order: &LaunchSpec, relaxed: &[Property]) -> (Vec<String>, Result<Launched>, Vec<String>) {
    let (reader, _typed) = pipe().unwrap();
    let (_output, writer) = pipe().unwrap();
    let streams = Streams::of([reader.as_handle(), writer.as_handle(), writer.as_handle()]).unwrap();
    let given = streams.given().unwrap().map(|handle| format!("{:?}", handle.as_raw_handle()));
    let (calls, launched) = during(|| launch_relaxed(order, streams, relaxed, None));
    (calls, launched, given.into())
}

/// What a call says that it made.
fn made<'c>(calls: &'c [String], call: &str) -> &'c str {
    calls.iter().find_map(|line| line.strip_prefix(call)?.strip_prefix(" = ")).unwrap_or("nothing")
}

fn restriction(how: &Restriction, flags: u32) -> String {
    let plain = |sids: &[_]| shown(sids.iter().map(|sid| (*sid, 0)));
    let delete: Vec<u32> = how.delete.iter().map(|privilege| privilege.number()).collect();
    let (disable, restrict) = (plain(&how.disable), plain(&how.restricting));
    format!("CreateRestrictedToken {flags:#x}: disable {disable}, delete {delete:?}, restrict {restrict}")
}

/// What has to be called, up to the making of the process and without it.
fn prepared(order: &LaunchSpec, calls: &[String], given: &[String]) -> Vec<String> {
    let (job, token) = (made(calls, "CreateJobObjectW"), made(calls, "CreateRestrictedToken"));
    let (memory, processes) = (order.job.memory.unwrap(), order.job.processes.unwrap());
    let mut all = vec![
        format!("CreateJobObjectW = {job}"),
        format!("SetInformationJobObject {job}: limits {LIMITS:#x}, {memory} bytes, {processes} processes"),
        format!("SetInformationJobObject {job}: user interface {:#x}", order.job.ui.0),
    ];
    match &order.identity {
        // DISABLE_MAX_PRIVILEGE and WRITE_RESTRICTED
        Identity::Restricted { restriction: how, default_dacl } => all.extend([
            restriction(how, 0x1 | 0x8),
            format!("CreateRestrictedToken = {token}"),
            format!("SetTokenInformation {token}: {default_dacl:?}"),
        ]),
        Identity::Container { base, .. } => {
            all.extend([restriction(base, 0x1), format!("CreateRestrictedToken = {token}")]);
        }
    }
    let desktop = order.desktop.as_ref().unwrap();
    all.extend([
        format!("CreateDesktopW 0x201ff: {}", desktop.security),
        format!("CreateDesktopW = {}", made(calls, "CreateDesktopW")),
        format!("UpdateProcThreadAttribute 0x2000d: {job}"),
        format!("UpdateProcThreadAttribute 0x20002: {}", given.join(" ")),
    ]);
    if let Some(AppContainer { package, capabilities, less_privileged }) = order.identity.container() {
        let capabilities = shown(capabilities.iter().map(|sid| (*sid, ENABLED)));
        all.push(format!(
            "SECURITY_CAPABILITIES: package {package}, capabilities {capabilities}, reserved 0"
        ));
        all.push("UpdateProcThreadAttribute 0x20009: 24 bytes".into());
        all.extend(less_privileged.then(|| "UpdateProcThreadAttribute 0x2000f: 0x1".to_owned()));
    }
    all.push(format!("UpdateProcThreadAttribute 0x20007: {:#x}", order.mitigations));
    all
}

/// The making of the process.
fn making(order: &LaunchSpec, calls: &[String], given: &[String]) -> String {
    let LaunchSpec { program, command_line, directory, .. } = order;
    let (token, desktop) = (made(calls, "CreateRestrictedToken"), made(calls, "CreateDesktopW"));
    let streams = given.join(", ");
    let variables: Vec<String> =
        order.environment.iter().map(|(name, value)| format!("{name}={value}|")).collect();
    format!(
        "CreateProcess token Some({token}), program {program}, line {command_line}, inherit 1, flags {FLAGS:#x}, in \
         {directory}, on {desktop}, startup 112/0x100, streams [{streams}], variables {}|",
        variables.concat()
    )
}

fn order() -> LaunchSpec {
    let mut order = cmd("exit 7");
    order.mitigations = MITIGATION;
    // By name, without regard to case: as the system wants them.
    order.environment.retain(|(name, _)| ["SYSTEMROOT", "WINDIR"].contains(&name.to_uppercase().as_str()));
    order.environment.push(("ZZZ".into(), "ä b".into()));
    order.environment.sort_by_key(|(name, _)| name.to_uppercase());
    order
}

/// Whoever has the job by another handle, or a second job, would not be found in this.
#[test]
fn a_start_calls_what_is_planned_and_nothing_else() {
    let order = order();
    let (calls, launched, given) = started(&order, ALL);
    let launched = launched.unwrap();
    let (job, process) =
        (launched.job.as_handle().as_raw_handle(), launched.process.as_handle().as_raw_handle());
    let made_process = made(&calls, "CreateProcess");
    assert!(made_process.starts_with(&format!("{process:?}, thread ")), "{made_process}");
    let thread = made_process.rsplit(' ').next().unwrap();
    let mut wanted = prepared(&order, &calls, &given);
    wanted.extend([
        making(&order, &calls, &given),
        format!("CreateProcess = {made_process}"),
        format!("IsProcessInJob {process:?} {job:?}"),
        format!("QueryInformationJobObject {job:?}: class 9"),
        format!("QueryInformationJobObject {job:?}: class 4"),
        format!("QueryInformationJobObject {job:?}: class 15"),
        format!("ResumeThread {thread}"),
    ]);
    assert_eq!(calls, wanted);
}

#[test]
fn what_is_not_as_ordered_is_ended_and_never_resumed() {
    let (calls, launched, _) = started(&order(), &[]);
    match launched {
        Err(Error::NotAsOrdered(_)) => {
            let process = made(&calls, "CreateProcess").split(',').next().unwrap().to_owned();
            assert_eq!(calls.last().unwrap(), &format!("TerminateProcess {process}"));
            assert!(!calls.iter().any(|call| call.starts_with("ResumeThread")), "{calls:?}");
        }
        // A Windows that does as it is told.
        Ok(_) => assert!(calls.last().unwrap().starts_with("ResumeThread"), "{calls:?}"),
        Err(other) => panic!("{other}"),
    }
}

/// A container is ordered with its package, its capabilities and without the grants of all packages before anything is made. Wine
/// has none, and ends it there.
#[test]
fn a_container_is_ordered_as_planned_or_nothing_is_made() {
    for less_privileged in [false, true] {
        let mut order = LaunchSpec { identity: contained("garth.test.calls").identity, ..order() };
        if let Identity::Container { container, .. } = &mut order.identity {
            container.less_privileged = less_privileged;
        }
        let (calls, launched, given) = started(&order, ALL);
        let mut wanted = prepared(&order, &calls, &given);
        wanted.push(making(&order, &calls, &given));
        assert!(
            calls.iter().any(|call| call.starts_with("SECURITY_CAPABILITIES: package S-1-15-2-")),
            "{calls:#?}"
        );
        // It ends at the first call that is refused; one that is not read back as ordered is ended.
        let common = calls.len().min(wanted.len());
        assert_eq!(calls[..common], wanted[..common]);
        let runs = calls.iter().any(|call| call.starts_with("ResumeThread"));
        assert_eq!(runs, launched.is_ok(), "{calls:#?}");
    }
}
