//! Clients in numbers: connections that never end their request, and connections that say nothing.
//!
//! The clients and the servers behind the broker are in a process of their own (this program, started again), so that
//! memory and descriptors of this one are the broker's.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "a flood that cannot be made has failed"
)]

mod support;

use garth_egress::core::{CROWDED, Event};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use support::*;

/// Tells a process of this program that it is to be the clients, and of which kind.
const PART: &str = "GARTH_TEST_FLOOD";

/// How many connections wait for nothing, and what they may cost.
const IDLE: usize = 5_000;
const IDLE_BYTES: usize = 100_000_000;

/// How many requests never end.
const ENDLESS: usize = 10_000;

/// Longer than any test: nobody is ended because a time has passed.
const NEVER: Duration = Duration::from_secs(3600);

/// One flood at a time: descriptors and memory are those of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Raises the soft limit on descriptors to the hard one; says so where that is not enough.
fn has_descriptors(wanted: u64) -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let is_enough = limit.maximum.is_none_or(|maximum| maximum >= wanted);
    if !is_enough {
        eprintln!("skipped: {wanted} descriptors are wanted (ulimit -Hn), and {:?} allowed", limit.maximum);
    }
    is_enough
}

/// The clients' process. It says `ready` when all its connections stand, and ends with its input.
struct Clients {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Clients {
    fn start(part: &str, proxy: SocketAddr) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "clients", "--nocapture", "--ignored"])
            .env(PART, format!("{part} {proxy}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    /// Waits for the line with this word, and returns what follows it.
    fn wait(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "the clients ended before `{word}`");
            if let Some(rest) = line.trim().strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// The part of the clients. It is no test: it does nothing unless it is told what to be.
#[test]
#[ignore = "started by the other tests"]
fn clients() {
    let Ok(order) = std::env::var(PART) else { return };
    let (part, proxy) = order.split_once(' ').unwrap();
    let proxy: SocketAddr = proxy.parse().unwrap();
    assert!(has_descriptors(2 * IDLE as u64 + 500));
    match part {
        "idle" => be_idle(proxy),
        _ => be_endless(proxy),
    }
}

fn be_idle(proxy: SocketAddr) {
    let listener = TcpListener::bind((SERVER, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Answers one byte each; the threads are few, because a client asks when the others are silent.
            SERVED.lock().unwrap().push(stream);
        }
    });
    let mut held: Vec<TcpStream> = (0..IDLE)
        .map(|_| {
            let mut stream = TcpStream::connect(proxy).unwrap();
            stream.write_all(format!("CONNECT allowed.example:{port} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
            let mut head = [0; 39];
            stream.read_exact(&mut head).unwrap();
            assert!(head.ends_with(b"\r\n\r\n"));
            stream
        })
        .collect();
    println!("ready");
    let _end = std::io::stdin().read(&mut [0]);
    // Each still works after its rest.
    let mut works = 0;
    for (number, stream) in held.iter_mut().enumerate().step_by(50) {
        stream.write_all(&[7]).unwrap();
        let byte = u8::try_from(number % 251).unwrap();
        let mut served = SERVED.lock().unwrap();
        let server = &mut served[number];
        let mut heard = [0];
        server.read_exact(&mut heard).unwrap();
        server.write_all(&[byte]).unwrap();
        stream.read_exact(&mut heard).unwrap();
        works += usize::from(heard[0] == byte);
    }
    println!("works {works}");
    let _end = std::io::stdin().read(&mut [0]);
}

/// What the server behind the broker has accepted, in order.
static SERVED: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());

/// Half a request on each connection, and then a letter on each from time to time.
fn be_endless(proxy: SocketAddr) {
    let mut held: Vec<TcpStream> = (0..ENDLESS)
        .map(|number| {
            // Who finds the queue of the kernel full waits for a second.
            if number % 50 == 0 {
                std::thread::sleep(Duration::from_millis(5));
            }
            let mut stream = TcpStream::connect(proxy).unwrap();
            stream.write_all(b"GET http://allowed.example/ HTTP/1.1\r\nX: ").unwrap();
            stream
        })
        .collect();
    println!("ready");
    loop {
        // One that the broker has ended is let go.
        held.retain_mut(|stream| stream.write_all(b"a").is_ok());
        println!("held {}", held.len());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn five_thousand_idle_connections_cost_less_than_a_hundred_megabytes() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !has_descriptors(2 * IDLE as u64 + 500) {
        return;
    }
    let running = Setup::new(&["allowed.example"]).start();
    let before = resident();
    let mut clients = Clients::start("idle", running.proxy);
    clients.wait("ready");
    let cost = resident().saturating_sub(before);
    println!("{IDLE} idle connections: {} kB, {} bytes each", cost / 1024, cost / IDLE);
    assert!(cost < IDLE_BYTES, "{cost} bytes");
    clients.process.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    assert_eq!(clients.wait("works"), (IDLE / 50).to_string());
}

#[test]
fn ten_thousand_endless_requests_make_room_and_others_are_served() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !has_descriptors(ENDLESS as u64 + 500) {
        return;
    }
    let mut setup = Setup::new(&["allowed.example"]);
    setup.limits.head = NEVER;
    setup.limits.connections = ENDLESS - 1000;
    let running = setup.start();
    let listener = TcpListener::bind((SERVER, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _seen = stream.read(&mut [0; 1024]);
            let _told =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
    });
    let before = resident();
    let mut clients = Clients::start("endless", running.proxy);
    let began = Instant::now();
    clients.wait("ready");
    println!("{ENDLESS} requests began in {:?}", began.elapsed());
    for _ in 0..3 {
        let began = Instant::now();
        let mut honest = TcpStream::connect(running.proxy).unwrap();
        honest.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let words =
            format!("GET http://allowed.example:{port}/ HTTP/1.1\r\nHost: allowed.example:{port}\r\n\r\n");
        honest.write_all(words.as_bytes()).unwrap();
        let mut answer = [0; 15];
        honest.read_exact(&mut answer).unwrap();
        println!(
            "served after {:?} beside {ENDLESS} others, {} kB more",
            began.elapsed(),
            resident().saturating_sub(before) / 1024
        );
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{:?}", String::from_utf8_lossy(&answer));
    }
    // Told at the first, the tenth, the hundredth, the thousandth; not ten thousand times.
    let told = running.events.all().into_iter().filter(|event| matches!(event, Event::Fault(_)));
    assert!((3..=5).contains(&told.count()), "{:#?}", running.events.all());
    // A client learns of its end at its second letter after it.
    let end = Instant::now() + Duration::from_secs(60);
    while clients.wait("held").parse::<usize>().unwrap() == ENDLESS {
        assert!(Instant::now() < end, "none was ended");
    }
}

/// Connections beyond the descriptors that the starved broker has.
const TOO_MANY: usize = 40;

/// A broker in a process with hardly a descriptor left. It says its port, and to each line how many failures it told.
#[test]
#[ignore = "started by the test below"]
fn starved() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Ok(server) = std::env::var(PART) else { return };
    let mut setup = Setup::new(&["allowed.example"]);
    setup.limits.head = NEVER;
    let running = setup.start();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(open + 10), maximum }).unwrap();
    println!("proxy {} {server}", running.proxy);
    let mut filled = Vec::new();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        match line.as_str() {
            "fill" => filled.extend(std::iter::from_fn(|| std::fs::File::open("/dev/null").ok())),
            "free" => filled.clear(),
            _ => {}
        }
        let faults = running.events.all().into_iter().filter_map(|event| match event {
            Event::Fault(fault) => Some(fault),
            _ => None,
        });
        let (crowded, others): (Vec<_>, Vec<_>) = faults.partition(|fault| fault.operation == CROWDED);
        assert!(others.iter().all(garth_egress::core::Fault::is_out_of_descriptors), "{others:?}");
        println!("faults {} {}", crowded.len().min(1), others.len());
    }
}

