//! Servers that repeat the secrets of the client, which no error shows.

use std::collections::BTreeMap;

use farcall::http::HttpError;
use farcall_core::CallError;
use farcall_xmlrpc::ClientOptions;
use serde::Deserialize;

use super::both::ClientKind;
use super::{FIVE, chain, fault, http, ok, server};

both! {
    secrets_that_a_server_repeats_are_not_shown,
    secrets_in_the_results_of_a_batch_are_not_shown,
    bodies_that_are_not_text_are_not_shown,
}

const SECRETS: [&str; 5] = ["pa55word", "t0ken-of-mine", "c00kie", "d1gest", "qu3ry"];

/// Returns the URL of a server, with secrets, and options with more of them.
fn with_secrets(url: &str) -> (String, ClientOptions) {
    let url = url.replace("http://", "http://user:pa55word@");
    let options = ClientOptions::default()
        .header("X-Token", "t0ken-of-mine")
        .and_then(|options| options.header("Cookie", "a=c00kie; b=1"))
        .and_then(|options| options.header("X-Login", "Digest realm=\"r\", response=\"d1gest\""));
    (format!("{url}/RPC2?key=qu3ry"), options.unwrap())
}

fn shown(error: &CallError) -> String {
    format!("{} {error:?} {error:#?}", chain(error))
}

fn assert_hidden(error: &CallError, answer: &str) {
    let shown = shown(error);
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{answer}: {shown}");
    }
    assert!(shown.contains("[hidden]"), "{answer}: {shown}");
}

fn result(value: &str) -> String {
    format!(
        "<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
    )
}

#[derive(Debug, Deserialize)]
enum Choice {
    A,
}

async fn secrets_that_a_server_repeats_are_not_shown(kind: ClientKind) {
    for secret in SECRETS {
        for answer in [
            ok(&format!(
                "<?xml version=\"1.0\" encoding=\"{secret}\"?>{FIVE}"
            )),
            http(
                "200 OK",
                &format!("Content-Type: text/xml; charset={secret}\r\n"),
                FIVE,
            ),
            http("200 OK", &format!("Content-Encoding: {secret}\r\n"), FIVE),
            http("500 No", &format!("Content-Type: {secret}\r\n"), secret),
            http("302 Found", &format!("Location: /{secret}\r\n"), ""),
            ok(&format!("<{secret}/>")),
            ok(&result(&format!("<{secret}/>"))),
            ok(&result(&format!("&{secret};"))),
            ok(&result(&format!("<string>{secret}</string>"))),
            ok(&fault(4, &format!("the password {secret} is wrong"))),
            http("403 No", "", &fault(4, secret)),
            http(
                "502 Bad Gateway",
                "",
                &format!("{}{secret}", "x".repeat(195)),
            ),
        ] {
            let (url, _server) = server(vec![answer.clone()]).await;
            let (url, options) = with_secrets(&url);
            let client = kind.client_with(&url, options);
            let error = client.call::<Choice>("f", ()).await.unwrap_err();
            assert_hidden(&error, &answer);
        }
    }
}

async fn secrets_in_the_results_of_a_batch_are_not_shown(kind: ClientKind) {
    let members = |message: &str| {
        format!(
            "<value><struct><member><name>faultCode</name><value><int>4</int></value></member>\
             <member><name>faultString</name><value>{message}</value></member></struct></value>"
        )
    };
    let wrapped = |value: &str| format!("<value><array><data>{value}</data></array></value>");
    for secret in SECRETS {
        let values = format!(
            "{}{}{}",
            members(secret),
            wrapped(&format!("<value>{secret}</value>")),
            wrapped(&format!(
                "<value><struct><member><name>{secret}</name><value>x</value></member></struct>\
                 </value>"
            )),
        );
        let values = format!("<array><data>{values}</data></array>");
        for answer in [ok(&result(&values)), ok(&result(secret))] {
            let (url, _server) = server(vec![answer.clone()]).await;
            let (url, options) = with_secrets(&url);
            let mut batch = kind.client_with(&url, options).batch();
            let first = batch.call::<i64>("a", ());
            let second = batch.call::<Choice>("b", ());
            let third = batch.call::<BTreeMap<String, i64>>("c", ());
            match batch.send().await {
                Ok(mut results) => {
                    assert_hidden(&results.take(first).unwrap_err(), &answer);
                    assert_hidden(&results.take(second).unwrap_err(), &answer);
                    let error = results.take(third).unwrap_err();
                    assert!(!shown(&error).contains(secret), "{error:?}");
                }
                Err(error) => assert!(!shown(&error).contains(secret), "{error:?}"),
            }
        }
    }
}

async fn bodies_that_are_not_text_are_not_shown(kind: ClientKind) {
    let zipped: Vec<u8> = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
        .into_iter()
        .chain((0..190).map(|n| (n as u8).wrapping_mul(37)))
        .collect();
    for headers in [
        "Content-Encoding: gzip\r\n",
        "Content-Encoding: br\r\n",
        "Content-Type: text/xml\r\n",
    ] {
        for status in ["200 OK", "500 No"] {
            let length = zipped.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
            let (url, _server) = server(vec![[head.as_bytes(), &zipped].concat()]).await;
            let error = kind.client(&url).call::<i64>("f", ()).await.unwrap_err();
            let error = HttpError::of(&error).unwrap();
            assert_eq!(error.body_start(), "");
            let text = error.to_string();
            assert!(
                text.ends_with(", body of 200 bytes that are not text"),
                "{text}"
            );
            assert!(!format!("{error:?}").contains('\u{fffd}'));
        }
    }
    // Text in another encoding is still text.
    let latin = b"HTTP/1.1 500 No\r\nContent-Length: 20\r\n\r\nErreur: acc\xe8s refus\xe9";
    let (url, _server) = server(vec![latin]).await;
    let error = kind.client(&url).call::<i64>("f", ()).await.unwrap_err();
    let text = HttpError::of(&error).unwrap().body_start();
    assert_eq!(text, "Erreur: acc\u{fffd}s refus\u{fffd}");
}
