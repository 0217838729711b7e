//! `garth doctor` on Windows: what this machine says of itself. What a sandbox holds here, its start shows.

use crate::failure::Failure;
use garth::plan::windows::facts::Feature;
use std::io::Write;

/// Features, with what lacks without them.
const FEATURES: &[(Feature, &str, &str)] = &[
    (Feature::AppContainer, "containers", "the tier `container` does not work; Windows 8 brought it"),
    (Feature::PseudoConsole, "pseudoconsoles", "commands get no terminal; Windows 10 1809 brought them"),
];

/// Shows the machine. Exit code 121 if the default tier cannot work.
pub fn run(json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let failed = |error: garth::windows::HostError| {
        let hint = error.remedy().unwrap_or_else(|| "see docs/platforms.md".to_owned());
        Failure::own("cannot look at this machine", &error, hint)
    };
    let system = garth::windows::system().map_err(failed)?;
    let user = garth::windows::user("").map_err(failed)?;
    let works = !system.refused.contains_key(&Feature::AppContainer);
    if json {
        let whole = serde_json::json!({
            "version": 1, "runs": works, "system": system, "elevated": user.elevated,
            "domain-joined": user.domain_joined,
        });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
        return Ok(if works { 0 } else { 121 });
    }
    writeln!(out, "system          {} (build {}, {})", system.name, system.build, system.arch)?;
    writeln!(
        out,
        "user            {}",
        if user.elevated { "an administrator, elevated" } else { "not elevated" }
    )?;
    writeln!(out, "domain          {}", if user.domain_joined { "joined" } else { "none" })?;
    for (feature, name, without) in FEATURES {
        match system.refused.get(feature) {
            None => writeln!(out, "{name:<15} there; not tried")?,
            Some(why) => writeln!(out, "{name:<15} missing: {why}\nhint: {without}")?,
        }
    }
    let tier = if works { "container" } else { "none: `garth run` refuses the default policy" };
    writeln!(out, "tier            {tier}")?;
    Ok(if works { 0 } else { 121 })
}
