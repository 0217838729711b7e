//! What the fuzz targets feed. Each function takes any bytes, returns nothing, and panics when the code under
//! test breaks a property; so a corpus can be replayed without a fuzzer.

use garth_plan::git::{self, Config, Owner, Where};
use garth_plan::linux::spec::LaunchSpec;
use garth_policy::{AbsPath, Flavor, Glob, HostPattern, normalise_host};

mod egress;
mod policy_file;
mod vet;
mod windows;

pub use egress::{
    client_hello, dns_message, egress_host, first_bytes, http_head, secret_body, secret_value, socks_message,
    websocket_frames,
};
pub use policy_file::policy_file;
pub use vet::{vet_cmd, vet_pwsh, vet_sh};
pub use windows::{relay_frames, security_descriptor, windows_path};

/// A target: the name of its corpus, and what it feeds.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("client_hello", client_hello),
    ("dns_message", dns_message),
    ("egress_host", egress_host),
    ("first_bytes", first_bytes),
    ("git_config", git_config),
    ("git_pointer", git_pointer),
    ("host_name", host_name),
    ("http_head", http_head),
    ("launch_spec", launch_spec),
    ("path_pattern", path_pattern),
    ("policy_file", policy_file),
    ("relay_frames", relay_frames),
    ("secret_body", secret_body),
    ("secret_value", secret_value),
    ("security_descriptor", security_descriptor),
    ("socks_message", socks_message),
    ("vet_cmd", vet_cmd),
    ("vet_pwsh", vet_pwsh),
    ("vet_sh", vet_sh),
    ("websocket_frames", websocket_frames),
    ("windows_path", windows_path),
];

/// Git configuration that comes from inside: the present text, a zero byte, the new text. Without a zero byte
/// the file is new.
///
/// A text that is understood may take its own place. One that may take the place of nothing runs nothing, apart
/// from a working directory that it names, which the caller has to check.
pub fn git_config(data: &[u8]) {
    let (old, new) = match split(data) {
        (old, Some(new)) => (Some(old), new),
        (new, None) => (None, new),
    };
    for git_dir in [&b"/w/.git"[..], b"/w/.git/worktrees/a", b"/w/.git/modules/lib"] {
        let place = Where { owner: Owner::of(git_dir), git_dir, workspace: b"/w", fresh: false };
        if let Ok(change) = git::vet_config(old, new, place) {
            assert!(Config::parse(new).is_ok(), "accepted, but not understood");
            if old.is_none() {
                runs_nothing(new, change.worktree.is_some());
            }
        }
        if Config::parse(new).is_ok() {
            let same = git::vet_config(Some(new), new, place);
            assert!(same.is_ok(), "an unchanged text is refused: {same:?}");
        }
    }
}

fn runs_nothing(accepted: &[u8], worktree_is_checked: bool) {
    let runs = git::runs_on_host(accepted).unwrap_or_default();
    let unexpected =
        runs.iter().find(|run| !(worktree_is_checked && run.key.eq_ignore_ascii_case(b"core.worktree")));
    assert!(unexpected.is_none(), "accepted as a new file, but it runs something: {unexpected:?}");
}

/// The text of a `.git` file, and of the list of a rebase.
pub fn git_pointer(data: &[u8]) {
    if let Ok(target) = git::pointer_target(b"/w", data) {
        assert!(target.starts_with(b"/"), "a relative target: {target:?}");
        assert!(!target.contains(&b'\n'), "a target of several lines: {target:?}");
    }
    let lines = data.split(|byte| *byte == b'\n').count();
    for (line, _) in git::rebase_todo_runs(data) {
        assert!((1..=lines).any(|number| u32::try_from(number) == Ok(line)), "no line {line}");
    }
}

/// A pattern of a policy, a zero byte, a host that a program asks for.
///
/// A host has one spelling, which is plain, and a pattern without a wildcard matches that one alone.
pub fn host_name(data: &[u8]) {
    let (pattern, host) = split(data);
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let Some(host) = normalise_host(text(host.unwrap_or_default())) else { return };
    assert_eq!(normalise_host(&host).as_ref(), Some(&host), "a second spelling");
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || b"-_.:".contains(&byte);
    assert!(host.bytes().all(plain), "not a plain spelling: {host:?}");
    let Ok(pattern) = HostPattern::parse(text(pattern)) else { return };
    assert_eq!(HostPattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern), "written as {pattern}");
    let below =
        host.strip_suffix(pattern.host.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    let held = pattern.cidr().is_some_and(|block| host.parse().is_ok_and(|address| block.contains(address)));
    let exact = pattern.prefix.is_none() && host == pattern.host;
    let named = if pattern.subdomains { below } else { held || exact };
    assert_eq!(pattern.matches(&host, pattern.port.unwrap_or(443)), named, "{pattern} and {host}");
}

/// The order that the broker sends to the runner: what decodes is encoded to something that decodes to the same.
pub fn launch_spec(data: &[u8]) {
    let Ok(spec) = postcard::from_bytes::<LaunchSpec>(data) else { return };
    let again = postcard::to_stdvec(&spec).and_then(|bytes| postcard::from_bytes(&bytes));
    assert_eq!(again, Ok(spec), "comes back as another order");
}

/// A base directory, a zero byte, a pattern, a zero byte, a path.
///
/// A path can be written as text and read back, and no pattern matches deeper than the path goes, or what is
/// not below its base.
pub fn path_pattern(data: &[u8]) {
    let (base, rest) = split(data);
    let (pattern, path) = split(rest.unwrap_or_default());
    for flavor in [Flavor::Posix, Flavor::Windows] {
        let Some(base) = absolute(flavor, base) else { continue };
        let text = base.to_lossless();
        assert_eq!(AbsPath::from_lossless(&text).as_ref(), Ok(&base), "written as {text}");
        let Ok(pattern) = std::str::from_utf8(pattern) else { continue };
        let Ok(glob) = Glob::new(&base, pattern) else { continue };
        assert!(glob.base().starts_with(&base), "the base {:?} left {base:?}", glob.base());
        let Some(path) = absolute(flavor, path.unwrap_or_default()) else { continue };
        if let Some(depth) = glob.match_depth(&path) {
            assert!(depth <= path.depth(), "matches {depth} names of {path:?}");
            assert!(path.starts_with(glob.base()), "matches {path:?}, which is not below {:?}", glob.base());
        }
    }
}

fn absolute(flavor: Flavor, bytes: &[u8]) -> Option<AbsPath> {
    match flavor {
        Flavor::Posix => AbsPath::posix(bytes).ok(),
        Flavor::Windows => AbsPath::windows(std::str::from_utf8(bytes).ok()?).ok(),
    }
}

/// What stands before the first zero byte, and after it.
fn split(data: &[u8]) -> (&[u8], Option<&[u8]>) {
    match data.iter().position(|byte| *byte == 0) {
        Some(at) => (data.get(..at).unwrap_or_default(), data.get(at + 1..)),
        None => (data, None),
    }
}
