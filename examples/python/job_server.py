"""Keeps jobs and results in a manager process, for workers in Rust: see the program job-worker. Puts ten jobs, and adds their results up."""
import queue
import sys
import threading
from multiprocessing.managers import BaseManager

jobs, results = queue.Queue(), queue.Queue()


class JobManager(BaseManager):
    pass


JobManager.register("jobs", callable=lambda: jobs)
JobManager.register("results", callable=lambda: results)

port = int(sys.argv[1]) if len(sys.argv) > 1 else 50000
server = JobManager(("127.0.0.1", port), authkey=b"abracadabra").get_server()
threading.Thread(target=server.serve_forever, daemon=True).start()
print("listening on %s:%d" % server.address, flush=True)
for number in range(10):
    jobs.put({"square": number})
total = sum(results.get(timeout=60) for _ in range(10))
print("10 jobs, the sum of their squares is %d" % total)
