//! The attacks as data, by what they are against.

mod egress;
mod egress_http;
mod egress_reach;
mod egress_secrets;
mod egress_smuggling;
mod enforcer;
mod environment;
mod files;
mod git;
mod kernel;
mod names;
mod network;
mod others;
mod process;
mod races;
mod root;
mod secrets;
mod sockets;
mod stories;

use super::attack::{Attack, Garden};

pub(super) use environment::HOSTILE;

/// Every attack. Those on single system calls are made from the planner's own table.
#[must_use]
pub fn corpus() -> Vec<Attack> {
    let tables = [
        files::ATTACKS,
        races::ATTACKS,
        secrets::ATTACKS,
        names::ATTACKS,
        git::ATTACKS,
        environment::ATTACKS,
        network::ATTACKS,
        enforcer::ATTACKS,
        kernel::ATTACKS,
        others::ATTACKS,
        process::ATTACKS,
        root::ATTACKS,
        sockets::ATTACKS,
        stories::ATTACKS,
        egress::ATTACKS,
        egress_http::ATTACKS,
        egress_reach::ATTACKS,
        egress_secrets::ATTACKS,
        egress_smuggling::ATTACKS,
    ];
    let written = tables.into_iter().flatten().cloned();
    written.chain(kernel::rows()).collect()
}

/// The policy file of a garden; empty for the default policy.
pub(super) fn policy_text(garden: Garden) -> &'static str {
    match garden {
        Garden::Patterns => {
            "version = 1\n[files]\n\"**/.env\" = \"deny\"\n\"**/*.pem\" = \"deny\"\n\"{ws}/absent\" = \"deny\"\n\
             \"{ws}/frozen\" = \"read\"\n\"{ws}/directory/locked\" = \"read\"\n"
        }
        Garden::Linked => "version = 1\n[files]\n\"{linked-home}/named\" = \"deny\"\n",
        Garden::Strict => "version = 1\nprofile = \"strict\"\n",
        Garden::Network => {
            "version = 1\n[network]\nmode = \"allow-list\"\nhost-ports = [{web-port}, {limited-port}, {trusted-port}, {lavish-port}]\n\
             domains = { \"allowed.test\" = \"allow\", \"{own-name}\" = \"allow\", \"*.open.test\" = \"allow\", \
             \"shut.open.test\" = \"deny\", \"*.shut.open.test\" = \"deny\" }\n\
             [[network.rules]]\nhost = \"localhost:{limited-port}\"\nmethods = [\"GET\"]\npaths = [\"/public/**\"]\n\
             [network.secrets.GARTH_PROVE_TOKEN]\nfrom = \"file:{root}/policies/secret\"\n\
             hosts = [\"localhost:{trusted-port}\", \"localhost:{limited-port}\"]\n\
             [network.secrets.GARTH_PROVE_LAVISH]\nfrom = \"file:{root}/policies/secret\"\n\
             hosts = [\"localhost:{lavish-port}\"]\nin = [\"headers\", \"path\", \"query\", \"body\"]\n"
        }
        Garden::Budget => {
            "version = 1\n[network]\nmode = \"allow-list\"\nhost-ports = [{web-port}]\n\
             domains = { \"*.open.test\" = \"allow\" }\n[network.budget]\nupload = \"100kB\"\nnew-names = 30\n"
        }
        _ => "",
    }
}
