//! P11 and P2: credentials cannot be read, whichever way is taken.

use crate::prove::attack::{Attack, Check, Garden, Step, against, attack, step};
use Check::Same;

/// What a denied name below a readable directory is, where nothing can be mounted over it.
const FILES: &[&str] = &["linux.landlock.deny-inside", "linux.files"];

/// Reading another name of a credential. The twin is one of a file that is none.
const fn linked(id: &'static str, title: &'static str, action: Step, twin: Step) -> Attack {
    attack(11, id, title, action, twin).within(Garden::Linked)
}

pub(super) static ATTACKS: &[Attack] = &[
    against(11, "secrets.ssh", "read a private key of SSH", step("read", &["{home}/.ssh/id_ed25519"]))
        .escapes(&[24]),
    against(11, "secrets.gnupg", "read the private keys of GnuPG", step("read", &["{home}/.gnupg/token"])),
    against(
        11,
        "secrets.cloud",
        "read credentials of any cloud",
        step(
            "read-any",
            &[
                "{home}/.aws/token",
                "{home}/.azure/token",
                "{home}/.oci/token",
                "{home}/.config/gcloud/token",
                "{home}/.s3cfg",
                "{home}/.boto",
                "{home}/.databrickscfg",
                "{home}/.vault-token",
            ],
        ),
    )
    .escapes(&[68]),
    against(
        11,
        "secrets.containers",
        "read credentials of clusters and registries",
        step(
            "read-any",
            &[
                "{home}/.kube/token",
                "{home}/.docker/token",
                "{home}/.helm/token",
                "{home}/.config/containers/auth.json",
            ],
        ),
    ),
    against(
        11,
        "secrets.git",
        "read passwords that git has stored",
        step(
            "read-any",
            &[
                "{home}/.git-credentials",
                "{home}/.config/git/credentials",
                "{home}/.config/gh/token",
                "{home}/.config/hub",
            ],
        ),
    )
    .gap(FILES),
    against(
        11,
        "secrets.netrc",
        "read passwords of network tools",
        step("read-any", &["{home}/.netrc", "{home}/_netrc", "{home}/.authinfo"]),
    ),
    against(
        11,
        "secrets.packages",
        "read tokens of package registries",
        step(
            "read-any",
            &[
                "{home}/.npmrc",
                "{home}/.pypirc",
                "{home}/.yarnrc.yml",
                "{home}/.cargo/credentials.toml",
                "{home}/.gem/credentials",
                "{home}/.m2/settings.xml",
                "{home}/.gradle/gradle.properties",
            ],
        ),
    )
    .gap(FILES),
    against(
        11,
        "secrets.agents",
        "read logins and histories of agents",
        step(
            "read-any",
            &[
                "{home}/.claude/token",
                "{home}/.claude.json",
                "{home}/.codex/token",
                "{home}/.gemini/token",
                "{home}/.cursor/token",
                "{home}/.copilot",
            ],
        ),
    )
    .escapes(&[22, 35]),
    against(
        11,
        "secrets.history",
        "read what was typed in shells",
        step(
            "read-any",
            &[
                "{home}/.bash_history",
                "{home}/.zsh_history",
                "{home}/.python_history",
                "{home}/.psql_history",
                "{home}/.node_repl_history",
                "{home}/.local/share/fish/fish_history",
            ],
        ),
    ),
    against(
        11,
        "secrets.databases",
        "read passwords of databases",
        step("read-any", &["{home}/.pgpass", "{home}/.my.cnf", "{home}/.mylogin.cnf"]),
    ),
    against(
        11,
        "secrets.passwords",
        "read password stores",
        step(
            "read-any",
            &[
                "{home}/.password-store/token",
                "{home}/.config/op",
                "{home}/.config/keybase",
                "{home}/.config/sops",
            ],
        ),
    ),
    against(
        11,
        "secrets.browser",
        "read cookies of browsers",
        step(
            "read-any",
            &["{home}/.mozilla/token", "{home}/.config/google-chrome/token", "{home}/.config/chromium/token"],
        ),
    ),
    attack(
        11,
        "secrets.listing",
        "list the directory of SSH keys",
        step("list", &["{home}/.ssh"]),
        step("list", &["{ws}/directory"]),
    ),
    attack(
        11,
        "secrets.shadow",
        "read password hashes of the system",
        step("read-any", &["/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/security/opasswd"]),
        step("read", &["/etc/passwd"]),
    )
    .gap(FILES),
    attack(
        11,
        "secrets.machine-keys",
        "read private keys of the machine",
        step(
            "read-any",
            &[
                "/etc/ssh/ssh_host_ed25519_key",
                "/etc/ssh/ssh_host_rsa_key",
                "/etc/ssl/private/ssl-cert-snakeoil.key",
                "/etc/krb5.keytab",
                "/etc/sudoers",
            ],
        ),
        step("read", &["/etc/passwd"]),
    )
    .gap(FILES),
    attack(
        2,
        "secrets.symlink",
        "read a key through a link made inside",
        step("symlink-then-read", &["{home}/.ssh/id_ed25519", "{ws}/key"]),
        step("symlink-then-read", &["{ws}/plain", "{ws}/key-2"]),
    )
    .escapes(&[24, 73]),
    attack(
        2,
        "secrets.proc-root",
        "read a key by /proc/self/root",
        step("read", &["/proc/self/root{home}/.ssh/id_ed25519"]),
        step("read", &["/proc/self/root{ws}/plain"]),
    )
    .escapes(&[31]),
    attack(
        2,
        "secrets.runner-root",
        "read a key by the root of the runner",
        step("read", &["/proc/{runner}/root{home}/.ssh/id_ed25519"]),
        step("read", &["{ws}/plain"]),
    ),
    attack(
        2,
        "secrets.dot-dot",
        "read a key by a path that climbs",
        step("read", &["{ws}/directory/../../../.ssh/id_ed25519"]),
        step("read", &["{ws}/directory/../plain"]),
    )
    .escapes(&[61]),
    attack(
        2,
        "secrets.hard-link-made",
        "give a key a name in the workspace",
        step("link", &["{home}/.netrc", "{ws}/netrc"]),
        step("link", &["{ws}/plain", "{ws}/plain-2"]),
    )
    .check(&[Same("{home}/.netrc")]),
    attack(
        2,
        "secrets.hard-link-written",
        "write by a name in the workspace that is another name of a credential",
        step("overwrite", &["{ws}/hard-secret"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .within(Garden::Linked)
    .check(&[Same("{linked-home}/.authinfo")]),
    linked(
        "secrets.hard-link-read",
        "read by a name in the workspace that is another name of a credential",
        step("read", &["{ws}/hard-secret-2"]),
        step("read", &["{ws}/hard-plain"]),
    ),
    linked(
        "secrets.hard-link-directory",
        "the same, of a file in a directory of credentials",
        step("read", &["{ws}/hard-key"]),
        step("read", &["{ws}/hard-plain"]),
    ),
    linked(
        "secrets.hard-link-deeper",
        "the same, by a name deeper in the workspace",
        step("read", &["{ws}/directory/hard-token"]),
        step("read", &["{ws}/hard-plain"]),
    ),
    linked(
        "secrets.hard-link-of-rule",
        "the same, of a file that a rule of the policy denies",
        step("read", &["{ws}/hard-named"]),
        step("read", &["{ws}/hard-plain"]),
    ),
    linked(
        "secrets.hard-link-opened",
        "open it without reading, and read by the descriptor's name",
        step("reopen-read", &["{ws}/hard-secret-2"]),
        step("reopen-read", &["{ws}/hard-plain"]),
    ),
    attack(
        11,
        "secrets.hard-link-by-symlink",
        "read it through a symbolic link that is made inside",
        step("symlink-then-read", &["{ws}/hard-secret-2", "{ws}/to-hard"]),
        step("symlink-then-read", &["{ws}/hard-plain", "{ws}/to-hard-plain"]),
    )
    .within(Garden::Linked),
    attack(
        11,
        "secrets.hard-link-renamed",
        "read it by a name that it is given inside",
        step("rename-then-read", &["{ws}/hard-key", "{ws}/renamed-key"]),
        step("rename-then-read", &["{ws}/victim", "{ws}/renamed-victim"]),
    )
    .within(Garden::Linked),
    attack(
        11,
        "secrets.outside",
        "read a file outside that nothing names",
        step("read", &["{out}/secret"]),
        step("read", &["{ws}/plain"]),
    ),
    attack(
        11,
        "secrets.through-link",
        "read a file outside through a link that was there",
        step("read", &["{ws}/link-out"]),
        step("read", &["{ws}/plain"]),
    )
    .escapes(&[24]),
    attack(
        11,
        "secrets.strict-home",
        "read the home where reads are denied by default",
        step("read-any", &["{home}/.bashrc", "{home}/.gitconfig", "{bin}/tool"]),
        step("read", &["{ws}/plain"]),
    )
    .within(Garden::Strict),
    attack(
        11,
        "secrets.strict-system",
        "read settings of the system where reads are denied by default",
        step("read-any", &["/etc/fstab", "/etc/crontab", "/etc/login.defs"]),
        step("read", &["/etc/passwd"]),
    )
    .within(Garden::Strict),
    attack(
        11,
        "secrets.execute",
        "run a program that only a secret directory holds",
        step("execute", &["{home}/.ssh/id_ed25519"]),
        step("execute", &["{ws}/garth-probe", "act", "own-number"]),
    ),
];
