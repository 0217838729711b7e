//! The network of one sandbox on Windows: the broker, the relay inside, and what the target has to know of both.

use super::{Prepared, failed, not_held};
use crate::Error;
use crate::approval::Asker;
use crate::heard::Heard;
use crate::refusals::{self, Missing, upstream};
use garth_audit::core::redact::Known;
use garth_egress::core::{Canary, Decided, Fault, Secret, Secrets};
use garth_egress::io::{Approve, Broker, Config, Front};
use garth_host::windows::canary;
use garth_host::windows::relay::{Outside, Relay};
use garth_host::windows::sys::{addresses, random};
use garth_plan::windows::launch::LaunchSpec;
use garth_plan::windows::spec;
use garth_policy::{SecretBinding, SecretSource, Sourced};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const STEP: &str = "start the network";

/// Addresses of the loopback at which servers inside appear on the host. Windows has one set of ports for both, so 127.0.0.1
/// is where the server itself listens.
const APPEAR: std::ops::RangeInclusive<u8> = 2..=20;

/// The broker of one sandbox, and the relay that leads to it.
#[derive(Debug)]
pub(super) struct Network {
    relay: Relay,
    /// Kept for as long as anything may be carried.
    _broker: Broker,
    heard: Arc<Heard>,
    canary: Canary,
    credentials: (String, String),
    /// Variables of the sandbox that hold placeholders.
    placeholders: Vec<(String, String)>,
    authority: Option<String>,
    /// Servers inside, and where they appear on the host.
    pub(super) published: Vec<(u16, SocketAddr)>,
}

/// What came of a network.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub refused: Vec<Decided>,
    pub faults: Vec<Fault>,
    /// Why the relay ended before its time.
    pub relay: Option<String>,
}

impl Network {
    /// Starts broker and relay. `program` is garth's own executable, where it can be read inside. What the policy leaves
    /// open is put to `asker`.
    ///
    /// # Errors
    /// When a secret has no value, a port cannot be listened at, or the relay is not ready.
    pub(super) fn start(
        of: &Prepared,
        planned: &spec::Relay,
        program: &str,
        asker: Option<&Arc<Asker>>,
    ) -> Result<Self, Error> {
        let Prepared { policy, order, environment, .. } = of;
        let heard = Heard::new(&of.log.recorder);
        let sink = Arc::clone(&heard);
        let mut config = Config::new(policy.network.clone(), Arc::new(move |event| sink.take(event)));
        config.own_addresses = addresses::own().map_err(Error::os(STEP))?;
        let mut known = Vec::new();
        config.upstream = upstream(&of.variables, policy.network.proxy.as_ref(), |source| {
            let value = login(source, environment)?;
            known.push(Known { name: "network.proxy".to_owned(), value: value.clone() });
            Ok(value)
        })?;
        if let Some(asker) = asker {
            // The asker keeps the time; it is given a moment more to carry the answer out.
            config.limits.approval = asker.timeout().saturating_add(Duration::from_secs(5));
            config.approver = Some(Arc::clone(asker) as Arc<dyn Approve>);
        }
        let (secrets, placeholders) = secrets(&policy.network.secrets, environment, &mut known)?;
        config.secrets = secrets;
        if let Some(log) = of.log.recorder.as_ref().filter(|_| !known.is_empty()) {
            log.know(&known);
        }
        let password = random::name("").map_err(Error::os(STEP))?;
        let credentials = ("garth".to_owned(), password);
        let published = policy.network.listen.iter().map(publish).collect::<Result<Vec<_>, _>>()?;
        let places = published.iter().map(|(listener, port)| Ok((*port, listener.local_addr()?)));
        let places = places.collect::<io::Result<Vec<_>>>().map_err(|error| refusals::failed(&error))?;
        let broker = Broker::start(config, Vec::new()).map_err(|error| refusals::failed(&error))?;
        let canary = broker.canary();
        heard.expect(&canary);
        let outside = fronts(&broker, &credentials, &planned.host_ports, published)
            .map_err(|error| refusals::failed(&error))?;
        let relay = Relay::start(order, program, outside).map_err(|error| failed(STEP, error))?;
        let authority = broker.authority().map(str::to_owned);
        Ok(Self {
            relay,
            _broker: broker,
            heard,
            canary,
            credentials,
            placeholders,
            authority,
            published: places,
        })
    }

