//! P12, P13: named objects of the host, and what starts with the user by the registry.

use crate::prove::attack::{Attack, Step, attack, step};

const READ_KEY: Step = step("read-key", &["machine", "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"]);
const EVENT: Step = step("make-event", &["Local\\{new}-own"]);

const fn writes(id: &'static str, title: &'static str, key: &'static [&'static str]) -> Attack {
    attack(12, id, title, step("write-key", key), READ_KEY)
}

pub(super) static ATTACKS: &[Attack] = &[
    attack(13, "objects.pipe", "use a pipe of the user's", step("open-pipe", &["{pipe}"]), EVENT),
    attack(
        12,
        "objects.docker",
        "use Docker's pipe",
        step("open-pipe", &["\\\\.\\pipe\\docker_engine"]),
        EVENT,
    ),
    attack(
        12,
        "objects.ssh",
        "use the agent of ssh",
        step("open-pipe", &["\\\\.\\pipe\\openssh-ssh-agent"]),
        EVENT,
    ),
    attack(
        12,
        "objects.printer",
        "use the pipe of the printers",
        step("open-pipe", &["\\\\.\\pipe\\spoolss"]),
        EVENT,
    ),
    attack(
        12,
        "objects.accounts",
        "use the pipe of the accounts",
        step("open-pipe", &["\\\\.\\pipe\\samr"]),
        EVENT,
    ),
    attack(13, "objects.event", "set an event of the user's", step("open-event", &["{event}"]), EVENT),
    attack(
        13,
        "objects.section",
        "read a section of the user's",
        step("open-section", &["{section}"]),
        EVENT,
    ),
    writes(
        "registry.run",
        "start with the user",
        &["user", "Software\\Microsoft\\Windows\\CurrentVersion\\Run"],
    ),
    writes(
        "registry.run-once",
        "start with the user, once",
        &["user", "Software\\Microsoft\\Windows\\CurrentVersion\\RunOnce"],
    ),
    writes("registry.environment", "change the user's variables", &["user", "Environment"]),
    writes(
        "registry.command",
        "change what each command processor runs first",
        &["user", "Software\\Microsoft\\Command Processor"],
    ),
    writes(
        "registry.classes",
        "change what opens a kind of file",
        &["user", "Software\\Classes\\garth-prove"],
    ),
    writes("registry.com", "change a class of COM", &["user", "Software\\Classes\\CLSID"]),
    writes(
        "registry.logon",
        "change what logs the user on",
        &["user", "Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon"],
    ),
    writes(
        "registry.policies",
        "change the user's policies",
        &["user", "Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer"],
    ),
    writes("registry.desktop", "change the user's desktop", &["user", "Control Panel\\Desktop"]),
    writes(
        "registry.machine",
        "start with the machine",
        &["machine", "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"],
    ),
];
