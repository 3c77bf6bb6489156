"""Keeps values in `cargo run -p examples --bin key-value-server`, or key_value_server.py, over TLS.

Usage: key_value_client.py [SERVER_CERT [CLIENT_CERT CLIENT_KEY]] [URL]
"""

import ssl
import sys
from xmlrpc.client import Fault, ServerProxy

files = [name for name in sys.argv[1:] if not name.startswith("https:")]
url = next((name for name in sys.argv[1:] if name.startswith("https:")), "https://localhost:15000")

context = ssl.create_default_context(cafile=files[0] if files else "server_cert.pem")
if len(files) > 1:
    context.load_cert_chain(files[1], files[2])

with ServerProxy(url, context=context, allow_none=True) as store:
    store.set("foo", "bar")
    store.set("spam", [1, 2, 3])
    print(store.keys())
    print(store.get("foo"), store.get("spam"))
    store.delete("spam")
    print(store.exists("spam"))
    try:
        store.get("spam")
    except Fault as fault:
        print(fault.faultString)
