//! Running the calls of a service, and their answers.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message, Subject};
use bytes::Bytes;
use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::protocol::{Account, Call, CallReply, Hold, Name, Origin, Payload};
use farcall_core::{Budget, Cancellation, Context, Fault, FaultKind, TraceContext};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Server;
use super::clocks::Clocks;
use super::endpoints::{Endpoint, Instance};
use crate::nats::connection::Connection;
use crate::nats::content_type::ContentType;
use crate::nats::error::SendError;
use crate::nats::headers;

/// Maximum headers of a call.
const MAX_HEADERS: usize = 128;

/// Maximum bytes of the headers of a call. They take several times as much while the call runs, and
/// a message may have a million of them.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Maximum bytes of the causes of a fault in the log.
const MAX_CAUSES: usize = 8 * 1024;

/// The calls of one instance.
pub(super) struct Calls {
    pub(super) server: Server,
    pub(super) connection: Connection,
    pub(super) instance: Instance,
    clocks: Mutex<Clocks>,
    /// Running calls by the subject of their answer.
    running: Mutex<HashMap<Box<str>, Cancellation>>,
    /// The tasks of calls that did not complete at once.
    pub(super) tasks: TaskTracker,
    /// Aborts all calls.
    pub(super) abort: CancellationToken,
}

/// A call that is to be answered.
struct Request {
    endpoint: Option<Arc<Endpoint>>,
    reply: Option<Subject>,
    format: ContentType,
    started: Instant,
}

/// A call that waits for its answer, with what it holds.
struct Pending {
    request: Request,
    answer: CallReply,
    deadline: Option<Instant>,
    cancellation: Cancellation,
    held: Option<(Account, Hold)>,
}

impl Calls {
    pub(super) fn new(server: Server, connection: Connection, instance: Instance) -> Self {
        Self {
            server,
            connection,
            instance,
            clocks: Mutex::new(Clocks::new()),
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            abort: CancellationToken::new(),
        }
    }

    /// Runs the call in a message. Completes when it is answered, or runs in a task of its own.
    pub(super) async fn run(self: &Arc<Self>, method: Name, message: Message) {
        let mut request = Request {
            endpoint: self.instance.endpoint(&method),
            reply: message.reply,
            format: ContentType::Json,
            started: Instant::now(),
        };
        let found = message.headers.unwrap_or_default();
        // A stranger can name this service as the place of the answers of another, whose results
        // would be arguments here.
        if headers::get(Some(&found), headers::INSTANCE).is_some() {
            tracing::debug!("an answer is no call");
            return;
        }
        let result = match self.admit(&mut request, method, &found, message.payload) {
            Err(fault) => Err(fault),
            Ok((call, held)) => {
                let deadline = call.context.deadline();
                let cancellation = Cancellation::default();
                let context = call.context.with_cancellation(cancellation.clone());
                let mut answer = self.server.registry.dispatch(Call { context, ..call });
                let first = Pin::new(&mut answer).poll(&mut TaskContext::from_waker(Waker::noop()));
                let Poll::Ready(result) = first else {
                    let pending = Pending {
                        request,
                        answer,
                        deadline,
                        cancellation,
                        held,
                    };
                    return self.spawn(pending);
                };
                result
            }
        };
        self.answer(request, result).await;
    }

