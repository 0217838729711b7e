//! Keys that start a program, choose one, or give one its options.

use super::{Class, Row, row_of};

const fn runs(patterns: &'static [&'static str], reason: &'static str) -> Row {
    row_of(Class::Runs, patterns, reason)
}

pub(super) const ROWS: &[Row] = &[
    runs(&["alias.**"], "names a git command, and one that begins with `!` is run by the shell"),
    runs(&["branch.*.mergeOptions"], "adds options to every `git merge`, and `-s` chooses a program"),
    runs(&["browser.**", "web.browser"], "starts a web browser, by a command line or a path"),
    runs(&["core.alternateRefsCommand"], "is run by the shell on each fetch or push with alternates"),
    runs(&["core.askPass"], "is started to ask for a password"),
    runs(&["core.editor"], "is run by the shell on each commit"),
    runs(&["core.fsmonitor", "core.useBuiltinFSMonitor"], "is run by the shell on each `git status`"),
    runs(&["core.gitProxy"], "is started to reach a `git://` remote"),
    runs(&["core.hooksPath"], "chooses the directory whose programs run on commit, checkout, merge and push"),
    runs(&["core.pager", "pager.**"], "is run by the shell whenever git shows a long text"),
    runs(&["core.sshCommand"], "is run by the shell to reach a remote over ssh"),
    runs(&["core.virtualFilesystem"], "is run by the shell whenever git reads its index"),
    runs(&["credential.**"], "starts a credential helper, or decides which one gets which secret"),
    runs(&["diff.external"], "is run for each file that `git diff` shows"),
    runs(&["diff.*.command"], "is run for each file with this diff driver"),
    runs(&["diff.*.textconv"], "is run by the shell for each file that a diff, log or blame shows"),
    runs(
        &["diff.tool", "diff.guitool", "merge.tool", "merge.guitool"],
        "names a script that git reads, and a name with `..` is a script anywhere",
    ),
    runs(
        &["difftool.**", "mergetool.**"],
        "starts a tool for diffs or merges, says how, or drops the question before it starts",
    ),
    runs(&["filter.**"], "runs a program on each file that is checked out or added"),
    runs(&["fsmonitor.**"], "decides about the daemon that watches files, and where its socket is"),
    runs(&["gc.recentObjectsHook"], "is run by the shell on each garbage collection"),
    runs(
        &["gitcvs.**", "gitweb.**", "instaweb.**"],
        "configures a server, with modules and programs by path",
    ),
    runs(&["gpg.program", "gpg.*.program"], "is started to sign and to verify signatures"),
    runs(&["gpg.ssh.defaultKeyCommand"], "is run to find the key for a signature"),
    runs(&["guitool.**"], "adds a command to the menu of `git gui`"),
    runs(&["gui.spellingDictionary"], "adds an option to the spelling checker that `git gui` starts"),
    runs(&["help.**"], "starts a browser for help, or runs a guess at a mistyped command"),
    runs(&["hook.**"], "adds a hook, by a command line"),
    runs(&["imap.**"], "starts a tunnel, or sends mail and its password to a server"),
    runs(
        &["include.**", "includeIf.**"],
        "reads more configuration from another file, which can hold any of the keys that run programs",
    ),
    runs(&["init.templateDir"], "chooses the hooks that every new repository starts with"),
    runs(&["interactive.diffFilter"], "is run by the shell on each `git add --patch`"),
    runs(&["lfs.**"], "makes Git LFS start a transfer agent or extension, or use another server"),
    runs(&["man.**"], "starts a viewer of manual pages, by a command line or a path"),
    runs(&["merge.*.driver"], "is run by the shell for each file that a merge changes on both sides"),
    runs(
        &["pull.octopus", "pull.twohead"],
        "names a merge strategy, and an unknown one is the program `git-merge-<name>`",
    ),
    runs(
        &["rebase.instructionFormat"],
        "writes text from commits into the list of a rebase, where a line `exec` runs a command",
    ),
    runs(&["remote.*.uploadpack", "remote.*.receivepack"], "is run on the machine that the remote is on"),
    runs(&["remote.*.vcs"], "starts the program `git-remote-<name>`"),
    runs(
        &["sendemail.**"],
        "chooses the program and the server that patches are mailed with, and its filters",
    ),
    runs(&["sequence.editor"], "is run by the shell on each interactive rebase"),
    runs(&["svn.**", "svn-remote.**"], "is read by `git svn`, which runs a program for authors' names"),
    runs(&["tar.*.command", "tar.*.remote"], "is run by the shell on each `git archive` in that format"),
    runs(
        &["trailer.*.command", "trailer.*.cmd"],
        "is run by the shell for each commit message with trailers",
    ),
    runs(&["uploadpack.packObjectsHook"], "is run by the shell on each fetch from this repository"),
];
