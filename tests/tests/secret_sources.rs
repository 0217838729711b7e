//! Where secrets come from, in real sandboxes: the server gets the value, the program inside a placeholder, and without a
//! value nothing is started.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Internet, Place, Run, has};

/// The real value of the secret.
const TOKEN: &str = "the-real-value-of-the-token";

/// A policy with a secret from this source.
fn policy(source: &str) -> String {
    format!(
        "version = 1
[network]
mode = \"allow-list\"
domains = {{ \"api.test\" = \"allow\" }}
[network.secrets.API_TOKEN]
from = \"{source}\"
hosts = [\"api.test\"]
"
    )
}

/// Sends the secret, and says what it is inside.
const SEND: &str =
    "curl -sS -o /dev/null -H \"Authorization: Bearer $API_TOKEN\" https://api.test/source; echo $API_TOKEN";

fn run(place: &Place<'_>, source: &str, variables: &[(&str, &str)]) -> Run {
    let file = place.garden.home.join("source.toml");
    place.garden.write(&file, policy(source));
    place.internet.inside(&place.garden, &["--policy", file.to_str().expect("text")], variables, SEND)
}

/// The server was shown the value, and nothing inside was.
fn arrives(place: &Place<'_>, source: &str, variables: &[(&str, &str)]) {
    let before = place.internet.requests().matches(TOKEN).count();
    let run = run(place, source, variables).ok();
    assert!(run.text().starts_with("garth-apitoken-"), "{run}");
    let requests = place.internet.requests();
    assert_eq!(requests.matches(&format!("/source Bearer {TOKEN}")).count(), before + 1, "{requests}");
}

/// Nothing is started, and the line is named.
fn refused(place: &Place<'_>, source: &str, why: &str) {
    let before = place.internet.requests();
    let run = run(place, source, &[]).code(120);
    assert!(
        run.errors().contains("source.toml:5:18)") && run.errors().contains(why),
        "{why:?} is missing: {run}"
    );
    assert!(!run.errors().contains(TOKEN) && run.text().is_empty(), "{run}");
    assert_eq!(place.internet.requests(), before);
}

#[test]
fn a_secret_comes_from_a_variable_a_file_or_a_command() {
    if !has("curl", "curl") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.everyone(&policy("env:API_TOKEN"), &[], |place| {
        let home = place.garden.home.to_str().expect("text");
        let script = format!("#!/bin/sh\necho {TOKEN}\necho a word of its own >&2\n");
        place.garden.write(format!("{home}/token.sh"), &script);
        place.garden.write(format!("{home}/token"), format!("{TOKEN}\n"));
        arrives(place, "env:API_TOKEN", &[("API_TOKEN", TOKEN)]);
        arrives(place, &format!("file:{home}/token"), &[]);
        arrives(place, &format!("command:sh {home}/token.sh"), &[]);
        arrives(place, "command:printenv HELD_OUTSIDE", &[("HELD_OUTSIDE", TOKEN)]);
        refused(place, "env:API_TOKEN", "API_TOKEN is not set");
        refused(place, "command:printenv HELD_OUTSIDE", "the program failed");
        refused(place, "command:no-such-program", "no directory of PATH");
    });
}

/// Starts a desktop's keyring with one entry, runs the program in its arguments, and ends it.
const WITH_KEYRING: &str = "
printf pass | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
keyring=$!
# Asked for before it is there, the bus would start another one that is locked.
owned='dbus-send --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets'
for _ in $(seq 200); do $owned | grep -q true && break; sleep 0.05; done
printf %s \"$0\" | secret-tool store --label test service garth.test username me
\"$@\"
code=$?
kill $keyring
exit $code";

#[test]
fn a_secret_comes_from_the_keyring_or_nothing_starts() {
    let tools = [
        ("dbus-run-session", "dbus-daemon"),
        ("dbus-send", "dbus-bin"),
        ("gnome-keyring-daemon", "gnome-keyring"),
        ("secret-tool", "libsecret-tools"),
    ];
    if !tools.iter().all(|(program, package)| has(program, package)) {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.everyone(&policy("env:API_TOKEN"), &[], |place| {
        let program = place.garden.program().to_str().expect("text");
        let file = place.garden.home.join("source.toml");
        let with = |source: &str, session: &[&str]| {
            place.garden.write(&file, policy(source));
            let run = [program, "run", "--policy", file.to_str().expect("text"), "--", "bash", "-c", SEND];
            place.internet.on_machine(&place.garden, &[], &[session, &run].concat())
        };
        let session = ["dbus-run-session", "--", "bash", "-c", WITH_KEYRING, TOKEN];
        let before = place.internet.requests().matches(TOKEN).count();
        let run = with("keyring:garth.test/me", &session).code(0);
        assert!(run.text().starts_with("garth-apitoken-"), "{run}");
        assert_eq!(place.internet.requests().matches(TOKEN).count(), before + 1, "the server has the value");
        let absent = with("keyring:garth.test/somebody", &session).code(120);
        assert!(
            absent.errors().contains("source.toml:5:18)") && absent.errors().contains("no such entry"),
            "{absent}"
        );
        let none = with("keyring:garth.test/me", &[]).code(120);
        assert!(
            none.errors().contains("source.toml:5:18)")
                && none.errors().contains("no keyring can be reached"),
            "{none}"
        );
        assert_eq!(place.internet.requests().matches(TOKEN).count(), before + 1, "nothing was started");
    });
}

/// Neither a project's file names a command, nor is a program of the workspace one.
#[test]
fn a_command_is_never_the_repositorys() {
    let Some(internet) = Internet::new() else { return };
    internet.everyone(&policy("env:API_TOKEN"), &[], |place| {
        let program = place.garden.program().to_str().expect("text");
        let work = place.garden.work.to_str().expect("text");
        place.garden.write("tool", "#!/bin/sh\ntouch ran; echo taken\n");
        place.internet.shell(&format!("chmod 755 {work}/tool"));
        place.garden.write("garth.toml", policy("command:/usr/bin/touch ran"));
        let trust = place.internet.on_machine(&place.garden, &[], &[program, "policy", "trust"]);
        assert!(trust.fails().errors().contains("command-outside"), "nobody can trust it");
        let run = place.internet.on_machine(&place.garden, &[], &[program, "run", "--", "true"]).code(120);
        assert!(
            run.errors().contains("a project cannot name a command")
                && run.errors().contains("garth.toml:6:8"),
            "{run}"
        );
        place.garden.write("garth.toml", "version = 1\n");
        let path = format!("{work}:/usr/bin:/bin");
        let by_name = run_with_path(place, "command:tool", &path);
        assert!(by_name.errors().contains("lies in the workspace"), "{by_name}");
        assert!(!place.garden.has("ran"), "it ran outside");
    });
}

fn run_with_path(place: &Place<'_>, source: &str, path: &str) -> Run {
    run(place, source, &[("PATH", path)]).code(120)
}

#[test]
fn overlapping_secrets_and_impossible_hosts_start_nothing() {
    let Some(internet) = Internet::new() else { return };
    let with = |more: &str| policy("env:FIRST") + more;
    let second = "[network.secrets.OTHER]\nfrom = \"env:SECOND\"\nhosts = [\"api.test\"]\n";
    let overlap = with(second);
    let host = with("[[network.rules]]\nhost = \"api..test\"\n");
    let number = with("[[network.rules]]\nhost = \"0x7f.1\"\nupload = \"1MiB\"\n");
    internet.everyone("version = 1\n", &[], |place| {
        for (text, places) in [
            (&overlap, &["policy.toml:5:18", "policy.toml:8:18", "overlap"][..]),
            (&host, &["policy.toml:9:8", "`api..test` names no host"]),
            (&number, &["policy.toml:9:8", "`0x7f.1` names no host"]),
        ] {
            let file = place.garden.home.join("policy.toml");
            place.garden.write(&file, text);
            let options = ["--policy", file.to_str().expect("text")];
            let variables = [("FIRST", "a-value-that-is-long"), ("SECOND", "xx-a-value-that-is-long-xx")];
            let run = place.internet.inside(&place.garden, &options, &variables, "touch ran").code(120);
            for part in places {
                assert!(run.errors().contains(part), "{part}: {run}");
            }
            assert!(!run.errors().contains("a-value-that-is-long"), "a value is shown: {run}");
            assert!(!place.garden.has("ran"), "it ran");
        }
        // The same without the trouble starts.
        place.garden.write(place.garden.home.join("policy.toml"), policy("env:FIRST"));
        let file = place.garden.home.join("policy.toml");
        let options = ["--policy", file.to_str().expect("text")];
        let run =
            place.internet.inside(&place.garden, &options, &[("FIRST", "a-value-that-is-long")], "touch ran");
        assert!(run.ok().errors().is_empty() && place.garden.has("ran"));
    });
}
