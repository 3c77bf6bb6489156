// Written by `farcall generate typescript` from json+http://localhost:8000/.
// JavaScript rounds integers beyond 2^53 when it reads them.

export interface Node {
  "all"?: All | null;
  "endless": unknown;
  "next"?: Node | null;
}

export interface All {
  ""?: number | null;
  "\u000apwned()\u000a"?: number | null;
  "\u000dpwned()\u000d"?: number | null;
  "    panic!(\"pwned\");"?: number | null;
  "\"\"\"\u000apwned()\u000a\"\"\""?: number | null;
  "\"); pwned(); (\""?: number | null;
  "\"; compile_error!(\"pwned\"); \""?: number | null;
  "#![feature(pwned)]"?: number | null;
  "${pwned()}"?: number | null;
  "'''\u000apwned()\u000a'''"?: number | null;
  "'); pwned(); ('"?: number | null;
  "*/ pwned(); /*"?: number | null;
  "-     panic!(\"pwned\");"?: number | null;
  "//"?: number | null;
  "1. ~~~\u000apanic!(\"pwned\");\u000a~~~"?: number | null;
  "9"?: number | null;
  "<script>pwned()</script>"?: number | null;
  ">>> pwned()"?: number | null;
  "@ts-nocheck"?: number | null;
  "Any"?: number | null;
  "Array"?: number | null;
  "CallError"?: number | null;
  "Client"?: number | null;
  "Default"?: number | null;
  "Error"?: number | null;
  "Fault"?: number | null;
  "Methods"?: number | null;
  "None"?: number | null;
  "Option"?: number | null;
  "Promise"?: number | null;
  "Result"?: number | null;
  "Self"?: number | null;
  "Send"?: number | null;
  "Sized"?: number | null;
  "String"?: number | null;
  "Value"?: number | null;
  "Vec"?: number | null;
  "[x](javascript:pwned())"?: number | null;
  "[x]: javascript:pwned()"?: number | null;
  "\\"?: number | null;
  "\\\""?: number | null;
  "\\u{22}pwned()"?: number | null;
  "_"?: number | null;
  "__"?: number | null;
  "__call__"?: number | null;
  "__class__"?: number | null;
  "__getattr__"?: number | null;
  "__init__"?: number | null;
  "__proto__"?: number | null;
  "_call"?: number | null;
  "```\u000apanic!(\"pwned\");\u000a```"?: number | null;
  "`pwned()`"?: number | null;
  "a b"?: number | null;
  "a.b"?: number | null;
  "aB"?: number | null;
  "a_b"?: number | null;
  "arguments"?: number | null;
  "async"?: number | null;
  "await"?: number | null;
  "call"?: number | null;
  "cast"?: number | null;
  "class"?: number | null;
  "close"?: number | null;
  "constructor"?: number | null;
  "crate"?: number | null;
  "datetime"?: number | null;
  "def"?: number | null;
  "eval"?: number | null;
  "fn"?: number | null;
  "function"?: number | null;
  "id"?: number | null;
  "int"?: number | null;
  "json"?: number | null;
  "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong"?: number | null;
  "method"?: number | null;
  "mro"?: number | null;
  "new"?: number | null;
  "null"?: number | null;
  "prototype"?: number | null;
  "required"?: number | null;
  "self"?: number | null;
  "str"?: number | null;
  "super"?: number | null;
  "then"?: number | null;
  "toString"?: number | null;
  "true"?: number | null;
  "type"?: number | null;
  "unknown"?: number | null;
  "url"?: number | null;
  "urllib"?: number | null;
  "values"?: number | null;
  "xmlrpc"?: number | null;
  "x\u0301"?: number | null;
  "{pwned}"?: number | null;
  "\u007f\u0085"?: number | null;
  "\u00e9"?: number | null;
  "\u2028pwned()\u2028"?: number | null;
  "\u202epwned()\u202c"?: number | null;
  "\u2603"?: number | null;
  "\uff21\uff22"?: number | null;
}

export type Tags =
  | ""
  | { "_": unknown }
  | "__"
  | { "9": unknown }
  | "a b"
  | { "aB": unknown }
  | "a_b"
  | { "a.b": unknown }
  | "self"
  | { "Self": unknown }
  | "crate"
  | { "super": unknown }
  | "type"
  | { "fn": unknown }
  | "async"
  | { "await": unknown }
  | "class"
  | { "def": unknown }
  | "None"
  | { "null": unknown }
  | "true"
  | { "function": unknown }
  | "new"
  | { "then": unknown }
  | "constructor"
  | { "prototype": unknown }
  | "__proto__"
  | { "toString": unknown }
  | "__init__"
  | { "__class__": unknown }
  | "__getattr__"
  | { "__call__": unknown }
  | "mro"
  | { "_call": unknown }
  | "call"
  | { "close": unknown }
  | "url"
  | { "id": unknown }
  | "cast"
  | { "Any": unknown }
  | "int"
  | { "str": unknown }
  | "Value"
  | { "String": unknown }
  | "Vec"
  | { "Option": unknown }
  | "Result"
  | { "CallError": unknown }
  | "Send"
  | { "Sized": unknown }
  | "Default"
  | { "Client": unknown }
  | "Methods"
  | { "Fault": unknown }
  | "Error"
  | { "Promise": unknown }
  | "Array"
  | { "unknown": unknown }
  | "datetime"
  | { "json": unknown }
  | "xmlrpc"
  | { "urllib": unknown }
  | "arguments"
  | { "values": unknown }
  | "method"
  | { "required": unknown }
  | "eval"
  | { "x\u0301": unknown }
  | "\uff21\uff22"
  | { "\"); pwned(); (\"": unknown }
  | "'); pwned(); ('"
  | { "*/ pwned(); /*": unknown }
  | "${pwned()}"
  | { "`pwned()`": unknown }
  | "\"\"\"\u000apwned()\u000a\"\"\""
  | { "'''\u000apwned()\u000a'''": unknown }
  | "\u000apwned()\u000a"
  | { "\u000dpwned()\u000d": unknown }
  | "\u2028pwned()\u2028"
  | { "\u202epwned()\u202c": unknown }
  | "\\"
  | { "\\\"": unknown }
  | "\\u{22}pwned()"
  | { "\"; compile_error!(\"pwned\"); \"": unknown }
  | "```\u000apanic!(\"pwned\");\u000a```"
  | { "    panic!(\"pwned\");": unknown }
  | "-     panic!(\"pwned\");"
  | { "1. ~~~\u000apanic!(\"pwned\");\u000a~~~": unknown }
  | ">>> pwned()"
  | { "@ts-nocheck": unknown }
  | "<script>pwned()</script>"
  | { "[x](javascript:pwned())": unknown }
  | "[x]: javascript:pwned()"
  | { "#![feature(pwned)]": unknown }
  | "{pwned}"
  | { "//": unknown }
  | "\u007f\u0085"
  | { "\u00e9": unknown }
  | "\u2603"
  | { "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong": unknown };

export interface Pwned {
  "\u000apwned()\u000a": Node;
  "x"?: PwnedX | null;
}

export type PwnedX = "\u000apwned()\u000a";

export interface Pwned2 {
  "\u000dpwned()\u000d": Node;
  "x"?: PwnedX2 | null;
}

export type PwnedX2 = "\u000dpwned()\u000d";

export interface PanicPwned {
  "    panic!(\"pwned\");": Node;
  "x"?: PanicPwnedX | null;
}

export type PanicPwnedX = "    panic!(\"pwned\");";

