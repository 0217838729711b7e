//! The forms of the grammar, and what they are lowered to.

use super::{parse, parse_at};
use crate::command::{Command, Input, Part, RedirectionKind, Script, Shell, Span, Unknown, Word};

fn bash(text: &str) -> Script {
    parse(Shell::Bash, text)
}

/// A word as a test writes it: patterns as they are, unknown parts as `?`, with `+` where they may split.
fn shown(word: &Word) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.replace(' ', "_").replace('\n', "^"),
        Part::Pattern(text) => text.clone(),
        Part::Home(None) => "~".to_owned(),
        Part::Home(Some(user)) => format!("~{user}"),
        Part::Unknown { why: Unknown::Number, .. } => "?N".to_owned(),
        Part::Unknown { splits: true, .. } => "?+".to_owned(),
        Part::Unknown { splits: false, .. } => "?".to_owned(),
    };
    if word.parts.is_empty() { "''".to_owned() } else { word.parts.iter().map(part).collect() }
}

fn command(command: &Command) -> String {
    let mut words: Vec<String> = command
        .assignments
        .iter()
        .map(|assignment| format!("{}={}", assignment.name, shown(&assignment.value)))
        .collect();
    words.extend(command.words.iter().map(shown));
    for redirection in &command.redirections {
        let sign = match redirection.kind {
            RedirectionKind::Read => "<",
            RedirectionKind::Write => ">",
            RedirectionKind::Append => ">>",
            RedirectionKind::ReadWrite => "<>",
            RedirectionKind::Text => "<<",
            RedirectionKind::Duplicate => "&",
        };
        let descriptor = redirection.descriptor.map_or_else(String::new, |number| number.to_string());
        words.push(format!("{descriptor}{sign}{}", shown(&redirection.target)));
    }
    words.join(" ")
}

/// All commands of a text that is understood, with `; ` between them.
fn commands(text: &str) -> String {
    let script = bash(text);
    assert!(script.problems.is_empty(), "{text}: {:?}", script.problems);
    script.commands.iter().map(command).collect::<Vec<_>>().join("; ")
}

