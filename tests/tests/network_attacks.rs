//! Attacks on the network that need servers and names outside: a name that changes its address, a host that fronts for
//! another, and a secret that comes back or is sent on.
#![cfg(target_os = "linux")]

use garth_tests::{CLIENT, HTTP2, Internet, SERVER, has};
use std::time::{Duration, Instant};

const POLICY: &str = "version = 1
[network]
mode = \"allow-list\"
domains = { \"allowed.test\" = \"allow\", \"api.test\" = \"allow\" }
[[network.rules]]
host = \"api.test\"
methods = [\"GET\"]
paths = [\"/v1/mine/**\"]
[network.secrets.API_TOKEN]
from = \"env:API_TOKEN\"
hosts = [\"api.test\"]
";

/// The real value of the secret.
const TOKEN: &str = "the-real-value-of-the-token";

/// A server for TLS that sends every request on to another host, and tells in the body which secret it was shown.
const REDIRECTS: &str = r"
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *words): pass
    def do_GET(self):
        body = ('shown ' + self.headers.get('Authorization', '-')).encode()
        self.send_response(302)
        self.send_header('Location', 'https://allowed.test/taken')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer((sys.argv[2], int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('server.pem', 'server.key')
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
";

/// The name resolves to the server at first, and then to places that no name may lead to.
#[test]
fn a_name_that_changes_its_address_reaches_nothing_new() {
    let Some(internet) = Internet::new() else { return };
    internet.everyone(POLICY, &[("API_TOKEN", TOKEN)], |place| {
        for address in ["127.0.0.1", CLIENT, "169.254.169.254", "10.1.2.3", "::1", "0.0.0.0"] {
            internet.name("allowed.test", SERVER);
            let _ = place.garden.prepare("rm -f asked changed");
            // The command waits until the name has changed; what it asked for before stands for the same name.
            let script = "curl -sS http://allowed.test/before; touch asked
                          while [ ! -e changed ]; do sleep 0.02; done; curl -sS http://allowed.test/after";
            let run = std::thread::scope(|scope| {
                let running = scope.spawn(|| place.run(script));
                let end = Instant::now() + Duration::from_secs(90);
                while !place.garden.has("asked") && Instant::now() < end {
                    std::thread::sleep(Duration::from_millis(10));
                }
                internet.name("allowed.test", address);
                place.garden.write("changed", "");
                running.join().expect("the run ends")
            });
            assert!(run.text().contains("hello from allowed.test at /before"), "{address}: {run}");
            assert!(!run.status.success() && !run.late, "{address}: {run}");
            assert!(run.errors().contains(&format!("the name resolves to {address}")), "{address}: {run}");
            assert!(!internet.requests().contains("/after"), "{address}: {run}");
        }
        internet.name("allowed.test", SERVER);
    });
}

/// The address that is asked for and the host that is meant differ within TLS; only TLS that is opened shows it.
#[test]
fn no_host_fronts_for_another_where_tls_is_opened() {
    if !has("curl", "curl") || !has("node", "nodejs") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    internet.start(8443, &["node", "-e", HTTP2, "8443", SERVER]);
    internet.everyone(POLICY, &[("API_TOKEN", TOKEN)], |place| {
        for (version, address) in [
            ("--http1.1", "https://api.test/v1/mine/x"),
            ("--http1.1", "https://api.test:8443/v1/mine/x"),
            ("--http2", "https://api.test:8443/v1/mine/x"),
        ] {
            let ask = format!("curl -sS {version} -w ' %{{http_code}}' {address}");
            assert!(place.run(&ask).ok().text().ends_with(" 200"), "{address}");
            for host in ["forbidden.test", "allowed.test", "api.test.forbidden.test", "169.254.169.254"] {
                let run = place.run(&format!("{ask} -H 'Host: {host}'"));
                assert!(!run.text().ends_with(" 200"), "{host} by {version}: {run}");
                assert!(!internet.requests().contains(&format!("{host} /v1/mine")), "{host} by {version}");
            }
        }
    });
}

/// A host of many tenants: what is another's is not asked for, and what is asked for shows no secret.
#[test]
fn a_secret_neither_comes_back_nor_goes_on() {
    if !has("curl", "curl") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    internet.start(9443, &["/usr/bin/python3", "-c", REDIRECTS, "9443", SERVER]);
    internet.everyone(POLICY, &[("API_TOKEN", TOKEN)], |place| {
        let header = "-H \"Authorization: Bearer $API_TOKEN\"";
        // Shown in a header, and in a body.
        let run = place.run(&format!("curl -sS -i {header} https://api.test/v1/mine/echo")).ok();
        assert!(run.text().contains("hello from api.test") && !run.text().contains(TOKEN), "{run}");
        let run = place.run(&format!("curl -sS {header} https://api.test:9443/v1/mine/echo")).ok();
        assert!(run.text().contains("shown Bearer *"), "{run}");
        assert!(internet.requests().contains(&format!("/v1/mine/echo Bearer {TOKEN}")), "the server saw it");
        // A client so careless that it takes the header along to another host.
        let run =
            place.run(&format!("curl -sS -L --location-trusted {header} https://api.test:9443/v1/mine/echo"));
        assert!(run.text().contains("hello from allowed.test at /taken"), "{run}");
        let requests = internet.requests();
        let taken = requests.lines().rfind(|line| line.contains("/taken")).expect("it came");
        assert!(taken.contains("Bearer garth-") && !taken.contains(TOKEN), "{taken}");
        // Another tenant's place, in every way of writing it.
        for path in
            ["/v1/theirs/x", "/v1/mine/../theirs/x", "/v1/mine/%2e%2e/theirs", "/v1//mine/x", "/v1/mine;/x"]
        {
            let run = place.run(&format!(
                "curl -sS --path-as-is -o /dev/null -w '%{{http_code}}' {header} 'https://api.test{path}'"
            ));
            assert_eq!(run.text(), "403", "{path}: {run}");
        }
        assert!(!internet.requests().contains("theirs"), "{}", internet.requests());
    });
}
