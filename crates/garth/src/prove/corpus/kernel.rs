//! P18: the kernel's surface.

use crate::prove::attack::{Action, Attack, Expect, Garden, Property, Step, Twin, attack, step};
use garth_plan::linux::syscalls::{Action as Filter, Row, TABLE};
use std::borrow::Cow;

const PLAIN: Step = step("own-number", &[]);
const EPERM: Expect = Expect::Exactly(&[1]);
const ENOSYS: Expect = Expect::Exactly(&[38]);

pub(super) static ATTACKS: &[Attack] = &[
    attack(18, "kernel.ring", "make a ring for asynchronous calls", step("ring", &[]), PLAIN)
        .escapes(&[45])
        .expect(ENOSYS),
    attack(
        18,
        "kernel.future",
        "make a call that is younger than the filter",
        step("future-call", &[]),
        PLAIN,
    )
    .expect(ENOSYS),
    attack(18, "kernel.i386", "make a call of another ABI", step("old-gate", &[]), PLAIN)
        .expect(Expect::OrKilled(38)),
    attack(18, "kernel.x32", "make a call by its x32 number", step("x32", &[]), PLAIN)
        .expect(Expect::OrKilled(38)),
    attack(
        18,
        "kernel.push-keys",
        "type into the terminal",
        step("terminal-call", &["push"]),
        step("terminal-call", &["size"]),
    )
    .escapes(&[80, 85])
    .expect(EPERM),
    attack(
        18,
        "kernel.push-keys-high",
        "the same, with bits that the kernel ignores",
        step("terminal-call", &["push-high"]),
        step("terminal-call", &["size"]),
    )
    .escapes(&[80])
    .expect(EPERM),
    attack(
        18,
        "kernel.console-selection",
        "paste into the console",
        step("terminal-call", &["console"]),
        step("terminal-call", &["size"]),
    )
    .expect(EPERM),
    attack(
        18,
        "kernel.map-page-zero",
        "map the page at address zero by a personality",
        step("personality", &["map-page-zero"]),
        step("personality", &["ask"]),
    ),
    attack(
        18,
        "kernel.read-implies-execute",
        "make all memory executable by a personality",
        step("personality", &["read-implies-execute"]),
        step("personality", &["ask"]),
    ),
    attack(
        18,
        "kernel.new-user",
        "make a user namespace",
        step("unshare", &["user"]),
        step("unshare", &["none"]),
    )
    .expect(EPERM),
    attack(
        18,
        "kernel.new-mount",
        "make a mount namespace",
        step("unshare", &["mount"]),
        step("unshare", &["none"]),
    )
    .expect(EPERM),
    attack(
        18,
        "kernel.new-network",
        "make a network namespace",
        step("unshare", &["network"]),
        step("unshare", &["none"]),
    )
    .expect(EPERM),
    attack(
        18,
        "kernel.new-process",
        "make a process namespace",
        step("unshare", &["pid"]),
        step("unshare", &["none"]),
    )
    .expect(EPERM),
    attack(
        18,
        "kernel.clone-user",
        "make a child in a user namespace",
        step("clone", &["user"]),
        step("clone", &["none"]),
    )
    .expect(EPERM),
    attack(
        18,
        "kernel.clone-mount",
        "make a child in a mount namespace",
        step("clone", &["mount"]),
        step("clone", &["none"]),
    )
    .expect(EPERM),
    attack(
        18,
        "kernel.join-runner",
        "join the namespace of the runner",
        step("join-namespace", &["/proc/{runner}/ns/mnt"]),
        PLAIN,
    ),
    attack(
        18,
        "kernel.join-user",
        "join a user namespace",
        step("join-namespace", &["/proc/self/ns/user"]),
        PLAIN,
    ),
    attack(
        2,
        "kernel.mount",
        "mount one place over another",
        step("mount", &["{ws}/directory", "/etc"]),
        PLAIN,
    )
    .expect(EPERM),
    attack(
        4,
        "kernel.mount-hooks",
        "mount a directory over the hooks",
        step("mount", &["{ws}/directory", "{ws}/.git/hooks"]),
        PLAIN,
    )
    .expect(EPERM),
    attack(2, "kernel.remount", "make a read-only mount writable", step("remount", &["/usr"]), PLAIN)
        .expect(EPERM),
    attack(
        2,
        "kernel.unmount",
        "take away the mount that hides a file",
        step("unmount", &["/etc/shadow"]),
        PLAIN,
    )
    .expect(EPERM),
    attack(2, "kernel.change-root", "change the root directory", step("change-root", &["{ws}"]), PLAIN)
        .expect(EPERM),
    attack(2, "kernel.pivot-root", "exchange the root directory", step("pivot-root", &["{ws}"]), PLAIN)
        .expect(EPERM),
    attack(2, "kernel.clone-tree", "copy the mounts", step("clone-tree", &["/"]), PLAIN).expect(EPERM),
    attack(2, "kernel.new-file-system", "make a file system", step("new-mount", &[]), PLAIN).expect(EPERM),
    attack(2, "kernel.change-mount", "clear `read-only` of a mount", step("change-mount", &["/usr"]), PLAIN)
        .expect(EPERM),
    attack(
        18,
        "kernel.settings",
        "write a setting of the kernel",
        step("open-writable", &["/proc/sys/kernel/core_pattern"]),
        step("read", &["/proc/sys/kernel/ostype"]),
    ),
    attack(
        18,
        "kernel.settings-empty",
        "open a setting of the kernel by asking to empty it",
        step("truncate-open", &["/proc/sys/kernel/ostype"]),
        step("read", &["/proc/sys/kernel/ostype"]),
    ),
    attack(
        18,
        "kernel.settings-swap",
        "write a setting that frees caches",
        step("open-writable", &["/proc/sys/vm/drop_caches"]),
        step("read", &["/proc/sys/kernel/ostype"]),
    ),
    attack(
        18,
        "kernel.magic-keys",
        "press the machine's magic key",
        step("open-writable", &["/proc/sysrq-trigger"]),
        step("read", &["/proc/version"]),
    ),
    attack(
        18,
        "kernel.memory-image",
        "read the kernel's memory",
        step("read-any", &["/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg"]),
        step("read", &["/proc/version"]),
    ),
    attack(
        18,
        "kernel.disks",
        "read a disk",
        step("read-any", &["/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/dm-0", "/dev/loop-control"]),
        step("read", &["/dev/zero"]),
    ),
    attack(
        18,
        "kernel.devices",
        "open devices that make machines, tunnels or input",
        step(
            "read-any",
            &["/dev/kvm", "/dev/net/tun", "/dev/uinput", "/dev/fuse", "/dev/vhost-vsock", "/dev/vsock"],
        ),
        step("read", &["/dev/urandom"]),
    ),
    attack(
        18,
        "kernel.sysfs",
        "write to the kernel's object tree",
        step("open-writable", &["/sys/kernel/uevent_helper"]),
        step("list", &["/sys/devices/system"]),
    ),
    attack(
        18,
        "kernel.cgroup",
        "make a control group",
        step("make-directory", &["/sys/fs/cgroup/garth-prove"]),
        step("make-directory", &["{ws}/k1"]),
    ),
    attack(
        18,
        "kernel.security",
        "read the kernel's security settings",
        step("list", &["/sys/kernel/security"]),
        step("list", &["/sys/devices/system"]),
    ),
    attack(
        18,
        "kernel.root-only",
        "read what only root may read of the kernel",
        step(
            "read-any",
            &[
                "/proc/timer_list",
                "/proc/slabinfo",
                "/proc/vmallocinfo",
                "/proc/pagetypeinfo",
                "/proc/kpagecount",
                "/proc/kpageflags",
            ],
        ),
        step("read", &["/proc/version"]),
    )
    .gap(&["linux.landlock.proc"]),
    attack(
        18,
        "kernel.debug",
        "read the kernel's debugging interface",
        step("read-any", &["/sys/kernel/debug/sched/debug", "/sys/kernel/tracing/trace"]),
        step("read", &["/proc/version"]),
    ),
];

/// One attack per system call that the planner's table refuses, with the error that it promises.
pub(super) fn rows() -> Vec<Attack> {
    let refused = TABLE.iter().filter_map(|row| match row.action {
        Filter::Deny(errno) => Some((row, errno)),
        _ => None,
    });
    refused
        .filter(|(row, _)| garth_host::linux::supervise::call::ARCH.number(row).is_some())
        .map(|(row, errno)| one(row, errno.code()))
        .collect()
}

fn one(row: &'static Row, errno: u16) -> Attack {
    let expect = match errno {
        1 => EPERM,
        38 => ENOSYS,
        _ => Expect::Exactly(&[97]),
    };
    Attack {
        id: Cow::Owned(format!("call.{}", row.name)),
        property: Property(18),
        title: Cow::Owned(format!("call {}", row.name)),
        escapes: &[85],
        garden: Garden::Repository,
        action: Action::Inside(Step { probe: "call", arguments: std::slice::from_ref(&row.name) }),
        twin: Twin::Inside(PLAIN),
        expect,
        checks: &[],
        gaps: &[],
        process_tier_only: false,
    }
}
