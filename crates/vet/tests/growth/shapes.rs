//! Texts of any size, each made of one piece that is repeated: what once was slow, and what could be.

use garth_vet::{Script, Shell, parse, parse_batch};

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// In the grammar of a shell.
    Shell(Shell),
    /// As a batch file.
    Batch,
}

impl Reader {
    /// Reads the text.
    pub fn read(self, text: &str) -> Script {
        match self {
            Self::Shell(shell) => parse(shell, text),
            Self::Batch => parse_batch(text),
        }
    }
}

/// `start`, then `unit` many times, then `end` as many times.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What is repeated, in a few words.
    pub name: &'static str,
    start: &'static str,
    unit: &'static str,
    end: &'static str,
}

impl Shape {
    /// A text of about so many bytes.
    pub fn text(&self, bytes: usize) -> String {
        let count = bytes / (self.unit.len() + self.end.len());
        format!("{}{}{}", self.start, self.unit.repeat(count), self.end.repeat(count))
    }
}

const fn repeated(name: &'static str, unit: &'static str) -> Shape {
    around(name, "", unit, "")
}

const fn behind(name: &'static str, start: &'static str, unit: &'static str) -> Shape {
    around(name, start, unit, "")
}

const fn around(name: &'static str, start: &'static str, unit: &'static str, end: &'static str) -> Shape {
    Shape { name, start, unit, end }
}

/// For bash.
pub const BASH: &[Shape] = &[
    repeated("lines of three commands", "git add src/main.rs && cargo test --lib 2>&1 | tail -n 20\n"),
    repeated("one line of commands", "a b; "),
    behind("words of one command", "a ", "b "),
    behind("one word", "a ", "b"),
    repeated("assignments", "x=1\n"),
    repeated("a variable that grows", "x=\"$x\"a\n"),
    repeated("a variable that doubles", "x=$x$x; echo $x\n"),
    behind(
        "a large variable, often used",
        "x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        "a $x$x$x$x\n",
    ),
    repeated("pipes", "a | "),
    repeated("lists", "a && b || "),
    repeated("open parentheses", "("),
    repeated("open braces", "{ "),
    around("nested parentheses", "", "(", ")"),
    around("nested substitutions", "", "$(", ")"),
    repeated("open substitutions", "$("),
    repeated("open back quotes", "`"),
    repeated("open arithmetic", "$(("),
    repeated("closed arithmetic", "echo $((1+x))\n"),
    repeated("arithmetic commands", "((x++))\n"),
    repeated("open brackets of arithmetic", "$[ "),
    repeated("open brackets", "a["),
    repeated("subscripts", "a[1]=2\n"),
    repeated("open expansions", "${x:-"),
    repeated("expansions", "echo \"${x:-b}\" ${y#c}\n"),
    repeated("here-documents", "cat <<E\nx\nE\n"),
    repeated("open here-documents", "cat <<E "),
    behind("lines of a here-document", "cat <<E\n", "x $y\n"),
    repeated("quotes", "'a'\"b\""),
    repeated("backslashes", "\\"),
    repeated("backslashes at line ends", "a\\\n"),
    repeated("brace expansion", "echo {a,b}{c,d}\n"),
    repeated("open brace expansion", "{a,"),
    behind("a large brace expansion", "echo ", "{a,b}"),
    behind("a brace expansion of many", "echo {", "a,"),
    repeated("patterns", "ls *.rs [a-z]?\n"),
    repeated("functions", "f() { a; }\nf\n"),
    repeated("aliases", "alias a='b c'\na\n"),
    repeated("branches", "if a; then b; else c; fi\n"),
    repeated("open branches", "if a; then "),
    repeated("cases", "case $x in a) b;; c|d) e;; esac\n"),
    repeated("loops", "for f in a b c; do rm $f; done\n"),
    repeated("tests", "[[ -n $x && $y == *.c ]] && a\n"),
    repeated("open tests", "[[ ( "),
    repeated("redirections", "a >b 2>&1 <c\n"),
    behind("redirections of one command", "a ", ">b "),
    repeated("comments", "# a b\n"),
    repeated("changed directories", "(cd a && b) || cd c; pushd d; popd\n"),
    repeated("line ends", "\n"),
    repeated("tildes", "~/a:~b "),
    repeated("process substitutions", "cat <(a) >(b)\n"),
    repeated("quotes of ansi", "$'\\x41\\n'"),
    repeated("dollars", "$"),
    repeated("exclamation marks", "! "),
    repeated("letters of many bytes", "é "),
    repeated("variables", "$x "),
    repeated("values with commands", "x='a[$(b)]'\n((x))\n"),
    repeated("builtins that set names", "read x; declare y=1\n"),
    repeated("exec with input", "exec <<< a\nb\n"),
    around("compounds with input", "", "{ a; ", "} <b\n"),
];

