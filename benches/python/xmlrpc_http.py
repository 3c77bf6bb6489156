import socketserver
from xmlrpc.client import ServerProxy
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer


class Handler(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"


class Server(socketserver.ThreadingMixIn, SimpleXMLRPCServer):
    """A server with threads: without them it would serve one kept connection only."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Does not report clients that close their connections."""


def add(a, b):
    return a + b


if sys.argv[1] == "serve":
    server = Server(("127.0.0.1", 0), requestHandler=Handler, logRequests=False)
    server.register_function(add)
    announce("%s:%d" % server.server_address)
    server.serve_forever()
else:
    seconds, address = float(sys.argv[2]), sys.argv[3]
    proxy = ServerProxy("http://%s/RPC2" % address)
    assert proxy.add(3, 5) == 8
    measured(rate(lambda: proxy.add(3, 5), seconds))
