//! In which of a view's areas a path lies, for paths in their order.

use super::view::Area;
use garth_policy::AbsPath;

/// Finds the innermost areas of many paths, each a few steps away from the last one.
pub(super) struct Innermost<'a> {
    /// The areas that have not been reached, the nearest last.
    coming: Vec<&'a Area>,
    /// Those that the last path lies in, the innermost last.
    way: Vec<&'a Area>,
}

impl<'a> Innermost<'a> {
    /// Of these areas; of two at one path the later one counts.
    pub(super) fn new(areas: &'a [Area]) -> Self {
        let mut coming: Vec<&Area> = areas.iter().collect();
        coming.sort_by(|one, other| one.path.cmp(&other.path));
        coming.reverse();
        Self { coming, way: Vec::new() }
    }

    /// The innermost area of a path, which has to come behind all that were asked for before in their order: a directory
    /// before what is in it.
    pub(super) fn at(&mut self, path: &AbsPath) -> Option<&'a Area> {
        while let Some(area) = self.coming.pop_if(|area| area.path <= *path) {
            self.leave(&area.path);
            self.way.push(area);
        }
        self.leave(path);
        self.way.last().copied()
    }

    /// Leaves the areas that a path does not lie in.
    fn leave(&mut self, path: &AbsPath) {
        while self.way.pop_if(|area| !path.starts_with(&area.path)).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::Source;
    use super::*;
    use garth_policy::Access;

    #[test]
    fn the_innermost_area_is_the_longest_that_holds_a_path() {
        let path = |text: &str| AbsPath::posix(text).unwrap();
        let area = |at: &str, execute: bool| Area {
            path: path(at),
            access: Access::Read,
            execute,
            source: Source::Host,
        };
        let areas = ["/usr", "/a/b", "/a", "/a/b", "/a/b/c/d", "/a-b", "/a/e"];
        let areas: Vec<Area> = areas.iter().enumerate().map(|(at, name)| area(name, at == 3)).collect();
        let mut paths: Vec<AbsPath> = [
            "/",
            "/a",
            "/a/b",
            "/a/b/c",
            "/a/b/c/d",
            "/a/b/c/d/e",
            "/a/b/x",
            "/a/b-c",
            "/a/e/f",
            "/a/f",
            "/a-b",
            "/a-b/c",
            "/b",
            "/usr",
            "/usr/bin",
            "/usrs",
        ]
        .map(path)
        .to_vec();
        paths.sort();
        let mut innermost = Innermost::new(&areas);
        for path in &paths {
            let below = |area: &&Area| path.starts_with(&area.path);
            let expected = areas.iter().filter(below).max_by_key(|area| area.path.depth());
            let found = innermost.at(path);
            assert!(
                match (found, expected) {
                    (Some(found), Some(expected)) => std::ptr::eq(found, expected),
                    (found, expected) => found.is_none() && expected.is_none(),
                },
                "{path}: {found:?}"
            );
        }
    }
}
