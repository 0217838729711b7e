//! Paths of Windows: what a name may be wrapped in without meaning something else, and what makes it undecidable.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use garth_plan::windows::path::{decided, opened, verbatim};
use proptest::prelude::*;

/// Names that mean themselves everywhere.
fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_äéßñ漢Ωж.-]{0,10}[a-zA-Z0-9_äß漢]".prop_filter("reserved", |name| {
        let stem = name.split('.').next().unwrap().to_ascii_uppercase();
        let reserved = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str());
        !reserved && !(stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")))
    })
}

fn root() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z]".prop_map(|letter| format!("{letter}:\\")),
        ("srv[a-z]{1,5}", "[a-z]{1,6}").prop_map(|(server, share)| format!("\\\\{server}\\{share}\\")),
    ]
}

/// A separator as somebody may write it.
fn separator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["\\", "/", "\\\\", "//", "\\/", "\\.\\", "/./"])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_decided_or_refused_and_what_is_decided_stays(text in "(\\\\\\\\[?.]\\\\)?[ -~äß漢\u{0}\u{202e}]{0,40}") {
        if let Ok(path) = decided(&text) {
            let written = path.to_string();
            // A letter that would show as something else is written as an escape, which is for people alone.
            if !text.contains('\u{202e}') {
                prop_assert_eq!(decided(&written).unwrap(), path.clone());
            }
            let units: Vec<u16> = verbatim(&path).unwrap().encode_utf16().collect();
            prop_assert_eq!(opened(&units).unwrap(), path);
            prop_assert!(!written[3..].contains(['/', ':', '?', '*', '"', '<', '>', '|', '\0']));
            prop_assert!(!written.split('\\').skip(1).any(|part| part.ends_with(['.', ' '])));
        }
    }

    #[test]
    fn wrapping_that_windows_takes_off_changes_nothing(
        root in root(),
        names in prop::collection::vec(name(), 0..6),
        separators in prop::collection::vec(separator(), 6),
        upper in any::<bool>(),
    ) {
        let plain = format!("{root}{}", names.join("\\"));
        let expected = decided(&plain).unwrap();
        let mut loose = root.clone();
        for (name, separator) in names.iter().zip(&separators) {
            loose.push_str(name);
            loose.push_str(separator);
        }
        prop_assert_eq!(&decided(&loose).unwrap(), &expected);
        prop_assert_eq!(&decided(&verbatim(&expected).unwrap()).unwrap(), &expected);
        // One letter to one: `ß` stays, as on NTFS.
        let cased: String = plain.chars().map(|letter| match upper {
            true => letter.to_ascii_uppercase(),
            false => letter.to_ascii_lowercase(),
        }).collect();
        prop_assert_eq!(&decided(&cased).unwrap(), &expected);
    }

    #[test]
    fn wrapping_that_leads_elsewhere_is_refused(root in root(), name in name(), how in 0_usize..12) {
        let text = match how {
            0 => format!("{root}{name}."),
            1 => format!("{root}{name} "),
            2 => format!("{root}{name}:s"),
            3 => format!("{root}{name}::$DATA"),
            4 => format!("{root}{name}\\..\\x"),
            5 => format!("\\\\.\\{root}{name}"),
            6 => format!("{root}ABCDEF~1\\{name}"),
            7 => format!("{root}{name}\\NUL"),
            8 => format!("{root}{name}\\con .x"),
            9 => format!("{root}{name}\u{1}"),
            10 => name,
            _ => format!("\\\\?\\GLOBALROOT\\Device\\X\\{name}"),
        };
        prop_assert!(decided(&text).is_err(), "{}", text);
    }
}
