//! What the compiled filter answers, by a small machine that runs it.

use super::*;

/// Runs a program as the kernel would (the few operations that `compile` emits).
fn run(program: &[Instruction], arch: u32, nr: u32, args: [u64; 6]) -> u32 {
    let (mut pc, mut acc) = (0usize, 0u32);
    for _ in 0..10_000 {
        let i = program[pc];
        pc += 1;
        match i.code {
            LD_ABS => {
                acc = match i.k {
                    OFFSET_NR => nr,
                    OFFSET_ARCH => arch,
                    other => {
                        let (argument, half) = ((other as usize - 16) / 8, (other - 16) % 8);
                        assert!(half == 0 || half == HIGH, "loads are aligned (seccomp(2))");
                        u32::try_from((args[argument] >> (8 * half)) & 0xffff_ffff).unwrap()
                    }
                }
            }
            JMP => pc += i.k as usize,
            JEQ => pc += usize::from(if acc == i.k { i.jt } else { i.jf }),
            JGE => pc += usize::from(if acc >= i.k { i.jt } else { i.jf }),
            AND => acc &= i.k,
            JSET => pc += usize::from(if acc & i.k != 0 { i.jt } else { i.jf }),
            RET => return i.k,
            other => panic!("operation {other}"),
        }
    }
    panic!("the program does not end");
}

fn options() -> Options {
    Options {
        arch: Arch::X86_64,
        supervise: true,
        deletes: false,
        reads: false,
        tells: false,
        namespaces: false,
        no_sockets: false,
        executes: false,
        connects: false,
        no_datagrams: false,
        root: false,
        identity: None,
        bound: false,
    }
}

fn call(options: &Options, name: &str, args: [u64; 6]) -> u32 {
    let row = crate::linux::syscalls::find(name).unwrap();
    run(&compile(options), options.arch.audit(), options.arch.number(row).unwrap(), args)
}

#[test]
fn every_number_does_what_a_linear_reading_of_the_table_says() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let options = Options { arch, ..options() };
        let program = compile(&options);
        for nr in 0..=600u32 {
            let row = TABLE.iter().find(|row| arch.number(row) == Some(nr));
            let wanted = match row.and_then(|row| block(row.action, row.name, &options)) {
                Some(block) => run(&block, arch.audit(), nr, [0; 6]),
                None if nr > arch.newest() => RET_ERRNO | 38,
                None => RET_ALLOW,
            };
            assert_eq!(run(&program, arch.audit(), nr, [0; 6]), wanted, "{arch:?} {nr}");
        }
    }
}

#[test]
fn every_number_does_what_its_range_says_whatever_its_arguments() {
    let arguments = [
        [0; 6],
        [1; 6],
        [2; 6],
        [10; 6],
        [16, 0, 0, 0, 0, 0],
        [0x40; 6],
        [0x5412; 6],
        [1 << 32; 6],
        [u64::MAX; 6],
    ];
    let all = Options { deletes: true, reads: true, executes: true, connects: true, ..options() };
    for options in [options(), all, Options { root: true, bound: true, no_sockets: true, ..options() }] {
        let (program, ranges) = (compile(&options), intervals(&options));
        for nr in 0..=600u32 {
            let (_, block) = ranges.iter().rev().find(|(start, _)| *start <= nr).unwrap();
            for arguments in arguments {
                let wanted = run(block, options.arch.audit(), nr, arguments);
                assert_eq!(run(&program, options.arch.audit(), nr, arguments), wanted, "{nr} {arguments:?}");
            }
        }
    }
}

#[test]
fn what_is_out_of_reach_is_led_to() {
    // Each does something else, so nothing is shared, and in the longer one one half is further away than a jump reaches;
    // then most do the same, but not all of them are near enough to share it.
    let own = |count: u32| (0..count).map(|nr| (nr, vec![ret(nr)])).collect::<Vec<_>>();
    let shared =
        (0..3000_u32).map(|nr| (nr, vec![ret(if nr % 2 == 0 { 1 } else { nr })])).collect::<Vec<_>>();
    for ranges in [own(1), own(2), own(3), own(1500), shared] {
        let program = program(7, &ranges);
        for (nr, block) in &ranges {
            assert_eq!(run(&program, 7, *nr, [0; 6]), block[0].k, "{nr} of {}", ranges.len());
        }
        assert_eq!(run(&program, 8, 0, [0; 6]), RET_KILL);
    }
}