#[test]
fn a_broker_without_descriptors_makes_room_or_tells_it_once_and_recovers() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let listener = TcpListener::bind((SERVER, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "starved", "--nocapture", "--ignored"])
        .env(PART, port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(process.stdout.take().unwrap());
    let mut broker = Clients { process, said };
    let proxy: SocketAddr = broker.wait("proxy").split(' ').next().unwrap().parse().unwrap();
    let faults = |broker: &mut Clients, order: &str| {
        broker.process.stdin.as_mut().unwrap().write_all(format!("{order}\n").as_bytes()).unwrap();
        broker.wait("faults")
    };
    let ask = || {
        let mut stream = TcpStream::connect(proxy).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(format!("CONNECT allowed.example:{port} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(head, *b"HTTP/1.1 200");
        stream
    };
    drop(ask());
    assert_eq!(faults(&mut broker, "faults?"), "0 0");
    // Silent ones make room, for one that asks and for its connection to the server.
    let held: Vec<TcpStream> = (0..TOO_MANY).map(|_| TcpStream::connect(proxy).unwrap()).collect();
    drop(ask());
    assert_eq!(faults(&mut broker, "faults?"), "1 0");
    drop(held);
    // One that works does not.
    let mut working = ask();
    working.write_all(b"\x00hello").unwrap();
    let (mut served, _) = accepted(&listener).unwrap();
    served.read_exact(&mut [0; 6]).unwrap();
    let mut tries = 0..100;
    let held = loop {
        faults(&mut broker, "fill");
        let held: Vec<TcpStream> = (0..TOO_MANY).map(|_| TcpStream::connect(proxy).unwrap()).collect();
        // Long enough for a failure every 50 ms to show.
        std::thread::sleep(Duration::from_millis(600));
        if faults(&mut broker, "faults?") != "1 0" {
            break held;
        }
        // What was dropped before was not closed yet when all was taken, and made room.
        assert!(tries.next().is_some(), "there is always a descriptor left");
    };
    served.write_all(b"hello").unwrap();
    let mut back = [0; 39 - 12 + 5];
    working.read_exact(&mut back).unwrap();
    assert!(back.ends_with(b"hello"));
    assert_eq!(faults(&mut broker, "faults?"), "1 1");
    drop(held);
    faults(&mut broker, "free");
    drop(ask());
    assert_eq!(faults(&mut broker, "faults?"), "1 1");
}

/// The connection to the server on which something is said; others were ended before.
fn accepted(listener: &TcpListener) -> std::io::Result<(TcpStream, SocketAddr)> {
    loop {
        let (stream, client) = listener.accept()?;
        if stream.peek(&mut [0])? > 0 {
            return Ok((stream, client));
        }
    }
}
