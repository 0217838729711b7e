//! What no rule names is asked for: on the user's terminal, or of a program on a descriptor.
#![cfg(target_os = "linux")]
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests fail the test, and say for whom"
)]

use garth_tests::{Garden, Identity, Internet, Run, Terminal, has};
use std::time::{Duration, Instant};

/// Nothing is named, and it is asked for.
const POLICY: &str = "version = 1 # mine
[network]
mode = \"allow-list\" # the names come as they are asked for
domains = { \"forbidden.test\" = \"deny\" }
[approvals]
timeout = \"20s\"
";

struct Place<'i> {
    internet: &'i Internet,
    garden: Garden,
    policy: String,
}

impl Place<'_> {
    fn words<'w>(&'w self, options: &[&'w str], script: &'w str) -> Vec<&'w str> {
        let program = self.garden.program().to_str().expect("text");
        let run = [program, "run", "--policy", &self.policy];
        [&run[..], options, &["--", "bash", "-c", script]].concat()
    }

    fn terminal(&self, script: &str) -> Terminal {
        self.internet.in_terminal(&self.garden, &self.words(&[], script))
    }

    /// Runs with a program that answers the questions by these words, one after the other, and prints them.
    fn answered(&self, answers: &str, script: &str) -> Run {
        let words = self.words(&["--json", "--approver", "NUMBER"], script);
        let python = [&["/usr/bin/python3", "-c", APPROVER, answers][..], &words].concat();
        self.internet.on_machine(&self.garden, &[], &python)
    }

    fn rules(&self) -> String {
        std::fs::read_to_string(&self.policy).expect("the policy")
    }
}

/// A program with one end of a pair of sockets: it prints what garth says, and answers.
const APPROVER: &str = r#"
import json, socket, subprocess, sys
mine, theirs = socket.socketpair()
words = [str(theirs.fileno()) if word == 'NUMBER' else word for word in sys.argv[2:]]
child = subprocess.Popen(words, pass_fds=[theirs.fileno()])
theirs.close()
answers = iter(sys.argv[1].split())
for line in mine.makefile():
    said = json.loads(line)
    print(json.dumps(said), flush=True)
    if said['event'] == 'withdrawn': continue
    answer = next(answers, 'close')
    if answer == 'close': mine.shutdown(socket.SHUT_RDWR); break
    if answer == 'silence': continue
    mine.sendall((json.dumps({'id': said['id'], 'answer': answer}) + '\n').encode())
sys.exit(child.wait())
"#;

