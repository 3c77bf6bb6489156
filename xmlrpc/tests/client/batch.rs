//! Batches.

use farcall_core::{CallError, Execution, Fault};

use super::both::ClientKind;
use super::{FIVE, Request, fault, http, ok, server};

both! {
    a_batch_is_one_multicall,
    an_empty_batch_sends_nothing,
    a_server_without_multicall_gets_single_calls,
    a_server_that_does_not_find_multicall_gets_single_calls,
    a_batch_to_a_wrong_path_is_refused,
    a_fault_of_the_whole_batch_is_an_error,
    a_fault_about_an_unknown_method_runs_no_call_twice,
    a_result_of_a_wrong_shape_fails_in_a_batch_as_it_does_alone,
}

async fn a_batch_is_one_multicall(kind: ClientKind) {
    let reply = "<methodResponse><params><param><value><array><data>\
        <value><array><data><value><int>5</int></value></data></array></value>\
        <value><array><data><value>name</value></data></array></value>\
        </data></array></value></param></params></methodResponse>";
    let (url, server) = server(vec![ok(reply)]).await;
    let mut batch = kind.client(&url).batch();
    let sum = batch.call::<i64>("add", (3, 5));
    let name = batch.call::<String>("name", ());
    assert_eq!(batch.len(), 2);
    let mut results = batch.send().await.unwrap();
    assert_eq!(results.take(sum).unwrap(), 5);
    assert_eq!(results.take(name).unwrap(), "name");
    let requests = server.await.unwrap();
    let method = "<methodName>system.multicall</methodName>";
    assert!(requests[0].text().contains(method));
}

async fn an_empty_batch_sends_nothing(kind: ClientKind) {
    let client = kind.client("http://127.0.0.1:1");
    let batch = client.batch();
    assert!(batch.is_empty());
    batch.send().await.unwrap();
    let mut batch = client.batch();
    let ticket = batch.call::<i64>("f", ("\0",));
    let error = batch.send().await.unwrap().take(ticket);
    assert!(matches!(error, Err(CallError::Encode(_))), "{error:?}");
}

async fn a_server_without_multicall_gets_single_calls(kind: ClientKind) {
    let text = "&lt;class 'Exception'&gt;:method &quot;system.multicall&quot; is not supported";
    let no = ok(&fault(4, "no"));
    let unknown = || ok(&fault(1, text));
    let answers = vec![unknown(), unknown(), ok(FIVE), no, ok(FIVE)];
    let (url, server) = server(answers).await;
    let client = kind.client(&url);
    let mut batch = client.batch();
    let five = batch.call::<i64>("add", (2, 3));
    let bad = batch.call::<i64>("bad", ("\0",));
    let no = batch.call::<i64>("no", ());
    let mut results = batch.send().await.unwrap();
    assert_eq!(results.take(five).unwrap(), 5);
    assert!(matches!(results.take(bad), Err(CallError::Encode(_))));
    let error = results.take(no).unwrap_err();
    assert_eq!(error.fault(), Some(&Fault::new(4, "no")));

    // The next batch does not try the multicall again.
    let mut batch = client.batch();
    let five = batch.call::<i64>("again", ());
    assert_eq!(batch.send().await.unwrap().take(five).unwrap(), 5);

    let requests = server.await.unwrap();
    let expected = ["system.multicall", "system.multicall", "add", "no", "again"];
    assert_eq!(methods(&requests), expected);
    assert!(
        !requests[1].text().contains("methodName>add"),
        "the second multicall is not empty"
    );
    let params = "<params><param><value><int>2</int></value></param>\
        <param><value><int>3</int></value></param></params>";
    assert!(requests[2].text().contains(params));
}

fn methods(requests: &[Request]) -> Vec<&str> {
    let methods = requests.iter().map(|request| {
        let (_, rest) = request.text().split_once("<methodName>").unwrap();
        rest.split_once("</methodName>").unwrap().0
    });
    methods.collect()
}

