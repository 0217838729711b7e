# shellcheck shell=bash
# `garth doctor`, `plan` and `why` under Wine, and what cannot be a workspace; sourced by plumbing.sh.
#
# What they say of a Wine is said by the same code as of a Windows; whether it is true of a Windows shows only there.

# told WHAT STATUS TEXT ARGUMENT...: in the workspace the program ends with the status and says the text.
told() {
  local what=$1 status=$2 text=$3 output got=0
  shift 3
  output=$(WINEPATH='C:\planted' in_workspace "$program" "$@") || got=$?
  check "$what" "$got" "$status" "$output" "$text"
}

# refused_at DIRECTORY TEXT: a workspace there is refused, and nothing is made in it.
refused_at() {
  local directory=$1 text=$2 output got=0 before after
  before=$(ls -A "$directory")
  output=$(cd "$directory" && windows "$program" run --tier restricted --accept "$ACCEPTED" \
    -- cmd /c 'echo x> made.txt') || got=$?
  after=$(ls -A "$directory")
  if ((got != 120 && got != 121)) || [[ $output != *"$text"* || $output != *hint* || $before != "$after" ]]; then
    failed "no workspace at ${directory#"$WINEPREFIX"}" "expected 120 or 121, \"$text\" and nothing made"$'\n'"got $got and:"$'\n'"$output"$'\n'"before: $before"$'\n'"after: $after"
    return 1
  fi
  printf 'ok under wine: no workspace at %s\n' "${directory#"$WINEPREFIX"}"
}

# A journal that cannot be read: nothing is started, and the file to look at is named.
torn() {
  local journal output got=0
  journal=$(user_data)/garth/journal
  mkdir -p "$journal"
  printf 'torn' | tee "$journal/kept.0" >"$journal/kept.1"
  output=$(in_workspace "$relaxed" run --tier restricted --accept "$ACCEPTED" -- cmd /c 'echo x> made.txt') || got=$?
  rm -f "$journal/kept.0" "$journal/kept.1"
  check "a journal that is torn" "$got" 121 "$output" "so nothing is changed"
  absent "nothing runs with a torn journal" "$WORK/made.txt"
}

# What of a plan is the same in each session: the private directory and the capability for it have random names.
lasting() {
  grep -av 'variables of the caller' |
    sed -E 's/garth-[0-9a-f]{32}/garth-RANDOM/g; s/garthWrite[0-9a-f]{16}/garthWriteRANDOM/g; s/S-1-15-3-1024(-[0-9]+){8}/S-1-15-3-1024-HASH/g'
}

tells() {
  local drive=$WINEPREFIX/drive_c one two
  mkdir -p "$drive/planted"
  cp "$drive/windows/system32/where.exe" "$drive/planted/rg.exe"
  told "doctor finds a planted tool, and no container" 121 'C:\planted\rg.exe' doctor
  told "doctor says why a tier does not work" 121 "CreateAppContainerProfile of userenv.dll" doctor
  told "doctor as JSON" 121 '"name": "tier container"' doctor --json
  told "the default plan is refused" 121 "is not available on this Windows" plan -- cmd /c ver
  told "a plan of this machine" 0 "goes" plan --tier restricted --accept "$ACCEPTED" -- cmd /c ver
  told "facts are recorded" 0 "holds what a plan" doctor --facts facts.json
  told "recorded facts are diagnosed" 121 'C:\planted\rg.exe' doctor --from facts.json
  told "the tier that is not built" 121 "not built yet" plan --os windows --facts facts.json --tier account -- cmd
  # The plan of the recorded machine is that of the machine, but for variables that were not recorded and for what is drawn
  # anew for each session.
  one=$(WINEPATH='C:\planted' in_workspace "$program" plan --tier restricted --accept "$ACCEPTED" -- cmd /c ver)
  two=$(WINEPATH='C:\planted' in_workspace "$program" plan --os windows --facts facts.json --tier restricted \
    --accept "$ACCEPTED" -- cmd /c ver)
  one=$(lasting <<<"$one")
  two=$(lasting <<<"$two")
  if [[ -z $one || $one != "$two" ]]; then
    failed "the plan of the recorded machine is that of the machine" "$(diff <(echo "$one") <(echo "$two") | sed -n 1,40p)"
    return 1
  fi
  echo "ok under wine: the plan of the recorded machine is that of the machine"
  told "why of a path" 0 "write: deny" why --tier restricted 'C:\windows\win.ini' --op write
  told "why of a host" 0 "deny" why --tier restricted example.com
  rm -f "$WORK/facts.json"
  refused_at "$drive" "hint"
  refused_at "$drive/windows/system32" "cannot be a workspace"
  refused_at "$(dirname "$(dirname "$(user_data)")")" "hint"
  rm -rf "$drive/planted"
  torn
}
