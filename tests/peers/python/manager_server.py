#!/usr/bin/env python3
"""CPython's manager with one of everything. Usage: manager_server.py [PORT] [AUTHKEY] [SERIALIZER]
Prints `listening 127.0.0.1:PORT`; ends at the end of its input."""
import queue, sys, threading
from multiprocessing.managers import (AcquirerProxy, BarrierProxy, BaseManager, ConditionProxy, DictProxy, EventProxy,
                                      IteratorProxy, ListProxy, Namespace, NamespaceProxy, Value, ValueProxy)

class Counter:
    def __init__(self, start=0): self.n = start
    def increment(self, by=1): self.n += by; return self.n
    def value(self): return self.n
    def child(self): return Counter(self.n)
    def fail(self, text): raise ValueError(text, 3)
    def numbers(self, n): return iter(range(n))
    def unpicklable(self): return threading.Lock()
    def _hidden(self): return 'never'

jobs, results, shared = queue.Queue(), queue.Queue(), {}
class Manager(BaseManager): pass
Manager.register('jobs', callable=lambda: jobs)
Manager.register('results', callable=lambda: results)
Manager.register('shared', callable=lambda: shared, proxytype=DictProxy)
Manager.register('Counter', Counter, method_to_typeid={'child': 'Made', 'numbers': 'Iterator'})
Manager.register('Made', callable=lambda made: made, exposed=('increment', 'value'), create_method=False)
Manager.register('Iterator', proxytype=IteratorProxy, create_method=False)
for name, make, proxy in [('list', list, ListProxy), ('dict', dict, DictProxy), ('Lock', threading.Lock, AcquirerProxy),
                          ('RLock', threading.RLock, AcquirerProxy), ('Semaphore', threading.Semaphore, AcquirerProxy),
                          ('Event', threading.Event, EventProxy), ('Condition', threading.Condition, ConditionProxy),
                          ('Barrier', threading.Barrier, BarrierProxy), ('Namespace', Namespace, NamespaceProxy),
                          ('Value', Value, ValueProxy), ('Queue', queue.Queue, None)]:
    Manager.register(name, make, proxy)

if __name__ == '__main__':
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    key = (sys.argv[2] if len(sys.argv) > 2 else 'secret').encode()
    serializer = sys.argv[3] if len(sys.argv) > 3 else 'pickle'
    server = Manager(('127.0.0.1', port), authkey=key, serializer=serializer).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print('listening %s:%d' % server.address, flush=True)
    sys.stdin.read()
