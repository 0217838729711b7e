//! Checks of the values of keys that are harmless only with some values.

use super::Owner;
use super::keys::{Candidate, Class, Problem};
use super::paths::{below, resolve};
use super::urls::{Address, address, local};

/// What a check says.
pub(super) type Checked = Result<(), Problem>;

const fn refuse(class: Class, reason: &'static str) -> Checked {
    Err(Problem { class, reason, whole_key: false })
}

/// No control character but the tab, in a value that is one line.
pub(super) fn line(value: &[u8]) -> Checked {
    if value.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
        return refuse(
            Class::Reads,
            "the value has a control character, which a terminal or a script acts on",
        );
    }
    Ok(())
}

/// Lines of text, without other control characters.
pub(super) fn text(candidate: &Candidate<'_>) -> Checked {
    for part in candidate.entry.text().split(|&byte| byte == b'\n') {
        line(part)?;
    }
    Ok(())
}

/// A boolean as git reads it.
pub(super) fn boolean(value: &[u8]) -> Checked {
    let words: &[&[u8]] = &[b"true", b"yes", b"on", b"false", b"no", b"off", b"1", b"0", b""];
    if words.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return Ok(());
    }
    refuse(Class::Guards, "the value is not a boolean")
}

/// A number as git reads it, with an optional sign and unit.
pub(super) fn number(value: &[u8]) -> Checked {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let digits = match digits {
        [rest @ .., b'k' | b'K' | b'm' | b'M' | b'g' | b'G'] => rest,
        all => all,
    };
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        return Ok(());
    }
    refuse(Class::Guards, "the value is not a number")
}

/// One of a few words.
pub(super) fn one_of(value: &[u8], words: &[&str]) -> Checked {
    if words.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes())) {
        return Ok(());
    }
    refuse(Class::Guards, "the value is not one of the values that are known to run nothing")
}

/// Nothing that git may hand to another git as an option.
pub(super) fn no_option(candidate: &Candidate<'_>) -> Checked {
    if candidate.entry.text().starts_with(b"-") {
        return refuse(Class::Runs, "a value that begins with `-` can be taken for an option");
    }
    Ok(())
}

/// A file of the work tree.
pub(super) fn inside_path(candidate: &Candidate<'_>) -> Checked {
    let path = candidate.entry.text();
    let strange = path.first().is_none_or(|byte| b"/~%:-".contains(byte));
    if strange
        || path.contains(&b'\\')
        || path.contains(&b':')
        || path.split(|&b| b == b'/').any(|p| p == b"..")
    {
        return refuse(Class::Reads, "the host would read a file outside the work tree");
    }
    Ok(())
}

/// A format of `git log` that sends no escape sequence to the terminal.
pub(super) fn pretty(candidate: &Candidate<'_>) -> Checked {
    let control = |pair: &[u8]| {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let Some((high, low)) =
            pair.first().copied().and_then(digit).zip(pair.get(1).copied().and_then(digit))
        else {
            return false;
        };
        let code = high * 16 + low;
        !matches!(code, 0 | 9 | 10) && (code < 0x20 || (0x7f..0xa0).contains(&code))
    };
    let value = candidate.entry.text();
    if value.windows(4).any(|four| four.starts_with(b"%x") && control(four.get(2..).unwrap_or_default())) {
        return refuse(Class::Reads, "the format sends control characters to the terminal of the host");
    }
    Ok(())
}

/// A part of a format name or object filter: nothing but plain characters.
pub(super) fn word(candidate: &Candidate<'_>) -> Checked {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:=,+-/".contains(byte);
    no_option(candidate)?;
    if candidate.entry.text().iter().all(plain) {
        return Ok(());
    }
    refuse(Class::Guards, "the value has characters that this key has no use for")
}

/// A name or address of a person. Tools have put it into shell commands as it stands.
pub(super) fn identity(candidate: &Candidate<'_>) -> Checked {
    if candidate.entry.text().iter().any(|byte| b"`$|;<>".contains(byte)) {
        return refuse(Class::Runs, "the name has a sign that a tool which puts it into a command would run");
    }
    Ok(())
}

/// What begins a comment: `auto` or a few signs.
pub(super) fn comment(candidate: &Candidate<'_>) -> Checked {
    let value = candidate.entry.text();
    if value == b"auto"
        || (value.len() <= 4 && !value.is_empty() && value.iter().all(u8::is_ascii_punctuation))
    {
        return Ok(());
    }
    refuse(Class::Runs, "words that begin a comment can turn lines of a rebase into other lines")
}

