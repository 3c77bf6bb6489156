//! Headers and traces of calls, over every protocol.

use farcall::protocol::http::{HeaderName, HeaderValue};
use farcall::protocol::{TRACEPARENT, TRACESTATE};
use farcall::{CallError, Caller, Context, TraceContext, rpc, xmlrpc};

const TOKEN: HeaderName = HeaderName::from_static("x-token");

fn header(cx: &Context, name: &HeaderName) -> String {
    cx.header(name.as_str()).unwrap_or("none").to_owned()
}

/// Returns the headers that a call was received with.
#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers take their context by value"
)]
fn shown(cx: Context) -> Vec<String> {
    let names = [TOKEN, TRACEPARENT, TRACESTATE];
    names.iter().map(|name| header(&cx, name)).collect()
}

async fn over_http() -> (xmlrpc::Server, xmlrpc::Client) {
    let server = xmlrpc::Server::new();
    server.register_function("shown", shown).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = xmlrpc::Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    (server, client)
}

async fn over_connection() -> (rpc::Server, rpc::Client) {
    let server = rpc::Server::new();
    server.register_function("shown", shown).unwrap();
    let bound = server.bind("127.0.0.1:0").authkey("a key").await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let client = rpc::Client::connect(address).authkey("a key");
    (server, client.await.unwrap())
}

fn trace() -> TraceContext {
    let trace = TraceContext::new([7; 16], [8; 8], 1).unwrap();
    trace.with_state("a=1,b=2")
}

async fn check(client: &impl Caller) {
    let token = || HeaderValue::from_static("s3cr3t");
    let context = Context::new("shown")
        .with_header(TOKEN, token())
        .with_trace(trace());
    let seen: Vec<String> = client.call_in(context, ()).await.unwrap();
    assert_eq!(seen, ["s3cr3t", &trace().traceparent(), "a=1,b=2"]);
    let seen: Vec<String> = client.call("shown", ()).await.unwrap();
    assert_eq!(seen, ["none"; 3], "headers are those of one call");
}

#[tokio::test]
async fn headers_and_a_trace_travel_with_a_call() {
    let (_server, client) = over_http().await;
    check(&client).await;
    let (_server, client) = over_connection().await;
    check(&client).await;
}

#[tokio::test]
async fn a_header_of_a_call_replaces_that_of_the_client() {
    let server = xmlrpc::Server::new();
    server
        .register_function("agents", |cx: Context| {
            let agents = cx.headers().unwrap().get_all("user-agent").iter();
            let agents = agents.map(|agent| agent.to_str().unwrap().to_owned());
            (
                agents.collect::<Vec<_>>(),
                cx.header("host").map(str::to_owned),
            )
        })
        .unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = xmlrpc::Client::new(&bound.url()).unwrap();
    let host = bound.url();
    tokio::spawn(bound.serve());
    let context = Context::new("agents")
        .with_header(
            "user-agent".parse().unwrap(),
            HeaderValue::from_static("mine"),
        )
        .with_header("host".parse().unwrap(), HeaderValue::from_static("other"));
    let (agents, sent): (Vec<String>, String) = client.call_in(context, ()).await.unwrap();
    assert_eq!(agents, ["mine"]);
    assert!(host.contains(&sent), "{sent} in {host}");
}

/// A trace passes three hops, each with a span of its own, and credentials none.
#[tokio::test]
async fn a_trace_passes_xmlrpc_and_a_connection() {
    let (_last, last) = over_http().await;
    let (middle, to_middle) = over_connection().await;
    let relay = move |cx: Context| {
        let last = last.clone();
        async move {
            let mut seen = shown(cx);
            // The calls of a handler inherit its trace also after it has waited.
            tokio::task::yield_now().await;
            seen.extend(last.call::<Vec<String>>("shown", ()).await?);
            Ok::<_, CallError>(seen)
        }
    };
    middle.register_function("relay", relay).unwrap();
    let (first, to_first) = over_http().await;
    first
        .register_function("relay", move || {
            let to_middle = to_middle.clone();
            async move { to_middle.call::<Vec<String>>("relay", ()).await }
        })
        .unwrap();
    let context = Context::new("relay")
        .with_header(TOKEN, HeaderValue::from_static("s3cr3t"))
        .with_trace(trace());
    let seen: Vec<String> = to_first.call_in(context, ()).await.unwrap();
    let [token, second, state, last_token, third, last_state] = &*seen else {
        panic!("{seen:?}");
    };
    assert_eq!((token.as_str(), last_token.as_str()), ("none", "none"));
    assert_eq!(
        (state.as_str(), last_state.as_str()),
        ("a=1,b=2", "a=1,b=2")
    );
    let (trace_id, first) = (&trace().traceparent()[..36], trace().traceparent());
    assert!(second.starts_with(trace_id) && third.starts_with(trace_id));
    assert!(second.ends_with("-01") && third.ends_with("-01"));
    assert!(first != *second && second != third && first != *third);

    // Without a trace, none begins.
    let seen: Vec<String> = to_first.call("relay", ()).await.unwrap();
    assert_eq!(seen, ["none"; 6]);
}

#[tokio::test]
async fn too_many_headers_are_not_sent_over_a_connection() {
    let (_server, client) = over_connection().await;
    let mut context = Context::new("shown");
    for n in 0..33 {
        let name = HeaderName::from_bytes(format!("x-{n}").as_bytes()).unwrap();
        context = context.with_header(name, HeaderValue::from_static(""));
    }
    let error = client
        .call_in::<Vec<String>>(context, ())
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
    assert_eq!(
        client.call::<Vec<String>>("shown", ()).await.unwrap().len(),
        3
    );
}
