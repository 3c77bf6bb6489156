# Calls a Farcall server that offers the demo methods, with CPython's own client.
# Runs on CPython 2.7 and 3.x. Usage: client.py URL
from __future__ import print_function

import datetime
import random
import sys

try:
    import xmlrpc.client as xmlrpc
    from http.client import HTTPConnection
    from urllib.parse import urlparse

    text = str
except ImportError:
    import xmlrpclib as xmlrpc
    from httplib import HTTPConnection
    from urlparse import urlparse

    text = unicode  # noqa: F821

URL = sys.argv[1]
PYTHON2 = sys.version_info[0] == 2
random.seed(20010516)

checks = 0


def check(got, wanted):
    global checks
    checks += 1
    if got != wanted:
        raise AssertionError("got %r, wanted %r" % (got, wanted))


def kind_of(value):
    """Returns the type, with Python 2's two types of texts and of integers as one."""
    if PYTHON2 and isinstance(value, str):
        return text
    if PYTHON2 and type(value).__name__ == "long":
        return int
    return type(value)


def check_same(got, wanted):
    check(got, wanted)
    check(kind_of(got), kind_of(wanted))


def fault_of(call, *args):
    try:
        result = call(*args)
    except xmlrpc.Fault as fault:
        return fault
    raise AssertionError("no fault, but %r" % (result,))


server = xmlrpc.ServerProxy(URL, allow_none=True, use_datetime=True)

# Plain calls, and dates and bytes in CPython's own types.
check(server.add(3, 5), 8)
check(server.add(-(2 ** 31), 0), -(2 ** 31))
check(server.concat("a", u"\u00e9\u4e2d\U0001f600"), u"a\u00e9\u4e2d\U0001f600")
check(server.sum([1, 2, 3]), 6)
check(server.sum([1, 2.5]), 3.5)
check(server.sum([]), 0)
check(server.divide(1, 8), 0.125)
check(server.divide(1.0, 8.0), 0.125)
check(server.blob(300).data, bytes(bytearray(i % 256 for i in range(300))))
check(server.blob(0).data, b"")
check(isinstance(server.now(), datetime.datetime), True)
check(server.sleep(0.01), True)
before = server.counter.value()
check(server.counter.increment(5), before + 5)

# Values of every type survive a round trip.
VALUES = [
    None, True, False, 0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 0.0, -0.5, 1e-10, 123456789.125,
    u"", u"text", u" space \t kept ", u"<&>\"'", u"]]>", u"line\nbreak", u"\u00e9\u4e2d\U0001f600",
    [], [1, u"two", [3.0, [True, None]]], {}, {u"a": 1, u"b<&>": {u"c": [u""]}}, {u"": 0},
    datetime.datetime(1998, 7, 17, 14, 8, 55), datetime.datetime(2026, 2, 28, 0, 0, 0),
]
for value in VALUES:
    check_same(server.echo(value), value)
# CPython itself writes no integers over 32 bits; it reads i8.
if sys.version_info >= (3, 3):
    check(server.add(2 ** 31 - 1, 1), 2 ** 31)
for data in (b"", b"\0", bytes(bytearray(range(256)))):
    got = server.echo(xmlrpc.Binary(data))
    check(got.data if isinstance(got, xmlrpc.Binary) else got, data)
if not PYTHON2:
    builtin = xmlrpc.ServerProxy(URL, allow_none=True, use_builtin_types=True)
    check_same(builtin.echo(b"\xff\x00"), b"\xff\x00")
    check_same(builtin.blob(0), b"")
# A text that looks like a character reference remains a text.
check(server.concat(u"a&#13;", u"b"), u"a&#13;b")


def random_text():
    # ASCII only, which XML can carry in both Pythons, with many entities.
    return u"".join(random.choice(u"<>&'\"ab \n\u00e9\u20ac") for _ in range(random.randrange(40)))


def random_value(depth):
    kind = random.randrange(9 if depth else 7)
    if kind == 0:
        return None
    if kind == 1:
        return random.random() < 0.5
    if kind == 2:
        return random.randrange(-(2 ** 31), 2 ** 31)
    if kind == 3:
        return random.uniform(-1e6, 1e6)
    if kind in (4, 5):
        return random_text()
    if kind == 6:
        return datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=random.randrange(10 ** 9))
    if kind == 7:
        return [random_value(depth - 1) for _ in range(random.randrange(5))]
    return dict((random_text(), random_value(depth - 1)) for _ in range(random.randrange(5)))


for _ in range(150):
    value = random_value(4)
    check(server.echo(value), value)

# Faults.
fault = fault_of(server.divide, 1, 0)
check((fault.faultCode, fault.faultString), (1, "division by zero"))
fault = fault_of(server.fail, 4711, u"sch\u00f6n <&>")
check((fault.faultCode, fault.faultString), (4711, u"sch\u00f6n <&>"))
check(fault_of(server.nope).faultCode, -32601)
check(fault_of(server.add, 1).faultCode, -32602)
check(fault_of(server.add, 1, 2, 3).faultCode, -32602)
fault = fault_of(server.add, 1, "two")
check(fault.faultCode, -32602)
for word in ("parameter 2", "expected int", "found string"):
    if word not in fault.faultString:
        raise AssertionError("%r is not in %r" % (word, fault.faultString))

