//! What a command of PowerShell hands on to run. Script blocks that stand in the text are no nested text: their
//! commands are in the script already.

use super::bind::{Bound, bind};
use super::native;
use crate::command::{Command, Input, Part, Shell, Word};
use crate::nested::Nested;

/// Parameters that take script blocks, by cmdlet.
const BLOCKS: &[(&str, &[&str])] = &[
    ("ForEach-Object", &["Process", "Begin", "End", "RemainingScripts", "Parallel"]),
    ("Measure-Command", &["Expression"]),
    ("New-Module", &["ScriptBlock"]),
    ("Register-CimIndicationEvent", &["Action"]),
    ("Register-EngineEvent", &["Action"]),
    ("Register-ObjectEvent", &["Action"]),
    ("Register-ScheduledJob", &["ScriptBlock", "InitializationScript"]),
    ("Register-WmiEvent", &["Action"]),
    ("Set-PSBreakpoint", &["Action"]),
    ("Set-PSReadLineKeyHandler", &["ScriptBlock"]),
    ("Set-PSReadLineOption", &["AddToHistoryHandler", "CommandValidationHandler"]),
    ("Start-Job", &["ScriptBlock", "InitializationScript"]),
    ("Start-ThreadJob", &["ScriptBlock", "InitializationScript"]),
    ("Trace-Command", &["Expression", "Command"]),
];

/// Parameters that name files with code, by cmdlet.
const FILES: &[(&str, &[&str])] = &[
    ("Add-Type", &["Path", "LiteralPath"]),
    ("Import-Alias", &["Path", "LiteralPath"]),
    ("Invoke-Command", &["FilePath"]),
    ("Register-PSSessionConfiguration", &["StartupScript", "AssemblyName"]),
    ("Register-ScheduledJob", &["FilePath"]),
    ("Register-ScheduledTask", &["Xml", "InputObject"]),
    ("Start-BitsTransfer", &["NotifyCmdLine"]),
    ("Start-Job", &["FilePath", "LiteralPath", "DefinitionName"]),
    ("Start-ThreadJob", &["FilePath"]),
];

/// Methods that run or load code, whatever they are called on.
const RUNNING_METHODS: &[&str] = &[
    "addcommand",
    "addscript",
    "begininvoke",
    "createinstance",
    "createpipeline",
    "createprocess",
    "dynamicinvoke",
    "exec",
    "executeassembly",
    "executeshellcommand",
    "getdelegateforfunctionpointer",
    "getsteppablepipeline",
    "invoke",
    "invokeasync",
    "invokemember",
    "invokereturnasis",
    "invokescript",
    "invokewithcontext",
    "load",
    "loadfile",
    "loadfrom",
    "loadwithpartialname",
    "run",
    "shellexecute",
    "unsafeloadfrom",
];

/// Beginnings of names of methods that do something. A member without arguments that `ForEach-Object` names is taken
/// for a property if it has none of them.
const ACTING: &[&str] = &[
    "add",
    "begin",
    "cancel",
    "change",
    "clear",
    "close",
    "commit",
    "connect",
    "continue",
    "copy",
    "create",
    "decrypt",
    "delete",
    "disable",
    "disconnect",
    "dispose",
    "download",
    "eject",
    "enable",
    "encrypt",
    "end",
    "exec",
    "flush",
    "format",
    "grant",
    "install",
    "invoke",
    "kill",
    "load",
    "move",
    "open",
    "pause",
    "put",
    "reboot",
    "recycle",
    "release",
    "remove",
    "rename",
    "reset",
    "restart",
    "restore",
    "resume",
    "run",
    "save",
    "send",
    "set",
    "shutdown",
    "start",
    "stop",
    "suspend",
    "take",
    "terminate",
    "uninstall",
    "upload",
    "win32shutdown",
    "write",
];