export interface Pwned3 {
  "\"\"\"\u000apwned()\u000a\"\"\"": Node;
  "x"?: PwnedX3 | null;
}

export type PwnedX3 = "\"\"\"\u000apwned()\u000a\"\"\"";

export interface Pwned4 {
  "\"); pwned(); (\"": Node;
  "x"?: PwnedX4 | null;
}

export type PwnedX4 = "\"); pwned(); (\"";

export interface CompileErrorPwned {
  "\"; compile_error!(\"pwned\"); \"": Node;
  "x"?: CompileErrorPwnedX | null;
}

export type CompileErrorPwnedX = "\"; compile_error!(\"pwned\"); \"";

export interface FeaturePwned {
  "#![feature(pwned)]": Node;
  "x"?: FeaturePwnedX | null;
}

export type FeaturePwnedX = "#![feature(pwned)]";

export interface Pwned5 {
  "${pwned()}": Node;
  "x"?: PwnedX5 | null;
}

export type PwnedX5 = "${pwned()}";

export interface Pwned6 {
  "'''\u000apwned()\u000a'''": Node;
  "x"?: PwnedX6 | null;
}

export type PwnedX6 = "'''\u000apwned()\u000a'''";

export interface Pwned7 {
  "'); pwned(); ('": Node;
  "x"?: PwnedX7 | null;
}

export type PwnedX7 = "'); pwned(); ('";

export interface Pwned8 {
  "*/ pwned(); /*": Node;
  "x"?: PwnedX8 | null;
}

export type PwnedX8 = "*/ pwned(); /*";

export interface PanicPwned2 {
  "-     panic!(\"pwned\");": Node;
  "x"?: PanicPwnedX2 | null;
}

export type PanicPwnedX2 = "-     panic!(\"pwned\");";

export interface Unnamed {
  "//": Node;
  "x"?: X | null;
}

export type X = "//";

export interface Unnamed1PanicPwned {
  "1. ~~~\u000apanic!(\"pwned\");\u000a~~~": Node;
  "x"?: Unnamed1PanicPwnedX | null;
}

export type Unnamed1PanicPwnedX = "1. ~~~\u000apanic!(\"pwned\");\u000a~~~";

export interface Unnamed9 {
  "9": Node;
  "x"?: Unnamed9X | null;
}

export type Unnamed9X = "9";

export interface ScriptPwnedScript {
  "<script>pwned()</script>": Node;
  "x"?: ScriptPwnedScriptX | null;
}

export type ScriptPwnedScriptX = "<script>pwned()</script>";

export interface Pwned9 {
  ">>> pwned()": Node;
  "x"?: PwnedX9 | null;
}

export type PwnedX9 = ">>> pwned()";

export interface TsNocheck {
  "@ts-nocheck": Node;
  "x"?: TsNocheckX | null;
}

export type TsNocheckX = "@ts-nocheck";

export interface Any {
  "Any": Node;
  "x"?: AnyX | null;
}

export type AnyX = "Any";

export interface ArrayType {
  "Array": Node;
  "x"?: ArrayX | null;
}

export type ArrayX = "Array";

export interface CallError {
  "CallError": Node;
  "x"?: CallErrorX | null;
}

export type CallErrorX = "CallError";

export interface Client {
  "Client": Node;
  "x"?: ClientX | null;
}

export type ClientX = "Client";

export interface Default {
  "Default": Node;
  "x"?: DefaultX | null;
}

export type DefaultX = "Default";

export interface ErrorType {
  "Error": Node;
  "x"?: ErrorX | null;
}

export type ErrorX = "Error";

export interface FaultType {
  "Fault": Node;
  "x"?: FaultX | null;
}

export type FaultX = "Fault";

export interface Methods2 {
  "Methods": Node;
  "x"?: MethodsX | null;
}

export type MethodsX = "Methods";

export interface None {
  "None": Node;
  "x"?: NoneX | null;
}

export type NoneX = "None";

export interface Option {
  "Option": Node;
  "x"?: OptionX | null;
}

export type OptionX = "Option";

export interface PromiseType {
  "Promise": Node;
  "x"?: PromiseX | null;
}

export type PromiseX = "Promise";

export interface Result {
  "Result": Node;
  "x"?: ResultX | null;
}

export type ResultX = "Result";

export interface Self {
  "Self": Node;
  "x"?: SelfX | null;
}

export type SelfX = "Self";

export interface Send {
  "Send": Node;
  "x"?: SendX | null;
}

export type SendX = "Send";

export interface Sized {
  "Sized": Node;
  "x"?: SizedX | null;
}

export type SizedX = "Sized";

export interface String {
  "String": Node;
  "x"?: StringX | null;
}

export type StringX = "String";

export interface Value {
  "Value": Node;
  "x"?: ValueX | null;
}

export type ValueX = "Value";

export interface Vec {
  "Vec": Node;
  "x"?: VecX | null;
}

export type VecX = "Vec";

export interface XJavascriptPwned {
  "[x](javascript:pwned())": Node;
  "x"?: XJavascriptPwnedX | null;
}

export type XJavascriptPwnedX = "[x](javascript:pwned())";

export interface XJavascriptPwned2 {
  "[x]: javascript:pwned()": Node;
  "x"?: XJavascriptPwnedX2 | null;
}

export type XJavascriptPwnedX2 = "[x]: javascript:pwned()";

export interface Unnamed2 {
  "\\": Node;
  "x"?: X2 | null;
}

export type X2 = "\\";

export interface Unnamed3 {
  "\\\"": Node;
  "x"?: X3 | null;
}

export type X3 = "\\\"";

export interface U22Pwned {
  "\\u{22}pwned()": Node;
  "x"?: U22PwnedX | null;
}

export type U22PwnedX = "\\u{22}pwned()";

export interface Unnamed4 {
  "_": Node;
  "x"?: X4 | null;
}

export type X4 = "_";

export interface Unnamed5 {
  "__": Node;
  "x"?: X5 | null;
}

export type X5 = "__";

export interface Call {
  "__call__": Node;
  "x"?: CallX | null;
}

export type CallX = "__call__";

export interface Class {
  "__class__": Node;
  "x"?: ClassX | null;
}

export type ClassX = "__class__";

export interface Getattr {
  "__getattr__": Node;
  "x"?: GetattrX | null;
}

export type GetattrX = "__getattr__";

export interface Init {
  "__init__": Node;
  "x"?: InitX | null;
}

export type InitX = "__init__";

export interface Proto {
  "__proto__": Node;
  "x"?: ProtoX | null;
}

export type ProtoX = "__proto__";

export interface Call2 {
  "_call": Node;
  "x"?: CallX2 | null;
}

export type CallX2 = "_call";

export interface PanicPwned3 {
  "```\u000apanic!(\"pwned\");\u000a```": Node;
  "x"?: PanicPwnedX3 | null;
}

export type PanicPwnedX3 = "```\u000apanic!(\"pwned\");\u000a```";

export interface Pwned10 {
  "`pwned()`": Node;
  "x"?: PwnedX10 | null;
}

export type PwnedX10 = "`pwned()`";

export interface AB {
  "a b": Node;
  "x"?: ABX | null;
}

export type ABX = "a b";

export interface AB2 {
  "a.b": Node;
  "x"?: ABX2 | null;
}

export type ABX2 = "a.b";

export interface AB3 {
  "aB": Node;
  "x"?: ABX3 | null;
}

export type ABX3 = "aB";

export interface AB4 {
  "a_b": Node;
  "x"?: ABX4 | null;
}

export type ABX4 = "a_b";

