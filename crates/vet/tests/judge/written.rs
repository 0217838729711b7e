//! Scripts that a text writes and then runs.

use crate::place::surroundings;
use garth_policy::CommandDecision::{self, Allow, Ask, Deny};
use garth_vet::Shell;
use garth_vet::judge::judge;

fn decided(shell: Shell, text: &str) -> CommandDecision {
    judge(&crate::properties::policy(), &surroundings(), shell, text).decision
}

#[test]
fn a_script_of_the_text_is_followed() {
    for text in [
        "echo 'git push' > x.sh; bash x.sh",
        "printf 'git push\\n' > x.sh; chmod +x x.sh; ./x.sh",
        "printf '%s\\n' ls 'git push' > x.sh; sh x.sh",
        "cat > x.sh <<'E'\n#!/bin/sh\ngit push\nE\nbash ./x.sh",
        "cat <<'E' | tee x.sh\ngit push\nE\nbash x.sh",
        "echo 'git push' > x.sh; source x.sh",
        "echo 'git push' > a; cp a d/b; cd d; bash b",
        "echo 'git push' > a; install -m 755 a ~/b; ~/b",
        "echo ls >> x.sh; echo 'git push' >> x.sh; bash x.sh",
        "echo 'git push' > x.sh; bash < x.sh",
        "echo 'git push' > x.sh; sudo env A=b bash x.sh",
        "echo 'bash y' > x; echo 'git push' > y; bash x",
        "bash -c \"echo 'git push' > x.sh\"; bash x.sh",
    ] {
        assert_eq!(decided(Shell::Bash, text), Deny, "{text}");
    }
    for text in [
        "echo git push > a.bat & a.bat",
        "echo git push>A.cmd && call a",
        "echo git push > a.bat & cmd /c a.bat",
    ] {
        assert_eq!(decided(Shell::Cmd, text), Deny, "{text}");
    }
    for text in [
        "Set-Content a.ps1 'git push'; ./a.ps1",
        "Set-Content -Path a.ps1 -Value 'git push'; pwsh -File a.ps1",
        "'git push' | Out-File a.ps1; . ./a.ps1",
        "[IO.File]::WriteAllText('a.ps1', 'git push'); & ./a.ps1",
    ] {
        assert_eq!(decided(Shell::Pwsh, text), Deny, "{text}");
    }
}

#[test]
fn what_is_written_and_not_known_is_asked_for() {
    for text in [
        "echo \"$x\" > x.sh; bash x.sh",
        "cat f > x.sh; bash x.sh",
        "{ echo git; echo push; } > x.sh; bash x.sh",
        "printf '%s %s\\n' git push > x.sh; bash x.sh",
        "echo ls > x.sh; sed -i 's/ls/git push/' x.sh; bash x.sh",
        "exec > x.sh; echo git push; bash x.sh",
        "echo 'import os; os.system(\"git push\")' > x.py; python3 x.py",
        "printf '#!/usr/bin/lua\\nos.execute(\"git push\")\\n' > x; ./x",
    ] {
        assert_eq!(decided(Shell::Bash, text), Ask, "{text}");
    }
}

#[test]
fn harmless_scripts_and_other_files_are_allowed() {
    for text in [
        "echo 'ls -l' > x.sh; bash x.sh",
        "cat > x.py <<'E'\nprint(1)\nE\npython3 x.py",
        "make > build.log; ./build.sh",
        "echo 'git push' > notes.txt; cat notes.txt",
        "echo 'bash x.sh' > x.sh; bash x.sh",
    ] {
        assert_eq!(decided(Shell::Bash, text), Allow, "{text}");
    }
}
