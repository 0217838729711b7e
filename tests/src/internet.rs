//! A small internet: two network namespaces joined by a cable, servers with public addresses in one of them, and a
//! place for `garth` in the other.

use crate::garden::{Garden, Identity};
use crate::run::{Run, finish};
use crate::terminal::Terminal;
use crate::tools::{has, unavailable};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Address of all servers. It is a public one, and nothing leads there but the cable.
pub const SERVER: &str = "93.184.216.34";

/// Address of the machine on which `garth` runs.
pub const CLIENT: &str = "93.184.216.35";

/// Names that lead to [`SERVER`], for whoever asks outside the sandbox.
const NAMES: &str = "allowed.test denied.test api.test forbidden.test";

/// Longest time for one program; it bounds what a broken test costs.
const LIMIT: Duration = Duration::from_secs(120);

/// Answers `GET` and `POST` on ports 80 and 443 with a file, or with what was asked, and writes down each request.
const SERVERS: &str = r#"
import http.server, os, ssl, sys, threading
log = open('requests.log', 'a', buffering=1)
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *words): pass
    def note(self):
        log.write(' '.join([self.command, self.headers.get('Host', '-'), self.path, self.headers.get('Authorization', '-')]) + '\n')
    def say(self):
        length = int(self.headers.get('Content-Length', 0))
        body = ('hello from %s at %s with %d\n' % (self.headers.get('Host'), self.path, len(self.rfile.read(length)))).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('X-Echo', self.headers.get('Authorization', '-'))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.note(); self.say()
    def do_GET(self):
        self.note()
        if os.path.exists('files' + self.path.split('?')[0]): return super().do_GET()
        if self.path.startswith(('/repo', '/simple')): return self.send_error(404)
        self.say()
    def translate_path(self, path):
        return os.path.join(os.getcwd(), 'files' + path.split('?')[0])
