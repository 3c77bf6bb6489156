"""Puts jobs into the queue of the program job-queue, and adds their results up."""
import sys
from multiprocessing.managers import BaseManager


class JobManager(BaseManager):
    pass


JobManager.register("jobs")
JobManager.register("results")
JobManager.register("done")

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50000"
host, port = address.rsplit(":", 1)
manager = JobManager((host, int(port)), authkey=b"abracadabra")
manager.connect()
jobs, results = manager.jobs(), manager.results()
for number in range(10):
    jobs.put({"square": number})
total = sum(results.get(timeout=60) for _ in range(10))
manager.done().put(10)
print("10 jobs, the sum of their squares is %d" % total)
