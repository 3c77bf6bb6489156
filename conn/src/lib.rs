//! Authenticated connections that pass values between Rust programs, and between Rust and CPython's
//! `multiprocessing.connection`; and [calls, objects and streams](rpc) over these connections.
//!
//! A [`Listener`] accepts connections and [`Connection::connect`] opens them. Each side proves to
//! the other that it knows the authkey. The result is a [`Connection`]: each message is one value
//! of a serde type, and arrives whole or not at all.
//!
//! ```
//! use farcall::conn::{Connection, Listener};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug, PartialEq)]
//! enum Order {
//!     Add(i64, i64),
//!     Greet { name: String },
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let mut listener = Listener::bind("127.0.0.1:0").authkey("a secret").await?;
//! let address = listener.local_address().clone();
//! let serving = tokio::spawn(async move {
//!     let mut peer: Connection<String, Order> = listener.accept().await?;
//!     let answer = match peer.recv().await? {
//!         Order::Add(a, b) => (a + b).to_string(),
//!         Order::Greet { name } => format!("Hello, {name}!"),
//!     };
//!     peer.send(&answer).await?;
//!     Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! });
//!
//! let mut peer: Connection<Order, String> =
//!     Connection::connect(address).authkey("a secret").await?;
//! peer.send(&Order::Greet { name: "Ada".to_owned() }).await?;
//! assert_eq!(peer.recv().await?, "Hello, Ada!");
//! serving.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # With Python
//!
//! The third type parameter of a connection is its [codec](Codec). With
//! [`farcall::pickle::Pickle`](farcall_pickle::Pickle), the peer may be CPython 3.6 or newer, as
//! client or as listener, and needs no changes:
//!
//! ```python
//! from multiprocessing.connection import Client
//!
//! with Client(("localhost", 16000), authkey=b"12345") as c:
//!     c.send((3, 5))
//!     print(c.recv())
//! ```
//!
//! ```no_run
//! use farcall::conn::{Listener, PyConnection, RecvError};
//!
//! async fn add(mut peer: PyConnection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     loop {
//!         match peer.recv_as::<(i64, i64)>().await {
//!             Ok((a, b)) => peer.send_as(&(a + b)).await?,
//!             Err(RecvError::Closed) => return Ok(()),
//!             Err(error) => return Err(error.into()),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // CPython up to 3.11 authenticates with MD5 and nothing else.
//! let mut listener = Listener::bind(("", 16000)).authkey("12345").legacy_md5(true).await?;
//! loop {
//!     let peer = listener.accept().await?;
//!     tokio::spawn(async {
//!         if let Err(error) = add(peer).await {
//!             eprintln!("{error:?}");
//!         }
//!     });
//! }
//! # }
//! ```
//!
//! A [`PyConnection`] sends and receives any value: [`send_as`](Connection::send_as) and
//! [`recv_as`](Connection::recv_as) choose the type for each message, and
//! [`recv`](Connection::recv) returns whatever Python sent. A peer whose messages all have one type
//! may as well be a `Connection<S, R, Pickle>`.
//!
//! | Python | Rust |
//! |---|---|
//! | `Listener(address, authkey=…)`, `accept()`, `last_accepted` | [`Listener::bind`]`(address).authkey(…)`, [`accept`](Listener::accept), [`last_accepted`](Listener::last_accepted) |
//! | `Client(address, authkey=…)` | [`Connection::connect`]`(address).authkey(…)` |
//! | `send`, `recv`, `send_bytes`, `recv_bytes(max)`, `recv_bytes_into` | the methods of the same names of [`Connection`] |
//! | `poll(timeout)`, `wait(list, timeout)` | [`Connection::poll`], [`wait`](wait()) |
//! | `Pipe()`, `Pipe(False)` | [`pipe`](pipe()), [`simplex`] |
//! | `reduction.send_handle`, `recv_handle` | [`Connection::send_handle`](Connection#method.send_handle), [`recv_handle`](Connection#method.recv_handle) if [`Descriptors::Receive`] is set |
//! | `EOFError` | [`RecvError::Closed`] |
//! | `BufferTooShort` | [`RecvError::BufferTooShort`] |
//! | `AuthenticationError` | [`auth::AuthError`] |
//!
//! The differences from Python:
//!
//! - Messages, handshakes and waiting peers have limits.
//! - A truncated message is an error, never a short message or a regular close.
//! - A peer that fails to authenticate is logged; `accept` continues.
//! - Many tasks may send on one connection.
//! - Received descriptors are closed unless the program asks for them.
//! - Unpickling executes nothing.
//!
//! # Calls and objects
//!
//! [`rpc`] makes calls over these connections: functions, objects, callbacks and streams.
//!
//! # Async and blocking
//!
//! The API is async, on tokio. The module `blocking` has the same connections for programs without
//! async code. Both use the same code above the system calls of their streams.
//!
//! # Security
//!
//! [`auth`] describes what the key protects and what it does not. Above all, **bytes after the
//! handshake are neither encrypted nor signed**, unless there is [TLS](auth#tls): with certificates
//! (`tls` on the builders of listeners and connections), or by the authkey alone (`encrypted`).
//! Every codec of this crate decodes data only; none executes code.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
pub mod auth;
#[cfg(unix)]
pub mod blocking;
mod codec;
mod connect;
mod connection;
#[cfg(unix)]
mod descriptor;
mod error;
mod establish;
pub mod frame;
mod listener;
#[cfg(feature = "managers")]
pub mod managers;
mod pipe;
#[cfg(feature = "rpc")]
pub mod rpc;
#[cfg(feature = "_tls")]
mod tls;
#[cfg(not(feature = "_tls"))]
#[path = "no_tls.rs"]
mod tls;
mod wait;

// Its path is `farcall::Json`, since JSON-RPC has it as well.
#[cfg(feature = "json")]
#[doc(hidden)]
pub use codec::Json;
#[cfg(feature = "msgpack")]
pub use codec::MessagePack;
#[cfg(feature = "postcard")]
pub use codec::Postcard;
pub use codec::{Bincode, Codec};
pub use connect::{ConnectError, ConnectionBuilder};
#[cfg(feature = "pickle")]
pub use connection::PyConnection;
pub use connection::{Connection, Receiver, Sender};
#[cfg(unix)]
pub use descriptor::{Acknowledge, DescriptorError, Descriptors};
pub use error::{RecvError, SendError};
pub use listener::{BindError, Listener, ListenerBuilder};
pub use pipe::{pipe, simplex};
pub use wait::{Wait, wait};
