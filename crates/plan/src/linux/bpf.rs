//! Compiles the table in [`super::syscalls`] to a seccomp program (classic BPF, `seccomp(2)`).
//!
//! The calls are found by binary search: the kernel walks the program once for each of some 460 calls when
//! it is installed (to fill its cache of calls that are always allowed), and a linear list of the same
//! rows costs 0.3 ms there, more than all mounts together.

use super::syscalls::{Action, Arch, Errno, Named, REQUESTS, TABLE};
use serde::{Deserialize, Serialize};

/// One instruction, as `struct sock_filter` of `linux/filter.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip when a condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// What the filter is to supervise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The architecture of the target.
    pub arch: Arch,
    /// Mutations are carried out by the runner.
    pub supervise: bool,
    /// Deletions as well.
    pub deletes: bool,
    /// Opens for reading as well.
    pub reads: bool,
    /// Deletions and changes of attributes are looked at, because refusals of the kernel's own are told.
    pub tells: bool,
    /// The target may make namespaces (a browser that has its own sandbox).
    pub namespaces: bool,
    /// Sockets of all families but route netlink are refused: there is no network namespace to hold the
    /// internet families and no mount tree to hide the host's unix sockets. Socket pairs remain.
    pub no_sockets: bool,
    /// Programs that start are looked at by the runner.
    pub executes: bool,
    /// Connections are carried out by the runner.
    pub connects: bool,
    /// There are no unix datagrams: no connection is needed to send one, and the receiver's name lies in memory.
    pub no_datagrams: bool,
    /// The target carries root's number.
    pub root: bool,
    /// The one user and group that exist in the target's user namespace, if it has one of its own and makes no others.
    pub identity: Option<(u32, u32)>,
    /// The target is bound to some of the processors and may not choose others.
    pub bound: bool,
}

const LD_ABS: u16 = 0x20;
const JMP: u16 = 0x05;
const JEQ: u16 = 0x15;
const JGE: u16 = 0x35;
const JSET: u16 = 0x45;
const RET: u16 = 0x06;
const AND: u16 = 0x54;

const RET_ALLOW: u32 = 0x7fff_0000;
const RET_NOTIFY: u32 = 0x7fc0_0000;
const RET_KILL: u32 = 0x8000_0000;
const RET_ERRNO: u32 = 0x0005_0000;

const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;

/// Open flags that can change a file or make a name: `O_WRONLY|O_RDWR|O_CREAT|O_TRUNC` and the bit of
/// `O_TMPFILE` (the same numbers on x86_64 and aarch64).
pub const WRITE_FLAGS: u32 = 0x1 | 0x2 | 0x40 | 0x200 | 0x40_0000;
/// `CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET}`.
const NAMESPACE_FLAGS: u32 =
    0x80 | 0x2_0000 | 0x200_0000 | 0x400_0000 | 0x800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;
/// On `clone` the low byte is the exit signal, so `CLONE_NEWTIME` (0x80) means nothing there.
const CLONE_NAMESPACE_FLAGS: u32 = NAMESPACE_FLAGS & !0xff;

/// `F_SETLEASE` of `linux/fcntl.h`.
const SET_LEASE: u32 = 1024;

/// `S_ISUID | S_ISGID`.
const SET_ID: u32 = 0o6000;

const fn ret(value: u32) -> Instruction {
    Instruction { code: RET, jt: 0, jf: 0, k: value }
}

const fn deny(errno: Errno) -> Instruction {
    ret(RET_ERRNO | errno.code() as u32)
}

const fn load(offset: u32) -> Instruction {
    Instruction { code: LD_ABS, jt: 0, jf: 0, k: offset }
}

const fn and(k: u32) -> Instruction {
    Instruction { code: AND, jt: 0, jf: 0, k }
}

const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// Offset of the low half of an argument in `struct seccomp_data` (little endian).
const fn argument(index: u8) -> u32 {
    16 + 8 * index as u32
}

/// From the low half of an argument to the high one.
const HIGH: u32 = 4;

/// The program for these options.
#[must_use]
pub fn compile(options: &Options) -> Vec<Instruction> {
    program(options.arch.audit(), &intervals(options))
}

/// A program that does with each call what its range says, and kills who calls in the way of another architecture.
fn program(arch: u32, ranges: &[(u32, Vec<Instruction>)]) -> Vec<Instruction> {
    let mut program = Backwards::default();
    // Nothing else is written last, so the search is what comes next; without ranges nothing is allowed.
    if program.search(ranges).is_none() {
        program.push(ret(RET_KILL));
    }
    for first in [load(OFFSET_NR), ret(RET_KILL), jump(JEQ, arch, 1, 0), load(OFFSET_ARCH)] {
        program.push(first);
    }
    program.written.reverse();
    program.written
}

