//! Documents and their answers.

#![allow(clippy::unwrap_used, reason = "tests")]

mod cases;
mod client;
mod hostile;
mod http;
mod sessions;
mod specification;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::http::{Request, Response};
use farcall::jsonrpc::Server;
use farcall::{Context, Fault, Value, Variadic, service};
use http_body_util::{BodyExt as _, Full};

/// The methods of the examples, and a few more.
#[derive(Clone, Default)]
struct Methods {
    notified: Arc<AtomicU64>,
}

#[service]
impl Methods {
    pub fn subtract(&self, minuend: i64, subtrahend: i64) -> i64 {
        minuend - subtrahend
    }

    pub fn sum(&self, Variadic(numbers): Variadic<i64>) -> i64 {
        numbers.iter().sum()
    }

    pub fn get_data(&self) -> (&'static str, i64) {
        ("hello", 5)
    }

    pub fn update(&self, cx: &Context, _values: Variadic<Value>) {
        if cx.is_one_way() {
            self.notified.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn echo(&self, x: Value) -> Value {
        x
    }

    pub fn big(&self, n: u64) -> u64 {
        n
    }

    pub fn optional(&self, a: i64, b: Option<String>) -> (i64, Option<String>) {
        (a, b)
    }

    pub fn fail(&self, code: i64, message: String) -> Result<(), Fault> {
        Err(Fault::new(code, message))
    }

    pub fn text(&self, length: usize) -> String {
        "x".repeat(length.min(1 << 20))
    }
}

fn server(methods: &Methods) -> Server {
    let server = Server::new();
    server.register_instance(methods.clone()).unwrap();
    server
}

fn request(content_type: &str, body: impl Into<Vec<u8>>) -> Request<Full<bytes::Bytes>> {
    let body = body.into();
    let mut request = Request::post("http://localhost/RPC2")
        .header("host", "localhost")
        .header("content-length", body.len());
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    request.body(Full::new(body.into())).unwrap()
}

/// Returns the status and the body of the response to a document.
async fn answer(server: &Server, document: impl Into<Vec<u8>>) -> (u16, String) {
    let request = request("application/json", document);
    read(server.http().respond(request).await).await
}

async fn read(response: Response<farcall::http::ReplyBody>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
