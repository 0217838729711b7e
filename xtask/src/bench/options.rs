//! The command line of the bench.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

/// What the caller asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// Rounds of the start-up race; workloads take a fixed share of it.
    pub rounds: usize,
    /// User id to measure as.
    pub user: Option<u32>,
    /// A built garth; without one the release build is made.
    pub garth: Option<PathBuf>,
    /// The commit that garth was built from, where it is not the tree's.
    pub commit: Option<String>,
    /// Files in the large tree.
    pub many: usize,
    /// Whether the page is written into the tree.
    pub write: bool,
}

impl Options {
    /// Reads `--rounds N --as UID --garth PATH --commit ID --many N --write`.
    ///
    /// # Errors
    /// When an option is unknown, or its value is missing or no number.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options =
            Self { rounds: 200, user: None, garth: None, commit: None, many: 100_000, write: false };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{name} needs a value"));
            match name.as_str() {
                "--rounds" => options.rounds = number(name, value()?)?,
                "--as" => options.user = Some(number(name, value()?)?),
                "--garth" => options.garth = Some(PathBuf::from(value()?)),
                "--commit" => options.commit = Some(value()?.clone()),
                "--many" => options.many = number(name, value()?)?,
                "--write" => options.write = true,
                _ => bail!(
                    "no option is called `{name}`\nhint: --rounds N, --as UID, --garth PATH, --commit ID, --many N, --write"
                ),
            }
        }
        if options.rounds < 5 {
            bail!("fewer than 5 rounds have no median worth the name\nhint: --rounds 200");
        }
        Ok(options)
    }
}

fn number<N: FromStr>(name: &str, text: &str) -> Result<N> {
    text.parse().ok().with_context(|| format!("{name} needs a number, not `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        Options::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        let options = parse("--rounds 9 --as 65534 --garth /g --commit abc --many 7 --write").unwrap();
        let expected = Options {
            rounds: 9,
            user: Some(65534),
            garth: Some("/g".into()),
            commit: Some("abc".to_owned()),
            many: 7,
            write: true,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in
            [("--fast", "`--fast`"), ("--rounds", "a value"), ("--as me", "`me`"), ("--rounds 1", "hint:")]
        {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
