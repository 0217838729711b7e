//! The decision core against examples, and against a small reference model on random policies.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "a test that cannot build its input has failed"
)]

use garth_egress::core::{Code, Grants, Host, Judge, RequestView, Route, Verdict, agree};
use garth_policy::{
    DomainRule, HostPattern, HttpRule, Layer, Network, NetworkMode, Origin, SecretBinding, SecretPlace,
    SecretSource, Sourced,
};
use proptest::prelude::*;
use std::net::IpAddr;

fn origin() -> Origin {
    Origin::unplaced(Layer::User, "test")
}

fn network(mode: NetworkMode, domains: &[(&str, bool)]) -> Network {
    let rule = |(host, allow): &(&str, bool)| DomainRule {
        host: HostPattern::parse(host).unwrap(),
        allow: *allow,
        origin: origin(),
    };
    Network { domains: domains.iter().map(rule).collect(), ..Network::none(mode, origin()) }
}

fn host(text: &str) -> Host {
    Host::read(text).unwrap()
}

fn judged(judge: &Judge, text: &str, port: u16) -> (Verdict, Code) {
    let ruling = judge.connect(&host(text), port, &Grants::none());
    (ruling.verdict, ruling.code)
}

#[test]
fn an_empty_list_means_none() {
    let judge = Judge::new(network(NetworkMode::AllowList, &[]), []);
    assert_eq!(judged(&judge, "example.com", 443), (Verdict::Deny, Code::NotNamed));
    let closed = Judge::new(network(NetworkMode::Deny, &[("example.com", true)]), []);
    assert_eq!(judged(&closed, "example.com", 443), (Verdict::Deny, Code::NetworkDenied));
}

#[test]
fn an_open_network_still_denies_what_is_not_public() {
    let own: IpAddr = "93.184.216.34".parse().unwrap();
    let judge =
        Judge::new(network(NetworkMode::Open, &[("evil.example", false), ("9.9.9.0/24", false)]), [own]);
    for (text, code) in [
        ("127.1", Code::SpecialAddress),
        ("0x7f000001", Code::SpecialAddress),
        ("[::ffff:127.0.0.1]", Code::SpecialAddress),
        ("[::ffff:a9fe:a9fe]", Code::SpecialAddress),
        ("169.254.169.254", Code::SpecialAddress),
        ("[fd00:ec2::254]", Code::SpecialAddress),
        ("100.100.100.200", Code::SpecialAddress),
        ("[64:ff9b::10.0.0.1]", Code::SpecialAddress),
        ("[2002:7f00:1::]", Code::SpecialAddress),
        ("[2001:0:1::]", Code::SpecialAddress),
        ("[::127.0.0.1]", Code::SpecialAddress),
        ("0.0.0.0", Code::SpecialAddress),
        ("255.255.255.255", Code::SpecialAddress),
        ("224.0.0.1", Code::SpecialAddress),
        ("198.18.0.1", Code::SpecialAddress),
        ("93.184.216.34", Code::OwnAddress),
        ("[64:ff9b::93.184.216.34]", Code::OwnAddress),
        ("9.9.9.9", Code::HostDenied),
        ("[64:ff9b::9.9.9.9]", Code::HostDenied),
        ("evil.example", Code::HostDenied),
        ("EVIL.example.", Code::HostDenied),
        ("localhost", Code::SpecialName),
        ("x.localhost", Code::SpecialName),
        ("metadata.google.internal", Code::SpecialName),
        ("db", Code::SpecialName),
        ("printer.local", Code::SpecialName),
    ] {
        assert_eq!(judged(&judge, text, 80), (Verdict::Deny, code), "{text}");
    }
    assert_eq!(judged(&judge, "example.com", 80), (Verdict::Allow, Code::Open));
    assert_eq!(judged(&judge, "8.8.8.8", 80), (Verdict::Allow, Code::Open));
    assert_eq!(judge.connect(&host("example.com"), 0, &Grants::none()).code, Code::Malformed);
}