#[test]
fn other_architectures_and_x32_are_refused() {
    let program = compile(&options());
    assert_eq!(run(&program, 0x4000_0003, 5, [0; 6]), RET_KILL, "i386");
    assert_eq!(run(&program, Arch::X86_64.audit(), 0x4000_0000 + 2, [0; 6]), RET_ERRNO | 38, "x32");
}

#[test]
fn only_opens_that_can_write_are_supervised() {
    let o = options();
    assert_eq!(call(&o, "openat", [0, 0, 0, 0, 0, 0]), RET_ALLOW);
    assert_eq!(call(&o, "openat", [0, 0, 0o2_000_000, 0, 0, 0]), RET_ALLOW, "O_CLOEXEC");
    for flag in [1, 2, 0x40, 0x200, 0x41_0000 | 0x40_0000] {
        assert_eq!(call(&o, "openat", [0, 0, flag, 0, 0, 0]), RET_NOTIFY, "{flag:#x}");
    }
    assert_eq!(call(&o, "openat", [0, 0, 0o200_000, 0, 0, 0]), RET_ALLOW, "O_DIRECTORY");
}

#[test]
fn families_terminal_and_namespaces() {
    let o = options();
    for (family, protocol, wanted) in [
        (1, 0, RET_ALLOW),
        (2, 6, RET_ALLOW),
        (10, 0, RET_ALLOW),
        (16, 0, RET_ALLOW),
        (16, 15, RET_ERRNO | 97),
        (40, 0, RET_ERRNO | 97),
        (38, 0, RET_ERRNO | 97),
        (17, 0, RET_ERRNO | 97),
    ] {
        assert_eq!(call(&o, "socket", [family, 0, protocol, 0, 0, 0]), wanted, "family {family}");
    }
    for family in [2, 10] {
        for (kind, protocol, wanted) in [
            (1, 0, RET_ALLOW),
            (0o2_000_001, 6, RET_ALLOW),
            (2, 17, RET_ALLOW),
            (1, 262, RET_ALLOW),
            (3, 1, RET_ALLOW),
            (1, 132, RET_ERRNO | 93),
            (2, 136, RET_ERRNO | 93),
            (0o2_000_005, 0, RET_ERRNO | 93),
            (6, 0, RET_ERRNO | 93),
            (10, 0, RET_ERRNO | 93),
        ] {
            let found = call(&o, "socket", [family, kind, protocol, 0, 0, 0]);
            assert_eq!(found, wanted, "family {family}, kind {kind}, protocol {protocol}");
        }
    }
    let closed = Options { no_sockets: true, ..o };
    assert_eq!(call(&closed, "socket", [2, 1, 0, 0, 0, 0]), RET_ERRNO | 97);
    assert_eq!(call(&closed, "socket", [1, 1, 0, 0, 0, 0]), RET_ERRNO | 97);
    assert_eq!(call(&closed, "socketpair", [1, 1, 0, 0, 0, 0]), RET_ALLOW);
    for request in REQUESTS {
        let number = u64::from(request.kind) << 8 | u64::from(request.number.unwrap_or(99));
        // The kernel looks at the lower half alone.
        for number in [number, 0x5000_0000 | number, 1 << 32 | number] {
            assert_eq!(call(&o, "ioctl", [0, number, 0, 0, 0, 0]), RET_ERRNO | 1, "{}", request.name);
        }
        assert_eq!(call(&o, "ioctl", [0, number ^ 0x8000, 0, 0, 0, 0]), RET_ALLOW, "{}", request.name);
    }
    for (command, wanted) in [(1024, RET_ERRNO | 1), (1025, RET_ALLOW), (6, RET_ALLOW), (1030, RET_ALLOW)] {
        assert_eq!(call(&o, "fcntl", [3, command, 0, 0, 0, 0]), wanted, "{command}");
    }
    // `FICLONE` and `FIDEDUPERANGE`, by which files share blocks.
    assert_eq!(call(&o, "ioctl", [0, 0x4004_9409, 0, 0, 0, 0]), RET_ALLOW);
    assert_eq!(call(&o, "ioctl", [0, 0xc018_9436, 0, 0, 0, 0]), RET_ALLOW);
    assert_eq!(call(&o, "ioctl", [0, 0x5401, 0, 0, 0, 0]), RET_ALLOW);
    assert_eq!(call(&o, "clone", [0x1000_0000, 0, 0, 0, 0, 0]), RET_ERRNO | 1);
    assert_eq!(call(&o, "clone", [0x3d_0f00, 0, 0, 0, 0, 0]), RET_ALLOW, "pthread_create");
    assert_eq!(call(&o, "unshare", [0x80, 0, 0, 0, 0, 0]), RET_ERRNO | 1, "time namespace");
    assert_eq!(call(&o, "unshare", [0x400, 0, 0, 0, 0, 0]), RET_ALLOW, "CLONE_FILES");
}

