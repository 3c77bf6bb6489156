#!/usr/bin/env python3
"""Measures commands that act on 500 hosts beside one another, and prints a table in Markdown.

    benches/python/fleets.py target/release/farcall [--hosts 500] [--window 64] [--rounds 5] [--ansible PATH]

All hosts are this machine. pdsh and clush (Debian: `pdsh`, `clustershell`) start the program themselves, without a
network; Ansible (PyPI: `ansible-core`) starts the Python of its module by its local connection. farcall connects to an
address of 127.0.0.0/8 for each host, proves an authkey there, and the agent starts the program. A tool that is not
installed is left out.
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

CONFIG = """\
listen = "conn+rpc://0.0.0.0:{port}"
[authkeys]
bench = "{key}"
[run]
allow = ["key:bench"]
max_commands = {window}
"""


def measure(command, environment):
    """Returns the seconds that a command takes, and those of its processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    seconds = time.monotonic() - begin
    if run.returncode != 0:
        raise SystemExit(f"{command[0]}: status {run.returncode}: {run.stderr[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, processor


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("farcall")
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--port", type=int, default=17900)
    parser.add_argument("--ansible", default=shutil.which("ansible"))
    options = parser.parse_args()
    window = str(options.window)
    addresses = [f"127.7.{n // 250}.{n % 250 + 1}" for n in range(options.hosts)]
    names = f"node[1-{options.hosts}]"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        inventory, key, config = folder / "hosts", folder / "key", folder / "agent.toml"
        inventory.write_text("".join(f"{address}\n" for address in addresses))
        key.write_text(os.urandom(32).hex())
        key.chmod(0o600)
        config.write_text(CONFIG.format(port=options.port, key=key, window=options.window))
        url = f"conn+rpc://{{host}}:{options.port}"
        farcall = [options.farcall, "-w", f"@{inventory}", "--url", url, "--authkey-file", key, "--window", window]
        ansible = [options.ansible, "all", "-i", inventory, "-c", "local", "-f", window, "-m"]
        contestants = [
            ("pdsh, `true`", shutil.which("pdsh"), ["pdsh", "-R", "exec", "-w", names, "-f", window, "true"]),
            ("clush, `true`", shutil.which("clush"), ["clush", "-R", "exec", "-w", names, "-f", window, "true"]),
            ("Ansible, `-m raw -a true`", options.ansible, [*ansible, "raw", "-a", "true"]),
            ("Ansible, `-m ping`", options.ansible, [*ansible, "ping"]),
            ("farcall, `run true`", options.farcall, [*farcall, "run", "true"]),
            ("farcall, `ping`", options.farcall, [*farcall, "ping"]),
        ]
        contestants = [(name, command) for name, found, command in contestants if found]
        environment = {**os.environ, "HOME": str(folder), "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3"}
        log = folder / "log"
        with log.open("w") as errors:
            agent = subprocess.Popen([options.farcall, "agent", "--config", config], stderr=errors)
        try:
            while "agent at" not in log.read_text():
                time.sleep(0.05)
            figures = {name: [] for name, _ in contestants}
            for _ in range(options.rounds):
                for name, command in contestants:
                    figures[name].append(measure(command, environment))
        finally:
            agent.terminate()
            agent.wait()
    print(f"| {options.hosts} hosts, window {window} | seconds | processor seconds of the command |")
    print("|---|--:|--:|")
    for name, rounds in figures.items():
        seconds, processor = (statistics.median(column) for column in zip(*rounds))
        print(f"| {name} | {seconds:.2f} | {processor:.2f} |")


if __name__ == "__main__":
    main()
