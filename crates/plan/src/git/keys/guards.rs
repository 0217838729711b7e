//! Keys that guard the user, that redirect data, or that make the host read or write other files.

use super::{Class, Row, row_of};

const fn guards(patterns: &'static [&'static str], reason: &'static str) -> Row {
    row_of(Class::Guards, patterns, reason)
}

const fn redirects(patterns: &'static [&'static str], reason: &'static str) -> Row {
    row_of(Class::Redirects, patterns, reason)
}

const fn reads(patterns: &'static [&'static str], reason: &'static str) -> Row {
    row_of(Class::Reads, patterns, reason)
}

pub(super) const ROWS: &[Row] = &[
    guards(&["clean.requireForce"], "keeps `git clean` from deleting files without being forced to"),
    guards(
        &["commit.gpgSign", "tag.gpgSign", "tag.forceSignAnnotated", "push.gpgSign"],
        "decides whether the host signs",
    ),
    guards(
        &["user.signingKey", "gpg.**"],
        "decides with which key the host signs, or which signatures it trusts",
    ),
    guards(&["log.showSignature", "merge.verifySignatures"], "decides whether the host looks at signatures"),
    guards(
        &["core.fsync", "core.fsyncMethod", "core.fsyncObjectFiles"],
        "decides whether commits survive a power failure",
    ),
    guards(
        &["core.protectHFS", "core.protectNTFS"],
        "keeps a commit from writing into `.git` under another spelling of the name",
    ),
    guards(&["core.sharedRepository"], "decides which users of the machine may write the repository"),
    guards(
        &["core.restrictInheritedHandles", "core.unsetenvvars"],
        "decides what programs that git starts on Windows inherit",
    ),
    guards(&["credentialCache.**", "credentialStore.**"], "decides how long passwords are kept, and where"),
    guards(
        &["fetch.fsckObjects", "fetch.fsck.*", "fsck.**", "receive.fsckObjects", "transfer.fsckObjects"],
        "decides whether objects from a remote are checked for attacks",
    ),
    guards(&["feature.*"], "turns on a group of settings that this table does not name"),
    guards(&["gc.repackFilter"], "drops objects from the repository"),
    guards(&["protocol.allow", "protocol.*.allow"], "decides which programs an address may start"),
    guards(&["receive.**"], "decides what a push into this repository may do"),
    guards(&["safe.**"], "decides whose repositories the host trusts"),
    guards(&["ssh.variant"], "decides which options are given to the ssh program"),
    guards(
        &["transfer.credentialsInUrl", "transfer.hideRefs"],
        "decides whether passwords in addresses are refused, or what a fetch may see",
    ),
    guards(
        &["uploadpack.**", "uploadpackfilter.**", "uploadarchive.**"],
        "decides what a fetch from this repository may ask for",
    ),
    redirects(
        &["bundle.**", "fetch.bundleURI", "fetch.bundleCreationToken"],
        "makes the host fetch from another place",
    ),
    redirects(&["transfer.bundleURI"], "makes the host fetch from where the remote says"),
    redirects(&["format.to", "format.cc", "format.headers"], "decides to whom patches are mailed"),
    redirects(
        &["http.**"],
        "decides through whom the host reaches its remotes, with which secrets and checks",
    ),
    redirects(&["push.pushOption"], "tells the server what to do with a push"),
    redirects(
        &["remote.*.proxy", "remote.*.proxyAuthMethod"],
        "decides through whom the host reaches this remote",
    ),
    redirects(
        &["remote.*.push", "remote.*.mirror"],
        "decides what a plain `git push` overwrites or deletes at the remote",
    ),
    redirects(
        &["remote.*.lfsurl", "remote.*.lfspushurl"],
        "decides where large files and their credentials go",
    ),
    redirects(&["url.**"], "sends fetches and pushes of other remotes to another address"),
    reads(
        &["core.attributesFile"],
        "names a file of attributes, which choose the filters and drivers that run on files",
    ),
    reads(&["core.excludesFile"], "replaces the user's own list of files that are never added"),
    reads(
        &["format.outputDirectory", "format.suffix", "gc.repackFilterTo"],
        "makes the host write files elsewhere",
    ),
    reads(&["submodule.*.gitdir"], "names the git directory that a submodule uses"),
    reads(&["trace2.**"], "makes git write what it does, with arguments and variables, to a file or socket"),
];