export interface Arguments {
  "arguments": Node;
  "x"?: ArgumentsX | null;
}

export type ArgumentsX = "arguments";

export interface Async {
  "async": Node;
  "x"?: AsyncX | null;
}

export type AsyncX = "async";

export interface Await {
  "await": Node;
  "x"?: AwaitX | null;
}

export type AwaitX = "await";

export interface Call3 {
  "call": Node;
  "x"?: CallX3 | null;
}

export type CallX3 = "call";

export interface Cast {
  "cast": Node;
  "x"?: CastX | null;
}

export type CastX = "cast";

export interface Class2 {
  "class": Node;
  "x"?: ClassX2 | null;
}

export type ClassX2 = "class";

export interface Close {
  "close": Node;
  "x"?: CloseX | null;
}

export type CloseX = "close";

export interface Constructor {
  "constructor": Node;
  "x"?: ConstructorX | null;
}

export type ConstructorX = "constructor";

export interface Crate {
  "crate": Node;
  "x"?: CrateX | null;
}

export type CrateX = "crate";

export interface Datetime {
  "datetime": Node;
  "x"?: DatetimeX | null;
}

export type DatetimeX = "datetime";

export interface Def {
  "def": Node;
  "x"?: DefX | null;
}

export type DefX = "def";

export interface Eval {
  "eval": Node;
  "x"?: EvalX | null;
}

export type EvalX = "eval";

export interface Fn {
  "fn": Node;
  "x"?: FnX | null;
}

export type FnX = "fn";

export interface Function {
  "function": Node;
  "x"?: FunctionX | null;
}

export type FunctionX = "function";

export interface Id {
  "id": Node;
  "x"?: IdX | null;
}

export type IdX = "id";

export interface Int {
  "int": Node;
  "x"?: IntX | null;
}

export type IntX = "int";

export interface Json {
  "json": Node;
  "x"?: JsonX | null;
}

export type JsonX = "json";

export interface Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong {
  "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong": Node;
  "x"?: Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2 | null;
}

export type Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2 = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong";

export interface Method {
  "method": Node;
  "x"?: MethodX | null;
}

export type MethodX = "method";

export interface Mro {
  "mro": Node;
  "x"?: MroX | null;
}

export type MroX = "mro";

export interface New {
  "new": Node;
  "x"?: NewX | null;
}

export type NewX = "new";

export interface Null {
  "null": Node;
  "x"?: NullX | null;
}

export type NullX = "null";

export interface Prototype {
  "prototype": Node;
  "x"?: PrototypeX | null;
}

export type PrototypeX = "prototype";

export interface Required {
  "required": Node;
  "x"?: RequiredX | null;
}

export type RequiredX = "required";

export interface Self2 {
  "self": Node;
  "x"?: SelfX2 | null;
}

export type SelfX2 = "self";

export interface Str {
  "str": Node;
  "x"?: StrX | null;
}

export type StrX = "str";

export interface Super {
  "super": Node;
  "x"?: SuperX | null;
}

export type SuperX = "super";

export interface Then {
  "then": Node;
  "x"?: ThenX | null;
}

export type ThenX = "then";

export interface ToString {
  "toString": Node;
  "x"?: ToStringX | null;
}

export type ToStringX = "toString";

export interface True {
  "true": Node;
  "x"?: TrueX | null;
}

export type TrueX = "true";

export interface Type {
  "type": Node;
  "x"?: TypeX | null;
}

export type TypeX = "type";

export interface Unknown {
  "unknown": Node;
  "x"?: UnknownX | null;
}

export type UnknownX = "unknown";

export interface Url {
  "url": Node;
  "x"?: UrlX | null;
}

export type UrlX = "url";

export interface Urllib {
  "urllib": Node;
  "x"?: UrllibX | null;
}

export type UrllibX = "urllib";

export interface Values {
  "values": Node;
  "x"?: ValuesX | null;
}

export type ValuesX = "values";

export interface Xmlrpc {
  "x"?: XmlrpcX | null;
  "xmlrpc": Node;
}

export type XmlrpcX = "xmlrpc";

export interface X6 {
  "x"?: XX | null;
  "x\u0301": Node;
}

export type XX = "x\u0301";

export interface Pwned11 {
  "x"?: PwnedX11 | null;
  "{pwned}": Node;
}

export type PwnedX11 = "{pwned}";

export interface Unnamed6 {
  "x"?: X7 | null;
  "\u007f\u0085": Node;
}

export type X7 = "\u007f\u0085";

export interface Unnamed7 {
  "x"?: X8 | null;
  "\u00e9": Node;
}

export type X8 = "\u00e9";

export interface Pwned12 {
  "x"?: PwnedX12 | null;
  "\u2028pwned()\u2028": Node;
}

export type PwnedX12 = "\u2028pwned()\u2028";

export interface Pwned13 {
  "x"?: PwnedX13 | null;
  "\u202epwned()\u202c": Node;
}

export type PwnedX13 = "\u202epwned()\u202c";

export interface Unnamed8 {
  "x"?: X9 | null;
  "\u2603": Node;
}

export type X9 = "\u2603";

export interface Unnamed10 {
  "x"?: X10 | null;
  "\uff21\uff22": Node;
}

export type X10 = "\uff21\uff22";

export type Pwned14 =
  | "\u000apwned()\u000a"
  | { "\u000apwned()\u000a2": unknown };

export type Pwned15 =
  | "\u000dpwned()\u000d"
  | { "\u000dpwned()\u000d2": unknown };

export type PanicPwned4 =
  | "    panic!(\"pwned\");"
  | { "    panic!(\"pwned\");2": unknown };

export type Pwned16 =
  | "\"\"\"\u000apwned()\u000a\"\"\""
  | { "\"\"\"\u000apwned()\u000a\"\"\"2": unknown };

export type Pwned17 =
  | "\"); pwned(); (\""
  | { "\"); pwned(); (\"2": unknown };

export type CompileErrorPwned2 =
  | "\"; compile_error!(\"pwned\"); \""
  | { "\"; compile_error!(\"pwned\"); \"2": unknown };

export type FeaturePwned2 =
  | "#![feature(pwned)]"
  | { "#![feature(pwned)]2": unknown };

export type Pwned18 =
  | "${pwned()}"
  | { "${pwned()}2": unknown };

export type Pwned19 =
  | "'''\u000apwned()\u000a'''"
  | { "'''\u000apwned()\u000a'''2": unknown };

export type Pwned20 =
  | "'); pwned(); ('"
  | { "'); pwned(); ('2": unknown };

export type Pwned21 =
  | "*/ pwned(); /*"
  | { "*/ pwned(); /*2": unknown };

export type PanicPwned5 =
  | "-     panic!(\"pwned\");"
  | { "-     panic!(\"pwned\");2": unknown };

export type Unnamed11 =
  | "//"
  | { "//2": unknown };

export type Unnamed1PanicPwned2 =
  | "1. ~~~\u000apanic!(\"pwned\");\u000a~~~"
  | { "1. ~~~\u000apanic!(\"pwned\");\u000a~~~2": unknown };

export type Unnamed9_2 =
  | "9"
  | { "92": unknown };

export type ScriptPwnedScript2 =
  | "<script>pwned()</script>"
  | { "<script>pwned()</script>2": unknown };

export type Pwned22 =
  | ">>> pwned()"
  | { ">>> pwned()2": unknown };

export type TsNocheck2 =
  | "@ts-nocheck"
  | { "@ts-nocheck2": unknown };

export type Any2 =
  | "Any"
  | { "Any2": unknown };

