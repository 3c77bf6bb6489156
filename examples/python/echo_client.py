"""Sends lines to an echo server, as recipe 11.2 of the Python Cookbook does: echo_client.py [HOST:PORT]"""
import socket
import sys

host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:20000").rsplit(":", 1)
with socket.create_connection((host, int(port)), timeout=10) as s:
    lines = s.makefile("rb")
    for text in b"Hello\n", b"World\n":
        s.sendall(text)
        print(lines.readline())
    s.shutdown(socket.SHUT_WR)
    print(s.recv(8192))
