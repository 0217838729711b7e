//! `cargo xtask bench egress`: what the network of a sandbox costs, beside other proxies, in one run on loopback.
//!
//! Servers and clients are threads of this program, each proxy is a process. Every figure is taken once per round from each
//! in turn; the page shows medians.

mod client;
mod contender;
mod page;
mod server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use self::client::Way;
use self::contender::Proxy;
use super::numbers::{count, median, percentile};

/// Where `--write` puts the page.
const PAGE: &str = "docs/performance-egress.md";
/// Clients that do as much as they can.
const BUSY: usize = 8;
/// Clients of the figure for the first byte.
const CLIENTS: usize = 64;
/// Connections that each of them makes in a round.
const EACH: usize = 8;
/// Time between two of their connections, 500 or 50 a second: the latter is what mitmproxy can serve.
const BRISK: Duration = Duration::from_millis(2);
const CALM: Duration = Duration::from_millis(20);
/// Long streams in a round: each is short beside what else runs on a machine, and the median of many is not.
const STREAMS: usize = 3;
/// Connections that rest.
const IDLE: usize = 5_000;
/// Descriptors for these, in this process and in each proxy.
const DESCRIPTORS: u64 = 12_000;
/// The set that is told on the command line of the inner half.
const INNER: &str = "--measure";

/// What the caller asks for.
struct Options {
    rounds: usize,
    seconds: f64,
    bytes: u64,
    starts: usize,
    write: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self { rounds: 3, seconds: 2.0, bytes: 1 << 30, starts: 200, write: false };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{name} needs a value"));
            match name.as_str() {
                "--rounds" => options.rounds = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--megabytes" => options.bytes = value()?.parse::<u64>()? << 20,
                "--starts" => options.starts = value()?.parse()?,
                "--write" => options.write = true,
                _ => bail!(
                    "no option is called `{name}`\nhint: --rounds N, --seconds N, --megabytes N, --starts N, --write"
                ),
            }
        }
        if options.rounds == 0 || options.starts == 0 || options.seconds <= 0.0 {
            bail!("nothing would be measured\nhint: --rounds 3 --seconds 2 --starts 60");
        }
        Ok(options)
    }
}

/// One figure of one contender: what each round gave.
pub struct Figure {
    name: &'static str,
    /// Megabytes a second, requests a second, connections a second.
    stream: Vec<f64>,
    requests: Vec<f64>,
    connections: Vec<f64>,
    /// Milliseconds.
    first: Vec<f64>,
}

/// Everything that was measured.
pub struct Measured {
    passed: Vec<Figure>,
    opened: Vec<Figure>,
    /// KiB more with so many connections at rest.
    idle: Vec<(&'static str, u64)>,
    /// Milliseconds of a start without and with a network.
    starts: [Vec<f64>; 2],
    absent: Vec<&'static str>,
}

/// Builds what is optimised, and measures in it.
///
/// # Errors
/// When an option is unknown, something does not build or start, or a connection fails.
pub fn run(root: &Path, arguments: &[String], out: &mut dyn Write) -> Result<()> {
    if let Some((INNER, rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        let [garth, proxy, rest @ ..] = rest else { bail!("the inner half lacks its programs") };
        return inner(root, Path::new(garth), Path::new(proxy), &Options::parse(rest)?, out);
    }
    // Before anything is built.
    Options::parse(arguments)?;
    let build = |arguments: &[&str]| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built =
            Command::new(cargo).args(["build", "--release"]).args(arguments).current_dir(root).status();
        if built.context("cannot start cargo")?.success() {
            Ok(())
        } else {
            bail!("{arguments:?} does not build")
        }
    };
    let garth = super::build::release(root)?;
    build(&["--package", "garth-egress", "--example", "proxy"])?;
    build(&["--package", "xtask"])?;
    let directory = garth.parent().context("a directory of programs")?;
    let status = Command::new(directory.join("xtask"))
        .args(["bench", "egress", INNER])
        .args([garth.clone(), directory.join("examples/proxy")])
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { bail!("the measuring half failed: {status}") }
}

fn inner(root: &Path, garth: &Path, proxy: &Path, options: &Options, out: &mut dyn Write) -> Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if hard < DESCRIPTORS {
        bail!("{DESCRIPTORS} descriptors are wanted, and {hard} allowed\nhint: ulimit -Hn {DESCRIPTORS}");
    }
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(DESCRIPTORS), hard)?;
    let scratch = Scratch::new()?;
    let measured = measure(garth, proxy, &scratch.0, options, out)?;
    let text = page::page(root, options, &measured)?;
    if options.write {
        std::fs::write(root.join(PAGE), &text).with_context(|| format!("cannot write {PAGE}"))?;
    }
    Ok(out.write_all(text.as_bytes())?)
}

