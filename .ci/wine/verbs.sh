# shellcheck shell=bash
# Each verb on Windows, as docs/platforms.md says; sourced by plumbing.sh, after run.sh and audit.sh. What works is tested where it
# belongs; here a verb is called that no other test calls, and each refusal has to say what, why and what helps.

# refused_with STATUS TEXT ARGUMENT...: it is refused, with a hint.
refused_with() {
  local status=$1 text=$2
  shift 2
  recorded "refused: garth $1" "$status" "$text" "$@"
  recorded "refused with a hint: garth $1" "$status" "hint" "$@"
}

verbs() {
  local verb
  for verb in diff apply discard layers agents; do
    refused_with 121 "built for Linux alone" "$verb"
  done
  refused_with 121 "built for Linux alone" run --cow -- cmd /c ver
  refused_with 120 "no terminal" watch
  refused_with 125 "no such checkpoint" undo --yes
  recorded "policy schema" 0 '"$schema"' policy schema
  recorded "checkpoints: none of this workspace" 0 "checkpoint" checkpoints
  recorded "checkpoints --json" 0 '"checkpoints"' checkpoints --json
}
