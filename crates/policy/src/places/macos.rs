//! macOS. Sources: hier(7) of macOS, the documentation of each tool for its own directories.

use super::{Place, Places, place};

pub(super) static PLACES: Places = Places {
    system: SYSTEM,
    minimal: MINIMAL,
    devices: DEVICES,
    private: PRIVATE,
    toolchains: TOOLCHAINS,
    caches: CACHES,
    build_caches: BUILD_CACHES,
    settings: SETTINGS,
    browser: BROWSER,
};

static SYSTEM: &[Place] = &[
    place("/System", "programs and libraries"),
    place("/Library", "programs and libraries; keychains in it are denied"),
    place("/Applications", "programs"),
    place("/usr", "programs and libraries"),
    place("/bin", "programs"),
    place("/sbin", "programs"),
    place("/opt", "programs installed apart"),
    place("/nix/store", "programs of Nix"),
    place("/etc", "settings of the system"),
    place("/private/etc", "settings of the system; credentials in it are denied one by one"),
    place("/private/var/db/timezone", "the time zone"),
    place("/private/var/db/dyld", "where libraries are"),
    place("/private/var/select", "which developer tools are active"),
];

static MINIMAL: &[Place] = &[
    place("/System", "programs and libraries"),
    place("/usr", "programs and libraries"),
    place("/bin", "programs"),
    place("/sbin", "programs"),
    place("/Library/Developer/CommandLineTools", "developer tools"),
    place("/private/etc/passwd", "names of accounts"),
    place("/private/etc/group", "names of groups"),
    place("/private/etc/hosts", "names of hosts"),
    place("/private/etc/resolv.conf", "where names are resolved"),
    place("/private/etc/localtime", "the time zone"),
    place("/private/etc/ssl", "trusted certificates"),
    place("/private/var/db/timezone", "the time zone"),
    place("/private/var/db/dyld", "where libraries are"),
    place("/private/var/select", "which developer tools are active"),
];

static DEVICES: &[Place] = &[
    place("/dev/null", "device that every program expects"),
    place("/dev/zero", "device that every program expects"),
    place("/dev/random", "device that every program expects"),
    place("/dev/urandom", "device that every program expects"),
    place("/dev/tty", "the controlling terminal"),
    place("/dev/fd", "names of open descriptors"),
    place("/dev/ptmx", "terminals"),
];

static PRIVATE: &[Place] = &[];

static TOOLCHAINS: &[Place] = &[
    place("~/.rustup", "Rust toolchains"),
    place("~/.cargo/bin", "Rust programs"),
    place("~/.cargo/config.toml", "settings of cargo"),
    place("~/.cargo/env", "shell settings of cargo"),
    place("~/.nvm", "Node versions"),
    place("~/.fnm", "Node versions"),
    place("~/.volta", "Node versions"),
    place("~/Library/Application Support/fnm", "Node versions"),
    place("~/Library/pnpm", "Node programs"),
    place("~/.bun/bin", "the Bun runtime"),
    place("~/.deno/bin", "the Deno runtime"),
    place("~/.pyenv", "Python versions"),
    place("~/Library/Python", "Python programs"),
    place("~/miniconda3", "Conda environments"),
    place("~/.rbenv", "Ruby versions"),
    place("~/.rvm", "Ruby versions"),
    place("~/.asdf", "tool versions"),
    place("~/.sdkman", "Java versions"),
    place("~/.jenv", "Java versions"),
    place("~/Library/Java", "Java versions"),
    place("~/.ghcup", "Haskell versions"),
    place("~/.opam", "OCaml versions"),
    place("~/.dotnet", ".NET versions"),
    place("~/.swiftly", "Swift versions"),
    place("~/go/bin", "Go programs"),
    place("~/sdk", "Go versions"),
    place("~/.local/bin", "programs of the user"),
    place("~/.local/lib", "libraries of the user"),
    place("~/.local/share/mise", "tool versions"),
    place("~/.local/share/uv/python", "Python versions"),
    place("~/.local/share/uv/tools", "Python programs"),
    place("~/.local/share/claude", "the program of Claude Code"),
    place("~/bin", "programs of the user"),
];

static CACHES: &[Place] = &[
    place("~/.cargo/registry", "packages of cargo"),
    place("~/.cargo/git", "packages of cargo"),
    place("~/.cargo/.package-cache", "lock of cargo"),
    place("~/.cargo/.package-cache-mutate", "lock of cargo"),
    place("~/.cargo/.global-cache", "what cargo used when"),
    place("~/.npm", "packages of npm"),
    place("~/Library/Caches/Yarn", "packages of Yarn"),
    place("~/Library/Caches/pnpm", "packages of pnpm"),
    place("~/Library/pnpm/store", "packages of pnpm"),
    place("~/.bun/install/cache", "packages of Bun"),
    place("~/Library/Caches/deno", "packages of Deno"),
    place("~/Library/Caches/pip", "packages of pip"),
    place("~/.cache/uv", "packages of uv"),
    place("~/Library/Caches/pypoetry", "packages of Poetry"),
    place("~/.m2/repository", "packages of Maven"),
    place("~/.gradle/caches", "packages of Gradle"),
    place("~/.gradle/wrapper", "versions of Gradle"),
    place("~/.gradle/native", "libraries of Gradle"),
    place("~/.gradle/daemon", "state of Gradle"),
    place("~/Library/Caches/Coursier", "packages of Scala"),
    place("~/go/pkg", "packages of Go"),
    place("~/Library/Caches/go-build", "results of the Go compiler"),
    place("~/.nuget/packages", "packages of .NET"),
    place("~/.gem/ruby", "packages of Ruby"),
    place("~/.pub-cache/hosted", "packages of Dart"),
];

static BUILD_CACHES: &[Place] = &[
    place("~/Library/Caches/ccache", "results of compilers"),
    place("~/Library/Caches/Mozilla.sccache", "results of compilers"),
    place("~/Library/Caches/bazel", "results of Bazel"),
    place("~/Library/Caches/bazelisk", "versions of Bazel"),
    place("~/Library/Caches/node-gyp", "headers of Node"),
    place("~/Library/Caches/CocoaPods", "packages of CocoaPods"),
    place("~/Library/Caches/org.swift.swiftpm", "packages of Swift"),
    place("~/Library/Developer/Xcode/DerivedData", "results of Xcode"),
];

static SETTINGS: &[Place] = &[
    place("~/.gitconfig", "settings of git"),
    place("~/.config/git/config", "settings of git"),
    place("~/.config/git/ignore", "what git does not track"),
    place("~/.config/git/attributes", "how git treats kinds of files"),
    place("~/.gitignore_global", "settings of git"),
    place("~/.vimrc", "settings of Vim"),
    place("~/.config/nvim", "settings of Neovim"),
    place("~/.nanorc", "settings of nano"),
    place("~/.inputrc", "keys of line editing"),
    place("~/.editorconfig", "settings of editors"),
    place("~/.tool-versions", "chosen tool versions"),
    place("~/.config/mise", "settings of mise"),
    place("~/.CFUserTextEncoding", "text encoding of the user"),
    place("~/Library/Fonts", "fonts"),
    place("~/Library/Preferences/.GlobalPreferences.plist", "language and region"),
];

static BROWSER: &[Place] = &[
    place("~/Library/Caches/ms-playwright", "browsers of Playwright"),
    place("~/.cache/puppeteer", "browsers of Puppeteer"),
    place("~/.cache/selenium", "drivers of Selenium"),
];
