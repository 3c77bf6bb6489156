//! SCGI, which some servers speak instead of HTTP, rtorrent among them.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

/// The framing of requests and responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Http,
    /// A request is a netstring of variables and its body, a response that of CGI. Each connection
    /// is for one request.
    Scgi,
}

/// The variables that all requests of a client have in common.
pub(super) struct Variables {
    path: String,
    headers: HeaderMap,
}

impl Variables {
    pub(super) fn new(path: &str, headers: HeaderMap) -> Self {
        let path = path.to_owned();
        Self { path, headers }
    }

    /// Returns the start of a request: its head, with the headers of a call, for a body of `length`
    /// bytes.
    pub(super) fn head<'a>(
        &self,
        call: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
        length: usize,
        is_zipped: bool,
    ) -> Vec<u8> {
        let mut headers = self.headers.clone();
        let mut own = HeaderMap::new();
        for (name, value) in call {
            headers.remove(name);
            own.append(name, value.clone());
        }
        headers.extend(own);
        if is_zipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let mut list = Vec::with_capacity(512);
        // The length comes first, as the specification demands.
        for (name, value) in [
            ("CONTENT_LENGTH", itoa::Buffer::new().format(length)),
            ("SCGI", "1"),
            ("REQUEST_METHOD", "POST"),
            ("REQUEST_URI", &self.path),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
        ] {
            write_variable(name, value.as_bytes(), &mut list);
        }
        for name in headers.keys() {
            let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
            // A variable must not occur twice.
            let value = values.collect::<Vec<_>>().join(&b", "[..]);
            write_variable(&variable(name), &value, &mut list);
        }
        let mut out = format!("{}:", list.len()).into_bytes();
        out.append(&mut list);
        out.push(b',');
        out
    }
}

/// Returns the name of the variable for a header.
fn variable(name: &HeaderName) -> String {
    let upper = name.as_str().to_ascii_uppercase().replace('-', "_");
    if *name == CONTENT_TYPE {
        upper
    } else {
        format!("HTTP_{upper}")
    }
}

fn write_variable(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.extend_from_slice(value);
    out.push(0);
}
