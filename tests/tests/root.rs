//! As root the target is no more powerful than as an ordinary user.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::print_stderr, reason = "tests")]

use garth_tests::{Garden, Identity};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A file of the system that is taken away again.
struct SystemFile(PathBuf);

impl SystemFile {
    fn new(name: &str, mode: u32) -> Self {
        let path = PathBuf::from(format!("/opt/garth-test-{}-{name}", std::process::id()));
        fs::write(&path, "of the system\n").expect("root may write to /opt");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("permissions");
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for SystemFile {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

fn as_root(test: impl Fn(&Garden)) {
    if rustix::process::geteuid().is_root() {
        test(&Garden::new(Identity::Current));
    } else {
        eprintln!("skipped: says something only as root");
    }
}

/// The kernel may refuse to map owners (a file system that cannot, a container); then the plan says so.
fn held(garden: &Garden) -> bool {
    let plan = garden.outside(&[garden.program().to_str().expect("text"), "plan", "--json", "--", "true"]);
    !plan.text().contains("\"gap\": \"linux.root.files\"")
}

#[test]
fn what_only_root_may_read_of_the_system_is_not_read() {
    as_root(|garden| {
        let (own, common) = (SystemFile::new("own", 0o600), SystemFile::new("common", 0o644));
        let run = garden.inside(&["cat", common.name()]).code(0);
        assert_eq!(run.text(), "of the system");
        let run = garden.inside(&["cat", own.name()]);
        assert_eq!(run.status.success(), !held(garden), "{run}");
        let run = garden.inside(&["chmod", "644", common.name()]);
        assert!(!run.status.success(), "{run}");
    });
}

#[test]
fn the_workspace_of_root_is_its_own() {
    as_root(|garden| {
        garden.write("private", "mine");
        fs::set_permissions(garden.work.join("private"), Permissions::from_mode(0o600)).expect("permissions");
        let run = garden.script(
            "cat private && git init -q . && git add private && \
             git -c user.name=a -c user.email=a@b commit -qm one && git status --short && chmod 600 private",
        );
        let _ = run.code(0);
        garden.owned();
    });
}

#[test]
fn no_program_that_runs_as_root_is_left_behind() {
    as_root(|garden| {
        let run = garden
            .script("cp /bin/true tool; chmod u+s tool; install -m 6755 /bin/true other; chmod 755 tool");
        assert!(run.errors().contains("not permitted"), "{run}");
        for name in ["tool", "other"] {
            assert!(!garden.has(name) || garden.mode(name) & 0o6000 == 0, "{name}");
        }
    });
}

/// Mounting needs root; what is shown of it does not depend on who runs the sandbox.
#[test]
fn what_is_mounted_in_the_tree_is_a_part_of_it() {
    as_root(|garden| {
        if !garden.outside(&["unshare", "--mount", "true"]).status.success() {
            eprintln!("skipped: nothing can be mounted here");
            return;
        }
        let elsewhere = garden.work.parent().expect("a parent").join("elsewhere");
        garden.write(elsewhere.join("file"), "of another tree\n");
        garden.write(elsewhere.join(".git/config"), "[core]\n\tbare = false\n");
        garden.write("plain", "");
        let mount = "set -e; mkdir in fresh; mount --bind \"$2\" in; mount -t tmpfs none fresh; exec \"$0\" run -- sh -c \"$1\"";
        let script = "cat in/file && echo new >in/new && echo new >fresh/new && mkdir in/directory && mv in/new in/directory/ \
            || exit 1
            if rmdir fresh || mv in moved; then exit 2; fi
            if git -C in config core.fsmonitor evil; then exit 3; fi
            cat in/directory/new fresh/new";
        let (program, other) = (garden.program().display().to_string(), elsewhere.display().to_string());
        let words = ["unshare", "--mount", "sh", "-c", mount, &program, script, &other];
        let run = garden.outside(&words).code(0);
        assert_eq!(run.text(), "of another tree\nnew\nnew");
        assert_eq!(garden.read(elsewhere.join("directory/new")), "new\n");
        assert_eq!(garden.read(elsewhere.join(".git/config")), "[core]\n\tbare = false\n");
        assert!(!garden.work.join("in/file").exists(), "it was mounted for the command alone");
    });
}

#[test]
fn a_network_has_its_own_list_of_hosts_also_where_little_is_shown() {
    as_root(|garden| {
        if !held(garden) {
            return;
        }
        let program = garden.program().to_str().expect("text");
        let words = [
            program,
            "run",
            "--profile",
            "strict",
            "--allow",
            "allowed.test",
            "--",
            "/bin/cat",
            "/etc/hosts",
        ];
        let shown = garden.outside(&words).code(0);
        assert!(shown.text().starts_with("127.0.0.1 localhost\n::1 localhost"), "{shown}");
    });
}

/// As with `sudo`, which can keep the PATH of the user who called it.
#[test]
fn programs_behind_the_closed_home_of_another_user_are_left_out() {
    as_root(|garden| {
        let ordinary = Garden::new(Identity::Ordinary);
        let bin = ordinary.home.join("bin");
        ordinary.directory(&bin);
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let run = |mode: u32| {
            fs::set_permissions(&ordinary.home, Permissions::from_mode(mode)).expect("permissions");
            let garth = garden.program().to_str().expect("text");
            let path = format!("PATH={path}");
            garden.outside(&["env", &path, garth, "run", "--", "ls", "-d", bin.to_str().expect("text")])
        };
        let shown = run(0o755).code(0);
        assert_eq!(shown.text(), bin.to_str().expect("text"), "{shown}");
        let left_out = run(0o700).code(2);
        assert!(left_out.errors().contains("No such file"), "{left_out}");
    });
}

/// What is unpacked belongs to whoever unpacks it; giving a file away is refused as to an ordinary user, and no call is
/// called invalid.
#[test]
fn archives_of_other_users_are_unpacked() {
    garth_tests::everyone(|garden| {
        garden.write("in/file", "content\n");
        let run = garden.script(
            "tar --owner=1234 --group=1234 --numeric-owner -cf in.tar in && rm -r in && tar -xf in.tar && cat in/file && \
             cp -p in/file copy && chown $(id -u):$(id -g) copy && install -m 755 copy other",
        );
        assert_eq!(run.code(0).text(), "content");
        let given = garden.script("chown 1234 in/file || chgrp 1234 in/file || setpriv --reuid 1234 true");
        assert!(!given.status.success(), "{given}");
        assert_eq!(given.errors().matches("not permitted").count(), 3, "{given}");
        assert!(!given.errors().contains("Invalid argument"), "{given}");
        garden.owned();
    });
}
