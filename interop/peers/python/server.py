# A server based on the standard library, for our client. It prints its URL and serves until it is killed.
# Runs on CPython 2.7 and 3.x and on PyPy.
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
    # The default, HTTP/1.0, closes each connection.
    protocol_version = "HTTP/1.1"


class Server(ThreadingMixIn, SimpleXMLRPCServer):
    # A single thread would serve no one else while a client keeps its connection.
    daemon_threads = True


class Service:
    def add(self, a, b):
        """Adds two integers."""
        return a + b

    def concat(self, a, b):
        return a + b

    def echo(self, x):
        return x

    def fail(self, code, text):
        raise xmlrpc.Fault(code, text)


# Without an encoding, Python 2 would write texts as bytes.
server = Server(
    ("127.0.0.1", 0), requestHandler=Handler, allow_none=True, logRequests=False, encoding="utf-8"
)
server.register_introspection_functions()
server.register_multicall_functions()
server.register_instance(Service())
sys.stdout.write("http://127.0.0.1:%d/RPC2\n" % server.server_address[1])
sys.stdout.flush()
server.serve_forever()
