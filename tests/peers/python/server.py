# CPython's own XML-RPC server, for Farcall's client to call. Runs on CPython 2.7 and 3.x.
# Usage: server.py [nomulticall] [http11]. Prints the port it took, and serves until it is killed.
import datetime
import sys

try:
    from socketserver import ThreadingMixIn
    import xmlrpc.client as xmlrpc
    from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer
except ImportError:
    from SocketServer import ThreadingMixIn
    import xmlrpclib as xmlrpc
    from SimpleXMLRPCServer import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer


class Handler(SimpleXMLRPCRequestHandler):
    # HTTP/1.1 keeps connections alive; the default, HTTP/1.0, closes each connection after its call.
    protocol_version = "HTTP/1.1" if "http11" in sys.argv else "HTTP/1.0"


class Server(ThreadingMixIn, SimpleXMLRPCServer):
    # A single thread would serve no other client while one keeps its connection.
    daemon_threads = True


server = Server(
    ("127.0.0.1", 0), requestHandler=Handler, allow_none=True, logRequests=False
)
server.register_introspection_functions()
if "nomulticall" not in sys.argv:
    server.register_multicall_functions()


class Service:
    def add(self, a, b):
        """Adds two numbers."""
        return a + b

    def echo(self, x):
        return x

    def kind(self, x):
        return type(x).__name__

    def fail(self, code, text):
        raise xmlrpc.Fault(code, text)

    def divide(self, a, b):
        return a / b

    def blob(self, n):
        return xmlrpc.Binary(bytes(bytearray(i % 256 for i in range(n))))

    def when(self):
        return datetime.datetime(1998, 7, 17, 14, 8, 55)

    def long_text(self, n):
        return "x" * n


server.register_instance(Service())
sys.stdout.write("%d\n" % server.server_address[1])
sys.stdout.flush()
server.serve_forever()
