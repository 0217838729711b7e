//! P9, P11: requests that a server could take for others than the broker does, and secrets that go astray.

use crate::prove::attack::{Attack, Garden, Step, attack, step};

/// A request that the rule for the port allows.
const PUBLIC: Step = step(
    "say",
    &["{limited}", "GET /public/a HTTP/1.1|Host: localhost:{limited-port}||", "reached GET /public/a"],
);

/// A request to a port without rules.
const OPENED: Step = step("say", &["{web}", "GET / HTTP/1.1|Host: {web}||", "reached GET /"]);

/// The secret where it belongs.
const AUTHORISED: Step = step(
    "say",
    &[
        "{trusted}",
        "GET / HTTP/1.1|Host: localhost:{trusted-port}|Authorization: Bearer $TOKEN||",
        "authorised",
    ],
);

/// Something that must not reach a server, said to one that may be spoken to.
const fn said(
    property: u8,
    id: &'static str,
    title: &'static str,
    words: &'static [&'static str],
    twin: Step,
) -> Attack {
    attack(property, id, title, step("say-on", words), twin).within(Garden::Network).namespaces()
}

pub(super) static ATTACKS: &[Attack] = &[
    said(
        9,
        "egress.http.host",
        "name another host in Host",
        &["{web}", "GET / HTTP/1.1|Host: attacker.test||", "reached"],
        OPENED,
    ),
    said(
        9,
        "egress.http.host-port",
        "name another port in Host",
        &["{web}", "GET / HTTP/1.1|Host: localhost:{hidden-port}||", "hidden"],
        OPENED,
    ),
    said(
        9,
        "egress.http.host-twice",
        "name two hosts",
        &["{web}", "GET / HTTP/1.1|Host: {web}|Host: attacker.test||", "reached"],
        OPENED,
    ),
    said(
        9,
        "egress.http.host-user",
        "hide the host behind a user name",
        &["{web}", "GET / HTTP/1.1|Host: localhost@attacker.test||", "reached"],
        OPENED,
    ),
    said(
        9,
        "egress.http.host-special",
        "name the metadata service in Host",
        &["{web}", "GET / HTTP/1.1|Host: 169.254.169.254||", "reached"],
        OPENED,
    ),
    said(
        9,
        "egress.http.absolute",
        "ask for another server by a whole address",
        &["{web}", "GET http://127.0.0.1:{hidden-port}/ HTTP/1.1|Host: 127.0.0.1:{hidden-port}||", "hidden"],
        OPENED,
    ),
    said(
        9,
        "egress.http.absolute-differs",
        "let address and Host differ",
        &["{web}", "GET http://attacker.test/ HTTP/1.1|Host: {web}||", "reached"],
        OPENED,
    ),
    said(
        9,
        "egress.http.connect",
        "ask for a tunnel to an unnamed port",
        &[
            "{web}",
            "CONNECT 127.0.0.1:{hidden-port} HTTP/1.1|Host: 127.0.0.1:{hidden-port}||GET / HTTP/1.1||",
            "hidden",
        ],
        OPENED,
    ),
    said(
        9,
        "egress.http.connect-named",
        "ask for a tunnel within an allowed connection",
        &["{web}", "CONNECT {web} HTTP/1.1|Host: {web}||", "reached"],
        OPENED,
    ),
    said(
        9,
        "egress.http.trace",
        "have the request read back",
        &["{web}", "TRACE / HTTP/1.1|Host: {web}||", "reached"],
        OPENED,
    ),
    said(
        9,
        "egress.http.upgrade",
        "leave the rules by an upgrade to HTTP/2",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Connection: Upgrade, HTTP2-Settings|Upgrade: h2c|HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.path",
        "ask for a path that no rule allows",
        &["{limited}", "GET /secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.method",
        "use a method that no rule allows",
        &["{limited}", "DELETE /public/a HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.path-up",
        "climb out of an allowed path",
        &["{limited}", "GET /public/../secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.path-encoded",
        "climb out by encoded dots",
        &["{limited}", "GET /public/%2e%2e/secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.path-slash",
        "climb out by an encoded slash",
        &["{limited}", "GET /public/..%2fsecret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.path-twice",
        "climb out by dots that are encoded twice",
        &["{limited}", "GET /public/%252e%252e/secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.path-backslash",
        "climb out by a backslash",
        &["{limited}", "GET /public/..\\secret HTTP/1.1|Host: localhost:{limited-port}||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.method-override",
        "change the method by a header",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|X-HTTP-Method-Override: DELETE||",
            "reached",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.path-override",
        "change the path by a header",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|X-Original-URL: /secret||",
            "reached",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.no-http",
        "speak no HTTP where rules speak of requests",
        &["{limited}", "EHLO||", "reached"],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.pipelined",
        "send a second request behind an allowed one",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.smuggle-length",
        "hide a request behind a length beside chunks",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Content-Length: 5|Transfer-Encoding: chunked||0||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.smuggle-lengths",
        "hide a request behind two lengths",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Content-Length: 0|Content-Length: 70||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.smuggle-chunked",
        "hide a request behind an unclear encoding",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Transfer-Encoding: xchunked||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.smuggle-space",
        "hide a request behind a blank before a colon",
        &[
            "{limited}",
            "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Content-Length : 70||GET /secret HTTP/1.1|Host: localhost:{limited-port}||",
            "GET /secret",
        ],
        PUBLIC,
    ),
    said(
        11,
        "egress.http.old-version",
        "ask by HTTP/1.0 without a host",
        &["{limited}", "GET /secret HTTP/1.0||", "reached"],
        PUBLIC,
    ),
    attack(
        9,
        "egress.http2.authority",
        "name another host in :authority",
        step("say-http2", &["{web}", "attacker.test", "/"]),
        step("say-http2", &["{web}", "{web}", "/"]),
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        9,
        "egress.http2.authority-port",
        "name another port in :authority",
        step("say-http2", &["{web}", "localhost:{hidden-port}", "/"]),
        step("say-http2", &["{web}", "localhost:{web-port}", "/"]),
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        9,
        "egress.http2.authority-user",
        "hide the host of :authority behind a user name",
        step("say-http2", &["{web}", "localhost@attacker.test", "/"]),
        step("say-http2", &["{web}", "{web}", "/a"]),
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        11,
        "egress.http2.path",
        "ask for a path by HTTP/2 that no rule allows",
        step("say-http2", &["{limited}", "localhost:{limited-port}", "/secret"]),
        step("say-http2", &["{limited}", "localhost:{limited-port}", "/public/a"]),
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        9,
        "egress.tls.name",
        "name another host in the hello of TLS",
        step("say-hello", &["{web}", "attacker.test", "whole"]),
        step("say-hello", &["{web}", "localhost", "whole"]),
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        9,
        "egress.tls.name-in-parts",
        "the same in two records",
        step("say-hello", &["{web}", "attacker.test", "parts"]),
        step("say-hello", &["{web}", "localhost", "parts"]),
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        9,
        "egress.tls.name-nul",
        "hide a NUL in the name of the hello",
        step("say-hello", &["{web}", "localhost%00.attacker.test", "whole"]),
        step("say-hello", &["{web}", "LOCALHOST", "whole"]),
    )
    .within(Garden::Network)
    .namespaces(),
    said(
        11,
        "egress.secret.elsewhere",
        "send the placeholder to another server",
        &["{web}", "GET / HTTP/1.1|Host: localhost:{web-port}|Authorization: Bearer $TOKEN||", "authorised"],
        AUTHORISED,
    ),
    said(
        11,
        "egress.secret.host-game",
        "the same, naming the server of the secret",
        &[
            "{web}",
            "GET / HTTP/1.1|Host: localhost:{trusted-port}|Authorization: Bearer $TOKEN||",
            "authorised",
        ],
        AUTHORISED,
    ),
    said(
        11,
        "egress.secret.target",
        "put the placeholder into the path",
        &["{trusted}", "GET /?$TOKEN HTTP/1.1|Host: localhost:{trusted-port}||", "authorised"],
        AUTHORISED,
    ),
    said(
        11,
        "egress.secret.echo",
        "have a header with the secret sent back",
        &[
            "{trusted}",
            "GET / HTTP/1.1|Host: localhost:{trusted-port}|Authorization: Bearer $TOKEN||",
            "X-Echo: Bearer real-value",
        ],
        AUTHORISED,
    ),
    said(
        11,
        "egress.secret.echo-lower",
        "the same, however the header is written",
        &[
            "{trusted}",
            "GET / HTTP/1.1|Host: localhost:{trusted-port}|Authorization: Bearer $TOKEN||",
            "x-echo: Bearer real-value",
        ],
        AUTHORISED,
    ),
    said(
        11,
        "egress.secret.body",
        "put the placeholder into the body",
        &[
            "{trusted}",
            "POST / HTTP/1.1|Host: localhost:{trusted-port}|Content-Length: 60||$TOKEN............................................................",
            "authorised",
        ],
        AUTHORISED,
    ),
    attack(
        11,
        "egress.secret.file",
        "read the file with the secret",
        step("read", &["{root}/policies/secret"]),
        AUTHORISED,
    )
    .within(Garden::Network)
    .namespaces(),
];