    /// Decides whether a call runs, and returns it with the memory that is reserved for it.
    #[expect(clippy::type_complexity, reason = "a call and what it holds")]
    fn admit(
        &self,
        request: &mut Request,
        method: Name,
        found: &HeaderMap,
        body: Bytes,
    ) -> Result<(Call<ContentType>, Option<(Account, Hold)>), Fault> {
        if found.len() > MAX_HEADERS || headers::wire_len(found) > MAX_HEADER_BYTES {
            let message = format!(
                "a call over NATS has at most {MAX_HEADERS} headers, of {MAX_HEADER_BYTES} bytes"
            );
            return Err(Fault::of(FaultKind::InvalidRequest, message));
        }
        let found = Some(found);
        let format = headers::get(found, headers::CONTENT_TYPE).unwrap_or_default();
        request.format = ContentType::from_name(format).ok_or_else(|| {
            let message = format!(
                "arguments are `application/json`, `application/msgpack` or \
                 `application/vnd.farcall.bincode`, not `{}`",
                Foreign::excerpt(format)
            );
            Fault::of(FaultKind::UnsupportedEncoding, message)
        })?;
        let deadline = self.deadline(request.started, found)?;
        self.server.calls.check()?;
        let held = self.hold(body.len())?;
        let headers = found.map(headers::to_http).unwrap_or_default();
        let origin = Origin {
            trace: TraceContext::from_headers(&headers).map(Arc::new),
            headers,
            ..Origin::default()
        };
        let mut context = Context::new(method)
            .with_deadline(deadline)
            .with_origin(Arc::new(origin));
        if headers::get(found, headers::IDEMPOTENT) == Some("1") {
            context = context.idempotent();
        }
        if request.reply.is_none() {
            context = context.one_way();
        }
        let call = Call {
            params: request.format.payload(body, false),
            format: request.format,
            context,
        };
        Ok((call, held))
    }

    /// Returns the deadline of a call. One that was held back on its way until its caller has given
    /// up is refused.
    fn deadline(
        &self,
        started: Instant,
        found: Option<&HeaderMap>,
    ) -> Result<Option<Instant>, Fault> {
        let Some(timeout) = headers::get(found, headers::TIMEOUT) else {
            return Ok(None);
        };
        let timeout = timeout.trim().parse().map_err(|_| {
            let message = "the timeout of a call is its number of microseconds";
            Fault::of(FaultKind::InvalidRequest, message)
        })?;
        let timeout = Duration::from_micros(timeout);
        let delay = headers::get(found, headers::CLOCK).map(|clock| {
            let clocks = self.clocks.lock();
            clocks.unwrap_or_else(PoisonError::into_inner).delay(clock)
        });
        match timeout.checked_sub(delay.unwrap_or_default()) {
            // A time beyond the end of the clock is none.
            Some(left) if !left.is_zero() => Ok(started.checked_add(left)),
            _ => Err(Fault::of(
                FaultKind::DeadlineExceeded,
                "the deadline of the call passed before it arrived",
            )),
        }
    }

    /// Reserves memory for a large call.
    fn hold(&self, bytes: usize) -> Result<Option<(Account, Hold)>, Fault> {
        let Some(budget) = &self.server.options.budget else {
            return Ok(None);
        };
        if bytes <= Budget::FREE {
            return Ok(None);
        }
        let account = budget.account();
        let mut hold = account.hold();
        hold.resize(&account, bytes)
            .map_err(|error| Fault::of(FaultKind::Overloaded, error.to_string()))?;
        Ok(Some((account, hold)))
    }

    /// Spawns the task of a call that did not complete at once.
    fn spawn(self: &Arc<Self>, pending: Pending) {
        let permit = self.server.calls.begin();
        let calls = Arc::clone(self);
        let reply = pending.request.reply.clone();
        if let Some(reply) = &reply {
            let cancellation = pending.cancellation.clone();
            self.running().insert(reply.as_str().into(), cancellation);
        }
        self.tasks.spawn(async move {
            let entry = RunningEntry {
                calls: &calls,
                reply,
            };
            let Pending {
                request,
                answer,
                deadline,
                cancellation,
                held,
            } = pending;
            let result = tokio::select! {
                biased;
                result = within(deadline, answer, &cancellation) => result,
                // Nobody waits for an answer.
                () = cancellation.cancelled() => {
                    request.count(Some(&Fault::of(FaultKind::Cancelled, "the caller left")));
                    return;
                }
                () = calls.abort.cancelled() => Err(cancelled("the service stops")),
                () = evicted(held.as_ref()) => Err(cancelled("the call held memory for too long")),
            };
            drop(entry);
            calls.answer(request, result).await;
            drop((permit, held));
        });
    }

