import queue
import threading
from multiprocessing import connection, managers

KEY = b"the key of the benchmarks"


class Manager(managers.SyncManager):
    """A manager with objects that all clients share."""


def shared(make):
    made = []

    def the_object():
        if not made:
            made.append(make())
        return made[0]

    return the_object


Manager.register("shared_dict", shared(dict), managers.DictProxy)
Manager.register("shared_queue", shared(queue.Queue))
Manager.register("shared_lock", shared(threading.Lock), managers.AcquirerProxy)


def parse_address(address):
    if address.startswith("unix:"):
        return address[len("unix:"):]
    host, port = address.rsplit(":", 1)
    return (host, int(port))


def operation(manager, work, number, size):
    """Returns an operation of a client, which makes two calls."""
    if work == "dict":
        shared = manager.shared_dict()
        key = "client %d" % number

        def once():
            shared[key] = number
            shared[key]
    elif work == "queue":
        shared = manager.shared_queue()

        def once():
            shared.put(number)
            shared.get()
    elif work == "lock":
        shared = manager.shared_lock()

        def once():
            shared.acquire()
            shared.release()
    else:
        shared = manager.shared_queue()
        item = bytes(size)

        def once():
            shared.put(item)
            shared.get()
    return once


def client(address, work, number, size, seconds):
    manager = Manager(parse_address(address), authkey=KEY)
    manager.connect()
    return rate(operation(manager, work, number, size), seconds)


role = sys.argv[1]
if role == "serve":
    server = Manager(("127.0.0.1", 0), authkey=KEY).get_server()
    announce("%s:%d" % server.address)
    server.serve_forever()
else:
    work, clients, size = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    seconds, address = float(sys.argv[5]), sys.argv[6]
    ends = []
    for number in range(clients):
        reader, writer = connection.Pipe(duplex=False)
        if os.fork() == 0:
            writer.send(client(address, work, number, size, seconds))
            os._exit(0)
        writer.close()
        ends.append(reader)
    calls = sum(reader.recv() for reader in ends) * 2
    measured(calls * size / 1e9 if work == "bulk" else calls)
