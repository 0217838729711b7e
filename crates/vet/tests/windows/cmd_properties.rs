//! What holds for any text of cmd.exe.
