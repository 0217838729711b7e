# shellcheck shell=bash
# The steps of .ci/run, one function each. Each runs in a shell of its own with -euo pipefail, in the root of
# the tree, without input. `skip WHY` ends a step that this machine cannot run.

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 DEBIAN_FRONTEND=noninteractive

# Targets that are type-checked beside the host's, and the one that is linked for Wine.
WINDOWS_TARGET=x86_64-pc-windows-msvc
WINE_TARGET=x86_64-pc-windows-gnu
MACOS_TARGET=aarch64-apple-darwin

# The account of the ordinary user.
ORDINARY_USER="garth-ci"

# Program that must be there, and the Debian package that brings it.
PROGRAMS=(
  git=git gcc=gcc make=make cmake=cmake ninja=ninja-build pkg-config=pkg-config
  node=nodejs npm=npm python3=python3 java=default-jdk-headless javac=default-jdk-headless mvn=maven
  go=golang-go sqlite3=sqlite3 vim=vim nano=nano gdb=gdb strace=strace bwrap=bubblewrap tmux=tmux
  curl=curl wget=wget ip=iproute2 openssl=openssl sshd=openssh-server ssh=openssh-client psql=postgresql-client
  redis-server=redis-server redis-cli=redis-tools ruby=ruby php=php-cli chromium=chromium certutil=libnss3-tools
  dbus-run-session=dbus-daemon dbus-send=dbus-bin gnome-keyring-daemon=gnome-keyring secret-tool=libsecret-tools
  script=bsdutils setpriv=util-linux runuser=util-linux
  x86_64-w64-mingw32-gcc=gcc-mingw-w64-x86-64 wine=wine mkfs.xfs=xfsprogs mkfs.btrfs=btrfs-progs
)

