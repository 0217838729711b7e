use crate::git::Config;

fn list(text: &[u8]) -> Result<Vec<String>, String> {
    match Config::parse(text) {
        Err(error) => Err(format!("{}: {}", error.line, error.reason)),
        Ok(config) => Ok(config
            .entries
            .iter()
            .map(|entry| match &entry.value {
                None => format!("{}: {}", entry.line, entry.shown_name()),
                Some(_) => format!("{}: {}={}", entry.line, entry.shown_name(), entry.shown_value()),
            })
            .collect()),
    }
}

#[track_caller]
fn reads(text: &str, entries: &[&str]) {
    assert_eq!(list(text.as_bytes()).unwrap(), entries, "{text:?}");
}

#[track_caller]
fn refuses(text: &[u8], reason: &str) {
    assert_eq!(list(text).unwrap_err(), reason, "{:?}", text.escape_ascii().to_string());
}

#[test]
fn sections_and_keys() {
    reads("[core]\n\tbare = true\n", &["2: core.bare=true"]);
    reads("[CORE] FSMonitor=x", &["1: core.fsmonitor=x"]);
    reads("[core]bare", &["1: core.bare"]);
    reads("[core]bare=", &["1: core.bare="]);
    reads("[remote \"Ori\\\"g\\\\in\"]\nurl=a", &["2: remote.Ori\"g\\in.url=a"]);
    reads("[remote   \"a\"] url=a", &["1: remote.a.url=a"]);
    reads("[remote.Origin] url=a", &["1: remote.origin.url=a"]);
    reads("[a.B \"C.d\"] k=1", &["1: a.b.C.d.k=1"]);
    reads("[core][user]name=x[y]", &["1: user.name=x[y]"]);
    reads("[a]b=1\n[c]d=2\n[a]b=3", &["1: a.b=1", "2: c.d=2", "3: a.b=3"]);
    reads("[a \"\"]b", &["1: a..b"]);
    reads("[a \"\\x\"]b", &["1: a.x.b"]);
    reads("[a \"#;\"]b", &["1: a.#;.b"]);
}

#[test]
fn values() {
    reads("[a]b = x y  ; c\n", &["1: a.b=x y"]);
    reads("[a]b = \" x \" y\" \"\n", &["1: a.b= x  y "]);
    reads("[a]b = x\\\n  y\nc=1", &["1: a.b=x  y", "3: a.c=1"]);
    reads("[a]b = x \\\n\nc=1", &["1: a.b=x ", "3: a.c=1"]);
    reads("[a]b = \"x\\\ny\"", &["1: a.b=xy"]);
    reads("[a]b = \"#;\"#x", &["1: a.b=#;"]);
    reads("[a]b = a\\\\\\\"c", &["1: a.b=a\\\"c"]);
    reads("[a]b=#x\\\nc=1", &["1: a.b=", "2: a.c=1"]);
    reads("[a]b=c\\", &["1: a.b=c"]);
    reads("[a]b = = =", &["1: a.b== ="]);
    reads("[a]b = f\"sm\"on", &["1: a.b=fsmon"]);
    assert_eq!(Config::parse(b"[a]b=\\t\\n\\b").unwrap().entries[0].text(), b"\t\n\x08");
}

#[test]
fn line_ends_and_marks() {
    reads("\u{feff}[a]b=c\r\nd\r\n", &["1: a.b=c", "2: a.d"]);
    reads("[a]b=x\\\r\ny", &["1: a.b=xy"]);
    reads("# a\\\n[a]\n; [include] path=x\nb", &["4: a.b"]);
    reads("", &[]);
    reads("\n \t\r\n", &[]);
}

#[test]
fn what_git_takes_and_we_do_not() {
    refuses(b"[a]b=c\0d", "1: a NUL byte");
    refuses(b"# c\r[core]fsmonitor=x\n", "1: a carriage return inside a line");
    refuses(b"[a]\nb=c\r", "2: a carriage return inside a line");
    refuses(b"b=c\n", "1: a key before the first section");
    refuses(b"[]b=c", "1: a section name with an empty part");
    refuses(b"[ \"x\"]b=c", "1: a section name with an empty part");
    refuses(b"[a..b]c", "1: a section name with an empty part");
    refuses(b"[a.]c", "1: a section name with an empty part");
    refuses(b"[.a]c", "1: a section name with an empty part");
    refuses(b"[a \"b\x1b\"]c", "1: a control character in a section name");
    let mut long = b"[a]\n".to_vec();
    long.resize((1 << 20) + 1, b'\n');
    refuses(&long, "1: more than one mebibyte");
    long.pop();
    assert_eq!(list(&long).unwrap(), [""; 0]);
}

#[test]
fn what_nobody_takes() {
    refuses(b"\xEF\xBB[a]b", "1: neither a section, a key nor a comment");
    refuses(b"\n\xEF\xBB\xBF[a]b", "2: neither a section, a key nor a comment");
    refuses(b"[a]\n1b=c", "2: neither a section, a key nor a comment");
    refuses(b"[a]\n=c", "2: neither a section, a key nor a comment");
    refuses(b"[a]\n\x0cb=c", "2: neither a section, a key nor a comment");
    refuses(b"[a]b # c", "1: a key that is not followed by `=`");
    refuses(b"[a]b_c=1", "1: a key that is not followed by `=`");
    refuses(b"[a]b.c=1", "1: a key that is not followed by `=`");
    refuses(b"[a]b\x0b=1", "1: a key that is not followed by `=`");
    refuses(b"[a]b=\"c\nd\"", "1: a quotation mark that is not closed");
    refuses(b"[a]b=\"c", "1: a quotation mark that is not closed");
    refuses(b"[a]b=\\x", "1: an escape that git does not know");
    refuses(b"[a]b=\\041", "1: an escape that git does not know");
    refuses(b"[a", "1: a section header that does not end on its line");
    refuses(b"[a\n]b", "1: a section header that does not end on its line");
    refuses(b"[a \n\"b\"]c", "1: a section header that does not end on its line");
    refuses(b"[a \"b\n\"]c", "1: a section header that does not end on its line");
    refuses(b"[a \"b\\\n\"]c", "1: a section header that does not end on its line");
    refuses(b"[a \"b\" ]c", "1: a section header that does not end on its line");
    refuses(b"[a ]c", "1: a section name that is not in quotation marks after a space");
    refuses(b"[a b]c", "1: a section name that is not in quotation marks after a space");
    refuses(b"[a\"b\"]c", "1: a character that no section name has");
    refuses(b"[a_b]c", "1: a character that no section name has");
}

#[test]
fn what_is_shown_acts_on_no_terminal() {
    let config = Config::parse("[a \"\u{202e}x\"]b=\"\\b\u{1b}[2J\u{200b}é\"".as_bytes()).unwrap();
    assert_eq!(config.entries[0].shown_name(), "a.\\u{202e}x.b");
    assert_eq!(config.entries[0].shown_value(), "\\u{8}\\u{1b}[2J\\u{200b}é");
    let long = Config::parse(format!("[a]b={}", "x".repeat(1000)).as_bytes()).unwrap();
    assert_eq!(long.entries[0].shown_value().chars().count(), 161);
}
