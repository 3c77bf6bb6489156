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

_NodeRequired = TypedDict("_NodeRequired", {
    "endless": "Any",
})
_NodeOptional = TypedDict("_NodeOptional", {
    "all": "All",
    "next": "Node",
}, total=False)


class Node(_NodeRequired, _NodeOptional):
    pass


_AllRequired = TypedDict("_AllRequired", {
})
_AllOptional = TypedDict("_AllOptional", {
    "": "Optional[int]",
    "\u000apwned()\u000a": "Optional[int]",
    "\u000dpwned()\u000d": "Optional[int]",
    "    panic!(\"pwned\");": "Optional[int]",
    "\"\"\"\u000apwned()\u000a\"\"\"": "Optional[int]",
    "\"); pwned(); (\"": "Optional[int]",
    "\"; compile_error!(\"pwned\"); \"": "Optional[int]",
    "#![feature(pwned)]": "Optional[int]",
    "${pwned()}": "Optional[int]",
    "'''\u000apwned()\u000a'''": "Optional[int]",
    "'); pwned(); ('": "Optional[int]",
    "*/ pwned(); /*": "Optional[int]",
    "-     panic!(\"pwned\");": "Optional[int]",
    "//": "Optional[int]",
    "1. ~~~\u000apanic!(\"pwned\");\u000a~~~": "Optional[int]",
    "9": "Optional[int]",
    "<script>pwned()</script>": "Optional[int]",
    ">>> pwned()": "Optional[int]",
    "@ts-nocheck": "Optional[int]",
    "Any": "Optional[int]",
    "Array": "Optional[int]",
    "CallError": "Optional[int]",
    "Client": "Optional[int]",
    "Default": "Optional[int]",
    "Error": "Optional[int]",
    "Fault": "Optional[int]",
    "Methods": "Optional[int]",
    "None": "Optional[int]",
    "Option": "Optional[int]",
    "Promise": "Optional[int]",
    "Result": "Optional[int]",
    "Self": "Optional[int]",
    "Send": "Optional[int]",
    "Sized": "Optional[int]",
    "String": "Optional[int]",
    "Value": "Optional[int]",
    "Vec": "Optional[int]",
    "[x](javascript:pwned())": "Optional[int]",
    "[x]: javascript:pwned()": "Optional[int]",
    "\\": "Optional[int]",
    "\\\"": "Optional[int]",
    "\\u{22}pwned()": "Optional[int]",
    "_": "Optional[int]",
    "__": "Optional[int]",
    "__call__": "Optional[int]",
    "__class__": "Optional[int]",
    "__getattr__": "Optional[int]",
    "__init__": "Optional[int]",
    "__proto__": "Optional[int]",
    "_call": "Optional[int]",
    "```\u000apanic!(\"pwned\");\u000a```": "Optional[int]",
    "`pwned()`": "Optional[int]",
    "a b": "Optional[int]",
    "a.b": "Optional[int]",
    "aB": "Optional[int]",
    "a_b": "Optional[int]",
    "arguments": "Optional[int]",
    "async": "Optional[int]",
    "await": "Optional[int]",
    "call": "Optional[int]",
    "cast": "Optional[int]",
    "class": "Optional[int]",
    "close": "Optional[int]",
    "constructor": "Optional[int]",
    "crate": "Optional[int]",
    "datetime": "Optional[int]",
    "def": "Optional[int]",
    "eval": "Optional[int]",
    "fn": "Optional[int]",
    "function": "Optional[int]",
    "id": "Optional[int]",
    "int": "Optional[int]",
    "json": "Optional[int]",
    "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong": "Optional[int]",
    "method": "Optional[int]",
    "mro": "Optional[int]",
    "new": "Optional[int]",
    "null": "Optional[int]",
    "prototype": "Optional[int]",
    "required": "Optional[int]",
    "self": "Optional[int]",
    "str": "Optional[int]",
    "super": "Optional[int]",
    "then": "Optional[int]",
    "toString": "Optional[int]",
    "true": "Optional[int]",
    "type": "Optional[int]",
    "unknown": "Optional[int]",
    "url": "Optional[int]",
    "urllib": "Optional[int]",
    "values": "Optional[int]",
    "xmlrpc": "Optional[int]",
    "x\u0301": "Optional[int]",
    "{pwned}": "Optional[int]",
    "\u007f\u0085": "Optional[int]",
    "\u00e9": "Optional[int]",
    "\u2028pwned()\u2028": "Optional[int]",
    "\u202epwned()\u202c": "Optional[int]",
    "\u2603": "Optional[int]",
    "\uff21\uff22": "Optional[int]",
}, total=False)


class All(_AllRequired, _AllOptional):
    pass


_Tags_2 = TypedDict("_Tags_2", {
    "_": "Any",
})
_Tags_4 = TypedDict("_Tags_4", {
    "9": "Any",
})
_Tags_6 = TypedDict("_Tags_6", {
    "aB": "Any",
})
_Tags_8 = TypedDict("_Tags_8", {
    "a.b": "Any",
})
_Tags_10 = TypedDict("_Tags_10", {
    "Self": "Any",
})
_Tags_12 = TypedDict("_Tags_12", {
    "super": "Any",
})
_Tags_14 = TypedDict("_Tags_14", {
    "fn": "Any",
})
_Tags_16 = TypedDict("_Tags_16", {
    "await": "Any",
})
_Tags_18 = TypedDict("_Tags_18", {
    "def": "Any",
})
_Tags_20 = TypedDict("_Tags_20", {
    "null": "Any",
})
_Tags_22 = TypedDict("_Tags_22", {
    "function": "Any",
})
_Tags_24 = TypedDict("_Tags_24", {
    "then": "Any",
})
_Tags_26 = TypedDict("_Tags_26", {
    "prototype": "Any",
})
_Tags_28 = TypedDict("_Tags_28", {
    "toString": "Any",
})
_Tags_30 = TypedDict("_Tags_30", {
    "__class__": "Any",
})
_Tags_32 = TypedDict("_Tags_32", {
    "__call__": "Any",
})
_Tags_34 = TypedDict("_Tags_34", {
    "_call": "Any",
})
_Tags_36 = TypedDict("_Tags_36", {
    "close": "Any",
})
_Tags_38 = TypedDict("_Tags_38", {
    "id": "Any",
})
_Tags_40 = TypedDict("_Tags_40", {
    "Any": "Any",
})
_Tags_42 = TypedDict("_Tags_42", {
    "str": "Any",
})
_Tags_44 = TypedDict("_Tags_44", {
    "String": "Any",
})
_Tags_46 = TypedDict("_Tags_46", {
    "Option": "Any",
})
_Tags_48 = TypedDict("_Tags_48", {
    "CallError": "Any",
})
_Tags_50 = TypedDict("_Tags_50", {
    "Sized": "Any",
})
_Tags_52 = TypedDict("_Tags_52", {
    "Client": "Any",
})
_Tags_54 = TypedDict("_Tags_54", {
    "Fault": "Any",
})
_Tags_56 = TypedDict("_Tags_56", {
    "Promise": "Any",
})
_Tags_58 = TypedDict("_Tags_58", {
    "unknown": "Any",
})
_Tags_60 = TypedDict("_Tags_60", {
    "json": "Any",
})
_Tags_62 = TypedDict("_Tags_62", {
    "urllib": "Any",
})
_Tags_64 = TypedDict("_Tags_64", {
    "values": "Any",
})
_Tags_66 = TypedDict("_Tags_66", {
    "required": "Any",
})
_Tags_68 = TypedDict("_Tags_68", {
    "x\u0301": "Any",
})
_Tags_70 = TypedDict("_Tags_70", {
    "\"); pwned(); (\"": "Any",
})
_Tags_72 = TypedDict("_Tags_72", {
    "*/ pwned(); /*": "Any",
})
_Tags_74 = TypedDict("_Tags_74", {
    "`pwned()`": "Any",
})
_Tags_76 = TypedDict("_Tags_76", {
    "'''\u000apwned()\u000a'''": "Any",
})
_Tags_78 = TypedDict("_Tags_78", {
    "\u000dpwned()\u000d": "Any",
})
_Tags_80 = TypedDict("_Tags_80", {
    "\u202epwned()\u202c": "Any",
})
_Tags_82 = TypedDict("_Tags_82", {
    "\\\"": "Any",
})
_Tags_84 = TypedDict("_Tags_84", {
    "\"; compile_error!(\"pwned\"); \"": "Any",
})
_Tags_86 = TypedDict("_Tags_86", {
    "    panic!(\"pwned\");": "Any",
})
_Tags_88 = TypedDict("_Tags_88", {
    "1. ~~~\u000apanic!(\"pwned\");\u000a~~~": "Any",
})
_Tags_90 = TypedDict("_Tags_90", {
    "@ts-nocheck": "Any",
})
_Tags_92 = TypedDict("_Tags_92", {
    "[x](javascript:pwned())": "Any",
})
_Tags_94 = TypedDict("_Tags_94", {
    "#![feature(pwned)]": "Any",
})
_Tags_96 = TypedDict("_Tags_96", {
    "//": "Any",
})
_Tags_98 = TypedDict("_Tags_98", {
    "\u00e9": "Any",
})
_Tags_100 = TypedDict("_Tags_100", {
    "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong": "Any",
})
Tags = Union[Literal[""], _Tags_2, Literal["__"], _Tags_4, Literal["a b"], _Tags_6, Literal["a_b"], _Tags_8, Literal["self"], _Tags_10, Literal["crate"], _Tags_12, Literal["type"], _Tags_14, Literal["async"], _Tags_16, Literal["class"], _Tags_18, Literal["None"], _Tags_20, Literal["true"], _Tags_22, Literal["new"], _Tags_24, Literal["constructor"], _Tags_26, Literal["__proto__"], _Tags_28, Literal["__init__"], _Tags_30, Literal["__getattr__"], _Tags_32, Literal["mro"], _Tags_34, Literal["call"], _Tags_36, Literal["url"], _Tags_38, Literal["cast"], _Tags_40, Literal["int"], _Tags_42, Literal["Value"], _Tags_44, Literal["Vec"], _Tags_46, Literal["Result"], _Tags_48, Literal["Send"], _Tags_50, Literal["Default"], _Tags_52, Literal["Methods"], _Tags_54, Literal["Error"], _Tags_56, Literal["Array"], _Tags_58, Literal["datetime"], _Tags_60, Literal["xmlrpc"], _Tags_62, Literal["arguments"], _Tags_64, Literal["method"], _Tags_66, Literal["eval"], _Tags_68, Literal["\uff21\uff22"], _Tags_70, Literal["'); pwned(); ('"], _Tags_72, Literal["${pwned()}"], _Tags_74, Literal["\"\"\"\u000apwned()\u000a\"\"\""], _Tags_76, Literal["\u000apwned()\u000a"], _Tags_78, Literal["\u2028pwned()\u2028"], _Tags_80, Literal["\\"], _Tags_82, Literal["\\u{22}pwned()"], _Tags_84, Literal["```\u000apanic!(\"pwned\");\u000a```"], _Tags_86, Literal["-     panic!(\"pwned\");"], _Tags_88, Literal[">>> pwned()"], _Tags_90, Literal["<script>pwned()</script>"], _Tags_92, Literal["[x]: javascript:pwned()"], _Tags_94, Literal["{pwned}"], _Tags_96, Literal["\u007f\u0085"], _Tags_98, Literal["\u2603"], _Tags_100]