#[test]
fn only_root_may_not_make_programs_that_run_as_their_owner() {
    let o = options();
    let root = Options { root: true, ..o };
    assert_eq!(call(&o, "chmod", [0, 0o4755, 0, 0, 0, 0]), RET_ALLOW);
    for mode in [0o4755, 0o2755, 0o6000] {
        assert_eq!(call(&root, "fchmod", [3, mode, 0, 0, 0, 0]), RET_ERRNO | 1, "{mode:o}");
        assert_eq!(call(&root, "fchmodat", [3, 0, mode, 0, 0, 0]), RET_ERRNO | 1, "{mode:o}");
    }
    assert_eq!(call(&root, "fchmodat", [3, 0, 0o1777, 0, 0, 0]), RET_ALLOW);
}

#[test]
fn users_that_do_not_exist_inside_are_refused_as_to_an_ordinary_user() {
    let o = Options { identity: Some((1000, 100)), ..options() };
    let (same, refused) = (u64::from(u32::MAX), RET_ERRNO | 1);
    for (user, group, wanted) in [
        (1000, 100, RET_ALLOW),
        (same, same, RET_ALLOW),
        (same, 100, RET_ALLOW),
        (0, same, refused),
        (same, 1000, refused),
        (1000, 0, refused),
    ] {
        for name in ["chown", "lchown", "fchown"] {
            assert_eq!(call(&o, name, [3, user, group, 0, 0, 0]), wanted, "{name} {user} {group}");
            assert_eq!(call(&options(), name, [3, user, group, 0, 0, 0]), RET_ALLOW, "{name}");
        }
        assert_eq!(call(&o, "fchownat", [3, 4, user, group, 0, 0]), wanted, "{user} {group}");
    }
    let tells = Options { tells: true, ..o };
    assert_eq!(call(&tells, "fchownat", [3, 4, 1000, 100, 0, 0]), RET_NOTIFY);
    assert_eq!(call(&tells, "fchownat", [3, 4, 0, 0, 0, 0]), refused);
    assert_eq!(call(&tells, "fchown", [3, 1000, 100, 0, 0, 0]), RET_ALLOW);
    for (name, arguments, wanted) in [
        ("setuid", [1000, 0, 0], RET_ALLOW),
        ("setuid", [0, 0, 0], refused),
        ("setgid", [100, 0, 0], RET_ALLOW),
        ("setgid", [1000, 0, 0], refused),
        ("setreuid", [same, 1000, 0], RET_ALLOW),
        ("setreuid", [1000, 0, 0], refused),
        ("setresuid", [1000, same, 1000], RET_ALLOW),
        ("setresuid", [1000, same, 0], refused),
        ("setresgid", [100, 100, 1000], refused),
    ] {
        let [first, second, third] = arguments;
        let found = call(&o, name, [first, second, third, 0, 0, 0]);
        assert_eq!(found, wanted, "{name} {arguments:?}");
    }
}