/// What runs because a command of PowerShell runs.
#[must_use]
pub fn nested(command: &Command) -> Vec<Nested> {
    if !matches!(command.shell, Shell::Pwsh | Shell::WindowsPowershell) {
        return Vec::new();
    }
    let name = command.words.first().map(Word::known_start).unwrap_or_default();
    if name.starts_with('[') {
        return of_method(command, &name);
    }
    if matches!(name.as_str(), "using" | "#requires") && command.words.len() > 1 {
        return vec![unknown("code of a module that is loaded", command, &name)];
    }
    let Some(bound) = bind(command) else { return Vec::new() };
    let mut found = of_cmdlet(command, &bound);
    let runs = !found.is_empty() || RUNNERS.contains(&bound.cmdlet);
    if runs && !bound.unbound.is_empty() {
        found.push(unknown("parameters that are not seen", command, bound.cmdlet));
    }
    found
}

/// Cmdlets that run something even if the words that are seen name nothing.
const RUNNERS: &[&str] =
    &["Invoke-Command", "Invoke-Expression", "Start-Job", "Start-Process", "Start-ThreadJob"];

fn unknown(what: &str, command: &Command, via: &str) -> Nested {
    Nested::Unknown { what: what.to_owned(), span: command.span, via: via.to_owned() }
}

fn text(command: &Command, text: &Word, via: &str) -> Nested {
    Nested::Text { shell: command.shell, text: text.clone(), via: via.to_owned() }
}

fn words(words: Vec<Word>, via: &str) -> Nested {
    Nested::Words { words, via: via.to_owned(), input: Input::Inherited }
}

/// True for the word of a script block, whose commands are in the script.
fn is_block(word: &Word) -> bool {
    word.text().is_some_and(|text| text.starts_with('{') && text.ends_with('}'))
}

fn of_cmdlet(command: &Command, bound: &Bound) -> Vec<Nested> {
    let name = bound.cmdlet;
    let mut found = Vec::new();
    for (_, parameters) in FILES.iter().filter(|(cmdlet, _)| *cmdlet == name) {
        if parameters.iter().any(|parameter| bound.has(parameter))
            && !bound.words("FilePath").iter().any(is_block)
        {
            found.push(unknown("code in a file", command, name));
        }
    }
    for (_, parameters) in BLOCKS.iter().filter(|(cmdlet, _)| *cmdlet == name) {
        let mut values = parameters.iter().flat_map(|parameter| bound.words(parameter)).chain(&bound.rest);
        if name != "ForEach-Object" && values.any(|word| !is_block(word)) {
            found.push(unknown("a script block that is not seen", command, name));
        }
    }
    match name {
        "Invoke-Expression" => found.extend(expression(command, bound)),
        "Invoke-Command" => found.extend(remote(command, bound)),
        "Start-Process" => found.push(process(command, bound)),
        "ForEach-Object" => found.extend(for_each(command, bound)),
        "Where-Object" if bound.words("FilterScript").iter().any(Word::has_unknown) => {
            found.push(unknown("a script block that is not seen", command, name));
        }
        "Invoke-CimMethod" | "Invoke-WmiMethod" => found.extend(management(command, bound)),
        "New-ScheduledTaskAction" => {
            let mut all = bound.words("Execute").to_vec();
            all.extend(bound.words("Argument").iter().flat_map(native::command_line));
            found.push(words(all, name));
        }
        "Register-ScheduledTask" if bound.words("Action").iter().any(Word::has_unknown) => {
            found.push(unknown("an action that is not seen", command, name));
        }
        "New-Service" => found
            .extend(bound.words("BinaryPathName").iter().map(|line| words(native::command_line(line), name))),
        "Invoke-Item" => {
            let paths = bound.words("Path").iter().chain(bound.words("LiteralPath"));
            found.extend(paths.map(|path| words(vec![path.clone()], name)));
        }
        "Add-Type" => found.extend(add_type(command, bound)),
        "Import-Module" | "Invoke-History" | "Import-PSSession" => {
            found.push(unknown("code that is loaded", command, name));
        }
        _ => {}
    }
    found
}

