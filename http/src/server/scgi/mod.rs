//! SCGI: one request over each connection, from a web server or from a client that speaks it.
//!
//! The request is a netstring of the variables of CGI, followed by the body, and the response is
//! that of CGI. Specification: <https://python.ca/scgi/protocol.txt>.

mod body;
pub(crate) mod head;

use std::future::Future;
use std::io;

use bytes::{Bytes, BytesMut};
use farcall_core::Identity;
use farcall_core::protocol::output::Foreign;
use farcall_core::protocol::time::deadline;
use farcall_core::serve::FIRST_CALL_GRACE;
use farcall_core::transport::{Io, Peer};
use http::{Response, StatusCode, Uri};
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout_at};

use self::body::ScgiBody;
use self::head::HeadError;
use super::account::PeerAccount;
use super::browser::HostPolicy;
use super::cgi::{CgiVariables, response_head};
use super::connection::linger;
use super::phase::Phases;
use super::reply_stream::ReplyStream;
use super::request::{reject, without_upgrade};
use super::{HttpServer, Rejection};

/// Bytes that are read at a time until the head is complete. Nearly every head fits.
const READ: usize = 4 << 10;

/// The failures of reading a head.
enum HeadFailure {
    Malformed(HeadError),
    /// The peer disconnected.
    Disconnected,
}

impl HttpServer {
    /// Serves one connection over SCGI until it closes.
    pub(super) async fn scgi_connection(
        self,
        io: impl Io,
        peer: Peer,
        stop: impl Future<Output = ()>,
    ) {
        if self.refuses_address(&peer) {
            return;
        }
        let caller = Identity::from(peer);
        if self.refuses_peer(&caller) {
            return;
        }
        let accepted = Instant::now();
        let phases = Phases::new(accepted);
        let mut io = ReplyStream::new(io, self.options.write_timeout, phases);
        let mut buffer = BytesMut::new();
        let stopped = async {
            stop.await;
            // A request that has already arrived is read first.
            yield_now().await;
            sleep_until(accepted + FIRST_CALL_GRACE).await;
        };
        let head = tokio::select! {
            biased;
            head = timeout_at(deadline(self.options.header_timeout), read_head(&mut io, &mut buffer)) => head,
            () = stopped => return,
        };
        let account = PeerAccount::new(&self.budget);
        let exchange = async {
            let response = match head {
                Ok(Ok(variables)) => {
                    self.respond_to_variables(
                        &variables,
                        &mut io,
                        buffer.freeze(),
                        &caller,
                        &account,
                    )
                    .await
                }
                Ok(Err(HeadFailure::Malformed(error))) => {
                    let status = match error {
                        HeadError::TooLong | HeadError::TooMany => {
                            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
                        }
                        _ => StatusCode::BAD_REQUEST,
                    };
                    reject(Rejection::new(status, error.to_string()), &caller)
                }
                Ok(Err(HeadFailure::Disconnected)) | Err(_) => return Ok(()),
            };
            write(&mut io, response).await
        };
        match account.complete(exchange).await {
            Some(Ok(())) => linger(io).await,
            Some(Err(error)) => {
                let shown = Foreign::excerpt(&error);
                tracing::debug!(peer = %caller, error = %shown, "connection failed");
            }
            None => {
                tracing::debug!(peer = %caller, "connection evicted: it has held the most for the longest");
            }
        }
    }

    /// Answers the request whose head is read, and of whose body `start` is.
    async fn respond_to_variables(
        &self,
        variables: &CgiVariables,
        io: &mut ReplyStream<impl Io>,
        start: Bytes,
        peer: &Identity,
        account: &PeerAccount<'_>,
    ) -> Response<Full<Bytes>> {
        let trust = self.options.trust_scgi.as_ref();
        let caller = match trust {
            Some(trust) if trust(peer.peer()) => variables.caller(),
            _ => peer.clone(),
        };
        let path = variables.path_info().or_else(|| variables.request_uri());
        let body = ScgiBody::new(start, io, variables.length().unwrap_or(u64::MAX));
        let request = variables.request(path.unwrap_or_else(|| Uri::from_static("/")), body);
        // The name that a browser has called is one of the web server, whatever this address is.
        let hosts = HostPolicy::from_options(&self.options);
        let admitted = request.and_then(|request| {
            let admitted = self.admit(request, caller.clone(), hosts, None);
            admitted.map_err(without_upgrade)
        });
        self.respond_to(admitted, &caller, account).await
    }
}

/// Reads the head of a request. What follows it stays in the buffer.
async fn read_head(io: &mut impl Io, buffer: &mut BytesMut) -> Result<CgiVariables, HeadFailure> {
    loop {
        if let Some((variables, length)) = head::parse(buffer).map_err(HeadFailure::Malformed)? {
            drop(buffer.split_to(length));
            return Ok(variables);
        }
        buffer.reserve(READ);
        match io.read_buf(buffer).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(HeadFailure::Disconnected),
        }
    }
}

/// Writes a response. A small one is written in one piece.
async fn write(io: &mut ReplyStream<impl Io>, response: Response<Full<Bytes>>) -> io::Result<()> {
    let (parts, body) = response.into_parts();
    let body = body.into_inner().unwrap_or_default();
    let mut start = response_head(&parts, body.len());
    let mut rest = &body[..];
    if rest.len() <= READ {
        start.extend_from_slice(rest);
        rest = &[];
    }
    io.write_all(&start).await?;
    io.write_all(rest).await?;
    io.flush().await
}
