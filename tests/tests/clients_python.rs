//! Python's libraries for HTTP, gRPC and WebSockets, and other languages' own, reach the hosts that a policy names, with
//! TLS passed through and opened, and are refused elsewhere at once.
#![cfg(target_os = "linux")]

use garth_tests::{GRPC, Internet, OPENED, PASSED, Place, SERVER, WEBSOCKET, has, unavailable};

/// Both ways of a connection.
const BOTH: [&str; 2] = [PASSED, OPENED];

/// Whether the system's Python has a library. Where it has not, says so; in CI that fails the test.
fn has_library(name: &str, package: &str) -> bool {
    let import = format!("import {name}");
    let found = std::process::Command::new("/usr/bin/python3").args(["-c", &import]).output();
    let is_there = found.is_ok_and(|found| found.status.success());
    if !is_there {
        unavailable(name, &format!("apt-get install {package}"));
    }
    is_there
}

fn client(place: &Place<'_>, program: &str, wanted: &str) {
    place.client(&BOTH, &format!("/usr/bin/python3 - <<'END'\n{program}\nEND"), wanted);
}

#[test]
fn requests() {
    if !has_library("requests", "python3-requests") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.clients(|place| {
        let program = "import requests\nprint(requests.post('https://{host}/requests', data='12345').text)";
        client(place, program, "hello from {host} at /requests with 5");
    });
}

#[test]
fn urllib() {
    let Some(internet) = Internet::new() else { return };
    internet.clients(|place| {
        let program =
            "from urllib.request import urlopen\nprint(urlopen('https://{host}/urllib').read().decode())";
        client(place, program, "hello from {host} at /urllib with 0");
    });
}

#[test]
fn aiohttp() {
    if !has_library("aiohttp", "python3-aiohttp") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.clients(|place| {
        let program = "import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session, session.get('https://{host}/aiohttp') as answer:
        print(await answer.text())
asyncio.run(main())";
        client(place, program, "hello from {host} at /aiohttp with 0");
    });
}

#[test]
fn websocket() {
    if !has_library("websockets", "python3-websockets") || !has_library("aiohttp", "python3-aiohttp") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    internet.start(8765, &["/usr/bin/python3", "-c", WEBSOCKET, "8765", SERVER]);
    internet.clients(|place| {
        let program = "import asyncio, websockets
async def main():
    async with websockets.connect('wss://{host}:8765/talk') as socket:
        for word in ('one', 'two'):
            await socket.send(word)
            print(await socket.recv())
asyncio.run(main())";
        client(place, program, "heard one\nheard two");
        let program = "import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session, session.ws_connect('wss://{host}:8765/talk') as socket:
        await socket.send_str('three')
        print(await socket.receive_str())
asyncio.run(main())";
        client(place, program, "heard three");
    });
}

#[test]
fn grpc_once_and_streaming() {
    if !has_library("grpc", "python3-grpcio") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    internet.start(50051, &["/usr/bin/python3", "-c", GRPC, "50051", SERVER]);
    internet.clients(|place| {
        let program = "import grpc
with grpc.secure_channel('{host}:50051', grpc.ssl_channel_credentials()) as channel:
    print(channel.unary_unary('/garth.Echo/Once')(b'call', timeout=10).decode())
    for answer in channel.unary_stream('/garth.Echo/Often')(b'call', timeout=10):
        print(answer.decode())";
        client(place, program, "once call\none call\ntwo call\nthree call");
    });
}

#[test]
fn ruby() {
    if !has("ruby", "ruby") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.clients(|place| {
        let script = "ruby -rnet/http -e 'print Net::HTTP.get(URI(\"https://{host}/ruby\"))'";
        place.client(&BOTH, script, "hello from {host} at /ruby with 0");
    });
}

#[test]
fn php() {
    if !has("php", "php-cli") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.clients(|place| {
        let script =
            "php -r '$t = @file_get_contents(\"https://{host}/php\"); if ($t === false) exit(1); echo $t;'";
        place.client(&BOTH, script, "hello from {host} at /php with 0");
    });
}
