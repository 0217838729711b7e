//! Colours. They reach terminals only: `anstream` takes them off everywhere else.

use anstyle::{AnsiColor, Style};

/// What failed.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What helps.
pub const HINT: Style = AnsiColor::Cyan.on_default();
/// Held, allowed.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Held with a gap.
pub const PART: Style = AnsiColor::Yellow.on_default();
/// Headings.
pub const BOLD: Style = Style::new().bold();
