//! Fetches packages and looks into them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// npm packages with batch files in them.
const WITH_BATCH_FILES: &[&str] = &[
    "npm@11.21.2",
    "yarn@1.22.22",
    "cordova-android@6.4.0",
    "cordova-windows@7.0.1",
    "cordova-browser@4.1.0",
    "cordova-ios@4.5.5",
    "cordova-wp8@3.8.2",
    "cordova-blackberry10@3.8.0",
    "cordova-firefoxos@3.6.3",
    "cordova-amazon-fireos@3.6.3",
    "cordova-webos@3.7.0",
    "@react-native/gradle-plugin@0.86.3",
    "nativescript@9.1.1",
    "generator-jhipster@8.11.0",
    "node-windows@0.1.14",
    "node-gyp@12.4.0",
    "expo-template-bare-minimum@58.0.8",
    "libxmljs@1.0.11",
    "slimerjs@1.0.0",
    "react-native-windows@0.61.2",
    "@react-native-community/template@0.87.2",
    "node-pre-gyp@0.17.0",
];

/// npm packages with scripts of PowerShell in them, beside those above.
const WITH_POWERSHELL: &[&str] = &[
    "playwright-core@1.65.1",
    "@react-native-windows/cli@0.80.2",
    "windows-build-tools@5.2.2",
    "npm-windows-upgrade@6.0.1",
    "pm2@7.0.4",
];

/// npm packages with scripts that their authors run.
const WITH_SCRIPTS: &[&str] = &[
    "async@3.2.6",
    "ava@7.0.0",
    "axios@1.21.1",
    "bluebird@3.7.2",
    "chai@6.3.0",
    "chalk@5.6.2",
    "cheerio@1.2.0",
    "commander@14.0.3",
    "concurrently@9.2.5",
    "cross-env@10.1.0",
    "dayjs@1.11.23",
    "debug@4.4.3",
    "dotenv@18.0.10",
    "ejs@7.0.2",
    "eslint@10.15.0",
    "execa@9.6.1",
    "express@5.3.0",
    "fastify@5.12.8",
    "glob@14.0.6",
    "got@14.6.6",
    "handlebars@4.7.10",
    "husky@9.1.7",
    "immer@11.2.13",
    "ioredis@6.0.0",
    "jsdom@29.1.1",
    "knex@3.3.0",
    "koa@3.3.0",
    "less@4.9.1",
    "lint-staged@16.4.0",
    "mocha@12.0.3",
    "mongoose@9.12.1",
    "mysql2@3.24.6",
    "node-fetch@3.3.2",
    "nodemon@3.1.14",
    "npm-run-all@4.1.5",
    "pg@8.23.1",
    "pino@10.4.0",
    "postcss@8.5.33",
    "pug@3.0.4",
    "ramda@0.32.0",
    "redux@5.0.1",
    "rimraf@6.1.4",
    "semver@7.8.6",
    "sequelize@6.37.8",
    "sinon@22.1.0",
    "socket.io@4.8.4",
    "standard@17.1.2",
    "svelte@5.57.3",
    "tape@5.10.2",
    "underscore@1.13.8",
    "undici@7.30.2",
    "uuid@14.0.3",
    "vue@3.5.45",
    "webpack@5.113.0",
    "winston@3.19.0",
    "ws@8.23.0",
    "yargs@18.2.0",
];

/// PyPI packages with batch files or scripts of PowerShell in their wheels.
const WHEELS: &[&str] = &[
    "virtualenv==21.15.11",
    "conda-pack==0.9.2",
    "rez==3.4.0",
    "ansible-core==2.19.14",
    "pypsrp==0.9.1",
    "pywinrm==0.5.0",
];

/// Unpacked packages in a directory that goes with the process.
pub(crate) struct Packages {
    directory: TempDir,
}

impl Packages {
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Files whose names end so, each content once, in an order that does not change.
    pub(crate) fn files(&self, endings: &[&str]) -> Vec<(PathBuf, String)> {
        let is_wanted = |path: &Path| {
            let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
            endings.iter().any(|wanted| wanted.eq_ignore_ascii_case(ending))
        };
        let mut texts = BTreeMap::new();
        for path in self.all_files().into_iter().filter(|path| is_wanted(path)) {
            let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            texts.entry(text.unwrap_or_default()).or_insert(path);
        }
        let mut files: Vec<(PathBuf, String)> = texts.into_iter().map(|(text, path)| (path, text)).collect();
        files.sort();
        files
    }

    /// The scripts of every `package.json`, with their names, each text once.
    pub(crate) fn npm_scripts(&self) -> Vec<(String, String)> {
        let mut texts = BTreeMap::new();
        for path in self.all_files() {
            if path.file_name() != Some(OsStr::new("package.json")) {
                continue;
            }
            let Ok(manifest) = fs::read(&path)
                .map_err(drop)
                .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).map_err(drop))
            else {
                continue;
            };
            let package = manifest.get("name").and_then(|name| name.as_str()).unwrap_or("no name").to_owned();
            let scripts = manifest.get("scripts").and_then(|scripts| scripts.as_object());
            for (name, text) in scripts.into_iter().flatten() {
                if let Some(text) = text.as_str() {
                    texts.entry(text.to_owned()).or_insert_with(|| format!("{package} {name}"));
                }
            }
        }
        texts.into_iter().map(|(text, name)| (name, text)).collect()
    }

    fn all_files(&self) -> Vec<PathBuf> {
        let mut open = vec![self.directory().to_owned()];
        let mut found = Vec::new();
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(entry.path()),
                    Ok(kind) if kind.is_file() => found.push(entry.path()),
                    _ => {}
                }
            }
        }
        found.sort();
        found
    }
}

/// The packages, fetched once for all tests. `None` where that is not possible.
pub(crate) fn fetched() -> Option<&'static Packages> {
    static PACKAGES: OnceLock<Option<Packages>> = OnceLock::new();
    PACKAGES.get_or_init(fetch).as_ref()
}

fn fetch() -> Option<Packages> {
    let directory = TempDir::new().ok()?;
    let inside = directory.path();
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["pack", "--silent", "--fetch-retries=0", "--fetch-timeout=30000"]);
    npm.args(WITH_BATCH_FILES).args(WITH_POWERSHELL).args(WITH_SCRIPTS);
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--retries=0",
        "--timeout=30",
    ]);
    pip.args(["--disable-pip-version-check", "--platform=win_amd64", "--python-version=3.13"]).args(WHEELS);
    (succeeds(npm, inside) && succeeds(pip, inside)).then_some(())?;
    let archives: Vec<PathBuf> = fs::read_dir(inside).ok()?.flatten().map(|entry| entry.path()).collect();
    for archive in archives {
        let into = archive.with_extension("unpacked");
        fs::create_dir(&into).ok()?;
        let is_wheel = archive.extension() == Some(OsStr::new("whl"));
        let mut unpack = Command::new(if is_wheel { "python3" } else { "tar" });
        if is_wheel {
            unpack.args(["-m", "zipfile", "-e"]).arg(&archive).arg(&into);
        } else {
            unpack.arg("-xzf").arg(&archive).arg("-C").arg(&into);
        }
        succeeds(unpack, inside).then_some(())?;
    }
    Some(Packages { directory })
}

fn succeeds(mut command: Command, inside: &Path) -> bool {
    command.current_dir(inside).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
