import xmlrpc.client

mode = sys.argv[1]
seconds = float(sys.argv[-1])
text = document(*sys.argv[2:-1])
(value,), _ = xmlrpc.client.loads(text)
if isinstance(value, list):
    size, unit = len(text), 1e6
    assert len(value) > 0 and value[-1]["id"] == len(value) - 1
else:
    size, unit = len(value.data), 1e9
if mode == "decode":
    measured(rate(lambda: xmlrpc.client.loads(text), seconds) * size / unit)
else:
    once = lambda: xmlrpc.client.dumps((value,), methodresponse=True).encode()
    assert xmlrpc.client.loads(once())[0] == (value,)
    measured(rate(once, seconds) * size / unit)
