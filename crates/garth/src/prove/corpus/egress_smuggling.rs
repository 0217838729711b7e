//! P9, P11: requests that two readers take for different ones, paths that leave what a rule allows of a host with many
//! tenants, tunnels to odd ports, and a secret that follows a redirect.

use crate::prove::attack::{Attack, Garden, Step, attack, step};

/// A request that the rule for the port allows.
const PUBLIC: Step = step(
    "say",
    &["{limited}", "GET /public/a HTTP/1.1|Host: localhost:{limited-port}||", "reached GET /public/a"],
);

/// The same by HTTP/2.
const PUBLIC_HTTP2: Step = step("say-http2", &["{limited}", "localhost:{limited-port}", "/public/a"]);

/// A request to a port without rules.
const OPENED: Step = step("say", &["{web}", "GET / HTTP/1.1|Host: {web}||", "reached GET /"]);

/// Words for the port with a rule, behind which another request must not arrive.
const fn hidden(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(11, id, title, step("say-on", words), PUBLIC).within(Garden::Network).namespaces()
}

/// A request for a path that is another tenant's.
const fn tenant(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    hidden(id, title, words)
}

/// A tunnel asked for within an allowed connection.
const fn tunnel(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(9, id, title, step("say-on", words), OPENED).within(Garden::Network).namespaces()
}

/// A request by HTTP/2 to the port with a rule.
const fn http2(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(9, id, title, step("say-http2", words), PUBLIC_HTTP2).within(Garden::Network).namespaces()
}

