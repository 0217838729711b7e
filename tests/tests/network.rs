//! Real programs reach the servers that a policy names, and no others, in a small internet made for the test.
#![cfg(target_os = "linux")]
use garth_tests::{CLIENT, Internet, Place, SERVER, has};

/// What the policy of most tests says.
const POLICY: &str = "version = 1
[network]
mode = \"allow-list\"
domains = { \"allowed.test\" = \"allow\", \"forbidden.test\" = \"deny\" }
";

/// Rules for requests, and a secret.
const OPENED: &str = "version = 1
[network]
mode = \"allow-list\"
domains = { \"allowed.test\" = \"allow\", \"api.test\" = \"allow\" }
[[network.rules]]
host = \"api.test\"
methods = [\"GET\"]
paths = [\"/v1/**\"]
[network.secrets.API_TOKEN]
from = \"env:API_TOKEN\"
hosts = [\"api.test\"]
";

/// The real value of the secret.
const TOKEN: &str = "the-real-value-of-the-token";

/// Runs a test as everybody, in one internet.
fn everyone(policy: &str, test: impl Fn(&Place<'_>)) {
    let Some(internet) = Internet::new() else { return };
    internet.everyone(policy, &[("API_TOKEN", TOKEN)], test);
}

#[test]
fn curl_reaches_what_is_named_and_nothing_else() {
    if !has("curl", "curl") {
        return;
    }
    everyone(POLICY, |place| {
        let run = place.run("curl -sS http://allowed.test/one").ok();
        assert_eq!(run.text(), "hello from allowed.test at /one with 0");
        let run = place.run("curl -sS --cacert ca.pem https://allowed.test/two -d 12345").ok();
        assert_eq!(run.text(), "hello from allowed.test at /two with 5");
        let run = place.fails_fast("curl -sS http://forbidden.test/");
        assert!(run.errors().contains("Could not resolve host"), "{run}");
        assert!(run.errors().contains("the network refused forbidden.test"), "{run}");
        let run = place.fails_fast("curl -sS http://other.example/");
        assert!(
            run.errors().contains("\"other.example\" = \"allow\""),
            "the hint says what would help: {run}"
        );
        assert!(!place.internet.requests().contains("forbidden.test"), "nothing came");
    });
}

#[test]
fn addresses_are_no_way_around_names() {
    everyone(POLICY, |place| {
        let direct = format!("curl -sS http://{SERVER}/direct");
        let run = place.fails_fast(&direct);
        assert!(run.errors().contains(&format!("the network refused {SERVER}")), "{run}");
        let _refused = place
            .fails_fast(&format!("curl -sS --resolve allowed.test:80:{SERVER} http://allowed.test/direct"));
        let _refused = place.fails_fast(&format!("curl -sS http://{CLIENT}/direct"));
        let _refused = place.fails_fast("curl -sS http://169.254.169.254/direct");
        let _refused = place.fails_fast("curl -sS http://10.0.0.1/direct");
        // The names in the connection are those that were asked for.
        let run = place.run(
            "curl -sS -o /dev/null -w '%{http_code}' -H 'Host: forbidden.test' http://allowed.test/direct",
        );
        assert_eq!(run.text(), "403", "{run}");
        let _refused = place.fails_fast("curl -sS --cacert ca.pem --connect-to forbidden.test:443:allowed.test:443 https://forbidden.test/direct");
        assert!(!place.internet.requests().contains("/direct"), "{}", place.internet.requests());
        // The same goes through where nothing holds it, so each of these can fail.
        let words =
            ["curl", "-sS", "--resolve", &format!("allowed.test:80:{SERVER}"), "http://allowed.test/plain"];
        let run = place.internet.on_machine(&place.garden, &[], &words).ok();
        assert!(run.text().contains("/plain"), "{run}");
    });
}

#[test]
fn git_clones_over_https_and_its_own_protocol() {
    everyone(POLICY, |place| {
        let run = place
            .run("GIT_SSL_CAINFO=ca.pem git clone -q https://allowed.test/repo.git one && cat one/file")
            .ok();
        assert_eq!(run.text(), "content");
        let run = place.run("git clone -q git://allowed.test/repo.git two && cat two/file").ok();
        assert_eq!(run.text(), "content");
        let _refused = place.fails_fast("git clone -q git://forbidden.test/repo.git three");
        let _refused =
            place.fails_fast("GIT_SSL_CAINFO=ca.pem git clone -q https://forbidden.test/repo.git four");
    });
}

#[test]
fn clients_of_other_kinds() {
    everyone(POLICY, |place| {
        let python = "import ssl, urllib.request as r
c = ssl.create_default_context(cafile='ca.pem')
print(r.urlopen('https://allowed.test/python', context=c).read().decode(), end='')
try: r.urlopen('http://forbidden.test/python')
except OSError as e: print('refused')";
        let run = place.run(&format!("/usr/bin/python3 - <<'END'\n{python}\nEND"));
        assert_eq!(run.text(), "hello from allowed.test at /python with 0\nrefused", "{run}");
        let tls = "openssl s_client -connect allowed.test:443 -servername allowed.test -CAfile ca.pem \
                   -verify_return_error </dev/null 2>&1";
        assert!(place.run(tls).text().contains("Verify return code: 0"));
        let _refused =
            place.fails_fast(&tls.replace("-servername allowed.test", "-servername forbidden.test"));
        if has("node", "nodejs") {
            let script =
                "fetch('http://allowed.test/node').then(r => r.text()).then(t => process.stdout.write(t))";
            let run = place.run(&format!("node -e \"{script}\"")).ok();
            assert_eq!(run.text(), "hello from allowed.test at /node with 0");
        }
    });
}

#[test]
fn rules_for_requests_and_a_secret_in_tls_that_is_opened() {
    everyone(OPENED, |place| {
        let run = place.run("curl -sS -i -H \"Authorization: Bearer $API_TOKEN\" https://api.test/v1/thing; echo $API_TOKEN").ok();
        assert!(run.text().contains("hello from api.test at /v1/thing"), "{run}");
        assert!(!run.text().contains(TOKEN), "the client never sees the value: {run}");
        assert!(run.text().lines().last().is_some_and(|line| line.starts_with("garth-")), "{run}");
        assert!(place.internet.requests().contains(&format!("/v1/thing Bearer {TOKEN}")), "the server does");
        for refused in [
            "-X DELETE https://api.test/v1/thing",
            "https://api.test/v2/thing",
            "https://api.test/v1/../v2 --path-as-is",
        ] {
            let run = place.run(&format!("curl -sS -o /dev/null -w '%{{http_code}}' {refused}"));
            assert_eq!(run.text(), "403", "{refused}: {run}");
        }
        assert!(!place.internet.requests().contains("/v2"), "{}", place.internet.requests());
        // Elsewhere the placeholder stays what it is.
        let _run = place
            .run("curl -sS --cacert ca.pem -H \"Authorization: Bearer $API_TOKEN\" https://allowed.test/leak")
            .ok();
        let requests = place.internet.requests();
        let leak = requests.lines().find(|line| line.contains("/leak")).expect("it came");
        assert!(leak.contains("Bearer garth-") && !leak.contains(TOKEN), "{leak}");
    });
}

#[test]
fn an_open_network_leads_to_every_public_host_and_to_no_other() {
    if !has("curl", "curl") {
        return;
    }
    everyone(
        "version = 1\n[network]\nmode = \"open\"\ndomains = { \"forbidden.test\" = \"deny\" }\n",
        |place| {
            for address in ["denied.test", "api.test", SERVER] {
                let run = place.run(&format!("curl -sS http://{address}/open")).ok();
                assert!(run.text().contains("at /open"), "{address}: {run}");
            }
            let before = place.internet.requests();
            for host in [
                "forbidden.test",
                CLIENT,
                "169.254.169.254",
                "10.0.0.1",
                "192.168.1.1",
                "metadata.google.internal",
            ] {
                let run = place.fails_fast(&format!("curl -sS http://{host}/open"));
                assert!(run.errors().contains(&format!("the network refused {host}")), "{host}: {run}");
            }
            assert_eq!(place.internet.requests(), before);
        },
    );
}

#[test]
fn an_option_opens_one_host() {
    everyone("version = 1\n", |place| {
        let script = "curl -sS --cacert ca.pem https://allowed.test/option; curl -sS http://denied.test/ || echo refused";
        let run = place.internet.inside(&place.garden, &["--allow", "allowed.test"], &[], script);
        assert_eq!(run.text(), "hello from allowed.test at /option with 0\nrefused", "{run}");
        assert!(run.errors().contains("garth run --allow denied.test -- ..."), "{run}");
        // Without it there is no network at all.
        let _refused = place.fails_fast("curl -sS http://allowed.test/option");
    });
}

/// A proof starts its runners late, with the capabilities that it hands down: they must do for a network as well.
#[test]
fn a_network_is_proved_as_everybody() {
    garth_tests::everyone(|garden| {
        let program = garden.program().to_str().expect("text");
        let run = garden.outside(&[program, "prove", "--only", "egress.names.*"]).code(0);
        let text = run.text();
        assert!(text.contains(" 0 not held") && text.contains("egress.names.tunnel"), "{run}");
    });
}

/// A package index of one package, made of files.
const INDEX: &str = "import os, zipfile
os.makedirs('files/simple/tiny')
with zipfile.ZipFile('files/simple/tiny/tiny-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('tiny.py', 'word = \"installed\"')
    z.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')
    z.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('tiny-1.0.dist-info/RECORD', 'tiny.py,,\\n')
with open('files/simple/tiny/index.html', 'w') as f:
    f.write('<a href=\"tiny-1.0-py3-none-any.whl\">tiny-1.0-py3-none-any.whl</a>')";

#[test]
fn pip_installs_from_an_index_that_is_named() {
    if !has("pip3", "python3-pip") {
        return;
    }
    everyone(POLICY, |place| {
        if !place.internet.directory().join("files/simple").exists() {
            let made = std::process::Command::new("/usr/bin/python3")
                .args(["-c", INDEX])
                .current_dir(place.internet.directory())
                .status();
            assert!(made.expect("python starts").success());
        }
        let pip = "/usr/bin/pip3 install -q --disable-pip-version-check --no-cache-dir --retries 0 --timeout 5 \
                   --cert ca.pem --target here --index-url https://allowed.test/simple/ tiny";
        let run = place.run(&format!(
            "{pip} 2>&1 && PYTHONPATH=here /usr/bin/python3 -c 'import tiny; print(tiny.word)'"
        ));
        assert!(run.status.success() && run.text().ends_with("installed"), "{run}");
        let _refused = place.fails_fast(&pip.replace("allowed.test", "forbidden.test"));
    });
}
