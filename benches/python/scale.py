#!/usr/bin/env python3
"""Measures what calls of thousands of hosts cost, and prints a table in Markdown.

    benches/python/scale.py target/release/farcall [--hosts 10000] [--windows 64,256] [--agents 2]

One agent plays all hosts: it listens at all addresses of 127.0.0.0/8, and each host has one of its own. With --via, two
more agents call the hosts. All of them share the processors of this machine with the command, so a fleet of machines
takes less time. A call is `facts.uptime`, over connections with an authkey, in clear and encrypted by it.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import tempfile
import threading
import time

PLAYER = """\
listen = ["conn+rpc://0.0.0.0:{port}", "conn+rpc+encrypted://0.0.0.0:{encrypted}"]
[authkeys]
bench = "{key}"
"""

AGENT = """\
listen = "conn+rpc://127.0.0.1:0"
inventory = "{inventory}"
[authkeys]
bench = "{key}"
[fanout]
allow = ["key:bench"]
hosts = "@{hosts}"
max_calls = {window}
"""


def processor(pid):
    """Returns the seconds of processor that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def most_memory(pid):
    """Returns the most MiB that a process has had."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


class Agent:
    def __init__(self, farcall, folder, name, config):
        file, self.log = folder / f"{name}.toml", folder / f"{name}.log"
        file.write_text(config)
        with self.log.open("w") as errors:
            environment = {**os.environ, "HOME": str(folder), "RUST_LOG": "warn"}
            self.process = subprocess.Popen([farcall, "agent", "--config", file], stderr=errors, env=environment)
        while "agent at" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        self.url = self.log.read_text().split("agent at ")[1].split()[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def measure(command, environment, agents):
    """Returns the figures of a run: seconds, processor, memory and descriptors of the command, and those of the
    agents."""
    before = [processor(agent.process.pid) for agent in agents]
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    most = [0]

    def watch():
        while process.poll() is None:
            try:
                most[0] = max(most[0], len(os.listdir(f"/proc/{process.pid}/fd")))
            except OSError:
                return
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    watching.join()
    if process.returncode != 0:
        raise SystemExit(f"status {process.returncode}: {errors[-1000:]}")
    own = usage.ru_utime + usage.ru_stime
    theirs = sum(processor(agent.process.pid) for agent in agents) - sum(before)
    return seconds, own, usage.ru_maxrss / 1024, most[0], theirs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("farcall")
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--windows", default="64,256")
    parser.add_argument("--agents", type=int, default=2)
    parser.add_argument("--port", type=int, default=17800)
    options = parser.parse_args()
    windows = [int(window) for window in options.windows.split(",")]
    # An authority of its own for each host.
    addresses = [f"127.{8 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(options.hosts)]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        folder = pathlib.Path(folder)
        key = folder / "key"
        key.write_text(os.urandom(32).hex())
        key.chmod(0o600)
        ports = {"conn+rpc": options.port, "conn+rpc+encrypted": options.port + 1}
        config = PLAYER.format(port=options.port, encrypted=options.port + 1, key=key)
        player = running.enter_context(Agent(options.farcall, folder, "player", config))
        inventory = folder / "inventory.toml"
        inventory.write_text(f'[defaults]\nauthkey_file = "{key}"\n')
        environment = {**os.environ, "HOME": str(folder)}
        print("| hosts | | window | seconds | processor: command | agents | player | memory | descriptors |")
        print("|--:|---|--:|--:|--:|--:|--:|--:|--:|")
        for scheme, port in ports.items():
            hosts = folder / scheme
            hosts.write_text("".join(f"node{n} {scheme}://{a}:{port}\n" for n, a in enumerate(addresses)))
            agent = AGENT.format(inventory=inventory, key=key, hosts=hosts, window=max(windows))
            names = [f"{scheme}{n}" for n in range(options.agents)]
            agents = [running.enter_context(Agent(options.farcall, folder, name, agent)) for name in names]
            vias = [part for agent in agents for part in ("--via", agent.url)]
            for name, via, at_work in [("", [], []), (f", {options.agents} agents", vias, agents)]:
                for window in windows:
                    before = processor(player.process.pid)
                    command = [options.farcall, "-w", f"@{hosts}", "--authkey-file", key, "--window", str(window), *via]
                    command += ["--quiet", "call", "facts.uptime"]
                    seconds, own, memory, most, theirs = measure(command, environment, at_work)
                    played = processor(player.process.pid) - before
                    print(f"| {options.hosts:,} | `{scheme}`{name} | {window} | {seconds:.2f} | {own:.2f} s | "
                          f"{theirs:.2f} s | {played:.2f} s | {memory:.0f} MiB | {most} |", flush=True)
            for agent in agents:
                shown = most_memory(agent.process.pid)
                print(f"<!-- an agent: {shown:.0f} MiB -->", flush=True)


if __name__ == "__main__":
    main()