export type ArrayType2 =
  | "Array"
  | { "Array2": unknown };

export type CallError2 =
  | "CallError"
  | { "CallError2": unknown };

export type Client2 =
  | "Client"
  | { "Client2": unknown };

export type Default2 =
  | "Default"
  | { "Default2": unknown };

export type ErrorType2 =
  | "Error"
  | { "Error2": unknown };

export type FaultType2 =
  | "Fault"
  | { "Fault2": unknown };

export type Methods3 =
  | "Methods"
  | { "Methods2": unknown };

export type None2 =
  | "None"
  | { "None2": unknown };

export type Option2 =
  | "Option"
  | { "Option2": unknown };

export type PromiseType2 =
  | "Promise"
  | { "Promise2": unknown };

export type Result2 =
  | "Result"
  | { "Result2": unknown };

export type Self3 =
  | "Self"
  | { "Self2": unknown };

export type Send2 =
  | "Send"
  | { "Send2": unknown };

export type Sized2 =
  | "Sized"
  | { "Sized2": unknown };

export type String2 =
  | "String"
  | { "String2": unknown };

export type Value2 =
  | "Value"
  | { "Value2": unknown };

export type Vec2 =
  | "Vec"
  | { "Vec2": unknown };

export type XJavascriptPwned3 =
  | "[x](javascript:pwned())"
  | { "[x](javascript:pwned())2": unknown };

export type XJavascriptPwned4 =
  | "[x]: javascript:pwned()"
  | { "[x]: javascript:pwned()2": unknown };

export type Unnamed12 =
  | "\\"
  | { "\\2": unknown };

export type Unnamed13 =
  | "\\\""
  | { "\\\"2": unknown };

export type U22Pwned2 =
  | "\\u{22}pwned()"
  | { "\\u{22}pwned()2": unknown };

export type Unnamed14 =
  | "_"
  | { "_2": unknown };

export type Unnamed15 =
  | "__"
  | { "__2": unknown };

export type Call4 =
  | "__call__"
  | { "__call__2": unknown };

export type Class3 =
  | "__class__"
  | { "__class__2": unknown };

export type Getattr2 =
  | "__getattr__"
  | { "__getattr__2": unknown };

export type Init2 =
  | "__init__"
  | { "__init__2": unknown };

export type Proto2 =
  | "__proto__"
  | { "__proto__2": unknown };

export type Call5 =
  | "_call"
  | { "_call2": unknown };

export type PanicPwned6 =
  | "```\u000apanic!(\"pwned\");\u000a```"
  | { "```\u000apanic!(\"pwned\");\u000a```2": unknown };

export type Pwned23 =
  | "`pwned()`"
  | { "`pwned()`2": unknown };

export type AB5 =
  | "a b"
  | { "a b2": unknown };

export type AB6 =
  | "a.b"
  | { "a.b2": unknown };

export type AB7 =
  | "aB"
  | { "aB2": unknown };

export type AB8 =
  | "a_b"
  | { "a_b2": unknown };

export type Arguments2 =
  | "arguments"
  | { "arguments2": unknown };

export type Async2 =
  | "async"
  | { "async2": unknown };

export type Await2 =
  | "await"
  | { "await2": unknown };

export type Call6 =
  | "call"
  | { "call2": unknown };

export type Cast2 =
  | "cast"
  | { "cast2": unknown };

export type Class4 =
  | "class"
  | { "class2": unknown };

export type Close2 =
  | "close"
  | { "close2": unknown };

export type Constructor2 =
  | "constructor"
  | { "constructor2": unknown };

export type Crate2 =
  | "crate"
  | { "crate2": unknown };

export type Datetime2 =
  | "datetime"
  | { "datetime2": unknown };

export type Def2 =
  | "def"
  | { "def2": unknown };

export type Eval2 =
  | "eval"
  | { "eval2": unknown };

export type Fn2 =
  | "fn"
  | { "fn2": unknown };

export type Function2 =
  | "function"
  | { "function2": unknown };

export type Id2 =
  | "id"
  | { "id2": unknown };

export type Int2 =
  | "int"
  | { "int2": unknown };

export type Json2 =
  | "json"
  | { "json2": unknown };

export type Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3 =
  | "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong"
  | { "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2": unknown };

export type Method2 =
  | "method"
  | { "method2": unknown };

export type Mro2 =
  | "mro"
  | { "mro2": unknown };

export type New2 =
  | "new"
  | { "new2": unknown };

export type Null2 =
  | "null"
  | { "null2": unknown };

export type Prototype2 =
  | "prototype"
  | { "prototype2": unknown };

export type Required2 =
  | "required"
  | { "required2": unknown };

export type Self4 =
  | "self"
  | { "self2": unknown };

export type Str2 =
  | "str"
  | { "str2": unknown };

export type Super2 =
  | "super"
  | { "super2": unknown };

export type Then2 =
  | "then"
  | { "then2": unknown };

export type ToString2 =
  | "toString"
  | { "toString2": unknown };

export type True2 =
  | "true"
  | { "true2": unknown };

export type Type2 =
  | "type"
  | { "type2": unknown };

export type Unknown2 =
  | "unknown"
  | { "unknown2": unknown };

export type Url2 =
  | "url"
  | { "url2": unknown };

export type Urllib2 =
  | "urllib"
  | { "urllib2": unknown };

export type Values2 =
  | "values"
  | { "values2": unknown };

export type Xmlrpc2 =
  | "xmlrpc"
  | { "xmlrpc2": unknown };

export type X11 =
  | "x\u0301"
  | { "x\u03012": unknown };

export type Pwned24 =
  | "{pwned}"
  | { "{pwned}2": unknown };

export type Unnamed16 =
  | "\u007f\u0085"
  | { "\u007f\u00852": unknown };

export type Unnamed17 =
  | "\u00e9"
  | { "\u00e92": unknown };

export type Pwned25 =
  | "\u2028pwned()\u2028"
  | { "\u2028pwned()\u20282": unknown };

export type Pwned26 =
  | "\u202epwned()\u202c"
  | { "\u202epwned()\u202c2": unknown };

export type Unnamed18 =
  | "\u2603"
  | { "\u26032": unknown };

export type Unnamed19 =
  | "\uff21\uff22"
  | { "\uff21\uff222": unknown };

export type Pwned27 = "\u000apwned()\u000a" | "x";

export type Pwned28 = "\u000dpwned()\u000d" | "x";

export type PanicPwned7 = "    panic!(\"pwned\");" | "x";

export type Pwned29 = "\"\"\"\u000apwned()\u000a\"\"\"" | "x";

export type Pwned30 = "\"); pwned(); (\"" | "x";

export type CompileErrorPwned3 = "\"; compile_error!(\"pwned\"); \"" | "x";

export type FeaturePwned3 = "#![feature(pwned)]" | "x";

export type Pwned31 = "${pwned()}" | "x";

export type Pwned32 = "'''\u000apwned()\u000a'''" | "x";

export type Pwned33 = "'); pwned(); ('" | "x";

export type Pwned34 = "*/ pwned(); /*" | "x";

export type PanicPwned8 = "-     panic!(\"pwned\");" | "x";

export type Unnamed20 = "//" | "x";

export type Unnamed1PanicPwned3 = "1. ~~~\u000apanic!(\"pwned\");\u000a~~~" | "x";

export type Unnamed9_3 = "9" | "x";

export type ScriptPwnedScript3 = "<script>pwned()</script>" | "x";

export type Pwned35 = ">>> pwned()" | "x";

export type TsNocheck3 = "@ts-nocheck" | "x";

