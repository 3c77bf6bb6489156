"""Keeps values for `cargo run -p examples --bin key-value-client`, over TLS.

It is the server of the Python Cookbook's recipe 11.10. The certificate signs itself; make it in the current folder:

    openssl req -newkey rsa:2048 -nodes -x509 -subj /CN=localhost -days 365 -keyout server_key.pem -out server_cert.pem
"""

import ssl
import sys
from socketserver import ThreadingMixIn
from xmlrpc.server import SimpleXMLRPCServer


class KeyValueServer(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True

    def __init__(self, address, context):
        super().__init__(address, allow_none=True, logRequests=False)
        self._context = context
        self._data = {}
        for method in (self.get, self.set, self.delete, self.exists, self.keys):
            self.register_function(method)

    def get_request(self):
        # The handshake is left to the thread of the connection: a silent client holds up no other.
        client, address = super().get_request()
        return self._context.wrap_socket(client, server_side=True, do_handshake_on_connect=False), address

    def get(self, name):
        return self._data[name]

    def set(self, name, value):
        self._data[name] = value

    def delete(self, name):
        del self._data[name]

    def exists(self, name):
        return name in self._data

    def keys(self):
        return list(self._data)


certificate, key = sys.argv[1:] or ("server_cert.pem", "server_key.pem")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server = KeyValueServer(("localhost", 15000), context)
print("listening on https://localhost:15000", flush=True)
server.serve_forever()
