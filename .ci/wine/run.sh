# shellcheck shell=bash
# `garth run` under Wine; sourced by plumbing.sh.
#
# Wine ignores nearly everything that a sandbox is made of. So the program as it is built has to refuse, and that is what
# is tested of it. The plumbing behind the refusal (streams, exit codes, names, lifetimes, the journal) is tested with a build
# that lets the differences pass and says so at each start; what it shows is no evidence of containment.

ACCEPTED='windows.restricted.*,windows.delegates'
WORK=

in_workspace() {
  local program=$1
  shift
  (cd "$WORK" && timeout 60 wine "$program" "$@" 2>&1 </dev/null)
}

sandboxed() {
  in_workspace "$relaxed" run --tier restricted --accept "$ACCEPTED" -- "$@"
}

# check WHAT STATUS WANTED-STATUS OUTPUT TEXT
check() {
  if (($2 != $3)) || [[ $4 != *"$5"* ]]; then
    printf 'FAILED under wine: %s\n  expected status %d and "%s"\n  got status %d and:\n%s\n' "$1" "$3" "$5" "$2" "$4"
    return 1
  fi
  printf 'ok under wine: %s\n' "$1"
}

refuses() {
  local output got=0
  output=$(in_workspace "$program" run -- cmd /c 'echo ran> ran.txt') || got=$?
  check "the default tier is refused" "$got" 121 "$output" "is not available on this Windows"
  got=0
  output=$(in_workspace "$program" run --tier restricted --accept "$ACCEPTED" -- cmd /c 'echo ran> ran.txt') || got=$?
  check "what does not read back is refused" "$got" 121 "$output" "nothing was run"
  [[ ! -e $WORK/ran.txt ]] || { echo "FAILED under wine: a refused command ran"; return 1; }
}

carries() {
  local output got=0
  output=$(sandboxed cmd /c 'echo said & exit 7') || got=$?
  check "output and exit code pass through" "$got" 7 "$output" "said"
  check "a build for tests says so" "$got" 7 "$output" "THIS BUILD OF GARTH IS FOR TESTS"
  got=0
  output=$(sandboxed cmd /c 'echo x> mark.txt') || got=$?
  check "a workspace with a long name in other letters" "$got" 0 "$output" "let pass"
  [[ -e $WORK/mark.txt ]] || { echo "FAILED under wine: the command wrote nothing"; return 1; }
  got=0
  output=$(sandboxed no-such-program) || got=$?
  check "a program that is not there" "$got" 121 "$output" "no-such-program"
}

# Whether the command, or its child, runs: the number of packets is in no other command line.
lives() {
  pgrep -f '^(cmd /c )?ping -n 173 ' >/dev/null
}

# The broker is killed: everything in its job has to go, and the next start, or `clean`, undoes the rest.
dies() {
  local broker output got=0 tries
  (cd "$WORK" && exec wine "$relaxed" run --tier restricted --accept "$ACCEPTED" \
    -- cmd /c 'ping -n 173 127.0.0.1 > NUL' >/dev/null 2>&1 </dev/null) &
  broker=$!
  for ((tries = 0; tries < 100; tries++)); do
    pgrep -f '^ping -n 173 ' >/dev/null && break
    sleep 0.2
  done
  lives || { echo "FAILED under wine: the command did not start"; return 1; }
  kill -KILL "$broker"
  wait "$broker" 2>/dev/null || true
  for ((tries = 0; tries < 50; tries++)); do
    lives || break
    sleep 0.2
  done
  if lives; then
    echo "FAILED under wine: a process outlived its broker"
    return 1
  fi
  echo "ok under wine: the tree ends with a killed broker"
  output=$(in_workspace "$program" clean --check) || got=$?
  check "what a killed broker left is known" "$got" 1 "$output" "left: "
  got=0
  output=$(sandboxed cmd /c 'echo again') || got=$?
  check "the next run mends it first" "$got" 0 "$output" "again"
  in_workspace "$program" clean >/dev/null
  got=0
  output=$(in_workspace "$program" clean --check) || got=$?
  check "clean leaves nothing" "$got" 0 "$output" "nothing is left"
}

# The calls that matter, in their order and with their arguments, of a run with a relay: all three processes that garth starts.
ordered() {
  local calls='CreateJobObjectW;SetInformationJobObject;CreateRestrictedToken;SetTokenInformation;CreateDesktopW'
  calls+=';UpdateProcThreadAttribute;CreateProcessAsUserW;CreateProcessW;IsProcessInJob;QueryInformationJobObject'
  calls+=';ResumeThread;AssignProcessToJobObject;CreateRemoteThread;ShellExecuteW;ShellExecuteExW;WinExec'
  wine reg add 'HKCU\Software\Wine\Debug' /v RelayInclude /d "$calls" /f >/dev/null 2>&1
  local log output got=0
  log=$(mktemp)
  printf 'version = 1\n[network]\nmode = "allow-list"\ndomains = { "allowed.test" = "allow" }\n' >"$WORK/ordered.toml"
  (cd "$WORK" && WINEDEBUG=+relay timeout 100 wine "$relaxed" run --policy ordered.toml --tier restricted \
    --accept "$ACCEPTED" -- cmd /c 'echo hi' >/dev/null 2>"$log" </dev/null) || true
  wine reg delete 'HKCU\Software\Wine\Debug' /v RelayInclude /f >/dev/null 2>&1
  output=$(python3 "$here/sequence.py" own:garth-runner own:garth-canary 'command:\"cmd\" /c \"echo hi\"' <"$log" 2>&1) || got=$?
  rm -f "$log" "$WORK/ordered.toml"
  check "nothing starts before its job, and nothing runs unread" "$got" 0 "$output" "as planned"
}

runs() {
  local name=長い名前のäöü
  WORK=$(mktemp -d)/$name$name$name/$name$name$name/$name$name$name
  mkdir -p "$WORK/.git"
  refuses
  tells
  carries
  ordered
  dies
}
