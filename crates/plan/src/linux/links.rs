//! Denied files that have further names.
//!
//! A view leaves out the name that a rule denies. Another name of the same file (a hard link) may stand in what the view
//! shows, and the kernel does not say where. So denied files are looked at before the start: as a rule none has a second
//! name, and nothing has to be done. Where one has, opens are supervised and the object that is opened is compared.

use super::spec::FileId;
use crate::facts::HostFacts;
use garth_policy::{AbsPath, Access, Boundary, NodeKind, RuleKind};
use std::collections::BTreeSet;

/// The denied places whose files the host is to look at. Where the directory around them can be seen they are looked at
/// already, and what is denied there by the built-in list belongs to the system or to a toolchain.
pub(super) fn sealed(visible: &[&Boundary<'_>], hidden: &[&Boundary<'_>]) -> BTreeSet<AbsPath> {
    let kind = |boundary: &Boundary<'_>| boundary.grant.rule.map(|rule| rule.kind);
    let denied = |boundary: &Boundary<'_>| boundary.grant.access == Access::Deny;
    let said = |boundary: &Boundary<'_>| kind(boundary) == Some(RuleKind::User);
    let listed = |boundary: &Boundary<'_>| kind(boundary) == Some(RuleKind::Secret);
    // In order, so the set is put together in one go.
    let hidden = hidden.iter().filter(|boundary| denied(boundary) && (said(boundary) || listed(boundary)));
    let mut sealed: BTreeSet<_> = hidden.map(|boundary| boundary.path.clone()).collect();
    let visible = visible.iter().filter(|boundary| denied(boundary) && said(boundary));
    sealed.extend(visible.map(|boundary| boundary.path.clone()));
    sealed
}

/// A denied file that can be reached by another name, if there is one: for the report.
pub(super) fn first(boundaries: &[Boundary<'_>], facts: &HostFacts) -> Option<AbsPath> {
    facts
        .linked
        .keys()
        .next()
        .cloned()
        .or_else(|| seen(boundaries, facts).next().map(|(path, _)| path.clone()))
}

/// Which objects are not to be read by any name.
pub(super) fn linked(boundaries: &[Boundary<'_>], facts: &HostFacts) -> Vec<FileId> {
    let mut linked: Vec<FileId> = facts.linked.values().copied().collect();
    linked.extend(
        seen(boundaries, facts)
            .map(|(_, id)| id)
            .filter(|id| !facts.linked.values().any(|known| known == id)),
    );
    linked
}

/// Those among what was looked at for the view. A file that this user cannot read, he cannot read by another name.
fn seen<'f>(
    boundaries: &'f [Boundary<'_>],
    facts: &'f HostFacts,
) -> impl Iterator<Item = (&'f AbsPath, FileId)> {
    let mut objects = facts.in_order();
    let denied = boundaries.iter().filter(|boundary| boundary.grant.access == Access::Deny);
    denied.filter_map(move |boundary| {
        let object = objects.object(boundary.path)?;
        let linked = object.links > 1 && object.final_kind == NodeKind::File && object.readable;
        linked.then_some((boundary.path, object.id))
    })
}
