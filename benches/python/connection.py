from multiprocessing.connection import Client, Listener

KEY = b"the key of the benchmarks"


def parse_address(address):
    if address.startswith("unix:"):
        return address[len("unix:"):]
    host, port = address.rsplit(":", 1)
    return (host, int(port))


role, mode = sys.argv[1:3]
if role == "serve":
    transport, size = sys.argv[3], int(sys.argv[4])
    if transport == "Unix":
        listener = Listener(os.path.join(os.environ["TMPDIR"], "socket"), authkey=KEY)
        announce("unix:" + listener.address)
    else:
        listener = Listener(("127.0.0.1", 0), authkey=KEY)
        announce("%s:%d" % listener.address)
    buffer = bytearray(size)

    def reply_to(connection):
        if mode == "bytes":
            connection.send_bytes(connection.recv_bytes())
        elif mode == "tuple":
            connection.send(connection.recv())
        else:
            connection.recv_bytes_into(buffer)
            connection.send_bytes(b"1")

    while True:
        with listener.accept() as connection:
            try:
                while True:
                    reply_to(connection)
            except EOFError:
                pass
else:
    transport, size, seconds, address = sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), sys.argv[6]
    connection = Client(parse_address(address), authkey=KEY)
    message = bytes(i % 256 for i in range(64)) if mode in ("bytes", "tuple") else bytes(size)

    def echo_bytes():
        connection.send_bytes(message)
        return connection.recv_bytes()

    def echo_tuple():
        connection.send((3, 5, "a text of some length, so that it is 64 by"))
        return connection.recv()

    def bulk():
        connection.send_bytes(message)
        return connection.recv_bytes()

    if mode == "bytes":
        assert echo_bytes() == message
        measured(rate(echo_bytes, seconds))
    elif mode == "tuple":
        assert echo_tuple()[:2] == (3, 5)
        measured(rate(echo_tuple, seconds))
    elif mode == "echo":
        assert len(bulk()) == size
        measured(rate(bulk, seconds) * size * 2 / 1e9)
    else:
        measured(rate(bulk, seconds) * size / 1e9)
