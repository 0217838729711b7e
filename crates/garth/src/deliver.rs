//! Sends what was recorded to a receiver over HTTP. Called by the user, outside every sandbox.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Sends a body with POST and returns the answer's. `url` is `http://` or `https://`, which trusts what the system trusts.
///
/// # Errors
/// What went wrong, in words: the address, the connection, or the answer's status.
pub fn post(url: &str, content_type: &str, body: Vec<u8>) -> Result<Vec<u8>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let sent = tokio::time::timeout(PATIENCE, send(url, content_type, body));
        sent.await.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
    })
}

async fn send(url: &str, content_type: &str, body: Vec<u8>) -> Result<Vec<u8>, String> {
    let uri: Uri = url.parse().map_err(|error| format!("it is no address: {error}"))?;
    let host = uri.host().ok_or("it names no host")?.trim_matches(['[', ']']).to_owned();
    let is_secret = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("it starts with neither http:// nor https://".to_owned()),
    };
    let port = uri.port_u16().unwrap_or(if is_secret { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
    let authority = uri.authority().map_or(host.clone(), |authority| authority.as_str().to_owned());
    let request = Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header("host", authority)
        .header("content-type", content_type)
        .header("user-agent", concat!("garth/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    if !is_secret {
        return exchange(stream, request).await;
    }
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::new(trust()?)).connect(name, stream).await;
    exchange(stream.map_err(|error| error.to_string())?, request).await
}

/// What the system trusts.
fn trust() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _unreadable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err("this machine trusts no authority for https".to_owned());
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Vec<u8>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LONGEST).collect().await;
    drop(sender);
    connection.abort();
    if status != StatusCode::OK && status != StatusCode::ACCEPTED && status != StatusCode::NO_CONTENT {
        return Err(format!("it answered {status}"));
    }
    body.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())
}
