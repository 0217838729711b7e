//! More clients than places: those that have not said what they want make room, those that work do not. Nothing here waits
//! for a time to pass; a client that is not served fails the test by not being answered.

use crate::support::*;
use garth_egress::core::{CROWDED, Code, Event, Fault, Upstream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Places of each broker here.
const PLACES: usize = 4;

/// Longer than any test: nobody is ended because a time has passed.
const NEVER: Duration = Duration::from_secs(3600);

fn setup() -> Setup {
    let mut setup = Setup::new(&["allowed.example", "api.example"]);
    setup.limits.connections = PLACES;
    setup.limits.head = NEVER;
    setup
}

/// Something comes back on a connection that passes bytes.
async fn echoes(stream: &mut TcpStream) {
    stream.write_all(b"\x00hello").await.unwrap();
    let mut back = [0; 6];
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut back));
    read.await.expect("an answer").expect("a connection that is not ended");
    assert_eq!(&back, b"\x00hello");
}

/// A client that knows what it wants gets it.
async fn served(running: &Running, port: u16) -> TcpStream {
    let place = format!("allowed.example:{port}");
    let asked = tokio::time::timeout(Duration::from_secs(60), running.tunnel(&place));
    let mut stream = asked.await.expect("a place");
    echoes(&mut stream).await;
    stream
}

/// What was told of clients that were ended for others.
fn crowded(running: &Running) -> Vec<Fault> {
    let is = |event| match event {
        Event::Fault(fault) if fault.operation == CROWDED => Some(fault),
        _ => None,
    };
    running.events.all().into_iter().filter_map(is).collect()
}

/// True if the broker ended the connection.
async fn is_ended(stream: &mut TcpStream) -> bool {
    let ended = async {
        let mut piece = [0; 1024];
        while let Ok(1..) = stream.read(&mut piece).await {}
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.is_ok()
}

#[tokio::test]
async fn clients_that_have_not_said_what_they_want_make_room() {
    let port = echo_server().await;
    for words in [
        &b""[..],
        b"G",
        b"GET http://allowed.example/ HTTP/1.1\r\nX: ",
        b"CONNECT allowed.example:80 HTTP/1.1\r\n",
        b"\x05\x02\x00",
        b"\x05\x01\x00\x05\x01\x00\x03\x0fallowed",
    ] {
        let running = setup().start();
        let mut held = Vec::new();
        for _ in 0..3 * PLACES {
            let mut stream = running.dial().await;
            stream.write_all(words).await.unwrap();
            held.push(stream);
        }
        drop(served(&running, port).await);
        assert!(is_ended(&mut held[0]).await, "{words:?}");
        let told = crowded(&running);
        // The first of them and the tenth, if there were ten; not each.
        assert!((1..=2).contains(&told.len()) && told[0].cause.contains("1 so far"), "{words:?}: {told:#?}");
        assert!(running.events.decided().iter().all(|event| event.ruling.code != Code::Limit));
    }
}

#[tokio::test]
async fn tunnels_in_which_nothing_was_said_make_room_and_those_that_work_stay() {
    let port = echo_server().await;
    let ca = Ca::new();
    for words in [&b""[..], b"\x16\x03\x01\x01\x00\x01", b"GE"] {
        let mut setup = setup().rule("api.example", &["GET"], &["/**"]);
        setup.roots = vec![ca.root()];
        let running = setup.start();
        let mut working = Vec::new();
        for _ in 1..PLACES {
            working.push(served(&running, port).await);
        }
        for _ in 0..2 * PLACES {
            let mut stream = running.tunnel(&format!("allowed.example:{port}")).await;
            stream.write_all(words).await.unwrap();
            let mut more = running.dial().await;
            more.write_all(b"GET ").await.unwrap();
        }
        drop(served(&running, port).await);
        for stream in &mut working {
            echoes(stream).await;
        }
    }
}

#[tokio::test]
async fn a_client_waits_while_all_others_work_and_is_served_when_one_ends() {
    let port = echo_server().await;
    let running = Arc::new(setup().start());
    let mut working = Vec::new();
    for _ in 0..PLACES {
        working.push(served(&running, port).await);
    }
    let waiting = {
        let running = Arc::clone(&running);
        tokio::spawn(async move { drop(served(&running, port).await) })
    };
    for stream in &mut working {
        echoes(stream).await;
    }
    assert!(!waiting.is_finished() && crowded(&running).is_empty());
    drop(working.pop());
    waiting.await.unwrap();
    for stream in &mut working {
        echoes(stream).await;
    }
    assert_eq!(crowded(&running), []);
}

/// A server of HTTP that answers each request, and one for `/slow` when it is told.
async fn web(go: Arc<tokio::sync::Notify>) -> u16 {
    let (listener, port) = listen(SERVER).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let go = Arc::clone(&go);
            tokio::spawn(async move {
                loop {
                    let head = read_head(&mut stream).await;
                    if head.is_empty() {
                        return;
                    }
                    if head.contains("/slow") {
                        go.notified().await;
                    }
                    drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await);
                }
            });
        }
    });
    port
}

