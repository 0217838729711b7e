# shellcheck shell=bash
# The network of `garth run` under Wine; sourced by plumbing.sh. A client of Windows that knows of the proxy by its variable
# alone reaches a server of the loopback that the policy opens, through relay, pipe and broker, and nothing else. Wine keeps
# nobody from connecting past all that, so this shows the path and no containment.

SERVER=

# Starts the server; PORT is where it listens.
serves() {
  local port
  coproc SERVER_PROCESS { exec python3 "$here/server.py"; }
  # The name holds the descriptors only while the process lives.
  read -r port <&"${SERVER_PROCESS[0]}"
  SERVER=$SERVER_PROCESS_PID
  PORT=$port
}

relayed() {
  in_workspace "$relaxed" run --policy policy.toml --tier restricted --accept "$ACCEPTED" -- ./client.exe "$@"
}

# Whether a relay of this test runs.
has_relay() {
  pgrep -f '^garth-runner [0-9,-]+ [0-9,-]+' >/dev/null
}

answers() {
  local way output got
  for way in get absolute socks; do
    got=0
    output=$(relayed "$way" localhost "$PORT" /small) || got=$?
    check "an allowed server answers: $way" "$got" 0 "$output" "status 200, 5 bytes"
    got=0
    output=$(relayed "$way" forbidden.test 80 /small) || got=$?
    check "a forbidden name is refused: $way" "$got" 3 "$output" "the network refused forbidden.test:80"
  done
  got=0
  output=$(relayed direct 127.0.0.2 "$PORT" /small) || got=$?
  check "a port of the host appears inside" "$got" 0 "$output" "status 200"
  got=0
  output=$(relayed get localhost "$PORT" /large) || got=$?
  check "64 MiB pass, at $(grep -o '[0-9.]* MB/s' <<<"$output")" "$got" 0 "$output" "67108864 bytes"
  got=0
  output=$(relayed many localhost "$PORT" 50) || got=$?
  check "50 tunnels at a time" "$got" 0 "$output" "50 of 50"
}

# Without its broker the relay, and with it the target, is gone.
relay_dies() {
  local broker tries
  (cd "$WORK" && exec wine "$relaxed" run --policy policy.toml --tier restricted --accept "$ACCEPTED" \
    -- cmd /c 'ping -n 173 127.0.0.1 > NUL' >/dev/null 2>&1 </dev/null) &
  broker=$!
  for ((tries = 0; tries < 100; tries++)); do
    pgrep -f '^ping -n 173 ' >/dev/null && break
    sleep 0.2
  done
  has_relay || { echo "FAILED under wine: no relay runs beside the command"; return 1; }
  kill -KILL "$broker"
  wait "$broker" 2>/dev/null || true
  for ((tries = 0; tries < 50; tries++)); do
    lives || has_relay || break
    sleep 0.2
  done
  if lives || has_relay; then
    echo "FAILED under wine: the relay or the command outlived the broker"
    return 1
  fi
  echo "ok under wine: the relay ends with a killed broker"
  in_workspace "$program" clean >/dev/null
}

relays() {
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/client.exe" "$here/client.c" -lws2_32
  serves
  printf 'version = 1\n[network]\nmode = "allow-list"\nhost-ports = [%d]\ndomains = { "allowed.test" = "allow" }\n' \
    "$PORT" >"$WORK/policy.toml"
  answers
  relay_dies
  kill "$SERVER"
}
