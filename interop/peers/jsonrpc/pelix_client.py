"""jsonrpclib-pelix as client: pelix_client.py URL."""
import sys

import jsonrpclib
from jsonrpclib import MultiCall, ProtocolError, ServerProxy
from jsonrpclib.jsonrpc import AppError

from checks import NUMBERS, TEXT, VALUE, equal, run

server = ServerProxy(sys.argv[1])


def positional_parameters():
    equal(server.subtract(42, 23), 19)
    equal(server.get_data(), ["hello", 5])


def named_parameters():
    equal(server.subtract(subtrahend=23, minuend=42), 19)


def notifications():
    equal(server._notify.update(1, 2, 3), None)
    equal(server._notify.foobar(), None)


def batches():
    # Its connection is unusable after a notification.
    calls = MultiCall(ServerProxy(sys.argv[1]))
    calls.subtract(42, 23)
    calls._notify.update(7)
    calls.echo("x")
    equal(list(calls()), [19, "x"])


def code(call, *arguments):
    try:
        call(*arguments)
    except AppError as error:
        return error.args[0][0]
    except ProtocolError as error:
        return error.args[0][0]
    raise AssertionError("there is no error")


def errors():
    equal(code(server.foobar), -32601)
    equal(code(server.subtract, "x"), -32602)
    equal(code(server.fail, 42, "no"), 42)


def values():
    for value in [TEXT, VALUE, True, False, None, []]:
        equal(server.echo(value), value)


def numbers():
    for number in NUMBERS:
        equal(server.echo(number), number)


run([positional_parameters, named_parameters, errors, values, numbers, batches, notifications])
