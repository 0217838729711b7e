//! Scripts that nobody here wrote: all shell scripts of this machine that `bash -n` accepts are understood.

use garth_vet::{Shell, parse};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the files of a system are. What is mounted there from elsewhere is not followed.
const ROOTS: &[&str] = &["/bin", "/etc", "/lib", "/opt", "/sbin", "/usr", "/var/lib"];

/// Files that are looked at; a machine with more has shown enough.
const MOST_FILES: usize = 400_000;

/// The share that has to be understood.
const SHARE: f64 = 0.99;

/// A machine with fewer scripts shows nothing.
const FEWEST: usize = 20;

fn shell_scripts() -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> = ROOTS.iter().map(PathBuf::from).collect();
    let mut found = Vec::new();
    let mut looked = 0;
    while let Some(directory) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                looked += 1;
                if is_shell_script(&entry.path()) {
                    found.push(entry.path());
                }
            }
        }
        if looked > MOST_FILES {
            break;
        }
    }
    found.sort();
    found
}

fn is_shell_script(path: &Path) -> bool {
    let mut head = [0; 40];
    let Ok(length) = fs::File::open(path).and_then(|mut file| file.read(&mut head)) else { return false };
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    let Some(line) = head.lines().next().and_then(|line| line.strip_prefix("#!")) else { return false };
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or_default());
    let program = words.next().unwrap_or_default();
    let program = if program == "env" { words.next().unwrap_or_default() } else { program };
    ["sh", "bash", "dash"].contains(&program)
}

fn bash_accepts(path: &Path) -> bool {
    let status = Command::new("bash").arg("-n").arg(path).stdin(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn scripts_of_this_machine_are_understood() {
    if Command::new("bash").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("not tried: there is no bash here");
        return;
    }
    let (mut understood, mut bytes, mut commands) = (0, 0, 0);
    let mut missed = Vec::new();
    for path in shell_scripts() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !bash_accepts(&path) {
            continue;
        }
        let script = parse(Shell::Bash, &text);
        bytes += text.len();
        commands += script.commands.len();
        match script.problems.first() {
            None => understood += 1,
            Some(problem) => missed.push(format!("{}: {problem:?}", path.display())),
        }
    }
    let all = understood + missed.len();
    println!("{understood} of {all} scripts understood: {bytes} bytes, {commands} commands");
    missed.iter().for_each(|line| println!("  {line}"));
    if all < FEWEST {
        println!("too few scripts on this machine to say anything");
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of files are small")]
    let share = understood as f64 / all as f64;
    assert!(share >= SHARE, "only {share:.4} of the scripts are understood");
}
