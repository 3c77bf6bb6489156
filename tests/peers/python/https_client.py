"""Calls an XML-RPC server over TLS: https_client.py URL FOLDER [mtls].

FOLDER has the certificates of the tests. With mtls the server demands those of clients. Prints
`done` at the end.
"""
import http.client
import os
import socket
import ssl
import sys
import xmlrpc.client
from urllib.parse import urlsplit

url, folder = sys.argv[1:3]
mtls = "mtls" in sys.argv
where = urlsplit(url)


def context(ca="ca", client="client", **options):
    made = ssl.create_default_context(cafile=os.path.join(folder, ca + ".pem"))
    if mtls and client:
        made.load_cert_chain(*(os.path.join(folder, client + end) for end in (".pem", ".key")))
    for name, value in options.items():
        setattr(made, name, value)
    return made


def call(made=None, method="add", args=(3, 5)):
    with xmlrpc.client.ServerProxy(url, context=made or context()) as server:
        return getattr(server, method)(*args)


def refused(act, *kinds):
    try:
        act()
    except kinds:
        return
    raise AssertionError("not refused")


assert call() == 8
big = "x" * (1 << 20)
assert call(method="echo", args=(big,)) == big
for version in ("TLSv1_2", "TLSv1_3") if hasattr(ssl, "TLSVersion") else ():
    one = getattr(ssl.TLSVersion, version)
    assert call(context(minimum_version=one, maximum_version=one)) == 8

name, called = call(method="whoami", args=())
assert called == "localhost", called
assert name == ("spiffe://farcall.example/client" if mtls else "anonymous"), name

refused(lambda: call(context(ca="other-ca")), ssl.SSLError)
if mtls:
    errors = ssl.SSLError, OSError, http.client.HTTPException
    refused(lambda: call(context(client=None)), *errors)
    refused(lambda: call(context(client="stranger")), *errors)

# The server says goodbye, so the end of a body that ends with the connection is no attack.
with socket.create_connection((where.hostname, where.port)) as raw:
    with context().wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while s.recv(1000):
            pass
print("done")
