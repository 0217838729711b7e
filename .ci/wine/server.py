"""A server of the loopback for the tests of the relay: prints its port, and serves until its input ends."""

import http.server
import sys
import threading

LARGE = bytes(64 << 20)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = LARGE if self.path == "/large" else b"small"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
