//! A kernel that cannot redirect connections: listeners for some ports, a proxy for the rest, and a named gap.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]
use garth_tests::{Garden, Identity, Internet, Place, Run, SERVER, has};

/// Starts the program in its arguments where the kernel has no nf_tables: a netlink socket for it is refused, as where it
/// was built without (`EPROTONOSUPPORT` of `socket(2)`).
const WITHOUT_NF_TABLES: &str = "
import ctypes, os, platform, struct, sys
number = {'x86_64': 41, 'aarch64': 198}[platform.machine()]
load, equal, give = 0x20, 0x15, 0x06
steps = [(load, 0, 0, 0), (equal, 0, 5, number), (load, 0, 0, 16), (equal, 0, 3, 16), (load, 0, 0, 32), (equal, 0, 1, 12),
         (give, 0, 0, 0x00050000 | 93), (give, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])
";

const POLICY: &str = "version = 1
[network]
mode = \"allow-list\"
domains = { \"allowed.test\" = \"allow\", \"forbidden.test\" = \"deny\" }
";

/// Takes the variables away by which a program finds the proxy.
const UNSET: &str =
    "unset ALL_PROXY HTTPS_PROXY HTTP_PROXY all_proxy http_proxy https_proxy NODE_USE_ENV_PROXY;";

/// What runs `garth` with these words on such a machine.
fn garth(internet: &Internet, garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text");
    let start = ["/usr/bin/python3", "-c", WITHOUT_NF_TABLES, program];
    internet.on_machine(garden, &[], &[&start[..], words].concat())
}

fn accepted(place: &Place<'_>, script: &str) -> Run {
    let policy = place.garden.home.join("network.toml");
    let policy = policy.to_str().expect("text");
    let words =
        ["run", "--policy", policy, "--accept", "linux.network.redirect", "--", "bash", "-euc", script];
    garth(place.internet, &place.garden, &words)
}

fn everyone(test: impl Fn(&Place<'_>)) {
    let Some(mut internet) = Internet::new() else { return };
    internet.start(8080, &["/usr/bin/python3", "-m", "http.server", "8080", "--bind", SERVER, "-d", "files"]);
    internet.everyone(POLICY, &[], test);
}

#[test]
fn the_gap_is_named_and_nothing_runs_without_accepting_it() {
    everyone(|place| {
        let policy = place.garden.home.join("network.toml");
        let words = ["run", "--policy", policy.to_str().expect("text"), "--", "touch", "ran"];
        let run = garth(place.internet, &place.garden, &words).code(121);
        assert!(run.errors().contains("--accept linux.network.redirect"), "{run}");
        assert!(run.errors().contains("the ports 22, 80, 443, 9418 and a proxy"), "{run}");
        assert!(!place.garden.has("ran"), "it ran");
        let run = garth(place.internet, &place.garden, &[&["plan"], &words[1..]].concat()).code(121);
        assert!(run.text().contains("linux.network.redirect"), "{run}");
        // The second try has the ports of the first.
        place.garden.write(&policy, format!("{POLICY}listen = [39127]\n"));
        for _ in 0..5 {
            let _run = accepted(place, "true").ok();
        }
        place.garden.write(&policy, POLICY);
        // With no network there is nothing to accept.
        let _run = garth(place.internet, &place.garden, &["run", "--", "true"]).ok();
        // Where the kernel redirects there is no such gap, so each of these can fail.
        let _run = place.run("true").ok();
    });
}

#[test]
fn the_doctor_finds_it_and_says_what_to_do() {
    let Some(internet) = Internet::new() else { return };
    for identity in Identity::all() {
        // It also says what else this machine does not have, in the words of the system.
        let garden = Garden::new(*identity);
        let run = garth(&internet, &garden, &["doctor"]).code(0);
        assert!(run.text().contains("hint: network: load what redirects, as root: modprobe"), "{run}");
        let program = garden.program().to_str().expect("text");
        let run = internet.on_machine(&garden, &[], &[program, "doctor"]).code(0);
        assert!(run.text().contains("connections and names of a sandbox came to the broker"), "{run}");
        assert!(!run.text().contains("hint: network"), "{run}");
    }
}

#[test]
fn a_proof_can_be_made_and_says_what_it_does_not_show() {
    let Some(internet) = Internet::new() else { return };
    for identity in Identity::all() {
        let garden = Garden::new(*identity);
        let program = garden.program().to_str().expect("text");
        let words = ["prove", "--only", "egress.address.*"];
        let run = garth(&internet, &garden, &words).ok();
        assert!(run.text().contains(" 0 not held"), "{run}");
        let skipped = |run: &Run| run.text().matches("without a redirect nothing leads").count();
        assert_eq!(skipped(&run), 6, "{run}");
        // Two that come to the broker without a redirect, and one that does not.
        for (name, is_held) in [("metadata", true), ("private-10", true), ("private-172", false)] {
            let text = run.text();
            let line = text.lines().find(|line| line.contains(&format!("egress.address.{name} ")));
            assert_eq!(line.is_some_and(|line| line.ends_with("held")), is_held, "{name}: {run}");
        }
        // Where the kernel redirects nothing is skipped.
        let run = internet.on_machine(&garden, &[], &[&[program], &words[..]].concat()).ok();
        assert_eq!(skipped(&run), 0, "{run}");
    }
}

#[test]
fn clients_reach_what_is_named_by_the_proxy_and_at_the_usual_ports() {
    everyone(|place| {
        for before in ["", UNSET] {
            let curl =
                accepted(place, &format!("{before} curl -sS --cacert ca.pem https://allowed.test/curl")).ok();
            assert_eq!(curl.text(), "hello from allowed.test at /curl with 0");
            let clone = "rm -rf one && GIT_SSL_CAINFO=ca.pem git clone -q https://allowed.test/repo.git one && cat one/file";
            assert_eq!(accepted(place, &format!("{before} {clone}")).ok().text(), "content");
            let python = "import ssl, urllib.request as r; c = ssl.create_default_context(cafile='ca.pem'); \
                          print(r.urlopen('https://allowed.test/python', context=c).read().decode(), end='')";
            let python = accepted(place, &format!("{before} /usr/bin/python3 -c \"{python}\"")).ok();
            assert_eq!(python.text(), "hello from allowed.test at /python with 0");
            if has("node", "nodejs") {
                let node = "fetch('http://allowed.test/node').then(r => r.text()).then(t => process.stdout.write(t))";
                let node = accepted(place, &format!("{before} node -e \"{node}\"")).ok();
                assert_eq!(node.text(), "hello from allowed.test at /node with 0");
            }
            let denied =
                accepted(place, &format!("{before} curl -sS -f http://forbidden.test/denied")).fails();
            assert!(denied.errors().contains("the network refused forbidden.test"), "{denied}");
        }
        // Git's own protocol knows no proxy.
        let git = accepted(place, "git clone -q git://allowed.test/repo.git two && cat two/file").ok();
        assert_eq!(git.text(), "content");
        assert!(!place.internet.requests().contains("/denied"), "{}", place.internet.requests());
    });
}

#[test]
fn other_ports_need_the_proxy_and_the_proxy_its_password() {
    everyone(|place| {
        let by_proxy = accepted(place, "curl -sS http://allowed.test:8080/");
        assert!(by_proxy.ok().text().contains("repo.git"), "the listing of the server");
        let direct = accepted(place, &format!("{UNSET} curl -sS http://allowed.test:8080/")).fails();
        assert!(
            direct.errors().contains("Failed to connect") || direct.errors().contains("Couldn't connect"),
            "{direct}"
        );
        let python = format!(
            "import socket
for address in [('{SERVER}', 80), ('{SERVER}', 8080), ('allowed.test', 8080)]:
    try:
        s = socket.create_connection(address, 5); s.sendall(b'GET /direct HTTP/1.0\\r\\n\\r\\n'); got = s.recv(100)
    except OSError: got = b''
    print(address[1], len(got))"
        );
        let run = accepted(place, &format!("/usr/bin/python3 - <<'END'\n{python}\nEND")).code(0);
        assert_eq!(
            run.text().split_whitespace().collect::<Vec<_>>(),
            ["80", "0", "8080", "0", "8080", "0"],
            "{run}"
        );
        let code =
            "curl -sS -o /dev/null -w '%{http_code}' -x http://127.0.0.1:3128 http://allowed.test/direct";
        assert_eq!(accepted(place, code).text(), "407", "the proxy wants the session's password");
        // That of another session is as good as none.
        let other = accepted(place, "printf %s \"$HTTP_PROXY\"");
        assert!(other.status.success() && other.text().starts_with("http://garth:"), "{other}");
        let by = |proxy: &str, path: &str| {
            let code = "curl -sS -o /dev/null -w '%{http_code}'";
            accepted(place, &format!("{code} -x \"{proxy}\" http://allowed.test/{path}")).text()
        };
        assert_eq!(by(&other.text(), "direct"), "407", "the password of another session");
        assert_eq!(by("$HTTP_PROXY", "own"), "200", "its own");
        assert!(!place.internet.requests().contains("/direct"), "{}", place.internet.requests());
    });
}

/// Sends a datagram to each place and waits for what comes back: addresses of the world, those that stand for an allowed name, and
/// the resolver's at another port. The time limit only ends a test that has failed.
const DATAGRAMS: &str = "
import socket
places = [('93.184.216.34', 443), ('2606:4700:4700::1111', 443), ('198.19.255.53', 443), ('8.8.8.8', 53), ('10.0.0.1', 443)]
places += [found[4][:2] for found in socket.getaddrinfo('allowed.test', 443, type=socket.SOCK_DGRAM)]
kinds = set()
for place in places:
    family = socket.AF_INET6 if ':' in place[0] else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.settimeout(60)
    try:
        one.connect(place)
        one.send(b'the first packet of QUIC')
        print('answered', place, one.recv(100))
    except ConnectionRefusedError:
        kinds.add((family == socket.AF_INET6, place in places[5:]))
    except OSError as error:
        print('another error', place, error)
print('refused', sorted(kinds))
";

#[test]
fn datagrams_are_refused_at_once_with_a_redirect_and_without() {
    everyone(|place| {
        let script = format!("python3 -c \"{DATAGRAMS}\"");
        for run in [place.run(&script).ok(), accepted(place, &script).ok()] {
            // IPv4 and IPv6, addresses of the world and of the name.
            let all = "refused [(False, False), (False, True), (True, False), (True, True)]";
            assert_eq!(run.text().trim(), all, "{run}");
        }
    });
}

/// What a command that was watched reached, it reaches again under what was proposed, and nobody else: by the redirect, and
/// without one by the listeners and the proxy.
#[test]
fn what_was_reached_is_learnt_by_both_ways_out() {
    everyone(|place| {
        let policy = place.garden.home.join("network.toml");
        let proposal = place.garden.home.join("proposal.toml");
        let (policy, file) = (policy.to_str().expect("text"), proposal.to_str().expect("text"));
        let program = place.garden.program().to_str().expect("text");
        let script = "curl -sS --cacert ca.pem https://allowed.test/one; \
                      GIT_SSL_CAINFO=ca.pem git clone -q https://allowed.test/repo.git /tmp/one && cat /tmp/one/file";
        for redirects in [true, false] {
            let accepted: &[&str] = if redirects { &[] } else { &["--accept", "linux.network.redirect"] };
            let run = |words: &[&str]| match redirects {
                true => place.internet.on_machine(&place.garden, &[], &[&[program], words].concat()),
                false => garth(place.internet, &place.garden, words),
            };
            let _absent = std::fs::remove_file(&proposal);
            let command = ["--", "bash", "-euc", script];
            let learn = [&["learn", "--policy", policy, "-o", file][..], accepted, &command].concat();
            let seen = run(&learn).code(0);
            assert!(seen.text().contains("content"), "{seen}");
            let text = place.garden.read(&proposal);
            let hosts: Vec<&str> = text.lines().filter(|line| line.contains(".test")).collect();
            assert_eq!(hosts, ["\"allowed.test\" = \"allow\""], "{text}");
            let under = |script: &str| {
                run(&[&["run", "--policy", file][..], accepted, &["--", "bash", "-euc", script]].concat())
            };
            let again = under(script).code(0);
            assert!(again.text().contains("hello from allowed.test at /one"), "{again}");
            assert!(again.text().ends_with("content"), "{again}");
            let new = under("curl -sS -f http://other.test/denied");
            assert!(!new.status.success() && new.errors().contains("refused other.test"), "{new}");
        }
        assert!(!place.internet.requests().contains("/denied"), "{}", place.internet.requests());
    });
}