plain = http.server.ThreadingHTTPServer((sys.argv[1], 80), Handler)
private = http.server.ThreadingHTTPServer((sys.argv[1], 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('server.pem', 'server.key')
private.socket = context.wrap_socket(private.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=private.serve_forever, daemon=True).start()
open('ready', 'w').close()
plain.serve_forever()
"#;

/// An authority and a server's certificate for all names, by `openssl`.
const CERTIFICATES: &str = "
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=authority of a test' \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=servers' -keyout server.key -out server.csr
printf 'subjectAltName=DNS:allowed.test,DNS:denied.test,DNS:api.test,DNS:forbidden.test\\nextendedKeyUsage=serverAuth\\n' > ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem
chmod 644 ca.pem";

/// The namespaces and servers; all is taken down on drop, also when a test fails.
pub struct Internet {
    outside: String,
    machine: String,
    servers: Vec<Child>,
    directory: TempDir,
}

impl Internet {
    /// Builds it, with a repository `repo.git` to be cloned. `None`, with a word, where it takes root and this is not.
    ///
    /// # Panics
    /// When something that should work on this machine does not.
    #[must_use]
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            unavailable("a network of its own (root only) is", "run the tests as root");
            return None;
        }
        if !(has("ip", "iproute2") && has("openssl", "openssl") && has("python3", "python3")) {
            return None;
        }
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = tempfile::Builder::new().prefix("internet-").tempdir().expect("a directory");
        let mut internet = Self {
            outside: format!("gt-{id}-o"),
            machine: format!("gt-{id}-m"),
            servers: Vec::new(),
            directory,
        };
        if !internet.ip(&["netns", "add", &internet.outside]) {
            unavailable(
                "a kernel that lets us make network namespaces is",
                "run the tests in a machine of their own",
            );
            return None;
        }
        internet.join();
        internet.shell(CERTIFICATES);
        internet.shell(
            "mkdir files && cd files && git init -q --bare repo.git && git init -q -b main made && cd made &&
             echo content > file && git add file &&
             git -c user.name=n -c user.email=e commit -qm first && git push -q ../repo.git main && cd .. &&
             git -C repo.git symbolic-ref HEAD refs/heads/main && git -C repo.git update-server-info && rm -rf made",
        );
        internet.serve();
        Some(internet)
    }

    /// Where servers keep their files, and `requests.log`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The file with the authority of the servers.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory().join("ca.pem")
    }

    /// What reached the servers: method, Host, path and `Authorization` of each request.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    pub fn requests(&self) -> String {
        fs::read_to_string(self.directory().join("requests.log")).expect("the servers write down requests")
    }

    /// Lets a name lead to another address, for whoever asks outside the sandbox. All the others lead to [`SERVER`] again.
    ///
    /// # Panics
    /// When that fails.
    pub fn name(&self, name: &str, address: &str) {
        let others: Vec<&str> = NAMES.split(' ').filter(|known| *known != name).collect();
        let names = format!("127.0.0.1 localhost\n{SERVER} {}\n{address} {name}\n", others.join(" "));
        // Written in place: it is mounted over the machine's own file.
        fs::write(Path::new("/etc/netns").join(&self.machine).join("hosts"), names).expect("a file of names");
    }

    /// Gives the machine on which `garth` runs a directory of its own in `/etc`, in place of what stands there, by
    /// `ip-netns(8)`. It is root's, with what the script puts in.
    ///
    /// # Panics
    /// When that fails.
    pub fn settings(&self, name: &str, script: &str) {
        let place = Path::new("/etc/netns").join(&self.machine).join(name);
        self.shell(&format!("mkdir {0} && cd {0} && {script}", place.display()));
    }

    /// Runs a program in a garden on the machine of this internet, with more variables of the caller.
    #[must_use]
    pub fn inside(&self, garden: &Garden, options: &[&str], variables: &[(&str, &str)], script: &str) -> Run {
        let program = garden.program().to_str().expect("text");
        let words =
            [&[program, "run"][..], options, &["--", "bash", "-euo", "pipefail", "-c", script]].concat();
        self.on_machine(garden, variables, &words)
    }

    /// Runs a program on the machine of this internet, without a sandbox.
    #[must_use]
    pub fn on_machine(&self, garden: &Garden, variables: &[(&str, &str)], words: &[&str]) -> Run {
        finish(self.command(garden, variables, words), Vec::new(), LIMIT)
    }

    /// Runs a program on the machine of this internet in front of a terminal.
    #[must_use]
    pub fn in_terminal(&self, garden: &Garden, words: &[&str]) -> Terminal {
        let line = self.command(garden, &[], words);
        let mut setsid = Command::new("setsid");
        setsid.env_clear().envs(line.get_envs().filter_map(|(name, value)| Some((name, value?))));
        setsid.env("TERM", "xterm-256color").current_dir(&garden.work);
        Terminal::lead(setsid, &line, 24, 100)
    }

    fn command(&self, garden: &Garden, variables: &[(&str, &str)], words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.machine]);
        if garden.identity() == Identity::Ordinary {
            let (uid, gid) = garden.identity().ids();
            let [uid, gid] = [format!("--reuid={uid}"), format!("--regid={gid}")];
            command.args(["setpriv", &uid, &gid, "--clear-groups"]);
        }
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &garden.home)
            .env("LANG", "C.UTF-8")
            // What the broker trusts; programs inside get it by a file of their own.
            .env("SSL_CERT_FILE", self.authority())
            .envs(variables.iter().copied())
            .current_dir(&garden.work);
        command
    }

    fn ip(&self, words: &[&str]) -> bool {
        let ran = Command::new("ip").args(words).output().expect("ip starts");
        if !ran.status.success() {
            eprintln!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&ran.stderr));
        }
        ran.status.success()
    }

    /// The cable and the addresses, and names for the machine by `ip-netns(8)`.
    fn join(&self) {
        let (outside, machine) = (&self.outside, &self.machine);
        assert!(self.ip(&["netns", "add", machine]));
        assert!(self.ip(&[
            "-n", outside, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", machine
        ]));
        for (name, address) in [(outside, SERVER), (machine, CLIENT)] {
            assert!(self.ip(&["-n", name, "addr", "add", &format!("{address}/24"), "dev", "cable"]));
            assert!(self.ip(&["-n", name, "link", "set", "cable", "up"]));
            assert!(self.ip(&["-n", name, "link", "set", "lo", "up"]));
        }
        let files = Path::new("/etc/netns").join(machine);
        fs::create_dir_all(&files).expect("a directory below /etc/netns");
        let names = format!("127.0.0.1 localhost\n{SERVER} {NAMES}\n");
        fs::write(files.join("hosts"), names).expect("a file of names");
    }

    /// Runs a script in the directory of the internet, on the machine that runs the tests.
    ///
    /// # Panics
    /// When it fails.
    pub fn shell(&self, script: &str) {
        let ran = Command::new("bash")
            .args(["-euc", script])
            .current_dir(self.directory())
            .env("HOME", self.directory())
            .output()
            .expect("bash starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    fn serve(&mut self) {
        let files = self.directory().join("files");
        let base = format!("--base-path={}", files.display());
        for words in [
            vec!["/usr/bin/python3", "-c", SERVERS, SERVER],
            vec!["git", "daemon", "--export-all", "--reuseaddr", &base, files.to_str().expect("text")],
        ] {
            let child = self.command_outside(&words).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
            self.servers.push(child.expect("ip starts"));
        }
        let end = Instant::now() + Duration::from_secs(90);
        while !self.directory().join("ready").exists() {
            assert!(Instant::now() < end, "the servers do not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A command where the servers are.
    pub(crate) fn command_outside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.outside]).args(words);
        command.current_dir(self.directory()).env("HOME", self.directory());
        command
    }

    /// Takes a server along, to be ended with the others.
    pub(crate) fn keep(&mut self, server: Child) {
        self.servers.push(server);
    }

    /// Ends what still runs in a namespace of ours: servers start helpers.
    fn end_all_in(&self, name: &str) {
        let listed = Command::new("ip").args(["netns", "pids", name]).output();
        let text = listed.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned()).unwrap_or_default();
        for pid in text.lines().filter_map(|line| line.trim().parse().ok()) {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        for name in [&self.outside, &self.machine] {
            self.end_all_in(name);
        }
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        for name in [&self.outside, &self.machine] {
            let _ = Command::new("ip").args(["netns", "delete", name]).output();
        }
        let _ = fs::remove_dir_all(Path::new("/etc/netns").join(&self.machine));
        // Only when no other test needs it.
        let _ = fs::remove_dir("/etc/netns");
    }
}
