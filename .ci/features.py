#!/usr/bin/env python3
"""Checks that the crate farcall compiles without warnings, whatever features a program chooses.

The checked combinations cover every pair of features: each of the four ways in which two features can be on or off
occurs in one of them, unless a feature implies the other. Besides, a client of XML-RPC alone must stay small.

    .ci/features.py             checks the combinations
    .ci/features.py --first 6   checks the first ones, which cover the most pairs
    .ci/features.py --list      prints them, and checks nothing
    .ci/features.py --table     writes docs/FEATURES.md
"""
import argparse
import collections
import itertools
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "farcall" / "Cargo.toml"
PAGE = ROOT / "docs" / "FEATURES.md"

# The promise: what a program takes in to make one call.
CLIENT = "xmlrpc-client"
MAX_CRATES = 60

# Names the file for the times of the compiler, where this program is the wrapper that cargo runs it by.
TIMES = "FARCALL_COMPILE_TIMES"

# Sets of features, which are rows of their own.
SETS = ["default", "full"]


def read_features():
    return tomllib.loads(MANIFEST.read_text())["features"]


def purposes():
    """Returns the comment above each feature in the manifest."""
    found, comment = {}, []
    for line in MANIFEST.read_text().split("[features]")[1].split("\n[")[0].splitlines():
        if line.startswith("#"):
            comment.append(line.strip("# "))
            continue
        if "=" in line:
            found[line.split("=")[0].strip()] = " ".join(comment)
        comment = []
    return found


def closure(features, chosen):
    """Returns the chosen features with all that they imply."""
    result, rest = set(), list(chosen)
    while rest:
        name = rest.pop()
        if name in features and name not in result:
            result.add(name)
            rest += features[name]
    return frozenset(result)


def pairs(names, row):
    """Returns the states of all pairs of features in a row."""
    return {(a, a in row, b, b in row) for a, b in itertools.combinations(names, 2)}


def possible(features, names):
    """Returns the states that pairs of features can have, with a row for each."""
    states = {}
    for a, b in itertools.combinations(names, 2):
        for chosen in ([], [a], [b], [a, b]):
            row = closure(features, chosen)
            states.setdefault((a, a in row, b, b in row), row)
    return states


def combinations(features):
    """Returns rows of features that cover the states of all pairs. The same features give the same rows."""
    names = [name for name in features if name not in SETS]
    choice = random.Random(0)
    states = possible(features, names)
    rows = [frozenset(), frozenset(names)]
    left = set(states) - pairs(names, rows[0]) - pairs(names, rows[1])
    while left:
        # Each candidate has the first state that is left, so every round makes progress.
        state = min(left)
        off = {name for name, on in [state[:2], state[2:]] if not on}
        best = states[state]
        for _ in range(300):
            row = set(states[state])
            for name in choice.sample(names, len(names)):
                implied = closure(features, [name])
                if choice.random() < 0.5 and not implied & off:
                    row |= implied
            best = max(best, frozenset(row), key=lambda row: len(pairs(names, row) & left))
        rows.append(best)
        left -= pairs(names, best)
    return rows


def minimal(features, row):
    """Returns the features of a row that no other one of it implies."""
    implied = {b for a in row for b in closure(features, [a]) - {a}}
    return [name for name in features if name in row - implied]


def cargo(command, chosen, *options, **settings):
    line = ["cargo", command, "-p", "farcall", "--no-default-features", *options]
    line += ["--features", ",".join(chosen)] if chosen else []
    return subprocess.run(line, cwd=ROOT, **{"check": True, **settings})


def crates(chosen):
    """Returns the crates that farcall and its dependencies are, procedural macros included."""
    options = ["-e", "normal", "--prefix", "none", "--format", "{p}"]
    tree = cargo("tree", chosen, *options, capture_output=True, text=True)
    return {tuple(line.split()[:2]) for line in tree.stdout.splitlines() if line}


def added(features, base, name):
    """Returns the crates that a feature adds, to those of the client of XML-RPC if it only changes that one."""
    if features[name] and all(implied.startswith("farcall-xmlrpc?/") for implied in features[name]):
        return crates([CLIENT, name]) - crates([CLIENT])
    return crates([name]) - base


