//! Services over NATS: methods offered as micro services, their clients, and discovery.
//!
//! One machine that calls all others reaches some thousands. Beyond that, [NATS](https://nats.io)
//! carries the calls: its servers form clusters, spread calls over instances, and tell at once if
//! nobody answers. A [`Server`] offers a registry as a micro service (ADR-32), which every NATS
//! client in any language can discover and call. A [`Client`] calls such services, those of other
//! libraries too.
//!
//! ```no_run
//! use farcall::cluster::nats::{Client, Connection, Server};
//! use farcall::Caller as _;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = Connection::open("nats://127.0.0.1:4222").await?;
//! let server = Server::new("calculator");
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! tokio::spawn(server.bind(&connection).await?.serve());
//!
//! let calculator = Client::new(&connection, "calculator")?;
//! let sum: i64 = calculator.call("add", (3, 5)).await?;
//! assert_eq!(sum, 8);
//! # Ok(())
//! # }
//! ```
//!
//! # Objects, streams, much data
//!
//! A message of NATS has at most 1 MB by default. Objects, streams of items and callbacks need a
//! whole session of [`rpc`](farcall_conn::rpc): a [`StreamConnector`] and a [`StreamListener`]
//! carry it over NATS.
//!
//! # Jobs that must not be lost
//!
//! Core NATS delivers a message at most once. Durable jobs on JetStream are not part of this
//! module: `docs/NATS.md` says why.
//!
//! # Security
//!
//! NATS tells a service nothing of its caller, so callers are
//! [anonymous](farcall_core::Identity::is_anonymous). The permissions of the NATS server decide who
//! may call which subject, and who may read answers. Sessions can have an authkey of their own.

mod all;
mod caller_clock;
mod client;
mod connection;
mod content_type;
mod discovery;
mod error;
mod headers;
mod inbox;
mod lazy;
mod link;
mod server;
mod stream;
mod stream_state;
mod subject;
mod url;

pub use async_nats;

pub use self::client::{Client, ClientOptions, NoResponders};
pub use self::connection::Connection;
pub use self::content_type::ContentType;
pub use self::discovery::{EndpointInfo, Gather, InstanceInfo};
pub use self::error::{BindError, ConnectionError, InvalidName, SendError};
pub use self::inbox::ConnectionLost;
pub(crate) use self::lazy::LazyClient;
pub use self::server::{BoundServer, Server, ServerOptions};
pub use self::stream::{NatsStream, StreamConnector, StreamListener};
pub(crate) use self::subject::is_name;
pub use self::url::InvalidNatsUrl;
