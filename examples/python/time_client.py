"""Asks a time server over UDP, as recipe 11.3 of the Python Cookbook does: time_client.py [HOST:PORT]"""
import socket
import sys

host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:20001").rsplit(":", 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(10)
    s.sendto(b"", (host, int(port)))
    print(s.recvfrom(8192)[0].decode())
