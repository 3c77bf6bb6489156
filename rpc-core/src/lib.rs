//! Protocol-independent remote calls: the core of Farcall.
//!
//! A service is written once against this crate and served over every protocol of Farcall: XML-RPC
//! (the crate `xmlrpc`) and authenticated connections (the crate `conn`). This crate is to RPC
//! protocols what serde is to data formats.
//!
//! # Offering methods
//!
//! A [`Registry`] maps names to the methods of a server. Functions and closures, plain or async,
//! are registered directly. The methods of an object are registered together if its impl block is
//! marked [`#[service]`](service).
//!
//! ```
//! use farcall::{Context, Fault, RegisterError, Registry, service};
//! use farcall::protocol::Format;
//!
//! struct Calculator;
//!
//! #[service]
//! impl Calculator {
//!     /// Divides one number by another.
//!     pub fn divide(&self, a: f64, b: f64) -> Result<f64, Fault> {
//!         if b == 0.0 { Err(Fault::new(1, "division by zero")) } else { Ok(a / b) }
//!     }
//! }
//!
//! fn offer<F: Format>(registry: &Registry<F>) -> Result<(), RegisterError> {
//!     registry.register_instance(Calculator)?;
//!     registry.register_function("whoami", |cx: Context| cx.peer().to_string())?;
//!     registry.register_blocking("sum", |numbers: Vec<u64>| numbers.iter().sum::<u64>())?;
//!     Ok(())
//! }
//! ```
//!
//! # Making calls
//!
//! Every client is a [`Caller`], which calls methods by name with a tuple of arguments. A trait
//! marked [`#[client]`](client) makes these calls typed. A [`CallError`] tells whether a failed
//! call ran.
//!
//! ```
//! use farcall::{CallError, Caller, client};
//!
//! #[client]
//! trait CalculatorApi {
//!     async fn divide(&self, a: f64, b: f64) -> Result<f64, CallError>;
//! }
//!
//! async fn half(client: &impl Caller) -> Result<f64, CallError> {
//!     let by_name: f64 = client.call("divide", (1.0, 2.0)).await?;
//!     let typed = client.divide(1.0, 2.0).await?;
//!     assert_eq!(by_name, typed);
//!     Ok(typed)
//! }
//! ```
//!
//! # Protocols
//!
//! A protocol carries [`Call`](protocol::Call)s and provides a [`Format`](protocol::Format), which
//! converts directly between bytes and Rust types. Clients and servers have the same interface,
//! `tower_service::Service<Call<F>, Response = Payload>`, so that tower layers fit on both sides.
//! [`transport`] has the byte streams and [`serve`](mod@serve) an accept loop for all of them.
//! [`workers`] runs several event loops for one address.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod args;
mod attachment;
mod blocking;
mod budget;
mod call;
mod caller;
mod context;
mod counts;
mod credentials;
mod describe;
mod error;
mod error_type;
mod fault;
mod format;
mod handler;
mod identity;
#[cfg(feature = "json")]
mod json;
mod limit;
mod limits;
mod macros;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "middleware")]
pub mod middleware;
mod name;
mod observe;
mod output;
mod payload;
pub mod protocol;
mod refuse;
mod registry;
#[cfg(feature = "server")]
pub mod serve;
#[cfg(feature = "sockets")]
pub mod sockets;
mod system;
#[cfg(all(unix, feature = "systemd"))]
pub mod systemd;
mod time;
mod trace;
pub mod transport;
mod type_identity;
mod value;
#[cfg(feature = "workers")]
pub mod workers;

pub use args::Variadic;
pub use blocking::CannotBlock;
pub use budget::Budget;
pub use caller::{Blocking, BlockingCaller, Caller, ServiceCaller, Within};
pub use context::{Cancellation, Context};
#[cfg(feature = "schemars")]
#[cfg_attr(docsrs, doc(cfg(feature = "schemars")))]
pub use describe::TypeSchema;
pub use describe::{About, Content, Description, Member, Parameter, Shape};
pub use error::{CallError, Execution, FormatError, FormatErrorKind, Position};
pub use fault::{Fault, FaultKind};
pub use identity::Identity;
#[cfg(feature = "json")]
pub use json::Json;
#[doc(hidden)]
pub use macros::__private;
pub use macros::{client, service};
pub use registry::{Instance, Method, RegisterError, Registry};
pub use trace::TraceContext;
pub use transport::certificate::Certificate;
pub use value::{
    DateTime, DateTimeError, Kind, Members, Struct, Value, from_value, to_value, zero_as_none,
};
