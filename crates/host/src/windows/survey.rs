//! What `garth doctor` looks at beside what a plan needs: settings and abilities that decide nothing, and explain much.

use super::facts::name;
use super::sys::registry::{self, Hive};
use super::sys::{system, volume};
use garth_plan::windows::doctor::PROGRAMS;
use garth_plan::windows::facts::{CodeIntegrity, Survey};
use garth_policy::AbsPath;
use std::collections::BTreeMap;

const CURRENT: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const FILE_SYSTEM: &str = r"SYSTEM\CurrentControlSet\Control\FileSystem";
const DEVELOPER: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\AppModelUnlock";
const APP_PATHS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths";
const APP_LOCKER: &str = r"SOFTWARE\Policies\Microsoft\Windows\SrpV2";
const SHELL: &str = r"SOFTWARE\Microsoft\PowerShell\1\ShellIds\Microsoft.PowerShell";
const SHELL_POLICY: &str = r"SOFTWARE\Policies\Microsoft\Windows\PowerShell";

/// Scopes of PowerShell's execution policy, the strongest first ("about_Execution_Policies").
const SCOPES: [(&str, Hive, &str); 4] = [
    ("machine-policy", Hive::Machine, SHELL_POLICY),
    ("user-policy", Hive::User, SHELL_POLICY),
    ("user", Hive::User, SHELL),
    ("machine", Hive::Machine, SHELL),
];

/// Looks around. What this Windows does not say stays unknown.
#[must_use]
pub fn survey(workspace: &AbsPath) -> Survey {
    let place = name(workspace).ok();
    let place = place.as_deref();
    let is_on = |key: &str, value: &str| registry::number(Hive::Machine, key, value).map(|found| found != 0);
    let policies = SCOPES.iter().filter_map(|(scope, hive, key)| {
        registry::text(*hive, key, "ExecutionPolicy").map(|found| ((*scope).to_owned(), found))
    });
    Survey {
        edition: registry::text(Hive::Machine, CURRENT, "EditionID"),
        streams: place.and_then(|place| volume::of(place).ok()).map(|found| found.streams),
        case_sensitive: place.and_then(|place| volume::is_case_sensitive(place).ok()),
        short_names: place.and_then(|place| volume::has_short_name(place).ok()),
        long_paths: is_on(FILE_SYSTEM, "LongPathsEnabled"),
        developer_mode: is_on(DEVELOPER, "AllowDevelopmentWithoutDevLicense"),
        execution_policies: policies.collect(),
        app_locker: app_locker(),
        code_integrity: system::code_integrity().map(|(enforced, audit)| match (enforced, audit) {
            (true, true) => CodeIntegrity::Audit,
            (true, false) => CodeIntegrity::Enforced,
            (false, _) => CodeIntegrity::Off,
        }),
        app_paths: app_paths(),
    }
}

/// Collections whose rules are enforced: 1 says so, 0 that they are only recorded.
fn app_locker() -> Vec<String> {
    let enforced = |name: &&str| {
        registry::number(Hive::Machine, &format!(r"{APP_LOCKER}\{name}"), "EnforcementMode") == Some(1)
    };
    ["Exe", "Script", "Dll", "Msi", "Appx"]
        .iter()
        .filter(|name| enforced(name))
        .map(|name| (*name).to_owned())
        .collect()
}

/// Where programs say that they are, though no directory of `PATH` holds them.
fn app_paths() -> BTreeMap<String, AbsPath> {
    let mut found = BTreeMap::new();
    for program in PROGRAMS {
        let file = format!("{}.exe", program.name);
        let key = format!(r"{APP_PATHS}\{file}");
        let text = registry::text(Hive::User, &key, "").or_else(|| registry::text(Hive::Machine, &key, ""));
        let path = text.and_then(|text| AbsPath::windows(text.trim_matches('"')).ok());
        found.extend(path.map(|path| (file, path)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let path = AbsPath::windows(directory.path().to_str().unwrap()).unwrap();
        let found = survey(&path);
        assert!(found.streams.is_some(), "{found:?}");
        let gone = survey(&path.join(b"gone").unwrap());
        assert_eq!((gone.case_sensitive, gone.short_names), (None, None));
    }
}
