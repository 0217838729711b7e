//! Secrets and one request: which of them may go to its host, what its parts look like with their values, and what is taken
//! out of the answer.

use super::host::Host;
use super::http::basic_token;
use super::pattern::Pattern;
use super::rewrite::{Deed, Rewriter};
use super::secret::{Secret, Secrets};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use core::ops::Range;
use garth_policy::SecretPlace;
use serde::{Deserialize, Serialize};

/// Why a placeholder was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withholding {
    /// The host is none of the secret's, or would be reached without TLS.
    Host,
    /// The secret's rule does not name this part of a request.
    Place,
    /// The body is compressed, so it could not be searched. A placeholder may or may not be there.
    Coded,
    /// The value holds a letter that a form writes differently.
    Form,
    /// It stood in the trailers of a request, into which nothing is put.
    Trailer,
    /// The connection went on in another protocol, which is not searched. A placeholder may or may not be there.
    Upgraded,
}

impl fmt::Display for Withholding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Host => "the host is none of the secret's, or it would go there without TLS",
            Self::Place => "the secret's rule does not name this part of a request in `in`",
            Self::Coded => "the body is compressed and could not be searched",
            Self::Form => "the value holds a letter that a form writes differently",
            Self::Trailer => "nothing is put into trailers",
            Self::Upgraded => "what follows an upgrade to another protocol is not searched",
        })
    }
}

/// A placeholder that was met in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSeen {
    /// Name of the secret.
    pub name: String,
    /// Where it stood.
    pub place: SecretPlace,
    /// Why it was left; `None` if the value was put in.
    pub withheld: Option<Withholding>,
}

/// What is done about one secret in one part.
type Verdict = Option<Withholding>;

/// A part of a request after substitution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Substituted {
    /// The new text; `None` if it stays as it is.
    pub value: Option<Vec<u8>>,
    /// The placeholders that were there.
    pub seen: Vec<SecretSeen>,
    /// Credentials of the scheme `Basic` that were written anew, with what the client sent in their place. They are the
    /// secret in another form.
    pub tokens: Vec<Token>,
}

/// Credentials in base64 that hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    real: Vec<u8>,
    sent: Vec<u8>,
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Token").finish_non_exhaustive()
    }
}

/// The secrets of a session as one request has to do with them.
#[derive(Clone, Debug)]
pub struct Toward<'s> {
    /// Each with whether it may go to the host.
    all: Vec<(&'s Secret, bool)>,
}

impl Secrets {
    /// For a request to `host`. `is_private` says that it goes over TLS.
    #[must_use]
    pub fn toward(&self, host: &Host, port: u16, is_private: bool) -> Toward<'_> {
        let text = if self.is_empty() { String::new() } else { host.text() };
        let all = self.all().iter().map(|secret| (secret, secret.goes_to(&text, port, is_private)));
        Toward { all: all.collect() }
    }

    /// Takes secrets out of a header value that comes back, also where the server wrote them with escapes or in base64; `None` if
    /// it holds none.
    #[must_use]
    pub fn scrub(&self, value: &[u8], tokens: &[Token]) -> Option<Vec<u8>> {
        let mut changed: Option<Vec<u8>> = None;
        let values = self.all().iter().map(|secret| (forms(secret), secret.placeholder().as_bytes()));
        let tokens = tokens.iter().map(|token| (vec![Pattern::exact(&token.real)], token.sent.as_slice()));
        for (patterns, by) in tokens.chain(values) {
            let current = changed.as_deref().unwrap_or(value);
            changed = Pattern::replace(&patterns, current, by).or(changed);
        }
        changed
    }
}

