//! The relay of a sandbox: garth itself in the place of the target, listening on the loopback inside, and its other end out
//! here, which connects each stream to the broker.
//!
//! What runs inside may take the relay over, since it is of the same container. It gains nothing: the relay has one pipe, and
//! of what comes out of that only frames are believed, and only targets that the broker named.

use super::canary::exemption;
use super::error::{Error, Result};
use super::launch::{Launched, launch};
use super::streams::Streams;
use crate::error::Context;
use crate::relay::{End, Route, serve};
use garth_plan::windows::launch::{Difference, LaunchSpec};
use garth_plan::windows::quote::for_c_runtime;
use garth_plan::windows::relay::ready::{self, Failed, Ready, Step};
use garth_plan::windows::relay::{Side, Target};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::windows::io::AsHandle;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

/// The name under which an executable acts as the relay inside.
pub const NAME: &str = "garth-runner";
/// Stands for an empty list.
const NOTHING: &str = "-";
/// How long the relay may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);
/// Without this variable there are no sockets (`WSAStartup`).
const NEEDED: &str = "SystemRoot";

/// What the outer end leads to.
#[derive(Debug)]
pub struct Outside {
    /// The broker's proxy.
    pub proxy: SocketAddr,
    /// The broker's server for names.
    pub names: SocketAddr,
    /// The broker's listener for each port of the host's loopback that the policy opens.
    pub host_ports: BTreeMap<u16, SocketAddr>,
    /// Listeners on the host for servers inside, with the port of each.
    pub published: Vec<(TcpListener, u16)>,
}

/// A relay that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens inside.
    pub ready: Ready,
    /// Differences that this build lets pass; always none but in builds for tests.
    pub relaxed: Vec<Difference>,
    launched: Option<Launched>,
    serving: Option<JoinHandle<io::Result<()>>>,
}

impl Relay {
    /// Starts it as `spec` orders a target. `program` is garth's own executable, at a place that can be read inside.
    ///
    /// # Errors
    /// When it cannot be started, or is not ready in time.
    pub fn start(spec: &LaunchSpec, program: &str, outside: Outside) -> Result<Self> {
        let (from_broker, to_relay) = io::pipe().on("make", "a pipe")?;
        let (from_relay, to_broker) = io::pipe().on("make", "a pipe")?;
        let null = File::options().write(true).open("NUL").on("open", "the null device")?;
        let streams = Streams::detached([from_broker.as_handle(), to_broker.as_handle(), null.as_handle()])?;
        drop((from_broker, to_broker));
        let ports = outside.host_ports.keys().copied().collect::<Vec<_>>();
        let inner = outside.published.iter().map(|(_, port)| *port).collect::<Vec<_>>();
        let words = [NAME, &list(&ports), &list(&inner)];
        let line = for_c_runtime(&words).map_err(|error| Error::value("the relay", error.to_string()))?;
        let environment = spec.environment.iter().filter(|(name, _)| name.eq_ignore_ascii_case(NEEDED));
        let environment = environment.cloned().collect();
        let order = LaunchSpec { environment, ..spec.for_own(program, line) };
        let mut launched = launch(&order, streams)?;
        let relaxed = core::mem::take(&mut launched.relaxed);
        let (told, hears) = channel();
        let mut input = from_relay;
        let serving = std::thread::Builder::new().name("relay".into()).spawn(move || {
            let line = first_line(&mut input);
            let is_ready = matches!(&line, Ok(line) if matches!(ready::read(line), Ok(Ok(_))));
            // Whoever waits may have given up.
            let _late = told.send(line);
            if is_ready { serve(outer_end(outside), input, to_relay) } else { Ok(()) }
        });
        let serving = Some(serving.on("start", "a thread")?);
        let line = hears.recv_timeout(PATIENCE).map_err(|_| not_ready("it does not answer"))?;
        let line = line.map_err(|error| not_ready(error.to_string()))?;
        let ready = ready::read(&line).map_err(|error| not_ready(error.to_string()))?;
        let ready = ready.map_err(|failed| refused(failed, spec))?;
        if ready.host_ports.keys().ne(&ports) {
            return Err(not_ready("it listens at other ports than it was told to"));
        }
        Ok(Self { ready, relaxed, launched: Some(launched), serving })
    }