/// Ranges of call numbers and what each does, covering every number once; the first field is the start.
fn intervals(options: &Options) -> Vec<(u32, Vec<Instruction>)> {
    let mut rows: Vec<(u32, Vec<Instruction>)> = TABLE
        .iter()
        .filter_map(|row| Some((options.arch.number(row)?, block(row.action, row.name, options)?)))
        .collect();
    rows.sort_by_key(|(number, _)| *number);
    let allow = vec![ret(RET_ALLOW)];
    let mut ranges = Vec::new();
    let mut next = 0;
    for (number, block) in rows {
        if number > next {
            ranges.push((next, allow.clone()));
        }
        next = number + 1;
        ranges.push((number, block));
    }
    if next <= options.arch.newest() {
        ranges.push((next, allow));
    }
    ranges.push((options.arch.newest() + 1, vec![deny(Errno::Enosys)]));
    ranges.dedup_by(|later, earlier| later.1 == earlier.1);
    ranges
}

/// The instructions for one action; `None` where these options leave the call alone.
fn block(action: Action, name: &str, options: &Options) -> Option<Vec<Instruction>> {
    Some(match action {
        Action::Deny(errno) if options.namespaces && nested(name) && errno != Errno::Enosys => return None,
        Action::Deny(errno) => vec![deny(errno)],
        Action::Supervise if options.supervise => vec![ret(RET_NOTIFY)],
        Action::SuperviseDelete if options.supervise && (options.deletes || options.tells) => {
            vec![ret(RET_NOTIFY)]
        }
        Action::SuperviseOpen(_) if options.supervise && options.reads => vec![ret(RET_NOTIFY)],
        Action::SuperviseOpen(flags) if options.supervise => {
            vec![load(argument(flags)), jump(JSET, WRITE_FLAGS, 0, 1), ret(RET_NOTIFY), ret(RET_ALLOW)]
        }
        Action::Supervise | Action::SuperviseDelete | Action::SuperviseOpen(_) => return None,
        // A pair that is connected from the start reaches nobody.
        Action::Families => families(options.no_sockets && name == "socket", options.no_datagrams),
        Action::SuperviseExecute if options.executes => vec![ret(RET_NOTIFY)],
        Action::SuperviseExecute => return None,
        Action::SuperviseConnect if options.connects => vec![ret(RET_NOTIFY)],
        Action::SuperviseConnect => return None,
        Action::Requests => requests(),
        Action::Lease => {
            vec![load(argument(1)), jump(JEQ, SET_LEASE, 0, 1), deny(Errno::Eperm), ret(RET_ALLOW)]
        }
        Action::Namespaces(_) if options.namespaces => return None,
        Action::Namespaces(flags) => {
            let set = if name == "clone" { CLONE_NAMESPACE_FLAGS } else { NAMESPACE_FLAGS };
            vec![load(argument(flags)), jump(JSET, set, 0, 1), deny(Errno::Eperm), ret(RET_ALLOW)]
        }
        Action::Bound if options.bound => vec![deny(Errno::Eperm)],
        Action::Bound => another(Named::Process, options),
        Action::Another(named) => another(named, options),
        Action::Attributes(path) if options.supervise && options.tells => looked_at(path),
        Action::Attributes(_) => return None,
        Action::Owner(user, path) => return owner(user, path, options),
        Action::Identity(count) => {
            let (user, group) = options.identity?;
            let own = if name.ends_with("gid") { group } else { user };
            let mut block = known(0..count, own);
            block.push(ret(RET_ALLOW));
            block
        }
        Action::SetUser(_) | Action::Mode(_) => return modes(action, options),
        Action::Personality => allow_equal(0, &PERSONALITIES, Errno::Eperm),
    })
}

/// Asking for the present one, the usual one and that of 32-bit programs (`setarch i686`, which changes what `uname`
/// answers), each also without address randomisation (`gdb`, `setarch -R`).
const PERSONALITIES: [u32; 5] = [0, 0xffff_ffff, 0x004_0000, 0x8, 0x004_0008];

/// The instructions for a call that is looked at when it names a path: with a descriptor alone it has none.
fn looked_at(path: u8) -> Vec<Instruction> {
    vec![
        load(argument(path)),
        jump(JEQ, 0, 0, 2),
        load(argument(path) + HIGH),
        jump(JEQ, 0, 1, 0),
        ret(RET_NOTIFY),
        ret(RET_ALLOW),
    ]
}

