//! The first line that the relay inside says: where it listens, or why it cannot.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;
use std::collections::BTreeMap;

/// Longest line, in bytes: a policy with every port would still fit.
pub const LONGEST: usize = 4096;

/// Where the relay listens, all on the loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Port of the proxy at 127.0.0.1.
    pub proxy: u16,
    /// Port of the server for names at 127.0.0.1.
    pub names: u16,
    /// Ports of the host's loopback, and the address at which each appears.
    pub host_ports: BTreeMap<u16, Ipv4Addr>,
}

/// What the relay could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Understand what it was told.
    Understand,
    /// Listen at this port; 0 for any.
    Listen(u16),
}

/// Why the relay is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What it could not do.
    pub step: Step,
    /// The code of the system; 0 if there is none.
    pub code: i32,
}

impl fmt::Display for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Understand => out.write_str("it did not understand its order"),
            Step::Listen(0) => write!(out, "it cannot listen on the loopback (code {})", self.code),
            Step::Listen(port) => {
                write!(
                    out,
                    "it cannot listen at port {port} of any address of the loopback (code {})",
                    self.code
                )
            }
        }
    }
}

/// The line is none that a relay says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("what the relay said first is not understood")
    }
}

impl core::error::Error for Unreadable {}

/// The line, without its end.
#[must_use]
pub fn write(said: &Result<Ready, Failed>) -> String {
    match said {
        Ok(ready) => {
            let ports = ready.host_ports.iter().map(|(port, address)| format!(" {port}={address}"));
            format!("ready {} {}{}", ready.proxy, ready.names, ports.collect::<String>())
        }
        Err(Failed { step: Step::Understand, code }) => format!("failed understand 0 {code}"),
        Err(Failed { step: Step::Listen(port), code }) => format!("failed listen {port} {code}"),
    }
}

/// Reads a line. It comes from inside, so only what [`write()`] makes is understood.
///
/// # Errors
/// [`Unreadable`]
pub fn read(line: &str) -> Result<Result<Ready, Failed>, Unreadable> {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["ready", proxy, names, ports @ ..] => {
            let mut host_ports = BTreeMap::new();
            for word in ports {
                let (port, address) = word.split_once('=').ok_or(Unreadable)?;
                let address: Ipv4Addr = number(address)?;
                if !address.is_loopback() || host_ports.insert(port_of(port)?, address).is_some() {
                    return Err(Unreadable);
                }
            }
            Ok(Ok(Ready { proxy: port_of(proxy)?, names: port_of(names)?, host_ports }))
        }
        ["failed", "understand", "0", code] => {
            Ok(Err(Failed { step: Step::Understand, code: number(code)? }))
        }
        ["failed", "listen", port, code] => {
            Ok(Err(Failed { step: Step::Listen(number(port)?), code: number(code)? }))
        }
        _ => Err(Unreadable),
    }
}

fn port_of(word: &str) -> Result<u16, Unreadable> {
    number(word).and_then(|port: u16| if port == 0 { Err(Unreadable) } else { Ok(port) })
}

fn number<N: FromStr>(word: &str) -> Result<N, Unreadable> {
    word.parse().map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read() {
        let host_ports = BTreeMap::from([(5432, Ipv4Addr::new(127, 0, 0, 2)), (1, Ipv4Addr::LOCALHOST)]);
        for said in [
            Ok(Ready { proxy: 1024, names: 65_535, host_ports }),
            Ok(Ready { proxy: 9, names: 8, host_ports: BTreeMap::new() }),
            Err(Failed { step: Step::Understand, code: 0 }),
            Err(Failed { step: Step::Listen(80), code: 10_013 }),
        ] {
            assert_eq!(read(&write(&said)), Ok(said));
        }
    }

    #[test]
    fn nothing_else_is_understood() {
        for line in [
            "",
            "ready",
            "ready 1",
            "ready 0 1",
            "ready 1 99999",
            "ready 1 2 3",
            "ready 1 2 3=93.184.216.34",
            "ready 1 2 3=127.0.0.1 3=127.0.0.2",
            "ready 1 2 ",
            "failed listen x 1",
            "Ready 1 2",
        ] {
            assert_eq!(read(line), Err(Unreadable), "{line:?}");
        }
    }
}
