//! The endpoints of a service, one for each method, and what it tells of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use farcall_core::protocol::{Format, Name};
use farcall_core::{DateTime, Description, Fault, Kind, Registry};
use serde_json::{Value, json};

use crate::nats::subject::{self, QUEUE_GROUP};

/// Lengths that help texts are cut to, one after the other, until the answer fits into a message.
const HELP: [usize; 5] = [4096, 512, 128, 32, 0];

/// Maximum length of the text of the last error in the statistics, in characters.
const MAX_ERROR: usize = 256;

/// Maximum length of the subject of a method, in bytes. A NATS server ends the connection of who
/// subscribes to one that its control line does not hold, and after each new connection again.
const MAX_SUBJECT: usize = 1024;

/// A method as an endpoint, with its statistics.
pub(super) struct Endpoint {
    pub(super) method: Name,
    name: String,
    pub(super) subject: String,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: u64,
    errors: u64,
    last_error: String,
    time: Duration,
}

/// Identity of an instance.
pub(super) struct Instance {
    pub(super) service: String,
    pub(super) id: String,
    pub(super) version: String,
    pub(super) description: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) started: SystemTime,
    endpoints: RwLock<BTreeMap<Name, Arc<Endpoint>>>,
}

impl Endpoint {
    /// Counts a call.
    pub(super) fn count(&self, time: Duration, fault: Option<&Fault>) {
        let mut counts = self.counts();
        counts.requests += 1;
        counts.time += time;
        if let Some(fault) = fault {
            counts.errors += 1;
            counts.last_error = fault.to_string().chars().take(MAX_ERROR).collect();
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stats(&self) -> Value {
        let counts = self.counts();
        let nanos = |time: u128| u64::try_from(time).unwrap_or(u64::MAX);
        let time = counts.time.as_nanos();
        json!({
            "name": self.name,
            "subject": self.subject,
            "queue_group": QUEUE_GROUP,
            "num_requests": counts.requests,
            "num_errors": counts.errors,
            "last_error": counts.last_error,
            "processing_time": nanos(time),
            "average_processing_time": nanos(time / u128::from(counts.requests.max(1))),
            "data": {},
        })
    }
}

impl Instance {
    pub(super) fn new(service: String, id: String) -> Self {
        Self {
            service,
            id,
            version: String::new(),
            description: String::new(),
            metadata: BTreeMap::new(),
            started: SystemTime::now(),
            endpoints: RwLock::default(),
        }
    }

    /// Returns the endpoint of a method.
    pub(super) fn endpoint(&self, method: &str) -> Option<Arc<Endpoint>> {
        let endpoints = self.endpoints.read();
        let endpoints = endpoints.unwrap_or_else(PoisonError::into_inner);
        endpoints.get(method).cloned()
    }

    /// Adds endpoints for new methods and removes those of methods that are gone. Returns the new
    /// ones.
    pub(super) fn update<F: Format>(&self, registry: &Registry<F>) -> Vec<Arc<Endpoint>> {
        let mut methods = registry.names();
        methods.retain(|method| subject::any(&self.service, method).len() <= MAX_SUBJECT);
        let endpoints = self.endpoints.write();
        let mut endpoints = endpoints.unwrap_or_else(PoisonError::into_inner);
        endpoints.retain(|method, _| methods.binary_search(method).is_ok());
        let mut added = Vec::new();
        for method in methods {
            if endpoints.contains_key(&method) {
                continue;
            }
            let is_taken = |name: &str| endpoints.values().any(|endpoint| endpoint.name == name);
            let endpoint = Arc::new(Endpoint {
                name: subject::endpoint_name(&method, is_taken),
                subject: subject::any(&self.service, &method),
                counts: Mutex::default(),
                method: method.clone(),
            });
            endpoints.insert(method, Arc::clone(&endpoint));
            added.push(endpoint);
        }
        added
    }

    /// Returns all endpoints.
    pub(super) fn all(&self) -> Vec<Arc<Endpoint>> {
        let endpoints = self.endpoints.read();
        let endpoints = endpoints.unwrap_or_else(PoisonError::into_inner);
        endpoints.values().cloned().collect()
    }

    fn identity(&self, kind: &str) -> Value {
        json!({
            "type": format!("io.nats.micro.v1.{kind}_response"),
            "name": self.service,
            "id": self.id,
            "version": self.version,
            "metadata": self.metadata,
        })
    }

    /// Returns the answer to `PING`.
    pub(super) fn ping(&self) -> Vec<u8> {
        bytes(&self.identity("ping"))
    }

    /// Returns the answer to `INFO`, in at most `max` bytes: help is cut, then left out, and at
    /// last the endpoints are.
    pub(super) fn info<F: Format>(&self, registry: &Registry<F>, max: usize) -> Vec<u8> {
        let endpoints = self.all();
        let describe = |endpoint: &Arc<Endpoint>, help: usize| {
            let description = registry.describe(&endpoint.method).unwrap_or_default();
            json!({
                "name": endpoint.name,
                "subject": endpoint.subject,
                "queue_group": QUEUE_GROUP,
                "metadata": endpoint_metadata(&endpoint.method, &description, help),
            })
        };
        let mut info = self.identity("info");
        info["description"] = self.description.clone().into();
        for help in HELP {
            let described = endpoints.iter().map(|endpoint| describe(endpoint, help));
            info["endpoints"] = described.collect();
            let info = bytes(&info);
            if info.len() <= max {
                return info;
            }
        }
        info["endpoints"] = json!([]);
        bytes(&info)
    }

    /// Returns the answer to `STATS`, in at most `max` bytes.
    pub(super) fn stats(&self, max: usize) -> Vec<u8> {
        let mut stats = self.identity("stats");
        let since = self.started.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        let seconds = DateTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()));
        let seconds = seconds.to_string();
        // nats-py accepts neither a time without a fraction nor more than six digits of it.
        let (seconds, micros) = (seconds.trim_end_matches('Z'), since.subsec_micros());
        stats["started"] = format!("{seconds}.{micros:06}Z").into();
        stats["endpoints"] = self.all().iter().map(|endpoint| endpoint.stats()).collect();
        let answer = bytes(&stats);
        if answer.len() <= max {
            return answer;
        }
        stats["endpoints"] = json!([]);
        bytes(&stats)
    }
}

