"""Finds circles of imports within a crate.

A file depends on each file that defines an item which it names, by a path from `crate`, `super`, `self`, a module of its
own or an import. Re-exports are followed to the definition. A module is taken together with all modules below it, which
may use each other; so the modules in each folder, each with what is below it, are to depend on each other in one
direction. Unit tests are left out.
"""
import re

NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"', re.DOTALL)
TESTS = re.compile(r"^#\[cfg\(test\)\]\nmod \w+ \{.*?^\}\n", re.DOTALL | re.MULTILINE)
USE = re.compile(r"^( *)(pub(?:\([^)]*\))? )?use ([^;]+);", re.MULTILINE)
PATH = re.compile(r"(?<![\w:])\$?((?:crate|super|self|[a-z]\w*)(?:::\w+)+)")


def imports_of(tree, prefix=()):
    """Returns the local names of a `use` tree, each with its path."""
    head, _, rest = tree.partition("{")
    if not rest:
        path, _, alias = head.partition(" as ")
        path = (*prefix, *re.findall(r"\w+|\*", path))
        path = path[:-1] if path[-1] == "self" else path
        return {alias.strip() or path[-1]: path}
    prefix = (*prefix, *re.findall(r"\w+", head))
    found, depth, part = {}, 0, ""
    for character in rest.rpartition("}")[0] + ",":
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character != "," or depth:
            part += character
        elif part.strip():
            found |= imports_of(part, prefix)
            part = ""
    return found


class Crate:
    """The modules of the crate with this root file, by their paths."""

    def __init__(self, root):
        self.imports, self.paths = {}, {}
        for file in root.parent.rglob("*.rs"):
            module = file.relative_to(root.parent).with_suffix("").parts
            module = module[:-1] if file.name in ("mod.rs", root.name) else module
            if module[:1] == ("bin",) or "tests" in module:
                continue
            code = TESTS.sub("", NOT_CODE.sub("", file.read_text()))
            self.imports[module] = {}
            self.paths[module] = {tuple(path.split("::")) for path in PATH.findall(USE.sub("", code))}
            for indent, public, tree in USE.findall(code):
                found = imports_of(tree)
                self.imports[module] |= {} if indent else found
                self.paths[module] |= set() if public else set(found.values())

    def definition(self, module, path):
        """Returns the module that defines what `module` names by this path, if this crate does."""
        head, *rest = path
        imported = self.imports[module].get(head, path)
        if head in ("crate", "self", "super"):
            module = {"crate": (), "self": module, "super": module[:-1]}[head]
        elif (*module, head) in self.imports:
            module = (*module, head)
        elif imported[0] != head:
            return self.definition(module, (*imported, *rest))
        else:
            return None
        while rest:
            name = rest.pop(0)
            if name == "super":
                module = module[:-1]
            elif (*module, name) in self.imports:
                module = (*module, name)
            elif name in self.imports[module]:
                return self.definition(module, (*self.imports[module][name], *rest))
            else:
                break
        return module

    def circles(self):
        """Returns the folders, each with its modules that depend on each other in a circle."""
        folders = {}
        for module, paths in self.paths.items():
            for target in {self.definition(module, path) for path in paths} - {None}:
                common = next((i for i, (a, b) in enumerate(zip(module, target)) if a != b), None)
                if common is not None:
                    edges = folders.setdefault(module[:common], {})
                    edges.setdefault(module[common], set()).add(target[common])
        for folder, edges in sorted(folders.items()):
            if circle := [module for module in sorted(edges) if module in reached(edges, module)]:
                yield folder, circle


def reached(edges, start):
    """Returns all that can be reached from a module."""
    found, rest = set(), [start]
    while rest:
        new = edges.get(rest.pop(), set()) - found
        found |= new
        rest += new
    return found
