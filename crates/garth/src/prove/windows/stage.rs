//! What is laid out on the host before the attacks: a workspace, files outside, servers, named objects, a bystander.

use super::corpus::corpus;
use crate::prove::attack::{Action, Garden, Step};
use garth_host::windows::facts::{look, name};
use garth_host::windows::probe::fixture::{Objects, remove_value};
use garth_host::windows::probe::{Line, NAME, is_wine, write_order};
use garth_host::windows::sys::{addresses, random};
use garth_policy::AbsPath;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Variables that are put in garth's own environment for the proof.
pub(super) const HOSTILE: &[&str] = &[
    "NODE_OPTIONS",
    "PYTHONSTARTUP",
    "PYTHONPATH",
    "PERL5OPT",
    "RUBYOPT",
    "JAVA_TOOL_OPTIONS",
    "DOTNET_STARTUP_HOOKS",
    "COR_PROFILER_PATH",
    "CORECLR_PROFILER_PATH",
    "__COMPAT_LAYER",
    "PSMODULEPATH_EXTRA",
    "GIT_SSH_COMMAND",
    "GIT_CONFIG_COUNT",
    "GIT_EXTERNAL_DIFF",
    "PAGER",
    "SSH_AUTH_SOCK",
    "DOCKER_HOST",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "NOTHING_KNOWN",
];

/// Everything that was laid out. Taken away on drop.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
    places: Vec<(&'static str, String)>,
    bystander: Child,
    _objects: Objects,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = self.bystander.kill();
        let _reaped = self.bystander.wait();
        for attack in corpus() {
            if let Action::Inside(Step { probe: "write-key", arguments: ["user", key] }) = attack.action {
                remove_value(key);
            }
        }
        if !is_wine() {
            let mut remove = Command::new("schtasks");
            remove.args(["/delete", "/f", "/tn", "garth-prove"]);
            let _absent = remove.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        // Nobody can remove the directory that somebody stands in.
        let _left = std::env::set_current_dir(std::env::temp_dir());
        remove(&self.root);
    }
}

/// The directory for temporary files by the names that it has. `TEMP` often leads there by a generated short name
/// (`C:\Users\RUNNER~1\…`), which a command line may not name a program by.
fn temporary() -> io::Result<PathBuf> {
    let directory = std::env::temp_dir();
    let text = directory
        .to_str()
        .ok_or_else(|| io::Error::other("the directory for temporary files is no Unicode"))?;
    let named = AbsPath::windows(text).map_err(|why| io::Error::other(format!("{text}: {why}")))?;
    let fact = look(&named);
    let object =
        fact.object().ok_or_else(|| io::Error::other(format!("{text} is not there; TEMP names it")))?;
    name(&object.final_path).map(PathBuf::from).map_err(io::Error::other)
}

/// How often, and how long, the end of a process that still holds its program is waited for.
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

