"""jsonrpcserver over http.server as server; prints its URL."""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jsonrpcserver import Error, Success, dispatch, method


@method
def subtract(minuend, subtrahend):
    return Success(minuend - subtrahend)


@method
def echo(x):
    return Success(x)


@method
def update(*values):
    return Success()


@method
def fail(code, message):
    return Error(code, message)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answer = dispatch(body).encode()
        self.send_response(200 if answer else 204)
        if answer:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("http://127.0.0.1:%d/" % server.server_address[1], flush=True)
server.serve_forever()
