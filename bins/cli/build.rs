//! Puts a manifest into the Windows executables; the build script of each program (`bins/setup` names this file).
//!
//! - As its invoker: Windows asks for an administrator by the mere name of a program without one, if that holds "setup".
//! - Long paths, where the machine has them switched on.
//! - UTF-8 for what still takes text in a code page.
//! - No other assembly: what a manifest names has to be found inside a container too.

use embed_manifest::manifest::{ActiveCodePage, ExecutionLevel, Setting, SupportedOS};
use embed_manifest::{embed_manifest, empty_manifest};

fn main() -> Result<(), embed_manifest::Error> {
    println!("cargo:rerun-if-changed=../cli/build.rs");
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    let name = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    embed_manifest(
        empty_manifest()
            .name(&name)
            .supported_os(SupportedOS::Windows10..=SupportedOS::Windows10)
            .active_code_page(ActiveCodePage::Utf8)
            .long_path_aware(Setting::Enabled)
            .requested_execution_level(ExecutionLevel::AsInvoker),
    )
}
