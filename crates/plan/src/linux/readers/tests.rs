use super::*;

fn uses(program: &str, words: &[&str]) -> Vec<(String, FileOp)> {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    let Some(reader) = reader(program.as_bytes()) else { return Vec::new() };
    let text = |named: Named<'_>| (String::from_utf8_lossy(&named.name).into_owned(), named.op);
    reader.names(&words, b"/home/u").into_iter().map(text).collect()
}

fn names(program: &str, words: &[&str]) -> Vec<String> {
    uses(program, words).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn every_row_is_found() {
    for (name, reads) in table::READERS {
        assert_eq!(reader(format!("/usr/bin/{name}").as_bytes()), Some(*reads), "{name}");
    }
}

#[test]
fn what_a_reader_may_read_is_named() {
    assert_eq!(names("/bin/cat", &["cat", "-n", "a", "--", "b"]), ["a", "b"]);
    assert_eq!(names("grep", &["grep", "--file=.netrc", "-r", "x", "d/"]), [".netrc", "x", "d/"]);
    assert_eq!(names("cp", &["cp", "a", "b", "to"]), ["a", "b"]);
    assert_eq!(names("cp", &["cp", "-t", "to", "a"]), ["to", "a"]);
    for words in [&[][..], &["cp"], &["cp", "to"]] {
        assert!(names("cp", words).is_empty(), "{words:?}");
    }
    for program in ["", "/", "echo", "cat2", "/usr/bin/", "touch", "tee"] {
        assert!(names(program, &["x", "secret"]).is_empty(), "{program}");
    }
    let many = vec!["word"; 1000];
    assert_eq!(names("cat", &many).len(), MOST);
}

#[test]
fn what_an_archive_is_written_to_is_not_read() {
    assert_eq!(names("tar", &["tar", "cf", "x.tar", "a", "b"]), ["cf", "a", "b"]);
    assert_eq!(names("tar", &["tar", "-czf", "x.tgz", "a"]), ["a"]);
    assert_eq!(names("tar", &["tar", "-xf", "x.tgz"]), ["x.tgz"]);
    assert_eq!(names("tar", &["tar", "-c", "-f", "x.tar", "a"]), ["a"]);
    assert_eq!(names("zip", &["zip", "-r", "x.zip", "a"]), ["a"]);
}

#[test]
fn what_stands_behind_a_mark_or_an_option_is_named() {
    assert_eq!(names("dd", &["dd", "if=/a", "of=/b"]), ["/a"]);
    assert_eq!(names("git", &["git", "-C", "/a", "clone", "/b", "c"]), ["/a", "/a", "/b"]);
    assert_eq!(names("git", &["git", "--git-dir=/a/.git", "log", "-n1"]), ["/a/.git"]);
    assert_eq!(names("git", &["git", "commit", "-m", "it reads /a"]), [""; 0]);
    assert_eq!(names("curl", &["curl", "-s", "file:///a"]), ["/a"]);
    assert_eq!(names("curl", &["curl", "-F", "f=@/a", "--data-binary", "@b", "-T", "c"]), ["/a", "b", "c"]);
    assert_eq!(names("make", &["make", "-f", "a", "all"]), ["a"]);
}

#[test]
fn names_in_the_text_of_an_interpreter_are_found() {
    for (program, text) in [
        ("python3", "open('/a/b')"),
        ("python3.11", "print(\"don't\"); open(\"/a/b\")"),
        ("perl", "open F, '<', '/a/b' or die"),
        ("perl5.36.1", "open F, '</a/b'"),
        ("ruby", "puts File.read('/a/b')"),
        ("node", "require('fs').readFileSync(`/a/b`)"),
        ("php", "echo file_get_contents('/a/b');"),
    ] {
        assert!(names(program, &[program, "-e", text]).contains(&"/a/b".to_owned()), "{program} {text}");
    }
    for text in [
        "open(os.path.expanduser('~/.netrc'))",
        "open(os.environ['HOME'] + '/.netrc')",
        "fs.readFileSync(require('os').homedir() + \"/.netrc\")",
        "open(os.path.join(os.path.expandvars('$HOME'), '.netrc'))",
        "File.read(\"${HOME}/.netrc\")",
    ] {
        let names = names("python3", &["python3", "-c", text]);
        assert!(names.contains(&"/home/u/.netrc".to_owned()), "{text} {names:?}");
    }
    // A program in a file, and what is given to it.
    assert_eq!(names("node", &["node", "x.js", "--to=y", "-v"]), ["x.js", "y"]);
    for text in ["print('a b')", "print('')", "print('a", "print('.', '..', 'r')", "''' '", "('\u{e9}"] {
        assert!(names("python3", &["python3", "-c", text]).is_empty(), "{text}");
    }
    let many = "'/a' ".repeat(1000);
    assert_eq!(names("python3", &["python3", "-c", &many]).len(), MOST);
}

#[test]
fn names_in_the_text_of_a_shell_are_found() {
    let of = |text: &str| uses("/bin/sh", &["sh", "-ec", text, "x"]);
    let read = |name: &str| vec![(name.to_owned(), FileOp::Read)];
    for (text, name) in [
        ("cat < ~/.netrc", "/home/u/.netrc"),
        ("cat <$HOME/.netrc; x", "/home/u/.netrc"),
        ("while read x; do y; done < \"${HOME}/a b\"", "/home/u/a b"),
        ("k=$(<~/.netrc); echo $k", "/home/u/.netrc"),
        ("x && . /a/b", "/a/b"),
        ("if source ./a; then x; fi", "./a"),
        ("cat 0</a\\ b", "/a b"),
    ] {
        assert_eq!(of(text), read(name), "{text}");
    }
    assert_eq!(of("cd ~/.ssh && cat id_rsa"), [("/home/u/.ssh".to_owned(), FileOp::Metadata)]);
    for text in [
        "cat ~/.netrc",
        "echo . x; echo '< a'",
        "cat << END\nx\nEND",
        "cat <&3; sort <(x)",
        "cat < $x; cat < *.c; x <",
        "x > y; ~user/x; cat < ''",
        "",
        "<",
        "\\",
        "'",
    ] {
        assert!(of(text).is_empty(), "{text} {:?}", of(text));
    }
    assert_eq!(names("bash", &["bash", "-o", "pipefail", "-c", "x < y"]), ["y"]);
    assert_eq!(names("bash", &["bash", "-x", "x.sh", "-c", "y"]), ["x.sh"]);
    assert!(names("bash", &["bash"]).is_empty() && names("bash", &["bash", "-c"]).is_empty());
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_it(text: String, program in "sh|python3|curl|tar|git|cp|zip|cat") {
        let found = names(&program, &[&program, "-c", &text, "cf"]);
        proptest::prop_assert!(found.len() <= MOST);
    }

    #[test]
    fn no_text_of_marks_breaks_it(text in "[ <>'\"`$~./;&|(){}\\\\\na]{0,80}") {
        for program in ["sh", "node"] {
            let found = names(program, &[program, "-c", &text]);
            proptest::prop_assert!(found.len() <= MOST);
        }
    }
}
