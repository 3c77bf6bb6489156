//! The messages of exports.

use std::time::{SystemTime, UNIX_EPOCH};

use farcall_core::metrics::{Distribution, Figure, Sample, Values};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// The conventions that the names of the figures follow.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.45.0";

/// Returns the request that exports figures.
pub(super) fn of_figures(
    process: &Resource,
    figures: Vec<Figure>,
    started: SystemTime,
    now: SystemTime,
) -> ExportMetricsServiceRequest {
    let times = Times {
        start: nanoseconds(started),
        end: nanoseconds(now),
    };
    // A metric without values is none.
    let metrics = figures
        .into_iter()
        .filter_map(|figure| metric(figure, &times));
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(process.clone()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics: metrics.collect(),
                schema_url: SCHEMA.to_owned(),
            }],
            schema_url: String::new(),
        }],
    }
}

/// Returns the request that exports spans.
pub(super) fn of_spans(process: &Resource, spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(process.clone()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans,
                schema_url: SCHEMA.to_owned(),
            }],
            schema_url: String::new(),
        }],
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "farcall".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// The time during which values were counted.
struct Times {
    start: u64,
    end: u64,
}

/// Returns a time as OTLP writes it.
pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn metric(figure: Figure, times: &Times) -> Option<Metric> {
    let cumulative = AggregationTemporality::Cumulative.into();
    let data = match figure.values {
        Values::Gauge(samples) if !samples.is_empty() => Data::Gauge(Gauge {
            data_points: numbers(samples, times),
        }),
        Values::Counter(samples) if !samples.is_empty() => Data::Sum(Sum {
            data_points: numbers(samples, times),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        Values::Histogram(samples) if !samples.is_empty() => Data::Histogram(Histogram {
            data_points: samples
                .into_iter()
                .map(|sample| durations(sample, times))
                .collect(),
            aggregation_temporality: cumulative,
        }),
        _ => return None,
    };
    Some(Metric {
        name: figure.name.to_owned(),
        description: figure.description.to_owned(),
        unit: figure.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

fn numbers(samples: Vec<Sample<u64>>, times: &Times) -> Vec<NumberDataPoint> {
    let point = |sample: Sample<u64>| {
        let value = i64::try_from(sample.value).unwrap_or(i64::MAX);
        NumberDataPoint {
            attributes: labels(sample.labels),
            start_time_unix_nano: times.start,
            time_unix_nano: times.end,
            value: Some(number_data_point::Value::AsInt(value)),
            ..NumberDataPoint::default()
        }
    };
    samples.into_iter().map(point).collect()
}

fn durations(sample: Sample<Distribution>, times: &Times) -> HistogramDataPoint {
    let durations = sample.value;
    HistogramDataPoint {
        attributes: labels(sample.labels),
        start_time_unix_nano: times.start,
        time_unix_nano: times.end,
        count: durations.count(),
        sum: Some(durations.sum.as_secs_f64()),
        bucket_counts: durations.buckets.to_vec(),
        explicit_bounds: Distribution::BOUNDS.to_vec(),
        ..HistogramDataPoint::default()
    }
}

fn labels(labels: Vec<(&'static str, String)>) -> Vec<KeyValue> {
    let labels = labels.into_iter();
    labels
        .map(|(name, value)| attribute(name.to_owned(), value))
        .collect()
}

/// Returns an attribute whose value is a text.
pub(super) fn attribute(key: String, value: String) -> KeyValue {
    KeyValue {
        key,
        value: Some(AnyValue {
            value: Some(Value::StringValue(value)),
        }),
        ..KeyValue::default()
    }
}
