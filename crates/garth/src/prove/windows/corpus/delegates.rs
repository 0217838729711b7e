//! P12: what acts for the user outside: tasks, services, COM servers, WMI, other programs.

use super::DELEGATES;
use crate::prove::attack::{Attack, Check, Expect, Step, attack, step};
use Check::Absent;

const RUN: Step = step("run", &["cmd", "/d", "/c", "exit 0"]);
/// The table of interfaces, which every process makes for itself.
const OBJECT: Step = step("make-object", &["00000323-0000-0000-c000-000000000046", "inner"]);

const fn makes(id: &'static str, title: &'static str, class: &'static [&'static str]) -> Attack {
    attack(12, id, title, step("make-object", class), OBJECT).gap(DELEGATES)
}

const fn runs(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(12, id, title, step("run", words), RUN).gap(DELEGATES)
}

pub(super) static ATTACKS: &[Attack] = &[
    runs(
        "delegates.task",
        "let the scheduler run something",
        &[
            "schtasks",
            "/create",
            "/f",
            "/sc",
            "once",
            "/st",
            "23:59",
            "/tn",
            "garth-prove",
            "/tr",
            "cmd /c exit",
        ],
    ),
    runs(
        "delegates.wmi",
        "let WMI start something",
        &["wmic", "process", "call", "create", "cmd /c echo x> {out}\\by-wmi"],
    )
    .expect(Expect::Harmless)
    .check(&[Absent("{out}\\by-wmi")]),
    runs(
        "delegates.cim",
        "let WMI start something by PowerShell",
        &[
            "powershell",
            "-NoProfile",
            "-Command",
            "Invoke-CimMethod Win32_Process Create @{CommandLine='cmd /c echo x> {out}\\by-cim'}",
        ],
    )
    .expect(Expect::Harmless)
    .check(&[Absent("{out}\\by-cim")]),
    runs(
        "delegates.explorer",
        "let the desktop open something",
        &[
            "powershell",
            "-NoProfile",
            "-Command",
            "(New-Object -ComObject Shell.Application).ShellExecute('cmd','/c echo x> {out}\\by-shell')",
        ],
    )
    .expect(Expect::Harmless)
    .check(&[Absent("{out}\\by-shell")]),
    runs(
        "delegates.start",
        "start something by the shell",
        &["cmd", "/d", "/c", "start /wait cmd /c echo x^> {out}\\by-start"],
    )
    .expect(Expect::Harmless)
    .check(&[Absent("{out}\\by-start")]),
    runs("delegates.linux", "run something in the Linux of this machine", &["wsl", "--exec", "true"]),
    runs(
        "delegates.transfer",
        "let the transfer service fetch something",
        &["bitsadmin", "/create", "garth-prove"],
    ),
    runs("delegates.query", "ask for the sessions of this machine", &["qwinsta"]),
    makes(
        "delegates.windows",
        "reach the windows of the shell",
        &["9ba05972-f6a8-11cf-a442-00a0c90a8f39", "local"],
    ),
    makes(
        "delegates.console",
        "reach the management console",
        &["49b2791a-b1ae-4c90-9b8e-e860ba07f889", "local"],
    ),
    makes(
        "delegates.background",
        "reach the transfer service",
        &["4991d34b-80a1-4291-83b6-3328366b9097", "local"],
    ),
    makes("delegates.elevated", "reach what elevates", &["3e5fc7f9-9a51-4367-9063-a120244fbec7", "local"]),
    attack(12, "services.make", "make a service", step("services", &["create"]), RUN),
    attack(12, "services.start", "start a service", step("service", &["Schedule", "start"]), RUN)
        .gap(DELEGATES),
    attack(12, "services.change", "change what a service runs", step("service", &["Spooler", "change"]), RUN),
];
