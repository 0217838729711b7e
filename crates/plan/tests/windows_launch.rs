//! A launch that reads back as ordered has no differences, and each single change has one.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use garth_plan::windows::launch::{
    Difference, Identity, JobSpec, LaunchSpec, Observed, ObservedJob, Property, UiLimits, differences, probes,
};
use garth_plan::windows::spec::Inherited;
use garth_plan::windows::token::{AppContainer, Restriction};
use garth_plan::windows::{
    AccessMask, Ace, Acl, Group, Membership, ObjectKind, Privilege, Sid, Token, check, derive, known,
};

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn user() -> Token {
    let mut token = Token::ordinary(sid("S-1-5-21-1-2-3-1001"));
    token.groups.push(Group::enabled(known::ADMINISTRATORS));
    token
}

fn restricted(write_restricted: bool) -> Identity {
    let root = sid("S-1-15-3-1024-1-2-3-4-5-6-7-8");
    Identity::Restricted {
        restriction: Restriction {
            disable: vec![known::ADMINISTRATORS],
            drop_privileges: true,
            delete: Vec::new(),
            restricting: vec![root, derive::logon(0, 77)],
            write_restricted,
        },
        default_dacl: Acl::new(vec![Ace::allow(root, AccessMask::GENERIC_ALL)]),
    }
}

fn nothing() -> Restriction {
    Restriction {
        disable: Vec::new(),
        drop_privileges: false,
        delete: Vec::new(),
        restricting: Vec::new(),
        write_restricted: false,
    }
}

fn container(less_privileged: bool) -> Identity {
    let package = derive::package("garth.test");
    let capabilities = vec![derive::capability("internetClient")];
    Identity::Container {
        base: nothing(),
        container: AppContainer { package, capabilities, less_privileged },
    }
}

fn identities() -> Vec<Identity> {
    vec![restricted(true), restricted(false), container(false), container(true)]
}

fn spec(identity: Identity) -> LaunchSpec {
    LaunchSpec {
        program: r"C:\Windows\System32\cmd.exe".into(),
        command_line: "cmd".into(),
        directory: r"C:\w".into(),
        environment: Vec::new(),
        identity,
        job: JobSpec { memory: Some(1 << 30), processes: Some(64), cpu: None, ui: UiLimits::ALL },
        desktop: None,
        mitigations: 0,
        console: None,
        handles: Inherited::ALL.to_vec(),
        time: None,
    }
}

/// What a system finds that does as it is told, by the model of its tokens.
fn obedient(spec: &LaunchSpec) -> Observed {
    let token = match &spec.identity {
        Identity::Restricted { restriction, .. } => user().restricted(restriction).unwrap(),
        Identity::Container { container, .. } => {
            let base = user().in_app_container(container.package, &["internetClient"]);
            Token { app_container: Some(container.clone()), ..base }
        }
    };
    let of = |membership: Membership| -> Vec<Sid> {
        let groups = token.groups.iter().filter(|group| group.membership == membership);
        groups.map(|group| group.sid).collect()
    };
    let probe = |probe: &garth_plan::windows::launch::Probe| {
        Some(check(&token, &probe.descriptor, ObjectKind::File, probe.desired).unwrap().allowed)
    };
    Observed {
        in_job: true,
        job: ObservedJob {
            kill_on_close: Some(true),
            breakaway: Some(false),
            memory: Some(spec.job.memory),
            processes: Some(spec.job.processes),
            cpu: Some(spec.job.cpu),
            ui: Some(spec.job.ui),
        },
        restricting: Some(token.restricting.clone()),
        deny_only: Some(of(Membership::DenyOnly)),
        enabled: Some(of(Membership::Enabled)),
        privileges: Some(token.privileges.iter().map(|held| held.privilege.number()).collect()),
        package: Some(token.app_container.as_ref().map(|container| container.package)),
        capabilities: Some(token.app_container.iter().flat_map(|it| it.capabilities.clone()).collect()),
        probes: probes(&spec.identity).iter().map(probe).collect(),
    }
}

