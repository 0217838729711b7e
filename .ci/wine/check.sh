# shellcheck shell=bash
# `garth check` and `garth policy` under Wine; sourced by plumbing.sh.
#
# These verbs decide and run nothing, so what is seen here is what they do on Windows, as far as paths, the environment
# and the owners of files are the same there.

# verdict WHAT STATUS TEXT ARGUMENT...: `garth ARGUMENT...` in the workspace ends with the status and says the text.
verdict() {
  local what=$1 status=$2 text=$3 output got=0
  shift 3
  output=$(in_workspace "$program" "$@") || got=$?
  check "$what" "$got" "$status" "$output" "$text"
}

judges_texts() {
  verdict "check: cmd allows" 0 "allow" check --shell cmd 'echo hi & dir'
  verdict "check: cmd, outside the workspace" 123 "ask" check --shell cmd 'del /s /q C:\other'
  verdict "check: cmd, in the workspace by its whole name" 0 "allow" check --shell cmd "rd /s /q \"$here_on_windows\\build\""
  verdict "check: cmd, a name of the system's own" 123 "ask" check --shell cmd 'echo x > %SystemRoot%\x'
  verdict "check: pwsh is the usual shell" 0 "allow" check "Get-ChildItem | Where-Object { \$_.Name -like 'a*' }"
  verdict "check: pwsh, outside the workspace" 123 "ask" check 'Remove-Item -Recurse -Force C:\other'
  verdict "check: pwsh, what the policy grants" 0 "allow" check --write 'C:\granted' 'Set-Content C:\granted\a b'
  verdict "check: pwsh, what it does not grant" 123 "no rule names the path" check 'Set-Content C:\granted\a b'
  verdict "check: bash, a drive" 123 "ask" check --shell bash 'rm -rf /c/other'
  verdict "check: bash, in the workspace" 0 "allow" check --shell bash 'rm -rf ./build && git status'
  verdict "check: what is protected" 122 "deny" check --shell bash 'echo x > .git/hooks/pre-commit'
  verdict "check: words" 0 "allow" check -- git status
  verdict "check: no text" 2 "nothing to judge" check
}

judges_by_rules() {
  local rules='Z:'${WORK//\//\\}'\rules.toml' output got=0
  cat >"$WORK/rules.toml" <<'TOML'
version = 1
[[commands]]
prefix = ["git", "push"]
decision = "deny"
reason = "pushing publishes"
match = ["git push origin"]
not-match = ["git status"]
TOML
  verdict "check: a rule, cmd" 122 "pushing publishes" check --policy "$rules" --shell cmd 'cd sub & "git.exe" push'
  verdict "check: a rule, pwsh" 122 "pushing publishes" check --policy "$rules" "& 'git' push"
  verdict "check: a rule, bash" 122 "pushing publishes" check --policy rules.toml --shell bash 'env git push'
  verdict "check: JSON" 122 '"decision": "deny"' check --json --policy rules.toml -- git push
  printf '@echo off\r\nif exist x (\r\n  git push\r\n)\r\n' >"$WORK/a.bat"
  printf 'if ($x) { git push }\r\n' >"$WORK/a.ps1"
  verdict "check: a batch file" 122 "pushing publishes" check --policy rules.toml --file a.bat
  verdict "check: a script of PowerShell" 122 "pushing publishes" check --policy rules.toml --file a.ps1
  got=0
  printf '{"id":7,"text":"git push"}\n{"id":8,"shell":"cmd","text":"dir","directory":"C:\\\\other"}\n' >"$SCRATCH/requests"
  output=$(INPUT=$SCRATCH/requests in_workspace "$program" check --stdin --policy rules.toml) || got=$?
  check "check: requests" "$got" 0 "$output" '"id":7,"version":1,"decision":"deny"'
  check "check: requests, another directory" "$got" 0 "$output" '"id":8,"version":1,"decision":"allow"'
  chmod 666 "$WORK/rules.toml"
  verdict "check: a policy that others can change" 125 "can change it" check --policy rules.toml -- git status
  chmod 644 "$WORK/rules.toml"
  verdict "policy test" 0 "0 failed" policy test rules.toml
  sed -i 's/git status/git push -f/' "$WORK/rules.toml"
  verdict "policy test: an example that fails" 120 "git push -f" policy test rules.toml
  rm "$WORK/rules.toml" "$WORK/a.bat" "$WORK/a.ps1"
}

# A rule is saved to the user's own policy, with all else in it left as it is.
saves_rules() {
  local own
  own=$(user_data)/garth/policy.toml
  rm -f "$own"
  verdict "check --save: nobody agrees" 123 "not agreed" check --save --shell cmd 'net user'
  verdict "check --save" 0 "from now on: allow" check --save --yes --shell cmd 'net user'
  [[ $(<"$own") == *'"net", "user"'* ]] || failed "the rule is in the user's policy" "$own has"$'\n'"$(<"$own")"
  verdict "policy show: the rule" 0 "net user" policy show
  verdict "policy show --json" 0 '"profile"' policy show --json
  rm -f "$own"
}

handles_policies() {
  # An earlier run in the same prefix trusted the same content.
  rm -f "$(user_data)/garth/trust"
  verdict "policy validate: none" 0 "built-in profile" policy validate
  verdict "policy init" 0 "wrote" policy init
  verdict "policy validate" 0 "valid" policy validate
  verdict "policy trust" 0 "is trusted" policy trust
  verdict "policy trust: again" 0 "was trusted already" policy trust
  verdict "policy diff" 0 "widens" policy diff strict workspace
  printf 'version = 1\n[files]\n"a" = "perhaps"\n' >"$WORK/garth.toml"
  verdict "policy validate: a mistake" 120 "garth.toml:3" policy validate
  verdict "check: a mistake in the policy" 120 "garth.toml:3" check -- git status
  rm "$WORK/garth.toml"
}

checks() {
  local here_on_windows
  mkdir -p "$WORK/sub"
  here_on_windows='Z:'${WORK//\//\\}
  judges_texts
  judges_by_rules
  saves_rules
  handles_policies
}
