# shellcheck shell=bash
# Changed files of a session without a checkpoint under Wine; sourced by plumbing.sh, after audit.sh.
#
# Wine 8 tells of changes in the watched directory itself and not of those below; Windows is documented to tell of both. What it
# does not have either: protection, further streams, and that more happens than the system keeps.

# The changed files of the last session, one a line: how, and the name.
changed_files() {
  in_workspace "$relaxed" log last --kind file-changed --json | python3 -c '
import json, sys
for line in sys.stdin:
    if line.startswith("{"):
        event = json.loads(line)
        print(event["change"], event["path"].rsplit("\\", 1)[-1])'
}

# has_changed CHANGE NAME: it is among $found.
has_changed() {
  grep -qxF -- "$1 $2" <<<"$found" || failed "changes: $2 was $1" "$found"
  printf 'ok under wine: changes: %s was %s\n' "$2" "$1"
}

changes() {
  local output got=0 name found
  for name in kept edited removed renamed; do
    echo before >"$WORK/$name.txt"
  done
  output=$(sandboxed cmd /c 'echo longer> edited.txt& echo new> made.txt& del removed.txt& ren renamed.txt other.txt& echo x> passing.txt& del passing.txt') || got=$?
  check "a session that changes files" "$got" 0 "$output" ""
  found=$(changed_files)
  has_changed created made.txt
  has_changed modified edited.txt
  has_changed deleted removed.txt
  grep -q ' other.txt$' <<<"$found" || failed "changes: a new name" "$found"
  # What is as it was is no change, and neither is what garth itself puts there for the time of a session.
  for name in kept.txt passing.txt .claude; do
    [[ $found != *" $name"* ]] || failed "changes: $name is none" "$found"
  done
  recorded "changes: how complete that is" 0 '"list":"changes"' log last --kind list-closed --json
  recorded "changes: in words" 0 "made.txt" log last --kind file-changed
  got=0
  output=$(in_workspace "$relaxed" run --checkpoint --tier restricted --accept "$ACCEPTED" -- cmd /c 'echo longest> edited.txt') || got=$?
  check "a session with a checkpoint compares" "$got" 0 "$output" ""
  found=$(changed_files)
  has_changed modified edited.txt
}
