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

# learns: what a client asked for, and what ran, is proposed; the exit code is the command's.
learns() {
  printf 'version = 1\n[network]\nmode = "allow-list"\ndomains = { "learnt.test" = "allow" }\n' >"$WORK/learnt.toml"
  printf 'proxy = { url = "http://127.0.0.1:%d" }\n' "$PROXY" >>"$WORK/learnt.toml"
  recorded "learn: a run proposes the host that it reached" 0 '"learnt.test:8080" = "allow"' learn --policy learnt.toml \
    --tier restricted --accept "$ACCEPTED" -- ./client.exe get learnt.test 8080 /small
  recorded "learn: and says what it does not know" 7 "Which files it needs is not known" learn --policy learnt.toml \
    --tier restricted --accept "$ACCEPTED" -- cmd /c 'exit 7'
  recorded "learn: to a new file" 0 "" learn -o learnt-too.toml --policy learnt.toml --tier restricted --accept "$ACCEPTED" \
    -- cmd /c ver
  grep -q '^profile = "workspace"' "$WORK/learnt-too.toml" || failed "learn: a file" "$(cat "$WORK/learnt-too.toml")"
  recorded "learn: not over a file" 125 "is there already" learn -o learnt-too.toml -- cmd /c ver
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
  learns
}
