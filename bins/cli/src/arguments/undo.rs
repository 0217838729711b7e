//! Options of the verbs that look at changes, put them in place, or take them back.

use clap::Args;
use std::ffi::OsString;

/// `garth diff`.
#[derive(Debug, Args)]
pub struct DiffArguments {
    /// A line for each change, with the lines that are new and that go; this is the default
    #[arg(long, conflicts_with_all = ["patch", "json"])]
    pub stat: bool,
    /// A patch
    #[arg(long, conflicts_with = "json")]
    pub patch: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// A layer [default: the one of the working directory], and paths to look at [default: all]
    #[arg(value_name = "LAYER|PATH")]
    pub words: Vec<OsString>,
}

/// `garth apply`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct ApplyArguments {
    /// Ask about each change
    #[arg(long)]
    pub interactive: bool,
    /// Do not ask
    #[arg(long, conflicts_with = "interactive")]
    pub yes: bool,
    /// Put in place what the host runs or trusts, too
    #[arg(long, conflicts_with = "interactive")]
    pub yes_trusted: bool,
    /// Overwrite what was changed outside meanwhile, too
    #[arg(long, conflicts_with = "interactive")]
    pub overwrite: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// A layer [default: the one of the working directory], and paths to put in place [default: all]
    #[arg(value_name = "LAYER|PATH")]
    pub words: Vec<OsString>,
}

/// `garth discard`.
#[derive(Debug, Args)]
pub struct DiscardArguments {
    /// The layers [default: the one of the working directory]
    #[arg(value_name = "LAYER")]
    pub layers: Vec<OsString>,
}

/// `garth undo`.
#[derive(Debug, Args)]
pub struct UndoArguments {
    /// The checkpoint to go back to [default: the last one of this workspace]
    #[arg(long, value_name = "CHECKPOINT")]
    pub to: Option<String>,
    /// Ask about each change
    #[arg(long)]
    pub interactive: bool,
    /// Do not ask
    #[arg(long, conflicts_with = "interactive")]
    pub yes: bool,
    /// Do not ask, and print JSON
    #[arg(long, conflicts_with = "interactive")]
    pub json: bool,
    /// Take back only what is at or below these paths
    #[arg(value_name = "PATH")]
    pub paths: Vec<OsString>,
}
