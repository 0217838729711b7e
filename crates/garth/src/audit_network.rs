//! What the network's broker tells, as events of the log.

use crate::audit::Recorder;
use garth_audit::core::{
    BrokerError, Dns, Event, Grant, NetworkAllowed, NetworkClosed, NetworkDecided, NetworkDenied, SecretUse,
    SecretUsed, SecretWithheld,
};
use garth_audit::io::Log;
use garth_egress::core::{Code, Decided, Event as Told, Front, Hint, Host, Protocol, SecretSeen};
use std::collections::HashSet;

/// Tells events of the broker to the log, apart from the names that the session itself asks for.
#[derive(Debug)]
pub(crate) struct Network {
    recorder: Recorder,
    /// Names that the session asks for before the target starts: it is no news that it does.
    own: Vec<Host>,
    /// Names that were asked for, with what decided. Resolvers ask several times for what is one question to a user.
    asked: HashSet<(Option<Host>, Code)>,
    /// Connections whose end is still to come.
    open: HashSet<u64>,
}

/// Different questions for names that are kept apart; further ones are told each time.
const MOST_NAMES: usize = 10_000;

impl Network {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self { recorder, own: Vec::new(), asked: HashSet::new(), open: HashSet::new() }
    }

    /// The session itself asks for these names, each once.
    pub(crate) fn expect<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) {
        self.own = names.into_iter().filter_map(|name| Host::read(name).ok()).collect();
    }

    /// Whether the end of a connection is still to come.
    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// A request to the proxy itself has no end of its own: it is answered, and the connection goes on.
    fn follow(&mut self, event: &Told) {
        match event {
            Told::Decided(decided) if decided.ruling.is_allowed() => {
                let has_end = !(decided.front == Front::Explicit && decided.protocol == Protocol::Http);
                if has_end && decided.protocol != Protocol::Dns {
                    self.open.insert(decided.connection);
                }
            }
            Told::Closed(closed) => {
                self.open.remove(&closed.connection);
            }
            Told::Decided(_) | Told::Secrets(_) | Told::Fault(_) => {}
        }
    }

    pub(crate) fn tell(&mut self, event: &Told) {
        self.follow(event);
        let Some(log) = &self.recorder else { return };
        match event {
            Told::Decided(decided) => {
                if decided.protocol == Protocol::Dns
                    && let Some(at) = self.own.iter().position(|own| decided.host.as_ref() == Some(own))
                {
                    self.own.remove(at);
                    return;
                }
                let is_new = decided.protocol != Protocol::Dns
                    || self.asked.len() >= MOST_NAMES
                    || self.asked.insert((decided.host.clone(), decided.ruling.code));
                if is_new {
                    decision(log, decided);
                }
            }
            Told::Secrets(seen) => {
                secrets(log, Some(&seen.host), (seen.port, seen.connection), &seen.secrets);
            }
            Told::Closed(closed) => log.record(NetworkClosed {
                connection: closed.connection,
                host: closed.host.to_string(),
                port: closed.port,
                sent: closed.sent,
                received: closed.received,
                milliseconds: closed.milliseconds,
            }),
            Told::Fault(fault) => {
                log.record(BrokerError { operation: fault.operation.clone(), cause: fault.cause.clone() });
            }
        }
    }
}

fn decision(log: &Log, decided: &Decided) {
    // Many clients of a proxy show their password only when they are asked for it.
    if decided.ruling.code == Code::Credentials {
        return;
    }
    log.record(event(decided));
    secrets(log, decided.host.as_ref(), (decided.port, decided.connection), &decided.secrets);
}

fn secrets(log: &Log, host: Option<&Host>, (port, connection): (u16, u64), seen: &[SecretSeen]) {
    for SecretSeen { name, place, withheld } in seen {
        let used = SecretUse {
            secret: name.clone(),
            host: host.map(ToString::to_string),
            port,
            connection,
            place: Some(place.name().to_owned()),
            reason: withheld.map(|why| why.to_string()),
        };
        match withheld {
            None => log.record(SecretUsed(used)),
            Some(_) => log.record(SecretWithheld(used)),
        }
    }
}

/// A decision.
pub(crate) fn event(decided: &Decided) -> Event {
    let ruling = &decided.ruling;
    let host = decided.host.as_ref().map(ToString::to_string);
    let (code, reason) = (ruling.code.name().to_owned(), ruling.reason.clone().into_owned());
    let (origin, grant) = (ruling.origin.as_ref().map(Into::into), ruling.hint.as_ref().map(grant));
    if decided.protocol == Protocol::Dns {
        return Dns { host, allowed: ruling.is_allowed(), code, reason, origin, grant }.into();
    }
    let request = decided.request.as_ref();
    let network = NetworkDecided {
        connection: decided.connection,
        front: front(decided.front).to_owned(),
        protocol: protocol(decided.protocol).to_owned(),
        host,
        port: decided.port,
        address: decided.address.map(|address| address.to_string()),
        method: request.map(|request| request.method.clone()),
        path: request.map(|request| request.path.clone()),
        code,
        reason,
        origin,
        grant,
    };
    if ruling.is_allowed() { NetworkAllowed(network).into() } else { NetworkDenied(network).into() }
}

fn grant(hint: &Hint) -> Grant {
    let option = hint.option();
    Grant { section: hint.section.clone().into_owned(), line: hint.line.clone(), option }
}

fn front(front: Front) -> &'static str {
    match front {
        Front::Explicit => "explicit",
        Front::Transparent => "transparent",
        Front::HostPort => "host-port",
        Front::Dns => "dns",
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Tls => "tls",
        Protocol::TlsOpened => "tls-opened",
        Protocol::Http => "http",
        Protocol::Connect => "connect",
        Protocol::Socks5 => "socks5",
        Protocol::Dns => "dns",
    }
}
