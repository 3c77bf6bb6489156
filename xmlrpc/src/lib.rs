//! XML-RPC over HTTP: a server and a client that work with peers in any language.
//!
//! # A server
//!
//! A [`Server`] registers functions, closures and objects as methods. Contexts, faults and objects
//! are documented in [`farcall_core`] and at [`#[service]`](farcall_core::service).
//!
//! ```
//! use farcall::service;
//! use farcall::xmlrpc::{Client, Server};
//!
//! struct Greeter;
//!
//! #[service]
//! impl Greeter {
//!     /// Greets someone.
//!     pub fn greet(&self, name: &str) -> String {
//!         format!("Hello, {name}!")
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! server.register_instance(Greeter)?;
//! let listening = server.bind("127.0.0.1:0").await?;
//!
//! # let client = Client::new(&listening.url())?;
//! # tokio::spawn(listening.serve());
//! // Elsewhere, in any language:
//! let greeting: String = client.call("greet", ("Ada",)).await?;
//! assert_eq!(greeting, "Hello, Ada!");
//! # Ok(())
//! # }
//! ```
//!
//! [`ServerOptions`](farcall_http::server::ServerOptions) sets limits, timeouts and access control,
//! [`DocumentOptions`] the form of documents and faults. A server is also a tower service over HTTP
//! requests that can be mounted in axum. [`cgi`](farcall_http::server::cgi) answers one request
//! from standard input.
//!
//! All servers of HTTP have these options and `cgi`: they are in the crate [`farcall_http`], and in
//! `farcall::http` for programs that depend on `farcall`.
//!
//! # A client
//!
//! [`Client`] calls methods by name, through traits marked [`#[client]`](farcall_core::client), or
//! several in one request with a [`Batch`]. [`blocking::Client`] does the same without async.
//! [`ClientOptions`] sets timeouts, headers, proxies and limits.
//!
//! # Types
//!
//! | Rust | XML-RPC |
//! |---|---|
//! | integers | `int`, or `i8` beyond 32 bits |
//! | `f32`, `f64` | `double`; `int` is also accepted |
//! | `bool` | `boolean` |
//! | `String`, `&str`, `char` | `string` |
//! | `Vec<u8>`, `[u8; N]`, `&[u8]` and types that serialize as bytes | `base64` |
//! | [`DateTime`](farcall_core::DateTime) | `dateTime.iso8601` |
//! | `Vec<T>`, sets, tuples | `array` |
//! | structs, maps with string or integer keys | `struct` |
//! | enums | `string` for a unit variant, `struct` with one member for other variants |
//! | `Option<T>`, `()` | the value, or `nil` |
//! | [`Value`](farcall_core::Value) | any |
//!
//! The types of Apache's extensions can be read too. [`XmlRpc`] sets the limits and the types that
//! are written, for peers that support fewer of them. Pass it to [`ClientOptions::format`] and
//! [`DocumentOptions::format`].
//!
//! # Non-standard input
//!
//! Documents of peers that deviate from the specification are read as well:
//!
//! - Infinite doubles and NaN, in the spellings of all languages (`nan`, `NaN`, `-inf`,
//!   `Infinity`). They are written [on request](XmlRpc::non_finite).
//! - Invalid dates (`00000000T00:00:00`, an empty element, no time, `24:00:00`). A
//!   [`Value`](farcall_core::Value) keeps their text, and writes it back unchanged. A
//!   [`DateTime`](farcall_core::DateTime) member fails. An `Option<DateTime>` with
//!   [`zero_as_none`](farcall_core::zero_as_none) reads a zero date as `None`.
//! - Replies without a result (`<params/>`, `<params><param/></params>`, no `<params>`), as `()`,
//!   `Option` and `Value`.
//! - Faults without a `<value>` around the struct, or without a code or a text. A missing code
//!   becomes 1, as of exceptions in CPython; a missing text is replaced by a note.
//! - Arrays without `<data>`, and members whose value comes before their name.
//! - Characters that XML forbids, [on request](XmlRpc::read_forbidden), as U+FFFD.
//!
//! # Encodings
//!
//! Documents are written in UTF-8. The encoding of a received document is taken from its byte order
//! mark, the `charset` of the HTTP header, or its declaration, in this order (RFC 7303); the
//! default is UTF-8. These encodings are supported, under all labels of the
//! [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels) and those of Python
//! (`latin-1`, `cp932`, `mac_roman`):
//!
//! - UTF-8, US-ASCII, and UTF-16 in either byte order
//! - ISO-8859-1 to -11, -13 to -16. ISO-8859-1, -9 and -11 are the encodings of ISO, whose bytes
//!   0x80 to 0x9F are control characters, and not the Windows supersets that browsers use
//! - windows-874, windows-1250 to windows-1258, IBM866, KOI8-R, KOI8-U (with Ў and ў), macintosh,
//!   x-mac-cyrillic, x-user-defined
//! - Shift_JIS, EUC-JP, GBK (GB2312), GB18030, Big5, EUC-KR
//!
//! A byte that is invalid in its encoding is an error with its position. Encodings in which ASCII
//! bytes can mean other characters are refused, because two readers could see two different
//! documents: ISO-2022-JP and the like, HZ, UTF-7, EBCDIC. UTF-32 is refused too.
//!
//! # Features
//!
//! All are on by default. Without one, whatever needs it is an error that names the feature.
//!
//! - `client`, `server`: the two sides.
//! - `gzip`: compressed requests and replies. Without it, no client announces gzip.
//! - `encodings`: all encodings above except UTF-8, UTF-16, US-ASCII and ISO-8859-1.
//! - `idna`: host names with letters beyond ASCII in the URLs of clients.
//! - `cookies`: [`ClientOptions::cookies`].
//! - `workers`: [`Server::serve_worker`].
//! - `tls`: `https`, on both sides, with the cryptography of aws-lc-rs; `tls-ring`: with that of
//!   ring. Not a default.
//! - `middleware`: the ready-made authentication of
//!   [`ServerOptions::authorize`](farcall_http::server::ServerOptions::authorize).

#![cfg_attr(
    not(all(feature = "xmlrpc-client", feature = "xmlrpc-server", feature = "gzip")),
    allow(
        dead_code,
        reason = "single functions of shared modules are for one feature only"
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "xmlrpc-client")]
pub mod blocking;
#[cfg(feature = "xmlrpc-client")]
mod client;
mod codec;
mod de;
mod document;
mod format;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod ser;
#[cfg(feature = "xmlrpc-server")]
mod server;
#[cfg(any(test, fuzzing))]
#[cfg_attr(test, allow(unreachable_pub, reason = "fuzz targets are outside"))]
#[path = "../tests/two_readers/subject.rs"]
mod subject;
mod xml;

#[cfg(feature = "xmlrpc-client")]
pub use client::{Batch, BatchError, Client, ClientOptions, Results, Ticket};
// The names of all clients and servers of HTTP are those of `farcall_http`, which `farcall::http`
// re-exports: none of them is re-exported here, where it would have a second path.
pub use format::XmlRpc;
#[cfg(feature = "xmlrpc-server")]
pub use server::{DocumentOptions, FaultPolicy, Server};
pub use xml::Forbidden;
