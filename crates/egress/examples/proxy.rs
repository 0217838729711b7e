//! The broker alone, as a proxy for programs that are told of one: `cargo run --release --example proxy -- HOST...`.
//!
//! Prints its address, tells every event on standard error with `--events`, and ends with its standard input. With
//! `--open HOST` TLS to this host is opened: `--authority FILE` gets the certificate to trust, `--root FILE` names one more
//! authority (DER) that servers may have theirs from. `--workers N` moves the bytes with N threads.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "an example"
)]

use garth_egress::core::Event;
use garth_egress::io::{Broker, Config, Front, Roots};
use garth_policy::{DomainRule, HostPattern, HttpRule, Layer, Network, NetworkMode, Origin};
use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;

fn main() {
    let origin = || Origin::unplaced(Layer::Flags, "the command line");
    let mut network = Network::none(NetworkMode::AllowList, origin());
    let (mut roots, mut authority, mut tells, mut workers) = (Vec::new(), None, false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        match word.as_str() {
            "--events" => tells = true,
            "--workers" => workers = Some(value().parse().unwrap()),
            "--authority" => authority = Some(value()),
            "--root" => roots.push(std::fs::read(value()).unwrap().into()),
            "--open" => {
                let host = HostPattern::parse(&value()).unwrap();
                let (methods, paths) = (Vec::new(), vec!["/**".to_owned()]);
                network.rules.push(HttpRule { host, methods, paths, upload: None, origin: origin() });
            }
            host => {
                let host = HostPattern::parse(host).unwrap();
                network.domains.push(DomainRule { host, allow: true, origin: origin() });
            }
        }
    }
    let sink = move |event: Event| {
        if tells {
            eprintln!("{}", serde_json::to_string(&event).unwrap_or_default());
        }
    };
    let mut config = Config::new(network, Arc::new(sink));
    config.roots = Roots::SystemAnd(roots);
    config.limits.workers = workers.unwrap_or(config.limits.workers);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let broker = Broker::start(config, vec![Front::Explicit { listener, credentials: None }]).unwrap();
    if let (Some(file), Some(pem)) = (authority, broker.authority()) {
        std::fs::write(file, pem).unwrap();
    }
    println!("{address}");
    let _end = std::io::stdin().read(&mut [0]);
}
