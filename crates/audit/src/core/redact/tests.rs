use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn redacted(text: &str) -> String {
    let mut text = text.to_owned();
    Redactor::new(&[]).text(&mut text);
    text
}

fn words(list: &[&str]) -> Vec<String> {
    let mut list: Vec<String> = list.iter().map(|word| (*word).to_owned()).collect();
    Redactor::new(&[]).words(&mut list.iter_mut().collect::<Vec<_>>());
    list
}

/// Parts that are joined when the test runs, so that no scanner takes this file for a leak.
fn join(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn what_looks_like_a_secret_is_taken_out() {
    let github = join(&["ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a"]);
    let web = join(&["eyJ", "hbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0In0", ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"]);
    let cases = [
        (
            format!("git clone https://x:{github}@example.com/a"),
            "git clone https://x:[redacted: token of GitHub]@example.com/a",
        ),
        (format!("echo {github}, done"), "echo [redacted: token of GitHub], done"),
        (format!("t={web};"), "t=[redacted: JSON web token];"),
        (join(&["AK", "IA", "IOSFODNN7EXAMPLE"]), "[redacted: key of AWS]"),
        ("mysql --password=hunter2 db".to_owned(), "mysql --password=[redacted: password] db"),
        (
            "{\"password\": \"a b\", \"user\": \"u\"}".to_owned(),
            "{\"password\": \"[redacted: password]\", \"user\": \"u\"}",
        ),
        ("Authorization: Bearer abc.def".to_owned(), "Authorization: [redacted: header]"),
        ("-H 'X-Api-Key: abc' -d x".to_owned(), "-H 'X-Api-Key: [redacted: header]' -d x"),
        ("postgres://u:p%40ss@db/x".to_owned(), "postgres://u:[redacted: password]@db/x"),
        (
            "https://a.test/?sig=Zm9vYmFyMTIzNDU2Nzg5&x=1".to_owned(),
            "https://a.test/?sig=[redacted: sig]&x=1",
        ),
        ("SECRET_TOKEN=q8Zr51xWm2Lp0".to_owned(), "SECRET_TOKEN=[redacted: secret_token]"),
        (
            join(&[
                "a -----BEGIN OPENSSH PRIVATE ",
                "KEY-----\nb3Bl\n-----END OPENSSH PRIVATE ",
                "KEY----- z",
            ]),
            "a [redacted: private key] z",
        ),
        (join(&["-----BEGIN RSA PRIVATE ", "KEY-----\nMIIE"]), "[redacted: private key]"),
    ];
    for (text, wanted) in cases {
        assert_eq!(redacted(&text), wanted, "{text}");
    }
}

/// The twin: what people and programs write every day stays readable.
#[test]
fn ordinary_text_stays() {
    for text in [
        "cargo test --workspace",
        "token=identifier",
        "key: value",
        "/home/u/.ssh/id_ed25519",
        "secret=${GITHUB_TOKEN}",
        "the file has another name (a hard link) that may lie outside the workspace",
        "https://github.com/rust/cargo.git",
        "ssh://git@example.com:22/a.git",
        "keyboard=us-international-2024",
        "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----",
        "session=/home/u/work/session-20261129",
        "sk-learn-is-a-library-for-python",
        "a=b:c=d",
        "",
    ] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn options_tell_of_the_next_word() {
    assert_eq!(
        words(&["x", "--password", "hunter2", "db"]),
        ["x", "--password", "[redacted: password]", "db"]
    );
    assert_eq!(
        words(&["curl", "-u", "me:hunter2", "a.test"]),
        ["curl", "-u", "me:[redacted: password]", "a.test"]
    );
    assert_eq!(words(&["id", "-u", "me"]), ["id", "-u", "me"]);
    assert_eq!(words(&["x", "--token", "$TOKEN"]), ["x", "--token", "$TOKEN"]);
    assert_eq!(words(&["gpg", "--keyring", "file-2024.gpg"]), ["gpg", "--keyring", "file-2024.gpg"]);
    let header = words(&["curl", "-H", "Authorization: token abc"]);
    assert_eq!(header[2], "Authorization: [redacted: header]");
}

#[test]
fn a_known_value_is_named() {
    let known = [Known { name: "DB".into(), value: "correct horse".into() }];
    let redactor = Redactor::new(&known);
    let mut text = "say correct horse, correct%20horse, Y29ycmVjdCBob3JzZQ==".to_owned();
    redactor.text(&mut text);
    assert!(!text.contains("horse") && !text.contains("Y29ycmVj"), "{text}");
    assert_eq!(text.matches("[redacted: DB]").count(), 3, "{text}");
    assert!(!format!("{redactor:?}{known:?}").contains("horse"));
    assert!(
        is_secret_variable("GITHUB_TOKEN", "q8Zr51xWm2Lp0") && !is_secret_variable("EDITOR", "q8Zr51xWm2Lp0")
    );
}

fn long(part: &str) -> String {
    part.repeat(200_000 / part.len())
}

/// What an attacker would write to make the search slow. Were one gone through again for each of its parts, it would take
/// minutes.
#[test]
fn long_texts_take_their_time_and_no_more() {
    let known = [Known { name: "A".into(), value: "aaaaaaaaaaaaaaaaaaaaaaaab".into() }];
    let redactor = Redactor::new(&known);
    for part in [
        "=",
        ":",
        "a=",
        "token=",
        "password=\"",
        "://",
        "://@",
        "a:a@://",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "authorization:",
        "eyJ.",
        "ghp_",
        "sk-",
        "a",
        "\"",
        "key = ",
        "token==>",
        "ä=",
        "auth",
        "=\"a\"",
    ] {
        let mut text = long(part);
        let start = Instant::now();
        redactor.text(&mut text);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(3), "{part:?} took {took:?}");
    }
}

proptest! {
    /// Wherever it stands and however it is written, a known secret does not get through.
    #[test]
    fn no_known_secret_gets_through(
        value in "[a-zA-Z0-9+/=!$&@: -]{8,40}",
        before in "\\PC{0,20}",
        after in "\\PC{0,20}",
        form in 0..4,
    ) {
        let written = match form {
            0 => value.clone(),
            1 => STANDARD_NO_PAD.encode(format!("{before}{value}{after}")),
            2 => URL_SAFE_NO_PAD.encode(format!("{before}{value}{after}")),
            _ => String::from_utf8(percent_encoded(&value, false)).unwrap(),
        };
        let mut text = format!("{before} {written} {after}");
        Redactor::new(&[Known { name: "S".into(), value: value.clone() }]).text(&mut text);
        if form == 0 || form == 3 {
            prop_assert!(!text.contains(&written) || before.contains(&written) || after.contains(&written), "{}", text);
        } else {
            // Nothing of six bytes and more in a row can be decoded.
            let middle = &value.as_bytes()[..value.len() / 3 * 3];
            for shift in 0..3_usize {
                let bytes = [&vec![0; shift][..], middle].concat();
                let encoded = STANDARD_NO_PAD.encode(bytes);
                let core = &encoded[[0, 2, 3][shift]..encoded.len() / 4 * 4 - 4];
                prop_assert!(core.len() < 8 || !text.contains(core), "{} holds {}", text, core);
            }
        }
    }

    /// Taking secrets out twice is taking them out once, and there is nothing that cannot be gone through.
    #[test]
    fn any_text_is_gone_through(text in "\\PC{0,200}") {
        let once = redacted(&text);
        prop_assert!(once == text || once.contains("[redacted: "));
    }

    /// A password never survives its name.
    #[test]
    fn a_password_behind_its_name_is_taken_out(value in "[a-zA-Z0-9!%+/.-]{4,30}", sign in "(=|: |\": \")") {
        let text = redacted(&format!("{{\"db_password{sign}{value}\"}}"));
        prop_assert!(!text.contains(&value) || "redacted: db_password".contains(&value), "{}", text);
    }
}
