//! Instances of services: their subscriptions and the graceful stop.

use std::fmt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::{Message, SubscribeError, Subscriber};
use farcall_core::protocol::Name;
use farcall_core::serve::ShutdownReport;
use futures_util::Stream;
use futures_util::stream::{SelectAll, StreamExt as _};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::Server;
use super::calls::Calls;
use super::endpoints::{Endpoint, Instance};
use crate::nats::connection::Connection;
use crate::nats::error::BindError;
use crate::nats::link::Link;
use crate::nats::subject::{self, QUEUE_GROUP};

/// Time after which new methods are noticed.
const UPDATE: Duration = Duration::from_secs(1);

/// Time in which aborted calls are answered.
const ABORT_GRACE: Duration = Duration::from_secs(1);

/// Bytes of an answer of discovery that are left for its frame.
const FRAME: usize = 1024;

/// An instance of a service that has subscribed to its subjects. Created by [`Server::bind`].
#[must_use = "it answers calls when `serve` is awaited"]
pub struct BoundServer {
    calls: Arc<Calls>,
    /// The link of the subscriptions.
    link: Arc<Link>,
    requests: SelectAll<Requests>,
    control: SelectAll<Questions>,
}

/// The calls that arrive by one subscription.
struct Requests {
    subscriber: Subscriber,
    source: Source,
}

enum Source {
    Endpoint(Arc<Endpoint>),
    /// All methods behind a prefix.
    Prefix(String),
}

impl Source {
    fn method(&self, message: &Message) -> Name {
        match self {
            Self::Endpoint(endpoint) => endpoint.method.clone(),
            Self::Prefix(prefix) => {
                let tokens = message.subject.strip_prefix(prefix.as_str());
                subject::unescaped(tokens.unwrap_or_default()).into()
            }
        }
    }
}

impl Stream for Requests {
    type Item = (Name, Message);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.subscriber.poll_next_unpin(cx);
        next.map(|message| message.map(|message| (self.source.method(&message), message)))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Question {
    Ping,
    Info,
    Stats,
    Cancel,
}

/// The questions that arrive by one subscription.
struct Questions {
    subscriber: Subscriber,
    question: Question,
}

impl Stream for Questions {
    type Item = (Question, Message);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.subscriber.poll_next_unpin(cx);
        next.map(|message| message.map(|message| (self.question, message)))
    }
}

impl BoundServer {
    pub(super) async fn open(
        server: Server,
        connection: Connection,
        instance: Instance,
    ) -> Result<Self, BindError> {
        let link = connection.link();
        let calls = Arc::new(Calls::new(server, connection, instance));
        calls.instance.update(calls.server.registry());
        let (requests, control) = subscribe(&calls, &link).await?;
        link.round_trip().await?;
        Ok(Self {
            calls,
            link,
            requests,
            control,
        })
    }

    /// Subscribes again, after the client of async-nats has broken down. Returns `false` if the
    /// connection is closed for good.
    async fn renew(&mut self) -> bool {
        loop {
            let next = self.calls.connection.link_after(&self.link).await;
            let Some(next) = next else {
                return false;
            };
            self.link = next;
            // Fails if the next one has broken down, too.
            if let Ok(subscribed) = subscribe(&self.calls, &self.link).await {
                (self.requests, self.control) = subscribed;
                return true;
            }
        }
    }

