"""Sends numbers to `cargo run -p examples --bin adder-server` or adder_server.py, which adds them."""

from multiprocessing.connection import Client

with Client(("localhost", 16000), authkey=b"12345") as adder:
    for a, b in [(3, 5), (20, 22), (-1, 1)]:
        adder.send((a, b))
        print(a, "+", b, "=", adder.recv())
