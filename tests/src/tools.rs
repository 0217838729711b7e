//! Tools of the machine that the tests need.

use crate::garden::{Garden, install};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// True if the program is installed for everybody. Where it is not, says so; in CI that fails the test.
///
/// # Panics
/// In CI, naming the Debian package.
#[must_use]
pub fn has(program: &str, package: &str) -> bool {
    let places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let found = places.iter().any(|place| {
        let data = Path::new(place).join(program).metadata();
        data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    });
    if !found {
        unavailable(program, &format!("apt-get install {package}"));
    }
    found
}

/// Says that something a test needs is not on this machine; fails the test in CI, where it has to be.
///
/// # Panics
/// When the variable `CI` is set.
pub fn unavailable(what: &str, hint: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} not installed\nhint: {hint}");
    eprintln!("skipped: {what} not installed");
}

/// Gives the home of a garden what a user of rustup has: `~/.rustup` with a toolchain, `~/.cargo/bin` and a
/// registry in which the packages of this source tree have been fetched. False if there is no rustup.
///
/// # Panics
/// When the preparation fails, and in CI when there is no rustup.
#[must_use]
pub fn cargo_home(garden: &Garden) -> bool {
    let real = cargo_directory();
    if !real.join("bin/rustup").is_file() {
        unavailable("rustup", "see the developers' guide");
        return false;
    }
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc starts");
    let sysroot = PathBuf::from(String::from_utf8(rustc.stdout).expect("text").trim());
    let bin = garden.home.join(".cargo/bin");
    garden.directory(&bin);
    for program in ["cargo", "rustc", "rustdoc"] {
        install(&real.join("bin/rustup"), &bin.join(program));
        garden.own(&bin.join(program));
    }
    let toolchain = garden.home.join(".rustup/toolchains/matrix");
    garden.directory(&toolchain);
    // Hard links where that works: a toolchain is large, and nothing inside may write to it.
    for part in ["bin", "lib"] {
        let linked = Command::new("cp").arg("-al").arg(sysroot.join(part)).arg(&toolchain).output();
        if !linked.expect("cp starts").status.success() {
            let _ = std::fs::remove_dir_all(toolchain.join(part));
            let copied = Command::new("cp").arg("-a").arg(sysroot.join(part)).arg(&toolchain).status();
            assert!(copied.expect("cp starts").success(), "the toolchain cannot be copied");
        }
    }
    garden.write(
        garden.home.join(".rustup/settings.toml"),
        "default_toolchain = \"matrix\"\nversion = \"12\"\n",
    );
    true
}

/// The directory of cargo of whoever runs the tests.
fn cargo_directory() -> PathBuf {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"))
}

/// Puts one fetched package into the registry of a garden's home, as `cargo fetch` would have. False if the
/// machine has not fetched it.
///
/// # Panics
/// When copying fails.
#[must_use]
pub fn registry(garden: &Garden, package: &str, index: &str) -> Option<String> {
    let real = cargo_directory().join("registry");
    let mut version = None;
    for entry in real.join("cache").read_dir().ok()?.flatten() {
        let source = entry.file_name();
        let archives = entry.path().read_dir().ok()?.flatten();
        let archive = archives.map(|archive| archive.path()).find(|path| named(path, package).is_some())?;
        version = named(&archive, package);
        let home = garden.home.join(".cargo/registry");
        let name = archive.file_name()?;
        garden.write(home.join("cache").join(&source).join(name), std::fs::read(&archive).ok()?);
        let from = real.join("index").join(&source);
        let to = home.join("index").join(&source);
        garden.write(to.join("config.json"), std::fs::read(from.join("config.json")).ok()?);
        garden.write(to.join(".cache").join(index), std::fs::read(from.join(".cache").join(index)).ok()?);
    }
    version
}

/// The version in the name of a package's archive.
fn named(path: &Path, package: &str) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".crate")?;
    let version = name.strip_prefix(package)?.strip_prefix('-')?;
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned())
}
