//! Who answers where the policy says `ask`: the user on the terminal, or a program on a descriptor, and besides whoever
//! watches the session.

mod lines;
mod shared;
mod terminal;

use crate::arguments::RunArguments;
use crate::failure::Failure;
use garth::{Approve, inherited, is_attended};
use lines::Lines;
use shared::Shared;
use std::sync::Arc;
use terminal::Terminal;

/// Whoever answers in this run; nobody where no program was named and no user is there.
pub fn approver(arguments: &RunArguments) -> Result<Option<Arc<dyn Approve>>, Failure> {
    let first: Option<Arc<dyn Approve>> = match arguments.approver.as_deref() {
        Some("watch") => None,
        Some(named) => Some(Arc::new(by_number(named)?)),
        // With --json a program reads standard error, also where that is a terminal.
        None if arguments.json || !is_attended() => return Ok(None),
        None => Some(Arc::new(Terminal)),
    };
    Ok(Some(Arc::new(Shared(first))))
}

/// `N`, a socket, or `IN,OUT`, two pipes.
fn by_number(named: &str) -> Result<Lines, Failure> {
    let numbers: Result<Vec<i32>, _> = named.split(',').map(str::parse).collect();
    let refuse = |why: String| {
        let hint = "pass a connected socket, as in --approver 3, two pipes to read and to write, as in --approver 3,4, or watch";
        Failure::own(format!("cannot ask on descriptor `{named}`"), why, hint)
    };
    let open = |number: i32| inherited(number).map_err(|error| refuse(error.to_string()));
    match numbers.as_deref() {
        Ok([both]) => Ok(Lines::new(open(*both)?, open(*both)?)),
        Ok([input, output]) => Ok(Lines::new(open(*input)?, open(*output)?)),
        _ => Err(refuse("it is neither a number nor two of them".to_owned())),
    }
}
