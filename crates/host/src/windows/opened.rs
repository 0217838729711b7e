//! Objects that were looked at for a plan, still open.
//!
//! What an object is can be asked of its handle later, and is the answer for what was looked at then, whatever has taken its name
//! since. Most objects are never asked: a plan expects an identity only where it changes or holds something.

use super::error::{Error, Result};
use super::sys::file::Node;
use garth_plan::windows::facts::{FileId, HostFacts, PathFact};
use garth_plan::windows::spec::Preparation;
use garth_policy::AbsPath;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Objects by their final paths. Several of one path are one object, unless it was replaced meanwhile.
#[derive(Debug, Default)]
pub struct Opened {
    nodes: Mutex<HashMap<AbsPath, Vec<Node>>>,
}

impl Opened {
    pub(super) fn keep(&self, final_path: &AbsPath, node: Node) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.entry(final_path.clone()).or_default().push(node);
    }

    /// Fills in which objects a preparation expects.
    ///
    /// # Errors
    /// When it expects one that was not looked at, that was replaced while it was, or of which the system does not say.
    pub fn identify(&self, preparation: &mut Preparation) -> Result<()> {
        preparation.identities().filter(|(_, expect)| **expect == FileId::UNASKED).try_for_each(
            |(path, expect)| {
                *expect = self.identity(path)?;
                Ok(())
            },
        )
    }

    /// Fills in what all that was looked at is.
    ///
    /// # Errors
    /// As for [`Opened::identify`].
    pub fn identify_all(&self, facts: &mut HostFacts) -> Result<()> {
        for fact in facts.paths.values_mut() {
            if let PathFact::Present(object) = fact
                && object.id == FileId::UNASKED
            {
                object.id = self.identity(&object.final_path)?;
            }
        }
        Ok(())
    }

    fn identity(&self, path: &AbsPath) -> Result<FileId> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = || Error::value(path.to_string(), "the plan speaks of it, and nobody has looked at it");
        let mut found = None;
        for node in nodes.get(path).ok_or_else(unknown)? {
            let (id, _) = node.identity()?;
            if found.is_some_and(|other| other != id) {
                return Err(Error::value(path.to_string(), "it was replaced while it was looked at"));
            }
            found = Some(id);
        }
        found.ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::facts::tests::temporary;
    use crate::windows::facts::{look, name};
    use crate::windows::looking;
    use garth_plan::windows::facts::Object;
    use garth_plan::windows::spec::Pin;
    use std::collections::{BTreeMap, BTreeSet};

    fn looked(path: &AbsPath, opened: &Opened) -> Object {
        let found = looking::all(&BTreeSet::from([path.clone()]), &BTreeMap::new(), 512, Some(opened));
        found.into_iter().next().and_then(|(_, fact)| fact.object().cloned()).unwrap()
    }

    /// A preparation that holds this object.
    fn holding(object: &Object) -> Preparation {
        let pin = Pin { path: object.final_path.clone(), expect: Some(object.id), reason: "a test".into() };
        Preparation { pins: vec![pin], ..Preparation::default() }
    }

    fn expected(preparation: &mut Preparation) -> Vec<FileId> {
        preparation.identities().map(|(_, expect)| *expect).collect()
    }

    #[test]
    fn an_object_is_asked_as_it_was_looked_at() {
        let (_kept, directory) = temporary();
        let (file, moved) = (directory.join(b"one").unwrap(), directory.join(b"two").unwrap());
        std::fs::write(name(&file).unwrap(), "x").unwrap();
        let PathFact::Present(complete) = look(&file) else { panic!("{:?}", look(&file)) };
        let opened = Opened::default();
        let object = looked(&file, &opened);
        assert_eq!(object, Object { id: FileId::UNASKED, ..complete.clone() });
        // Another one has its name by the time that it is asked.
        std::fs::rename(name(&file).unwrap(), name(&moved).unwrap()).unwrap();
        std::fs::write(name(&file).unwrap(), "y").unwrap();
        let mut preparation = holding(&object);
        opened.identify(&mut preparation).unwrap();
        assert_eq!(expected(&mut preparation), [complete.id]);
        assert_ne!(look(&file).object().unwrap().id, complete.id);
    }

    #[test]
    fn what_was_not_looked_at_or_is_two_objects_is_refused() {
        let (_kept, directory) = temporary();
        let file = directory.join(b"one").unwrap();
        std::fs::write(name(&file).unwrap(), "x").unwrap();
        let opened = Opened::default();
        let object = looked(&file, &opened);
        let mut strange = holding(&object);
        strange.pins[0].path = directory.join(b"two").unwrap();
        assert!(opened.identify(&mut strange).unwrap_err().to_string().contains("nobody has looked at it"));
        assert_eq!(expected(&mut strange), [FileId::UNASKED]);
        std::fs::rename(name(&file).unwrap(), name(&directory.join(b"two").unwrap()).unwrap()).unwrap();
        std::fs::write(name(&file).unwrap(), "y").unwrap();
        let again = looked(&file, &opened);
        let error = opened.identify(&mut holding(&again)).unwrap_err();
        assert!(error.to_string().contains("it was replaced"), "{error}");
    }
}
