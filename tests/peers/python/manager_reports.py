#!/usr/bin/env python3
"""What users of CPython's managers report, against a manager in Rust. Usage: manager_reports.py HOST:PORT KEY.

Prints one line for each property that holds. Waits for a line of input where the test restarts the server."""
import multiprocessing
import pickle
import sys
import time
from multiprocessing.managers import BaseManager, DictProxy, ListProxy, RemoteError, dispatch


class Manager(BaseManager):
    pass


Manager.register("dict", proxytype=DictProxy)
Manager.register("list", proxytype=ListProxy)
Manager.register("Queue")
Manager.register("Counter")
Manager.register("Made", exposed=("increment", "value"), create_method=False)


def connect():
    host, port = sys.argv[1].rsplit(":", 1)
    key = sys.argv[2].encode()
    multiprocessing.current_process().authkey = key
    manager = Manager((host, int(port)), authkey=key)
    manager.connect()
    return manager


def ask(manager, function, ident):
    conn = manager._Client(manager._address, authkey=manager._authkey)
    try:
        dispatch(conn, None, function, (ident,))
    finally:
        conn.close()


def refers(manager, ident):
    try:
        ask(manager, "incref", ident)
    except RemoteError as error:
        assert "KeyError" in str(error), error
        return False
    ask(manager, "decref", ident)
    return True


def nested(manager):
    """103136: nested proxies are released with what contains them."""
    outer, inner = manager.dict(), manager.list([1])
    ident = inner._token.id
    outer["inner"] = inner
    del inner
    time.sleep(4)
    assert outer["inner"][:] == [1]
    del outer["inner"]
    deadline = time.time() + 20
    while refers(manager, ident):
        assert time.time() < deadline, "it is never released"
        time.sleep(2.5)


def late(manager):
    """119937: a pickled proxy can be read shortly after the last other one is gone."""
    message = pickle.dumps(manager.list([1, 2]))
    assert pickle.loads(message)[:] == [1, 2]
    jobs = manager.Queue()
    jobs.put(manager.list([3]))
    time.sleep(4)
    assert jobs.get()[:] == [3]


def iterate(shared, counter, out):
    try:
        out.put((sorted(key for key in shared), counter.child_in_value().increment()))
    except BaseException as error:
        out.put(repr(error))


def passed_on(manager):
    """99595: a proxy that was passed on can do what returns iterators and objects."""
    shared, out = manager.dict({"a": 1, "b": 2}), multiprocessing.Queue()
    counter = manager.Counter(6)
    process = multiprocessing.Process(target=iterate, args=(shared, counter, out))
    process.start()
    assert out.get(timeout=60) == (["a", "b"], 7)
    process.join()


def trace(manager):
    """78279: an exception says where in the server it comes from."""
    try:
        manager.Counter().fail("no")
    except ValueError as error:
        assert "Counter.fail()" in str(error.__cause__), error.__cause__
    else:
        raise AssertionError("nothing was raised")


def restart(manager):
    """86320, 78947, 85826: proxies of a server that was restarted fail, and new ones work."""
    old = manager.list([1])
    assert old[:] == [1]
    print("restart", flush=True)
    sys.stdin.readline()
    for kind in [(EOFError, OSError), (EOFError, OSError, RemoteError)]:
        try:
            old[:]
        except kind:
            pass
        else:
            raise AssertionError("the list of the old server answers")
    # The connection of this thread is the old one: Python keeps it until a program drops it.
    old._tls.__dict__.clear()
    try:
        old[:]
    except RemoteError as error:
        assert "KeyError" in str(error), error
    again = connect()
    assert again.list([2])[:] == [2]


if __name__ == "__main__":
    for case in [nested, late, passed_on, trace, restart]:
        case(connect())
        print(case.__name__, flush=True)
