//! Export of figures and spans to a collector of OpenTelemetry.

mod message;
mod spans;

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use farcall_core::metrics::Metrics;
use farcall_core::protocol::output::Causes;
use farcall_core::{CallError, Context};
use farcall_http::client::{
    ClientOptions, DocumentKind, HttpClient, InvalidUrl, TokioConnector, Unread,
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use self::message::{attribute, of_figures, of_spans};
use self::spans::Queue;

/// Sends the [figures](farcall_core::metrics) to a collector of OpenTelemetry at intervals, by OTLP
/// over HTTP in protobuf: what `/metrics` is for Prometheus, for those who do not collect but
/// receive. On demand, it sends the [spans](Self::with_spans) of calls as well.
///
/// ```no_run
/// use farcall::web::OtlpExporter;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let exporter = OtlpExporter::new("http://localhost:4318", "orders")?
///     .attribute("service.version", env!("CARGO_PKG_VERSION"));
/// # let stop = std::future::ready(());
/// tokio::spawn(exporter.run_until(stop));
/// # Ok(())
/// # }
/// ```
///
/// The names and the units of the figures are those of OpenTelemetry, such as
/// `rpc.server.call.duration` in `s`. Values are cumulative, so an export that fails loses nothing:
/// the next one has all of it. A failure is logged as a warning, and not repeated.
///
/// # Security
///
/// Figures name the methods of the program and tell its load, and spans its peers: use `https`
/// unless the collector is on this machine. The [options](Self::with_options) have TLS and headers
/// for credentials. At most 1 MiB of an answer is read.
#[derive(Debug)]
#[must_use = "an exporter sends nothing until it runs"]
pub struct OtlpExporter {
    to_metrics: HttpClient<TokioConnector, ()>,
    to_traces: HttpClient<TokioConnector, ()>,
    metrics: Metrics,
    interval: Duration,
    process: Resource,
    spans: Option<Queue>,
}

/// Requests of OTLP. They are not observed: each export would change the next one.
const KIND: DocumentKind = DocumentKind {
    system: None,
    response: "an answer of OTLP",
    content_type: "application/x-protobuf",
    path: "/",
};

/// Maximum bytes of the answer of a collector. It is a count and a message.
const MAX_ANSWER: usize = 1 << 20;

/// Time between two exports of spans.
const SPANS_EVERY: Duration = Duration::from_secs(1);

/// Maximum spans of one request, as the libraries of OpenTelemetry have it.
const BATCH: usize = 512;

impl OtlpExporter {
    /// Creates an exporter to the collector at `url`, to which `/v1/metrics` and `/v1/traces` are
    /// appended, and begins to [count calls](Metrics::start). `service` is the attribute
    /// `service.name` of the process.
    ///
    /// # Errors
    /// If the URL is malformed, or the proxy set in the environment cannot be used.
    pub fn new(url: &str, service: &str) -> Result<Self, InvalidUrl> {
        let timeout = Duration::from_secs(10);
        let options = ClientOptions::<()>::default().timeout(Some(timeout));
        Self::with_options(url, service, options)
    }

    /// Creates an exporter with options of its own, such as TLS and headers: those of a client of
    /// XML-RPC or JSON-RPC. The timeout is that of an export.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn with_options<F>(
        url: &str,
        service: &str,
        options: ClientOptions<F>,
    ) -> Result<Self, InvalidUrl> {
        let options = options.with_format(()).max_body(MAX_ANSWER);
        let client = |signal| {
            let url = format!("{}/v1/{signal}", url.trim_end_matches('/'));
            HttpClient::new(&url, KIND, options.clone(), TokioConnector::to)
        };
        let exporter = Self {
            to_metrics: client("metrics")?,
            to_traces: client("traces")?,
            metrics: Metrics::start(),
            interval: Duration::from_secs(60),
            process: Resource::default(),
            spans: None,
        };
        Ok(exporter.attribute("service.name", service))
    }

    /// Time between two exports of figures. Default: 60 s, as in the libraries of OpenTelemetry.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Adds an attribute of the process, such as `service.instance.id` or
    /// `deployment.environment.name`. Default: none but `service.name`.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let attribute = attribute(name.into(), value.into());
        self.process.attributes.push(attribute);
        self
    }

    /// Exports the spans of calls as well, every second. Returns the exporter, and the layer that
    /// notes the spans.
    ///
    /// ```no_run
    /// use farcall::web::OtlpExporter;
    /// use tracing_subscriber::layer::SubscriberExt as _;
    /// use tracing_subscriber::util::SubscriberInitExt as _;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let exporter = OtlpExporter::new("http://localhost:4318", "orders")?;
    /// let (exporter, spans) = exporter.with_spans();
    /// tracing_subscriber::registry().with(spans).init();
    /// # let stop = std::future::ready(());
    /// tokio::spawn(exporter.run_until(stop));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The spans have the ids that calls carry from program to program, so those of several
    /// programs are one tree. Beyond 8,192 spans that wait, further ones are dropped, with a
    /// warning. Those of an export that fails are lost.
    pub fn with_spans<S>(mut self) -> (Self, impl Layer<S> + Send + Sync)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let (queue, layer) = spans::layer();
        self.spans = Some(queue);
        (self, layer)
    }

    /// Sends the figures once.
    ///
    /// # Errors
    /// If the collector cannot be reached, or refuses them.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the export; the collector may have received it.
    pub async fn export(&self) -> Result<(), CallError> {
        let figures = self.metrics.figures();
        let started = self.metrics.started();
        let message = of_figures(&self.process, figures, started, SystemTime::now());
        post(&self.to_metrics, &message).await
    }

    /// Sends the spans that wait.
    async fn export_spans(&mut self) {
        let Some(queue) = &mut self.spans else {
            return;
        };
        let dropped = queue.dropped();
        if dropped > 0 {
            tracing::warn!(dropped, "spans were dropped: there are too many");
        }
        loop {
            let spans = queue.take(BATCH);
            let is_last = spans.len() < BATCH;
            if !spans.is_empty() {
                let message = of_spans(&self.process, spans);
                warn(post(&self.to_traces, &message).await, "spans");
            }
            if is_last {
                return;
            }
        }
    }

    /// Sends the figures, and the spans, until `stop` completes, and once more then.
    ///
    /// # Cancel safety
    /// Dropping the future ends the exports.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let pause = self.interval.max(Duration::from_millis(1));
        let mut figures = interval_at(Instant::now() + pause, pause);
        figures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut spans = interval(SPANS_EVERY);
        spans.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (is_figures, is_last) = tokio::select! {
                () = &mut stop => (true, true),
                _ = figures.tick() => (true, false),
                _ = spans.tick(), if self.spans.is_some() => (false, false),
            };
            if is_figures {
                warn(self.export().await, "figures");
            }
            self.export_spans().await;
            if is_last {
                return;
            }
        }
    }
}

