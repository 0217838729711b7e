//! The kernel's redirect: in a network namespace of its own, a rule sends every connection to the broker, which learns
//! from the kernel where each was going.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "a test that cannot build its input has failed"
)]

mod support;

use garth_egress::core::{Code, Front as Kind};
use garth_egress::io::{Broker, Front};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::process::Command;
use support::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MARK: &str = "GARTH_TEST_IN_NAMESPACE";

/// Every connection that is not one to loopback goes to the broker.
const RULES: &str = "
table inet garth {
  chain out {
    type nat hook output priority -100;
    ip daddr 127.0.0.0/8 return
    ip6 daddr ::1 return
    meta l4proto tcp redirect to :15001
  }
}
";

fn made(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}

/// Runs the test below in namespaces, where that is possible.
#[test]
fn redirected_connections_reach_what_they_asked_for() {
    if !made("unshare", &["--user", "--map-root-user", "--net", "nft", "list", "ruleset"]) {
        eprintln!("skipped: no namespaces, or no nft");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net"]).arg(program);
    command.args(["--exact", "inside", "--ignored", "--nocapture"]).env(MARK, "1");
    let output = command.output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
#[ignore = "runs in a network namespace, from the test above"]
async fn inside() {
    assert!(std::env::var_os(MARK).is_some(), "not in the namespace");
    tokio::time::timeout(std::time::Duration::from_secs(20), in_namespace()).await.expect("an end");
}

async fn in_namespace() {
    assert!(made("ip", &["link", "set", "lo", "up"]));
    let routes =
        [("-4", "0.0.0.0/1", "127.0.0.1"), ("-4", "128.0.0.0/1", "127.0.0.1"), ("-6", "2000::/3", "::1")];
    for (family, block, from) in routes {
        assert!(made("ip", &[family, "route", "add", block, "dev", "lo", "src", from]), "{block}");
    }
    let rules = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(rules.path(), RULES).unwrap();
    assert!(made("nft", &["-f", rules.path().to_str().unwrap()]));
    let events = Events::default();
    let tcp = vec![TcpListener::bind("127.0.0.1:15001").unwrap(), TcpListener::bind("[::1]:15001").unwrap()];
    let udp = UdpSocket::bind("127.0.0.1:15053").unwrap();
    let dns = TcpListener::bind("127.0.0.1:15053").unwrap();
    let front = Front::Transparent { tcp, dns_udp: vec![udp], dns_tcp: vec![dns], ipv6: true };
    let broker = Broker::start(Setup::new(&["allowed.example"]).config(&events), vec![front]).unwrap();
    let port = echo_server().await;
    ask("allowed.example").await;
    let addresses: [IpAddr; 2] = ["198.18.0.1".parse().unwrap(), "2001:2::1".parse().unwrap()];
    for address in addresses {
        let mut stream = TcpStream::connect((address, port)).await.unwrap();
        stream.write_all(b"\x00ping").await.unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"\x00ping", "{address}");
        // What the kernel said: the name of the address, and the port.
        let last = events.decided().pop().unwrap();
        assert_eq!((last.front, last.port), (Kind::Transparent, port));
        assert_eq!(last.host.unwrap().text(), "allowed.example");
    }
    for (address, code) in [
        ("8.8.8.8", Code::NotNamed),
        ("169.254.169.254", Code::SpecialAddress),
        ("2606:4700::1", Code::NotNamed),
    ] {
        let address: IpAddr = address.parse().unwrap();
        let ended = match TcpStream::connect((address, 443)).await {
            Ok(mut stream) => stream.read_u8().await.is_err(),
            Err(_) => true,
        };
        assert!(ended, "{address}");
        let decided = events.code(code).await;
        assert_eq!(decided.port, 443);
    }
    let seen = events.decided();
    assert!(
        seen.iter().any(|decided| decided.host.as_ref().is_some_and(|host| host.text() == "169.254.169.254"))
    );
    drop(broker);
}

/// One question to the name server inside.
async fn ask(name: &str) {
    let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&message, "127.0.0.1:15053").await.unwrap();
    let mut answer = [0; 512];
    socket.recv_from(&mut answer).await.unwrap();
}
