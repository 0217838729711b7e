# shellcheck shell=bash
# Checkpoints and `garth undo` under Wine; sourced by plumbing.sh, after run.sh and audit.sh. Wine keeps names, contents, times and
# the read-only attribute as Windows does. It has no further streams, no reparse points, and no time of making.

# What stands in the workspace: each name with kind, size, whether it can be written to, time in units of 100 ns, and content.
standing() {
  (cd "$WORK" && python3 -c 'import hashlib, os
for at, directories, files in os.walk("."):
    directories.sort()
    for name in [""] + sorted(files):
        path = os.path.join(at, name)
        stat = os.lstat(path)
        plain = os.path.isfile(path) and not os.path.islink(path)
        print(path, oct(stat.st_mode & 0o170200), stat.st_mtime_ns // 100, plain and hashlib.sha256(open(path, "rb").read()).hexdigest())')
}

fills() {
  local long
  long=$(printf 'long%.0s' {1..50})
  mkdir -p "$WORK/dir/sub" "$WORK/empty" "$WORK/deep/$long/$long" "$WORK/out"
  printf one >"$WORK/a.txt"
  printf one >"$WORK/forged.txt"
  printf b >"$WORK/dir/sub/b.txt"
  printf locked >"$WORK/locked.txt"
  printf case >"$WORK/Case.txt"
  printf end >"$WORK/deep/$long/$long/end.txt"
  printf plain >"$WORK/plain.txt"
  printf turned >"$WORK/turned"
  printf ä >"$WORK/ä ö.txt"
  printf 'out/\n' >"$WORK/.gitignore"
  printf ignored >"$WORK/out/x"
  chmod a-w "$WORK/locked.txt"
  touch -d '2020-02-03 04:05:06.7890123' "$WORK/a.txt" "$WORK/locked.txt" "$WORK/dir/sub/b.txt"
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/out/change.exe" "$here/change.c"
}

# same WHAT WANTED: the workspace is as it was.
same() {
  local now
  now=$(standing)
  [[ $now == "$2" ]] || failed "$1" "$(diff <(echo "$2") <(echo "$now") | head -n 20)"
  printf 'ok under wine: %s\n' "$1"
}

changes_and_undoes() {
  local before after
  before=$(standing)
  recorded "run --checkpoint: what is kept is told" 0 "garth undo" run --checkpoint --tier restricted --accept "$ACCEPTED" \
    -- out/change.exe
  after=$(standing)
  [[ $after != "$before" ]] || failed "the command changes the workspace" "it is as it was"
  recorded "log: a changed file" 0 "modified" log last --kind file-changed --path a.txt
  recorded "log: a file of the same size and times, by its content" 0 "modified" log last --kind file-changed --path forged.txt
  recorded "log: a file that is gone" 0 "deleted" log last --kind file-changed --path b.txt
  recorded "log: a new one" 0 "created" log last --kind file-changed --path new.txt
  recorded "log: how complete that is" 0 'what changed in 1 names that the checkpoint left out' log last --kind list-closed --json
  recorded "checkpoints: one" 0 "change.exe" checkpoints
  recorded "undo: a part, in other letters" 0 "1 change was taken back" undo --yes A.TXT
  check "undo: the part" 0 0 "$(<"$WORK/a.txt")" "one"
  recorded "undo: the rest" 0 "were taken back" undo --yes --to "$(first_checkpoint)"
  same "undo: contents, times, names, directories and attributes are what they were" "$before"
  recorded "undo: nothing is left to do" 0 "0 changes were taken back" undo --yes --to "$(first_checkpoint)"
}

# The oldest checkpoint of the workspace.
first_checkpoint() {
  in_workspace "$relaxed" checkpoints --json | python3 -c 'import json, sys
tree = "Z:" + sys.argv[1].replace("/", "\\")
print(next(known["id"] for known in json.load(sys.stdin)["checkpoints"] if known["tree"]["path"] == tree))' "$WORK"
}

# A sandbox in the workspace is told, and nothing is changed.
stands_in_the_way() {
  local output got=0
  pings undone
  printf later >"$WORK/a.txt"
  output=$(in_workspace "$relaxed" undo --yes --to "$(first_checkpoint)") || got=$?
  is_killed "the tree ends with a killed broker" "$PINGS"
  check "undo: not while a sandbox is there" "$got" 121 "$output" "is in use by another garth"
  check "undo: nothing was changed then" 0 0 "$(<"$WORK/a.txt")" "later"
  recorded "undo: what the killed sandbox left goes first" 0 " taken back" undo --yes --to "$(first_checkpoint)"
  check "undo: after that" 0 0 "$(<"$WORK/a.txt")" "one"
  recorded "clean: checkpoints stay" 0 "checkpoints (garth checkpoints)" clean
}

undoes() {
  fills
  changes_and_undoes
  stands_in_the_way
  chmod -R u+w "$WORK"
}
