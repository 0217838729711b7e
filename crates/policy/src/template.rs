//! A policy file to start from.

use crate::profile::Profile;

/// A commented policy file for `profile`.
#[must_use]
pub fn init_template(profile: Profile) -> String {
    format!(
        "# What a sandboxed command may do here. `garth policy show` resolves it, `garth policy validate` checks it.\n\
         # A project's policy only narrows until you trust its content: `garth policy trust`.\n\
         version = 1\n\
         \n\
         # {}.\n\
         profile = \"{}\"\n\
         {BODY}",
        profile.summary(),
        profile.name()
    )
}

const BODY: &str = r#"
[files]
# The most specific path wins; a tie goes to the stricter. Relative to the workspace, or `~/`, absolute,
# :workspace :tmp :home :system :toolchains :caches. Access: deny, read, overlay, write.
# "vendor"  = "read"
# "**/.env" = "deny"                # covers files that appear later
# "scripts" = { access = "read", execute = false }

[network]
# mode = "allow-list"               # deny, allow-list, open
# domains = { "github.com" = "allow", "*.example.com" = "allow" }
# listen = [3000]                   # a server inside, reachable from the host's loopback
# host-ports = [5432]               # a loopback port of the host, reachable from inside

# [[network.rules]]
# host = "api.github.com"
# methods = ["GET"]
# paths = ["/repos/acme/**"]

# [[commands]]
# prefix = ["git", "push"]
# decision = "ask"                  # allow, ask, deny
# reason = "pushing publishes work"
# match = ["git push origin main"]
# not-match = ["git status"]

[env]
# allow = ["MY_SETTING"]

[limits]
# memory = "4GiB"
# time = "10m"

[undo]
# mode = "checkpoint"               # none, checkpoint, layer
# exclude = ["target/"]
"#;
