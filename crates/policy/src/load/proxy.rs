//! Reading `[network.proxy]`.

use super::reader::{Reader, Value, quoted};
use super::written::Written;
use crate::network::SecretSource;
use crate::origin::Sourced;
use crate::proxy::{ProxyPlace, ProxyRule};

const URL: &str =
    "write `url = \"http://proxy.example:3128\"`, `\"socks5h://proxy.example:1080\"` or `\"none\"`";
const EXCEPT: &str = "write names and addresses such as `except = [\"corp.example\", \"10.0.0.0/8\"]`";

impl Reader<'_> {
    pub(super) fn proxy(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let span = value.span();
        let mut is_named = false;
        let (mut place, mut except, mut credentials) = (None, Vec::new(), None);
        for (key, value) in self.section(value, "network.proxy") {
            match key.get_ref().as_ref() {
                "url" => (is_named, place) = (true, self.proxy_place(value)),
                "except" => except = self.exceptions(value),
                _ => credentials = self.secret_source(value).map(|source| (source, value.span())),
            }
        }
        let Some(place) = place else {
            if !is_named {
                self.report("missing-key", span, "the proxy has no `url`", "", URL);
            }
            return;
        };
        let (place, span) = place;
        if let (None, Some((_, span))) = (&place, &credentials) {
            let hint = "drop the line, or name the proxy";
            self.report(
                "no-effect",
                span.clone(),
                "there is no proxy to log in at",
                "`url` is \"none\"",
                hint,
            );
            self.soften();
        }
        let credentials: Option<SecretSource> = credentials.map(|(source, _)| source);
        let origin = self.origin(&span);
        out.proxy =
            Some(Sourced::new(ProxyRule { place, except, credentials, origin: origin.clone() }, origin));
    }

    /// The proxy, or that there is none, and where that stands.
    fn proxy_place(&mut self, value: Value<'_, '_>) -> Option<(Option<ProxyPlace>, std::ops::Range<usize>)> {
        let text = self.string(value, "url", URL)?;
        if text == "none" {
            return Some((None, value.span()));
        }
        if let Some(place) = ProxyPlace::parse(text) {
            return Some((Some(place), value.span()));
        }
        let (label, hint) = match text.contains('@') {
            true => (
                "a password does not belong into a policy, which is shown and logged",
                "write `credentials = \"env:NAME\"`, or another source, that has `user:password`",
            ),
            false => ("", URL),
        };
        // Not shown: it may hold a password.
        let shown = if text.contains('@') { "this".to_owned() } else { quoted(text) };
        self.report("bad-value", value.span(), format!("{shown} is no proxy"), label, hint);
        None
    }

    fn exceptions(&mut self, value: Value<'_, '_>) -> Vec<crate::HostPattern> {
        let texts = self.strings(value, "except", EXCEPT);
        let mut found = Vec::new();
        for (text, span) in texts {
            match crate::HostPattern::parse(text) {
                Ok(host) if host.port.is_none() => found.push(host),
                Ok(_) => {
                    let message = format!("{} has a port", quoted(text));
                    self.report(
                        "bad-host",
                        span,
                        message,
                        "an exception holds for every port",
                        "drop the port",
                    );
                }
                Err(error) => {
                    let message = format!("{} names no host", quoted(text));
                    self.report("bad-host", span, message, error.to_string(), EXCEPT);
                }
            }
        }
        found
    }
}
