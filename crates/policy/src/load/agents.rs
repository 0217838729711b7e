//! The section `[agents]`: reading it, and putting its layers together.

use super::merge::{Layers, strongest};
use super::reader::{Reader, Value};
use super::written::Written;
use crate::agents::RenewedLogin;
use crate::origin::Layer;
use crate::policy::Policy;

impl Reader<'_> {
    pub(super) fn agents(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let words = [RenewedLogin::Keep, RenewedLogin::Share, RenewedLogin::WriteBack]
            .map(|word| (word.name(), word));
        for (_, value) in self.section(value, "agents") {
            let login = self.choice(value, "treatment of a renewed login", &words);
            // It is the user's own account that other workspaces or the host get to use.
            if self.layer == Layer::Project && login.is_some_and(|login| login != RenewedLogin::Keep) {
                let message = "a project cannot say that logins are shared or written back";
                let hint = "put it in your own policy";
                self.report("not-for-projects", value.span(), message, "the account is your own", hint);
                continue;
            }
            out.renewed_login = login.map(|login| self.sourced(login, &value.span()));
        }
    }
}

/// Puts the layers together: an administrator's `keep` counts, whatever others say.
pub(super) fn merge(policy: &mut Policy, layers: &Layers) {
    policy.renewed_login = strongest(layers, |written| written.renewed_login.as_ref());
    let managed = layers.managed.as_ref().and_then(|managed| managed.renewed_login.as_ref());
    if let Some(cap) = managed.filter(|cap| cap.value == RenewedLogin::Keep) {
        policy.renewed_login = Some(cap.clone());
    }
}
