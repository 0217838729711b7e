//! Comparing with a committed text; `GARTH_BLESS=1` writes it anew.

use std::path::PathBuf;

pub fn check(name: &str, found: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("GARTH_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, found).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        wanted == found,
        "{} differs from what is made now; read both, then GARTH_BLESS=1\n--- now ---\n{found}",
        file.display()
    );
}
