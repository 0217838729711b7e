//! P12: servers of the host whose socket lies where it can be seen.

use crate::prove::attack::{Attack, Garden, against, attack, step};

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        12,
        "sockets.workspace",
        "connect to a server of the host whose socket lies in the workspace",
        step("unix", &["{ws}/host.sock"]),
        step("own-server", &["{ws}/u1"]),
    )
    .namespaces(),
    attack(
        12,
        "sockets.strict",
        "the same, where reads are denied by default",
        step("unix", &["{ws}/host.sock"]),
        step("own-server", &["{ws}/u2"]),
    )
    .within(Garden::Strict)
    .namespaces(),
    attack(
        12,
        "sockets.without-waiting",
        "the same with a socket that does not wait",
        step("connect-without-waiting", &["{ws}/host.sock"]),
        step("own-server", &["/tmp/u3"]),
    )
    .namespaces(),
    attack(
        12,
        "sockets.link",
        "the same through a link",
        step("symlink-then-connect", &["{ws}/host.sock", "{ws}/u4"]),
        step("own-server-by-link", &["{ws}/u5", "{ws}/u6"]),
    )
    .namespaces(),
    attack(
        12,
        "sockets.hard-link",
        "the same by another name that was made inside",
        step("link-then-connect", &["{ws}/host.sock", "{ws}/u7"]),
        step("own-server", &["{home}/u8"]),
    )
    .namespaces(),
    attack(
        12,
        "sockets.moved",
        "the same after moving it over a socket that was made inside",
        step("move-then-connect", &["{ws}/host.sock", "{ws}/u9"]),
        step("own-server", &["{ws}/u10"]),
    )
    .namespaces(),
    against(
        12,
        "sockets.datagram",
        "send a datagram to a server of the host whose socket lies in the workspace",
        step("unix-datagram", &["{ws}/host-datagram.sock"]),
    ),
    against(
        12,
        "sockets.pair",
        "the same from one end of a connected pair",
        step("pair-datagram", &["{ws}/host-datagram.sock"]),
    ),
    against(
        12,
        "sockets.pair-outside",
        "send a datagram from a pair to a socket like that of the service manager",
        step("pair-datagram", &["{root}/run/notify"]),
    )
    .escapes(&[83]),
    attack(
        12,
        "sockets.race-address",
        "change the address in memory while the connection is decided on",
        step("swap-address", &["{ws}/ownn.sock", "{ws}/host.sock"]),
        step("own-server", &["{ws}/u11"]),
    )
    .namespaces(),
    attack(
        12,
        "sockets.race-name",
        "exchange the name for a link to the host's socket while the connection is decided on",
        step("swap-socket", &["{ws}/u12", "{ws}/host.sock", "{ws}/race-u"]),
        step("own-server", &["{ws}/u13"]),
    )
    .namespaces(),
    attack(
        12,
        "sockets.race-descriptor",
        "put a unix socket under the number of another while the connection is decided on",
        step("swap-descriptor", &["{ws}/host.sock"]),
        step("own-server", &["{ws}/u14"]),
    )
    .namespaces(),
];
