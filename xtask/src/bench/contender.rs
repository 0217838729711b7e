//! What is put in front of a command: nothing, garth, bubblewrap, and other sandboxes where they are installed.

use std::path::{Path, PathBuf};

use super::race::Runner;

/// How the tables call the command by itself.
pub const BARE: &str = "bare";
/// The default policy.
pub const GARTH: &str = "garth";
/// The default policy, with rules for commands: every program that starts is judged.
pub const JUDGED: &str = "garth, with rules for commands";
/// The same, and nothing of the programs is recorded.
pub const JUDGED_ALONE: &str = "garth, with rules, not recording";
/// bubblewrap with the mounts that garth's view has.
pub const BWRAP: &str = "bwrap, same view";
/// bubblewrap as agents use it: the whole file system, read-only.
pub const BWRAP_SIMPLE: &str = "bwrap, all of / read-only";

/// The system directories of garth's default view.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt"];

/// Namespaces and lifetime, as close to garth as bubblewrap's options come.
const ISOLATION: &[&str] = &["--unshare-all", "--die-with-parent", "--new-session"];

/// A sandbox: a name and what stands before the command.
#[derive(Debug, Clone)]
pub struct Contender {
    /// How the tables call it.
    pub name: &'static str,
    /// Program and options.
    pub prefix: Vec<String>,
}

impl Contender {
    /// The command in this sandbox, in this directory.
    pub fn runner(&self, command: &[String], place: &Path) -> Runner {
        let command = self.prefix.iter().chain(command).cloned().collect();
        Runner { name: self.name.to_owned(), command, place: place.to_owned() }
    }
}

/// The command by itself, garth, and bubblewrap with the same view where it is installed, all for one workspace.
/// Each `extra` path can be read in addition.
pub fn same_view(base: &Path, workspace: &Path, extra: &[PathBuf]) -> Vec<Contender> {
    let mut garth = vec![base.join("garth").display().to_string(), "run".to_owned()];
    garth.extend(extra.iter().flat_map(|path| ["--read".to_owned(), path.display().to_string()]));
    garth.push("--".to_owned());
    let mut contenders =
        vec![Contender { name: BARE, prefix: Vec::new() }, Contender { name: GARTH, prefix: garth }];
    if let Some(bwrap) = search("bwrap") {
        contenders.push(Contender { name: BWRAP, prefix: same_mounts(&bwrap, base, workspace, extra) });
    }
    contenders
}

/// As [`same_view`], and garth with the policies with rules for commands that lie in the scratch directory.
pub fn judged(base: &Path, workspace: &Path) -> Vec<Contender> {
    let mut contenders = same_view(base, workspace, &[]);
    let garth = base.join("garth").display().to_string();
    for (name, policy) in [(JUDGED, super::stage::RULES), (JUDGED_ALONE, super::stage::RULES_ALONE)] {
        let policy = base.join(policy).display().to_string();
        let words = [garth.as_str(), "run", "--policy", &policy, "--"];
        contenders.push(Contender { name, prefix: words.map(str::to_owned).to_vec() });
    }
    contenders
}

/// Everything that starts a command in a sandbox here.
pub fn all(base: &Path, workspace: &Path) -> Vec<Contender> {
    let mut contenders = same_view(base, workspace, &[]);
    if let Some(bwrap) = search("bwrap") {
        let place = workspace.display().to_string();
        let mut prefix = vec![bwrap.display().to_string()];
        prefix.extend(words("--ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --bind"));
        prefix.extend([place.clone(), place]);
        prefix.extend(ISOLATION.iter().map(ToString::to_string));
        contenders.push(Contender { name: BWRAP_SIMPLE, prefix });
    }
    if let Some(srt) = search("srt") {
        contenders.push(Contender { name: "srt", prefix: vec![srt.display().to_string()] });
    }
    if let Some(codex) = search("codex") {
        let mut prefix = vec![codex.display().to_string()];
        prefix.extend(words("sandbox -P :workspace --"));
        contenders.push(Contender { name: "codex sandbox", prefix });
    }
    contenders
}

fn same_mounts(bwrap: &Path, base: &Path, workspace: &Path, extra: &[PathBuf]) -> Vec<String> {
    let mut prefix = vec![bwrap.display().to_string()];
    for directory in SYSTEM {
        match std::fs::read_link(directory) {
            Ok(target) => {
                prefix.extend(["--symlink".into(), target.display().to_string(), (*directory).into()])
            }
            Err(_) if Path::new(directory).is_dir() => {
                prefix.extend(["--ro-bind", directory, directory].map(str::to_owned));
            }
            Err(_) => {}
        }
    }
    let place = workspace.display().to_string();
    prefix.extend(words("--dev /dev --proc /proc --tmpfs /tmp --tmpfs /var/tmp --tmpfs /run --tmpfs"));
    prefix.push(base.join("home").display().to_string());
    for path in extra.iter().map(|path| path.display().to_string()) {
        prefix.extend(["--ro-bind".into(), path.clone(), path]);
    }
    prefix.extend(["--bind".into(), place.clone(), place]);
    prefix.extend(ISOLATION.iter().map(ToString::to_string));
    prefix
}

/// The words of a fixed text.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A program on the search path.
pub fn search(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.is_file())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_command_stands_behind_its_sandbox() {
        let contenders = same_view(Path::new("/s"), Path::new("/s/w"), &["/s/toolchain".into()]);
        let runner = contenders[1].runner(&words("/bin/true"), Path::new("/s/w"));
        assert_eq!(
            (runner.name.as_str(), runner.command.join(" ").as_str()),
            (GARTH, "/s/garth run --read /s/toolchain -- /bin/true")
        );
        let prefix = same_mounts(Path::new("bwrap"), Path::new("/s"), Path::new("/s/w"), &[]).join(" ");
        assert!(prefix.contains("--ro-bind /usr /usr") && prefix.contains("--bind /s/w /s/w"), "{prefix}");
    }
}