_PwnedRequired = TypedDict("_PwnedRequired", {
    "\u000apwned()\u000a": "Node",
})
_PwnedOptional = TypedDict("_PwnedOptional", {
    "x": "PwnedX",
}, total=False)


class Pwned(_PwnedRequired, _PwnedOptional):
    pass


PwnedX = Literal["\u000apwned()\u000a"]

_Pwned2Required = TypedDict("_Pwned2Required", {
    "\u000dpwned()\u000d": "Node",
})
_Pwned2Optional = TypedDict("_Pwned2Optional", {
    "x": "PwnedX2",
}, total=False)


class Pwned2(_Pwned2Required, _Pwned2Optional):
    pass


PwnedX2 = Literal["\u000dpwned()\u000d"]

_PanicPwnedRequired = TypedDict("_PanicPwnedRequired", {
    "    panic!(\"pwned\");": "Node",
})
_PanicPwnedOptional = TypedDict("_PanicPwnedOptional", {
    "x": "PanicPwnedX",
}, total=False)


class PanicPwned(_PanicPwnedRequired, _PanicPwnedOptional):
    pass


PanicPwnedX = Literal["    panic!(\"pwned\");"]

_Pwned3Required = TypedDict("_Pwned3Required", {
    "\"\"\"\u000apwned()\u000a\"\"\"": "Node",
})
_Pwned3Optional = TypedDict("_Pwned3Optional", {
    "x": "PwnedX3",
}, total=False)


class Pwned3(_Pwned3Required, _Pwned3Optional):
    pass


PwnedX3 = Literal["\"\"\"\u000apwned()\u000a\"\"\""]

_Pwned4Required = TypedDict("_Pwned4Required", {
    "\"); pwned(); (\"": "Node",
})
_Pwned4Optional = TypedDict("_Pwned4Optional", {
    "x": "PwnedX4",
}, total=False)


class Pwned4(_Pwned4Required, _Pwned4Optional):
    pass


PwnedX4 = Literal["\"); pwned(); (\""]

_CompileErrorPwnedRequired = TypedDict("_CompileErrorPwnedRequired", {
    "\"; compile_error!(\"pwned\"); \"": "Node",
})
_CompileErrorPwnedOptional = TypedDict("_CompileErrorPwnedOptional", {
    "x": "CompileErrorPwnedX",
}, total=False)


class CompileErrorPwned(_CompileErrorPwnedRequired, _CompileErrorPwnedOptional):
    pass


CompileErrorPwnedX = Literal["\"; compile_error!(\"pwned\"); \""]

_FeaturePwnedRequired = TypedDict("_FeaturePwnedRequired", {
    "#![feature(pwned)]": "Node",
})
_FeaturePwnedOptional = TypedDict("_FeaturePwnedOptional", {
    "x": "FeaturePwnedX",
}, total=False)


class FeaturePwned(_FeaturePwnedRequired, _FeaturePwnedOptional):
    pass


FeaturePwnedX = Literal["#![feature(pwned)]"]

_Pwned5Required = TypedDict("_Pwned5Required", {
    "${pwned()}": "Node",
})
_Pwned5Optional = TypedDict("_Pwned5Optional", {
    "x": "PwnedX5",
}, total=False)


class Pwned5(_Pwned5Required, _Pwned5Optional):
    pass


PwnedX5 = Literal["${pwned()}"]

_Pwned6Required = TypedDict("_Pwned6Required", {
    "'''\u000apwned()\u000a'''": "Node",
})
_Pwned6Optional = TypedDict("_Pwned6Optional", {
    "x": "PwnedX6",
}, total=False)


class Pwned6(_Pwned6Required, _Pwned6Optional):
    pass


PwnedX6 = Literal["'''\u000apwned()\u000a'''"]

_Pwned7Required = TypedDict("_Pwned7Required", {
    "'); pwned(); ('": "Node",
})
_Pwned7Optional = TypedDict("_Pwned7Optional", {
    "x": "PwnedX7",
}, total=False)


class Pwned7(_Pwned7Required, _Pwned7Optional):
    pass


PwnedX7 = Literal["'); pwned(); ('"]

_Pwned8Required = TypedDict("_Pwned8Required", {
    "*/ pwned(); /*": "Node",
})
_Pwned8Optional = TypedDict("_Pwned8Optional", {
    "x": "PwnedX8",
}, total=False)


class Pwned8(_Pwned8Required, _Pwned8Optional):
    pass


PwnedX8 = Literal["*/ pwned(); /*"]

_PanicPwned2Required = TypedDict("_PanicPwned2Required", {
    "-     panic!(\"pwned\");": "Node",
})
_PanicPwned2Optional = TypedDict("_PanicPwned2Optional", {
    "x": "PanicPwnedX2",
}, total=False)


class PanicPwned2(_PanicPwned2Required, _PanicPwned2Optional):
    pass


PanicPwnedX2 = Literal["-     panic!(\"pwned\");"]

_UnnamedRequired = TypedDict("_UnnamedRequired", {
    "//": "Node",
})
_UnnamedOptional = TypedDict("_UnnamedOptional", {
    "x": "X",
}, total=False)


class Unnamed(_UnnamedRequired, _UnnamedOptional):
    pass


X = Literal["//"]

_Unnamed1PanicPwnedRequired = TypedDict("_Unnamed1PanicPwnedRequired", {
    "1. ~~~\u000apanic!(\"pwned\");\u000a~~~": "Node",
})
_Unnamed1PanicPwnedOptional = TypedDict("_Unnamed1PanicPwnedOptional", {
    "x": "Unnamed1PanicPwnedX",
}, total=False)


class Unnamed1PanicPwned(_Unnamed1PanicPwnedRequired, _Unnamed1PanicPwnedOptional):
    pass


Unnamed1PanicPwnedX = Literal["1. ~~~\u000apanic!(\"pwned\");\u000a~~~"]

_Unnamed9Required = TypedDict("_Unnamed9Required", {
    "9": "Node",
})
_Unnamed9Optional = TypedDict("_Unnamed9Optional", {
    "x": "Unnamed9X",
}, total=False)


class Unnamed9(_Unnamed9Required, _Unnamed9Optional):
    pass


Unnamed9X = Literal["9"]

_ScriptPwnedScriptRequired = TypedDict("_ScriptPwnedScriptRequired", {
    "<script>pwned()</script>": "Node",
})
_ScriptPwnedScriptOptional = TypedDict("_ScriptPwnedScriptOptional", {
    "x": "ScriptPwnedScriptX",
}, total=False)


class ScriptPwnedScript(_ScriptPwnedScriptRequired, _ScriptPwnedScriptOptional):
    pass


ScriptPwnedScriptX = Literal["<script>pwned()</script>"]

_Pwned9Required = TypedDict("_Pwned9Required", {
    ">>> pwned()": "Node",
})
_Pwned9Optional = TypedDict("_Pwned9Optional", {
    "x": "PwnedX9",
}, total=False)


class Pwned9(_Pwned9Required, _Pwned9Optional):
    pass


PwnedX9 = Literal[">>> pwned()"]

_TsNocheckRequired = TypedDict("_TsNocheckRequired", {
    "@ts-nocheck": "Node",
})
_TsNocheckOptional = TypedDict("_TsNocheckOptional", {
    "x": "TsNocheckX",
}, total=False)


class TsNocheck(_TsNocheckRequired, _TsNocheckOptional):
    pass


TsNocheckX = Literal["@ts-nocheck"]

_AnyTypeRequired = TypedDict("_AnyTypeRequired", {
    "Any": "Node",
})
_AnyTypeOptional = TypedDict("_AnyTypeOptional", {
    "x": "AnyX",
}, total=False)


class AnyType(_AnyTypeRequired, _AnyTypeOptional):
    pass


AnyX = Literal["Any"]

_ArrayRequired = TypedDict("_ArrayRequired", {
    "Array": "Node",
})
_ArrayOptional = TypedDict("_ArrayOptional", {
    "x": "ArrayX",
}, total=False)


class Array(_ArrayRequired, _ArrayOptional):
    pass


ArrayX = Literal["Array"]

_CallErrorRequired = TypedDict("_CallErrorRequired", {
    "CallError": "Node",
})
_CallErrorOptional = TypedDict("_CallErrorOptional", {
    "x": "CallErrorX",
}, total=False)


class CallError(_CallErrorRequired, _CallErrorOptional):
    pass


CallErrorX = Literal["CallError"]

_ClientRequired = TypedDict("_ClientRequired", {
    "Client": "Node",
})
_ClientOptional = TypedDict("_ClientOptional", {
    "x": "ClientX",
}, total=False)


class Client(_ClientRequired, _ClientOptional):
    pass


ClientX = Literal["Client"]

_DefaultRequired = TypedDict("_DefaultRequired", {
    "Default": "Node",
})
_DefaultOptional = TypedDict("_DefaultOptional", {
    "x": "DefaultX",
}, total=False)


class Default(_DefaultRequired, _DefaultOptional):
    pass


DefaultX = Literal["Default"]

_ErrorRequired = TypedDict("_ErrorRequired", {
    "Error": "Node",
})
_ErrorOptional = TypedDict("_ErrorOptional", {
    "x": "ErrorX",
}, total=False)


class Error(_ErrorRequired, _ErrorOptional):
    pass


ErrorX = Literal["Error"]

_FaultTypeRequired = TypedDict("_FaultTypeRequired", {
    "Fault": "Node",
})
_FaultTypeOptional = TypedDict("_FaultTypeOptional", {
    "x": "FaultX",
}, total=False)


class FaultType(_FaultTypeRequired, _FaultTypeOptional):
    pass


FaultX = Literal["Fault"]

_Methods2Required = TypedDict("_Methods2Required", {
    "Methods": "Node",
})
_Methods2Optional = TypedDict("_Methods2Optional", {
    "x": "MethodsX",
}, total=False)


class Methods2(_Methods2Required, _Methods2Optional):
    pass


MethodsX = Literal["Methods"]

_NoneTypeRequired = TypedDict("_NoneTypeRequired", {
    "None": "Node",
})
_NoneTypeOptional = TypedDict("_NoneTypeOptional", {
    "x": "NoneX",
}, total=False)


class NoneType(_NoneTypeRequired, _NoneTypeOptional):
    pass


NoneX = Literal["None"]

_OptionRequired = TypedDict("_OptionRequired", {
    "Option": "Node",
})
_OptionOptional = TypedDict("_OptionOptional", {
    "x": "OptionX",
}, total=False)


class Option(_OptionRequired, _OptionOptional):
    pass


OptionX = Literal["Option"]

_PromiseRequired = TypedDict("_PromiseRequired", {
    "Promise": "Node",
})
_PromiseOptional = TypedDict("_PromiseOptional", {
    "x": "PromiseX",
}, total=False)


class Promise(_PromiseRequired, _PromiseOptional):
    pass


PromiseX = Literal["Promise"]

_ResultRequired = TypedDict("_ResultRequired", {
    "Result": "Node",
})
_ResultOptional = TypedDict("_ResultOptional", {
    "x": "ResultX",
}, total=False)


class Result(_ResultRequired, _ResultOptional):
    pass


ResultX = Literal["Result"]

