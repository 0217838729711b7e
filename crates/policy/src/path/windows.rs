//! The naming rules of Windows, as far as a text alone can tell.
//!
//! Source: "Naming Files, Paths, and Namespaces" and "File path formats on Windows systems" in Microsoft's
//! documentation.

use super::PathError;

/// Folds for comparison, one character to one: the pairs that Windows knows, and so `ſ`, `ı` and the Kelvin sign stay
/// apart from `s`, `i` and `k`.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(fold_letter).collect()
}

fn fold_letter(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) if !single.is_ascii() => single,
        _ => letter,
    }
}

/// Brings a path to the form `C:\a\b` or `\\server\share\a`.
pub(super) fn normalise(text: &str) -> Result<String, PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    if text.contains('\0') {
        return Err(PathError::Nul);
    }
    let text = text.replace('/', "\\");
    let (mut out, names) = match text.strip_prefix("\\\\") {
        Some(share) => unc_root(share)?,
        None => drive_root(&text)?,
    };
    for name in names.split('\\').filter(|name| !name.is_empty() && *name != ".") {
        check_name(name)?;
        if !out.ends_with('\\') {
            out.push('\\');
        }
        out.push_str(name);
    }
    Ok(out)
}

fn drive_root(text: &str) -> Result<(String, &str), PathError> {
    let bytes = text.as_bytes();
    let is_drive =
        bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\';
    if !is_drive {
        return Err(PathError::NotAbsolute);
    }
    Ok((text[..3].to_ascii_uppercase(), &text[3..]))
}

fn unc_root(share: &str) -> Result<(String, &str), PathError> {
    let mut parts = share.splitn(3, '\\');
    let (Some(server), Some(name)) = (parts.next(), parts.next()) else { return Err(PathError::NotAbsolute) };
    if matches!(server, "." | "?") {
        return Err(PathError::DevicePath);
    }
    if server.is_empty() || name.is_empty() {
        return Err(PathError::NotAbsolute);
    }
    check_name(server)?;
    check_name(name)?;
    Ok((format!("\\\\{server}\\{name}"), parts.next().unwrap_or("")))
}

fn check_name(name: &str) -> Result<(), PathError> {
    if name == ".." {
        return Err(PathError::ParentComponent);
    }
    if name.contains(':') {
        return Err(PathError::AlternateStream(name.to_owned()));
    }
    if let Some(found) =
        name.chars().find(|letter| *letter < ' ' || matches!(letter, '<' | '>' | '"' | '|' | '?' | '*'))
    {
        return Err(PathError::ForbiddenCharacter(found));
    }
    if name.ends_with(['.', ' ']) {
        return Err(PathError::TrailingDotOrSpace(name.to_owned()));
    }
    if is_reserved(name) {
        return Err(PathError::ReservedName(name.to_owned()));
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    number.is_some_and(|number| {
        let mut letters = number.chars();
        let digit = |letter: char| matches!(letter, '0'..='9' | '¹' | '²' | '³');
        letters.next().is_some_and(digit) && letters.next().is_none()
    })
}

/// Length of the root of a normalised path.
pub(super) fn root_length(bytes: &[u8]) -> usize {
    if !bytes.starts_with(b"\\\\") {
        return bytes.len().min(3);
    }
    let mut separators =
        bytes.iter().enumerate().skip(2).filter(|(_, byte)| **byte == b'\\').map(|(at, _)| at);
    separators.nth(1).unwrap_or(bytes.len())
}

/// True for names of the form `NAME~1` or `NAME~1.EXT`.
pub(super) fn looks_short(name: &[u8]) -> bool {
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name);
    let Some(tilde) = stem.iter().rposition(|byte| *byte == b'~') else { return false };
    let digits = &stem[tilde + 1..];
    tilde > 0 && stem.len() <= 8 && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
