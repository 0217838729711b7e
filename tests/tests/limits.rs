//! Limits, and what holds them on the machine at hand.
#![cfg(target_os = "linux")]

use garth_tests::{Garden, Identity, Run, everyone};

fn policy(garden: &Garden, limits: &str) -> String {
    garden.write(".test-policy", format!("version = 1\n[limits]\n{limits}\n"));
    let path = garden.work.join(".test-policy");
    path.to_string_lossy().into_owned()
}

fn under(garden: &Garden, limits: &str, verb: &[&str], command: &[&str]) -> Run {
    let (policy, program) = (policy(garden, limits), garden.program().to_string_lossy().into_owned());
    let words = [&[program.as_str()], verb, &["--policy", policy.as_str(), "--"], command].concat();
    garden.outside(&words)
}

/// What the plan says holds a limit.
fn mechanism(garden: &Garden, limits: &str) -> String {
    under(garden, limits, &["plan"], &["true"]).text()
}

const USED: &str = "import os, threading, time
try: os.sched_setaffinity(0, range(os.cpu_count()))
except OSError: pass
start = time.time()
pids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        while time.time() - start < 1: pass
        os._exit(0)
    pids.append(pid)
for pid in pids: os.waitpid(pid, 0)
used = os.times()
print(int(100 * (used.children_user + used.children_system) / (time.time() - start)))";

#[test]
fn two_busy_processes_get_the_time_of_one_processor() {
    everyone(|garden| {
        let said = mechanism(garden, "cpu = \"1\"");
        assert!(said.contains("bound to one processor") || said.contains("cpu.max"), "{said}");
        let used = under(garden, "cpu = \"1\"", &["run"], &["python3", "-c", USED]).code(0).text();
        let percent: u32 = used.trim().parse().unwrap_or(u32::MAX);
        assert!(percent <= 110, "{percent} percent of one processor");
    });
}

#[test]
fn a_part_of_a_processor_is_held_by_a_control_group_or_refused() {
    everyone(|garden| {
        let run = under(garden, "cpu = \"0.5\"", &["run"], &["python3", "-c", USED]);
        if mechanism(garden, "cpu = \"0.5\"").contains("cpu.max") {
            let percent: u32 = run.code(0).text().trim().parse().unwrap_or(u32::MAX);
            assert!(percent <= 60, "{percent} percent of one processor");
        } else {
            eprintln!("no control group that may be divided: the policy has to be refused");
            assert!(run.code(121).errors().contains("control group"));
        }
    });
}

#[test]
fn memory_above_the_limit_ends_everything() {
    everyone(|garden| {
        let big =
            "b = bytearray(400 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nimport time; time.sleep(2)";
        let run = under(garden, "memory = \"128MiB\"", &["run"], &["python3", "-c", big]).code(137);
        assert!(run.errors().contains("memory"), "{run}");
        let _ = under(garden, "memory = \"128MiB\"", &["run"], &["python3", "-c", "print(1)"]).code(0);
        assert!(left().is_empty(), "{:?}", left());
    });
}

/// Files in the sandbox's own file system are memory. What is mapped of them is not counted twice.
#[test]
fn files_in_memory_count_and_what_is_mapped_counts_once() {
    everyone(|garden| {
        let fill = "import sys, time\nwith open(sys.argv[1], 'wb') as file:\n for _ in range(200): file.write(bytes(1 << 20))\n\
            time.sleep(60)\nprint('held')";
        for place in ["/tmp/f", "/dev/shm/f"] {
            let run =
                under(garden, "memory = \"128MiB\"", &["run"], &["python3", "-c", fill, place]).code(137);
            assert!(run.errors().contains("memory") && !run.text().contains("held"), "{run}");
        }
        let map = "import mmap, time\nfile = open('/dev/shm/f', 'w+b')\nfile.truncate(80 << 20)\nview = mmap.mmap(file.fileno(), 0)\n\
            for place in range(0, 80 << 20, 4096): view[place] = 1\ntime.sleep(1)\nprint('held')";
        let run = under(garden, "memory = \"128MiB\"", &["run"], &["python3", "-c", map]).ok();
        assert_eq!(run.text(), "held");
    });
}

/// Orphans that end all the time, each of which the first process of the sandbox has to hear of; then more memory than is allowed.
const CHURN: &str = "import os, time
end = time.time() + 20
def churn():
    while time.time() < end:
        try:
            child = os.fork()
            if child == 0: os._exit(0) if os.fork() == 0 else os._exit(0)
            os.waitpid(child, 0)
        except OSError: pass
for _ in range(3):
    if os.fork() == 0: churn(); os._exit(0)
time.sleep(1)
b = bytearray(400 << 20)
for i in range(0, len(b), 4096): b[i] = 1
time.sleep(15)
print('held')";

#[test]
fn processes_that_end_all_the_time_do_not_put_the_count_off() {
    everyone(|garden| {
        let run = under(garden, "memory = \"128MiB\"", &["run"], &["python3", "-c", CHURN]).code(137);
        assert!(run.errors().contains("memory") && !run.text().contains("held"), "{run}");
    });
}

/// More memory than is allowed, by a process whose name is no text, and by one whose first thread has ended.
const HIDDEN: [&str; 2] = [
    "import ctypes, time
ctypes.CDLL(None).prctl(15, b'\\xff\\xfe) R 1', 0, 0, 0)
b = bytearray(400 << 20)
for i in range(0, len(b), 4096): b[i] = 1
time.sleep(15)
print('held')",
    "import ctypes, os, threading, time
def other():
    time.sleep(0.2)
    b = bytearray(400 << 20)
    for i in range(0, len(b), 4096): b[i] = 1
    time.sleep(15)
    os.write(1, b'held')
    os._exit(0)
threading.Thread(target=other).start()
ctypes.CDLL(None).syscall({'x86_64': 60}.get(os.uname().machine, 93), 0)",
];

#[test]
fn what_a_process_calls_itself_and_which_thread_lives_does_not_matter() {
    everyone(|garden| {
        for script in HIDDEN {
            let run = under(garden, "memory = \"128MiB\"", &["run"], &["python3", "-c", script]).code(137);
            assert!(run.errors().contains("memory") && !run.text().contains("held"), "{run}");
        }
    });
}

/// Where the kernel refuses user namespaces (tier `landlock`) what does not heed a signal ends with its time, too.
#[test]
fn time_ends_everything_without_namespaces_too() {
    let garden = Garden::new(*Identity::all().last().expect("somebody"));
    let policy = policy(&garden, "time = \"1s\"");
    let script = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces
        {} run --accept 'linux.landlock.*' --policy {policy} -- bash -c \
            'trap \"\" TERM; (trap \"\" TERM; exec sleep 300) & echo $! > child; while :; do sleep 1; done'
        echo \"code $?\"; grep -q 'State:.[RSDT]' /proc/$(cat child)/status 2>/dev/null || echo gone",
        garden.program().display()
    );
    let run =
        garden.outside(&["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", &script]);
    assert!(run.text().contains("code 124") && run.text().contains("gone"), "{run}");
}

/// Control groups of garth that still stand.
fn left() -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = waiting.pop() {
        for entry in directory.read_dir().into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with("garth-") {
                    found.push(entry.path());
                }
                waiting.push(entry.path());
            }
        }
    }
    found
}
