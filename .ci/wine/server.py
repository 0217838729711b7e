"""A server of the loopback for the tests of the relay: writes its port to a file, and serves until its input ends. What it does
not know it looks for in the directory that it is given.

    server.py PORT-FILE [DIRECTORY]"""

import http.server
import pathlib
import sys
import threading

LARGE = bytes(16 << 20)
DIRECTORY = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/nowhere")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.body()
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.path in ("/large", "/small"):
            return LARGE if self.path == "/large" else b"small"
        file = DIRECTORY / self.path.split("?")[0].lstrip("/")
        return file.read_bytes() if file.is_file() else None

    def log_message(self, *words):
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
pathlib.Path(sys.argv[1]).write_text(str(server.server_address[1]))
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
