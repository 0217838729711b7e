//! P9, P10, P12: what a network that leads to named hosts alone lets through besides.

use crate::prove::attack::{Attack, Expect, Garden, Step, against, attack, step, story};
use crate::prove::egress_live as live;
use crate::prove::egress_stories as tell;

/// A server that the policy opens, on the host's loopback.
const OPENED: Step = step("say", &["{web}", "GET / HTTP/1.1|Host: {web}||", "reached"]);

/// The same by its name, through an address that stands for it.
const NAMED: Step = step(
    "say-by-name",
    &["localhost", "{web-port}", "GET / HTTP/1.1|Host: localhost:{web-port}||", "reached"],
);

/// An allowed name resolves.
const RESOLVED: Step = step("ask", &["allowed.test", "1", "udp", "198.19.255.53:53"]);

const HERE: &str = "198.19.255.53:53";

/// A server of the host that no rule opens, in a spelling that the C library reads.
const fn spelled(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    against(9, id, title, step("say-spelled", words)).within(Garden::Network).namespaces()
}

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

/// The same in an odd form.
const fn odd(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(10, id, title, step("ask-odd", words), RESOLVED).within(Garden::Network).namespaces()
}

/// A socket or a change of the network that the kernel must refuse.
const fn kernel(property: u8, id: &'static str, title: &'static str, action: Step) -> Attack {
    attack(property, id, title, action, OPENED).within(Garden::Network).namespaces()
}

