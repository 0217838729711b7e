//! What a check reports.

use std::fmt;

/// One place that breaks a rule of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// Line, from 1; 0 where the finding concerns the whole file.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

impl Finding {
    /// A finding at a line (from 1) of a file.
    pub fn at(path: &str, line: usize, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), hint: hint.into() }
    }

    /// A finding about a whole file, or about one that is missing.
    pub fn whole(path: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::at(path, 0, what, hint)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}\n  hint: {}", self.what, self.hint)
    }
}

/// What a check found, and what it measured.
#[derive(Debug, Default)]
pub struct Report {
    /// Broken rules; a check holds when there are none.
    pub findings: Vec<Finding>,
    /// Measurements for the reader, printed also when the check holds.
    pub notes: Vec<String>,
}

impl From<Vec<Finding>> for Report {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, notes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_left_out_for_a_whole_file() {
        assert_eq!(Finding::at("a.rs", 3, "bad", "do good").to_string(), "a.rs:3: bad\n  hint: do good");
        assert_eq!(Finding::whole("a.rs", "bad", "do good").to_string(), "a.rs: bad\n  hint: do good");
    }
}