impl Toward<'_> {
    /// True if some secret may go to the host, so that it could come back.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.all.iter().any(|(_, goes)| *goes)
    }

    fn verdict(&self, at: usize, place: SecretPlace) -> Verdict {
        match self.all.get(at) {
            Some((_, false)) | None => Some(Withholding::Host),
            Some((secret, true)) => (!secret.goes_in(place)).then_some(Withholding::Place),
        }
    }

    /// Puts secrets into a header value. Credentials of the scheme `Basic` are looked into.
    #[must_use]
    pub fn header(&self, value: &[u8]) -> Substituted {
        let mut out = Substituted::default();
        let plain = |secret: &Secret| secret.value().as_bytes().to_vec();
        let mut changed = self.replace(value, SecretPlace::Headers, plain, &mut out.seen);
        let token = basic_token(value);
        let inner = token.and_then(|token| STANDARD.decode(token).ok());
        if let (Some(token), Some(inner)) = (token, inner)
            && let Some(inner) = self.replace(&inner, SecretPlace::Headers, plain, &mut out.seen)
        {
            let real = STANDARD.encode(inner);
            changed = Some(format!("Basic {real}").into_bytes());
            out.tokens.push(Token { real: real.into_bytes(), sent: token.to_vec() });
        }
        out.value = changed;
        out
    }

    /// Puts secrets into the path and the query of a target, percent-encoded: none adds a segment or a parameter.
    #[must_use]
    pub fn target(&self, target: &str) -> Substituted {
        let mut seen = Vec::new();
        let encoded = |secret: &Secret| percent_encoded(secret.value()).into_bytes();
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let new_path = self.replace(path.as_bytes(), SecretPlace::Path, encoded, &mut seen);
        let new_query =
            query.and_then(|query| self.replace(query.as_bytes(), SecretPlace::Query, encoded, &mut seen));
        let is_changed = new_path.is_some() || new_query.is_some();
        let mut value = new_path.unwrap_or_else(|| path.as_bytes().to_vec());
        if let Some(query) = query {
            value.push(b'?');
            value.extend(new_query.unwrap_or_else(|| query.as_bytes().to_vec()));
        }
        Substituted { value: is_changed.then_some(value), seen, tokens: Vec::new() }
    }

    /// What puts secrets into the body; `None` if there are no secrets. `kind` is the value of `Content-Type`.
    #[must_use]
    pub fn body(&self, kind: Option<&[u8]>) -> Option<BodySecrets> {
        let form = b"application/x-www-form-urlencoded";
        let is_form =
            kind.and_then(|kind| kind.get(..form.len())).is_some_and(|kind| kind.eq_ignore_ascii_case(form));
        let mut rules = Vec::new();
        let mut seen = Vec::new();
        for (at, (secret, _)) in self.all.iter().enumerate() {
            let no_form = is_form && percent_encoded(secret.value()) != secret.value();
            let withheld =
                self.verdict(at, SecretPlace::Body).or_else(|| no_form.then_some(Withholding::Form));
            let deed = match withheld {
                None => Deed::Put(secret.value().as_bytes().to_vec()),
                Some(_) => Deed::Leave,
            };
            let placeholder = secret.placeholder().as_bytes();
            let first = rules.len();
            rules.push((Pattern::exact(placeholder), deed.clone()));
            rules
                .extend(Pattern::coded(placeholder, true).into_iter().map(|pattern| (pattern, deed.clone())));
            let name = secret.name().to_owned();
            seen.push((SecretSeen { name, place: SecretPlace::Body, withheld }, first..rules.len()));
        }
        (!rules.is_empty()).then(|| BodySecrets { rewriter: Rewriter::new(rules), seen })
    }

    /// The secrets that would be put into the body if it were not compressed.
    #[must_use]
    pub fn coded_body(&self) -> Vec<SecretSeen> {
        let theirs = (0..self.all.len()).filter(|at| self.verdict(*at, SecretPlace::Body).is_none());
        let named = theirs.filter_map(|at| self.all.get(at)).map(|(secret, _)| secret.name().to_owned());
        let withheld = Some(Withholding::Coded);
        named.map(|name| SecretSeen { name, place: SecretPlace::Body, withheld }).collect()
    }

    /// The secrets of the host that a client may mean to send after an upgrade: those that its request did not carry.
    #[must_use]
    pub fn upgraded(&self, carried: &[SecretSeen]) -> Vec<SecretSeen> {
        let is_carried = |secret: &Secret| {
            carried.iter().any(|seen| seen.withheld.is_none() && seen.name == secret.name())
        };
        let theirs = self.all.iter().filter(|(secret, goes)| *goes && !is_carried(secret));
        let withheld = Some(Withholding::Upgraded);
        let seen = |name: &str| SecretSeen { name: name.to_owned(), place: SecretPlace::Body, withheld };
        theirs.map(|(secret, _)| seen(secret.name())).collect()
    }

    /// The placeholders in a trailer of the request, which stay.
    #[must_use]
    pub fn trailer(&self, value: &[u8]) -> Vec<SecretSeen> {
        let mut seen = Vec::new();
        for (at, (secret, _)) in self.all.iter().enumerate() {
            let pattern = [Pattern::exact(secret.placeholder().as_bytes())];
            if Pattern::replace(&pattern, value, b"").is_some() {
                let withheld = match self.verdict(at, SecretPlace::Headers) {
                    Some(Withholding::Host) => Withholding::Host,
                    _ => Withholding::Trailer,
                };
                let name = secret.name().to_owned();
                seen.push(SecretSeen { name, place: SecretPlace::Headers, withheld: Some(withheld) });
            }
        }
        seen
    }

    /// What takes secrets out of a body that comes back, also with escapes and in base64; `None` if none may have gone there.
    #[must_use]
    pub fn scrubber(&self, tokens: &[Token]) -> Option<Rewriter> {
        let values = self.all.iter().filter(|(_, goes)| *goes);
        let values = values.flat_map(|(secret, _)| forms(secret));
        let tokens = tokens.iter().map(|token| Pattern::exact(&token.real));
        let rules: Vec<_> = tokens.chain(values).map(|pattern| (pattern, Deed::Mask)).collect();
        (!rules.is_empty()).then(|| Rewriter::new(rules))
    }

    fn replace(
        &self,
        text: &[u8],
        place: SecretPlace,
        value: impl Fn(&Secret) -> Vec<u8>,
        seen: &mut Vec<SecretSeen>,
    ) -> Option<Vec<u8>> {
        let mut changed: Option<Vec<u8>> = None;
        for (at, (secret, _)) in self.all.iter().enumerate() {
            let current = changed.as_deref().unwrap_or(text);
            let pattern = [Pattern::exact(secret.placeholder().as_bytes())];
            let Some(new) = Pattern::replace(&pattern, current, &value(secret)) else { continue };
            let withheld = self.verdict(at, place);
            if withheld.is_none() {
                changed = Some(new);
            }
            seen.push(SecretSeen { name: secret.name().to_owned(), place, withheld });
        }
        changed
    }
}

