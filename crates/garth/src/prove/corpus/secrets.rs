//! P11 and P2: credentials cannot be read, whichever way is taken.

use crate::prove::attack::{Attack, Check, Garden, against, attack, step};
use Check::Same;

/// What a denied name below a readable directory is, where nothing can be mounted over it.
const FILES: &[&str] = &["linux.landlock.deny-inside", "linux.files"];

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
    .check(&[Same("{home}/.authinfo")]),
    attack(
        11,
        "secrets.hard-link-read",
        "read by a name in the workspace that is another name of a credential",
        step("read", &["{ws}/hard-secret-2"]),
        step("read", &["{ws}/plain"]),
    )
    .gap(&["linux.hard-links.read"]),
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