export type Any3 = "Any" | "x";

export type ArrayType3 = "Array" | "x";

export type CallError3 = "CallError" | "x";

export type Client3 = "Client" | "x";

export type Default3 = "Default" | "x";

export type ErrorType3 = "Error" | "x";

export type FaultType3 = "Fault" | "x";

export type Methods4 = "Methods" | "x";

export type None3 = "None" | "x";

export type Option3 = "Option" | "x";

export type PromiseType3 = "Promise" | "x";

export type Result3 = "Result" | "x";

export type Self5 = "Self" | "x";

export type Send3 = "Send" | "x";

export type Sized3 = "Sized" | "x";

export type String3 = "String" | "x";

export type Value3 = "Value" | "x";

export type Vec3 = "Vec" | "x";

export type XJavascriptPwned5 = "[x](javascript:pwned())" | "x";

export type XJavascriptPwned6 = "[x]: javascript:pwned()" | "x";

export type Unnamed21 = "\\" | "x";

export type Unnamed22 = "\\\"" | "x";

export type U22Pwned3 = "\\u{22}pwned()" | "x";

export type Unnamed23 = "_" | "x";

export type Unnamed24 = "__" | "x";

export type Call7 = "__call__" | "x";

export type Class5 = "__class__" | "x";

export type Getattr3 = "__getattr__" | "x";

export type Init3 = "__init__" | "x";

export type Proto3 = "__proto__" | "x";

export type Call8 = "_call" | "x";

export type PanicPwned9 = "```\u000apanic!(\"pwned\");\u000a```" | "x";

export type Pwned36 = "`pwned()`" | "x";

export type AB9 = "a b" | "x";

export type AB10 = "a.b" | "x";

export type AB11 = "aB" | "x";

export type AB12 = "a_b" | "x";

export type Arguments3 = "arguments" | "x";

export type Async3 = "async" | "x";

export type Await3 = "await" | "x";

export type Call9 = "call" | "x";

export type Cast3 = "cast" | "x";

export type Class6 = "class" | "x";

export type Close3 = "close" | "x";

export type Constructor3 = "constructor" | "x";

export type Crate3 = "crate" | "x";

export type Datetime3 = "datetime" | "x";

export type Def3 = "def" | "x";

export type Eval3 = "eval" | "x";

export type Fn3 = "fn" | "x";

export type Function3 = "function" | "x";

export type Id3 = "id" | "x";

export type Int3 = "int" | "x";

export type Json3 = "json" | "x";

export type Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong4 = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong" | "x";

export type Method3 = "method" | "x";

export type Mro3 = "mro" | "x";

export type New3 = "new" | "x";

export type Null3 = "null" | "x";

export type Prototype3 = "prototype" | "x";

export type Required3 = "required" | "x";

export type Self6 = "self" | "x";

export type Str3 = "str" | "x";

export type Super3 = "super" | "x";

export type Then3 = "then" | "x";

export type ToString3 = "toString" | "x";

export type True3 = "true" | "x";

export type Type3 = "type" | "x";

export type Unknown3 = "unknown" | "x";

export type Url3 = "url" | "x";

export type Urllib3 = "urllib" | "x";

export type Values3 = "values" | "x";

export type Xmlrpc3 = "xmlrpc" | "x";

export type X12 = "x\u0301" | "x";

export type Pwned37 = "{pwned}" | "x";

export type Unnamed25 = "\u007f\u0085" | "x";

export type Unnamed26 = "\u00e9" | "x";

export type Pwned38 = "\u2028pwned()\u2028" | "x";

export type Pwned39 = "\u202epwned()\u202c" | "x";

export type Unnamed27 = "\u2603" | "x";

export type Unnamed28 = "\uff21\uff22" | "x";

/** An error that the server answered with. */
export class Fault extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "Fault";
    this.code = code;
    this.data = data;
  }
}

export class Methods {
  readonly #url: string;
  readonly #send: typeof fetch;
  #id = 0;

  /** Makes calls by JSON-RPC at a URL. `send` replaces `fetch`, for headers of your own. */
  constructor(url: string, send: typeof fetch = (input, init) => fetch(input, init)) {
    this.#url = url;
    this.#send = send;
  }

