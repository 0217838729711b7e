//! What is laid out on the host before the attacks: a home with secrets, workspaces, servers, a bystander.

use super::attack::{Attack, Garden, Step};
use garth_host::linux::probe::fixture::{MessageQueue, SharedMemory, leak, user};
use garth_host::linux::probe::{NAME, SEPARATOR};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Sockets of the host that act for whoever reaches them, as paths below the stage.
pub(super) const SOCKETS: &[&str] = &[
    "run/docker.sock",
    "run/podman/podman.sock",
    "run/containerd/containerd.sock",
    "run/bus",
    "run/systemd/private",
    "run/gnupg/S.gpg-agent",
    "run/ssh-agent.sock",
    "run/wayland-0",
    "tmp/tmux-0/default",
    "tmp/.X11-unix/X0",
    "home/.docker/run/docker.sock",
    "outside/shared/server.sock",
];

/// Everything that was laid out. Taken away on drop.
#[derive(Debug)]
pub struct Stage {
    /// The scratch directory.
    pub root: PathBuf,
    /// Numbers and names of what stands ready.
    pub places: Vec<(&'static str, String)>,
    /// Connections to the server that a policy with a network opens.
    pub(super) reached: Arc<AtomicU64>,
    bystander: Child,
    _memory: Option<SharedMemory>,
    _queue: Option<MessageQueue>,
    _shared_file: SharedFile,
    _leak: Option<std::os::fd::OwnedFd>,
}

/// A file in the host's shared memory.
#[derive(Debug)]
struct SharedFile(PathBuf);

impl Drop for SharedFile {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = self.bystander.kill();
        let _reaped = self.bystander.wait();
        // Brokers that were killed on purpose left what their journal names; it stands in the scratch home.
        let home = self.root.join("home").into_os_string().into_vec();
        let _cleaned = crate::clean(&[(b"HOME".to_vec(), home)], false);
        let _gone = fs::remove_dir_all(&self.root);
    }
}

impl Stage {
    /// Lays everything out below the directory for temporary files.
    ///
    /// # Errors
    /// What could not be made.
    pub fn new() -> io::Result<Self> {
        let root = scratch()?;
        let built = Self::build(&root);
        if built.is_err() {
            let _gone = fs::remove_dir_all(&root);
        }
        built
    }