fn everyone(policy: &str, test: impl Fn(&Place<'_>)) {
    if !has("curl", "curl") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    for identity in Identity::all() {
        eprintln!("as {identity:?}");
        let garden = Garden::new(*identity);
        let file = garden.home.join("asking.toml");
        garden.write(&file, policy);
        let policy = file.to_str().expect("text").to_owned();
        test(&Place { internet: &internet, garden, policy });
    }
}

/// Said once, a host is reached once; said for good, it stands in the policy with its comments, and is not asked for again.
#[test]
fn the_user_answers_on_the_terminal() {
    everyone(POLICY, |place| {
        let mut terminal = place.terminal(
            "for n in 1 2 3; do curl -sS http://allowed.test/$n || echo refused; done; read -r line; echo typed $line",
        );
        let question = terminal.expect("[no] ");
        assert!(question.contains("may a process inside connect to allowed.test:80?"), "{question}");
        assert!(question.contains("/curl (number "), "{question}");
        assert!(question.contains("curl -sS http://allowed.test/1"), "{question}");
        assert!(question.contains("\"allowed.test:80\" = \"allow\""), "{question}");
        // What `always` would change in the file, with what stands around it, and what that means.
        for line in [
            &format!("--- {}", place.policy),
            " mode = \"allow-list\" # the names come as they are asked for",
            "-domains = { \"forbidden.test\" = \"deny\" }",
            "+domains = { \"forbidden.test\" = \"deny\", \"allowed.test:80\" = \"allow\" }",
            "every process inside may connect to allowed.test:80",
        ] {
            assert!(question.contains(line), "{line}: {question}");
        }
        terminal.send("once\r");
        terminal.expect("hello from allowed.test at /1");
        terminal.expect("[no] ");
        // No answer is understood to be a yes that is none.
        terminal.send("yes\r");
        terminal.expect("is no answer");
        terminal.expect("[no] ");
        terminal.send("a\r");
        terminal.expect("hello from allowed.test at /2");
        terminal.expect("hello from allowed.test at /3");
        // The terminal is the target's again.
        terminal.send("mine\r");
        terminal.expect("typed mine");
        assert!(terminal.wait().success(), "{}", terminal.shown());
        let rules = place.rules();
        assert!(rules.contains("\"allowed.test:80\" = \"allow\""), "{rules}");
        assert!(rules.starts_with("version = 1 # mine\n"), "{rules}");
        assert!(rules.contains("# the names come as they are asked for"), "{rules}");
        let run = place.internet.on_machine(
            &place.garden,
            &[],
            &place.words(&[], "curl -sS http://allowed.test/4"),
        );
        assert_eq!(run.ok().text(), "hello from allowed.test at /4 with 0");
    });
}

#[test]
fn no_and_breaking_off_are_refusals_and_what_is_denied_is_not_asked_for() {
    everyone(POLICY, |place| {
        let mut terminal = place.terminal(
            "curl -sS http://allowed.test/no; curl -sS http://denied.test/no; curl -sS http://forbidden.test/no; echo end $?",
        );
        terminal.expect("connect to allowed.test:80?");
        terminal.expect("[no] ");
        terminal.send("\r");
        // Ctrl-C is for the question: the command goes on.
        terminal.expect("connect to denied.test:80?");
        terminal.expect("[no] ");
        terminal.send("\x03");
        terminal.expect("broken off");
        let rest = terminal.expect("end 6");
        assert!(!rest.contains("connect to forbidden.test"), "{rest}");
        assert!(terminal.wait().success(), "{}", terminal.shown());
        assert!(!place.internet.requests().contains("/no"), "{}", place.internet.requests());
        assert_eq!(place.rules(), POLICY);
    });
}

/// A command that shares the user's terminal stands still while the question is open: it can neither write over the
/// question nor read the answer.
#[test]
fn a_command_on_the_users_own_terminal_is_held() {
    everyone(POLICY, |place| {
        let program = place.garden.program().display().to_string();
        let inner = "(while :; do echo OVERWRITE >&2; sleep 0.01; done) & (cat <&0 >stolen) & \
                     curl -sS http://allowed.test/held; kill $!; kill %1";
        let script = format!("{program} run --policy {} -- bash -mc '{inner}' >out", place.policy);
        let mut terminal = place.internet.in_terminal(&place.garden, &["bash", "-c", &script]);
        terminal.expect("connect to allowed.test:80?");
        terminal.expect("[no] ");
        std::thread::sleep(Duration::from_millis(300));
        terminal.send("once");
        std::thread::sleep(Duration::from_millis(300));
        let while_open = terminal.shown();
        let (_, after) = while_open.rsplit_once("[no] ").expect("the question");
        assert_eq!(after, "once", "nothing else shows while it is open");
        terminal.send("\r");
        let _status = terminal.wait();
        let out = place.garden.read("out");
        assert!(out.contains("hello from allowed.test at /held"), "{out}: {}", terminal.shown());
        assert!(!place.garden.read("stolen").contains("once"));
    });
}

#[test]
fn a_terminal_that_nobody_answers_is_a_refusal_in_time() {
    everyone(&POLICY.replace("20s", "1s"), |place| {
        let mut terminal = place.terminal("curl -sS http://allowed.test/late; echo end $?");
        terminal.expect("[no] ");
        let began = Instant::now();
        terminal.expect("no answer in time");
        terminal.expect("end ");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        assert!(terminal.wait().success());
        assert!(!place.internet.requests().contains("/late"));
    });
}

#[test]
fn a_program_answers_on_a_descriptor() {
    everyone(POLICY, |place| {
        let script = "for n in 1 2 3; do curl -sS http://allowed.test/$n || echo refused; done";
        let run = place.answered("once maybe session", script).code(0);
        let said: Vec<serde_json::Value> =
            run.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert_eq!(said.len(), 3, "{run}");
        assert_eq!(said[0]["event"], "question");
        assert_eq!((said[0]["host"].as_str(), said[0]["port"].as_u64()), (Some("allowed.test"), Some(80)));
        assert_eq!(said[0]["process"]["command"][2], "http://allowed.test/1");
        assert_eq!(said[0]["rule"]["file"].as_str(), Some(place.policy.as_str()));
        let grant = &said[0]["grant"];
        let diff = grant["diff"].as_str().expect("a diff");
        assert!(diff.contains("\n+domains = {") && diff.contains("# the names come as"), "{diff}");
        assert_eq!(grant["file"].as_str(), Some(place.policy.as_str()));
        assert!(said[0]["problem"].is_null(), "{run}");
        assert_eq!(said[2]["event"], "not-understood");
        check_schema(&said);
        assert_eq!(run.text().matches("hello from").count(), 3, "{run}");
        assert_eq!(run.errors().matches("\"event\":\"approval-answered\"").count(), 2, "{run}");
        // Once is once: the next run asks again, and a program that is gone refuses everything at once.
        let began = Instant::now();
        let run = place.answered("close", script).code(0);
        assert_eq!(run.text().matches("refused").count(), 3, "{run}");
        assert!(began.elapsed() < Duration::from_secs(15));
        assert!(run.errors().contains("\"code\":\"not-approved\""), "{run}");
        let run = place.answered("always", script).code(0);
        assert_eq!(run.text().matches("hello from").count(), 3, "{run}");
        assert!(place.rules().contains("\"allowed.test:80\" = \"allow\" }"), "{}", place.rules());
    });
}

#[test]
fn nobody_to_ask_is_a_refusal_at_once() {
    everyone(POLICY, |place| {
        let began = Instant::now();
        let script = "curl -sS http://allowed.test/headless || echo refused";
        let run = place.internet.on_machine(&place.garden, &[], &place.words(&[], script)).code(0);
        assert_eq!(run.text(), "refused");
        assert!(run.errors().contains("the network refused allowed.test"), "{run}");
        // A policy that asks nobody does not ask a program either.
        std::fs::write(&place.policy, format!("{POLICY}mode = \"never\"\n")).expect("the policy");
        let run = place.answered("once once", script).code(0);
        assert_eq!(run.text(), "refused");
        assert!(began.elapsed() < Duration::from_secs(15));
        // A number that is no such descriptor is refused before anything runs.
        let words = place.words(&["--approver", "77"], "echo ran");
        let run = place.internet.on_machine(&place.garden, &[], &words).code(2);
        assert!(run.errors().contains("cannot ask on descriptor `77`"), "{run}");
        assert_eq!(run.text(), "");
    });
}

/// A silent program is not waited for longer than the policy says.
#[test]
fn a_silent_program_is_a_refusal_in_time() {
    everyone(&POLICY.replace("20s", "1s"), |place| {
        let script = "curl -sS http://allowed.test/silent || echo refused";
        let run = place.answered("silence", script).code(0);
        assert!(run.text().contains("\"withdrawn\"") && run.text().contains("refused"), "{run}");
        assert!(!place.internet.requests().contains("/silent"));
    });
}

/// Every message has the members that the schema asks for, and no others.
fn check_schema(messages: &[serde_json::Value]) {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../bins/cli/approver.schema.json")).expect("a schema");
    for message in messages {
        let form = &schema["$defs"][message["event"].as_str().expect("a kind")];
        let members = message.as_object().expect("an object");
        for name in form["required"].as_array().expect("a list") {
            assert!(members.contains_key(name.as_str().expect("a name")), "{name} is missing in {message}");
        }
        for name in members.keys() {
            assert!(form["properties"][name].is_object(), "{name} is not in the schema");
        }
    }
}