_SelfRequired = TypedDict("_SelfRequired", {
    "Self": "Node",
})
_SelfOptional = TypedDict("_SelfOptional", {
    "x": "SelfX",
}, total=False)


class Self(_SelfRequired, _SelfOptional):
    pass


SelfX = Literal["Self"]

_SendRequired = TypedDict("_SendRequired", {
    "Send": "Node",
})
_SendOptional = TypedDict("_SendOptional", {
    "x": "SendX",
}, total=False)


class Send(_SendRequired, _SendOptional):
    pass


SendX = Literal["Send"]

_SizedRequired = TypedDict("_SizedRequired", {
    "Sized": "Node",
})
_SizedOptional = TypedDict("_SizedOptional", {
    "x": "SizedX",
}, total=False)


class Sized(_SizedRequired, _SizedOptional):
    pass


SizedX = Literal["Sized"]

_StringRequired = TypedDict("_StringRequired", {
    "String": "Node",
})
_StringOptional = TypedDict("_StringOptional", {
    "x": "StringX",
}, total=False)


class String(_StringRequired, _StringOptional):
    pass


StringX = Literal["String"]

_ValueRequired = TypedDict("_ValueRequired", {
    "Value": "Node",
})
_ValueOptional = TypedDict("_ValueOptional", {
    "x": "ValueX",
}, total=False)


class Value(_ValueRequired, _ValueOptional):
    pass


ValueX = Literal["Value"]

_VecRequired = TypedDict("_VecRequired", {
    "Vec": "Node",
})
_VecOptional = TypedDict("_VecOptional", {
    "x": "VecX",
}, total=False)


class Vec(_VecRequired, _VecOptional):
    pass


VecX = Literal["Vec"]

_XJavascriptPwnedRequired = TypedDict("_XJavascriptPwnedRequired", {
    "[x](javascript:pwned())": "Node",
})
_XJavascriptPwnedOptional = TypedDict("_XJavascriptPwnedOptional", {
    "x": "XJavascriptPwnedX",
}, total=False)


class XJavascriptPwned(_XJavascriptPwnedRequired, _XJavascriptPwnedOptional):
    pass


XJavascriptPwnedX = Literal["[x](javascript:pwned())"]

_XJavascriptPwned2Required = TypedDict("_XJavascriptPwned2Required", {
    "[x]: javascript:pwned()": "Node",
})
_XJavascriptPwned2Optional = TypedDict("_XJavascriptPwned2Optional", {
    "x": "XJavascriptPwnedX2",
}, total=False)


class XJavascriptPwned2(_XJavascriptPwned2Required, _XJavascriptPwned2Optional):
    pass


XJavascriptPwnedX2 = Literal["[x]: javascript:pwned()"]

_Unnamed2Required = TypedDict("_Unnamed2Required", {
    "\\": "Node",
})
_Unnamed2Optional = TypedDict("_Unnamed2Optional", {
    "x": "X2",
}, total=False)


class Unnamed2(_Unnamed2Required, _Unnamed2Optional):
    pass


X2 = Literal["\\"]

_Unnamed3Required = TypedDict("_Unnamed3Required", {
    "\\\"": "Node",
})
_Unnamed3Optional = TypedDict("_Unnamed3Optional", {
    "x": "X3",
}, total=False)


class Unnamed3(_Unnamed3Required, _Unnamed3Optional):
    pass


X3 = Literal["\\\""]

_U22PwnedRequired = TypedDict("_U22PwnedRequired", {
    "\\u{22}pwned()": "Node",
})
_U22PwnedOptional = TypedDict("_U22PwnedOptional", {
    "x": "U22PwnedX",
}, total=False)


class U22Pwned(_U22PwnedRequired, _U22PwnedOptional):
    pass


U22PwnedX = Literal["\\u{22}pwned()"]

_Unnamed4Required = TypedDict("_Unnamed4Required", {
    "_": "Node",
})
_Unnamed4Optional = TypedDict("_Unnamed4Optional", {
    "x": "X4",
}, total=False)


class Unnamed4(_Unnamed4Required, _Unnamed4Optional):
    pass


X4 = Literal["_"]

_Unnamed5Required = TypedDict("_Unnamed5Required", {
    "__": "Node",
})
_Unnamed5Optional = TypedDict("_Unnamed5Optional", {
    "x": "X5",
}, total=False)


class Unnamed5(_Unnamed5Required, _Unnamed5Optional):
    pass


X5 = Literal["__"]

_CallRequired = TypedDict("_CallRequired", {
    "__call__": "Node",
})
_CallOptional = TypedDict("_CallOptional", {
    "x": "CallX",
}, total=False)


class Call(_CallRequired, _CallOptional):
    pass


CallX = Literal["__call__"]

_ClassRequired = TypedDict("_ClassRequired", {
    "__class__": "Node",
})
_ClassOptional = TypedDict("_ClassOptional", {
    "x": "ClassX",
}, total=False)


class Class(_ClassRequired, _ClassOptional):
    pass


ClassX = Literal["__class__"]

_GetattrRequired = TypedDict("_GetattrRequired", {
    "__getattr__": "Node",
})
_GetattrOptional = TypedDict("_GetattrOptional", {
    "x": "GetattrX",
}, total=False)


class Getattr(_GetattrRequired, _GetattrOptional):
    pass


GetattrX = Literal["__getattr__"]

_InitRequired = TypedDict("_InitRequired", {
    "__init__": "Node",
})
_InitOptional = TypedDict("_InitOptional", {
    "x": "InitX",
}, total=False)


class Init(_InitRequired, _InitOptional):
    pass


InitX = Literal["__init__"]

_ProtoRequired = TypedDict("_ProtoRequired", {
    "__proto__": "Node",
})
_ProtoOptional = TypedDict("_ProtoOptional", {
    "x": "ProtoX",
}, total=False)


class Proto(_ProtoRequired, _ProtoOptional):
    pass


ProtoX = Literal["__proto__"]

_Call2Required = TypedDict("_Call2Required", {
    "_call": "Node",
})
_Call2Optional = TypedDict("_Call2Optional", {
    "x": "CallX2",
}, total=False)


class Call2(_Call2Required, _Call2Optional):
    pass


CallX2 = Literal["_call"]

_PanicPwned3Required = TypedDict("_PanicPwned3Required", {
    "```\u000apanic!(\"pwned\");\u000a```": "Node",
})
_PanicPwned3Optional = TypedDict("_PanicPwned3Optional", {
    "x": "PanicPwnedX3",
}, total=False)


class PanicPwned3(_PanicPwned3Required, _PanicPwned3Optional):
    pass


PanicPwnedX3 = Literal["```\u000apanic!(\"pwned\");\u000a```"]

_Pwned10Required = TypedDict("_Pwned10Required", {
    "`pwned()`": "Node",
})
_Pwned10Optional = TypedDict("_Pwned10Optional", {
    "x": "PwnedX10",
}, total=False)


class Pwned10(_Pwned10Required, _Pwned10Optional):
    pass


PwnedX10 = Literal["`pwned()`"]

_ABRequired = TypedDict("_ABRequired", {
    "a b": "Node",
})
_ABOptional = TypedDict("_ABOptional", {
    "x": "ABX",
}, total=False)


class AB(_ABRequired, _ABOptional):
    pass


ABX = Literal["a b"]

_AB2Required = TypedDict("_AB2Required", {
    "a.b": "Node",
})
_AB2Optional = TypedDict("_AB2Optional", {
    "x": "ABX2",
}, total=False)


class AB2(_AB2Required, _AB2Optional):
    pass


ABX2 = Literal["a.b"]

_AB3Required = TypedDict("_AB3Required", {
    "aB": "Node",
})
_AB3Optional = TypedDict("_AB3Optional", {
    "x": "ABX3",
}, total=False)


class AB3(_AB3Required, _AB3Optional):
    pass


ABX3 = Literal["aB"]

_AB4Required = TypedDict("_AB4Required", {
    "a_b": "Node",
})
_AB4Optional = TypedDict("_AB4Optional", {
    "x": "ABX4",
}, total=False)


class AB4(_AB4Required, _AB4Optional):
    pass


ABX4 = Literal["a_b"]

_ArgumentsRequired = TypedDict("_ArgumentsRequired", {
    "arguments": "Node",
})
_ArgumentsOptional = TypedDict("_ArgumentsOptional", {
    "x": "ArgumentsX",
}, total=False)


class Arguments(_ArgumentsRequired, _ArgumentsOptional):
    pass


ArgumentsX = Literal["arguments"]

_AsyncRequired = TypedDict("_AsyncRequired", {
    "async": "Node",
})
_AsyncOptional = TypedDict("_AsyncOptional", {
    "x": "AsyncX",
}, total=False)


class Async(_AsyncRequired, _AsyncOptional):
    pass


AsyncX = Literal["async"]

_AwaitRequired = TypedDict("_AwaitRequired", {
    "await": "Node",
})
_AwaitOptional = TypedDict("_AwaitOptional", {
    "x": "AwaitX",
}, total=False)


class Await(_AwaitRequired, _AwaitOptional):
    pass


AwaitX = Literal["await"]

_Call3Required = TypedDict("_Call3Required", {
    "call": "Node",
})
_Call3Optional = TypedDict("_Call3Optional", {
    "x": "CallX3",
}, total=False)


class Call3(_Call3Required, _Call3Optional):
    pass


CallX3 = Literal["call"]

_CastRequired = TypedDict("_CastRequired", {
    "cast": "Node",
})
_CastOptional = TypedDict("_CastOptional", {
    "x": "CastX",
}, total=False)


class Cast(_CastRequired, _CastOptional):
    pass


CastX = Literal["cast"]

_Class2Required = TypedDict("_Class2Required", {
    "class": "Node",
})
_Class2Optional = TypedDict("_Class2Optional", {
    "x": "ClassX2",
}, total=False)


class Class2(_Class2Required, _Class2Optional):
    pass


ClassX2 = Literal["class"]

_CloseRequired = TypedDict("_CloseRequired", {
    "close": "Node",
})
_CloseOptional = TypedDict("_CloseOptional", {
    "x": "CloseX",
}, total=False)


class Close(_CloseRequired, _CloseOptional):
    pass


CloseX = Literal["close"]

_ConstructorRequired = TypedDict("_ConstructorRequired", {
    "constructor": "Node",
})
_ConstructorOptional = TypedDict("_ConstructorOptional", {
    "x": "ConstructorX",
}, total=False)


class Constructor(_ConstructorRequired, _ConstructorOptional):
    pass


ConstructorX = Literal["constructor"]

_CrateRequired = TypedDict("_CrateRequired", {
    "crate": "Node",
})
_CrateOptional = TypedDict("_CrateOptional", {
    "x": "CrateX",
}, total=False)


class Crate(_CrateRequired, _CrateOptional):
    pass


CrateX = Literal["crate"]

_DatetimeRequired = TypedDict("_DatetimeRequired", {
    "datetime": "Node",
})
_DatetimeOptional = TypedDict("_DatetimeOptional", {
    "x": "DatetimeX",
}, total=False)


class Datetime(_DatetimeRequired, _DatetimeOptional):
    pass


DatetimeX = Literal["datetime"]

_DefRequired = TypedDict("_DefRequired", {
    "def": "Node",
})
_DefOptional = TypedDict("_DefOptional", {
    "x": "DefX",
}, total=False)


