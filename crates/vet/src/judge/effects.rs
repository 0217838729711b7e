//! What a command does, held against the policy.

use super::defaults::{Situation, default_for};
use super::paths::Target;
use super::{Code, Current, JudgedEffect, Judging, Reason, shown};
use crate::command::{Part, Problem, Span, Word};
use crate::effect::{Effect, EffectKind};
use crate::knowledge::COULD_BE_OPTION;
use crate::launch::{is_told_as_item, program_of};
use garth_policy::{
    AbsPath, Access, AccessRequest, CommandDecision, Decision, FileOp, NetworkMode, NodeKind, Outcome,
    RuleKind,
};

/// True if a rule denies it in so many words.
fn says_deny(decision: &Decision<'_>) -> bool {
    decision.rule.is_some_and(|rule| rule.access == Access::Deny)
}

/// True for a host that means the sandbox's own loopback.
fn is_own(host: &str) -> bool {
    let address = host.parse::<core::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Looks for the target of an effect among the words.
const MOST_LOOKS: usize = 500;

/// Effects of one command that are told; all are judged.
const MOST_SHOWN: usize = 1000;

/// Effects of a text that are judged, so that ten megabytes of redirections have their verdict in two seconds.
const MOST_JUDGED: usize = 300_000;

/// Words of a command in which addresses are looked for.
const MOST_SPELLED: usize = 1000;

/// Launchers, as they are called in [`crate::Command::via`], that run a command in another directory.
const MOVING: &[&str] = &[
    "env -C",
    "sudo -D",
    "find -execdir",
    "find -okdir",
    "chroot",
    "ssh",
    "git submodule foreach",
    "forfiles /c",
];

impl Judging<'_> {
    /// One effect. Redirections are judged also where a rule allows the command: the rule does not speak of them.
    pub(super) fn effect(&mut self, current: &Current<'_>, effect: &Effect, is_redirection: bool) {
        self.judged += 1;
        if self.judged > MOST_JUDGED {
            return self.too_much(effect.span);
        }
        let is_allowed = current.is_allowed && !is_redirection;
        let current = &Current { number: current.number, command: current.command, is_allowed };
        let shown = match effect.kind {
            EffectKind::Reads | EffectKind::Writes | EffectKind::Deletes => self.file(current, effect),
            EffectKind::Executes => self.executes(current, effect),
            EffectKind::Connects => self.connects(current, effect),
            EffectKind::Listens => effect.target.as_ref().map(shown),
            EffectKind::ChangesConfig => {
                self.plain(current, effect, Situation::Configuration, Code::ChangesConfig);
                effect.target.as_ref().map(shown)
            }
            EffectKind::Elevates => {
                self.plain(current, effect, Situation::Elevation, Code::Elevates);
                effect.target.as_ref().map(shown)
            }
            EffectKind::Unknown => {
                self.plain(current, effect, Situation::UnknownEffect, Code::UnknownValue);
                effect.target.as_ref().map(shown)
            }
        };
        let judged = JudgedEffect { kind: effect.kind, target: shown, recursive: effect.recursive };
        if let Some(command) = self.commands.get_mut(current.number)
            && command.effects.len() < MOST_SHOWN
            && command.effects.last() != Some(&judged)
        {
            command.effects.push(judged);
        }
    }

    /// Told once: more is done than is judged.
    fn too_much(&mut self, span: Span) {
        if self.judged == MOST_JUDGED + 1 {
            let what = "it does very many things".to_owned();
            self.problem(&Problem { what, span });
        }
    }

    /// An effect that the profile decides on by its kind.
    fn plain(&mut self, current: &Current<'_>, effect: &Effect, situation: Situation, code: Code) {
        let program = program(current);
        let instead = self.instead(current.number, current.command);
        self.situation(current, situation, code, effect.span, || {
            let person = format!("`{program}`: {}", effect.reason);
            let model = if effect.reason.starts_with(COULD_BE_OPTION) {
                "write `./` in front of the names, or `--`, so that none of them is read as an option"
                    .to_owned()
            } else {
                instead.unwrap_or_else(|| format!("do it without `{program}`, or ask the user to do it"))
            };
            (person, model)
        });
    }

    /// Reads, writes and deletions. What is shown of the target.
    fn file(&mut self, current: &Current<'_>, effect: &Effect) -> Option<String> {
        let word = effect.target.as_ref()?;
        if is_told_as_item(current.command, word) {
            return Some(shown(word));
        }
        match self.target(current, word) {
            Target::Nothing => Some(shown(word)),
            Target::Unknown(_) => {
                self.unknown_target(current, effect, word);
                self.known_targets(current, effect, word);
                Some(shown(word))
            }
            Target::Elsewhere => {
                self.elsewhere(current, effect, word);
                Some(shown(word))
            }
            Target::Paths(paths) => {
                // Where the working directory is not certain, a change counts in each; a read in the likeliest.
                let is_pattern = |part: &Part| matches!(part, Part::Pattern(_));
                let has_pattern = word.is_listed() || word.parts.iter().any(is_pattern);
                let is_one_read = effect.kind == EffectKind::Reads && !has_pattern;
                let skipped = if is_one_read { paths.len() - 1 } else { 0 };
                for path in paths.iter().skip(skipped) {
                    self.path(current, effect, path);
                }
                paths.last().map(AbsPath::to_lossless)
            }
        }
    }

    /// Where the directory is not known, those that are known may be it.
    fn known_targets(&mut self, current: &Current<'_>, effect: &Effect, word: &Word) {
        if effect.kind == EffectKind::Reads || Self::is_moved(current) {
            return;
        }
        if let Target::Paths(paths) = self.place.among_known().target(word, current.command.shell) {
            paths.iter().for_each(|path| self.path(current, effect, path));
        }
    }

    fn is_moved(current: &Current<'_>) -> bool {
        current.command.via.iter().any(|via| MOVING.contains(&via.as_str()))
    }

    /// What a word names. Relative names mean another place behind a launcher that changes the directory.
    fn target(&self, current: &Current<'_>, word: &Word) -> Target {
        let shell = current.command.shell;
        if Self::is_moved(current) {
            self.place.moved().target(word, shell)
        } else {
            self.place.target(word, shell)
        }
    }

    /// True for an effect that the table adds by itself: its target stands in no word of the command.
    fn is_implied(&mut self, current: &Current<'_>, effect: &Effect) -> bool {
        let Some(target) = effect.target.as_ref().map(shown) else { return true };
        // Each look takes time that grows with the command; after many, what is left counts as said.
        self.looks += 1;
        if self.looks > MOST_LOOKS {
            return false;
        }
        let command = current.command;
        let files = command.redirections.iter().map(|redirection| &redirection.target);
        !command.words.iter().chain(files).any(|word| shown(word).contains(&target))
    }

    fn unknown_target(&mut self, current: &Current<'_>, effect: &Effect, word: &Word) {
        let (situation, verb) = match effect.kind {
            EffectKind::Reads => (Situation::UnknownRead, "read"),
            EffectKind::Deletes => (Situation::UnknownTarget, "deleted"),
            EffectKind::Connects => (Situation::UnknownTarget, "connected to"),
            EffectKind::Executes => (Situation::HiddenCode, "run"),
            _ => (Situation::UnknownTarget, "written"),
        };
        self.situation(current, situation, Code::UnknownValue, word.span, || {
            let person = format!("what is {verb}, `{}`, only the run will show", shown(word));
            (person, format!("name what is {verb} in the command itself"))
        });
    }

    fn path(&mut self, current: &Current<'_>, effect: &Effect, path: &AbsPath) {
        // Git keeps its own books, also for others that use it. What in them makes git on the host run something is held
        // by the sandbox, file by file; that git is told to write such a thing is seen by its options.
        if effect.kind == EffectKind::Writes
            && path.file_name() == Some(b".git")
            && self.is_implied(current, effect)
        {
            return;
        }
        // `find -delete` names the directory below which it deletes.
        if effect.kind == EffectKind::Deletes
            && *path == self.surroundings.context.workspace
            && program_of(&program(current)) == "find"
        {
            return;
        }
        let operations: &[FileOp] = match effect.kind {
            EffectKind::Reads => &[FileOp::Read],
            EffectKind::Deletes => &[FileOp::Delete],
            _ => &[FileOp::Write, FileOp::Create(NodeKind::File)],
        };
        let policy = self.policy;
        for op in operations {
            let decision = policy.decide(&AccessRequest::File { path, op: *op });
            if self.refused(current, effect, path, &decision) {
                return;
            }
        }
        if effect.kind == EffectKind::Deletes {
            self.deletion(current, effect, path);
        }
    }

    /// What the policy refuses. True if there is something to say.
    fn refused(
        &mut self,
        current: &Current<'_>,
        effect: &Effect,
        path: &AbsPath,
        decision: &Decision<'_>,
    ) -> bool {
        let kind = decision.rule.map(|rule| rule.kind);
        let is_protected = kind == Some(RuleKind::Protected) && effect.kind != EffectKind::Reads;
        let is_checked = matches!(decision.outcome, Outcome::Vet(_));
        if !matches!(decision.outcome, Outcome::Deny) && !is_checked {
            return false;
        }
        if effect.kind == EffectKind::Reads && (!says_deny(decision) || self.is_implied(current, effect)) {
            // The sandbox hides it, and nothing is lost by asking for it.
            return true;
        }
        let says_deny = says_deny(decision);
        let verb = match effect.kind {
            EffectKind::Reads => "reads",
            EffectKind::Deletes => "deletes",
            _ => "writes",
        };
        let code = if is_protected || is_checked { Code::ProtectedWrite } else { Code::EffectDenied };
        let decided = match code {
            Code::ProtectedWrite if !is_checked => CommandDecision::Deny,
            _ if says_deny => CommandDecision::Deny,
            _ => self.default(Situation::Refused),
        };
        let name = path.to_lossless();
        let why = if is_checked {
            "git runs what stands there, so its content is checked"
        } else {
            &decision.reason
        };
        let person = format!("it {verb} {name}: {why}");
        let model = match code {
            Code::ProtectedWrite => format!("leave {name} alone; if it must change, ask the user to do it"),
            _ => format!("do it without {name}, or work inside the workspace"),
        };
        let (span, origin) = (effect.span, decision.origin.cloned());
        if decided == CommandDecision::Deny || !current.is_allowed {
            let command = Some(current.number);
            self.reason(Reason { code, decision: decided, span, person, model, origin, command });
        }
        true
    }

    /// Deletions outside the workspace, and of the workspace itself.
    fn deletion(&mut self, current: &Current<'_>, effect: &Effect, path: &AbsPath) {
        let context = &self.surroundings.context;
        let is_inside = path.starts_with(&context.workspace) && *path != context.workspace
            || path.starts_with(&context.tmp) && *path != context.tmp;
        if is_inside {
            return;
        }
        let what = if *path == context.workspace || context.workspace.starts_with(path) {
            "the workspace with all that is in it"
        } else {
            "something outside the workspace"
        };
        self.outside(current, effect, what, &path.to_lossless());
    }

    /// What is done to a file that stands outside for certain, though it is not known of here.
    fn elsewhere(&mut self, current: &Current<'_>, effect: &Effect, word: &Word) {
        let name = shown(word);
        match effect.kind {
            EffectKind::Deletes => self.outside(current, effect, "something outside the workspace", &name),
            EffectKind::Reads => self.unknown_target(current, effect, word),
            _ => self.situation(current, Situation::Refused, Code::EffectDenied, effect.span, || {
                let person = format!("it writes {name}, outside of what the policy names");
                (person, format!("do it without {name}, or work inside the workspace"))
            }),
        }
    }

    fn outside(&mut self, current: &Current<'_>, effect: &Effect, what: &str, name: &str) {
        let (decision, command) = (self.default(Situation::OutsideDelete), Some(current.number));
        self.reason(Reason {
            code: Code::OutsideDelete,
            decision,
            span: effect.span,
            person: format!("it deletes {what}: {name}"),
            model: "delete only what the task made, inside the workspace".to_owned(),
            origin: None,
            command,
        });
    }

    /// A file or a project whose code runs.
    fn executes(&mut self, current: &Current<'_>, effect: &Effect) -> Option<String> {
        let project = |judging: &mut Self| {
            let span = effect.span;
            judging.situation(current, Situation::ProjectCode, Code::RunsUnvetted, span, || {
                let person = format!("it runs code that is not looked through ({})", effect.reason);
                (person, "say what the code does, or run it where it is allowed".to_owned())
            });
        };
        let Some(word) = &effect.target else {
            project(self);
            return None;
        };
        match self.target(current, word) {
            Target::Nothing => {}
            Target::Unknown(_) => self.unknown_target(current, effect, word),
            // The sandbox does not hold more there than it holds of a program of the workspace.
            Target::Elsewhere => project(self),
            Target::Paths(paths) => {
                let policy = self.policy;
                if let Some(path) = paths.last() {
                    let request = AccessRequest::File { path, op: FileOp::Read };
                    let decision = policy.decide(&request);
                    if !self.refused_code(current, effect.span, path, &decision) {
                        project(self);
                    }
                }
                return paths.last().map(AbsPath::to_lossless);
            }
        }
        Some(shown(word))
    }

    fn refused_code(
        &mut self,
        current: &Current<'_>,
        span: Span,
        path: &AbsPath,
        decision: &Decision<'_>,
    ) -> bool {
        if decision.outcome != Outcome::Deny {
            return false;
        }
        let name = path.to_lossless();
        self.situation(current, Situation::Refused, Code::EffectDenied, span, || {
            let person =
                format!("it runs {name}, which the policy does not let be read: {}", decision.reason);
            (person, "run code of the workspace alone".to_owned())
        });
        true
    }

    /// A connection to a host that stands in a file or in the program: what the policy's network means for it.
    fn unnamed_host(&mut self, current: &Current<'_>, span: Span) {
        let consequence = match self.policy.network.mode.value {
            NetworkMode::Open => return,
            NetworkMode::Deny => "the network is denied, so inside the sandbox it will fail",
            NetworkMode::AllowList => "of hosts, those alone are reached that the policy allows",
        };
        let (decision, why) = default_for(self.policy.profile.value, Situation::UnnamedHost);
        if current.is_allowed && decision > CommandDecision::Allow {
            return;
        }
        let program = program(current);
        let origin = Some(self.policy.network.mode.origin.clone());
        let command = Some(current.number);
        self.reason(Reason {
            code: Code::UnnamedHost,
            decision,
            span,
            person: format!(
                "`{program}` connects to a host that its words do not name: {consequence}; {why}"
            ),
            model: format!(
                "do without the network, or ask the user to allow the host that `{program}` needs"
            ),
            origin,
            command,
        });
    }

    /// Addresses among the words of a program of which the table does not say which words are hosts.
    fn spelled_hosts(&mut self, current: &Current<'_>, effect: &Effect) {
        let command = current.command;
        for word in command.words.iter().skip(1).take(MOST_SPELLED) {
            let start = word.known_start();
            let Some(at) = start.find("://") else { continue };
            let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '+';
            let scheme = start.get(..at).unwrap_or_default();
            let begin = scheme.rfind(|letter| !is_letter(letter)).map_or(0, |at| at + 1);
            if begin == at || scheme.ends_with("file") {
                continue;
            }
            let text = start.get(begin..).unwrap_or_default();
            let target = if word.has_unknown() && !host_is_known(word) {
                word.clone()
            } else {
                Word::known(text, word.span)
            };
            let named = Effect { target: Some(target), span: word.span, ..effect.clone() };
            self.connects(current, &named);
        }
    }

    /// A connection, as far as the words name a host.
    fn connects(&mut self, current: &Current<'_>, effect: &Effect) -> Option<String> {
        let Some(word) = effect.target.as_ref() else {
            self.unnamed_host(current, effect.span);
            self.spelled_hosts(current, effect);
            return None;
        };
        let Some(text) = word.text().or_else(|| host_is_known(word).then(|| word.known_start())) else {
            self.unknown_target(current, effect, word);
            return Some(shown(word));
        };
        let is_git = program_of(&program(current)) == "git";
        let Some((host, port)) = host_and_port(&text) else {
            if text.starts_with('/') && !is_git {
                self.socket(current, effect, &text);
            }
            return Some(text);
        };
        // A bare name says no port: then what holds for the web is told, without the number.
        let is_bare = !text.contains("://") && !text.contains(':');
        let shown = if is_bare { host.clone() } else { format!("{host}:{port}") };
        // The name of a remote repository says no host.
        let is_remote = is_bare && !host.contains('.') && is_git;
        if is_remote {
            self.unnamed_host(current, effect.span);
        }
        if is_own(&host) || is_remote {
            return Some(shown);
        }
        let policy = self.policy;
        let decision = policy.decide(&AccessRequest::Connect { host: &host, port });
        if decision.outcome == Outcome::Deny {
            let (span, reason) = (effect.span, decision.reason.clone());
            self.situation(current, Situation::Refused, Code::EffectDenied, span, || {
                let person = format!("it connects to {shown}: {reason}");
                (person, format!("do it without {host}, or ask the user to allow the host"))
            });
        }
        Some(shown)
    }

    /// A socket with a path: whoever listens there acts with rights of its own.
    fn socket(&mut self, current: &Current<'_>, effect: &Effect, path: &str) {
        self.situation(current, Situation::Elevation, Code::Elevates, effect.span, || {
            let person = format!("it speaks to whoever listens at {path}");
            (person, format!("do it without the service at {path}"))
        });
    }
}

