//! From names as programs and Windows write them to a path that can be decided, or to the reason why not.
//!
//! The naming rules themselves are those of [`AbsPath`]: roots, reserved names, streams, trailing dots and spaces, and
//! comparison without regard to case. Here stands what comes around them: prefixes that switch the rules off, names that
//! depend on a working directory, devices, generated short names, shares that are this machine's own disks, and lengths.
//! What a text alone does not settle is refused; the host then opens the object and gives its final path.
//!
//! Source: "File path formats on Windows systems", "Naming Files, Paths, and Namespaces" and
//! `GetFinalPathNameByHandleW` in Microsoft's documentation; MS-DTYP 2.2.57 (UNC).

use core::fmt;
use garth_policy::{AbsPath, Flavor, PathError, escape_visible};

/// The longest path that Windows takes, in UTF-16 units ("Maximum Path Length Limitation").
pub const LONGEST_PATH: usize = 32_767;
/// The longest single name on NTFS, ReFS, exFAT and FAT, in UTF-16 units.
pub const LONGEST_NAME: usize = 255;

/// Why a text names nothing that can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The naming rules say no.
    Path(PathError),
    /// It counts from the working directory, of a drive (`C:name`) or of the process.
    Relative,
    /// It counts from the root of whatever drive is current (`\name`).
    Rooted,
    /// It names a device, a pipe or the object manager.
    Device(String),
    /// It names a volume by its identifier or through the object manager; which directory that is, opening tells.
    Volume(String),
    /// A prefix switches the naming rules off, and the rest is written so that they would matter.
    Verbatim,
    /// A name that may be generated (`PROGRA~1`) and stand for another.
    ShortName(String),
    /// A share by which this machine reaches its own disks, past the names that rules know.
    OwnShare(String),
    /// More UTF-16 units than Windows takes, in a name or in all.
    TooLong,
    /// A half of a surrogate pair alone: no text.
    NoText,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| escape_visible(text.as_bytes());
        match self {
            Self::Path(error) => error.fmt(out),
            Self::Relative => out.write_str("the path counts from a working directory"),
            Self::Rooted => out.write_str("the path names no drive"),
            Self::Device(name) => write!(out, "`{}` is a device or pipe, not a file", shown(name)),
            Self::Volume(name) => {
                write!(out, "`{}` names a volume that only opening it tells apart", shown(name))
            }
            Self::Verbatim => {
                out.write_str("after `\\\\?\\` a path is taken letter by letter, and this one is not plain")
            }
            Self::ShortName(name) => {
                write!(out, "`{}` looks like a generated short name of another file", shown(name))
            }
            Self::OwnShare(name) => write!(out, "`{}` is a share of this machine's own disks", shown(name)),
            Self::TooLong => out.write_str("the path is longer than Windows takes"),
            Self::NoText => out.write_str("the path holds half a surrogate pair, which is no text"),
        }
    }
}

impl core::error::Error for Refused {}

