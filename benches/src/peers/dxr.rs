//! The crate `dxr`.

use anyhow::{Result, anyhow, ensure};
use axum::http::HeaderMap;
use dxr::{Fault, MethodResponse, TryFromValue, TryToValue, Value};
use dxr_client::ClientBuilder;
use dxr_server::{HandlerFn, RouteBuilder, Server};
use farcall::transport::Address;
use tokio::net::TcpListener;

use super::{Transport, run_on};
use crate::document::{self, Fields};
use crate::messages::announce;
use crate::task::Task;

fn add(params: &[Value], _: HeaderMap) -> Result<Value, Fault> {
    let [a, b] = <[i32; 2]>::try_from_value(&params.to_vec().try_to_value()?)?;
    Ok((a + b).try_to_value()?)
}

pub(crate) fn serve(workers: usize) -> Result<()> {
    run_on(workers, async move {
        let listener = TcpListener::bind(Transport::Tcp.address().to_string()).await?;
        announce(&Address::Tcp(listener.local_addr()?))?;
        let routes = RouteBuilder::new().set_path("/RPC2");
        let routes = routes.add_method("add", Box::new(add as HandlerFn)).build();
        Ok(Server::from_route(routes).serve_listener(listener).await?)
    })
}

pub(crate) fn load(task: &Task) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let url = format!("http://{}/RPC2", task.address()?);
        let client = ClientBuilder::new(url.parse()?).build();
        let mut pace = task.pace();
        while pace.should_continue() {
            let sum: i32 = client.call("add", (3, 5)).await?;
            ensure!(sum == 8);
        }
        Ok(pace.rate())
    })
}

#[derive(TryFromValue, TryToValue)]
struct Item {
    id: i32,
    price: f64,
    name: String,
    active: bool,
    created: dxr::DateTime,
    tags: Vec<i32>,
}

pub(crate) fn decode_typed(task: &Task, document: &str) -> Result<f64> {
    task.rate(|| {
        let reply = MethodResponse::from_xml(document).map_err(|error| short(&error))?;
        let items = Vec::<Item>::try_from_value(&reply.value)?;
        document::check(items.iter().map(|item| Fields {
            id: item.id.into(),
            price: item.price,
            name: item.name.len(),
            active: item.active,
            day: item.created.day(),
            tags: item.tags.len(),
        }))
    })
}

pub(crate) fn decode_value(task: &Task, document: &str) -> Result<f64> {
    task.rate(|| {
        let reply = MethodResponse::from_xml(document).map_err(|error| short(&error))?;
        ensure!(matches!(reply.value, Value::Array(items) if !items.is_empty()));
        Ok(())
    })
}

pub(crate) fn encode(task: &Task, document: &str) -> Result<f64> {
    let reply = MethodResponse::from_xml(document).map_err(|error| short(&error))?;
    let items = Vec::<Item>::try_from_value(&reply.value)?;
    task.rate(|| {
        let value = items.try_to_value()?;
        ensure!(MethodResponse { value }.to_xml()?.len() > document.len() / 2);
        Ok(())
    })
}

pub(crate) fn decode_base64(task: &Task, document: &str, bytes: &[u8]) -> Result<f64> {
    task.rate(|| {
        let reply = MethodResponse::from_xml(document).map_err(|error| short(&error))?;
        ensure!(matches!(reply.value, Value::Base64(decoded) if decoded.len() == bytes.len()));
        Ok(())
    })
}

pub(crate) fn encode_base64(task: &Task, bytes: &[u8]) -> Result<f64> {
    task.rate(|| {
        let value = Value::Base64(bytes.to_vec());
        ensure!(MethodResponse { value }.to_xml()?.len() > bytes.len());
        Ok(())
    })
}

/// Returns the error without the whole document in its text.
fn short(error: &dxr::Error) -> anyhow::Error {
    anyhow!("{:.200}", error.to_string())
}