/// For cmd.exe, as batch files and as lines.
pub const CMD: &[Shape] = &[
    repeated("lines of two commands and a pipe", "git add src\\main.rs && cargo test --lib 2>&1 | more\n"),
    repeated("one line of commands", "a b & "),
    repeated("a variable that grows", "set x=%x%a\necho %x%\n"),
    repeated("a variable that doubles", "set x=%x%%x%\n"),
    repeated("a delayed variable that grows", "setlocal enabledelayedexpansion\nset x=!x!a\n"),
    repeated("labels and delayed variables", ":a\nset x=!x!\n"),
    repeated("delayed variables", "echo !x!\n"),
    repeated("jumps", "goto a\n:a\n"),
    repeated("calls of labels", "call :a b\n:a\necho %1\n"),
    repeated("carets", "^"),
    repeated("carets at line ends", "a^\n"),
    repeated("open parentheses", "("),
    around("nested parentheses", "", "(", ")"),
    repeated("blocks", "(a\nb)\n"),
    repeated("loops", "for %%i in (a b c) do git add %%i\n"),
    repeated("loops over numbers", "for /l %%i in (1,1,100) do echo %%i\n"),
    repeated("loops over output", "for /f \"tokens=1,2\" %%i in ('git status') do echo %%i %%j\n"),
    repeated("nested loops", "for %%i in (a) do "),
    behind("a list of a loop", "for %%i in (", "a "),
    repeated("branches", "if exist a (b) else (c)\n"),
    repeated("open branches", "if a==b "),
    repeated("percent signs", "%"),
    repeated("open variables", "%a"),
    repeated("parts of variables", "echo %x:~0,3% %y:a=b%\n"),
    repeated("arguments", "echo %1 %~dp0 %*\n"),
    repeated("exclamation marks", "!"),
    repeated("quotes", "\"a\" "),
    repeated("open quotes", "\""),
    repeated("redirections", "a >b 2>&1 <c\n"),
    behind("redirections of one command", "a ", ">b "),
    repeated("pipes", "a | "),
    behind("words of one command", "a ", "b "),
    behind("one word", "a ", "b"),
    repeated("comments", "rem a b\n:: c\n"),
    repeated("line ends", "\n"),
    repeated("blanks", " "),
    repeated("call", "call echo %%x%%\n"),
    repeated("nested call", "call "),
    repeated("cmd", "cmd /c \"a & b\"\n"),
    repeated("arithmetic", "set /a x=x+1\n"),
    repeated("at signs", "@"),
    repeated("letters of many bytes", "é "),
    repeated("variables", "set a=b\n%a% c\n"),
    behind(
        "a large variable, often used",
        "set x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        "a %x%%x%\n",
    ),
    repeated("words of equal signs and commas", "a=,;"),
];

/// For both PowerShells.
pub const PWSH: &[Shape] = &[
    repeated("lines of a pipe", "Get-ChildItem -Path src | Remove-Item -Recurse\n"),
    repeated("one line of commands", "a b; "),
    repeated("a variable in its own string", "$x = \"a$x\"\n"),
    repeated("a variable that grows", "$x = $x + 'a'\n"),
    repeated("a variable that doubles", "$x = $x + $x; echo $x\n"),
    repeated("a variable added to", "$x += 'a'\n"),
    repeated("open parentheses", "("),
    repeated("open sub-expressions", "$("),
    repeated("open script blocks", "{"),
    repeated("open arrays", "@("),
    repeated("open hash tables", "@{a="),
    repeated("open brackets", "["),
    around("nested parentheses", "", "(", ")"),
    around("nested sub-expressions", "", "$(", ")"),
    around("nested script blocks", "", "&{", "}"),
    repeated("quotes", "'a'\"b\""),
    repeated("open quotes", "\" $("),
    repeated("here-strings", "@'\na\n'@ | b\n"),
    repeated("open here-strings", "@\"\n"),
    repeated("back quotes", "`"),
    repeated("back quotes at line ends", "a `\n"),
    repeated("pipes", "a | "),
    behind("words of one command", "a ", "b "),
    behind("one word", "a ", "b"),
    behind("parameters of one command", "a ", "-b c "),
    repeated("redirections", "a > b 2>&1\n"),
    repeated("functions", "function f { a }\nf\n"),
    repeated("branches", "if ($x) { a } else { b }\n"),
    repeated("open branches", "if ($x) { "),
    repeated("loops", "foreach ($f in 'a','b') { rm $f }\n"),
    repeated("switches", "switch ($x) { 'a' { b } default { c } }\n"),
    repeated("members", "[IO.File]::Delete('a')\n"),
    behind("a chain of members", "$x", ".a()"),
    behind("a chain of members by name", "$x", ".a"),
    behind("operators", "$x = 1", " + 1"),
    behind("joined strings", "$x = 'a'", " + 'a'"),
    behind("joined strings of a command", "& ('a'", " + 'a'"),
    behind("a large array", "$x = @(1", ", 1"),
    behind("signs", "$x = ", "-"),
    behind("negations", "$x = ", "!"),
    behind("casts", "$x = ", "[int]"),
    behind("replacements", "$x = 'a'", " -replace 'a','aa'"),
    behind("formats", "$x = 'a'", " -f 'b'"),
    repeated("splatting", "$p = @{Path='a'}\nrm @p\n"),
    repeated("comments", "# a\n<# b #>\n"),
    repeated("open comments", "<# "),
    repeated("line ends", "\n"),
    repeated("verbatim words", "a --% b %x%\n"),
    repeated("variables", "$x "),
    repeated("open braced variables", "${"),
    repeated("aliases", "Set-Alias a b\na\n"),
    repeated("attempts", "try { a } catch { b } finally { c }\n"),
    repeated("evaluations", "iex 'a b'\n"),
    repeated("attributes", "[Parameter()]"),
    repeated("letters of many bytes", "é "),
    behind(
        "a large variable, often used",
        "$x = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'\n",
        "a \"$x$x$x\"\n",
    ),
    repeated("indices", "$x[0]\n"),
    repeated("ranges", "1..9\n"),
];

/// Every grammar by its name, with its shapes.
pub const ALL: &[(&str, Reader, &[Shape])] = &[
    ("bash", Reader::Shell(Shell::Bash), BASH),
    ("sh", Reader::Shell(Shell::Sh), BASH),
    ("batch", Reader::Batch, CMD),
    ("cmd", Reader::Shell(Shell::Cmd), CMD),
    ("pwsh", Reader::Shell(Shell::Pwsh), PWSH),
    ("powershell", Reader::Shell(Shell::WindowsPowershell), PWSH),
];
