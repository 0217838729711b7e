//! `cargo xtask picture`: records real commands in a terminal and draws what they printed.
//!
//! The commands stand in `docs/picture.commands`, see [`script`]. They run in a private directory with a private
//! home, so nothing of the machine at hand is in the picture and nothing of it is changed.

use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result};

use record::Recorder;
use screen::Screen;

mod record;
mod screen;
mod script;
mod svg;

/// Where the commands are.
const COMMANDS: &str = "docs/picture.commands";

/// Where the picture goes.
const PICTURE: &str = "docs/picture.svg";

/// Width of the terminal in characters.
const COLUMNS: usize = 96;

/// Records the picture. An argument names a built `garth` to record; without one the release build is made.
///
/// # Errors
/// When a command ends with another status than its line says, or a file cannot be read or written.
pub fn run(root: &Path, arguments: &[String], out: &mut dyn Write) -> Result<()> {
    let text =
        std::fs::read_to_string(root.join(COMMANDS)).with_context(|| format!("cannot read {COMMANDS}"))?;
    let steps = script::parse(&text).with_context(|| format!("in {COMMANDS}"))?;
    let program = match arguments.first() {
        Some(path) => std::path::absolute(path)?,
        None => record::build(root)?,
    };
    let drawing = draw(&steps, &Recorder::new(&program)?)?;
    std::fs::write(root.join(PICTURE), drawing).with_context(|| format!("cannot write {PICTURE}"))?;
    writeln!(out, "recorded {} steps into {PICTURE}", steps.len())?;
    Ok(())
}

fn draw(steps: &[script::Step], recorder: &Recorder) -> Result<String> {
    let mut screen = Screen::new(COLUMNS);
    let mut title = None;
    for step in steps {
        let output = recorder.run(step, COLUMNS)?;
        if step.shown {
            if title.is_some() {
                screen.write("\r\n");
            }
            title.get_or_insert(step.command.as_str());
            screen.write(&format!("\x1b[1;32m$\x1b[0m \x1b[1m{}\x1b[0m\r\n", step.command));
            screen.write(&output);
        }
    }
    Ok(svg::render(&screen.rows(), COLUMNS, title.unwrap_or_default()))
}
