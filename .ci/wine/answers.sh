# shellcheck shell=bash
# Questions that `garth watch` answers under Wine; sourced by plumbing.sh, after questions.sh. The session asks nobody by itself
# (`--approver watch`), and the person at another terminal sees the question and presses a key.

# watched KEY STATUS TEXT WHAT: a client asks for a name, and the key is pressed in `garth watch` until the client has ended. A
# key that comes before the question was seen is no answer.
watched() {
  local key=$1 wanted=$2 text=$3 what=$4 got=0 output
  begins watched-session '^./client.exe get watched.test' "$relaxed" run --approver watch --policy hosts.toml --tier restricted \
    --accept "$ACCEPTED" -- ./client.exe get watched.test 8080 /small
  output=$(cd "$WORK" && timeout $((4 * LIMIT)) python3 "$here/console.py" "press:$key,./client.exe" 'type:q' \
    -- wine "$relaxed" watch 2>&1) || got=$?
  check "watch: it ends with a key" "$got" 0 "$output" ""
  await "the session ends" has_ended
  got=$(status_of "$BROKER")
  BROKER=
  check "$what" "$got" "$wanted" "$(<"$LOGS/watched-session")" "$text"
}

answers_while_watching() {
  local own
  proxy_starts
  hosts_policy 'timeout = "10m"'
  watched o 0 "status 200, 5 bytes" "watch: allowed once, by a key"
  recorded "log: what was answered while watching" 0 "once" log last --kind approval-answered
  watched n 3 "refused 403" "watch: refused, by a key"
  recorded "log: what was refused while watching" 0 "no" log last --kind approval-answered
  own=$(user_data)/garth/doors
  [[ -z $(ls -A "$own") ]] || failed "a door goes with its question" "$(ls -lA "$own")"
  echo "ok under wine: a door goes with its question"
}
