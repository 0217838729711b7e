//! Limits as settings of a control group (`cgroup-v2` of the kernel's documentation).
//!
//! A group of its own is made only where a limit needs it: moving a process into one makes it wait for the whole
//! machine (some 10 ms), and a number of processes is held without.

use super::spec::{Group, Limits, Setting};
use crate::facts::ControlGroup;
use garth_policy::Policy;

/// Threads of the runner itself, which live in the group as well.
const OF_THE_RUNNER: u64 = 4;
/// Length of the period in which processor time is counted, in microseconds: the kernel's own default.
const PERIOD: u64 = 100_000;
/// The kernel takes no shorter share of a period than this, in microseconds.
const SHORTEST: u64 = 1_000;

/// Whether a control group is worth looking for.
pub(super) fn wanted(policy: &Policy) -> bool {
    policy.limits.memory.is_some() || policy.limits.cpu.is_some()
}

/// The group for these limits; `None` where none is wanted or none of the controllers is there.
pub(super) fn lower(policy: &Policy, found: Option<&ControlGroup>) -> Option<Group> {
    let found = found.filter(|_| wanted(policy))?;
    let has = |name: &str| found.controllers.contains(name);
    let setting = |file: &str, value: String, optional| Setting { file: file.to_owned(), value, optional };
    let mut settings = Vec::new();
    let limits = &policy.limits;
    if let Some(memory) = limits.memory.as_ref().filter(|_| has("memory")) {
        settings.push(setting("memory.max", memory.value.to_string(), false));
        // Without accounting of swap the file is not there, and nothing of the group is swapped beyond its limit.
        settings.push(setting("memory.swap.max", "0".into(), true));
        settings.push(setting("memory.oom.group", "1".into(), false));
    }
    if let Some(cpu) = limits.cpu.as_ref().filter(|_| has("cpu")) {
        let quota = cpu.value.saturating_mul(PERIOD / 1_000).max(SHORTEST);
        settings.push(setting("cpu.max", format!("{quota} {PERIOD}"), false));
    }
    if settings.is_empty() {
        return None;
    }
    if let Some(processes) = limits.processes.as_ref().filter(|_| has("pids")) {
        settings.push(setting("pids.max", processes.value.saturating_add(OF_THE_RUNNER).to_string(), false));
    }
    Some(Group { parent: found.parent.clone(), settings })
}

/// Takes from the runner what the group holds.
pub(super) fn relieve(limits: &mut Limits, group: Option<&Group>) {
    let holds = |file: &str| group.is_some_and(|group| group.holds(file));
    if holds("memory.max") {
        limits.memory = None;
    }
    if holds("pids.max") && limits.count_processes {
        (limits.processes, limits.count_processes) = (None, false);
    }
    if holds("cpu.max") {
        limits.processors = None;
    }
}

impl Group {
    /// Whether the group sets this file.
    #[must_use]
    pub fn holds(&self, file: &str) -> bool {
        self.settings.iter().any(|setting| setting.file == file)
    }
}

/// Whole processors within a limit in thousandths of one: what binding to processors can hold.
pub(super) fn processors(thousandths: u64) -> Option<u32> {
    u32::try_from(thousandths / 1_000).ok().filter(|whole| *whole > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::{AbsPath, Context, Layer, Origin, Os, Profile, Sourced};

    fn policy() -> Policy {
        let path = |text: &str| AbsPath::posix(text.as_bytes()).unwrap();
        let context = Context {
            os: Os::Linux,
            workspace: path("/home/ada/project"),
            home: path("/home/ada"),
            tmp: path("/tmp"),
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: Vec::new(),
        };
        Policy::builtin(Profile::Workspace, &context)
    }

    fn sourced(value: u64) -> Option<Sourced<u64>> {
        Some(Sourced { value, origin: Origin::unplaced(Layer::User, "test") })
    }

    fn found(controllers: &[&str]) -> ControlGroup {
        ControlGroup {
            parent: AbsPath::posix(&b"/sys/fs/cgroup/app.slice"[..]).unwrap(),
            controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn shown(group: Option<Group>) -> Vec<String> {
        let settings = group.map(|group| group.settings).unwrap_or_default();
        settings.into_iter().map(|setting| format!("{}={}", setting.file, setting.value)).collect()
    }

    #[test]
    fn the_default_policy_needs_no_group() {
        assert_eq!(lower(&policy(), Some(&found(&["memory", "pids", "cpu"]))), None);
    }

    #[test]
    fn limits_become_settings_of_the_controllers_that_are_there() {
        let mut policy = policy();
        policy.limits.memory = sourced(1 << 20);
        policy.limits.cpu = sourced(1_500);
        policy.limits.processes = sourced(60);
        let all = lower(&policy, Some(&found(&["memory", "pids", "cpu"])));
        let wanted = [
            "memory.max=1048576",
            "memory.swap.max=0",
            "memory.oom.group=1",
            "cpu.max=150000 100000",
            "pids.max=64",
        ];
        assert_eq!(shown(all), wanted);
        assert_eq!(shown(lower(&policy, Some(&found(&["cpu"])))), ["cpu.max=150000 100000"]);
        assert_eq!(lower(&policy, Some(&found(&["pids", "io"]))), None, "processes alone are held without");
        assert_eq!(lower(&policy, None), None);
    }

    #[test]
    fn only_whole_processors_can_be_bound_to() {
        assert_eq!([500, 1_000, 1_500, 2_000].map(processors), [None, Some(1), Some(1), Some(2)]);
    }
}
