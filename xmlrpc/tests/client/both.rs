//! The async and the blocking client behind one interface, for tests of both.

use farcall_core::protocol::Args;
use farcall_core::{BlockingCaller, CallError, Caller, Context};
use farcall_xmlrpc::{ClientOptions, Results, Ticket, blocking};
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

/// Generates a test of each function with each client.
macro_rules! both {
    ($($(#[$attribute:meta])* $test:ident,)*) => {
        mod with_async {
            $($(#[$attribute])*
            #[tokio::test]
            async fn $test() {
                super::$test(crate::both::ClientKind::Async).await;
            })*
        }

        mod with_blocking {
            $($(#[$attribute])*
            #[tokio::test]
            async fn $test() {
                super::$test(crate::both::ClientKind::Blocking).await;
            })*
        }
    };
}

/// The client that a test uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ClientKind {
    Async,
    Blocking,
}

impl ClientKind {
    pub(crate) fn client(self, url: &str) -> Client {
        self.client_with(url, ClientOptions::default())
    }

    pub(crate) fn client_with(self, url: &str, options: ClientOptions) -> Client {
        match self {
            Self::Async => {
                Client::Async(farcall_xmlrpc::Client::with_options(url, options).unwrap())
            }
            Self::Blocking => {
                Client::Blocking(blocking::Client::with_options(url, options).unwrap())
            }
        }
    }
}

/// Either client. Blocking calls run in a thread of their own.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    Async(farcall_xmlrpc::Client),
    Blocking(blocking::Client),
}

impl Client {
    pub(crate) async fn call<R: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        args: impl Args + Send + 'static,
    ) -> Result<R, CallError> {
        self.call_in(Context::new(method), args).await
    }

    pub(crate) async fn call_in<R: DeserializeOwned + Send + 'static>(
        &self,
        context: Context,
        args: impl Args + Send + 'static,
    ) -> Result<R, CallError> {
        match self {
            Self::Async(client) => client.call_in(context, args).await,
            Self::Blocking(client) => {
                let client = client.clone();
                spawn_blocking(move || client.call_in(context, args))
                    .await
                    .unwrap()
            }
        }
    }

    pub(crate) fn batch(&self) -> Batch {
        match self {
            Self::Async(client) => Batch::Async(client.batch()),
            Self::Blocking(client) => Batch::Blocking(client.batch()),
        }
    }
}

/// A batch of either client.
#[derive(Debug)]
pub(crate) enum Batch {
    Async(farcall_xmlrpc::Batch),
    Blocking(blocking::Batch),
}

impl Batch {
    pub(crate) fn call<R: DeserializeOwned>(&mut self, method: &str, args: impl Args) -> Ticket<R> {
        match self {
            Self::Async(batch) => batch.call(method, args),
            Self::Blocking(batch) => batch.call(method, args),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Async(batch) => batch.is_empty(),
            Self::Blocking(batch) => batch.is_empty(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Async(batch) => batch.len(),
            Self::Blocking(batch) => batch.len(),
        }
    }

    pub(crate) async fn send(self) -> Result<Results, CallError> {
        match self {
            Self::Async(batch) => batch.send().await,
            Self::Blocking(batch) => spawn_blocking(|| batch.send()).await.unwrap(),
        }
    }
}