fn program(current: &Current<'_>) -> String {
    current.command.words.first().map(shown).unwrap_or_default()
}

/// True if the host of a URL stands before what is not known.
fn host_is_known(word: &Word) -> bool {
    let start = word.known_start();
    let behind = start.split_once("://").map(|(_, rest)| rest);
    behind.is_some_and(|rest| rest.contains(['/', '?', '#']))
}

/// Host and port of a URL, of `user@host:path` or of a bare name; `None` where there is none (a file).
fn host_and_port(text: &str) -> Option<(String, u16)> {
    const PORTS: &[(&str, u16)] = &[
        ("http", 80),
        ("https", 443),
        ("ssh", 22),
        ("git", 9418),
        ("ftp", 21),
        ("ftps", 990),
        ("ws", 80),
        ("wss", 443),
        ("sftp", 22),
    ];
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (String::new(), text),
    };
    if scheme == "file" {
        return None;
    }
    let scheme = scheme.rsplit('+').next().unwrap_or(&scheme);
    let standard = PORTS.iter().find(|(name, _)| *name == scheme).map_or(443, |(_, port)| *port);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (is_login, host) = match authority.rsplit_once('@') {
        // For some readers of URLs the host ends before a backslash, for others it begins behind the `@`.
        Some(_) if authority.contains('\\') => (false, authority),
        Some((_, host)) => (scheme.is_empty(), host),
        None => (false, authority),
    };
    let standard = if is_login { 22 } else { standard };
    // A small number alone is a port, as `nc` takes one behind the host. A greater one is an address.
    if scheme.is_empty() && !is_login && (host.is_empty() || host.parse::<u16>().is_ok()) {
        return None;
    }
    if let Some(inner) = host.strip_prefix('[') {
        let (inner, after) = inner.split_once(']')?;
        let port = after.strip_prefix(':').and_then(|port| port.parse().ok()).unwrap_or(standard);
        return Some((inner.to_owned(), port));
    }
    match host.split_once(':') {
        Some((name, port)) => Some((name.to_owned(), port.parse().unwrap_or(standard))),
        None => Some((host.to_owned(), standard)),
    }
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn hosts_are_found() {
        let table = [
            ("https://example.com/a?b", Some(("example.com", 443))),
            ("http://a:b@example.com:8080/c@d", Some(("example.com", 8080))),
            ("git@example.com:a/b.git", Some(("example.com", 22))),
            ("git+ssh://git@example.com/a", Some(("example.com", 22))),
            ("example.com", Some(("example.com", 443))),
            ("http://[::1]:3000/", Some(("::1", 3000))),
            ("file:///etc/passwd", None),
            ("", None),
            ("3000", None),
            ("134744072", Some(("134744072", 443))),
            ("https://2130706433/a", Some(("2130706433", 443))),
            ("https://a.example\\@example.com/", Some(("a.example\\@example.com", 443))),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(host_and_port(text), expected, "{text}");
        }
    }
}
