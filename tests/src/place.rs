//! A garden on the machine of a small internet, and what a client must and must not do there.

use crate::garden::{Garden, Identity};
use crate::internet::Internet;
use crate::run::Run;
use std::time::{Duration, Instant};

/// The host whose connections pass through the broker untouched.
pub const PASSED: &str = "allowed.test";

/// The host whose TLS is opened, because a rule speaks of its requests.
pub const OPENED: &str = "api.test";

/// The host that is denied. Its server is there all the same.
pub const DENIED: &str = "forbidden.test";

/// A policy with all three.
const POLICY: &str = "version = 1
[network]
mode = \"allow-list\"
domains = { \"allowed.test\" = \"allow\", \"api.test\" = \"allow\", \"forbidden.test\" = \"deny\" }
[[network.rules]]
host = \"api.test\"
paths = [\"/**\"]
";

/// How much longer a refusal may take than what is allowed: a program that waits for a time-out is of no use to anybody.
const PATIENCE: Duration = Duration::from_secs(20);

/// A garden and a policy file in the internet of a test.
pub struct Place<'i> {
    /// The internet around it.
    pub internet: &'i Internet,
    /// The garden.
    pub garden: Garden,
    policy: String,
    variables: &'i [(&'i str, &'i str)],
}

impl Internet {
    /// Runs a test as everybody, under a policy and with more variables of the caller. The authority of the servers lies in
    /// the workspace as `ca.pem`.
    ///
    /// # Panics
    /// When the garden cannot be made, and when the test does.
    pub fn everyone(&self, policy: &str, variables: &[(&str, &str)], test: impl Fn(&Place<'_>)) {
        for identity in Identity::all() {
            eprintln!("as {identity:?}");
            let garden = Garden::new(*identity);
            let file = garden.home.join("network.toml");
            garden.write(&file, policy);
            garden.write("ca.pem", std::fs::read(self.authority()).expect("the authority"));
            let policy = file.to_str().expect("text").to_owned();
            test(&Place { internet: self, garden, policy, variables });
        }
    }

    /// The same under the policy with [`PASSED`], [`OPENED`] and [`DENIED`].
    pub fn clients(&self, test: impl Fn(&Place<'_>)) {
        self.everyone(POLICY, &[], test);
    }
}

impl Place<'_> {
    /// Runs a script in the sandbox.
    #[must_use]
    pub fn run(&self, script: &str) -> Run {
        self.internet.inside(&self.garden, &["--policy", &self.policy], self.variables, script)
    }

    /// Runs something that must fail, and soon: a program that waits for a time-out is of no use to anybody.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn fails_fast(&self, script: &str) -> Run {
        let began = Instant::now();
        let run = self.run(script).fails();
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}: {run}", began.elapsed());
        run
    }

    /// Runs a client once with each of `hosts`, and once with [`DENIED`]. `{host}` of the script is the host, `{run}` a
    /// name of its own for files. Allowed, it must say `wanted`, and nothing that the sandbox makes it say; denied, it must
    /// fail soon, the session must report it, and nothing may come to the server.
    ///
    /// # Panics
    /// When that does not hold.
    pub fn client(&self, hosts: &[&str], script: &str, wanted: &str) {
        let mut took = Duration::ZERO;
        for host in hosts {
            let began = Instant::now();
            let run = self.run(&filled(script, host)).ok();
            took = took.max(began.elapsed());
            let wanted = wanted.replace("{host}", host);
            assert!(run.text().contains(&wanted), "{wanted:?} is missing: {run}");
            assert!(!is_noisy(&run), "{run}");
        }
        self.denied(script, took);
    }

    /// The denied twin of a client that took so long where it is allowed.
    fn denied(&self, script: &str, took: Duration) {
        let before = self.internet.requests();
        let began = Instant::now();
        let run = self.run(&filled(script, DENIED)).fails();
        let denied = began.elapsed();
        assert!(!run.late && denied < took + PATIENCE, "{denied:?}, allowed it takes {took:?}: {run}");
        assert!(run.errors().contains(&format!("the network refused {DENIED}")), "no event: {run}");
        assert_eq!(self.internet.requests(), before, "something came to the server");
    }
}

fn filled(script: &str, host: &str) -> String {
    script.replace("{host}", host).replace("{run}", &format!("run-{host}"))
}

/// Whether a program warns of what the sandbox gave it.
fn is_noisy(run: &Run) -> bool {
    let text = run.errors();
    ["Picked up ", "Warning: Ignoring extra certs", "certificate verify", "WARNING: "]
        .iter()
        .any(|warning| text.contains(warning))
}
