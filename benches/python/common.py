"""Code shared by the scripts, prepended to each of them."""
import json
import os
import subprocess
import sys
import time


def announce(address):
    print(json.dumps({"address": address}), flush=True)


def measured(value):
    with open("/proc/self/status") as status:
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    print(json.dumps({"value": value, "peak": int(peak) * 1024}), flush=True)


def rate(once, seconds):
    """Returns the repetitions of `once` per second, after a warm-up of a quarter of the time."""
    warm = time.perf_counter() + seconds / 4
    done = 0
    while not done or time.perf_counter() < warm:
        once()
        done += 1
    # Reading the clock takes time as well.
    batch = max(1, int(done / (seconds / 4) / 1000))
    done, begin = 0, time.perf_counter()
    while True:
        for _ in range(batch):
            once()
        done += batch
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            return done / elapsed


def document(*arguments):
    """Returns a document from the harness."""
    return subprocess.check_output([os.environ["HARNESS"], "document", *arguments])


