"""Finds public names that programs can reach by more than one path from a crate.

Two paths are two names for one thing: programs and pages then differ for no reason, and an error of the compiler shows
one that the reader has never seen. Re-exports are followed to the definition, also into other crates of the workspace.
Aliases of types with parameters are definitions of their own. What is hidden from the documentation does not count.
"""
import re

from circles import NOT_CODE, TESTS, imports_of

HIDDEN = re.compile(
    r"^#\[(?:doc\(hidden\)|cfg\((?:any\(test, |all\()?fuzzing)[^\n]*\n(?:#\[[^\n]*\n)*(?:pub )?(?:mod|use) [^;]*;",
    re.MULTILINE,
)
INLINE = re.compile(r"^(pub )?mod (\w+) \{(?:\}|\n(.*?)^\}\n)", re.DOTALL | re.MULTILINE)
MODULE = re.compile(r"^pub mod (\w+);", re.MULTILINE)
USE = re.compile(r"^(pub )?use ([^;]+);", re.MULTILINE)
ITEM = re.compile(
    r"^pub (?:const |async |unsafe )*(?:struct|enum|trait|fn|type|const|static|union) (\w+)", re.MULTILINE
)


class Module:
    """The public names that a module defines, its public modules, and its imports."""

    def __init__(self, code):
        code = HIDDEN.sub("", code)
        self.inline, self.hides = {}, set()
        for public, name, body in INLINE.findall(code):
            if public:
                self.inline[name] = Module(re.sub(r"^    ", "", body, flags=re.MULTILINE))
            else:
                self.hides.add(name)
        code = INLINE.sub("", code)
        self.items, self.modules = set(ITEM.findall(code)), set(MODULE.findall(code))
        # Of one name there can be several: a module, and a macro.
        self.exports, self.imports, self.globs = [], {}, []
        for public, tree in USE.findall(code):
            for name, path in imports_of(tree).items():
                if name == "*":
                    self.globs += [path[:-1]] * bool(public)
                    continue
                self.imports.setdefault(name, path)
                if public:
                    self.exports.append((name, path))


class Workspace:
    """The crates of a workspace, by the names that code knows them by."""

    def __init__(self, roots):
        self.modules = {}
        for crate, root in roots.items():
            for file in root.parent.rglob("*.rs"):
                path = file.relative_to(root.parent).with_suffix("").parts
                path = path[:-1] if file.name in ("mod.rs", root.name) else path
                code = TESTS.sub("", NOT_CODE.sub(lambda text: " " * (text[0][0] != "/"), file.read_text()))
                self.modules[crate, *path] = Module(code)

    def origin(self, place, path):
        """Returns the module, by its place, or the definition that a path in a module names."""
        head, *rest = path
        if head in ("crate", "self", "super"):
            place = {"crate": place[:1], "self": place, "super": place[:-1]}[head]
        elif (head,) in self.modules and (*place, head) not in self.modules:
            place = (head,)
        else:
            rest = list(path)
        while rest:
            name = rest.pop(0)
            module = self.modules[place]
            if rest and (*place, name) in self.modules:
                place = (*place, name)
            elif name in module.items:
                return (*place, name)
            elif name in module.imports and module.imports[name] != (name,):
                return self.origin(place, (*module.imports[name], *rest))
            elif (*place, name) in self.modules:
                place = (*place, name)
            else:
                return (*place, name, *rest)
        return place

    def names(self, place, module=None):
        """Returns the public names of a module, each with its origin."""
        module = module or self.modules[place]
        found = {(name, (*place, name)) for name in module.items | module.modules}
        for name, path in module.exports:
            origin = self.origin(place, path)
            found.add((name, origin))
        for path in module.globs:
            others = self.names(self.origin(place, path))
            found |= {(name, origin) for name, origin in others if name not in module.hides}
        return found

    def reached(self, place, path=(), module=None):
        """Yields the paths to all public names, each with the origin."""
        module = module or self.modules[place]
        for name, inner in module.inline.items():
            yield from self.reached(place, (*path, name), inner)
        for name, origin in self.names(place, module):
            yield (*path, name), origin
            if origin in self.modules:
                yield from self.reached(origin, (*path, name))

    def repeated(self, crate):
        """Yields the paths to each definition that has several, from this crate."""
        paths = {}
        for path, origin in self.reached((crate,)):
            paths.setdefault(origin, set()).add("::".join(path))
        for _, found in sorted(paths.items()):
            # An attribute may have the name of the module that it is in, and both be imported at once.
            found -= {f"{name}::{name}" for name in found}
            if len(found) > 1:
                yield sorted(found)
