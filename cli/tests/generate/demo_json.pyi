# Written by `farcall generate python` from json+http://localhost:8000/.

from typing import Any, Dict, List, Literal, Optional, TypedDict, Union

class Fault(Exception):
    code: int
    message: str
    data: Any
    def __init__(self, code: int, message: str, data: Any = None) -> None: ...

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
    ) -> None: ...

    def add(self, a: int, b: int) -> int: ...

    def blob(self, n: int) -> str: ...

    def concat(self, a: str, b: str) -> str: ...

    def counter_increment(self, n: int) -> int: ...

    def counter_value(self) -> int: ...

    def divide(self, a: float, b: float) -> float: ...

    def echo(self, x: Any) -> Any: ...

    def fail(self, code: int, message: str) -> None: ...

    def now(self) -> str: ...

    def shapes_area(self, figure: Figure) -> float: ...

    def shapes_bounds(self, points: List[Point]) -> Dict[str, float]: ...

    def shapes_growTree(self, name: str, color: Color, levels: Optional[int] = None) -> Tree: ...

    def shapes_mirror(self, point: Point, axis: Optional[str] = None) -> Point: ...

    def shapes_stamp(self, data: str, at: str) -> List[Any]: ...

    def sleep(self, seconds: float) -> bool: ...

    def sum(self, *values: Any) -> Any: ...

    def validator1_arrayOfStructsTest(self, structs: List[Stooges]) -> int: ...

    def validator1_countTheEntities(self, text: str) -> Any: ...

    def validator1_easyStructTest(self, stooges: Stooges) -> int: ...

    def validator1_echoStructTest(self, value: Dict[str, Any]) -> Dict[str, Any]: ...

    def validator1_manyTypesTest(self, number: int, truth: bool, text: str, double: float, date: str, bytes_: str) -> List[Any]: ...

    def validator1_moderateSizeArrayCheck(self, strings: List[str]) -> str: ...

    def validator1_nestedStructTest(self, years: Dict[str, Dict[str, Dict[str, Any]]]) -> int: ...

    def validator1_simpleStructReturnTest(self, number: int) -> Any: ...

    def whoami(self) -> str: ...
