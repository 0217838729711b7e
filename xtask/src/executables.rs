//! What stands in the manifest of a built Windows executable.

use anyhow::{Context as _, Result, bail};
use object::LittleEndian;
use object::pe::RT_MANIFEST;
use object::read::pe::{PeFile64, ResourceDirectoryEntryData};
use std::io::Write;
use std::path::Path;

/// What each manifest has to say, and how it says it.
const WANTED: [(&str, &str); 4] = [
    ("it runs as its invoker", "requestedExecutionLevel level=\"asInvoker\""),
    ("it takes long paths", "longPathAware"),
    ("its code page is UTF-8", ">UTF-8<"),
    ("it knows Windows 10 and 11", "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"),
];

/// Reads the manifest of each executable back, and fails for one that is not as it should be.
pub fn run(root: &Path, files: &[String], out: &mut dyn Write) -> Result<()> {
    if files.is_empty() {
        bail!("name a built executable for Windows");
    }
    for file in files {
        let data = std::fs::read(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        let text = manifest(&data).with_context(|| format!("{file} has no manifest that can be read"))?;
        if let Some(missing) = lacking(&text) {
            bail!("the manifest of {file} does not say that {missing}:\n{text}");
        }
        writeln!(out, "{file}: {}", WANTED.map(|(what, _)| what).join(", "))?;
    }
    Ok(())
}

/// What a manifest does not say.
fn lacking(text: &str) -> Option<&'static str> {
    let plain = text.replace('\'', "\"");
    WANTED.iter().find(|(_, how)| !plain.contains(how)).map(|(what, _)| *what)
}

/// The one manifest of an executable: type, name and language lead to it ("The .rsrc section" of the PE format).
fn manifest(data: &[u8]) -> Result<String> {
    let file = PeFile64::parse(data)?;
    let sections = file.section_table();
    let resources =
        file.data_directories().resource_directory(data, &sections)?.context("it has no resources")?;
    let types = resources.root()?.entries;
    let mut found = Vec::new();
    for kind in types.iter().filter(|kind| kind.name_or_id().id() == Some(RT_MANIFEST)) {
        let names = kind.data(resources)?.table().context("a type without names")?;
        for name in names.entries {
            let languages = name.data(resources)?.table().context("a name without languages")?;
            for language in languages.entries {
                let ResourceDirectoryEntryData::Data(entry) = language.data(resources)? else {
                    bail!("a language without data");
                };
                let size = usize::try_from(entry.size.get(LittleEndian))?;
                let at = sections.pe_data_at(data, entry.offset_to_data.get(LittleEndian));
                let bytes = at.and_then(|bytes| bytes.get(..size)).context("data outside of the file")?;
                found.push(core::str::from_utf8(bytes)?.to_owned());
            }
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        others => bail!("it has {} manifests, and Windows takes one", others.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_executable_is_an_error() {
        for bytes in [&b""[..], b"MZ", &[0; 4096]] {
            assert!(manifest(bytes).is_err());
        }
    }

    #[test]
    fn each_thing_is_missed() {
        let whole: String = WANTED.iter().map(|(_, how)| *how).collect();
        assert_eq!(lacking(&whole), None);
        for (what, how) in WANTED {
            assert_eq!(lacking(&whole.replace(how, "")), Some(what));
        }
        assert!(lacking(&whole.replace("asInvoker", "requireAdministrator")).is_some());
    }
}
