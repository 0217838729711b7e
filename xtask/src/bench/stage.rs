//! The scratch directory: programs, a home, and the trees that commands work in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::options::Options;

/// Files in the small tree.
pub const FEW: usize = 100;
/// Files in the repository and in the archive.
pub const SOURCES: usize = 2_000;
/// A policy with rules for commands.
pub const RULES: &str = "rules.toml";
/// The same, and programs are not recorded.
pub const RULES_ALONE: &str = "rules-alone.toml";
/// Files in one directory of a tree.
const PER_DIRECTORY: usize = 100;

const RULES_TEXT: &str = r#"version = 1

[[commands]]
prefix = ["git", "push"]
decision = "deny"
reason = "pushing publishes work"

[[commands]]
prefix = [["curl", "wget"]]
decision = "deny"
reason = "downloads go through the package manager"
"#;

/// A line of a source file.
const LINE: &str = "one line of text\n";

/// What a scratch directory holds; it is removed with this value.
pub struct Stage {
    base: PathBuf,
}

impl Stage {
    /// Prepares everything and gives it to the user who measures.
    ///
    /// # Errors
    /// When a file cannot be made, or git, tar or the Rust toolchain is missing.
    pub fn new(options: &Options, garth: &Path) -> Result<Self> {
        let stage = Self { base: std::env::temp_dir().join(format!("garth-bench-{}", std::process::id())) };
        fs::create_dir(&stage.base).with_context(|| format!("cannot create {}", stage.base.display()))?;
        fs::create_dir(stage.path("home"))?;
        copy(garth, &stage.path("garth"))?;
        copy(&std::env::current_exe()?, &stage.path("xtask"))?;
        stage.toolchain()?;
        stage.trees(options)?;
        stage.archive()?;
        stage.package()?;
        fs::write(stage.path(RULES), RULES_TEXT)?;
        fs::write(stage.path(RULES_ALONE), format!("{RULES_TEXT}\n[audit]\nprocesses = false\n"))?;
        if let Some(user) = options.user {
            stage.run("chown", &["-R", &format!("{user}:{user}"), "."])?;
        }
        Ok(stage)
    }

    /// The directory.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// A compiler that any user can run: toolchains usually lie in somebody's home.
    fn toolchain(&self) -> Result<()> {
        let output =
            Command::new("rustc").args(["--print", "sysroot"]).output().context("cannot start rustc")?;
        let sysroot = PathBuf::from(String::from_utf8(output.stdout)?.trim());
        for part in ["bin", "lib/rustlib"] {
            fs::create_dir_all(self.path("toolchain").join(part))?;
        }
        for program in ["bin/cargo", "bin/rustc"] {
            copy(&sysroot.join(program), &self.path("toolchain").join(program))?;
        }
        for entry in fs::read_dir(sysroot.join("lib"))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                copy(&entry.path(), &self.path("toolchain/lib").join(entry.file_name()))?;
            }
        }
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let standard = sysroot.join("lib/rustlib").join(host);
        self.run("cp", &["-R", &standard.display().to_string(), "toolchain/lib/rustlib/"])
    }

    /// The trees of few and many files and the repository with sources.
    fn trees(&self, options: &Options) -> Result<()> {
        for (name, files, line) in
            [("small", FEW, ""), ("large", options.many, ""), ("sources", SOURCES, LINE)]
        {
            fs::create_dir(self.path(name))?;
            plant(&self.path(name).join("tree"), files, line)?;
            self.run("git", &["-C", name, "init", "--quiet"])?;
        }
        copy(&self.path("xtask"), &self.path("sources/xtask"))?;
        self.run("git", &["-C", "sources", "add", "--all"])?;
        let author = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
        let commit = ["commit", "--quiet", "--message", "Plant the tree"];
        self.run("git", &[&["-C", "sources"], author.as_slice(), commit.as_slice()].concat())
    }

    fn archive(&self) -> Result<()> {
        // Out of the repository's sight, like everything else that the workloads make there.
        fs::write(self.path("sources/.git/info/exclude"), "tree.tar\nunpacked\ncrate\nstorm\n")?;
        self.run("tar", &["-cf", "sources/tree.tar", "-C", "sources", "tree"])
    }

    /// A crate of a few modules and no dependencies.
    fn package(&self) -> Result<()> {
        let source = self.path("sources/crate/src");
        fs::create_dir_all(&source)?;
        fs::write(
            self.path("sources/crate/Cargo.toml"),
            "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
        )?;
        let names: Vec<String> = (0..8).map(|number| format!("part{number}")).collect();
        for name in &names {
            let body: String = (0..40)
                .map(|n| format!("pub fn step{n}(x: u64) -> String {{ format!(\"{{x}} {{:?}}\", (0..x).map(|y| y ^ {n}).collect::<Vec<_>>()) }}\n"))
                .collect();
            fs::write(source.join(format!("{name}.rs")), body)?;
        }
        let modules: String = names.iter().map(|name| format!("mod {name};\n")).collect();
        let calls: String =
            names.iter().map(|name| format!("    println!(\"{{}}\", {name}::step7(9));\n")).collect();
        fs::write(
            source.join("main.rs"),
            format!("#![allow(dead_code)]\n{modules}fn main() {{\n{calls}}}\n"),
        )?;
        Ok(())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let status = Command::new(program)
            .args(arguments)
            .current_dir(&self.base)
            .env("HOME", self.path("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("cannot start {program}\nhint: install it"))?;
        if !status.success() {
            bail!("{program} {}: {status}", arguments.join(" "));
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What stays behind lies in the temporary directory; the next run has its own.
        let _ = fs::remove_dir_all(&self.base);
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// A tree of so many files of twenty lines, a hundred to a directory.
fn plant(place: &Path, files: usize, line: &str) -> Result<()> {
    for index in 0..files {
        let directory = place.join(format!("d{}", index / PER_DIRECTORY));
        if index % PER_DIRECTORY == 0 {
            fs::create_dir_all(&directory)?;
        }
        let name = directory.join(format!("file{index}.txt"));
        fs::write(&name, line.repeat(20)).with_context(|| format!("cannot write {}", name.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_the_files_asked_for() {
        let place = std::env::temp_dir().join(format!("garth-plant-test-{}", std::process::id()));
        plant(&place, 250, LINE).unwrap();
        let counted: usize =
            fs::read_dir(&place).unwrap().map(|d| fs::read_dir(d.unwrap().path()).unwrap().count()).sum();
        fs::remove_dir_all(&place).unwrap();
        assert_eq!(counted, 250);
    }
}
