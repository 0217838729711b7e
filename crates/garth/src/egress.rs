//! The network of one sandbox: the broker that serves its sockets, and what the sandbox has to know of it.

use crate::Error;
use crate::approval::Asker;
use crate::audit::Recorder;
use crate::heard::Heard;
use crate::refusals::{failed, upstream};
use crate::secrets::{self, Caller};
use garth_audit::core::redact::Known;
use garth_egress::core::{Canary, Judge};
use garth_egress::io::{Broker, Config, Front, Inside};
use garth_host::OsError;
use garth_host::linux::addresses;
use garth_host::linux::broker::launch::Runner;
use garth_host::linux::message::{InnerSocket, Sender as Speaker, ToRunner};
use garth_plan::linux::network::{BUNDLE, BUNDLE_VARIABLES, NAMES_FILE, NO_PROXY_VARIABLES, PROXY_VARIABLES};
use garth_plan::linux::spec::{Front as Planned, LaunchSpec, ViewStep};
use garth_policy::{Context, Policy, Sourced};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A caller's environment.
type Variables = [(Vec<u8>, Vec<u8>)];

/// A broker that serves one sandbox.
#[derive(Debug)]
pub(crate) struct Egress {
    broker: Broker,
    heard: Arc<Heard>,
    /// Names that are asked for before the target starts.
    canary: Canary,
    /// Variables of the sandbox that hold placeholders.
    placeholders: Vec<(String, String)>,
    /// Listeners on the host for servers inside, until these can be reached.
    published: Vec<(TcpListener, u16)>,
    /// Where sockets are put that were asked for.
    fresh: Option<Sender<OwnedFd>>,
    asker: Option<Arc<Asker>>,
    /// What clients of the proxy inside must show.
    credentials: (String, String),
}

/// Asks the runner for sockets, one at a time.
#[derive(Debug)]
struct Fresh {
    runner: Speaker,
    sockets: Mutex<Receiver<OwnedFd>>,
}

/// How long the runner may take to make a socket.
const PATIENCE: Duration = Duration::from_secs(10);

impl Inside for Fresh {
    fn socket(&self) -> io::Result<TcpStream> {
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        self.runner.send(&ToRunner::Socket);
        sockets.recv_timeout(PATIENCE).map(TcpStream::from).map_err(io::Error::other)
    }
}

impl Egress {
    /// Prepares the broker that a plan needs; `None` if it needs none. What the policy leaves open is put to `asker`.
    ///
    /// # Errors
    /// When a secret cannot be read, a proxy variable is none, or a port cannot be listened at.
    pub(crate) fn prepare(
        policy: &Policy,
        spec: &LaunchSpec,
        environment: &Variables,
        context: &Context,
        asker: Option<Arc<Asker>>,
        recorder: &Recorder,
    ) -> Result<Option<Self>, Error> {
        if spec.network.is_none() {
            return Ok(None);
        }
        let heard = Heard::new(recorder);
        let sink = Arc::clone(&heard);
        let mut config = Config::new(policy.network.clone(), Arc::new(move |event| sink.take(event)));
        config.own_addresses = addresses::own().map_err(Error::os("start the network"))?;
        let caller = Caller { environment, context };
        let mut login = None;
        config.upstream = upstream(environment, policy.network.proxy.as_ref(), |source| {
            Ok(login.insert(secrets::text(source, caller)?).clone())
        })?;
        if let Some(asker) = &asker {
            let asker = Arc::clone(asker);
            // The asker keeps the time; it is given a moment more to carry the answer out.
            config.limits.approval = asker.timeout().saturating_add(Duration::from_secs(5));
            config.approver = Some(asker);
        }
        let secrets::Read { secrets, placeholders, mut known } =
            secrets::read(&policy.network.secrets, caller)?;
        known.extend(login.map(|value| Known { name: "network.proxy".to_owned(), value }));
        if let Some(log) = recorder.as_ref().filter(|_| !known.is_empty()) {
            log.know(&known);
        }
        config.secrets = secrets;
        let password = addresses::unguessable().map_err(Error::os("start the network"))?;
        let password = password.iter().map(|byte| format!("{byte:02x}")).collect();
        let credentials = ("garth".to_owned(), password);
        let published = policy.network.listen.iter().map(publish).collect::<Result<_, _>>()?;
        let broker = Broker::prepare(config).map_err(|error| failed(&error))?;
        let canary = broker.canary();
        heard.expect(&canary);
        Ok(Some(Self { broker, canary, heard, placeholders, published, fresh: None, asker, credentials }))
    }

