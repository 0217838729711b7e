//! Checkpoints and applies on file systems that share blocks (`FICLONE`): everything is kept, and it takes no room. Needs root
//! and `mkfs.xfs` or `mkfs.btrfs`; the file systems live in files, mounted in a namespace of the test's own.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "tests say what they skip, and what they measured")]

use garth_tests::{Garden, Identity, has};

/// A script with a file system mounted on `disk`, with the workspace and garth's state on it. `used` prints its used KiB.
const SETUP: &str = r#"
    kind=$1; garth=$2; cd "$3"; truncate -s 600M image-$kind; mkdir disk
    if [ $kind = xfs ]; then mkfs.xfs -q -m reflink=1 image-xfs; else mkfs.btrfs -q image-btrfs; fi
    mount -o loop image-$kind disk; mkdir -p disk/work disk/state; chmod 700 disk/state
    export XDG_STATE_HOME=$PWD/disk/state; cd disk/work
    used() { sync; sync -f .; df --output=used -k . | tail -1 | tr -d ' '; }
    sums() { find . -type f -exec sha256sum {} + | sort | sha256sum; }
    head -c 100000000 /dev/urandom > large; mkdir target; echo 1 > target/x; echo target/ > .gitignore; sums > ../before
    before=$(used)
"#;

const CHECKPOINT: &str = r#"
    "$garth" run --checkpoint -- bash -euc 'echo 2 > target/x; echo tail >> large; rm .gitignore' 2> ../told
    ! grep 'not in it' ../told; grep 'the checkpoint' ../told
    after=$(used); echo "checkpoint: $before KiB before, $after after"
    test $((after - before)) -lt 20000
    test "$(sums)" != "$(cat ../before)"
    "$garth" undo --yes; test "$(sums)" = "$(cat ../before)"
    after=$(used); echo "undo: $after KiB"; test $((after - before)) -lt 20000
"#;

const APPLY: &str = r#"
    "$garth" run --cow -- bash -euc 'echo 2 > target/x; echo tail >> large; head -c 90000000 /dev/urandom > second'
    test "$(sums)" = "$(cat ../before)"
    layer=$(used); "$garth" apply --yes > ../told; ! grep 'is not kept' ../told
    after=$(used); echo "apply: $layer KiB with the layer, $after after"
    test $((after - layer)) -lt 20000
    test "$(sums)" != "$(cat ../before)"
    "$garth" undo --yes; test "$(sums)" = "$(cat ../before)"
"#;

fn on(kind: &str) {
    let garden = Garden::new(Identity::Current);
    let package = if kind == "xfs" { "xfsprogs" } else { "btrfs-progs" };
    if !has(&format!("mkfs.{kind}"), package) {
        return;
    }
    // Mounting needs root, and a kernel with the file system: no test environment has to have these.
    let probe = format!(
        "grep -qw {kind} /proc/filesystems && test -e /dev/loop-control && mount -t tmpfs none {}",
        garden.work.display()
    );
    if !garden.outside(&["unshare", "-m", "bash", "-c", &probe]).status.success() {
        eprintln!("skipped: {kind} cannot be mounted here");
        return;
    }
    let (program, scratch) = (garden.program().display().to_string(), garden.scratch.display().to_string());
    let line = format!("{SETUP}\n{CHECKPOINT}\n{APPLY}");
    let run = garden
        .outside(&["unshare", "-m", "bash", "-euo", "pipefail", "-c", &line, "-", kind, &program, &scratch]);
    assert!(run.status.success(), "{kind}: {run}");
    eprintln!("{kind}: {}", run.text());
}

#[test]
fn contents_are_shared_on_xfs() {
    on("xfs");
}

#[test]
fn contents_are_shared_on_btrfs() {
    on("btrfs");
}
