//! The client: sends documents as HTTP requests, and reads the documents of responses.

mod connection;
#[cfg(feature = "cookies")]
mod cookies;
#[cfg(not(feature = "cookies"))]
#[path = "no_cookies.rs"]
mod cookies;
mod endpoint;
mod error;
mod forms;
mod kind;
mod layered;
mod link;
mod options;
mod pool;
mod proxy;
mod redirect;
mod request;
mod response;
mod route;
mod scgi;
mod secrets;
mod stream;
#[cfg(feature = "_tls")]
mod tls;
#[cfg(not(feature = "_tls"))]
#[path = "no_tls.rs"]
mod tls;
mod transport;
mod url;
mod waiting;

pub use self::endpoint::{HttpClient, Unread};
pub use self::error::{HttpError, InvalidHeader};
pub use self::kind::DocumentKind;
pub use self::options::ClientOptions;
pub use self::pool::Transport;
pub use self::request::Request;
pub use self::response::Response;
pub use self::secrets::Secrets;
pub use self::stream::{Progress, Stream};
pub use self::transport::{
    BlockingConnector, BlockingStream, Destination, TokioConnector, TokioStream,
};
pub use self::url::InvalidUrl;
pub use self::waiting::{complete, require_runtime};
#[cfg(fuzzing)]
pub(crate) use self::{response::segments::read_segments_over, scgi::Wire, url::Target};