#[test]
fn a_private_name_is_opened_by_a_rule_that_names_it() {
    let rules = [
        ("*.corp.internal", true),
        ("10.1.0.0/16", true),
        ("metadata.google.internal", true),
        ("*.goog", true),
    ];
    let rules: Vec<_> = rules.into_iter().filter(|(text, _)| HostPattern::parse(text).is_ok()).collect();
    let judge = Judge::new(network(NetworkMode::AllowList, &rules), []);
    assert_eq!(judged(&judge, "git.corp.internal", 22).0, Verdict::Allow);
    assert_eq!(judged(&judge, "metadata.google.internal", 80).0, Verdict::Allow);
    assert_eq!(judged(&judge, "metadata.goog", 80).0, Verdict::Deny);
    assert_eq!(judged(&judge, "10.1.2.3", 22).0, Verdict::Allow);
    assert_eq!(judged(&judge, "10.2.2.3", 22).0, Verdict::Deny);
}

#[test]
fn rebinding_is_of_no_use() {
    let judge = Judge::new(network(NetworkMode::AllowList, &[("a.example", true), ("8.8.8.8", false)]), []);
    let resolved: Vec<IpAddr> = [
        "127.0.0.1",
        "1.1.1.1",
        "::ffff:1.1.1.1",
        "169.254.169.254",
        "8.8.8.8",
        "64:ff9b::808:808",
        "fd00::1",
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let vetted = judge.addresses(443, &resolved);
    assert_eq!(vetted.allowed, ["1.1.1.1".parse::<IpAddr>().unwrap()]);
    assert_eq!(vetted.refused.len(), 5);
    assert_eq!(vetted.refusal(&host("a.example")), None);
    let refusal = judge.addresses(443, resolved.get(..1).unwrap()).refusal(&host("a.example")).unwrap();
    assert_eq!(refusal.code, Code::ResolvedRefused);
    assert!(refusal.reason.contains("127.0.0.1"), "{}", refusal.reason);
    assert_eq!(judge.addresses(443, &[]).refusal(&host("a.example")).unwrap().code, Code::ResolveFailed);
}

#[test]
fn a_host_port_is_fixed_to_loopback() {
    let mut rules = network(NetworkMode::Deny, &[]);
    rules.host_ports = vec![Sourced::new(5432, origin())];
    let judge = Judge::new(rules, []);
    assert_eq!(judged(&judge, "localhost", 5432), (Verdict::Allow, Code::HostPort));
    assert_eq!(judged(&judge, "localhost", 5433).0, Verdict::Deny);
    let loopback: Vec<IpAddr> = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    assert_eq!(judge.route(&host("localhost"), 5432), Route::Fixed(loopback.clone()));
    // A name that resolves to loopback does not profit from it.
    assert!(judge.addresses(5432, &loopback).allowed.is_empty());
}

#[test]
fn what_nothing_names_is_asked_for_and_what_is_denied_is_not() {
    let mut rules = network(NetworkMode::AllowList, &[("evil.example", false)]);
    let judge = Judge::new(rules.clone(), []).asking();
    assert_eq!(judged(&judge, "new.example", 443), (Verdict::Ask, Code::NotNamed));
    assert_eq!(judged(&judge, "evil.example", 443).0, Verdict::Deny);
    assert_eq!(judged(&judge, "169.254.169.254", 80).0, Verdict::Deny);
    assert_eq!(judge.resolves(&host("new.example"), &Grants::none()).verdict, Verdict::Ask);
    let mut grants = Grants::none();
    grants.add(host("new.example"), 443);
    assert_eq!(judge.connect(&host("new.example"), 443, &grants).code, Code::Approved);
    assert_eq!(judge.connect(&host("new.example"), 80, &grants).verdict, Verdict::Ask);
    rules.ceiling = Some(Vec::new());
    let capped = Judge::new(rules, []).asking();
    assert_eq!(judged(&capped, "new.example", 443), (Verdict::Deny, Code::NotNamed));
    assert_eq!(capped.connect(&host("new.example"), 443, &grants).verdict, Verdict::Deny);
}

#[test]
fn a_name_resolves_if_some_port_of_it_may_be_reached() {
    let judge =
        Judge::new(network(NetworkMode::AllowList, &[("git.example:22", true), ("*.a.example", true)]), []);
    let verdict = |text| judge.resolves(&host(text), &Grants::none()).verdict;
    assert_eq!(verdict("git.example"), Verdict::Allow);
    assert_eq!(verdict("x.a.example"), Verdict::Allow);
    assert_eq!(verdict("a.example"), Verdict::Deny);
    assert_eq!(verdict("secret-data.evil.example"), Verdict::Deny);
}

#[test]
fn rules_for_the_loopback_hold_under_each_of_its_names() {
    let mut rules = network(NetworkMode::AllowList, &[]);
    rules.host_ports = vec![Sourced::new(8080, origin()), Sourced::new(9090, origin())];
    rules.rules = vec![HttpRule {
        host: HostPattern::parse("localhost:8080").unwrap(),
        methods: vec!["GET".to_owned()],
        paths: Vec::new(),
        upload: None,
        origin: origin(),
    }];
    let judge = Judge::new(rules, []);
    for name in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "a.localhost", "LOCALHOST."] {
        let host = host(name);
        let code =
            |port, method| judge.request(&host, port, RequestView { method, target: "/", headers: &[] }).code;
        assert!(judge.opens(&host, 8080) && !judge.opens(&host, 9090), "{name}");
        assert_eq!(code(8080, "POST"), Code::RequestDenied, "{name}");
        assert_eq!(code(8080, "GET"), Code::Request, "{name}");
        assert_eq!(code(9090, "POST"), Code::Request, "{name}");
    }
    // The port itself is for `localhost` and the addresses; a name below it is another host, and none that is known.
    for (name, is_open) in [("localhost", true), ("127.0.0.1", true), ("::1", true), ("a.localhost", false)] {
        assert_eq!(judge.connect(&host(name), 8080, &Grants::none()).is_allowed(), is_open, "{name}");
        assert_eq!(judge.resolves(&host("a.localhost"), &Grants::none()).verdict, Verdict::Deny);
    }
}