/// The value of a secret as it may come back.
fn forms(secret: &Secret) -> Vec<Pattern> {
    let value = secret.value().as_bytes();
    Pattern::spellings(value).into_iter().chain(Pattern::coded(value, false)).collect()
}

/// Puts secrets into one body while it streams, and tells which were met.
#[derive(Clone, Debug)]
pub struct BodySecrets {
    rewriter: Rewriter,
    /// Those that were not told yet, each with its rules of the rewriter.
    seen: Vec<(SecretSeen, Range<usize>)>,
}

impl BodySecrets {
    /// Takes a piece; returns what may go on.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.rewriter.push(piece)
    }

    /// What is held back when the body ends.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        self.rewriter.finish()
    }

    /// How many bytes are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.rewriter.held()
    }

    /// The placeholders that were met for the first time since the last call.
    #[must_use]
    pub fn news(&mut self) -> Vec<SecretSeen> {
        let Self { rewriter, seen } = self;
        let met = seen.extract_if(.., |(_, rules)| rules.clone().any(|rule| rewriter.has_met(rule)));
        met.map(|(seen, _)| seen).collect()
    }
}

/// With everything but unreserved letters as `%XX` (RFC 3986 section 2.3).
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |number: u8| char::from_digit(u32::from(number), 16).unwrap_or('0');
            out.extend(['%', digit(byte >> 4).to_ascii_uppercase(), digit(byte & 15).to_ascii_uppercase()]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::{HostPattern, Layer, Origin, SecretBinding, SecretSource};

    const PLACEHOLDER: &str = "garth-placeholder-0123456789abcdef";

    fn secrets() -> Secrets {
        let hosts =
            vec![HostPattern::parse("api.example").unwrap(), HostPattern::parse("plain.example:80").unwrap()];
        let other = Secret::new("B", "garth-other-0123456789abcdef", "bbb", Vec::new()).unwrap();
        Secrets::new(vec![Secret::new("A", PLACEHOLDER, "real", hosts).unwrap(), other]).unwrap()
    }

    /// One secret in these places, with its placeholder.
    fn placed(places: &[SecretPlace], value: &str) -> (Secrets, String) {
        let binding = SecretBinding {
            name: "A".to_owned(),
            from: SecretSource::Env("A".to_owned()),
            hosts: vec![HostPattern::parse("api.example").unwrap()],
            places: places.to_vec(),
            origin: Origin::unplaced(Layer::User, "test"),
        };
        let secret = Secret::bound(&binding, value, [7; 16]).unwrap();
        let placeholder = secret.placeholder().to_owned();
        (Secrets::new(vec![secret]).unwrap(), placeholder)
    }

    fn host(name: &str) -> Host {
        Host::read(name).unwrap()
    }

    fn put(name: &str, port: u16, is_private: bool, value: &str) -> Substituted {
        secrets().toward(&host(name), port, is_private).header(value.as_bytes())
    }

    fn kept(seen: &[SecretSeen]) -> Vec<Option<Withholding>> {
        seen.iter().map(|seen| seen.withheld).collect()
    }

    #[test]
    fn only_the_hosts_of_the_rule_see_the_value() {
        let bearer = format!("Bearer {PLACEHOLDER}");
        let there = put("api.example", 443, true, &bearer);
        assert_eq!(there.value.as_deref(), Some(&b"Bearer real"[..]));
        let (name, place) = ("A".to_owned(), SecretPlace::Headers);
        assert_eq!(there.seen, [SecretSeen { name, place, withheld: None }]);
        for (name, port, is_private) in [
            ("evil.example", 443, true),
            ("api.example", 80, false),
            ("plain.example", 81, false),
            ("x.api.example", 443, true),
        ] {
            let elsewhere = put(name, port, is_private, &bearer);
            assert_eq!(elsewhere.value, None, "{name}");
            assert_eq!(kept(&elsewhere.seen), [Some(Withholding::Host)]);
        }
        assert!(put("plain.example", 80, false, &bearer).value.is_some());
        assert_eq!(put("api.example", 443, true, "Bearer x"), Substituted::default());
    }

    #[test]
    fn basic_credentials_are_looked_into() {
        let basic = super::super::http::basic_value;
        let value = basic("user", PLACEHOLDER);
        let there = put("api.example", 443, true, &value);
        let wanted = basic("user", "real");
        assert_eq!(there.value.as_deref(), Some(wanted.as_bytes()));
        assert_eq!(kept(&put("evil.example", 443, true, &value).seen), [Some(Withholding::Host)]);
        // What was written anew is the secret in another form, and is taken out of the answer too.
        let all = secrets();
        assert_eq!(all.scrub(wanted.as_bytes(), &there.tokens), Some(value.into_bytes()));
        let api = host("api.example");
        let mut scrubber = all.toward(&api, 443, true).scrubber(&there.tokens).unwrap();
        let token = wanted.strip_prefix("Basic ").unwrap();
        assert_eq!(
            scrubber.push(format!("<{token}>").as_bytes()),
            format!("<{}>", "*".repeat(token.len())).as_bytes()
        );
    }

    #[test]
    fn an_echo_comes_back_as_the_placeholder() {
        let back = secrets().scrub(b"token=real; real", &[]);
        assert_eq!(back, Some(format!("token={PLACEHOLDER}; {PLACEHOLDER}").into_bytes()));
        assert_eq!(secrets().scrub(b"nothing", &[]), None);
        let (odd, placeholder) = placed(&[SecretPlace::Query], "a/b?c");
        let back = odd.scrub(b"https://other.example/?k=a%2fb%3Fc", &[]);
        assert_eq!(back, Some(format!("https://other.example/?k={placeholder}").into_bytes()));
    }

    #[test]
    fn a_value_adds_neither_segment_nor_parameter_to_a_target() {
        let (all, mark) = placed(&[SecretPlace::Path, SecretPlace::Query], "a/../b?c=d&e#f %2");
        let api = host("api.example");
        let toward = all.toward(&api, 443, true);
        let put = toward.target(&format!("/bot{mark}/x?key={mark}&y=1?"));
        let value = "a%2F..%2Fb%3Fc%3Dd%26e%23f%20%252";
        assert_eq!(put.value, Some(format!("/bot{value}/x?key={value}&y=1?").into_bytes()));
        assert_eq!(kept(&put.seen), [None, None]);
        // Headers are not named.
        assert_eq!(kept(&toward.header(mark.as_bytes()).seen), [Some(Withholding::Place)]);
        assert_eq!(toward.target("/plain?x"), Substituted::default());
    }

    #[test]
    fn each_part_is_named_by_itself() {
        let api = host("api.example");
        for place in SecretPlace::ALL {
            let (all, mark) = placed(&[place], "0123456789-real-value");
            let toward = all.toward(&api, 443, true);
            let put = toward.target(&format!("/{mark}?{mark}"));
            let is = |one| if place == one { None } else { Some(Withholding::Place) };
            assert_eq!(kept(&put.seen), [is(SecretPlace::Path), is(SecretPlace::Query)]);
            assert_eq!(kept(&toward.header(mark.as_bytes()).seen), [is(SecretPlace::Headers)]);
            let mut body = toward.body(None).unwrap();
            let passed = body.push(mark.as_bytes());
            assert_eq!(kept(&body.news()), [is(SecretPlace::Body)]);
            assert_eq!(passed == b"0123456789-real-value", place == SecretPlace::Body);
            assert_eq!(toward.coded_body().len(), usize::from(place == SecretPlace::Body));
            assert!(all.toward(&host("evil.example"), 443, true).coded_body().is_empty());
        }
    }

    #[test]
    fn a_body_gets_the_value_at_the_same_length_however_it_is_cut() {
        let value = "0123456789+/real=";
        let (all, mark) = placed(&[SecretPlace::Body], value);
        let (api, evil) = (host("api.example"), host("evil.example"));
        let text = format!("{{\"key\": \"{mark}\", \"half\": \"{}\"}}", &mark[..9]);
        for cut in 0..text.len() {
            let mut body = all.toward(&api, 443, true).body(Some(b"application/json")).unwrap();
            let mut out = body.push(&text.as_bytes()[..cut]);
            assert_eq!(out.len() + body.held(), cut);
            out.extend(body.push(&text.as_bytes()[cut..]));
            out.extend(body.finish());
            assert_eq!(String::from_utf8(out).unwrap(), text.replace(&mark, value));
            assert_eq!(kept(&body.news()), [None]);
            assert!(body.news().is_empty(), "told twice");
        }
        // Where it may not go, or cannot be written, it is told of and stays.
        let form: &[u8] = b"application/x-www-form-urlencoded; charset=utf-8";
        for (host, kind, why) in [(&evil, None, Withholding::Host), (&api, Some(form), Withholding::Form)] {
            let mut body = all.toward(host, 443, true).body(kind).unwrap();
            assert_eq!(body.push(text.as_bytes()), text.as_bytes());
            assert_eq!(kept(&body.news()), [Some(why)]);
        }
    }
}
