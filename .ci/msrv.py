#!/usr/bin/env python3
"""Checks the stated minimum Rust version against that of every dependency.

Our own use of the standard library is checked by clippy (incompatible_msrv).
"""
import json
import subprocess
import sys


def version(text):
    parts = [int(part) for part in text.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


metadata = json.loads(
    subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--all-features"])
)
members = set(metadata["workspace_members"])
stated = {p["rust_version"] for p in metadata["packages"] if p["id"] in members}
if len(stated) != 1 or None in stated:
    sys.exit("the packages state different minimum Rust versions: %s" % sorted(map(str, stated)))
stated = stated.pop()
newer = [
    "%s %s needs Rust %s" % (p["name"], p["version"], p["rust_version"])
    for p in metadata["packages"]
    if p["id"] not in members and p["rust_version"] and version(p["rust_version"]) > version(stated)
]
if newer:
    sys.exit("the stated minimum is Rust %s, but\n  %s" % (stated, "\n  ".join(newer)))
print("Rust %s is enough for all %d packages" % (stated, len(metadata["packages"])))
