//! Stories about the network: what becomes of it when its broker is killed, and the login of another session's proxy.

use super::attack::{Garden, step};
use super::corpus::policy_text;
use super::run::{Proof, run};
use super::scenario::{Story, length, until, worked};
use garth_host::linux::probe::Outcome;
use garth_host::linux::probe::fixture::kill;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The broker is killed while a program inside talks to a server: nothing reaches the server any more.
pub(super) fn killed_broker(proof: &Proof<'_>) -> Story {
    let talk = step("keep-saying", &["{web}", "GET / HTTP/1.1|Host: {web}||", "reached", "{ws}/answers"]);
    let lines = [proof.line("talk", &talk, Garden::Network)];
    let told = proof.session(Garden::Network, policy_text(Garden::Network), &lines).and_then(|session| {
        let mut child = session.start()?;
        let answers = session.workspace.join("answers");
        let talked = until(Duration::from_secs(10), || length(&answers) > 2);
        kill(child.id());
        child.wait()?;
        // What was under way may still arrive.
        std::thread::sleep(Duration::from_millis(60));
        let reached = || proof.stage.reached.load(Ordering::Relaxed);
        let before = (reached(), length(&answers));
        std::thread::sleep(Duration::from_millis(150));
        Ok((talked, before == (reached(), length(&answers))))
    });
    match told {
        Ok((talked, is_over)) => Story {
            attack: if is_over { Ok("nothing came any more".into()) } else { Err("it talks on".into()) },
            twin: if talked { Ok("it talked before".into()) } else { Err("it never talked".into()) },
        },
        Err(error) => Story::broken(error),
    }
}

/// Two sessions in which programs are told of a proxy. The second shows the login of the first, and then its own.
pub(super) fn foreign_login(proof: &Proof<'_>) -> Story {
    let noting = step("note-variable", &["HTTP_PROXY", "{ws}/login"]);
    let foreign = step("by-proxy", &["{ws}/login", "{web}", "GET / HTTP/1.1|Host: {web}||", "reached"]);
    let own = step("by-proxy", &["-", "{web}", "GET / HTTP/1.1|Host: {web}||", "reached"]);
    let session = |steps: &[(&str, &super::attack::Step)]| {
        let lines: Vec<_> = steps.iter().map(|(key, step)| proof.line(key, step, Garden::Network)).collect();
        let session = proof.session(Garden::Network, policy_text(Garden::Network), &lines)?;
        run(&super::broker::Session { listeners: true, ..session })
    };
    let told = session(&[("note", &noting)])
        .and_then(|first| Ok((first, session(&[("foreign", &foreign), ("own", &own)])?)));
    match told {
        Ok((first, second)) => Story {
            attack: match second.outcomes.get("foreign") {
                Some(Outcome::Refused(number)) => Ok(format!("refused with {number}")),
                other => Err(format!("{other:?}")),
            },
            twin: worked(&first, "note").and_then(|_| worked(&second, "own")),
        },
        Err(error) => Story::broken(error),
    }
}
