//! Names of commands: cmdlets, aliases and module prefixes.

use super::bind;
use crate::command::Shell;

/// Aliases that version 7 has on every system and 5.1 as well.
const ALIASES: &[(&str, &str)] = &[
    ("%", "ForEach-Object"),
    ("?", "Where-Object"),
    ("ac", "Add-Content"),
    ("asnp", "Add-PSSnapin"),
    ("cat", "Get-Content"),
    ("cd", "Set-Location"),
    ("cfs", "ConvertFrom-String"),
    ("chdir", "Set-Location"),
    ("clc", "Clear-Content"),
    ("clear", "Clear-Host"),
    ("clhy", "Clear-History"),
    ("cli", "Clear-Item"),
    ("clp", "Clear-ItemProperty"),
    ("cls", "Clear-Host"),
    ("clv", "Clear-Variable"),
    ("cnsn", "Connect-PSSession"),
    ("compare", "Compare-Object"),
    ("copy", "Copy-Item"),
    ("cp", "Copy-Item"),
    ("cpi", "Copy-Item"),
    ("cpp", "Copy-ItemProperty"),
    ("curl", "Invoke-WebRequest"),
    ("cvpa", "Convert-Path"),
    ("dbp", "Disable-PSBreakpoint"),
    ("del", "Remove-Item"),
    ("diff", "Compare-Object"),
    ("dir", "Get-ChildItem"),
    ("dnsn", "Disconnect-PSSession"),
    ("ebp", "Enable-PSBreakpoint"),
    ("echo", "Write-Output"),
    ("epal", "Export-Alias"),
    ("epcsv", "Export-Csv"),
    ("epsn", "Export-PSSession"),
    ("erase", "Remove-Item"),
    ("etsn", "Enter-PSSession"),
    ("exsn", "Exit-PSSession"),
    ("fc", "Format-Custom"),
    ("fhx", "Format-Hex"),
    ("fl", "Format-List"),
    ("foreach", "ForEach-Object"),
    ("ft", "Format-Table"),
    ("fw", "Format-Wide"),
    ("gal", "Get-Alias"),
    ("gbp", "Get-PSBreakpoint"),
    ("gc", "Get-Content"),
    ("gcb", "Get-Clipboard"),
    ("gci", "Get-ChildItem"),
    ("gcim", "Get-CimInstance"),
    ("gcm", "Get-Command"),
    ("gcs", "Get-PSCallStack"),
    ("gdr", "Get-PSDrive"),
    ("gerr", "Get-Error"),
    ("ghy", "Get-History"),
    ("gi", "Get-Item"),
    ("gin", "Get-ComputerInfo"),
    ("gjb", "Get-Job"),
    ("gl", "Get-Location"),
    ("gm", "Get-Member"),
    ("gmo", "Get-Module"),
    ("gp", "Get-ItemProperty"),
    ("gps", "Get-Process"),
    ("gpv", "Get-ItemPropertyValue"),
    ("group", "Group-Object"),
    ("gsn", "Get-PSSession"),
    ("gsnp", "Get-PSSnapin"),
    ("gsv", "Get-Service"),
    ("gtz", "Get-TimeZone"),
    ("gu", "Get-Unique"),
    ("gv", "Get-Variable"),
    ("gwmi", "Get-WmiObject"),
    ("h", "Get-History"),
    ("history", "Get-History"),
    ("icim", "Invoke-CimMethod"),
    ("icm", "Invoke-Command"),
    ("iex", "Invoke-Expression"),
    ("ihy", "Invoke-History"),
    ("ii", "Invoke-Item"),
    ("ipal", "Import-Alias"),
    ("ipcsv", "Import-Csv"),
    ("ipmo", "Import-Module"),
    ("ipsn", "Import-PSSession"),
    ("irm", "Invoke-RestMethod"),
    ("ise", "powershell_ise.exe"),
    ("iwmi", "Invoke-WmiMethod"),
    ("iwr", "Invoke-WebRequest"),
    ("kill", "Stop-Process"),
    ("lp", "Out-Printer"),
    ("ls", "Get-ChildItem"),
    ("man", "help"),
    ("md", "mkdir"),
    ("measure", "Measure-Object"),
    ("mi", "Move-Item"),
    ("mount", "New-PSDrive"),
    ("move", "Move-Item"),
    ("mp", "Move-ItemProperty"),
    ("mv", "Move-Item"),
    ("nal", "New-Alias"),
    ("ndr", "New-PSDrive"),
    ("ni", "New-Item"),
    ("nmo", "New-Module"),
    ("npssc", "New-PSSessionConfigurationFile"),
    ("nsn", "New-PSSession"),
    ("nv", "New-Variable"),
    ("ogv", "Out-GridView"),
    ("oh", "Out-Host"),
    ("popd", "Pop-Location"),
    ("ps", "Get-Process"),
    ("pushd", "Push-Location"),
    ("pwd", "Get-Location"),
    ("r", "Invoke-History"),
    ("rbp", "Remove-PSBreakpoint"),
    ("rcie", "Register-CimIndicationEvent"),
    ("rcim", "Remove-CimInstance"),
    ("rcjb", "Receive-Job"),
    ("rcsn", "Receive-PSSession"),
    ("rd", "Remove-Item"),
    ("rdr", "Remove-PSDrive"),
    ("ren", "Rename-Item"),
    ("ri", "Remove-Item"),
    ("rjb", "Remove-Job"),
    ("rm", "Remove-Item"),
    ("rmdir", "Remove-Item"),
    ("rmo", "Remove-Module"),
    ("rni", "Rename-Item"),
    ("rnp", "Rename-ItemProperty"),
    ("rp", "Remove-ItemProperty"),
    ("rsn", "Remove-PSSession"),
    ("rsnp", "Remove-PSSnapin"),
    ("rujb", "Resume-Job"),
    ("rv", "Remove-Variable"),
    ("rvpa", "Resolve-Path"),
    ("rwmi", "Remove-WmiObject"),
    ("sajb", "Start-Job"),
    ("sal", "Set-Alias"),
    ("saps", "Start-Process"),
    ("sasv", "Start-Service"),
    ("sbp", "Set-PSBreakpoint"),
    ("sc", "Set-Content"),
    ("scb", "Set-Clipboard"),
    ("scim", "Set-CimInstance"),
    ("select", "Select-Object"),
    ("set", "Set-Variable"),
    ("shcm", "Show-Command"),
    ("si", "Set-Item"),
    ("sl", "Set-Location"),
    ("sleep", "Start-Sleep"),
    ("sls", "Select-String"),
    ("sort", "Sort-Object"),
    ("sp", "Set-ItemProperty"),
    ("spjb", "Stop-Job"),
    ("spps", "Stop-Process"),
    ("spsv", "Stop-Service"),
    ("start", "Start-Process"),
    ("stz", "Set-TimeZone"),
    ("sujb", "Suspend-Job"),
    ("sv", "Set-Variable"),
    ("swmi", "Set-WmiInstance"),
    ("tee", "Tee-Object"),
    ("trcm", "Trace-Command"),
    ("type", "Get-Content"),
    ("wget", "Invoke-WebRequest"),
    ("where", "Where-Object"),
    ("wjb", "Wait-Job"),
    ("write", "Write-Output"),
];

