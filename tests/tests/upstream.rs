//! The proxy between the machine and the internet that a policy names, in real sandboxes. It runs in the test itself.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use garth_tests::{Garden, Run, everyone, has};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// `me:the-word` in base64, as the proxy is shown it.
const LOGIN: &str = "Proxy-Authorization: Basic bWU6dGhlLXdvcmQ=";

/// A proxy on the loopback that answers each request itself; what it was asked comes out of the receiver.
fn proxy() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, asked) = channel();
    // It ends with the test's process; nobody else is told of its port.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(head) = answer(stream) else { continue };
            if tell.send(head).is_err() {
                return;
            }
        }
    });
    (port, asked)
}

fn answer(mut stream: TcpStream) -> std::io::Result<String> {
    let head = head(&mut stream)?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let request = self::head(&mut stream)?;
    let body = if request.starts_with("GET ") { "from the proxy\n" } else { "" };
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
    Ok(head)
}

/// Reads up to an empty line.
fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn run(garden: &Garden, network: &str, script: &str) -> Run {
    let policy = format!(
        "version = 1\n[network]\nmode = \"allow-list\"\ndomains = {{ \"a.example\" = \"allow\" }}\n{network}"
    );
    let file = garden.home.join("mine.toml");
    garden.write(&file, policy);
    let program = garden.program().to_str().unwrap();
    garden.outside(&[program, "run", "--policy", file.to_str().unwrap(), "--", "sh", "-c", script])
}

#[test]
fn allowed_names_go_through_the_proxy_of_the_policy() {
    if !has("curl", "curl") {
        return;
    }
    everyone(|garden| {
        let (port, asked) = proxy();
        // Where the sandbox reads everything else.
        let login = garden.work.join("login");
        garden.write(&login, "me:the-word\n");
        let file = login.to_str().unwrap();
        let through =
            format!("[network.proxy]\nurl = \"http://127.0.0.1:{port}\"\ncredentials = \"file:{file}\"\n");
        let script = format!("curl -sS http://a.example/x; cat {file} 2>/dev/null; true");
        let found = run(garden, &through, &script).code(0);
        assert_eq!(found.text(), "from the proxy", "{found}");
        let head = asked.recv().unwrap();
        // The name goes there as it is: nobody here can look it up.
        assert!(head.starts_with("CONNECT a.example:80 HTTP/1.1\r\n") && head.contains(LOGIN), "{head}");
        // What the policy does not allow does not get so far, and an exception does without the proxy.
        let denied = run(garden, &through, "curl -sS http://b.example/ || echo refused").code(0);
        assert!(denied.text().ends_with("refused"), "{denied}");
        let except = format!("{through}except = [\"example\"]\n");
        let direct = run(garden, &except, "curl -sS --max-time 20 http://a.example/ || echo refused").code(0);
        assert!(!direct.text().contains("from the proxy"), "{direct}");
        assert!(asked.try_recv().is_err(), "the proxy was asked");
    });
}

#[test]
fn without_its_login_nothing_is_started() {
    let garden = Garden::new(garth_tests::Identity::Current);
    let through = "[network.proxy]\nurl = \"http://127.0.0.1:9\"\ncredentials = \"env:NO_SUCH_LOGIN\"\n";
    let refused = run(&garden, through, "echo started").code(120);
    assert!(refused.text().is_empty(), "{refused}");
    let said = refused.errors();
    assert!(said.contains("mine.toml:6:7") && said.contains("NO_SUCH_LOGIN is not set"), "{refused}");
}

/// An untrusted project cannot lead the traffic elsewhere.
#[test]
fn an_untrusted_project_names_no_proxy() {
    if !has("curl", "curl") {
        return;
    }
    let garden = Garden::new(garth_tests::Identity::Current);
    let (port, asked) = proxy();
    let project = format!("version = 1\n[network.proxy]\nurl = \"http://127.0.0.1:{port}\"\n");
    garden.write(garden.work.join("garth.toml"), project);
    let through = "[network.proxy]\nurl = \"none\"\n";
    let found = run(&garden, through, "curl -sS --max-time 20 http://a.example/ || echo refused").code(0);
    assert!(!found.text().contains("from the proxy"), "{found}");
    assert!(asked.try_recv().is_err(), "the proxy was asked");
}
