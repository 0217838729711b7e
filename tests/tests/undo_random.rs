//! Random changes by a real program in a real layer, or in place after a checkpoint: applied, the workspace is what it was
//! inside; taken back, it is what it was before.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, Snapshot, everyone};

/// Changes anything in the working directory, the same for the same seed. What the kernel refuses is passed over.
const CHANGES: &str = r#"
import os, random, shutil, sys
r = random.Random(int(sys.argv[1]))
names = ['a', 'b', 'c', 'd\x1b[1m', 'e\n']
def place():
    path = '.'
    for _ in range(r.randint(0, 2)):
        inner = [e for e in sorted(os.listdir(path)) if os.path.isdir(os.path.join(path, e)) and not os.path.islink(os.path.join(path, e))]
        if not inner: break
        path = os.path.join(path, r.choice(inner))
    return os.path.join(path, r.choice(names))
def write(p): open(p, 'w').write('x' * r.randint(0, 5))
def append(p): open(p, 'a').write('y')
def remove(p): shutil.rmtree(p) if os.path.isdir(p) and not os.path.islink(p) else os.unlink(p)
def replace(p): remove(p); r.choice([write, os.mkdir])(p)
def link(p): os.link(place(), p, follow_symlinks=False)
def atomic(p): write(p + '~'); os.rename(p + '~', p)
def attribute(p): os.setxattr(p, 'user.k', str(r.randint(0, 3)).encode(), follow_symlinks=False)
acts = [write, write, append, remove, replace, os.mkdir, os.mkdir, link, atomic, attribute,
    lambda p: os.rename(p, place()), lambda p: os.symlink(r.choice(names), p), lambda p: os.mkfifo(p),
    lambda p: os.chmod(p, r.choice([0o600, 0o644, 0o755]) | (0o100 if os.path.isdir(p) else 0)) if not os.path.islink(p) else None,
    lambda p: os.utime(p, (1, r.randint(1, 10**9)), follow_symlinks=False)]
for _ in range(int(sys.argv[2])):
    try:
        p = place()
        if os.path.exists(p) and not os.path.isfile(p) and not os.path.isdir(p): os.unlink(p)
        r.choice(acts)(p)
    except OSError: pass
"#;

/// All that is put in place of a tree; the kernel's count of names only where it is told the same inside (not of files below
/// a layer that another name was taken from).
const LOOK: &str = r#"
import os, stat
for root, directories, files in sorted(os.walk('.')):
    for name in sorted(directories + files):
        p = os.path.join(root, name); s = os.lstat(p); kind = stat.S_IFMT(s.st_mode)
        line = [repr(p), oct(s.st_mode)]
        if stat.S_ISREG(s.st_mode):
            line += [s.st_mtime_ns, open(p, 'rb').read() if os.access(p, os.R_OK) else None]
        if stat.S_ISLNK(s.st_mode): line += [os.readlink(p)]
        else: line += [os.getxattr(p, k) for k in sorted(os.listxattr(p))] if not stat.S_ISFIFO(s.st_mode) else []
        print(*line)
"#;

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn python(garden: &Garden, code: &str, words: &[&str]) {
    let run = garden.outside(&[&["python3", "-c", code], words].concat());
    assert!(run.status.success(), "{run}");
}

#[test]
fn a_layer_in_place_is_what_it_was_inside() {
    everyone(|garden| {
        for seed in 1..13 {
            let seed = seed.to_string();
            let _ = garden.prepare("rm -rf ./*");
            python(garden, CHANGES, &[&seed, "60"]);
            let before = Snapshot::of(&garden.work, &[]);
            let script =
                format!("python3 -c '{}' 7{seed} 60; python3 -c '{}'", quoted(CHANGES), quoted(LOOK));
            let inside = garth(garden, &["run", "--cow", "--", "bash", "-euc", &script]);
            assert!(inside.status.success(), "seed {seed}: {inside}");
            Snapshot::of(&garden.work, &[]).same_as(&before, "the workspace was changed");
            let shown = garth(garden, &["diff"]);
            assert!(
                !shown.text().contains('\u{1b}') && !shown.text().contains("conflict:"),
                "seed {seed}: {shown}"
            );
            let applied = garth(garden, &["apply", "--yes"]).code(0);
            let outside = garden.outside(&["python3", "-c", LOOK]);
            assert_eq!(outside.text(), inside.text(), "seed {seed}: {shown}{applied}");
        }
    });
}

#[test]
fn what_was_done_in_place_is_taken_back_exactly() {
    everyone(|garden| {
        for seed in 1..13 {
            let seed = seed.to_string();
            let _ = garden.prepare("rm -rf ./*");
            python(garden, CHANGES, &[&seed, "60"]);
            let look = || garden.outside(&["python3", "-c", LOOK]).text();
            let (before, looked_before) = (Snapshot::of(&garden.work, &[]), look());
            let script = format!("python3 -c '{}' 7{seed} 60", quoted(CHANGES));
            let run = garth(garden, &["run", "--checkpoint", "--", "bash", "-euc", &script]);
            assert!(run.status.success(), "seed {seed}: {run}");
            let (after, looked_after) = (Snapshot::of(&garden.work, &[]), look());
            let undone = garth(garden, &["undo", "--yes"]).code(0);
            assert_eq!(look(), looked_before, "seed {seed}: {undone}");
            Snapshot::of(&garden.work, &[]).same_as(&before, &format!("seed {seed}: {undone}"));
            let redone = garth(garden, &["undo", "--yes"]).code(0);
            assert_eq!(look(), looked_after, "seed {seed}: {redone}");
            Snapshot::of(&garden.work, &[]).same_as(&after, &format!("forth again, seed {seed}: {redone}"));
        }
    });
}

/// A text between single quotes of a shell.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''")
}