skip() {
  printf 'skipped: %s\n' "$1"
  exit "$SKIPPED"
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# ---- what the other steps need ------------------------------------------------------------------------

missing_packages() {
  local pair
  for pair in "${PROGRAMS[@]}"; do
    have "${pair%%=*}" || printf '%s\n' "${pair#*=}"
  done
  [[ -e /usr/include/stdio.h ]] || printf 'libc6-dev\n'
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || printf 'postgresql\n'
  local library
  for library in requests aiohttp grpc websockets; do
    # Debian's own Python, which the tests run: another one may stand before it on the path.
    /usr/bin/python3 -c "import $library" 2>/dev/null || printf 'python3-%s\n' "${library/#grpc/grpcio}"
  done
  python3 -c 'import ensurepip, venv' 2>/dev/null || printf 'python3-venv\n'
  python3 -m pip --version >/dev/null 2>&1 || printf 'python3-pip\n'
}

install_packages() {
  local -a packages
  mapfile -t packages < <(missing_packages | sort -u)
  ((${#packages[@]} > 0)) || return 0
  printf 'missing: %s\n' "${packages[*]}"
  if ! have apt-get || ((EUID != 0)); then
    printf 'hint: as root, apt-get install %s\n' "${packages[*]}"
    return 0
  fi
  apt-get update -qq
  # One by one when all at once fails: a release that lacks one package still gets the others.
  if ! apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; then
    local package
    for package in "${packages[@]}"; do
      apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
        printf 'could not install %s; what needs it will say so\n' "$package"
    done
  fi
}

install_rust_parts() {
  if ! have rustup; then
    printf 'rustup is not installed: the checks for other systems need its targets\n'
    return 0
  fi
  local target component
  for target in "$WINDOWS_TARGET" "$WINE_TARGET" "$MACOS_TARGET"; do
    rustup target list --installed | grep -qx "$target" || rustup target add "$target"
  done
  for component in rustfmt clippy; do
    rustup component list --installed | grep -q "^$component" || rustup component add "$component"
  done
}

step_install() {
  install_packages
  install_rust_parts
  if ((EUID == 0)) && ! id "$ORDINARY_USER" >/dev/null 2>&1; then
    useradd --create-home --shell /bin/bash "$ORDINARY_USER"
  fi
}

# ---- the code ----------------------------------------------------------------------------------------------

step_format() {
  cargo fmt --all --check
}

step_tidy() {
  # A checkout that belongs to somebody else is normal in a container; git refuses it otherwise.
  GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$PWD cargo xtask tidy
}

step_clippy_linux() {
  cargo clippy --workspace --all-targets -- -D warnings
}

# Libraries and programs of every crate, type-checked for a system that cannot be linked for here.
clippy_for() {
  [[ -d $(rustc --print target-libdir --target "$1") ]] || skip "not installed: rustup target add $1"
  cargo clippy --workspace --lib --bins --target "$1" -- -D warnings
}

# The broker's TLS has parts in C. They are compiled, since a build script does it, and not linked.
for_windows() {
  CC_x86_64_pc_windows_msvc=x86_64-w64-mingw32-gcc AR_x86_64_pc_windows_msvc=$PWD/.ci/wine/lib "$@"
}

step_clippy_windows() {
  have x86_64-w64-mingw32-gcc || skip "the compiler x86_64-w64-mingw32-gcc is not installed"
  for_windows clippy_for "$WINDOWS_TARGET"
}

step_clippy_macos() {
  clippy_for "$MACOS_TARGET"
}

step_doc() {
  export RUSTDOCFLAGS="-D warnings"
  cargo doc --workspace --no-deps
  # Half of these two is for Windows alone, and is not seen above.
  if have x86_64-w64-mingw32-gcc && [[ -d $(rustc --print target-libdir --target "$WINDOWS_TARGET") ]]; then
    for_windows cargo doc --package garth-host --package garth --no-deps --target "$WINDOWS_TARGET"
  fi
}

step_test() {
  # Split into words on purpose: it is the README's command. All programs run even after one failed.
  # shellcheck disable=SC2086
  $TEST_COMMAND --no-fail-fast
}

step_fuzz_corpus() {
  cargo xtask fuzz-replay
}

# ---- Windows, as far as Wine goes --------------------------------------------------------------------------

# Wine runs the program and enforces next to nothing of Windows' security. What passes here says that the
# Windows build links, starts, reads its arguments and reports its exit code; it says nothing of containment.
step_wine_plumbing() {
  have x86_64-w64-mingw32-gcc || skip "the linker x86_64-w64-mingw32-gcc is not installed"
  local target=${CARGO_TARGET_DIR:-$PWD/target}
  local built=$target/$WINE_TARGET/debug
  # Never shipped: it is built beside the real program for the tests of what comes after the refusal.
  cargo build --target "$WINE_TARGET" --package garth-cli --features relaxed-read-back
  cp "$built/garth.exe" "$built/garth-relaxed.exe"
  cargo build --target "$WINE_TARGET" --package garth-cli --package garth-setup
  local tests
  tests=$(cargo test --no-run --target "$WINE_TARGET" --package garth-host --lib --message-format=json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
  cargo build --target "$WINE_TARGET" --package garth-host --example access-check
  cargo xtask manifests "$built/garth.exe" "$built/garth-setup.exe"
  have wine || skip "built, but not run: wine is not installed"
  # Anew each time: what an earlier run left there has hidden a failure that every first run meets.
  rm -rf "$target/wine-prefix"
  bash .ci/wine/plumbing.sh "$built/garth.exe" "$built/examples/access-check.exe" "$target/wine-prefix" \
    "$built/garth-relaxed.exe" "$tests" "$built/garth-setup.exe"
}

# ---- `garth prove` -----------------------------------------------------------------------------------------

# Copies the program to where every account can read it; prints the copy's path. As a side effect this shows
# that a copied program works without the tree it was built in.
copied_garth() {
  cargo build --quiet --package garth-cli >&2
  local built directory
  built=${CARGO_TARGET_DIR:-$PWD/target}/$(rustc --print host-tuple)/debug/garth
  directory=$(mktemp -d /var/tmp/garth-ci.XXXXXX)
  chmod 755 "$directory"
  install -m 755 "$built" "$directory/garth"
  printf '%s/garth\n' "$directory"
}

# prove_with WRAPPER...: runs `garth prove` through the wrapper, then takes the copy away.
prove_with() {
  local garth
  garth=$(copied_garth)
  # shellcheck disable=SC2064 # the value of now
  trap "rm -rf '$(dirname "$garth")'" EXIT
  "$@" "$garth" prove
}

as_ordinary_user() {
  ((EUID == 0)) || { "$@"; return; }
  id "$ORDINARY_USER" >/dev/null 2>&1 || skip "there is no account $ORDINARY_USER: run the step install first"
  # The working directory of the caller may be closed to the account.
  (cd "$(getent passwd "$ORDINARY_USER" | cut -d: -f6)" &&
    setpriv --reuid="$ORDINARY_USER" --regid="$ORDINARY_USER" --init-groups --reset-env "$@")
}

step_prove_as_root() {
  ((EUID == 0)) || skip "not root"
  prove_with env
}

step_prove_as_ordinary_user() {
  prove_with as_ordinary_user
}

# Inside a user namespace that allows no further one, and without capabilities: what a nested container or a
# hardened distribution leaves to garth.
without_user_namespaces() {
  as_ordinary_user unshare --user --map-current-user --keep-caps bash -euc '
    echo 0 >/proc/sys/user/max_user_namespaces
    exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"
  ' without-user-namespaces "$@"
}

step_prove_without_user_namespaces() {
  as_ordinary_user unshare --user true || skip "this machine allows no user namespace to begin with"
  if without_user_namespaces unshare --user true 2>/dev/null; then
    printf 'error: the wrapper still allows user namespaces\n'
    return 1
  fi
  prove_with without_user_namespaces
}