/// Notes a failed export.
fn warn(exported: Result<(), CallError>, what: &str) {
    if let Err(error) = exported {
        tracing::warn!(error = %Causes(&error), "{what} were not exported");
    }
}

/// Sends a message.
async fn post(
    http: &HttpClient<TokioConnector, ()>,
    message: &impl Message,
) -> Result<(), CallError> {
    let context = Context::new("export");
    let request = http.request(&context, message.encoded_len(), |out| {
        out.extend_from_slice(&message.encode_to_vec());
        Ok(())
    })?;
    let mut response = http.exchange(request, None).await?;
    // An answer without partial success has no bytes.
    if response.is_only_accepted() {
        return Ok(());
    }
    let partial = http.read(response, |status, _, document| {
        // The answer to spans has the same fields.
        match ExportMetricsServiceResponse::decode(document.clone()) {
            Ok(answer) if status.is_success() => Ok(answer.partial_success),
            _ => Err(Unread::NotAReply(document, None)),
        }
    })?;
    match partial {
        Some(partial) if partial.rejected_data_points > 0 => {
            let (count, text) = (partial.rejected_data_points, partial.error_message);
            let error = format!("the collector has rejected {count} values: {text}");
            Err(CallError::NotAReply(error.into()))
        }
        _ => Ok(()),
    }
}