fn expression(command: &Command, bound: &Bound) -> Vec<Nested> {
    let given = bound.words("Command");
    if !given.is_empty() {
        return given.iter().chain(&bound.rest).map(|word| text(command, word, bound.cmdlet)).collect();
    }
    let found = match &command.input {
        Input::Text(word) => text(command, word, bound.cmdlet),
        Input::Pipe(_) => unknown("what another command prints", command, bound.cmdlet),
        Input::Inherited => unknown("a text that is not seen", command, bound.cmdlet),
    };
    vec![found]
}

fn remote(command: &Command, bound: &Bound) -> Option<Nested> {
    let is_given =
        ["ScriptBlock", "ComputerName", "Session"].iter().any(|name| bound.words(name).iter().any(is_block));
    let is_seen = is_given || bound.has("FilePath");
    (!is_seen).then(|| unknown("a script block that is not seen", command, bound.cmdlet))
}

/// `Start-Process` joins its arguments with blanks; the program splits them again.
fn process(command: &Command, bound: &Bound) -> Nested {
    let [program] = bound.words("FilePath") else {
        return unknown("a program that is not seen", command, bound.cmdlet);
    };
    let arguments = bound.words("ArgumentList");
    let mut all = vec![program.clone()];
    let known: Option<Vec<String>> = arguments.iter().map(Word::text).collect();
    match known {
        Some(known) => all.extend(native::command_line(&Word::known(known.join(" "), program.span))),
        None => all.extend(arguments.iter().flat_map(native::command_line)),
    }
    let elevates = bound.text("Verb").is_some_and(|verb| verb.eq_ignore_ascii_case("runas"));
    words(all, if elevates { "Start-Process -Verb RunAs" } else { bound.cmdlet })
}

fn for_each(command: &Command, bound: &Bound) -> Option<Nested> {
    let blocks = ["Process", "Begin", "End", "RemainingScripts", "Parallel"];
    let values: Vec<&Word> = blocks.iter().flat_map(|name| bound.words(name)).chain(&bound.rest).collect();
    if values.iter().any(|word| word.has_unknown()) || bound.words("MemberName").iter().any(Word::has_unknown)
    {
        return Some(unknown("a script block or a member that is not seen", command, bound.cmdlet));
    }
    let members = bound.words("MemberName").iter().chain(values.into_iter().filter(|word| !is_block(word)));
    let acts = |word: &Word| {
        let name = word.text().unwrap_or_default().to_lowercase();
        ACTING.iter().any(|start| name.starts_with(start)) || name.contains(['*', '?'])
    };
    members.into_iter().any(acts).then(|| unknown("a method of every object", command, bound.cmdlet))
}

/// `Win32_Process` starts programs by its method `Create`.
fn management(command: &Command, bound: &Bound) -> Option<Nested> {
    let method = bound.text("MethodName").or_else(|| bound.text("Name"));
    if method.as_deref().is_some_and(|method| !method.eq_ignore_ascii_case("create")) {
        return None;
    }
    let class = bound.text("ClassName").or_else(|| bound.text("Class"));
    if class.is_some_and(|class| !class.eq_ignore_ascii_case("win32_process")) {
        return None;
    }
    let lines = bound.words("Arguments").iter().chain(bound.words("ArgumentList"));
    let is_cim = bound.cmdlet == "Invoke-CimMethod";
    let is_given = |word: &&Word| !is_cim || word.known_start().starts_with("@{");
    let line = lines.into_iter().find(is_given).and_then(command_line_of);
    Some(match line {
        Some(line) => words(native::command_line(&line), bound.cmdlet),
        None => unknown("a program that is not seen", command, bound.cmdlet),
    })
}

/// The command line in `@{CommandLine=...}`, or the word itself.
fn command_line_of(word: &Word) -> Option<Word> {
    let Some(Part::Text(first)) = word.parts.first() else { return Some(word.clone()) };
    let Some(table) = first.strip_prefix("@{") else { return Some(word.clone()) };
    let (key, rest) = table.split_once('=')?;
    let mut parts = vec![Part::Text(rest.to_owned())];
    parts.extend(word.parts.iter().skip(1).cloned());
    match parts.last_mut() {
        Some(Part::Text(last)) if last.ends_with('}') => drop(last.pop()),
        _ => return None,
    }
    key.eq_ignore_ascii_case("commandline").then_some(Word { parts, span: word.span })
}

