#!/usr/bin/env bash
# Starts the Windows build under Wine and looks at its plumbing: it loads, reads arguments, prints, and gives
# exit codes. Nothing here is evidence of containment; Wine does not enforce what garth relies on.
#
# One thing of Wine's own is compared: its `AccessCheck` on plain lists, with the model that plans are checked by.
#
#   plumbing.sh PROGRAM ACCESS-CHECK PREFIX RELAXED HOST-TESTS SETUP
#
# RELAXED is the program with the feature `relaxed-read-back`, HOST-TESTS the unit tests of garth-host, SETUP is garth-setup.
set -Eeuo pipefail

# Wine has the page that Windows shares with all programs at a fixed address, 0x7ffe0000. Linux puts the heap of Wine's loader at
# a random one, and where they meet the program ends with 1 before it begins: "failed to map the shared user data: c0000018",
# which nobody sees with WINEDEBUG=-all. It is one start in some hundreds, so the tests run without random addresses.
if [[ -z ${FIXED_ADDRESSES-} ]] && setarch --addr-no-randomize true 2>/dev/null; then
  export FIXED_ADDRESSES=1
  exec setarch --addr-no-randomize bash "${BASH_SOURCE[0]}" "$@"
fi

# shellcheck disable=SC2034 # the names are used in the parts
program=$1 access_check=$2 relaxed=$4 host_tests=$5 setup=$6
export WINEPREFIX=$3 WINEARCH=win64 WINEDEBUG=-all
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=harness.sh
source "$here/harness.sh"
# shellcheck source=run.sh
source "$here/run.sh"
# shellcheck source=tell.sh
source "$here/tell.sh"
# shellcheck source=relay.sh
source "$here/relay.sh"
# shellcheck source=console.sh
source "$here/console.sh"
# shellcheck source=clients.sh
source "$here/clients.sh"
# shellcheck source=start.sh
source "$here/start.sh"
# shellcheck source=check.sh
source "$here/check.sh"
# shellcheck source=audit.sh
source "$here/audit.sh"
# shellcheck source=changes.sh
source "$here/changes.sh"
# shellcheck source=questions.sh
source "$here/questions.sh"
# shellcheck source=answers.sh
source "$here/answers.sh"
# shellcheck source=refusals.sh
source "$here/refusals.sh"
# shellcheck source=undo.sh
source "$here/undo.sh"
# shellcheck source=verbs.sh
source "$here/verbs.sh"
# shellcheck source=prove.sh
source "$here/prove.sh"
# shellcheck source=setup.sh
source "$here/setup.sh"

SCRATCH=$(mktemp -d)
LOGS=$SCRATCH/logs
FAILURES=$SCRATCH/failures
export XDG_RUNTIME_DIR=$SCRATCH/runtime
mkdir -p "$LOGS" "$XDG_RUNTIME_DIR" "$WINEPREFIX"
chmod 700 "$XDG_RUNTIME_DIR"
: >"$FAILURES"
trap 'stop_server; rm -rf "$SCRATCH"' EXIT

prepares_wine() {
  local system=$WINEPREFIX/drive_c/windows/system32
  start_server wineboot --init
  # Old releases of Wine present themselves as Windows 7.
  wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >"$LOGS/reg" 2>&1 </dev/null
  # Windows can be made although there is no display. What runs already has looked in vain for one, and every desktop that is made
  # while it runs fails with it: so all starts anew.
  wine reg add 'HKCU\Software\Wine\Drivers' /v Graphics /d null /f >"$LOGS/reg" 2>&1 </dev/null
  stop_server
  start_server cmd /c exit
  # Rust's standard library takes its random numbers from this DLL, which Wine before 9 does not have.
  if [[ ! -e $system/bcryptprimitives.dll ]]; then
    x86_64-w64-mingw32-gcc -O2 -shared -o "$system/bcryptprimitives.dll" "$here/bcryptprimitives.c" -lbcrypt
  fi
}

# expect STATUS TEXT ARGUMENT...: the program ends with the status and says the text.
expect() {
  local status=$1 text=$2 got=0 output
  shift 2
  output=$(windows "$program" "$@") || got=$?
  check "garth $*" "$got" "$status" "$output" "$text"
}

starts_at_all() {
  expect 0 "garth" --version
  expect 0 "run" --help
  expect 2 "no-such-verb" no-such-verb
}

# The unit tests of garth-host. One that fails runs once more by itself, and both are told: what fails only beside ninety others, on
# a machine that is busy, says something of Wine; what fails alone says something of garth.
tests_of_the_host() {
  local got=0 log=$LOGS/host-tests name
  host_tests_say "$log" || got=$?
  cat "$log"
  if ((got == 0)); then
    check "the tests of the host" "$got" 0 "$(<"$log")" "test result: ok"
    return
  fi
  local -a broken
  mapfile -t broken < <(sed -n 's/^test \(.*\) \.\.\. FAILED.*/\1/p' "$log" | tr -d '\r')
  if ((${#broken[@]} == 0)); then
    failed "the tests of the host" "status $got, and these did not end: $(unended <"$log")"$'\n'"$(tail -n 30 "$log")"
    return 1
  fi
  got=0
  for name in "${broken[@]}"; do
    host_test_alone "$name" "$(said_of "$name" <"$log")" || got=1
  done
  return "$got"
}

# host_test_alone NAME WHAT-IT-SAID-BEFORE
host_test_alone() {
  local got=0 log=$LOGS/host-test
  host_tests_say "$log" --exact "$1" || got=$?
  if ((got == 0)) && grep -q '^test result: ok. 1 passed' "$log"; then
    printf 'REPEATED under wine: the test %s failed beside the others, and said:\n%s\n' "$1" "$2" >&2
    printf '%s\n' "the test $1 failed beside the others: $(tr '\n' ' ' <<<"$2" | cut -c1-300)" >>"$SCRATCH/repeated"
    return 0
  fi
  failed "the test of the host $1" "$2"$'\n'"and alone, with status $got:"$'\n'"$(tail -n 20 "$log")"
}

# host_tests_say LOG ARGUMENT...: runs them.
host_tests_say() {
  local log=$1
  shift
  timeout --kill-after=20 $((10 * LIMIT)) wine "$host_tests" "$@" </dev/null >"$log" 2>&1
}

# said_of NAME: what the test of this name said, of what all said.
said_of() {
  tr -d '\r' | awk -v begins="---- $1 stdout ----" \
    '/^---- .* stdout ----$/ { on = ($0 == begins) } /^failures:$/ { on = 0 } on && lines++ < 25 { print substr($0, 1, 300) }'
}

# The tests of which no end is told. With one thread the names come before the ends, with more only together with them, so there
# are names only where one hangs.
unended() {
  tr -d '\r' | sed -n 's/^test \(.*\) has been running for over .*/\1/p' | tr '\n' ' '
}

# The seed is fixed, so that a failure can be repeated; any other must do as well.
agrees_with_wine() {
  local output got=0
  output=$(SECONDS_LIMIT=$((5 * LIMIT)) windows "$access_check" 100000 1) || got=$?
  check "the model of the access check differs from Wine's only where it should" "$got" 0 "$output" ""
}

part prepares_wine
# Without it all else would fail.
if [[ ! -s $FAILURES ]]; then
  for name in ${PARTS:-starts_at_all tests_of_the_host checks runs audits refuses_what_is_bad changes asks_about_hosts \
    answers_while_watching undoes verbs consoles relays clients starts proves sets_up agrees_with_wine}; do
    part "$name"
  done
fi
sums_up
