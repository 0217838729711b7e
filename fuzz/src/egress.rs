//! What programs inside the garden send to the broker.

use garth_egress::core::{
    FrameFault, Frames, Host, Opening, Progress, Secret, Secrets, authority, dns, http, opening, socks, tls,
};
use garth_policy::{HostPattern, Layer, Origin, SecretBinding, SecretPlace, SecretSource, normalise_host};

/// The start of a stream that begins like TLS. What was read of a prefix is what is read of the whole.
pub fn client_hello(data: &[u8]) {
    incremental(data, tls::client_hello);
    if let Ok(Progress::Done { value, .. }) = tls::client_hello(data) {
        assert!(value.server_name.is_none_or(|host| host.address().is_none()), "an address as server name");
    }
}

/// A message to the name server. Its answer is one, to the same question, and no question itself.
pub fn dns_message(data: &[u8]) {
    incremental(data, |bytes| Ok::<_, ()>(dns::frame(bytes)));
    let addresses = ["198.18.0.1", "2001:2::1"].map(|text| text.parse());
    let [Ok(v4), Ok(v6)] = addresses else { return };
    match dns::query(data) {
        Err(fault) => {
            if let Some(reply) = dns::fault_reply(fault) {
                assert!(reply.get(..2) == data.get(..2) && is_answer(&reply));
            }
        }
        Ok(query) => {
            let replies = [
                dns::Reply::Addresses(&[v4, v6]),
                dns::Reply::Empty,
                dns::Reply::NoSuchName("reason"),
                dns::Reply::Refused("reason"),
                dns::Reply::Failure,
            ];
            for reply in replies {
                let reply = dns::reply(&query, &reply);
                assert!(reply.get(..2) == data.get(..2) && is_answer(&reply));
                assert!(reply.len() <= 512, "does not fit into a datagram: {}", reply.len());
                assert_eq!(dns::query(&reply), Err(dns::DnsFault::Silent));
            }
        }
    }
}

fn is_answer(message: &[u8]) -> bool {
    message.len() >= 12 && message.get(2).is_some_and(|flags| flags & 0x80 != 0)
}

/// A host, as any program may spell it. It has one spelling, which the policy reads the same.
pub fn egress_host(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(host) = Host::read(text) {
        assert_eq!(Host::read(&host.text()).as_ref(), Ok(&host), "a second spelling");
        assert_eq!(normalise_host(&host.text()), Some(host.text()), "another reading by the policy");
        assert_eq!(authority(&host.with_port(443)), Ok((host.clone(), Some(443))), "{host}");
    }
    // The policy does not look into A-labels, which may be broken.
    if let (Some(strict), Ok(host)) = (normalise_host(text), Host::read(text)) {
        assert_eq!(host.text(), strict, "the policy reads another host");
    }
}

/// The first bytes of a connection. What they are does not change with what follows.
pub fn first_bytes(data: &[u8]) {
    let whole = opening(data).done();
    for end in 0..data.len().min(512) {
        let Some(early) = data.get(..end).and_then(|part| opening(part).done()) else { continue };
        if early == Opening::Other {
            assert!(whole != Some(Opening::Http1) && whole != Some(Opening::Http2), "a request slipped by");
        }
    }
    // Whatever the strict parser takes for a request is told to be one.
    if let Ok(Progress::Done { .. }) = http::head(data) {
        assert!(matches!(whole, Some(Opening::Http1 | Opening::Http2)), "not told: {whole:?}");
    }
}

/// The head of a request. What is accepted has one length and one host.
pub fn http_head(data: &[u8]) {
    incremental(data, http::head);
    let Ok(Progress::Done { value: head, used }) = http::head(data) else { return };
    assert!(used <= http::LONGEST_HEAD && head.headers.len() <= http::MOST_HEADERS);
    assert!(head.values("content-length").count() + head.values("transfer-encoding").count() <= 1);
    assert!(head.values("host").count() <= 1);
    match (&head.target, &head.host) {
        (http::Target::Absolute { host, .. } | http::Target::Authority { host, .. }, Some((named, _))) => {
            assert_eq!(host, named);
        }
        (http::Target::Origin(_), None) => assert_eq!(head.minor_version, 0),
        _ => {}
    }
}

