//! P9, P10 and P12: nothing is reached, neither hosts nor helpers.

use crate::prove::attack::{Attack, Check, Garden, against, attack, step};

const PAIR: crate::prove::attack::Step = step("pair", &[]);

const fn socket(id: &'static str, title: &'static str, words: &'static [&'static str]) -> Attack {
    attack(18, id, title, step("family", words), PAIR).escapes(&[85])
}

pub(super) static ATTACKS: &[Attack] = &[
    against(9, "network.loopback", "connect to a server on the host's loopback", step("connect", &["{tcp}"]))
        .escapes(&[81, 82]),
    against(
        9,
        "network.loopback-6",
        "connect to a server on the host's IPv6 loopback",
        step("connect", &["{tcp6}"]),
    )
    .escapes(&[81]),
    against(9, "network.fast-open", "connect by sending, without connect", step("fast-open", &["{tcp}"])),
    against(9, "network.datagram", "exchange datagrams with the host", step("datagram", &["{udp}"]))
        .escapes(&[82]),
    against(9, "network.datagram-6", "exchange IPv6 datagrams with the host", step("datagram", &["{udp6}"])),
    attack(
        9,
        "network.documentation",
        "connect to an address of the internet",
        step("connect", &["192.0.2.1:443"]),
        PAIR,
    ),
    attack(
        9,
        "network.metadata",
        "connect to the address of cloud metadata",
        step("connect", &["169.254.169.254:80"]),
        PAIR,
    )
    .escapes(&[88]),
    attack(
        9,
        "network.mapped",
        "the same, written as IPv6",
        step("connect", &["[::ffff:169.254.169.254]:80"]),
        PAIR,
    )
    .escapes(&[88]),
    attack(
        9,
        "network.private",
        "connect to an address of the local network",
        step("connect", &["192.168.0.1:22"]),
        PAIR,
    ),
    attack(
        9,
        "network.interface",
        "find an interface beside the loopback",
        step("interfaces", &[]),
        step("own-loopback", &[]),
    )
    .namespaces(),
    attack(
        9,
        "network.child",
        "connect from a child with an empty environment",
        step("child", &["connect", "{tcp}"]),
        step("child", &["pair"]),
    ),
    attack(
        10,
        "network.resolver",
        "ask the name servers that the system names",
        step("any-resolver", &[]),
        PAIR,
    )
    .escapes(&[16, 68]),
    against(10, "network.resolver-direct", "ask a name server on another port", step("ask-name", &["{udp}"]))
        .escapes(&[16]),
    attack(9, "network.raw", "open a raw socket", step("raw-socket", &[]), PAIR),
    socket("network.packet", "open a packet socket", &["17", "3", "768"]),
    socket("network.vsock", "open a socket to the machine's host", &["40", "1", "0"]),
    socket("network.alg", "open a socket of the kernel's ciphers", &["38", "5", "0"]),
    socket("network.bluetooth", "open a Bluetooth socket", &["31", "3", "1"]),
    socket("network.can", "open a socket of a field bus", &["29", "3", "1"]),
    socket("network.tipc", "open a cluster socket", &["30", "1", "0"]),
    socket("network.rds", "open a socket of reliable datagrams", &["21", "5", "0"]),
    socket("network.xdp", "open a socket past the network stack", &["44", "3", "0"]),
    socket("network.key", "open a socket of key management", &["15", "3", "2"]),
    socket("network.smc", "open a socket of shared memory", &["43", "1", "0"]),
    socket("network.netlink-audit", "open a socket to the audit system", &["16", "3", "9"]),
    socket("network.netlink-diag", "open a socket that lists sockets", &["16", "3", "4"]),
    socket("network.netlink-netfilter", "open a socket to the packet filter", &["16", "3", "12"]),
    attack(
        12,
        "delegates.abstract",
        "connect to an abstract socket of the host",
        step("abstract", &["{abstract}"]),
        PAIR,
    ),
    against(
        12,
        "delegates.docker",
        "connect to a socket like that of Docker",
        step("unix", &["{root}/run/docker.sock"]),
    )
    .escapes(&[56, 65, 83]),
    against(
        12,
        "delegates.docker-home",
        "connect to a socket of Docker in the home",
        step("unix", &["{home}/.docker/run/docker.sock"]),
    )
    .escapes(&[56, 65]),
    against(
        12,
        "delegates.podman",
        "connect to a socket like that of Podman",
        step("unix", &["{root}/run/podman/podman.sock"]),
    )
    .escapes(&[65, 83]),
    against(
        12,
        "delegates.containerd",
        "connect to a socket like that of containerd",
        step("unix", &["{root}/run/containerd/containerd.sock"]),
    )
    .escapes(&[56]),
    against(
        12,
        "delegates.bus",
        "connect to a socket like that of the session bus",
        step("unix", &["{root}/run/bus"]),
    )
    .escapes(&[83]),
    against(
        12,
        "delegates.systemd",
        "connect to a socket like that of the service manager",
        step("unix", &["{root}/run/systemd/private"]),
    )
    .escapes(&[83]),
    against(
        12,
        "delegates.notify",
        "send a datagram to a socket like that of the service manager",
        step("unix-datagram", &["{root}/run/notify"]),
    )
    .escapes(&[83]),
    against(
        12,
        "delegates.gpg-agent",
        "connect to a socket like that of the GnuPG agent",
        step("unix", &["{root}/run/gnupg/S.gpg-agent"]),
    ),
    against(
        12,
        "delegates.ssh-agent",
        "connect to a socket like that of the SSH agent",
        step("unix", &["{root}/run/ssh-agent.sock"]),
    ),
    against(
        12,
        "delegates.display",
        "connect to sockets like those of the screen",
        step("unix", &["{root}/tmp/.X11-unix/X0"]),
    ),
    against(
        12,
        "delegates.wayland",
        "connect to a socket like that of Wayland",
        step("unix", &["{root}/run/wayland-0"]),
    ),
    against(
        12,
        "delegates.tmux",
        "connect to a socket like that of tmux",
        step("unix", &["{root}/tmp/tmux-0/default"]),
    )
    .escapes(&[57, 83]),
    against(
        12,
        "delegates.workspace",
        "connect to a server of the host whose socket lies in the workspace",
        step("unix", &["{ws}/host.sock"]),
    ),
    against(
        12,
        "delegates.outside",
        "connect to a server of the host whose socket lies elsewhere",
        step("unix", &["{shared}/server.sock"]),
    ),
    attack(
        12,
        "delegates.real-docker",
        "connect to the machine's own Docker",
        step("unix", &["/run/docker.sock"]),
        PAIR,
    )
    .escapes(&[56]),
    attack(
        12,
        "delegates.real-bus",
        "connect to the machine's own system bus",
        step("unix", &["/run/dbus/system_bus_socket"]),
        PAIR,
    )
    .escapes(&[83]),
    attack(
        12,
        "delegates.real-systemd",
        "connect to the machine's own service manager",
        step("unix", &["/run/systemd/private"]),
        PAIR,
    )
    .escapes(&[83]),
    attack(
        12,
        "delegates.link",
        "connect through a link in the workspace",
        step("symlink-then-connect", &["{shared}/server.sock", "{ws}/d1"]),
        PAIR,
    )
    .check(&[Check::Same("{shared}/server.sock")]),
    attack(
        12,
        "delegates.strict",
        "connect to a socket like that of Docker, where reads are denied by default",
        step("unix", &["{root}/run/docker.sock"]),
        PAIR,
    )
    .within(Garden::Strict),
];
