//! The corpus keeps its own rules.

use super::attack::{Action, Expect, Twin};
use super::corpus;
use garth_host::linux::probe::exists;
use std::collections::BTreeSet;

#[test]
fn names_are_unique_and_there_are_enough() {
    let attacks = corpus();
    let names: BTreeSet<_> = attacks.iter().map(|attack| attack.id.clone()).collect();
    assert_eq!(names.len(), attacks.len(), "a name stands twice");
    assert!(attacks.len() >= 120, "{}", attacks.len());
}
