"""Hosts of a fleet in one process, each of which answers, or fails, in its own way.

The path of a URL says which: http://127.0.0.1:PORT/FATE/NAME is the host NAME with this fate:

    ok          answers
    late        answers after a second
    slow        answers after half a minute
    blackhole   accepts the connection, and reads nothing
    cut_before  closes the connection without running the call
    cut_after   runs the call, and closes without an answer
    cut_within  runs the call, and closes amid its answer
    fault       runs the call, and answers with fault 42
    busy        refuses the call, with a fault of its own code
    recovering  refuses the first two calls in this way
    unknown     says that there is no such method
    garbage     runs the call, and answers with a page of HTML
    evil        answers with characters that a terminal would obey
    huge        answers with a string of a GiB
    long        answers with an array of 12 MiB, which takes a while to read

The only argument is a file, to which a line `NAME TOKEN` is written when a call of `run(token)` runs. The first line
of the output is the port.
"""

import asyncio
import sys
import xmlrpc.client as x

EVIL = "evil\x9b2J\x7f\u202e\u2066\u2028\nforged: line"
GIB = 1 << 30
LONG = x.dumps(([7] * 400_000,), methodresponse=True)
refused = {}


def document(value, fault=False):
    return x.dumps(value if fault else (value,), methodresponse=True, allow_none=True)


def run(ledger, host, method, params):
    """Returns the result of a call."""
    if method == "run":
        ledger.write(f"{host} {params[0]}\n")
        ledger.flush()
        return host
    if method == "echo":
        return params[0]
    if method == "add":
        return params[0] + params[1]
    if method == "text":
        return "one\ntwo"
    if method == "blob":
        return x.Binary(bytes(n % 256 for n in range(params[0])))
    if method == "measure":
        return len(params[0].data) if isinstance(params[0], x.Binary) else len(params[0])
    if method == "system.listMethods":
        return ["add", "echo", "run"]
    if method == "system.methodHelp":
        return "What it does."
    if method == "system.methodSignature":
        return [["string", "string"]]
    raise x.Fault(-32601, f"there is no method {method}")


async def answer(ledger, path, body, writer):
    """Answers a call. Returns whether the connection stays open."""
    fate, _, host = path.strip("/").partition("/")
    if fate == "cut_before":
        writer.transport.abort()
        return False
    params, method = x.loads(body)
    busy = document(x.Fault(-32400, "busy"), fault=True)
    if fate == "recovering":
        refused[host] = refused.get(host, 0) + 1
    if fate == "busy" or fate == "recovering" and refused[host] <= 2:
        return await write(writer, busy, "503 Service Unavailable")
    if fate == "unknown":
        return await write(writer, document(x.Fault(-32601, "no such method"), fault=True))
    try:
        reply = document(run(ledger, host, method, params))
    except x.Fault as fault:
        return await write(writer, document(fault, fault=True))
    await asyncio.sleep({"late": 1, "slow": 30}.get(fate, 0))
    if fate == "cut_after":
        writer.transport.abort()
        return False
    if fate == "cut_within":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n" + reply.encode()[:50])
        await writer.drain()
        return False
    if fate == "huge":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % GIB)
        writer.write(b"<methodResponse><params><param><value><string>")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
    replies = {
        "fault": document(x.Fault(42, "on purpose"), fault=True),
        "garbage": "<html>Bad gateway</html>",
        "evil": document(EVIL),
        "long": LONG,
    }
    return await write(writer, replies.get(fate, reply))


async def write(writer, text, status="200 OK"):
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True


async def connection(ledger, reader, writer):
    try:
        is_open = True
        while is_open:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ")[1]
            if path.startswith("/blackhole/"):
                await asyncio.sleep(3600)
            lines = (line.partition(":") for line in head.split("\r\n")[1:])
            headers = {name.lower(): value.strip() for name, _, value in lines}
            body = await reader.readexactly(int(headers["content-length"]))
            is_open = await answer(ledger, path, body, writer)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    with open(sys.argv[1], "a") as ledger:
        server = await asyncio.start_server(lambda r, w: connection(ledger, r, w), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
