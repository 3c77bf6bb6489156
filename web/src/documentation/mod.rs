//! The documentation page of a service.

mod escape;
mod markdown;
mod page;
mod response;
mod shape;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use farcall_http::server::{PageRequest, Pages};
use http::Response;

use self::page::Page;

/// A page for people: the methods of a service with their signatures and documentation, and forms
/// that call them.
///
/// It is the answer to GET at the path of each service, for browsers. It is one page that can be
/// read without JavaScript, and loads nothing from elsewhere. The documentation of a method is its
/// doc comment, in Markdown: raw HTML is shown as text, and images as their descriptions.
///
/// ```
/// use farcall::web::Documentation;
/// use farcall::http::ServerOptions;
/// use farcall::xmlrpc::Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let documentation = Documentation::new("Calculator")
///     .version("1.2.0")
///     .introduction("Adds and divides. Ask [the owners](mailto:calc@example.com) for access.");
/// let server = Server::with_options(ServerOptions::default().pages(documentation));
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// let bound = server.bind("127.0.0.1:0").await?;
/// println!("open {} in a browser", bound.url());
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Whoever may call the service may see the page: `authorize` and the check of hosts apply to it.
/// A guard that hides methods does not hide their documentation. Requests for the page are not
/// calls: they do not count against the limits of calls.
///
/// All texts of the service are escaped. The content security policy of the page permits no script
/// and no style but its own, no connection but to the server itself, and no page around it.
#[derive(Debug)]
#[must_use = "it is shown when the options of a server have it"]
pub struct Documentation {
    title: String,
    version: Option<String>,
    introduction: String,
    calls: Option<bool>,
    cache: Mutex<Vec<Arc<Page>>>,
}

/// Maximum number of rendered pages that are kept: a server has one for each path that browsers ask
/// for. Those of paths beyond that are rendered for each request.
const MAX_CACHED: usize = 32;

impl Documentation {
    /// Creates a page with a title, such as the name of the service.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            version: None,
            introduction: String::new(),
            calls: None,
            cache: Mutex::default(),
        }
    }

    /// Sets the version of the service, as the page shows it. Default: none.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets a text above the methods, in Markdown. Default: none.
    pub fn introduction(mut self, markdown: impl Into<String>) -> Self {
        self.introduction = markdown.into();
        self
    }

    /// Lets the forms of the page call the service. Default: only on listeners at a loopback
    /// address, so that a page which is for reading does not invite its readers to change
    /// something. Without calls the forms still write code that makes the call.
    pub const fn calls(mut self, calls: bool) -> Self {
        self.calls = Some(calls);
        self
    }

    /// Returns the page of a service, which is rendered once for each version of its methods.
    fn rendered(&self, request: &PageRequest<'_>) -> Option<Arc<Page>> {
        let methods = request.methods()?;
        let has = |content_type| {
            let mut protocols = request.protocols.iter();
            protocols.any(|protocol| protocol.is_content_type(content_type))
        };
        let key = page::Key {
            version: methods.version(),
            calls: self.calls.unwrap_or(request.is_loopback),
            xml: has("text/xml"),
            json: has("application/json"),
        };
        let find = |pages: &[Arc<Page>]| pages.iter().find(|page| page.key == key).cloned();
        let lock = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = find(&lock()) {
            return Some(page);
        }
        // Not under the lock: other pages are served meanwhile. Two requests may render one page.
        let page = Arc::new(Page::render(self, methods, key));
        let mut pages = lock();
        if find(&pages).is_none() {
            if pages.len() == MAX_CACHED {
                pages.remove(0);
            }
            pages.push(Arc::clone(&page));
        }
        Some(page)
    }
}

impl Pages for Documentation {
    fn page(&self, request: &PageRequest<'_>) -> Option<Response<Bytes>> {
        request.methods()?;
        let headers = &request.head.headers;
        match request.head.uri.query() {
            Some("page.css") => Some(response::STYLE.respond(headers)),
            Some("page.js") => Some(response::SCRIPT.respond(headers)),
            _ if !response::accepts_html(headers) => None,
            _ => Some(self.rendered(request)?.respond(headers)),
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Page {
    fn respond(&self, headers: &http::HeaderMap) -> Response<Bytes> {
        let policy = if self.key.calls {
            response::POLICY_WITH_CALLS
        } else {
            response::POLICY
        };
        let mut response = self.content.respond(headers);
        response
            .headers_mut()
            .insert(http::header::CONTENT_SECURITY_POLICY, policy);
        response
    }
}
