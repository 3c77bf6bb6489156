"""A peer for connections, controlled by commands.

It reads one command per line, as JSON, and answers each with one line of JSON. A command is a list: the name
of one of the functions below and its arguments. Keys are text or null; an address is a path, or a host and
a port.
"""

import array
import json
import multiprocessing.connection as mpc
import os
import pickle
import sys
import time
from multiprocessing import AuthenticationError, BufferTooShort, reduction

listener = None
peer = None


def encoded(key):
    return None if key is None else key.encode()


def address_of(address):
    return tuple(address) if isinstance(address, list) else address


def outcome(action):
    try:
        action()
        return "ok"
    except (AuthenticationError, EOFError, OSError, AssertionError) as error:
        return type(error).__name__


def listen(address, key):
    global listener
    listener = mpc.Listener(address_of(address), authkey=encoded(key))
    return listener.address


def accept():
    """Accepts one client, and sends its first message back."""

    def action():
        global peer
        peer = listener.accept()
        peer.send_bytes(peer.recv_bytes())

    result = outcome(action)
    listener.close()
    return result


def connect(address, key):
    """Connects, and checks that one message is sent back."""

    def action():
        global peer
        peer = mpc.Client(address_of(address), authkey=encoded(key))
        peer.send_bytes(b"there and back")
        assert peer.recv_bytes() == b"there and back"

    return outcome(action)


def echo(count):
    """Sends `count` messages back."""
    for _ in range(count):
        peer.send_bytes(peer.recv_bytes())


def send_lengths(lengths):
    """Sends messages of these lengths."""
    for length in lengths:
        peer.send_bytes(b"\x07" * length)


def receive_lengths():
    """Returns the lengths of messages up to an empty one."""
    lengths = []
    while True:
        message = peer.recv_bytes()
        assert message == b"\x07" * len(message)
        lengths.append(len(message))
        if not message:
            return lengths


def poll(timeout):
    begin = time.time()
    ready = peer.poll(timeout)
    return [ready, time.time() - begin]


def receive():
    return peer.recv_bytes().decode()


def receive_limited(limit):
    return outcome(lambda: peer.recv_bytes(limit))


def receive_into(room, count):
    """Receives `count` messages into a buffer: the text of those that fit, `[text]` of others."""
    result = []
    for _ in range(count):
        buffer = bytearray(room)
        try:
            length = peer.recv_bytes_into(buffer)
            result.append(bytes(buffer[:length]).decode())
        except BufferTooShort as error:
            result.append([error.args[0].decode()])
    return result


def wait_in_vain():
    quiet, _other = mpc.Pipe()
    return len(mpc.wait([peer, quiet], 0.01))


def wait_for_end():
    """Waits until the peer closes the connection. Returns how `wait` and `recv_bytes` report that."""
    quiet, other = mpc.Pipe()
    after = mpc.wait([quiet, peer], 20)
    ends = after == [peer] and peer.poll()
    other.close()
    quiet_ended = mpc.wait([quiet], 20) == [quiet]
    return [ends, outcome(peer.recv_bytes), quiet_ended]


def send_array(count):
    """Sends doubles, through a view that is not of bytes."""
    numbers = array.array("d", range(count))
    peer.send_bytes(memoryview(numbers))
    # Only a part of them, selected by CPython's own arguments.
    peer.send_bytes(numbers, 8, 16)


def receive_array(count):
    numbers = array.array("d", [0]) * count
    length = peer.recv_bytes_into(numbers)
    assert numbers == array.array("d", range(count))
    return length


def send_raw(text):
    """Writes hexadecimal bytes directly to the socket."""
    os.write(peer.fileno(), bytes.fromhex(text))


def receive_raw(count):
    return os.read(peer.fileno(), count).hex()


def acknowledge(always):
    """Sets whether descriptors are acknowledged, as by CPython 3.14 and by all versions on macOS."""
    reduction.ACKNOWLEDGE = always


def send_file(text):
    """Sends an open file with this text, between two messages."""
    peer.send_bytes(b"before")
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    reduction.send_handle(peer, reader, None)
    os.close(reader)
    peer.send_bytes(b"behind")


def receive_file():
    """Receives an open file between two messages."""
    before = peer.recv_bytes().decode()
    handle = reduction.recv_handle(peer)
    with os.fdopen(handle) as file:
        text = file.read()
    return [before, text, peer.recv_bytes().decode()]


def send_pickle(value, protocol):
    """Sends a value pickled by the program itself."""
    peer.send_bytes(pickle.dumps(value, protocol))


def send_value(value):
    peer.send(value)


def receive_handle():
    """Receives a value and an open file after it. Returns both, and the next value."""
    value = peer.recv()
    with os.fdopen(reduction.recv_handle(peer)) as file:
        text = file.read()
    return [value, text, peer.recv()]


def send_handle(text):
    """Sends an open file with this text, and waits for a reply."""
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    reduction.send_handle(peer, reader, None)
    os.close(reader)
    return peer.recv()


def die():
    """Exits without closing anything."""
    os._exit(0)


def close():
    peer.close()


for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(globals()[name](*arguments)), flush=True)
