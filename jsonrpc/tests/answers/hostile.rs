//! Hostile and odd documents, and their answers.

use super::{Methods, answer, server};

/// The envelope of a call with this id of `get_data`.
const DATA: &str = r#"["hello",5]"#;

/// The answer to a document.
enum Expected {
    /// The text of the result, and that of the id.
    Result(&'static str, &'static str),
    /// The code, and the text of the id.
    Error(i64, &'static str),
    /// The codes of the errors of a batch, 0 for a result.
    Batch(&'static [i64]),
    Nothing,
}

use Expected::{Batch, Error, Nothing, Result};

const PARSE: i64 = -32700;
const INVALID: i64 = -32600;
const UNKNOWN: i64 = -32601;
const PARAMS: i64 = -32602;

const CASES: &[(&str, Expected)] = &[
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
        r#"{"jsonrpc":"2.0","method":"rpc.discover","id":1}"#,
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
];

async fn check(document: Vec<u8>, expected: &Expected) {
    let server = server(&Methods::default());
    let shown = String::from_utf8_lossy(&document[..document.len().min(200)]).into_owned();
    let (status, text) = answer(&server, document).await;
    let error = |text: &str| -> Option<i64> {
        let answer: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(answer.get("error").is_some() != answer.get("result").is_some());
        answer
            .get("error")
            .map(|error| error["code"].as_i64().unwrap())
    };
    match expected {
        Nothing => assert_eq!((status, &*text), (204, ""), "{shown}"),
        Result(result, id) => {
            let expected = format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#);
            assert_eq!((status, text), (200, expected), "{shown}");
        }
        Error(code, id) => {
            assert_eq!(status, 200, "{shown}");
            assert_eq!(error(&text), Some(*code), "{shown}: {text}");
            assert!(
                text.ends_with(&format!(r#","id":{id}}}"#)),
                "{shown}: {text}"
            );
        }
        Batch(codes) => {
            let answers: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            let found: Vec<_> = answers
                .iter()
                .map(|answer| error(&answer.to_string()).unwrap_or_default())
                .collect();
            assert_eq!(found, *codes, "{shown}: {text}");
        }
    }
}

#[tokio::test]
async fn every_odd_document_has_its_answer() {
    for (document, expected) in CASES {
        check(document.as_bytes().to_vec(), expected).await;
    }
}

#[tokio::test]
async fn documents_at_their_limits() {
    let call = |method: &str, params: &str, id: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":{id}}}"#)
    };
    let nested = |depth| format!("[{}{}]", "[".repeat(depth), "]".repeat(depth));
    let digits = "9".repeat(400);
    let id = |length: usize| format!("\"{}\"", "i".repeat(length - 2));
    let entries = |count| format!("[{}]", vec![call("get_data", "[]", "1"); count].join(","));
    let cases = [
        (
            b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}".to_vec(),
            Error(PARSE, "null"),
        ),
        (b"\xed\xa0\x80".to_vec(), Error(PARSE, "null")),
        (b"\xc0\x80".to_vec(), Error(PARSE, "null")),
        (b"\xff\xfe{\0}\0".to_vec(), Error(PARSE, "null")),
        (
            call("echo", &nested(10), "1").into(),
            Result("[[[[[[[[[[]]]]]]]]]]", "1"),
        ),
        (call("echo", &nested(200), "1").into(), Error(INVALID, "1")),
        (
            call("echo", &nested(10_000), "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call("echo", &nested(1_000_000), "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call("get_data", &nested(100_000), "1").into(),
            Error(PARAMS, "1"),
        ),
        (nested(100_000).into(), Batch(&[INVALID])),
        ("[".repeat(1_000_000).into(), Error(PARSE, "null")),
        ("{\"a\":".repeat(1_000_000).into(), Error(PARSE, "null")),
        (
            call("big", &format!("[{digits}]"), "1").into(),
            Error(PARAMS, "1"),
        ),
        (
            call("get_data", "[]", &digits).into(),
            Error(INVALID, "null"),
        ),
        (
            call("get_data", "[]", &id(257)).into(),
            Error(INVALID, "null"),
        ),
        (
            call(&"m".repeat(1025), "[]", "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call(&"m".repeat(100_000), "[]", "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call(&"m".repeat(1024), "[]", "1").into(),
            Error(UNKNOWN, "1"),
        ),
        (entries(1001).into(), Error(INVALID, "null")),
        (entries(20_000).into(), Error(INVALID, "null")),
    ];
    for (document, expected) in cases {
        check(document, &expected).await;
    }
    let server = server(&Methods::default());
    let longest = id(256);
    let (_, text) = answer(&server, call("get_data", "[]", &longest)).await;
    assert!(text.ends_with(&format!(r#""id":{longest}}}"#)), "{text}");
    let (_, text) = answer(&server, entries(1000)).await;
    assert_eq!(text.matches(DATA).count(), 1000);
}

#[tokio::test]
async fn errors_have_their_place_in_the_document() {
    let server = server(&Methods::default());
    for (document, expected) in [
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subtract\",\n\"params\":[1,\"x\"]}",
            "parameter 2: invalid type: string \\\"x\\\", expected i64, at line 2, column 15",
        ),
        (
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get_data\"},\n\
             {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subtract\",\"params\":\n{\"minuend\":1,\"subtrahend\":\"x\"}}]",
            "parameter `subtrahend`: invalid type: string \\\"x\\\", expected i64, at line 3, column 29",
        ),
        ("[1,\n2", "EOF while parsing a list, at line 2, column 1"),
    ] {
        let (_, text) = answer(&server, document).await;
        assert!(text.contains(expected), "{text}");
    }
}