/// A directory that is gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("garth-bench-egress-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn measure(
    garth: &Path,
    proxy: &Path,
    directory: &Path,
    options: &Options,
    out: &mut dyn Write,
) -> Result<Measured> {
    let starts = starts(garth, directory, options.starts)?;
    let (plain, private) = (server::plain()?, server::private(directory)?);
    let mut absent = Vec::new();
    let mut there = |name: &'static str, proxy: Option<Proxy>| {
        if proxy.is_none() {
            absent.push(name);
        }
        proxy
    };
    let passing: Vec<Proxy> = [
        there("C floor", contender::floor(directory)?),
        Some(contender::garth(proxy, directory, false)?),
        there("squid", contender::squid(directory)?),
        there("mitmproxy", contender::mitmproxy(directory, false)?),
    ]
    .into_iter()
    .flatten()
    .collect();
    let way =
        |proxy: Option<&Proxy>| Way { proxy: proxy.map(|proxy| proxy.address), server: plain, tls: None };
    let mut ways = vec![("direct", way(None))];
    ways.extend(passing.iter().map(|proxy| (proxy.name, way(Some(proxy)))));
    let passed = figures(&ways, options, options.bytes, BRISK, out)?;
    let mut idle = Vec::new();
    // The floor takes six descriptors for a connection, and mitmproxy minutes to make so many.
    for proxy in passing.iter().filter(|proxy| ["garth", "squid"].contains(&proxy.name)) {
        let before = proxy.resident()?;
        let held = client::idle(&way(Some(proxy)), IDLE)?;
        idle.push((proxy.name, proxy.resident()?.saturating_sub(before)));
        drop(held);
    }
    drop(passing);
    let opening: Vec<Proxy> =
        [Some(contender::garth(proxy, directory, true)?), contender::mitmproxy(directory, true)?]
            .into_iter()
            .flatten()
            .collect();
    let trusting = |file: &Path| -> Result<Way> {
        let authority = CertificateDer::from_pem_file(file)?;
        Ok(Way { proxy: None, server: private, tls: Some(client::trust(vec![authority])?) })
    };
    let mut ways = vec![("direct", trusting(&directory.join("ca.pem"))?)];
    for proxy in &opening {
        let authority = proxy.authority.as_ref().context("an authority")?;
        ways.push((proxy.name, Way { proxy: Some(proxy.address), ..trusting(authority)? }));
    }
    // mitmproxy is slow enough to need no more.
    let opened = figures(&ways, options, options.bytes / 2, CALM, out)?;
    Ok(Measured { passed, opened, idle, starts, absent })
}

fn figures(
    ways: &[(&'static str, Way)],
    options: &Options,
    bytes: u64,
    gap: Duration,
    out: &mut dyn Write,
) -> Result<Vec<Figure>> {
    let fresh = |(name, _): &(&'static str, Way)| Figure {
        name,
        stream: Vec::new(),
        requests: Vec::new(),
        connections: Vec::new(),
        first: Vec::new(),
    };
    let mut figures: Vec<Figure> = ways.iter().map(fresh).collect();
    let time = Duration::from_secs_f64(options.seconds);
    for round in 0..options.rounds {
        for (figure, (name, way)) in figures.iter_mut().zip(ways) {
            let named = || format!("{name}, round {round}");
            for _ in 0..STREAMS {
                figure.stream.push(client::stream(way, bytes).with_context(named)?);
            }
            figure.requests.push(client::requests(way, BUSY, time).with_context(named)?);
            figure.connections.push(client::connections(way, BUSY, time).with_context(named)?);
            figure.first.extend(client::first_bytes(way, CLIENTS, EACH, gap).with_context(named)?);
            writeln!(
                out,
                "<!-- {}: {:.0} MB/s, {:.0} requests/s, {:.0} connections/s, first byte {:.2} / {:.2} ms -->",
                named(),
                figure.stream.last().unwrap_or(&0.0),
                figure.requests.last().unwrap_or(&0.0),
                figure.connections.last().unwrap_or(&0.0),
                median(&figure.first),
                percentile(&figure.first, 0.99)
            )?;
        }
    }
    Ok(figures)
}

/// `garth run -- true` in turn without a network and with an allow-list, in milliseconds.
fn starts(garth: &Path, directory: &Path, rounds: usize) -> Result<[Vec<f64>; 2]> {
    let (home, work) = (directory.join("home"), directory.join("work"));
    std::fs::create_dir_all(&home)?;
    std::fs::create_dir_all(&work)?;
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (took, options) in took.iter_mut().zip([&[][..], &["--allow", "example.com"]]) {
            let mut command = Command::new(garth);
            command.arg("run").args(options).args(["--", "true"]).current_dir(&work);
            command.env_clear().env("HOME", &home).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
            let began = Instant::now();
            let output = command.output()?;
            took.push(began.elapsed().as_secs_f64() * 1e3);
            if !output.status.success() {
                bail!("a sandbox does not start: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_they_ask_for_in_both_protocols() {
        let scratch = fresh();
        let (plain, private) = (server::plain().unwrap(), server::private(&scratch.0).unwrap());
        let authority = CertificateDer::from_pem_file(scratch.0.join("ca.pem")).unwrap();
        let tls = client::trust(vec![authority]).unwrap();
        for way in [
            Way { proxy: None, server: plain, tls: None },
            Way { proxy: None, server: private, tls: Some(tls) },
        ] {
            let mut session = way.connect().unwrap();
            for length in [0, 1, client::SMALL, 70_000, 3 << 20] {
                session.ask(length).unwrap();
            }
            assert!(client::stream(&way, 2 << 20).unwrap() > 0.0);
            assert!(client::requests(&way, 2, Duration::from_millis(20)).unwrap() > 0.0);
            assert_eq!(client::first_bytes(&way, 2, 3, Duration::from_millis(1)).unwrap().len(), 6);
        }
        // Whom nobody vouches for is no server.
        let stranger = Way { proxy: None, server: private, tls: Some(client::trust(Vec::new()).unwrap()) };
        assert!(stranger.connect().unwrap().ask(1).is_err());
    }

    fn fresh() -> Scratch {
        let path = std::env::temp_dir().join(format!("garth-bench-egress-test-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    #[test]
    fn mistakes_are_named() {
        let parse = |text: &str| {
            Options::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).map(|_| ())
        };
        assert!(parse("--rounds 2 --seconds 0.5 --megabytes 8 --starts 3 --write").is_ok());
        for (text, part) in [("--fast", "`--fast`"), ("--rounds", "a value"), ("--rounds 0", "hint:")] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
