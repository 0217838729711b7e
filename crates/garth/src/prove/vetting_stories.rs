//! Stories about commands: a denied one in a spelling that hides it must not be started, nor anything before it.

use super::attack::Garden;
use super::broker::Session;
use super::run::{Proof, run};
use super::scenario::{Story, refused};

/// Denies one use of a command that every system has, and that most shells carry out themselves.
const POLICY: &str =
    "version = 1\n[[commands]]\nprefix = [\"echo\", \"push\"]\ndecision = \"deny\"\nreason = \"no\"\n";

/// The texts, in which `@` stands for the word that is denied, and in the twin for one that is not.
fn spelled(proof: &Proof<'_>, texts: &[&str]) -> Story {
    let mut story =
        Story { attack: Ok(format!("{} spellings refused", texts.len())), twin: Ok("the others ran".into()) };
    for text in texts {
        let told = both(proof, text);
        match told {
            Ok((attack, twin)) => {
                story.attack = story.attack.and_then(|good| attack.map(|_| good));
                story.twin = story.twin.and_then(|good| twin.map(|()| good));
            }
            Err(error) => return Story::broken(error),
        }
    }
    story
}

type Met<T> = Result<T, String>;

/// What the denied spelling met, and what the other.
fn both(proof: &Proof<'_>, text: &str) -> std::io::Result<(Met<String>, Met<()>)> {
    let session = proof.session(Garden::Bare, POLICY, &[])?;
    let with = |word: &str| {
        let half = word.split_at(2);
        let text = text.replace("@1", half.0).replace("@2", half.1).replace('@', word);
        run(&Session { command: vec!["sh".into(), "-c".into(), text], ..session.clone() })
    };
    let attack = refused(&with("push")?).map_err(|why| format!("`{text}`: {why}"));
    let answers = with("pull")?;
    let is_good = answers.told.outcome == "ended" && answers.told.detail.starts_with("code Some(0)");
    let twin = if is_good {
        Ok(())
    } else {
        Err(format!("`{text}`: {} {}", answers.told.outcome, answers.told.detail))
    };
    Ok((attack, twin))
}

pub(super) fn quoting(proof: &Proof<'_>) -> Story {
    spelled(
        proof,
        &[
            "echo '@'",
            "e\"ch\"o @1''@2",
            "\\e\\c\\h\\o @1\\@2",
            "echo \\\n@",
            "true\n echo\t@",
            "/bin/echo @",
            "//bin/./echo @",
        ],
    )
}

pub(super) fn expansion(proof: &Proof<'_>) -> Story {
    spelled(
        proof,
        &[
            "x=@; echo $x",
            "x=@1 y=@2; echo $x$y",
            "e=echo; $e @",
            "x='echo @'; $x",
            "echo${IFS}@",
            "x=@; echo ${x:-no}",
            "x=@; echo \"${x}\" more",
        ],
    )
}

pub(super) fn compounds(proof: &Proof<'_>) -> Story {
    spelled(
        proof,
        &[
            "true && echo @",
            "true; true; true; echo @",
            "x=$(echo @)",
            "x=`echo @`",
            "f() { echo @; }; f",
            "if true; then echo @; fi",
            "for x in 1; do echo @; done",
            "(echo @)",
            "{ echo @; } > /dev/null",
            "true | echo @",
            "case a in a) echo @;; esac",
            "echo @ &\nwait",
            "true # x\necho @",
        ],
    )
}

pub(super) fn launchers(proof: &Proof<'_>) -> Story {
    spelled(
        proof,
        &[
            "env echo @",
            "env -i A=b echo @",
            "nohup echo @",
            "nice -n 1 echo @",
            "timeout 5 echo @",
            "setsid -w echo @",
            "stdbuf -oL echo @",
            "xargs echo @ </dev/null",
            "find / -maxdepth 0 -exec echo @ ';'",
            "find / -maxdepth 0 -exec sh -c 'echo @' ';'",
            "command echo @",
            "exec echo @",
            "nohup env timeout 5 nice echo @",
        ],
    )
}

pub(super) fn shells(proof: &Proof<'_>) -> Story {
    spelled(
        proof,
        &[
            "sh -c 'echo @'",
            "sh -ec 'sh -c \"echo @\"'",
            "eval 'echo @'",
            "eval echo @1''@2",
            "eval \"eval 'echo @'\"",
            "trap 'echo @' EXIT",
            "sh <<E\necho @\nE",
            "sh -s <<E\necho @\nE",
            "env sh -c 'exec sh -c \"echo @\"'",
        ],
    )
}

pub(super) fn environment(proof: &Proof<'_>) -> Story {
    spelled(
        proof,
        &[
            "PAGER='echo @' true",
            "export GIT_SSH_COMMAND='echo @'",
            "env VISUAL='echo @' true",
            "GIT_EDITOR='sh -c \"echo @\"' true",
        ],
    )
}
