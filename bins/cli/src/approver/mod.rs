//! Who answers where the policy says `ask`: the user on the terminal, or a program on a descriptor, and besides whoever
//! watches the session.

mod lines;
mod shared;
mod terminal;

use crate::arguments::RunArguments;
use crate::failure::Failure;
use garth::{Approve, is_attended};
use lines::Lines;
use std::sync::Arc;
use terminal::Terminal;

/// Whoever answers in this run; nobody where no program was named and no user is there.
pub fn approver(arguments: &RunArguments) -> Result<Option<Arc<dyn Approve>>, Failure> {
    let first: Option<Arc<dyn Approve>> = match arguments.approver.as_deref() {
        Some("watch") => None,
        _ => match first(arguments)? {
            None => return Ok(None),
            first => first,
        },
    };
    Ok(Some(Arc::new(shared::Shared(first))))
}

fn first(arguments: &RunArguments) -> Result<Option<Arc<dyn Approve>>, Failure> {
    Ok(match arguments.approver.as_deref() {
        Some(named) => Some(Arc::new(by_name(named)?)),
        // With --json a program reads standard error, also where that is a terminal.
        None if arguments.json || !is_attended() => None,
        None => Some(Arc::new(Terminal)),
    })
}

/// `N`, a socket, or `IN,OUT`, two pipes.
#[cfg(target_os = "linux")]
fn by_name(named: &str) -> Result<Lines, Failure> {
    let numbers: Result<Vec<i32>, _> = named.split(',').map(str::parse).collect();
    let refuse = |why: String| {
        let hint = "pass a connected socket, as in --approver 3, two pipes to read and to write, as in --approver 3,4, or watch";
        Failure::usage(format!("cannot ask on descriptor `{named}`"), why, hint)
    };
    let open = |number: i32| garth::inherited(number).map_err(|error| refuse(error.to_string()));
    match numbers.as_deref() {
        Ok([both]) => Ok(Lines::new(open(*both)?, open(*both)?)),
        Ok([input, output]) => Ok(Lines::new(open(*input)?, open(*output)?)),
        _ => Err(refuse("it is neither a number nor two of them".to_owned())),
    }
}

/// A named pipe, or one to read and one to write.
#[cfg(windows)]
fn by_name(named: &str) -> Result<Lines, Failure> {
    let refuse = |why: String| {
        let shown = garth::policy::escape_visible(named.as_bytes());
        let hint = r"name a pipe that the approver made, as in --approver \\.\pipe\my-approver, or two, to read and to write, or watch";
        Failure::usage(format!("cannot ask on `{shown}`"), why, hint)
    };
    let open = |name: &str| garth::windows::approver_pipe(name).map_err(|error| refuse(error.to_string()));
    let names: Vec<&str> = named.split(',').collect();
    match names.as_slice() {
        [both] => {
            let (input, output) = open(both)?.split().map_err(|error| refuse(error.to_string()))?;
            Ok(Lines::new(input, output))
        }
        [input, output] => {
            let ((input, _), (_, output)) = (
                open(input)?.split().map_err(|error| refuse(error.to_string()))?,
                open(output)?.split().map_err(|error| refuse(error.to_string()))?,
            );
            Ok(Lines::new(input, output))
        }
        _ => Err(refuse("it is neither one name nor two".to_owned())),
    }
}
