//! Windows. Sources: "Known folders" in Microsoft's documentation, the documentation of each tool for its own
//! directories. Absolute rows stand on the drive of the user's home.

use super::{Place, Places, place};

pub(super) static PLACES: Places = Places {
    system: SYSTEM,
    minimal: MINIMAL,
    devices: &[],
    private: &[],
    toolchains: TOOLCHAINS,
    caches: CACHES,
    build_caches: BUILD_CACHES,
    settings: SETTINGS,
    browser: BROWSER,
};

static SYSTEM: &[Place] = &[
    place("/Windows", "programs and libraries; the registry files in it are denied"),
    place("/Program Files", "programs"),
    place("/Program Files (x86)", "programs"),
    place("/ProgramData/chocolatey", "programs of Chocolatey"),
    place("/ProgramData/scoop", "programs of Scoop"),
    place("/ProgramData/Microsoft/VisualStudio", "instances of Visual Studio"),
    place("/tools", "programs installed apart"),
    place("/msys64", "programs of MSYS2"),
    place("/Python", "Python versions"),
];

static MINIMAL: &[Place] = &[
    place("/Windows/System32", "programs and libraries; the registry files in it are denied"),
    place("/Windows/SysWOW64", "programs and libraries"),
    place("/Windows/WinSxS", "libraries"),
    place("/Windows/Globalization", "languages"),
    place("/Windows/Fonts", "fonts"),
    place("/Windows/assembly", "libraries of .NET"),
    place("/Windows/Microsoft.NET", "libraries of .NET"),
    place("/Program Files", "programs"),
    place("/Program Files (x86)", "programs"),
];

static TOOLCHAINS: &[Place] = &[
    place("~/.rustup", "Rust toolchains"),
    place("~/.cargo/bin", "Rust programs"),
    place("~/.cargo/config.toml", "settings of cargo"),
    place("~/AppData/Local/Programs", "programs of the user"),
    place("~/AppData/Roaming/npm", "Node programs"),
    place("~/AppData/Roaming/nvm", "Node versions"),
    place("~/AppData/Local/fnm_multishells", "Node versions"),
    place("~/AppData/Roaming/fnm", "Node versions"),
    place("~/AppData/Local/Volta", "Node versions"),
    place("~/AppData/Local/pnpm", "Node programs"),
    place("~/.bun/bin", "the Bun runtime"),
    place("~/.deno/bin", "the Deno runtime"),
    place("~/.pyenv", "Python versions"),
    place("~/AppData/Roaming/Python", "Python programs"),
    place("~/AppData/Roaming/uv/python", "Python versions"),
    place("~/AppData/Roaming/uv/tools", "Python programs"),
    place("~/AppData/Local/mise", "tool versions"),
    place("~/miniconda3", "Conda environments"),
    place("~/.dotnet", ".NET versions"),
    place("~/.jdks", "Java versions"),
    place("~/scoop", "programs of Scoop"),
    place("~/go/bin", "Go programs"),
    place("~/sdk", "Go versions"),
    place("~/.local/bin", "programs of the user"),
    place("~/.local/share/claude", "the program of Claude Code"),
    place("~/AppData/Local/Microsoft/WinGet/Packages", "programs of WinGet"),
    place("~/AppData/Local/Microsoft/WinGet/Links", "programs of WinGet"),
];

static CACHES: &[Place] = &[
    place("~/.cargo/registry", "packages of cargo"),
    place("~/.cargo/git", "packages of cargo"),
    place("~/.cargo/.package-cache", "lock of cargo"),
    place("~/.cargo/.package-cache-mutate", "lock of cargo"),
    place("~/.cargo/.global-cache", "what cargo used when"),
    place("~/AppData/Local/npm-cache", "packages of npm"),
    place("~/AppData/Local/Yarn", "packages of Yarn"),
    place("~/AppData/Local/pnpm-cache", "packages of pnpm"),
    place("~/AppData/Local/pnpm/store", "packages of pnpm"),
    place("~/.bun/install/cache", "packages of Bun"),
    place("~/AppData/Local/deno", "packages of Deno"),
    place("~/AppData/Local/pip/cache", "packages of pip"),
    place("~/AppData/Local/uv/cache", "packages of uv"),
    place("~/AppData/Local/pypoetry/Cache", "packages of Poetry"),
    place("~/.m2/repository", "packages of Maven"),
    place("~/.gradle/caches", "packages of Gradle"),
    place("~/.gradle/wrapper", "versions of Gradle"),
    place("~/.gradle/native", "libraries of Gradle"),
    place("~/.gradle/daemon", "state of Gradle"),
    place("~/go/pkg", "packages of Go"),
    place("~/AppData/Local/go-build", "results of the Go compiler"),
    place("~/.nuget/packages", "packages of .NET"),
    place("~/AppData/Local/NuGet", "packages of .NET"),
    place("~/AppData/Local/Pub/Cache/hosted", "packages of Dart"),
];

static BUILD_CACHES: &[Place] = &[
    place("~/AppData/Local/ccache", "results of compilers"),
    place("~/AppData/Local/Mozilla/sccache", "results of compilers"),
    place("~/AppData/Local/node-gyp", "headers of Node"),
    place("~/AppData/Local/vcpkg", "packages of vcpkg"),
    place("~/.conan2", "packages of Conan"),
    place("~/AppData/Local/electron", "downloads of Electron"),
    place("~/AppData/Local/bazelisk", "versions of Bazel"),
];

static SETTINGS: &[Place] = &[
    place("~/.gitconfig", "settings of git"),
    place("~/.config/git", "settings of git"),
    place("~/.vimrc", "settings of Vim"),
    place("~/_vimrc", "settings of Vim"),
    place("~/AppData/Local/nvim", "settings of Neovim"),
    place("~/.editorconfig", "settings of editors"),
    place("~/.tool-versions", "chosen tool versions"),
    place("~/.inputrc", "keys of line editing"),
    place("~/AppData/Local/Microsoft/Windows/Fonts", "fonts"),
];

static BROWSER: &[Place] = &[
    place("~/AppData/Local/ms-playwright", "browsers of Playwright"),
    place("~/.cache/puppeteer", "browsers of Puppeteer"),
    place("~/.cache/selenium", "drivers of Selenium"),
];
