//! P9, P10: the network, past the relay and through it.

use super::NETWORK;
use crate::prove::attack::{Attack, Garden, Step, against, attack, step};

const RESOLVE: Step = step("resolve", &["localhost"]);
const ALLOWED: Step = step("proxy", &["localhost", "{port}", "session"]);

const fn direct(id: &'static str, title: &'static str, action: Step) -> Attack {
    against(9, id, title, action).gap(NETWORK)
}

const fn through(id: &'static str, title: &'static str, action: Step) -> Attack {
    attack(9, id, title, action, ALLOWED).within(Garden::Network)
}

pub(super) static ATTACKS: &[Attack] = &[
    direct(
        "network.loopback",
        "connect to a server of the user's",
        step("connect", &["127.0.0.1", "{port}"]),
    ),
    direct("network.loopback6", "connect to it by IPv6", step("connect", &["::1", "{port6}"])),
    direct(
        "network.own",
        "connect to it by the machine's own address",
        step("connect", &["{own}", "{lan-port}"]),
    ),
    direct(
        "network.datagram",
        "send datagrams to a server of the user's",
        step("send-datagram", &["127.0.0.1", "{udp-port}"]),
    ),
    direct("network.child", "connect from a child", step("child", &["connect", "127.0.0.1", "{port}"])),
    attack(9, "network.world", "connect to the world", step("connect", &["192.0.2.1", "443"]), RESOLVE)
        .gap(NETWORK),
    attack(
        9,
        "network.printer",
        "connect to the sharing of files",
        step("connect", &["127.0.0.1", "445"]),
        RESOLVE,
    )
    .gap(NETWORK),
    attack(
        9,
        "network.calls",
        "connect to the end points of calls",
        step("connect", &["127.0.0.1", "135"]),
        RESOLVE,
    )
    .gap(NETWORK),
    attack(10, "network.name", "resolve a name", step("resolve", &["garth-prove.example"]), RESOLVE),
    through(
        "relay.forbidden",
        "reach a host that no rule names",
        step("proxy", &["forbidden.test", "443", "session"]),
    ),
    through(
        "relay.metadata",
        "reach the metadata of a cloud",
        step("proxy", &["169.254.169.254", "80", "session"]),
    ),
    through("relay.private", "reach a private address", step("proxy", &["192.168.1.1", "80", "session"])),
    through(
        "relay.other-port",
        "reach another port of this machine",
        step("proxy", &["localhost", "{port6}", "session"]),
    ),
    through(
        "relay.own",
        "reach this machine by its own address",
        step("proxy", &["{own}", "{lan-port}", "session"]),
    ),
    through(
        "relay.case",
        "reach a host that looks like an allowed one",
        step("proxy", &["allowed.test.evil.test", "443", "session"]),
    ),
    through(
        "relay.no-password",
        "use the proxy without a password",
        step("proxy", &["localhost", "{port}", "none"]),
    ),
    through(
        "relay.wrong-password",
        "use the proxy with another password",
        step("proxy", &["localhost", "{port}", "wrong"]),
    ),
    through(
        "relay.socks",
        "use it by SOCKS without a password",
        step("proxy-socks", &["localhost", "{port}"]),
    ),
    through(
        "relay.direct",
        "reach the allowed server past the relay",
        step("connect", &["127.0.0.1", "{port}"]),
    )
    .gap(NETWORK),
];
