"""Takes jobs from the queue of the program job-queue, and returns their results, until it is stopped."""
import sys
from multiprocessing.managers import BaseManager


class JobManager(BaseManager):
    pass


JobManager.register("jobs")
JobManager.register("results")

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50000"
host, port = address.rsplit(":", 1)
manager = JobManager((host, int(port)), authkey=b"abracadabra")
manager.connect()
jobs, results = manager.jobs(), manager.results()
while True:
    job = jobs.get()
    results.put(job["square"] ** 2)
