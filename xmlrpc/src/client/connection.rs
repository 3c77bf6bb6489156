//! One connection, and the call that is made over it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rpc_core::transport::Io;
use tokio::task::unconstrained;

/// What is sent.
pub(super) type Body = Full<Bytes>;

/// A connection to the server. It has no task of its own: who calls over it drives it, and nobody is woken by
/// what the other end does meanwhile.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    /// Boxed, as it is large, and what is in a future is moved along with that.
    driver: Box<http1::Connection<TokioIo<Box<dyn Io>>, Body>>,
    is_over: bool,
}

impl Connection {
    pub(super) async fn new(io: Box<dyn Io>) -> hyper::Result<Self> {
        let (sender, driver) = http1::Builder::new()
            // Some old servers compare names of headers letter by letter.
            .title_case_headers(true)
            .handshake(TokioIo::new(io))
            .await?;
        Ok(Self {
            sender,
            driver: Box::new(driver),
            is_over: false,
        })
    }

    /// Whether one more call can be made over it, as far as is known here.
    pub(super) fn is_ready(&mut self) -> bool {
        // Whoever was woken for the last call is not to be woken for it again.
        self.advance(&mut Context::from_waker(Waker::noop()));
        !self.is_over && self.sender.is_ready()
    }

    /// Sends a request, and waits for the head of the response.
    ///
    /// # Errors
    /// With the request, if no byte of it was written.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        let sending = self.sender.try_send_request(request);
        self.drive(sending).await
    }

    /// Waits for what depends on this connection alone.
    pub(super) async fn drive<T>(&mut self, future: impl Future<Output = T>) -> T {
        // Where the task has used up what tokio lets it do at a time, the future would be told to wait for its
        // next turn, through a waker that wakes nobody. The connection, which is polled with the task's own, is
        // what keeps to that.
        let mut future = pin!(unconstrained(future));
        poll_fn(|cx| {
            // The future only ever goes on after the connection did, and then it is polled anyway: to
            // wake the task for it would cost a turn of the event loop each time.
            let mut asleep = Context::from_waker(Waker::noop());
            if let Poll::Ready(value) = future.as_mut().poll(&mut asleep) {
                return Poll::Ready(value);
            }
            self.advance(cx);
            future.as_mut().poll(&mut asleep)
        })
        .await
    }

    fn advance(&mut self, cx: &mut Context<'_>) {
        // An error is told by what waits for the response, if there is anyone.
        if !self.is_over && Pin::new(&mut *self.driver).poll(cx).is_ready() {
            self.is_over = true;
        }
    }
}