    fn build(root: &Path) -> io::Result<Self> {
        let id = std::process::id();
        for name in ["home/work", "outside", "run", "tmp", "policies", "reports"] {
            fs::create_dir_all(root.join(name))?;
        }
        home(root)?;
        victims(&root.join("outside/shared"))?;
        for garden in Garden::ALL {
            workspace(root, garden)?;
        }
        let bystander = Command::new("/proc/self/exe")
            .arg0(NAME)
            .args(["act", "stand-by"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut places = servers(root, id)?;
        let web = super::web::serve()?;
        places.extend(web.places);
        fs::write(root.join("policies/secret"), super::web::SECRET)?;
        fs::set_permissions(root.join("policies/secret"), fs::Permissions::from_mode(0o600))?;
        let key = 0x6761_0000 | i32::try_from(id & 0xffff).unwrap_or(1);
        let memory = SharedMemory::new(key).ok();
        let name = format!("garth-prove-{id}");
        let queue = MessageQueue::new(&name).ok();
        let shared_file = SharedFile(Path::new("/dev/shm").join(&name));
        fs::write(&shared_file.0, "from outside\n")?;
        places.extend([
            ("{shm-key}", key.to_string()),
            ("{queue}", name),
            ("{shm-file}", shared_file.0.display().to_string()),
            ("{stranger}", bystander.id().to_string()),
            ("{uid}", user().to_string()),
            ("{other-uid}", if user() == 12345 { "12346".into() } else { "12345".into() }),
            ("{exe}", fs::read_link("/proc/self/exe")?.display().to_string()),
            ("{bin}", root.join("home/.local/bin").display().to_string()),
            ("{shared}", root.join("outside/shared").display().to_string()),
            ("{home}", root.join("home").display().to_string()),
            ("{common}", root.join("home/work/main/.git").display().to_string()),
            ("{linked-home}", root.join(LINKED_HOME).display().to_string()),
            ("{root}", root.display().to_string()),
        ]);
        let leaked = leak(&root.join("outside/shared/token")).ok();
        Ok(Self {
            root: root.to_owned(),
            places,
            reached: web.reached,
            bystander,
            _memory: memory,
            _queue: queue,
            _shared_file: shared_file,
            _leak: leaked,
        })
    }

    /// A file that every sandbox gets as its standard input, open for reading.
    pub(super) fn input(&self) -> PathBuf {
        self.root.join("outside/shared/handed-in")
    }

    /// The workspace of a garden.
    #[must_use]
    pub fn workspace(&self, garden: Garden) -> PathBuf {
        self.root.join("home/work").join(garden.name())
    }

    /// Lays out what only this attack is to harm, so that one breach does not look like many.
    ///
    /// # Errors
    /// What could not be made.
    pub fn prepare(&self, attack: &Attack) -> io::Result<()> {
        victims(&self.outside(attack))?;
        let tool = self.tool(attack);
        fs::write(&tool, "# the user's own\n")?;
        fs::set_permissions(tool, fs::Permissions::from_mode(0o755))
    }

    fn outside(&self, attack: &Attack) -> PathBuf {
        self.root.join("outside").join(&*attack.id)
    }

    fn tool(&self, attack: &Attack) -> PathBuf {
        self.root.join("home/.local/bin").join(format!("tool-{}", attack.id))
    }

    /// A text with the places of an attack filled in.
    #[must_use]
    pub fn fill(&self, text: &str, attack: &Attack) -> String {
        let own = text
            .replace("{out}", &self.outside(attack).display().to_string())
            .replace("{tool}", &self.tool(attack).display().to_string());
        self.fill_shared(&own, attack.garden)
    }

    /// A text with the places filled in that all attacks of a garden share.
    #[must_use]
    pub fn fill_shared(&self, text: &str, garden: Garden) -> String {
        let mut filled = text.replace("{ws}", &self.workspace(garden).display().to_string());
        for (name, value) in &self.places {
            filled = filled.replace(name, value);
        }
        filled
    }

    /// The words of a step, filled in.
    #[must_use]
    pub fn words(&self, step: &Step, fill: impl Fn(&str) -> String) -> Vec<OsString> {
        let arguments = step.arguments.iter().map(|word| OsString::from(fill(word)));
        std::iter::once(OsString::from(step.probe)).chain(arguments).collect()
    }

    /// The environment in which garth is started.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let below = |name: &str| self.root.join(name).into_os_string();
        let path = format!("/usr/local/bin:/usr/bin:/bin:.:{}", self.root.join("home/.local/bin").display());
        vec![
            ("HOME".into(), below("home")),
            ("PATH".into(), path.into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("TERM".into(), "xterm".into()),
            ("TMPDIR".into(), below("tmp")),
            ("XDG_RUNTIME_DIR".into(), below("run")),
        ]
    }
}

/// Files outside that must stay as they are.
fn victims(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory.join("directory"))?;
    for name in ["secret", "file", "directory/victim", "token", "handed-in"] {
        fs::write(directory.join(name), "from outside\n")?;
    }
    Ok(())
}

/// A directory of this proof's own, that nobody else can have prepared.
fn scratch() -> io::Result<PathBuf> {
    let temporary = std::env::temp_dir();
    // The final path: the sandbox speaks of places by these.
    let handle = fs::File::open(&temporary)?;
    let real = fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&handle)))?;
    for number in 0..100u32 {
        let path = real.join(format!("garth-prove-{}-{number}", std::process::id()));
        match fs::DirBuilder::new().mode(0o755).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// Names of the secrets table that are directories in real homes.
const DIRECTORIES: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".oci",
    ".kube",
    ".docker",
    ".helm",
    ".password-store",
    ".claude",
    ".codex",
    ".gemini",
    ".cursor",
    ".config/gcloud",
    ".config/gh",
    ".config/rclone",
    ".local/share/keyrings",
    ".mozilla",
    ".config/google-chrome",
    ".config/chromium",
    ".config/autostart",
    ".thunderbird",
    ".garth",
    ".config/garth",
    ".local/state/garth",
];

