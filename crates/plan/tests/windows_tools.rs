//! Tools that a user has installed for himself alone: `garth doctor` says whether the container may read them, and is right
//! about that by the model.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod windows_machines;

use garth_plan::facts::Command;
use garth_plan::linux::{PlanError, Report};
use garth_plan::windows::doctor::{Diagnosis, Finding, State, diagnose};
use garth_plan::windows::facts::{HostFacts, Object, PathFact, Security, Tool};
use garth_plan::windows::machine::{Machine, Possible};
use garth_plan::windows::spec::{Identity, Launch, Tier};
use garth_plan::windows::{AppContainer, Token, lower};
use garth_policy::{AbsPath, FileOp, Policy, Profile};
use windows_machines::{Host, MACHINES, Sketch, path};

/// A tool where its installer puts it for one user, and a file that it needs beside itself, below the profile. The places are
/// those that the documentation of the installers names.
const OWN: [(&str, &str, &str); 6] = [
    (
        "python",
        r"AppData\Local\Programs\Python\Python313\python.exe",
        r"AppData\Local\Programs\Python\Python313\Lib\os.py",
    ),
    (
        "node",
        r"AppData\Roaming\nvm\v22.21.0\node.exe",
        r"AppData\Roaming\nvm\v22.21.0\node_modules\npm\cli.js",
    ),
    ("git", r"AppData\Local\Programs\Git\cmd\git.exe", r"AppData\Local\Programs\Git\mingw64\bin\git.exe"),
    ("rustup", r".cargo\bin\rustup.exe", r".rustup\toolchains\stable\bin\rustc.exe"),
    ("uv", r".local\bin\uv.exe", r"AppData\Roaming\uv\python\cpython-3.13\python.exe"),
    ("rg", r"scoop\shims\rg.exe", r"scoop\apps\ripgrep\current\rg.exe"),
];

/// The machine with tools at these places, whose directories are searched first, and further files.
fn with(machine: &Sketch, tools: &[(&str, AbsPath)], needed: &[AbsPath]) -> (HostFacts, Command) {
    let mut host = machine.host();
    let files: Vec<&AbsPath> = tools.iter().map(|(_, file)| file).chain(needed).collect();
    files.iter().for_each(|file| host.add(file, false));
    let mut command = machine.command(&["cmd"]);
    let (_, search) = command.environment.iter_mut().find(|(name, _)| name == b"Path").unwrap();
    let own: Vec<String> = tools.iter().map(|(_, file)| file.parent().unwrap().to_string()).collect();
    *search = format!("{};{}", own.join(";"), String::from_utf8_lossy(search)).into_bytes();
    let policy = machine.policy(Profile::Workspace);
    let mut facts = machine.facts(&host, std::slice::from_ref(&policy), std::slice::from_ref(&command));
    for file in files {
        facts.paths.insert(file.clone(), host.object(file).unwrap());
    }
    for (name, path) in tools {
        let Some(PathFact::Present(object)) = host.object(path) else { unreachable!() };
        facts.tools.insert((*name).to_owned(), vec![Tool { path: path.clone(), object, package: None }]);
    }
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    facts.environment = command.environment.iter().map(|(name, value)| (text(name), text(value))).collect();
    (facts, command)
}

fn of<'d>(diagnosis: &'d Diagnosis, tool: &str) -> &'d Finding {
    diagnosis.findings.iter().find(|finding| finding.name.starts_with(&format!("{tool} ("))).unwrap()
}

/// The machine once a container for the command is prepared, and the container's token.
fn prepared(policy: &Policy, facts: &HostFacts, command: &Command) -> (Machine, Token) {
    let boundaries = policy.files.boundaries();
    let plan = lower(policy, &boundaries, facts, command, Some(Tier::Container), Report::All).unwrap();
    let Identity::Container(recipe) = &plan.launch.identity else { unreachable!() };
    let base = facts.user.token.restricted(&recipe.base).unwrap();
    let capabilities = recipe.capabilities.iter().map(|capability| capability.sid).collect();
    let (package, less_privileged) = (recipe.package, recipe.less_privileged);
    let app_container = Some(AppContainer { package, capabilities, less_privileged });
    let token = Token { app_container, ..base.in_app_container(package, &[]) };
    (Machine::prepared(facts, &plan.preparation), token)
}

#[test]
fn tools_of_one_user_are_found_and_can_be_read() {
    // One with a short name, one with letters of another script, one with its workspace and caches on another drive.
    for machine in [&MACHINES[0], &MACHINES[3], &MACHINES[5]] {
        let own = |below: &str| path(&format!(r"{}\{below}", machine.home));
        let tools = OWN.map(|(tool, program, _)| (tool, own(program)));
        let (facts, command) = with(machine, &tools, &OWN.map(|(_, _, needed)| own(needed)));
        let policy = machine.policy(Profile::Workspace);
        let told = diagnose(&policy, &facts);
        let (after, token) = prepared(&policy, &facts, &command);
        let can = |file: &AbsPath, op| after.can(&token, file, op);
        for (tool, program, needed) in OWN {
            let (found, program, needed) = (of(&told, tool), own(program), own(needed));
            assert_eq!(found.status, State::Works, "{}: {found:?}", machine.name);
            assert!(found.found.contains(&program.to_string()), "{}: {found:?}", machine.name);
            assert_eq!(can(&program, FileOp::Execute), Possible::Yes, "{}: {program}", machine.name);
            assert_eq!(can(&needed, FileOp::Read), Possible::Yes, "{}: {needed}", machine.name);
            assert_eq!(can(&program, FileOp::Write), Possible::No, "{}: {program}", machine.name);
        }
    }
}