async fn request(stream: &mut TcpStream, port: u16, path: &str) {
    let place = format!("allowed.example:{port}");
    let words = format!("GET http://{place}{path} HTTP/1.1\r\nHost: {place}\r\n\r\n");
    stream.write_all(words.as_bytes()).await.unwrap();
}

async fn answered(stream: &mut TcpStream) {
    let head = tokio::time::timeout(Duration::from_secs(60), read_head(stream)).await.expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!((stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap()), (b'o', b'k'));
}

#[tokio::test]
async fn kept_connections_make_room_between_requests_and_not_within_one() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (port, echo) = (web(Arc::clone(&go)).await, echo_server().await);
    // Nothing after the answer, and a head that does not end.
    for words in ["", "GET http://allowed.example/ HTTP/1.1\r\nX: aaaaaaaa"] {
        let running = setup().start();
        let mut slow = running.dial().await;
        request(&mut slow, port, "/first").await;
        answered(&mut slow).await;
        request(&mut slow, port, "/slow").await;
        let is_slow = |event: &Event| {
            matches!(event, Event::Decided(event)
                if event.request.as_ref().is_some_and(|request| request.path == "/slow"))
        };
        running.events.wait("of the slow request", is_slow).await;
        let mut kept = Vec::new();
        for _ in 0..2 * PLACES {
            let mut stream = running.dial().await;
            request(&mut stream, port, "/").await;
            answered(&mut stream).await;
            stream.write_all(words.as_bytes()).await.unwrap();
            kept.push(stream);
        }
        drop(served(&running, echo).await);
        assert!(is_ended(&mut kept[0]).await);
        assert!(!crowded(&running).is_empty());
        go.notify_one();
        answered(&mut slow).await;
    }
}

#[tokio::test]
async fn clients_that_do_not_finish_tls_that_is_opened_make_room() {
    let ca = Ca::new();
    let port = super::trouble::tls_server(ca.acceptor(&["api.example"], &["http/1.1"])).await;
    let echo = echo_server().await;
    let mut setup = setup().rule("api.example", &["GET"], &["/**"]);
    setup.roots = vec![ca.root()];
    let running = setup.start();
    let root = running.root();
    let mut held = Vec::new();
    for _ in 0..2 * PLACES {
        let place = format!("api.example:{port}");
        let mut stream = running.tls(&place, "api.example", &root, &["http/1.1"]).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
        held.push(stream);
    }
    drop(served(&running, echo).await);
    assert!(!crowded(&running).is_empty());
}

#[tokio::test]
async fn connections_that_wait_for_an_answer_leave_places_for_others() {
    let port = echo_server().await;
    let (asked, asking) = std::sync::mpsc::channel();
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let answers = std::sync::Mutex::new(answers);
    let mut setup = setup();
    setup.limits.approval = NEVER;
    setup.approver = Some(Arc::new(move |_: &garth_egress::core::Question| {
        asked.send(()).unwrap();
        let _told = answers.lock().unwrap().recv();
        garth_egress::core::Answer::Deny
    }));
    let running = setup.start();
    let mut held = Vec::new();
    for number in 0..2 * PLACES {
        let mut stream = running.dial().await;
        let place = format!("n{number}.example:{port}");
        stream
            .write_all(format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        held.push(stream);
    }
    tokio::task::spawn_blocking(move || asking.recv_timeout(Duration::from_secs(60)).unwrap()).await.unwrap();
    drop(served(&running, port).await);
    let refused = running.events.code(Code::NotApproved).await;
    assert!(refused.ruling.reason.contains("too many others wait"), "{refused:#?}");
    drop(answer);
}

/// A proxy upstream that takes connections and says nothing; tells how many it holds.
async fn silent_proxy() -> (u16, Arc<AtomicUsize>) {
    let (listener, port) = listen(SERVER).await;
    let held = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&held);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let held = Arc::clone(&held);
            held.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut piece = [0; 1024];
                while let Ok(1..) = stream.read(&mut piece).await {}
                held.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (port, count)
}

