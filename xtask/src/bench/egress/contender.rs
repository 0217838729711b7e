//! The proxies: the broker of garth, the floor in C, and others that are installed.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How long a proxy may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A proxy that runs; it is ended when this is dropped.
pub struct Proxy {
    /// What the page calls it.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its authority, where it opens TLS (PEM).
    pub authority: Option<PathBuf>,
    child: Child,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Proxy {
    /// Memory of its process, in KiB.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// The broker's example, with TLS to `localhost` opened or passed through.
///
/// # Errors
/// When it does not start.
pub fn garth(program: &Path, directory: &Path, opens: bool) -> Result<Proxy> {
    let authority = directory.join("garth.pem");
    let mut command = Command::new(program);
    command.args(["127.0.0.1", "localhost", "[::1]"]);
    if opens {
        command.args(["--open", "localhost", "--root"]).arg(directory.join("ca.der"));
        command.arg("--authority").arg(&authority);
    }
    let mut proxy = speaking("garth", &mut command)?;
    proxy.authority = opens.then_some(authority);
    Ok(proxy)
}

/// The floor, built by the compiler of the machine; `None` without one.
///
/// # Errors
/// When it does not build or start.
pub fn floor(directory: &Path) -> Result<Option<Proxy>> {
    let (source, program) = (directory.join("floor.c"), directory.join("floor"));
    std::fs::write(&source, include_str!("floor.c"))?;
    let built = Command::new("cc").args(["-O2", "-pthread", "-o"]).arg(&program).arg(&source).status();
    match built {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        built if built.as_ref().is_ok_and(std::process::ExitStatus::success) => {
            speaking("C floor", &mut Command::new(program)).map(Some)
        }
        built => bail!("the floor does not build: {built:?}"),
    }
}

/// Squid without a cache or a log; `None` where it is not installed.
///
/// # Errors
/// When it does not start.
pub fn squid(directory: &Path) -> Result<Option<Proxy>> {
    let address = free()?;
    let file = directory.join("squid.conf");
    let text = format!(
        "http_port {address}\nacl all src all\nhttp_access allow all\naccess_log none\ncache deny all\n\
         cache_log /dev/null\npid_filename none\nvisible_hostname bench\nmax_filedescriptors 16384\n\
         shutdown_lifetime 0 seconds\ncoredump_dir none\nnetdb_filename none\n"
    );
    std::fs::write(&file, text)?;
    let mut command = Command::new("squid");
    command.args(["-N", "-f"]).arg(&file);
    listening("squid", address, &mut command)
}

/// mitmproxy, with TLS opened or everything passed through; `None` where it is not installed.
///
/// # Errors
/// When it does not start.
pub fn mitmproxy(directory: &Path, opens: bool) -> Result<Option<Proxy>> {
    let address = free()?;
    let home = directory.join(if opens { "mitm-opens" } else { "mitm-passes" });
    std::fs::create_dir_all(&home)?;
    let mut command = Command::new("mitmdump");
    command.args(["-q", "--listen-host", "127.0.0.1", "-p", &address.port().to_string(), "--set"]);
    command.arg(format!("confdir={}", home.display())).arg("--set");
    if opens {
        command.arg(format!("ssl_verify_upstream_trusted_ca={}", directory.join("ca.pem").display()));
        command.args(["--set", "stream_large_bodies=1m"]);
    } else {
        command.arg("ignore_hosts=.*");
    }
    let mut proxy = listening("mitmproxy", address, command.env("HOME", &home))?;
    if let Some(proxy) = proxy.as_mut().filter(|_| opens) {
        proxy.authority = Some(home.join("mitmproxy-ca-cert.pem"));
    }
    Ok(proxy)
}

/// A proxy that says its address on its first line.
fn speaking(name: &'static str, command: &mut Command) -> Result<Proxy> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} does not start"))?;
    let mut line = String::new();
    let said = child.stdout.take().map(|said| BufReader::new(said).read_line(&mut line));
    let address = line.trim().parse();
    let mut proxy = Proxy { name, address: SocketAddr::from(([127, 0, 0, 1], 0)), authority: None, child };
    said.transpose()?;
    proxy.address = address.with_context(|| format!("{name} says no address"))?;
    Ok(proxy)
}

/// A proxy that is told its address.
fn listening(name: &'static str, address: SocketAddr, command: &mut Command) -> Result<Option<Proxy>> {
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = match started {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        started => started.with_context(|| format!("{name} does not start"))?,
    };
    let proxy = Proxy { name, address, authority: None, child };
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        if Instant::now() > end {
            bail!("{name} does not listen on {address}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Some(proxy))
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