/// What starting a command leads to, on a machine that was asked about it as a run asks.
fn started(machine: &Sketch, host: &Host, word: &str) -> Result<Launch, PlanError> {
    let policy = machine.policy(Profile::Workspace);
    let command = machine.command(&[word]);
    let facts = machine.facts(host, std::slice::from_ref(&policy), std::slice::from_ref(&command));
    let boundaries = policy.files.boundaries();
    lower(&policy, &boundaries, &facts, &command, Some(Tier::Container), Report::Gaps).map(|plan| plan.launch)
}

#[test]
fn a_program_that_is_named_by_its_place_is_found_as_a_shell_finds_it() {
    let machine = &MACHINES[3];
    let mut host = machine.host();
    let own = |below: &str| path(&format!(r"{}\{below}", machine.workspace));
    // What npm makes: a script for other systems, and a batch file beside it.
    for file in [
        r"bin\lint",
        r"bin\lint.cmd",
        r"bin\two.exe",
        r"bin\two.cmd",
        r"bin\plain",
        "a.b.exe",
        "make.ps1",
        "x.py",
    ] {
        host.add(&own(file), false);
    }
    let file = |launch: Launch| launch.batch.or(launch.program).unwrap();
    for (word, found) in [
        (r".\bin\lint", r"bin\lint.cmd"),
        ("bin/lint", r"bin\lint.cmd"),
        (r".\bin\two", r"bin\two.exe"),
        (r".\bin\two.cmd", r"bin\two.cmd"),
        (r".\bin\plain", r"bin\plain"),
        (r".\a.b", "a.b.exe"),
    ] {
        assert_eq!(file(started(machine, &host, word).unwrap()), own(found), "{word}");
    }
    let absolute = own(r"bin\two").to_string();
    assert_eq!(file(started(machine, &host, &absolute).unwrap()), own(r"bin\two.exe"));
    for (word, why, hint) in [
        (r".\make.ps1", "a script", r"powershell -File .\make.ps1"),
        ("./x.py", "a script", "python ./x.py"),
        (r".\bin", "is a directory", "a program in it"),
        (r".\bin\none", "there is no file", "check the name"),
        ("DIR", "no directory of PATH", "garth run --shell cmd 'DIR ...'"),
        ("ls", "no directory of PATH", "--shell windows-powershell"),
        ("make.ps1", "no directory of PATH", r"started as .\make.ps1"),
    ] {
        let error = started(machine, &host, word).unwrap_err();
        assert!(error.why.contains(why) && error.hint.contains(hint), "{word}: {error} {}", error.hint);
    }
}

/// `TEMP` often names a profile by a generated short name. The object says which directory that is; without it nothing is started.
#[test]
fn a_generated_short_name_is_taken_for_what_it_stands_for() {
    let machine = &MACHINES[0];
    let own = path(&format!(r"{}\longer name\tool.exe", machine.workspace));
    let short = format!(r"{}\LONGER~1\tool.exe", machine.workspace);
    let mut host = machine.host();
    host.add(&own, false);
    let policy = machine.policy(Profile::Workspace);
    let command = machine.command(&[&short]);
    let mut facts = machine.facts(&host, std::slice::from_ref(&policy), std::slice::from_ref(&command));
    let start = |facts: &HostFacts| {
        let boundaries = policy.files.boundaries();
        lower(&policy, &boundaries, facts, &command, Some(Tier::Container), Report::Gaps)
    };
    facts.paths.insert(path(&short), host.object(&own).unwrap());
    assert_eq!(start(&facts).unwrap().launch.program.unwrap(), own);
    facts.paths.insert(path(&short), PathFact::Unknown("it could not be looked at".into()));
    let error = start(&facts).unwrap_err();
    assert!(error.why.contains("short name") && error.hint.contains("full path"), "{error}");
}

/// The other side: where the container may not read a tool, that is said, with what helps.
#[test]
fn a_tool_that_the_container_cannot_read_is_told_with_the_remedy() {
    let machine = &MACHINES[0];
    let own = |below: &str| path(&format!(r"{}\{below}", machine.home));
    let policy = machine.policy(Profile::Workspace);

    // No rule of the policy speaks of the directory.
    let elsewhere = own(r"Desktop\tools\python.exe");
    let (facts, _) = with(machine, &[("python", elsewhere.clone())], &[]);
    let told = diagnose(&policy, &facts);
    let found = of(&told, "python");
    assert_eq!(found.status, State::Limited, "{found:?}");
    assert!(found.found.contains(&elsewhere.to_string()) && found.hints[0].contains("--read"), "{found:?}");

    // The policy does, and its permissions are an administrator's: garth may add no entry.
    let shut = path(r"C:\tools\Python313\python.exe");
    let (mut facts, _) = with(machine, &[("python", shut.clone())], &[]);
    let users = "O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)";
    let close = |object: &mut Object| object.security = Security::Read(users.parse().unwrap());
    for place in [&shut, &shut.parent().unwrap(), &path(r"C:\tools")] {
        if let Some(PathFact::Present(object)) = facts.paths.get_mut(place) {
            close(object);
        }
    }
    facts.tools.get_mut("python").unwrap().iter_mut().for_each(|tool| close(&mut tool.object));
    let told = diagnose(&policy, &facts);
    let found = of(&told, "python");
    assert_eq!(found.status, State::Limited, "{found:?}");
    assert!(found.found.contains("not granted") && found.hints[0].contains("Program Files"), "{found:?}");
}
