//! What was denied, by which rule, and the least grant that would allow it.

use crate::habits::habit;
use crate::session::Prepared;
use crate::words::{literal, reason_of, shell_word};
use garth_host::linux::supervise::Denied;
use garth_policy::{
    AbsPath, Access, AccessRequest, Context, FileOp, FileRule, Flag, Inputs, Layer, LeastGrant, Origin,
    Outcome, Pattern, Policy, RuleKind, Setting, TrustStore, Verdict,
};
use std::os::unix::ffi::OsStrExt;

/// A refusal with its rule and remedy.
#[derive(Debug)]
pub struct Explained<'d> {
    /// What was refused.
    pub denied: &'d Denied,
    /// Why.
    pub reason: String,
    /// Which clause said so.
    pub origin: Option<Origin>,
    /// What helps.
    pub hint: String,
    /// The addition to a policy file, where one would do.
    pub grant: Option<LeastGrant>,
    /// The option of `garth run`, where one would do.
    pub option: Option<String>,
}

/// Why what the host has in a private directory is not there.
const PRIVATE: &str =
    "the sandbox has a directory of its own there, and what the host has in it is not shown";

/// Why a look at a hidden name that stands in a list says little.
const LISTED: &str = "a program that lists a directory looks at every name in it";

/// What refusals are explained by.
#[derive(Clone, Debug)]
pub struct Explainer {
    policy: Policy,
    context: Context,
}

/// What would allow an operation.
#[derive(Debug)]
pub struct Remedy {
    /// In words.
    pub hint: String,
    /// The addition to a policy file, where one would do.
    pub grant: Option<LeastGrant>,
    /// The option of `garth run`, where one would do.
    pub option: Option<String>,
}

impl Explainer {
    /// Explains by the policy that is in force.
    #[must_use]
    pub fn new(prepared: &Prepared) -> Self {
        Self { policy: prepared.policy.clone(), context: prepared.surroundings.context.clone() }
    }

    /// Whether the policy keeps something from this operation that the host has: by a rule, or because the sandbox has a
    /// directory of its own in that place.
    pub(crate) fn hides(&self, path: &AbsPath, op: FileOp) -> bool {
        let makes = matches!(op, FileOp::Create(_) | FileOp::MoveTo(_));
        (self.policy.files.decide(path, op).verdict == Verdict::Deny || self.is_private(path))
            && (is_there(path) || (makes && path.parent().is_some_and(|parent| is_there(&parent))))
    }

    /// Whether a credential lies at this path, as the policy has it.
    #[must_use]
    pub fn is_credential(&self, path: &AbsPath) -> bool {
        self.policy.files.grant(path).rule.is_some_and(|rule| rule.kind == RuleKind::Secret)
    }

    /// Why a program looks there by itself when it starts, if it is known to: such a refusal says little.
    #[must_use]
    pub fn habit(&self, denied: &Denied) -> Option<&'static str> {
        let Denied { program, op, path, .. } = denied;
        let habit = habit(&self.context, program, *op, path).map(|habit| habit.reason);
        habit.or_else(|| (*op == FileOp::Metadata && self.is_listed(path)).then_some(LISTED))
    }

    /// Whether a hidden name lies in a directory that is shown: whoever lists that sees that there is something.
    fn is_listed(&self, path: &AbsPath) -> bool {
        let shows = |directory: &AbsPath| {
            self.policy.files.decide(directory, FileOp::List).verdict == Verdict::Allow
                && !self.is_private(directory)
        };
        path.parent().is_some_and(|directory| shows(&directory))
    }

    fn is_private(&self, path: &AbsPath) -> bool {
        self.policy.files.is_private(path, self.policy.files.grant(path).depth)
    }

    /// Explains a refusal.
    #[must_use]
    pub fn explain<'d>(&self, denied: &'d Denied) -> Explained<'d> {
        if let Some(hint) = &denied.hint {
            let (reason, origin) = (denied.reason.clone(), denied.origin.clone());
            return Explained { denied, reason, origin, hint: hint.clone(), grant: None, option: None };
        }
        let request = AccessRequest::File { path: &denied.path, op: denied.op };
        let decision = self.policy.decide(&request);
        let (reason, origin) = match decision.outcome {
            Outcome::Deny => (reason_of(&decision), decision.origin.cloned()),
            _ if denied.reason.is_empty() && self.is_private(&denied.path) => (PRIVATE.to_owned(), None),
            _ => (denied.reason.clone(), denied.origin.clone()),
        };
        let Remedy { hint, grant, option } = self.remedy(&denied.path, denied.op);
        Explained { denied, reason, origin, hint, grant, option }
    }

    /// The least grant for an operation on a path, tried out before it is promised. A name is removed or moved
    /// from its directory, so where a grant for the name does not do, one for the directory may.
    #[must_use]
    pub fn remedy(&self, path: &AbsPath, op: FileOp) -> Remedy {
        let candidates = [Some(path.clone()), path.parent()];
        let helpful = candidates.into_iter().flatten().find(|granted| self.would_help(granted, path, op));
        let grant = helpful.and_then(|granted| {
            let op = if access_for(op) == Access::Read { FileOp::Read } else { FileOp::Write };
            let grant = self.policy.least_grant(&AccessRequest::File { path: &granted, op })?;
            Some((grant, format!("{} {}", option_for(op), shell_word(granted.as_bytes()))))
        });
        if let Some((grant, option)) = grant {
            return Remedy {
                hint: format!("garth run {option} -- ..."),
                grant: Some(grant),
                option: Some(option),
            };
        }
        let hint = match self.policy.files.ceilings().next() {
            Some(_) => "the administrator's policy caps what can be granted; do it outside the sandbox",
            None => "no grant may open it, so do it outside the sandbox",
        };
        Remedy { hint: hint.to_owned(), grant: None, option: None }
    }

    /// Whether the policy with write or read access to `granted` would be accepted, and allow the operation.
    fn would_help(&self, granted: &AbsPath, path: &AbsPath, op: FileOp) -> bool {
        let access = access_for(op);
        let flag = Flag { typed: String::new(), setting: Setting::File(literal(granted.as_bytes()), access) };
        let inputs = Inputs {
            context: self.context.clone(),
            managed: None,
            user: None,
            project: None,
            flags: vec![flag],
        };
        if garth_policy::load(&inputs, &TrustStore::empty()).is_err() {
            return false;
        }
        let mut files = self.policy.files.clone();
        files.push(FileRule {
            pattern: Pattern::Path(granted.clone()),
            access,
            execute: true,
            kind: RuleKind::User,
            reason: "".into(),
            origin: Origin::unplaced(Layer::Flags, option_for(op)),
        });
        files.decide(path, op).verdict != Verdict::Deny
    }
}

fn is_there(path: &AbsPath) -> bool {
    std::path::Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())).symlink_metadata().is_ok()
}

fn access_for(op: FileOp) -> Access {
    match op {
        FileOp::Read | FileOp::List | FileOp::Execute | FileOp::Metadata => Access::Read,
        _ => Access::Write,
    }
}

fn option_for(op: FileOp) -> &'static str {
    if access_for(op) == Access::Read { "--read" } else { "--write" }
}