/// No push of submodules: a submodule's remote may be a directory whose hooks can be written from inside.
pub(super) fn no_recursive_push(candidate: &Candidate<'_>) -> Checked {
    if one_of(candidate.entry.text(), &["check", "no", "false", "off", "0"]).is_ok() {
        return Ok(());
    }
    refuse(
        Class::Runs,
        "a push would go on to the remotes of submodules, and run the hooks of those that are directories",
    )
}

/// The address of a remote: git pushes to it.
pub(super) fn remote_url(candidate: &Candidate<'_>) -> Checked {
    match address(candidate.entry.text())? {
        Address::Network => Ok(()),
        Address::Local(path) => local(path, candidate.place),
    }
}

/// The address of a submodule: git clones from it, and does not push to it.
pub(super) fn submodule_url(candidate: &Candidate<'_>) -> Checked {
    address(candidate.entry.text()).map(|_| ())
}

/// How a submodule is updated.
pub(super) fn submodule_update(candidate: &Candidate<'_>) -> Checked {
    if candidate.entry.text().starts_with(b"!") {
        return refuse(
            Class::Runs,
            "a value that begins with `!` is a command that `git submodule update` runs",
        );
    }
    one_of(candidate.entry.text(), &["checkout", "rebase", "merge", "none"])
}

/// A remote by name. Git takes any other word for an address, so a word that names no remote is one.
pub(super) fn remote_or_url(candidate: &Candidate<'_>) -> Checked {
    let name = candidate.entry.text();
    if name == b"." || candidate.remotes.has(name) {
        return Ok(());
    }
    match address(name)? {
        Address::Network => Ok(()),
        Address::Local(_) if candidate.place.fresh => Ok(()),
        Address::Local(_) => refuse(
            Class::Runs,
            "it names no remote of this file, so that git takes it for a directory and runs the hooks in it",
        ),
    }
}

/// A work tree of a submodule, as `git submodule add` and `git mv` write it.
///
/// The host checks files out into that directory, from commits made inside. So it must lie in the workspace,
/// and not in a directory whose name begins with a dot, which is where hooks, editors and agents keep what
/// they trust. Whether the way there has a symbolic link is for the caller to see on the opened directory.
pub(super) fn worktree(candidate: &Candidate<'_>) -> Checked {
    let place = candidate.place;
    if place.owner != Owner::Module {
        return refuse(
            Class::Runs,
            "the host would check out files made inside into that directory; only the git directory of a \
             submodule needs this key",
        );
    }
    let target = resolve(place.git_dir, candidate.entry.text());
    let workspace = resolve(b"/", place.workspace);
    let Some(rest) = below(&workspace, &target).filter(|rest| !rest.is_empty()) else {
        return refuse(Class::Runs, "the host would check out files made inside outside the workspace");
    };
    if rest.split(|&byte| byte == b'/').any(|part| part.starts_with(b".") || names_git(part)) {
        return refuse(
            Class::Runs,
            "the host would check out files made inside into a directory whose name begins with a dot, where \
             programs keep what they trust",
        );
    }
    Ok(())
}

/// The short name that Windows may give to `.git`.
fn names_git(part: &[u8]) -> bool {
    part.len() > 4 && part.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"git~"))
}

/// Whether a subsection is a name that git itself would give, for sections whose subsections are names.
pub(super) fn subsection(section: &[u8], name: &[u8]) -> Checked {
    let parts = || name.split(|&byte| byte == b'/');
    let strange = match section {
        b"remote" => {
            name.is_empty()
                || matches!(name.first(), Some(b'-' | b'.' | b'/' | b'~'))
                || name.iter().any(|byte| matches!(byte, b':' | b'\\' | b' '))
                || parts().any(|part| part.is_empty() || part == b"..")
        }
        b"submodule" => {
            name.is_empty()
                || matches!(name.first(), Some(b'-' | b'/'))
                || name.iter().any(|byte| matches!(byte, b':' | b'\\'))
                || parts().any(|part| part.is_empty() || part == b"." || part == b"..")
        }
        b"branch" => name.is_empty() || name.starts_with(b"-"),
        _ => false,
    };
    if strange {
        return refuse(
            Class::Runs,
            "git gives no such name, and may take it for an address, a path or an option",
        );
    }
    line(name)
}
