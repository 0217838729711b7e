//! Refusals that a client can read.

use crate::core::{Code, Host, Ruling};

/// The status of a refusal: what the rules refuse is 403, what failed on the way is 502.
pub(crate) fn status(ruling: &Ruling) -> u16 {
    match ruling.code {
        Code::ResolveFailed | Code::ConnectFailed | Code::TlsFailed => 502,
        Code::Credentials => 407,
        Code::Malformed | Code::HostMalformed => 400,
        _ => 403,
    }
}

/// The body of a refusal: `error`, `reason`, `host`, `port`, `rule` and `hint`.
pub(crate) fn body(host: Option<&Host>, port: u16, ruling: &Ruling) -> String {
    let hint = ruling.hint.as_ref().map(|hint| format!("[{}] {}", hint.section, hint.line));
    let value = serde_json::json!({
        "error": ruling.code.name(),
        "reason": ruling.reason,
        "host": host.map(Host::text),
        "port": port,
        "rule": ruling.origin.as_ref().map(ToString::to_string),
        "hint": hint,
    });
    format!("{value}\n")
}

/// A whole response of HTTP/1.1 that ends the connection.
pub(crate) fn response(host: Option<&Host>, port: u16, ruling: &Ruling) -> Vec<u8> {
    let (status, body) = (status(ruling), body(host, port, ruling));
    let phrase = match status {
        400 => "Bad Request",
        407 => "Proxy Authentication Required",
        502 => "Bad Gateway",
        _ => "Forbidden",
    };
    let challenge = if status == 407 { "Proxy-Authenticate: Basic realm=\"garth\"\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{challenge}\
         X-Garth-Denied: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
        ruling.code.name(),
    )
    .into_bytes()
}
