//! Compares the model of the Windows access check with the `AccessCheck` of the system it runs on, in random cases.
//!
//! Under Wine differences are allowed where Wine is known to differ from Windows; each is counted by its reason. A
//! difference without a reason, too few cases without one, or cases that are all alike end the program with status 1.
//!
//!   access-check [CASES [SEED]]

#[cfg(windows)]
mod cases;
#[cfg(windows)]
mod system;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    cases::compare()
}

#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    // There is no `AccessCheck` to compare with.
    std::process::ExitCode::from(2)
}
