//! The page's colours can be told apart: WCAG 2.2, success criteria 1.4.3 (text, 4.5 to 1) and 1.4.11 (graphics, 3 to 1), in the
//! light, in the dark and on paper.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("style.css");

/// Colours that are written on, and beside each the one that it has as its own ground, if it has one.
const TEXTS: [(&str, Option<&str>); 6] = [
    ("ink", Some("brick-wash")),
    ("soft", Some("brick-wash")),
    ("leaf", Some("leaf-wash")),
    ("brick", Some("brick-wash")),
    ("amber", Some("amber-wash")),
    ("sky", Some("sky-wash")),
];

/// What everything stands on.
const GROUNDS: [&str; 3] = ["ground", "card", "wash"];

/// Shapes that mean something: bars of the timeline, shares of bytes, the frame of what has the focus.
const SHAPES: [&str; 4] = ["bar", "brick", "amber", "sky"];

/// The colours of each scheme: light, dark, paper.
fn schemes() -> Vec<BTreeMap<&'static str, &'static str>> {
    let blocks = STYLE.split(":root {").skip(1);
    let colours = |block: &'static str| {
        let block = block.split('}').next().unwrap();
        let parts = block.split(';').filter_map(|part| part.trim().strip_prefix("--")?.split_once(": "));
        parts.collect::<BTreeMap<_, _>>()
    };
    blocks.map(colours).collect()
}

/// Relative luminance, as WCAG defines it.
fn luminance(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').unwrap();
    let short = digits.len() == 3;
    let channel = |at: usize| {
        let text = if short { digits[at..=at].repeat(2) } else { digits[2 * at..2 * at + 2].to_owned() };
        let value = f64::from(u8::from_str_radix(&text, 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.0722f64.mul_add(channel(2), 0.2126f64.mul_add(channel(0), 0.7152 * channel(1)))
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn texts_and_shapes_stand_out_in_every_scheme() {
    assert!((contrast("#000", "#ffffff") - 21.0).abs() < 0.01, "the rule itself");
    let schemes = schemes();
    assert_eq!(schemes.len(), 3, "light, dark, paper");
    for (number, colours) in schemes.iter().enumerate() {
        let least = |name: &str, grounds: &mut dyn Iterator<Item = &str>, wanted: f64| {
            for ground in grounds {
                let found = contrast(colours[name], colours[ground]);
                assert!(found >= wanted, "scheme {number}: {name} on {ground} has {found:.2} of {wanted}");
            }
        };
        for (text, own) in TEXTS {
            least(text, &mut GROUNDS.into_iter().chain(own), 4.5);
        }
        for shape in SHAPES {
            least(shape, &mut GROUNDS.into_iter(), 3.0);
        }
    }
}

/// Another colour than those that are looked at here is written nowhere.
#[test]
fn every_colour_is_one_of_the_scheme() {
    let rules = STYLE.lines().filter(|line| !line.trim_start().starts_with("--"));
    let strange: Vec<&str> = rules.filter(|line| line.contains(": #") || line.contains("rgb(")).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// On paper all that is folded is open, and what only serves a screen is gone.
#[test]
fn paper_shows_what_is_folded_and_no_navigation() {
    let paper = STYLE.split("@media print").nth(1).unwrap();
    for rule in [
        "nav, .skip { display: none; }",
        "details::details-content { content-visibility: visible;",
        ".part { content-visibility: visible; }",
    ] {
        assert!(paper.contains(rule), "{rule}");
    }
}
