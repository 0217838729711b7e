//! The list of commands. One per line:
//!
//! ```text
//! # a remark
//! ! mkdir src              prepares, is not shown
//! $ garth run -- make      is shown and must end with status 0
//! $1 garth run -- false    is shown and must end with status 1
//! ```

use anyhow::{Context as _, Result, bail};

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What bash runs.
    pub command: String,
    /// Whether the picture shows it.
    pub shown: bool,
    /// The exit status that it must have.
    pub status: i32,
}

/// Reads the list.
///
/// # Errors
/// With the line number, when a line has none of the forms above; when nothing is shown.
pub fn parse(text: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        steps.push(step(line).with_context(|| format!("line {}", index + 1))?);
    }
    if steps.iter().all(|step| !step.shown) {
        bail!("no command is shown\nhint: begin its line with `$ `");
    }
    Ok(steps)
}

fn step(line: &str) -> Result<Step> {
    let (mark, command) = line.split_once(' ').context("a mark, a space and a command are needed")?;
    let command = command.trim().to_owned();
    if mark == "!" {
        return Ok(Step { command, shown: false, status: 0 });
    }
    let Some(status) = mark.strip_prefix('$') else {
        bail!("unknown mark `{mark}`\nhint: `! ` prepares, `$ ` shows, `$1 ` shows and expects status 1");
    };
    let status =
        if status.is_empty() { 0 } else { status.parse().context("the status after `$` is not a number")? };
    Ok(Step { command, shown: true, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let steps = parse("# x\n! mkdir a\n\n$ ls  -l\n$121 garth run\n").unwrap();
        let steps: Vec<_> =
            steps.iter().map(|step| (step.command.as_str(), step.shown, step.status)).collect();
        assert_eq!(steps, [("mkdir a", false, 0), ("ls  -l", true, 0), ("garth run", true, 121)]);
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, part) in [("$ a\n% b\n", "line 2"), ("$x a\n", "line 1"), ("ls\n", "line 1")] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
        assert!(parse("! a\n").unwrap_err().to_string().contains("no command is shown"));
    }
}
