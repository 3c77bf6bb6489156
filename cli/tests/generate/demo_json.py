# Written by `farcall generate python` from json+http://localhost:8000/.
from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Dict, List, Literal, Optional, TypedDict, Union, cast


class Fault(Exception):
    """An error that the server answered with."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.data = data

_TreeRequired = TypedDict("_TreeRequired", {
    "nodeName": "str",
    "color": "Color",
    "children": "List[Tree]",
})
_TreeOptional = TypedDict("_TreeOptional", {
    "shadow": "Optional[Tree]",
}, total=False)


class Tree(_TreeRequired, _TreeOptional):
    pass


Color = Literal["red", "darkgreen"]

_Figure_2 = TypedDict("_Figure_2", {
    "Circle": "float",
})
_Figure_3 = TypedDict("_Figure_3", {
    "Polygon": "List[Point]",
})
Figure = Union[Literal["Nothing"], _Figure_2, _Figure_3]

_PointRequired = TypedDict("_PointRequired", {
    "x": "float",
    "y": "float",
})
_PointOptional = TypedDict("_PointOptional", {
    "label": "Optional[str]",
}, total=False)


class Point(_PointRequired, _PointOptional):
    pass


Stooges = TypedDict("Stooges", {
    "moe": "int",
    "larry": "int",
    "curly": "int",
})


class Methods:
    """The methods of a server."""

    def __init__(
        self, url: str, headers: Optional[Dict[str, str]] = None, timeout: float = 60.0
    ) -> None:
        """Makes calls by JSON-RPC at a URL of HTTP."""
        self._url = url
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._timeout = timeout
        self._id = 0

    def _call(self, method: str, required: int, *arguments: Any) -> Any:
        while len(arguments) > required and arguments[-1] is None:
            arguments = arguments[:-1]
        self._id += 1
        call = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": list(arguments)}
        request = urllib.request.Request(
            self._url, json.dumps(call, allow_nan=False).encode(), self._headers
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            # Some servers send errors of calls with a status of HTTP.
            if "json" not in error.headers.get("Content-Type", ""):
                raise
            answer = json.load(error)
        if not isinstance(answer, dict):
            raise Fault(-32603, "the answer is not an object")
        failure = answer.get("error")
        if failure is not None:
            raise Fault(failure["code"], failure["message"], failure.get("data"))
        if answer.get("id") != call["id"]:
            raise Fault(-32603, "the answer is not to this call")
        return answer.get("result")

    def add(self, a: int, b: int) -> int:
        """Adds two integers."""
        return cast("int", self._call("add", 2, a, b))

    def blob(self, n: int) -> str:
        """Returns `n` bytes, at most 64 MiB, which count from 0 to 255 repeatedly."""
        return cast("str", self._call("blob", 1, n))

    def concat(self, a: str, b: str) -> str:
        """Joins two strings."""
        return cast("str", self._call("concat", 2, a, b))

    def counter_increment(self, n: int) -> int:
        """Adds `n` to the counter and returns its new value."""
        return cast("int", self._call("counter.increment", 1, n))

    def counter_value(self) -> int:
        """Returns the value of the counter."""
        return cast("int", self._call("counter.value", 0))

    def divide(self, a: float, b: float) -> float:
        """Divides one number by another. Division by zero is a fault."""
        return cast("float", self._call("divide", 2, a, b))

    def echo(self, x: Any) -> Any:
        """Returns any value unchanged."""
        return self._call("echo", 1, x)

    def fail(self, code: int, message: str) -> None:
        """Fails with the given fault."""
        self._call("fail", 2, code, message)

    def now(self) -> str:
        """Returns the current time, in UTC."""
        return cast("str", self._call("now", 0))

    def shapes_area(self, figure: Figure) -> float:
        """Returns the area of a figure."""
        return cast("float", self._call("shapes.area", 1, figure))

    def shapes_bounds(self, points: List[Point]) -> Dict[str, float]:
        """Returns the least and the greatest coordinates, by their names."""
        return cast("Dict[str, float]", self._call("shapes.bounds", 1, points))

    def shapes_growTree(self, name: str, color: Color, levels: Optional[int] = None) -> Tree:
        """Returns a tree with this number of levels, 2 by default."""
        return cast("Tree", self._call("shapes.growTree", 2, name, color, levels))

    def shapes_mirror(self, point: Point, axis: Optional[str] = None) -> Point:
        """Mirrors a point at an axis, `\"x\"` by default.

        Other axes are those of the origin, as in `mirror(Point { x: 1.0, y: 2.0 }, \"xy\")`."""
        return cast("Point", self._call("shapes.mirror", 1, point, axis))

    def shapes_stamp(self, data: str, at: str) -> List[Any]:
        """Returns the arguments."""
        return cast("List[Any]", self._call("shapes.stamp", 2, data, at))

    def sleep(self, seconds: float) -> bool:
        """Returns after the given number of seconds, at most an hour."""
        return cast("bool", self._call("sleep", 1, seconds))

    def sum(self, *values: Any) -> Any:
        """Adds numbers, which are the parameters, or the elements of the only one: integers to an
        integer, anything else to a double."""
        return self._call("sum", 0, *values)

    def validator1_arrayOfStructsTest(self, structs: List[Stooges]) -> int:
        """Adds the members `curly` of an array of structs."""
        return cast("int", self._call("validator1.arrayOfStructsTest", 1, structs))

    def validator1_countTheEntities(self, text: str) -> Any:
        """Counts the characters of a string that are special in XML."""
        return self._call("validator1.countTheEntities", 1, text)

    def validator1_easyStructTest(self, stooges: Stooges) -> int:
        """Adds the members `moe`, `larry` and `curly` of a struct."""
        return cast("int", self._call("validator1.easyStructTest", 1, stooges))

    def validator1_echoStructTest(self, value: Dict[str, Any]) -> Dict[str, Any]:
        """Returns a struct unchanged."""
        return cast("Dict[str, Any]", self._call("validator1.echoStructTest", 1, value))

    def validator1_manyTypesTest(self, number: int, truth: bool, text: str, double: float, date: str, bytes_: str) -> List[Any]:
        """Returns its six parameters as an array."""
        return cast("List[Any]", self._call("validator1.manyTypesTest", 6, number, truth, text, double, date, bytes_))

    def validator1_moderateSizeArrayCheck(self, strings: List[str]) -> str:
        """Joins the first and the last of 100 to 200 strings."""
        return cast("str", self._call("validator1.moderateSizeArrayCheck", 1, strings))

    def validator1_nestedStructTest(self, years: Dict[str, Dict[str, Dict[str, Any]]]) -> int:
        """Adds `moe`, `larry` and `curly` of 1 April 2000 in a calendar of structs."""
        return cast("int", self._call("validator1.nestedStructTest", 1, years))

    def validator1_simpleStructReturnTest(self, number: int) -> Any:
        """Multiplies a number by 10, 100 and 1000."""
        return self._call("validator1.simpleStructReturnTest", 1, number)

    def whoami(self) -> str:
        """Returns the name of the caller's identity, or `anonymous`."""
        return cast("str", self._call("whoami", 0))
