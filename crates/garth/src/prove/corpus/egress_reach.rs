//! P9, P10, P18: more ways to other machines: odd blocks of addresses, names that look like allowed ones, and protocols
//! beside TCP.

use crate::prove::attack::{Attack, Expect, Garden, Step, against, attack, step};

/// A server that the policy opens.
const OPENED: Step = step("say", &["{web}", "GET / HTTP/1.1|Host: {web}||", "reached"]);

/// An allowed name resolves.
const RESOLVED: Step = step("ask", &["allowed.test", "1", "udp", HERE]);

const HERE: &str = "198.19.255.53:53";

/// A connection to an address, which the broker must refuse for this reason.
const fn direct(
    id: &'static str,
    title: &'static str,
    words: &'static [&'static str],
    ruling: &'static str,
) -> Attack {
    let made = attack(9, id, title, step("say", words), OPENED).within(Garden::Network).namespaces();
    made.expect(Expect::Ruled(ruling))
}

/// A question for a name, which must not be answered.
const fn name(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(10, id, title, step("ask", words), RESOLVED).within(Garden::Network).namespaces()
}

/// A socket of a protocol (family, kind, protocol) that the kernel must refuse.
const fn socket(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(18, id, title, step("family", words), OPENED).within(Garden::Network).namespaces()
}

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        10,
        "egress.budget.names",
        "write data into more names than the budget has, below an allowed domain",
        step("many-names", &["open.test", "100"]),
        step("many-names", &["open.test", "10"]),
    )
    .within(Garden::Budget)
    .namespaces(),
    // The server takes it from a program outside; the last, because nothing is left after it.
    against(
        11,
        "egress.budget.upload",
        "send an allowed host more than the budget has",
        step("say-much", &["{web}", "200000", "reached POST"]),
    )
    .within(Garden::Budget)
    .expect(Expect::Ruled("upload-budget 127.0.0.1:{web-port}"))
    .namespaces(),
    direct(
        "egress.address.metadata-oracle",
        "connect to another cloud's metadata service",
        &["192.0.0.192:80", "GET / HTTP/1.1||", "hidden"],
        "special-address 192.0.0.192:80",
    ),
    direct(
        "egress.address.metadata-wire",
        "connect to a cloud's wire server at a public address",
        &["168.63.129.16:80", "GET / HTTP/1.1||", "hidden"],
        "special-address 168.63.129.16:80",
    ),
    direct(
        "egress.address.private-mapped",
        "connect to a private network, written as IPv6",
        &["[::ffff:10.0.0.1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address 10.0.0.1:80",
    ),
    direct(
        "egress.address.private-compatible",
        "the same in the oldest form of IPv4 in IPv6",
        &["[::10.0.0.1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [::a00:1]:80",
    ),
    direct(
        "egress.address.private-local-translated",
        "the same behind a local translating network",
        &["[64:ff9b:1::a00:1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [64:ff9b:1::a00:1]:80",
    ),
    direct(
        "egress.address.tunnelled",
        "connect through a Teredo tunnel",
        &["[2001:0:a00:1::1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [2001:0:a00:1::1]:80",
    ),
    direct(
        "egress.address.discard",
        "connect to the block of addresses that discards",
        &["[100::1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [100::1]:80",
    ),
    attack(
        9,
        "egress.address.broker",
        "connect to the server for names at another port",
        step("say", &["198.19.255.53:80", "GET / HTTP/1.1||", "hidden"]),
        OPENED,
    )
    .within(Garden::Network)
    .namespaces()
    // Where connections are not redirected a listener for all addresses takes it, and the broker ends it.
    .expect(Expect::Exactly(&[104, 111])),
    name(
        "egress.names.suffix",
        "resolve a name that begins with an allowed one",
        &["allowed.test.attacker.test", "1", "udp", HERE],
    ),
    name(
        "egress.names.other-letters",
        "resolve a name that looks like an allowed one in other letters",
        &["xn--llowed-2nf.test", "1", "udp", HERE],
    ),
    name(
        "egress.names.loopback",
        "resolve a name below that of the host",
        &["app.localhost", "1", "udp", HERE],
    ),
    name(
        "egress.names.loopback-six",
        "resolve the host's name of IPv6",
        &["ip6-localhost", "28", "udp", HERE],
    ),
    name("egress.names.bare", "resolve a name without a domain", &["intranet", "1", "udp", HERE]),
    name(
        "egress.names.container-host",
        "resolve the name of the machine around a container",
        &["host.docker.internal", "1", "udp", HERE],
    ),
    name("egress.names.root", "ask for the name servers of the root", &["", "2", "udp", HERE]),
    name(
        "egress.names.alias",
        "ask where an allowed name leads (CNAME)",
        &["allowed.test", "5", "udp", HERE],
    ),
    name(
        "egress.names.start",
        "ask who keeps the zone of an allowed name",
        &["allowed.test", "6", "udp", HERE],
    ),
    name(
        "egress.names.service-record",
        "ask for services of an allowed name",
        &["allowed.test", "33", "udp", HERE],
    ),
    name("egress.names.key", "read data from a key record", &["allowed.test", "48", "udp", HERE]),
    name(
        "egress.names.service-binding",
        "learn keys for hidden names (SVCB)",
        &["allowed.test", "64", "udp", HERE],
    ),
    socket("egress.sctp", "open a socket of another transport (SCTP)", &["2", "1", "132"]),
    socket("egress.sctp-six", "the same by IPv6", &["10", "1", "132"]),
    socket("egress.sequenced", "open the same by its kind alone", &["2", "5", "0"]),
    socket("egress.congestion", "open a socket of congestion control by its kind alone", &["2", "6", "0"]),
    socket("egress.udp-lite", "open a socket of half-checked datagrams", &["2", "2", "136"]),
    socket("egress.dccp", "open a socket of datagrams with congestion control", &["2", "6", "33"]),
    socket("egress.raw-any", "open a socket that takes every protocol", &["2", "3", "255"]),
    socket("egress.transform", "open a socket to the kernel's tunnels (xfrm)", &["16", "3", "6"]),
    socket("egress.generic", "open a socket to drivers of the network", &["16", "3", "16"]),
    socket("egress.kernel-events", "open a socket of the kernel's events", &["16", "3", "15"]),
    socket("egress.ppp", "open a socket of a dial-up link", &["24", "1", "0"]),
    socket("egress.ipx", "open a socket of an old network (IPX)", &["4", "2", "0"]),
    socket("egress.radio", "open a socket of a low-power radio", &["36", "2", "0"]),
    socket("egress.near-field", "open a socket of near-field radio", &["39", "1", "0"]),
    socket("egress.modem", "open a socket to a modem's processors", &["42", "2", "0"]),
];
