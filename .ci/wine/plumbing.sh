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
  # Windows can be made although there is no display.
  wine reg add 'HKCU\Software\Wine\Drivers' /v Graphics /d null /f >"$LOGS/reg" 2>&1 </dev/null
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

tests_of_the_host() {
  local got=0
  timeout $((10 * LIMIT)) wine "$host_tests" </dev/null >"$LOGS/host-tests" 2>&1 || got=$?
  cat "$LOGS/host-tests"
  check "the tests of the host" "$got" 0 "$(<"$LOGS/host-tests")" "test result: ok"
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
  for name in ${PARTS:-starts_at_all tests_of_the_host checks runs audits changes asks_about_hosts answers_while_watching undoes verbs consoles relays clients \
    starts proves sets_up agrees_with_wine}; do
    part "$name"
  done
fi
sums_up
