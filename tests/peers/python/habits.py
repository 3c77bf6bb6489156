# CPython's server with its behaviour beyond the specification. The path names the encoding of the replies.
# Runs on CPython 2.7 and 3.x. Prints the port it took, and serves until it is killed.
import sys

try:
    import xmlrpc.client as xmlrpc
    from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

    character = chr
except ImportError:
    import xmlrpclib as xmlrpc
    from SimpleXMLRPCServer import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

    character = unichr  # noqa: F821


class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ()


class Server(SimpleXMLRPCServer):
    def _marshaled_dispatch(self, data, dispatch_method=None, path=None):
        self.encoding = path[1:]
        return SimpleXMLRPCServer._marshaled_dispatch(self, data, dispatch_method, path)


class Service:
    def echo(self, x):
        return x

    def kind(self, x):
        return type(x).__name__

    def doubles(self):
        return [float("nan"), float("inf"), float("-inf")]

    def never(self):
        return [{"id": 1, "date": xmlrpc.DateTime("00000000T00:00:00")}]

    def backspace(self):
        return "a\bb"

    def text_of(self, codepoints):
        return "".encode("ascii").decode("ascii").join(map(character, codepoints))


server = Server(("127.0.0.1", 0), requestHandler=Handler, allow_none=True, logRequests=False)
server.register_instance(Service())
sys.stdout.write("%d\n" % server.server_address[1])
sys.stdout.flush()
server.serve_forever()
