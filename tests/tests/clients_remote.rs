//! Clients that speak no HTTP: git over ssh, and clients of databases. Their connections pass through, also those that
//! begin TLS in a way of their own.
#![cfg(target_os = "linux")]

use garth_tests::{Internet, PASSED, Place, SERVER, has, unavailable};
use std::path::PathBuf;

/// Keys of a server and of a client, and a list of known hosts that names the server, and one that names another key.
const KEYS: &str = "
mkdir ssh && cd ssh
for name in host other client; do ssh-keygen -q -t ed25519 -N '' -f $name; done
for name in allowed.test forbidden.test; do
    echo \"$name $(cut -d' ' -f1,2 host.pub)\" >>known
    echo \"$name $(cut -d' ' -f1,2 other.pub)\" >>mistaken
done
cat >config <<END
HostKey $PWD/host
AuthorizedKeysFile $PWD/client.pub
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
END
mkdir -p /run/sshd";

#[test]
fn git_over_ssh() {
    if !has("sshd", "openssh-server") || !has("ssh", "openssh-client") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    internet.shell(KEYS);
    // As on most machines, root's settings include others, and ssh looks at whose these are.
    internet.settings(
        "ssh",
        "mkdir ssh_config.d && echo 'Include /etc/ssh/ssh_config.d/*.conf' >ssh_config && echo 'Compression yes' >ssh_config.d/20-x.conf",
    );
    let config = internet.directory().join("ssh/config");
    let listen = format!("ListenAddress={SERVER}");
    internet.start(22, &["/usr/sbin/sshd", "-D", "-e", "-f", config.to_str().unwrap(), "-o", &listen]);
    let repository = internet.directory().join("files/repo.git");
    let script = format!(
        "export GIT_SSH_COMMAND='ssh -i ../key -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o BatchMode=yes'
         mkdir in-{{run}} && cd in-{{run}}
         GIT_SSH_COMMAND=\"$GIT_SSH_COMMAND -o UserKnownHostsFile=$PWD/../known\"
         git clone -q ssh://root@{{host}}{0} {{run}} && cd {{run}} && git switch -qc {{run}}
         GIT_SSH_COMMAND=\"${{GIT_SSH_COMMAND/..\\/key/..\\/..\\/key}}\"
         git -c user.name=n -c user.email=e commit -q --allow-empty -m second
         git push -q --force origin {{run}} && git ls-remote origin",
        repository.display()
    );
    internet.clients(|place| {
        for name in ["client", "known", "mistaken"] {
            let content = std::fs::read(internet.directory().join("ssh").join(name)).unwrap();
            place.garden.write(if name == "client" { "key" } else { name }, content);
        }
        let _ = place.garden.prepare("chmod 600 key");
        place.client(&[PASSED], &script, "refs/heads/run-{host}");
        // The key of the server is looked at: another one is refused by ssh itself.
        let _ = place.garden.prepare("rm -rf run-* in-* && mv mistaken known");
        let run = place.fails_fast(&script.replace("{host}", PASSED).replace("{run}", "again"));
        assert!(run.errors().contains("Host key verification failed"), "{run}");
    });
}

/// The programs of a PostgreSQL server, which Debian keeps beside the usual directories.
fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("postgres").is_file());
    if found.is_none() {
        unavailable("postgres", "apt-get install postgresql");
    }
    found
}

#[test]
fn psql_over_tls() {
    let Some(programs) = postgres() else { return };
    if !has("psql", "postgresql-client") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    let program = |name: &str| programs.join(name).display().to_string();
    // The server refuses to be root's.
    internet.shell(&format!(
        "chmod 711 . && mkdir pg && cp server.pem server.key pg && chmod 600 pg/server.key && chown -R 65534:65534 pg
         cd pg && setpriv --reuid=65534 --regid=65534 --clear-groups {} -D data -U tester -A trust --locale=C -E UTF8 >/dev/null
         echo 'hostssl all all 0.0.0.0/0 trust' >>data/pg_hba.conf
         printf \"ssl = on\\nssl_cert_file = '$PWD/server.pem'\\nssl_key_file = '$PWD/server.key'\\n\" >>data/postgresql.conf",
        program("initdb")
    ));
    let (server, data) = (program("postgres"), internet.directory().join("pg/data"));
    let (data, listen) = (data.to_str().unwrap(), format!("listen_addresses={SERVER}"));
    internet.start(
        5432,
        &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            &server,
            "-D",
            data,
            "-c",
            &listen,
            "-c",
            "unix_socket_directories=",
        ],
    );
    let script = "psql \"host={host} user=tester dbname=postgres sslmode=verify-full sslrootcert=$SSL_CERT_FILE\" \
                  -XAtc \"select 'TLS: ' || ssl from pg_stat_ssl where pid = pg_backend_pid()\"";
    internet.clients(|place| place.client(&[PASSED], script, "TLS: true"));
}

#[test]
fn redis() {
    if !has("redis-server", "redis-server") || !has("redis-cli", "redis-tools") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    internet.start(
        6379,
        &[
            "redis-server",
            "--bind",
            SERVER,
            "--protected-mode",
            "no",
            "--save",
            "",
            "--port",
            "6379",
            "--tls-port",
            "6380",
            "--tls-cert-file",
            "server.pem",
            "--tls-key-file",
            "server.key",
            "--tls-ca-cert-file",
            "ca.pem",
            "--tls-auth-clients",
            "no",
        ],
    );
    internet.clients(|place: &Place<'_>| {
        place.client(&[PASSED], "redis-cli -h {host} set word said && redis-cli -h {host} get word", "said");
        let tls = "redis-cli --tls --cacert \"$SSL_CERT_FILE\" --sni {host} -h {host} -p 6380";
        place.client(&[PASSED], &format!("{tls} incr count >/dev/null && {tls} ping"), "PONG");
    });
}
