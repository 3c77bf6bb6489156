//! JSON-RPC over WebSocket beside jsonrpsee: calls, batches and subscriptions, in both directions.

use std::time::Duration;

use farcall::jsonrpc::{SocketClient, SubscriptionError};
use farcall::{CallError, Caller as _, FaultKind};
use jsonrpsee::core::client::{
    BatchResponse, ClientT as _, Subscription, SubscriptionClientT as _,
};
use jsonrpsee::core::params::BatchRequestBuilder;
use jsonrpsee::rpc_params;
use jsonrpsee::server::{RpcModule, Server as PeerServer, ServerHandle, SubscriptionMessage};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use serde_json::value::to_raw_value;
use tokio::time::timeout;

/// Serves the demo methods, and returns a client of jsonrpsee.
async fn peer_client() -> WsClient {
    let url = super::serve().await.replace("http://", "ws://");
    WsClientBuilder::default().build(&url).await.unwrap()
}

#[tokio::test]
async fn its_client_calls_our_server() {
    let client = peer_client().await;
    let sum: i64 = client.request("add", rpc_params![3, 5]).await.unwrap();
    assert_eq!(sum, 8);
    let mut named = jsonrpsee::core::params::ObjectParams::new();
    named.insert("minuend", 42).unwrap();
    named.insert("subtrahend", 23).unwrap();
    let difference: i64 = client.request("subtract", named).await.unwrap();
    assert_eq!(difference, 19);
    client
        .notification("update", rpc_params![1, 2])
        .await
        .unwrap();
    let error = client
        .request::<i64, _>("missing", rpc_params![])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    let mut batch = BatchRequestBuilder::new();
    batch.insert("add", rpc_params![1, 2]).unwrap();
    batch.insert("missing", rpc_params![]).unwrap();
    batch.insert("add", rpc_params![3, 4]).unwrap();
    let answers: BatchResponse<'_, i64> = client.batch_request(batch).await.unwrap();
    assert_eq!(
        (answers.num_successful_calls(), answers.num_failed_calls()),
        (2, 1)
    );
}

#[tokio::test]
async fn its_client_subscribes_at_our_server() {
    let client = peer_client().await;
    let mut ticks: Subscription<u64> = client
        .subscribe("subscribe_ticks", rpc_params![3, 0.0], "unsubscribe_ticks")
        .await
        .unwrap();
    for expected in 1..=3 {
        assert_eq!(ticks.next().await.unwrap().unwrap(), expected);
    }
    // It understands the end.
    let end = timeout(Duration::from_secs(10), ticks.next())
        .await
        .unwrap();
    assert!(end.is_none());
    let ticks: Subscription<u64> = client
        .subscribe(
            "subscribe_ticks",
            rpc_params![u64::MAX, 0.001],
            "unsubscribe_ticks",
        )
        .await
        .unwrap();
    ticks.unsubscribe().await.unwrap();
    let sum: i64 = client.request("add", rpc_params![3, 5]).await.unwrap();
    assert_eq!(sum, 8);
}

/// Starts a server of jsonrpsee, and returns a client of ours.
async fn peer_server() -> (SocketClient, ServerHandle) {
    let server = PeerServer::builder().build("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", server.local_addr().unwrap());
    let mut module = RpcModule::new(());
    module
        .register_method("add", |params, (), _| {
            let (a, b): (i64, i64) = params.parse()?;
            Ok::<_, ErrorObjectOwned>(a + b)
        })
        .unwrap();
    module
        .register_method("fail", |_, (), _| {
            Err::<(), _>(ErrorObjectOwned::owned(7, "no", None::<()>))
        })
        .unwrap();
    module
        .register_subscription(
            "subscribe_count",
            "count",
            "unsubscribe_count",
            async |params, pending, _, _| {
                let (count, fails): (u64, bool) = params.parse()?;
                let sink = pending.accept().await?;
                for number in 0..count {
                    let item = to_raw_value(&number)?;
                    sink.send(SubscriptionMessage::from(item)).await?;
                }
                if fails {
                    return Err("no more".into());
                }
                sink.closed().await;
                Ok(())
            },
        )
        .unwrap();
    let handle = server.start(module);
    (SocketClient::new(&url).unwrap(), handle)
}

#[tokio::test]
async fn our_client_calls_its_server() {
    let (client, _server) = peer_server().await;
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    let error = client.call::<i64>("fail", ()).await.unwrap_err();
    assert_eq!(error.fault().map(farcall::Fault::code), Some(7));
    let error = client.call::<i64>("missing", ()).await.unwrap_err();
    let kind = error.fault().map(farcall::Fault::kind);
    assert_eq!(kind, Some(FaultKind::UnknownMethod));
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<i64>("add", (n, 1)).await })
        })
        .collect();
    for (n, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap().unwrap(), n + 1);
    }
}

#[tokio::test]
async fn our_client_subscribes_at_its_server() {
    let (client, _server) = peer_server().await;
    let mut items = client
        .subscribe::<u64>("subscribe_count", (2, false))
        .await
        .unwrap();
    assert_eq!(items.next().await.unwrap().unwrap(), 0);
    assert_eq!(items.next().await.unwrap().unwrap(), 1);
    drop(items);
    let mut items = client
        .subscribe::<u64>("subscribe_count", (1, true))
        .await
        .unwrap();
    assert_eq!(items.next().await.unwrap().unwrap(), 0);
    let end = items.next().await.unwrap().unwrap_err();
    assert!(matches!(end, SubscriptionError::Fault(_)), "{end:?}");
    let refused = client
        .subscribe::<u64>("subscribe_count", ("x",))
        .await
        .unwrap_err();
    assert!(matches!(refused, CallError::Fault(_)), "{refused:?}");
}