#[test]
fn requests_are_limited_and_tricks_are_refused() {
    let mut rules = network(NetworkMode::AllowList, &[("api.example", true), ("free.example", true)]);
    rules.rules = vec![HttpRule {
        host: HostPattern::parse("api.example").unwrap(),
        methods: vec!["GET".to_owned()],
        paths: vec!["/repos/acme/**".to_owned()],
        upload: None,
        origin: origin(),
    }];
    let judge = Judge::new(rules, []);
    let code = |method, target, headers: &[&str]| {
        judge.request(&host("api.example"), 443, RequestView { method, target, headers }).code
    };
    assert_eq!(code("GET", "/repos/acme/x?y=..", &[]), Code::Request);
    assert_eq!(code("POST", "/repos/acme/x", &[]), Code::RequestDenied);
    assert_eq!(code("GET", "/repos/evil/x", &[]), Code::RequestDenied);
    assert_eq!(code("GET", "*", &[]), Code::PathAmbiguous);
    assert_eq!(code("TRACE", "/repos/acme/x", &[]), Code::Protocol);
    assert_eq!(code("GET", "/repos/acme/x", &["x-http-method-override"]), Code::Override);
    assert_eq!(code("GET", "/repos/acme/x", &["x-original-url"]), Code::Override);
    for target in [
        "/repos/acme/../evil",
        "/repos/acme/%2e%2e/evil",
        "/repos/acme/%2E./evil",
        "/repos/acme/..;/evil",
        "/repos/acme//x",
        "/repos/acme/x%2fy",
        "/repos/acme/x\\y",
        "/repos/acme/%252e%252e/evil",
        "/repos/acme/x%",
        "/repos/acme/\u{e9}",
    ] {
        assert_eq!(code("GET", target, &[]), Code::PathAmbiguous, "{target}");
    }
    let free = RequestView { method: "POST", target: "/a/../b", headers: &["x-http-method-override"] };
    assert!(judge.request(&host("free.example"), 443, free).is_allowed());
    assert!(judge.opens(&host("api.example"), 443) && !judge.opens(&host("free.example"), 443));
}

#[test]
fn a_secret_makes_tls_be_opened() {
    let mut rules = network(NetworkMode::AllowList, &[("api.example", true)]);
    rules.secrets = vec![SecretBinding {
        name: "TOKEN".to_owned(),
        from: SecretSource::Env("TOKEN".to_owned()),
        hosts: vec![HostPattern::parse("api.example:443").unwrap()],
        places: SecretPlace::USUAL.to_vec(),
        origin: origin(),
    }];
    let judge = Judge::new(rules, []);
    assert!(judge.opens(&host("api.example"), 443) && !judge.opens(&host("api.example"), 8443));
}

