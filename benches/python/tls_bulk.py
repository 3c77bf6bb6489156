import socket
import ssl

certificate = os.environ["CERTIFICATE"]
size = int(sys.argv[2])


def receive_into(stream, buffer):
    """Returns whether the buffer was filled before the end of the stream."""
    view = memoryview(buffer)
    while view:
        received = stream.recv_into(view)
        if not received:
            return False
        view = view[received:]
    return True


if sys.argv[1] == "serve":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate + "/certificate.pem", certificate + "/key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    announce("%s:%d" % listener.getsockname())
    buffer = bytearray(size)
    while True:
        accepted, _ = listener.accept()
        with context.wrap_socket(accepted, server_side=True) as stream:
            while receive_into(stream, buffer):
                stream.sendall(b"1")
else:
    seconds, address = float(sys.argv[3]), sys.argv[4]
    host, port = address.rsplit(":", 1)
    context = ssl.create_default_context(cafile=certificate + "/certificate.pem")
    stream = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
    message, acknowledgement = bytes(size), bytearray(1)

    def bulk():
        stream.sendall(message)
        assert receive_into(stream, acknowledgement)

    measured(rate(bulk, seconds) * size / 1e9)