    /// Ends it. Why it ended before, if it did in an unusual way.
    pub fn stop(mut self) -> Option<String> {
        self.end()
    }

    fn end(&mut self) -> Option<String> {
        // Its job, and with that the process, and with that the pipe.
        self.launched = None;
        match self.serving.take()?.join() {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("its thread broke".to_owned()),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _told = self.end();
    }
}

fn not_ready(why: impl Into<String>) -> Error {
    Error::value("the relay inside, by which allowed hosts are reached", why)
}

/// The relay says that it cannot listen. A port that is taken is one thing; a container that may use no port at all another.
fn refused(failed: Failed, spec: &LaunchSpec) -> Error {
    /// `WSAEACCES`
    const FORBIDDEN: i32 = 10_013;
    let none_at_all = failed.step == Step::Listen(0) || failed.code == FORBIDDEN;
    match exemption(spec).filter(|_| none_at_all && failed.step != Step::Understand) {
        Some(hint) => Error::InTheWay {
            what: "this Windows refuses the loopback within a container, so nothing was run".into(),
            why: format!("the relay inside, by which allowed hosts are reached, says that {failed}"),
            hint,
        },
        None => not_ready(failed.to_string()),
    }
}

fn list(ports: &[u16]) -> String {
    if ports.is_empty() {
        return NOTHING.to_owned();
    }
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Byte by byte, since frames follow.
fn first_line(input: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < ready::LONGEST {
        input.read_exact(&mut byte)?;
        if byte == *b"\n" {
            return String::from_utf8(line).map_err(io::Error::other);
        }
        line.extend(byte);
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn outer_end(outside: Outside) -> End {
    let Outside { proxy, names, host_ports, published } = outside;
    let route: Route = Arc::new(move |target| match target {
        Target::Proxy => Some(proxy),
        Target::Names => Some(names),
        Target::HostPort(port) => host_ports.get(&port).copied(),
        Target::Inside(_) => None,
    });
    let listeners = published.into_iter().map(|(listener, port)| (listener, Target::Inside(port))).collect();
    End { side: Side::Outside, listeners, route }
}

/// Acts as the relay inside, until the pipe ends. The exit code.
#[must_use]
pub fn inside() -> u8 {
    let words: Vec<String> = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok()).collect();
    let lists = match words.as_slice() {
        [ports, inner] => ports_of(ports).zip(ports_of(inner)),
        _ => None,
    };
    let made = match &lists {
        Some((ports, _)) => listen(ports),
        None => Err(Failed { step: Step::Understand, code: 0 }),
    };
    let (said, listeners) = match made {
        Ok((ready, listeners)) => (Ok(ready), listeners),
        Err(failed) => (Err(failed), Vec::new()),
    };
    let mut output = io::stdout();
    let line = format!("{}\n", ready::write(&said));
    if output.write_all(line.as_bytes()).and_then(|()| output.flush()).is_err() || said.is_err() {
        return 1;
    }
    let served = lists.map_or_else(Vec::new, |(_, inner)| inner);
    let route: Route = Arc::new(move |target| match target {
        Target::Inside(port) if served.contains(&port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        _ => None,
    });
    // Without a buffer: standard output would hold frames back until a line ends.
    let Ok(output) = io::stdout().as_handle().try_clone_to_owned() else { return 1 };
    let end = End { side: Side::Inside, listeners, route };
    u8::from(serve(end, io::stdin(), File::from(output)).is_err())
}

fn ports_of(word: &str) -> Option<Vec<u16>> {
    if word == NOTHING {
        return Some(Vec::new());
    }
    word.split(',').map(|port| port.parse().ok().filter(|port| *port > 0)).collect()
}

/// Addresses at which ports of the host appear inside, the first that is free. Windows gives a container no ports of its own,
/// so that 127.0.0.1 is the host's.
const STAND_INS: core::ops::RangeInclusive<u8> = 2..=20;

fn listen(ports: &[u16]) -> core::result::Result<(Ready, Vec<(TcpListener, Target)>), Failed> {
    let failed = |port: u16| {
        move |error: io::Error| Failed { step: Step::Listen(port), code: error.raw_os_error().unwrap_or(0) }
    };
    let any = || -> io::Result<(u16, TcpListener)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok((listener.local_addr()?.port(), listener))
    };
    let (proxy, at_proxy) = any().map_err(failed(0))?;
    let (names, at_names) = any().map_err(failed(0))?;
    let mut listeners = vec![(at_proxy, Target::Proxy), (at_names, Target::Names)];
    let mut host_ports = BTreeMap::new();
    for port in ports {
        let mut last = io::Error::from_raw_os_error(0);
        let found = STAND_INS.map(|byte| Ipv4Addr::new(127, 0, 0, byte)).find_map(|address| {
            let bound = TcpListener::bind((address, *port));
            bound.map_err(|error| last = error).ok().map(|listener| (address, listener))
        });
        let (address, listener) = found.ok_or_else(|| failed(*port)(last))?;
        host_ports.insert(*port, address);
        listeners.push((listener, Target::HostPort(*port)));
    }
    Ok((Ready { proxy, names, host_ports }, listeners))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::launch::tests::{cmd, contained};

    #[test]
    fn lists_of_ports_are_read_as_they_are_written() {
        for ports in [vec![], vec![80], vec![1, 65_535, 3000]] {
            assert_eq!(ports_of(&list(&ports)), Some(ports));
        }
        for wrong in ["", "0", "80,", "x", "65536", "80, 81"] {
            assert_eq!(ports_of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_relay_that_may_not_listen_is_told_with_what_helps() {
        let container = contained("garth.test.relay");
        let package = garth_plan::windows::derive::package("garth.test.relay");
        for failed in [
            Failed { step: Step::Listen(0), code: 10_050 },
            Failed { step: Step::Listen(5432), code: 10_013 },
        ] {
            let error = refused(failed, &container);
            assert!(error.to_string().contains("refuses the loopback within a container"), "{error}");
            assert!(error.to_string().contains(&failed.code.to_string()), "{error}");
            assert!(error.remedy().unwrap().contains(&format!("--loopback {package};")), "{error}");
            assert!(!refused(failed, &cmd("ver")).to_string().contains("within a container"));
        }
        // Taken by other servers of the machine: no exemption helps.
        let taken = Failed { step: Step::Listen(5432), code: 10_048 };
        let confused = Failed { step: Step::Understand, code: 0 };
        for failed in [taken, confused] {
            assert!(!refused(failed, &container).to_string().contains("refuses the loopback"), "{failed}");
        }
    }

    #[test]
    fn a_port_of_the_host_appears_beside_it() {
        let host = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = host.local_addr().unwrap().port();
        let (ready, listeners) = listen(&[port]).unwrap();
        assert_ne!(ready.host_ports[&port], Ipv4Addr::LOCALHOST);
        assert_eq!(listeners.len(), 3);
        // A second relay finds another place.
        let (other, _listeners) = listen(&[port]).unwrap();
        assert_ne!(other.host_ports[&port], ready.host_ports[&port]);
    }

    #[test]
    fn only_a_short_line_is_read() {
        let mut input = &b"ready 1 2\nframes"[..];
        assert_eq!(first_line(&mut input).unwrap(), "ready 1 2");
        assert_eq!(input, b"frames");
        assert!(first_line(&mut &b"no end"[..]).is_err());
        assert!(first_line(&mut io::repeat(b'x')).is_err());
    }
}
