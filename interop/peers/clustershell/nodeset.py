#!/usr/bin/env python3
"""ClusterShell's node sets: answers each line of standard input with a line.

`expand TEXT` has the names as answer, `fold NAME NAME ...` the folded text, and either may have `error MESSAGE`.
"""
import sys

from ClusterShell.NodeSet import NodeSet, NodeSetException, RESOLVER_NOGROUP


def answer(line):
    verb, _, text = line.rstrip("\n").partition(" ")
    if verb == "expand":
        return " ".join(NodeSet(text, resolver=RESOLVER_NOGROUP))
    nodes = NodeSet(resolver=RESOLVER_NOGROUP)
    for name in text.split():
        nodes.update(name)
    return str(nodes)


for line in sys.stdin:
    try:
        print("ok", answer(line), flush=True)
    except NodeSetException as error:
        print("error", str(error).replace("\n", " "), flush=True)
