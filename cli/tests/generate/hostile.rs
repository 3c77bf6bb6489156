// Written by `farcall generate rust` from json+http://localhost:8000/.

use farcall::{CallError, Value, client};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<All>,
    pub endless: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Box<Node>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct All {
    #[serde(rename = "")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<i64>,
    #[serde(rename = "\u{a}pwned()\u{a}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned: Option<i64>,
    #[serde(rename = "\u{d}pwned()\u{d}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned2: Option<i64>,
    #[serde(rename = "    panic!(\"pwned\");")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic_pwned: Option<i64>,
    #[serde(rename = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned3: Option<i64>,
    #[serde(rename = "\"); pwned(); (\"")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned4: Option<i64>,
    #[serde(rename = "\"; compile_error!(\"pwned\"); \"")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compile_error_pwned: Option<i64>,
    #[serde(rename = "#![feature(pwned)]")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_pwned: Option<i64>,
    #[serde(rename = "${pwned()}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned5: Option<i64>,
    #[serde(rename = "'''\u{a}pwned()\u{a}'''")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned6: Option<i64>,
    #[serde(rename = "'); pwned(); ('")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned7: Option<i64>,
    #[serde(rename = "*/ pwned(); /*")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned8: Option<i64>,
    #[serde(rename = "-     panic!(\"pwned\");")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic_pwned2: Option<i64>,
    #[serde(rename = "//")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member2: Option<i64>,
    #[serde(rename = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member1_panic_pwned: Option<i64>,
    #[serde(rename = "9")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member9: Option<i64>,
    #[serde(rename = "<script>pwned()</script>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_pwned_script: Option<i64>,
    #[serde(rename = ">>> pwned()")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned9: Option<i64>,
    #[serde(rename = "@ts-nocheck")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts_nocheck: Option<i64>,
    #[serde(rename = "Any")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<i64>,
    #[serde(rename = "Array")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<i64>,
    #[serde(rename = "CallError")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_error: Option<i64>,
    #[serde(rename = "Client")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<i64>,
    #[serde(rename = "Default")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<i64>,
    #[serde(rename = "Error")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<i64>,
    #[serde(rename = "Fault")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<i64>,
    #[serde(rename = "Methods")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<i64>,
    #[serde(rename = "None")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<i64>,
    #[serde(rename = "Option")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<i64>,
    #[serde(rename = "Promise")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<i64>,
    #[serde(rename = "Result")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<i64>,
    #[serde(rename = "Self")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_: Option<i64>,
    #[serde(rename = "Send")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<i64>,
    #[serde(rename = "Sized")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sized: Option<i64>,
    #[serde(rename = "String")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<i64>,
    #[serde(rename = "Value")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    #[serde(rename = "Vec")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vec: Option<i64>,
    #[serde(rename = "[x](javascript:pwned())")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_javascript_pwned: Option<i64>,
    #[serde(rename = "[x]: javascript:pwned()")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_javascript_pwned2: Option<i64>,
    #[serde(rename = "\\")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member3: Option<i64>,
    #[serde(rename = "\\\"")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member4: Option<i64>,
    #[serde(rename = "\\u{22}pwned()")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub u_22_pwned: Option<i64>,
    #[serde(rename = "_")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member5: Option<i64>,
    #[serde(rename = "__")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member6: Option<i64>,
    #[serde(rename = "__call__")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<i64>,
    #[serde(rename = "__class__")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<i64>,
    #[serde(rename = "__getattr__")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub getattr: Option<i64>,
    #[serde(rename = "__init__")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<i64>,
    #[serde(rename = "__proto__")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto: Option<i64>,
    #[serde(rename = "_call")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call2: Option<i64>,
    #[serde(rename = "```\u{a}panic!(\"pwned\");\u{a}```")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic_pwned3: Option<i64>,
    #[serde(rename = "`pwned()`")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned10: Option<i64>,
    #[serde(rename = "a b")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_b: Option<i64>,
    #[serde(rename = "a.b")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_b2: Option<i64>,
    #[serde(rename = "aB")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_b3: Option<i64>,
    #[serde(rename = "a_b")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_b4: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<i64>,
    #[serde(rename = "async")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub async_: Option<i64>,
    #[serde(rename = "await")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub await_: Option<i64>,
    #[serde(rename = "call")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call3: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cast: Option<i64>,
    #[serde(rename = "class")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class2: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constructor: Option<i64>,
    #[serde(rename = "crate")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crate_: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datetime: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub def: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval: Option<i64>,
    #[serde(rename = "fn")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fn_: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<i64>,
    #[serde(rename = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mro: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prototype: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<i64>,
    #[serde(rename = "self")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_2: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub str: Option<i64>,
    #[serde(rename = "super")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub super_: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<i64>,
    #[serde(rename = "toString")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_string: Option<i64>,
    #[serde(rename = "true")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub true_: Option<i64>,
    #[serde(rename = "type")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urllib: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xmlrpc: Option<i64>,
    #[serde(rename = "x\u{301}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<i64>,
    #[serde(rename = "{pwned}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned11: Option<i64>,
    #[serde(rename = "\u{7f}\u{85}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member7: Option<i64>,
    #[serde(rename = "\u{e9}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member8: Option<i64>,
    #[serde(rename = "\u{2028}pwned()\u{2028}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned12: Option<i64>,
    #[serde(rename = "\u{202e}pwned()\u{202c}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwned13: Option<i64>,
    #[serde(rename = "\u{2603}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member10: Option<i64>,
    #[serde(rename = "\u{ff21}\u{ff22}")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member11: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tags {
    #[serde(rename = "")]
    Variant,
    #[serde(rename = "_")]
    Variant2(Value),
    #[serde(rename = "__")]
    Variant3,
    #[serde(rename = "9")]
    Variant9(Value),
    #[serde(rename = "a b")]
    AB,
    #[serde(rename = "aB")]
    AB2(Value),
    #[serde(rename = "a_b")]
    AB3,
    #[serde(rename = "a.b")]
    AB4(Value),
    #[serde(rename = "self")]
    SelfVariant,
    #[serde(rename = "Self")]
    SelfVariant2(Value),
    #[serde(rename = "crate")]
    Crate,
    #[serde(rename = "super")]
    Super(Value),
    #[serde(rename = "type")]
    Type,
    #[serde(rename = "fn")]
    Fn(Value),
    #[serde(rename = "async")]
    Async,
    #[serde(rename = "await")]
    Await(Value),
    #[serde(rename = "class")]
    Class,
    #[serde(rename = "def")]
    Def(Value),
    None,
    #[serde(rename = "null")]
    Null(Value),
    #[serde(rename = "true")]
    True,
    #[serde(rename = "function")]
    Function(Value),
    #[serde(rename = "new")]
    New,
    #[serde(rename = "then")]
    Then(Value),
    #[serde(rename = "constructor")]
    Constructor,
    #[serde(rename = "prototype")]
    Prototype(Value),
    #[serde(rename = "__proto__")]
    Proto,
    #[serde(rename = "toString")]
    ToString(Value),
    #[serde(rename = "__init__")]
    Init,
    #[serde(rename = "__class__")]
    Class2(Value),
    #[serde(rename = "__getattr__")]
    Getattr,
    #[serde(rename = "__call__")]
    Call(Value),
    #[serde(rename = "mro")]
    Mro,
    #[serde(rename = "_call")]
    Call2(Value),
    #[serde(rename = "call")]
    Call3,
    #[serde(rename = "close")]
    Close(Value),
    #[serde(rename = "url")]
    Url,
    #[serde(rename = "id")]
    Id(Value),
    #[serde(rename = "cast")]
    Cast,
    Any(Value),
    #[serde(rename = "int")]
    Int,
    #[serde(rename = "str")]
    Str(Value),
    Value,
    String(Value),
    Vec,
    Option(Value),
    Result,
    CallError(Value),
    Send,
    Sized(Value),
    Default,
    Client(Value),
    Methods,
    Fault(Value),
    Error,
    Promise(Value),
    Array,
    #[serde(rename = "unknown")]
    Unknown(Value),
    #[serde(rename = "datetime")]
    Datetime,
    #[serde(rename = "json")]
    Json(Value),
    #[serde(rename = "xmlrpc")]
    Xmlrpc,
    #[serde(rename = "urllib")]
    Urllib(Value),
    #[serde(rename = "arguments")]
    Arguments,
    #[serde(rename = "values")]
    Values(Value),
    #[serde(rename = "method")]
    Method,
    #[serde(rename = "required")]
    Required(Value),
    #[serde(rename = "eval")]
    Eval,
    #[serde(rename = "x\u{301}")]
    X(Value),
    #[serde(rename = "\u{ff21}\u{ff22}")]
    Variant4,
    #[serde(rename = "\"); pwned(); (\"")]
    Pwned(Value),
    #[serde(rename = "'); pwned(); ('")]
    Pwned2,
    #[serde(rename = "*/ pwned(); /*")]
    Pwned3(Value),
    #[serde(rename = "${pwned()}")]
    Pwned4,
    #[serde(rename = "`pwned()`")]
    Pwned5(Value),
    #[serde(rename = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    Pwned6,
    #[serde(rename = "'''\u{a}pwned()\u{a}'''")]
    Pwned7(Value),
    #[serde(rename = "\u{a}pwned()\u{a}")]
    Pwned8,
    #[serde(rename = "\u{d}pwned()\u{d}")]
    Pwned9(Value),
    #[serde(rename = "\u{2028}pwned()\u{2028}")]
    Pwned10,
    #[serde(rename = "\u{202e}pwned()\u{202c}")]
    Pwned11(Value),
    #[serde(rename = "\\")]
    Variant5,
    #[serde(rename = "\\\"")]
    Variant6(Value),
    #[serde(rename = "\\u{22}pwned()")]
    U22Pwned,
    #[serde(rename = "\"; compile_error!(\"pwned\"); \"")]
    CompileErrorPwned(Value),
    #[serde(rename = "```\u{a}panic!(\"pwned\");\u{a}```")]
    PanicPwned,
    #[serde(rename = "    panic!(\"pwned\");")]
    PanicPwned2(Value),
    #[serde(rename = "-     panic!(\"pwned\");")]
    PanicPwned3,
    #[serde(rename = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    Variant1PanicPwned(Value),
    #[serde(rename = ">>> pwned()")]
    Pwned12,
    #[serde(rename = "@ts-nocheck")]
    TsNocheck(Value),
    #[serde(rename = "<script>pwned()</script>")]
    ScriptPwnedScript,
    #[serde(rename = "[x](javascript:pwned())")]
    XJavascriptPwned(Value),
    #[serde(rename = "[x]: javascript:pwned()")]
    XJavascriptPwned2,
    #[serde(rename = "#![feature(pwned)]")]
    FeaturePwned(Value),
    #[serde(rename = "{pwned}")]
    Pwned13,
    #[serde(rename = "//")]
    Variant7(Value),
    #[serde(rename = "\u{7f}\u{85}")]
    Variant8,
    #[serde(rename = "\u{e9}")]
    Variant10(Value),
    #[serde(rename = "\u{2603}")]
    Variant11,
    #[serde(rename = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned {
    #[serde(rename = "\u{a}pwned()\u{a}")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX {
    #[serde(rename = "\u{a}pwned()\u{a}")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned2 {
    #[serde(rename = "\u{d}pwned()\u{d}")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX2 {
    #[serde(rename = "\u{d}pwned()\u{d}")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanicPwned {
    #[serde(rename = "    panic!(\"pwned\");")]
    pub panic_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PanicPwnedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanicPwnedX {
    #[serde(rename = "    panic!(\"pwned\");")]
    PanicPwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned3 {
    #[serde(rename = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX3>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX3 {
    #[serde(rename = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned4 {
    #[serde(rename = "\"); pwned(); (\"")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX4>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX4 {
    #[serde(rename = "\"); pwned(); (\"")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompileErrorPwned {
    #[serde(rename = "\"; compile_error!(\"pwned\"); \"")]
    pub compile_error_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CompileErrorPwnedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompileErrorPwnedX {
    #[serde(rename = "\"; compile_error!(\"pwned\"); \"")]
    CompileErrorPwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeaturePwned {
    #[serde(rename = "#![feature(pwned)]")]
    pub feature_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<FeaturePwnedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeaturePwnedX {
    #[serde(rename = "#![feature(pwned)]")]
    FeaturePwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned5 {
    #[serde(rename = "${pwned()}")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX5>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX5 {
    #[serde(rename = "${pwned()}")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned6 {
    #[serde(rename = "'''\u{a}pwned()\u{a}'''")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX6>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX6 {
    #[serde(rename = "'''\u{a}pwned()\u{a}'''")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned7 {
    #[serde(rename = "'); pwned(); ('")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX7>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX7 {
    #[serde(rename = "'); pwned(); ('")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned8 {
    #[serde(rename = "*/ pwned(); /*")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX8 {
    #[serde(rename = "*/ pwned(); /*")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanicPwned2 {
    #[serde(rename = "-     panic!(\"pwned\");")]
    pub panic_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PanicPwnedX2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanicPwnedX2 {
    #[serde(rename = "-     panic!(\"pwned\");")]
    PanicPwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed {
    #[serde(rename = "//")]
    pub member: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X {
    #[serde(rename = "//")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed1PanicPwned {
    #[serde(rename = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    pub member1_panic_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Unnamed1PanicPwnedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed1PanicPwnedX {
    #[serde(rename = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    Variant1PanicPwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed9 {
    #[serde(rename = "9")]
    pub member9: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Unnamed9X>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed9X {
    #[serde(rename = "9")]
    Variant9,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptPwnedScript {
    #[serde(rename = "<script>pwned()</script>")]
    pub script_pwned_script: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ScriptPwnedScriptX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScriptPwnedScriptX {
    #[serde(rename = "<script>pwned()</script>")]
    ScriptPwnedScript,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned9 {
    #[serde(rename = ">>> pwned()")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX9>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX9 {
    #[serde(rename = ">>> pwned()")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TsNocheck {
    #[serde(rename = "@ts-nocheck")]
    pub ts_nocheck: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<TsNocheckX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TsNocheckX {
    #[serde(rename = "@ts-nocheck")]
    TsNocheck,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Any {
    #[serde(rename = "Any")]
    pub any: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<AnyX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnyX {
    Any,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Array {
    #[serde(rename = "Array")]
    pub array: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ArrayX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArrayX {
    Array,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallErrorType {
    #[serde(rename = "CallError")]
    pub call_error: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CallErrorX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallErrorX {
    CallError,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Client {
    #[serde(rename = "Client")]
    pub client: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ClientX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientX {
    Client,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefaultType {
    #[serde(rename = "Default")]
    pub default: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<DefaultX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultX {
    Default,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Error {
    #[serde(rename = "Error")]
    pub error: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ErrorX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorX {
    Error,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    #[serde(rename = "Fault")]
    pub fault: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<FaultX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultX {
    Fault,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Methods2 {
    #[serde(rename = "Methods")]
    pub methods: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<MethodsX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MethodsX {
    Methods,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoneType {
    #[serde(rename = "None")]
    pub none: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<NoneX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoneX {
    None,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionType {
    #[serde(rename = "Option")]
    pub option: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<OptionX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OptionX {
    Option,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    #[serde(rename = "Promise")]
    pub promise: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PromiseX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromiseX {
    Promise,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultType {
    #[serde(rename = "Result")]
    pub result: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ResultX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResultX {
    Result,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfType {
    #[serde(rename = "Self")]
    pub self_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<SelfX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelfX {
    #[serde(rename = "Self")]
    SelfVariant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendType {
    #[serde(rename = "Send")]
    pub send: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<SendX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendX {
    Send,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizedType {
    #[serde(rename = "Sized")]
    pub sized: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<SizedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SizedX {
    Sized,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StringType {
    #[serde(rename = "String")]
    pub string: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<StringX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StringX {
    String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueType {
    #[serde(rename = "Value")]
    pub value: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ValueX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValueX {
    Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VecType {
    #[serde(rename = "Vec")]
    pub vec: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<VecX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VecX {
    Vec,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct XJavascriptPwned {
    #[serde(rename = "[x](javascript:pwned())")]
    pub x_javascript_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<XJavascriptPwnedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XJavascriptPwnedX {
    #[serde(rename = "[x](javascript:pwned())")]
    XJavascriptPwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct XJavascriptPwned2 {
    #[serde(rename = "[x]: javascript:pwned()")]
    pub x_javascript_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<XJavascriptPwnedX2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XJavascriptPwnedX2 {
    #[serde(rename = "[x]: javascript:pwned()")]
    XJavascriptPwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed2 {
    #[serde(rename = "\\")]
    pub member: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X2 {
    #[serde(rename = "\\")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed3 {
    #[serde(rename = "\\\"")]
    pub member: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X3>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X3 {
    #[serde(rename = "\\\"")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct U22Pwned {
    #[serde(rename = "\\u{22}pwned()")]
    pub u_22_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<U22PwnedX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum U22PwnedX {
    #[serde(rename = "\\u{22}pwned()")]
    U22Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed4 {
    #[serde(rename = "_")]
    pub member: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X4>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X4 {
    #[serde(rename = "_")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed5 {
    #[serde(rename = "__")]
    pub member: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X5>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X5 {
    #[serde(rename = "__")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    #[serde(rename = "__call__")]
    pub call: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CallX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallX {
    #[serde(rename = "__call__")]
    Call,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    #[serde(rename = "__class__")]
    pub class: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ClassX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassX {
    #[serde(rename = "__class__")]
    Class,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Getattr {
    #[serde(rename = "__getattr__")]
    pub getattr: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<GetattrX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GetattrX {
    #[serde(rename = "__getattr__")]
    Getattr,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Init {
    #[serde(rename = "__init__")]
    pub init: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<InitX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitX {
    #[serde(rename = "__init__")]
    Init,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proto {
    #[serde(rename = "__proto__")]
    pub proto: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ProtoX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProtoX {
    #[serde(rename = "__proto__")]
    Proto,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call2 {
    #[serde(rename = "_call")]
    pub call: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CallX2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallX2 {
    #[serde(rename = "_call")]
    Call,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanicPwned3 {
    #[serde(rename = "```\u{a}panic!(\"pwned\");\u{a}```")]
    pub panic_pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PanicPwnedX3>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanicPwnedX3 {
    #[serde(rename = "```\u{a}panic!(\"pwned\");\u{a}```")]
    PanicPwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned10 {
    #[serde(rename = "`pwned()`")]
    pub pwned: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX10>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX10 {
    #[serde(rename = "`pwned()`")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AB {
    #[serde(rename = "a b")]
    pub a_b: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ABX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ABX {
    #[serde(rename = "a b")]
    AB,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AB2 {
    #[serde(rename = "a.b")]
    pub a_b: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ABX2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ABX2 {
    #[serde(rename = "a.b")]
    AB,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AB3 {
    #[serde(rename = "aB")]
    pub a_b: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ABX3>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ABX3 {
    #[serde(rename = "aB")]
    AB,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AB4 {
    pub a_b: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ABX4>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ABX4 {
    #[serde(rename = "a_b")]
    AB,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arguments {
    pub arguments: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ArgumentsX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArgumentsX {
    #[serde(rename = "arguments")]
    Arguments,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Async {
    #[serde(rename = "async")]
    pub async_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<AsyncX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AsyncX {
    #[serde(rename = "async")]
    Async,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Await {
    #[serde(rename = "await")]
    pub await_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<AwaitX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AwaitX {
    #[serde(rename = "await")]
    Await,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call3 {
    pub call: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CallX3>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallX3 {
    #[serde(rename = "call")]
    Call,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cast {
    pub cast: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CastX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CastX {
    #[serde(rename = "cast")]
    Cast,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class2 {
    pub class: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ClassX2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassX2 {
    #[serde(rename = "class")]
    Class,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Close {
    pub close: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CloseX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseX {
    #[serde(rename = "close")]
    Close,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constructor {
    pub constructor: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ConstructorX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConstructorX {
    #[serde(rename = "constructor")]
    Constructor,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crate {
    #[serde(rename = "crate")]
    pub crate_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<CrateX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrateX {
    #[serde(rename = "crate")]
    Crate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Datetime {
    pub datetime: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<DatetimeX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatetimeX {
    #[serde(rename = "datetime")]
    Datetime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Def {
    pub def: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<DefX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefX {
    #[serde(rename = "def")]
    Def,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eval {
    pub eval: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<EvalX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvalX {
    #[serde(rename = "eval")]
    Eval,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FnType {
    #[serde(rename = "fn")]
    pub fn_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<FnX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FnX {
    #[serde(rename = "fn")]
    Fn,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub function: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<FunctionX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionX {
    #[serde(rename = "function")]
    Function,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Id {
    pub id: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<IdX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdX {
    #[serde(rename = "id")]
    Id,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Int {
    pub int: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<IntX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntX {
    #[serde(rename = "int")]
    Int,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Json {
    pub json: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<JsonX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JsonX {
    #[serde(rename = "json")]
    Json,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong {
    #[serde(rename = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    pub longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2 {
    #[serde(rename = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    pub method: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<MethodX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MethodX {
    #[serde(rename = "method")]
    Method,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mro {
    pub mro: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<MroX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MroX {
    #[serde(rename = "mro")]
    Mro,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct New {
    pub new: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<NewX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewX {
    #[serde(rename = "new")]
    New,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Null {
    pub null: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<NullX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NullX {
    #[serde(rename = "null")]
    Null,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prototype {
    pub prototype: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PrototypeX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrototypeX {
    #[serde(rename = "prototype")]
    Prototype,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Required {
    pub required: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<RequiredX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequiredX {
    #[serde(rename = "required")]
    Required,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfType2 {
    #[serde(rename = "self")]
    pub self_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<SelfX2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelfX2 {
    #[serde(rename = "self")]
    SelfVariant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Str {
    pub str: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<StrX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrX {
    #[serde(rename = "str")]
    Str,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Super {
    #[serde(rename = "super")]
    pub super_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<SuperX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuperX {
    #[serde(rename = "super")]
    Super,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Then {
    pub then: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ThenX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThenX {
    #[serde(rename = "then")]
    Then,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToStringType {
    #[serde(rename = "toString")]
    pub to_string: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ToStringX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToStringX {
    #[serde(rename = "toString")]
    ToString,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct True {
    #[serde(rename = "true")]
    pub true_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<TrueX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrueX {
    #[serde(rename = "true")]
    True,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Type {
    #[serde(rename = "type")]
    pub type_: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<TypeX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeX {
    #[serde(rename = "type")]
    Type,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unknown {
    pub unknown: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<UnknownX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnknownX {
    #[serde(rename = "unknown")]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Url {
    pub url: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<UrlX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UrlX {
    #[serde(rename = "url")]
    Url,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Urllib {
    pub urllib: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<UrllibX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UrllibX {
    #[serde(rename = "urllib")]
    Urllib,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Values {
    pub values: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<ValuesX>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValuesX {
    #[serde(rename = "values")]
    Values,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Xmlrpc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<XmlrpcX>,
    pub xmlrpc: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XmlrpcX {
    #[serde(rename = "xmlrpc")]
    Xmlrpc,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct X6 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<XX>,
    #[serde(rename = "x\u{301}")]
    pub x2: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XX {
    #[serde(rename = "x\u{301}")]
    X,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned11 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX11>,
    #[serde(rename = "{pwned}")]
    pub pwned: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX11 {
    #[serde(rename = "{pwned}")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed6 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X7>,
    #[serde(rename = "\u{7f}\u{85}")]
    pub member: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X7 {
    #[serde(rename = "\u{7f}\u{85}")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed7 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X8>,
    #[serde(rename = "\u{e9}")]
    pub member: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X8 {
    #[serde(rename = "\u{e9}")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned12 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX12>,
    #[serde(rename = "\u{2028}pwned()\u{2028}")]
    pub pwned: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX12 {
    #[serde(rename = "\u{2028}pwned()\u{2028}")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pwned13 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<PwnedX13>,
    #[serde(rename = "\u{202e}pwned()\u{202c}")]
    pub pwned: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PwnedX13 {
    #[serde(rename = "\u{202e}pwned()\u{202c}")]
    Pwned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed8 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X9>,
    #[serde(rename = "\u{2603}")]
    pub member: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X9 {
    #[serde(rename = "\u{2603}")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnamed10 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<X10>,
    #[serde(rename = "\u{ff21}\u{ff22}")]
    pub member: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X10 {
    #[serde(rename = "\u{ff21}\u{ff22}")]
    Variant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned14 {
    #[serde(rename = "\u{a}pwned()\u{a}")]
    Pwned,
    #[serde(rename = "\u{a}pwned()\u{a}2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned15 {
    #[serde(rename = "\u{d}pwned()\u{d}")]
    Pwned,
    #[serde(rename = "\u{d}pwned()\u{d}2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PanicPwned4 {
    #[serde(rename = "    panic!(\"pwned\");")]
    PanicPwned,
    #[serde(rename = "    panic!(\"pwned\");2")]
    PanicPwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned16 {
    #[serde(rename = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    Pwned,
    #[serde(rename = "\"\"\"\u{a}pwned()\u{a}\"\"\"2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned17 {
    #[serde(rename = "\"); pwned(); (\"")]
    Pwned,
    #[serde(rename = "\"); pwned(); (\"2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CompileErrorPwned2 {
    #[serde(rename = "\"; compile_error!(\"pwned\"); \"")]
    CompileErrorPwned,
    #[serde(rename = "\"; compile_error!(\"pwned\"); \"2")]
    CompileErrorPwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FeaturePwned2 {
    #[serde(rename = "#![feature(pwned)]")]
    FeaturePwned,
    #[serde(rename = "#![feature(pwned)]2")]
    FeaturePwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned18 {
    #[serde(rename = "${pwned()}")]
    Pwned,
    #[serde(rename = "${pwned()}2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned19 {
    #[serde(rename = "'''\u{a}pwned()\u{a}'''")]
    Pwned,
    #[serde(rename = "'''\u{a}pwned()\u{a}'''2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned20 {
    #[serde(rename = "'); pwned(); ('")]
    Pwned,
    #[serde(rename = "'); pwned(); ('2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned21 {
    #[serde(rename = "*/ pwned(); /*")]
    Pwned,
    #[serde(rename = "*/ pwned(); /*2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PanicPwned5 {
    #[serde(rename = "-     panic!(\"pwned\");")]
    PanicPwned,
    #[serde(rename = "-     panic!(\"pwned\");2")]
    PanicPwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed11 {
    #[serde(rename = "//")]
    Variant,
    #[serde(rename = "//2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed1PanicPwned2 {
    #[serde(rename = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    Variant1PanicPwned,
    #[serde(rename = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~2")]
    Variant1PanicPwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed9_2 {
    #[serde(rename = "9")]
    Variant9,
    #[serde(rename = "92")]
    Variant92(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ScriptPwnedScript2 {
    #[serde(rename = "<script>pwned()</script>")]
    ScriptPwnedScript,
    #[serde(rename = "<script>pwned()</script>2")]
    ScriptPwnedScript2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned22 {
    #[serde(rename = ">>> pwned()")]
    Pwned,
    #[serde(rename = ">>> pwned()2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TsNocheck2 {
    #[serde(rename = "@ts-nocheck")]
    TsNocheck,
    #[serde(rename = "@ts-nocheck2")]
    TsNocheck2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Any2 {
    Any,
    Any2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Array2 {
    Array,
    Array2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallErrorType2 {
    CallError,
    CallError2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Client2 {
    Client,
    Client2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DefaultType2 {
    Default,
    Default2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Error2 {
    Error,
    Error2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fault2 {
    Fault,
    Fault2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Methods3 {
    Methods,
    Methods2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NoneType2 {
    None,
    None2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OptionType2 {
    Option,
    Option2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Promise2 {
    Promise,
    Promise2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ResultType2 {
    Result,
    Result2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SelfType3 {
    #[serde(rename = "Self")]
    SelfVariant,
    Self2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SendType2 {
    Send,
    Send2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SizedType2 {
    Sized,
    Sized2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StringType2 {
    String,
    String2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ValueType2 {
    Value,
    Value2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum VecType2 {
    Vec,
    Vec2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum XJavascriptPwned3 {
    #[serde(rename = "[x](javascript:pwned())")]
    XJavascriptPwned,
    #[serde(rename = "[x](javascript:pwned())2")]
    XJavascriptPwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum XJavascriptPwned4 {
    #[serde(rename = "[x]: javascript:pwned()")]
    XJavascriptPwned,
    #[serde(rename = "[x]: javascript:pwned()2")]
    XJavascriptPwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed12 {
    #[serde(rename = "\\")]
    Variant,
    #[serde(rename = "\\2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed13 {
    #[serde(rename = "\\\"")]
    Variant,
    #[serde(rename = "\\\"2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum U22Pwned2 {
    #[serde(rename = "\\u{22}pwned()")]
    U22Pwned,
    #[serde(rename = "\\u{22}pwned()2")]
    U22Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed14 {
    #[serde(rename = "_")]
    Variant,
    #[serde(rename = "_2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed15 {
    #[serde(rename = "__")]
    Variant,
    #[serde(rename = "__2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call4 {
    #[serde(rename = "__call__")]
    Call,
    #[serde(rename = "__call__2")]
    Call2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Class3 {
    #[serde(rename = "__class__")]
    Class,
    #[serde(rename = "__class__2")]
    Class2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Getattr2 {
    #[serde(rename = "__getattr__")]
    Getattr,
    #[serde(rename = "__getattr__2")]
    Getattr2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Init2 {
    #[serde(rename = "__init__")]
    Init,
    #[serde(rename = "__init__2")]
    Init2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Proto2 {
    #[serde(rename = "__proto__")]
    Proto,
    #[serde(rename = "__proto__2")]
    Proto2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call5 {
    #[serde(rename = "_call")]
    Call,
    #[serde(rename = "_call2")]
    Call2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PanicPwned6 {
    #[serde(rename = "```\u{a}panic!(\"pwned\");\u{a}```")]
    PanicPwned,
    #[serde(rename = "```\u{a}panic!(\"pwned\");\u{a}```2")]
    PanicPwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned23 {
    #[serde(rename = "`pwned()`")]
    Pwned,
    #[serde(rename = "`pwned()`2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AB5 {
    #[serde(rename = "a b")]
    AB,
    #[serde(rename = "a b2")]
    AB2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AB6 {
    #[serde(rename = "a.b")]
    AB,
    #[serde(rename = "a.b2")]
    AB2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AB7 {
    #[serde(rename = "aB")]
    AB,
    #[serde(rename = "aB2")]
    AB2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AB8 {
    #[serde(rename = "a_b")]
    AB,
    #[serde(rename = "a_b2")]
    AB2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Arguments2 {
    #[serde(rename = "arguments")]
    Arguments,
    #[serde(rename = "arguments2")]
    Arguments2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Async2 {
    #[serde(rename = "async")]
    Async,
    #[serde(rename = "async2")]
    Async2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Await2 {
    #[serde(rename = "await")]
    Await,
    #[serde(rename = "await2")]
    Await2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call6 {
    #[serde(rename = "call")]
    Call,
    #[serde(rename = "call2")]
    Call2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cast2 {
    #[serde(rename = "cast")]
    Cast,
    #[serde(rename = "cast2")]
    Cast2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Class4 {
    #[serde(rename = "class")]
    Class,
    #[serde(rename = "class2")]
    Class2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Close2 {
    #[serde(rename = "close")]
    Close,
    #[serde(rename = "close2")]
    Close2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Constructor2 {
    #[serde(rename = "constructor")]
    Constructor,
    #[serde(rename = "constructor2")]
    Constructor2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Crate2 {
    #[serde(rename = "crate")]
    Crate,
    #[serde(rename = "crate2")]
    Crate2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Datetime2 {
    #[serde(rename = "datetime")]
    Datetime,
    #[serde(rename = "datetime2")]
    Datetime2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Def2 {
    #[serde(rename = "def")]
    Def,
    #[serde(rename = "def2")]
    Def2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Eval2 {
    #[serde(rename = "eval")]
    Eval,
    #[serde(rename = "eval2")]
    Eval2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FnType2 {
    #[serde(rename = "fn")]
    Fn,
    #[serde(rename = "fn2")]
    Fn2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Function2 {
    #[serde(rename = "function")]
    Function,
    #[serde(rename = "function2")]
    Function2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Id2 {
    #[serde(rename = "id")]
    Id,
    #[serde(rename = "id2")]
    Id2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Int2 {
    #[serde(rename = "int")]
    Int,
    #[serde(rename = "int2")]
    Int2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Json2 {
    #[serde(rename = "json")]
    Json,
    #[serde(rename = "json2")]
    Json2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3 {
    #[serde(rename = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong,
    #[serde(rename = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2")]
    Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Method2 {
    #[serde(rename = "method")]
    Method,
    #[serde(rename = "method2")]
    Method2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Mro2 {
    #[serde(rename = "mro")]
    Mro,
    #[serde(rename = "mro2")]
    Mro2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum New2 {
    #[serde(rename = "new")]
    New,
    #[serde(rename = "new2")]
    New2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Null2 {
    #[serde(rename = "null")]
    Null,
    #[serde(rename = "null2")]
    Null2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Prototype2 {
    #[serde(rename = "prototype")]
    Prototype,
    #[serde(rename = "prototype2")]
    Prototype2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Required2 {
    #[serde(rename = "required")]
    Required,
    #[serde(rename = "required2")]
    Required2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SelfType4 {
    #[serde(rename = "self")]
    SelfVariant,
    #[serde(rename = "self2")]
    Self2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Str2 {
    #[serde(rename = "str")]
    Str,
    #[serde(rename = "str2")]
    Str2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Super2 {
    #[serde(rename = "super")]
    Super,
    #[serde(rename = "super2")]
    Super2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Then2 {
    #[serde(rename = "then")]
    Then,
    #[serde(rename = "then2")]
    Then2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToStringType2 {
    #[serde(rename = "toString")]
    ToString,
    #[serde(rename = "toString2")]
    ToString2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum True2 {
    #[serde(rename = "true")]
    True,
    #[serde(rename = "true2")]
    True2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Type2 {
    #[serde(rename = "type")]
    Type,
    #[serde(rename = "type2")]
    Type2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unknown2 {
    #[serde(rename = "unknown")]
    Unknown,
    #[serde(rename = "unknown2")]
    Unknown2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Url2 {
    #[serde(rename = "url")]
    Url,
    #[serde(rename = "url2")]
    Url2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Urllib2 {
    #[serde(rename = "urllib")]
    Urllib,
    #[serde(rename = "urllib2")]
    Urllib2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values2 {
    #[serde(rename = "values")]
    Values,
    #[serde(rename = "values2")]
    Values2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Xmlrpc2 {
    #[serde(rename = "xmlrpc")]
    Xmlrpc,
    #[serde(rename = "xmlrpc2")]
    Xmlrpc2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum X11 {
    #[serde(rename = "x\u{301}")]
    X,
    #[serde(rename = "x\u{301}2")]
    X2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned24 {
    #[serde(rename = "{pwned}")]
    Pwned,
    #[serde(rename = "{pwned}2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed16 {
    #[serde(rename = "\u{7f}\u{85}")]
    Variant,
    #[serde(rename = "\u{7f}\u{85}2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed17 {
    #[serde(rename = "\u{e9}")]
    Variant,
    #[serde(rename = "\u{e9}2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned25 {
    #[serde(rename = "\u{2028}pwned()\u{2028}")]
    Pwned,
    #[serde(rename = "\u{2028}pwned()\u{2028}2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pwned26 {
    #[serde(rename = "\u{202e}pwned()\u{202c}")]
    Pwned,
    #[serde(rename = "\u{202e}pwned()\u{202c}2")]
    Pwned2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed18 {
    #[serde(rename = "\u{2603}")]
    Variant,
    #[serde(rename = "\u{2603}2")]
    Variant2(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unnamed19 {
    #[serde(rename = "\u{ff21}\u{ff22}")]
    Variant,
    #[serde(rename = "\u{ff21}\u{ff22}2")]
    Variant2(Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned27 {
    #[serde(rename = "\u{a}pwned()\u{a}")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned28 {
    #[serde(rename = "\u{d}pwned()\u{d}")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanicPwned7 {
    #[serde(rename = "    panic!(\"pwned\");")]
    PanicPwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned29 {
    #[serde(rename = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned30 {
    #[serde(rename = "\"); pwned(); (\"")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompileErrorPwned3 {
    #[serde(rename = "\"; compile_error!(\"pwned\"); \"")]
    CompileErrorPwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeaturePwned3 {
    #[serde(rename = "#![feature(pwned)]")]
    FeaturePwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned31 {
    #[serde(rename = "${pwned()}")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned32 {
    #[serde(rename = "'''\u{a}pwned()\u{a}'''")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned33 {
    #[serde(rename = "'); pwned(); ('")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned34 {
    #[serde(rename = "*/ pwned(); /*")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanicPwned8 {
    #[serde(rename = "-     panic!(\"pwned\");")]
    PanicPwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed20 {
    #[serde(rename = "//")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed1PanicPwned3 {
    #[serde(rename = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    Variant1PanicPwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed9_3 {
    #[serde(rename = "9")]
    Variant9,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScriptPwnedScript3 {
    #[serde(rename = "<script>pwned()</script>")]
    ScriptPwnedScript,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned35 {
    #[serde(rename = ">>> pwned()")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TsNocheck3 {
    #[serde(rename = "@ts-nocheck")]
    TsNocheck,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Any3 {
    Any,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Array3 {
    Array,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallErrorType3 {
    CallError,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Client3 {
    Client,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultType3 {
    Default,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Error3 {
    Error,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault3 {
    Fault,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Methods4 {
    Methods,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoneType3 {
    None,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OptionType3 {
    Option,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Promise3 {
    Promise,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResultType3 {
    Result,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelfType5 {
    #[serde(rename = "Self")]
    SelfVariant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendType3 {
    Send,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SizedType3 {
    Sized,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StringType3 {
    String,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValueType3 {
    Value,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VecType3 {
    Vec,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XJavascriptPwned5 {
    #[serde(rename = "[x](javascript:pwned())")]
    XJavascriptPwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XJavascriptPwned6 {
    #[serde(rename = "[x]: javascript:pwned()")]
    XJavascriptPwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed21 {
    #[serde(rename = "\\")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed22 {
    #[serde(rename = "\\\"")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum U22Pwned3 {
    #[serde(rename = "\\u{22}pwned()")]
    U22Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed23 {
    #[serde(rename = "_")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed24 {
    #[serde(rename = "__")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call7 {
    #[serde(rename = "__call__")]
    Call,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class5 {
    #[serde(rename = "__class__")]
    Class,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Getattr3 {
    #[serde(rename = "__getattr__")]
    Getattr,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init3 {
    #[serde(rename = "__init__")]
    Init,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proto3 {
    #[serde(rename = "__proto__")]
    Proto,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call8 {
    #[serde(rename = "_call")]
    Call,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanicPwned9 {
    #[serde(rename = "```\u{a}panic!(\"pwned\");\u{a}```")]
    PanicPwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned36 {
    #[serde(rename = "`pwned()`")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AB9 {
    #[serde(rename = "a b")]
    AB,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AB10 {
    #[serde(rename = "a.b")]
    AB,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AB11 {
    #[serde(rename = "aB")]
    AB,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AB12 {
    #[serde(rename = "a_b")]
    AB,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arguments3 {
    #[serde(rename = "arguments")]
    Arguments,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Async3 {
    #[serde(rename = "async")]
    Async,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Await3 {
    #[serde(rename = "await")]
    Await,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call9 {
    #[serde(rename = "call")]
    Call,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cast3 {
    #[serde(rename = "cast")]
    Cast,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class6 {
    #[serde(rename = "class")]
    Class,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Close3 {
    #[serde(rename = "close")]
    Close,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constructor3 {
    #[serde(rename = "constructor")]
    Constructor,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Crate3 {
    #[serde(rename = "crate")]
    Crate,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Datetime3 {
    #[serde(rename = "datetime")]
    Datetime,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Def3 {
    #[serde(rename = "def")]
    Def,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eval3 {
    #[serde(rename = "eval")]
    Eval,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FnType3 {
    #[serde(rename = "fn")]
    Fn,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Function3 {
    #[serde(rename = "function")]
    Function,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Id3 {
    #[serde(rename = "id")]
    Id,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Int3 {
    #[serde(rename = "int")]
    Int,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Json3 {
    #[serde(rename = "json")]
    Json,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong4 {
    #[serde(rename = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method3 {
    #[serde(rename = "method")]
    Method,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mro3 {
    #[serde(rename = "mro")]
    Mro,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum New3 {
    #[serde(rename = "new")]
    New,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Null3 {
    #[serde(rename = "null")]
    Null,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prototype3 {
    #[serde(rename = "prototype")]
    Prototype,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Required3 {
    #[serde(rename = "required")]
    Required,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelfType6 {
    #[serde(rename = "self")]
    SelfVariant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Str3 {
    #[serde(rename = "str")]
    Str,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Super3 {
    #[serde(rename = "super")]
    Super,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then3 {
    #[serde(rename = "then")]
    Then,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToStringType3 {
    #[serde(rename = "toString")]
    ToString,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum True3 {
    #[serde(rename = "true")]
    True,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Type3 {
    #[serde(rename = "type")]
    Type,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unknown3 {
    #[serde(rename = "unknown")]
    Unknown,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Url3 {
    #[serde(rename = "url")]
    Url,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Urllib3 {
    #[serde(rename = "urllib")]
    Urllib,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Values3 {
    #[serde(rename = "values")]
    Values,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Xmlrpc3 {
    #[serde(rename = "xmlrpc")]
    Xmlrpc,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum X12 {
    #[serde(rename = "x\u{301}")]
    X,
    #[serde(rename = "x")]
    X2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned37 {
    #[serde(rename = "{pwned}")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed25 {
    #[serde(rename = "\u{7f}\u{85}")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed26 {
    #[serde(rename = "\u{e9}")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned38 {
    #[serde(rename = "\u{2028}pwned()\u{2028}")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pwned39 {
    #[serde(rename = "\u{202e}pwned()\u{202c}")]
    Pwned,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed27 {
    #[serde(rename = "\u{2603}")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unnamed28 {
    #[serde(rename = "\u{ff21}\u{ff22}")]
    Variant,
    #[serde(rename = "x")]
    X,
}

#[client]
pub trait Methods {
    /// "); pwned(); ("
    ///
    /// '); pwned(); ('
    ///
    /// */ pwned(); /*
    ///
    /// ${pwned()}
    ///
    /// `pwned()`
    ///
    /// """
    /// pwned()
    /// """
    ///
    /// '''
    /// pwned()
    /// '''
    ///
    ///
    /// pwned()
    ///
    ///
    /// U+000Dpwned()
    ///
    /// U+2028pwned()U+2028
    ///
    /// U+202Epwned()U+202C
    ///
    /// \\
    ///
    /// \\"
    ///
    /// \\u{22}pwned()
    ///
    /// "; compile_error!("pwned"); "
    ///
    /// '''
    /// panic!("pwned");
    /// '''
    ///
    /// panic!("pwned");
    ///
    /// - panic!("pwned");
    ///
    /// 1. '''
    /// panic!("pwned");
    /// '''
    ///
    /// >>> pwned()
    ///
    /// @ts-nocheck
    ///
    /// \<script>pwned()\</script>
    ///
    /// \[x\](javascript:pwned())
    ///
    /// \[x\]: javascript:pwned()
    ///
    /// #!\[feature(pwned)\]
    ///
    /// {pwned}
    ///
    /// //
    ///
    /// U+007FU+0085
    ///
    /// é
    ///
    /// ☃
    #[client(name = "_")]
    async fn method(&self, argument: &Unnamed4, argument2: &str) -> Result<Unnamed14, CallError>;

    /// "); pwned(); ("
    ///
    /// '); pwned(); ('
    ///
    /// */ pwned(); /*
    ///
    /// ${pwned()}
    ///
    /// `pwned()`
    ///
    /// """
    /// pwned()
    /// """
    ///
    /// '''
    /// pwned()
    /// '''
    ///
    ///
    /// pwned()
    ///
    ///
    /// U+000Dpwned()
    ///
    /// U+2028pwned()U+2028
    ///
    /// U+202Epwned()U+202C
    ///
    /// \\
    ///
    /// \\"
    ///
    /// \\u{22}pwned()
    ///
    /// "; compile_error!("pwned"); "
    ///
    /// '''
    /// panic!("pwned");
    /// '''
    ///
    /// panic!("pwned");
    ///
    /// - panic!("pwned");
    ///
    /// 1. '''
    /// panic!("pwned");
    /// '''
    ///
    /// >>> pwned()
    ///
    /// @ts-nocheck
    ///
    /// \<script>pwned()\</script>
    ///
    /// \[x\](javascript:pwned())
    ///
    /// \[x\]: javascript:pwned()
    ///
    /// #!\[feature(pwned)\]
    ///
    /// {pwned}
    ///
    /// //
    ///
    /// U+007FU+0085
    ///
    /// é
    ///
    /// ☃
    #[client(name = "_")]
    async fn method_with_x(&self, argument: &Unnamed4, argument2: &str, x: &Unnamed23) -> Result<Unnamed14, CallError>;

    /// __
    #[client(name = "__")]
    async fn method2(&self, argument: &Unnamed5, argument2: &str) -> Result<Unnamed15, CallError>;

    /// __
    #[client(name = "__")]
    async fn method_with_x2(&self, argument: &Unnamed5, argument2: &str, x: &Unnamed24) -> Result<Unnamed15, CallError>;

    /// 9
    #[client(name = "9")]
    async fn method9(&self, argument9: &Unnamed9, argument9_2: &str) -> Result<Unnamed9_2, CallError>;

    /// 9
    #[client(name = "9")]
    async fn method9_with_x(&self, argument9: &Unnamed9, argument9_2: &str, x: &Unnamed9_3) -> Result<Unnamed9_2, CallError>;

    /// a b
    #[client(name = "a b")]
    async fn a_b(&self, a_b: &AB, a_b2: &str) -> Result<AB5, CallError>;

    /// a b
    #[client(name = "a b")]
    async fn a_b_with_x(&self, a_b: &AB, a_b2: &str, x: &AB9) -> Result<AB5, CallError>;

    /// aB
    #[client(name = "aB")]
    async fn a_b2(&self, a_b: &AB3, a_b2: &str) -> Result<AB7, CallError>;

    /// aB
    #[client(name = "aB")]
    async fn a_b_with_x2(&self, a_b: &AB3, a_b2: &str, x: &AB11) -> Result<AB7, CallError>;

    /// a_b
    #[client(name = "a_b")]
    async fn a_b3(&self, a_b: &AB4, a_b2: &str) -> Result<AB8, CallError>;

    /// a_b
    #[client(name = "a_b")]
    async fn a_b_with_x3(&self, a_b: &AB4, a_b2: &str, x: &AB12) -> Result<AB8, CallError>;

    /// a.b
    #[client(name = "a.b")]
    async fn a_b4(&self, a_b: &AB2, a_b2: &str) -> Result<AB6, CallError>;

    /// a.b
    #[client(name = "a.b")]
    async fn a_b_with_x4(&self, a_b: &AB2, a_b2: &str, x: &AB10) -> Result<AB6, CallError>;

    /// self
    #[client(name = "self")]
    async fn self_(&self, self_: &SelfType2, self_2: &str) -> Result<SelfType4, CallError>;

    /// self
    #[client(name = "self")]
    async fn self_with_x(&self, self_: &SelfType2, self_2: &str, x: &SelfType6) -> Result<SelfType4, CallError>;

    /// Self
    #[client(name = "Self")]
    async fn self_2(&self, self_: &SelfType, self_2: &str) -> Result<SelfType3, CallError>;

    /// Self
    #[client(name = "Self")]
    async fn self_with_x2(&self, self_: &SelfType, self_2: &str, x: &SelfType5) -> Result<SelfType3, CallError>;

    /// crate
    #[client(name = "crate")]
    async fn crate_(&self, crate_: &Crate, crate_2: &str) -> Result<Crate2, CallError>;

    /// crate
    #[client(name = "crate")]
    async fn crate_with_x(&self, crate_: &Crate, crate_2: &str, x: &Crate3) -> Result<Crate2, CallError>;

    /// super
    #[client(name = "super")]
    async fn super_(&self, super_: &Super, super_2: &str) -> Result<Super2, CallError>;

    /// super
    #[client(name = "super")]
    async fn super_with_x(&self, super_: &Super, super_2: &str, x: &Super3) -> Result<Super2, CallError>;

    /// type
    #[client(name = "type")]
    async fn type_(&self, type_: &Type, type_2: &str) -> Result<Type2, CallError>;

    /// type
    #[client(name = "type")]
    async fn type_with_x(&self, type_: &Type, type_2: &str, x: &Type3) -> Result<Type2, CallError>;

    /// fn
    #[client(name = "fn")]
    async fn fn_(&self, fn_: &FnType, fn_2: &str) -> Result<FnType2, CallError>;

    /// fn
    #[client(name = "fn")]
    async fn fn_with_x(&self, fn_: &FnType, fn_2: &str, x: &FnType3) -> Result<FnType2, CallError>;

    /// async
    #[client(name = "async")]
    async fn async_(&self, async_: &Async, async_2: &str) -> Result<Async2, CallError>;

    /// async
    #[client(name = "async")]
    async fn async_with_x(&self, async_: &Async, async_2: &str, x: &Async3) -> Result<Async2, CallError>;

    /// await
    #[client(name = "await")]
    async fn await_(&self, await_: &Await, await_2: &str) -> Result<Await2, CallError>;

    /// await
    #[client(name = "await")]
    async fn await_with_x(&self, await_: &Await, await_2: &str, x: &Await3) -> Result<Await2, CallError>;

    /// class
    #[client(name = "class")]
    async fn class(&self, class: &Class2, class2: &str) -> Result<Class4, CallError>;

    /// class
    #[client(name = "class")]
    async fn class_with_x(&self, class: &Class2, class2: &str, x: &Class6) -> Result<Class4, CallError>;

    /// def
    #[client(name = "def")]
    async fn def(&self, def: &Def, def2: &str) -> Result<Def2, CallError>;

    /// def
    #[client(name = "def")]
    async fn def_with_x(&self, def: &Def, def2: &str, x: &Def3) -> Result<Def2, CallError>;

    /// None
    #[client(name = "None")]
    async fn none(&self, none: &NoneType, none2: &str) -> Result<NoneType2, CallError>;

    /// None
    #[client(name = "None")]
    async fn none_with_x(&self, none: &NoneType, none2: &str, x: &NoneType3) -> Result<NoneType2, CallError>;

    /// null
    #[client(name = "null")]
    async fn null(&self, null: &Null, null2: &str) -> Result<Null2, CallError>;

    /// null
    #[client(name = "null")]
    async fn null_with_x(&self, null: &Null, null2: &str, x: &Null3) -> Result<Null2, CallError>;

    /// true
    #[client(name = "true")]
    async fn true_(&self, true_: &True, true_2: &str) -> Result<True2, CallError>;

    /// true
    #[client(name = "true")]
    async fn true_with_x(&self, true_: &True, true_2: &str, x: &True3) -> Result<True2, CallError>;

    /// function
    #[client(name = "function")]
    async fn function(&self, function: &Function, function2: &str) -> Result<Function2, CallError>;

    /// function
    #[client(name = "function")]
    async fn function_with_x(&self, function: &Function, function2: &str, x: &Function3) -> Result<Function2, CallError>;

    /// new
    #[client(name = "new")]
    async fn new(&self, new: &New, new2: &str) -> Result<New2, CallError>;

    /// new
    #[client(name = "new")]
    async fn new_with_x(&self, new: &New, new2: &str, x: &New3) -> Result<New2, CallError>;

    /// then
    #[client(name = "then")]
    async fn then(&self, then: &Then, then2: &str) -> Result<Then2, CallError>;

    /// then
    #[client(name = "then")]
    async fn then_with_x(&self, then: &Then, then2: &str, x: &Then3) -> Result<Then2, CallError>;

    /// constructor
    #[client(name = "constructor")]
    async fn constructor(&self, constructor: &Constructor, constructor2: &str) -> Result<Constructor2, CallError>;

    /// constructor
    #[client(name = "constructor")]
    async fn constructor_with_x(&self, constructor: &Constructor, constructor2: &str, x: &Constructor3) -> Result<Constructor2, CallError>;

    /// prototype
    #[client(name = "prototype")]
    async fn prototype(&self, prototype: &Prototype, prototype2: &str) -> Result<Prototype2, CallError>;

    /// prototype
    #[client(name = "prototype")]
    async fn prototype_with_x(&self, prototype: &Prototype, prototype2: &str, x: &Prototype3) -> Result<Prototype2, CallError>;

    /// __proto__
    #[client(name = "__proto__")]
    async fn proto(&self, proto: &Proto, proto2: &str) -> Result<Proto2, CallError>;

    /// __proto__
    #[client(name = "__proto__")]
    async fn proto_with_x(&self, proto: &Proto, proto2: &str, x: &Proto3) -> Result<Proto2, CallError>;

    /// toString
    #[client(name = "toString")]
    async fn to_string(&self, to_string: &ToStringType, to_string2: &str) -> Result<ToStringType2, CallError>;

    /// toString
    #[client(name = "toString")]
    async fn to_string_with_x(&self, to_string: &ToStringType, to_string2: &str, x: &ToStringType3) -> Result<ToStringType2, CallError>;

    /// __init__
    #[client(name = "__init__")]
    async fn init(&self, init: &Init, init2: &str) -> Result<Init2, CallError>;

    /// __init__
    #[client(name = "__init__")]
    async fn init_with_x(&self, init: &Init, init2: &str, x: &Init3) -> Result<Init2, CallError>;

    /// __class__
    #[client(name = "__class__")]
    async fn class2(&self, class: &Class, class2: &str) -> Result<Class3, CallError>;

    /// __class__
    #[client(name = "__class__")]
    async fn class_with_x2(&self, class: &Class, class2: &str, x: &Class5) -> Result<Class3, CallError>;

    /// __getattr__
    #[client(name = "__getattr__")]
    async fn getattr(&self, getattr: &Getattr, getattr2: &str) -> Result<Getattr2, CallError>;

    /// __getattr__
    #[client(name = "__getattr__")]
    async fn getattr_with_x(&self, getattr: &Getattr, getattr2: &str, x: &Getattr3) -> Result<Getattr2, CallError>;

    /// __call__
    #[client(name = "__call__")]
    async fn call(&self, call: &Call, call2: &str) -> Result<Call4, CallError>;

    /// __call__
    #[client(name = "__call__")]
    async fn call_with_x(&self, call: &Call, call2: &str, x: &Call7) -> Result<Call4, CallError>;

    /// mro
    #[client(name = "mro")]
    async fn mro(&self, mro: &Mro, mro2: &str) -> Result<Mro2, CallError>;

    /// mro
    #[client(name = "mro")]
    async fn mro_with_x(&self, mro: &Mro, mro2: &str, x: &Mro3) -> Result<Mro2, CallError>;

    /// _call
    #[client(name = "_call")]
    async fn call2(&self, call: &Call2, call2: &str) -> Result<Call5, CallError>;

    /// _call
    #[client(name = "_call")]
    async fn call_with_x2(&self, call: &Call2, call2: &str, x: &Call8) -> Result<Call5, CallError>;

    /// call
    #[client(name = "call")]
    async fn call3(&self, call: &Call3, call2: &str) -> Result<Call6, CallError>;

    /// call
    #[client(name = "call")]
    async fn call_with_x3(&self, call: &Call3, call2: &str, x: &Call9) -> Result<Call6, CallError>;

    /// close
    #[client(name = "close")]
    async fn close(&self, close: &Close, close2: &str) -> Result<Close2, CallError>;

    /// close
    #[client(name = "close")]
    async fn close_with_x(&self, close: &Close, close2: &str, x: &Close3) -> Result<Close2, CallError>;

    /// url
    #[client(name = "url")]
    async fn url(&self, url: &Url, url2: &str) -> Result<Url2, CallError>;

    /// url
    #[client(name = "url")]
    async fn url_with_x(&self, url: &Url, url2: &str, x: &Url3) -> Result<Url2, CallError>;

    /// id
    #[client(name = "id")]
    async fn id(&self, id: &Id, id2: &str) -> Result<Id2, CallError>;

    /// id
    #[client(name = "id")]
    async fn id_with_x(&self, id: &Id, id2: &str, x: &Id3) -> Result<Id2, CallError>;

    /// cast
    #[client(name = "cast")]
    async fn cast(&self, cast: &Cast, cast2: &str) -> Result<Cast2, CallError>;

    /// cast
    #[client(name = "cast")]
    async fn cast_with_x(&self, cast: &Cast, cast2: &str, x: &Cast3) -> Result<Cast2, CallError>;

    /// Any
    #[client(name = "Any")]
    async fn any(&self, any: &Any, any2: &str) -> Result<Any2, CallError>;

    /// Any
    #[client(name = "Any")]
    async fn any_with_x(&self, any: &Any, any2: &str, x: &Any3) -> Result<Any2, CallError>;

    /// int
    #[client(name = "int")]
    async fn int(&self, int: &Int, int2: &str) -> Result<Int2, CallError>;

    /// int
    #[client(name = "int")]
    async fn int_with_x(&self, int: &Int, int2: &str, x: &Int3) -> Result<Int2, CallError>;

    /// str
    #[client(name = "str")]
    async fn str(&self, str: &Str, str2: &str) -> Result<Str2, CallError>;

    /// str
    #[client(name = "str")]
    async fn str_with_x(&self, str: &Str, str2: &str, x: &Str3) -> Result<Str2, CallError>;

    /// Value
    #[client(name = "Value")]
    async fn value(&self, value: &ValueType, value2: &str) -> Result<ValueType2, CallError>;

    /// Value
    #[client(name = "Value")]
    async fn value_with_x(&self, value: &ValueType, value2: &str, x: &ValueType3) -> Result<ValueType2, CallError>;

    /// String
    #[client(name = "String")]
    async fn string(&self, string: &StringType, string2: &str) -> Result<StringType2, CallError>;

    /// String
    #[client(name = "String")]
    async fn string_with_x(&self, string: &StringType, string2: &str, x: &StringType3) -> Result<StringType2, CallError>;

    /// Vec
    #[client(name = "Vec")]
    async fn vec(&self, vec: &VecType, vec2: &str) -> Result<VecType2, CallError>;

    /// Vec
    #[client(name = "Vec")]
    async fn vec_with_x(&self, vec: &VecType, vec2: &str, x: &VecType3) -> Result<VecType2, CallError>;

    /// Option
    #[client(name = "Option")]
    async fn option(&self, option: &OptionType, option2: &str) -> Result<OptionType2, CallError>;

    /// Option
    #[client(name = "Option")]
    async fn option_with_x(&self, option: &OptionType, option2: &str, x: &OptionType3) -> Result<OptionType2, CallError>;

    /// Result
    #[client(name = "Result")]
    async fn result(&self, result: &ResultType, result2: &str) -> Result<ResultType2, CallError>;

    /// Result
    #[client(name = "Result")]
    async fn result_with_x(&self, result: &ResultType, result2: &str, x: &ResultType3) -> Result<ResultType2, CallError>;

    /// CallError
    #[client(name = "CallError")]
    async fn call_error(&self, call_error: &CallErrorType, call_error2: &str) -> Result<CallErrorType2, CallError>;

    /// CallError
    #[client(name = "CallError")]
    async fn call_error_with_x(&self, call_error: &CallErrorType, call_error2: &str, x: &CallErrorType3) -> Result<CallErrorType2, CallError>;

    /// Send
    #[client(name = "Send")]
    async fn send(&self, send: &SendType, send2: &str) -> Result<SendType2, CallError>;

    /// Send
    #[client(name = "Send")]
    async fn send_with_x(&self, send: &SendType, send2: &str, x: &SendType3) -> Result<SendType2, CallError>;

    /// Sized
    #[client(name = "Sized")]
    async fn sized(&self, sized: &SizedType, sized2: &str) -> Result<SizedType2, CallError>;

    /// Sized
    #[client(name = "Sized")]
    async fn sized_with_x(&self, sized: &SizedType, sized2: &str, x: &SizedType3) -> Result<SizedType2, CallError>;

    /// Default
    #[client(name = "Default")]
    async fn default(&self, default: &DefaultType, default2: &str) -> Result<DefaultType2, CallError>;

    /// Default
    #[client(name = "Default")]
    async fn default_with_x(&self, default: &DefaultType, default2: &str, x: &DefaultType3) -> Result<DefaultType2, CallError>;

    /// Client
    #[client(name = "Client")]
    async fn client(&self, client: &Client, client2: &str) -> Result<Client2, CallError>;

    /// Client
    #[client(name = "Client")]
    async fn client_with_x(&self, client: &Client, client2: &str, x: &Client3) -> Result<Client2, CallError>;

    /// Methods
    #[client(name = "Methods")]
    async fn methods(&self, methods: &Methods2, methods2: &str) -> Result<Methods3, CallError>;

    /// Methods
    #[client(name = "Methods")]
    async fn methods_with_x(&self, methods: &Methods2, methods2: &str, x: &Methods4) -> Result<Methods3, CallError>;

    /// Fault
    #[client(name = "Fault")]
    async fn fault(&self, fault: &Fault, fault2: &str) -> Result<Fault2, CallError>;

    /// Fault
    #[client(name = "Fault")]
    async fn fault_with_x(&self, fault: &Fault, fault2: &str, x: &Fault3) -> Result<Fault2, CallError>;

    /// Error
    #[client(name = "Error")]
    async fn error(&self, error: &Error, error2: &str) -> Result<Error2, CallError>;

    /// Error
    #[client(name = "Error")]
    async fn error_with_x(&self, error: &Error, error2: &str, x: &Error3) -> Result<Error2, CallError>;

    /// Promise
    #[client(name = "Promise")]
    async fn promise(&self, promise: &Promise, promise2: &str) -> Result<Promise2, CallError>;

    /// Promise
    #[client(name = "Promise")]
    async fn promise_with_x(&self, promise: &Promise, promise2: &str, x: &Promise3) -> Result<Promise2, CallError>;

    /// Array
    #[client(name = "Array")]
    async fn array(&self, array: &Array, array2: &str) -> Result<Array2, CallError>;

    /// Array
    #[client(name = "Array")]
    async fn array_with_x(&self, array: &Array, array2: &str, x: &Array3) -> Result<Array2, CallError>;

    /// unknown
    #[client(name = "unknown")]
    async fn unknown(&self, unknown: &Unknown, unknown2: &str) -> Result<Unknown2, CallError>;

    /// unknown
    #[client(name = "unknown")]
    async fn unknown_with_x(&self, unknown: &Unknown, unknown2: &str, x: &Unknown3) -> Result<Unknown2, CallError>;

    /// datetime
    #[client(name = "datetime")]
    async fn datetime(&self, datetime: &Datetime, datetime2: &str) -> Result<Datetime2, CallError>;

    /// datetime
    #[client(name = "datetime")]
    async fn datetime_with_x(&self, datetime: &Datetime, datetime2: &str, x: &Datetime3) -> Result<Datetime2, CallError>;

    /// json
    #[client(name = "json")]
    async fn json(&self, json: &Json, json2: &str) -> Result<Json2, CallError>;

    /// json
    #[client(name = "json")]
    async fn json_with_x(&self, json: &Json, json2: &str, x: &Json3) -> Result<Json2, CallError>;

    /// xmlrpc
    #[client(name = "xmlrpc")]
    async fn xmlrpc(&self, xmlrpc: &Xmlrpc, xmlrpc2: &str) -> Result<Xmlrpc2, CallError>;

    /// xmlrpc
    #[client(name = "xmlrpc")]
    async fn xmlrpc_with_x(&self, xmlrpc: &Xmlrpc, xmlrpc2: &str, x: &Xmlrpc3) -> Result<Xmlrpc2, CallError>;

    /// urllib
    #[client(name = "urllib")]
    async fn urllib(&self, urllib: &Urllib, urllib2: &str) -> Result<Urllib2, CallError>;

    /// urllib
    #[client(name = "urllib")]
    async fn urllib_with_x(&self, urllib: &Urllib, urllib2: &str, x: &Urllib3) -> Result<Urllib2, CallError>;

    /// arguments
    #[client(name = "arguments")]
    async fn arguments(&self, arguments: &Arguments, arguments2: &str) -> Result<Arguments2, CallError>;

    /// arguments
    #[client(name = "arguments")]
    async fn arguments_with_x(&self, arguments: &Arguments, arguments2: &str, x: &Arguments3) -> Result<Arguments2, CallError>;

    /// values
    #[client(name = "values")]
    async fn values(&self, values: &Values, values2: &str) -> Result<Values2, CallError>;

    /// values
    #[client(name = "values")]
    async fn values_with_x(&self, values: &Values, values2: &str, x: &Values3) -> Result<Values2, CallError>;

    /// method
    #[client(name = "method")]
    async fn method3(&self, method: &Method, method2: &str) -> Result<Method2, CallError>;

    /// method
    #[client(name = "method")]
    async fn method_with_x3(&self, method: &Method, method2: &str, x: &Method3) -> Result<Method2, CallError>;

    /// required
    #[client(name = "required")]
    async fn required(&self, required: &Required, required2: &str) -> Result<Required2, CallError>;

    /// required
    #[client(name = "required")]
    async fn required_with_x(&self, required: &Required, required2: &str, x: &Required3) -> Result<Required2, CallError>;

    /// eval
    #[client(name = "eval")]
    async fn eval(&self, eval: &Eval, eval2: &str) -> Result<Eval2, CallError>;

    /// eval
    #[client(name = "eval")]
    async fn eval_with_x(&self, eval: &Eval, eval2: &str, x: &Eval3) -> Result<Eval2, CallError>;

    /// x́
    #[client(name = "x\u{301}")]
    async fn x(&self, x: &X6, x2: &str) -> Result<X11, CallError>;

    /// x́
    #[client(name = "x\u{301}")]
    async fn x_with_x(&self, x: &X6, x2: &str, x3: &X12) -> Result<X11, CallError>;

    /// ＡＢ
    #[client(name = "\u{ff21}\u{ff22}")]
    async fn method4(&self, argument: &Unnamed10, argument2: &str) -> Result<Unnamed19, CallError>;

    /// ＡＢ
    #[client(name = "\u{ff21}\u{ff22}")]
    async fn method_with_x4(&self, argument: &Unnamed10, argument2: &str, x: &Unnamed28) -> Result<Unnamed19, CallError>;

    /// "); pwned(); ("
    #[client(name = "\"); pwned(); (\"")]
    async fn pwned(&self, pwned: &Pwned4, pwned2: &str) -> Result<Pwned17, CallError>;

    /// "); pwned(); ("
    #[client(name = "\"); pwned(); (\"")]
    async fn pwned_with_x(&self, pwned: &Pwned4, pwned2: &str, x: &Pwned30) -> Result<Pwned17, CallError>;

    /// '); pwned(); ('
    #[client(name = "'); pwned(); ('")]
    async fn pwned2(&self, pwned: &Pwned7, pwned2: &str) -> Result<Pwned20, CallError>;

    /// '); pwned(); ('
    #[client(name = "'); pwned(); ('")]
    async fn pwned_with_x2(&self, pwned: &Pwned7, pwned2: &str, x: &Pwned33) -> Result<Pwned20, CallError>;

    /// */ pwned(); /*
    #[client(name = "*/ pwned(); /*")]
    async fn pwned3(&self, pwned: &Pwned8, pwned2: &str) -> Result<Pwned21, CallError>;

    /// */ pwned(); /*
    #[client(name = "*/ pwned(); /*")]
    async fn pwned_with_x3(&self, pwned: &Pwned8, pwned2: &str, x: &Pwned34) -> Result<Pwned21, CallError>;

    /// ${pwned()}
    #[client(name = "${pwned()}")]
    async fn pwned4(&self, pwned: &Pwned5, pwned2: &str) -> Result<Pwned18, CallError>;

    /// ${pwned()}
    #[client(name = "${pwned()}")]
    async fn pwned_with_x4(&self, pwned: &Pwned5, pwned2: &str, x: &Pwned31) -> Result<Pwned18, CallError>;

    /// `pwned()`
    #[client(name = "`pwned()`")]
    async fn pwned5(&self, pwned: &Pwned10, pwned2: &str) -> Result<Pwned23, CallError>;

    /// `pwned()`
    #[client(name = "`pwned()`")]
    async fn pwned_with_x5(&self, pwned: &Pwned10, pwned2: &str, x: &Pwned36) -> Result<Pwned23, CallError>;

    /// """
    /// pwned()
    /// """
    #[client(name = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    async fn pwned6(&self, pwned: &Pwned3, pwned2: &str) -> Result<Pwned16, CallError>;

    /// """
    /// pwned()
    /// """
    #[client(name = "\"\"\"\u{a}pwned()\u{a}\"\"\"")]
    async fn pwned_with_x6(&self, pwned: &Pwned3, pwned2: &str, x: &Pwned29) -> Result<Pwned16, CallError>;

    /// '''
    /// pwned()
    /// '''
    #[client(name = "'''\u{a}pwned()\u{a}'''")]
    async fn pwned7(&self, pwned: &Pwned6, pwned2: &str) -> Result<Pwned19, CallError>;

    /// '''
    /// pwned()
    /// '''
    #[client(name = "'''\u{a}pwned()\u{a}'''")]
    async fn pwned_with_x7(&self, pwned: &Pwned6, pwned2: &str, x: &Pwned32) -> Result<Pwned19, CallError>;

    /// pwned()
    #[client(name = "\u{a}pwned()\u{a}")]
    async fn pwned8(&self, pwned: &Pwned, pwned2: &str) -> Result<Pwned14, CallError>;

    /// pwned()
    #[client(name = "\u{a}pwned()\u{a}")]
    async fn pwned_with_x8(&self, pwned: &Pwned, pwned2: &str, x: &Pwned27) -> Result<Pwned14, CallError>;

    /// U+000Dpwned()U+000D
    #[client(name = "\u{d}pwned()\u{d}")]
    async fn pwned9(&self, pwned: &Pwned2, pwned2: &str) -> Result<Pwned15, CallError>;

    /// U+000Dpwned()U+000D
    #[client(name = "\u{d}pwned()\u{d}")]
    async fn pwned_with_x9(&self, pwned: &Pwned2, pwned2: &str, x: &Pwned28) -> Result<Pwned15, CallError>;

    /// U+2028pwned()U+2028
    #[client(name = "\u{2028}pwned()\u{2028}")]
    async fn pwned10(&self, pwned: &Pwned12, pwned2: &str) -> Result<Pwned25, CallError>;

    /// U+2028pwned()U+2028
    #[client(name = "\u{2028}pwned()\u{2028}")]
    async fn pwned_with_x10(&self, pwned: &Pwned12, pwned2: &str, x: &Pwned38) -> Result<Pwned25, CallError>;

    /// U+202Epwned()U+202C
    #[client(name = "\u{202e}pwned()\u{202c}")]
    async fn pwned11(&self, pwned: &Pwned13, pwned2: &str) -> Result<Pwned26, CallError>;

    /// U+202Epwned()U+202C
    #[client(name = "\u{202e}pwned()\u{202c}")]
    async fn pwned_with_x11(&self, pwned: &Pwned13, pwned2: &str, x: &Pwned39) -> Result<Pwned26, CallError>;

    /// \\
    #[client(name = "\\")]
    async fn method5(&self, argument: &Unnamed2, argument2: &str) -> Result<Unnamed12, CallError>;

    /// \\
    #[client(name = "\\")]
    async fn method_with_x5(&self, argument: &Unnamed2, argument2: &str, x: &Unnamed21) -> Result<Unnamed12, CallError>;

    /// \\"
    #[client(name = "\\\"")]
    async fn method6(&self, argument: &Unnamed3, argument2: &str) -> Result<Unnamed13, CallError>;

    /// \\"
    #[client(name = "\\\"")]
    async fn method_with_x6(&self, argument: &Unnamed3, argument2: &str, x: &Unnamed22) -> Result<Unnamed13, CallError>;

    /// \\u{22}pwned()
    #[client(name = "\\u{22}pwned()")]
    async fn u_22_pwned(&self, u_22_pwned: &U22Pwned, u_22_pwned2: &str) -> Result<U22Pwned2, CallError>;

    /// \\u{22}pwned()
    #[client(name = "\\u{22}pwned()")]
    async fn u_22_pwned_with_x(&self, u_22_pwned: &U22Pwned, u_22_pwned2: &str, x: &U22Pwned3) -> Result<U22Pwned2, CallError>;

    /// "; compile_error!("pwned"); "
    #[client(name = "\"; compile_error!(\"pwned\"); \"")]
    async fn compile_error_pwned(&self, compile_error_pwned: &CompileErrorPwned, compile_error_pwned2: &str) -> Result<CompileErrorPwned2, CallError>;

    /// "; compile_error!("pwned"); "
    #[client(name = "\"; compile_error!(\"pwned\"); \"")]
    async fn compile_error_pwned_with_x(&self, compile_error_pwned: &CompileErrorPwned, compile_error_pwned2: &str, x: &CompileErrorPwned3) -> Result<CompileErrorPwned2, CallError>;

    /// '''
    /// panic!("pwned");
    /// '''
    #[client(name = "```\u{a}panic!(\"pwned\");\u{a}```")]
    async fn panic_pwned(&self, panic_pwned: &PanicPwned3, panic_pwned2: &str) -> Result<PanicPwned6, CallError>;

    /// '''
    /// panic!("pwned");
    /// '''
    #[client(name = "```\u{a}panic!(\"pwned\");\u{a}```")]
    async fn panic_pwned_with_x(&self, panic_pwned: &PanicPwned3, panic_pwned2: &str, x: &PanicPwned9) -> Result<PanicPwned6, CallError>;

    /// panic!("pwned");
    #[client(name = "    panic!(\"pwned\");")]
    async fn panic_pwned2(&self, panic_pwned: &PanicPwned, panic_pwned2: &str) -> Result<PanicPwned4, CallError>;

    /// panic!("pwned");
    #[client(name = "    panic!(\"pwned\");")]
    async fn panic_pwned_with_x2(&self, panic_pwned: &PanicPwned, panic_pwned2: &str, x: &PanicPwned7) -> Result<PanicPwned4, CallError>;

    /// - panic!("pwned");
    #[client(name = "-     panic!(\"pwned\");")]
    async fn panic_pwned3(&self, panic_pwned: &PanicPwned2, panic_pwned2: &str) -> Result<PanicPwned5, CallError>;

    /// - panic!("pwned");
    #[client(name = "-     panic!(\"pwned\");")]
    async fn panic_pwned_with_x3(&self, panic_pwned: &PanicPwned2, panic_pwned2: &str, x: &PanicPwned8) -> Result<PanicPwned5, CallError>;

    /// 1. '''
    /// panic!("pwned");
    /// '''
    #[client(name = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    async fn method1_panic_pwned(&self, argument1_panic_pwned: &Unnamed1PanicPwned, argument1_panic_pwned2: &str) -> Result<Unnamed1PanicPwned2, CallError>;

    /// 1. '''
    /// panic!("pwned");
    /// '''
    #[client(name = "1. ~~~\u{a}panic!(\"pwned\");\u{a}~~~")]
    async fn method1_panic_pwned_with_x(&self, argument1_panic_pwned: &Unnamed1PanicPwned, argument1_panic_pwned2: &str, x: &Unnamed1PanicPwned3) -> Result<Unnamed1PanicPwned2, CallError>;

    /// >>> pwned()
    #[client(name = ">>> pwned()")]
    async fn pwned12(&self, pwned: &Pwned9, pwned2: &str) -> Result<Pwned22, CallError>;

    /// >>> pwned()
    #[client(name = ">>> pwned()")]
    async fn pwned_with_x12(&self, pwned: &Pwned9, pwned2: &str, x: &Pwned35) -> Result<Pwned22, CallError>;

    /// @ts-nocheck
    #[client(name = "@ts-nocheck")]
    async fn ts_nocheck(&self, ts_nocheck: &TsNocheck, ts_nocheck2: &str) -> Result<TsNocheck2, CallError>;

    /// @ts-nocheck
    #[client(name = "@ts-nocheck")]
    async fn ts_nocheck_with_x(&self, ts_nocheck: &TsNocheck, ts_nocheck2: &str, x: &TsNocheck3) -> Result<TsNocheck2, CallError>;

    /// \<script>pwned()\</script>
    #[client(name = "<script>pwned()</script>")]
    async fn script_pwned_script(&self, script_pwned_script: &ScriptPwnedScript, script_pwned_script2: &str) -> Result<ScriptPwnedScript2, CallError>;

    /// \<script>pwned()\</script>
    #[client(name = "<script>pwned()</script>")]
    async fn script_pwned_script_with_x(&self, script_pwned_script: &ScriptPwnedScript, script_pwned_script2: &str, x: &ScriptPwnedScript3) -> Result<ScriptPwnedScript2, CallError>;

    /// \[x\](javascript:pwned())
    #[client(name = "[x](javascript:pwned())")]
    async fn x_javascript_pwned(&self, x_javascript_pwned: &XJavascriptPwned, x_javascript_pwned2: &str) -> Result<XJavascriptPwned3, CallError>;

    /// \[x\](javascript:pwned())
    #[client(name = "[x](javascript:pwned())")]
    async fn x_javascript_pwned_with_x(&self, x_javascript_pwned: &XJavascriptPwned, x_javascript_pwned2: &str, x: &XJavascriptPwned5) -> Result<XJavascriptPwned3, CallError>;

    /// \[x\]: javascript:pwned()
    #[client(name = "[x]: javascript:pwned()")]
    async fn x_javascript_pwned2(&self, x_javascript_pwned: &XJavascriptPwned2, x_javascript_pwned2: &str) -> Result<XJavascriptPwned4, CallError>;

    /// \[x\]: javascript:pwned()
    #[client(name = "[x]: javascript:pwned()")]
    async fn x_javascript_pwned_with_x2(&self, x_javascript_pwned: &XJavascriptPwned2, x_javascript_pwned2: &str, x: &XJavascriptPwned6) -> Result<XJavascriptPwned4, CallError>;

    /// #!\[feature(pwned)\]
    #[client(name = "#![feature(pwned)]")]
    async fn feature_pwned(&self, feature_pwned: &FeaturePwned, feature_pwned2: &str) -> Result<FeaturePwned2, CallError>;

    /// #!\[feature(pwned)\]
    #[client(name = "#![feature(pwned)]")]
    async fn feature_pwned_with_x(&self, feature_pwned: &FeaturePwned, feature_pwned2: &str, x: &FeaturePwned3) -> Result<FeaturePwned2, CallError>;

    /// {pwned}
    #[client(name = "{pwned}")]
    async fn pwned13(&self, pwned: &Pwned11, pwned2: &str) -> Result<Pwned24, CallError>;

    /// {pwned}
    #[client(name = "{pwned}")]
    async fn pwned_with_x13(&self, pwned: &Pwned11, pwned2: &str, x: &Pwned37) -> Result<Pwned24, CallError>;

    /// //
    #[client(name = "//")]
    async fn method7(&self, argument: &Unnamed, argument2: &str) -> Result<Unnamed11, CallError>;

    /// //
    #[client(name = "//")]
    async fn method_with_x7(&self, argument: &Unnamed, argument2: &str, x: &Unnamed20) -> Result<Unnamed11, CallError>;

    /// U+007FU+0085
    #[client(name = "\u{7f}\u{85}")]
    async fn method8(&self, argument: &Unnamed6, argument2: &str) -> Result<Unnamed16, CallError>;

    /// U+007FU+0085
    #[client(name = "\u{7f}\u{85}")]
    async fn method_with_x8(&self, argument: &Unnamed6, argument2: &str, x: &Unnamed25) -> Result<Unnamed16, CallError>;

    /// é
    #[client(name = "\u{e9}")]
    async fn method10(&self, argument: &Unnamed7, argument2: &str) -> Result<Unnamed17, CallError>;

    /// é
    #[client(name = "\u{e9}")]
    async fn method_with_x9(&self, argument: &Unnamed7, argument2: &str, x: &Unnamed26) -> Result<Unnamed17, CallError>;

    /// ☃
    #[client(name = "\u{2603}")]
    async fn method11(&self, argument: &Unnamed8, argument2: &str) -> Result<Unnamed18, CallError>;

    /// ☃
    #[client(name = "\u{2603}")]
    async fn method_with_x10(&self, argument: &Unnamed8, argument2: &str, x: &Unnamed27) -> Result<Unnamed18, CallError>;

    /// longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong
    #[client(name = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    async fn longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong(&self, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong: &Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2: &str) -> Result<Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3, CallError>;

    /// longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong
    #[client(name = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong")]
    async fn longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong_with_x(&self, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong: &Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong, longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong2: &str, x: &Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong4) -> Result<Longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong3, CallError>;
}
