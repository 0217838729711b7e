//! The command line: few words, read by hand, because whoever reads it may be elevated.

use garth_plan::windows::Sid;
use garth_plan::windows::setup::Wishes;
use garth_policy::AbsPath;

/// What `--help` says.
pub const USAGE: &str = "\
Prepares a Windows machine once, so that more works in garth's containers. Sandboxes hold without it.

Usage: garth-setup VERB [OPTIONS]

  plan      what would be changed, and how the machine stands to it; changes nothing
  verify    the same, short; ends with 0 if all is prepared and with 1 if not
  report    what does not work without it; changes nothing
  apply     makes what is missing, all of it or nothing
  undo      takes back exactly what apply made

Options:
  --profile DIR     the root of a profile instead of your own (may be given again)
  --drive D:        the root of another drive with workspaces (may be given again)
  --loopback SID    exempt this package, if garth said that the loopback is refused; it then reaches every
                    server of this machine's loopback too (may be given again)
  --elevate         apply, undo: let Windows ask for an administrator
  --json            plan, verify: for programs

What is changed: `garth-setup plan`. Exit codes: 0 done or prepared, 1 not, 2 wrong usage, 3 an administrator is
needed and nothing was changed.
";

const HINT: &str = "see `garth-setup --help`";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// The usage.
    Help,
    /// The version.
    Version,
    /// A verb.
    Act(Verb),
}

/// Which verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Show what would be done.
    Plan,
    /// Show how the machine stands.
    Verify,
    /// Show what does not work without it.
    Report,
    /// Do it.
    Apply,
    /// Take it back.
    Undo,
}

/// A verb with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verb {
    /// Which.
    pub what: What,
    /// Whose directories and which packages; without a profile the own one is meant.
    pub wishes: Wishes,
    /// Windows may ask for an administrator.
    pub elevate: bool,
    /// For programs.
    pub json: bool,
}

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadArguments {
    /// What.
    pub what: String,
    /// What helps.
    pub hint: String,
}

fn bad(what: impl Into<String>, hint: &str) -> BadArguments {
    BadArguments { what: what.into(), hint: hint.to_owned() }
}

impl Arguments {
    /// Reads the words behind the program's name.
    ///
    /// # Errors
    /// What is not understood, with what helps.
    pub fn parse(words: &[String]) -> Result<Self, BadArguments> {
        let is = |word: &String, names: [&str; 2]| names.contains(&word.as_str());
        if words.is_empty() || words.iter().any(|word| is(word, ["--help", "-h"])) {
            return Ok(Self::Help);
        }
        if words.iter().any(|word| is(word, ["--version", "-V"])) {
            return Ok(Self::Version);
        }
        let (verb, options) = (&words[0], &words[1..]);
        let what = match verb.as_str() {
            "plan" => What::Plan,
            "verify" => What::Verify,
            "report" => What::Report,
            "apply" => What::Apply,
            "undo" => What::Undo,
            other => return Err(bad(format!("`{other}` is no verb"), HINT)),
        };
        Ok(Self::Act(Verb::parse(what, options)?))
    }
}

impl Verb {
    fn parse(what: What, words: &[String]) -> Result<Self, BadArguments> {
        let mut verb = Self { what, wishes: Wishes::default(), elevate: false, json: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| bad(format!("`{word}` needs a value"), HINT));
            match (word.as_str(), what) {
                ("--profile", _) if what != What::Undo => verb.wishes.profiles.push(path(value()?)?),
                ("--drive", _) if what != What::Undo => verb.wishes.drives.push(drive(value()?)?),
                ("--loopback", _) if what != What::Undo => verb.wishes.packages.push(package(value()?)?),
                ("--elevate", What::Apply | What::Undo) => verb.elevate = true,
                ("--json", What::Plan | What::Verify) => verb.json = true,
                (other, _) => return Err(bad(format!("`{other}` is no option of this verb"), HINT)),
            }
        }
        Ok(verb)
    }
}

fn path(text: &str) -> Result<AbsPath, BadArguments> {
    AbsPath::windows(text)
        .map_err(|error| bad(format!("`{text}`: {error}"), r"name a whole path, such as C:\Users\ada"))
}

fn drive(text: &str) -> Result<AbsPath, BadArguments> {
    // As people write it.
    if text.len() == 2 && text.ends_with(':') { path(&format!("{text}\\")) } else { path(text) }
}

fn package(text: &str) -> Result<Sid, BadArguments> {
    let hint = "name the package that garth said: S-1-15-2- and seven numbers";
    text.parse().map_err(|error| bad(format!("`{text}`: {error}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, BadArguments> {
        let words: Vec<String> = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn without_a_verb_it_helps_and_does_nothing() {
        for line in ["", "--help", "-h", "apply --help", "apply --elevate -h"] {
            assert_eq!(parse(line), Ok(Arguments::Help), "{line}");
        }
        assert_eq!(parse("--version"), Ok(Arguments::Version));
        for verb in ["plan", "verify", "report", "apply", "undo"] {
            assert!(USAGE.contains(&format!("\n  {verb} ")), "{verb}");
            assert!(matches!(parse(verb), Ok(Arguments::Act(Verb { elevate: false, json: false, .. }))));
        }
    }

    #[test]
    fn options_are_read() {
        let line = "apply --elevate --profile C:\\Users\\ada --drive D: --drive E:\\ --loopback S-1-15-2-1-2-3-4-5-6-7";
        let Ok(Arguments::Act(verb)) = parse(line) else { panic!("{:?}", parse(line)) };
        let drives: Vec<String> = verb.wishes.drives.iter().map(ToString::to_string).collect();
        assert_eq!(drives, ["D:\\", "E:\\"]);
        assert!(verb.elevate && verb.what == What::Apply && verb.wishes.packages.len() == 1);
        // What it hands to itself it understands.
        let again = [vec!["apply".to_owned()], verb.wishes.options()].concat();
        let Ok(Arguments::Act(other)) = Arguments::parse(&again) else { panic!("{again:?}") };
        assert_eq!(other.wishes, verb.wishes);
    }

    #[test]
    fn what_is_not_understood_says_what_helps() {
        let table = [
            ("prepare", "no verb"),
            ("--elevate", "no verb"),
            ("plan --elevate", "no option"),
            ("verify --quiet", "no option"),
            ("apply --json", "no option"),
            ("undo --drive D:", "no option"),
            ("apply --profile", "needs a value"),
            ("apply --profile ada", "`ada`"),
            ("apply --profile C:ada", "`C:ada`"),
            ("apply --drive \\\\.\\PhysicalDrive0", "PhysicalDrive0"),
            ("apply --loopback garth", "`garth`"),
        ];
        for (line, expected) in table {
            let error = parse(line).unwrap_err();
            assert!(error.what.contains(expected) && !error.hint.is_empty(), "{line}: {error:?}");
        }
    }
}
