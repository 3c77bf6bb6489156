//! Our clients, async and blocking, behind one interface.

use std::fmt::Debug;

use anyhow::{Context as _, Result, ensure};
use farcall::protocol::Args;
use farcall::xmlrpc::{Client, ClientOptions, Ticket, blocking};
use farcall::{CallError, Value};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use url::Url;

use super::Check;
use crate::relay::{Recording, Relay};

/// One of our clients, with the server that it calls.
#[derive(Clone)]
pub(crate) struct Subject {
    server: Url,
    url: Url,
    kind: Kind,
    calls: Calls,
    relay: Relay,
    recording: Recording,
}

/// The async or the blocking client.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Async,
    Blocking,
}

#[derive(Clone)]
enum Calls {
    Async(Client, Handle),
    Blocking(blocking::Client),
}

impl Subject {
    /// Creates both clients for the server at `url`. Their traffic is recorded.
    pub(crate) fn both(url: &str, recording: &Recording) -> Result<[Self; 2]> {
        let url = Url::parse(url)?;
        let new = |kind| Self::new(url.clone(), kind, ClientOptions::default(), recording);
        Ok([new(Kind::Async)?, new(Kind::Blocking)?])
    }

    fn new(url: Url, kind: Kind, options: ClientOptions, recording: &Recording) -> Result<Self> {
        let server = url.socket_addrs(|| None)?;
        let server = *server.first().context("the URL has a host")?;
        let relay = Relay::recording(server, recording)?;
        let mut relayed = url.clone();
        ensure!(
            relayed.set_port(Some(relay.port)).is_ok(),
            "the URL has a port"
        );
        let calls = match kind {
            Kind::Async => {
                let client = Client::with_options(relayed.as_str(), options)?;
                Calls::Async(client, Handle::current())
            }
            Kind::Blocking => {
                Calls::Blocking(blocking::Client::with_options(relayed.as_str(), options)?)
            }
        };
        Ok(Self {
            server: url,
            url: relayed,
            kind,
            calls,
            relay,
            recording: recording.clone(),
        })
    }

    /// Creates the same client with other options and its own connections.
    pub(crate) fn with_options(&self, options: ClientOptions) -> Result<Self> {
        Self::new(self.server.clone(), self.kind, options, &self.recording)
    }

    /// Runs a check in a thread where blocking is allowed.
    pub(crate) async fn check(self, check: Check) -> Result<()> {
        tokio::task::spawn_blocking(move || check(&self)).await?
    }

    /// Returns the URL of the relay in front of the server.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the number of connections that this client has opened.
    pub(crate) fn connections(&self) -> usize {
        self.relay.count()
    }

    pub(crate) fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Args,
    ) -> Result<R, CallError> {
        match &self.calls {
            Calls::Async(client, runtime) => runtime.block_on(client.call(method, args)),
            Calls::Blocking(client) => client.call(method, args),
        }
    }

    /// Calls `echo`, and checks that the value returns unchanged.
    pub(crate) fn echo(&self, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        let got: Value = self.call("echo", (&value,))?;
        same(&got, &value)
    }

    /// Sends calls in one request, and returns the result of each.
    pub(crate) fn batch(
        &self,
        calls: &[(&str, [Value; 2])],
    ) -> Result<Vec<Result<Value, CallError>>> {
        let (tickets, results): (Vec<Ticket<Value>>, _) = match &self.calls {
            Calls::Async(client, runtime) => {
                let mut batch = client.batch();
                let tickets = calls
                    .iter()
                    .map(|(method, [a, b])| batch.call(*method, (a, b)));
                (tickets.collect(), runtime.block_on(batch.send()))
            }
            Calls::Blocking(client) => {
                let mut batch = client.batch();
                let tickets = calls
                    .iter()
                    .map(|(method, [a, b])| batch.call(*method, (a, b)));
                (tickets.collect(), batch.send())
            }
        };
        let mut results = results?;
        Ok(tickets
            .into_iter()
            .map(|ticket| results.take(ticket))
            .collect())
    }
}

/// Checks that two values are equal. The error shows the first 200 characters of both.
pub(crate) fn same<T: PartialEq + Debug>(got: &T, wanted: &T) -> Result<()> {
    let shown = |value: &T| format!("{value:?}").chars().take(200).collect::<String>();
    ensure!(
        got == wanted,
        "got {}, wanted {}",
        shown(got),
        shown(wanted)
    );
    Ok(())
}