# Introspection.
methods = server.system.listMethods()
check(methods, sorted(methods))
for name in ("add", "counter.increment", "system.multicall", "validator1.manyTypesTest"):
    check(name in methods, True)
check(server.system.methodHelp("add"), "Adds two integers.")
check(server.system.methodSignature("add"), [["int", "int", "int"]])
check(
    server.system.methodSignature("validator1.manyTypesTest"),
    [["array", "int", "boolean", "string", "double", "dateTime.iso8601", "base64"]],
)
for name in methods:
    for signature in server.system.methodSignature(name):
        check(all(isinstance(kind, str) for kind in signature), True)
check("faults_interop" in server.system.getCapabilities(), True)

# Multicall: entries fail independently and cannot be nested.
batch = xmlrpc.MultiCall(server)
batch.add(1, 2)
batch.divide(1, 0)
batch.concat("a", "b")
results = batch()
check(results[0], 3)
check(fault_of(lambda: results[1]).faultCode, 1)
check(results[2], "ab")
nested = server.system.multicall([
    {"methodName": "system.multicall", "params": [[]]},
    {"methodName": "add", "params": [1, 1]},
    {"params": []},
    {"methodName": "nope", "params": []},
])
check(nested[0]["faultCode"], -32600)
check(nested[1], [2])
check(nested[2]["faultCode"], -32602)
check(nested[3]["faultCode"], -32601)
check(server.system.multicall([]), [])
too_many = [{"methodName": "add", "params": [1, 1]}] * 1001
check(fault_of(server.system.multicall, too_many).faultCode, -32600)

# gzip in both directions.
plain_text = u"zip me " * 5000
check(server.concat(plain_text, u"!"), plain_text + u"!")


class GzipRequests(xmlrpc.Transport):
    encode_threshold = 100


if hasattr(xmlrpc.Transport, "encode_threshold"):
    zipped = xmlrpc.ServerProxy(URL, transport=GzipRequests())
    check(zipped.concat(plain_text, u"!"), plain_text + u"!")

# One connection serves many calls, including pipelined ones.
address = urlparse(URL)
connection = HTTPConnection(address.hostname, address.port)
body = xmlrpc.dumps((3, 5), "add")
sockets = set()
for _ in range(5):
    connection.request("POST", address.path, body, {"Content-Type": "text/xml"})
    sockets.add(connection.sock.fileno())
    response = connection.getresponse()
    check(response.status, 200)
    check(xmlrpc.loads(response.read())[0], (8,))
check(len(sockets), 1)

# A carriage return survives in both directions if it is written as a character reference, which CPython's own
# writer does not do.
body = xmlrpc.dumps((u"a\r", u"b"), "concat").replace("\r", "&#13;")
connection.request("POST", address.path, body, {"Content-Type": "text/xml"})
check(xmlrpc.loads(connection.getresponse().read())[0], (u"a\rb",))

# The eight validator1 methods with random inputs.
v = server.validator1
for _ in range(20):
    number = lambda: random.randrange(-(10 ** 6), 10 ** 6)  # noqa: E731
    stooges = lambda: {"moe": number(), "larry": number(), "curly": number()}  # noqa: E731
    structs = [stooges() for _ in range(random.randrange(1, 20))]
    check(v.arrayOfStructsTest(structs), sum(s["curly"] for s in structs))
    words = random_text()
    check(v.countTheEntities(words), {
        "ctLeftAngleBrackets": words.count("<"), "ctRightAngleBrackets": words.count(">"),
        "ctAmpersands": words.count("&"), "ctApostrophes": words.count("'"),
        "ctQuotes": words.count('"'),
    })
    s = stooges()
    check(v.easyStructTest(s), sum(s.values()))
    nest = {"a": s, "b": structs}
    check(v.echoStructTest(nest), nest)
    when = datetime.datetime(2001, 1, 1) + datetime.timedelta(seconds=random.randrange(10 ** 8))
    data = bytes(bytearray(random.randrange(256) for _ in range(random.randrange(50))))
    double = random.uniform(-1e3, 1e3)
    many = v.manyTypesTest(7, True, words, double, when, xmlrpc.Binary(data))
    check(many[:5], [7, True, words, double, when])
    check(many[5].data, data)
    strings = [random_text() for _ in range(random.randrange(100, 200))]
    check(v.moderateSizeArrayCheck(strings), strings[0] + strings[-1])
    calendar = {"1999": {}, "2000": {"03": {"31": stooges()}, "04": {"01": s, "02": stooges()}}}
    check(v.nestedStructTest(calendar), sum(s.values()))
    n = number()
    check(v.simpleStructReturnTest(n), {"times10": n * 10, "times100": n * 100, "times1000": n * 1000})

print("%d checks passed" % checks)