class Def(_DefRequired, _DefOptional):
    pass


DefX = Literal["def"]

_EvalRequired = TypedDict("_EvalRequired", {
    "eval": "Node",
})
_EvalOptional = TypedDict("_EvalOptional", {
    "x": "EvalX",
}, total=False)


class Eval(_EvalRequired, _EvalOptional):
    pass


EvalX = Literal["eval"]

_FnRequired = TypedDict("_FnRequired", {
    "fn": "Node",
})
_FnOptional = TypedDict("_FnOptional", {
    "x": "FnX",
}, total=False)


class Fn(_FnRequired, _FnOptional):
    pass


FnX = Literal["fn"]

_FunctionRequired = TypedDict("_FunctionRequired", {
    "function": "Node",
})
_FunctionOptional = TypedDict("_FunctionOptional", {
    "x": "FunctionX",
}, total=False)


class Function(_FunctionRequired, _FunctionOptional):
    pass


FunctionX = Literal["function"]

_IdRequired = TypedDict("_IdRequired", {
    "id": "Node",
})
_IdOptional = TypedDict("_IdOptional", {
    "x": "IdX",
}, total=False)


class Id(_IdRequired, _IdOptional):
    pass


IdX = Literal["id"]

_IntRequired = TypedDict("_IntRequired", {
    "int": "Node",
})
_IntOptional = TypedDict("_IntOptional", {
    "x": "IntX",
}, total=False)


class Int(_IntRequired, _IntOptional):
    pass


IntX = Literal["int"]

_JsonRequired = TypedDict("_JsonRequired", {
    "json": "Node",
})
_JsonOptional = TypedDict("_JsonOptional", {
    "x": "JsonX",
}, total=False)


class Json(_JsonRequired, _JsonOptional):
    pass


JsonX = Literal["json"]

_LonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongRequired = TypedDict("_LonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongRequired", {
    "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong": "Node",
})
_LonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongOptional = TypedDict("_LonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongOptional", {
    "x": "Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2",
}, total=False)


class Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong(_LonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongRequired, _LonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongOptional):
    pass


Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2 = Literal["longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong"]

_MethodRequired = TypedDict("_MethodRequired", {
    "method": "Node",
})
_MethodOptional = TypedDict("_MethodOptional", {
    "x": "MethodX",
}, total=False)


class Method(_MethodRequired, _MethodOptional):
    pass


MethodX = Literal["method"]

_MroRequired = TypedDict("_MroRequired", {
    "mro": "Node",
})
_MroOptional = TypedDict("_MroOptional", {
    "x": "MroX",
}, total=False)


class Mro(_MroRequired, _MroOptional):
    pass


MroX = Literal["mro"]

_NewRequired = TypedDict("_NewRequired", {
    "new": "Node",
})
_NewOptional = TypedDict("_NewOptional", {
    "x": "NewX",
}, total=False)


class New(_NewRequired, _NewOptional):
    pass


NewX = Literal["new"]

_NullRequired = TypedDict("_NullRequired", {
    "null": "Node",
})
_NullOptional = TypedDict("_NullOptional", {
    "x": "NullX",
}, total=False)


class Null(_NullRequired, _NullOptional):
    pass


NullX = Literal["null"]

_PrototypeRequired = TypedDict("_PrototypeRequired", {
    "prototype": "Node",
})
_PrototypeOptional = TypedDict("_PrototypeOptional", {
    "x": "PrototypeX",
}, total=False)


class Prototype(_PrototypeRequired, _PrototypeOptional):
    pass


PrototypeX = Literal["prototype"]

_RequiredRequired = TypedDict("_RequiredRequired", {
    "required": "Node",
})
_RequiredOptional = TypedDict("_RequiredOptional", {
    "x": "RequiredX",
}, total=False)


class Required(_RequiredRequired, _RequiredOptional):
    pass


RequiredX = Literal["required"]

_Self2Required = TypedDict("_Self2Required", {
    "self": "Node",
})
_Self2Optional = TypedDict("_Self2Optional", {
    "x": "SelfX2",
}, total=False)


class Self2(_Self2Required, _Self2Optional):
    pass


SelfX2 = Literal["self"]

_StrRequired = TypedDict("_StrRequired", {
    "str": "Node",
})
_StrOptional = TypedDict("_StrOptional", {
    "x": "StrX",
}, total=False)


class Str(_StrRequired, _StrOptional):
    pass


StrX = Literal["str"]

_SuperRequired = TypedDict("_SuperRequired", {
    "super": "Node",
})
_SuperOptional = TypedDict("_SuperOptional", {
    "x": "SuperX",
}, total=False)


class Super(_SuperRequired, _SuperOptional):
    pass


SuperX = Literal["super"]

_ThenRequired = TypedDict("_ThenRequired", {
    "then": "Node",
})
_ThenOptional = TypedDict("_ThenOptional", {
    "x": "ThenX",
}, total=False)


class Then(_ThenRequired, _ThenOptional):
    pass


ThenX = Literal["then"]

_ToStringRequired = TypedDict("_ToStringRequired", {
    "toString": "Node",
})
_ToStringOptional = TypedDict("_ToStringOptional", {
    "x": "ToStringX",
}, total=False)


class ToString(_ToStringRequired, _ToStringOptional):
    pass


ToStringX = Literal["toString"]

_TrueTypeRequired = TypedDict("_TrueTypeRequired", {
    "true": "Node",
})
_TrueTypeOptional = TypedDict("_TrueTypeOptional", {
    "x": "TrueX",
}, total=False)


class TrueType(_TrueTypeRequired, _TrueTypeOptional):
    pass


TrueX = Literal["true"]

_TypeRequired = TypedDict("_TypeRequired", {
    "type": "Node",
})
_TypeOptional = TypedDict("_TypeOptional", {
    "x": "TypeX",
}, total=False)


class Type(_TypeRequired, _TypeOptional):
    pass


TypeX = Literal["type"]

_UnknownRequired = TypedDict("_UnknownRequired", {
    "unknown": "Node",
})
_UnknownOptional = TypedDict("_UnknownOptional", {
    "x": "UnknownX",
}, total=False)


class Unknown(_UnknownRequired, _UnknownOptional):
    pass


UnknownX = Literal["unknown"]

_UrlRequired = TypedDict("_UrlRequired", {
    "url": "Node",
})
_UrlOptional = TypedDict("_UrlOptional", {
    "x": "UrlX",
}, total=False)


class Url(_UrlRequired, _UrlOptional):
    pass


UrlX = Literal["url"]

_UrllibRequired = TypedDict("_UrllibRequired", {
    "urllib": "Node",
})
_UrllibOptional = TypedDict("_UrllibOptional", {
    "x": "UrllibX",
}, total=False)


class Urllib(_UrllibRequired, _UrllibOptional):
    pass


UrllibX = Literal["urllib"]

_ValuesRequired = TypedDict("_ValuesRequired", {
    "values": "Node",
})
_ValuesOptional = TypedDict("_ValuesOptional", {
    "x": "ValuesX",
}, total=False)


class Values(_ValuesRequired, _ValuesOptional):
    pass


ValuesX = Literal["values"]

_XmlrpcRequired = TypedDict("_XmlrpcRequired", {
    "xmlrpc": "Node",
})
_XmlrpcOptional = TypedDict("_XmlrpcOptional", {
    "x": "XmlrpcX",
}, total=False)


class Xmlrpc(_XmlrpcRequired, _XmlrpcOptional):
    pass


XmlrpcX = Literal["xmlrpc"]

_X6Required = TypedDict("_X6Required", {
    "x\u0301": "Node",
})
_X6Optional = TypedDict("_X6Optional", {
    "x": "XX",
}, total=False)


class X6(_X6Required, _X6Optional):
    pass


XX = Literal["x\u0301"]

_Pwned11Required = TypedDict("_Pwned11Required", {
    "{pwned}": "Node",
})
_Pwned11Optional = TypedDict("_Pwned11Optional", {
    "x": "PwnedX11",
}, total=False)


class Pwned11(_Pwned11Required, _Pwned11Optional):
    pass


PwnedX11 = Literal["{pwned}"]

_Unnamed6Required = TypedDict("_Unnamed6Required", {
    "\u007f\u0085": "Node",
})
_Unnamed6Optional = TypedDict("_Unnamed6Optional", {
    "x": "X7",
}, total=False)


class Unnamed6(_Unnamed6Required, _Unnamed6Optional):
    pass


X7 = Literal["\u007f\u0085"]

_Unnamed7Required = TypedDict("_Unnamed7Required", {
    "\u00e9": "Node",
})
_Unnamed7Optional = TypedDict("_Unnamed7Optional", {
    "x": "X8",
}, total=False)


class Unnamed7(_Unnamed7Required, _Unnamed7Optional):
    pass


X8 = Literal["\u00e9"]

_Pwned12Required = TypedDict("_Pwned12Required", {
    "\u2028pwned()\u2028": "Node",
})
_Pwned12Optional = TypedDict("_Pwned12Optional", {
    "x": "PwnedX12",
}, total=False)


class Pwned12(_Pwned12Required, _Pwned12Optional):
    pass


PwnedX12 = Literal["\u2028pwned()\u2028"]

_Pwned13Required = TypedDict("_Pwned13Required", {
    "\u202epwned()\u202c": "Node",
})
_Pwned13Optional = TypedDict("_Pwned13Optional", {
    "x": "PwnedX13",
}, total=False)


class Pwned13(_Pwned13Required, _Pwned13Optional):
    pass


PwnedX13 = Literal["\u202epwned()\u202c"]

_Unnamed8Required = TypedDict("_Unnamed8Required", {
    "\u2603": "Node",
})
_Unnamed8Optional = TypedDict("_Unnamed8Optional", {
    "x": "X9",
}, total=False)


class Unnamed8(_Unnamed8Required, _Unnamed8Optional):
    pass


X9 = Literal["\u2603"]

_Unnamed10Required = TypedDict("_Unnamed10Required", {
    "\uff21\uff22": "Node",
})
_Unnamed10Optional = TypedDict("_Unnamed10Optional", {
    "x": "X10",
}, total=False)


class Unnamed10(_Unnamed10Required, _Unnamed10Optional):
    pass


X10 = Literal["\uff21\uff22"]

_Pwned14_2 = TypedDict("_Pwned14_2", {
    "\u000apwned()\u000a2": "Any",
})
Pwned14 = Union[Literal["\u000apwned()\u000a"], _Pwned14_2]

_Pwned15_2 = TypedDict("_Pwned15_2", {
    "\u000dpwned()\u000d2": "Any",
})
Pwned15 = Union[Literal["\u000dpwned()\u000d"], _Pwned15_2]

_PanicPwned4_2 = TypedDict("_PanicPwned4_2", {
    "    panic!(\"pwned\");2": "Any",
})
PanicPwned4 = Union[Literal["    panic!(\"pwned\");"], _PanicPwned4_2]

_Pwned16_2 = TypedDict("_Pwned16_2", {
    "\"\"\"\u000apwned()\u000a\"\"\"2": "Any",
})
Pwned16 = Union[Literal["\"\"\"\u000apwned()\u000a\"\"\""], _Pwned16_2]

_Pwned17_2 = TypedDict("_Pwned17_2", {
    "\"); pwned(); (\"2": "Any",
})
Pwned17 = Union[Literal["\"); pwned(); (\""], _Pwned17_2]

