//! Who answers where the policy says `ask`: the user on the terminal, or a program on a descriptor.

mod lines;
mod terminal;

use crate::arguments::RunArguments;
use crate::failure::Failure;
use garth::{Approve, inherited, is_attended};
use lines::Lines;
use std::sync::Arc;
use terminal::Terminal;

/// Whoever answers in this run; nobody where no program was named and no user is there.
pub fn approver(arguments: &RunArguments) -> Result<Option<Arc<dyn Approve>>, Failure> {
    if let Some(named) = &arguments.approver {
        return Ok(Some(Arc::new(by_number(named)?)));
    }
    // With --json a program reads standard error, also where that is a terminal.
    let attended = !arguments.json && is_attended();
    Ok(attended.then(|| Arc::new(Terminal) as Arc<dyn Approve>))
}

/// `N`, a socket, or `IN,OUT`, two pipes.
fn by_number(named: &str) -> Result<Lines, Failure> {
    let numbers: Result<Vec<i32>, _> = named.split(',').map(str::parse).collect();
    let refuse = |why: String| {
        let hint = "pass a connected socket, as in --approver 3, or two pipes to read and to write, as in --approver 3,4";
        Failure::own(format!("cannot ask on descriptor `{named}`"), why, hint)
    };
    let open = |number: i32| inherited(number).map_err(|error| refuse(error.to_string()));
    match numbers.as_deref() {
        Ok([both]) => Ok(Lines::new(open(*both)?, open(*both)?)),
        Ok([input, output]) => Ok(Lines::new(open(*input)?, open(*output)?)),
        _ => Err(refuse("it is neither a number nor two of them".to_owned())),
    }
}
