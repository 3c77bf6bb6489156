"""jsonrpcclient over urllib as client: jsonrpcclient_client.py URL."""
import itertools
import json
import sys
import urllib.request

from jsonrpcclient import Error, Ok, notification, parse, request

from checks import NUMBERS, TEXT, VALUE, equal, run


def send(document):
    head = {"Content-Type": "application/json"}
    post = urllib.request.Request(sys.argv[1], json.dumps(document).encode(), head)
    with urllib.request.urlopen(post, timeout=60) as answer:
        body = answer.read()
    return parse(json.loads(body)) if body else None


def call(method, params=None):
    answer = send(request(method, params=params))
    if isinstance(answer, Error):
        raise AssertionError(answer)
    return answer.result


def positional_parameters():
    equal(call("subtract", (42, 23)), 19)
    equal(call("get_data"), ["hello", 5])


def named_parameters():
    equal(call("subtract", {"subtrahend": 23, "minuend": 42}), 19)


def notifications():
    equal(send(notification("update", params=(1, 2, 3))), None)
    equal(send(notification("foobar")), None)


def batches():
    calls = [request("subtract", params=(42, 23)), notification("update", params=(7,)), request("foobar")]
    answers = list(send(calls))
    equal([type(answer) for answer in answers], [Ok, Error])
    equal(answers[0].result, 19)


def errors():
    for method, params, code in [("foobar", None, -32601), ("subtract", ("x",), -32602), ("fail", (42, "no"), 42)]:
        equal(send(request(method, params=params)).code, code)


def values():
    for value in [TEXT, VALUE, True, False, None, []]:
        equal(call("echo", (value,)), value)


def numbers():
    for number in NUMBERS:
        equal(call("echo", (number,)), number)


run([positional_parameters, named_parameters, notifications, batches, errors, values, numbers])