#[test]
fn names_inside_a_connection_agree() {
    let judge = Judge::new(network(NetworkMode::Open, &[("evil.example", false)]), []);
    let seen = |asked, seen| {
        judge.seen(&host(asked), &host(seen), 443, "SNI", &Grants::none()).map_err(|ruling| ruling.code)
    };
    assert_eq!(seen("a.example", "A.example."), Ok(()));
    assert_eq!(seen("a.example", "b.example"), Err(Code::NameMismatch));
    assert_eq!(seen("8.8.8.8", "a.example"), Ok(()));
    assert_eq!(seen("8.8.8.8", "evil.example"), Err(Code::NameMismatch));
    assert_eq!(seen("8.8.8.8", "8.8.4.4"), Err(Code::NameMismatch));
    assert_eq!(seen("a.example", "8.8.8.8"), Err(Code::NameMismatch));
    let ruling = agree(&host("a.example"), &host("b.example"), "SNI").unwrap_err();
    assert!(ruling.reason.contains("a.example") && ruling.reason.contains("b.example"));
}

#[test]
fn hints_are_the_least_that_helps() {
    let judge = Judge::new(network(NetworkMode::AllowList, &[]), []);
    let hint = |text: &str, port| {
        judge
            .connect(&host(text), port, &Grants::none())
            .hint
            .map(|hint| format!("[{}] {}", hint.section, hint.line))
    };
    assert_eq!(hint("a.example", 443).as_deref(), Some("[network.domains] \"a.example\" = \"allow\""));
    assert_eq!(hint("a.example", 22).as_deref(), Some("[network.domains] \"a.example:22\" = \"allow\""));
    assert_eq!(hint("127.0.0.1", 5432).as_deref(), Some("[network] host-ports = [5432]"));
    assert_eq!(hint("10.0.0.1", 22).as_deref(), Some("[network.domains] \"10.0.0.1:22\" = \"allow\""));
    assert_eq!(hint("169.254.169.254", 80), None);
    // A hint that is written into the policy allows what was refused, and no other port.
    let granted = Judge::new(network(NetworkMode::AllowList, &[("a.example:22", true)]), []);
    assert_eq!(judged(&granted, "a.example", 22).0, Verdict::Allow);
    assert_eq!(judged(&granted, "a.example", 23).0, Verdict::Deny);
}

// ---- the reference ------------------------------------------------------------------------------------------------------

/// A rule in the model: labels from the right, whether it is for names below, port, verdict.
#[derive(Clone, Debug)]
struct Written {
    labels: Vec<&'static str>,
    below: bool,
    port: Option<u16>,
    allow: bool,
}

impl Written {
    fn text(&self) -> String {
        let mut labels = self.labels.clone();
        labels.reverse();
        let star = if self.below { "*." } else { "" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{star}{}{port}", labels.join("."))
    }

    fn speaks_of(&self, asked: &[&str], port: u16) -> bool {
        let deeper =
            if self.below { asked.len() > self.labels.len() } else { asked.len() == self.labels.len() };
        deeper && asked.starts_with(&self.labels) && self.port.is_none_or(|wanted| wanted == port)
    }
}

/// The meaning of a policy in three lines: a deny that speaks of the host wins, then an allow, then the mode.
fn model(mode: NetworkMode, rules: &[Written], asked: &[&str], port: u16) -> bool {
    let says = |allow| rules.iter().any(|rule| rule.allow == allow && rule.speaks_of(asked, port));
    mode != NetworkMode::Deny && !says(false) && (says(true) || mode == NetworkMode::Open)
}

fn labels(shortest: usize) -> impl Strategy<Value = Vec<&'static str>> {
    let label = prop::sample::select(vec!["a", "b", "ab", "x-y"]);
    let top = prop::sample::select(vec!["example", "test"]);
    (top, prop::collection::vec(label, shortest..4)).prop_map(|(top, rest)| [vec![top], rest].concat())
}

fn written() -> impl Strategy<Value = Written> {
    let port = prop::option::of(prop::sample::select(vec![22_u16, 443]));
    (labels(1), any::<bool>(), port, any::<bool>()).prop_map(|(labels, below, port, allow)| Written {
        labels,
        below,
        port,
        allow,
    })
}

fn mode() -> impl Strategy<Value = NetworkMode> {
    prop::sample::select(vec![NetworkMode::Deny, NetworkMode::AllowList, NetworkMode::Open])
}