    /// What is tried of it before the target starts.
    pub(super) fn trial(&self) -> canary::Network<'_> {
        canary::Network {
            ready: &self.relay.ready,
            allowed: self.canary.allowed.as_deref(),
            forbidden: &self.canary.forbidden,
        }
    }

    /// What this build let pass of the relay.
    pub(super) fn relaxed(&self) -> impl Iterator<Item = String> {
        self.relay.relaxed.iter().map(|difference| format!("the relay: {difference}"))
    }

    /// Adds to an order what only this session knows. `private` is a directory that can be read inside.
    ///
    /// # Errors
    /// When the authorities that are trusted inside cannot be written there.
    pub(super) fn adapt(
        &self,
        order: &mut LaunchSpec,
        planned: &spec::Relay,
        private: &Path,
    ) -> Result<(), Error> {
        let mut set = |name: &str, value: &str| {
            order.environment.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            order.environment.push((name.to_owned(), value.to_owned()));
        };
        for (name, placeholder) in &self.placeholders {
            set(name, placeholder);
        }
        let (user, password) = &self.credentials;
        let url = format!("http://{user}:{password}@127.0.0.1:{}", self.relay.ready.proxy);
        planned.variables.iter().for_each(|name| set(name, &url));
        let mut direct = planned.direct.clone();
        for (port, address) in &self.relay.ready.host_ports {
            set(&format!("GARTH_HOST_PORT_{port}"), &format!("{address}:{port}"));
            if !direct.contains(&address.to_string()) {
                // Writing to a text does not fail.
                let _written = write!(direct, ",{address}");
            }
        }
        planned.exceptions.iter().for_each(|name| set(name, &direct));
        let switches = planned.switches.iter().filter_map(|text| text.split_once('='));
        switches.for_each(|(name, value)| set(name, value));
        let Some(authority) = &self.authority else { return Ok(()) };
        let bundle = private.join("certificates.pem");
        std::fs::write(&bundle, trusted(authority)).map_err(|error| refusals::failed(&error))?;
        let bundle =
            bundle.to_str().ok_or_else(|| refusals::failed(&"the private directory is no Unicode"))?;
        planned.authorities.iter().for_each(|name| set(name, bundle));
        Ok(())
    }

    /// Ends the relay and the broker.
    pub(super) fn stop(self) -> Told {
        let relay = self.relay.stop();
        self.heard.settle();
        Told { refused: self.heard.refused(), faults: self.heard.faults(), relay }
    }
}

/// Opens the broker's fronts on the host's loopback. Who is not the sandbox does not know the password.
fn fronts(
    broker: &Broker,
    credentials: &(String, String),
    host_ports: &[u16],
    published: Vec<(TcpListener, u16)>,
) -> io::Result<Outside> {
    let listen = || -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let place = listener.local_addr()?;
        Ok((listener, place))
    };
    let (listener, proxy) = listen()?;
    broker.serve(Front::Explicit { listener, credentials: Some(credentials.clone()) })?;
    let (listener, names) = listen()?;
    let (tcp, dns_udp) = (Vec::new(), Vec::new());
    broker.serve(Front::Transparent { tcp, dns_udp, dns_tcp: vec![listener], ipv6: false })?;
    let mut at_ports = BTreeMap::new();
    for port in host_ports {
        let (listener, place) = listen()?;
        broker.serve(Front::HostPort { listener, port: *port })?;
        at_ports.insert(*port, place);
    }
    Ok(Outside { proxy, names, host_ports: at_ports, published })
}

