//! What is refused tells itself: every kind of access, to what is not shown, to what is hidden in a directory that is, and
//! to what may only be read. What programs look for by themselves does not fill the summary.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use garth_tests::{Garden, Run, everyone, has};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const TOLD: &str = "version = 1\n[audit]\nreads = \"told\"\n";

fn policy(garden: &Garden, rules: &str) -> String {
    let file = garden.home.join("policy.toml");
    garden.write(&file, format!("{TOLD}{rules}"));
    file.to_str().unwrap().to_owned()
}

/// Whether this user may make a file system of his own.
fn may_make_file_systems(garden: &Garden) -> bool {
    garden.outside(&["bash", "-c", "exec 3<>/dev/fuse"]).status.success()
}

/// The refusals of a run that writes to its standard output what came of it, with that.
fn refusals(garden: &Garden, options: &[&str], command: &[&str]) -> (Vec<Value>, String) {
    let garth = garden.program().to_str().unwrap();
    let words = [garth, "run"].into_iter().chain(options.iter().copied());
    let words: Vec<&str> = words.chain(["--json", "--"]).chain(command.iter().copied()).collect();
    let run = garden.outside(&words);
    assert!(run.status.success(), "{run}");
    (refused(&run), run.text())
}

fn refused(run: &Run) -> Vec<Value> {
    run.records().into_iter().filter(|record| record["event"] == "file-denied").collect()
}

/// Tries each way to use something, on a name of its own for each, because the same use of a name is told once.
const WALK: &str = r#"
import errno, os, socket, sys
def talk(path): socket.socket(socket.AF_UNIX).connect(path)
def serve(path): socket.socket(socket.AF_UNIX).bind(path)
def enter(path): os.chdir(path)
def over(path):
    open("over", "w").close()
    os.rename("over", path)
def start(path):
    child = os.fork()
    if child == 0:
        try: os.execv(path, [path])
        except OSError as error: os._exit(error.errno)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code: raise OSError(code, "start")
def may(path):
    if not os.access(path, os.R_OK): raise OSError(errno.EACCES, "may")
ways = {
    "read": lambda path: os.open(path, os.O_RDONLY),
    "list": os.listdir,
    "write": lambda path: os.open(path, os.O_WRONLY),
    "empty": lambda path: os.open(path, os.O_WRONLY | os.O_TRUNC),
    "make": lambda path: os.open(path + "/new", os.O_WRONLY | os.O_CREAT, 0o644),
    "mkdir": lambda path: os.mkdir(path + "/new"),
    "symlink": lambda path: os.symlink("x", path + "/new"),
    "serve": lambda path: serve(path + "/new"),
    "over": over,
    "away": lambda path: os.rename(path, "away"),
    "unlink": os.unlink,
    "rmdir": os.rmdir,
    "link": lambda path: os.link(path, "link"),
    "chmod": lambda path: os.chmod(path, 0o777),
    "chown": lambda path: os.chown(path, os.getuid(), os.getgid()),
    "times": lambda path: os.utime(path, (1, 1)),
    "truncate": lambda path: os.truncate(path, 0),
    "attribute": lambda path: os.setxattr(path, "user.x", b"1"),
    "execute": start,
    "connect": talk,
    "enter": enter,
    "stat": os.stat,
    "access": may,
}
for name in sys.argv[2].split(","):
    try:
        ways[name](sys.argv[1] + "/" + name)
        print(name, "done")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
"#;

/// Each way: its name, whether it is tried on a directory, and which operation it is.
const WAYS: [(&str, bool, &str); 23] = [
    ("read", false, "read"),
    ("list", true, "list"),
    ("write", false, "write"),
    ("empty", false, "write"),
    ("make", true, "create"),
    ("mkdir", true, "create"),
    ("symlink", true, "create"),
    ("serve", true, "create"),
    ("over", false, "move-to"),
    ("away", false, "move-from"),
    ("unlink", false, "delete"),
    ("rmdir", true, "delete"),
    ("link", false, "link"),
    ("chmod", false, "write"),
    ("chown", false, "write"),
    ("times", false, "write"),
    ("truncate", false, "write"),
    ("attribute", false, "write"),
    ("execute", false, "execute"),
    ("connect", false, "write"),
    ("enter", true, "metadata"),
    ("stat", false, "metadata"),
    ("access", false, "metadata"),
];

