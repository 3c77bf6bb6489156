"""Connections of multiprocessing.connection over TLS, which CPython itself does not have.

    from tls_connections import Client, Listener

    context = ssl.create_default_context(cafile="ca.pem")
    with Client(("localhost", 16000), context, authkey=b"12345") as connection:
        connection.send((3, 5))
        print(connection.recv())

`Client` and `Listener` are used like those of multiprocessing.connection, with an `ssl.SSLContext` as second argument.
The peer may be Farcall (`.tls(...)` on its listener or connection) or the same file. It needs CPython 3.6 or newer with
TLS 1.3, since Farcall's connections use no older version.

The differences from connections without TLS:

- An end without `close_notify` raises `ssl.SSLEOFError`: somebody may have cut the connection. After a regular end
  `recv` raises `EOFError`, as always. A peer that is killed sends no `close_notify`.
- `multiprocessing.connection.wait` does not know what TLS has received already. Use `poll`.
- One thread at a time may use a connection, before CPython 3.13 also for sending and receiving.
- The proof of the authkey is not bound to the connection, which CPython cannot do: the certificate alone protects from
  somebody in the middle. So the context of a client must verify it, as that of `ssl.create_default_context` does.

As a program it adds numbers, for the client in Rust or in Python:

    python3 tls_connections.py server server.pem server.key
    python3 tls_connections.py client ca.pem
    FARCALL_AUTHKEY=12345 farcall send --cacert ca.pem --legacy-md5 conn+tls://localhost:16000 '[3, 5]'

`farcall certs .` makes the three files.
"""

import io
import socket
import ssl
import sys
import time
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge, wait

# Fewer bytes than one record of TLS would cost a call of the system for each.
READ = 16 * 1024


class TlsConnection(Connection):
    """A connection over an `ssl.SSLSocket`, made by `Client` or `Listener.accept`."""

    def __init__(self, tls):
        super().__init__(tls.fileno())
        self._tls = tls
        # What was received and not returned yet.
        self._received = bytearray()

    # The methods through which `Connection` reads, writes, waits and closes, since CPython 3.3.

    def _send(self, buf, write=None):
        self._tls.sendall(buf)

    def _recv(self, size, read=None):
        while len(self._received) < size:
            data = self._tls.recv(max(READ, min(size - len(self._received), 1 << 20)))
            if not data:
                if self._received:
                    raise OSError("got end of file during message")
                raise EOFError
            self._received += data
        message = io.BytesIO(self._received[:size])
        message.seek(0, io.SEEK_END)
        del self._received[:size]
        return message

    def _poll(self, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._received:
            if not self._tls.pending():
                left = None if deadline is None else max(0, deadline - time.monotonic())
                if not wait([self._tls], left):
                    return False
            # A record may contain no bytes of the peer, such as a session ticket.
            self._tls.setblocking(False)
            try:
                data = self._tls.recv(READ)
                if not data:
                    return True
                self._received += data
            except ssl.SSLWantReadError:
                pass
            except OSError:
                return True  # recv raises it again
            finally:
                self._tls.setblocking(True)
        return True

    def _close(self, _close=None):
        try:
            # Sends `close_notify` without waiting for that of the peer.
            self._tls.setblocking(False)
            self._tls.unwrap()
        except (OSError, ValueError):
            pass
        self._tls.close()


def Client(address, context, authkey=None, server_hostname=None):
    """Connects to `address`, a pair of a host and a port, and verifies that the peer has its name."""
    raw = socket.create_connection(address)
    tls = _wrap(raw, _tls_1_3(context), server_hostname=server_hostname or address[0])
    connection = TlsConnection(tls)
    return _authenticated(connection, authkey, answer_challenge, deliver_challenge)


class Listener:
    """Listens on `address`, a pair of a host and a port. The context has the certificate and its key."""

    def __init__(self, address, context, authkey=None, backlog=128):
        self._context = _tls_1_3(context)
        self._authkey = authkey
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address)
        self._socket.listen(backlog)
        self.address = self._socket.getsockname()
        self.last_accepted = None

    def accept(self):
        """Returns the next connection. A peer without TLS or without the key raises an OSError, EOFError or
        AuthenticationError, and one that is silent delays all others: to serve strangers, accept in a thread."""
        raw, self.last_accepted = self._socket.accept()
        connection = TlsConnection(_wrap(raw, self._context, server_side=True))
        return _authenticated(connection, self._authkey, deliver_challenge, answer_challenge)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _tls_1_3(context):
    if hasattr(ssl, "TLSVersion"):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    else:  # CPython 3.6
        context.options |= ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1 | ssl.OP_NO_TLSv1_2
    return context


def _wrap(raw, context, **settings):
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(raw, suppress_ragged_eofs=False, **settings)
    except BaseException:
        raw.close()
        raise


def _authenticated(connection, authkey, *steps):
    try:
        if authkey is not None:
            for step in steps:
                step(connection, authkey)
        return connection
    except BaseException:
        connection.close()
        raise


def main():
    address, authkey = ("localhost", 16000), b"12345"
    if sys.argv[1] == "client":
        context = ssl.create_default_context(cafile=sys.argv[2])
        with Client(address, context, authkey) as adder:
            for a, b in [(3, 5), (20, 22), (-1, 1)]:
                adder.send((a, b))
                print(a, "+", b, "=", adder.recv())
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    with Listener(address, context, authkey) as listener:
        print("listening on %s:%d" % listener.address, flush=True)
        while True:
            try:
                with listener.accept() as peer:
                    while True:
                        a, b = peer.recv()
                        peer.send(a + b)
            except Exception as error:  # the peer has disconnected, or has no key
                print(repr(error), flush=True)


if __name__ == "__main__":
    main()
