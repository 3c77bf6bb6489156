//! Servers that call their clients.

use std::sync::{Arc, Mutex};

use farcall::jsonrpc::{
    Framing, Service, Session, SocketClient, SocketClientOptions, SocketServer,
};
use farcall::{Caller as _, Context, Fault, Registry};

#[tokio::test]
async fn a_handler_calls_and_notifies_its_caller() {
    let registry = Registry::new();
    registry
        .register_function("work", async |cx: Context| -> Result<i64, Fault> {
            let client = Session::of(&cx).ok_or_else(|| Fault::new(1, "no session"))?;
            client.notify("progress", (50,)).await?;
            let sum: i64 = client.call("add", (3, 5)).await?;
            Ok(sum)
        })
        .unwrap();
    let server = SocketServer::new(Service::new(registry), Framing::Headers);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url();
    tokio::spawn(bound.serve());

    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let methods = Registry::new();
    methods
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    methods
        .register_function("progress", move |percent: i64| {
            noted.lock().unwrap().push(percent);
        })
        .unwrap();
    let options = SocketClientOptions::default().service(Service::new(methods));
    let client = SocketClient::with_options(&url, options).unwrap();
    assert_eq!(client.call::<i64>("work", ()).await.unwrap(), 8);
    assert_eq!(*seen.lock().unwrap(), [50]);

    // A client without methods refuses, and the handler passes that on.
    let client = SocketClient::new(&url).unwrap();
    let error = client.call::<i64>("work", ()).await.unwrap_err();
    assert!(error.fault().is_some(), "{error}");
}
