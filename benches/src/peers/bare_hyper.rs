//! The limit of HTTP: bare hyper.

use anyhow::{Result, ensure};
use bytes::Bytes;
use farcall::transport::Address;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::{Transport, http, run_on};
use crate::messages::announce;
use crate::task::Task;

/// Answers every request with the same reply.
pub(crate) fn serve(workers: usize) -> Result<()> {
    let reply = Bytes::from(http::reply()?);
    run_on(workers, async move {
        let listener = TcpListener::bind(Transport::Tcp.address().to_string()).await?;
        announce(&Address::Tcp(listener.local_addr()?))?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let reply = reply.clone();
            let service =
                service_fn(move |request: Request<Incoming>| respond(request, reply.clone()));
            let builder = hyper::server::conn::http1::Builder::new();
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn respond(request: Request<Incoming>, reply: Bytes) -> Result<Response<Full<Bytes>>> {
    request.into_body().collect().await?;
    let mut response = Response::new(Full::new(reply));
    let text = HeaderValue::from_static("text/xml");
    response.headers_mut().insert(CONTENT_TYPE, text);
    Ok(response)
}

/// Sends the same request repeatedly.
pub(crate) fn load(task: &Task) -> Result<f64> {
    http::check(task.address()?)?;
    let task = task.clone();
    run_on(1, async move {
        let host = task.address()?.to_string();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (host, document) = (
            HeaderValue::try_from(host)?,
            Bytes::from_static(http::CALL.as_bytes()),
        );
        let expected = http::reply()?;
        let mut pace = task.pace();
        while pace.should_continue() {
            let request = Request::post("/RPC2")
                .header(HOST, host.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("text/xml"))
                .body(Full::new(document.clone()))?;
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            let reply = response.into_body().collect().await?.to_bytes();
            ensure!(reply.len() == expected.len(), "another reply");
        }
        Ok::<_, anyhow::Error>(pace.rate())
    })
}