fn spelled(labels: &[&str], style: u8) -> String {
    let mut labels = labels.to_vec();
    labels.reverse();
    let name = labels.join(".");
    match style % 4 {
        0 => name,
        1 => name.to_ascii_uppercase(),
        2 => format!("{name}."),
        _ => name.replace('.', "\u{ff0e}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_judge_agrees_with_the_model(
        mode in mode(),
        rules in prop::collection::vec(written(), 0..6),
        asked in labels(1),
        port in prop::sample::select(vec![22_u16, 80, 443]),
        style in any::<u8>(),
    ) {
        let texts: Vec<(String, bool)> = rules.iter().map(|rule| (rule.text(), rule.allow)).collect();
        let pairs: Vec<(&str, bool)> = texts.iter().map(|(text, allow)| (text.as_str(), *allow)).collect();
        let judge = Judge::new(network(mode, &pairs), []);
        let ruling = judge.connect(&host(&spelled(&asked, style)), port, &Grants::none());
        prop_assert_eq!(ruling.is_allowed(), model(mode, &rules, &asked, port), "{:?}", ruling);
        let asking = judge.clone().asking().connect(&host(&spelled(&asked, style)), port, &Grants::none());
        // An approver never makes an allowance of a denial, only a question.
        prop_assert_eq!(asking.is_allowed(), ruling.is_allowed());
    }

    #[test]
    fn a_further_denial_never_allows(
        mode in mode(),
        rules in prop::collection::vec(written(), 0..5),
        more in written(),
        asked in labels(1),
    ) {
        let texts: Vec<(String, bool)> = rules.iter().map(|rule| (rule.text(), rule.allow)).collect();
        let mut pairs: Vec<(&str, bool)> = texts.iter().map(|(text, allow)| (text.as_str(), *allow)).collect();
        let before = Judge::new(network(mode, &pairs), []).connect(&host(&spelled(&asked, 0)), 443, &Grants::none());
        let extra = more.text();
        pairs.push((&extra, false));
        let after = Judge::new(network(mode, &pairs), []).connect(&host(&spelled(&asked, 0)), 443, &Grants::none());
        prop_assert!(before.is_allowed() || !after.is_allowed());
    }

    #[test]
    fn no_special_address_is_ever_let_pass(octets in any::<[u8; 4]>(), segments in any::<[u16; 8]>(), v6 in any::<bool>()) {
        let address: IpAddr = if v6 { segments.into() } else { octets.into() };
        let judge = Judge::new(network(NetworkMode::Open, &[("0.0.0.0/0", true), ("::/0", true)]), []);
        let allowed = !judge.addresses(443, &[address]).allowed.is_empty();
        prop_assert_eq!(allowed, is_public(address), "{}", address);
    }

    #[test]
    fn every_spelling_of_an_address_is_the_address(bits in any::<u32>(), style in 0_u8..6) {
        let [a, b, c, d] = bits.to_be_bytes();
        let text = match style {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => format!("{bits}"),
            2 => format!("0x{bits:x}"),
            3 => format!("0{a:o}.0x{b:X}.{}", u32::from(c) * 256 + u32::from(d)),
            4 => format!("{a}.{}", bits & 0x00ff_ffff),
            _ => format!("[::ffff:{a}.{b}.{c}.{d}]"),
        };
        prop_assert_eq!(host(&text), Host::from(IpAddr::from([a, b, c, d])), "{}", text);
    }

    #[test]
    fn a_host_has_one_spelling(text in "\\PC{0,24}|[a-zA-Z0-9.:\\[\\]x-]{0,24}") {
        if let Ok(read) = Host::read(&text) {
            prop_assert_eq!(Host::read(&read.text()), Ok(read.clone()));
            prop_assert_eq!(garth_policy::normalise_host(&read.text()), Some(read.text()));
        }
    }
}

/// The registries again, written another way: ranges of numbers rather than prefixes.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let number = u32::from(address);
            let within = |first: [u8; 4], last: [u8; 4]| {
                (u32::from_be_bytes(first)..=u32::from_be_bytes(last)).contains(&number)
            };
            !(within([0, 0, 0, 0], [0, 255, 255, 255])
                || within([10, 0, 0, 0], [10, 255, 255, 255])
                || within([100, 64, 0, 0], [100, 127, 255, 255])
                || within([127, 0, 0, 0], [127, 255, 255, 255])
                || within([168, 63, 129, 16], [168, 63, 129, 16])
                || within([169, 254, 0, 0], [169, 254, 255, 255])
                || within([172, 16, 0, 0], [172, 31, 255, 255])
                || within([192, 0, 0, 0], [192, 0, 0, 255])
                || within([192, 0, 2, 0], [192, 0, 2, 255])
                || within([192, 88, 99, 0], [192, 88, 99, 255])
                || within([192, 168, 0, 0], [192, 168, 255, 255])
                || within([198, 18, 0, 0], [198, 19, 255, 255])
                || within([198, 51, 100, 0], [198, 51, 100, 255])
                || within([203, 0, 113, 0], [203, 0, 113, 255])
                || number >= 0xe000_0000)
        }
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                return is_public(mapped.into());
            }
            let [first, second, ..] = address.segments();
            if address.segments().starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]) {
                let [.., high, low] = address.segments();
                return is_public(((u32::from(high) << 16) | u32::from(low)).to_be_bytes().into());
            }
            (0x2000..=0x3fff).contains(&first)
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                && first != 0x2002
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

