"""A proxy of the loopback that answers for every name itself, for the tests of questions: prints its port, and serves until its
input ends. So an approved connection has an other end, and no test needs a name that resolves."""

import socketserver
import sys
import threading


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.head()
        if line.startswith(b"CONNECT "):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            line = self.head()
        if line:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsmall")

    def head(self):
        """The first line of a request, which is read to the end of its head."""
        first = line = self.rfile.readline(65536)
        while line.strip():
            line = self.rfile.readline(65536)
        return first


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
