//! Names of .NET types as PowerShell resolves them.

/// Type accelerators (about_Type_Accelerators) and the types that they stand for.
const ACCELERATORS: &[(&str, &str)] = &[
    ("adsi", "System.DirectoryServices.DirectoryEntry"),
    ("adsisearcher", "System.DirectoryServices.DirectorySearcher"),
    ("array", "System.Array"),
    ("bigint", "System.Numerics.BigInteger"),
    ("bool", "System.Boolean"),
    ("byte", "System.Byte"),
    ("char", "System.Char"),
    ("cimclass", "Microsoft.Management.Infrastructure.CimClass"),
    ("ciminstance", "Microsoft.Management.Infrastructure.CimInstance"),
    ("cimsession", "Microsoft.Management.Infrastructure.CimSession"),
    ("cultureinfo", "System.Globalization.CultureInfo"),
    ("datetime", "System.DateTime"),
    ("decimal", "System.Decimal"),
    ("double", "System.Double"),
    ("float", "System.Single"),
    ("guid", "System.Guid"),
    ("hashtable", "System.Collections.Hashtable"),
    ("initialsessionstate", "System.Management.Automation.Runspaces.InitialSessionState"),
    ("int", "System.Int32"),
    ("int16", "System.Int16"),
    ("int32", "System.Int32"),
    ("int64", "System.Int64"),
    ("ipaddress", "System.Net.IPAddress"),
    ("ipendpoint", "System.Net.IPEndPoint"),
    ("long", "System.Int64"),
    ("mailaddress", "System.Net.Mail.MailAddress"),
    ("object", "System.Object"),
    ("ordered", "System.Collections.Specialized.OrderedDictionary"),
    ("physicaladdress", "System.Net.NetworkInformation.PhysicalAddress"),
    ("powershell", "System.Management.Automation.PowerShell"),
    ("pscredential", "System.Management.Automation.PSCredential"),
    ("pscustomobject", "System.Management.Automation.PSObject"),
    ("psmoduleinfo", "System.Management.Automation.PSModuleInfo"),
    ("psobject", "System.Management.Automation.PSObject"),
    ("ref", "System.Management.Automation.PSReference"),
    ("regex", "System.Text.RegularExpressions.Regex"),
    ("runspace", "System.Management.Automation.Runspaces.Runspace"),
    ("runspacefactory", "System.Management.Automation.Runspaces.RunspaceFactory"),
    ("sbyte", "System.SByte"),
    ("scriptblock", "System.Management.Automation.ScriptBlock"),
    ("securestring", "System.Security.SecureString"),
    ("short", "System.Int16"),
    ("single", "System.Single"),
    ("string", "System.String"),
    ("switch", "System.Management.Automation.SwitchParameter"),
    ("timespan", "System.TimeSpan"),
    ("type", "System.Type"),
    ("uint", "System.UInt32"),
    ("uint16", "System.UInt16"),
    ("uint32", "System.UInt32"),
    ("uint64", "System.UInt64"),
    ("ulong", "System.UInt64"),
    ("uri", "System.Uri"),
    ("ushort", "System.UInt16"),
    ("version", "System.Version"),
    ("void", "System.Void"),
    ("wmi", "System.Management.ManagementObject"),
    ("wmiclass", "System.Management.ManagementClass"),
    ("wmisearcher", "System.Management.ManagementObjectSearcher"),
    ("x500distinguishedname", "System.Security.Cryptography.X509Certificates.X500DistinguishedName"),
    ("x509certificate", "System.Security.Cryptography.X509Certificates.X509Certificate"),
    ("xml", "System.Xml.XmlDocument"),
];

/// Types that are spelled in one way, whatever way the text spells them.
const TYPES: &[&str] = &[
    "Microsoft.VisualBasic.FileIO.FileSystem",
    "Microsoft.VisualBasic.Interaction",
    "Microsoft.Win32.Registry",
    "Microsoft.Win32.RegistryKey",
    "System.Activator",
    "System.AppDomain",
    "System.BitConverter",
    "System.Buffer",
    "System.CodeDom.Compiler.CompilerParameters",
    "System.Collections.ArrayList",
    "System.Console",
    "System.Convert",
    "System.Delegate",
    "System.Diagnostics.EventLog",
    "System.Diagnostics.Process",
    "System.Diagnostics.ProcessStartInfo",
    "System.Diagnostics.Stopwatch",
    "System.Environment",
    "System.GC",
    "System.IO.BinaryWriter",
    "System.IO.Compression.GZipStream",
    "System.IO.Compression.ZipFile",
    "System.IO.Directory",
    "System.IO.DirectoryInfo",
    "System.IO.DriveInfo",
    "System.IO.File",
    "System.IO.FileInfo",
    "System.IO.FileStream",
    "System.IO.MemoryStream",
    "System.IO.Path",
    "System.IO.Pipes.NamedPipeClientStream",
    "System.IO.StreamReader",
    "System.IO.StreamWriter",
    "System.IO.StringReader",
    "System.Linq.Enumerable",
    "System.Management.Automation.Language.Parser",
    "System.Management.ManagementBaseObject",
    "System.Math",
    "System.Net.Dns",
    "System.Net.Http.HttpClient",
    "System.Net.HttpWebRequest",
    "System.Net.NetworkInformation.Ping",
    "System.Net.ServicePointManager",
    "System.Net.Sockets.TcpClient",
    "System.Net.Sockets.TcpListener",
    "System.Net.Sockets.UdpClient",
    "System.Net.WebClient",
    "System.Net.WebRequest",
    "System.Random",
    "System.Reflection.Assembly",
    "System.Runtime.InteropServices.Marshal",
    "System.Runtime.InteropServices.RuntimeInformation",
    "System.Security.Cryptography.SHA256",
    "System.Security.Principal.WindowsIdentity",
    "System.Security.Principal.WindowsPrincipal",
    "System.ServiceProcess.ServiceController",
    "System.Text.Encoding",
    "System.Text.StringBuilder",
    "System.Threading.Tasks.Task",
    "System.Threading.Thread",
    "System.Web.HttpUtility",
    "System.Windows.Forms.MessageBox",
    "System.Windows.Forms.SendKeys",
];