_CompileErrorPwned2_2 = TypedDict("_CompileErrorPwned2_2", {
    "\"; compile_error!(\"pwned\"); \"2": "Any",
})
CompileErrorPwned2 = Union[Literal["\"; compile_error!(\"pwned\"); \""], _CompileErrorPwned2_2]

_FeaturePwned2_2 = TypedDict("_FeaturePwned2_2", {
    "#![feature(pwned)]2": "Any",
})
FeaturePwned2 = Union[Literal["#![feature(pwned)]"], _FeaturePwned2_2]

_Pwned18_2 = TypedDict("_Pwned18_2", {
    "${pwned()}2": "Any",
})
Pwned18 = Union[Literal["${pwned()}"], _Pwned18_2]

_Pwned19_2 = TypedDict("_Pwned19_2", {
    "'''\u000apwned()\u000a'''2": "Any",
})
Pwned19 = Union[Literal["'''\u000apwned()\u000a'''"], _Pwned19_2]

_Pwned20_2 = TypedDict("_Pwned20_2", {
    "'); pwned(); ('2": "Any",
})
Pwned20 = Union[Literal["'); pwned(); ('"], _Pwned20_2]

_Pwned21_2 = TypedDict("_Pwned21_2", {
    "*/ pwned(); /*2": "Any",
})
Pwned21 = Union[Literal["*/ pwned(); /*"], _Pwned21_2]

_PanicPwned5_2 = TypedDict("_PanicPwned5_2", {
    "-     panic!(\"pwned\");2": "Any",
})
PanicPwned5 = Union[Literal["-     panic!(\"pwned\");"], _PanicPwned5_2]

_Unnamed11_2 = TypedDict("_Unnamed11_2", {
    "//2": "Any",
})
Unnamed11 = Union[Literal["//"], _Unnamed11_2]

_Unnamed1PanicPwned2_2 = TypedDict("_Unnamed1PanicPwned2_2", {
    "1. ~~~\u000apanic!(\"pwned\");\u000a~~~2": "Any",
})
Unnamed1PanicPwned2 = Union[Literal["1. ~~~\u000apanic!(\"pwned\");\u000a~~~"], _Unnamed1PanicPwned2_2]

_Unnamed9_2_2 = TypedDict("_Unnamed9_2_2", {
    "92": "Any",
})
Unnamed9_2 = Union[Literal["9"], _Unnamed9_2_2]

_ScriptPwnedScript2_2 = TypedDict("_ScriptPwnedScript2_2", {
    "<script>pwned()</script>2": "Any",
})
ScriptPwnedScript2 = Union[Literal["<script>pwned()</script>"], _ScriptPwnedScript2_2]

_Pwned22_2 = TypedDict("_Pwned22_2", {
    ">>> pwned()2": "Any",
})
Pwned22 = Union[Literal[">>> pwned()"], _Pwned22_2]

_TsNocheck2_2 = TypedDict("_TsNocheck2_2", {
    "@ts-nocheck2": "Any",
})
TsNocheck2 = Union[Literal["@ts-nocheck"], _TsNocheck2_2]

_AnyType2_2 = TypedDict("_AnyType2_2", {
    "Any2": "Any",
})
AnyType2 = Union[Literal["Any"], _AnyType2_2]

_Array2_2 = TypedDict("_Array2_2", {
    "Array2": "Any",
})
Array2 = Union[Literal["Array"], _Array2_2]

_CallError2_2 = TypedDict("_CallError2_2", {
    "CallError2": "Any",
})
CallError2 = Union[Literal["CallError"], _CallError2_2]

_Client2_2 = TypedDict("_Client2_2", {
    "Client2": "Any",
})
Client2 = Union[Literal["Client"], _Client2_2]

_Default2_2 = TypedDict("_Default2_2", {
    "Default2": "Any",
})
Default2 = Union[Literal["Default"], _Default2_2]

_Error2_2 = TypedDict("_Error2_2", {
    "Error2": "Any",
})
Error2 = Union[Literal["Error"], _Error2_2]

_FaultType2_2 = TypedDict("_FaultType2_2", {
    "Fault2": "Any",
})
FaultType2 = Union[Literal["Fault"], _FaultType2_2]

_Methods3_2 = TypedDict("_Methods3_2", {
    "Methods2": "Any",
})
Methods3 = Union[Literal["Methods"], _Methods3_2]

_NoneType2_2 = TypedDict("_NoneType2_2", {
    "None2": "Any",
})
NoneType2 = Union[Literal["None"], _NoneType2_2]

_Option2_2 = TypedDict("_Option2_2", {
    "Option2": "Any",
})
Option2 = Union[Literal["Option"], _Option2_2]

_Promise2_2 = TypedDict("_Promise2_2", {
    "Promise2": "Any",
})
Promise2 = Union[Literal["Promise"], _Promise2_2]

_Result2_2 = TypedDict("_Result2_2", {
    "Result2": "Any",
})
Result2 = Union[Literal["Result"], _Result2_2]

_Self3_2 = TypedDict("_Self3_2", {
    "Self2": "Any",
})
Self3 = Union[Literal["Self"], _Self3_2]

_Send2_2 = TypedDict("_Send2_2", {
    "Send2": "Any",
})
Send2 = Union[Literal["Send"], _Send2_2]

_Sized2_2 = TypedDict("_Sized2_2", {
    "Sized2": "Any",
})
Sized2 = Union[Literal["Sized"], _Sized2_2]

_String2_2 = TypedDict("_String2_2", {
    "String2": "Any",
})
String2 = Union[Literal["String"], _String2_2]

_Value2_2 = TypedDict("_Value2_2", {
    "Value2": "Any",
})
Value2 = Union[Literal["Value"], _Value2_2]

_Vec2_2 = TypedDict("_Vec2_2", {
    "Vec2": "Any",
})
Vec2 = Union[Literal["Vec"], _Vec2_2]

_XJavascriptPwned3_2 = TypedDict("_XJavascriptPwned3_2", {
    "[x](javascript:pwned())2": "Any",
})
XJavascriptPwned3 = Union[Literal["[x](javascript:pwned())"], _XJavascriptPwned3_2]

_XJavascriptPwned4_2 = TypedDict("_XJavascriptPwned4_2", {
    "[x]: javascript:pwned()2": "Any",
})
XJavascriptPwned4 = Union[Literal["[x]: javascript:pwned()"], _XJavascriptPwned4_2]

_Unnamed12_2 = TypedDict("_Unnamed12_2", {
    "\\2": "Any",
})
Unnamed12 = Union[Literal["\\"], _Unnamed12_2]

_Unnamed13_2 = TypedDict("_Unnamed13_2", {
    "\\\"2": "Any",
})
Unnamed13 = Union[Literal["\\\""], _Unnamed13_2]

_U22Pwned2_2 = TypedDict("_U22Pwned2_2", {
    "\\u{22}pwned()2": "Any",
})
U22Pwned2 = Union[Literal["\\u{22}pwned()"], _U22Pwned2_2]

_Unnamed14_2 = TypedDict("_Unnamed14_2", {
    "_2": "Any",
})
Unnamed14 = Union[Literal["_"], _Unnamed14_2]

_Unnamed15_2 = TypedDict("_Unnamed15_2", {
    "__2": "Any",
})
Unnamed15 = Union[Literal["__"], _Unnamed15_2]

_Call4_2 = TypedDict("_Call4_2", {
    "__call__2": "Any",
})
Call4 = Union[Literal["__call__"], _Call4_2]

_Class3_2 = TypedDict("_Class3_2", {
    "__class__2": "Any",
})
Class3 = Union[Literal["__class__"], _Class3_2]

_Getattr2_2 = TypedDict("_Getattr2_2", {
    "__getattr__2": "Any",
})
Getattr2 = Union[Literal["__getattr__"], _Getattr2_2]

_Init2_2 = TypedDict("_Init2_2", {
    "__init__2": "Any",
})
Init2 = Union[Literal["__init__"], _Init2_2]

_Proto2_2 = TypedDict("_Proto2_2", {
    "__proto__2": "Any",
})
Proto2 = Union[Literal["__proto__"], _Proto2_2]

_Call5_2 = TypedDict("_Call5_2", {
    "_call2": "Any",
})
Call5 = Union[Literal["_call"], _Call5_2]

_PanicPwned6_2 = TypedDict("_PanicPwned6_2", {
    "```\u000apanic!(\"pwned\");\u000a```2": "Any",
})
PanicPwned6 = Union[Literal["```\u000apanic!(\"pwned\");\u000a```"], _PanicPwned6_2]

_Pwned23_2 = TypedDict("_Pwned23_2", {
    "`pwned()`2": "Any",
})
Pwned23 = Union[Literal["`pwned()`"], _Pwned23_2]

_AB5_2 = TypedDict("_AB5_2", {
    "a b2": "Any",
})
AB5 = Union[Literal["a b"], _AB5_2]

_AB6_2 = TypedDict("_AB6_2", {
    "a.b2": "Any",
})
AB6 = Union[Literal["a.b"], _AB6_2]

_AB7_2 = TypedDict("_AB7_2", {
    "aB2": "Any",
})
AB7 = Union[Literal["aB"], _AB7_2]

_AB8_2 = TypedDict("_AB8_2", {
    "a_b2": "Any",
})
AB8 = Union[Literal["a_b"], _AB8_2]

_Arguments2_2 = TypedDict("_Arguments2_2", {
    "arguments2": "Any",
})
Arguments2 = Union[Literal["arguments"], _Arguments2_2]

_Async2_2 = TypedDict("_Async2_2", {
    "async2": "Any",
})
Async2 = Union[Literal["async"], _Async2_2]

_Await2_2 = TypedDict("_Await2_2", {
    "await2": "Any",
})
Await2 = Union[Literal["await"], _Await2_2]

_Call6_2 = TypedDict("_Call6_2", {
    "call2": "Any",
})
Call6 = Union[Literal["call"], _Call6_2]

_Cast2_2 = TypedDict("_Cast2_2", {
    "cast2": "Any",
})
Cast2 = Union[Literal["cast"], _Cast2_2]

_Class4_2 = TypedDict("_Class4_2", {
    "class2": "Any",
})
Class4 = Union[Literal["class"], _Class4_2]

_Close2_2 = TypedDict("_Close2_2", {
    "close2": "Any",
})
Close2 = Union[Literal["close"], _Close2_2]

_Constructor2_2 = TypedDict("_Constructor2_2", {
    "constructor2": "Any",
})
Constructor2 = Union[Literal["constructor"], _Constructor2_2]

_Crate2_2 = TypedDict("_Crate2_2", {
    "crate2": "Any",
})
Crate2 = Union[Literal["crate"], _Crate2_2]

_Datetime2_2 = TypedDict("_Datetime2_2", {
    "datetime2": "Any",
})
Datetime2 = Union[Literal["datetime"], _Datetime2_2]

_Def2_2 = TypedDict("_Def2_2", {
    "def2": "Any",
})
Def2 = Union[Literal["def"], _Def2_2]

_Eval2_2 = TypedDict("_Eval2_2", {
    "eval2": "Any",
})
Eval2 = Union[Literal["eval"], _Eval2_2]

