//! The keyring of the desktop: the Secret Service over the session's D-Bus, as GNOME's and KDE's keyrings speak it.

use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error};
use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long a keyring may take: it may have to ask the user for its password.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a keyring gave nothing.
#[derive(Debug)]
pub(crate) enum Failed {
    /// There is none, or it did not understand.
    Unreachable(String),
    /// It did not answer in time.
    Late,
    /// It has no such entry.
    Absent,
    /// It has several.
    Several(usize),
    /// The entry is locked, and was not unlocked.
    Locked,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "no keyring can be reached: {why}"),
            Self::Late => write!(f, "the keyring did not answer within {} s", PATIENCE.as_secs()),
            Self::Absent => f.write_str("the keyring has no such entry"),
            Self::Several(count) => write!(f, "the keyring has {count} such entries, and no way to choose"),
            Self::Locked => f.write_str("the entry is locked, and was not unlocked"),
        }
    }
}

impl Failed {
    /// What helps.
    pub(crate) fn hint(&self, service: &str, account: &str) -> String {
        match self {
            Self::Unreachable(_) | Self::Late => {
                "start a keyring (gnome-keyring-daemon, KWallet) in your session, or use `command:`".into()
            }
            Self::Absent => {
                format!("store it: secret-tool store --label LABEL service '{service}' username '{account}'")
            }
            Self::Several(_) => "remove the others; `secret-tool search --all` shows them".into(),
            Self::Locked => "unlock the keyring, or answer when it asks".into(),
        }
    }
}

/// The entry with these attributes, `service` and `username`: those that the `keyring` libraries of Rust and Python use.
///
/// # Errors
/// See [`Failed`].
pub(crate) fn entry(service: &str, account: &str) -> Result<Vec<u8>, Failed> {
    let (sender, found) = channel();
    let (service, account) = (service.to_owned(), account.to_owned());
    // A keyring that hangs must not take garth with it.
    let started = std::thread::Builder::new().name("garth-keyring".into()).spawn(move || {
        // Whoever waited may have given up.
        let _late = sender.send(ask(&service, &account));
    });
    started.map_err(|error| Failed::Unreachable(error.to_string()))?;
    found.recv_timeout(PATIENCE).unwrap_or(Err(Failed::Late))
}

fn ask(service: &str, account: &str) -> Result<Vec<u8>, Failed> {
    let unreachable = |error: Error| match error {
        Error::Locked | Error::Prompt => Failed::Locked,
        Error::NoResult => Failed::Absent,
        error => Failed::Unreachable(error.to_string()),
    };
    let keyring = SecretService::connect(EncryptionType::Dh).map_err(unreachable)?;
    let attributes = HashMap::from([("service", service), ("username", account)]);
    let found = keyring.search_items(attributes).map_err(unreachable)?;
    let mut items = found.unlocked;
    let locked = found.locked.len();
    items.extend(found.locked);
    let [item] = items.as_slice() else {
        return Err(if items.is_empty() { Failed::Absent } else { Failed::Several(items.len()) });
    };
    if locked > 0 {
        item.unlock().map_err(|_| Failed::Locked)?;
    }
    item.get_secret().map_err(unreachable)
}
