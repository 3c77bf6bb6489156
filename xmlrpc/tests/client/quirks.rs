//! Canned responses that reproduce the quirks of real servers.

use std::collections::BTreeMap;

use farcall::http::HttpError;
use farcall_core::zero_as_none;
use farcall_core::{CallError, DateTime, Fault, Value};
use farcall_xmlrpc::{ClientOptions, Forbidden, XmlRpc};
use serde::Deserialize;

use super::both::{Client, ClientKind};
use super::{http, ok, server};

both! {
    non_finite_doubles_are_read,
    a_malformed_date_fails_only_a_member_of_type_date,
    replies_without_a_result_are_nil,
    bare_faults_are_faults,
    encodings_with_ascii_in_them_are_read,
    forbidden_characters_are_refused_or_replaced,
    arrays_without_data_and_values_before_names_are_read,
}

fn result(value: &str) -> String {
    ok(&format!(
        "<?xml version=\"1.0\"?>\n<methodResponse><params><param>{value}</param></params></methodResponse>"
    ))
}

/// Creates a client whose server sends this response to each of `calls` calls.
async fn client(kind: ClientKind, answer: &str, calls: usize) -> Client {
    let (url, _) = server(vec![answer.to_owned(); calls]).await;
    kind.client(&url)
}

async fn non_finite_doubles_are_read(kind: ClientKind) {
    let doubles = ["nan", "inf", "-inf", "Infinity", "-INF", "NaN"];
    let values = doubles.map(|text| format!("<value><double>{text}</double></value>"));
    let answer = result(&format!(
        "<value><array><data>{}</data></array></value>",
        values.concat()
    ));
    let client = client(kind, &answer, 2).await;
    let numbers: Vec<f64> = client.call("f", ()).await.unwrap();
    assert!(numbers[0].is_nan() && numbers[5].is_nan());
    let infinite = [
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    assert_eq!(numbers[1..5], infinite);
    let any: Value = client.call("f", ()).await.unwrap();
    assert_eq!(any[1], Value::Double(f64::INFINITY));

    let error = client
        .call::<()>("f", ([0.5, f64::NAN],))
        .await
        .unwrap_err();
    let CallError::Encode(error) = error else {
        panic!("{error}");
    };
    assert_eq!(
        error.to_string(),
        "element 2 of parameter 1: the double NaN cannot be written: it is not finite"
    );
    let (url, requests) = server(vec![result("<value/>")]).await;
    let options = ClientOptions::default().format(XmlRpc::default().non_finite(true));
    let client = kind.client_with(&url, options);
    client.call::<()>("f", (f64::NEG_INFINITY,)).await.unwrap();
    let requests = requests.await.unwrap();
    assert!(requests[0].text().contains("<double>-inf</double>"));
}

async fn a_malformed_date_fails_only_a_member_of_type_date(kind: ClientKind) {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "shown by Debug")]
    struct Post {
        id: i32,
        date: DateTime,
    }

    #[derive(Debug, Deserialize)]
    struct Draft {
        #[serde(with = "zero_as_none")]
        date: Option<DateTime>,
    }

    for never in ["00000000T00:00:00", ""] {
        let post = |id: i32, date: &str| {
            format!(
                "<value><struct><member><name>id</name><value><int>{id}</int></value></member>\
                 <member><name>date</name><value><dateTime.iso8601>{date}</dateTime.iso8601></value>\
                 </member></struct></value>"
            )
        };
        let good = "20240229T10:20:30";
        let posts = [post(1, good), post(2, good), post(3, never)].concat();
        let answer = result(&format!(
            "<value><array><data>{posts}</data></array></value>"
        ));
        let client = client(kind, &answer, 3).await;
        let any: Value = client.call("f", ()).await.unwrap();
        assert_eq!(any[2]["date"], Value::DateTimeText(never.to_owned()));
        assert_eq!(any[2]["id"], Value::Int(3));
        let drafts: Vec<Draft> = client.call("f", ()).await.unwrap();
        assert_eq!((drafts[1].date.is_some(), drafts[2].date), (true, None));
        let CallError::Decode(error) = client.call::<Vec<Post>>("f", ()).await.unwrap_err() else {
            panic!("expected a decoding error");
        };
        let text = error.to_string();
        assert!(text.starts_with("member `date` of element 3: "), "{text}");
    }
}

async fn replies_without_a_result_are_nil(kind: ClientKind) {
    for content in [
        "<params/>",
        "<params><param/></params>",
        "<params>\n</params>",
        "",
    ] {
        let answer = ok(&format!("<methodResponse>{content}</methodResponse>"));
        let client = client(kind, &answer, 4).await;
        client.call::<()>("f", ()).await.unwrap();
        assert_eq!(client.call::<Option<i64>>("f", ()).await.unwrap(), None);
        assert_eq!(client.call::<Value>("f", ()).await.unwrap(), Value::Nil);
        let error = client.call::<i64>("f", ()).await.unwrap_err();
        assert!(matches!(error, CallError::Decode(_)), "{error}");
    }
    // A web page is not a reply.
    let client = client(kind, &http("200 OK", "", "<html/>"), 1).await;
    let error = client.call::<()>("f", ()).await.unwrap_err();
    assert!(HttpError::of(&error).is_some(), "{error}");
}

