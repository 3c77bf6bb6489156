//! Requests to a server without a socket: every response is a complete reply document or an HTTP
//! error.
#![no_main]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use arbitrary::Arbitrary;
use bytes::Bytes;
use farcall::http::ServerOptions;
use farcall::xmlrpc::Server;
use fuzz::memory::bounded;
use fuzz::methods;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    method: Verb<'a>,
    path: Path<'a>,
    headers: Vec<Header<'a>>,
    declared: bool,
    pieces: Vec<u8>,
    end: End,
    document: Document<'a>,
}

#[derive(Arbitrary, Debug)]
enum Verb<'a> {
    Post,
    Other(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Path<'a> {
    Default,
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Header<'a> {
    Xml,
    Charset(&'a [u8]),
    Coding(&'a [u8]),
    Gzip,
    AcceptGzip,
    Origin(&'a [u8]),
    Type(&'a [u8]),
    Other(&'a [u8], &'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum End {
    Whole,
    Broken,
    Never,
}

#[derive(Arbitrary, Debug)]
enum Document<'a> {
    Raw(&'a [u8]),
    Call(&'a str, &'a [u8]),
    Gzip(&'a [u8]),
}

impl Header<'_> {
    fn put(&self, request: &mut Request<Pieces>) -> Option<()> {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).ok();
        let (name, value) = match self {
            Self::Xml => ("content-type", value(b"text/xml")?),
            Self::Charset(name) => (
                "content-type",
                value(&[b"text/xml; charset=", *name].concat())?,
            ),
            Self::Coding(name) => ("content-encoding", value(name)?),
            Self::Gzip => ("content-encoding", value(b"gzip")?),
            Self::AcceptGzip => ("accept-encoding", value(b"gzip")?),
            Self::Origin(origin) => ("origin", value(origin)?),
            Self::Type(name) => ("content-type", value(name)?),
            Self::Other(name, content) => {
                let name = HeaderName::from_bytes(name).ok()?;
                request.headers_mut().append(name, value(content)?);
                return Some(());
            }
        };
        request.headers_mut().append(name, value);
        Some(())
    }
}

impl Document<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => bytes.to_vec(),
            Self::Call(method, params) => {
                let head = format!("<methodCall><methodName>{method}</methodName><params>");
                [head.as_bytes(), params, b"</params></methodCall>"].concat()
            }
            // One stored block, without its checksum.
            Self::Gzip(bytes) => [b"\x1f\x8b\x08\0\0\0\0\0\0\x03", *bytes].concat(),
        }
    }
}

/// A body that arrives in segments.
struct Pieces {
    rest: Bytes,
    sizes: Vec<u8>,
    declared: bool,
    end: End,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.rest.is_empty() {
            return match self.end {
                End::Whole => Poll::Ready(None),
                End::Broken => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
                End::Never => Poll::Pending,
            };
        }
        let size = match self.sizes.pop() {
            Some(size) => usize::from(size).clamp(1, self.rest.len()),
            None => self.rest.len(),
        };
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        if self.declared {
            http_body::SizeHint::with_exact(self.rest.len() as u64)
        } else {
            http_body::SizeHint::default()
        }
    }
}

fn request(input: &Input<'_>) -> Option<Request<Pieces>> {
    let mut request = Request::new(Pieces {
        rest: input.document.bytes().into(),
        sizes: input.pieces.clone(),
        declared: input.declared,
        end: input.end,
    });
    *request.method_mut() = match input.method {
        Verb::Post => Method::POST,
        Verb::Other(name) => Method::from_bytes(name).ok()?,
    };
    *request.uri_mut() = match input.path {
        Path::Default => "/RPC2".parse().ok()?,
        Path::Other(path) => path.parse().ok()?,
    };
    for header in input.headers.iter().take(20) {
        header.put(&mut request)?;
    }
    Some(request)
}

fuzz_target!(|input: Input<'_>| {
    let Some(request) = request(&input) else {
        return;
    };
    let server = Server::with_options(
        ServerOptions::default()
            .max_body(64 << 10)
            .gzip_over(Some(0)),
    );
    methods::register(&server);
    let runtime = methods::runtime();
    let length = request.body().rest.len();
    // Decompression has a limit of its own, so it is part of the constant.
    let answer = bounded(length, 512, 64 << 20, || {
        runtime.block_on(async {
            let mut server = server;
            let answer = tower_service::Service::call(&mut server, request).await;
            let Ok::<_, Infallible>(answer) = answer;
            answer
        })
    });
    let (head, body) = answer.into_parts();
    let body = runtime
        .block_on(body.collect())
        .expect("the body is complete")
        .to_bytes();
    if head.status != StatusCode::OK {
        assert!(head.status.is_client_error(), "{}", head.status);
        return;
    }
    assert!(
        matches!(input.end, End::Whole),
        "a reply to an incomplete request"
    );
    let is_zipped = head.headers.get("content-encoding").is_some();
    assert!(
        is_zipped || farcall::xmlrpc::fuzzing::is_reply(body),
        "not a complete document"
    );
});
