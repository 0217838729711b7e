//! Which functions run when a sandbox starts, in the order of their first calls: `bins/cli/start.order`.
//!
//! The linker puts these beside each other (`bins/cli/build.rs`). A start otherwise touches a hundred places all over an
//! executable of 18 MiB, and the kernel maps 64 KiB around each: that is time, and it is memory in both processes.
//!
//! Breakpoints stand at each function of a built garth; whoever comes to one takes it away. This needs root, because the
//! runner does not let itself be looked into by anybody less.

mod names;
mod trace;

use anyhow::{Context as _, Result, bail};
use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSymbol as _, SymbolKind};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The list, from the root of the tree.
pub const LIST: &str = "bins/cli/start.order";

/// What is started inside: files and directories come and go, and programs start, as they do all the time.
const INSIDE: &str = "mkdir d; echo x > d/f; echo y >> d/f; mv d/f d/g; ln -s g d/l; ln d/g d/h; rm -r d; touch .envrc; \
    cat /root/.ssh/id_rsa ~/.ssh/id_rsa; for i in 1 2 3; do true; /bin/true; done";

/// The starts that are looked at, the most usual first.
const STARTS: [&[&str]; 3] = [
    &["run", "--", "/bin/true"],
    &["run", "--", "/bin/sh", "-c", INSIDE],
    // Of a name that is nobody's (RFC 2606), for which nothing inside asks.
    &["run", "--allow", "example.com", "--", "/bin/true"],
];

/// The user that it runs as: most users are not root.
const USER: u32 = 65534;

/// `order GARTH`: traces the built garth, whose symbols must not be stripped, and writes the list.
///
/// # Errors
/// When the file is no executable with symbols, nothing can be traced, or the sandbox does not start.
pub fn run(root: &Path, arguments: &[String], out: &mut dyn Write) -> Result<()> {
    let [garth] = arguments else {
        bail!(
            "name a built garth with its symbols\nhint: CARGO_PROFILE_RELEASE_STRIP=none cargo build --release"
        );
    };
    let garth = root.join(garth);
    let functions = functions(&garth)?;
    let place = Place::new()?;
    let own = place.copy(&garth)?;
    let library = library()?;
    let mut seen = HashSet::new();
    let mut order = Vec::new();
    for words in STARTS {
        for address in trace::trace(&own, words, USER, &place.0, &functions)? {
            for name in functions.get(&address).into_iter().flatten() {
                let place = library.get(name).map_or_else(|| names::pattern(name), Clone::clone);
                order.extend(Some(place).filter(|place| seen.insert(place.clone())));
            }
        }
    }
    let text = order.iter().fold(String::new(), |text, name| text + name + "\n");
    std::fs::write(root.join(LIST), text).with_context(|| format!("cannot write {LIST}"))?;
    writeln!(
        out,
        "{LIST}: {} names; the program has functions at {} addresses",
        order.len(),
        functions.len()
    )?;
    Ok(())
}

/// The functions of an executable that is loaded where it says, by address. Some have several names, since the compiler
/// makes one of those that do the same.
fn functions(program: &Path) -> Result<BTreeMap<u64, Vec<String>>> {
    let data = std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let file =
        object::File::parse(&*data).with_context(|| format!("{} is no executable", program.display()))?;
    let texts = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0);
    let mut functions: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for symbol in texts {
        functions.entry(symbol.address()).or_default().push(symbol.name()?.to_owned());
    }
    if functions.is_empty() {
        bail!(
            "{} has no symbols\nhint: CARGO_PROFILE_RELEASE_STRIP=none cargo build --release",
            program.display()
        );
    }
    Ok(functions)
}

/// Of each function of the C library the file in its archive, which is linked as a whole: `libc.a:getenv.o`.
fn library() -> Result<HashMap<String, String>> {
    let found = std::process::Command::new("cc")
        .arg("-print-file-name=libc.a")
        .output()
        .context("cannot start cc")?;
    let path = String::from_utf8(found.stdout)?;
    let data = std::fs::read(path.trim_end()).with_context(|| format!("cannot read {path}"))?;
    let mut places = HashMap::new();
    for member in ArchiveFile::parse(&*data)?.members() {
        let member = member?;
        let place = format!("libc.a:{}", String::from_utf8_lossy(member.name()));
        // Not every member is an object.
        let Ok(object) = object::File::parse(member.data(&*data)?) else { continue };
        for symbol in object.symbols().filter(|symbol| symbol.is_definition()) {
            places.entry(symbol.name()?.to_owned()).or_insert_with(|| place.clone());
        }
    }
    Ok(places)
}

/// A directory for the traced garth, its home and its workspace, which goes with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("garth-order-{}", std::process::id()));
        std::fs::create_dir_all(path.join("work"))
            .with_context(|| format!("cannot make {}", path.display()))?;
        std::fs::create_dir_all(path.join("home"))?;
        for name in ["work", "home"] {
            std::os::unix::fs::chown(path.join(name), Some(USER), Some(USER))?;
        }
        Ok(Self(path))
    }

    fn copy(&self, program: &Path) -> Result<PathBuf> {
        let own = self.0.join("garth");
        std::fs::copy(program, &own).with_context(|| format!("cannot copy {}", program.display()))?;
        Ok(own)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It lies in the directory for temporary files; what cannot be removed does no harm there.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}
