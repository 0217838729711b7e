//! Reading the section `[network]`.

use super::reader::{Reader, Value, in_order, quoted};
use super::written::{BYTES, Written, keys};
use crate::env::is_name;
use crate::host::{HostError, HostPattern};
use crate::limits::parse_bytes;
use crate::network::{DomainRule, HttpRule, NetworkMode, SecretBinding, SecretPlace};
use crate::origin::Sourced;
use std::ops::Range;

/// Names per minute that are as good as any number: each costs a look-up outside.
const MOST_NEW_NAMES: u64 = 1_000_000;

impl Reader<'_> {
    pub(super) fn network(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let modes =
            [NetworkMode::Deny, NetworkMode::AllowList, NetworkMode::Open].map(|mode| (mode.name(), mode));
        for (key, value) in self.section(value, "network") {
            match key.get_ref().as_ref() {
                "mode" => {
                    out.mode = self
                        .choice(value, "network mode", &modes)
                        .map(|mode| self.sourced(mode, &value.span()));
                }
                "domains" => self.domains(value, out),
                "listen" => out.listen = Some(self.ports(value, "listen")),
                "host-ports" => out.host_ports = Some(self.ports(value, "host-ports")),
                "rules" => self.http_rules(value, out),
                "budget" => self.budget(value, out),
                "proxy" => self.proxy(value, out),
                _ => self.secrets(value, out),
            }
        }
        let silent = out.mode.as_ref().is_some_and(|mode| mode.value == NetworkMode::Deny);
        if let (true, Some(domain)) = (silent, out.domains.iter().find(|domain| domain.allow)) {
            let span = self.span_of(&domain.origin);
            let message = format!("allowing `{}` has no effect", domain.host);
            self.report("no-effect", span, message, "the mode is `deny`", "write `mode = \"allow-list\"`");
            self.soften();
        }
    }

    fn budget(&mut self, value: Value<'_, '_>, out: &mut Written) {
        for (key, value) in self.section(value, "network.budget") {
            if key.get_ref() == "upload" {
                out.upload = self.upload(value);
            } else {
                let number = self.number(value, "new-names", MOST_NEW_NAMES);
                out.new_names = number.map(|number| self.sourced(number, &value.span()));
            }
        }
    }

    fn upload(&mut self, value: Value<'_, '_>) -> Option<Sourced<u64>> {
        let some = |text: &str| parse_bytes(text).filter(|bytes| *bytes > 0);
        self.parsed(value, "amount of bytes to send", BYTES, some)
    }

    fn domains(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let hint = "write `domains = { \"example.com\" = \"allow\" }`";
        let Some(table) = self.table(value, "domains", hint) else { return };
        let mut seen: Vec<(HostPattern, bool, Range<usize>)> = Vec::new();
        for (key, value) in in_order(table) {
            let host = self.host(key.get_ref(), key.span());
            let allow = self.choice(value, "decision for a domain", &[("allow", true), ("deny", false)]);
            let (Some(host), Some(allow)) = (host, allow) else { continue };
            if let Some((_, before, span)) = seen.iter().find(|(known, _, _)| *known == host) {
                let message = format!("`{host}` stands here twice");
                let label = if *before == allow { "again" } else { "and here otherwise" };
                let span = span.clone();
                self.report("contradiction", key.span(), message, label, "keep one of the two lines");
                self.relate(span, "first here");
                continue;
            }
            seen.push((host.clone(), allow, key.span()));
            out.domains.push(DomainRule { host, allow, origin: self.origin(&key.span()) });
        }
    }

    fn host(&mut self, text: &str, span: Range<usize>) -> Option<HostPattern> {
        match HostPattern::parse(text) {
            Ok(host) => Some(host),
            Err(error) => {
                let hint = match error {
                    HostError::Everything => "write `mode = \"open\"` if every host is meant",
                    _ => "write a name such as \"example.com\", \"*.example.com\" or \"example.com:443\"",
                };
                self.report(
                    "bad-host",
                    span,
                    format!("{} names no host", quoted(text)),
                    error.to_string(),
                    hint,
                );
                None
            }
        }
    }

    fn hosts(&mut self, value: Value<'_, '_>, what: &str) -> Vec<HostPattern> {
        let texts = self.strings(value, what, "write a list of host names");
        texts.into_iter().filter_map(|(text, span)| self.host(text, span)).collect()
    }

    fn ports(&mut self, value: Value<'_, '_>, what: &str) -> Vec<Sourced<u16>> {
        let items = self.array(value, what, "write a list of ports such as [3000]");
        items
            .into_iter()
            .filter_map(|item| {
                let number = self.number(item, "a port", u64::from(u16::MAX))?;
                Some(self.sourced(u16::try_from(number).ok()?, &item.span()))
            })
            .collect()
    }

    fn http_rules(&mut self, value: Value<'_, '_>, out: &mut Written) {
        for item in self.array(value, "network.rules", "write `[[network.rules]]`") {
            let Some(table) = self.table(item, "each of network.rules", "write `[[network.rules]]`") else {
                continue;
            };
            let mut rule = HttpRule {
                host: HostPattern { host: String::new(), subdomains: false, port: None, prefix: None },
                methods: Vec::new(),
                paths: Vec::new(),
                upload: None,
                origin: self.origin(&item.span()),
            };
            let mut named = false;
            for (key, value) in self.known(table, "[[network.rules]]", keys("network.rules")) {
                match key.get_ref().as_ref() {
                    "host" => {
                        named = true;
                        let text = self.string(value, "host", "write a host name");
                        if let Some(host) = text.and_then(|text| self.host(text, value.span())) {
                            rule.host = host;
                        }
                    }
                    "methods" => rule.methods = self.methods(value),
                    "upload" => rule.upload = self.upload(value).map(|upload| upload.value),
                    _ => rule.paths = self.url_paths(value),
                }
            }
            if !named {
                self.report(
                    "missing-key",
                    item.span(),
                    "a network rule names no host",
                    "",
                    "add `host = \"...\"`",
                );
            }
            if !rule.host.host.is_empty() {
                out.rules.push(rule);
            }
        }
    }

    fn methods(&mut self, value: Value<'_, '_>) -> Vec<String> {
        let mut out = Vec::new();
        for (text, span) in self.strings(value, "methods", "write a list such as [\"GET\", \"HEAD\"]") {
            if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
                out.push(text.to_owned());
            } else {
                let message = format!("{} is no HTTP method", quoted(text));
                self.report("bad-value", span, message, "", "write it in capitals, such as \"GET\"");
            }
        }
        out
    }

    fn url_paths(&mut self, value: Value<'_, '_>) -> Vec<String> {
        let mut out = Vec::new();
        for (text, span) in self.strings(value, "paths", "write a list such as [\"/repos/acme/**\"]") {
            if text.starts_with('/')
                && !text.contains(['?', '#', '\\'])
                && !text.split('/').any(|part| part == "..")
            {
                out.push(text.to_owned());
            } else {
                let message = format!("{} is no path of a URL", quoted(text));
                self.report(
                    "bad-value",
                    span,
                    message,
                    "",
                    "write a path that starts with `/`, without a query",
                );
            }
        }
        out
    }

    fn secrets(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let hint = "write `[network.secrets.NAME]` with `from` and `hosts`";
        let Some(table) = self.table(value, "network.secrets", hint) else { return };
        for (name, value) in in_order(table) {
            let Some(inner) = self.table(value, "each of network.secrets", hint) else { continue };
            let heading = format!("[network.secrets.{}]", name.get_ref());
            let (mut from, mut hosts, mut places) = (None, Vec::new(), SecretPlace::USUAL.to_vec());
            for (key, value) in self.known(inner, &heading, keys("network.secrets")) {
                match key.get_ref().as_ref() {
                    "from" => from = self.secret_source(value),
                    "in" => places = self.secret_places(value),
                    _ => hosts = self.hosts(value, "hosts"),
                }
            }
            if !is_name(name.get_ref()) {
                let message = format!("{} is no name of a variable", quoted(name.get_ref()));
                self.report("bad-value", name.span(), message, "", "use letters, digits and `_`");
            } else if hosts.is_empty() {
                let message = format!("the secret `{}` goes to no host", name.get_ref());
                self.report("missing-key", name.span(), message, "", "add `hosts = [\"...\"]`");
            } else if let Some(from) = from {
                let (name, origin) = (name.get_ref().to_string(), self.origin(&name.span()));
                out.secrets.push(SecretBinding { name, from, hosts, places, origin });
            } else if !inner.contains_key("from") {
                let message = format!("the secret `{}` has no source", name.get_ref());
                self.report("missing-key", name.span(), message, "", "add `from = \"env:NAME\"`");
            }
        }
    }
}
