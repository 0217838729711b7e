#!/usr/bin/env bash
# Starts the Windows build under Wine and looks at its plumbing: it loads, reads arguments, prints, and gives
# exit codes. Nothing here is evidence of containment; Wine does not enforce what garth relies on.
#
# One thing of Wine's own is compared: its `AccessCheck` on plain lists, with the model that plans are checked by.
#
#   plumbing.sh PROGRAM ACCESS-CHECK PREFIX RELAXED HOST-TESTS SETUP
#
# RELAXED is the program with the feature `relaxed-read-back`, HOST-TESTS the unit tests of garth-host, SETUP is garth-setup.
set -euo pipefail

program=$1
access_check=$2
# shellcheck disable=SC2034 # used in run.sh
relaxed=$4
host_tests=$5
# shellcheck disable=SC2034 # used in setup.sh
setup=$6
export WINEPREFIX=$3 WINEARCH=win64 WINEDEBUG=-all
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
XDG_RUNTIME_DIR=$(mktemp -d)
export XDG_RUNTIME_DIR
trap 'wineserver --kill 2>/dev/null || true; rm -rf "$XDG_RUNTIME_DIR"' EXIT

prepare() {
  mkdir -p "$WINEPREFIX"
  wine wineboot --init >/dev/null 2>&1
  # Old releases of Wine present themselves as Windows 7.
  wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1
  # Windows can be made although there is no display.
  wine reg add 'HKCU\Software\Wine\Drivers' /v Graphics /d null /f >/dev/null 2>&1
  local system=$WINEPREFIX/drive_c/windows/system32
  # Rust's standard library takes its random numbers from this DLL, which Wine before 9 does not have.
  if [[ ! -e $system/bcryptprimitives.dll ]]; then
    x86_64-w64-mingw32-gcc -O2 -shared -o "$system/bcryptprimitives.dll" "$here/bcryptprimitives.c" -lbcrypt
  fi
}

# expect STATUS TEXT ARGUMENT...: the program ends with the status and says the text.
expect() {
  local status=$1 text=$2 got=0 output
  shift 2
  output=$(timeout 60 wine "$program" "$@" 2>&1) || got=$?
  if ((got != status)) || [[ $output != *"$text"* ]]; then
    printf 'FAILED under wine: garth %s\n  expected status %d and "%s"\n  got status %d and:\n%s\n' \
      "$*" "$status" "$text" "$got" "$output"
    return 1
  fi
  printf 'ok under wine: garth %s\n' "$*"
}

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
# shellcheck source=questions.sh
source "$here/questions.sh"
# shellcheck source=prove.sh
source "$here/prove.sh"
# shellcheck source=setup.sh
source "$here/setup.sh"

prepare
expect 0 "garth" --version
expect 0 "run" --help
expect 2 "no-such-verb" no-such-verb

if ! timeout 200 wine "$host_tests"; then
  echo "FAILED under wine: the tests of the host"
  exit 1
fi
checks
runs
audits
asks_about_hosts
consoles
relays
clients
starts
proves
sets_up

# The seed is fixed, so that a failure can be repeated; any other must do as well.
if ! timeout 300 wine "$access_check" 100000 1; then
  echo "FAILED under wine: the model of the access check differs from Wine where it should not"
  exit 1
fi