#[test]
fn words_and_quoting() {
    let table = [
        ("git push", "git push"),
        (r"g\it 'pu'\''sh' ", "git pu'sh"),
        (r#"gi""t "a b" $'\x63'"#, "git a_b c"),
        ("gi\\\nt pu\\\nsh", "git push"),
        ("echo a # b", "echo a"),
        ("echo a#b", "echo a#b"),
        (r#"echo "a\"b\$c\d""#, r#"echo a"b$c\d"#),
        ("echo ''", "echo ''"),
        ("echo {a,b}c x{1..3}", "echo ac bc x1 x2 x3"),
        ("echo {a} {} {a,b", "echo {a} {} {a,b"),
        ("echo {c..a} {01,{x,y}}", "echo c b a 01 x y"),
        ("ls src/*.rs ~/a ~bob/c", "ls src/*.rs ~/a ~bob/c"),
        ("echo \"*\" '~' \\*", "echo * ~ *"),
        ("echo $x \"$x\" ${x}y", "echo ?+ ? ?+y"),
        ("echo \"$@\" \"${a[@]}\" \"$*\"", "echo ?+ ?+ ?"),
        ("echo $((1 + 2)) $? ${#x}", "echo ?N ?N ?N"),
        ("echo $HOME/x", "echo ~/x"),
        ("echo a$", "echo a$"),
    ];
    for (text, expected) in table {
        assert_eq!(commands(text), expected, "{text}");
    }
}

#[test]
fn known_values_take_the_place_of_variables() {
    let table = [
        ("x=rm; $x -rf /", "x=rm; rm -rf /"),
        ("a=git b='push origin'; $a $b", "a=git b=push_origin; git push origin"),
        ("x='a b'; c \"$x\"", "x=a_b; c a_b"),
        ("p=/etc; cat ${p}/hosts", "p=/etc; cat /etc/hosts"),
        ("rm${IFS}-rf${IFS}/", "rm -rf /"),
        ("x='*.c'; rm $x", "x=*.c; rm *.c"),
        ("x=git; echo ${x:-no} ${x:+yes}", "x=git; echo git yes"),
        ("export x=1; x=a; echo $x", "export x=1; x=a; echo a"),
    ];
    for (text, expected) in table {
        assert_eq!(commands(text), expected, "{text}");
    }
}

#[test]
fn uncertain_values_stay_unknown() {
    let table = [
        "if a; then x=ls; fi; $x b",
        "while a; do x=ls; done; $x b",
        "x=ls; f() { x=rm; }; f; $x b",
        "x=ls; read x; $x b",
        "x=ls; eval \"$y\"; $x b",
        "x=ls; . ./file; $x b",
        "x=ls; a && x=rm; $x b",
        "x=ls; for x in rm; do a; done; $x b",
        "x=ls; ((x=1)); $x b",
        "x=ls; : ${x:=rm} ; $x b",
        "x=ls; printf -v x rm; $x b",
        "x=ls; declare -n y=x; y=rm; $x b",
        "IFS=u; x=lus; $x b",
        "x=ls; trap 'x=rm' DEBUG; $x b",
        "x=ls; unset x; $x b",
        "x=ls; x+=rm; $x b",
        "x=(ls); $x b",
        "x=ls y; $x b",
        "x=ls; cat <<E\n$(( x = 1 ))\nE\n$x b",
    ];
    for text in table {
        let script = bash(text);
        let last = script.commands.last().unwrap();
        assert_eq!(command(last), "?+ b", "{text}");
    }
    let script = bash("f() { $x b; }; x=git; f");
    assert_eq!(command(&script.commands[0]), "?+ b");
}

#[test]
fn lists_pipelines_and_compounds() {
    let table = [
        ("a; b & c && d || e\nf", "a; b; c; d; e; f"),
        ("a | b |& c", "a; b; c"),
        ("! a; time b; time -p c", "a; b; c"),
        ("(a; b); { c; }", "a; b; c"),
        ("if a; then b; elif c; then d; else e; fi", "a; b; c; d; e"),
        ("while a; do b; done; until c; do d; done", "a; b; c; d"),
        ("for x in 1 $(y); do a; done; for z; do b; done", "y; a; b"),
        ("for ((i=0; i<$(n); i++)); do a; done", "n; let ?; a"),
        ("select x in a b; do c; done", "c"),
        ("case $(a) in (x|y) b;; *) c;; esac", "a; b; c"),
        ("f() { a; }; function g { b; }; function h() ( c )", "a; b; c"),
        ("[[ -f $(a) && b =~ ^(x|y)$ ]] && c", "a; c"),
        ("[[ a =~ ^b\\ +(c)?((0x)?[0-9]+)\\)?$ || a == @(b|c) ]]; d", "d"),
        ("(( $(a) > 1 )) || b", "a; let ?; b"),
        ("coproc a b; coproc N { c; }", "a b; c"),
        ("a `b \\`c\\`` d", "c; b ?+; a ?+ d"),
        ("diff <(a) >(b)", "a; b; diff ? ?"),
        ("x=$(a) y=`b` c", "a; b; x=? y=? c"),
        ("arr=(a $(b) [3]=c); arr[$(d)]=e", "b; arr=?; d; let ?; arr=e"),
        ("echo \"$(a \"$(b)\")\"", "b; a ?; echo ?"),
        ("echo ${x:-$(a)} ${y[$(b)]} ${z/$(c)/d}", "a; b; let ?; c; echo ?+ ?+ ?+"),
        ("echo $(( $(a) + ${b:-$(c)} ))", "a; c; let ?; echo ?N"),
        ("echo ${ a; } ${| b; }", "a; b; echo ?+ ?+"),
        ("if a; then b; fi >f 2>&1", ">f 2&1; a; b"),
        ("((a) ; (b))", "a; b"),
        ("!(a)", "a"),
    ];
    for (text, expected) in table {
        assert_eq!(commands(text), expected, "{text}");
    }
}

#[test]
fn redirections() {
    let table = [
        ("a >f <g 2>>h 3<>i", "a >f <g 2>>h 3<>i"),
        ("a >|f 2>&1 >&- &>g &>>h", "a >f 2&1 &- >g >>h"),
        ("a {fd}>f >&g", "a >f >g"),
        ("a <<<'b c'", "a <<b_c"),
        ("a <<E; b\nx $(c)\nE\nd", "c; a <<x_?^; b; d"),
        ("a <<'E'\nx $(c)\nE\nd", "a <<x_$(c)^; d"),
        ("a <<-E <<F\n\t1\n\tE\n2\nF\nb", "a <<1^ <<2^; b"),
        ("> f", ">f"),
        ("2>f a b", "a b 2>f"),
        ("a <<EOF\nfoo\\\nEOF\nEOF\nb", "a <<fooEOF^; b"),
    ];
    for (text, expected) in table {
        assert_eq!(commands(text), expected, "{text}");
    }
}

#[test]
fn inputs_follow_pipes_and_here_documents() {
    let script = bash("cat x | sh; bash <<E\nls\nE\n");
    assert_eq!(script.commands[0].input, Input::Inherited);
    assert_eq!(script.commands[1].input, Input::Pipe(0));
    assert!(matches!(&script.commands[2].input, Input::Text(word) if shown(word) == "ls^"));
    let script = bash("a | { b; c; } | d");
    let inputs: Vec<&Input> = script.commands.iter().map(|command| &command.input).collect();
    assert_eq!(inputs, [&Input::Inherited, &Input::Pipe(0), &Input::Pipe(0), &Input::Pipe(2)]);
    let script = bash("a | b <f");
    assert_eq!(script.commands[1].input, Input::Inherited);
}

#[test]
fn aliases_and_functions_are_definitions() {
    let script = bash("alias g='git -C x'; g push; f() { git \"$@\"; }; f push");
    assert_eq!(script.definitions, ["g", "f"]);
    let all: Vec<String> = script.commands.iter().map(command).collect();
    assert_eq!(all, ["alias g=git_-C_x", "git -C x push", "g push", "git ?+", "f push"]);
    assert_eq!(script.commands[1].via, ["alias g"]);
}

#[test]
fn hidden_commands_are_problems_or_found() {
    for text in [
        "x='a[$(git push)]'; (( x ))",
        "x='a[`git push`]'; [[ 1 -eq x ]]",
        "x='a[$(git push)]'; let x",
        "x='a[$(git push)]'; echo ${!x}",
        "x='a[$(git push)]'; echo $((x))",
        "BASH_ALIASES[ls]='git push'; ls",
    ] {
        assert!(!bash(text).problems.is_empty(), "{text}");
    }
    assert_eq!(commands("x='$(git push)'; echo ${x@P}"), "x=$(git_push); git push; echo ?+");
    assert_eq!(commands("echo ${PS1@P}"), "eval ?; echo ?+");
}

#[test]
fn what_is_not_understood_is_said() {
    let table = [
        ("a 'b", "single quote"),
        ("a \"b", "`\"` is not closed"),
        ("a $(b", "`)` should follow"),
        ("a ${b", "should follow"),
        ("if a; then b", "`fi` should follow"),
        ("a | ", "a command should follow"),
        ("a )", "a command should follow"),
        ("fi", "a command should follow"),
        ("a >", "the file of the redirection"),
        ("a `b", "backtick"),
        ("a >!b", "zsh"),
        ("=ls", "zsh"),
        ("echo ${(f)x}", "zsh"),
        ("foreach x (a b)", "zsh"),
        ("{ a; } always { b; }", "zsh"),
        ("cat <<EOF\nEO\\\nF\ngit push\nEOF\n", "several lines"),
    ];
    for (text, expected) in table {
        let problems = bash(text).problems;
        assert!(problems.iter().any(|problem| problem.what.contains(expected)), "{text}: {problems:?}");
    }
    // What stands before is kept.
    assert_eq!(bash("git push; ( ").commands.len(), 1);
}

#[test]
fn posix_shells_differ() {
    let sh = |text: &str| {
        let script = parse(Shell::Sh, text);
        assert!(script.problems.is_empty(), "{text}: {:?}", script.problems);
        script.commands.iter().map(command).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(sh("true &>f git push"), "true; git push >f");
    assert_eq!(sh("[[ a || git push ]]"), "[[ a; git push ]]");
    assert_eq!(sh("((git push) )"), "git push");
    assert_eq!(sh("coproc a"), "coproc a");
}

#[test]
fn spans_point_into_the_text() {
    let text = "a b; x $(git push) `ls -l`";
    let script = bash(text);
    let spans: Vec<&str> =
        script.commands.iter().map(|command| &text[command.span.start..command.span.end]).collect();
    assert_eq!(spans, ["a b", "git push", "ls -l", "x $(git push) `ls -l`"]);
    assert_eq!(&text[script.commands[1].words[1].span.start..script.commands[1].words[1].span.end], "push");
}

#[test]
fn a_here_document_without_a_body_has_a_place() {
    let place = Span { start: 7, end: 11 };
    for text in ["cat <<a <<'b' ${", "cat <<a", "cat <<a | `"] {
        let script = parse_at(Shell::Bash, text, place);
        let targets = script.commands.iter().flat_map(|command| &command.redirections);
        targets.for_each(|redirection| assert_eq!(redirection.target.span, place, "{text}"));
    }
}

#[test]
fn deep_nesting_is_a_problem_and_no_crash() {
    let n = 10_000;
    let shapes = [
        format!("{}a{}", "(".repeat(n), ")".repeat(n)),
        format!("{}a{}", "( ".repeat(n), " )".repeat(n)),
        format!("{}a{}", "$(".repeat(n), ")".repeat(n)),
        format!("{}1{}", "$((".repeat(n), "))".repeat(n)),
        format!("echo {}a{}", "${x:-".repeat(n), "}".repeat(n)),
        format!("{}a{}", "{ ".repeat(n), "; }".repeat(n)),
        format!("{}a", "if ".repeat(n)),
        format!("echo {}", "{a,".repeat(n)),
        format!("echo {}{}", "{a,".repeat(n), "}".repeat(n)),
        format!("echo {}", "\"$(".repeat(n)),
        format!("a {}", "<(".repeat(n)),
        format!("a {}", "@(".repeat(n)),
        "a[".repeat(n),
        "`".repeat(n),
    ];
    for text in shapes {
        let script = bash(&text);
        let start: String = text.chars().take(20).collect();
        assert!(!script.problems.is_empty() || script.commands.len() <= n, "{start}");
    }
}