fn remove(root: &Path) {
    for _ in 0..TRIES {
        if fs::remove_dir_all(root).is_ok() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

impl Stage {
    /// Lays everything out below the directory for temporary files.
    pub(super) fn new() -> io::Result<Self> {
        let name = random::name("garth-prove-").map_err(io::Error::other)?;
        let root = temporary()?.join(&name);
        let built = Self::build(&root, &name);
        if built.is_err() {
            let _gone = fs::remove_dir_all(&root);
        }
        built
    }

    fn build(root: &Path, name: &str) -> io::Result<Self> {
        let objects = Objects::new(name).map_err(io::Error::other)?;
        for garden in [Garden::Repository, Garden::Network] {
            workspace(&root.join(garden.name()))?;
        }
        let outside = root.join("outside");
        fs::create_dir_all(outside.join("directory"))?;
        for file in ["secret", "victim", "victim2", "directory/inner"] {
            fs::write(outside.join(file), "something of the user's\r\n")?;
        }
        let bystander = Command::new(probe(root, Garden::Repository))
            .args(["act", "stand-by"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut places = servers()?;
        places.extend(names_of(&outside)?);
        places.extend([
            ("{stranger}", bystander.id().to_string()),
            ("{pipe}", format!(r"\\.\pipe\{name}")),
            ("{event}", format!(r"Local\{name}-event")),
            ("{section}", format!(r"Local\{name}-section")),
            ("{new}", name.to_owned()),
        ]);
        let roaming = std::env::var("APPDATA").unwrap_or_else(|_| outside.display().to_string());
        places.push(("{startup}", format!(r"{roaming}\Microsoft\Windows\Start Menu\Programs\Startup")));
        Ok(Self { root: root.to_owned(), places, bystander, _objects: objects })
    }

    pub(super) fn workspace(&self, garden: Garden) -> PathBuf {
        self.root.join(garden.name())
    }

    /// The probe of a garden.
    pub(super) fn probe(&self, garden: Garden) -> PathBuf {
        probe(&self.root, garden)
    }

    /// A text with its places filled in, for the garden of the repository.
    pub(super) fn fill(&self, text: &str) -> String {
        self.fill_in(text, Garden::Repository)
    }

    pub(super) fn fill_in(&self, text: &str, garden: Garden) -> String {
        let text = text.replace("{ws}", &self.workspace(garden).display().to_string());
        self.places.iter().fold(text, |text, (name, value)| text.replace(name, value))
    }

    pub(super) fn words(&self, step: &Step, garden: Garden) -> Vec<String> {
        let arguments = step.arguments.iter().map(|word| self.fill_in(word, garden));
        std::iter::once(step.probe.to_owned()).chain(arguments).collect()
    }

    /// Writes what is to be tried in a garden, and its policy; where both stand.
    pub(super) fn order(
        &self,
        garden: Garden,
        lines: &[Line],
        policy: &str,
    ) -> io::Result<(PathBuf, PathBuf)> {
        let order = self.workspace(garden).join("garth-prove.order");
        write_order(&order, lines)?;
        let file = self.root.join(format!("{}.toml", garden.name()));
        fs::write(&file, self.fill_in(policy, garden))?;
        Ok((order, file))
    }
}

fn probe(root: &Path, garden: Garden) -> PathBuf {
    root.join(garden.name()).join(format!("{NAME}.exe"))
}

fn workspace(place: &Path) -> io::Result<()> {
    for name in [".git/hooks", ".git/objects", ".git/refs", ".git/info", ".vscode", "src"] {
        fs::create_dir_all(place.join(name))?;
    }
    for (name, text) in [
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".git/config", "[core]\n\tbare = false\n"),
        (".git/hooks/pre-commit", "#!/bin/sh\n"),
        (".vscode/settings.json", "{}\n"),
        ("plain", "something of the workspace's\n"),
        ("plain2", "something else\n"),
    ] {
        fs::write(place.join(name), text)?;
    }
    let own = std::env::current_exe()?;
    fs::copy(own, place.join(format!("{NAME}.exe"))).map(|_| ())
}

/// Other names of a directory and of what is in it.
fn names_of(outside: &Path) -> io::Result<Vec<(&'static str, String)>> {
    let text = outside
        .to_str()
        .ok_or_else(|| io::Error::other("the directory for temporary files is no Unicode"))?;
    let (drive, rest) = text.split_once(':').ok_or_else(|| io::Error::other("it is on no drive"))?;
    Ok(vec![
        ("{out}", text.to_owned()),
        ("{OUT}", text.to_uppercase()),
        ("{out-slashes}", text.replace('\\', "/")),
        ("{out-verbatim}", format!(r"\\?\{text}")),
        ("{out-device}", format!(r"\\.\{text}")),
        ("{out-global}", format!(r"\\?\GLOBALROOT\DosDevices\{text}")),
        ("{out-share}", format!(r"\\localhost\{drive}${rest}")),
        ("{out-share-address}", format!(r"\\127.0.0.1\{drive}${rest}")),
        ("{out-share-verbatim}", format!(r"\\?\UNC\localhost\{drive}${rest}")),
    ])
}

/// Servers that answer everybody, and where they are.
fn servers() -> io::Result<Vec<(&'static str, String)>> {
    let mut places = Vec::new();
    for (name, address) in [("{port}", "127.0.0.1:0"), ("{port6}", "[::1]:0"), ("{lan-port}", "0.0.0.0:0")] {
        let port = match TcpListener::bind(address) {
            Ok(listener) => serve(listener)?,
            // A machine without IPv6 has nothing there to attack; its twin says so.
            Err(_) => 9,
        };
        places.push((name, port.to_string()));
    }
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    places.push(("{udp-port}", socket.local_addr()?.port().to_string()));
    std::thread::spawn(move || {
        let mut message = [0; 64];
        while let Ok((length, from)) = socket.recv_from(&mut message) {
            let _lost = socket.send_to(&message[..length], from);
        }
    });
    let own = addresses::own().map_err(io::Error::other)?;
    let own = own.iter().find(|address| matches!(address, IpAddr::V4(four) if !four.is_loopback()));
    places.push(("{own}", own.map_or_else(|| "127.0.0.1".to_owned(), ToString::to_string)));
    Ok(places)
}

fn serve(listener: TcpListener) -> io::Result<u16> {
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _asked = socket.read(&mut [0; 1024]);
                let _told =
                    socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            });
        }
    });
    Ok(port)
}
