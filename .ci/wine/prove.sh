# shellcheck shell=bash
# `garth prove` under Wine; sourced by plumbing.sh. It starts, lays everything out, skips what Wine cannot hold, and runs the
# twins that Wine can run, so that probes that are broken show here.

# Twins of the 146 attacks that succeed under Wine 8: the others need the proxy of a sandbox (10) or a junction (2).
TWINS=134

proves() {
  local output got=0 count left
  output=$(cd "$WORK" && timeout 300 wine "$program" prove 2>&1 </dev/null) || got=$?
  check "the corpus starts, and says that Wine holds nothing" "$got" 0 "$output" "skipped  Wine"
  check "no attack counts as held" 0 0 "$output" " 0 held, 0 not held"
  count=$(grep -c 'twin succeeded' <<<"$output") || true
  if ((count < TWINS)); then
    printf 'FAILED under wine: %d twins succeeded, not %d\n' "$count" "$TWINS"
    grep -E 'twin (refused|broken|hung|not found)' <<<"$output"
    return 1
  fi
  echo "ok under wine: $count twins succeed"
  left=$(find "$WINEPREFIX/drive_c/users" -name 'garth-prove-*' | head -n 1)
  if [[ -n $left ]]; then
    echo "FAILED under wine: the proof left $left"
    return 1
  fi
  echo "ok under wine: the proof leaves nothing"
}
