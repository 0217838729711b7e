//! What a remote's address makes git do.
//!
//! Sources: git-fetch(1), "GIT URLS"; gitremote-helpers(7), which lets `<helper>::<address>` and
//! `<scheme>://` start `git-remote-<name>` from PATH.

use super::Where;
use super::keys::{Class, Problem};
use super::paths::{below, parent, resolve};

/// Schemes that git itself speaks. Any other starts a program by the scheme's name.
const SCHEMES: &[&[u8]] = &[b"https", b"http", b"ssh", b"git", b"git+ssh", b"ssh+git"];

/// Beginnings of access tokens that some services take as a user name.
const TOKENS: &[&[u8]] = &[b"ghp_", b"gho_", b"ghs_", b"ghu_", b"ghr_", b"github_pat_", b"glpat-"];

/// Directories of the host that others may write, or that mean another thing inside the sandbox.
const SHARED: &[&[u8]] = &[
    b"/tmp",
    b"/var/tmp",
    b"/var/folders",
    b"/private/tmp",
    b"/private/var",
    b"/dev",
    b"/proc",
    b"/run",
    b"/var/run",
];

/// Where an address leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// Another machine, over a protocol that git speaks.
    Network,
    /// A directory or bundle of this machine, as git would open it.
    Local(&'a [u8]),
}

const fn problem(class: Class, reason: &'static str) -> Problem {
    Problem { class, reason, whole_key: false }
}

/// Sorts an address, and refuses those that start a program, smuggle an option or carry a secret.
pub(super) fn address(url: &[u8]) -> Result<Address<'_>, Problem> {
    if url.is_empty() {
        return Err(problem(Class::Redirects, "an empty address makes git forget the addresses before it"));
    }
    if url.starts_with(b"-") {
        return Err(problem(Class::Runs, "an address that begins with `-` can be taken for an option"));
    }
    if names_helper(url) {
        return Err(problem(
            Class::Runs,
            "an address of the form `helper::address` starts the program `git-remote-helper`",
        ));
    }
    if let Some(at) = find(url, b"://") {
        let (scheme, rest) = url.split_at(at);
        let rest = rest.get(3..).unwrap_or_default();
        return if scheme == b"file" { file(rest) } else { network(scheme, rest) };
    }
    scp_or_path(url)
}

/// `::` before anything that only an address in brackets has.
fn names_helper(url: &[u8]) -> bool {
    find(url, b"::").is_some_and(|at| !url.get(..at).unwrap_or_default().contains(&b'['))
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    text.windows(piece.len()).position(|window| window == piece)
}

fn file(rest: &[u8]) -> Result<Address<'_>, Problem> {
    if !rest.starts_with(b"/") || rest.starts_with(b"//") {
        return Err(problem(
            Class::Redirects,
            "a file address with a host name makes Windows sign in to that host",
        ));
    }
    if rest.contains(&b'%') {
        return Err(problem(Class::Redirects, "a file address with `%` hides the path that git opens"));
    }
    Ok(Address::Local(rest))
}

fn network<'a>(scheme: &[u8], rest: &[u8]) -> Result<Address<'a>, Problem> {
    if !SCHEMES.contains(&scheme) {
        return Err(problem(
            Class::Runs,
            "git does not speak this scheme itself and starts the program `git-remote-<scheme>`",
        ));
    }
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if encoded_control(path) {
        return Err(problem(Class::Redirects, "an encoded control character can be read as a second line"));
    }
    let at = authority.iter().rposition(|&byte| byte == b'@');
    let (user, host) = match at {
        Some(at) => (authority.get(..at), authority.get(at + 1..).unwrap_or_default()),
        None => (None, authority),
    };
    if let Some(user) = user {
        check_user(user)?;
    }
    check_host(host)?;
    if !scheme.starts_with(b"http") {
        check_machine(host)?;
    }
    Ok(Address::Network)
}

/// Over ssh, a directory of this machine is a remote as well.
fn check_machine(host: &[u8]) -> Result<(), Problem> {
    let host = host.to_ascii_lowercase();
    let name = host.split(|&byte| byte == b':').next().unwrap_or_default();
    let loopback = name == b"0"
        || name == b"0.0.0.0"
        || name.starts_with(b"127.")
        || name.ends_with(b"localhost")
        || name.starts_with(b"localhost.")
        || [b"[::".as_slice(), b"[0:", b"[localhost", b"[127."].iter().any(|start| host.starts_with(start));
    if loopback {
        return Err(problem(
            Class::Runs,
            "a push to this machine over ssh runs the hooks of a directory that may be writable from inside",
        ));
    }
    Ok(())
}

