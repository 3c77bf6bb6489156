"""jsonrpclib-pelix as server; prints its URL."""
import os

import jsonrpclib
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer

server = SimpleJSONRPCServer(("127.0.0.1", 0), logRequests=False)


def fail(code, message):
    return jsonrpclib.Fault(code, message)


server.register_function(lambda minuend, subtrahend: minuend - subtrahend, "subtract")
server.register_function(lambda x: x, "echo")
server.register_function(lambda *values: None, "update")
server.register_function(fail, "fail")
print("http://127.0.0.1:%d/" % server.server_address[1], flush=True)
server.serve_forever()
