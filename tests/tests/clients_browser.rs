//! A browser loads a page of an allowed host, and none of another.
#![cfg(target_os = "linux")]

use garth_tests::{DENIED, Identity, Internet, OPENED, PASSED, Place, has};
use std::time::Instant;

const POLICY: &str = "version = 1
profile = \"browser\"
[network]
mode = \"allow-list\"
domains = { \"allowed.test\" = \"allow\", \"api.test\" = \"allow\", \"forbidden.test\" = \"deny\" }
[[network.rules]]
host = \"api.test\"
paths = [\"/**\"]
";

/// Puts the authority of the servers and that of the session into the browser's own store, and prints a page. The store
/// lies in a home of its own, because nothing may write into the real one.
fn page(place: &Place<'_>, address: &str) -> String {
    // The browser refuses to be root with a sandbox of its own.
    let own = if place.garden.identity() == Identity::Current { "--no-sandbox" } else { "" };
    format!(
        "export HOME=/tmp/browser; store=$HOME/.pki/nssdb; mkdir -p $store; certutil -d sql:$store -N --empty-password
         certutil -d sql:$store -A -t C,, -n servers -i ca.pem
         certutil -d sql:$store -A -t C,, -n session -i /run/garth/authority.pem
         chromium --headless {own} --disable-gpu --no-first-run --disable-background-networking \
            --disable-component-update --user-data-dir=$HOME/profile --dump-dom {address} 2>errors >page || cat errors >&2
         grep -o 'hello from .*' page"
    )
}

#[test]
fn chromium_loads_allowed_pages_and_no_others() {
    if !has("chromium", "chromium") || !has("certutil", "libnss3-tools") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.everyone(POLICY, &[], |place| {
        for (scheme, host) in [("http", PASSED), ("https", PASSED), ("https", OPENED)] {
            let run = place.run(&page(place, &format!("{scheme}://{host}/page")));
            assert!(run.text().contains(&format!("hello from {host} at /page with 0")), "{run}");
        }
        let before = internet.requests();
        let began = Instant::now();
        for scheme in ["http", "https"] {
            let run = place.run(&page(place, &format!("{scheme}://{DENIED}/page"))).fails();
            assert!(run.errors().contains(&format!("the network refused {DENIED}")), "{run}");
        }
        assert!(began.elapsed().as_secs() < 100, "{:?} for two refusals", began.elapsed());
        assert_eq!(internet.requests(), before, "nothing came to the server");
    });
}
