//! The JSON Schema of policy files, for editors. The reader in `load` is the authority; a test holds the two together.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The policy of a sandbox: what a command may read, write, reach and use.
#[derive(JsonSchema)]
#[schemars(title = "garth policy", deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct PolicyFile {
    /// Version of the format; always 1.
    version: Version,
    /// The built-in profile to start from; `workspace` if none is named.
    profile: Option<ProfileName>,
    /// Access by path or pattern. The most specific wins; a tie goes to the stricter. A key is absolute, starts with
    /// `~/`, is relative to the workspace, or starts with `:workspace`, `:tmp`, `:home`, `:system`, `:toolchains` or
    /// `:caches`; `*`, `?`, `[..]`, `{a,b}` and `**` make it a pattern, which also covers names that appear later.
    files: Option<BTreeMap<String, FileEntry>>,
    /// The network.
    network: Option<NetworkSection>,
    /// Rules for commands, vetted before they run. Of several that match, the strictest decides.
    commands: Option<Vec<CommandSection>>,
    /// What programs do that the table of the vetting does not know, or knows otherwise; see docs/vetting-knowledge.md. Not in
    /// a project's file.
    programs: Option<BTreeMap<String, ProgramSection>>,
    /// Environment variables.
    env: Option<EnvSection>,
    /// Limits on resources.
    limits: Option<LimitsSection>,
    /// What happens when a rule says `ask`.
    approvals: Option<ApprovalsSection>,
    /// How strong the boundary must be.
    tier: Option<TierSection>,
    /// The audit log.
    audit: Option<AuditSection>,
    /// What of a command's changes can be taken back.
    undo: Option<UndoSection>,
    /// What an agent may leave behind outside. See `docs/agents.md`.
    agents: Option<AgentsSection>,
    /// Unix sockets of the host that are reachable from inside.
    sockets: Option<SocketsSection>,
    /// Devices that are reachable from inside.
    devices: Option<DevicesSection>,
}