_Fn2_2 = TypedDict("_Fn2_2", {
    "fn2": "Any",
})
Fn2 = Union[Literal["fn"], _Fn2_2]

_Function2_2 = TypedDict("_Function2_2", {
    "function2": "Any",
})
Function2 = Union[Literal["function"], _Function2_2]

_Id2_2 = TypedDict("_Id2_2", {
    "id2": "Any",
})
Id2 = Union[Literal["id"], _Id2_2]

_Int2_2 = TypedDict("_Int2_2", {
    "int2": "Any",
})
Int2 = Union[Literal["int"], _Int2_2]

_Json2_2 = TypedDict("_Json2_2", {
    "json2": "Any",
})
Json2 = Union[Literal["json"], _Json2_2]

_Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3_2 = TypedDict("_Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3_2", {
    "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2": "Any",
})
Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3 = Union[Literal["longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong"], _Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3_2]

_Method2_2 = TypedDict("_Method2_2", {
    "method2": "Any",
})
Method2 = Union[Literal["method"], _Method2_2]

_Mro2_2 = TypedDict("_Mro2_2", {
    "mro2": "Any",
})
Mro2 = Union[Literal["mro"], _Mro2_2]

_New2_2 = TypedDict("_New2_2", {
    "new2": "Any",
})
New2 = Union[Literal["new"], _New2_2]

_Null2_2 = TypedDict("_Null2_2", {
    "null2": "Any",
})
Null2 = Union[Literal["null"], _Null2_2]

_Prototype2_2 = TypedDict("_Prototype2_2", {
    "prototype2": "Any",
})
Prototype2 = Union[Literal["prototype"], _Prototype2_2]

_Required2_2 = TypedDict("_Required2_2", {
    "required2": "Any",
})
Required2 = Union[Literal["required"], _Required2_2]

_Self4_2 = TypedDict("_Self4_2", {
    "self2": "Any",
})
Self4 = Union[Literal["self"], _Self4_2]

_Str2_2 = TypedDict("_Str2_2", {
    "str2": "Any",
})
Str2 = Union[Literal["str"], _Str2_2]

_Super2_2 = TypedDict("_Super2_2", {
    "super2": "Any",
})
Super2 = Union[Literal["super"], _Super2_2]

_Then2_2 = TypedDict("_Then2_2", {
    "then2": "Any",
})
Then2 = Union[Literal["then"], _Then2_2]

_ToString2_2 = TypedDict("_ToString2_2", {
    "toString2": "Any",
})
ToString2 = Union[Literal["toString"], _ToString2_2]

_TrueType2_2 = TypedDict("_TrueType2_2", {
    "true2": "Any",
})
TrueType2 = Union[Literal["true"], _TrueType2_2]

_Type2_2 = TypedDict("_Type2_2", {
    "type2": "Any",
})
Type2 = Union[Literal["type"], _Type2_2]

_Unknown2_2 = TypedDict("_Unknown2_2", {
    "unknown2": "Any",
})
Unknown2 = Union[Literal["unknown"], _Unknown2_2]

_Url2_2 = TypedDict("_Url2_2", {
    "url2": "Any",
})
Url2 = Union[Literal["url"], _Url2_2]

_Urllib2_2 = TypedDict("_Urllib2_2", {
    "urllib2": "Any",
})
Urllib2 = Union[Literal["urllib"], _Urllib2_2]

_Values2_2 = TypedDict("_Values2_2", {
    "values2": "Any",
})
Values2 = Union[Literal["values"], _Values2_2]

_Xmlrpc2_2 = TypedDict("_Xmlrpc2_2", {
    "xmlrpc2": "Any",
})
Xmlrpc2 = Union[Literal["xmlrpc"], _Xmlrpc2_2]

_X11_2 = TypedDict("_X11_2", {
    "x\u03012": "Any",
})
X11 = Union[Literal["x\u0301"], _X11_2]

_Pwned24_2 = TypedDict("_Pwned24_2", {
    "{pwned}2": "Any",
})
Pwned24 = Union[Literal["{pwned}"], _Pwned24_2]

_Unnamed16_2 = TypedDict("_Unnamed16_2", {
    "\u007f\u00852": "Any",
})
Unnamed16 = Union[Literal["\u007f\u0085"], _Unnamed16_2]

_Unnamed17_2 = TypedDict("_Unnamed17_2", {
    "\u00e92": "Any",
})
Unnamed17 = Union[Literal["\u00e9"], _Unnamed17_2]

_Pwned25_2 = TypedDict("_Pwned25_2", {
    "\u2028pwned()\u20282": "Any",
})
Pwned25 = Union[Literal["\u2028pwned()\u2028"], _Pwned25_2]

_Pwned26_2 = TypedDict("_Pwned26_2", {
    "\u202epwned()\u202c2": "Any",
})
Pwned26 = Union[Literal["\u202epwned()\u202c"], _Pwned26_2]

_Unnamed18_2 = TypedDict("_Unnamed18_2", {
    "\u26032": "Any",
})
Unnamed18 = Union[Literal["\u2603"], _Unnamed18_2]

_Unnamed19_2 = TypedDict("_Unnamed19_2", {
    "\uff21\uff222": "Any",
})
Unnamed19 = Union[Literal["\uff21\uff22"], _Unnamed19_2]

Pwned27 = Literal["\u000apwned()\u000a", "x"]

Pwned28 = Literal["\u000dpwned()\u000d", "x"]

PanicPwned7 = Literal["    panic!(\"pwned\");", "x"]

Pwned29 = Literal["\"\"\"\u000apwned()\u000a\"\"\"", "x"]

Pwned30 = Literal["\"); pwned(); (\"", "x"]

CompileErrorPwned3 = Literal["\"; compile_error!(\"pwned\"); \"", "x"]

FeaturePwned3 = Literal["#![feature(pwned)]", "x"]

Pwned31 = Literal["${pwned()}", "x"]

Pwned32 = Literal["'''\u000apwned()\u000a'''", "x"]

Pwned33 = Literal["'); pwned(); ('", "x"]

Pwned34 = Literal["*/ pwned(); /*", "x"]

PanicPwned8 = Literal["-     panic!(\"pwned\");", "x"]

Unnamed20 = Literal["//", "x"]

Unnamed1PanicPwned3 = Literal["1. ~~~\u000apanic!(\"pwned\");\u000a~~~", "x"]

Unnamed9_3 = Literal["9", "x"]

ScriptPwnedScript3 = Literal["<script>pwned()</script>", "x"]

Pwned35 = Literal[">>> pwned()", "x"]

TsNocheck3 = Literal["@ts-nocheck", "x"]

AnyType3 = Literal["Any", "x"]

Array3 = Literal["Array", "x"]

CallError3 = Literal["CallError", "x"]

Client3 = Literal["Client", "x"]

Default3 = Literal["Default", "x"]

Error3 = Literal["Error", "x"]

FaultType3 = Literal["Fault", "x"]

Methods4 = Literal["Methods", "x"]

NoneType3 = Literal["None", "x"]

Option3 = Literal["Option", "x"]

Promise3 = Literal["Promise", "x"]

Result3 = Literal["Result", "x"]

Self5 = Literal["Self", "x"]

Send3 = Literal["Send", "x"]

Sized3 = Literal["Sized", "x"]

String3 = Literal["String", "x"]

Value3 = Literal["Value", "x"]

Vec3 = Literal["Vec", "x"]

XJavascriptPwned5 = Literal["[x](javascript:pwned())", "x"]

XJavascriptPwned6 = Literal["[x]: javascript:pwned()", "x"]

Unnamed21 = Literal["\\", "x"]

Unnamed22 = Literal["\\\"", "x"]

U22Pwned3 = Literal["\\u{22}pwned()", "x"]

Unnamed23 = Literal["_", "x"]

Unnamed24 = Literal["__", "x"]

Call7 = Literal["__call__", "x"]

Class5 = Literal["__class__", "x"]

Getattr3 = Literal["__getattr__", "x"]

Init3 = Literal["__init__", "x"]

Proto3 = Literal["__proto__", "x"]

Call8 = Literal["_call", "x"]

PanicPwned9 = Literal["```\u000apanic!(\"pwned\");\u000a```", "x"]

Pwned36 = Literal["`pwned()`", "x"]

AB9 = Literal["a b", "x"]

AB10 = Literal["a.b", "x"]

AB11 = Literal["aB", "x"]

AB12 = Literal["a_b", "x"]

Arguments3 = Literal["arguments", "x"]

Async3 = Literal["async", "x"]

Await3 = Literal["await", "x"]

Call9 = Literal["call", "x"]

Cast3 = Literal["cast", "x"]

Class6 = Literal["class", "x"]

Close3 = Literal["close", "x"]

Constructor3 = Literal["constructor", "x"]

Crate3 = Literal["crate", "x"]

Datetime3 = Literal["datetime", "x"]

Def3 = Literal["def", "x"]

Eval3 = Literal["eval", "x"]

Fn3 = Literal["fn", "x"]

Function3 = Literal["function", "x"]

Id3 = Literal["id", "x"]

Int3 = Literal["int", "x"]

Json3 = Literal["json", "x"]

Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong4 = Literal["longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong", "x"]

Method3 = Literal["method", "x"]

Mro3 = Literal["mro", "x"]

New3 = Literal["new", "x"]

Null3 = Literal["null", "x"]

Prototype3 = Literal["prototype", "x"]

Required3 = Literal["required", "x"]

Self6 = Literal["self", "x"]

Str3 = Literal["str", "x"]

Super3 = Literal["super", "x"]

Then3 = Literal["then", "x"]

ToString3 = Literal["toString", "x"]

TrueType3 = Literal["true", "x"]

Type3 = Literal["type", "x"]

Unknown3 = Literal["unknown", "x"]

Url3 = Literal["url", "x"]

Urllib3 = Literal["urllib", "x"]

Values3 = Literal["values", "x"]

Xmlrpc3 = Literal["xmlrpc", "x"]

X12 = Literal["x\u0301", "x"]

Pwned37 = Literal["{pwned}", "x"]

Unnamed25 = Literal["\u007f\u0085", "x"]

Unnamed26 = Literal["\u00e9", "x"]

Pwned38 = Literal["\u2028pwned()\u2028", "x"]

Pwned39 = Literal["\u202epwned()\u202c", "x"]

Unnamed27 = Literal["\u2603", "x"]

