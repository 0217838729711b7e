//! The workspace as a file system: names, modes, links, special files, many files.
#![cfg(target_os = "linux")]

use garth_tests::{Snapshot, everyone};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};

#[test]
fn strange_names() {
    everyone(|garden| {
        let run = garden.script(
            r#"mkdir -- 'a b' $'new\nline' $'\xff\xfe' ' ' '-n' '*' '$HOME' ;
             for d in ./*/; do echo "x" >"$d/f"; mv "$d/f" "$d/g"; ln -s g "$d/l"; cat "$d/l" >/dev/null; done
             touch "$(printf 'n%.0s' $(seq 255))"; python3 -c 'import os; os.makedirs("/".join(["d" * 100] * 30)); open(b"\xc3\x28", "w")'
             cd 'a b'; pwd; ls -la >/dev/null; find .. -type f -print0 | xargs -0 -P4 -n1 wc -c >/dev/null"#,
        );
        let run = run.ok();
        assert!(run.text().ends_with("/work/a b"), "{run}");
        for name in [&b"new\nline"[..], b"\xff\xfe", b" ", b"-n", b"*", b"$HOME"] {
            let directory = garden.work.join(std::ffi::OsStr::from_bytes(name));
            assert_eq!(std::fs::read_to_string(directory.join("l")).expect("the file"), "x\n");
        }
        // A working directory with such a name.
        for name in ["a b", "new\nline"] {
            assert_eq!(garden.at(name).inside(&["cat", "g"]).ok().text(), "x");
        }
    });
}

#[test]
fn a_workspace_reached_through_a_link() {
    everyone(|garden| {
        let link = garden.scratch.join("shortcut");
        symlink(&garden.work, &link).expect("a link");
        let view = garden.at(&link);
        let run = view.script("pwd; pwd -P; echo x >file; test \"$PWD/file\" -ef file; cd ..; cd work").ok();
        assert_eq!(run.text(), format!("{}\n{}", link.display(), garden.work.display()));
        assert_eq!(garden.read("file"), "x\n");
        garden.write("real/part/f", "inside\n");
        symlink("real/part", garden.work.join("in")).expect("a link");
        symlink(&garden.home, garden.work.join("out")).expect("a link");
        garden.write(garden.home.join("secret"), "secret\n");
        garden.own(&garden.work.join("in"));
        garden.own(&garden.work.join("out"));
        assert_eq!(garden.inside(&["cat", "in/f"]).ok().text(), "inside");
        let _ = garden.inside(&["cat", "out/secret"]).fails();
    });
}

#[test]
fn modes_and_masks() {
    everyone(|garden| {
        for (mask, file, directory) in
            [("022", 0o644, 0o755), ("077", 0o600, 0o700), ("002", 0o664, 0o775), ("000", 0o666, 0o777)]
        {
            let script = format!(
                "umask {mask}; touch f{mask}; mkdir d{mask}; mkfifo p{mask}; echo 1 >e{mask}; : >>e{mask}; cp e{mask} c{mask}"
            );
            let _ = garden.script(&script).ok();
            for name in ["f", "p", "e", "c"] {
                assert_eq!(garden.mode(format!("{name}{mask}")), file, "{name} with {mask}");
            }
            assert_eq!(garden.mode(format!("d{mask}")), directory);
        }
        let _ = garden.prepare("mkdir shared; chmod 2775 shared");
        let run = garden.script("umask 002; mkdir shared/d; touch shared/f; stat -c %a shared/d; chmod 1777 d022; chmod +x f022; chmod 000 f077; chmod 1755 f000");
        assert_eq!(run.ok().text(), "2775");
        assert_eq!(garden.mode("d022"), 0o1777);
        assert_eq!(garden.mode("f022"), 0o755);
        assert_eq!(garden.mode("f077"), 0);
        // The mask that garth itself was started with holds inside.
        let masked =
            format!("umask 027; exec {} run -- bash -c 'umask; touch masked'", garden.program().display());
        assert_eq!(garden.outside(&["bash", "-c", &masked]).ok().text(), "0027");
        assert_eq!(garden.mode("masked"), 0o640);
    });
}

#[test]
fn links_fifos_sockets_and_locks() {
    everyone(|garden| {
        let run = garden.script(
            "echo x >a; ln a b; test a -ef b; echo y >>b; cat a; mv b c; ln -sf c d; readlink d; rm a; cat d
             mkfifo p; (for i in 1 2 3; do echo $i; done >p) & cat p; wait
             python3 - <<'P'
import socket, os, threading
s = socket.socket(socket.AF_UNIX); s.bind(os.getcwd() + '/s'); s.listen()
def serve():
    c, _ = s.accept(); c.send(b'served'); c.close()
threading.Thread(target=serve).start()
c = socket.socket(socket.AF_UNIX); c.connect('s'); print(c.recv(9).decode())
d = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); d.bind('g'); d.listen()
e = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); e.connect('g'); e.send(b'd'); print(d.accept()[0].recv(1).decode())
P
             flock l -c 'echo locked'; (flock 9; echo again) 9>l; flock -n l sleep 0.2 & sleep 0.1; flock -n l true && exit 1; wait; rm s g",
        );
        let run = run.ok();
        assert_eq!(run.text(), "x\ny\nc\nx\ny\n1\n2\n3\nserved\nd\nlocked\nagain", "{run}");
        assert_eq!(run.errors(), "", "{run}");
        assert_eq!(std::fs::metadata(garden.work.join("c")).expect("a file").nlink(), 1);
    });
}

/// The kernel keeps the address that a socket was bound to: programs tell it to others.
#[test]
fn the_address_of_a_socket_is_the_one_it_was_given() {
    everyone(|garden| {
        garden.write(
            "bound.py",
            "import os, socket
for name in ('near.sock', './dot.sock', os.getcwd() + '/full.sock', '/tmp/t.sock'):
    s = socket.socket(socket.AF_UNIX); s.bind(name); s.listen(); assert s.getsockname() == name, s.getsockname()
    c = socket.socket(socket.AF_UNIX); c.connect(name); assert c.getpeername() == name, c.getpeername()
",
        );
        let _ = garden.inside(&["python3", "bound.py"]).ok();
    });
}

#[test]
fn trees_are_copied_packed_and_removed() {
    everyone(|garden| {
        let _ = garden.prepare(
            "python3 - <<'P'
import os
for d in range(50):
    os.makedirs(f'many/{d}/sub')
    for f in range(100): open(f'many/{d}/sub/{f}', 'w').write(str(f))
P
             ln -s 1 many/link; mkfifo many/fifo; chmod 700 many/3; touch -d 2001-02-03 many/4/sub/5
             tar cf many.tar many; tar czf many.tgz many",
        );
        let run = garden.script(
            "mkdir x y; tar xf many.tar -C x; tar xzf many.tgz -C y; diff -r --no-dereference x/many/1 many/1
             cp -a many z; diff <(cd many; find . -printf '%p %m %y %s\\n' | sort) <(cd z; find . -printf '%p %m %y %s\\n' | sort)
             stat -c %Y x/many/4/sub/5 many/4/sub/5 z/4/sub/5 | sort -u | wc -l
             find z -type f | wc -l; find z -type f -print0 | xargs -0 -P 4 -n 50 grep -l 7 | wc -l; mv z w; rm -rf w x y
             tar cf again.tar many; tar tf again.tar | wc -l; gzip -k again.tar; sha256sum again.tar | cut -c1-2 >/dev/null",
        );
        let run = run.ok();
        assert_eq!(run.text(), "1\n5000\n950\n5103", "{run}");
        assert_eq!(run.errors(), "", "{run}");
        assert!(!garden.has("w") && !garden.has("x"));
    });
}

/// A program that has just been written can be run at once, and a file that was closed is closed.
#[test]
fn nothing_keeps_files_open() {
    everyone(|garden| {
        let run = garden.script(
            "for i in $(seq 300); do cp /bin/true ./t; ./t; rm t; done
             for i in $(seq 100); do printf '#!/bin/sh\\necho ok\\n' >s; chmod +x s; ./s >/dev/null; done
             mkfifo p; for i in $(seq 100); do echo $i >p & cat p >/dev/null; wait; done; echo done",
        );
        assert_eq!(run.ok().text(), "done");
    });
}

#[test]
fn files_of_others_are_read_and_not_written() {
    everyone(|garden| {
        garden.write(garden.home.join(".bashrc"), "echo outside\n");
        let before = Snapshot::of(&garden.scratch, &[&garden.work]);
        for script in [
            "echo x >/etc/garth-mark",
            "echo x >>/usr/bin/true",
            "rm /usr/bin/true",
            "echo x >/dev/sda",
            "mkdir /srv/x",
            "mount -t tmpfs none /mnt",
            "mknod n b 8 0",
            "chown 12345 .",
        ] {
            let run = garden.inside(&["sh", "-c", script]).fails();
            assert_ne!(run.errors(), "", "{run}");
        }
        let _ = garden.script("echo mark >>~/.bashrc; mkdir -p ~/.config/tool; echo 1 >~/.config/tool/c; cat ~/.config/tool/c").ok();
        Snapshot::of(&garden.scratch, &[&garden.work]).same_as(&before, "outside the workspace");
    });
}

/// A file that is handed in for reading is no file of the private directory of its name.
#[test]
fn what_is_handed_in_for_reading_keeps_its_content() {
    everyone(|garden| {
        let outside = garden.work.parent().expect("a parent").join("handed-in");
        garden.write(&outside, "content");
        let cut = "import os\nopen('own', 'w').write('long')\nos.truncate('own', 1)\nassert open('own').read() == 'l'\n\
            try: os.truncate('/proc/self/fd/0', 0)\nexcept OSError as error: print(type(error).__name__)";
        let (program, file) = (garden.program().display().to_string(), outside.display().to_string());
        let words = ["sh", "-c", "exec \"$0\" run -- python3 -c \"$1\" < \"$2\"", &program, cut, &file];
        let run = garden.outside(&words).code(0);
        assert!(run.text().contains("Error"), "{run}");
        assert_eq!(garden.read(&outside), "content");
    });
}

/// From a directory the way leads up through the whole tree.
#[test]
fn a_directory_is_no_stream() {
    everyone(|garden| {
        let program = garden.program().display().to_string();
        let opened = "import os, sys\nos.dup2(os.open('/dev/null', os.O_PATH), 0)\nos.execv(sys.argv[1], [sys.argv[1], 'run', '--', 'true'])";
        let run = garden.outside(&["python3", "-c", opened, &program]).code(121);
        assert!(run.errors().contains("only names a file"), "{run}");
        for redirection in ["</", "1</", "2</"] {
            let line = format!("exec \"$0\" run --json -- touch started {redirection}");
            let _ = garden.outside(&["sh", "-c", &line, &program]).code(121);
            assert!(!garden.has("started"));
        }
        let run = garden.outside(&["sh", "-c", "exec \"$0\" run -- true </", &program]).code(121);
        assert!(run.errors().contains("standard input is a directory"), "{run}");
        let _ = garden.outside(&["sh", "-c", "exec \"$0\" run -- true <&- >&- 2>/dev/null", &program]).ok();
    });
}

/// No path is too long to be denied.
#[test]
fn a_pattern_holds_below_a_path_of_any_length() {
    everyone(|garden| {
        garden.write("garth.toml", "version = 1\n[files]\n\"**/.env\" = \"deny\"\n");
        garden.write("project/subdirectory/more/.env", "KEY=1\n");
        garden.write("project/subdirectory/more/plain", "fine\n");
        let deep = "import os
print(open('project/subdirectory/more/plain').read().strip())
top = os.open('.', os.O_PATH)
def deeper(name):
    os.mkdir(name)
    os.chdir(name)
while len(os.getcwd()) < 3800: deeper('L' * 200)
deeper('M' * (4081 - len(os.getcwd())))
deep = os.open('.', os.O_PATH)
os.rename('project', 'p', src_dir_fd=top, dst_dir_fd=deep)
os.chdir('p/subdirectory/more')
file = os.open('.env', os.O_PATH)
for path in ['.env', f'/proc/self/fd/{file}', f'/dev/fd/{file}']:
    try: print(open(path).read().strip())
    except OSError as error: print(type(error).__name__)
os.rename('p', 'project', src_dir_fd=deep, dst_dir_fd=top)
";
        let run = garden.inside(&["python3", "-c", deep]).code(0);
        assert_eq!(run.text(), "fine\nPermissionError\nPermissionError\nPermissionError");
    });
}

