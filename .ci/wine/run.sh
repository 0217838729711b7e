# shellcheck shell=bash
# `garth run` under Wine; sourced by plumbing.sh.
#
# Wine ignores nearly everything that a sandbox is made of. So the program as it is built has to refuse, and that is what
# is tested of it. The plumbing behind the refusal (streams, exit codes, names, lifetimes, the journal) is tested with a build
# that lets the differences pass and says so at each start; what it shows is no evidence of containment.

ACCEPTED='windows.restricted.*,windows.delegates'

# A command that nothing ends: the number of packets is in no other command line, and lasts for months. Its process, and the
# shell that may be between.
PING='ping -n 17300000 127.0.0.1'
PINGS="^(cmd /c )?ping -n 17300000 "

sandboxed() {
  in_workspace "$relaxed" run --tier restricted --accept "$ACCEPTED" -- "$@"
}

# pings NAME OPTION...: garth runs that command in the background.
pings() {
  local name=$1
  shift
  begins "$name" '^ping -n 17300000 ' "$relaxed" run "$@" --tier restricted --accept "$ACCEPTED" -- cmd /c "$PING > NUL"
}

refuses() {
  local output got=0
  output=$(in_workspace "$program" run -- cmd /c 'echo ran> ran.txt') || got=$?
  check "the default tier is refused" "$got" 121 "$output" "is not available on this Windows"
  got=0
  output=$(in_workspace "$program" run --tier restricted --accept "$ACCEPTED" -- cmd /c 'echo ran> ran.txt') || got=$?
  check "what does not read back is refused" "$got" 121 "$output" "nothing was run"
  absent "a refused command does not run" "$WORK/ran.txt"
}

carries() {
  local output got=0
  output=$(sandboxed cmd /c 'echo said & exit 7') || got=$?
  check "output and exit code pass through" "$got" 7 "$output" "said"
  check "a build for tests says so" "$got" 7 "$output" "THIS BUILD OF GARTH IS FOR TESTS"
  got=0
  output=$(sandboxed cmd /c 'echo x> mark.txt') || got=$?
  check "a workspace with a long name in other letters" "$got" 0 "$output" "let pass"
  [[ -e $WORK/mark.txt ]] || failed "the command writes" "there is no $WORK/mark.txt"
  got=0
  output=$(sandboxed no-such-program) || got=$?
  check "a program that is not there" "$got" 121 "$output" "no-such-program"
}

# What never ends by itself ends at the limit, and all that it started with it.
times_out() {
  local output got=0
  printf 'version = 1\n[limits]\ntime = "1s"\n' >"$WORK/time.toml"
  output=$(in_workspace "$relaxed" run --policy time.toml --tier restricted --accept "$ACCEPTED" -- cmd /c "$PING > NUL") || got=$?
  check "the time limit ends the command" "$got" 124 "$output" "the time limit ended the command"
  check "it names the line of the policy" 0 0 "$output" "time.toml:3"
  await "the tree ends with the time limit" not is_running "$PINGS"
  rm "$WORK/time.toml"
  cleans
}

# What is left is cleaned up, and then there is nothing.
cleans() {
  local output got=0
  output=$(in_workspace "$program" clean) || got=$?
  check "clean" "$got" 0 "$output" ""
  output=$(in_workspace "$program" clean --check) || got=$?
  check "clean leaves nothing" "$got" 0 "$output" "nothing is left"
}

# Sandboxes of one policy share a workspace: what each needs stays for as long as it lives, however another one ends.
shares() {
  local output got=0 more='^(cmd /c )?ping -n 17400000 '
  pings first
  FIRST=$BROKER
  output=$(sandboxed cmd /c 'echo ran> shared.txt') || got=$?
  check "a second sandbox of the same policy runs" "$got" 0 "$output" "let pass"
  [[ -e $WORK/shared.txt ]] || failed "a second sandbox of the same policy writes" "there is no $WORK/shared.txt"
  [[ -d $WORK/.claude ]] || failed "what the first needs stays when the second ends" "there is no $WORK/.claude"
  begins second '^ping -n 17400000 ' "$relaxed" run --tier restricted --accept "$ACCEPTED" -- cmd /c 'ping -n 17400000 127.0.0.1 > NUL'
  kill -KILL "$FIRST"
  wait "$FIRST" 2>/dev/null || true
  FIRST=
  await "the tree of a killed one ends" not is_running "$PINGS"
  output=$(in_workspace "$program" clean) || got=$?
  is_running "$more" || failed "the other one goes on" "$(<"$LOGS/second")"
  [[ -d $WORK/.claude ]] || failed "what the second needs stays when the first is killed" "there is no $WORK/.claude"
  check "what a killed one left is cleaned up beside the other one" "$got" 0 "$output" ""
  is_killed "the tree of the last one ends" "$more"
  goes "shared names go with the last one" "$WORK/.claude"
  rm "$WORK/shared.txt"
  cleans
}

