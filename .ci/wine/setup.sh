# shellcheck shell=bash
# `garth-setup` under Wine; sourced by plumbing.sh. Wine keeps no entries for packages and no owner that is an administrator, so
# nothing can be prepared there, and the program has to notice. Whoever calls is an administrator to Wine.

# prepares WHAT STATUS TEXT ARGUMENT...: the program ends with the status and says the text.
prepares() {
  local what=$1 status=$2 text=$3 output got=0
  shift 3
  output=$(windows "$setup" "$@") || got=$?
  check "$what" "$got" "$status" "$output" "$text"
}

sets_up() {
  local data=$WINEPREFIX/drive_c/ProgramData
  prepares "setup: nothing is done without a verb" 0 "Usage: garth-setup"
  prepares "setup: help" 0 "Usage: garth-setup" --help
  prepares "setup: plan" 0 "(A;;0x100080;;;AC)" plan
  prepares "setup: verify" 1 "setup.profiles" verify
  prepares "setup: verify for programs" 1 '"prepared": false' verify --json
  prepares "setup: report" 0 "Sandboxes hold without" report
  prepares "setup: an unknown verb" 2 "hint:" prepare
  prepares "setup: what is on no list" 2 "right below" apply --profile 'C:\windows'
  prepares "setup: every package" 2 "one package" apply --loopback S-1-15-2-1
  prepares "setup: a journal that others can change" 1 "only administrators may" apply
  prepares "setup: nothing to undo" 0 "nothing is left" undo
  absent "a refused setup leaves no directory" "$data/garth-setup"
  # Somebody else has made the directory: what it holds is not believed.
  mkdir "$data/garth-setup"
  prepares "setup: a journal of somebody else's" 1 "only administrators may" undo
  rmdir "$data/garth-setup"
}
