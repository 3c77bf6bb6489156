//! The examples of the specification, in its order.

use std::sync::atomic::Ordering;

use super::{Methods, answer, server};

/// Requests, and the answers of the specification. The texts of errors are for people: it is their
/// codes and ids that are compared.
const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 1}"#,
    ),
    (
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
        r#"{"jsonrpc": "2.0", "result": -19, "id": 2}"#,
    ),
    (
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 3}"#,
    ),
    (
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 4}"#,
    ),
    (
        r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#,
        "",
    ),
    (r#"{"jsonrpc": "2.0", "method": "foobar"}"#, ""),
    (
        r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}"#,
    ),
    (
        r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
    ),
    (
        r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
    ),
    (
        r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
    ),
    (
        "[]",
        r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
    ),
    (
        "[1]",
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#,
    ),
    (
        "[1,2,3]",
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
            {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
            {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#,
    ),
    (
        r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
            {"jsonrpc": "2.0", "method": "update", "params": [7]},
            {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
            {"foo": "boo"},
            {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
            {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]"#,
        r#"[{"jsonrpc": "2.0", "result": 7, "id": "1"},
            {"jsonrpc": "2.0", "result": 19, "id": "2"},
            {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
            {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
            {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}]"#,
    ),
    (
        r#"[{"jsonrpc": "2.0", "method": "update", "params": [1,2,4]},
            {"jsonrpc": "2.0", "method": "update", "params": [7]}]"#,
        "",
    ),
];

#[tokio::test]
async fn every_example_has_the_answer_of_the_specification() {
    let methods = Methods::default();
    let server = server(&methods);
    for (document, expected) in EXAMPLES {
        let (status, answer) = answer(&server, *document).await;
        if expected.is_empty() {
            assert_eq!((status, &*answer), (204, ""), "{document}");
            continue;
        }
        assert_eq!(status, 200, "{document}");
        assert_eq!(
            without_texts(&answer),
            without_texts(expected),
            "{document}"
        );
    }
    // The notifications ran.
    assert_eq!(methods.notified.load(Ordering::Relaxed), 4);
}

/// Returns an answer without the texts of its errors.
fn without_texts(answer: &str) -> serde_json::Value {
    let mut answer = serde_json::from_str(answer).unwrap();
    let answers = match &mut answer {
        serde_json::Value::Array(answers) => answers.as_mut_slice(),
        answer => std::slice::from_mut(answer),
    };
    for error in answers
        .iter_mut()
        .filter_map(|answer| answer.get_mut("error"))
    {
        let error = error.as_object_mut().unwrap();
        assert!(error.remove("message").is_some_and(|text| text.is_string()));
        error.remove("data");
    }
    answer
}
