# shellcheck shell=bash
# Questions about hosts under Wine; sourced by plumbing.sh, after relay.sh and audit.sh. A client of Windows asks for a name of which
# no rule speaks, and somebody answers at a named pipe or on the console. What is allowed then goes on to a proxy of this test,
# which answers for every name.

# answered ANSWER TEXT STATUS WHAT CLIENT-WORD...: the client asks, and the program at the pipe gives the answer to each question.
# What that program was told is in $LOGS/asked.
answered() {
  local answer=$1 text=$2 status=$3 what=$4 output got=0
  shift 4
  background asked "$WORK/approver.exe" garth-ci-hosts "$answer"
  await "a program that answers" says_or_ended asked listening
  output=$(in_workspace "$relaxed" run --approver '\\.\pipe\garth-ci-hosts' --policy hosts.toml --tier restricted \
    --accept "$ACCEPTED" -- ./client.exe "$@") || got=$?
  await "the program that answers ends" has_ended
  BROKER=
  check "$what" "$got" "$status" "$output" "$text"
}

# told_approver WHAT TEXT COUNT: what the approver was told holds the text in so many lines.
told_approver() {
  local count
  count=$(grep -c -- "$2" "$LOGS/asked") || true
  check "$1" "$count" "$3" "$(<"$LOGS/asked")" ""
}

hosts_policy() {
  printf 'version = 1\n# mine\n[network]\nmode = "allow-list"\ndomains = { "other.test" = "allow" } # kept\n' >"$WORK/hosts.toml"
  printf 'proxy = { url = "http://127.0.0.1:%d" }\n[approvals]\n%s\n' "$PROXY" "$1" >>"$WORK/hosts.toml"
}

asked_at_pipe() {
  local output way
  hosts_policy 'timeout = "2m"'
  for way in get absolute socks; do
    answered once "status 200, 5 bytes" 0 "an unknown name is asked for, and allowed once: $way" "$way" new.test 8080 /small
    told_approver "what is asked names host and port: $way" '"host":"new.test","port":8080' 1
  done
  answered session "3 of 3 answered" 0 "one answer for the session" many new.test 8080 3
  told_approver "it is asked once" '"event":"question"' 1
  answered no "refused 403" 3 "no is a refusal" get new.test 8080 /small
  recorded "log: the question" 0 "new.test" log last --kind approval-asked
  recorded "log: the answer to it" 0 "no" log last --kind approval-answered
  recorded "log: the refusal" 0 "new.test" log last --denied
  recorded "why: nothing allows it yet" 0 "deny" why --policy hosts.toml --tier restricted new.test:8080
  answered always "status 200, 5 bytes" 0 "allowed for good" get new.test 8080 /small
  output=$(<"$WORK/hosts.toml")
  check "the policy has the line" 0 0 "$output" '"new.test:8080" = "allow"'
  check "and the rest of it as it was" 0 0 "$output" '"other.test" = "allow"'
  check "with its comments" 0 0 "$output" '# mine'
  answered no "status 200, 5 bytes" 0 "the next session asks no more" get new.test 8080 /small
  told_approver "nobody was asked" '"event":"question"' 0
  recorded "why: it is allowed now" 0 "allow" why --policy hosts.toml --tier restricted new.test:8080
}

refused_unasked() {
  hosts_policy 'timeout = "2s"'
  answered none-of-these "refused 403" 3 "no answer in time is a refusal" get late.test 8080 /small
  told_approver "the approver is told so" '"event":"withdrawn".*"timeout"' 1
  local run=(run --policy hosts.toml --tier restricted --accept "$ACCEPTED" -- ./client.exe)
  recorded "nobody to ask: a refusal for machines" 3 '"host":"alone.test"' "${run[@]}" shown alone.test 8080 /small
  recorded "and garth names the option" 3 "alone.test" "${run[@]}" get alone.test 8080 /small
  hosts_policy 'mode = "never"'
  answered once "refused 403" 3 "a policy that asks nobody" get new.test 8080 /small
  told_approver "nobody was asked" '"event":"question"' 0
}

asked_on_console() {
  local output got
  hosts_policy 'timeout = "2m"'
  for answer in once no; do
    got=0
    output=$(cd "$WORK" && python3 "$here/console.py" 'wait:quiet' "type:$answer\r" -- wine ./console.exe outer \
      "$relaxed" run --policy hosts.toml --tier restricted --accept "$ACCEPTED" --no-terminal \
      -- ./client.exe get typed.test 8080 /small 2>&1) || got=$?
    check "asked on the console" "$got" 0 "$output" "connect to typed.test"
    if [[ $answer == once ]]; then
      check "and allowed there" 0 0 "$output" "status 200, 5 bytes"
    else
      check "and refused there" 0 0 "$output" "refused 403"
    fi
  done
}

# A client of Windows in the workspace, and the proxy that answers it.
proxy_starts() {
  local port
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/client.exe" "$here/client.c" -lws2_32
  coproc UPSTREAM { exec python3 "$here/upstream.py"; }
  # The name holds the descriptors only while the process lives.
  read -r port <&"${UPSTREAM[0]}"
  SERVER=$UPSTREAM_PID
  PROXY=$port
}

asks_about_hosts() {
  x86_64-w64-mingw32-gcc -O2 -o "$WORK/approver.exe" "$here/approver.c" -ladvapi32
  x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -o "$WORK/console.exe" "$here/console.c"
  proxy_starts
  asked_at_pipe
  refused_unasked
  asked_on_console
}