# A sandbox of another policy in the workspace, and a journal that cannot be read: each refused with what helps, and nothing changed.
makes_way() {
  local output got=0 journal
  pings holder
  printf 'version = 1\n[limits]\nprocesses = 50\n' >"$SCRATCH/other.toml"
  output=$(in_workspace "$relaxed" run --policy "$SCRATCH/other.toml" --tier restricted --accept "$ACCEPTED" \
    -- cmd /c 'echo ran> second.txt') || got=$?
  check "a workspace that another garth holds" "$got" 121 "$output" "is in use by another garth"
  check "the message names the process, the time and the way out" 0 0 "$output" "taskkill /pid"
  absent "a second sandbox does not run" "$WORK/second.txt"
  is_killed "the tree of the one that holds it ends" "$PINGS"
  cleans
  journal=$(user_data)/garth/journal
  head -c 64 /dev/zero >"$journal/kept.0"
  head -c 64 /dev/zero >"$journal/kept.1"
  got=0
  output=$(sandboxed cmd /c 'echo ran> second.txt') || got=$?
  check "a journal that cannot be read" "$got" 121 "$output" "full of zeros"
  absent "no command runs without a journal" "$WORK/second.txt"
  rm "$journal/kept.0" "$journal/kept.1"
}

# The broker is killed: everything in its job has to go, and the next start, or `clean`, undoes the rest.
dies() {
  local output got=0
  pings killed
  [[ -d $WORK/.claude ]] || failed "names that the host trusts are taken" "there is no $WORK/.claude"
  is_killed "the tree ends with a killed broker" "$PINGS"
  goes "a placeholder goes with a killed broker" "$WORK/.claude"
  echo "ok under wine: the tree ends with a killed broker"
  output=$(in_workspace "$program" clean --check) || got=$?
  check "what a killed broker left is known" "$got" 1 "$output" "left: "
  got=0
  output=$(sandboxed cmd /c 'echo again') || got=$?
  check "the next run mends it first" "$got" 0 "$output" "again"
  cleans
}

# The calls that matter, in their order and with their arguments: of a run without a network, and of one with a relay, which has all
# three processes that garth starts.
ordered() {
  ordered_as "a command that stands for its canary" 'version = 1' 'tried:\"cmd\" /c \"echo hi\"'
  ordered_as "a run with a relay" 'version = 1\n[network]\nmode = "allow-list"\ndomains = { "allowed.test" = "allow" }' \
    own:garth-canary own:garth-runner 'command:\"cmd\" /c \"echo hi\"'
}

# ordered_as WHAT POLICY PROCESS...: see sequence.py.
ordered_as() {
  local what=$1 policy=$2
  shift 2
  local calls='CreateJobObjectW;SetInformationJobObject;CreateRestrictedToken;SetTokenInformation;CreateDesktopW'
  calls+=';UpdateProcThreadAttribute;CreateProcessAsUserW;CreateProcessW;IsProcessInJob;QueryInformationJobObject'
  calls+=';SetThreadToken;CreateFileW;ResumeThread;GetExitCodeProcess;AssignProcessToJobObject;CreateRemoteThread;ShellExecuteW;ShellExecuteExW;WinExec'
  windows reg add 'HKCU\Software\Wine\Debug' /v RelayInclude /d "$calls" /f >"$LOGS/reg"
  local log=$SCRATCH/relay.log output said=0 got=0
  printf '%b\n' "$policy" >"$WORK/ordered.toml"
  (cd "$WORK" && WINEDEBUG=+relay timeout $((3 * LIMIT)) wine "$relaxed" run --policy ordered.toml --tier restricted \
    --accept "$ACCEPTED" -- cmd /c 'echo hi' >"$LOGS/ordered" 2>"$log" </dev/null) || said=$?
  windows reg delete 'HKCU\Software\Wine\Debug' /v RelayInclude /f >"$LOGS/reg"
  check "$what, recorded call by call" "$said" 0 "$(<"$LOGS/ordered")" "hi"
  output=$(python3 "$here/sequence.py" "$@" <"$log" 2>&1) || got=$?
  rm -f "$log" "$WORK/ordered.toml"
  check "$what: nothing starts before its job, and nothing runs unread" "$got" 0 "$output" "as planned"
}

runs() {
  local name=長い名前のäöü
  WORK=$SCRATCH/$name$name$name/$name$name$name/$name$name$name
  mkdir -p "$WORK/.git"
  refuses
  tells
  carries
  times_out
  ordered
  dies
  shares
  makes_way
}