impl From<PathError> for Refused {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

/// Which prefix a path begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix<'t> {
    /// `\\?\` or `\??\`, and the rest.
    Verbatim(&'t str),
    /// `\\.\` in any mixture of separators, or `\\?\` in one, and the rest.
    Device(&'t str),
    /// `\\server`.
    Share,
    /// None of them.
    None,
}

fn prefix(text: &str) -> Prefix<'_> {
    if let Some(rest) = text.strip_prefix("\\\\?\\").or_else(|| text.strip_prefix("\\??\\")) {
        return Prefix::Verbatim(rest);
    }
    let mut letters = text.bytes().map(|letter| if letter == b'/' { b'\\' } else { letter });
    let first = [letters.next(), letters.next(), letters.next(), letters.next()];
    match first {
        [Some(b'\\'), Some(b'\\'), Some(b'.' | b'?'), Some(b'\\')] => Prefix::Device(&text[4..]),
        [Some(b'\\'), Some(b'\\'), Some(b'.' | b'?'), None] => Prefix::Device(""),
        [Some(b'\\'), Some(b'\\'), ..] => Prefix::Share,
        _ => Prefix::None,
    }
}

/// Decides a path as a program, a user or a policy writes it.
///
/// # Errors
/// [`Refused`], with the reason.
pub fn decided(text: &str) -> Result<AbsPath, Refused> {
    let plain = match prefix(text) {
        Prefix::Verbatim(rest) => verbatim_rest(rest)?,
        Prefix::Device(rest) => return Err(device(rest)),
        Prefix::Share => text.to_owned(),
        Prefix::None => {
            check_root(text)?;
            text.to_owned()
        }
    };
    let path = AbsPath::windows(&plain)?;
    check_share(&path)?;
    check_lengths(&path)?;
    if path.has_short_name() {
        let name = path.components().find(|name| is_short(name)).unwrap_or_default();
        return Err(Refused::ShortName(String::from_utf8_lossy(name).into_owned()));
    }
    Ok(path)
}

/// Takes a path that Windows gave for an opened object (`GetFinalPathNameByHandleW`, with or without its prefix). Short
/// names are real names there.
///
/// # Errors
/// [`Refused`]: a name that only a verbatim path reaches, a device, a volume without a letter.
pub fn opened(units: &[u16]) -> Result<AbsPath, Refused> {
    let text = String::from_utf16(units).map_err(|_| Refused::NoText)?;
    let plain = match prefix(&text) {
        Prefix::Verbatim(rest) => verbatim_rest(rest)?,
        Prefix::Device(rest) => return Err(device(rest)),
        Prefix::Share => text,
        Prefix::None => {
            check_root(&text)?;
            text
        }
    };
    let path = AbsPath::windows(&plain)?;
    check_lengths(&path)?;
    Ok(path)
}

/// The text by which a host opens the path: after `\\?\` Windows changes nothing of it, and lengths above 260 are
/// taken.
#[must_use]
pub fn verbatim(path: &AbsPath) -> Option<String> {
    if path.flavor() != Flavor::Windows {
        return None;
    }
    let text = std::str::from_utf8(path.as_bytes()).ok()?;
    Some(match text.strip_prefix("\\\\") {
        Some(share) => format!("\\\\?\\UNC\\{share}"),
        None => format!("\\\\?\\{text}"),
    })
}

/// What stands after a verbatim prefix, as a plain path. Windows takes it letter by letter, so it must read the same
/// under the ordinary rules.
fn verbatim_rest(rest: &str) -> Result<String, Refused> {
    let (root, names) = match rest.get(..4).filter(|start| start.eq_ignore_ascii_case("UNC\\")) {
        Some(_) => ("\\\\", &rest[4..]),
        None => ("", rest),
    };
    if root.is_empty() {
        let bytes = rest.as_bytes();
        let is_drive =
            bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\';
        if !is_drive {
            return Err(device(rest));
        }
    }
    let below = if root.is_empty() { &names[3..] } else { names };
    let is_plain = |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains('/');
    let trimmed = below.strip_suffix('\\').unwrap_or(below);
    if !trimmed.is_empty() && !trimmed.split('\\').all(is_plain) {
        return Err(Refused::Verbatim);
    }
    Ok(format!("{root}{names}"))
}

/// Why what stands behind a device prefix is no file.
fn device(rest: &str) -> Refused {
    let first = rest.split(['\\', '/']).next().unwrap_or(rest);
    let is = |name: &str| first.eq_ignore_ascii_case(name);
    let volume = first.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Volume{"));
    if volume || is("GLOBALROOT") || is("Harddisk") || is("BootPartition") || is("SystemPartition") {
        return Refused::Volume(rest.chars().take(80).collect());
    }
    Refused::Device(rest.chars().take(80).collect())
}

fn check_root(text: &str) -> Result<(), Refused> {
    let bytes = text.as_bytes();
    let is_separator = |at: usize| matches!(bytes.get(at), Some(b'\\' | b'/'));
    match bytes {
        [] => Err(PathError::Empty.into()),
        _ if text.contains('\0') => Err(PathError::Nul.into()),
        [letter, b':', ..] if letter.is_ascii_alphabetic() && is_separator(2) => Ok(()),
        [b'\\' | b'/', ..] => Err(Refused::Rooted),
        _ => Err(Refused::Relative),
    }
}

/// Names of this machine on its own network.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Refuses shares by which the machine reaches its own disks, and those that are made for administration.
fn check_share(path: &AbsPath) -> Result<(), Refused> {
    let root = String::from_utf8_lossy(path.root()).into_owned();
    let Some((server, share)) = root.strip_prefix("\\\\").and_then(|share| share.split_once('\\')) else {
        return Ok(());
    };
    let literal = server.to_ascii_lowercase();
    let v6 = literal.strip_suffix(".ipv6-literal.net").map(|name| name.replace('-', ":"));
    let own = OWN_NAMES.contains(&literal.as_str())
        || literal.starts_with("127.")
        || v6.is_some_and(|name| name == "::1" || name == "0:0:0:0:0:0:0:1");
    let administrative = share.ends_with('$') && !literal.starts_with("wsl");
    if own || administrative { Err(Refused::OwnShare(root)) } else { Ok(()) }
}

fn check_lengths(path: &AbsPath) -> Result<(), Refused> {
    let units = |bytes: &[u8]| String::from_utf8_lossy(bytes).encode_utf16().count();
    let long_name = path.components().any(|name| name.len() > LONGEST_NAME && units(name) > LONGEST_NAME);
    if long_name || path.as_bytes().len() > LONGEST_PATH && units(path.as_bytes()) > LONGEST_PATH {
        return Err(Refused::TooLong);
    }
    Ok(())
}

/// True for a name that Windows may have generated for another one.
fn is_short(name: &[u8]) -> bool {
    let whole = [b"C:\\", name].concat();
    std::str::from_utf8(&whole)
        .ok()
        .and_then(|text| AbsPath::windows(text).ok())
        .is_some_and(|path| path.has_short_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match decided(text) {
            Ok(path) => path.to_string(),
            Err(error) => format!("refused: {error}"),
        }
    }

    #[test]
    fn plain_paths_are_brought_to_one_form() {
        let cases = [
            ("C:\\", "C:\\"),
            ("c:/Users//ada/./src/", "C:\\Users\\ada\\src"),
            ("\\\\?\\C:\\Users\\ada", "C:\\Users\\ada"),
            ("\\??\\c:\\Users\\ada\\", "C:\\Users\\ada"),
            ("\\\\server\\share\\a", "\\\\server\\share\\a"),
            ("//server/share/a", "\\\\server\\share\\a"),
            ("\\\\?\\UNC\\server\\share\\a", "\\\\server\\share\\a"),
            ("\\\\?\\unc\\server\\share", "\\\\server\\share"),
            ("\\\\wsl.localhost\\Debian\\home", "\\\\wsl.localhost\\Debian\\home"),
            ("\\\\wsl$\\Debian", "\\\\wsl$\\Debian"),
            ("C:\\a~b\\~1\\longer-name~1", "C:\\a~b\\~1\\longer-name~1"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_decided_is_refused_with_the_reason() {
        let cases = [
            ("", "empty"),
            ("a\\b", "working directory"),
            ("C:a", "working directory"),
            ("C:", "working directory"),
            ("\\a", "names no drive"),
            ("/a", "names no drive"),
            ("C:\\a\0", "NUL"),
            ("\\\\.\\C:\\a", "device"),
            ("\\\\.\\pipe\\x", "device"),
            ("//./PhysicalDrive0", "device"),
            ("//?/C:/a", "device"),
            ("\\\\.", "device"),
            ("\\\\?\\pipe\\x", "device"),
            ("\\\\?\\Volume{0b1c}\\a", "only opening"),
            ("\\\\?\\GLOBALROOT\\Device\\Harddisk0", "only opening"),
            ("\\\\?\\C:\\a\\..\\b", "letter by letter"),
            ("\\\\?\\C:\\a/b", "letter by letter"),
            ("\\\\?\\C:\\\\a", "letter by letter"),
            ("\\\\?\\C:\\a.", "ends in a dot"),
            ("C:\\a\\..\\b", "depends on links"),
            ("C:\\a.\\b", "ends in a dot"),
            ("C:\\.git \\hooks", "ends in a dot or a space"),
            ("C:\\a:stream", "alternate data stream"),
            ("C:\\.git::$INDEX_ALLOCATION\\hooks", "alternate data stream"),
            ("C:\\x\\nul.txt", "reserved"),
            ("C:\\x\\COM¹", "reserved"),
            ("C:\\PROGRA~1\\a", "short name"),
            ("C:\\src\\GIT~1\\hooks", "short name"),
            ("\\\\localhost\\c$\\Users", "own disks"),
            ("\\\\127.1\\data\\a", "own disks"),
            ("\\\\--1.ipv6-literal.net\\data", "own disks"),
            ("\\\\server\\ADMIN$\\a", "own disks"),
            ("\\\\server", "not absolute"),
            ("C:\\a<b", "cannot hold"),
        ];
        for (text, reason) in cases {
            let answer = shown(text);
            assert!(answer.starts_with("refused: ") && answer.contains(reason), "{text:?}: {answer}");
        }
        assert_eq!(decided(&format!("C:\\{}", "a".repeat(256))), Err(Refused::TooLong));
        assert!(decided(&format!("C:\\{}", "漢".repeat(255))).is_ok());
        assert_eq!(decided(&format!("C:\\{}", "ab\\".repeat(11_000))), Err(Refused::TooLong));
    }

    #[test]
    fn opened_objects_have_the_names_that_they_have() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
        assert_eq!(opened(&units("\\\\?\\C:\\PROGRA~1")).unwrap().to_string(), "C:\\PROGRA~1");
        assert_eq!(opened(&units("\\\\?\\UNC\\s\\d$\\a")).unwrap().to_string(), "\\\\s\\d$\\a");
        assert!(matches!(opened(&units("\\\\?\\Volume{1}\\a")), Err(Refused::Volume(_))));
        assert!(matches!(opened(&units("\\\\?\\C:\\a.")), Err(Refused::Path(_))));
        assert_eq!(opened(&[0x43, 0x3a, 0x5c, 0xd800]), Err(Refused::NoText));
    }

    #[test]
    fn a_host_opens_what_was_decided() {
        for text in ["C:\\", "D:\\a b\\ä", "\\\\server\\share", "\\\\server\\share\\x"] {
            let path = decided(text).unwrap();
            let units: Vec<u16> = verbatim(&path).unwrap().encode_utf16().collect();
            assert_eq!(opened(&units).unwrap(), path);
        }
        assert_eq!(verbatim(&AbsPath::posix("/a").unwrap()), None);
    }
}