def check_size():
    count = len(crates([CLIENT]))
    print(f"{CLIENT} alone: {count} of at most {MAX_CRATES} crates", flush=True)
    if count > MAX_CRATES:
        sys.exit(f"a program with the feature {CLIENT} alone takes in more than {MAX_CRATES} crates")


def check(features, rows):
    failed = []
    for row in rows:
        chosen = minimal(features, row)
        shown = ", ".join(chosen) or "none"
        begin = time.monotonic()
        # Not `-D warnings`: other flags would build all dependencies anew.
        checked = cargo("check", chosen, "--quiet", capture_output=True, text=True, check=False)
        outcome = "FAILED" if checked.returncode or "warning" in checked.stderr else "ok"
        if outcome != "ok":
            print(checked.stderr)
            failed.append(shown)
        print(f"{outcome} in {time.monotonic() - begin:.0f} s: {shown}", flush=True)
    if failed:
        sys.exit("\n  ".join(["these features do not compile without warnings:", *failed]))


def compile_seconds():
    """Returns the processor seconds that the compiler takes for each crate of a build with all features."""
    with tempfile.TemporaryDirectory() as directory:
        times = pathlib.Path(directory, "times")
        line = ["cargo", "build", "-p", "farcall", "--all-features", "--target-dir", directory]
        wrapper = {"RUSTC_WRAPPER": str(pathlib.Path(__file__).resolve()), TIMES: str(times)}
        subprocess.run(line, cwd=ROOT, env=os.environ | wrapper, check=True)
        seconds = collections.Counter()
        for name, version, time_taken in map(str.split, times.read_text().splitlines()):
            seconds[name, version] += float(time_taken)
        return seconds


def compile_crate(times, command):
    """Runs the compiler for cargo, and records its processor seconds, which other programs hardly change."""
    status = subprocess.call(command)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if name := os.environ.get("CARGO_PKG_NAME"):
        with open(times, "a") as file:
            file.write(f"{name} v{os.environ['CARGO_PKG_VERSION']} {used.ru_utime + used.ru_stime}\n")
    return status


def write_table(features):
    seconds = compile_seconds()
    base = crates([])
    texts = {"default": "What a program gets that asks for nothing else."}
    texts |= {name: text for name, text in purposes().items() if text}

    def row(label, text, found, plus="+"):
        time_taken = sum(seconds[crate] for crate in found)
        return f"| {label} | {text} | {plus}{len(found)} | {plus}{time_taken:.0f} s |"

    lines = [row("none", "The core, without any protocol.", base, "")]
    lines += [row(f"`{name}`", texts.get(name, ""), added(features, base, name)) for name in features]
    client = len(crates([CLIENT]))
    PAGE.write_text(PAGE_HEAD.format(client=client, max=MAX_CRATES, name=CLIENT) + "\n".join(lines) + "\n")
    print(f"wrote {PAGE.relative_to(ROOT)}")


PAGE_HEAD = """# Features of the crate farcall

Written by `.ci/features.py --table`. The guide says which features a program needs: `farcall/docs/guide/features.md`.

**A program that makes calls by XML-RPC (`default-features = false, features = ["xmlrpc-client"]`) takes in {client}
crates**, those of Farcall and procedural macros included. `.ci/run` fails if they become more than {max}.

Crates are those that `cargo tree -e normal` prints on Linux, beyond those of the crate without features. The time is
the processor time of the compiler for these crates, each compiled once with all features and without optimisation; on
several processors a build takes less. Features "of XML-RPC" change its clients and servers, and add nothing without
them: their rows say what they add to a program with `{name}`.

| feature | enables | crates | compiler |
|---|---|---:|---:|
"""


def main():
    if times := os.environ.get(TIMES):
        sys.exit(compile_crate(times, sys.argv[1:]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print the combinations, and check nothing")
    parser.add_argument("--first", type=int, metavar="N", help="check only so many combinations")
    parser.add_argument("--table", action="store_true", help="write docs/FEATURES.md")
    options = parser.parse_args()
    features = read_features()
    if options.table:
        return write_table(features)
    rows = combinations(features)
    rows += [row for row in (closure(features, [name]) - {name} for name in SETS) if row not in rows]
    if options.list:
        for row in rows:
            print(", ".join(minimal(features, row)) or "none")
        return
    check_size()
    check(features, rows[: options.first])


if __name__ == "__main__":
    main()