/// Mode, domains, and the names that are allowed and forbidden.
type Chosen<'c> = (NetworkMode, &'c [(&'c str, bool)], Option<&'c str>, &'c str);

#[test]
fn a_canary_is_told_apart_under_any_policy() {
    let resolves = |judge: &Judge, name: &str| match Host::read(name) {
        Ok(host) => judge.resolves(&host, &Grants::none()).verdict != Verdict::Deny,
        Err(_) => false,
    };
    let cases: [Chosen<'_>; 7] = [
        (NetworkMode::AllowList, &[("a.test", true)], Some("a.test"), "garth-canary.invalid"),
        (NetworkMode::AllowList, &[("*.a.test", true)], Some("garth-canary.a.test"), "garth-canary.invalid"),
        (NetworkMode::AllowList, &[("a.test", true), ("b.test", false)], Some("a.test"), "b.test"),
        (
            NetworkMode::AllowList,
            &[("a.test", true), ("a.test:443", false)],
            Some("a.test"),
            "garth-canary.invalid",
        ),
        (NetworkMode::AllowList, &[("93.184.216.34", true)], None, "garth-canary.invalid"),
        (NetworkMode::Deny, &[], None, "garth-canary.invalid"),
        (NetworkMode::Open, &[], Some("garth-canary.example"), "garth-canary.invalid"),
    ];
    for (mode, domains, allowed, forbidden) in cases {
        let judge = Judge::new(network(mode, domains), []);
        let canary = judge.canary();
        assert_eq!(
            (canary.allowed.as_deref(), canary.forbidden.as_str()),
            (allowed, forbidden),
            "{domains:?}"
        );
        assert!(
            canary.allowed.is_none_or(|name| resolves(&judge, &name)) && !resolves(&judge, &canary.forbidden)
        );
    }
    // Where everything that could be forbidden is named, what is no name still gets no address.
    let all = [
        ("metadata.google.internal", true),
        ("garth-canary.invalid", true),
        ("garth-canary.localhost", true),
    ];
    let judge = Judge::new(network(NetworkMode::Open, &all), []);
    assert!(!resolves(&judge, &judge.canary().forbidden));
    let asking = Judge::new(network(NetworkMode::AllowList, &[]), []).asking();
    assert!(!resolves(&asking, &asking.canary().forbidden));
}

#[test]
fn a_hint_names_no_port_that_nobody_asked_for() {
    let judge = Judge::new(network(NetworkMode::AllowList, &[("a.test", true)]), []);
    let line = |ruling: garth_egress::core::Ruling| ruling.hint.unwrap().line;
    let name = host("host.docker.internal");
    assert_eq!(line(judge.resolves(&name, &Grants::none())), "host-ports = [PORT]");
    assert_eq!(line(judge.connect(&name, 5432, &Grants::none())), "host-ports = [5432]");
    assert_eq!(line(judge.connect(&host("127.0.0.1"), 5432, &Grants::none())), "host-ports = [5432]");
    assert_eq!(line(judge.resolves(&host("b.test"), &Grants::none())), "\"b.test\" = \"allow\"");
}