/// What runs shows itself in its memory.
#[test]
fn a_denied_program_is_not_started() {
    everyone(|garden| {
        garden.write("garth.toml", "version = 1\n[files]\n\"**/.env\" = \"deny\"\n");
        let script = "cp /bin/true ./plain; ./plain && echo plain; \
            for name in ./sub/.env sub/../sub/.env \"$PWD/sub/.env\"; do \"$name\" 2>/dev/null || echo $?; done; \
            ln -s sub/.env link; ./link 2>/dev/null || echo $?";
        let _ = garden.prepare("mkdir sub; cp /bin/true sub/.env").ok();
        assert_eq!(garden.script(script).code(0).text(), "plain\n126\n126\n126\n126");
    });
}

#[test]
fn the_home_is_the_users_where_the_policy_shows_it() {
    everyone(|garden| {
        garden.write(garden.home.join("note"), "mine\n");
        garden.write(garden.home.join(".ssh/id_ed25519"), "secret\n");
        let program = garden.program().to_str().expect("a name");
        let run = |option: [&str; 2], script: &str| {
            garden.outside(&[
                program, "run", option[0], option[1], "--", "bash", "-euo", "pipefail", "-c", script,
            ])
        };
        let script = "cat ~/note; echo more >>~/note; cat ~/note; echo new >~/new; mkdir ~/d; git init -q ~/r; echo in >file";
        let open = run(["--profile", "open"], script).ok();
        assert_eq!(open.text(), "mine\nmine\nmore");
        assert!(!open.reports_repository(&garden.home.join("r")), "it ends with the sandbox: {open}");
        assert_eq!(garden.read("file"), "in\n");
        assert_eq!(garden.read(garden.home.join("note")), "mine\n");
        for name in ["new", "d", "r"] {
            assert!(!garden.has(garden.home.join(name)), "{name} was made in the user's home");
        }
        let _ = run(["--profile", "open"], "cat ~/.ssh/id_ed25519").fails();
        let named = run(
            ["--read", garden.home.to_str().expect("a name")],
            "cat ~/note; ! cat ~/.ssh/* 2>/dev/null; ! touch ~/new 2>/dev/null",
        );
        assert_eq!(named.ok().text(), "mine");
        // Elsewhere it is an empty one.
        let elsewhere = garden.script("cat ~/note || echo none").code(0);
        assert!(elsewhere.text() == "none" && elsewhere.errors().contains("cat: read"), "{elsewhere}");
    });
}

#[test]
fn a_single_file_of_the_home_that_is_writable() {
    everyone(|garden| {
        let [open, closed] = ["notes", "others"].map(|name| garden.home.join(name));
        garden.write(&open, "one\n");
        garden.write(&closed, "one\n");
        let script =
            "echo two >>~/notes; sed -n '$p' ~/notes; ! rm ~/notes 2>/dev/null; ! cat ~/others 2>/dev/null";
        let (garth, named) = (garden.program().to_str().expect("a name"), open.to_str().expect("text"));
        let arguments = [garth, "run", "--write", named, "--", "bash", "-euc", script];
        assert_eq!(garden.outside(&arguments).code(0).text(), "two");
        assert_eq!(garden.read(&open), "one\ntwo\n");
        assert_eq!(garden.read(&closed), "one\n");
    });
}