fn bytes(answer: &Value) -> Vec<u8> {
    // Cannot fail: the answer has numbers, texts, lists and maps.
    serde_json::to_vec(answer).unwrap_or_default()
}

/// Returns what an endpoint tells of its method, in texts.
fn endpoint_metadata(method: &str, description: &Description, help: usize) -> Value {
    let mut metadata = json!({ "farcall.method": method });
    let signatures = description.signatures();
    let signatures = signatures.iter().filter_map(|kinds| kinds.split_first());
    let signatures = signatures.map(|(result, params)| {
        let params: Vec<_> = params.iter().map(Kind::to_string).collect();
        format!("({}) -> {result}", params.join(", "))
    });
    let signatures: Vec<_> = signatures.collect();
    metadata["farcall.signatures"] = signatures.join("; ").into();
    let names = description.params.iter();
    let names: Option<Vec<_>> = names.map(|param| param.name.as_deref()).collect();
    if let Some(names) = names.filter(|names| !names.is_empty()) {
        metadata["farcall.parameters"] = names.join(", ").into();
    }
    let mut characters = description.help.chars();
    let mut text: String = characters.by_ref().take(help).collect();
    if help > 0 && !text.is_empty() {
        if characters.next().is_some() {
            text.push('…');
        }
        metadata["farcall.help"] = text.into();
    }
    metadata
}

#[cfg(test)]
mod tests {
    use farcall_core::Method;

    use super::*;
    use crate::nats::ContentType;

    #[test]
    fn info_is_cut_until_it_fits() {
        let registry: Registry<ContentType> = Registry::new();
        for number in 0..100 {
            let method = Method::function(format!("method{number}"), |a: i64, b: Option<i64>| {
                a + b.unwrap_or_default()
            });
            let method = method.help("é".repeat(5000)).parameter_names(["a", "b"]);
            registry.register(method).unwrap();
        }
        let instance = Instance::new("demo".into(), "one".into());
        assert_eq!(instance.update(&registry).len(), 100);
        assert!(instance.update(&registry).is_empty());
        for (max, has_endpoints) in [
            (usize::MAX, true),
            (100_000, true),
            (40_000, true),
            (2000, false),
        ] {
            let info = instance.info(&registry, max);
            assert!(info.len() <= max);
            let info: Value = serde_json::from_slice(&info).unwrap();
            let endpoints = info["endpoints"].as_array().unwrap();
            assert_eq!(endpoints.len(), if has_endpoints { 100 } else { 0 });
            if let Some(first) = endpoints.first() {
                let signatures = &first["metadata"]["farcall.signatures"];
                assert_eq!(signatures, "(int, int) -> int; (int) -> int");
            }
        }
        registry.unregister("method0");
        instance.update(&registry);
        assert!(instance.endpoint("method0").is_none() && instance.endpoint("method1").is_some());
    }
}