struct Version;

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Version")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "integer", "const": crate::load::written::VERSION })
    }
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum ProfileName {
    Strict,
    ReadOnly,
    Workspace,
    Build,
    Browser,
    Open,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum AccessWord {
    /// Neither read nor write, as if it did not exist.
    Deny,
    /// Read only.
    Read,
    /// Reads see the real one, writes go to a private layer.
    Overlay,
    /// Read and write.
    Write,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it exists for its schema")]
enum FileEntry {
    Word(AccessWord),
    Table(FileTable),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct FileTable {
    /// The access.
    access: AccessWord,
    /// Whether programs below may be run; true if it is left out.
    execute: Option<bool>,
    /// Why, shown when something is denied.
    reason: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum Mode {
    /// No network.
    Deny,
    /// The named domains only; an empty list means none.
    AllowList,
    /// Every public address but the denied domains.
    Open,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum DomainWord {
    Allow,
    Deny,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct NetworkSection {
    /// How far the network is open.
    mode: Option<Mode>,
    /// Hosts by name: `example.com`, `*.example.com` for all names below it, an address, or a block of addresses such as
    /// `10.1.0.0/16`, each with an optional `:port`. A deny beats every allow. A private address is opened only by a
    /// rule that names it, or a block no larger than its range.
    domains: Option<BTreeMap<String, DomainWord>>,
    /// Ports of servers inside that the host's loopback reaches.
    listen: Option<Vec<u16>>,
    /// Loopback ports of the host that are reachable from inside.
    host_ports: Option<Vec<u16>>,
    /// Limits on methods and paths; a host that some rule names is limited to what its rules allow.
    rules: Option<Vec<HttpSection>>,
    /// Bounds on what leaves in one session, whatever is allowed.
    budget: Option<BudgetSection>,
    /// The proxy between this machine and the internet. Without it the variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and
    /// `NO_PROXY` of the broker's own environment say which. The administrator's comes first; an untrusted project names none.
    proxy: Option<ProxySection>,
    /// Secrets that never come in: inside is a placeholder, which the proxy replaces on the way to the hosts named.
    secrets: Option<BTreeMap<String, SecretSection>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct BudgetSection {
    /// Bytes that may be sent to one host, such as `50MiB`; any number if it is left out.
    upload: Option<String>,
    /// Names per minute that were not asked for before, 1 to 1000000; 600 if it is left out. It bounds what can be told in
    /// names below a wildcard.
    #[schemars(range(min = 1, max = 1_000_000))]
    new_names: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct ProxySection {
    /// `http://proxy.example:3128` or `socks5h://proxy.example:1080`, without user and password; `none` for no proxy, whatever
    /// the environment says.
    url: String,
    /// What is reached without it: names with all below them, addresses, blocks such as `10.0.0.0/8`.
    except: Option<Vec<String>>,
    /// Where `user:password` is, as the source of a secret: `env:NAME`, `file:/path`, `command:PROGRAM ARGUMENT ...` or
    /// `keyring:SERVICE/ACCOUNT`.
    credentials: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct HttpSection {
    /// Which host, as in `domains`.
    host: String,
    /// Methods in capitals; all if it is left out.
    methods: Option<Vec<String>>,
    /// Paths, with `*` within and `**` across segments; all if it is left out.
    paths: Option<Vec<String>>,
    /// Bytes that may be sent to each host that the rule names, such as `10MiB`, all requests and connections of the session
    /// together. Of several rules and the budget the least counts. A rule with nothing else opens no TLS.
    upload: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct SecretSection {
    /// Where the real value is: `env:NAME`, `file:/path`, `command:PROGRAM ARGUMENT ...` (run outside, without a shell; not in
    /// a project's file), or `keyring:SERVICE/ACCOUNT`.
    from: String,
    /// Hosts that may see it, as in `domains`.
    hosts: Vec<String>,
    /// In which parts of a request it is put in; `["headers"]` if it is left out. In `path` and `query` it is percent-encoded. For
    /// `body` the placeholder is as long as the value, which tells that length, and the value must be one that no usual form of
    /// body writes differently.
    r#in: Option<Vec<PlaceWord>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum PlaceWord {
    /// Values of headers, also within `Authorization: Basic`.
    Headers,
    /// The path of the target.
    Path,
    /// The query of the target.
    Query,
    /// The body, unless it is compressed.
    Body,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it exists for its schema")]
enum PrefixWord {
    One(String),
    Choice(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum DecisionWord {
    Allow,
    Ask,
    Deny,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct CommandSection {
    /// The words at the start of the command line, each a word or a list of words to choose from.
    prefix: Vec<PrefixWord>,
    /// What the rule says.
    decision: DecisionWord,
    /// Why, for the user and the agent.
    reason: Option<String>,
    /// Command lines that the rule must match, checked when the file loads.
    r#match: Option<Vec<String>>,
    /// Command lines that the rule must not match, checked when the file loads.
    not_match: Option<Vec<String>>,
    /// Agents to which the rule applies; all if it is left out.
    agents: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum StyleWord {
    /// Clustered short options, long ones with `=`.
    Gnu,
    /// Long names behind one dash.
    Dash,
    /// `/x`, `/x:value`, in any case.
    Slash,
    /// Parameters of PowerShell.
    Parameters,
}

/// A table that is described elsewhere.
struct OpenTable;

impl JsonSchema for OpenTable {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("OpenTable")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "object" })
    }
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct ProgramSection {
    /// Further names, with commas between.
    also: Option<String>,
    /// Other names of the same program, with commas between.
    aliases: Option<String>,
    /// As `aliases`, in Windows PowerShell 5.1 alone.
    old_aliases: Option<String>,
    /// What the program does, shown to people.
    reason: String,
    /// Where the facts are from.
    source: String,
    /// How the program reads its options; `gnu` if it is left out.
    style: Option<StyleWord>,
    /// Switches that change nothing here, with blanks between.
    flags: Option<String>,
    /// Options with a value that changes nothing here, with blanks between.
    values: Option<String>,
    /// Options that take a value only when it is joined, with blanks between.
    joined: Option<String>,
    /// Options that do something, each as a manual writes it: `-o, --output FILE: writes`.
    options: Option<Vec<String>>,
    /// What operands do, by place.
    operands: Option<Vec<String>>,
    /// What happens without operands.
    empty: Option<Vec<String>>,
    /// What happens in any case.
    effects: Option<Vec<String>>,
    /// Other meanings of the operands, which options choose.
    mode: Option<BTreeMap<String, OpenTable>>,
    /// Sub-commands, each with the keys of a program.
    sub: Option<BTreeMap<String, OpenTable>>,
    /// Shorter names of sub-commands, each with the full one.
    short: Option<BTreeMap<String, String>>,
    /// For an option, or under an empty key for the row, a safer way to the same end.
    instead: Option<BTreeMap<String, String>>,
    /// For an option, beginnings of values with which it does nothing.
    quiet: Option<BTreeMap<String, Vec<String>>>,
    /// Words that, alone, print something and stop.
    info: Option<String>,
    /// Whether `-20` is an option.
    number: Option<bool>,
    /// What a word with `+` in front does.
    plus: Option<String>,
    /// Whether options end at the first operand.
    first: Option<bool>,
    /// Whether options are also taken behind sub-commands.
    everywhere: Option<bool>,
    /// Whether long options can be abbreviated; true if it is left out.
    abbreviate: Option<bool>,
    /// Whether every `--option` has its `--no-option`.
    negatable: Option<bool>,
    /// Whether the first word may be short options without a dash.
    bundled: Option<bool>,
    /// Whether words `NAME=value` in front set variables.
    assignments: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct EnvSection {
    /// Names that are passed on from the host, in addition to the usual ones; `*` may stand at the end. A name that
    /// looks like a credential must be written out.
    allow: Option<Vec<String>>,
    /// Variables with the value that they have inside. A guarded name counts only in your own policy, a flag or the
    /// administrator's, and what he allows bounds what others set.
    set: Option<BTreeMap<String, String>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct LimitsSection {
    /// Memory of all processes together, such as `4GiB`.
    memory: Option<String>,
    /// Most processes and threads at once.
    processes: Option<u32>,
    /// Longest run, such as `10m`.
    time: Option<String>,
    /// Processor time per time: cores such as `1.5`, or a share of one core such as `150%`.
    cpu: Option<String>,
    /// Largest file that may be written, such as `500MB`.
    file_size: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum ApprovalWord {
    /// Nobody is asked: `ask` is refused.
    Never,
    /// The user is asked; no answer in time is a refusal.
    Ask,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct ApprovalsSection {
    /// Whether anybody is asked.
    mode: Option<ApprovalWord>,
    /// How long an answer is waited for, such as `2m`.
    timeout: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum TierWord {
    /// Processes of the same kernel.
    Process,
    /// A virtual machine.
    Vm,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct TierSection {
    /// The weakest boundary that will do.
    minimum: Option<TierWord>,
    /// Named gaps that are accepted, as `garth plan` names them.
    accept: Option<Vec<String>>,
    /// Whether programs inside may make their own namespaces, as a browser does for its inner sandbox.
    nested: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct AuditSection {
    /// Refuse to run if the log cannot be written.
    required: Option<bool>,
    /// Where the log is written; absolute or with `~/`. A project's policy cannot choose it.
    path: Option<String>,
    /// Whether each program that starts inside is recorded.
    processes: Option<bool>,
    /// How refused reads are found: where it costs nothing, with what the words of a program name; by telling of names that are
    /// looked for in directories that the sandbox makes up, which makes starting a little longer; or by looking at every open,
    /// which costs a factor of two. Without it the second for agents, and else the first.
    reads: Option<ReadsWord>,
    /// How long the log of an ended session is kept, such as `90d`. A project's policy cannot say it, and a managed one
    /// only lengthens it.
    keep_for: Option<String>,
    /// How many bytes the logs of ended sessions may have together before the oldest are removed, such as `2GiB`. As for
    /// `keep-for`.
    keep_size: Option<String>,
    /// A file with the lines of `garth verify --head`: a log is not removed before its last record stands there.
    anchor: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum ReadsWord {
    Cheap,
    Told,
    Trace,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum RenewedLoginWord {
    /// It is kept for the agent's next sandboxes with the same workspace; the host's may be worthless then, which is told.
    Keep,
    /// It is kept for all of the agent's next sandboxes, if it differs from the host's only in what a renewal changes.
    Share,
    /// The host's file gets it, if it differs only in what a renewal changes and the host's was not changed meanwhile.
    WriteBack,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct AgentsSection {
    /// What is done with a login that the agent of `--agent` renewed inside; `keep` if it is left out. Whoever says `share` or
    /// `write-back` trusts what runs inside with the account. A project can say neither.
    login: Option<RenewedLoginWord>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum UndoWord {
    /// Changes are final.
    None,
    /// The workspace is copied before the command runs, for `garth undo`.
    Checkpoint,
    /// The command writes to a layer, for `garth apply` or `garth discard`.
    Layer,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum UndoFallbackWord {
    /// The command is not run.
    Refuse,
    /// A checkpoint is made in place of the layer.
    Checkpoint,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct UndoSection {
    /// How a command's changes of the workspace are kept from being final; `none` if it is left out. `--checkpoint` and
    /// `--cow` ask for more, never for less.
    mode: Option<UndoWord>,
    /// What is done where a layer is asked for and cannot be had; `refuse` if it is left out.
    fallback: Option<UndoFallbackWord>,
    /// Bytes that are copied for one checkpoint, where the file system cannot share them; `1GiB` if it is left out. An
    /// administrator's number is the least, as of all that follow.
    budget: Option<String>,
    /// Bytes of the largest file that is copied; `64MiB` if it is left out.
    largest: Option<String>,
    /// Bytes that all checkpoints hold together, of all workspaces; `4GiB` if it is left out. Not in a project's file.
    total: Option<String>,
    /// Checkpoints of one workspace that are kept, 1 to 1000; 20 if it is left out.
    #[schemars(range(min = 1, max = 1000))]
    keep: Option<u32>,
    /// How long a checkpoint is kept, such as `30d`; as long as there is room if it is left out.
    age: Option<String>,
    /// Names that checkpoints leave out, as patterns of `.gitignore` such as `target/`; `garth undo` leaves them alone.
    exclude: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct SocketsSection {
    /// Absolute paths, or paths that start with `~/`.
    allow: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
enum DeviceWord {
    Gpu,
    Kvm,
    Serial,
    Usb,
    Audio,
    Camera,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it exists for its schema")]
struct DevicesSection {
    /// Classes of devices.
    allow: Option<Vec<DeviceWord>>,
}

/// The JSON Schema of policy files.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<PolicyFile>().to_value();
    drop_null(&mut schema);
    schema
}

/// TOML has no null, so an optional key is of its type alone.
fn drop_null(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            map.values_mut().for_each(drop_null);
            if let Some(serde_json::Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [single] = types.as_slice() {
                    let single = single.clone();
                    map.insert("type".to_owned(), single);
                }
            }
            if let Some(serde_json::Value::Array(choices)) = map.get_mut("enum") {
                choices.retain(|choice| !choice.is_null());
            }
            drop_null_choice(map);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_null),
        _ => {}
    }
}

fn drop_null_choice(map: &mut serde_json::Map<String, serde_json::Value>) {
    let Some(serde_json::Value::Array(choices)) = map.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    if let [serde_json::Value::Object(single)] = choices.as_slice() {
        let single = single.clone();
        map.remove("anyOf");
        for (key, value) in single {
            map.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::schema;
    use crate::load::written::SECTIONS;
    use serde_json::Value;

    fn part<'s>(schema: &'s Value, name: &str) -> &'s Value {
        let mut at = schema;
        for key in name.split('.').filter(|key| !key.is_empty()) {
            at = &at["properties"][key];
            at = at.get("items").unwrap_or(at);
            at = at.get("additionalProperties").filter(|inner| inner.is_object()).unwrap_or(at);
        }
        at
    }

    #[test]
    fn schema_and_reader_know_the_same_keys() {
        let schema = schema();
        for (name, keys) in SECTIONS {
            let part = part(&schema, name);
            let found: Vec<&String> = part["properties"].as_object().unwrap().keys().collect();
            let mut known: Vec<&&str> = keys.iter().collect();
            known.sort();
            assert!(found.iter().map(|key| key.as_str()).eq(known.into_iter().copied()), "{name}: {found:?}");
            assert_eq!(part["additionalProperties"], false, "{name} is open");
        }
    }

    fn objects<'s>(at: &'s Value, out: &mut Vec<&'s Value>) {
        match at {
            Value::Object(map) => {
                out.extend(map.contains_key("properties").then_some(at));
                map.values().for_each(|value| objects(value, out));
            }
            Value::Array(items) => items.iter().for_each(|item| objects(item, out)),
            _ => {}
        }
    }

    #[test]
    fn every_table_is_closed_and_every_key_described() {
        let schema = schema();
        let mut found = Vec::new();
        objects(&schema, &mut found);
        assert!(found.len() > 12);
        for table in found {
            assert_eq!(table["additionalProperties"], false);
            for (key, value) in table["properties"].as_object().unwrap() {
                assert!(value["description"].is_string(), "{key} has no description");
            }
        }
    }
}