#[test]
fn an_obedient_system_has_no_differences() {
    for identity in identities() {
        let spec = spec(identity);
        assert_eq!(differences(&spec, &obedient(&spec)), [], "{:?}", spec.identity);
    }
}

#[test]
fn a_system_that_ignores_the_order_is_noticed_by_its_access_check() {
    for identity in identities() {
        let order = spec(identity);
        let mut found = obedient(&order);
        let token = user();
        found.probes = probes(&order.identity)
            .iter()
            .map(|probe| {
                Some(check(&token, &probe.descriptor, ObjectKind::File, probe.desired).unwrap().allowed)
            })
            .collect();
        let different = differences(&order, &found);
        assert!(different.iter().any(|one| one.property == Property::AccessCheck), "{:?}", order.identity);
    }
}

#[test]
fn a_check_that_always_answers_the_same_is_noticed() {
    for identity in identities() {
        let order = spec(identity);
        for answer in [Some(true), Some(false), None] {
            let mut found = obedient(&order);
            found.probes.fill(answer);
            assert!(!differences(&order, &found).is_empty(), "{answer:?} {:?}", order.identity);
        }
        let mut found = obedient(&order);
        found.probes.clear();
        assert_eq!(differences(&order, &found).len(), probes(&order.identity).len());
    }
}

type Change = (Property, fn(&mut Observed));

#[test]
fn each_change_is_one_difference() {
    let changes: &[Change] = &[
        (Property::InJob, |found| found.in_job = false),
        (Property::JobLifetime, |found| found.job.kill_on_close = Some(false)),
        (Property::JobLifetime, |found| found.job.breakaway = Some(true)),
        (Property::JobLifetime, |found| found.job.breakaway = None),
        (Property::JobLimits, |found| found.job.memory = Some(None)),
        (Property::JobLimits, |found| found.job.processes = Some(Some(65))),
        (Property::JobLimits, |found| found.job.cpu = None),
        (Property::UiLimits, |found| found.job.ui = Some(UiLimits(0))),
        (Property::Restricting, |found| found.restricting = None),
        (Property::Restricting, |found| found.restricting = Some(vec![known::EVERYONE])),
        (Property::Package, |found| found.package = None),
        (Property::Package, |found| found.package = Some(Some(derive::package("other")))),
    ];
    for identity in identities() {
        let order = spec(identity);
        for (property, change) in changes {
            let mut found = obedient(&order);
            change(&mut found);
            let different: Vec<Property> =
                differences(&order, &found).iter().map(|one| one.property).collect();
            assert_eq!(different, [*property]);
        }
    }
    let (in_token, in_container): (&[Change], &[Change]) = (
        &[
            (Property::DenyOnly, |found| found.enabled.as_mut().unwrap().push(known::ADMINISTRATORS)),
            (Property::DenyOnly, |found| found.enabled = None),
            (Property::Privileges, |found| {
                found.privileges.as_mut().unwrap().push(Privilege::Debug.number());
            }),
        ],
        &[(Property::Capabilities, |found| found.capabilities = Some(Vec::new()))],
    );
    for (order, changes) in [(spec(restricted(true)), in_token), (spec(container(false)), in_container)] {
        for (property, change) in changes {
            let mut found = obedient(&order);
            change(&mut found);
            let different: Vec<Difference> = differences(&order, &found);
            assert_eq!(different.len(), 1, "{different:?}");
            assert_eq!(different[0].property, *property);
        }
    }
}

#[test]
fn a_difference_says_what_was_ordered_and_what_was_found() {
    let order = spec(restricted(true));
    let mut found = obedient(&order);
    found.restricting = Some(Vec::new());
    let shown = differences(&order, &found)[0].to_string();
    assert!(shown.starts_with("ordered: restricting SIDs: S-1-5-5-0-77"), "{shown}");
    assert!(shown.ends_with("found: none"), "{shown}");
}
