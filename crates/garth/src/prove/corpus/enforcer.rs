//! P13 and P17: the runner, its channels, the policy and the log.

use crate::prove::attack::{Attack, Check, Expect, against, attack, step};
use Check::{Absent, Same};

const OWN: crate::prove::attack::Step = step("own-memory", &[]);

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        13,
        "enforcer.inherited",
        "find a descriptor that was left open",
        step("inherited", &[]),
        step("read", &["{ws}/plain"]),
    ),
    attack(
        13,
        "enforcer.files",
        "read memory, descriptors or environment of the runner by /proc",
        step("any-of-process", &["{runner}"]),
        step("any-of-process", &["self"]),
    ),
    attack(
        13,
        "enforcer.memory-write",
        "open the runner's memory for writing",
        step("overwrite", &["/proc/{runner}/mem"]),
        OWN,
    ),
    attack(
        13,
        "enforcer.memory-truncate",
        "open the runner's memory by asking to empty it",
        step("truncate-open", &["/proc/{runner}/mem"]),
        OWN,
    ),
    attack(
        13,
        "enforcer.memory-confused",
        "let the supervisor open its own memory by a link to /proc/self/mem",
        step("memory-by-truncation", &["{ws}/e1", "/proc/self/mem"]),
        OWN,
    ),
    attack(
        13,
        "enforcer.memory-confused-thread",
        "the same by /proc/thread-self",
        step("memory-by-truncation", &["{ws}/e2", "/proc/thread-self/mem"]),
        OWN,
    ),
    attack(
        13,
        "enforcer.memory-confused-directory",
        "the same by a link to the directory",
        step("memory-by-directory", &["{ws}/e3", "/proc/self", "mem"]),
        OWN,
    ),
    attack(
        13,
        "enforcer.trace",
        "trace the runner",
        step("trace", &["{runner}"]),
        step("trace-own-child", &[]),
    )
    .escapes(&[85]),
    attack(13, "enforcer.peek", "read the runner's memory", step("peek", &["{runner}"]), OWN).escapes(&[85]),
    attack(13, "enforcer.poke", "write the runner's memory", step("poke", &["{runner}"]), OWN).escapes(&[85]),
    attack(
        13,
        "enforcer.take-descriptor",
        "take a descriptor of the runner",
        step("take-descriptor", &["{runner}"]),
        OWN,
    ),
    attack(
        13,
        "enforcer.kill",
        "kill the runner",
        step("signal", &["{runner}", "9"]),
        step("write", &["{ws}/alive"]),
    )
    .expect(Expect::Harmless)
    .gap(&["linux.landlock.signals"]),
    attack(
        13,
        "enforcer.stop",
        "stop the runner",
        step("signal", &["{runner}", "19"]),
        step("write", &["{ws}/alive-2"]),
    )
    .expect(Expect::Harmless)
    .gap(&["linux.landlock.signals"]),
    attack(
        13,
        "enforcer.terminate",
        "ask the runner to end",
        step("signal", &["{runner}", "15"]),
        step("write", &["{ws}/alive-3"]),
    )
    .expect(Expect::Harmless)
    .gap(&["linux.landlock.signals"]),
    attack(
        13,
        "enforcer.second-listener",
        "answer supervised calls in the runner's place",
        step("second-listener", &["listen"]),
        step("second-listener", &["plain"]),
    ),
    attack(
        17,
        "enforcer.program",
        "overwrite the program that enforces",
        step("overwrite", &["{exe}"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .escapes(&[2])
    .check(&[Same("{exe}")]),
    attack(
        17,
        "enforcer.program-by-process",
        "overwrite it by the runner's own link",
        step("overwrite", &["/proc/{runner}/exe"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .escapes(&[2])
    .check(&[Same("{exe}")]),
    attack(
        17,
        "enforcer.policy",
        "write the user's policy",
        step("write", &["{home}/.config/garth/policy.toml"]),
        step("write", &["{ws}/e4"]),
    )
    .escapes(&[31, 69])
    .expect(Expect::Harmless)
    .check(&[Absent("{home}/.config/garth/policy.toml")]),
    attack(
        17,
        "enforcer.policy-elsewhere",
        "write the policy file that is in use",
        step("overwrite", &["{root}/policies/strict.toml"]),
        step("write", &["{ws}/e5"]),
    )
    .within(crate::prove::attack::Garden::Strict)
    .check(&[Same("{root}/policies/strict.toml")]),
    attack(
        17,
        "enforcer.log",
        "change garth's state and log",
        step("write", &["{home}/.local/state/garth/evil"]),
        step("write", &["{ws}/e6"]),
    )
    .expect(Expect::Harmless)
    .check(&[Absent("{home}/.local/state/garth/evil")]),
    attack(
        17,
        "enforcer.reports",
        "write to where the proof collects its results",
        step("write", &["{root}/reports/repository"]),
        step("write", &["{ws}/e7"]),
    ),
    against(13, "processes.stranger", "see a process of the host", step("any-stranger", &["{stranger}"]))
        .gap(&["linux.landlock.proc"]),
    against(18, "processes.signal", "signal a process of the host", step("signal", &["{stranger}", "0"]))
        .escapes(&[85])
        .gap(&["linux.landlock.signals"]),
    against(
        18,
        "processes.thread-signal",
        "signal a thread of the host",
        step("signal-all", &["{stranger}"]),
    )
    .escapes(&[85])
    .gap(&["linux.landlock.signals"]),
    against(18, "processes.trace", "trace a process of the host", step("trace", &["{stranger}"]))
        .escapes(&[85]),
    against(18, "processes.peek", "read the memory of a process of the host", step("peek", &["{stranger}"]))
        .escapes(&[85]),
    against(18, "processes.poke", "write the memory of a process of the host", step("poke", &["{stranger}"]))
        .escapes(&[85]),
    against(
        18,
        "processes.descriptor",
        "take a descriptor of a process of the host",
        step("take-descriptor", &["{stranger}"]),
    )
    .escapes(&[85]),
    against(
        18,
        "processes.root",
        "reach files by the root of a process of the host",
        step("read", &["/proc/{stranger}/root{out}/secret"]),
    ),
    against(18, "ipc.shared-memory", "find shared memory of the host", step("shared-memory", &["{shm-key}"]))
        .gap(&["linux.landlock.ipc"]),
    against(18, "ipc.message-queue", "open a message queue of the host", step("message-queue", &["{queue}"]))
        .gap(&["linux.landlock.ipc"]),
    against(18, "ipc.shared-file", "read a file in the host's shared memory", step("read", &["{shm-file}"])),
];
