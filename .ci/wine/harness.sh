# shellcheck shell=bash
# What the tests under Wine share; sourced by plumbing.sh. They wait for conditions and never for a time, say what they found
# in place of what they expected, and never end in silence.

# Seconds for whatever is waited for: it is only there so that nothing hangs for ever, and generous for a machine that is slow.
LIMIT=${WINE_LIMIT:-120}

# Everything of one run: workspaces, what programs in the background say, and the names of what failed.
SCRATCH=
LOGS=
FAILURES=
WORK=
BROKER=
TOLD=

# ---- what fails ----------------------------------------------------------------------------------------------

# failed WHAT [DETAIL]: says so, with the state of things, and is false.
failed() {
  {
    printf 'FAILED under wine: %s\n' "$1"
    [[ -z ${2-} ]] || sed 's/^/  /' <<<"$2"
    state
  } >&2
  printf '%s\n' "$1" >>"$FAILURES"
  TOLD=yes
  return 1
}

# unexpected STATUS COMMAND: the trap of errors. A command that was expected to work did not; where that was told already, only
# the place is.
unexpected() {
  local status=$1 command=$2 at places=
  for ((at = 1; at < ${#FUNCNAME[@]} - 1; at++)); do
    places+="  at ${BASH_SOURCE[at]##*/}:${BASH_LINENO[at - 1]} in ${FUNCNAME[at]}"$'\n'
  done
  if [[ -n $TOLD ]]; then
    printf '%s' "$places" >&2
  else
    failed "${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: a command ended with $status" "$command"$'\n'"${places%$'\n'}" || true
  fi
}

# The processes of this run, and the end of what was written in the background.
state() {
  local id log
  printf '  state: load %s, %s processors; processes of this run (id, parent, state, seconds, command):\n' \
    "$(cut -d' ' -f1-3 /proc/loadavg)" "$(nproc)"
  for id in $(ours .); do
    ps -o pid=,ppid=,stat=,etimes=,args= -p "$id" 2>/dev/null | cut -c1-200 | sed 's/^/    /' || true
  done
  for log in "$LOGS"/*; do
    [[ -s $log ]] || continue
    printf '  the last lines of %s:\n' "${log##*/}"
    tail -n 40 "$log" | cut -c1-400 | sed 's/^/    /'
  done
}

# check WHAT STATUS WANTED-STATUS OUTPUT TEXT
check() {
  if (($2 != $3)) || [[ $4 != *"$5"* ]]; then
    failed "$1" "expected status $3 and \"$5\""$'\n'"got status $2 and:"$'\n'"$4"
    return 1
  fi
  printf 'ok under wine: %s\n' "$1"
}

# absent WHAT FILE: nothing made it.
absent() {
  [[ ! -e $2 ]] || failed "$1" "there is $2"
}

# goes WHAT FILE: what the system takes away by itself, soon after whoever held it is gone.
goes() {
  await "$1" not test -e "$2"
}

# part FUNCTION: one part of the suite, in a shell and a workspace of its own. One that fails does not stop the others.
part() {
  local name=$1 began=$SECONDS before status
  before=$(wc -l <"$FAILURES")
  rm -f "$LOGS"/*
  set +e
  (
    set -Eeuo pipefail
    trap 'unexpected "$?" "$BASH_COMMAND"' ERR
    trap 'end_background' EXIT
    WORK=$SCRATCH/$name
    mkdir -p "$WORK/.git"
    "$name"
  )
  status=$?
  set -e
  if ((status == 0)); then
    printf 'part %s: ok, %d s\n' "$name" $((SECONDS - began))
    return 0
  fi
  printf 'part %s: FAILED, status %d, %d s\n' "$name" "$status" $((SECONDS - began))
  (($(wc -l <"$FAILURES") > before)) || printf 'the part %s ended with %d\n' "$name" "$status" >>"$FAILURES"
  # What it left is nothing for the next.
  stop_server
  find "$WINEPREFIX/drive_c/users" -ipath '*/appdata/local/garth' -prune -exec rm -rf {} + || true
  start_server cmd /c exit || printf 'FAILED under wine: the server does not start again\n'
}

# sums_up: lists what failed once more, and is false if anything did.
sums_up() {
  if [[ -s $SCRATCH/repeated ]]; then
    sed 's/^/repeated under wine: /' "$SCRATCH/repeated"
  fi
  [[ -s $FAILURES ]] || return 0
  sed 's/^/FAILED under wine: /' "$FAILURES"
  return 1
}

# ---- waiting -------------------------------------------------------------------------------------------------

# await WHAT CONDITION...: until the condition holds.
await() {
  local what=$1 end=$((SECONDS + LIMIT))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then
      failed "$what" "waited $LIMIT s for: $*"
      return 1
    fi
    sleep 0.1
  done
}

not() {
  ! "$@"
}

# ours PATTERN: the processes of this prefix whose command lines match. Others may run the same tests at the same time.
ours() {
  local id
  for id in $(pgrep -f -- "$1" || true); do
    grep -qzFx -- "WINEPREFIX=$WINEPREFIX" "/proc/$id/environ" 2>/dev/null || continue
    [[ $id == "$$" || $id == "$BASHPID" ]] || printf '%s\n' "$id"
  done
}

is_running() {
  [[ -n $(ours "$1") ]]
}

# ---- Wine's own ----------------------------------------------------------------------------------------------

# A server that stays: one that nothing uses for three seconds goes, with the services, and the next program starts them all
# anew, in the middle of whatever a test looks at.
#
# start_server PROGRAM ARGUMENT...: with the first program that runs.
start_server() {
  wineserver --persistent
  # What the first program starts, such as the services, keeps its output open: whoever reads that from a pipe would wait.
  wine "$@" >"$SCRATCH/boot" 2>&1 </dev/null
}

stop_server() {
  wineserver --kill 2>/dev/null || true
  local tries
  # A server that is gone is no condition of this shell's, so this one has no message.
  for ((tries = 0; tries < 10 * LIMIT; tries++)); do
    [[ -n $(ours '(^|/)wineserver') ]] || return 0
    sleep 0.1
  done
}

# windows PROGRAM ARGUMENT...: what it says, and its status. The input is the file INPUT. A program that dies without a word was
# ended by Wine (see plumbing.sh), since garth and the programs of the tests always say something: it is started once more, and
# that is told.
windows() {
  local status=0 said=$SCRATCH/said.$BASHPID
  bounded "$@" >"$said" || status=$?
  if ((status != 0 && status != 124 && status != 137)) && [[ ! -s $said ]]; then
    printf 'REPEATED under wine, status %d without a word: %s\n' "$status" "$*" >&2
    printf '%s\n' "status $status without a word: $*" >>"$SCRATCH/repeated"
    status=0
    bounded "$@" >"$said" || status=$?
  fi
  # As a shell would take it from a pipe.
  tr -d '\0' <"$said"
  ((status != 124 && status != 137)) || printf '\n(perhaps stopped after %d s)\n' "${SECONDS_LIMIT:-$LIMIT}"
  rm -f "$said"
  return "$status"
}

# Its output has to be a file: the desktop that Wine starts beside a program with a window keeps the program's streams, so who
# reads a pipe to its end waits for as long as the server stays.
bounded() {
  timeout --kill-after=20 "${SECONDS_LIMIT:-$LIMIT}" wine "$@" 2>&1 <"${INPUT:-/dev/null}"
}

in_workspace() {
  local program=$1
  shift
  (cd "$WORK" && windows "$program" "$@")
}

# Where programs keep what is this user's, in the prefix.
user_data() {
  local found
  for found in "$WINEPREFIX"/drive_c/users/*/AppData/Local; do
    [[ $found == */Public/* ]] || break
  done
  printf '%s\n' "$found"
}

# ---- garth in the background ---------------------------------------------------------------------------------

# background NAME PROGRAM ARGUMENT...: it runs in the workspace as BROKER; what it says is in $LOGS/NAME.
background() {
  local name=$1
  shift
  : >"$LOGS/$name"
  (cd "$WORK" && exec wine "$@" >"$LOGS/$name" 2>&1 </dev/null) &
  BROKER=$!
}

# begins NAME PATTERN PROGRAM ARGUMENT...: the same, until a process of this command line runs.
begins() {
  local name=$1 pattern=$2
  shift 2
  background "$name" "$@"
  await "$name starts" has_begun "$pattern"
  is_running "$pattern" || failed "$name starts" "it ended before, with $(status_of "$BROKER"), and said: $(<"$LOGS/$name")"
}

status_of() {
  local status=0
  wait "$1" || status=$?
  printf '%s' "$status"
}

has_begun() {
  is_running "$1" || has_ended
}

# says_or_ended NAME TEXT: whether it has said the text, or says nothing more.
says_or_ended() {
  grep -qF -- "$2" "$LOGS/$1" || has_ended
}

has_ended() {
  ! kill -0 "$BROKER" 2>/dev/null
}

# is_killed WHAT PATTERN: the broker is killed, and with it all that matches goes.
is_killed() {
  kill -KILL "$BROKER"
  wait "$BROKER" 2>/dev/null || true
  BROKER=
  await "$1" not is_running "$2"
}

# What a part leaves running when it fails.
end_background() {
  [[ -z $BROKER ]] || kill -KILL "$BROKER" 2>/dev/null || true
  [[ -z ${FIRST-} ]] || kill -KILL "$FIRST" 2>/dev/null || true
  [[ -z ${SERVER-} ]] || kill "$SERVER" 2>/dev/null || true
}
