//! The page of a session for those who use a keyboard, a screen reader, a small window or paper.

use crate::browser::Browser;
use crate::place::Place;
use crate::report::page_of;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The page of a session that was refused something and changed files.
fn page(place: &Place) -> PathBuf {
    place.write("kept.txt", "one\ntwo\n");
    let script = "echo three >> kept.txt; seq 300 > made.txt; mkdir .vscode 2>/dev/null; exit 3";
    place.garth(&["run", "--cow", "--", "sh", "-c", script]).expect(3);
    let page = place.work().join("page.html");
    place.garth(&["report", "last", "-o", page.to_str().unwrap()]).expect(0);
    page
}

/// Where the keyboard is: the place of its element among all, and whether the reader sees it.
const FOCUS: &str = "(() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const x = Math.max(box.left, 0) + 2, y = Math.max(box.top, 0) + 2;
  const top = document.elementFromPoint(x, y);
  return {
    place: [...document.querySelectorAll('*')].indexOf(at),
    what: at.outerHTML.slice(0, 80),
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: top !== null && (at.contains(top) || top.contains(at)),
  };
})()";

/// Places of all that a key has to reach.
const REACHABLE: &str = "(() => {
  const all = [...document.querySelectorAll('*')];
  const wanted = 'a[href], summary, input, button, select, textarea, [tabindex=\"0\"]';
  return [...document.querySelectorAll(wanted)].filter((one) => one.checkVisibility()).map((one) => all.indexOf(one));
})()";

#[test]
fn every_part_is_reached_in_order_and_seen() {
    let place = Place::new("report-keys");
    let Some(mut browser) = Browser::start(&place) else { return };
    let page = page(&place);
    for (width, scheme) in [(1280, "light"), (1280, "dark"), (420, "light")] {
        browser.open(&page, width, scheme);
        let wanted: Vec<u64> = serde_json::from_value(browser.value(REACHABLE)).unwrap();
        assert!(wanted.len() > 20, "{wanted:?}");
        assert_eq!(
            browser.value("document.querySelector('[tabindex]:not([tabindex=\"0\"], [tabindex=\"-1\"])')"),
            Value::Null
        );
        let mut reached = Vec::new();
        for _ in 0..wanted.len() {
            browser.press("Tab");
            let focus = browser.value(FOCUS);
            assert_eq!(focus["outlined"], true, "{width} {scheme}: {focus}");
            assert_eq!(focus["seen"], true, "{width} {scheme}: {focus}");
            reached.push(focus["place"].as_u64().unwrap());
        }
        assert_eq!(reached, wanted, "{width} {scheme}");
    }
}

#[test]
fn keys_open_close_filter_and_skip() {
    let place = Place::new("report-keys-work");
    let Some(mut browser) = Browser::start(&place) else { return };
    let page = page(&place);
    browser.open(&page, 1280, "light");
    browser.press("Tab");
    browser.press("Enter");
    browser.wait_for("location.hash === '#main' && document.activeElement.id === 'main'");
    let count = browser.value("document.querySelectorAll('summary').length").as_u64().unwrap();
    assert!(count >= 4, "{count}");
    for number in 0..count {
        browser.value(&format!("document.querySelectorAll('summary')[{number}].focus()"));
        let open = format!("document.querySelectorAll('summary')[{number}].parentElement.open");
        let before = browser.value(&open);
        browser.press("Enter");
        assert_ne!(browser.value(&open), before, "Enter, {number}");
        browser.press(" ");
        assert_eq!(browser.value(&open), before, "Space, {number}");
    }
    browser.press("/");
    browser.wait_for("document.activeElement.id === 'filter'");
    browser.call("Input.insertText", &json!({ "text": "no row has this" }));
    browser.wait_for("document.getElementById('found').textContent.startsWith('0 of ')");
    browser.press("Escape");
    browser.wait_for("document.getElementById('found').textContent === '' && document.getElementById('filter').value === ''");
    assert_eq!(browser.value("document.querySelectorAll('tbody tr[hidden]').length"), 0);
}

