//! `network.listen`: a server inside that the host reaches on its loopback, and nothing else of the garden.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Running, everyone, finish, start};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

/// Answers each connection with what it sent, on the port that is its argument.
const ECHO: &str = "
import socket, sys, threading
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(64)
open('ready', 'w').close()
def serve(c):
    while True:
        data = c.recv(65536)
        if not data:
            break
        c.sendall(data)
    c.close()
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
";

/// A port of the loopback that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}

fn policy(garden: &Garden, ports: &[u16]) -> String {
    garden.write("policy.toml", format!("version = 1\n[network]\nlisten = {ports:?}\n"));
    garden.work.join("policy.toml").display().to_string()
}

fn serving(garden: &Garden, published: &[u16], port: u16) -> Running {
    let policy = policy(garden, published);
    let mut command = garden.at("").command(garden.program().as_os_str());
    command.args(["run", "--policy", &policy, "--", "python3", "-c", ECHO, &port.to_string()]);
    let running = start(command, vec![]);
    let began = Instant::now();
    while !garden.has("ready") {
        assert!(began.elapsed() < LIMIT, "does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    running
}

fn echoed(port: u16, text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(text)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_published_server_is_reached_from_the_host() {
    everyone(|garden| {
        let (served, silent) = (free_port(), free_port());
        let running = serving(garden, &[served, silent], served);
        let long: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        assert_eq!(echoed(served, b"hello").expect("the server answers"), b"hello");
        assert!(echoed(served, &long).expect("the server answers") == long, "a long stream is passed whole");
        let many: Vec<_> =
            (0..40_u8).map(|n| std::thread::spawn(move || echoed(served, &[n; 1000]))).collect();
        for (one, n) in many.into_iter().zip(0..40_u8) {
            let answer = one.join().expect("no panic").expect("the server answers");
            assert_eq!(answer, [n; 1000]);
        }
        // Nobody listens there inside: the connection ends without a word.
        assert!(
            echoed(silent, b"hello").is_ok_and(|answer| answer.is_empty()) || echoed(silent, b"x").is_err()
        );
        running.kill(Signal::KILL);
        let _ = running.finish(LIMIT).signal(9);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, served)).is_err(), "it ends with the garden");
    });
}

#[test]
fn what_is_not_published_is_not_reached() {
    everyone(|garden| {
        let (published, private) = (free_port(), free_port());
        let running = serving(garden, &[published], private);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, private)).is_err());
        running.kill(Signal::KILL);
        let _ = running.finish(LIMIT).signal(9);
    });
}

#[test]
fn a_port_that_is_taken_is_refused_before_anything_runs() {
    everyone(|garden| {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("its address").port();
        let policy = policy(garden, &[port]);
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--policy", &policy, "--", "touch", "ran"]);
        let run = finish(command, vec![], LIMIT).code(121);
        assert!(run.errors().contains(&format!("port {port}")), "{run}");
        assert!(run.errors().contains("policy.toml:3:"), "{run}");
        assert!(!garden.has("ran"));
    });
}

/// The broker would connect to itself without end.
#[test]
fn a_port_that_leads_in_and_out_is_refused() {
    everyone(|garden| {
        garden.write("policy.toml", "version = 1\n[network]\nhost-ports = [7600]\nlisten = [7600]\n");
        let policy = garden.work.join("policy.toml").display().to_string();
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--policy", &policy, "--", "touch", "ran"]);
        let run = finish(command, vec![], LIMIT).code(121);
        assert!(run.errors().contains("policy.toml:3:"), "{run}");
        assert!(!garden.has("ran"));
    });
}

/// What the broker puts in is not for the target to read, wherever it lies.
#[test]
fn the_file_of_a_secret_is_hidden() {
    everyone(|garden| {
        garden.write("token", "a-real-value\n");
        let text = format!(
            "version = 1\n[network]\nmode = \"allow-list\"\ndomains = {{ \"example.com\" = \"allow\" }}\n\
             [network.secrets.TOKEN]\nfrom = \"file:{}/token\"\nhosts = [\"example.com\"]\n",
            garden.work.display()
        );
        garden.write("policy.toml", text);
        let policy = garden.work.join("policy.toml").display().to_string();
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args([
            "run",
            "--policy",
            &policy,
            "--",
            "sh",
            "-c",
            "cat token policy.toml; echo \"$TOKEN\"",
        ]);
        let run = finish(command, vec![], LIMIT).code(0);
        assert!(!run.text().contains("a-real-value"), "{run}");
        assert!(run.text().contains("[network.secrets.TOKEN]"), "{run}");
        assert!(run.text().contains("\ngarth-"), "the variable holds a placeholder: {run}");
    });
}