fn add_type(command: &Command, bound: &Bound) -> Option<Nested> {
    if ["TypeDefinition", "MemberDefinition"].iter().any(|name| bound.has(name)) {
        return Some(unknown("code of another language that is compiled", command, bound.cmdlet));
    }
    let is_system = |word: &Word| {
        let name = word.text().unwrap_or_default().to_lowercase();
        ["system", "microsoft.", "presentation", "windowsbase"].iter().any(|start| name.starts_with(start))
    };
    let assemblies = bound.words("AssemblyName");
    let is_plain = !assemblies.is_empty() && assemblies.iter().all(is_system);
    (!is_plain && !bound.has("Path") && !bound.has("LiteralPath"))
        .then(|| unknown("an assembly that is loaded", command, bound.cmdlet))
}

/// What a call of .NET runs, by the made-up name of its command.
fn of_method(command: &Command, name: &str) -> Vec<Nested> {
    let arguments = command.words.get(1..).unwrap_or_default();
    let Some((class, method)) = name.rsplit_once(['.', ':']) else { return Vec::new() };
    let class = class.trim_end_matches(':');
    let method = method.to_lowercase();
    if command.words.first().is_some_and(Word::has_unknown) {
        return vec![unknown("a method that is not seen", command, name)];
    }
    let last = arguments.last();
    match (class, method.as_str()) {
        ("[System.Management.Automation.ScriptBlock]", "create") => one_text(command, arguments, name),
        ("[System.Management.Automation.CommandInvocationIntrinsics]", "invokescript" | "newscriptblock") => {
            one_text(command, arguments, name)
        }
        ("[System.Management.Automation.CommandInvocationIntrinsics]", "expandstring") => {
            let is_plain = arguments.iter().all(|word| word.text().is_some_and(|text| !text.contains("$(")));
            if is_plain { Vec::new() } else { vec![unknown("a string that is expanded", command, name)] }
        }
        ("[System.Management.Automation.PowerShell]", "addscript") => one_text(command, arguments, name),
        ("[System.Diagnostics.Process]", "start") if name.contains("::") => match arguments {
            [program, rest @ ..] if !program.has_unknown() => {
                let rest = rest.first().map(native::command_line).unwrap_or_default();
                vec![words(std::iter::once(program.clone()).chain(rest).collect(), name)]
            }
            _ => vec![unknown("a program that is not seen", command, name)],
        },
        ("[System.Diagnostics.Process]", "start") => {
            vec![unknown("a program that is not seen", command, name)]
        }
        ("[COM:WScript.Shell]", "run" | "exec") | ("[Microsoft.VisualBasic.Interaction]", "shell") => {
            arguments.first().map(|line| words(native::command_line(line), name)).into_iter().collect()
        }
        ("[COM:Shell.Application]", "shellexecute") => match arguments {
            [program, rest @ ..] => {
                let rest = rest.first().map(native::command_line).unwrap_or_default();
                vec![words(std::iter::once(program.clone()).chain(rest).collect(), name)]
            }
            [] => Vec::new(),
        },
        ("[System.Management.ManagementClass]", "create") => {
            last.map(|line| words(native::command_line(line), name)).into_iter().collect()
        }
        _ if RUNNING_METHODS.contains(&method.as_str()) => {
            vec![unknown("code that the method runs or loads", command, name)]
        }
        _ => Vec::new(),
    }
}

/// The first argument that is neither true nor false, as a text.
fn one_text(command: &Command, arguments: &[Word], via: &str) -> Vec<Nested> {
    let is_flag = |word: &&Word| word.text().is_some_and(|text| text == "True" || text == "False");
    let found = arguments.iter().find(|word| !is_flag(word)).map(|word| text(command, word, via));
    vec![found.unwrap_or_else(|| unknown("a text that is not seen", command, via))]
}
