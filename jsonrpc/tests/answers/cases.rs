//! The table of hostile and odd documents. The answers are those of the specification; where it
//! leaves a choice, the comment says what was chosen.

/// The result of `get_data`.
pub(super) const DATA: &str = r#"["hello",5]"#;

/// The answer to a document.
pub(super) enum Expected {
    /// The text of the result, and that of the id.
    Result(&'static str, &'static str),
    /// The code, and the text of the id.
    Error(i64, &'static str),
    /// The codes of the errors of a batch, 0 for a result.
    Batch(&'static [i64]),
    Nothing,
}

use Expected::{Batch, Error, Nothing, Result};

pub(super) const PARSE: i64 = -32700;
pub(super) const INVALID: i64 = -32600;
pub(super) const UNKNOWN: i64 = -32601;
pub(super) const PARAMS: i64 = -32602;

pub(super) const CASES: &[(&str, Expected)] = &[
    // No JSON.
    ("", Error(PARSE, "null")),
    (" \n", Error(PARSE, "null")),
    ("{", Error(PARSE, "null")),
    ("[", Error(PARSE, "null")),
    ("]", Error(PARSE, "null")),
    ("}", Error(PARSE, "null")),
    ("[,]", Error(PARSE, "null")),
    ("[1,]", Error(PARSE, "null")),
    ("[1 2]", Error(PARSE, "null")),
    ("{\"a\":1,}", Error(PARSE, "null")),
    ("{\"a\"}", Error(PARSE, "null")),
    ("{a:1}", Error(PARSE, "null")),
    ("{'a':1}", Error(PARSE, "null")),
    ("{1:1}", Error(PARSE, "null")),
    ("{\"a\":1}x", Error(PARSE, "null")),
    ("{}{}", Error(PARSE, "null")),
    ("[]\0", Error(PARSE, "null")),
    ("1 1", Error(PARSE, "null")),
    ("NaN", Error(PARSE, "null")),
    ("Infinity", Error(PARSE, "null")),
    ("undefined", Error(PARSE, "null")),
    ("nul", Error(PARSE, "null")),
    ("01", Error(PARSE, "null")),
    ("1.", Error(PARSE, "null")),
    (".5", Error(PARSE, "null")),
    ("+1", Error(PARSE, "null")),
    ("0x10", Error(PARSE, "null")),
    ("\"a", Error(PARSE, "null")),
    ("\"\n\"", Error(PARSE, "null")),
    ("\"\\x41\"", Error(PARSE, "null")),
    ("\"\\u12\"", Error(PARSE, "null")),
    ("// c\n1", Error(PARSE, "null")),
    ("/**/{}", Error(PARSE, "null")),
    ("\u{feff}{}", Error(PARSE, "null")),
    ("\u{feff}", Error(PARSE, "null")),
    ("\u{a0}{}", Error(PARSE, "null")),
    ("\u{c}{}", Error(PARSE, "null")),
    ("<methodCall/>", Error(PARSE, "null")),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1}}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":01}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":NaN}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","\ud800":1,"method":"get_data","id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":1},{]"#,
        Error(PARSE, "null"),
    ),
    // JSON, and no request.
    ("1", Error(INVALID, "null")),
    ("-0", Error(INVALID, "null")),
    ("1e999", Error(INVALID, "null")),
    ("\"a\"", Error(INVALID, "null")),
    ("null", Error(INVALID, "null")),
    ("true", Error(INVALID, "null")),
    ("\"\\ud800\"", Error(INVALID, "null")),
    ("{}", Error(INVALID, "null")),
    (r#"{"id":7}"#, Error(INVALID, "7")),
    (r#"{"foo":"boo"}"#, Error(INVALID, "null")),
    (r#"{"method":"get_data","id":1}"#, Error(INVALID, "1")),
    (
        r#"{"jsonrpc":"1.0","method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.00","method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"","method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":2.0,"method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":2,"method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":null,"method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":["2.0"],"method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"JSONRPC":"2.0","method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (r#"{"jsonrpc":"2.0","id":1}"#, Error(INVALID, "1")),
    (
        r#"{"jsonrpc":"2.0","Method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":null,"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":1,"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":["get_data"],"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":{"a":1},"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"\ud800","id":1}"#,
        Error(PARSE, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":"bar","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":1,"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":null,"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":true,"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":"bar"}"#,
        Error(INVALID, "null"),
    ),
    // Ids.
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":{}}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":[]}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":[1]}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":true}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":false}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":null}"#,
        Result(DATA, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":0}"#,
        Result(DATA, "0"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":-1}"#,
        Result(DATA, "-1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1.50}"#,
        Result(DATA, "1.50"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1E+2}"#,
        Result(DATA, "1E+2"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1e999}"#,
        Result(DATA, "1e999"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":9007199254740993}"#,
        Result(DATA, "9007199254740993"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":123456789012345678901234567890}"#,
        Result(DATA, "123456789012345678901234567890"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":""}"#,
        Result(DATA, r#""""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"a\u0000\"\/"}"#,
        Result(DATA, r#""a\u0000\"\/""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"é"}"#,
        Result(DATA, r#""é""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id": 7 }"#,
        Result(DATA, "7"),
    ),
    (
        r#"{"id":1,"params":[],"method":"get_data","jsonrpc":"2.0"}"#,
        Result(DATA, "1"),
    ),
    (r#"{"jsonrpc":"2.0","method":"get_data","ID":1}"#, Nothing),
    // Members.
    (
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","m\u0065thod":"sum","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"sum","params":[],"params":[1],"id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1,"id":2}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1,"x":{"y":[1]},"x":2}"#,
        Result(DATA, "1"),
    ),
    (
        r#"{"jsonrpc":"\u0032.0","m\u0065thod":"g\u0065t_data","id":1}"#,
        Result(DATA, "1"),
    ),
    (
        "\n {\t\"jsonrpc\"\r:\"2.0\",\"method\":\"get_data\",\"id\":1}\r\n ",
        Result(DATA, "1"),
    ),
    // Methods.
    (
        r#"{"jsonrpc":"2.0","method":"","id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"Get_data","id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"rpc.reserved","id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"foo","params":{"a":1},"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"fail","params":[42,"no"],"id":1}"#,
        Error(42, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"fail","params":[42,"no"]}"#,
        Nothing,
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":["a"]}"#,
        Nothing,
    ),
    // Parameters.
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[1],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[1,2,3],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":{},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1,"subtrahend":2,"x":3},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1,"minuend":1,"subtrahend":2},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1,"Subtrahend":2},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"sum","params":{"a":1},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"sum","params":{},"id":1}"#,
        Result("0", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":{},"id":1}"#,
        Result(DATA, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":{"a":1},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":[1],"id":1}"#,
        Result("[1,null]", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":{"a":1},"id":1}"#,
        Result("[1,null]", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":{"b":"x","a":1},"id":1}"#,
        Result(r#"[1,"x"]"#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"big","params":[18446744073709551615],"id":1}"#,
        Result("18446744073709551615", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"big","params":[18446744073709551616],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"big","params":[-1],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"big","params":[1.5],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\ud83d\ude00"],"id":1}"#,
        Result("\"😀\"", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\ud800"],"id":1}"#,
        Error(PARSE, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\ud800x"],"id":1}"#,
        Error(PARSE, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[{"a":[1,{"b":null}]}],"id":1}"#,
        Result(r#"{"a":[1,{"b":null}]}"#, "1"),
    ),
    // Batches.
    (r#"[[]]"#, Batch(&[INVALID])),
    (
        r#"[[{"jsonrpc":"2.0","method":"get_data","id":1}]]"#,
        Batch(&[INVALID]),
    ),
    (r#"[null]"#, Batch(&[INVALID])),
    (r#"[{}]"#, Batch(&[INVALID])),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":1}]"#,
        Batch(&[0]),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":1},{"jsonrpc":"2.0","method":"get_data","id":1}]"#,
        Batch(&[0, 0]),
    ),
    (
        r#"[1,{"jsonrpc":"2.0","method":"get_data"},{"jsonrpc":"2.0","method":"x","id":1}]"#,
        Batch(&[INVALID, UNKNOWN]),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data"},{"jsonrpc":"2.0","method":"x"}]"#,
        Nothing,
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"echo","params":["\ud800"],"id":1},{"jsonrpc":"2.0","method":"get_data","id":2}]"#,
        Batch(&[PARSE, 0]),
    ),
    // Values as they are, in a `Value`.
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[18446744073709551615],"id":1}"#,
        Result("18446744073709551615", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[9223372036854775808],"id":1}"#,
        Result("9223372036854775808", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[-9223372036854775808],"id":1}"#,
        Result("-9223372036854775808", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[9007199254740993],"id":1}"#,
        Result("9007199254740993", "1"),
    ),
    // Beyond 64 bits, a number of unknown type is the nearest double, as in most languages.
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[18446744073709551616],"id":1}"#,
        Result("1.8446744073709552e+19", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[-9223372036854775809],"id":1}"#,
        Result("-9.223372036854776e+18", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1.0],"id":1}"#,
        Result("1.0", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1e2],"id":1}"#,
        Result("100.0", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1e300],"id":1}"#,
        Result("1e+300", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[-0],"id":1}"#,
        Result("-0.0", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1e-400],"id":1}"#,
        Result("0.0", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[[null]],"id":1}"#,
        Result("[null]", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[[[],{}]],"id":1}"#,
        Result("[[],{}]", "1"),
    ),
    // No double is so large.
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1e400],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[-1e400],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    // Of a name that is there twice in a value, the last one counts, as in ECMA-262.
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[{"a":1,"b":2,"a":3}],"id":1}"#,
        Result(r#"{"a":3,"b":2}"#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\u0000"],"id":1}"#,
        Result(r#""\u0000""#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\b\f\/"],"id":1}"#,
        Result(r#""\b\f/""#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\u2028"],"id":1}"#,
        Result(r#"" ""#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[" "],"id":1}"#,
        Result(r#"" ""#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["é"],"id":1}"#,
        Result(r#""é""#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[{"":{"":null}}],"id":1}"#,
        Result(r#"{"":{"":null}}"#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[{"__proto__":1}],"id":1}"#,
        Result(r#"{"__proto__":1}"#, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\udc00"],"id":1}"#,
        Error(PARSE, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\ud83d\ud83d"],"id":1}"#,
        Error(PARSE, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[{"\ud800":1}],"id":1}"#,
        Error(PARSE, "1"),
    ),
    // Documents that are broken in their parameters.
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[nul],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1,],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[,1],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":{"x":},"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1,"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[.1],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[1e],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[--1],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":["\q"],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"echo","params":[\u0031],"id":1}"#,
        Error(PARSE, "null"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"\u{1}\"],\"id\":1}",
        Error(PARSE, "null"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"\t\"],\"id\":1}",
        Error(PARSE, "null"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"method\":\"get_data\",\u{feff}\"id\":1}",
        Error(PARSE, "null"),
    ),
    // Types that do not fit.
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":["1",2],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    // A double is no integer, even if it has no fraction.
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[1,2.0],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[1,null],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[true,false],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[[1],[2]],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[[1,2]],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[{"minuend":1,"subtrahend":2}],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":[9223372036854775808,0],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":{"minuend":null,"subtrahend":2},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"subtract","params":{"":1,"minuend":1,"subtrahend":2},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":[],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":[null],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":{},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":{"b":"x"},"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":[1,2],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":[1,"x",null],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":[1,null],"id":1}"#,
        Result("[1,null]", "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"optional","params":{"a":1,"b":null},"id":1}"#,
        Result("[1,null]", "1"),
    ),
    // Names of methods.
    (
        r#"{"jsonrpc":"2.0","method":"rpc.","params":[],"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"system.multicall","params":[],"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"__proto__","params":[],"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data ","params":[],"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data\u0000","params":[],"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"é","params":[],"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data()","params":[],"id":1}"#,
        Error(UNKNOWN, "1"),
    ),
    // Ids, as they are written.
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"null"}"#,
        Result(DATA, r#""null""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":-0}"#,
        Result(DATA, "-0"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":0.0}"#,
        Result(DATA, "0.0"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1e0}"#,
        Result(DATA, "1e0"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":" "}"#,
        Result(DATA, r#"" ""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"1"}"#,
        Result(DATA, r#""1""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"[]"}"#,
        Result(DATA, r#""[]""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"\u0061"}"#,
        Result(DATA, r#""\u0061""#),
    ),
    // A text that is only repeated need not be one of Unicode.
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"\ud800"}"#,
        Result(DATA, r#""\ud800""#),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":[[]]}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":{"a":1}}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":[null]}"#,
        Error(INVALID, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":undefined}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":"a}"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","":1,"id":1}"#,
        Result(DATA, "1"),
    ),
    // A request, whatever else it has.
    (
        r#"{"jsonrpc":"2.0","method":"get_data","id":1,"result":5,"error":null}"#,
        Result(DATA, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0 ","method":"get_data","id":1}"#,
        Error(INVALID, "1"),
    ),
    (
        r#"{"jsonrpc":"2.0","method":"get_data","params":[[]],"id":1}"#,
        Error(PARAMS, "1"),
    ),
    // More batches.
    ("[ \n ]", Error(INVALID, "null")),
    (r#"[[[]]]"#, Batch(&[INVALID])),
    (
        r#"[1,"a",null,true,{},[]]"#,
        Batch(&[INVALID, INVALID, INVALID, INVALID, INVALID, INVALID]),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":1},[],{"jsonrpc":"2.0","method":"get_data","id":2}]"#,
        Batch(&[0, INVALID, 0]),
    ),
    (r#"[{"jsonrpc":"2.0","method":"foobar"}]"#, Nothing),
    (
        r#"[{"jsonrpc":"2.0","method":"foobar","id":1}]"#,
        Batch(&[UNKNOWN]),
    ),
    (r#"[{"jsonrpc":"2.0","method":1}]"#, Batch(&[INVALID])),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":{}}]"#,
        Batch(&[INVALID]),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":null}]"#,
        Batch(&[0]),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":1},{"jsonrpc":"2.0","method":"get_data","id":1,"id":2}]"#,
        Batch(&[0, INVALID]),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"subtract","params":["x"],"id":1},{"jsonrpc":"2.0","method":"fail","params":[7,"no"],"id":2},{"jsonrpc":"2.0","method":"update","params":[1]}]"#,
        Batch(&[PARAMS, 7]),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":1},]"#,
        Error(PARSE, "null"),
    ),
    (
        r#"[{"jsonrpc":"2.0","method":"get_data","id":1}}]"#,
        Error(PARSE, "null"),
    ),
    (
        r#"{"0":{"jsonrpc":"2.0","method":"get_data","id":1}}"#,
        Error(INVALID, "null"),
    ),
];