async fn bare_faults_are_faults(kind: ClientKind) {
    let code = "<member><name>faultCode</name><value><int>-503</int></value></member>";
    let text = "<member><name>faultString</name><value><string>no</string></value></member>";
    for (content, expected) in [
        (
            format!("<struct>{code}{text}</struct>"),
            Fault::new(-503, "no"),
        ),
        (
            format!("<value><struct>{text}</struct></value>"),
            Fault::new(1, "no"),
        ),
        (
            format!("<value><struct>{code}</struct></value>"),
            Fault::new(-503, "the fault has no text"),
        ),
        (String::new(), Fault::new(1, "the fault has no text")),
    ] {
        let answer = ok(&format!(
            "<methodResponse><fault>{content}</fault></methodResponse>"
        ));
        let client = client(kind, &answer, 1).await;
        let error = client.call::<Value>("f", ()).await.unwrap_err();
        assert_eq!(error.fault(), Some(&expected), "{content}: {error}");
    }
}

async fn encodings_with_ascii_in_them_are_read(kind: ClientKind) {
    for (label, bytes, text) in [
        ("iso-8859-2", b"\xa3\xf3d\xbc".as_slice(), "Łódź"),
        ("iso-8859-15", b"5 \xa4", "5 €"),
        ("windows-1251", b"\xc6\xf3\xea", "Жук"),
        ("koi8-r", b"\xf6\xd5\xcb", "Жук"),
        ("shift_jis", b"\x83\x5c\x95\x5c", "ソ表"),
        ("euc-jp", b"\xc6\xfc\xcb\xdc", "日本"),
        ("gbk", b"\xd6\xd0\xce\xc4", "中文"),
        ("big5", b"\xa4\xa4\xa5\x5c", "中功"),
        ("euc-kr", b"\xc7\xd1\xb1\xdb", "한글"),
    ] {
        let of = |declaration: &str, head: &str| {
            let document = [
                declaration.as_bytes(),
                b"<methodResponse><params><param><value><string>",
                bytes,
                b"</string></value></param></params></methodResponse>",
            ]
            .concat();
            let length = document.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{head}\r\n\r\n");
            [head.into_bytes(), document].concat()
        };
        let answers = vec![
            of(
                &format!("<?xml version='1.0' encoding='{label}'?>"),
                "Content-Type: text/xml",
            ),
            of("", &format!("Content-Type: text/xml; charset={label}")),
            of(
                "<?xml version='1.0' encoding='utf-8'?>",
                &format!("Content-Type: text/xml; charset={label}"),
            ),
        ];
        let count = answers.len();
        let (url, _) = server(answers).await;
        let client = kind.client(&url);
        for _ in 0..count {
            assert_eq!(
                client.call::<String>("f", ()).await.unwrap(),
                text,
                "{label}"
            );
        }
    }
}

async fn forbidden_characters_are_refused_or_replaced(kind: ClientKind) {
    for text in ["a\u{8}b", "a&#8;b"] {
        let answer = result(&format!("<value>\n<string>{text}</string></value>"));
        let (url, _) = server(vec![answer; 2]).await;
        let CallError::Decode(error) = kind.client(&url).call::<Value>("f", ()).await.unwrap_err()
        else {
            panic!("expected a decoding error");
        };
        let position = error.position().map(|at| (at.line, at.column));
        assert_eq!(position, Some((3, 10)), "{error}");
        let format = XmlRpc::default().read_forbidden(Forbidden::Replace);
        let client = kind.client_with(&url, ClientOptions::default().format(format));
        assert_eq!(client.call::<String>("f", ()).await.unwrap(), "a\u{fffd}b");
    }
    let (url, requests) = server(vec![result("<value/>")]).await;
    let error = kind.client(&url).call::<()>("f", ("a\u{8}b",)).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the arguments cannot be encoded"
    );
    let format = XmlRpc::default().write_forbidden(Forbidden::Replace);
    let client = kind.client_with(&url, ClientOptions::default().format(format));
    // The name of a method is never changed.
    let error = client.call::<()>("f\u{8}", ()).await.unwrap_err();
    assert!(matches!(error, CallError::Encode(_)), "{error}");
    client.call::<()>("f", ("a\u{8}b",)).await.unwrap();
    let requests = requests.await.unwrap();
    assert!(requests[0].text().contains("<string>a\u{fffd}b</string>"));
}

async fn arrays_without_data_and_values_before_names_are_read(kind: ClientKind) {
    let member = "<member><value><array><value><int>1</int></value><value><int>2</int></value>\
                  </array></value><name>list</name></member>";
    let answer = result(&format!("<value><struct>{member}</struct></value>"));
    let client = client(kind, &answer, 2).await;
    let lists: BTreeMap<String, Vec<i32>> = client.call("f", ()).await.unwrap();
    assert_eq!(lists["list"], [1, 2]);
    let any: Value = client.call("f", ()).await.unwrap();
    assert_eq!(any["list"][1], Value::Int(2));
}