/// Makes something to try each way on, readable and executable for everybody.
fn stock(garden: &Garden, place: &Path) {
    for (name, directory, _) in WAYS {
        let path = place.join(name);
        if directory {
            garden.directory(&path);
        } else {
            garden.write(&path, "#!/bin/sh\n");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Tries all ways but some at a place inside, and compares what was told.
fn walk(garden: &Garden, rules: &str, place: &Path, untold: &[&str], done: &[&str], has_rule: bool) {
    let options = ["--policy", &policy(garden, rules)];
    let ways: Vec<&str> = WAYS.iter().map(|(name, ..)| *name).collect();
    let text = place.to_str().unwrap();
    garden.write("walk.py", WALK);
    let command = ["/usr/bin/python3", "walk.py", text, &ways.join(",")];
    let (denied, shown) = refusals(garden, &options, &command);
    for (name, _, operation) in WAYS {
        let line = shown.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert_eq!(line.ends_with(" done"), done.contains(&name), "{line}: {shown}");
        let path = place.join(name);
        let is_it = |event: &&Value| {
            let told = Path::new(event["path"].as_str().unwrap());
            event["operation"] == operation && (told == path || told.parent() == Some(&path))
        };
        let events: Vec<&Value> = denied.iter().filter(is_it).collect();
        let wanted = usize::from(!untold.contains(&name) && (!done.contains(&name) || name == "stat"));
        assert_eq!(events.len(), wanted, "{name} at {text}: {denied:#?}");
        for event in events {
            assert!(event["process"].is_u64() && event["command"][0].is_string(), "{event}");
            assert!(event["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{event}");
            assert!(event["hint"].is_string() && event["origin"].is_object() == has_rule, "{event}");
            // A name comes into its directory, and out of it, only together with that.
            let with_directory = ["away", "over", "unlink", "rmdir"].contains(&name);
            assert!(event["grant"].is_object() || with_directory, "{event}");
        }
    }
}

/// Rules that hide what was stocked at a place.
fn hiding(place: &Path) -> String {
    WAYS.iter().fold(String::new(), |rules, (name, ..)| {
        rules + &format!("{:?} = \"deny\"\n", place.join(name).to_str().unwrap())
    })
}

#[test]
fn every_kind_of_access_to_what_is_not_shown_is_told() {
    everyone(|garden| {
        if !has("python3", "python3") || !may_make_file_systems(garden) {
            return;
        }
        stock(garden, &garden.home);
        // A name that is free in the sandbox's own home can be made there.
        walk(garden, "", &garden.home, &["over"], &[], false);
    });
}

#[test]
fn every_kind_of_access_to_what_is_hidden_in_a_shown_directory_is_told() {
    everyone(|garden| {
        if !has("python3", "python3") || !may_make_file_systems(garden) {
            return;
        }
        let shown = garden.home.join("shown");
        stock(garden, &shown);
        let rules = format!("[files]\n\"~/shown\" = \"read\"\n{}", hiding(&shown));
        walk(garden, &rules, &shown, &[], &["stat"], true);
        let masked = garden.work.join("masked");
        stock(garden, &masked);
        let rules = format!("[files]\n{}", hiding(&masked));
        walk(garden, &rules, &masked, &[], &["stat"], true);
    });
}

#[test]
fn changes_of_what_may_only_be_read_are_told() {
    everyone(|garden| {
        if !has("python3", "python3") || !may_make_file_systems(garden) {
            return;
        }
        let shown = garden.home.join("shown");
        stock(garden, &shown);
        // There is nobody to connect to, and nothing was refused.
        let untold = ["connect", "stat"];
        let reads = ["read", "list", "enter", "stat", "access", "execute"];
        let rules = "[files]\n\"~/shown\" = \"read\"\n";
        walk(garden, rules, &shown, &untold, &reads, true);
    });
}

/// What the kernel refuses in the trees of the system is told, whichever call it is.
#[test]
fn changes_of_the_system_are_told() {
    everyone(|garden| {
        if !may_make_file_systems(garden) {
            return;
        }
        let file = policy(garden, "");
        let script = "echo > /usr/mark-1; mkdir /usr/mark-2; ln -s x /usr/mark-3; mkfifo /usr/mark-4; echo >> /usr/bin/true; \
            mv /usr/bin/true /usr/bin/false; true";
        let (denied, _) = refusals(garden, &["--policy", &file], &["sh", "-c", script]);
        let told = |path: &str| denied.iter().filter(|event| event["path"] == path).count();
        for path in ["/usr/mark-1", "/usr/mark-2", "/usr/mark-3", "/usr/mark-4", "/usr/bin/true"] {
            assert!(told(path) > 0, "{path}: {denied:#?}");
        }
    });
}

/// Nothing is writable that lasts, so nothing needs to be carried out for the command; it is looked at all the same.
#[test]
fn changes_are_told_where_nothing_may_be_changed() {
    everyone(|garden| {
        if !may_make_file_systems(garden) {
            return;
        }
        garden.write("kept", "1\n");
        garden.directory("empty");
        let file = policy(garden, "");
        let script = "cp kept /tmp/own && chmod 600 /tmp/own && truncate -s 0 /tmp/own && rm /tmp/own || exit 9
            echo > new; echo > kept; chmod 600 kept; touch -d 2001-01-01 kept; rm -f kept; rmdir empty; mkdir made
            test ! -e new && test -s kept && test -d empty && test ! -e made";
        let options = ["--profile", "read-only", "--policy", &file];
        let (denied, _) = refusals(garden, &options, &["sh", "-c", script]);
        let told = |name: &str, operation: &str| {
            let path = garden.work.join(name);
            let is_it =
                |event: &&Value| event["operation"] == operation && event["path"] == path.to_str().unwrap();
            assert_eq!(denied.iter().filter(is_it).count(), 1, "{operation} {name}: {denied:#?}");
        };
        told("new", "create");
        told("kept", "write");
        told("kept", "delete");
        told("empty", "delete");
        told("made", "create");
        assert!(!denied.iter().any(|event| event["path"] == "/tmp/own"), "{denied:#?}");
    });
}

#[test]
fn what_may_not_be_executed_is_told() {
    everyone(|garden| {
        if !may_make_file_systems(garden) {
            return;
        }
        let tool = garden.home.join("shown/tool");
        garden.write(&tool, "#!/bin/sh\n");
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let rules = "[files]\n\"~/shown\" = { access = \"read\", execute = false }\n";
        let options = ["--policy", &policy(garden, rules)];
        let tool = tool.to_str().unwrap();
        let (denied, _) = refusals(garden, &options, &["sh", "-c", &format!("{tool}; cat {tool}; true")]);
        let told: Vec<&Value> = denied.iter().filter(|event| event["path"] == tool).collect();
        assert!(told.len() == 1 && told[0]["operation"] == "execute", "{denied:?}");
    });
}

/// What programs look for by themselves: where the test puts it, with the program that does, and its command.
const STARTS: [(&str, &str, &[&str], &str); 5] = [
    ("bash", "bash", &["bash", "-lc", "exit"], "~/.bash_profile"),
    ("git", "git", &["git", "config", "user.name"], "~/.config/git/config"),
    ("node", "nodejs", &["node", "app.js"], "../package.json"),
    ("python3", "python3", &["/usr/bin/python3", "-c", "pass"], "~/.local/lib"),
    ("vim", "vim", &["vim", "-T", "dumb", "-c", "q"], "~/.vimrc"),
];

#[test]
fn what_programs_look_for_by_themselves_is_told_and_fills_no_summary() {
    everyone(|garden| {
        if !may_make_file_systems(garden) {
            return;
        }
        garden.write(garden.home.join(".bash_profile"), "exit 9\n");
        garden.write(garden.home.join(".config/git/config"), "[user]\n\tname = Ann\n");
        garden.write(garden.scratch.join("package.json"), "{}\n");
        for minor in 6..30 {
            let site = format!(".local/lib/python3.{minor}/site-packages");
            garden.directory(garden.home.join(site));
        }
        garden.write(garden.home.join(".vimrc"), "cquit\n");
        garden.write(garden.home.join(".ssh/id_ed25519"), "secret\n");
        garden.write("app.js", "process.exit(0);\n");
        // Settings that the profile shows.
        let shown = ["~/.config/git/config", "~/.local/lib", "~/.vimrc"];
        let rules = shown.map(|name| format!("{name:?} = \"deny\"\n")).concat();
        let rules = format!("[files]\n{rules}");
        let file = policy(garden, &rules);
        let garth = garden.program().to_str().unwrap();
        for (program, package, command, place) in STARTS {
            if !has(program, package) {
                continue;
            }
            let place = match place.strip_prefix("~/") {
                Some(name) => garden.home.join(name),
                None => garden.scratch.join(place.trim_start_matches("../")),
            };
            let line = command.join("' '");
            let told = |script: &str| refusals(garden, &["--policy", &file], &["sh", "-c", script]).0;
            let denied = told(&format!("'{line}' < /dev/null > /dev/null 2>&1; true"));
            let found =
                denied.iter().filter(|event| Path::new(event["path"].as_str().unwrap()).starts_with(&place));
            assert!(found.count() > 0, "{program}: {denied:#?}");
            let summary = |script: &str| {
                let words = [garth, "run", "--policy", &file, "--", "sh", "-c", script];
                garden.outside(&words).errors()
            };
            // All is well: not a word. Something failed: one line. Something else was refused: that first.
            const LINE: &str = "as usual at a start";
            let entry = |line: &&str| line.starts_with("  ") && line.contains(place.to_str().unwrap());
            let quiet = summary(&format!("'{line}' < /dev/null > /dev/null 2>&1; true"));
            assert!(quiet.is_empty() || quiet.contains("denied"), "{program}: {quiet}");
            let failed = summary(&format!("'{line}' < /dev/null > /dev/null 2>&1; exit 3"));
            assert_eq!(failed.lines().filter(|line| line.contains(LINE)).count(), 1, "{program}: {failed}");
            assert_eq!(format!("{quiet}{failed}").lines().filter(entry).count(), 0, "{quiet}{failed}");
            let script =
                format!("'{line}' < /dev/null > /dev/null 2>&1; cat ~/.ssh/id_ed25519 2>/dev/null; true");
            let secret = summary(&script);
            assert!(secret.lines().count() > 1, "{program}: {secret}");
            let lines: Vec<&str> = secret.lines().collect();
            assert!(lines[1].contains("cat: read") && lines[1].ends_with(".ssh/id_ed25519"), "{secret}");
            assert_eq!(lines.iter().copied().filter(entry).count(), 0, "{program}: {secret}");
            assert_eq!(lines.iter().filter(|line| line.contains(LINE)).count(), 1, "{program}: {secret}");
        }
    });
}

#[test]
fn a_list_of_a_directory_with_something_hidden_fills_no_summary() {
    everyone(|garden| {
        if !may_make_file_systems(garden) {
            return;
        }
        garden.write("keys/one", "1\n");
        let file = policy(garden, "[files]\n\"keys/one\" = \"deny\"\n");
        let garth = garden.program().to_str().unwrap();
        let run = |script: &str| garden.outside(&[garth, "run", "--policy", &file, "--", "sh", "-c", script]);
        let listed = run("ls -l keys");
        assert!(listed.text().contains("one") && listed.errors().is_empty(), "{listed}");
        let read = run("ls -l keys; cat keys/one 2> /dev/null; true");
        assert!(read.errors().contains("cat: read") && !read.errors().contains("ls: "), "{read}");
    });
}

/// The refusals of a run under these rules without a word on how they come to be told.
fn by_default(garden: &Garden, options: &[&str], rules: &str, command: &[&str]) -> Vec<Value> {
    let file = garden.home.join("policy.toml");
    garden.write(&file, format!("version = 1\n{rules}"));
    refusals(garden, &[options, &["--policy", file.to_str().unwrap()]].concat(), command).0
}

fn is_told(denied: &[Value], path: &Path, operation: &str, word: &str) -> bool {
    let is_it = |event: &Value| {
        event["path"] == path.to_str().unwrap()
            && event["operation"] == operation
            && event["command"].as_array().unwrap().iter().any(|known| known == word)
            && event["process"].is_u64()
            && event["hint"].is_string()
    };
    denied.iter().filter(|event| is_it(event)).count() == 1
}

#[test]
fn what_a_program_names_that_is_hidden_is_told_by_default() {
    everyone(|garden| {
        let (key, login) = (garden.home.join(".ssh/id_rsa"), garden.home.join(".aws/credentials"));
        let (closed, shown) = (garden.work.join("closed"), garden.home.join("shown/plan"));
        for path in [&key, &login, &closed, &shown] {
            garden.write(path, "held back\n");
        }
        let rules = "[files]\n\"closed\" = \"deny\"\n\"~/shown\" = \"read\"\n\"~/shown/plan\" = \"deny\"\n";
        // None of these names leads to what the host has: there is nothing, something of the sandbox's own, or nobody reads it.
        // The events come by the same stream as what the programs say of it.
        let script = "exec 2> /dev/null
            cat ~/.ssh/id_rsa; cd ~ && grep -r held .aws/credentials; cd - > /dev/null; tail -n 1 closed closed
            ls ~/.ssh; head -c1 ~/shown/plan; cat ~/.netrc ~/no-such; echo mine > ~/.own && cat ~/.own; echo ~/.pgpass
            exit 0";
        garden.write(garden.home.join(".own"), "the host's\n");
        garden.write(garden.home.join(".pgpass"), "the host's\n");
        let denied = by_default(garden, &[], rules, &["sh", "-c", script]);
        assert!(is_told(&denied, &key, "read", "cat"), "{denied:#?}");
        assert!(is_told(&denied, &login, "read", "grep"), "{denied:#?}");
        assert!(is_told(&denied, &closed, "read", "tail"), "{denied:#?}");
        assert!(is_told(&denied, &shown, "read", "head"), "{denied:#?}");
        assert!(is_told(&denied, key.parent().unwrap(), "list", "ls"), "{denied:#?}");
        assert_eq!(denied.len(), 5, "{denied:#?}");
        let of = |path: &Path| denied.iter().find(|event| event["path"] == path.to_str().unwrap()).unwrap();
        assert!(of(&closed)["origin"].is_object() && of(&closed)["grant"].is_object(), "{denied:#?}");
    });
}

#[test]
fn what_the_command_itself_names_that_is_hidden_is_told_by_default() {
    everyone(|garden| {
        let key = garden.home.join(".ssh/id_rsa");
        garden.write(&key, "held back\n");
        garden.write("open", "seen\n");
        let words = ["sort", "-m", "open", key.to_str().unwrap()];
        let garth = garden.program().to_str().unwrap();
        let run = garden.outside(&[&[garth, "run", "--json", "--"], &words[..]].concat());
        let denied = refused(&run);
        assert!(denied.len() == 1 && is_told(&denied, &key, "read", "sort"), "{run}");
        let said = garden.outside(&[&[garth, "run", "--"], &words[..]].concat());
        assert!(said.errors().contains("sort: read") && said.errors().contains("hint:"), "{said}");
        // It could read it where the policy lets it.
        let granted = [&[garth, "run", "--read", key.to_str().unwrap(), "--"], &words[..]].concat();
        let seen = garden.outside(&granted);
        assert!(!seen.errors().contains("denied"), "{seen}");
    });
}