Unnamed28 = Literal["\uff21\uff22", "x"]


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

    def method(self, argument: Unnamed4, argument2: str, x: Optional[Unnamed23] = None) -> Unnamed14:
        """\"); pwned(); (\"

        '); pwned(); ('

        */ pwned(); /*

        ${pwned()}

        `pwned()`

        \"\"\"
        pwned()
        \"\"\"

        '''
        pwned()
        '''

        
        pwned()

        
        U+000Dpwned()

        U+2028pwned()U+2028

        U+202Epwned()U+202C

        \\

        \\\"

        \\u{22}pwned()

        \"; compile_error!(\"pwned\"); \"

        ```
        panic!(\"pwned\");
        ```

            panic!(\"pwned\");

        -     panic!(\"pwned\");

        1. ~~~
        panic!(\"pwned\");
        ~~~

        > > > pwned()

        @ts-nocheck

        <script>pwned()</script>

        [x](javascript:pwned())

        [x]: javascript:pwned()

        #![feature(pwned)]

        {pwned}

        //

        U+007FU+0085

        é

        ☃"""
        return cast("Unnamed14", self._call("_", 2, argument, argument2, x))

    def method2(self, argument: Unnamed5, argument2: str, x: Optional[Unnamed24] = None) -> Unnamed15:
        """__"""
        return cast("Unnamed15", self._call("__", 2, argument, argument2, x))

    def method9(self, argument9: Unnamed9, argument9_2: str, x: Optional[Unnamed9_3] = None) -> Unnamed9_2:
        """9"""
        return cast("Unnamed9_2", self._call("9", 2, argument9, argument9_2, x))

    def a_b(self, a_b: AB, a_b2: str, x: Optional[AB9] = None) -> AB5:
        """a b"""
        return cast("AB5", self._call("a b", 2, a_b, a_b2, x))

    def aB(self, aB: AB3, aB2: str, x: Optional[AB11] = None) -> AB7:
        """aB"""
        return cast("AB7", self._call("aB", 2, aB, aB2, x))

    def a_b2(self, a_b: AB4, a_b2: str, x: Optional[AB12] = None) -> AB8:
        """a_b"""
        return cast("AB8", self._call("a_b", 2, a_b, a_b2, x))

    def a_b3(self, a_b: AB2, a_b2: str, x: Optional[AB10] = None) -> AB6:
        """a.b"""
        return cast("AB6", self._call("a.b", 2, a_b, a_b2, x))

    def self_(self, self_: Self2, self_2: str, x: Optional[Self6] = None) -> Self4:
        """self"""
        return cast("Self4", self._call("self", 2, self_, self_2, x))

    def Self7(self, Self7: Self, Self8: str, x: Optional[Self5] = None) -> Self3:
        """Self"""
        return cast("Self3", self._call("Self", 2, Self7, Self8, x))

    def crate(self, crate: Crate, crate2: str, x: Optional[Crate3] = None) -> Crate2:
        """crate"""
        return cast("Crate2", self._call("crate", 2, crate, crate2, x))

    def super_(self, super_: Super, super_2: str, x: Optional[Super3] = None) -> Super2:
        """super"""
        return cast("Super2", self._call("super", 2, super_, super_2, x))

    def type(self, type: Type, type2: str, x: Optional[Type3] = None) -> Type2:
        """type"""
        return cast("Type2", self._call("type", 2, type, type2, x))

    def fn(self, fn: Fn, fn2: str, x: Optional[Fn3] = None) -> Fn2:
        """fn"""
        return cast("Fn2", self._call("fn", 2, fn, fn2, x))

    def async_(self, async_: Async, async_2: str, x: Optional[Async3] = None) -> Async2:
        """async"""
        return cast("Async2", self._call("async", 2, async_, async_2, x))

    def await_(self, await_: Await, await_2: str, x: Optional[Await3] = None) -> Await2:
        """await"""
        return cast("Await2", self._call("await", 2, await_, await_2, x))

    def class_(self, class_: Class2, class_2: str, x: Optional[Class6] = None) -> Class4:
        """class"""
        return cast("Class4", self._call("class", 2, class_, class_2, x))

    def def_(self, def_: Def, def_2: str, x: Optional[Def3] = None) -> Def2:
        """def"""
        return cast("Def2", self._call("def", 2, def_, def_2, x))

    def None_(self, None_: NoneType, None_2: str, x: Optional[NoneType3] = None) -> NoneType2:
        """None"""
        return cast("NoneType2", self._call("None", 2, None_, None_2, x))

    def null(self, null: Null, null2: str, x: Optional[Null3] = None) -> Null2:
        """null"""
        return cast("Null2", self._call("null", 2, null, null2, x))

    def true(self, true: TrueType, true2: str, x: Optional[TrueType3] = None) -> TrueType2:
        """true"""
        return cast("TrueType2", self._call("true", 2, true, true2, x))

    def function(self, function: Function, function2: str, x: Optional[Function3] = None) -> Function2:
        """function"""
        return cast("Function2", self._call("function", 2, function, function2, x))

    def new(self, new: New, new2: str, x: Optional[New3] = None) -> New2:
        """new"""
        return cast("New2", self._call("new", 2, new, new2, x))

    def then(self, then: Then, then2: str, x: Optional[Then3] = None) -> Then2:
        """then"""
        return cast("Then2", self._call("then", 2, then, then2, x))

    def constructor(self, constructor: Constructor, constructor2: str, x: Optional[Constructor3] = None) -> Constructor2:
        """constructor"""
        return cast("Constructor2", self._call("constructor", 2, constructor, constructor2, x))

    def prototype(self, prototype: Prototype, prototype2: str, x: Optional[Prototype3] = None) -> Prototype2:
        """prototype"""
        return cast("Prototype2", self._call("prototype", 2, prototype, prototype2, x))

    def proto__(self, proto__: Proto, proto__2: str, x: Optional[Proto3] = None) -> Proto2:
        """__proto__"""
        return cast("Proto2", self._call("__proto__", 2, proto__, proto__2, x))

    def toString(self, toString: ToString, toString2: str, x: Optional[ToString3] = None) -> ToString2:
        """toString"""
        return cast("ToString2", self._call("toString", 2, toString, toString2, x))

    def init__(self, init__: Init, init__2: str, x: Optional[Init3] = None) -> Init2:
        """__init__"""
        return cast("Init2", self._call("__init__", 2, init__, init__2, x))

    def class__(self, class__: Class, class__2: str, x: Optional[Class5] = None) -> Class3:
        """__class__"""
        return cast("Class3", self._call("__class__", 2, class__, class__2, x))

    def getattr__(self, getattr__: Getattr, getattr__2: str, x: Optional[Getattr3] = None) -> Getattr2:
        """__getattr__"""
        return cast("Getattr2", self._call("__getattr__", 2, getattr__, getattr__2, x))

    def call__(self, call__: Call, call__2: str, x: Optional[Call7] = None) -> Call4:
        """__call__"""
        return cast("Call4", self._call("__call__", 2, call__, call__2, x))

    def mro(self, mro: Mro, mro2: str, x: Optional[Mro3] = None) -> Mro2:
        """mro"""
        return cast("Mro2", self._call("mro", 2, mro, mro2, x))

    def call(self, call: Call2, call2: str, x: Optional[Call8] = None) -> Call5:
        """_call"""
        return cast("Call5", self._call("_call", 2, call, call2, x))

    def call2(self, call: Call3, call2: str, x: Optional[Call9] = None) -> Call6:
        """call"""
        return cast("Call6", self._call("call", 2, call, call2, x))

    def close_(self, close_: Close, close_2: str, x: Optional[Close3] = None) -> Close2:
        """close"""
        return cast("Close2", self._call("close", 2, close_, close_2, x))

    def url(self, url: Url, url2: str, x: Optional[Url3] = None) -> Url2:
        """url"""
        return cast("Url2", self._call("url", 2, url, url2, x))

    def id(self, id: Id, id2: str, x: Optional[Id3] = None) -> Id2:
        """id"""
        return cast("Id2", self._call("id", 2, id, id2, x))

    def cast_(self, cast_: Cast, cast_2: str, x: Optional[Cast3] = None) -> Cast2:
        """cast"""
        return cast("Cast2", self._call("cast", 2, cast_, cast_2, x))

    def Any_(self, Any_: AnyType, Any_2: str, x: Optional[AnyType3] = None) -> AnyType2:
        """Any"""
        return cast("AnyType2", self._call("Any", 2, Any_, Any_2, x))

    def int_(self, int_: Int, int_2: str, x: Optional[Int3] = None) -> Int2:
        """int"""
        return cast("Int2", self._call("int", 2, int_, int_2, x))

    def str_(self, str_: Str, str_2: str, x: Optional[Str3] = None) -> Str2:
        """str"""
        return cast("Str2", self._call("str", 2, str_, str_2, x))

    def Value4(self, Value4: Value, Value5: str, x: Optional[Value3] = None) -> Value2:
        """Value"""
        return cast("Value2", self._call("Value", 2, Value4, Value5, x))

    def String4(self, String4: String, String5: str, x: Optional[String3] = None) -> String2:
        """String"""
        return cast("String2", self._call("String", 2, String4, String5, x))

    def Vec4(self, Vec4: Vec, Vec5: str, x: Optional[Vec3] = None) -> Vec2:
        """Vec"""
        return cast("Vec2", self._call("Vec", 2, Vec4, Vec5, x))

    def Option4(self, Option4: Option, Option5: str, x: Optional[Option3] = None) -> Option2:
        """Option"""
        return cast("Option2", self._call("Option", 2, Option4, Option5, x))

    def Result4(self, Result4: Result, Result5: str, x: Optional[Result3] = None) -> Result2:
        """Result"""
        return cast("Result2", self._call("Result", 2, Result4, Result5, x))

    def CallError4(self, CallError4: CallError, CallError5: str, x: Optional[CallError3] = None) -> CallError2:
        """CallError"""
        return cast("CallError2", self._call("CallError", 2, CallError4, CallError5, x))

    def Send4(self, Send4: Send, Send5: str, x: Optional[Send3] = None) -> Send2:
        """Send"""
        return cast("Send2", self._call("Send", 2, Send4, Send5, x))

    def Sized4(self, Sized4: Sized, Sized5: str, x: Optional[Sized3] = None) -> Sized2:
        """Sized"""
        return cast("Sized2", self._call("Sized", 2, Sized4, Sized5, x))

    def Default4(self, Default4: Default, Default5: str, x: Optional[Default3] = None) -> Default2:
        """Default"""
        return cast("Default2", self._call("Default", 2, Default4, Default5, x))

    def Client4(self, Client4: Client, Client5: str, x: Optional[Client3] = None) -> Client2:
        """Client"""
        return cast("Client2", self._call("Client", 2, Client4, Client5, x))

    def Methods(self, Methods: Methods2, Methods5: str, x: Optional[Methods4] = None) -> Methods3:
        """Methods"""
        return cast("Methods3", self._call("Methods", 2, Methods, Methods5, x))

    def Fault_(self, Fault_: FaultType, Fault_2: str, x: Optional[FaultType3] = None) -> FaultType2:
        """Fault"""
        return cast("FaultType2", self._call("Fault", 2, Fault_, Fault_2, x))

    def Error4(self, Error4: Error, Error5: str, x: Optional[Error3] = None) -> Error2:
        """Error"""
        return cast("Error2", self._call("Error", 2, Error4, Error5, x))

    def Promise4(self, Promise4: Promise, Promise5: str, x: Optional[Promise3] = None) -> Promise2:
        """Promise"""
        return cast("Promise2", self._call("Promise", 2, Promise4, Promise5, x))

    def Array4(self, Array4: Array, Array5: str, x: Optional[Array3] = None) -> Array2:
        """Array"""
        return cast("Array2", self._call("Array", 2, Array4, Array5, x))

    def unknown(self, unknown: Unknown, unknown2: str, x: Optional[Unknown3] = None) -> Unknown2:
        """unknown"""
        return cast("Unknown2", self._call("unknown", 2, unknown, unknown2, x))

    def datetime_(self, datetime_: Datetime, datetime_2: str, x: Optional[Datetime3] = None) -> Datetime2:
        """datetime"""
        return cast("Datetime2", self._call("datetime", 2, datetime_, datetime_2, x))

    def json_(self, json_: Json, json_2: str, x: Optional[Json3] = None) -> Json2:
        """json"""
        return cast("Json2", self._call("json", 2, json_, json_2, x))

    def xmlrpc_(self, xmlrpc_: Xmlrpc, xmlrpc_2: str, x: Optional[Xmlrpc3] = None) -> Xmlrpc2:
        """xmlrpc"""
        return cast("Xmlrpc2", self._call("xmlrpc", 2, xmlrpc_, xmlrpc_2, x))

    def urllib_(self, urllib_: Urllib, urllib_2: str, x: Optional[Urllib3] = None) -> Urllib2:
        """urllib"""
        return cast("Urllib2", self._call("urllib", 2, urllib_, urllib_2, x))

    def arguments(self, arguments: Arguments, arguments2: str, x: Optional[Arguments3] = None) -> Arguments2:
        """arguments"""
        return cast("Arguments2", self._call("arguments", 2, arguments, arguments2, x))

    def values(self, values: Values, values2: str, x: Optional[Values3] = None) -> Values2:
        """values"""
        return cast("Values2", self._call("values", 2, values, values2, x))

    def method3(self, method: Method, method2: str, x: Optional[Method3] = None) -> Method2:
        """method"""
        return cast("Method2", self._call("method", 2, method, method2, x))

    def required(self, required: Required, required2: str, x: Optional[Required3] = None) -> Required2:
        """required"""
        return cast("Required2", self._call("required", 2, required, required2, x))

    def eval(self, eval: Eval, eval2: str, x: Optional[Eval3] = None) -> Eval2:
        """eval"""
        return cast("Eval2", self._call("eval", 2, eval, eval2, x))

    def x_(self, x_: X6, x_2: str, x: Optional[X12] = None) -> X11:
        """x́"""
        return cast("X11", self._call("x\u0301", 2, x_, x_2, x))

    def method4(self, argument: Unnamed10, argument2: str, x: Optional[Unnamed28] = None) -> Unnamed19:
        """ＡＢ"""
        return cast("Unnamed19", self._call("\uff21\uff22", 2, argument, argument2, x))

    def pwned______(self, pwned______: Pwned4, pwned______2: str, x: Optional[Pwned30] = None) -> Pwned17:
        """\"); pwned(); (\""""
        return cast("Pwned17", self._call("\"); pwned(); (\"", 2, pwned______, pwned______2, x))

    def pwned______2(self, pwned______: Pwned7, pwned______2: str, x: Optional[Pwned33] = None) -> Pwned20:
        """'); pwned(); ('"""
        return cast("Pwned20", self._call("'); pwned(); ('", 2, pwned______, pwned______2, x))

    def pwned______3(self, pwned______: Pwned8, pwned______2: str, x: Optional[Pwned34] = None) -> Pwned21:
        """*/ pwned(); /*"""
        return cast("Pwned21", self._call("*/ pwned(); /*", 2, pwned______, pwned______2, x))

    def pwned___(self, pwned___: Pwned5, pwned___2: str, x: Optional[Pwned31] = None) -> Pwned18:
        """${pwned()}"""
        return cast("Pwned18", self._call("${pwned()}", 2, pwned___, pwned___2, x))

    def pwned___2(self, pwned___: Pwned10, pwned___2: str, x: Optional[Pwned36] = None) -> Pwned23:
        """`pwned()`"""
        return cast("Pwned23", self._call("`pwned()`", 2, pwned___, pwned___2, x))

    def pwned______4(self, pwned______: Pwned3, pwned______2: str, x: Optional[Pwned29] = None) -> Pwned16:
        """\"\"\"
        pwned()
        \"\"\""""
        return cast("Pwned16", self._call("\"\"\"\u000apwned()\u000a\"\"\"", 2, pwned______, pwned______2, x))

    def pwned______5(self, pwned______: Pwned6, pwned______2: str, x: Optional[Pwned32] = None) -> Pwned19:
        """'''
        pwned()
        '''"""
        return cast("Pwned19", self._call("'''\u000apwned()\u000a'''", 2, pwned______, pwned______2, x))

    def pwned___3(self, pwned___: Pwned, pwned___2: str, x: Optional[Pwned27] = None) -> Pwned14:
        """pwned()"""
        return cast("Pwned14", self._call("\u000apwned()\u000a", 2, pwned___, pwned___2, x))

    def pwned___4(self, pwned___: Pwned2, pwned___2: str, x: Optional[Pwned28] = None) -> Pwned15:
        """U+000Dpwned()U+000D"""
        return cast("Pwned15", self._call("\u000dpwned()\u000d", 2, pwned___, pwned___2, x))

    def pwned___5(self, pwned___: Pwned12, pwned___2: str, x: Optional[Pwned38] = None) -> Pwned25:
        """U+2028pwned()U+2028"""
        return cast("Pwned25", self._call("\u2028pwned()\u2028", 2, pwned___, pwned___2, x))

    def pwned___6(self, pwned___: Pwned13, pwned___2: str, x: Optional[Pwned39] = None) -> Pwned26:
        """U+202Epwned()U+202C"""
        return cast("Pwned26", self._call("\u202epwned()\u202c", 2, pwned___, pwned___2, x))

    def method5(self, argument: Unnamed2, argument2: str, x: Optional[Unnamed21] = None) -> Unnamed12:
        """\\"""
        return cast("Unnamed12", self._call("\\", 2, argument, argument2, x))

    def method6(self, argument: Unnamed3, argument2: str, x: Optional[Unnamed22] = None) -> Unnamed13:
        """\\\""""
        return cast("Unnamed13", self._call("\\\"", 2, argument, argument2, x))

    def u_22_pwned__(self, u_22_pwned__: U22Pwned, u_22_pwned__2: str, x: Optional[U22Pwned3] = None) -> U22Pwned2:
        """\\u{22}pwned()"""
        return cast("U22Pwned2", self._call("\\u{22}pwned()", 2, u_22_pwned__, u_22_pwned__2, x))

    def compile_error___pwned_____(self, compile_error___pwned_____: CompileErrorPwned, compile_error___pwned_____2: str, x: Optional[CompileErrorPwned3] = None) -> CompileErrorPwned2:
        """\"; compile_error!(\"pwned\"); \""""
        return cast("CompileErrorPwned2", self._call("\"; compile_error!(\"pwned\"); \"", 2, compile_error___pwned_____, compile_error___pwned_____2, x))

    def panic___pwned_______(self, panic___pwned_______: PanicPwned3, panic___pwned_______2: str, x: Optional[PanicPwned9] = None) -> PanicPwned6:
        """```
        panic!(\"pwned\");
        ```"""
        return cast("PanicPwned6", self._call("```\u000apanic!(\"pwned\");\u000a```", 2, panic___pwned_______, panic___pwned_______2, x))

    def panic___pwned___(self, panic___pwned___: PanicPwned, panic___pwned___2: str, x: Optional[PanicPwned7] = None) -> PanicPwned4:
        """    panic!(\"pwned\");"""
        return cast("PanicPwned4", self._call("    panic!(\"pwned\");", 2, panic___pwned___, panic___pwned___2, x))

    def panic___pwned___2(self, panic___pwned___: PanicPwned2, panic___pwned___2: str, x: Optional[PanicPwned8] = None) -> PanicPwned5:
        """-     panic!(\"pwned\");"""
        return cast("PanicPwned5", self._call("-     panic!(\"pwned\");", 2, panic___pwned___, panic___pwned___2, x))

    def method1______panic___pwned_______(self, argument1______panic___pwned_______: Unnamed1PanicPwned, argument1______panic___pwned_______2: str, x: Optional[Unnamed1PanicPwned3] = None) -> Unnamed1PanicPwned2:
        """1. ~~~
        panic!(\"pwned\");
        ~~~"""
        return cast("Unnamed1PanicPwned2", self._call("1. ~~~\u000apanic!(\"pwned\");\u000a~~~", 2, argument1______panic___pwned_______, argument1______panic___pwned_______2, x))

    def pwned__(self, pwned__: Pwned9, pwned__2: str, x: Optional[Pwned35] = None) -> Pwned22:
        """> > > pwned()"""
        return cast("Pwned22", self._call(">>> pwned()", 2, pwned__, pwned__2, x))

    def ts_nocheck(self, ts_nocheck: TsNocheck, ts_nocheck2: str, x: Optional[TsNocheck3] = None) -> TsNocheck2:
        """@ts-nocheck"""
        return cast("TsNocheck2", self._call("@ts-nocheck", 2, ts_nocheck, ts_nocheck2, x))

    def script_pwned____script_(self, script_pwned____script_: ScriptPwnedScript, script_pwned____script_2: str, x: Optional[ScriptPwnedScript3] = None) -> ScriptPwnedScript2:
        """<script>pwned()</script>"""
        return cast("ScriptPwnedScript2", self._call("<script>pwned()</script>", 2, script_pwned____script_, script_pwned____script_2, x))

    def x__javascript_pwned___(self, x__javascript_pwned___: XJavascriptPwned, x__javascript_pwned___2: str, x: Optional[XJavascriptPwned5] = None) -> XJavascriptPwned3:
        """[x](javascript:pwned())"""
        return cast("XJavascriptPwned3", self._call("[x](javascript:pwned())", 2, x__javascript_pwned___, x__javascript_pwned___2, x))

    def x___javascript_pwned__(self, x___javascript_pwned__: XJavascriptPwned2, x___javascript_pwned__2: str, x: Optional[XJavascriptPwned6] = None) -> XJavascriptPwned4:
        """[x]: javascript:pwned()"""
        return cast("XJavascriptPwned4", self._call("[x]: javascript:pwned()", 2, x___javascript_pwned__, x___javascript_pwned__2, x))

    def feature_pwned__(self, feature_pwned__: FeaturePwned, feature_pwned__2: str, x: Optional[FeaturePwned3] = None) -> FeaturePwned2:
        """#![feature(pwned)]"""
        return cast("FeaturePwned2", self._call("#![feature(pwned)]", 2, feature_pwned__, feature_pwned__2, x))

    def pwned_(self, pwned_: Pwned11, pwned_2: str, x: Optional[Pwned37] = None) -> Pwned24:
        """{pwned}"""
        return cast("Pwned24", self._call("{pwned}", 2, pwned_, pwned_2, x))

    def method7(self, argument: Unnamed, argument2: str, x: Optional[Unnamed20] = None) -> Unnamed11:
        """//"""
        return cast("Unnamed11", self._call("//", 2, argument, argument2, x))

    def method8(self, argument: Unnamed6, argument2: str, x: Optional[Unnamed25] = None) -> Unnamed16:
        """U+007FU+0085"""
        return cast("Unnamed16", self._call("\u007f\u0085", 2, argument, argument2, x))

    def method10(self, argument: Unnamed7, argument2: str, x: Optional[Unnamed26] = None) -> Unnamed17:
        """é"""
        return cast("Unnamed17", self._call("\u00e9", 2, argument, argument2, x))

    def method11(self, argument: Unnamed8, argument2: str, x: Optional[Unnamed27] = None) -> Unnamed18:
        """☃"""
        return cast("Unnamed18", self._call("\u2603", 2, argument, argument2, x))

    def longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong(self, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong: Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2: str, x: Optional[Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong4] = None) -> Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3:
        """longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong"""
        return cast("Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3", self._call("longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong", 2, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2, x))