async fn holds(held: &AtomicUsize, wanted: usize) {
    let reached = async {
        while held.load(Ordering::SeqCst) != wanted {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    reached.unwrap_or_else(|_| panic!("{} connections instead of {wanted}", held.load(Ordering::SeqCst)));
}

/// A broker whose connections to `api.example` wait for ever for the proxy; those to `allowed.example` need none.
async fn dialling() -> (Running, Arc<AtomicUsize>) {
    let (port, held) = silent_proxy().await;
    let mut setup = setup();
    setup.limits.connect = NEVER;
    setup.upstream = Upstream::from_environment(|name| match name {
        "ALL_PROXY" => Some(format!("http://{SERVER}:{port}")),
        "NO_PROXY" => Some("allowed.example".to_owned()),
        _ => None,
    })
    .unwrap();
    (setup.start(), held)
}

/// What asks for a host without an answer.
const ASKING: [&[u8]; 3] = [
    b"CONNECT api.example:80 HTTP/1.1\r\n\r\n",
    b"GET http://api.example/ HTTP/1.1\r\nHost: api.example\r\n\r\n",
    b"\x05\x01\x00\x05\x01\x00\x03\x0bapi.example\x00\x50",
];

#[tokio::test]
async fn connections_to_a_dead_server_make_room_and_those_that_work_stay() {
    let port = echo_server().await;
    for words in ASKING {
        let (running, held) = dialling().await;
        let mut works = served(&running, port).await;
        let mut dials = Vec::new();
        for number in 1..PLACES {
            let mut stream = running.dial().await;
            stream.write_all(words).await.unwrap();
            dials.push(stream);
            // One after another, so that it is known which is the oldest.
            holds(&held, number).await;
        }
        // It finds all places taken.
        let another = served(&running, port).await;
        holds(&held, PLACES - 2).await;
        echoes(&mut works).await;
        drop(another);
        assert!(is_ended(&mut dials[0]).await, "{words:?}");
        assert!(!crowded(&running).is_empty());
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_connection_to_its_server() {
    for words in [ASKING[0], ASKING[2]] {
        let (running, held) = dialling().await;
        let mut stream = running.dial().await;
        stream.write_all(words).await.unwrap();
        holds(&held, 1).await;
        drop(stream);
        holds(&held, 0).await;
        let told = running.events.code(Code::ConnectFailed).await;
        assert!(told.ruling.reason.contains("the client went away"), "{told:?}");
        // One that said more already and closed its side waits for the answer; one that is reset does not.
        let mut stream = running.dial().await;
        stream.write_all(words).await.unwrap();
        holds(&held, 1).await;
        stream.write_all(b"more").await.unwrap();
        stream.shutdown().await.unwrap();
        let other = running.tunnel(&format!("allowed.example:{}", echo_server().await)).await;
        assert_eq!(held.load(Ordering::SeqCst), 1);
        stream.set_zero_linger().unwrap();
        drop(stream);
        holds(&held, 0).await;
        drop(other);
    }
}

#[tokio::test]
async fn a_tunnel_of_which_one_side_has_ended_makes_room() {
    // Sends a word, ends its side or not, and never ends the connection.
    let (listener, ending) = listen(SERVER).await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"\x00hello").await.unwrap();
            stream.shutdown().await.unwrap();
            kept.push(stream);
        }
    });
    let (listener, listening) = listen(SERVER).await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"\x00hello").await.unwrap();
            kept.push(stream);
        }
    });
    let port = echo_server().await;
    for (server, client_ends) in [(ending, false), (listening, true)] {
        let mut setup = setup();
        setup.limits.half_closed = Duration::ZERO;
        let running = setup.start();
        let mut works = served(&running, port).await;
        let mut held = Vec::new();
        for _ in 0..2 * PLACES {
            let place = format!("allowed.example:{server}");
            let asked = running.tunnel(&place);
            let mut stream = tokio::time::timeout(Duration::from_secs(60), asked).await.expect("a place");
            stream.write_all(b"\x00").await.unwrap();
            stream.read_exact(&mut [0; 6]).await.unwrap();
            if client_ends {
                stream.shutdown().await.unwrap();
            }
            held.push(stream);
        }
        echoes(&mut works).await;
        assert!(!crowded(&running).is_empty());
    }
}
