"""Runs the checks of a client, and prints a line for each: `name: ok`, or what went wrong. Ends with `end`."""


def run(checks):
    for check in checks:
        name = check.__name__.replace("_", " ")
        try:
            check()
            print(name + ": ok")
        except Exception as error:
            print("%s: %r" % (name, error))
    print("end", flush=True)


def equal(got, wanted):
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError("got %r, wanted %r" % (got, wanted))


TEXT = "é中😀\0\"\\/\u2028"
NUMBERS = [0, -1, 2**53 + 1, 2**63 - 1, -2**63, 2**64 - 1, 0.1, 1e300]
VALUE = {"a": [1, {"b": None}], "": [], "é": {}}
