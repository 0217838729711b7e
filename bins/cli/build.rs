//! What the linker has to know of the executables; the build script of each program (`bins/setup` names this file).
//!
//! On Windows the manifest:
//!
//! - As its invoker: Windows asks for an administrator by the mere name of a program without one, if that holds "setup".
//! - Long paths, where the machine has them switched on.
//! - UTF-8 for what still takes text in a code page.
//! - No other assembly: what a manifest names has to be found inside a container too.
//!
//! And which libraries of the system are loaded when one of their functions is first called (`late.imports`) instead of before the
//! program begins: of a start, which is three processes, most libraries are for one, or for none.
//!
//! On Linux the functions that run at the start of each sandbox stand beside each other (`start.order`, which
//! `cargo xtask order` writes): a start touches fewer pages of the executable then, which saves time and memory.

use embed_manifest::manifest::{ActiveCodePage, ExecutionLevel, Setting, SupportedOS};
use embed_manifest::{embed_manifest, empty_manifest};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The list, beside the script of the program that has one.
const LIST: &str = "start.order";
/// The same for libraries of Windows: the name of each, and below it, behind two spaces, the functions that are imported from it.
/// `.ci/wine/start.sh` says when one is missing here.
const LATE: &str = "late.imports";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../cli/build.rs");
    if is("CARGO_CFG_TARGET_OS", "linux") {
        return order();
    }
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    let name = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let manifest = empty_manifest()
        .name(&name)
        .supported_os(SupportedOS::Windows10..=SupportedOS::Windows10)
        .active_code_page(ActiveCodePage::Utf8)
        .long_path_aware(Setting::Enabled)
        .requested_execution_level(ExecutionLevel::AsInvoker);
    embed_manifest(manifest)?;
    late()
}

/// Has the listed functions bound when they are called.
fn late() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={LATE}");
    if !Path::new(LATE).exists() {
        return Ok(());
    }
    let list = std::fs::read_to_string(LATE)?;
    if !is("CARGO_CFG_TARGET_ENV", "gnu") {
        for library in list.lines().filter(|line| !line.starts_with(' ')) {
            println!("cargo:rustc-link-arg=/DELAYLOAD:{library}");
        }
        println!("cargo:rustc-link-arg=delayimp.lib");
        return Ok(());
    }
    let out = std::env::var("OUT_DIR")?;
    let mut definitions: Vec<(String, String)> = Vec::new();
    for line in list.lines() {
        match (line.strip_prefix("  "), definitions.last_mut()) {
            (Some(function), Some((_, text))) => writeln!(text, "{function}")?,
            _ => {
                definitions.push((line.replace('.', "_"), format!("LIBRARY {line}\nEXPORTS\n")));
            }
        }
    }
    println!("cargo:rustc-link-search=native={out}");
    for (name, text) in definitions {
        let definition = Path::new(&out).join(format!("{name}.def"));
        std::fs::write(&definition, text)?;
        let made = Command::new("x86_64-w64-mingw32-dlltool")
            .arg("-d")
            .arg(&definition)
            .arg("-y")
            .arg(Path::new(&out).join(format!("liblate_{name}.a")))
            .status()?;
        if !made.success() {
            return Err(format!("dlltool makes no library of {}", definition.display()).into());
        }
        // As a whole and before all others, so that nothing is left for the usual libraries.
        println!("cargo:rustc-link-lib=static:+whole-archive=late_{name}");
    }
    println!("cargo:rustc-link-arg=-ldelayimp");
    Ok(())
}

fn is(variable: &str, value: &str) -> bool {
    std::env::var(variable).is_ok_and(|found| found == value)
}

/// Has the listed functions put before all others. A linker that was chosen by whoever builds may not understand such a
/// script, and a build for tests does not need it.
fn order() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={LIST}");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let chosen =
        std::env::var_os("RUSTC_LINKER").is_some() || flags.contains("linker") || flags.contains("fuse-ld");
    let usual = is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is("PROFILE", "release");
    if chosen || !usual || !Path::new(LIST).exists() {
        return Ok(());
    }
    // The syntax of the GNU linker, "INSERT": the rest of its layout stays as it is.
    let mut script = String::from("SECTIONS {\n.text.start : {\n");
    for name in std::fs::read_to_string(LIST)?.lines() {
        if name.contains(':') {
            // A file in an archive.
            writeln!(script, "*{name}(.text .text.*)")?;
        } else {
            // What the compiler takes for unlikely stands elsewhere otherwise.
            writeln!(script, "*(.text.{name} .text.unlikely.{name})")?;
        }
    }
    script.push_str("}\n} INSERT BEFORE .text;\n");
    let file = Path::new(&std::env::var("OUT_DIR")?).join("start.ld");
    std::fs::write(&file, script)?;
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", file.display());
    Ok(())
}