/// A header value. The secret is put in for its host alone, and taken out again wherever it is.
pub fn secret_value(data: &[u8]) {
    const PLACEHOLDER: &str = "garth-placeholder-0123";
    const VALUE: &str = "REAL";
    let Ok(pattern) = HostPattern::parse("api.example") else { return };
    let Ok(secret) = Secret::new("A", PLACEHOLDER, VALUE, vec![pattern]) else { return };
    let Ok(secrets) = Secrets::new(vec![secret]) else { return };
    for (name, is_private) in [("evil.example", true), ("api.example", false)] {
        let Ok(host) = Host::read(name) else { continue };
        let put = secrets.toward(&host, 443, is_private).header(data);
        let is_kept = put.seen.iter().all(|seen| seen.withheld.is_some());
        assert!(put.value.is_none() && is_kept, "the secret went to {name}");
    }
    let holds = |text: &[u8], part: &str| text.windows(part.len()).any(|window| window == part.as_bytes());
    if let Ok(host) = Host::read("api.example")
        && let Some(value) = secrets.toward(&host, 443, true).header(data).value
    {
        assert!(!holds(&value, PLACEHOLDER) || holds(data, VALUE), "a placeholder is left");
    }
    body_of(data, &secrets);
    // Also in a spelling of URLs, so that what comes back need not hold the value itself.
    match secrets.scrub(data, &[]) {
        Some(scrubbed) => assert!(holds(&scrubbed, PLACEHOLDER) && !holds(&scrubbed, VALUE)),
        None => assert!(!holds(data, VALUE)),
    }
}

/// A body that comes back, whole and in two pieces: as long as it was, without the value, and the same either way.
fn body_of(data: &[u8], secrets: &Secrets) {
    let Some((at, body)) = data.split_first() else { return };
    let Ok(host) = Host::read("api.example") else { return };
    let through = |pieces: [&[u8]; 2]| {
        let mut scrubber = secrets.toward(&host, 443, true).scrubber(&[])?;
        let mut out: Vec<u8> = pieces.into_iter().flat_map(|piece| scrubber.push(piece)).collect();
        out.extend(scrubber.finish());
        Some(out)
    };
    let whole = through([body, &[]]).unwrap_or_default();
    let cut = usize::from(*at).min(body.len());
    let (first, second) = body.split_at(cut);
    assert_eq!(through([first, second]).unwrap_or_default(), whole, "cut at {cut}");
    assert_eq!(whole.len(), body.len());
    assert!(!whole.windows(4).any(|window| window == b"REAL"), "the secret came back");
}

