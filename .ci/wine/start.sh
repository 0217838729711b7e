# shellcheck shell=bash
# What `garth run` adds to the start of a program, seen from Windows; sourced by plumbing.sh. It prints figures and judges none:
# the build has its checks for developers on, other work on the machine counts, and a process costs under Wine what it does not
# cost on Windows.

START_ROUNDS=${START_ROUNDS:-5}

starts() {
  local output got=0
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/start.exe" "$here/start.c"
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/nothing.exe" -x c - <<<'int main(void) { return 0; }'
  # A copy that Wine can map: it reads the sections of others, and there are some 30 MB.
  x86_64-w64-mingw32-objcopy --strip-all --file-alignment 4096 "$relaxed" "$WORK/garth.exe"
  output=$(SECONDS_LIMIT=$((5 * LIMIT)) in_workspace ./start.exe "$START_ROUNDS" ./nothing.exe + ./garth.exe --version + \
    ./garth.exe run --tier restricted --accept "$ACCEPTED" -- ./nothing.exe) || got=$?
  check "starts are timed, load $(cut -d' ' -f1-3 /proc/loadavg)" "$got" 0 "$output" "adds"
  paste -d' ' <(printf '  %s\n' 'a program:' 'garth --version:' 'garth run:') - <<<"$output"
}
