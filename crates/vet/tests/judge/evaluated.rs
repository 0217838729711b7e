//! Values that are only known at run time, in places where bash evaluates them once more: a value `a[$(rm x)]` runs
//! `rm` there.

use crate::place::surroundings;
use garth_policy::{CommandDecision, Policy, Profile};
use garth_vet::Shell;
use garth_vet::judge::judge;

fn decided(text: &str) -> CommandDecision {
    let policy = Policy::builtin(Profile::Workspace, &surroundings().context);
    judge(&policy, &surroundings(), Shell::Bash, text).decision
}

#[test]
fn what_evaluates_data_is_asked_for() {
    for text in [
        "read n < f; ((n))",
        "read -r -p 'how many? ' n; echo $((n + 1))",
        "n=$(cat f); echo $((n))",
        "n=$(cat f); m=$n; for i in 1; do k=\"$m\"; done; ((k > 3))",
        "echo $(( $(cat f) + 1 ))",
        "while read -r n; do t=$((t + n)); done < f",
        "mapfile -t lines < f; echo $((lines[0] + 1))",
        "n=$(wc -l *); echo $((n))",
        "n=$(wc -l < f | cut -f1 g); echo $((n))",
        "f() { echo $(($1 + 1)); }; f \"$(cat f)\"",
        "set -- $(cat f); (($1))",
        "n=$(cat f); [[ $n -eq 0 ]]",
        "n=$(cat f); [[ 0 -lt n ]]",
        "n=$(cat f); [[ -v $n ]]",
        "n=$(cat f); echo ${a[$n]} ",
        "n=$(cat f); a[n]=1",
        "n=$(cat f); echo ${x:n:2}",
        "n=$(cat f); let x=n",
        "n=$(cat f); declare -i x=$n",
        "declare -i x; x=$(cat f)",
        "n=$(cat f); printf -v \"$n\" x",
        "n=$(cat f); read \"a[$n]\"",
        "n=$(cat f); unset \"a[$n]\"",
        "n=$(cat f); test -v \"$n\"",
        "n=$(cat f); wait -p \"$n\"",
        "n=$(cat f); getopts ab \"$n\"",
        "n=$(cat f); declare -n r=$n; echo $r",
        "export \"$x\"",
        "declare \"$x\"=1",
        "echo ${!name}",
        "echo \"${x@P}\"",
        "compgen -W \"$x\" y",
        "read PS4 < f; set -x; ls",
        "printf -v PROMPT_COMMAND %s x",
        "mapfile -t BASH_ENV < f; export BASH_ENV; bash -c ls",
        "for PS4 in '$(rm x)'; do set -x; ls; done",
        ": ${PS4:='$(rm x)'}; set -x; ls",
    ] {
        assert_eq!(decided(text), CommandDecision::Ask, "{text}");
    }
}

#[test]
fn numbers_and_texts_of_the_script_are_not() {
    for text in [
        "n=$(wc -l < f); echo $((n + 1))",
        "start=$(date +%s); sleep 1; echo $(( $(date +%s) - start ))",
        "n=$(grep -c x f || true); ((n > 3)) && echo many",
        "n=$(git rev-list --count HEAD); [[ $n -gt 10 ]] && echo long",
        "n=$(ls | wc -l | tr -d ' '); [[ $n -eq 0 ]] && echo none",
        "read -r n <<< 5; echo $((n))",
        "for i in 1 2 3; do t=$((t + i)); done",
        "n=$(cat f); [ \"$n\" -eq 0 ] && echo zero",
        "n=$(cat f); printf '%d\\n' \"$n\"",
        "n=$(cat f); echo ${#n} $((${#n} + 1)) ${n:0:3}",
        "declare -A m; k=$(cat f); m[$k]=1; echo ${m[$k]}",
        "printf -v x %s hi; export FOO=\"$x\" PATH=\"/a:$PATH\"",
        "for v in A B; do echo \"${!v}\"; done",
        "echo ${!PATH*} ${!a[@]}",
    ] {
        assert_eq!(decided(text), CommandDecision::Allow, "{text}");
    }
}
