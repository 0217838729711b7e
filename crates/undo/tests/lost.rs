//! Layers that the machine went down with.

use garth_undo::{Base, LayerRecord, Standing, Time, standing};

#[test]
fn a_layer_of_another_boot_or_of_an_unknown_one_is_told_from_this_ones() {
    let began = |boot: Option<&str>| LayerRecord {
        version: 1,
        id: "a".into(),
        started: Time { seconds: 0, nanos: 0 },
        command: Vec::new(),
        trees: Vec::new(),
        boot: boot.map(str::to_owned),
    };
    for (recorded, now, is_other) in [
        // Written by a garth whose layers were brought to the disk file by file.
        (None, Some("x"), false),
        (Some("x"), Some("x"), false),
        (Some("x"), Some("y"), true),
        (Some("x"), None, true),
        (Some(""), Some(""), true),
        (Some(""), Some("x"), true),
    ] {
        assert_eq!(began(recorded).is_of_another_boot(now), is_other, "{recorded:?} {now:?}");
    }
}

#[test]
fn what_may_be_cut_short_is_no_content_to_put_in_place_unasked() {
    let base = Base { entry: None, digest: None, clean: true, lost: true, copy: None };
    assert!(matches!(standing(&base, None, || None), Standing::Moved(_)));
    let sound = Base { lost: false, ..base };
    assert_eq!(standing(&sound, None, || None), Standing::AsBefore);
    let text = serde_json::to_string(&sound).unwrap();
    assert!(!text.contains("lost"), "records of before read the same: {text}");
}
