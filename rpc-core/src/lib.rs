//! What a remote call is, whatever the protocol that carries it.

// The macros write `::rpc_core`, in this crate too.
extern crate self as rpc_core;

pub mod call;
pub mod caller;
pub mod context;
pub mod describe;
pub mod error;
pub mod fault;
pub mod format;
pub mod handler;
mod macros;
pub mod registry;
pub mod serve;
pub mod system;
pub mod transport;
pub mod value;

pub use call::{Answer, Call, Name, Payload};
pub use caller::{BlockingCaller, Caller, Client};
pub use context::{Cancellation, Context, Origin};
pub use describe::{Description, Kind, Parameter};
pub use error::{CallError, Execution, FormatError, FormatErrorKind, Position};
pub use fault::{Fault, FaultKind};
pub use format::Format;
pub use handler::{Arg, Args, FromArgs, Variadic};
#[doc(hidden)]
pub use macros::__private;
pub use macros::{client, service};
pub use registry::{Instance, Method, RegisterError, Registrar, Registry};
pub use transport::Peer;
pub use value::{DateTime, Struct, Value, from_value, to_value};