/// Namespaces in `System` that are often written without it.
const NAMESPACES: &[&str] = &[
    "codedom.",
    "collections.",
    "componentmodel.",
    "data.",
    "diagnostics.",
    "directoryservices.",
    "drawing.",
    "globalization.",
    "io.",
    "linq.",
    "management.",
    "net.",
    "reflection.",
    "runtime.",
    "security.",
    "serviceprocess.",
    "text.",
    "threading.",
    "web.",
    "windows.",
    "xml.",
];

/// Types whose static members compute and do nothing else. Those that do more are named behind them.
const PLAIN: &[(&str, &[&str])] = &[
    ("System.Array", &[]),
    ("System.BitConverter", &[]),
    ("System.Boolean", &[]),
    ("System.Byte", &[]),
    ("System.Char", &[]),
    ("System.Convert", &[]),
    ("System.DateTime", &[]),
    ("System.Decimal", &[]),
    ("System.Double", &[]),
    ("System.Guid", &[]),
    ("System.IO.Path", &["GetTempFileName"]),
    ("System.Int32", &[]),
    ("System.Int64", &[]),
    ("System.Math", &[]),
    ("System.String", &[]),
    ("System.Text.Encoding", &[]),
    ("System.Text.RegularExpressions.Regex", &[]),
    ("System.Text.StringBuilder", &[]),
    ("System.TimeSpan", &[]),
    ("System.Uri", &[]),
    ("System.Version", &[]),
];

/// Methods that, on an object of any type of the library, look at it or compute.
const PLAIN_METHODS: &[&str] = &[
    "compareto",
    "contains",
    "containskey",
    "endswith",
    "equals",
    "getenumerator",
    "gethashcode",
    "gettype",
    "indexof",
    "insert",
    "lastindexof",
    "padleft",
    "padright",
    "replace",
    "split",
    "startswith",
    "substring",
    "tochararray",
    "tolower",
    "tolowerinvariant",
    "tostring",
    "toupper",
    "toupperinvariant",
    "trim",
    "trimend",
    "trimstart",
];

/// The full name of a type as the text writes it, with the namespaces of `using namespace`. Nothing if it could be
/// several.
pub(super) fn full_name(written: &str, namespaces: &[String]) -> Option<String> {
    let name = written.split(',').next().unwrap_or_default().trim_matches(['[', ']']).replace('`', "");
    let (name, is_array) = match written.strip_suffix("[]") {
        Some(element) => (element.to_owned(), true),
        None => (name, false),
    };
    let full = plain_name(&name, namespaces)?;
    Some(if is_array { full + "[]" } else { full })
}

fn plain_name(name: &str, namespaces: &[String]) -> Option<String> {
    let lower = name.to_lowercase();
    if let Ok(at) = ACCELERATORS.binary_search_by_key(&lower.as_str(), |(short, _)| short) {
        return ACCELERATORS.get(at).map(|(_, full)| (*full).to_owned());
    }
    let known = |wanted: &str| {
        let full = ACCELERATORS.iter().map(|(_, full)| *full).chain(TYPES.iter().copied());
        full.into_iter().find(|full| full.eq_ignore_ascii_case(wanted)).map(str::to_owned)
    };
    let guesses = namespaces.iter().map(|namespace| format!("{namespace}.{name}"));
    let guesses = [name.to_owned(), format!("System.{name}")].into_iter().chain(guesses);
    if let Some(full) = guesses.into_iter().find_map(|guess| known(&guess)) {
        return Some(full);
    }
    if NAMESPACES.iter().any(|namespace| lower.starts_with(namespace)) {
        return Some(format!("System.{name}"));
    }
    (lower.contains('.') || namespaces.is_empty()).then(|| name.to_owned())
}

/// True for a static member that computes and does nothing else.
pub(super) fn is_plain_static(full: &str, member: &str) -> bool {
    let plain = PLAIN.iter().find(|(name, _)| *name == full);
    plain.is_some_and(|(_, others)| !others.iter().any(|other| other.eq_ignore_ascii_case(member)))
}

/// True for a method that, on an object of any type of the library, looks at it or computes.
pub(super) fn is_plain_method(member: &str) -> bool {
    PLAIN_METHODS.contains(&member.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accelerators_are_sorted() {
        assert!(ACCELERATORS.is_sorted_by_key(|(short, _)| short));
    }

    #[test]
    fn a_type_has_one_name() {
        let table = [
            ("io.file", "System.IO.File"),
            ("SYSTEM.IO.FILE", "System.IO.File"),
            ("char[]", "System.Char[]"),
            ("wmiclass", "System.Management.ManagementClass"),
            ("Net.Sockets.Socket", "System.Net.Sockets.Socket"),
            ("Diagnostics.Process", "System.Diagnostics.Process"),
            ("My.Own", "My.Own"),
            ("Mine", "Mine"),
        ];
        for (written, full) in table {
            assert_eq!(full_name(written, &[]).as_deref(), Some(full), "{written}");
        }
        let namespaces = ["System.IO".to_owned()];
        assert_eq!(full_name("file", &namespaces).as_deref(), Some("System.IO.File"));
        assert_eq!(full_name("Mine", &namespaces), None);
    }
}
