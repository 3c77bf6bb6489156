#!/usr/bin/env python3
"""CPython's proxies against a manager, whoever wrote it. Usage: python_client.py HOST:PORT [AUTHKEY] [--processes N]
The manager offers what python_server.py offers. Ends with `N passed, N failed`."""
import gc, multiprocessing, queue, sys, threading, time
from multiprocessing.managers import (AcquirerProxy, BarrierProxy, BaseManager, ConditionProxy, DictProxy, EventProxy,
                                      IteratorProxy, ListProxy, NamespaceProxy, RemoteError, ValueProxy)

class Manager(BaseManager): pass
for name, proxy in [('jobs', None), ('results', None), ('shared', DictProxy), ('Counter', None), ('list', ListProxy),
                    ('dict', DictProxy), ('Lock', AcquirerProxy), ('RLock', AcquirerProxy), ('Semaphore', AcquirerProxy),
                    ('Event', EventProxy), ('Condition', ConditionProxy), ('Barrier', BarrierProxy),
                    ('Namespace', NamespaceProxy), ('Value', ValueProxy), ('Queue', None)]:
    Manager.register(name, proxytype=proxy)
Manager.register('Made', exposed=('increment', 'value'), create_method=False)
Manager.register('Iterator', proxytype=IteratorProxy, create_method=False)

def connect():
    host, port = sys.argv[1].rsplit(':', 1)
    key = sys.argv[2].encode() if len(sys.argv) > 2 and not sys.argv[2].startswith('--') else b'secret'
    multiprocessing.current_process().authkey = key
    m = Manager((host, int(port)), authkey=key); m.connect(); return m

def raises(kind, call, *args):
    try: call(*args)
    except kind as error: return error
    raise AssertionError('nothing was raised')

def a_queue(m):
    q = m.Queue(2); q.put({'a': [1, (2, None)]}); q.put(b'x'); assert q.full() and q.qsize() == 2
    raises(queue.Full, q.put_nowait, 1); raises(queue.Full, q.put, 1, True, 0.05)
    assert q.get() == {'a': [1, (2, None)]} and q.get(timeout=1) == b'x'; raises(queue.Empty, q.get_nowait)
    t = time.time(); raises(queue.Empty, q.get, True, 0.2); assert 0.15 < time.time() - t < 1.5
def shared_queue(m):
    m.jobs().put(('work', 7)); assert m.jobs().get() == ('work', 7)
def a_dict(m):
    d = m.dict(); d['a'] = 1; d.update({'b': [2]}); assert d.copy() == {'a': 1, 'b': [2]} and len(d) == 2 and 'a' in d
    assert sorted(d.keys()) == ['a', 'b'] and d.pop('a') == 1 and d.get('z', 5) == 5 and d.setdefault('y', 3) == 3
    raises(KeyError, lambda: d['zz']); del d['b']; assert list(d.items()) == [('y', 3)]; assert sorted(d) == ['y']; d.clear(); assert not d.copy()
    d[(1, 2)] = {3}; assert d[(1, 2)] == {3}
def a_list(m):
    l = m.list([3, 1, 2]); l.append(5); l.sort(); assert l[:] == [1, 2, 3, 5] and l[-1] == 5 and len(l) == 4 and list(l) == [1, 2, 3, 5]
    l += [6]; l[0:2] = [9]; assert l[:] == [9, 3, 5, 6]; assert l.pop() == 6 and l.index(3) == 1 and 3 in l; l.reverse(); assert l[:] == [5, 3, 9]
    raises(IndexError, lambda: l[10]); raises(ValueError, l.remove, 77); assert l + [1] == [5, 3, 9, 1] and l * 2 == [5, 3, 9] * 2
def locks(m):
    l = m.Lock(); assert l.acquire(); assert not l.acquire(False); assert not l.acquire(True, 0.1); l.release(); raises(RuntimeError, l.release)
    with l: pass
    s = m.Semaphore(2); assert s.acquire() and s.acquire() and not s.acquire(False); s.release(); r = m.RLock(); assert r.acquire() and r.acquire(); r.release(); r.release()
def contention(m):
    l, v = m.Lock(), m.Value('i', 0)
    def work():
        for _ in range(50):
            with l: v.value = v.value + 1
    ts = [threading.Thread(target=work) for _ in range(4)]; [t.start() for t in ts]; [t.join() for t in ts]; assert v.value == 200, v.value
def an_event(m):
    e = m.Event(); assert not e.is_set() and not e.wait(0.05); threading.Timer(0.1, e.set).start(); assert e.wait(5) and e.is_set(); e.clear(); assert not e.is_set()
def a_condition(m):
    c, seen = m.Condition(), []
    def waiter():
        with c: seen.append(c.wait(5))
    t = threading.Thread(target=waiter); t.start(); time.sleep(0.2)
    with c: c.notify()
    t.join(5); assert seen == [True]
def a_barrier(m):
    b = m.Barrier(2); got = []; t = threading.Thread(target=lambda: got.append(b.wait())); t.start(); got.append(b.wait()); t.join(5); assert sorted(got) == [0, 1] and b.parties == 2
def a_namespace(m):
    n = m.Namespace(); n.x = [1]; assert n.x == [1]; del n.x; raises(AttributeError, lambda: n.x)
def a_counter(m):
    c = m.Counter(5); assert c.increment() == 6 and c.increment(by=4) == 10; e = raises(ValueError, c.fail, 'bad'); assert e.args == ('bad', 3)
    k = c.child(); assert k.increment() == 11 and c.value() == 10; assert list(c.numbers(3)) == [0, 1, 2]
    raises(RemoteError, c.unpicklable); raises(RemoteError, c._callmethod, '_hidden'); raises(RemoteError, c._callmethod, 'nothing')
def lifetimes(m):
    gc.collect()  # exceptions of the cases before hold proxies
    n = m._number_of_objects(); kept = [m.Counter() for _ in range(10)]; assert m._number_of_objects() == n + 10; del kept; assert m._number_of_objects() == n
    assert 'refcount' in m._debug_info()
def proxies_in_values(m):
    d, l = m.dict(), m.list([1]); d['l'] = l; d['l'].append(2); assert l[:] == [1, 2]; got = d['l']; del l; got.append(3); assert got[:] == [1, 2, 3]
def large(m):
    d = m.dict(); b = bytes(range(256)) * 65536; d['b'] = b; assert d['b'] == b
def child(n, out):
    m = connect(); d = m.shared()
    for i in range(200): d[(n, i)] = i
    q = m.results()
    for i in range(50): q.put((n, i))
    out.put(n)
def processes(m):
    count = int(sys.argv[sys.argv.index('--processes') + 1]) if '--processes' in sys.argv else 4
    m.shared().clear(); out = multiprocessing.Queue(); ps = [multiprocessing.Process(target=child, args=(n, out)) for n in range(count)]
    [p.start() for p in ps]; [out.get(timeout=60) for _ in ps]; [p.join() for p in ps]
    assert len(m.shared()) == 200 * count; assert len({m.results().get(timeout=5) for _ in range(50 * count)}) == 50 * count

if __name__ == '__main__':
    m, passed, failed = connect(), 0, 0
    for case in [a_queue, shared_queue, a_dict, a_list, locks, contention, an_event, a_condition, a_barrier, a_namespace, a_counter,
                 lifetimes, proxies_in_values, large, processes]:
        try: case(m); passed += 1; print('ok  ', case.__name__)
        except BaseException as error: failed += 1; print('FAIL', case.__name__, type(error).__name__, str(error)[-300:])
    print('%d passed, %d failed' % (passed, failed)); sys.exit(bool(failed))
