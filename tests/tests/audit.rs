//! What is recorded of the network, in real sandboxes.
#![cfg(target_os = "linux")]

use garth_tests::{Internet, has};
use serde_json::Value;

/// The real value of the secret.
const TOKEN: &str = "the-real-value-of-the-token";

const POLICY: &str = "version = 1
[network]
mode = \"allow-list\"
domains = { \"api.test\" = \"allow\", \"allowed.test\" = \"allow\" }
[network.secrets.API_TOKEN]
from = \"env:API_TOKEN\"
hosts = [\"api.test\"]
";

/// Two allowed hosts, one of which gets the secret, and one that nobody names.
const SCRIPT: &str = "curl -sS -o /dev/null -H \"Authorization: Bearer $API_TOKEN\" https://api.test/one; \
                      curl -sS -o /dev/null -d some-data http://allowed.test/two; curl -sS http://denied.test/three || true; \
                      curl -sS -o /dev/null -H \"X: $API_TOKEN\" http://allowed.test/four; true";

#[test]
fn hosts_bytes_and_secrets_are_recorded_and_no_value_is() {
    if !has("curl", "curl") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.everyone(POLICY, &[("API_TOKEN", TOKEN)], |place| {
        let file = place.garden.home.join("audit.toml");
        place.garden.write(&file, POLICY);
        let options = ["--json", "--policy", file.to_str().expect("text")];
        let variables = [("API_TOKEN", TOKEN)];
        let run = place.internet.inside(&place.garden, &options, &variables, SCRIPT).ok();
        assert!(!run.errors().contains(TOKEN), "{run}");
        let events: Vec<Value> =
            run.errors().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of =
            |kind: &str| -> Vec<&Value> { events.iter().filter(|event| event["event"] == kind).collect() };
        let hosts = |kind: &str| -> Vec<String> {
            of(kind).iter().map(|event| event["host"].as_str().expect("a host").to_owned()).collect()
        };
        assert!(hosts("network-allowed").contains(&"api.test".to_owned()), "{run}");
        assert!(hosts("network-allowed").contains(&"allowed.test".to_owned()), "{run}");
        assert!(
            of("dns").iter().any(|asked| asked["host"] == "denied.test" && asked["allowed"] == false),
            "{run}"
        );
        let closed = of("network-closed");
        assert!(closed.len() >= 3, "{run}");
        let has_bytes = |event: &Value| event["sent"] == 9 && event["received"].as_u64() > Some(10);
        assert!(closed.iter().any(|event| has_bytes(event)), "{run}");
        let used = of("secret-used");
        assert_eq!((used.len(), used[0]["secret"].as_str()), (1, Some("API_TOKEN")), "{run}");
        assert_eq!(used[0]["host"], "api.test", "{run}");
        assert_eq!(of("secret-withheld").len(), 1, "{run}");
        assert_eq!(events.first().expect("a start")["event"], "session-started", "{run}");
        assert_eq!(events.last().expect("an end")["event"], "session-ended", "{run}");
    });
}
