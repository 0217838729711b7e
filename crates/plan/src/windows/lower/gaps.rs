//! Names of what a tier does not hold, by which a user or administrator can accept it.

/// Package caches are read, or stand empty in the sandbox's own directory: nothing is written through to a layer.
pub const OVERLAY: &str = "windows.overlay";
/// A file that has a second name is one object: what its name in the workspace gives, the other name gives too.
pub const HARD_LINKS: &str = "windows.hard-links";
/// A visible directory shows names, sizes and times of what is denied in it.
pub const NAMES: &str = "windows.names";
/// Names that another disk takes for a host-trusted one.
pub const ALIKE: &str = "windows.names.alike";
/// A credential of the built-in list that is absent in a visible directory, and made outside later.
pub const ABSENT_SECRET: &str = "windows.secrets.absent";
/// The same of a rule in a policy file.
pub const ABSENT: &str = "windows.files.absent";
/// A pattern, which no descriptor can hold.
pub const PATTERN: &str = "windows.files.pattern";
/// An object of which the facts say nothing, or whose descriptor is not understood.
pub const UNKNOWN: &str = "windows.files.unknown";
/// A volume that keeps no descriptors.
pub const VOLUME: &str = "windows.volume";
/// What the system grants to every package, and an entry that garth does not put on a system directory could not
/// take away.
pub const PACKAGES: &str = "windows.container.packages";
/// A grant that a policy file asks for and that cannot be given.
pub const GRANT: &str = "windows.files.grant";
/// Repositories in the workspace other than its own, which have their hooks and configuration where no rule names them:
/// nested ones, and those that are made inside.
pub const GIT: &str = "windows.git.nested";
/// Something of the workspace's own repository that cannot be made read-only.
pub const GIT_UNSEALED: &str = "windows.git.own";
/// Names resolve through the system's client.
pub const RESOLVER: &str = "windows.container.names-resolve";
/// The package is exempt from the isolation of the loopback, so it reaches every server of this machine's.
pub const LOOPBACK: &str = "windows.container.loopback";
/// The relay was not yet shown to work here.
pub const RELAY: &str = "windows.relay.unproven";
/// Services that act for the user and were not shown to refuse a container here.
pub const CONTAINER_DELEGATES: &str = "windows.container.delegates";
/// Services that act for the user, of which a token of the same user holds nothing.
pub const DELEGATES: &str = "windows.delegates";
/// Rules for commands that start inside.
pub const COMMANDS: &str = "windows.commands.words";
/// No desktop of its own.
pub const DESKTOP: &str = "windows.desktop";
/// A limit on the size of files.
pub const FILE_SIZE: &str = "windows.limit.file-size";
/// A write-restricted token reads what its user reads.
pub const READS: &str = "windows.restricted.reads";
/// It deletes and renames what lies in directories whose children its user may delete.
pub const DELETES: &str = "windows.restricted.deletes";
/// It runs what its user runs.
pub const EXECUTES: &str = "windows.restricted.execute";
/// It connects as its user does.
pub const NETWORK: &str = "windows.restricted.network";
/// It reads the memory of its user's processes.
pub const PROCESSES: &str = "windows.restricted.processes";
/// TLS of the system does not start with restricting SIDs in the token.
pub const TLS: &str = "windows.restricted.tls";
/// A mapped directory is mapped with all that is in it.
pub const MAPPED: &str = "windows.vm.mapped";
/// No relay leads into the virtual machine.
pub const VM_NETWORK: &str = "windows.vm.network";
/// Refused accesses to files are in no log: the system tells them to the program that asks. It would write them to its own
/// Security log by audit entries (SACL) on the objects, which take `SeSecurityPrivilege` to make, once auditing is switched on
/// for the whole machine, and which an administrator alone may read. The traces by which a container's refusals can be seen
/// take an administrator as well (documentation of the "Application capability profiler").
pub const READS_TOLD: &str = "windows.reads.told";
/// What no backend for Windows holds yet.
pub const UNBUILT: &str = "windows.unbuilt";

/// Gaps that every profile accepts: they give the target less than the policy says, or what a policy that grants a
/// directory with its content cannot mean otherwise; and that refusals are not told, which are refusals all the same.
pub const ALWAYS: [&str; 3] = [OVERLAY, HARD_LINKS, READS_TOLD];

/// Gaps that every profile but `strict` accepts:
///
/// - names without content, and what does not matter on the disk at hand;
/// - what Windows makes impossible for anybody but a driver (P4): a permission belongs to an object, so the `.git` of a
///   repository that is made inside cannot be told from any other directory. The workspace's own repository, which tools
///   on the host look at unasked, is held;
/// - what rests on Microsoft's documentation until `garth prove` has run (P10, P12): that without a network capability no
///   name resolves, and that services which act for the user refuse a package. Both are the kernel's or the service's own
///   check of the token; nothing is left to the program inside.
pub const USUALLY: [&str; 6] = [NAMES, ALIKE, ABSENT_SECRET, GIT, RESOLVER, CONTAINER_DELEGATES];
