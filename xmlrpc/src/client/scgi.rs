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

/// Returns the variables of all requests, but the first one, which is the length of the body.
pub(super) fn variables(path: &str, headers: &HeaderMap) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in [
        ("SCGI", "1"),
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", path),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
    ] {
        write_variable(name, value.as_bytes(), &mut out);
    }
    for name in headers.keys() {
        // A variable must not occur twice.
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        write_variable(&variable(name), &values.join(&b", "[..]), &mut out);
    }
    out
}

/// Returns the start of a request: its head, for a body of `length` bytes.
pub(super) fn head(length: usize, coding: Option<&str>, variables: &[u8]) -> Vec<u8> {
    let mut list = Vec::with_capacity(variables.len() + 64);
    write_variable(
        "CONTENT_LENGTH",
        itoa::Buffer::new().format(length).as_bytes(),
        &mut list,
    );
    list.extend_from_slice(variables);
    if let Some(coding) = coding {
        write_variable(&variable(&CONTENT_ENCODING), coding.as_bytes(), &mut list);
    }
    let mut out = format!("{}:", list.len()).into_bytes();
    out.append(&mut list);
    out.push(b',');
    out
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
