//! P12: what the user sees and types.

use crate::prove::attack::{Attack, Step, attack, step};

const SEE: Step = step("read-system", &[]);

const fn at(id: &'static str, title: &'static str, action: Step) -> Attack {
    attack(12, id, title, action, SEE)
}

pub(super) static ATTACKS: &[Attack] = &[
    at("screen.clipboard", "read the clipboard", step("read-clipboard", &[])),
    at("screen.clipboard-clear", "clear the clipboard", step("clear-clipboard", &[])),
    at("screen.windows", "see a window of another program", step("foreign-window", &[])),
    at("screen.message", "send the shell a message", step("post-to-shell", &[])),
    at("screen.desktop", "open the user's desktop", step("open-desktop", &["Default"])),
    at("screen.secure-desktop", "open the desktop of the logon", step("open-desktop", &["Winlogon"])),
    at("screen.switch", "open the desktop that is shown, to switch it", step("input-desktop", &[])),
    at("screen.station", "open the user's station for everything", step("open-station", &["WinSta0"])),
    at("screen.settings", "change a setting of the session", step("change-system", &[])),
];
