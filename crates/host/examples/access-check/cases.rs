//! Random cases, and why Wine may differ in one.

use super::system::{self, SystemToken};
use garth_plan::windows::{
    AccessMask, Ace, AceFlags, AceKind, Acl, Control, Listed, ObjectKind, SecurityDescriptor, Sid, Token,
    check, known,
};
use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;

/// Where Wine is known to differ from what Windows documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Quirk {
    /// Owning an object gives all standard rights.
    OwnerGetsStandardRights,
    /// Entries for owner rights match nobody and take nothing from the owner.
    OwnerRightsIgnored,
    /// Deny entries for deny-only groups do not match.
    DenyOnlyIgnored,
    /// The maximum is what is allowed anywhere without what is denied anywhere.
    MaximumIgnoresOrder,
    /// A deny entry refuses rights that an earlier entry granted.
    LaterDenialWins,
}

/// A small generator of numbers (xorshift64*), so that a seed gives the same cases everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn mask(&mut self) -> AccessMask {
        let bits = [
            0x1,
            0x2,
            0x4,
            0x8,
            0x20,
            0x40,
            0x100,
            0x1_0000,
            0x2_0000,
            0x4_0000,
            0x8_0000,
            0x10_0000,
            0x8000_0000,
            0x4000_0000,
            0x2000_0000,
            0x1000_0000,
        ];
        let count = 1 + self.below(5);
        AccessMask((0..count).fold(0, |sum, _| sum | self.of(&bits)))
    }
}

struct Case {
    descriptor: SecurityDescriptor,
    kind: ObjectKind,
    desired: AccessMask,
}

/// `subjects` are whom entries name; the first is the user.
fn case(numbers: &mut Numbers, subjects: &[Sid]) -> Case {
    let kinds = [ObjectKind::File, ObjectKind::Key, ObjectKind::Process, ObjectKind::Mutex, ObjectKind::Job];
    let kind = numbers.of(&kinds);
    let ace = |numbers: &mut Numbers| Ace {
        kind: numbers.of(&[AceKind::Allow, AceKind::Allow, AceKind::Deny]),
        flags: AceFlags(numbers.of(&[0, 0, 0, 3, 11, 16, 27])),
        mask: numbers.mask(),
        sid: numbers.of(subjects),
    };
    let dacl = match numbers.below(20) {
        0 => Listed::Null,
        1 => Listed::Absent,
        _ => {
            let count = numbers.below(6);
            Listed::Present(Acl { aces: (0..count).map(|_| ace(numbers)).collect() })
        }
    };
    // Mostly somebody else: what owning gives is where Wine differs most.
    let owners = [known::SYSTEM, known::SYSTEM, known::SYSTEM, known::SYSTEM, known::USERS, subjects[0]];
    let owner = numbers.of(&owners);
    let maximum = numbers.below(5) == 0;
    let asked = kind.mapping().map(numbers.mask()) & AccessMask(0x001f_ffff);
    let desired = if maximum { AccessMask::MAXIMUM_ALLOWED } else { asked };
    let descriptor = SecurityDescriptor {
        control: Control::NONE,
        owner: Some(owner),
        group: Some(known::SYSTEM),
        dacl,
        sacl: Listed::Absent,
    };
    Case { descriptor, kind, desired }
}

/// The reasons for which Wine may give another answer to this case.
fn quirks(case: &Case, token: &Token) -> Vec<Quirk> {
    let maximum = case.desired.intersects(AccessMask::MAXIMUM_ALLOWED);
    let mapping = case.kind.mapping();
    let effective: Vec<&Ace> = case.descriptor.dacl.aces().iter().filter(|ace| ace.is_effective()).collect();
    let denies = |ace: &Ace| ace.kind == AceKind::Deny && token.denies(&ace.sid);
    let mut found = Vec::new();
    let standard = maximum || case.desired.intersects(AccessMask::STANDARD);
    if standard && case.descriptor.owner.is_some_and(|owner| token.allows(&owner)) {
        found.push(Quirk::OwnerGetsStandardRights);
    }
    if effective.iter().any(|ace| ace.sid == known::OWNER_RIGHTS) {
        found.push(Quirk::OwnerRightsIgnored);
    }
    if effective.iter().any(|ace| denies(ace) && !token.allows(&ace.sid)) {
        found.push(Quirk::DenyOnlyIgnored);
    }
    // Both need a denial behind a grant of the same right.
    let mut given = AccessMask::NONE;
    for ace in effective {
        let mask = mapping.map(ace.mask);
        if ace.kind == AceKind::Allow && token.allows(&ace.sid) {
            given |= mask;
        } else if denies(ace) && mask.intersects(given) {
            found.push(if maximum { Quirk::MaximumIgnoresOrder } else { Quirk::LaterDenialWins });
        }
    }
    found
}

