import socketserver
import ssl
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


# The directory of the certificate, if TLS is to be used.
certificate = os.environ.get("CERTIFICATE")

if sys.argv[1] == "serve":
    server = Server(("127.0.0.1", 0), requestHandler=Handler, logRequests=False)
    server.register_function(add)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate + "/certificate.pem", certificate + "/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    announce("%s:%d" % server.server_address)
    server.serve_forever()
else:
    seconds, address = float(sys.argv[2]), sys.argv[3]
    context = ssl.create_default_context(cafile=certificate + "/certificate.pem") if certificate else None
    url = "%s://%s/RPC2" % ("https" if certificate else "http", address)

    def connect():
        return ServerProxy(url, context=context)

    def call_once():
        with connect() as proxy:
            return proxy.add(3, 5)

    assert call_once() == 8
    if sys.argv[1] == "handshakes":
        measured(rate(call_once, seconds))
    else:
        proxy = connect()
        measured(rate(lambda: proxy.add(3, 5), seconds))
