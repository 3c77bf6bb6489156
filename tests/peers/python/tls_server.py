# CPython's own XML-RPC server behind its `ssl`, for Farcall's client to call. Runs on CPython 3.6 and newer.
# Usage: tls_server.py CERTIFICATE KEY [--clients CA] [--version 1.2|1.3] [--ragged] [--http10]
# Prints the port it took, and serves until it is killed.
import argparse
import ssl
import sys
from socketserver import ThreadingMixIn
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

parser = argparse.ArgumentParser()
parser.add_argument("certificate")
parser.add_argument("key")
parser.add_argument("--clients", help="demand certificates of clients by this authority")
parser.add_argument("--version", choices=["1.2", "1.3"])
parser.add_argument("--ragged", action="store_true", help="end connections without close_notify")
parser.add_argument("--http10", action="store_true", help="close each connection after its call")
args = parser.parse_args()

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(args.certificate, args.key)
if args.clients:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(args.clients)
if args.version == "1.2":
    context.options |= ssl.OP_NO_TLSv1_3 if hasattr(ssl, "OP_NO_TLSv1_3") else 0
elif args.version == "1.3":
    context.options |= ssl.OP_NO_TLSv1_2


class Handler(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.0" if args.http10 else "HTTP/1.1"

    def setup(self):
        # In the thread of the connection, so that a silent client holds up no other.
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self):
        super().finish()
        if not args.ragged:
            try:
                self.request.unwrap()
            except OSError:
                pass


class Server(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler, logRequests=False, allow_none=True)
server.register_introspection_functions()
server.register_multicall_functions()
server.register_function(lambda a, b: a + b, "add")
server.register_function(lambda x: x, "echo")
server.register_function(lambda n: "x" * n, "long_text")
sys.stdout.write("%d\n" % server.server_address[1])
sys.stdout.flush()
server.serve_forever()