    /// Starts the broker's threads. The sandbox has its order by then, and gets its sockets ready meanwhile.
    ///
    /// # Errors
    /// When there are no threads to be had.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        self.broker.begin().map_err(|error| failed(&error))
    }

    /// Lets the host reach the servers inside, through sockets that this runner makes.
    ///
    /// # Errors
    /// When a listener cannot be used.
    pub(crate) fn publish(&mut self, runner: &Runner) -> Result<(), Error> {
        if self.published.is_empty() {
            return Ok(());
        }
        let (sender, sockets) = channel();
        self.fresh = Some(sender);
        let runner = runner.speaker().map_err(Error::os("publish a server"))?;
        let fresh: Arc<dyn Inside> = Arc::new(Fresh { runner, sockets: Mutex::new(sockets) });
        for (listener, port) in self.published.drain(..) {
            let front = Front::Published { listener, port, sockets: Arc::clone(&fresh) };
            self.broker.serve(front).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Adds to an order what only this session knows.
    pub(crate) fn adapt(&self, spec: &mut LaunchSpec, environment: &Variables) {
        let mut set = |name: &str, value: &str| {
            let prefix = format!("{name}=");
            spec.target.environment.retain(|string| !string.starts_with(prefix.as_bytes()));
            spec.target.environment.push(format!("{prefix}{value}").into_bytes());
        };
        for (name, placeholder) in &self.placeholders {
            set(name, placeholder);
        }
        if let Some(network) = spec.network.as_mut().filter(|network| network.canary.forbidden.is_none()) {
            network.canary.allowed.clone_from(&self.canary.allowed);
            network.canary.forbidden = Some(self.canary.forbidden.clone());
        }
        if let Some(Planned::Listeners { proxy, .. }) = spec.network.as_ref().map(|network| &network.front) {
            let (user, password) = &self.credentials;
            let url = format!("http://{user}:{password}@127.0.0.1:{proxy}");
            PROXY_VARIABLES.iter().for_each(|name| set(name, &url));
            NO_PROXY_VARIABLES.iter().for_each(|name| set(name, "localhost,127.0.0.1,::1"));
            // Node takes no notice of the others by itself.
            set("NODE_USE_ENV_PROXY", "1");
        }
        for step in &mut spec.view {
            if let ViewStep::File { path, content } = step
                && path.as_bytes() == NAMES_FILE.as_bytes()
            {
                let text = std::fs::read_to_string(NAMES_FILE).unwrap_or_default();
                let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
                content.extend_from_slice(loopback_names(&text, own.trim()).as_bytes());
            }
        }
        let Some(authority) = self.broker.authority() else { return };
        for name in BUNDLE_VARIABLES {
            set(name, BUNDLE);
        }
        let stores = spec.network.as_ref().map(|network| network.trust.clone()).unwrap_or_default();
        crate::trust::fill(&mut spec.view, &stores, authority, environment);
    }

    /// Serves a socket of the sandbox.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub(crate) fn serve(&self, kind: InnerSocket, socket: OwnedFd) -> Result<(), OsError> {
        if kind == InnerSocket::Fresh {
            // Whoever asked may have given up; then the socket closes.
            let _unwanted = self.fresh.as_ref().map(|fresh| fresh.send(socket));
            return Ok(());
        }
        let mut front = Front::Transparent { tcp: vec![], dns_udp: vec![], dns_tcp: vec![], ipv6: true };
        match (&mut front, kind) {
            (Front::Transparent { tcp, .. }, InnerSocket::Redirected) => tcp.push(socket.into()),
            (Front::Transparent { dns_udp, .. }, InnerSocket::Names) => dns_udp.push(socket.into()),
            (Front::Transparent { dns_tcp, .. }, InnerSocket::NameConnections) => dns_tcp.push(socket.into()),
            (front, InnerSocket::Proxy) => {
                let credentials = Some(self.credentials.clone());
                *front = Front::Explicit { listener: socket.into(), credentials };
            }
            (front, InnerSocket::HostPort(port)) => {
                *front = Front::HostPort { listener: socket.into(), port };
            }
            _ => {}
        }
        self.broker.serve(front).map_err(|error| {
            OsError::new("serve", "the network of the sandbox", error.raw_os_error().unwrap_or(0))
        })
    }

    /// The sandbox is that of this runner.
    ///
    /// # Errors
    /// The error of copying a descriptor.
    pub(crate) fn know(&self, runner: &Runner) -> Result<(), Error> {
        self.asker.as_ref().map_or(Ok(()), |asker| asker.know(runner))
    }

    /// What the broker told.
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }
}

/// How often and how long a port of the host is waited for.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// A listener on the host's loopback.
fn publish(port: &Sourced<u16>) -> Result<(TcpListener, u16), Error> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, port.value));
    let is_taken =
        |bound: &io::Result<_>| bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    let mut bound = bind();
    // The broker of a first try, which the machine turned out not to hold, closes its sockets in threads of its own.
    for _ in 0..TRIES {
        if !is_taken(&bound) {
            break;
        }
        std::thread::sleep(PAUSE);
        bound = bind();
    }
    match bound {
        Ok(listener) => Ok((listener, port.value)),
        Err(error) => Err(Error::Workspace {
            what: format!("port {} of the host's loopback cannot be opened ({})", port.value, port.origin),
            why: error.to_string(),
            hint: "end what listens there, or take the port out of `network.listen`".into(),
        }),
    }
}

/// The judge of a policy's network, who knows this machine's own addresses: what the broker of a sandbox asks.
///
/// # Errors
/// When the machine's addresses cannot be listed.
pub fn network_judge(policy: &Policy) -> Result<Judge, Error> {
    let own = addresses::own().map_err(Error::os("look at the network"))?;
    Ok(Judge::new(policy.network.clone(), own))
}

/// The lines of a file of names (`hosts(5)`) that speak of the loopback, and the machine's own name: programs look
/// that up for a name of the user, and are not to be told of a refusal.
fn loopback_names(text: &str, own: &str) -> String {
    let is_loopback = |line: &&str| {
        let address = line.split_whitespace().next().and_then(|word| word.parse::<std::net::IpAddr>().ok());
        address.is_some_and(|address| address.is_loopback())
    };
    let mut names: String = text.lines().filter(is_loopback).flat_map(|line| [line, "\n"]).collect();
    let is_known = names.split_whitespace().any(|word| word == own);
    if !is_known && !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        names.push_str(&format!("127.0.0.1 {own}\n"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_loopback_are_known_inside() {
        let text = "# names\n127.0.1.1 machine\n10.0.0.7 build.corp\n::1 ip6-localhost\nnonsense\n";
        assert_eq!(loopback_names(text, "machine"), "127.0.1.1 machine\n::1 ip6-localhost\n");
        assert_eq!(loopback_names("", "machine"), "127.0.0.1 machine\n");
        assert_eq!(loopback_names("", "a b"), "");
    }
}
