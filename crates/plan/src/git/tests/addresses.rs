use super::{FRESH, MODULE, OLD};
use crate::git::{Owner, Where, vet_config};

fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn remote(url: &str, place: Where<'_>) -> bool {
    let text = format!("[remote \"x\"]\n\turl = \"{}\"\n", quoted(url));
    vet_config(None, text.as_bytes(), place).is_ok()
}

fn submodule(url: &str) -> bool {
    let text = format!("[submodule \"x\"]\n\turl = \"{}\"\n", quoted(url));
    vet_config(None, text.as_bytes(), OLD).is_ok()
}

#[test]
fn addresses_on_other_machines() {
    for url in [
        "https://github.com/acme/app.git",
        "https://acme@dev.azure.com/acme/app/_git/app",
        "https://example.com:8443/a%20b.git",
        "http://[::1]:8080/a",
        "ssh://git@example.com:22/a",
        "ssh://git@[fe80::1]/a",
        "git://example.com/a",
        "git+ssh://example.com/a",
        "git@github.com:acme/app.git",
        "example.com:a/b",
        "[example.com:22]:a",
        "git@[fe80::1]:a",
        "http://localhost:3000/a",
        "bücher.example:a",
    ] {
        assert!(remote(url, OLD), "{url}");
        assert!(submodule(url), "{url}");
    }
}

#[test]
fn addresses_that_run_smuggle_or_leak() {
    for url in [
        "",
        "ext::sh -c x",
        "EXT::sh",
        "::x",
        "fd::3",
        "foo::bar",
        "a-b.c+d::x",
        "foo://bar",
        "HTTPS://example.com/a",
        "ext://x",
        "://x",
        "-u",
        "--upload-pack=x",
        "-oProxyCommand=x",
        "ssh://-oProxyCommand=x/a",
        "ssh://a@-oProxyCommand=x/a",
        "ssh://-l@host/a",
        "-oProxyCommand=x:a",
        "a@-oProxyCommand=x:a",
        "host:-x",
        "[-oProxyCommand=x]:a",
        "[host:a",
        "ssh://ho st/a",
        "ssh://host%0aevil/a",
        "ssh://`x`/a",
        "$(x):a",
        "ssh://localhost/ws/app/evil",
        "ssh://git@LOCALHOST:22/ws/app/evil",
        "ssh://[::1]/ws",
        "ssh://127.0.0.2/ws",
        "localhost:/ws/app/evil",
        "git@[::1]:a",
        "[localhost:22]:a",
        "a@x.localhost:b",
        "https://user:pass@example.com/a",
        "https://ghp_0123456789@example.com/a",
        "https://:x@example.com/a",
        "https:///a",
        "https://example.com/a%0ahost=evil",
        "https://example.com/a%00",
        "https://example.com\n/a",
        "https://exa\u{7f}mple.com/a",
        "\\\\server\\share",
        "//server/share",
        "file://server/share",
        "file:////server/share",
        "file:///w%73/app",
    ] {
        assert!(!remote(url, OLD), "{url}");
        assert!(!remote(url, FRESH), "{url}");
        assert!(!submodule(url), "{url}");
    }
}

#[test]
fn directories_outside_are_remotes_of_any_repository() {
    for path in ["/srv/git/app.git", "../other", "../../x", "file:///srv/a", "/srv/a:b", "/ws/app2", "./../b"]
    {
        assert!(remote(path, OLD), "{path}");
    }
}

#[test]
fn directories_that_are_writable_inside_are_remotes_of_new_repositories_alone() {
    for path in [
        "evil.git",
        "./evil.git",
        "/ws/app/evil.git",
        "/ws//app/./evil.git",
        "/srv/../ws/app",
        "../app/evil",
        "file:///ws/app/evil.git",
        "~/x",
        "/WS/App/evil",
        "/tmp/x",
        "/var/tmp/x",
        "/dev/shm/x",
        "/proc/self/cwd/evil",
        "C:/evil",
        "C:evil",
        "..\\evil",
    ] {
        assert!(!remote(path, OLD), "{path}");
        assert!(remote(path, FRESH), "{path}");
        assert!(submodule(path), "{path}");
    }
}

#[test]
fn relative_directories_start_at_the_work_tree() {
    let nested = Where { git_dir: b"/ws/app/vendor/lib/.git", ..OLD };
    assert!(!remote("../x", nested));
    assert!(!remote("../../x", nested));
    assert!(remote("../../../x", nested));
    // A linked worktree: the configuration is in the main repository, git runs in the workspace.
    let linked =
        Where { git_dir: b"/main/.git", workspace: b"/ws/app", owner: Owner::Repository, fresh: false };
    assert!(!remote("/ws/app/x", linked));
    assert!(!remote("/main/.git/x", linked));
    assert!(remote("/main", linked));
    assert!(!remote("x", MODULE));
}

#[test]
fn names_that_are_addresses() {
    for name in ["ext::x", "-x", "/ws/evil", "./x", "a/../b", "a//b", "~", "a b", "a\\\\b", ""] {
        let text = format!("[remote \"{name}\"]\n\tfetch = +refs/heads/*:refs/remotes/x/*\n");
        assert!(vet_config(None, text.as_bytes(), FRESH).is_err(), "{name}");
    }
    for name in ["a/../b", "../x", "/x", "-x", "a\\\\b", ".", ""] {
        let text = format!("[submodule \"{name}\"]\n\tactive = true\n");
        assert!(vet_config(None, text.as_bytes(), FRESH).is_err(), "{name}");
    }
    for text in [
        "[remote \"team/alice-1\"]prune",
        "[submodule \"third party/x\"]active",
        "[branch \"a#b\"]merge=refs/heads/x",
    ] {
        assert!(vet_config(None, text.as_bytes(), OLD).is_ok(), "{text}");
    }
}
