//! Paths of Windows in texts for cmd.exe and PowerShell, judged on either kind of system.

use crate::place::{surroundings, surroundings_on_windows};
use garth_policy::{CommandDecision, Policy, Profile};
use garth_vet::Shell;
use garth_vet::judge::{Code, Surroundings, judge};

use CommandDecision::{Allow, Ask};

/// The decision, and the code of its first reason.
fn decided(place: &Surroundings, shell: Shell, text: &str) -> (CommandDecision, Option<Code>) {
    let policy = Policy::builtin(Profile::Workspace, &place.context);
    let verdict = judge(&policy, place, shell, text);
    (verdict.decision, verdict.reasons.first().map(|reason| reason.code))
}

#[track_caller]
fn holds(place: &Surroundings, table: &[(Shell, &str, CommandDecision, Option<Code>)]) {
    for (shell, text, decision, code) in table {
        let found = decided(place, *shell, text);
        assert_eq!(found.0, *decision, "{shell:?} `{text}`: {found:?}");
        if code.is_some() {
            assert_eq!(found.1, *code, "{shell:?} `{text}`");
        }
    }
}

#[test]
fn a_path_of_windows_is_no_name_in_the_workspace() {
    let outside = Some(Code::OutsideDelete);
    let table = [
        (Shell::Cmd, "del /s /q C:\\", Ask, outside),
        (Shell::Cmd, "del /s /q \"C:\\Program Files\\x\"", Ask, outside),
        (Shell::Cmd, "del /s /q d:x", Ask, outside),
        (Shell::Cmd, "rd /s /q \\\\server\\share\\x", Ask, outside),
        (Shell::Cmd, "rd /s /q \\Windows", Ask, outside),
        (Shell::Cmd, "rd /s /q %SystemRoot%\\..", Ask, outside),
        (Shell::Cmd, "del %systemroot%", Ask, outside),
        (Shell::Cmd, "del ..\\..\\x", Ask, None),
        (Shell::Cmd, "del sub\\..\\..\\x", Ask, None),
        (Shell::Cmd, "cd /d C:\\ & del x", Ask, None),
        (Shell::Cmd, "echo x > C:\\Windows\\x", Ask, Some(Code::EffectDenied)),
        (Shell::Cmd, "cmd /c \"del /s /q C:\\\"", Ask, outside),
        (Shell::Cmd, "cmd /c del C:\\x & del x", Ask, outside),
        (Shell::Bash, "cmd.exe /c 'del /s /q C:\\'", Ask, outside),
        (Shell::Pwsh, "rm -r -fo C:\\", Ask, outside),
        (Shell::Pwsh, "Remove-Item -Recurse -Force -LiteralPath c:/Users", Ask, outside),
        (Shell::WindowsPowershell, "rm -r \\\\server\\share\\x", Ask, outside),
        (Shell::Pwsh, "rm -r $env:SystemRoot\\x", Ask, outside),
        (Shell::Pwsh, "rm -r \\etc", Ask, None),
        (Shell::Pwsh, "rm -r ..\\..\\x", Ask, None),
        (Shell::Pwsh, "rm -r HKLM:\\Software\\x", Ask, None),
        (Shell::Pwsh, "Set-Content C:\\x y", Ask, Some(Code::EffectDenied)),
        (Shell::Cmd, "del /q sub\\x", Allow, None),
        (Shell::Cmd, "rd /s /q build", Allow, None),
        (Shell::Cmd, "type C:\\x", Allow, None),
        (Shell::Pwsh, "rm -r build\\x", Allow, None),
        (Shell::Pwsh, "Get-Content C:\\x", Allow, None),
        (Shell::Bash, "rm 'C:\\x'", Allow, None),
    ];
    holds(&surroundings(), &table);
}

#[test]
fn on_windows_its_paths_are_decided_by_the_policy() {
    let place = surroundings_on_windows();
    let table = [
        (Shell::Cmd, "del /s /q C:\\", Ask, None),
        (Shell::Cmd, "del /q C:\\Users\\u\\other\\x", Ask, None),
        (Shell::Cmd, "del /q C:\\Users\\u\\work\\..\\other\\x", Ask, None),
        (Shell::Cmd, "rd /s /q \\\\server\\share\\x", Ask, None),
        (Shell::Cmd, "rd /s /q \\Windows", Ask, None),
        (Shell::Cmd, "rd /s /q %SystemRoot%\\x", Ask, None),
        (Shell::Pwsh, "rm -r -fo C:\\", Ask, None),
        (Shell::Pwsh, "rm -r ~\\x", Ask, None),
        (Shell::Bash, "rm -rf /c/Users/u/other", Ask, None),
        (Shell::Bash, "rm -rf /usr", Ask, None),
        (Shell::Cmd, "del /s /q C:\\Users\\u\\work\\build", Allow, None),
        (Shell::Cmd, "del /s /q c:\\users\\U\\WORK\\build", Allow, None),
        (Shell::Cmd, "del /s /q \\Users\\u\\work\\build", Allow, None),
        (Shell::Pwsh, "rm -r -fo C:/Users/u/work/build", Allow, None),
        (Shell::Bash, "rm -rf /c/Users/u/work/build", Allow, None),
        (Shell::Cmd, "del ..\\work\\x", Allow, None),
    ];
    holds(&place, &table);
}

#[test]
fn a_variable_for_all_later_programs_is_asked_for() {
    let table = [
        (Shell::Cmd, "setx PATH C:\\x", Ask, Some(Code::ChangesConfig)),
        (Shell::Pwsh, "setx.exe NAME value /M", Ask, Some(Code::ChangesConfig)),
        (Shell::Bash, "cmd.exe /d /c 'setx A b'", Ask, Some(Code::ChangesConfig)),
    ];
    holds(&surroundings(), &table);
}
