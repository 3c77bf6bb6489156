//! axum with a constant reply.

use anyhow::Result;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use bytes::Bytes;
use farcall::transport::Address;
use tokio::net::TcpListener;

use super::{Transport, http, run_on};
use crate::messages::announce;

pub(crate) fn serve(workers: usize) -> Result<()> {
    let reply = Bytes::from(http::reply()?);
    run_on(workers, async move {
        let listener = TcpListener::bind(Transport::Tcp.address().to_string()).await?;
        announce(&Address::Tcp(listener.local_addr()?))?;
        let handler = async move |_call: Bytes| ([(CONTENT_TYPE, "text/xml")], reply.clone());
        Ok(axum::serve(listener, Router::new().route("/RPC2", post(handler))).await?)
    })
}