/// Aliases that exist in 5.1 alone.
const FIVE_ALONE: &[&str] = &[
    "asnp", "cfs", "curl", "epsn", "gsnp", "gwmi", "ise", "iwmi", "lp", "npssc", "rsnp", "rujb", "rwmi",
    "sujb", "swmi", "trcm", "wget",
];

/// Aliases that version 7 has on Windows alone: elsewhere a program of the name runs.
const WINDOWS_ALONE: &[&str] = &[
    "ac", "cat", "clear", "compare", "cp", "cpp", "diff", "kill", "ls", "man", "mount", "mv", "ps", "rm",
    "rmdir", "sleep", "sort", "start", "tee", "write", "sasv", "spsv", "gsv", "gcb", "scb", "gin", "gtz",
    "stz", "ogv", "shcm",
];

/// Modules that come with Windows or with PowerShell, whose name may stand before that of a command.
const MODULES: &[&str] = &[
    "appx",
    "bitlocker",
    "bitstransfer",
    "cimcmdlets",
    "configdefender",
    "defender",
    "dism",
    "dnsclient",
    "hyper-v",
    "microsoft.powershell.archive",
    "microsoft.powershell.core",
    "microsoft.powershell.diagnostics",
    "microsoft.powershell.host",
    "microsoft.powershell.localaccounts",
    "microsoft.powershell.management",
    "microsoft.powershell.security",
    "microsoft.powershell.utility",
    "microsoft.wsman.management",
    "netadapter",
    "netsecurity",
    "nettcpip",
    "packagemanagement",
    "pki",
    "powershellget",
    "psreadline",
    "psscheduledjob",
    "scheduledtasks",
    "smbshare",
    "storage",
    "threadjob",
];

