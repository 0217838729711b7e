//! What is shown on a terminal that a sandbox draws on too.

/// Undoes what a program may have left the terminal in, so that the question shows as it is: a sequence or string that was
/// begun (CAN, ST), colours and concealment, the drawing character set, the palette, margins, a hidden cursor, output held
/// back. Then the question begins below everything else. (ECMA-48, and the control sequences of xterm.)
pub(crate) const PLAIN: &str = "\x18\x1b\\\x1b[0m\x0f\x1b(B\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b[?6l\x1b[r\x1b[?2026l\x1b[?25h\x1b[999;1H\n";
