"""Sends measurements to `cargo run -p examples --bin array-server`, and receives arrays.

Usage: array_client.py [HOST:PORT]
"""

import datetime
import sys
from multiprocessing.connection import Client

import numpy as np


class Add:
    def __init__(self, rows, taken):
        self.rows, self.taken = rows, taken


class Smooth:
    def __init__(self, sensors, width):
        self.sensors, self.width = sensors, width


class Summary:
    """What the server answers: count, mean, deviation, latest."""


class Columns:
    """What the server answers: values."""


def ask(connection, request):
    connection.send(request)
    reply = connection.recv()
    if isinstance(reply, Exception):
        raise reply
    return reply


host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:16010").rpartition(":")
noon = datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.timezone.utc)

with Client((host, int(port)), authkey=b"12345") as connection:
    rows = np.arange(12, dtype="f8").reshape(4, 3)
    ask(connection, Add(rows, noon))
    # The order of Fortran and big endian are fine too.
    summary = ask(connection, Add(np.asfortranarray(rows.astype(">f8")) + 1, noon))
    print(summary.count, summary.mean, summary.deviation.round(3), summary.latest.isoformat())
    columns = ask(connection, Smooth([0, 2], 4))
    print(columns.values.shape, columns.values.tolist())
    try:
        ask(connection, Smooth([9], 4))
    except ValueError as error:
        print(error)