  async #call(method: string, required: number, params: unknown[]): Promise<unknown> {
    while (params.length > required && params[params.length - 1] === undefined) {
      params.pop();
    }
    const id = ++this.#id;
    const response = await this.#send(this.#url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
    });
    const answer = (await response.json()) as {
      id?: unknown;
      result?: unknown;
      error?: { code: number; message: string; data?: unknown } | null;
    };
    if (answer.error) {
      throw new Fault(answer.error.code, answer.error.message, answer.error.data);
    }
    if (answer.id !== id) {
      throw new Error("the answer is not to this call");
    }
    return answer.result;
  }

  /**
   * "); pwned(); ("
   * 
   * '); pwned(); ('
   * 
   * *\/ pwned(); /*
   * 
   * ${pwned()}
   * 
   * `pwned()`
   * 
   * """
   * pwned()
   * """
   * 
   * '''
   * pwned()
   * '''
   * 
   * 
   * pwned()
   * 
   * 
   * U+000Dpwned()
   * 
   * U+2028pwned()U+2028
   * 
   * U+202Epwned()U+202C
   * 
   * \
   * 
   * \"
   * 
   * \u{22}pwned()
   * 
   * "; compile_error!("pwned"); "
   * 
   * ```
   * panic!("pwned");
   * ```
   * 
   *     panic!("pwned");
   * 
   * -     panic!("pwned");
   * 
   * 1. ~~~
   * panic!("pwned");
   * ~~~
   * 
   * >>> pwned()
   * 
   * @ ts-nocheck
   * 
   * <script>pwned()</script>
   * 
   * [x](javascript:pwned())
   * 
   * [x]: javascript:pwned()
   * 
   * #![feature(pwned)]
   * 
   * {pwned}
   * 
   * //
   * 
   * U+007FU+0085
   * 
   * é
   * 
   * ☃
   */
  async method(argument: Unnamed4, argument2: string, x?: Unnamed23): Promise<Unnamed14> {
    return (await this.#call("_", 2, [argument, argument2, x])) as Unnamed14;
  }

  /**
   * __
   */
  async method2(argument: Unnamed5, argument2: string, x?: Unnamed24): Promise<Unnamed15> {
    return (await this.#call("__", 2, [argument, argument2, x])) as Unnamed15;
  }

  /**
   * 9
   */
  async method9(argument9: Unnamed9, argument9_2: string, x?: Unnamed9_3): Promise<Unnamed9_2> {
    return (await this.#call("9", 2, [argument9, argument9_2, x])) as Unnamed9_2;
  }

  /**
   * a b
   */
  async a_b(a_b: AB, a_b2: string, x?: AB9): Promise<AB5> {
    return (await this.#call("a b", 2, [a_b, a_b2, x])) as AB5;
  }

  /**
   * aB
   */
  async aB(aB: AB3, aB2: string, x?: AB11): Promise<AB7> {
    return (await this.#call("aB", 2, [aB, aB2, x])) as AB7;
  }

  /**
   * a_b
   */
  async a_b2(a_b: AB4, a_b2: string, x?: AB12): Promise<AB8> {
    return (await this.#call("a_b", 2, [a_b, a_b2, x])) as AB8;
  }

  /**
   * a.b
   */
  async a_b3(a_b: AB2, a_b2: string, x?: AB10): Promise<AB6> {
    return (await this.#call("a.b", 2, [a_b, a_b2, x])) as AB6;
  }

  /**
   * self
   */
  async self(self: Self2, self2: string, x?: Self6): Promise<Self4> {
    return (await this.#call("self", 2, [self, self2, x])) as Self4;
  }

  /**
   * Self
   */
  async Self(Self: Self, Self2: string, x?: Self5): Promise<Self3> {
    return (await this.#call("Self", 2, [Self, Self2, x])) as Self3;
  }

  /**
   * crate
   */
  async crate(crate: Crate, crate2: string, x?: Crate3): Promise<Crate2> {
    return (await this.#call("crate", 2, [crate, crate2, x])) as Crate2;
  }

  /**
   * super
   */
  async super(super_: Super, super_2: string, x?: Super3): Promise<Super2> {
    return (await this.#call("super", 2, [super_, super_2, x])) as Super2;
  }

  /**
   * type
   */
  async type(type: Type, type2: string, x?: Type3): Promise<Type2> {
    return (await this.#call("type", 2, [type, type2, x])) as Type2;
  }

  /**
   * fn
   */
  async fn(fn: Fn, fn2: string, x?: Fn3): Promise<Fn2> {
    return (await this.#call("fn", 2, [fn, fn2, x])) as Fn2;
  }

  /**
   * async
   */
  async async(async_: Async, async_2: string, x?: Async3): Promise<Async2> {
    return (await this.#call("async", 2, [async_, async_2, x])) as Async2;
  }

  /**
   * await
   */
  async await(await_: Await, await_2: string, x?: Await3): Promise<Await2> {
    return (await this.#call("await", 2, [await_, await_2, x])) as Await2;
  }

  /**
   * class
   */
  async class(class_: Class2, class_2: string, x?: Class6): Promise<Class4> {
    return (await this.#call("class", 2, [class_, class_2, x])) as Class4;
  }

  /**
   * def
   */
  async def(def: Def, def2: string, x?: Def3): Promise<Def2> {
    return (await this.#call("def", 2, [def, def2, x])) as Def2;
  }

  /**
   * None
   */
  async None(None: None, None2: string, x?: None3): Promise<None2> {
    return (await this.#call("None", 2, [None, None2, x])) as None2;
  }

  /**
   * null
   */
  async null(null_: Null, null_2: string, x?: Null3): Promise<Null2> {
    return (await this.#call("null", 2, [null_, null_2, x])) as Null2;
  }

  /**
   * true
   */
  async true(true_: True, true_2: string, x?: True3): Promise<True2> {
    return (await this.#call("true", 2, [true_, true_2, x])) as True2;
  }

  /**
   * function
   */
  async function(function_: Function, function_2: string, x?: Function3): Promise<Function2> {
    return (await this.#call("function", 2, [function_, function_2, x])) as Function2;
  }

  /**
   * new
   */
  async new(new_: New, new_2: string, x?: New3): Promise<New2> {
    return (await this.#call("new", 2, [new_, new_2, x])) as New2;
  }

  /**
   * then
   */
  async then_(then: Then, then2: string, x?: Then3): Promise<Then2> {
    return (await this.#call("then", 2, [then, then2, x])) as Then2;
  }

  /**
   * constructor
   */
  async constructor_(constructor: Constructor, constructor2: string, x?: Constructor3): Promise<Constructor2> {
    return (await this.#call("constructor", 2, [constructor, constructor2, x])) as Constructor2;
  }

  /**
   * prototype
   */
  async prototype_(prototype: Prototype, prototype2: string, x?: Prototype3): Promise<Prototype2> {
    return (await this.#call("prototype", 2, [prototype, prototype2, x])) as Prototype2;
  }

  /**
   * __proto__
   */
  async proto__(proto__: Proto, proto__2: string, x?: Proto3): Promise<Proto2> {
    return (await this.#call("__proto__", 2, [proto__, proto__2, x])) as Proto2;
  }

  /**
   * toString
   */
  async toString_(toString: ToString, toString2: string, x?: ToString3): Promise<ToString2> {
    return (await this.#call("toString", 2, [toString, toString2, x])) as ToString2;
  }

  /**
   * __init__
   */
  async init__(init__: Init, init__2: string, x?: Init3): Promise<Init2> {
    return (await this.#call("__init__", 2, [init__, init__2, x])) as Init2;
  }

  /**
   * __class__
   */
  async class__(class__: Class, class__2: string, x?: Class5): Promise<Class3> {
    return (await this.#call("__class__", 2, [class__, class__2, x])) as Class3;
  }

  /**
   * __getattr__
   */
  async getattr__(getattr__: Getattr, getattr__2: string, x?: Getattr3): Promise<Getattr2> {
    return (await this.#call("__getattr__", 2, [getattr__, getattr__2, x])) as Getattr2;
  }

  /**
   * __call__
   */
  async call__(call__: Call, call__2: string, x?: Call7): Promise<Call4> {
    return (await this.#call("__call__", 2, [call__, call__2, x])) as Call4;
  }

  /**
   * mro
   */
  async mro(mro: Mro, mro2: string, x?: Mro3): Promise<Mro2> {
    return (await this.#call("mro", 2, [mro, mro2, x])) as Mro2;
  }

  /**
   * _call
   */
  async call_(call: Call2, call2: string, x?: Call8): Promise<Call5> {
    return (await this.#call("_call", 2, [call, call2, x])) as Call5;
  }

  /**
   * call
   */
  async call_2(call: Call3, call2: string, x?: Call9): Promise<Call6> {
    return (await this.#call("call", 2, [call, call2, x])) as Call6;
  }

  /**
   * close
   */
  async close(close: Close, close2: string, x?: Close3): Promise<Close2> {
    return (await this.#call("close", 2, [close, close2, x])) as Close2;
  }

  /**
   * url
   */
  async url_(url: Url, url2: string, x?: Url3): Promise<Url2> {
    return (await this.#call("url", 2, [url, url2, x])) as Url2;
  }

  /**
   * id
   */
  async id(id: Id, id2: string, x?: Id3): Promise<Id2> {
    return (await this.#call("id", 2, [id, id2, x])) as Id2;
  }

  /**
   * cast
   */
  async cast(cast: Cast, cast2: string, x?: Cast3): Promise<Cast2> {
    return (await this.#call("cast", 2, [cast, cast2, x])) as Cast2;
  }

  /**
   * Any
   */
  async Any(Any: Any, Any2: string, x?: Any3): Promise<Any2> {
    return (await this.#call("Any", 2, [Any, Any2, x])) as Any2;
  }

  /**
   * int
   */
  async int(int: Int, int2: string, x?: Int3): Promise<Int2> {
    return (await this.#call("int", 2, [int, int2, x])) as Int2;
  }

  /**
   * str
   */
  async str(str: Str, str2: string, x?: Str3): Promise<Str2> {
    return (await this.#call("str", 2, [str, str2, x])) as Str2;
  }

  /**
   * Value
   */
  async Value(Value: Value, Value2: string, x?: Value3): Promise<Value2> {
    return (await this.#call("Value", 2, [Value, Value2, x])) as Value2;
  }

  /**
   * String
   */
  async String(String: String, String2: string, x?: String3): Promise<String2> {
    return (await this.#call("String", 2, [String, String2, x])) as String2;
  }

  /**
   * Vec
   */
  async Vec(Vec: Vec, Vec2: string, x?: Vec3): Promise<Vec2> {
    return (await this.#call("Vec", 2, [Vec, Vec2, x])) as Vec2;
  }

  /**
   * Option
   */
  async Option(Option: Option, Option2: string, x?: Option3): Promise<Option2> {
    return (await this.#call("Option", 2, [Option, Option2, x])) as Option2;
  }

  /**
   * Result
   */
  async Result(Result: Result, Result2: string, x?: Result3): Promise<Result2> {
    return (await this.#call("Result", 2, [Result, Result2, x])) as Result2;
  }

  /**
   * CallError
   */
  async CallError(CallError: CallError, CallError2: string, x?: CallError3): Promise<CallError2> {
    return (await this.#call("CallError", 2, [CallError, CallError2, x])) as CallError2;
  }

  /**
   * Send
   */
  async Send(Send: Send, Send2: string, x?: Send3): Promise<Send2> {
    return (await this.#call("Send", 2, [Send, Send2, x])) as Send2;
  }

  /**
   * Sized
   */
  async Sized(Sized: Sized, Sized2: string, x?: Sized3): Promise<Sized2> {
    return (await this.#call("Sized", 2, [Sized, Sized2, x])) as Sized2;
  }

  /**
   * Default
   */
  async Default(Default: Default, Default2: string, x?: Default3): Promise<Default2> {
    return (await this.#call("Default", 2, [Default, Default2, x])) as Default2;
  }

  /**
   * Client
   */
  async Client(Client: Client, Client2: string, x?: Client3): Promise<Client2> {
    return (await this.#call("Client", 2, [Client, Client2, x])) as Client2;
  }

  /**
   * Methods
   */
  async Methods(Methods: Methods2, Methods2: string, x?: Methods4): Promise<Methods3> {
    return (await this.#call("Methods", 2, [Methods, Methods2, x])) as Methods3;
  }

  /**
   * Fault
   */
  async Fault(Fault: FaultType, Fault2: string, x?: FaultType3): Promise<FaultType2> {
    return (await this.#call("Fault", 2, [Fault, Fault2, x])) as FaultType2;
  }

  /**
   * Error
   */
  async Error(Error: ErrorType, Error2: string, x?: ErrorType3): Promise<ErrorType2> {
    return (await this.#call("Error", 2, [Error, Error2, x])) as ErrorType2;
  }

  /**
   * Promise
   */
  async Promise(Promise: PromiseType, Promise2: string, x?: PromiseType3): Promise<PromiseType2> {
    return (await this.#call("Promise", 2, [Promise, Promise2, x])) as PromiseType2;
  }

  /**
   * Array
   */
  async Array(Array: ArrayType, Array2: string, x?: ArrayType3): Promise<ArrayType2> {
    return (await this.#call("Array", 2, [Array, Array2, x])) as ArrayType2;
  }

  /**
   * unknown
   */
  async unknown(unknown: Unknown, unknown2: string, x?: Unknown3): Promise<Unknown2> {
    return (await this.#call("unknown", 2, [unknown, unknown2, x])) as Unknown2;
  }

  /**
   * datetime
   */
  async datetime(datetime: Datetime, datetime2: string, x?: Datetime3): Promise<Datetime2> {
    return (await this.#call("datetime", 2, [datetime, datetime2, x])) as Datetime2;
  }

  /**
   * json
   */
  async json(json: Json, json2: string, x?: Json3): Promise<Json2> {
    return (await this.#call("json", 2, [json, json2, x])) as Json2;
  }

  /**
   * xmlrpc
   */
  async xmlrpc(xmlrpc: Xmlrpc, xmlrpc2: string, x?: Xmlrpc3): Promise<Xmlrpc2> {
    return (await this.#call("xmlrpc", 2, [xmlrpc, xmlrpc2, x])) as Xmlrpc2;
  }

  /**
   * urllib
   */
  async urllib(urllib: Urllib, urllib2: string, x?: Urllib3): Promise<Urllib2> {
    return (await this.#call("urllib", 2, [urllib, urllib2, x])) as Urllib2;
  }

  /**
   * arguments
   */
  async arguments(arguments_: Arguments, arguments_2: string, x?: Arguments3): Promise<Arguments2> {
    return (await this.#call("arguments", 2, [arguments_, arguments_2, x])) as Arguments2;
  }

  /**
   * values
   */
  async values(values: Values, values2: string, x?: Values3): Promise<Values2> {
    return (await this.#call("values", 2, [values, values2, x])) as Values2;
  }

  /**
   * method
   */
  async method3(method: Method, method2: string, x?: Method3): Promise<Method2> {
    return (await this.#call("method", 2, [method, method2, x])) as Method2;
  }

  /**
   * required
   */
  async required(required: Required, required2: string, x?: Required3): Promise<Required2> {
    return (await this.#call("required", 2, [required, required2, x])) as Required2;
  }

  /**
   * eval
   */
  async eval(eval_: Eval, eval_2: string, x?: Eval3): Promise<Eval2> {
    return (await this.#call("eval", 2, [eval_, eval_2, x])) as Eval2;
  }

  /**
   * x́
   */
  async x_(x_: X6, x_2: string, x?: X12): Promise<X11> {
    return (await this.#call("x\u0301", 2, [x_, x_2, x])) as X11;
  }

  /**
   * ＡＢ
   */
  async method4(argument: Unnamed10, argument2: string, x?: Unnamed28): Promise<Unnamed19> {
    return (await this.#call("\uff21\uff22", 2, [argument, argument2, x])) as Unnamed19;
  }

  /**
   * "); pwned(); ("
   */
  async pwned______(pwned______: Pwned4, pwned______2: string, x?: Pwned30): Promise<Pwned17> {
    return (await this.#call("\"); pwned(); (\"", 2, [pwned______, pwned______2, x])) as Pwned17;
  }

  /**
   * '); pwned(); ('
   */
  async pwned______2(pwned______: Pwned7, pwned______2: string, x?: Pwned33): Promise<Pwned20> {
    return (await this.#call("'); pwned(); ('", 2, [pwned______, pwned______2, x])) as Pwned20;
  }

  /**
   * *\/ pwned(); /*
   */
  async pwned______3(pwned______: Pwned8, pwned______2: string, x?: Pwned34): Promise<Pwned21> {
    return (await this.#call("*/ pwned(); /*", 2, [pwned______, pwned______2, x])) as Pwned21;
  }

  /**
   * ${pwned()}
   */
  async pwned___(pwned___: Pwned5, pwned___2: string, x?: Pwned31): Promise<Pwned18> {
    return (await this.#call("${pwned()}", 2, [pwned___, pwned___2, x])) as Pwned18;
  }

  /**
   * `pwned()`
   */
  async pwned___2(pwned___: Pwned10, pwned___2: string, x?: Pwned36): Promise<Pwned23> {
    return (await this.#call("`pwned()`", 2, [pwned___, pwned___2, x])) as Pwned23;
  }

  /**
   * """
   * pwned()
   * """
   */
  async pwned______4(pwned______: Pwned3, pwned______2: string, x?: Pwned29): Promise<Pwned16> {
    return (await this.#call("\"\"\"\u000apwned()\u000a\"\"\"", 2, [pwned______, pwned______2, x])) as Pwned16;
  }

  /**
   * '''
   * pwned()
   * '''
   */
  async pwned______5(pwned______: Pwned6, pwned______2: string, x?: Pwned32): Promise<Pwned19> {
    return (await this.#call("'''\u000apwned()\u000a'''", 2, [pwned______, pwned______2, x])) as Pwned19;
  }

  /**
   * pwned()
   */
  async pwned___3(pwned___: Pwned, pwned___2: string, x?: Pwned27): Promise<Pwned14> {
    return (await this.#call("\u000apwned()\u000a", 2, [pwned___, pwned___2, x])) as Pwned14;
  }

  /**
   * U+000Dpwned()U+000D
   */
  async pwned___4(pwned___: Pwned2, pwned___2: string, x?: Pwned28): Promise<Pwned15> {
    return (await this.#call("\u000dpwned()\u000d", 2, [pwned___, pwned___2, x])) as Pwned15;
  }

  /**
   * U+2028pwned()U+2028
   */
  async pwned___5(pwned___: Pwned12, pwned___2: string, x?: Pwned38): Promise<Pwned25> {
    return (await this.#call("\u2028pwned()\u2028", 2, [pwned___, pwned___2, x])) as Pwned25;
  }

  /**
   * U+202Epwned()U+202C
   */
  async pwned___6(pwned___: Pwned13, pwned___2: string, x?: Pwned39): Promise<Pwned26> {
    return (await this.#call("\u202epwned()\u202c", 2, [pwned___, pwned___2, x])) as Pwned26;
  }

  /**
   * \
   */
  async method5(argument: Unnamed2, argument2: string, x?: Unnamed21): Promise<Unnamed12> {
    return (await this.#call("\\", 2, [argument, argument2, x])) as Unnamed12;
  }

  /**
   * \"
   */
  async method6(argument: Unnamed3, argument2: string, x?: Unnamed22): Promise<Unnamed13> {
    return (await this.#call("\\\"", 2, [argument, argument2, x])) as Unnamed13;
  }

  /**
   * \u{22}pwned()
   */
  async u_22_pwned__(u_22_pwned__: U22Pwned, u_22_pwned__2: string, x?: U22Pwned3): Promise<U22Pwned2> {
    return (await this.#call("\\u{22}pwned()", 2, [u_22_pwned__, u_22_pwned__2, x])) as U22Pwned2;
  }

  /**
   * "; compile_error!("pwned"); "
   */
  async compile_error___pwned_____(compile_error___pwned_____: CompileErrorPwned, compile_error___pwned_____2: string, x?: CompileErrorPwned3): Promise<CompileErrorPwned2> {
    return (await this.#call("\"; compile_error!(\"pwned\"); \"", 2, [compile_error___pwned_____, compile_error___pwned_____2, x])) as CompileErrorPwned2;
  }

  /**
   * ```
   * panic!("pwned");
   * ```
   */
  async panic___pwned_______(panic___pwned_______: PanicPwned3, panic___pwned_______2: string, x?: PanicPwned9): Promise<PanicPwned6> {
    return (await this.#call("```\u000apanic!(\"pwned\");\u000a```", 2, [panic___pwned_______, panic___pwned_______2, x])) as PanicPwned6;
  }

  /**
   *     panic!("pwned");
   */
  async panic___pwned___(panic___pwned___: PanicPwned, panic___pwned___2: string, x?: PanicPwned7): Promise<PanicPwned4> {
    return (await this.#call("    panic!(\"pwned\");", 2, [panic___pwned___, panic___pwned___2, x])) as PanicPwned4;
  }

  /**
   * -     panic!("pwned");
   */
  async panic___pwned___2(panic___pwned___: PanicPwned2, panic___pwned___2: string, x?: PanicPwned8): Promise<PanicPwned5> {
    return (await this.#call("-     panic!(\"pwned\");", 2, [panic___pwned___, panic___pwned___2, x])) as PanicPwned5;
  }

  /**
   * 1. ~~~
   * panic!("pwned");
   * ~~~
   */
  async method1______panic___pwned_______(argument1______panic___pwned_______: Unnamed1PanicPwned, argument1______panic___pwned_______2: string, x?: Unnamed1PanicPwned3): Promise<Unnamed1PanicPwned2> {
    return (await this.#call("1. ~~~\u000apanic!(\"pwned\");\u000a~~~", 2, [argument1______panic___pwned_______, argument1______panic___pwned_______2, x])) as Unnamed1PanicPwned2;
  }

  /**
   * >>> pwned()
   */
  async pwned__(pwned__: Pwned9, pwned__2: string, x?: Pwned35): Promise<Pwned22> {
    return (await this.#call(">>> pwned()", 2, [pwned__, pwned__2, x])) as Pwned22;
  }

  /**
   * @ ts-nocheck
   */
  async ts_nocheck(ts_nocheck: TsNocheck, ts_nocheck2: string, x?: TsNocheck3): Promise<TsNocheck2> {
    return (await this.#call("@ts-nocheck", 2, [ts_nocheck, ts_nocheck2, x])) as TsNocheck2;
  }

  /**
   * <script>pwned()</script>
   */
  async script_pwned____script_(script_pwned____script_: ScriptPwnedScript, script_pwned____script_2: string, x?: ScriptPwnedScript3): Promise<ScriptPwnedScript2> {
    return (await this.#call("<script>pwned()</script>", 2, [script_pwned____script_, script_pwned____script_2, x])) as ScriptPwnedScript2;
  }

  /**
   * [x](javascript:pwned())
   */
  async x__javascript_pwned___(x__javascript_pwned___: XJavascriptPwned, x__javascript_pwned___2: string, x?: XJavascriptPwned5): Promise<XJavascriptPwned3> {
    return (await this.#call("[x](javascript:pwned())", 2, [x__javascript_pwned___, x__javascript_pwned___2, x])) as XJavascriptPwned3;
  }

  /**
   * [x]: javascript:pwned()
   */
  async x___javascript_pwned__(x___javascript_pwned__: XJavascriptPwned2, x___javascript_pwned__2: string, x?: XJavascriptPwned6): Promise<XJavascriptPwned4> {
    return (await this.#call("[x]: javascript:pwned()", 2, [x___javascript_pwned__, x___javascript_pwned__2, x])) as XJavascriptPwned4;
  }

  /**
   * #![feature(pwned)]
   */
  async feature_pwned__(feature_pwned__: FeaturePwned, feature_pwned__2: string, x?: FeaturePwned3): Promise<FeaturePwned2> {
    return (await this.#call("#![feature(pwned)]", 2, [feature_pwned__, feature_pwned__2, x])) as FeaturePwned2;
  }

  /**
   * {pwned}
   */
  async pwned_(pwned_: Pwned11, pwned_2: string, x?: Pwned37): Promise<Pwned24> {
    return (await this.#call("{pwned}", 2, [pwned_, pwned_2, x])) as Pwned24;
  }

  /**
   * //
   */
  async method7(argument: Unnamed, argument2: string, x?: Unnamed20): Promise<Unnamed11> {
    return (await this.#call("//", 2, [argument, argument2, x])) as Unnamed11;
  }

  /**
   * U+007FU+0085
   */
  async method8(argument: Unnamed6, argument2: string, x?: Unnamed25): Promise<Unnamed16> {
    return (await this.#call("\u007f\u0085", 2, [argument, argument2, x])) as Unnamed16;
  }

  /**
   * é
   */
  async method10(argument: Unnamed7, argument2: string, x?: Unnamed26): Promise<Unnamed17> {
    return (await this.#call("\u00e9", 2, [argument, argument2, x])) as Unnamed17;
  }

  /**
   * ☃
   */
  async method11(argument: Unnamed8, argument2: string, x?: Unnamed27): Promise<Unnamed18> {
    return (await this.#call("\u2603", 2, [argument, argument2, x])) as Unnamed18;
  }

  /**
   * longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong
   */
  async longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong(longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong: Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2: string, x?: Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong4): Promise<Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3> {
    return (await this.#call("longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong", 2, [longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2, x])) as Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3;
  }
}
