//! Figures, not checks: `cargo test --release -p garth-egress --test measure -- --ignored --nocapture --test-threads 1`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::allow_attributes,
    reason = "a measurement that cannot be made has failed"
)]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use support::*;

const STREAM: usize = 1024 * 1024 * 1024;

/// Swallows what it gets and says how much it was, or answers one byte with one byte.
fn server() -> u16 {
    let listener = TcpListener::bind((SERVER, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut piece = vec![0; 256 * 1024];
                loop {
                    match stream.read(&mut piece) {
                        Ok(1) => stream.write_all(&[1]).unwrap(),
                        Ok(0) | Err(_) => return,
                        Ok(_) => {}
                    }
                }
            });
        }
    });
    port
}

fn through(running: &Running, port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(running.proxy).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(format!("CONNECT allowed.example:{port} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    let mut head = [0; 39];
    stream.read_exact(&mut head).unwrap();
    assert!(head.ends_with(b"\r\n\r\n"));
    stream
}

fn direct(port: u16) -> TcpStream {
    let stream = TcpStream::connect((SERVER, port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn ping(stream: &mut TcpStream) {
    stream.write_all(&[0]).unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn bulk(mut stream: TcpStream) -> f64 {
    let piece = vec![0_u8; 256 * 1024];
    let began = Instant::now();
    for _ in 0..STREAM / piece.len() {
        stream.write_all(&piece).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let _ = stream.read(&mut [0]);
    STREAM as f64 / 1e6 / began.elapsed().as_secs_f64()
}

#[test]
#[ignore = "a measurement"]
fn figures() {
    let port = server();
    let mut starts: Vec<Duration> = (0..200)
        .map(|_| {
            let setup = Setup::new(&["allowed.example"]);
            let began = Instant::now();
            let running = setup.start();
            let took = began.elapsed();
            drop(running);
            took
        })
        .collect();
    println!(
        "start of a broker: p50 {:?}, p99 {:?}",
        percentile(&mut starts, 50),
        percentile(&mut starts, 99)
    );
    let running = Setup::new(&["allowed.example"]).start();
    for round in 0..3 {
        println!(
            "1 GiB, round {round}: direct {:.0} MB/s, passed through {:.0} MB/s",
            bulk(direct(port)),
            bulk(through(&running, port))
        );
    }
    let (mut near, mut far) = (direct(port), through(&running, port));
    for (name, stream) in [("direct", &mut near), ("passed through", &mut far)] {
        let mut times: Vec<Duration> = (0..20_000).map(|_| timed(|| ping(stream))).collect();
        println!(
            "one byte there and back, {name}: p50 {:?}, p99 {:?}",
            percentile(&mut times, 50),
            percentile(&mut times, 99)
        );
    }
    let mut fresh_near: Vec<Duration> = (0..3000).map(|_| timed(|| ping(&mut direct(port)))).collect();
    let mut fresh_far: Vec<Duration> =
        (0..3000).map(|_| timed(|| ping(&mut through(&running, port)))).collect();
    for (name, times) in [("direct", &mut fresh_near), ("passed through", &mut fresh_far)] {
        println!(
            "first byte on a new connection, {name}: p50 {:?}, p99 {:?}",
            percentile(times, 50),
            percentile(times, 99)
        );
    }
}

/// Needs `ulimit -n 18000`: four descriptors for each connection are in this one process.
#[test]
#[ignore = "a measurement"]
fn idle_connections() {
    const CONNECTIONS: usize = 4000;
    let listener = TcpListener::bind((SERVER, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let held: Vec<TcpStream> = listener.incoming().map_while(Result::ok).collect();
        drop(held);
    });
    let running = Setup::new(&["allowed.example"]).start();
    drop(through(&running, port));
    let before = resident();
    let held: Vec<TcpStream> = (0..CONNECTIONS).map(|_| through(&running, port)).collect();
    let after = resident();
    println!("{CONNECTIONS} idle connections: {} kB more, {} kB in all", after - before, after);
    drop(held);
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn timed(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}
