#!/usr/bin/env python3
"""CPython's own tests of managers' objects (Lib/test/_test_multiprocessing.py), against a manager in Rust.

Usage: manager_tests.py HOST:PORT KEY [NAME…]. Each name is that of a class of tests without the prefix
`WithManagerTest`. Prints each failure, and ends with `N passed, N failed, N skipped`."""
import multiprocessing
import sys
import unittest
from multiprocessing.managers import SyncManager

from test import _test_multiprocessing

NAMES = ["Queue", "Lock", "Semaphore", "Condition", "Event", "Barrier", "Containers"]

address, key = sys.argv[1].rsplit(":", 1), sys.argv[2].encode()


class Connected(SyncManager):
    """A manager whose server is elsewhere, and stays."""

    def shutdown(self):
        pass

    def join(self, timeout=None):
        pass


def connected():
    manager = Connected((address[0], int(address[1])), authkey=key)
    manager.connect()
    return manager


multiprocessing.current_process().authkey = key
multiprocessing.Manager = connected
if __name__ == "__main__":
    module = sys.modules["__main__"]
    _test_multiprocessing.install_tests_in_module_dict(vars(module), "fork")
    loader, suite = unittest.TestLoader(), unittest.TestSuite()
    for name in sys.argv[3:] or NAMES:
        case = getattr(module, "WithManagerTest" + name, None)
        if case is None:
            print("there is no", name)
        else:
            suite.addTests(loader.loadTestsFromTestCase(case))
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    failed = result.failures + result.errors
    for test, text in failed:
        print(test, text.strip().splitlines()[-1])
    for test, reason in result.skipped:
        print(test, "skipped:", reason)
    passed = result.testsRun - len(failed) - len(result.skipped)
    print("%d passed, %d failed, %d skipped" % (passed, len(failed), len(result.skipped)))
    sys.exit(bool(failed))
