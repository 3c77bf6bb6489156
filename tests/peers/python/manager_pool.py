#!/usr/bin/env python3
"""A pool of a manager whose functions are methods in Rust. Usage: manager_pool.py HOST:PORT AUTHKEY"""
import multiprocessing, sys, time
from multiprocessing.managers import SyncManager

# A pool is told the names of functions only.
def double(number): raise AssertionError('it runs elsewhere')
def slow(seconds): raise AssertionError('it runs elsewhere')
def divide(a, b): raise AssertionError('it runs elsewhere')
def hidden(): pass

def raises(kind, call, *args):
    try: call(*args)
    except kind as error: return error
    raise AssertionError('nothing was raised')

host, port = sys.argv[1].rsplit(':', 1)
multiprocessing.current_process().authkey = sys.argv[2].encode()
m = SyncManager((host, int(port)), authkey=sys.argv[2].encode()); m.connect()
p = m.Pool(4)
assert p.apply(double, (4,)) == 8 and p.apply(divide, (8,), {'b': 2}) == 4
assert p.map(double, range(100)) == [2 * n for n in range(100)]
assert p.starmap(divide, [(8, 2), (9, 3)]) == [4, 3]
assert list(p.imap(double, [1, 2, 3])) == [2, 4, 6]
assert list(p.imap_unordered(slow, [0.6, 0.0])) == [0.0, 0.6]
begin = time.time()
assert p.map(slow, [0.5] * 4) == [0.5] * 4 and time.time() - begin < 1.9
q = m.Pool(1)
r = q.apply_async(slow, (10,))
assert not r.ready(); raises(multiprocessing.TimeoutError, r.get, 0.01); raises((ValueError, AssertionError), r.successful)
q.terminate()
r = p.apply_async(slow, (0.1,))
r.wait(); assert r.ready() and r.successful() and r.get() == 0.1
r = p.map_async(divide, [1])
assert isinstance(raises(TypeError, r.get, 5), TypeError) and not r.successful()
assert str(raises(ZeroDivisionError, p.apply, divide, (1, 0))) == 'division by zero'
raises(AttributeError, p.apply, hidden)
raises(TypeError, lambda: p.apply_async(double, (1,), callback=print))
raises(ValueError, p.join)
r = p.apply_async(slow, (0.3,)); p.close(); p.join()
assert r.ready(); raises(ValueError, p.apply, double, (1,))
print('passed')