/// Node's package `xmlrpc` answers calls of unknown methods like this.
async fn a_server_that_does_not_find_multicall_gets_single_calls(kind: ClientKind) {
    let not_found = || http("404 Not Found", "", "");
    let answers = vec![not_found(), ok(FIVE), not_found(), not_found(), ok(FIVE)];
    let (url, server) = server(answers).await;
    let client = kind.client(&url);
    let mut batch = client.batch();
    let five = batch.call::<i64>("add", (2, 3));
    let no = batch.call::<i64>("no", ());
    let mut results = batch.send().await.unwrap();
    assert_eq!(results.take(five).unwrap(), 5);
    let error = results.take(no).unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error:?}");

    // The next batch does not try the multicall again, and the path is known to be right.
    let mut batch = client.batch();
    let no = batch.call::<i64>("no", ());
    let five = batch.call::<i64>("add", (2, 3));
    let mut results = batch.send().await.unwrap();
    assert!(results.take(no).is_err());
    assert_eq!(results.take(five).unwrap(), 5);

    let requests = server.await.unwrap();
    let expected = ["system.multicall", "add", "no", "no", "add"];
    assert_eq!(methods(&requests), expected);
}

async fn a_batch_to_a_wrong_path_is_refused(kind: ClientKind) {
    let page = || http("404 Not Found", "Content-Type: text/html\r\n", "<html>");
    let (url, server) = server(vec![page(), page(), page(), ok(FIVE)]).await;
    let client = kind.client(&url);
    let mut batch = client.batch();
    let tickets = ["f", "g"].map(|method| batch.call::<i64>(method, ()));
    let error = batch.send().await.unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error:?}");
    assert_eq!(error.execution(), Execution::Never);
    drop(tickets);

    // The next batch tries the multicall again.
    let mut batch = client.batch();
    let five = batch.call::<i64>("add", (2, 3));
    let mut results = batch.send().await.unwrap();
    assert_eq!(results.take(five).unwrap(), 5);
    let requests = server.await.unwrap();
    let expected = ["system.multicall", "f", "system.multicall", "add"];
    assert_eq!(methods(&requests), expected);
}

async fn a_fault_of_the_whole_batch_is_an_error(kind: ClientKind) {
    let (url, _server) = server(vec![ok(&fault(4, "too many calls"))]).await;
    let mut batch = kind.client(&url).batch();
    let _ = batch.call::<i64>("f", ());
    let error = batch.send().await.unwrap_err();
    assert_eq!(error.fault(), Some(&Fault::new(4, "too many calls")));
}

/// The multicall of Perl's `RPC::XML` stops with the fault of the first call that fails, after the
/// calls before it have run.
async fn a_fault_about_an_unknown_method_runs_no_call_twice(kind: ClientKind) {
    let none = "<methodResponse><params><param><value><array><data/></array></value></param>\
        </params></methodResponse>";
    let texts = [
        (-32601, "there is no method `nowhere`"),
        (-506, "Method 'nowhere' not defined"),
        (1, "UNKNOWN_METHOD"),
        (
            1,
            "method system.multicall is not supported, says the next server",
        ),
    ];
    let hung_up = "HTTP/1.1 200".to_owned();
    let other = ok(&fault(7, "no calls are in it"));
    for (code, text) in texts {
        for probed in [
            ok(none),
            other.clone(),
            http("404 Not Found", "", ""),
            hung_up.clone(),
        ] {
            let (url, server) = server(vec![ok(&fault(code, text)), probed]).await;
            let mut batch = kind.client(&url).batch();
            let _ = batch.call::<i64>("add", (2, 3));
            let _ = batch.call::<i64>("nowhere", ());
            let error = batch.send().await.unwrap_err();
            let fault = error.fault().map(|fault| (fault.code(), fault.message()));
            assert_eq!(fault, Some((code, text)), "{error:?}");
            assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
            let requests = server.await.unwrap();
            assert_eq!(methods(&requests), ["system.multicall"; 2]);
            assert!(!requests[1].text().contains("methodName>add"));
        }
    }
}

async fn a_result_of_a_wrong_shape_fails_in_a_batch_as_it_does_alone(kind: ClientKind) {
    let list = "<value><array><data><value>a</value></data></array></value>";
    let reply = |value: &str| {
        format!("<methodResponse><params><param>{value}</param></params></methodResponse>")
    };
    let wrapped = format!("<value><array><data>{list}</data></array></value>");
    let answers = vec![
        ok(&reply(list)),
        ok(&reply(&format!(
            "<value><array><data>{wrapped}</data></array></value>"
        ))),
    ];
    let (url, _server) = server(answers).await;
    let client = kind.client(&url);
    let alone = client.call::<Vec<Vec<String>>>("f", ()).await.unwrap_err();
    assert!(matches!(alone, CallError::Decode(_)), "{alone:?}");
    let mut batch = client.batch();
    let ticket = batch.call::<Vec<Vec<String>>>("f", ());
    let error = batch.send().await.unwrap().take(ticket).unwrap_err();
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
}