/// What a screen reader is told: role, name and level of each thing, in order.
fn told(browser: &mut Browser) -> Vec<(String, String, Option<u64>, bool)> {
    browser.call("Accessibility.enable", &json!({}));
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false);
    nodes
        .map(|node| {
            let text = |key: &str| node[key]["value"].as_str().unwrap_or_default().trim().to_owned();
            let property = |name: &str| {
                let all = node["properties"].as_array();
                let found = all.into_iter().flatten().find(|property| property["name"] == name);
                found.map(|property| property["value"]["value"].clone()).unwrap_or_default()
            };
            (text("role"), text("name"), property("level").as_u64(), property("focusable") == true)
        })
        .collect()
}

#[test]
fn a_screen_reader_is_told_what_everything_is() {
    let place = Place::new("report-reader");
    let Some(mut browser) = Browser::start(&place) else { return };
    let page = page(&place);
    browser.open(&page, 1280, "light");
    browser.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    let told = told(&mut browser);
    let names = |role: &str| -> Vec<&str> {
        told.iter().filter(|(of, ..)| of == role).map(|(_, name, ..)| name.as_str()).collect()
    };
    for role in ["main", "banner", "contentinfo", "navigation", "search"] {
        assert_eq!(names(role).len(), 1, "{role}: {told:?}");
    }
    assert_eq!(names("searchbox"), ["Filter"]);
    for role in
        ["navigation", "table", "region", "image", "link", "heading", "columnheader", "DisclosureTriangle"]
    {
        let names = names(role);
        assert!(!names.is_empty(), "no {role}: {told:?}");
        assert!(names.iter().all(|name| !name.is_empty()), "a {role} has no name: {names:?}");
    }
    for (role, name, _, is_focusable) in &told {
        let is_page = matches!(role.as_str(), "RootWebArea" | "main");
        assert!(!is_focusable || is_page || !name.is_empty(), "a {role} that keys reach has no name");
    }
    let levels: Vec<u64> =
        told.iter().filter(|(role, ..)| role == "heading").filter_map(|(_, _, level, _)| *level).collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{levels:?}");
    assert!(levels[0] == 1 && levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

/// Nothing goes beyond the window, on any width, and on paper everything that folds is open.
#[test]
fn small_windows_and_paper_show_all_of_it() {
    let place = Place::new("report-sizes");
    let Some(mut browser) = Browser::start(&place) else { return };
    for events in [10, 10_000] {
        let page = page_of(&place, events);
        for (width, scheme) in [(1280, "light"), (800, "dark"), (360, "dark")] {
            browser.open(&page, width, scheme);
            let over =
                browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(over, 0, "{events} events, {width} wide");
            // The letters of the drawing are 12 of its units.
            let letters = "(() => { const one = document.querySelector('.timeline'); return 12 * one.getBoundingClientRect().width / one.viewBox.baseVal.width; })()";
            let letters = browser.value(letters).as_f64().unwrap();
            assert!(letters >= 10.0, "{width} wide: letters of {letters} pixels");
            let beyond = "[...document.querySelectorAll('caption')].filter((one) => one.checkVisibility()).filter((one) => { const text = document.createRange(); text.selectNodeContents(one); return text.getBoundingClientRect().right > innerWidth; }).length";
            assert_eq!(browser.value(beyond), 0, "{width} wide: a caption has to be scrolled to");
            let dark =
                browser.value("getComputedStyle(document.body).backgroundColor !== 'rgb(247, 246, 242)'");
            assert_eq!(dark, scheme == "dark");
        }
        browser.media("print", "light");
        assert_eq!(browser.value("getComputedStyle(document.querySelector('nav')).display"), "none");
        let folded = "[...document.querySelectorAll('details > :not(summary)')].filter((one) => !one.checkVisibility({contentVisibilityAuto: true})).length";
        assert_eq!(browser.value(folded), 0, "{events} events on paper");
    }
}
