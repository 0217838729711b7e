# shellcheck shell=bash
# Ctrl-C, Ctrl-Break and the end of the console under Wine; sourced by plumbing.sh.
#
# console.py is the person at the terminal, and console.exe the command. Wine serves consoles by a program of its own, so this
# shows that garth passes on what it is told and how commands end, and not how the console of a Windows behaves. What Wine
# has not: another size of a terminal or a pseudoconsole, a window that is closed.

# at_terminal "STEP..." OPTION... -- INNER: garth runs console.exe INNER, in a terminal of its own.
at_terminal() {
  local inner=${*: -1} steps
  read -ra steps <<<"$1"
  shift
  (cd "$WORK" && timeout $((4 * LIMIT)) python3 "$here/console.py" "${steps[@]}" -- wine ./console.exe outer \
    "$relaxed" run --tier restricted --accept "$ACCEPTED" "${@:1:$#-2}" -- ./console.exe "$inner" 2>&1)
}

# How a command ends that does nothing about Ctrl-C, without garth: with 0xc000013a on Windows, and Wine has a code of its own.
ends_outside() {
  local output got=0
  output=$(cd "$WORK" && timeout $((4 * LIMIT)) python3 "$here/console.py" wait:ready 'type:\x03' \
    -- wine ./console.exe outer ./console.exe plain 2>&1) || got=$?
  check "Ctrl-C ends a command without garth" "$got" 0 "$output" "ended with 0x" >&2
  grep -o 'ended with 0x[0-9a-f]*' <<<"$output"
}

# typed WHAT TEXT "STEP..." OPTION... -- INNER: what is drawn has the text.
typed() {
  local what=$1 text=$2 output got=0
  shift 2
  output=$(at_terminal "$@") || got=$?
  check "$what" "$got" 0 "$output" "$text"
}

# raised WHAT TEXT MODE INNER: the event is raised in a console without a window, where garth has pipes.
raised() {
  local what=$1 text=$2 mode=$3 output got=0
  output=$(SECONDS_LIMIT=$((3 * LIMIT)) in_workspace ./console.exe "$mode" "$relaxed" run --tier restricted --accept "$ACCEPTED" -- ./console.exe "$4") || got=$?
  if [[ $output == *"nothing raised"* ]]; then
    printf 'skipped under wine: %s: this Wine does not raise it\n' "$what"
    return 0
  fi
  check "$what" "$got" 0 "$output" "$text"
  check "$what: it ended in its own way" 0 0 "$output" "ended with 0x00000007"
}

interrupts() {
  # Until one was passed on and a further one counts as another, not as a second: at least so long.
  local pipes=--no-terminal passed='gone:garth-interrupt sleep:3' plain
  plain=$(ends_outside)
  typed "Ctrl-C ends a command as it does outside: $plain" "$plain" 'wait:ready type:\x03' "$pipes" -- plain
  typed "a command may end in its own way" "ended with 0x00000007" 'wait:ready type:\x03 wait:told' "$pipes" -- handles
  typed "a command that lives on is told again, and a second one at once ends it" "ended with 0xc000013a" \
    "wait:ready type:\\x03 wait:told $passed type:\\x03 wait:told $passed insist:\\x03" "$pipes" -- lives
  raised "Ctrl-C reaches a command without a terminal" "told c" raise-c handles
  raised "Ctrl-Break reaches a command" "told break" raise-break handles
  typed "Ctrl-C is a key of a terminal" "$plain" 'wait:ready type:\x03' -- plain
  typed "a terminal's command may end in its own way" "ended with 0x00000007" 'wait:ready type:\x03 wait:told' -- handles
}

# The terminal is closed: the tree ends. Windows tells garth before, which then undoes what it did for the command; Wine does
# not, and it is the next start, or `clean`, that undoes it.
hangs_up() {
  at_terminal 'wait:ready hang-up' --no-terminal -- lives >"$LOGS/hang-up" || true
  check "a command starts in a terminal that is closed" 0 0 "$(<"$LOGS/hang-up")" ready
  await "a command ends with its console" not is_running '^./console.exe lives'
  echo "ok under wine: a command ends with its console"
  cleans
}

# The user logs off, or the machine is shut down: garth is told, ends the tree, takes back what it did, and ends.
logs_off() {
  local output got=0
  pings logged-off
  output=$(in_workspace ./logoff.exe) || got=$?
  check "garth is told of the end of the session" "$got" 0 "$output" told
  await "garth ends with the session" has_ended
  got=$(status_of "$BROKER")
  BROKER=
  # 0xC000013A, of which this side sees eight bits.
  check "the end of the session is the end of the command" "$got" 58 "$(<"$LOGS/logged-off")" ""
  await "the tree ends with the session" not is_running "$PINGS"
  output=$(in_workspace "$program" clean --check) || true
  # The entries of a workspace stay for the next session.
  output=$(grep -v '^left: [0-9]* access entries of' <<<"$output") || true
  [[ $output != *left:* ]] || failed "what was done for the session is undone" "$output"
  echo "ok under wine: what was done for the session is undone"
  cleans
}

consoles() {
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/logoff.exe" "$here/logoff.c"
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/console.exe" "$here/console.c"
  interrupts
  hangs_up
  logs_off
}
