//! Servers and clients inside find each other; a server outside is not reached by a socket in the workspace.
#![cfg(target_os = "linux")]

use garth_tests::{everyone, has};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

const PYTHON: &str = "import os, socket, threading
def serve(s):
    while True:
        c, _ = s.accept()
        c.sendall(c.recv(9)); c.close()
def ask(family, name):
    c = socket.socket(family); c.connect(name); c.sendall(b'ok'); print(c.recv(9).decode()); c.close()
for family, name in [(socket.AF_UNIX, 'here.sock'), (socket.AF_UNIX, '/tmp/there.sock'), (socket.AF_UNIX, '\\0name'),
                     (socket.AF_UNIX, os.path.expanduser('~/home.sock')), (socket.AF_INET, ('127.0.0.1', 7777))]:
    s = socket.socket(family); s.bind(name); s.listen()
    threading.Thread(target=serve, args=(s,), daemon=True).start()
    ask(family, name)
    t = threading.Thread(target=ask, args=(family, name)); t.start(); t.join()
os.rename('here.sock', 'moved.sock'); os.symlink('moved.sock', 'link.sock'); os.link('moved.sock', 'other.sock')
for name in ['moved.sock', './link.sock', os.getcwd() + '/other.sock']: ask(socket.AF_UNIX, name)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0))
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); v.connect(u.getsockname()); v.send(b'ok'); print(u.recv(9).decode())
for name in ['moved.sock', 'link.sock', 'other.sock']: os.unlink(name)";

#[test]
fn servers_inside_are_found_by_every_name() {
    everyone(|garden| {
        let run = garden.inside(&["python3", "-c", PYTHON]).ok();
        assert_eq!(run.text(), ["ok"; 14].join("\n"), "{run}");
        assert_eq!(run.errors(), "", "{run}");
    });
}

const NODE: &str = "const net = require('net'), cp = require('child_process');
if (process.argv[2] === 'child') { process.on('message', m => { process.send(m + 1); process.disconnect(); }); return; }
const server = net.createServer(c => c.end('served')).listen('node.sock', () => {
  net.connect('node.sock').on('data', d => {
    console.log(String(d));
    server.close();
    const child = cp.fork(__filename, ['child']);
    child.on('message', m => console.log('ipc', m));
    child.send(41);
  });
});";

#[test]
fn node_servers_and_children() {
    if !has("node", "nodejs") {
        return;
    }
    everyone(|garden| {
        garden.write("main.js", NODE);
        assert_eq!(garden.inside(&["node", "main.js"]).ok().text(), "served\nipc 42");
    });
}

#[test]
fn the_credential_cache_of_git() {
    everyone(|garden| {
        let run = garden.script(
            "ask() { printf 'protocol=https\\nhost=h\\n'; }
             (ask; printf 'username=u\\npassword=p\\n') | git credential-cache store
             ask | git credential-cache get; git credential-cache exit",
        );
        assert!(run.code(0).text().contains("password=p"));
    });
}

#[test]
fn a_server_outside_is_not_reached() {
    everyone(|garden| {
        let path = garden.work.join("host.sock");
        let server = UnixListener::bind(&path).expect("a socket");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).expect("permissions");
        garden.own(&path);
        server.set_nonblocking(true).expect("a socket");
        let script = "import socket; socket.socket(socket.AF_UNIX).connect('host.sock')";
        let run = garden.inside(&["python3", "-c", script]).code(1);
        assert!(run.errors().contains("Permission denied"), "{run}");
        assert!(run.errors().contains("not started in this garden"), "{run}");
        assert!(server.accept().is_err(), "nobody came");
        let run = garden.outside(&["python3", "-c", script]);
        assert!(run.status.success() && server.accept().is_ok(), "outside it works: {run}");
        std::fs::remove_file(path).expect("the socket");
    });
}
