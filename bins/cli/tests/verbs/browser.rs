//! A browser that is driven over two pipes (the Chrome `DevTools` protocol, `--remote-debugging-pipe`): no port, no library.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use crate::place::Place;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long one answer may take; far more than any does on a loaded machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A headless browser with one page.
pub struct Browser {
    child: Child,
    calls: ChildStdin,
    heard: Receiver<Value>,
    number: u64,
    page: Option<String>,
}

impl Browser {
    /// Starts it; `None` where there is none.
    pub fn start(place: &Place) -> Option<Self> {
        if Command::new("chromium").arg("--version").output().is_err() {
            eprintln!("skipped: chromium is not installed");
            return None;
        }
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-extensions", "--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", place.work().join("profile").display()))
            .arg("about:blank")
            .env("HOME", place.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let calls = child.stdin.take().unwrap();
        let mut answers = child.stdout.take().unwrap();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            let (mut rest, mut part) = (Vec::new(), vec![0; 1 << 16]);
            while let Ok(count @ 1..) = answers.read(&mut part) {
                rest.extend_from_slice(&part[..count]);
                while let Some(end) = rest.iter().position(|byte| *byte == 0) {
                    let message: Vec<u8> = rest.drain(..=end).collect();
                    let Ok(message) = serde_json::from_slice(&message[..end]) else { return };
                    if sender.send(message).is_err() {
                        return;
                    }
                }
            }
        });
        let mut browser = Self { child, calls, heard, number: 0, page: None };
        let made = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let target = json!({ "targetId": made["targetId"], "flatten": true });
        let page = browser.call("Target.attachToTarget", &target);
        browser.page = page["sessionId"].as_str().map(str::to_owned);
        Some(browser)
    }

    /// Calls a method and waits for its result.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.number += 1;
        let mut call = json!({ "id": self.number, "method": method, "params": parameters });
        if let Some(page) = &self.page {
            call["sessionId"] = page.as_str().into();
        }
        self.calls.write_all(format!("{call}\0").as_bytes()).unwrap();
        loop {
            let message = self.heard.recv_timeout(LIMIT).unwrap();
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression in the page is true.
    pub fn wait_for(&mut self, expression: &str) {
        let began = Instant::now();
        while self.value(expression) != true {
            assert!(began.elapsed() < LIMIT, "never: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Opens a file in a window of this width, as a reader who wants no motion sees it.
    pub fn open(&mut self, file: &Path, width: u32, scheme: &str) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        self.media("screen", scheme);
        let url = format!("file://{}", file.display());
        // Another document first, so that what is waited for is not the page of before.
        self.call("Page.navigate", &json!({ "url": "about:blank" }));
        self.wait_for("location.href === 'about:blank' && document.readyState === 'complete'");
        self.call("Page.navigate", &json!({ "url": url }));
        self.wait_for("location.protocol === 'file:' && document.readyState === 'complete'");
    }

    /// Shows the page for a medium in a colour scheme.
    pub fn media(&mut self, medium: &str, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call("Emulation.setEmulatedMedia", &json!({ "media": medium, "features": features }));
    }

    /// Presses a key and lets go of it.
    pub fn press(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            "Escape" => ("Escape", 27, ""),
            " " => ("Space", 32, " "),
            "/" => ("Slash", 191, "/"),
            other => panic!("no such key: {other}"),
        };
        let mut event = json!({ "key": key, "code": code, "windowsVirtualKeyCode": number });
        for kind in ["keyDown", "keyUp"] {
            event["type"] = kind.into();
            event["text"] = if kind == "keyDown" { text.into() } else { "".into() };
            self.call("Input.dispatchKeyEvent", &event);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends with its pipe, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
