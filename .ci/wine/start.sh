# shellcheck shell=bash
# What `garth run` adds to the start of a program, seen from Windows; sourced by plumbing.sh. It prints figures and judges none:
# the build has its checks for developers on, other work on the machine counts, and a process costs under Wine what it does not
# cost on Windows.

START_ROUNDS=${START_ROUNDS:-5}

# Files and directories that garth opens for one run, at most: some 55 names that the host trusts are taken, each by one open, and
# some 110 paths are looked at. Each open passes the filters of a Windows, so this number is time there too.
MOST_OPENS=185

# Libraries that are loaded before garth begins, in each process of a start: those that every program has, and the
# random numbers of Rust's standard library. All others are bound when they are needed (`bins/cli/late.imports`).
EARLY='advapi32|api-ms-win-core-synch-l1-2-0|api-ms-win-crt-[a-z0-9-]*|bcryptprimitives|kernel32|msvcrt|ntdll'

# imports: further ones.
imports() {
  x86_64-w64-mingw32-objdump -p "$1" | sed -n 's/^\tDLL Name: //p' | tr '[:upper:]' '[:lower:]' | sort -u | grep -vxE "($EARLY)\.dll" || true
}

loads_little() {
  local found
  found=$(imports "$program")
  [[ -z $found ]] || failed "garth loads nothing that a start does not need" "add what it calls of these to bins/cli/late.imports: $found"
  printf 'ok under wine: %s\n' "garth loads nothing that a start does not need"
}

# opens: how many files and directories garth opened for a run, in the process that makes the first job. Programs that it starts
# and what Wine itself opens do not count.
opens() {
  local log=$SCRATCH/opens.log process
  (cd "$WORK" && WINEDEBUG=+pid,+relay timeout $((3 * LIMIT)) wine "$relaxed" run --tier restricted --accept "$ACCEPTED" \
    -- cmd /c 'echo hi' >"$LOGS/opens" 2>"$log" </dev/null)
  process=$(sed -n '/:Call KERNEL32.CreateJobObjectW(/{s/:.*//p;q}' "$log")
  grep -Ec "^$process:[0-9a-f]+:Call KERNEL32.CreateFileW\(" "$log"
}

asks_little() {
  local few many
  windows reg add 'HKCU\Software\Wine\Debug' /v RelayInclude /d 'CreateFileW;CreateJobObjectW' /f >"$LOGS/reg"
  opens >"$LOGS/warmed"
  few=$(opens)
  mkdir -p "$WORK/tree/sub"
  (cd "$WORK/tree/sub" && touch {1..2000})
  many=$(opens)
  rm -r "$WORK/tree"
  windows reg delete 'HKCU\Software\Wine\Debug' /v RelayInclude /f >"$LOGS/reg"
  if ((few < 1 || few > MOST_OPENS)); then
    failed "a run opens $MOST_OPENS files at most" "it opened $few"
  fi
  check "a run opens $few files, however many there are" 0 0 "$many" "$few"
}

starts() {
  local output got=0
  loads_little
  asks_little
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/start.exe" "$here/start.c"
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/nothing.exe" -x c - <<<'int main(void) { return 0; }'
  # A copy that Wine can map: it reads the sections of others, and there are some 30 MB.
  x86_64-w64-mingw32-objcopy --strip-all --file-alignment 4096 "$relaxed" "$WORK/garth.exe"
  output=$(SECONDS_LIMIT=$((5 * LIMIT)) in_workspace ./start.exe "$START_ROUNDS" ./nothing.exe + ./garth.exe --version + \
    ./garth.exe run --tier restricted --accept "$ACCEPTED" -- ./nothing.exe) || got=$?
  check "starts are timed, load $(cut -d' ' -f1-3 /proc/loadavg)" "$got" 0 "$output" "adds"
  paste -d' ' <(printf '  %s\n' 'a program:' 'garth --version:' 'garth run:') - <<<"$output"
}
