//! JSON-RPC servers, with one load for all.

use anyhow::Result;

use super::xmlrpc_server::load;
use crate::case::Bar::{AtLeast, AtLeastOf};
use crate::case::{Case, Contestant, Part, Post, Scale, Unit};
use crate::peers::{farcall, json_by_hand, jsonrpsee, websocket};

/// The share of the server by hand that Farcall must reach, since the latter checks more.
const BAR: f64 = 0.95;

const PEER: &str = "jsonrpsee";

/// Calls of a batch.
const BATCH: usize = 100;

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let one = "JSON-RPC server over HTTP, `add(3, 5)`, 1 connection";
    let many = "JSON-RPC server over HTTP, `add(3, 5)`, 64 connections, two CPUs";
    let batch = "JSON-RPC server over HTTP, batches of 100 `add(3, 5)`";
    let array = "JSON-RPC server over HTTP, an array of 5 MB decoded and returned";
    let one_socket = "JSON-RPC server over WebSocket, `add(3, 5)`, 1 connection";
    let sockets = "JSON-RPC server over WebSocket, `add(3, 5)`, 64 connections, two CPUs";
    [
        http("jsonrpc-http-1", one, 1, add, 1, scale),
        http("jsonrpc-http-64", many, 64, add, 2, scale),
        http("jsonrpc-http-batch", batch, 1, adds, 1, scale),
        http("jsonrpc-http-array", array, 1, echo, 1, scale),
        over_websocket("jsonrpc-websocket-1", one_socket, 1, 1),
        over_websocket("jsonrpc-websocket-64", sockets, 64, 2),
    ]
    .into_iter()
}

fn http(
    name: &'static str,
    title: &str,
    connections: usize,
    post: fn() -> Post,
    workers: usize,
    scale: Scale,
) -> Case {
    let of = |name, serve: fn(usize) -> Result<()>| {
        let server = Part::Serve(Box::new(move || serve(workers)));
        Contestant::of_parts(name, Some(server), load(connections, post, scale))
    };
    Case::new(name, title, Unit::CallsPerSecond)
        .cpus(workers)
        .with(of("axum and serde_json by hand", json_by_hand::serve_axum).limit())
        .with(farcall(of("Farcall", farcall::json::serve)))
        .with(of(PEER, jsonrpsee::serve))
}

fn over_websocket(name: &'static str, title: &str, connections: usize, workers: usize) -> Case {
    let of = |name, serve: fn(usize) -> Result<()>| {
        Contestant::served(
            name,
            move || serve(workers),
            move |task| websocket::load(task, connections),
        )
    };
    let by_hand = "axum and serde_json by hand";
    let bare = "tokio-tungstenite and serde_json by hand";
    Case::new(name, title, Unit::CallsPerSecond)
        .cpus(workers)
        .with(of(by_hand, json_by_hand::serve_axum_websocket).limit())
        .with(of(bare, json_by_hand::serve_websocket))
        .with(farcall(of("Farcall", farcall::json::serve)))
        .with(of(PEER, jsonrpsee::serve))
}

fn farcall(contestant: Contestant) -> Contestant {
    contestant.bar(AtLeast(BAR)).bar(AtLeastOf(1.0, PEER))
}

fn post(body: String, is_right: fn(&str) -> bool) -> Post {
    Post {
        path: "/",
        content_type: "application/json",
        body,
        is_right,
    }
}

fn call(id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"add","params":[3,5],"id":{id}}}"#)
}

fn add() -> Post {
    post(call(1), |reply| reply.contains("\"result\":8"))
}

fn adds() -> Post {
    let calls: Vec<String> = (0..BATCH).map(call).collect();
    let is_right = |reply: &str| reply.matches("\"result\":8").count() == BATCH;
    post(format!("[{}]", calls.join(",")), is_right)
}

fn echo() -> Post {
    let items: Vec<String> = (0..700_000_u64)
        .map(|item| (item * 7_919 % 10_000_000).to_string())
        .collect();
    let items = items.join(",");
    let body = format!(r#"{{"jsonrpc":"2.0","method":"echo","params":[[{items}]],"id":1}}"#);
    post(body, |reply| {
        reply.contains("\"result\":[0,7919,15838,") && reply.len() > 5_000_000
    })
}
