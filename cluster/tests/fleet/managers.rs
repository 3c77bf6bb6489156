//! Hosts that are objects of Python's managers.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use farcall::cluster::{Client, Credentials, Fleet, Host, Protocol, UrlError};
use farcall::conn::auth::AuthKey;
use farcall::conn::managers::{ManagerOptions, Queue, Server};
use farcall::{CallError, Caller as _, Execution, client, service};

const KEY: &str = "secret";

#[derive(Default)]
struct Counter(AtomicI64);

#[service]
impl Counter {
    pub fn increment(&self, by: i64) -> i64 {
        self.0.fetch_add(by, Ordering::Relaxed) + by
    }
}

#[client]
trait CounterApi {
    async fn increment(&self, by: i64) -> Result<i64, CallError>;
}

/// Serves a counter and a queue at an address.
async fn manager(target: &str) -> (Server, String, tokio::task::JoinHandle<()>) {
    let options = ManagerOptions::default().linger(Duration::ZERO);
    let server = Server::with_options(options);
    server.register("Counter", Counter::default);
    server.share("jobs", Queue::new(0)).unwrap();
    let bound = server.bind(target).authkey(KEY).await.unwrap();
    let address = bound.local_address().to_string();
    (server, address, tokio::spawn(bound.serve()))
}

fn host(address: &str, typeid: &str) -> Host {
    let credentials = Credentials::new().authkey(AuthKey::new(KEY).unwrap());
    let url = format!("conn+manager://{address}/{typeid}");
    Host::new(address, Client::open(&url, &credentials).unwrap())
}

#[tokio::test]
async fn objects_of_managers_are_hosts() {
    let (one, at_one, _serving) = manager("127.0.0.1:0").await;
    let (_two, at_two, _serving) = manager("127.0.0.1:0").await;
    let hosts = [host(&at_one, "Counter"), host(&at_two, "Counter")];
    assert_eq!(hosts[0].client().protocol(), Protocol::Manager);
    let fleet = Fleet::new(hosts.clone());
    for (by, expected) in [(3, 3), (4, 7)] {
        let outcomes = fleet.call_all::<i64>("increment", (by,)).into_vec().await;
        assert_eq!(outcomes.len(), 2);
        for (host, outcome) in outcomes {
            assert_eq!(outcome.result.unwrap(), expected, "{host}");
        }
    }
    // Each call uses the same object, as a trait, too.
    assert_eq!(hosts[0].increment(1).await.unwrap(), 8);
    assert_eq!(one.objects(), 1);
    // A method that does not exist did not run; the server says so as Python does.
    let error = hosts[0].client().call::<()>("nothing", ()).await;
    assert!(error.unwrap_err().fault().is_some());
    hosts[0].client().disconnect();
    assert_eq!(hosts[0].increment(1).await.unwrap(), 1, "another object");
    // An object that several programs share.
    let jobs = host(&at_one, "jobs");
    jobs.client().call::<()>("put", ((1, "a"),)).await.unwrap();
    let job: (i64, String) = jobs.client().call("get", ()).await.unwrap();
    assert_eq!(job, (1, "a".to_owned()));
}

#[tokio::test]
async fn an_object_of_a_restarted_manager_is_created_again() {
    let (server, address, serving) = manager("127.0.0.1:0").await;
    let counter = host(&address, "Counter");
    assert_eq!(counter.increment(5).await.unwrap(), 5);
    serving.abort();
    assert!(serving.await.is_err());
    drop(server);
    let error = counter.increment(5).await.unwrap_err();
    assert_ne!(error.execution(), Execution::Completed, "{error:?}");
    let (_server, _, _serving) = manager(&address).await;
    assert_eq!(counter.increment(6).await.unwrap(), 6);
}

#[tokio::test]
async fn calls_of_unusable_managers_did_not_run() {
    let (_server, address, _serving) = manager("127.0.0.1:0").await;
    let unknown = host(&address, "Unknown");
    let error = unknown.increment(1).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error:?}");
    let url = format!("conn+manager://{address}/Counter");
    let credentials = Credentials::new().authkey(AuthKey::new("wrong").unwrap());
    let wrong = Client::open(&url, &credentials).unwrap();
    let error = wrong.call::<i64>("increment", (1,)).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error:?}");
    let nobody = host("127.0.0.1:1", "Counter");
    let error = nobody.increment(1).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
    for url in [
        "conn+manager://h:1",
        "conn+manager://h:1/",
        "conn+manager://h:1/Counter?key=x",
    ] {
        let error = Client::open(url, &Credentials::new()).unwrap_err();
        assert!(matches!(error, UrlError::Manager), "{url}: {error:?}");
    }
}
