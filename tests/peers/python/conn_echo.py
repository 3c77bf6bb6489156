"""A listener that sends each value back, except for a list of two numbers, to which it replies with the sum.

Arguments: the authkey. It prints its port.
"""

import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Listener

listener = Listener(("127.0.0.1", 0), authkey=sys.argv[1].encode())
print(listener.address[1])
sys.stdout.flush()
while True:
    try:
        peer = listener.accept()
    except (AuthenticationError, EOFError, OSError):
        continue
    try:
        while True:
            value = peer.recv()
            if isinstance(value, list) and len(value) == 2:
                value = value[0] + value[1]
            if value == "more":
                value = {1: (2, 10**20), "x": {b"bytes"}}
            peer.send(value)
    except EOFError:
        peer.close()
