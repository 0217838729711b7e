# shellcheck shell=bash
# Events and the log of sessions under Wine; sourced by plumbing.sh, after run.sh.
#
# The log is written by the broker, which Wine runs like any program. What the sandbox is refused is no part of this.

# recorded WHAT STATUS TEXT ARGUMENT...: `garth ARGUMENT...` in the workspace ends with the status and says the text.
recorded() {
  local what=$1 status=$2 text=$3 output got=0
  shift 3
  output=$(in_workspace "$relaxed" "$@") || got=$?
  check "$what" "$got" "$status" "$output" "$text"
}

# The name of the last session, and its file.
last_session() {
  in_workspace "$relaxed" log | tail -n 1 | cut -d' ' -f1
}

keeps_a_log() {
  local output got=0 session file
  # The program inside lives until it was told of, however long that takes.
  background events "$relaxed" run --json --tier restricted --accept "$ACCEPTED" -- cmd /c 'holds.exe go.txt & exit 300'
  await "events: a process inside" says_or_ended events 'holds.exe"'
  : >"$WORK/go.txt"
  wait "$BROKER" || got=$?
  BROKER=
  output=$(<"$LOGS/events")
  # Of the 32 bits of an exit code this side sees eight; the log has all.
  check "events: the start" "$got" 44 "$output" '"event":"session-started"'
  check "events: the tier and the user's SID" 0 0 "$output" '"sid":"S-1-5-21-'
  check "events: a process inside" 0 0 "$output" 'holds.exe"'
  check "events: its end" 0 0 "$output" '"event":"process-ended","code":0'
  check "events: the exit code, whole" 0 0 "$output" '"event":"session-ended","code":300'
  check "events: what cannot be seen" 0 0 "$output" 'Windows tells that to the program that asked'
  session=$(last_session)
  file=$(user_data)/garth/log/$session.jsonl
  # Wine makes the owner's and the group's bits of the list; nothing of it is for others.
  [[ $(stat -c %a "$file") == *0 ]] || failed "nobody else reads the log" "$(ls -l "$file")"
  recorded "log: the session" 0 "exited 300" log
  recorded "log: one kind" 0 "started in Z:" log last --kind session-started
  recorded "verify: the whole log" 0 "complete" verify last
  recorded "verify: by its file" 0 "complete" verify "Z:${file//\//\\}"
  recorded "why: an event" 0 "process-started at" why last#1
  recorded "report: a page" 0 "r.html shows" report last -o r.html
  grep -q 'S-1-5-21-' "$WORK/r.html" || failed "the page tells the user" "there is no S-1-5-21- in $WORK/r.html"
  rm "$WORK/r.html"
  recorded "watch: nothing runs" 0 "no session runs" watch --once
  recorded "export: CEF" 0 "CEF:0|garth" log last --export cef
  recorded "export: the Windows Event Log" 0 "1 records exported" log last --kind session-started --export eventlog
  recorded "learn: from a log" 0 "Which files it needs is not known" learn --from-log last
  # One byte that is another one.
  sed -i '2s/cmd/cnd/' "$file"
  recorded "verify: a changed log" 1 ":2: " verify last
  rm "$file"
}

# A session that runs is followed by others, who neither write to its log nor remove it.
follows() {
  local output got=0
  pings followed
  output=$(in_workspace "$relaxed" log) || got=$?
  check "log: a session that runs" "$got" 0 "$output" "runs"
  await "watch: a session that runs" shows_ping
  echo "ok under wine: watch: a session that runs"
  output=$(in_workspace "$relaxed" clean) || got=$?
  check "clean: the log of a session that runs stays open" "$got" 0 "$output" "nothing is left"
  is_killed "the tree ends with a killed broker" "$PINGS"
  got=0
  output=$(in_workspace "$relaxed" clean) || got=$?
  check "clean: the log of a killed session is closed" "$got" 0 "$output" "closed the log of"
  output=$(in_workspace "$relaxed" verify) || got=$?
  check "verify: after that" "$got" 0 "$output" "sound records"
}

# Whether `garth watch` shows the command: it runs before what tells of it is written.
shows_ping() {
  local output
  output=$(in_workspace "$relaxed" watch --once) && [[ $output == *ping* ]]
}

# with_policy TEXT: a policy of the user's own.
with_policy() {
  own=$(user_data)/garth/policy.toml
  printf 'version = 1\n%s\n' "$1" >"$own"
}

requires_a_log() {
  local own got=0 output
  with_policy $'[audit]\nrequired = true\npath = \'C:\\windows\\win.ini\\log\''
  recorded "a required log that cannot be made" 125 "cannot be recorded" run --tier restricted --accept "$ACCEPTED" \
    -- cmd /c 'echo x> made.txt'
  absent "nothing runs without its log" "$WORK/made.txt"
  with_policy $'[audit]\nkeep-size = "1KiB"'
  recorded "old logs are removed" 0 "removed the log of" clean
  rm "$own"
}

judges_commands() {
  # Programs that start inside are not judged, which is a gap that has to be accepted.
  local own got=0 output ACCEPTED=$ACCEPTED,windows.commands.words
  with_policy $'[[commands]]\nprefix = ["net", "user"]\ndecision = "deny"\nreason = "no accounts"\n
[[commands]]\nprefix = ["cmd", "/c", "ver"]\ndecision = "ask"\nreason = "tested"'
  recorded "run: a denied command" 122 "no accounts" run --tier restricted --accept "$ACCEPTED" -- net user x
  recorded "run: a denied command in a text of cmd" 122 "no accounts" run --shell cmd --tier restricted \
    --accept "$ACCEPTED" 'echo "a" & if exist x net user y'
  recorded "run: a text of cmd" 0 '"quoted" and more' run --shell cmd --tier restricted --accept "$ACCEPTED" \
    'echo "quoted" and more'
  recorded "why: a command" 122 "no accounts" why 'net user x'
  recorded "run: nobody to ask" 123 "tested" run --tier restricted --accept "$ACCEPTED" -- cmd /c ver
  recorded "log: it was judged" 0 "tested" log last --kind command-vetted
  # A program that answers, at a pipe that it made.
  for answer in once no; do
    background "asked-$answer" "$approver" garth-ci-approver "$answer"
    await "a program that answers" says_or_ended "asked-$answer" listening
    got=0
    output=$(in_workspace "$relaxed" run --approver '\\.\pipe\garth-ci-approver' --tier restricted --accept "$ACCEPTED" \
      -- cmd /c ver) || got=$?
    await "the program that answers ends" has_ended
    BROKER=
    if [[ $answer == once ]]; then
      check "run: approved by a program" "$got" 0 "$output" "Windows"
    else
      check "run: refused by a program" "$got" 123 "$output" "was not approved"
    fi
    check "a question comes: $answer" 0 0 "$(<"$LOGS/asked-$answer")" '"event":"question"'
  done
  recorded "log: the answer" 0 "no" log last --kind approval-answered
  recorded "an approver that is not there" 2 "cannot ask on" run --approver '\\.\pipe\nobody' -- cmd /c ver
  recorded "an approver that is no pipe" 2 "cannot ask on" run --approver 7 -- cmd /c ver
  rm -f "$own"
}

audits() {
  local approver=$SCRATCH/approver.exe
  x86_64-w64-mingw32-gcc -O2 -o "$approver" "$here/approver.c" -ladvapi32
  x86_64-w64-mingw32-gcc -O2 -o "$WORK/holds.exe" "$here/holds.c"
  keeps_a_log
  follows
  requires_a_log
  judges_commands
}
