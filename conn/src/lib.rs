//! Authenticated connections that pass values: between Rust programs, and with CPython's
//! `multiprocessing.connection`. And calls, objects and streams [over them](rpc).
//!
//! A [`Listener`] accepts and a [`Client`] connects; both prove that they know the same key. What they
//! get is a [`Connection`]: each message is one value of a serde type, and arrives as a whole or not
//! at all.
//!
//! ```
//! use conn::{Client, Connection, Listener};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug, PartialEq)]
//! enum Order {
//!     Add(i64, i64),
//!     Greet { name: String },
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut listener = Listener::bind("127.0.0.1:0").authkey("a secret").await?;
//! let address = listener.local_address().clone();
//! tokio::spawn(async move {
//!     let mut peer: Connection<String, Order> = listener.accept().await?;
//!     while let Ok(order) = peer.recv().await {
//!         let answer = match order {
//!             Order::Add(a, b) => (a + b).to_string(),
//!             Order::Greet { name } => format!("Hello, {name}!"),
//!         };
//!         peer.send(&answer).await?;
//!     }
//!     Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! });
//!
//! let mut peer: Connection<Order, String> = Client::connect(address).authkey("a secret").await?;
//! peer.send(&Order::Greet { name: "Ada".to_owned() }).await?;
//! assert_eq!(peer.recv().await?, "Hello, Ada!");
//! # Ok(())
//! # }
//! ```
//!
//! # With Python
//!
//! The third type parameter is the [`codec`]. With [`Pickle`], the other end may be CPython, 3.6 or newer,
//! as client or as listener, none the wiser:
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
//! use conn::{Connection, Listener, Pickle};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // CPython up to 3.11 authenticates with MD5 and nothing else.
//! let mut listener = Listener::bind(("", 16000)).authkey("12345").legacy_md5(true).await?;
//! loop {
//!     let mut peer: Connection<i64, (i64, i64), Pickle> = listener.accept().await?;
//!     tokio::spawn(async move {
//!         while let Ok((a, b)) = peer.recv().await {
//!             peer.send(&(a + b)).await?;
//!         }
//!         Ok::<(), conn::SendError>(())
//!     });
//! }
//! # }
//! ```
//!
//! | Python | here |
//! |---|---|
//! | `Listener(address, authkey=…)`, `accept()`, `last_accepted` | [`Listener::bind`]`(address).authkey(…)`, [`accept`](Listener::accept), [`last_accepted`](Listener::last_accepted) |
//! | `Client(address, authkey=…)` | [`Client::connect`]`(address).authkey(…)` |
//! | `send`, `recv`, `send_bytes`, `recv_bytes(max)`, `recv_bytes_into` | the same of [`Connection`] |
//! | `poll(timeout)`, `wait(list, timeout)` | [`Connection::poll`], [`wait`](wait()) |
//! | `Pipe()`, `Pipe(False)` | [`pipe`](pipe()), [`simplex`] |
//! | `reduction.send_handle`, `recv_handle` | [`Connection::send_handle`](Connection#method.send_handle), [`recv_handle`](Connection#method.recv_handle), where [`Descriptors::Receive`] is set |
//! | `EOFError` | [`RecvError::Closed`] |
//! | `BufferTooShort` | [`RecvError::BufferTooShort`] |
//! | `AuthenticationError` | [`auth::AuthError`] |
//!
//! What is different: messages, handshakes and waiting peers have limits; a message cut off is an error
//! and never a short message or a regular end; a peer that fails to authenticate is logged and never
//! ends `accept`; many tasks may send on one connection; descriptors are closed unless the program says that it receives
//! them; and unpickling executes nothing.
//!
//! # Calls and objects
//!
//! [`rpc`] has calls over these connections: functions, objects, callbacks and streams.
//!
//! # Async and blocking
//!
//! All of it is async, on tokio. The module `blocking` has the connections for programs
//! that are not; both stand on the same state machines, [`frame`] and [`auth`], which know no
//! sockets.
//!
//! # Security
//!
//! [`auth`] says what the key protects and what it does not: above all, **what is sent after the handshake is
//! neither encrypted nor signed**. Every codec here reads data only.

mod account;
pub mod address;
pub mod auth;
#[cfg(unix)]
pub mod blocking;
mod client;
pub mod codec;
mod connection;
#[cfg(unix)]
mod descriptor;
mod error;
mod establish;
pub mod frame;
mod listener;
mod pipe;
pub mod rpc;
mod wait;

pub use client::{Client, ClientBuilder, ConnectError};
pub use codec::{Bincode, Codec, Json, MessagePack, Pickle, Postcard};
pub use connection::{Connection, Receiver, Sender};
#[cfg(unix)]
pub use descriptor::{Acknowledge, DescriptorError, Descriptors};
pub use error::{RecvError, SendError};
pub use listener::{BindError, Listener, ListenerBuilder};
pub use pipe::{pipe, simplex};
pub use rpc_core;
pub use wait::{Wait, wait};