#[test]
fn personalities_that_change_an_answer_alone_are_allowed() {
    for (value, wanted) in [(0x8, RET_ALLOW), (0x004_0008, RET_ALLOW), (0x040_0008, RET_ERRNO | 1)] {
        assert_eq!(call(&options(), "personality", [value, 0, 0, 0, 0, 0]), wanted, "{value:x}");
    }
}

#[test]
fn removals_and_attributes_are_looked_at_only_where_refusals_are_told() {
    let o = options();
    let tells = Options { tells: true, ..o };
    let root = Options { root: true, ..tells };
    for name in ["unlink", "unlinkat", "rmdir", "chown", "fchownat", "utimensat", "setxattr", "chmod"] {
        assert_eq!(call(&o, name, [3, 4, 0o644, 0, 0, 0]), RET_ALLOW, "{name}");
        assert_eq!(call(&tells, name, [3, 4, 0o644, 0, 0, 0]), RET_NOTIFY, "{name}");
        assert_eq!(call(&root, name, [3, 4, 0o644, 0, 0, 0]), RET_NOTIFY, "{name}");
    }
    // A pointer of which only the high half is not zero is a pointer.
    assert_eq!(call(&tells, "utimensat", [3, 1 << 32, 0, 0, 0, 0]), RET_NOTIFY);
    // By a descriptor, which needs no name.
    assert_eq!(call(&tells, "utimensat", [3, 0, 0, 0, 0, 0]), RET_ALLOW);
    assert_eq!(call(&tells, "fchmod", [3, 0o644, 0, 0, 0, 0]), RET_ALLOW);
    assert_eq!(call(&tells, "chmod", [3, 0o4755, 0, 0, 0, 0]), RET_NOTIFY);
    for (name, arguments) in [("chmod", [3, 0o4755, 0, 0, 0, 0]), ("fchmodat2", [3, 4, 0o2755, 0, 0, 0])] {
        assert_eq!(call(&root, name, arguments), RET_ERRNO | 1, "{name}");
    }
    let unsupervised = Options { supervise: false, ..tells };
    assert_eq!(call(&unsupervised, "unlink", [3, 0, 0, 0, 0, 0]), RET_ALLOW);
}

#[test]
fn unix_datagrams_are_refused_where_the_kernel_does_not_know_their_receivers() {
    let o = Options { no_datagrams: true, ..options() };
    let (close_on_exec, refused) = (0o2_000_000, RET_ERRNO | 93);
    for name in ["socket", "socketpair"] {
        for (kind, wanted) in [(1, RET_ALLOW), (2, refused), (3, refused), (5, RET_ALLOW)] {
            assert_eq!(call(&o, name, [1, kind | close_on_exec, 0, 0, 0, 0]), wanted, "{name} {kind}");
        }
    }
    assert_eq!(call(&o, "socket", [2, 2, 0, 0, 0, 0]), RET_ALLOW, "UDP");
    assert_eq!(call(&o, "socket", [10, 2, 0, 0, 0, 0]), RET_ALLOW, "UDP");
    assert_eq!(call(&options(), "socket", [1, 2, 0, 0, 0, 0]), RET_ALLOW);
    assert_eq!(call(&options(), "connect", [0; 6]), RET_ALLOW);
    assert_eq!(call(&Options { connects: true, ..o }, "connect", [0; 6]), RET_NOTIFY);
}

#[test]
fn unsupervised_sandboxes_have_no_listener() {
    let o = Options { supervise: false, ..options() };
    assert!(compile(&o).iter().all(|i| i.code != RET || i.k != RET_NOTIFY));
}

#[test]
fn the_program_fits_the_kernel() {
    let identity = Some((0, 0));
    let length = compile(&Options { tells: true, reads: true, root: true, identity, ..options() }).len();
    assert!(length < 500, "{length} instructions (BPF_MAXINSNS is 4096)");
}