/// The instructions for a change of an owner.
fn owner(user: u8, path: Option<u8>, options: &Options) -> Option<Vec<Instruction>> {
    let told = path.filter(|_| options.supervise && options.tells);
    let rest = told.map_or_else(|| vec![ret(RET_ALLOW)], looked_at);
    let Some((own_user, own_group)) = options.identity else {
        return told.map(|_| rest);
    };
    let mut block = known(user..user + 1, own_user);
    block.extend(known(user + 1..user + 2, own_group));
    block.extend(rest);
    Some(block)
}

/// Goes on if each of these arguments is a number of the target's own or "leave it as it is" (-1); else refuses.
fn known(arguments: std::ops::Range<u8>, own: u32) -> Vec<Instruction> {
    let one =
        |index| [load(argument(index)), jump(JEQ, own, 2, 0), jump(JEQ, u32::MAX, 1, 0), deny(Errno::Eperm)];
    arguments.flat_map(one).collect()
}

/// The instructions for a change of a process that may not be the caller.
fn another(named: Named, options: &Options) -> Vec<Instruction> {
    let asked = if options.supervise { ret(RET_NOTIFY) } else { deny(Errno::Eperm) };
    match named {
        Named::Process => vec![load(argument(0)), jump(JEQ, 0, 1, 0), asked, ret(RET_ALLOW)],
        Named::Limits => vec![
            load(argument(0)),
            jump(JEQ, 0, 5, 0),
            load(argument(2)),
            jump(JEQ, 0, 0, 2),
            load(argument(2) + HIGH),
            jump(JEQ, 0, 1, 0),
            asked,
            ret(RET_ALLOW),
        ],
        Named::Kind(process) => vec![
            load(argument(0)),
            jump(JEQ, u32::from(process), 0, 2),
            load(argument(1)),
            jump(JEQ, 0, 1, 0),
            asked,
            ret(RET_ALLOW),
        ],
    }
}

/// The instructions for a change of a mode.
fn modes(action: Action, options: &Options) -> Option<Vec<Instruction>> {
    let (mode, usual) = match action {
        Action::Mode(mode) if options.supervise && options.tells => (mode, RET_NOTIFY),
        Action::Mode(mode) | Action::SetUser(mode) if options.root => (mode, RET_ALLOW),
        _ => return None,
    };
    let refused = if options.root { deny(Errno::Eperm) } else { ret(usual) };
    Some(vec![load(argument(mode)), jump(JSET, SET_ID, 0, 1), refused, ret(usual)])
}

/// Calls that a program with a sandbox of its own needs inside its own user namespace.
fn nested(name: &str) -> bool {
    matches!(name, "chroot" | "mount" | "umount2" | "pivot_root" | "setns")
}

/// Protocols of the internet families that programs use: the usual one of the kind, ICMP (`ping`; the kernel decides who
/// may), TCP, UDP, ICMPv6, and TCP over several paths, which looks like TCP to the redirect.
const PROTOCOLS: [u32; 6] = [0, 1, 6, 17, 58, 262];

/// Allows `AF_UNIX` and the internet families (unless told otherwise) with their usual protocols, and `NETLINK_ROUTE`.
fn families(closed: bool, no_datagrams: bool) -> Vec<Instruction> {
    const UNIX: u32 = 1;
    const INET: u32 = 2;
    const INET6: u32 = 10;
    const NETLINK: u32 = 16;
    /// Set in `SOCK_DGRAM` and `SOCK_RAW` (which is the same to this family), in neither of the other kinds.
    const DATAGRAM: u32 = 2;
    /// Set in every kind beside `SOCK_STREAM`, `SOCK_DGRAM` and `SOCK_RAW`: these have a protocol of their own (SCTP, DCCP).
    const ODD_KINDS: u32 = 4 | 8;
    let usual = if closed { deny(Errno::Eafnosupport) } else { ret(RET_ALLOW) };
    let datagrams = if no_datagrams { deny(Errno::Eprotonosupport) } else { usual };
    let mut block = vec![
        load(argument(0)),
        jump(JEQ, UNIX, 6, 0),
        jump(JEQ, INET, 9, 0),
        jump(JEQ, INET6, 8, 0),
        jump(JEQ, NETLINK, 0, 18),
        load(argument(2)),
        jump(JEQ, 0, 0, 16),
        ret(RET_ALLOW),
        // Unix.
        load(argument(1)),
        jump(JSET, DATAGRAM, 0, 1),
        datagrams,
        usual,
        // Internet.
        load(argument(1)),
        jump(JSET, ODD_KINDS, 8, 0),
        load(argument(2)),
    ];
    for (protocol, left) in PROTOCOLS.into_iter().zip((0..6).rev()) {
        block.push(jump(JEQ, protocol, left, u8::from(left == 0)));
    }
    block.extend([usual, deny(Errno::Eprotonosupport), deny(Errno::Eafnosupport)]);
    block
}