/// A home with one credential per row of the secrets table, and files that shells and tools run.
fn home(root: &Path) -> io::Result<()> {
    let home = root.join("home");
    for name in DIRECTORIES {
        fs::create_dir_all(home.join(name))?;
    }
    for row in garth_policy::secrets::rows(garth_policy::Os::Linux) {
        let Some(name) = row.path.strip_prefix("~/") else { continue };
        let path = home.join(name);
        let path = if path.is_dir() { path.join("token") } else { path };
        // A row below another row is a part of what is hidden there.
        let below = path.parent().is_none_or(|parent| fs::create_dir_all(parent).is_err());
        if !below && !path.exists() {
            fs::write(&path, "a secret\n")?;
        }
    }
    for name in [
        ".bashrc",
        ".profile",
        ".zshrc",
        ".gitconfig",
        ".config/autostart/x.desktop",
        ".local/bin/tool",
        ".local/bin/linked-tool",
        ".cargo/registry/package",
    ] {
        let path = home.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, "# the user's own\n")?;
    }
    fs::write(home.join(".ssh/id_ed25519"), "a secret\n")?;
    fs::set_permissions(home.join(".local/bin/tool"), fs::Permissions::from_mode(0o755))
}

/// One workspace as its garden wants it.
fn workspace(root: &Path, garden: Garden) -> io::Result<()> {
    let path = root.join("home/work").join(garden.name());
    for name in ["directory/below", "src", ".vscode", ".zed"] {
        fs::create_dir_all(path.join(name))?;
    }
    let sibling = path.with_file_name(format!("{}-sibling", garden.name()));
    fs::create_dir_all(&sibling)?;
    fs::write(sibling.join("file"), "from outside\n")?;
    for name in ["plain", "directory/file", "src/main.rs", ".vscode/tasks.json", ".zed/tasks.json", "victim"]
    {
        fs::write(path.join(name), "the user's own\n")?;
    }
    symlink(root.join("outside/shared/secret"), path.join("link-out"))?;
    symlink(root.join("outside/shared"), path.join("link-directory"))?;
    symlink("/proc/self/root", path.join("link-root"))?;
    fs::hard_link(root.join("home/.local/bin/linked-tool"), path.join("hard-tool"))?;
    match garden {
        Garden::Bare => {}
        Garden::Worktree => linked(root, &path)?,
        _ => {
            git_directory(&path.join(".git"))?;
            git_directory(&path.join("nested/.git"))?;
            git_directory(&path.join("second/.git"))?;
            fs::create_dir_all(path.join(".github"))?;
            fs::hard_link(path.join("nested/.git/config"), path.join("hard-config"))?;
        }
    }
    if garden == Garden::Untrusted {
        let text = "version = 1\nprofile = \"open\"\n[files]\n\".vscode\" = \"write\"\n\".git/hooks\" = \"write\"\n\
                    \"src\" = \"read\"\n[network]\nmode = \"open\"\n";
        fs::write(path.join("garth.toml"), text)?;
    }
    if garden == Garden::Linked {
        linked_home(root, &path)?;
    }
    if garden == Garden::Patterns {
        fs::write(path.join(".env"), "KEY=secret\n")?;
        fs::write(path.join("directory/.env"), "KEY=secret\n")?;
    }
    if garden == Garden::Forged {
        // A pointer that no git directory confirms.
        fs::remove_dir_all(path.join(".git"))?;
        git_directory(&root.join("outside/shared/forged"))?;
        fs::write(path.join(".git"), format!("gitdir: {}\n", root.join("outside/shared/forged").display()))?;
    }
    swallow_datagrams(UnixDatagram::bind(path.join("host-datagram.sock"))?);
    UnixListener::bind(path.join("host.sock")).map(serve_stream)
}

/// The home of [`Garden::Linked`], below the scratch directory.
pub(super) const LINKED_HOME: &str = "linked-home";

/// A home of which credentials, and a file that is none, have a second name in a workspace. For the other gardens none has:
/// it would change how each of them is held.
fn linked_home(root: &Path, workspace: &Path) -> io::Result<()> {
    let home = root.join(LINKED_HOME);
    for name in [".ssh", ".config/gh"] {
        fs::create_dir_all(home.join(name))?;
    }
    for (name, link) in [
        (".authinfo", "hard-secret"),
        (".pgpass", "hard-secret-2"),
        (".ssh/id_linked", "hard-key"),
        (".config/gh/hosts.yml", "directory/hard-token"),
        ("named", "hard-named"),
        ("plain", "hard-plain"),
    ] {
        fs::write(home.join(name), "a secret\n")?;
        fs::hard_link(home.join(name), workspace.join(link))?;
    }
    Ok(())
}