pub(super) static ATTACKS: &[Attack] = &[
    spelled(
        "egress.spelling.plain",
        "reach an unnamed port of the host by its usual address",
        &["127.0.0.1", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.decimal",
        "the same address as one number",
        &["2130706433", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.octal",
        "the same in octal",
        &["0177.0.0.1", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.octal-whole",
        "the same as one octal number",
        &["017700000001", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.hexadecimal",
        "the same in hexadecimal",
        &["0x7f000001", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.mixed",
        "the same, each part in another base",
        &["0x7f.0.00.1", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.short",
        "the same in short",
        &["127.1", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.unspecified",
        "the same by the address of no machine",
        &["0.0.0.0", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.mapped",
        "the same as an IPv4 address in IPv6",
        &["::ffff:127.0.0.1", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.mapped-hexadecimal",
        "the same in hexadecimal",
        &["::ffff:7f00:1", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.six",
        "the same port by IPv6",
        &["::1", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    spelled(
        "egress.spelling.name",
        "the same port by the name of the host",
        &["localhost", "{hidden-port}", "GET / HTTP/1.1||", "hidden"],
    ),
    against(
        9,
        "egress.own-address",
        "reach a server at an address of the host",
        step("say", &["{own}", "GET / HTTP/1.1||", "hidden"]),
    )
    .within(Garden::Network)
    .namespaces(),
    direct(
        "egress.address.metadata",
        "connect to the metadata service of a cloud",
        &["169.254.169.254:80", "GET / HTTP/1.1||", "hidden"],
        "special-address 169.254.169.254:80",
    ),
    direct(
        "egress.address.metadata-mapped",
        "the same, written as IPv6",
        &["[::ffff:169.254.169.254]:81", "GET / HTTP/1.1||", "hidden"],
        "special-address 169.254.169.254:81",
    ),
    direct(
        "egress.address.metadata-translated",
        "the same behind a translating network (NAT64)",
        &["[64:ff9b::a9fe:a9fe]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [64:ff9b::a9fe:a9fe]:80",
    ),
    direct(
        "egress.address.metadata-tunnelled",
        "the same by 6to4",
        &["[2002:a9fe:a9fe::1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [2002:a9fe:a9fe::1]:80",
    ),
    direct(
        "egress.address.metadata-six",
        "connect to the metadata service by IPv6",
        &["[fd00:ec2::254]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [fd00:ec2::254]:80",
    ),
    direct(
        "egress.address.metadata-shared",
        "connect to a metadata service at a shared address",
        &["100.100.100.200:80", "GET / HTTP/1.1||", "hidden"],
        "special-address 100.100.100.200:80",
    ),
    direct(
        "egress.address.loopback-translated",
        "connect to the host's loopback behind a translating network",
        &["[64:ff9b::7f00:1]:{hidden-port}", "GET / HTTP/1.1||", "hidden"],
        "own-address [64:ff9b::7f00:1]:{hidden-port}",
    ),
    direct(
        "egress.address.private-10",
        "connect to a private network",
        &["10.0.0.1:22", "GET / HTTP/1.1||", "hidden"],
        "special-address 10.0.0.1:22",
    ),
    direct(
        "egress.address.private-172",
        "connect to a network of containers",
        &["172.17.0.1:2375", "GET / HTTP/1.1||", "hidden"],
        "special-address 172.17.0.1:2375",
    ),
    direct(
        "egress.address.private-192",
        "connect to a home network",
        &["192.168.0.1:80", "GET / HTTP/1.1||", "hidden"],
        "special-address 192.168.0.1:80",
    ),
    direct(
        "egress.address.shared",
        "connect to a provider's network",
        &["100.64.0.1:80", "GET / HTTP/1.1||", "hidden"],
        "special-address 100.64.0.1:80",
    ),
    direct(
        "egress.address.unique-local",
        "connect to a private network by IPv6",
        &["[fc00::1]:443", "GET / HTTP/1.1||", "hidden"],
        "special-address [fc00::1]:443",
    ),
    direct(
        "egress.address.link-local",
        "connect to the local link, with a zone",
        &["[fe80::1%1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [fe80::1]:80",
    ),
    direct(
        "egress.address.site-local",
        "connect to an old site-local address",
        &["[fec0::1]:80", "GET / HTTP/1.1||", "hidden"],
        "special-address [fec0::1]:80",
    ),
    direct(
        "egress.address.documentation",
        "connect to an address of nobody",
        &["192.0.2.1:443", "GET / HTTP/1.1||", "hidden"],
        "special-address 192.0.2.1:443",
    ),
    direct(
        "egress.address.public",
        "connect to a public address",
        &["93.184.216.34:443", "GET / HTTP/1.1||", "hidden"],
        "not-named 93.184.216.34:443",
    ),
    direct(
        "egress.address.public-six",
        "connect to a public address by IPv6",
        &["[2606:2800:220:1::1]:443", "GET / HTTP/1.1||", "hidden"],
        "not-named [2606:2800:220:1::1]:443",
    ),
    direct(
        "egress.address.port-zero-like",
        "connect to an unusual port of a public address",
        &["93.184.216.34:1", "GET / HTTP/1.1||", "hidden"],
        "not-named 93.184.216.34:1",
    ),
    direct(
        "egress.address.synthetic-unassigned",
        "connect to an address that stands for no name",
        &["198.18.77.77:443", "GET / HTTP/1.1||", "hidden"],
        "not-named 198.18.77.77:443",
    ),
    direct(
        "egress.address.synthetic-six",
        "the same by IPv6",
        &["[2001:2::7:7]:443", "GET / HTTP/1.1||", "hidden"],
        "not-named [2001:2::7:7]:443",
    ),
    direct(
        "egress.address.resolver-tcp",
        "ask a public name server over a connection",
        &["8.8.8.8:53", "GET / HTTP/1.1||", "hidden"],
        "not-named 8.8.8.8:53",
    ),
    direct(
        "egress.address.resolver-tls",
        "ask a public name server over TLS",
        &["1.1.1.1:853", "GET / HTTP/1.1||", "hidden"],
        "not-named 1.1.1.1:853",
    ),
    name("egress.names.unknown", "resolve a name that nothing allows", &["attacker.test", "1", "udp", HERE]),
    name("egress.names.unknown-tcp", "the same over a connection", &["attacker.test", "1", "tcp", HERE]),
    name(
        "egress.names.unknown-six",
        "ask for the IPv6 address of such a name",
        &["attacker.test", "28", "udp", HERE],
    ),
    name(
        "egress.names.denied",
        "resolve a name that a rule denies below an allowed one",
        &["shut.open.test", "1", "udp", HERE],
    ),
    name("egress.names.below-denied", "resolve a name below it", &["data.shut.open.test", "1", "udp", HERE]),
    name(
        "egress.names.below-allowed",
        "resolve a name below an allowed one",
        &["data.allowed.test", "1", "udp", HERE],
    ),
    name("egress.names.parent", "resolve the domain above allowed names", &["open.test", "1", "udp", HERE]),
    name(
        "egress.names.look-alike",
        "resolve a name that ends like an allowed one",
        &["notallowed.test", "1", "udp", HERE],
    ),
    name(
        "egress.names.tunnel",
        "write data into long labels of a name",
        &["{long}.{long}.{long}.attacker.test", "1", "udp", HERE],
    ),
    name(
        "egress.names.tunnel-allowed",
        "the same below an allowed name",
        &["{long}.{long}.{long}.allowed.test", "1", "udp", HERE],
    ),
    name(
        "egress.names.text",
        "read data from text records of an allowed name",
        &["allowed.test", "16", "udp", HERE],
    ),
    name("egress.names.any", "ask for all records of an allowed name", &["allowed.test", "255", "udp", HERE]),
    name("egress.names.null", "read data from a record without a form", &["allowed.test", "10", "udp", HERE]),
    name(
        "egress.names.service",
        "learn other addresses of an allowed name (HTTPS)",
        &["allowed.test", "65", "udp", HERE],
    ),
    name(
        "egress.names.mail",
        "ask for the mail servers of an allowed name",
        &["allowed.test", "15", "udp", HERE],
    ),
    name("egress.names.transfer", "ask for the whole zone", &["allowed.test", "252", "tcp", HERE]),
    name(
        "egress.names.delegation",
        "ask for the name servers of an allowed name",
        &["allowed.test", "2", "udp", HERE],
    ),
    name(
        "egress.names.reverse",
        "ask whom an address belongs to",
        &["4.3.2.1.in-addr.arpa", "12", "udp", HERE],
    ),
    name("egress.names.number", "resolve an address written as a name", &["2130706433", "1", "udp", HERE]),
    name(
        "egress.names.metadata",
        "resolve the metadata service's name",
        &["metadata.google.internal", "1", "udp", HERE],
    ),
    name("egress.names.local", "resolve a name of the local link", &["printer.local", "1", "udp", HERE]),
    name(
        "egress.names.other-resolver",
        "ask a public name server",
        &["allowed.test", "1", "udp", "8.8.8.8:53"],
    ),
    name(
        "egress.names.other-resolver-tcp",
        "the same over a connection",
        &["allowed.test", "1", "tcp", "8.8.8.8:53"],
    ),
    name(
        "egress.names.other-resolver-six",
        "ask a public name server by IPv6",
        &["allowed.test", "1", "udp", "[2001:4860:4860::8888]:53"],
    ),
    name("egress.names.multicast", "ask the local link", &["allowed.test", "1", "udp", "224.0.0.251:5353"]),
    odd("egress.names.two", "ask two questions at once", &["two", "allowed.test"]),
    odd("egress.names.chaos", "ask for the server's version", &["chaos", "allowed.test"]),
    odd("egress.names.any-class", "ask in all classes", &["any-class", "allowed.test"]),
    odd("egress.names.notify", "announce a change of a zone", &["notify", "allowed.test"]),
    odd("egress.names.update", "change a zone", &["update", "allowed.test"]),
    odd("egress.names.pointer", "ask with a name that points at itself", &["pointer", "allowed.test"]),
    odd("egress.names.dot", "hide the dot of an allowed name within a label", &["dot", "allowed.test"]),
    odd("egress.names.nul", "hide a NUL in a name", &["nul", "allowed.test"]),
    kernel(
        10,
        "egress.names.take-place",
        "take the place of the server for names",
        step("bind-resolver", &[]),
    ),
    attack(
        9,
        "egress.synthetic-port",
        "use the address of an allowed name for another port",
        step("say-by-name", &["localhost", "{hidden-port}", "GET / HTTP/1.1||", "hidden"]),
        NAMED,
    )
    .within(Garden::Network)
    .namespaces(),
    kernel(9, "egress.quic", "speak QUIC to a public address", step("datagram", &["93.184.216.34:443"]))
        .expect(Expect::Exactly(&[111])),
    kernel(
        9,
        "egress.quic-synthetic",
        "speak QUIC to an address that stands for a name",
        step("datagram", &["198.18.0.1:443"]),
    )
    .expect(Expect::Exactly(&[111])),
    kernel(9, "egress.quic-six", "speak QUIC by IPv6", step("datagram", &["[2606:2800:220:1::1]:443"]))
        .expect(Expect::Exactly(&[111])),
    against(
        9,
        "egress.datagram",
        "exchange datagrams with a server of the host",
        step("datagram", &["{udp}"]),
    )
    .within(Garden::Network)
    .namespaces(),
    kernel(9, "egress.raw", "open a raw socket", step("raw-socket", &[])),
    kernel(9, "egress.raw-six", "open a raw socket of IPv6", step("family", &["10", "3", "58"])),
    kernel(9, "egress.ping", "send an echo request", step("family", &["2", "2", "1"])),
    kernel(9, "egress.ping-six", "the same by IPv6", step("family", &["10", "2", "58"])),
    kernel(18, "egress.packet", "open a packet socket", step("family", &["17", "3", "768"])),
    kernel(18, "egress.vsock", "open a socket to the machine's host", step("family", &["40", "1", "0"])),
    kernel(18, "egress.bluetooth", "open a Bluetooth socket", step("family", &["31", "3", "1"])),
    kernel(18, "egress.netfilter", "open a socket to the packet filter", step("family", &["16", "3", "12"])),
    kernel(18, "egress.diagnosis", "open a socket that lists sockets", step("family", &["16", "3", "4"])),
    kernel(9, "egress.add-route", "change the routes", step("add-route", &[])).expect(Expect::Exactly(&[1])),
    kernel(9, "egress.drop-route", "take the route to the broker away", step("drop-route", &[]))
        .expect(Expect::Exactly(&[1])),
    kernel(9, "egress.interface-down", "take the interface down", step("interface-down", &[]))
        .expect(Expect::Exactly(&[1])),
    kernel(9, "egress.new-interface", "make an interface", step("new-interface", &[]))
        .expect(Expect::Exactly(&[1])),
    kernel(9, "egress.interfaces", "find an interface beside the loopback", step("interfaces", &[])),
    kernel(
        12,
        "egress.docker",
        "connect to a socket like that of Docker",
        step("unix", &["{root}/run/docker.sock"]),
    ),
    kernel(
        12,
        "egress.abstract",
        "connect to an abstract socket of the host",
        step("abstract", &["{abstract}"]),
    ),
    kernel(
        9,
        "egress.child",
        "connect from a child with an empty environment",
        step("child", &["say", "{hidden}", "GET / HTTP/1.1||", "hidden"]),
    ),
    kernel(9, "egress.fast-open", "connect by sending, without connect", step("fast-open", &["{hidden}"])),
    attack(
        14,
        "egress.exhaust",
        "keep others from the broker by connections that never end their request",
        step("hold-connections", &["{web}", "10000", "{limited}", "reached"]),
        NAMED,
    )
    .within(Garden::Network)
    .namespaces(),
    attack(
        14,
        "egress.exhaust-refused",
        "the same by connections that are refused",
        step("hold-connections", &["{web}", "10000", "93.184.216.34:8", "reached"]),
        NAMED,
    )
    .within(Garden::Network)
    .namespaces(),
    story(9, "egress.proxy.foreign-login", "show a proxy the login of another session", tell::foreign_login)
        .namespaces(),
    story(9, "egress.names.rebound", "lead an allowed name elsewhere between two requests", live::rebound),
    story(9, "egress.opened.fronting", "name another host inside TLS that is opened", live::fronting),
    story(14, "egress.broker-killed", "reach a server after the broker was killed", tell::killed_broker)
        .namespaces(),
    // What rebinding comes down to: the rule is for the name, and the name leads to where nothing may go.
    attack(
        9,
        "egress.names.leads-here",
        "reach a server of the host by an allowed name that leads to the host",
        step(
            "say-by-name",
            &["{own-name}", "{hidden-port}", "GET / HTTP/1.1|Host: {own-name}:{hidden-port}||", "hidden"],
        ),
        NAMED,
    )
    .within(Garden::Network)
    .namespaces()
    // The name has an address inside; without a redirect nobody listens at the port.
    .expect(Expect::Exactly(&[104, 111])),
    // The last: it uses up what a minute allows.
    attack(
        10,
        "egress.names.rate",
        "write data into a thousand names below an allowed domain",
        step("many-names", &["open.test", "1000"]),
        step("many-names", &["open.test", "20"]),
    )
    .within(Garden::Network)
    .namespaces(),
];
