//! Servers of other kinds than the small web server that an [`Internet`] always has.

use crate::internet::{Internet, SERVER};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long a server may take until it answers; it bounds what a broken test costs.
const PATIENCE: Duration = Duration::from_secs(30);

/// HTTP/2 and HTTP/1.1 over TLS on the port of the first argument. The answer names the version.
pub const HTTP2: &str = r"
const fs = require('fs'), http2 = require('http2');
const options = { key: fs.readFileSync('server.key'), cert: fs.readFileSync('server.pem'), allowHTTP1: true };
http2.createSecureServer(options, (request, response) => {
  const host = request.headers[':authority'] || request.headers.host;
  fs.appendFileSync('requests.log', `${request.method} ${host} ${request.url} -\n`);
  response.end(`HTTP/${request.httpVersion} from ${host}`);
}).listen(Number(process.argv[1]), process.argv[2]);
";

/// gRPC over TLS: one method that answers once, and one that answers three times.
pub const GRPC: &str = r"
import grpc, sys, time
from concurrent import futures
def once(request, context):
    return b'once ' + request
def often(request, context):
    for number in (b'one', b'two', b'three'):
        yield number + b' ' + request
handlers = grpc.method_handlers_generic_handler('garth.Echo', {
    'Once': grpc.unary_unary_rpc_method_handler(once),
    'Often': grpc.unary_stream_rpc_method_handler(often),
})
server = grpc.server(futures.ThreadPoolExecutor(4), handlers=(handlers,))
key, certificate = open('server.key', 'rb').read(), open('server.pem', 'rb').read()
server.add_secure_port(sys.argv[2] + ':' + sys.argv[1], grpc.ssl_server_credentials([(key, certificate)]))
server.start()
server.wait_for_termination()
";

/// A WebSocket over TLS that answers each message.
pub const WEBSOCKET: &str = r"
import asyncio, ssl, sys, websockets
async def answer(socket):
    async for message in socket:
        await socket.send('heard ' + message)
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('server.pem', 'server.key')
    async with websockets.serve(answer, sys.argv[2], int(sys.argv[1]), ssl=context):
        await asyncio.Future()
asyncio.run(main())
";

/// Git's own protocol over HTTPS, by `git http-backend`; whoever asks may push.
pub const GIT: &str = r"
import http.server, os, ssl, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *words): pass
    def body(self):
        if self.headers.get('Transfer-Encoding') != 'chunked':
            return self.rfile.read(int(self.headers.get('Content-Length', 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size)); self.rfile.readline()
        self.rfile.readline()
        return b''.join(pieces)
    def answer(self):
        path, _, query = self.path.partition('?')
        body = self.body()
        given = {'GIT_PROJECT_ROOT': os.getcwd() + '/files', 'GIT_HTTP_EXPORT_ALL': '1', 'PATH_INFO': path,
                 'QUERY_STRING': query, 'REQUEST_METHOD': self.command, 'REMOTE_USER': 'pusher',
                 'CONTENT_TYPE': self.headers.get('Content-Type', ''), 'CONTENT_LENGTH': str(len(body)),
                 'HTTP_CONTENT_ENCODING': self.headers.get('Content-Encoding', ''),
                 'GIT_PROTOCOL': self.headers.get('Git-Protocol', '')}
        said = subprocess.run(['git', 'http-backend'], input=body, env={**os.environ, **given}, stdout=subprocess.PIPE).stdout
        head, _, body = said.partition(b'\r\n\r\n')
        fields = dict(line.split(': ', 1) for line in head.decode().split('\r\n') if ': ' in line)
        self.send_response(int(fields.pop('Status', '200').split()[0]))
        for name, value in {**fields, 'Content-Length': str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
server = http.server.ThreadingHTTPServer((sys.argv[2], int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('server.pem', 'server.key')
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
";

impl Internet {
    /// Starts one more server on [`SERVER`], in the directory of the internet, and waits until the port answers. It ends
    /// with the internet.
    ///
    /// # Panics
    /// When it does not start in time.
    pub fn start(&mut self, port: u16, words: &[&str]) {
        let log = std::fs::File::create(self.directory().join(format!("server-{port}.log"))).expect("a log");
        let mut command = self.command_outside(words);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        let server = command.spawn().expect("ip starts");
        self.keep(server);
        let end = Instant::now() + PATIENCE;
        let answers = format!("exec 3<>/dev/tcp/{SERVER}/{port}");
        while !self
            .command_outside(&["bash", "-c", &answers])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
        {
            let said = std::fs::read_to_string(self.directory().join(format!("server-{port}.log")));
            assert!(Instant::now() < end, "{words:?} does not start: {}", said.unwrap_or_default());
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}