/// What git itself lays out, with a hook, an attribute file and configuration that run programs.
fn git_directory(git: &Path) -> io::Result<()> {
    for name in ["objects/info", "refs/heads", "hooks", "info", "worktrees/one", "modules/sub/hooks", "logs"]
    {
        fs::create_dir_all(git.join(name))?;
    }
    let trap = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = touch \"$TRAP\"\n";
    for (name, text) in [
        ("HEAD", "ref: refs/heads/main\n"),
        ("config", trap),
        ("config.garth-fedcba9876543210", "[core]\n\tbare = false\n"),
        ("hooks/pre-commit", "#!/bin/sh\n"),
        ("hooks/pre-push", "#!/bin/sh\n"),
        ("hooks/post-checkout.sample", "#!/bin/sh\n"),
        ("info/attributes", "*.c diff=cpp\n"),
        ("info/exclude", "# none\n"),
        ("index", "DIRC"),
        ("worktrees/one/gitdir", "/nowhere/.git\n"),
        ("worktrees/one/commondir", "../..\n"),
        ("worktrees/one/HEAD", "ref: refs/heads/one\n"),
        ("modules/sub/HEAD", "ref: refs/heads/main\n"),
        ("modules/sub/config", "[core]\n\tbare = false\n"),
    ] {
        fs::write(git.join(name), text)?;
    }
    fs::set_permissions(git.join("hooks/pre-commit"), fs::Permissions::from_mode(0o755))
}

/// A worktree whose git directory is that of another repository.
fn linked(root: &Path, path: &Path) -> io::Result<()> {
    let main = root.join("home/work/main");
    fs::create_dir_all(&main)?;
    git_directory(&main.join(".git"))?;
    let own = main.join(".git/worktrees/linked");
    fs::create_dir_all(&own)?;
    fs::write(path.join(".git"), format!("gitdir: {}\n", own.display()))?;
    fs::write(own.join("gitdir"), format!("{}\n", path.join(".git").display()))?;
    fs::write(own.join("commondir"), "../..\n")?;
    fs::write(own.join("HEAD"), "ref: refs/heads/linked\n")
}

fn serve_stream(listener: UnixListener) {
    std::thread::spawn(move || for _client in listener.incoming() {});
}

fn swallow_datagrams(socket: UnixDatagram) {
    std::thread::spawn(move || {
        let mut text = [0; 64];
        while socket.recv(&mut text).is_ok() {}
    });
}

fn serve_datagrams(socket: UdpSocket) {
    std::thread::spawn(move || {
        let mut text = [0; 1024];
        while let Ok((count, from)) = socket.recv_from(&mut text) {
            let _gone = socket.send_to(&text[..count], from);
        }
    });
}

/// Servers of the host on every kind of socket, with the places at which they are found.
fn servers(root: &Path, id: u32) -> io::Result<Vec<(&'static str, String)>> {
    for name in SOCKETS {
        let path = root.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        serve_stream(UnixListener::bind(&path)?);
    }
    swallow_datagrams(UnixDatagram::bind(root.join("run/notify"))?);
    let name = format!("garth-prove-{id}");
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name)?;
    serve_stream(UnixListener::bind_addr(&address)?);
    let mut places = vec![("{abstract}", name)];
    let internet: [(&'static str, &'static str, &str); 2] =
        [("{tcp}", "{udp}", "127.0.0.1:0"), ("{tcp6}", "{udp6}", "[::1]:0")];
    for (stream, datagram, address) in internet {
        let address: SocketAddr =
            address.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // A machine may do without IPv6: then there is nothing to reach.
        let Ok(listener) = TcpListener::bind(address) else {
            places.extend([(stream, "[::1]:9".to_owned()), (datagram, "[::1]:9".to_owned())]);
            continue;
        };
        places.push((stream, listener.local_addr()?.to_string()));
        std::thread::spawn(move || for _client in listener.incoming() {});
        let socket = UdpSocket::bind(address)?;
        places.push((datagram, socket.local_addr()?.to_string()));
        serve_datagrams(socket);
    }
    Ok(places)
}

/// Writes an order for the first process inside.
pub(super) fn write_order(path: &Path, lines: &[garth_host::linux::probe::Line]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    for line in lines {
        file.write_all(&line.to_bytes())?;
    }
    Ok(())
}

/// The separator as a character.
pub(super) const SEPARATED: char = SEPARATOR as char;
