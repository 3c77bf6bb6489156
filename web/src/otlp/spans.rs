//! The spans of calls, from where `tracing` notes them to where they are sent.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::message::{attribute, nanoseconds};

/// The target of the spans of calls.
const CALLS: &str = "farcall::call";

/// Maximum spans that wait to be sent: some MiB. Further ones are dropped, and counted.
const QUEUE: usize = 8192;

/// The spans that wait to be sent.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Receiver<Span>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    /// Takes at most this number of spans.
    pub(super) fn take(&mut self, limit: usize) -> Vec<Span> {
        let next = || self.spans.try_recv().ok();
        std::iter::from_fn(next).take(limit).collect()
    }

    /// Returns the number of spans that were dropped since this was asked before.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

/// Returns a layer that adds the spans of calls to a queue when they end.
pub(super) fn layer<S>() -> (Queue, impl Layer<S> + Send + Sync)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (sender, spans) = mpsc::channel(QUEUE);
    let dropped = Arc::default();
    let layer = CallSpans {
        spans: sender,
        dropped: Arc::clone(&dropped),
    };
    let is_call = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == CALLS;
    let filter = filter_fn(is_call).with_max_level_hint(LevelFilter::DEBUG);
    (Queue { spans, dropped }, layer.with_filter(filter))
}

struct CallSpans {
    spans: mpsc::Sender<Span>,
    dropped: Arc<AtomicU64>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for CallSpans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut open = OpenSpan(Span {
                start_time_unix_nano: nanoseconds(SystemTime::now()),
                ..Span::default()
            });
            attributes.record(&mut open);
            span.extensions_mut().insert(open);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<OpenSpan>()
        {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let open = span.extensions_mut().remove::<OpenSpan>();
        if let Some(OpenSpan(mut span)) = open {
            span.end_time_unix_nano = nanoseconds(SystemTime::now());
            if self.spans.try_send(span).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A span that has not ended.
struct OpenSpan(Span);

impl OpenSpan {
    fn set(&mut self, name: &str, value: String) {
        let span = &mut self.0;
        match name {
            "otel.name" => span.name = value,
            "otel.kind" if value == "server" => span.kind = SpanKind::Server.into(),
            "otel.kind" => span.kind = SpanKind::Client.into(),
            "otel.status_code" => {
                span.status = Some(Status {
                    code: StatusCode::Error.into(),
                    ..Status::default()
                });
            }
            "trace_id" => span.trace_id = bytes(&value),
            "span_id" => span.span_id = bytes(&value),
            "parent_id" => span.parent_span_id = bytes(&value),
            _ => {
                let attribute: KeyValue = attribute(name.to_owned(), value);
                span.attributes.push(attribute);
            }
        }
    }
}

impl Visit for OpenSpan {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}

/// Returns the bytes of an id in hexadecimal digits.
fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| {
        let pair = str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(pair, 16).unwrap_or_default()
    });
    bytes.collect()
}
