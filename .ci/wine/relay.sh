# shellcheck shell=bash
# The network of `garth run` under Wine; sourced by plumbing.sh. A client of Windows that knows of the proxy by its variable
# alone reaches a server of the loopback that the policy opens, through relay, pipe and broker, and nothing else. Wine keeps
# nobody from connecting past all that, so this shows the path and no containment.

SERVER=

# serves [DIRECTORY]: starts the server, which has the files there as well; PORT is where it listens.
serves() {
  local port
  coproc SERVER_PROCESS { exec python3 "$here/server.py" "$@"; }
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
  check "16 MiB pass, at $(grep -o '[0-9.]* MB/s' <<<"$output")" "$got" 0 "$output" "16777216 bytes"
  got=0
  # Not more: at each event Wine looks at every socket that anybody waits for. A test of the host has 200 here, and 1,000 on Linux.
  output=$(relayed many localhost "$PORT" 100) || got=$?
  check "100 tunnels at a time, $(grep -o 'open after.*' <<<"$output")" "$got" 0 "$output" "100 of 100"
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

# Ports of the loopback that nobody listens at.
free_ports() {
  python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in held))'
}

# asks ADDRESS PORT PATH: what a server answers; nothing if there is none.
asks() {
  curl --noproxy '*' -s --max-time 20 "http://$1:$2$3" || true
}

# closed WHAT ADDRESS PORT: nobody listens there.
closed() {
  local answer
  answer=$(asks "$2" "$3" /)
  [[ -z $answer ]] || { printf 'FAILED under wine: %s: it answers %s\n' "$1" "$answer"; return 1; }
  printf 'ok under wine: %s\n' "$1"
}

# A server inside is reached from the host at the port that the policy names, and at no other.
published() {
  local named other broker tries got=0 output=$WORK/published.txt
  read -r named other < <(free_ports)
  printf 'version = 1\n[network]\nmode = "allow-list"\nlisten = [%d]\n' "$named" >"$WORK/listen.toml"
  : >"$output"
  (cd "$WORK" && exec timeout 100 wine "$relaxed" run --policy listen.toml --tier restricted --accept "$ACCEPTED" \
    -- ./client.exe serve "$named" "$other" - >"$output" 2>&1 </dev/null) &
  broker=$!
  for ((tries = 0; tries < 200; tries++)); do
    grep -q serving "$output" && break
    sleep 0.2
  done
  check "garth says where a server inside appears" 0 0 "$(<"$output")" "port $named inside is 127.0.0.2:$named"
  check "a server inside is reached from the host" 0 0 "$(asks 127.0.0.2 "$named" /)" "inside at $named"
  # Without that the next two would show nothing.
  check "another server runs inside" 0 0 "$(asks 127.0.0.1 "$other" /)" "inside at $other"
  closed "a port that is not named does not appear on the host" 127.0.0.2 "$other"
  closed "nor does a server of the host at another address" 127.0.0.2 "$PORT"
  check "it ends" 0 0 "$(asks 127.0.0.2 "$named" /end)" "inside at $named"
  wait "$broker" || got=$?
  check "the command ends with its own code" "$got" 0 "" ""
  closed "what was published is closed with the sandbox" 127.0.0.2 "$named"
}

relays() {
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/client.exe" "$here/client.c" -lws2_32
  serves
  printf 'version = 1\n[network]\nmode = "allow-list"\nhost-ports = [%d]\ndomains = { "allowed.test" = "allow" }\n' \
    "$PORT" >"$WORK/policy.toml"
  answers
  published
  relay_dies
  kill "$SERVER"
}