/// The name without the prefix of a module, if that is one of the system's.
fn without_module(name: &str) -> Option<&str> {
    match name.rsplit_once('\\') {
        None => Some(name),
        Some((module, name)) => MODULES.contains(&module.to_lowercase().as_str()).then_some(name),
    }
}

/// The cmdlet that a name runs, as the documentation spells it: by its own name in any case, with the name of its
/// module before it, by a built-in alias, or with `Get-` left out. `None` if it runs none. Where that depends on the
/// system, the name may also be that of a program: see [`may_be_program`].
#[must_use]
pub fn cmdlet(shell: Shell, name: &str) -> Option<&'static str> {
    let name = without_module(name)?.to_lowercase();
    let alias = ALIASES.binary_search_by_key(&name.as_str(), |(alias, _)| alias).ok();
    let is_five = shell == Shell::WindowsPowershell;
    if let Some((_, full)) = alias.and_then(|at| ALIASES.get(at))
        && (is_five || !FIVE_ALONE.contains(&name.as_str()))
    {
        return Some(full);
    }
    let is_word = name.chars().all(|letter| letter.is_ascii_alphabetic());
    bind::canonical(&name).or_else(|| if is_word { bind::canonical(&format!("get-{name}")) } else { None })
}

/// True if a name that [`cmdlet`] knows runs a program on some systems: an alias that exists on Windows alone, or a
/// name to which `Get-` is added only where no program has it.
#[must_use]
pub fn may_be_program(shell: Shell, name: &str) -> bool {
    let lower = name.to_lowercase();
    let is_alias = ALIASES.binary_search_by_key(&lower.as_str(), |(alias, _)| alias).is_ok();
    if is_alias {
        return shell != Shell::WindowsPowershell
            && (WINDOWS_ALONE.contains(&lower.as_str()) || FIVE_ALONE.contains(&lower.as_str()));
    }
    without_module(&lower).is_none_or(|name| bind::canonical(name).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_sorted() {
        assert!(ALIASES.is_sorted_by_key(|(alias, _)| alias));
        for alias in FIVE_ALONE.iter().chain(WINDOWS_ALONE) {
            assert!(ALIASES.iter().any(|(known, _)| known == alias), "{alias}");
        }
    }

    #[test]
    fn names_in_every_spelling() {
        let five = |name| cmdlet(Shell::WindowsPowershell, name);
        let seven = |name| cmdlet(Shell::Pwsh, name);
        assert_eq!(five("CURL"), Some("Invoke-WebRequest"));
        assert_eq!(seven("curl"), None);
        assert_eq!(seven("rm"), Some("Remove-Item"));
        assert!(may_be_program(Shell::Pwsh, "rm") && !may_be_program(Shell::WindowsPowershell, "rm"));
        assert_eq!(five(r"Microsoft.PowerShell.Management\REMOVE-item"), Some("Remove-Item"));
        assert_eq!(five(r"Mine\Remove-Item"), None);
        assert_eq!(five("process"), Some("Get-Process"));
        assert!(may_be_program(Shell::WindowsPowershell, "process"));
        assert_eq!(five("git"), None);
    }
}
