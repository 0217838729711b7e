//! Cargo in the default policy, with rustup's usual files in the home.
#![cfg(target_os = "linux")]

use garth_tests::{Garden, cargo_home, everyone, registry, unavailable};

const LIBRARY: &str = "
//! A library with a dependency and tests of each kind.
/// Text of a number.
///
/// ```
/// assert_eq!(small::text(7), \"7\");
/// ```
#[must_use]
pub fn text(number: u64) -> String {
    itoa::Buffer::new().format(number).to_owned()
}
#[cfg(test)]
mod tests {
    #[test]
    fn temporary_files_and_threads() {
        let file = std::env::temp_dir().join(\"small-test\");
        std::fs::write(&file, super::text(5)).unwrap();
        let read = std::thread::spawn(move || std::fs::read_to_string(file).unwrap()).join().unwrap();
        assert_eq!(read, \"5\");
    }
}
";

/// A crate with a build script, a path dependency and one from the registry, and a registry that holds only what
/// was downloaded: cargo has to unpack it.
fn project(garden: &Garden) -> bool {
    if !cargo_home(garden) {
        return false;
    }
    let Some(version) = registry(garden, "itoa", "it/oa/itoa") else {
        unavailable("the package itoa in the registry of cargo", "cargo fetch");
        return false;
    };
    let manifest = format!(
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nitoa = \"={version}\"\n\
         near = {{ path = \"near\" }}\n[features]\nextra = []\n"
    );
    garden.write("Cargo.toml", manifest);
    garden.write("near/Cargo.toml", "[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    garden.write("near/src/lib.rs", "pub const NEAR: u64 = 42;\n");
    garden.write(
        "build.rs",
        "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap();
           std::fs::write(format!(\"{out}/made.rs\"), \"const MADE: u64 = 1;\").unwrap();
           println!(\"cargo:rerun-if-changed=build.rs\"); }",
    );
    garden.write("src/lib.rs", LIBRARY);
    garden.write(
        "src/main.rs",
        "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\nfn main() { println!(\"{}\", small::text(near::NEAR + MADE)); }\n",
    );
    true
}

#[test]
fn build_test_rebuild_and_clean() {
    everyone(|garden| {
        if !project(garden) {
            return;
        }
        let run = garden.inside(&["cargo", "build", "--offline"]).ok();
        assert!(run.errors().contains("Compiling itoa"), "{run}");
        // What was built is a program of the host.
        assert_eq!(garden.outside(&["target/debug/small"]).ok().text(), "43");
        let run = garden.inside(&["cargo", "test", "--offline"]).ok();
        assert!(run.text().matches("1 passed").count() == 2, "{run}");
        let run = garden.inside(&["cargo", "build", "--offline"]).ok();
        assert!(!run.errors().contains("Compiling"), "nothing changed, yet: {run}");
        let source = garden.read("src/main.rs").replace("MADE)", "MADE + 1)");
        garden.write("src/main.rs", source);
        let run = garden.inside(&["cargo", "run", "--offline", "--release"]).ok();
        assert_eq!(run.text(), "44");
        let run = garden.script("cargo check --offline --features extra; cargo doc --offline --no-deps; cargo metadata --offline --format-version 1 >/dev/null").ok();
        assert!(run.errors().contains("Finished"), "{run}");
        // The host's cargo finds what the sandbox built fresh, and the other way round.
        let host = garden.outside(&["cargo", "build", "--offline"]);
        assert!(host.status.success(), "{host}");
        let _ = garden.inside(&["cargo", "clean"]).ok();
        assert!(!garden.has("target"));
        assert!(garden.has("Cargo.lock"));
    });
}

/// The registry of the host stays as it was: what cargo unpacks goes to a layer of the sandbox.
#[test]
fn the_registry_is_an_overlay() {
    everyone(|garden| {
        if !project(garden) {
            return;
        }
        let _ = garden.script("cargo fetch --offline; ls ~/.cargo/registry/src/*/ | grep itoa; touch ~/.cargo/registry/mark").ok();
        assert!(!garden.home.join(".cargo/registry/src").exists());
        assert!(!garden.home.join(".cargo/registry/mark").exists());
        let caches = garden.home.join(".cargo").read_dir().expect("cargo's home");
        let names: Vec<_> = caches.flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    });
}

#[test]
fn new_projects_workspaces_and_vendored_packages() {
    everyone(|garden| {
        if !project(garden) {
            return;
        }
        let _ = garden.prepare("cargo vendor --offline -q vendored >/dev/null; mkdir -p .cargo; printf '%s\n' '[source.crates-io]' 'replace-with = \"v\"' '[source.v]' 'directory = \"vendored\"' >.cargo/config.toml; rm -rf ~/.cargo/registry");
        let run = garden.script(
            "cargo build --offline -q; target/debug/small; cargo new -q --vcs none fresh 2>/dev/null; cd fresh
             echo '[workspace]' >>Cargo.toml; cargo test -q --offline; cargo run -q; cargo install -q --offline --path . --root ../installed; ../installed/bin/fresh",
        );
        let run = run.ok();
        assert!(run.text().starts_with("43"), "{run}");
        assert!(run.text().ends_with("Hello, world!\nHello, world!"), "{run}");
        assert!(garden.has("installed/bin/fresh"));
    });
}