pub(super) static ATTACKS: &[Attack] = &[
    hidden(
        "egress.smuggle.encodings",
        "hide a request behind two encodings",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Transfer-Encoding: chunked|Transfer-Encoding: identity||0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.old-version",
        "hide a request behind chunks of HTTP/1.0",
        &[
            "{limited}",
            "GET /public/a HTTP/1.0|Host: localhost:{limited-port}|Transfer-Encoding: chunked||0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.sign",
        "hide a request behind a length with a sign",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Content-Length: +0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.list",
        "hide a request behind a list of lengths",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Content-Length: 0, 70||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.negative",
        "hide a request behind a negative length",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Content-Length: -1||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.fold",
        "hide an encoding in a folded line",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Transfer-Encoding:| chunked||0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.line-feed",
        "end a header by a line feed alone",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|X: a$LFContent-Length: 0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.return",
        "end a header by a carriage return alone",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|X: a$CRContent-Length: 70||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.nul",
        "hide a header behind a NUL",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|X: a$NUL|Content-Length: 0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.chunk-size",
        "overflow the size of a chunk",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Transfer-Encoding: chunked||fffffffffffffffff0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.chunk-prefix",
        "write the size of a chunk as a program would",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Transfer-Encoding: chunked||0x0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.chunk-line-feed",
        "hide a line in the extension of a chunk",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Transfer-Encoding: chunked||2;a=$LFxx|0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.trailer",
        "hide a length in what follows the chunks",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Transfer-Encoding: chunked||0|Content-Length: 70||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.expect",
        "hide a request behind a wait for leave",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Expect: 100-continue|Content-Length: 0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.two-targets",
        "name two targets in one line",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1 /secret HTTP/1.1|Host: localhost:{limited-port}||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
    ),
    hidden(
        "egress.smuggle.tab",
        "divide the line by tabs",
        &["{limited}", "GET\t/secret\tHTTP/1.1|Host: localhost:{limited-port}||", "GET /secret"],
    ),
    hidden(
        "egress.smuggle.no-version",
        "ask as before HTTP/1.0",
        &["{limited}", "GET /secret||", "GET /secret"],
    ),
    hidden(
        "egress.smuggle.next-version",
        "ask by a version that does not exist",
        &["{limited}", "GET /secret HTTP/9.9|Host: localhost:{limited-port}||", "GET /secret"],
    ),
    hidden(
        "egress.smuggle.empty-lines",
        "begin with empty lines",
        &["{limited}", "|||GET /secret HTTP/1.1|Host: localhost:{limited-port}||", "GET /secret"],
    ),
    tenant(
        "egress.tenant.parameter",
        "climb out by a parameter of a segment",
        &["{limited}", "GET /public/..;/secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.parameter-first",
        "hide the climb behind a parameter",
        &["{limited}", "GET /public;/../secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.double-slash",
        "climb out behind two slashes",
        &["{limited}", "GET //public/a/../../secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.case",
        "write the allowed path in capitals",
        &["{limited}", "GET /PUBLIC/a HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.encoded-root",
        "climb out with every slash encoded",
        &["{limited}", "GET /public%2f..%2fsecret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.nul",
        "hide the rest behind an encoded NUL",
        &["{limited}", "GET /public/a%00/../../secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.overlong",
        "climb out by dots in a longer encoding",
        &[
            "{limited}",
            "GET /public/%c0%ae%c0%ae/secret HTTP/1.1|Host: localhost:{limited-port}||",
            "reached",
        ],
    ),
    tenant(
        "egress.tenant.half-encoded",
        "climb out by a dot and an encoded dot",
        &["{limited}", "GET /public/.%2e/secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.query",
        "name the allowed path in the query",
        &["{limited}", "GET /secret?/public/a HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.fragment",
        "name the allowed path behind a number sign",
        &["{limited}", "GET /secret#/public/a HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.neighbour",
        "ask for a path that begins like the allowed one",
        &["{limited}", "GET /public-secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.all",
        "ask for what the whole server can",
        &["{limited}", "OPTIONS * HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.method-case",
        "write the allowed method small",
        &["{limited}", "get /public/a HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tenant(
        "egress.tenant.method-longer",
        "use a method that begins like the allowed one",
        &["{limited}", "GETX /public/a HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
    ),
    tunnel(
        "egress.connect.mail",
        "ask for a tunnel to the port for mail",
        &["{web}", "CONNECT localhost:25 HTTP/1.1|Host: localhost:25||", "HTTP/1.1 200"],
    ),
    tunnel(
        "egress.connect.shell",
        "ask for a tunnel to the port of ssh",
        &["{web}", "CONNECT localhost:22 HTTP/1.1|Host: localhost:22||", "HTTP/1.1 200"],
    ),
    tunnel(
        "egress.connect.zero",
        "ask for a tunnel to port 0",
        &["{web}", "CONNECT localhost:0 HTTP/1.1|Host: localhost:0||", "HTTP/1.1 200"],
    ),
    tunnel(
        "egress.connect.too-large",
        "ask for a tunnel to a port that wraps around",
        &["{web}", "CONNECT localhost:65616 HTTP/1.1|Host: localhost:65616||", "HTTP/1.1 200"],
    ),
    tunnel(
        "egress.connect.six",
        "ask for a tunnel by IPv6",
        &["{web}", "CONNECT [::1]:{hidden-port} HTTP/1.1|Host: [::1]:{hidden-port}||", "HTTP/1.1 200"],
    ),
    tunnel(
        "egress.connect.user",
        "ask for a tunnel with a user name",
        &[
            "{web}",
            "CONNECT localhost@127.0.0.1:{hidden-port} HTTP/1.1|Host: localhost@127.0.0.1:{hidden-port}||",
            "HTTP/1.1 200",
        ],
    ),
    tunnel(
        "egress.connect.metadata",
        "ask for a tunnel to the metadata service",
        &["{web}", "CONNECT 169.254.169.254:80 HTTP/1.1|Host: 169.254.169.254:80||", "HTTP/1.1 200"],
    ),
    http2(
        "egress.http2.host-differs",
        "let :authority and Host differ",
        &["{limited}", "localhost:{limited-port}", "/public/a", "host=attacker.test"],
    ),
    http2(
        "egress.http2.host-alone",
        "name another host in Host alone",
        &["{limited}", "", "/public/a", "host=attacker.test"],
    ),
    http2(
        "egress.http2.two-authorities",
        "name two hosts in :authority",
        &["{limited}", "localhost:{limited-port}", "/public/a", ":authority=attacker.test"],
    ),
    http2(
        "egress.http2.two-paths",
        "name two paths",
        &["{limited}", "localhost:{limited-port}", "/public/a", ":path=/secret"],
    ),
    http2(
        "egress.http2.whole-address",
        "put a whole address into :path",
        &["{limited}", "localhost:{limited-port}", "http://attacker.test/public/a"],
    ),
    http2(
        "egress.http2.path-encoded",
        "climb out of an allowed path by encoded dots",
        &["{limited}", "localhost:{limited-port}", "/public/%2e%2e/secret"],
    ),
    http2("egress.http2.path-empty", "leave the path empty", &["{limited}", "localhost:{limited-port}", ""]),
    http2(
        "egress.http2.encoding",
        "send a header of HTTP/1.1 along",
        &["{limited}", "localhost:{limited-port}", "/public/a", "transfer-encoding=chunked"],
    ),
    http2(
        "egress.http2.capitals",
        "write the name of a header in capitals",
        &["{limited}", "localhost:{limited-port}", "/public/a", "X-Header=a"],
    ),
    http2(
        "egress.http2.line",
        "hide a line in the value of a header",
        &["{limited}", "localhost:{limited-port}", "/public/a", "x=a$CR$LFhost: attacker.test"],
    ),
    attack(
        14,
        "egress.exhaust-header",
        "send a header without end",
        step("long-header", &["{web}", "65536"]),
        step("long-header", &["{web}", "4"]),
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        11,
        "egress.secret.redirect",
        "have the secret follow a redirect to another server",
        step(
            "follow",
            &["{trusted}", "localhost:{trusted-port}", "{web}", "localhost:{web-port}", "authorised"],
        ),
        step(
            "follow",
            &["{trusted}", "localhost:{trusted-port}", "{trusted}", "localhost:{trusted-port}", "authorised"],
        ),
    )
    .within(Garden::Network)
    .namespaces(),
];