#[derive(Default)]
struct Tally {
    plain: usize,
    granted: usize,
    refused: usize,
    explained: BTreeMap<Quirk, usize>,
    texts: usize,
    null_lists: usize,
    unexplained: Vec<String>,
}

impl Tally {
    fn compare(&mut self, case: &Case, token: &Token, system: &SystemToken) -> io::Result<()> {
        let answer = check(token, &case.descriptor, case.kind, case.desired).map_err(io::Error::other)?;
        let bytes = case.descriptor.to_bytes().map_err(io::Error::other)?;
        let theirs = system.check(&bytes, case.desired, case.kind.mapping())?;
        let reasons = quirks(case, token);
        if reasons.is_empty() {
            self.plain += 1;
            *if answer.allowed { &mut self.granted } else { &mut self.refused } += 1;
        }
        if answer.granted == theirs {
            return Ok(());
        }
        match reasons.first() {
            Some(reason) => *self.explained.entry(*reason).or_default() += 1,
            None => self.unexplained.push(format!(
                "{:?} {} {}: model {}, system {theirs}\n    {}",
                case.kind,
                case.descriptor,
                case.desired,
                answer.granted,
                answer.why(&case.descriptor).join("\n    ")
            )),
        }
        Ok(())
    }

    /// The system must read the model's text of the descriptor as the model's bytes of it.
    fn compare_text(&mut self, case: &Case) -> io::Result<()> {
        if case.descriptor.dacl == Listed::Null {
            // Wine 8 does not know `NO_ACCESS_CONTROL` and reads an empty list.
            self.null_lists += 1;
            return Ok(());
        }
        let text = case.descriptor.to_string();
        let bytes = match system::bytes_of(&text) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unexplained.push(format!("{text}: {error}"));
                return Ok(());
            }
        };
        let theirs = SecurityDescriptor::read(&bytes).map_err(io::Error::other)?;
        self.texts += 1;
        if theirs != case.descriptor {
            self.unexplained.push(format!("{text}: the system reads {theirs}"));
        }
        Ok(())
    }

    fn is_good(&self, cases: usize) -> bool {
        self.unexplained.is_empty()
            && self.plain * 2 >= cases
            && self.granted * 10 >= self.plain
            && self.refused * 10 >= self.plain
    }
}

fn run(cases: usize, seed: u64) -> io::Result<Tally> {
    let process = SystemToken::of_process()?;
    let without = process.without(&known::ADMINISTRATORS)?;
    let mut tally = Tally::default();
    let mut numbers = Numbers(seed.wrapping_mul(2) | 1);
    for system in [&process, &without] {
        let token = system.read()?;
        let asked = system.impersonated()?;
        let mut subjects = vec![token.user, known::OWNER_RIGHTS, known::CREATOR_OWNER, known::SYSTEM];
        subjects.extend([known::RESTRICTED, known::ALL_APPLICATION_PACKAGES, known::ADMINISTRATORS]);
        subjects.extend(token.groups.iter().map(|group| group.sid));
        for _ in 0..cases / 2 {
            let case = case(&mut numbers, &subjects);
            tally.compare(&case, &token, &asked)?;
            tally.compare_text(&case)?;
        }
    }
    Ok(tally)
}

/// Runs the comparison with the numbers of the command line.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the report is what the program is for")]
pub fn compare() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Ok(cases), Ok(seed)) = (arguments.next().unwrap_or(Ok(100_000)), arguments.next().unwrap_or(Ok(1)))
    else {
        eprintln!("access-check: the number of cases and the seed are whole numbers");
        return ExitCode::from(2);
    };
    let cases = usize::try_from(cases).unwrap_or(usize::MAX);
    match run(cases, seed) {
        Ok(tally) => {
            println!(
                "access checks: {cases} cases, {} without a known difference ({} granted, {} refused)",
                tally.plain, tally.granted, tally.refused
            );
            tally.explained.iter().for_each(|(quirk, count)| println!("  {count} differ: {quirk:?}"));
            println!("  {} texts were compared, {} with a NULL list were not", tally.texts, tally.null_lists);
            println!("  {} differ without a reason", tally.unexplained.len());
            tally.unexplained.iter().take(10).for_each(|line| println!("  {line}"));
            if tally.is_good(cases) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("access-check: {error}");
            ExitCode::FAILURE
        }
    }
}