/// Refuses the requests of the table, and allows others.
fn requests() -> Vec<Instruction> {
    const TYPE_AND_NUMBER: u32 = 0xffff;
    const TYPE: u32 = 0xff00;
    let mut block = vec![load(argument(1)), and(TYPE_AND_NUMBER)];
    for (index, request) in REQUESTS.iter().enumerate() {
        let kind = u32::from(request.kind) << 8;
        if request.number.is_none() {
            block.push(and(TYPE));
        }
        // The one `return` that refuses stands behind them all, and behind the one that allows.
        let whole = REQUESTS.iter().skip(index + 1).filter(|later| later.number.is_none()).count();
        let left = REQUESTS.len() - index + whole;
        block.push(jump(
            JEQ,
            kind | u32::from(request.number.unwrap_or(0)),
            left.try_into().unwrap_or(u8::MAX),
            0,
        ));
    }
    block.extend([ret(RET_ALLOW), deny(Errno::Eperm)]);
    block
}

fn allow_equal(index: u8, values: &[u32], errno: Errno) -> Vec<Instruction> {
    let mut block = vec![load(argument(index))];
    for value in values {
        block.push(jump(JEQ, *value, 0, 1));
        block.push(ret(RET_ALLOW));
    }
    block.push(deny(errno));
    block
}

/// A program that is written from its end to its beginning: jumps lead forward only, so whatever one leads to is there
/// already. Most ranges do one of a handful of things, and all that are near enough share its instructions: the kernel
/// checks, translates and compiles each instruction at every start.
#[derive(Default)]
struct Backwards<'r> {
    /// The last instruction first.
    written: Vec<Instruction>,
    /// What was written for ranges, and where it begins: its place in `written`. Of the same instructions the nearest.
    blocks: Vec<(&'r [Instruction], usize)>,
}

/// How far a conditional jump reaches, in instructions.
const REACH: usize = u8::MAX as usize;

impl<'r> Backwards<'r> {
    /// Writes one instruction and returns its place.
    fn push(&mut self, instruction: Instruction) -> usize {
        self.written.push(instruction);
        self.written.len() - 1
    }

    /// How many instructions the next one would have to skip to get to a place.
    fn distance(&self, place: usize) -> usize {
        self.written.len() - 1 - place
    }

    /// A binary search over the ranges; returns the place where it begins, `None` without ranges. The call number stays in
    /// the accumulator until a range's own instructions load something else, and those end in a return.
    fn search(&mut self, ranges: &'r [(u32, Vec<Instruction>)]) -> Option<usize> {
        if let [(_, block)] = ranges {
            return self.block(block);
        }
        let (low, high) = ranges.split_at(ranges.len() / 2);
        let (boundary, _) = high.first()?;
        let (high, low) = (self.search(high)?, self.search(low)?);
        // Leading to the one puts one more instruction before the other.
        let high = self.near(high, REACH - 1);
        let low = self.near(low, REACH);
        let skip = |place| u8::try_from(self.distance(place)).ok();
        let (to_high, to_low) = (skip(high)?, skip(low)?);
        Some(self.push(jump(JGE, *boundary, to_high, to_low)))
    }

    /// What a range does; returns the place where that begins.
    fn block(&mut self, block: &'r [Instruction]) -> Option<usize> {
        let known = self.blocks.iter().position(|(known, _)| *known == block);
        if let Some((_, place)) = known.and_then(|index| self.blocks.get(index))
            && self.distance(*place) < REACH
        {
            return Some(*place);
        }
        let place = block.iter().rev().map(|instruction| self.push(*instruction)).last()?;
        match known.and_then(|index| self.blocks.get_mut(index)) {
            Some(known) => known.1 = place,
            None => self.blocks.push((block, place)),
        }
        Some(place)
    }

    /// The place itself, or that of a jump to it where it is further away than `reach`.
    fn near(&mut self, place: usize, reach: usize) -> usize {
        match u32::try_from(self.distance(place)) {
            Ok(distance) if self.distance(place) > reach => self.push(jump(JMP, distance, 0, 0)),
            _ => place,
        }
    }
}

#[cfg(test)]
mod tests;
