//! Kinds of documents.

/// The protocol whose documents a client exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentKind {
    /// The protocol, as spans and figures name it. `None`: its requests are no calls, and are not
    /// observed.
    pub system: Option<&'static str>,
    /// A response, for errors: "an XML-RPC response".
    pub response: &'static str,
    /// The content type of requests.
    pub content_type: &'static str,
    /// The path of URLs without one.
    pub path: &'static str,
}