    /// The id of the instance.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.calls.instance.id
    }

    /// Returns the URL that the command `farcall` takes: `nats://HOST:PORT/SERVICE`.
    #[must_use]
    pub fn url(&self) -> String {
        let calls = &self.calls;
        calls.connection.url(&calls.instance.service, None)
    }

    /// Subscribes to new methods, and no more to those that are gone.
    async fn update(&mut self) -> Result<(), SubscribeError> {
        let calls = Arc::clone(&self.calls);
        let added = calls.instance.update(calls.server.registry());
        for request in self.requests.iter_mut() {
            if let Source::Endpoint(endpoint) = &request.source
                && calls.instance.endpoint(&endpoint.method).is_none()
            {
                // Fails if the connection is closed.
                let _ = request.subscriber.drain().await;
            }
        }
        for endpoint in added {
            self.requests
                .push(endpoint_requests(&self.link, endpoint).await?);
        }
        Ok(())
    }

    /// Answers questions until the task is dropped, or the subscriptions end.
    fn answer_questions(&mut self, leaving: &CancellationToken) -> AbortOnDropHandle<()> {
        let control = std::mem::take(&mut self.control);
        let answering = answer_questions(Arc::clone(&self.calls), control, leaving.clone());
        AbortOnDropHandle::new(tokio::spawn(answering))
    }

    /// Serves until the future is dropped, or the program closes the connection by its
    /// [client](Connection::client).
    ///
    /// # Cancel safety
    /// Dropping the future ends the subscriptions and aborts all calls. To let calls complete, use
    /// [`serve_until`](Self::serve_until).
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` completes, then stops gracefully: ends the subscriptions, so that
    /// further calls go to other instances, answers the calls that have arrived, and waits for
    /// those that run, all within the [drain timeout](super::ServerOptions::drain_timeout). A call
    /// that arrives in the moment in which the NATS server learns of the end may be lost.
    ///
    /// The report counts the calls that ran when the stop began.
    ///
    /// # Cancel safety
    /// As with [`serve`](Self::serve).
    pub async fn serve_until(mut self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let calls = Arc::clone(&self.calls);
        let _abort = calls.abort.clone().drop_guard();
        let leaving = CancellationToken::new();
        let mut _answering = self.answer_questions(&leaving);

        let mut stop = pin!(stop);
        let mut updates = interval(UPDATE);
        updates.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                // Fails if the client has broken down, so that the subscriptions end.
                _ = updates.tick() => drop(self.update().await),
                request = self.requests.next() => match request {
                    Some((method, message)) => calls.run(method, message).await,
                    None => {
                        tokio::select! {
                            biased;
                            () = &mut stop => break,
                            is_renewed = self.renew() => if !is_renewed {
                                tracing::warn!("a service over NATS ends: its connection is closed");
                                break;
                            }
                        }
                        _answering = self.answer_questions(&leaving);
                    }
                }
            }
        }

        leaving.cancel();
        let deadline = Instant::now() + calls.server.options.drain_timeout;
        for request in self.requests.iter_mut() {
            // Fails if the connection is closed.
            let _ = request.subscriber.drain().await;
        }
        let drain = async {
            while let Some((method, message)) = self.requests.next().await {
                calls.run(method, message).await;
            }
        };
        // While there is no connection, the subscriptions do not end.
        let _ = timeout_at(deadline, drain).await;
        let running = calls.tasks.len();
        calls.tasks.close();
        let finished = timeout_at(deadline, calls.tasks.wait()).await;
        let aborted = if finished.is_ok() {
            0
        } else {
            calls.tasks.len()
        };
        calls.abort.cancel();
        let _ = timeout(ABORT_GRACE, calls.tasks.wait()).await;
        let _ = timeout(ABORT_GRACE, self.link.client().flush()).await;
        ShutdownReport {
            finished: running - aborted.min(running),
            aborted,
        }
    }
}

/// Subscribes to all subjects of an instance.
async fn subscribe(
    calls: &Calls,
    link: &Link,
) -> Result<(SelectAll<Requests>, SelectAll<Questions>), SubscribeError> {
    let client = link.client();
    let (service, id) = (&calls.instance.service, &calls.instance.id);
    let mut control = SelectAll::new();
    for (verb, question) in [
        ("PING", Question::Ping),
        ("INFO", Question::Info),
        ("STATS", Question::Stats),
    ] {
        for subject in [
            format!("$SRV.{verb}"),
            format!("$SRV.{verb}.{service}"),
            format!("$SRV.{verb}.{service}.{id}"),
        ] {
            let subscriber = client.subscribe(subject).await?;
            control.push(Questions {
                subscriber,
                question,
            });
        }
    }
    control.push(Questions {
        subscriber: client.subscribe(subject::cancel(service)).await?,
        question: Question::Cancel,
    });
    let mut requests = SelectAll::new();
    for prefix in [subject::one(service, id), subject::all(service)] {
        requests.push(Requests {
            subscriber: client.subscribe(format!("{prefix}>")).await?,
            source: Source::Prefix(prefix),
        });
    }
    for endpoint in calls.instance.all() {
        requests.push(endpoint_requests(link, endpoint).await?);
    }
    Ok((requests, control))
}

async fn endpoint_requests(
    link: &Link,
    endpoint: Arc<Endpoint>,
) -> Result<Requests, SubscribeError> {
    let (subject, group) = (endpoint.subject.clone(), QUEUE_GROUP.to_owned());
    Ok(Requests {
        subscriber: link.client().queue_subscribe(subject, group).await?,
        source: Source::Endpoint(endpoint),
    })
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer")
            .field("server", &self.calls.server)
            .field("id", &self.calls.instance.id)
            .finish_non_exhaustive()
    }
}

/// Answers questions about the service, and cancels calls. Once it is `leaving`, it cancels only.
async fn answer_questions(
    calls: Arc<Calls>,
    mut control: SelectAll<Questions>,
    leaving: CancellationToken,
) {
    loop {
        let next = leaving.run_until_cancelled(control.next()).await;
        let Some(Some((question, message))) = next else {
            break;
        };
        answer_question(&calls, question, message).await;
    }
    for questions in control.iter_mut() {
        if questions.question != Question::Cancel {
            // Fails if the connection is closed.
            let _ = questions.subscriber.unsubscribe().await;
        }
    }
    while let Some((question, message)) = control.next().await {
        answer_question(&calls, question, message).await;
    }
}

async fn answer_question(calls: &Calls, question: Question, message: Message) {
    let link = calls.connection.link();
    let max = link.client().max_payload().saturating_sub(FRAME);
    if question == Question::Cancel {
        return calls.cancel(&message.payload);
    }
    if let Some(reply) = message.reply {
        let answer = match question {
            Question::Ping => calls.instance.ping(),
            Question::Info => calls.instance.info(calls.server.registry(), max),
            Question::Stats | Question::Cancel => calls.instance.stats(max),
        };
        // Fails without a connection, where nobody waits for the answer.
        let _ = link.publish(reply, None, None, answer.into()).await;
    }
}
