# shellcheck shell=bash
# `garth prove` under Wine; sourced by plumbing.sh. It starts, lays everything out, skips what Wine cannot hold, and runs the
# twins that Wine can run, so that probes that are broken show here.

# Twins of the 146 attacks that succeed under Wine 8: the others need the proxy of a sandbox (10) or a junction (2).
TWINS=134

proves() {
  local output got=0 count left
  output=$(SECONDS_LIMIT=$((5 * LIMIT)) in_workspace "$program" prove) || got=$?
  check "the corpus starts, and says that Wine holds nothing" "$got" 0 "$output" "skipped  Wine"
  check "no attack counts as held" 0 0 "$output" " 0 held, 0 not held"
  count=$(grep -c 'twin succeeded' <<<"$output") || true
  if ((count < TWINS)); then
    failed "$TWINS twins succeed" "$count succeeded"$'\n'"$(grep -E 'twin (refused|broken|hung|not found)' <<<"$output")"
    return 1
  fi
  echo "ok under wine: $count twins succeed"
  left=$(find "$WINEPREFIX/drive_c/users" -name 'garth-prove-*') || true
  [[ -z $left ]] || failed "the proof leaves nothing" "$left"
  echo "ok under wine: the proof leaves nothing"
}