/// `%00` to `%1f`: a line feed in an address has made credential helpers answer for another host.
fn encoded_control(text: &[u8]) -> bool {
    text.windows(3).any(|three| matches!(three, [b'%', b'0' | b'1', digit] if digit.is_ascii_hexdigit()))
}

fn check_user(user: &[u8]) -> Result<(), Problem> {
    if user.contains(&b':') || TOKENS.iter().any(|token| user.starts_with(token)) {
        return Err(problem(
            Class::Redirects,
            "a password or token in an address is stored in clear and signs the host in as its owner",
        ));
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+~@".contains(byte) || !byte.is_ascii();
    if user.starts_with(b"-") || !user.iter().all(plain) {
        return Err(problem(Class::Runs, "the user name has a character that ssh or a helper may act on"));
    }
    Ok(())
}

fn check_host(host: &[u8]) -> Result<(), Problem> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-:[]".contains(byte) || !byte.is_ascii();
    if host.is_empty() || host.starts_with(b"-") || !host.iter().all(plain) {
        return Err(problem(Class::Runs, "the host name is not one, and ssh may take it for an option"));
    }
    Ok(())
}

fn scp_or_path(url: &[u8]) -> Result<Address<'_>, Problem> {
    if url.starts_with(b"\\\\") || url.starts_with(b"//") {
        return Err(problem(Class::Redirects, "a network share makes Windows sign in to that host"));
    }
    let colon = url.iter().position(|&byte| byte == b':');
    let slash = url.iter().position(|byte| matches!(byte, b'/' | b'\\'));
    let drive = matches!(url, [letter, b':', ..] if letter.is_ascii_alphabetic());
    let Some(mut colon) = colon.filter(|&colon| !drive && slash.is_none_or(|slash| colon < slash)) else {
        return Ok(Address::Local(url));
    };
    // `[host:port]:path` and `user@[::1]:path`: the colon that counts follows the bracket.
    if let Some(open) = url.iter().position(|&byte| byte == b'[').filter(|&open| open < colon) {
        let close = url.iter().skip(open).position(|&byte| byte == b']').map(|at| at + open);
        colon = close.map(|at| at + 1).filter(|&at| url.get(at) == Some(&b':')).ok_or_else(|| {
            problem(Class::Runs, "the host name is not one, and ssh may take it for an option")
        })?;
    }
    let (host, path) = url.split_at(colon);
    let (user, host) = match host.iter().rposition(|&byte| byte == b'@') {
        Some(at) => (host.get(..at), host.get(at + 1..).unwrap_or_default()),
        None => (None, host),
    };
    user.map_or(Ok(()), check_user)?;
    check_host(host)?;
    check_machine(host)?;
    if path.get(1..).unwrap_or_default().starts_with(b"-") {
        return Err(problem(Class::Runs, "a path that begins with `-` can be taken for an option"));
    }
    Ok(Address::Network)
}

/// Whether a push to this directory runs hooks that cannot be written from inside.
pub(super) fn local(path: &[u8], place: &Where<'_>) -> Result<(), Problem> {
    if place.fresh {
        return Ok(());
    }
    let writable = problem(
        Class::Runs,
        "a push or fetch to a directory starts git in it, with the hooks and the configuration it has, and \
         this directory can be written from inside",
    );
    if path.contains(&b'\\') || path.get(1) == Some(&b':') {
        return Err(writable);
    }
    let base = if place.git_dir.ends_with(b"/.git") { parent(place.git_dir) } else { place.workspace };
    // Some file systems do not tell case apart, and what differs in case alone is suspect on the others.
    let path = resolve(base, path).to_ascii_lowercase();
    let inside = |root: &[u8]| below(&resolve(b"/", root).to_ascii_lowercase(), &path).is_some();
    if inside(place.workspace) || inside(place.git_dir) || SHARED.iter().any(|root| inside(root)) {
        return Err(writable);
    }
    Ok(())
}
