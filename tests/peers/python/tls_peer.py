"""A peer of connections over TLS, by examples/python/tls_connections.py.

    tls_peer.py client PORT FOLDER [mtls]     checks an echo at localhost:PORT, and prints `done`
    tls_peer.py server FOLDER [mtls]          prints its port, and echoes
    tls_peer.py stranger PORT FOLDER          expects that its authkey is refused
    tls_peer.py plain PORT FOLDER             expects that a client without TLS is refused

FOLDER has ca.pem, server.pem, server.key, client.pem and client.key. The authkey is `a key`.
"""

import multiprocessing
import multiprocessing.connection
import os
import ssl
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "..", "examples", "python"))
from tls_connections import Client, Listener

KEY = b"a key"


def in_folder(name):
    return os.path.join(folder, name)


def client_context():
    # That of ssl.create_default_context demands extensions that the test certificates lack.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(in_folder("ca.pem"))
    if mtls:
        context.load_cert_chain(in_folder("client.pem"), in_folder("client.key"))
    return context


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(in_folder("server.pem"), in_folder("server.key"))
    if mtls:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(in_folder("ca.pem"))
    return context


def client(port):
    with Client(("localhost", port), client_context(), KEY) as c:
        for value in ["text", 2**70, None, [1, 2.5, (True, b"x")], {"a": {3, 4}}]:
            c.send(value)
            assert c.recv() == value, value
        for length in [0, 1, 16383, 16384, 16385, 65536, 1 << 20, 8 << 20]:
            data = os.urandom(length)
            c.send_bytes(data)
            assert c.recv_bytes() == data, length
        assert not c.poll() and not c.poll(0.05)
        c.send("late")
        assert c.poll(20) and c.poll()
        assert c.recv() == "late"
        for number in range(1000):
            c.send(number)
        for number in range(1000):
            assert c.poll(20)
            assert c.recv() == number
        buffer = bytearray(10)
        c.send_bytes(b"0123456789")
        assert c.recv_bytes_into(buffer) == 10 and buffer == b"0123456789"
        c.send("end")
        try:
            c.recv()
        except EOFError:
            print("done")


def server():
    with Listener(("localhost", 0), server_context(), KEY) as listener:
        print(listener.address[1], flush=True)
        while True:
            try:
                with listener.accept() as c:
                    while True:
                        c.send_bytes(c.recv_bytes())
            except (EOFError, OSError, multiprocessing.AuthenticationError):
                pass


def stranger(port):
    try:
        Client(("localhost", port), client_context(), b"another key")
    except multiprocessing.AuthenticationError:
        print("done")


def plain(port):
    try:
        multiprocessing.connection.Client(("localhost", port), authkey=KEY)
    except (EOFError, OSError):
        print("done")


mtls = "mtls" in sys.argv
what = sys.argv[1]
folder = sys.argv[2] if what == "server" else sys.argv[3]
if what == "server":
    server()
else:
    {"client": client, "stranger": stranger, "plain": plain}[what](int(sys.argv[2]))
