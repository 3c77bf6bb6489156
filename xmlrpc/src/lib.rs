//! XML-RPC over HTTP: a server and a client that every language's peers understand.
//!
//! # A server
//!
//! Functions, closures and objects become methods of a [`Server`] as they are. What is not said here
//! of methods, such as contexts, faults and objects, is said in [`rpc_core`] and at
//! [`#[service]`](service).
//!
//! ```
//! use xmlrpc::{Client, Server, service};
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
//! [`ServerOptions`] has the limits, the timeouts, who may call, and what faults look like.
//! A server is a tower service over HTTP requests as well, to be mounted in axum, and [`cgi`] answers
//! one request from the standard input.
//!
//! # A client
//!
//! [`Client`] calls by name, by traits marked [`#[client]`](client), or several methods in one request
//! with a [`Batch`]. [`blocking::Client`] does the same without async. [`ClientOptions`] has timeouts,
//! headers, proxies and limits.
//!
//! # Types
//!
//! | Rust | XML-RPC |
//! |---|---|
//! | integers | `int`, or `i8` beyond 32 bits |
//! | `f32`, `f64` | `double`; an `int` is read as well |
//! | `bool` | `boolean` |
//! | `String`, `&str`, `char` | `string` |
//! | `Vec<u8>`, `[u8; N]`, `&[u8]` and what serde writes as bytes | `base64` |
//! | [`DateTime`](rpc_core::DateTime) | `dateTime.iso8601` |
//! | `Vec<T>`, sets, tuples | `array` |
//! | structs, maps with keys of text or integers | `struct` |
//! | enums | `string` for a bare variant, `struct` of one member for one with content |
//! | `Option<T>`, `()` | the value, or `nil` |
//! | [`Value`](rpc_core::Value) | any |
//!
//! The types of Apache's extensions are read too. [`XmlRpc`] has the limits and what is written for peers that know
//! less; [`ClientOptions::format`] and [`ServerOptions::format`] take it.
//!
//! # What is read of peers that have habits of their own
//!
//! - Doubles that are infinite or no number, as all languages spell them (`nan`, `NaN`, `-inf`, `Infinity`). They are
//!   written [on request](XmlRpc::non_finite).
//! - Dates that are none (`00000000T00:00:00`, an empty element, no time, `24:00:00`). To a
//!   [`Value`](rpc_core::Value) that is a text of its own, which is written as it came; to a
//!   [`DateTime`](rpc_core::DateTime) it is an error of that member, and to an `Option<DateTime>` with
//!   [`zero_as_none`](rpc_core::value::datetime::zero_as_none) a zero date is `None`.
//! - Replies without a result (`<params/>`, `<params><param/></params>`, no `<params>`) to `()`, `Option` and `Value`.
//! - Faults without `<value>` around the struct, or without a code or a text. The code is 1 then, as that of
//!   exceptions in CPython, and the text says that there is none.
//! - Arrays without `<data>`, and members whose value comes before their name.
//! - Characters that XML does not allow, [on request](XmlRpc::read_forbidden), as U+FFFD.
//!
//! # Encodings
//!
//! What is written is UTF-8. What is read is in the encoding that its byte order mark, the `charset` of the HTTP
//! header, or its declaration names, in this order (RFC 7303); UTF-8 without one. These are known, by all labels that
//! the [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels) has for them, and by those that Python
//! has (`latin-1`, `cp932`, `mac_roman`):
//!
//! - UTF-8, US-ASCII, and UTF-16 in either order
//! - ISO-8859-1 to -11, -13 to -16. ISO-8859-1, -9 and -11 are those of ISO, whose bytes 0x80 to 0x9F are control
//!   characters, and not Windows' supersets as in browsers
//! - windows-874, windows-1250 to windows-1258, IBM866, KOI8-R, KOI8-U (with Ў and ў), macintosh, x-mac-cyrillic, x-user-defined
//! - Shift_JIS, EUC-JP, GBK (GB2312), GB18030, Big5, EUC-KR
//!
//! A byte that is none of its encoding is refused, with its position. Encodings in which the bytes of ASCII can mean
//! other characters are refused, as two readers could see two documents in one: ISO-2022-JP and its like, HZ,
//! UTF-7, EBCDIC; so is UTF-32.

pub mod blocking;
mod client;
mod coding;
mod de;
mod document;
mod format;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod ser;
mod server;
mod sync;
mod xml;

pub use client::{
    Batch, BatchError, Client, ClientOptions, HttpError, InvalidHeader, InvalidUrl, Results, Ticket,
};
pub use format::XmlRpc;
pub use rpc_core;
pub use rpc_core::{client, service};
pub use server::{
    BoundServer, FaultPolicy, Rejection, ReplyBody, ReplyEvicted, Server, ServerOptions, cgi,
};
pub use xml::Forbidden;