    /// Cancels the call that is to be answered at this subject.
    pub(super) fn cancel(&self, reply: &[u8]) {
        let Ok(reply) = std::str::from_utf8(reply) else {
            return;
        };
        let cancelled = self.running().remove(reply);
        if let Some(cancellation) = cancelled {
            cancellation.cancel();
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Box<str>, Cancellation>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and sends its answer, if somebody waits for it.
    async fn answer(&self, request: Request, result: Result<Payload, Fault>) {
        let fault = result.as_ref().err();
        if let Some(fault) = fault {
            log_fault(fault);
        }
        request.count(fault);
        let Some(reply) = request.reply else {
            return;
        };
        let (headers, body) = self.message(request.format, result);
        let link = self.connection.link();
        let checked = link.check(reply.len(), Some(&headers), body.len());
        let (headers, body) = match checked {
            Err(SendError::TooLarge { len, max }) => {
                let message = format!(
                    "the method ran, but its result has {len} bytes, and the NATS server takes at \
                     most {max}: return a stream over a session, or raise `max_payload` of the \
                     server"
                );
                self.message(request.format, Err(Fault::of(FaultKind::Internal, message)))
            }
            _ => (headers, body),
        };
        let sent = link.publish(reply, None, Some(headers), body);
        if let Err(error) = sent.await {
            tracing::debug!(error = %Foreign::excerpt(Causes(&error)), "an answer was not sent");
        }
    }

    fn message(&self, format: ContentType, result: Result<Payload, Fault>) -> (HeaderMap, Bytes) {
        let mut map = HeaderMap::new();
        headers::set(&mut map, headers::INSTANCE, &self.instance.id);
        let body = match result {
            Ok(payload) => {
                headers::set(&mut map, headers::CONTENT_TYPE, format.name());
                payload.into_bytes()
            }
            Err(fault) => {
                let with_causes = self.server.options.send_causes;
                headers::fault_message(&fault, with_causes, &mut map)
            }
        };
        (map, body)
    }
}

impl Request {
    fn count(&self, fault: Option<&Fault>) {
        if let Some(endpoint) = &self.endpoint {
            endpoint.count(self.started.elapsed(), fault);
        }
    }
}

/// Removes a running call from the table when it ends.
struct RunningEntry<'c> {
    calls: &'c Calls,
    reply: Option<Subject>,
}

impl Drop for RunningEntry<'_> {
    fn drop(&mut self) {
        if let Some(reply) = &self.reply {
            self.calls.running().remove(reply.as_str());
        }
    }
}

/// Awaits an answer until its deadline. Then a handler that blocks is told, and an async one is
/// dropped.
async fn within(
    deadline: Option<Instant>,
    answer: CallReply,
    cancellation: &Cancellation,
) -> Result<Payload, Fault> {
    let Some(deadline) = deadline else {
        return answer.await;
    };
    let answered = timeout_at(deadline.into(), answer).await;
    answered.unwrap_or_else(|_| {
        cancellation.cancel();
        Err(Fault::of(
            FaultKind::DeadlineExceeded,
            "the deadline of the call passed before it completed",
        ))
    })
}

/// Completes when the memory of a call is needed for others.
async fn evicted(held: Option<&(Account, Hold)>) {
    match held {
        Some((account, _)) => poll_fn(|cx| account.poll_evicted(cx)).await,
        None => std::future::pending().await,
    }
}

fn cancelled(why: &str) -> Fault {
    Fault::of(FaultKind::Cancelled, why)
}

/// Logs a fault. Internal faults are logged as errors, because the caller may not receive their
/// causes.
fn log_fault(fault: &Fault) {
    static FAILURES: Quota = Quota::new(100);

    if fault.kind() != FaultKind::Internal {
        tracing::debug!(fault = %Foreign::excerpt(fault), "a call failed");
    } else if tracing::enabled!(tracing::Level::ERROR)
        && let Some(admitted) = FAILURES.admit()
    {
        let fault = Foreign::line(Causes(fault)).at_most(MAX_CAUSES);
        tracing::error!(%fault, suppressed = admitted.suppressed(), "a call failed");
    }
}