/// What stands for a secret, the secret, and whether it may go into bodies.
type Known = (String, &'static str, bool);

/// Two secrets for bodies and one that may not go into them, with what stands for them.
fn body_secrets() -> Option<(Secrets, Vec<Known>)> {
    let hosts = vec![HostPattern::parse("api.example").ok()?];
    let (mut secrets, mut known) = (Vec::new(), Vec::new());
    let body = [SecretPlace::Body];
    let rows = [("A", "the-real-value-A", &body[..]), ("B", "the.other_value~B", &body), ("C", "CCCC", &[])];
    for (number, (name, value, places)) in (1_u8..).zip(rows) {
        let binding = SecretBinding {
            name: name.to_owned(),
            from: SecretSource::Env(name.to_owned()),
            hosts: hosts.clone(),
            places: places.to_vec(),
            origin: Origin::unplaced(Layer::User, "fuzz"),
        };
        let secret = Secret::bound(&binding, value, [number; 16]).ok()?;
        known.push((secret.placeholder().to_owned(), value, !places.is_empty()));
        secrets.push(secret);
    }
    Some((Secrets::new(secrets).ok()?, known))
}

/// A body that goes up, in pieces: what stands for a secret of bodies becomes the value wherever the cuts are, all else
/// stays, and what was met is told, each once. The input writes placeholders, and beginnings of them, by numbers.
pub fn secret_body(data: &[u8]) {
    let Some((secrets, known)) = body_secrets() else { return };
    let ([size, rest @ ..], Ok(host)) = (data, Host::read("api.example")) else { return };
    let mut body = Vec::new();
    let mut letters = rest.iter().copied();
    while let Some(letter) = letters.next() {
        match (letter, known.get(usize::from(letter % 4))) {
            (0..4, Some((placeholder, ..))) => body.extend_from_slice(placeholder.as_bytes()),
            (4..8, Some((placeholder, ..))) => {
                let length = letters.next().map_or(0, usize::from) % (placeholder.len() + 1);
                body.extend(placeholder.bytes().take(length));
            }
            _ => body.push(letter),
        }
    }
    let Some(mut rewriter) = secrets.toward(&host, 443, true).body(None) else { return };
    let (mut out, mut told, mut pushed) = (Vec::new(), Vec::new(), 0);
    for piece in body.chunks(usize::from(*size).max(1)) {
        out.extend(rewriter.push(piece));
        told.extend(rewriter.news());
        pushed += piece.len();
        assert_eq!(out.len() + rewriter.held(), pushed, "a letter is lost");
    }
    out.extend(rewriter.finish());
    told.extend(rewriter.news());
    let (wanted, met) = written(&body, &known);
    assert_eq!(out, wanted);
    let mut names: Vec<_> = told.iter().map(|seen| (seen.name.as_str(), seen.withheld.is_none())).collect();
    names.sort_unstable();
    assert_eq!(names, met, "not what was met, or not once");
}

/// The same the simple way, with the whole body at hand.
fn written(body: &[u8], known: &[(String, &'static str, bool)]) -> (Vec<u8>, Vec<(&'static str, bool)>) {
    let (mut out, mut met) = (Vec::new(), std::collections::BTreeSet::new());
    let mut rest = body;
    while let Some((letter, after)) = rest.split_first() {
        let found = known.iter().zip(["A", "B", "C"]).find(|(row, _)| rest.starts_with(row.0.as_bytes()));
        let Some(((placeholder, value, goes), name)) = found else {
            out.push(*letter);
            rest = after;
            continue;
        };
        met.insert((name, *goes));
        out.extend_from_slice(if *goes { value.as_bytes() } else { placeholder.as_bytes() });
        rest = rest.get(placeholder.len()..).unwrap_or_default();
    }
    (out, met.into_iter().collect())
}

/// A WebSocket, whole and in pieces of a size that the input says: as long as it was, and the same however it is cut. A stream
/// that is no WebSocket is one in no piece.
pub fn websocket_frames(data: &[u8]) {
    let ([size, stream @ ..], Ok(host)) = (data, Host::read("api.example")) else { return };
    let Some((bodies, _)) = body_secrets() else { return };
    let Ok(pattern) = HostPattern::parse("api.example") else { return };
    let Ok(secret) = Secret::new("A", "garth-placeholder-0123", "REAL", vec![pattern]) else { return };
    let Ok(answers) = Secrets::new(vec![secret]) else { return };
    let taking = || answers.toward(&host, 443, true).scrubber(&[]).map(Frames::taking);
    let putting = || bodies.toward(&host, 443, true).body(None).map(Frames::putting);
    let through = |frames: Option<Frames>, size: usize| {
        let mut frames = frames?;
        let mut out = Vec::new();
        for piece in stream.chunks(size.max(1)) {
            match frames.push(piece) {
                Ok(passed) => out.extend(passed),
                Err(fault) => return Some(Err::<Vec<u8>, FrameFault>(fault)),
            }
        }
        out.extend(frames.finish());
        Some(Ok(out))
    };
    for outcome in
        [through(taking(), usize::MAX), through(putting(), usize::from(*size))].into_iter().flatten()
    {
        assert!(outcome.is_err() || outcome.is_ok_and(|out| out.len() == stream.len()), "a letter is lost");
    }
    assert_eq!(
        through(taking(), usize::MAX),
        through(taking(), usize::from(*size)),
        "it matters how it is cut"
    );
}

/// The messages of SOCKS, from a client and from a proxy upstream.
pub fn socks_message(data: &[u8]) {
    incremental(data, socks::greeting);
    incremental(data, socks::credentials);
    incremental(data, socks::request);
    incremental(data, socks::answered);
    if let Ok(Progress::Done { value, .. }) = socks::request(data)
        && let (socks::Command::Connect, Ok(host)) = (value.command, value.host)
        && let Some(again) = socks::client_request(&host, value.port)
    {
        let read = socks::request(&again).ok().and_then(Progress::done);
        assert_eq!(read.and_then(|read| read.host.ok()), Some(host));
    }
}

/// An incremental parser takes no more than is there, and a whole item stays the same whatever follows it.
fn incremental<'a, T: PartialEq + std::fmt::Debug, E: PartialEq + std::fmt::Debug>(
    data: &'a [u8],
    parse: impl Fn(&'a [u8]) -> Result<Progress<T>, E>,
) {
    let whole = parse(data);
    let Ok(Progress::Done { value, used }) = whole else { return };
    assert!(used <= data.len(), "took more than is there");
    let exact = data.get(..used).map(&parse);
    assert_eq!(exact, Some(Ok(Progress::Done { value, used })), "depends on what follows");
    let less = data.get(..used.saturating_sub(1)).map(&parse);
    assert_eq!(less, Some(Ok(Progress::Partial)), "whole before its last byte");
}
