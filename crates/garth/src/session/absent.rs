//! Options that grant what is not there.

use super::Prepared;
use garth_policy::{AbsPath, Access, Layer, Pattern};

impl Prepared {
    /// Paths that `--read` and `--write` name and that are not there, with the option as it was typed: such a grant shows
    /// nothing, and the program's own message says no more than that the name is absent. What is in the workspace can be
    /// made inside, so it is left out.
    pub fn absent_grants(&self) -> impl Iterator<Item = (&AbsPath, &str)> {
        let workspace = &self.surroundings.context.workspace;
        self.policy.files.of_layer(Layer::Flags).filter_map(move |rule| match &rule.pattern {
            Pattern::Path(path)
                if matches!(rule.access, Access::Read | Access::Write)
                    && self.facts.object(path).is_none()
                    && !path.starts_with(workspace) =>
            {
                Some((path, rule.origin.source.as_ref()))
            }
            _ => None,
        })
    }
}
