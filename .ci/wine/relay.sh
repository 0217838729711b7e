# shellcheck shell=bash
# The network of `garth run` under Wine; sourced by plumbing.sh. A client of Windows that knows of the proxy by its variable
# alone reaches a server of the loopback that the policy opens, through relay, pipe and broker, and nothing else. Wine keeps
# nobody from connecting past all that, so this shows the path and no containment.

SERVER=

# serves [DIRECTORY]: starts the server, which has the files there as well; PORT is where it listens.
serves() {
  coproc SERVER_PROCESS { exec python3 "$here/server.py" "$LOGS/port" "$@" 2>"$LOGS/server"; }
  SERVER=$SERVER_PROCESS_PID
  await "the server starts" serves_or_ended
  PORT=$(<"$LOGS/port")
  [[ -n $PORT ]] || failed "the server starts" "it ended before"
}

serves_or_ended() {
  [[ -s $LOGS/port ]] || ! kill -0 "$SERVER" 2>/dev/null
}

relayed() {
  in_workspace "$relaxed" run --policy policy.toml --tier restricted --accept "$ACCEPTED" -- ./client.exe "$@"
}

# The relay's command line.
RELAYS='^garth-runner [0-9,-]+ [0-9,-]+'

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
  output=$(SECONDS_LIMIT=$((3 * LIMIT)) relayed get localhost "$PORT" /large) || got=$?
  check "16 MiB pass, at $(grep -o '[0-9.]* MB/s' <<<"$output" || true)" "$got" 0 "$output" "16777216 bytes"
  got=0
  # Not more: at each event Wine looks at every socket that anybody waits for. A test of the host has 50 here, and 1,000 on Linux.
  output=$(SECONDS_LIMIT=$((3 * LIMIT)) relayed many localhost "$PORT" 100) || got=$?
  check "100 tunnels at a time, $(grep -o 'open after.*' <<<"$output" || true)" "$got" 0 "$output" "100 of 100"
}

# Without its broker the relay, and with it the target, is gone.
relay_dies() {
  pings relayed --policy policy.toml
  is_running "$RELAYS" || failed "a relay runs beside the command" "there is no process $RELAYS"
  is_killed "the relay ends with a killed broker" "$PINGS|$RELAYS"
  echo "ok under wine: the relay ends with a killed broker"
  cleans
}

# Ports of the loopback that nobody listens at, below those that systems give to whoever asks for any.
free_ports() {
  python3 -c 'import random, socket
held = []
while len(held) < 2:
    port = random.randrange(12000, 30000)
    try:
        for address in ("127.0.0.1", "127.0.0.2"):
            socket.create_server((address, port)).close()
    except OSError:
        continue
    held.append(port)
print(*held)'
}

# asks ADDRESS PORT PATH: what a server answers; nothing if there is none.
asks() {
  curl --noproxy '*' -s --max-time "$LIMIT" "http://$1:$2$3" || true
}

# closed WHAT ADDRESS PORT: nobody listens there.
closed() {
  local answer
  answer=$(asks "$2" "$3" /)
  [[ -z $answer ]] || failed "$1" "it answers $answer"
  printf 'ok under wine: %s\n' "$1"
}

# A server inside is reached from the host at the port that the policy names, and at no other.
published() {
  local named other got=0 output=$LOGS/published
  read -r named other < <(free_ports)
  printf 'version = 1\n[network]\nmode = "allow-list"\nlisten = [%d]\n' "$named" >"$WORK/listen.toml"
  background published "$relaxed" run --policy listen.toml --tier restricted --accept "$ACCEPTED" \
    -- ./client.exe serve "$named" "$other" -
  await "a server inside starts" says_or_ended published serving
  check "garth says where a server inside appears" 0 0 "$(<"$output")" "port $named inside is 127.0.0.2:$named"
  check "a server inside is reached from the host" 0 0 "$(asks 127.0.0.2 "$named" /)" "inside at $named"
  # Without that the next two would show nothing.
  check "another server runs inside" 0 0 "$(asks 127.0.0.1 "$other" /)" "inside at $other"
  closed "a port that is not named does not appear on the host" 127.0.0.2 "$other"
  closed "nor does a server of the host at another address" 127.0.0.2 "$PORT"
  check "it ends" 0 0 "$(asks 127.0.0.2 "$named" /end)" "inside at $named"
  wait "$BROKER" || got=$?
  BROKER=
  check "the command ends with its own code" "$got" 0 "$(<"$output")" ""
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
}
