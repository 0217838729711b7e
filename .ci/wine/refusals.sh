# shellcheck shell=bash
# Bad places and bad states under Wine; sourced by plumbing.sh, after audit.sh. Each is refused with one message that says what, why
# and what helps, and nothing on the machine is another thing afterwards: names, sizes, times, permissions and contents.
#
# What Wine has none of is modelled (crates/plan/tests/windows_plan.rs): the alias of a PowerShell of the Store, a volume without
# permissions, a share that refuses.

# What is on the machine where a run could change something: the workspace, what the user has, and the root of the drive. What Wine
# itself writes at each start is no part of it, and neither is the log in which a session tells that it was refused.
inventory() {
  local own
  own=$(user_data)/garth/log
  find "$WORK" "$WINEPREFIX/drive_c" \( -path "$WINEPREFIX/drive_c/windows" -o -path "$own" \) -prune \
    -o -printf '%p %y %s %m %T@ %l\n' | sort
  find "$WORK" "$(user_data)" -path "$own" -prune -o -type f -exec sha256sum {} + | sort
}

# unchanged WHAT STATUS TEXT DIRECTORY PROGRAM ARGUMENT...: there it is refused so, and nothing is changed.
unchanged() {
  local what=$1 wanted=$2 text=$3 directory=$4 output got=0 before after
  shift 4
  before=$(inventory)
  output=$(cd "$directory" && windows "$@") || got=$?
  after=$(inventory)
  check "$what" "$got" "$wanted" "$output" "$text"
  check "$what: with what helps" 0 0 "$output" "hint"
  if [[ $before != "$after" ]]; then
    failed "$what: nothing is changed" "$(diff <(echo "$before") <(echo "$after"))"
    return 1
  fi
  printf 'ok under wine: %s: nothing is changed\n' "$what"
}

bad_places() {
  local drive=$WINEPREFIX/drive_c profile run=(run --tier restricted --accept "$ACCEPTED")
  profile=$(dirname "$(dirname "$(user_data)")")
  unchanged "the root of a drive" 121 'C:\ cannot be a workspace' "$drive" "$relaxed" "${run[@]}" -- cmd /c 'echo x> made.txt'
  unchanged "what holds the profiles" 121 "cannot be a workspace" "$drive/users" "$relaxed" "${run[@]}" -- cmd /c ver
  unchanged "a profile" 121 "cannot be a workspace" "$profile" "$relaxed" "${run[@]}" -- cmd /c ver
  unchanged "a directory of the system" 121 "cannot be a workspace" "$drive/windows/system32" "$relaxed" "${run[@]}" -- cmd /c ver
  unchanged "a share that cannot be entered" 121 "no directory of that name that you may enter" "$WORK" \
    "$relaxed" "${run[@]}" --workspace '\\nobody.invalid\share\project' -- cmd /c ver
  echo x >"$WORK/a-file"
  unchanged "a file in place of a directory" 121 "it is a file" "$WORK" "$relaxed" "${run[@]}" --workspace a-file -- cmd /c ver
  rm "$WORK/a-file"
  unchanged "a directory that is not there" 121 "no directory of that name" "$WORK" \
    "$relaxed" "${run[@]}" --workspace 'C:\gone' -- cmd /c ver
}

bad_programs() {
  local run=(run --tier restricted --accept "$ACCEPTED")
  unchanged "a shell that is not there" 121 "pwsh" "$WORK" "$relaxed" "${run[@]}" --shell pwsh 'Get-ChildItem'
  unchanged "a program that is not there" 121 "no directory of PATH" "$WORK" "$relaxed" "${run[@]}" -- no-such-shell -c 1
  unchanged "a tier that does not work here" 121 "is not available on this Windows" "$WORK" "$program" run -- cmd /c ver
  unchanged "a gap that nothing has" 120 "windows.delegates" "$WORK" "$program" run --accept windows.delegate -- cmd /c ver
}

bad_journals() {
  local journal run=(run --tier restricted --accept "$ACCEPTED")
  journal=$(user_data)/garth/journal
  background locks "$WORK/locks.exe" "Z:${journal//\//\\}\\journal.lock" unlock.txt
  await "the journal is locked" says_or_ended locks locked
  # It is waited for, a minute long: another garth has it for a moment only.
  SECONDS_LIMIT=$((3 * LIMIT)) unchanged "a journal that is locked" 121 "another garth has held it" "$WORK" "$relaxed" "${run[@]}" -- cmd /c 'echo x> made.txt'
  : >"$WORK/unlock.txt"
  await "the lock is given back" has_ended
  BROKER=
  rm "$WORK/unlock.txt"
  printf 'torn' | tee "$journal/kept.0" >"$journal/kept.1"
  unchanged "a journal that is torn" 121 "so nothing is changed" "$WORK" "$relaxed" "${run[@]}" -- cmd /c 'echo x> made.txt'
  rm "$journal/kept.0" "$journal/kept.1"
}

# A sandbox of another policy in the same workspace. While one runs its own files are being written to, so only the workspace is
# looked at.
taken() {
  local output got=0 before after
  pings holds-it
  before=$(find "$WORK" -printf '%p %y %s %m %T@\n' | sort)
  printf 'version = 1\n[limits]\nprocesses = 50\n' >"$SCRATCH/another.toml"
  output=$(in_workspace "$relaxed" run --policy "$SCRATCH/another.toml" --tier restricted --accept "$ACCEPTED" \
    -- cmd /c 'echo x> made.txt') || got=$?
  after=$(find "$WORK" -printf '%p %y %s %m %T@\n' | sort)
  check "a workspace that another garth has" "$got" 121 "$output" "is in use by another garth"
  [[ $before == "$after" ]] || failed "nothing in it is changed" "$(diff <(echo "$before") <(echo "$after"))"
  echo "ok under wine: a workspace that another garth has: nothing in it is changed"
  is_killed "the tree of the one that has it ends" "$PINGS"
  cleans
}

# On a machine on which garth has never run: what is refused, and what only looks, leaves no journal and nothing else.
nothing_was_there() {
  local data made run=(run --tier restricted --accept "$ACCEPTED")
  data=$(user_data)
  rm -rf "$data/garth"
  # The log in which a session tells that it was refused is wanted; it is the one thing that is made.
  recorded "first of all, a gap that nobody accepted" 121 "windows.delegates" run --tier restricted -- cmd /c ver
  made=$(ls "$data/garth")
  [[ $made == log ]] || failed "a refused run makes nothing but its log" "$made"
  unchanged "first of all, the root of a drive" 121 'C:\ cannot be a workspace' "$WINEPREFIX/drive_c" "$relaxed" "${run[@]}" -- cmd /c ver
  unchanged "first of all, a program that is not there" 121 "no directory of PATH" "$WORK" "$relaxed" "${run[@]}" -- no-such-shell
  unchanged "first of all, a tier that does not work here" 121 "is not available on this Windows" "$WORK" "$program" run -- cmd /c ver
  recorded "clean --check, on a new machine" 0 "nothing is left" clean --check
  absent "looking makes no journal" "$data/garth/journal"
}

refuses_what_is_bad() {
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/locks.exe" "$here/locks.c"
  nothing_was_there
  # From now on garth's own directory with the journal's lock is there, as on any machine on which garth has run.
  sandboxed cmd /c ver >"$LOGS/first"
  cleans
  bad_places
  bad_programs
  bad_journals
  taken
}
