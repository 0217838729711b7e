//! What is recorded of the network, in real sandboxes.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Internet, has};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

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
        let events = run.records();
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
        // The head, and nine bytes of a body.
        let has_bytes =
            |event: &Value| event["sent"].as_u64() > Some(50) && event["received"].as_u64() > Some(10);
        assert!(closed.iter().any(|event| has_bytes(event)), "{run}");
        let used = of("secret-used");
        assert_eq!((used.len(), used[0]["secret"].as_str()), (1, Some("API_TOKEN")), "{run}");
        assert_eq!(used[0]["host"], "api.test", "{run}");
        assert_eq!(of("secret-withheld").len(), 1, "{run}");
        assert_eq!(events.first().expect("a start")["event"], "session-started", "{run}");
        assert_eq!(events.last().expect("an end")["event"], "session-ended", "{run}");
    });
}

/// The disk of the logs is this small: some hundred records.
const DISK: &str = "64k";

/// Connections that are told of until the disk is full and for a while after it, half of them allowed.
const MANY: &str = "
import urllib.request
def status(url):
    try:
        return urllib.request.urlopen(url).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
for number in range(300):
    assert status('http://allowed.test/') == 200, number
    assert status('http://198.51.100.7/') != 200, number
print('served to the end', flush=True)
";

/// A small disk where the logs of a garden go; taken away on drop.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(garden: &Garden) -> Self {
        let place = garden.home.join(".local/state/garth/log");
        garden.directory(&place);
        let (user, group) = garden.identity().ids();
        let options = format!("size={DISK},mode=700,uid={user},gid={group}");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&place).status();
        assert!(mounted.expect("mount starts").success(), "a small disk");
        Self(place)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _as_far_as_it_goes = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_of_the_log_is_told_once_and_the_network_goes_on() {
    let Some(internet) = Internet::new() else { return };
    internet.everyone(POLICY, &[("API_TOKEN", TOKEN)], |place| {
        let file = place.garden.home.join("audit.toml");
        let options = ["--policy", file.to_str().expect("text")];
        let variables = [("API_TOKEN", TOKEN)];
        let script = format!("python3 -c \"{MANY}\"");
        let run = || {
            let _disk = SmallDisk::new(&place.garden);
            place.internet.inside(&place.garden, &options, &variables, &script)
        };
        // Where the log is not required the work goes on, and one line says what is missing.
        place.garden.write(&file, POLICY);
        let told = run().code(0);
        assert!(told.text().contains("served to the end"), "{told}");
        assert_eq!(
            told.errors().matches("this session is not recorded, or not to its end").count(),
            1,
            "{told}"
        );
        assert!(told.errors().contains("os error 28"), "the cause: {told}");
        // Where it is, nothing goes on without it.
        place.garden.write(&file, format!("{POLICY}[audit]\nrequired = true\n"));
        let ended = run().code(125);
        assert!(!ended.text().contains("served to the end"), "{ended}");
        assert!(ended.errors().contains("os error 28"), "the cause: {ended}");
        assert!(!ended.errors().contains("panicked"), "{ended}");
        // With room the same runs to its end and is recorded.
        let whole = place.internet.inside(&place.garden, &options, &variables, &script).code(0);
        assert!(whole.text().contains("served to the end"), "{whole}");
        assert!(!whole.errors().contains("not recorded"), "{whole}");
    });
}
