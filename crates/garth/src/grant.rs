//! What an approval changes, before it is given: the line that a policy file would get, and what then holds.

use crate::Error;
use crate::files::user_policy;
use garth_policy::{AbsPath, Addition, EditError, add};
use garth_undo::unified;

/// What an answer would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The policy file.
    pub file: AbsPath,
    /// How it changes, as `diff -u` shows it, without the two lines that name the file.
    pub diff: String,
    /// What would be allowed from then on, in one sentence.
    pub meaning: String,
}

impl Grant {
    /// The grant of these additions to the user's policy file. Nothing is written.
    ///
    /// # Errors
    /// A file that others can write to, that cannot be read, or to which nothing can be added.
    pub fn of(file: &AbsPath, additions: &[Addition]) -> Result<Self, Error> {
        let before = user_policy(file)?;
        let after = with(&before, file, additions)?;
        Ok(Self { file: file.clone(), diff: difference(&before, &after), meaning: meaning(additions) })
    }
}

/// The text of a policy with all additions.
pub(crate) fn with(text: &str, file: &AbsPath, additions: &[Addition]) -> Result<String, Error> {
    let failed = |error: EditError| Error::Policy(format!("{file}: {error}"));
    additions.iter().try_fold(text.to_owned(), |text, addition| add(&text, addition).map_err(failed))
}

fn difference(before: &str, after: &str) -> String {
    let mut shown = String::new();
    for (sign, line) in unified(before.as_bytes(), after.as_bytes()).lines {
        if sign != '@' {
            shown.push(sign);
        }
        shown.push_str(&String::from_utf8_lossy(&line));
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
    }
    shown
}

fn meaning(additions: &[Addition]) -> String {
    let one = |addition: &Addition| match addition {
        Addition::Domain(host) => format!("every process inside may connect to {host}"),
        Addition::Command(prefix, agent) => {
            let whose = agent.as_ref().map_or_else(String::new, |agent| format!(" of the agent `{agent}`"));
            format!("commands{whose} that begin with `{}` are allowed", prefix.join(" "))
        }
        other => format!("{other:?}"),
    };
    let all: Vec<String> = additions.iter().map(one).collect();
    format!("{}, now and in every later session with this policy", all.join("; "))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_grant_shows_the_line_and_leaves_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("policy.toml");
        let path = AbsPath::posix(real.as_os_str().as_bytes()).unwrap();
        let domain = [Addition::Domain("a.example:443".into())];
        let fresh = Grant::of(&path, &domain).unwrap();
        assert!(fresh.diff.starts_with("@@ -0,0 +1,"), "{}", fresh.diff);
        assert!(fresh.diff.contains("\n+version = 1\n"), "{}", fresh.diff);
        let text = "version = 1 # mine\n[network] # here\nmode = \"allow-list\"\ndomains = { \"b\" = \"deny\" } # kept\n";
        std::fs::write(&real, text).unwrap();
        let grant = Grant::of(&path, &domain).unwrap();
        let expected = "@@ -1,4 +1,4 @@\n version = 1 # mine\n [network] # here\n mode = \"allow-list\"\n\
            -domains = { \"b\" = \"deny\" } # kept\n\
            +domains = { \"b\" = \"deny\", \"a.example:443\" = \"allow\" } # kept\n";
        assert_eq!(grant.diff, expected);
        assert!(grant.meaning.contains("connect to a.example:443"), "{}", grant.meaning);
        assert_eq!(std::fs::read_to_string(&real).unwrap(), text, "nothing is written");
        // What is there already changes nothing.
        std::fs::write(&real, with(text, &path, &domain).unwrap()).unwrap();
        assert_eq!(Grant::of(&path, &domain).unwrap().diff, "");
        std::fs::write(&real, "version = ").unwrap();
        assert!(Grant::of(&path, &domain).is_err());
    }
}