/// A listener on the host for a server inside.
fn publish(port: &Sourced<u16>) -> Result<(TcpListener, u16), Error> {
    let mut last = None;
    let found = APPEAR.map(|byte| Ipv4Addr::new(127, 0, 0, byte)).find_map(|address| {
        TcpListener::bind((address, port.value)).map_err(|error| last = Some(error)).ok()
    });
    found.map(|listener| (listener, port.value)).ok_or_else(|| Error::Workspace {
        what: format!("port {} of the host's loopback cannot be opened ({})", port.value, port.origin),
        why: last.map_or_else(String::new, |error| error.to_string()),
        hint: "end what listens there, or take the port out of `network.listen`".into(),
    })
}

/// Secrets, and what the sandbox sees of them.
type Values = (Secrets, Vec<(String, String)>);

/// What a source of the proxy's credentials has.
fn login(source: &SecretSource, environment: &[(String, String)]) -> Result<String, Missing> {
    let SecretSource::Env(variable) = source else {
        let why = format!("values from `{source}` are not built for Windows yet");
        return Err(Missing { why, hint: "use `env:NAME`".into() });
    };
    let found = environment.iter().find(|(known, _)| known.eq_ignore_ascii_case(variable));
    found.map(|(_, value)| value.clone()).ok_or_else(|| Missing {
        why: format!("{variable} is not set"),
        hint: "set the variable before `garth run`, or drop the line".into(),
    })
}

/// Reads the real values of secrets: those that this system has a source for. `known` gets what is not to be told.
fn secrets(
    bindings: &[SecretBinding],
    environment: &[(String, String)],
    known: &mut Vec<Known>,
) -> Result<Values, Error> {
    let (mut read, mut placeholders) = (Vec::new(), Vec::new());
    for binding in bindings {
        let refuse = |why: String, hint: &str| {
            let SecretBinding { name, origin, .. } = binding;
            Error::Policy(format!("network.secrets.{name} has no value ({origin})\n{why}\nhint: {hint}"))
        };
        let SecretSource::Env(variable) = &binding.from else {
            let why = format!("values from `{}` are not built for Windows yet", binding.from);
            return Err(refuse(why, "use `env:NAME`"));
        };
        let found = environment.iter().find(|(known, _)| known.eq_ignore_ascii_case(variable));
        let hint = "set the variable before `garth run`, or drop the secret";
        let (_, value) = found.ok_or_else(|| refuse(format!("{variable} is not set"), hint))?;
        known.push(Known { name: binding.name.clone(), value: value.clone() });
        let random = random::random().map_err(Error::os(STEP))?;
        let secret = Secret::bound(binding, value.clone(), random)
            .map_err(|fault| refuse(fault.to_string(), "look at its source"))?;
        placeholders.push((binding.name.clone(), secret.placeholder().to_owned()));
        read.push(secret);
    }
    let secrets = Secrets::new(read).map_err(|clash| {
        let (first, second) = (&clash.first, &clash.second);
        let hint = "drop one of them, or give them sources that have nothing to do with each other";
        Error::Policy(format!(
            "network.secrets.{first} and network.secrets.{second} overlap\n{clash}\nhint: {hint}"
        ))
    })?;
    Ok((secrets, placeholders))
}

/// The authorities that the system trusts and the session's own, in PEM.
fn trusted(authority: &str) -> String {
    use base64::Engine as _;
    let mut text = String::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let encoded = base64::engine::general_purpose::STANDARD.encode(&certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = more;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text.push_str(authority);
    text
}

/// The finding of a canary as the reason for not running anything.
pub(super) fn refused_by(found: &canary::Found) -> Error {
    let error = not_held(format!("the canary inside was sent before the command: {}", found.what));
    match (error, &found.remedy) {
        (Error::Plan(plan), Some(remedy)) => {
            Error::Plan(garth_plan::linux::PlanError { hint: remedy.clone(), ..plan })
        }
        (error, _) => error,
    }
}
