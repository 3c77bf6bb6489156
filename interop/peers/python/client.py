# Checks our server with the client of the standard library, and prints the outcomes.
# Runs on CPython 2.7 and 3.x and on PyPy. Usage: client.py URL
from __future__ import print_function, unicode_literals

import datetime
import sys

try:
    import xmlrpc.client as xmlrpc
except ImportError:
    import xmlrpclib as xmlrpc

URL = sys.argv[1]
PYTHON2 = sys.version_info[0] == 2
TEXT = type("")


class Defect(Exception):
    """A defect of Python itself."""


class Failure(Exception):
    """An unexpected failure."""


def say(line):
    line = " ".join(line.split())
    print(line.encode("ascii", "backslashreplace").decode("ascii"))
    sys.stdout.flush()


def check(capability):
    """Runs a check at once and prints its outcome. A check fails by raising; a text that it returns is a note."""

    def run(function):
        try:
            note = function()
        except Defect as defect:
            say("defect %s: %s" % (capability, defect))
        except Exception as error:
            say("fail %s: %s %s" % (capability, type(error).__name__, error))
        else:
            say("ok %s%s" % (capability, ": " + note if note else ""))

    return run


def kind(value):
    """Returns the type, with Python 2's two types of texts, and of integers, treated as one."""
    if PYTHON2 and isinstance(value, (bytes, TEXT)):
        return TEXT
    if PYTHON2 and type(value).__name__ == "long":
        return int
    return type(value)


def same(got, wanted):
    if got != wanted or kind(got) != kind(wanted):
        raise Failure("got %.200r, wanted %.200r" % (got, wanted))


def echoes(*values):
    for value in values:
        same(server.echo(value), value)


def fault_of(call, *args):
    try:
        result = call(*args)
    except xmlrpc.Fault as fault:
        return fault
    raise Failure("no fault, but %r" % (result,))


server = xmlrpc.ServerProxy(URL, allow_none=True, use_datetime=True)


@check("int")
def _():
    echoes(0, 1, 2 ** 31 - 1)
    same(server.add(3, 5), 8)


@check("negative")
def _():
    echoes(-1, -(2 ** 31))


@check("boolean")
def _():
    echoes(True, False)


@check("string")
def _():
    echoes("text", "12")


@check("entities")
def _():
    echoes("<&>\"' &amp; ]]>")


@check("unicode")
def _():
    echoes("\u00e9\u4e2d\U0001f600")


@check("empty string")
def _():
    echoes("")


@check("whitespace")
def _():
    echoes(" \t two  blanks\nlines\n ", "   ")
    # Our server sends a character reference, which is read.
    same(fault_of(server.fail, 1, "a\nb").faultString, "a\nb")
    value = "carriage\rreturn\r\n"
    got = server.echo(value)
    if got == "carriage\nreturn\n":
        raise Defect(
            "a carriage return is written raw, which XML reads as a newline "
            "(`escape` in the client module escapes only `&`, `<` and `>`)"
        )
    same(got, value)


@check("double")
def _():
    echoes(0.5, -2.25, 123456789.125, 3.141592653589793, 1e-7)


@check("date")
def _():
    echoes(datetime.datetime(1998, 7, 17, 14, 8, 55), datetime.datetime(2026, 2, 28))


@check("base64")
def _():
    for data in (bytes(bytearray(range(256))), b""):
        got = server.echo(xmlrpc.Binary(data))
        # Without `use_builtin_types` the client returns its own type.
        same(got.data, data)


@check("array")
def _():
    echoes([1, "two", [2.5, [True]]])


@check("empty array")
def _():
    echoes([], [[]])


@check("struct")
def _():
    echoes({"a": 1, "b<&> \u00e9": {"c": ["", 1]}})


@check("empty struct")
def _():
    echoes({}, {"inner": {}})


@check("nil")
def _():
    echoes(None, [None, 1])


@check("i8")
def _():
    same(server.add(2 ** 31 - 1, 1), 2 ** 31)
    try:
        raise Failure("an integer beyond 32 bits is written: %r" % server.echo(2 ** 31))
    except OverflowError:
        pass
    return "i8 is decoded, but never encoded: integers beyond 32 bits are refused with an OverflowError"


@check("fault")
def _():
    text = "sch\u00f6n <&> \U0001f600"
    fault = fault_of(server.fail, 4711, text)
    same((fault.faultCode, fault.faultString), (4711, text))


@check("unknown method")
def _():
    same(fault_of(server.no.such.method).faultCode, -32601)


@check("wrong params")
def _():
    same(fault_of(server.add, 1).faultCode, -32602)


@check("listMethods")
def _():
    methods = server.system.listMethods()
    for name in ("add", "echo", "system.multicall"):
        if name not in methods:
            raise Failure("%s is not in %r" % (name, methods))


@check("methodHelp")
def _():
    same(server.system.methodHelp("add"), "Adds two integers.")


@check("methodSignature")
def _():
    same(server.system.methodSignature("add"), [["int", "int", "int"]])


@check("multicall")
def _():
    batch = xmlrpc.MultiCall(server)
    batch.add(1, 2)
    batch.fail(7, "no")
    batch.concat("a", "b")
    results = batch()
    same(results[0], 3)
    fault = fault_of(lambda: results[1])
    same((fault.faultCode, fault.faultString), (7, "no"))
    same(results[2], "ab")


@check("large document")
def _():
    echoes("large \u00e9 " * (2 ** 20 // 8), list(range(10000)))


@check("1,000 calls")
def _():
    connection = server.interop.connection()
    for number in range(1000):
        same(server.add(number, 1), number + 1)
    same(server.interop.connection(), connection)


class Zipping(xmlrpc.Transport):
    """A transport that compresses calls above `encode_threshold` bytes."""

    encode_threshold = 1


@check("gzip")
def _():
    zipping = xmlrpc.ServerProxy(URL, transport=Zipping())
    same(zipping.interop.header("content-encoding"), "gzip")
    same(zipping.interop.header("accept-encoding"), "gzip")
    text = "zip me " * 5000
    same(zipping.echo(text), text)


@check("error")
def _():
    nowhere = xmlrpc.ServerProxy("http://127.0.0.1:1/RPC2")
    try:
        raise Failure("nowhere: %r" % nowhere.add(1, 2))
    except (IOError, OSError):
        pass
    nowhere = xmlrpc.ServerProxy(URL.replace("RPC2", "nowhere"))
    try:
        raise Failure("no such path: %r" % nowhere.add(1, 2))
    except xmlrpc.ProtocolError as error:
        same(error.errcode, 404)


say("end")
