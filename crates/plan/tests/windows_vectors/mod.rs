//! A small language for cases of the access check, so that a case is one line.
//!
//! A token is a list of words, on top of an ordinary token of the user `%U`:
//! `+SID` an enabled group, `-SID` a deny-only one, `~SID` a disabled one, `user-deny`, `restrict=SID`,
//! `write-restrict`, `il=SID`, `labels-off`, `ac`, `lpac`, `cap=name`, `priv=name` (enabled), `has=name` (not enabled),
//! `backup` (how the object is opened). In all texts `%U` is the user, `%P` the package, `%Q` another package, `%W` a
//! SID made up for a sandbox, `%L` the logon session, `%A` a local account.

use garth_plan::windows::token::Held;
use garth_plan::windows::{
    AccessMask, AccessRequest, AppContainer, Group, Membership, Privilege, SecurityDescriptor, Sid, Token,
    derive, known,
};

/// A text with its placeholders replaced.
pub fn filled(text: &str) -> String {
    let pairs = [
        ("%U", "S-1-5-21-1-2-3-1001".to_owned()),
        ("%A", "S-1-5-21-1-2-3-1002".to_owned()),
        ("%P", derive::package("garth.workspace").to_string()),
        ("%Q", derive::package("garth.other").to_string()),
        ("%W", "S-1-5-21-9-8-7-6".to_owned()),
        ("%L", derive::logon(0, 109_260).to_string()),
    ];
    pairs.iter().fold(text.to_owned(), |text, (word, sid)| text.replace(word, sid))
}

/// A SID as SDDL writes it.
pub fn sid(text: &str) -> Sid {
    format!("O:{}", filled(text)).parse::<SecurityDescriptor>().unwrap().owner.unwrap()
}

/// A descriptor; owned by the system where it names no owner.
pub fn descriptor(text: &str) -> SecurityDescriptor {
    let mut found: SecurityDescriptor =
        filled(text).parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    found.owner.get_or_insert(known::SYSTEM);
    found
}

/// Rights as SDDL writes them, or `MAX`, alone or in front of others.
pub fn rights(text: &str) -> AccessMask {
    if let Some(rest) = text.strip_prefix("MAX") {
        return AccessMask::MAXIMUM_ALLOWED | rights(rest);
    }
    if text == "SYSTEM" {
        return AccessMask::ACCESS_SYSTEM_SECURITY;
    }
    let entry = format!("D:(A;;{text};;;WD)").parse::<SecurityDescriptor>();
    entry.unwrap_or_else(|error| panic!("{text}: {error}")).dacl.aces()[0].mask
}

fn privilege(name: &str) -> Privilege {
    let found = Privilege::ALL.iter().find(|privilege| privilege.name() == format!("Se{name}Privilege"));
    *found.unwrap_or_else(|| panic!("no privilege {name}"))
}

/// A token and how it opens the object.
pub fn token(words: &str) -> (Token, bool) {
    let mut token = Token::ordinary(sid("%U"));
    let mut backup = false;
    for word in words.split_whitespace() {
        apply(&mut token, word, &mut backup);
    }
    (token, backup)
}

fn apply(token: &mut Token, word: &str, backup: &mut bool) {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    match key {
        "user-deny" => token.user_deny_only = true,
        "restrict" => token.restricting.push(sid(value)),
        "write-restrict" => token.write_restricted = true,
        "il" => token.integrity = sid(value),
        "labels-off" => token.mandatory.no_write_up = false,
        "ac" | "lpac" => {
            let package = sid("%P");
            token.integrity = known::LOW;
            let less_privileged = key == "lpac";
            token.app_container = Some(AppContainer { package, capabilities: Vec::new(), less_privileged });
        }
        "cap" => token.app_container.as_mut().unwrap().capabilities.push(derive::capability(value)),
        "priv" => token.privileges.push(Held { privilege: privilege(value), enabled: true }),
        "has" => token.privileges.push(Held { privilege: privilege(value), enabled: false }),
        "backup" => *backup = true,
        _ => {
            let group = Group::enabled(sid(&key[1..]));
            let membership = match &key[..1] {
                "+" => Membership::Enabled,
                "-" => Membership::DenyOnly,
                "~" => Membership::Disabled,
                _ => panic!("{word} is no word of a token"),
            };
            token.groups.retain(|other| other.sid != group.sid);
            token.groups.push(Group { membership, ..group });
        }
    }
}

/// What is asked.
pub fn request(desired: &str, backup: bool) -> AccessRequest {
    AccessRequest { desired: rights(desired), backup }
}
