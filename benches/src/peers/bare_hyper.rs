//! The limit of HTTP: bare hyper.

use anyhow::{Result, ensure};
use bytes::Bytes;
use farcall::transport::Address;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::bare_tokio::Stream;
use super::{Transport, bare_quick_xml, http, run_on};
use crate::messages::announce;
use crate::task::Task;
use crate::tls::{self, Certificate};

/// Answers every request with the same reply.
pub(crate) fn serve(workers: usize) -> Result<()> {
    let reply = Bytes::from(http::reply()?);
    let acceptor = |certificate: Certificate| certificate.acceptor(tls::HTTP);
    serve_documents(workers, acceptor, move |_| Ok(reply.clone()))
}

/// Decodes each call with quick-xml, and answers it. Over TLS it sends as many tickets as Farcall.
pub(crate) fn serve_by_hand(workers: usize) -> Result<()> {
    let acceptor = |certificate: Certificate| certificate.acceptor_with_one_ticket(tls::HTTP);
    serve_documents(workers, acceptor, |call| {
        Ok(bare_quick_xml::answer(&call)?.into())
    })
}

fn serve_documents(
    workers: usize,
    acceptor: fn(Certificate) -> Result<TlsAcceptor>,
    answer: impl Fn(Bytes) -> Result<Bytes> + Clone + Send + Sync + 'static,
) -> Result<()> {
    run_on(workers, async move {
        let listener = TcpListener::bind(Transport::Tcp.address().to_string()).await?;
        let tls = Certificate::of_part().map(acceptor).transpose()?;
        announce(&Address::Tcp(listener.local_addr()?))?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = answer.clone();
            let service =
                service_fn(move |request: Request<Incoming>| respond(request, answer.clone()));
            let builder = hyper::server::conn::http1::Builder::new();
            match tls.clone() {
                Some(tls) => {
                    tokio::spawn(async move {
                        let stream = TokioIo::new(tls.accept(stream).await?);
                        Ok::<_, anyhow::Error>(builder.serve_connection(stream, service).await?)
                    });
                }
                None => {
                    tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
                }
            }
        }
    })
}

async fn respond(
    request: Request<Incoming>,
    answer: impl Fn(Bytes) -> Result<Bytes>,
) -> Result<Response<Full<Bytes>>> {
    let document = request.into_body().collect().await?.to_bytes();
    let mut response = Response::new(Full::new(answer(document)?));
    let text = HeaderValue::from_static("text/xml");
    response.headers_mut().insert(CONTENT_TYPE, text);
    Ok(response)
}

/// Sends the same request repeatedly.
pub(crate) fn load(task: &Task) -> Result<f64> {
    let length = http::check(task.address()?, task.certificate.as_ref(), &http::xml())?;
    let task = task.clone();
    run_on(1, async move {
        let tls = match &task.certificate {
            Some(certificate) => Some(certificate.connector(tls::HTTP)?),
            None => None,
        };
        let mut client = Client::connect(&task, tls).await?;
        let mut pace = task.pace();
        while pace.should_continue() {
            ensure!(client.call().await? == length, "another reply");
        }
        Ok(pace.rate())
    })
}

/// Sends the request over a new connection each time, with a full handshake unless `resume`.
pub(crate) fn load_handshakes(task: &Task, resume: bool) -> Result<f64> {
    let length = http::check(task.address()?, task.certificate.as_ref(), &http::xml())?;
    let task = task.clone();
    run_on(1, async move {
        let certificate = task.certificate()?;
        let tls = TlsConnector::from(certificate.client_of_many(resume)?);
        let mut pace = task.pace();
        while pace.should_continue() {
            let mut client = Client::connect(&task, Some(tls.clone())).await?;
            ensure!(client.call().await? == length, "another reply");
        }
        Ok(pace.rate())
    })
}

/// A connection that makes the call repeatedly.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl Client {
    async fn connect(task: &Task, tls: Option<TlsConnector>) -> Result<Self> {
        let host = task.address()?.to_string();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let sender = match tls {
            Some(tls) => shake_hands(tls.connect(tls::server_name(), stream).await?).await?,
            None => shake_hands(stream).await?,
        };
        Ok(Self {
            sender,
            host: HeaderValue::try_from(host)?,
        })
    }

    /// Makes the call, and returns the length of the reply.
    async fn call(&mut self) -> Result<usize> {
        let request = Request::post("/RPC2")
            .header(HOST, self.host.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("text/xml"))
            .body(Full::new(Bytes::from_static(http::CALL.as_bytes())))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        Ok(response.into_body().collect().await?.to_bytes().len())
    }
}

async fn shake_hands(stream: impl Stream) -> Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
