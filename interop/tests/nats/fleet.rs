//! Clients by URL, fleets and groups of instances.

use std::collections::BTreeSet;

use farcall::cluster::nats::{Client as Service, Gather, ServerOptions};
use farcall::cluster::{
    Client, Config, Credentials, Fleet, GroupSource as _, Host, HostGroups, Protocol, ServiceGroups,
};
use farcall::protocol::output::Causes;
use farcall::{Caller as _, Execution};

use crate::server::{NatsServer, Peer, python};
use crate::{Ledger, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_instances_shares_one_connection() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let mut running = Vec::new();
    for number in 0..20 {
        let options = ServerOptions::default().id(format!("node{number:02}"));
        let host = format!("host{number:02}");
        running.push(start_with(&connection, "agent", options, &host, Ledger::default()).await);
    }
    let found = Service::new(&connection, "agent").unwrap();
    let found = found.instances(Gather::default().quorum(20)).await.unwrap();
    let hosts = found.iter().map(|instance| {
        let client = Client::open(&instance.url(), &Credentials::new()).unwrap();
        assert_eq!(client.protocol(), Protocol::Nats);
        Host::new(instance.instance().unwrap(), client)
    });
    let fleet = Fleet::new(hosts);
    let connections = || {
        connection
            .client()
            .statistics()
            .in_messages
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    assert!(connections() > 0);
    let mut names = BTreeSet::new();
    let mut outcomes = fleet.call_all::<String>("hostname", ());
    while let Some((host, outcome)) = outcomes.next().await {
        let name = outcome.result.unwrap();
        assert_eq!(name.strip_prefix("host"), host.name().strip_prefix("node"));
        names.insert(name);
    }
    assert_eq!(names.len(), 20);

    let groups = ServiceGroups::new(&connection);
    assert_eq!(groups.names().await.unwrap(), ["agent"]);
    let groups = HostGroups::new().source("nats", groups);
    let set = groups.resolve("@nats:agent!node07").await.unwrap();
    assert_eq!(set.to_string(), "node[00-06,08-19]");
    assert!(groups.resolve("@nats:nobody").await.is_err());

    // The same by the configuration, which connects when it is asked.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, format!("[sources.n]\nnats = \"{}\"\n", nats.url())).unwrap();
    let inventory = Config::from_file(&file).unwrap().inventory();
    let hosts = inventory.hosts("@n:agent&node03").await.unwrap();
    assert!(hosts[0].url.ends_with("/agent/node03"), "{hosts:?}");
    let client = Client::open(&hosts[0].url, &Credentials::new()).unwrap();
    assert_eq!(
        client.call::<String>("hostname", ()).await.unwrap(),
        "host03"
    );
    let down = HostGroups::new().source("nats", ServiceGroups::at("nats://127.0.0.1:1"));
    let error = down.resolve("@nats:agent").await.unwrap_err();
    assert!(
        Causes(&error)
            .to_string()
            .contains("cannot connect to NATS"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_by_url_connects_when_it_is_called_and_again() {
    let mut nats = NatsServer::start();
    let url = format!("{}/pycalc", nats.url());
    let client = Client::open(&url, &Credentials::new()).unwrap();
    nats.kill();
    let error = client.call::<i64>("add", (3, 5)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    nats.restart();
    let mut server = python("micro_server.py");
    server.args(["--server", &nats.url()]);
    let _peer = Peer::start(server);
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    // The service has no such method: it is asked for its endpoints.
    let methods: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
    assert!(
        methods.iter().any(|method| method == "counter.increment"),
        "{methods:?}"
    );
    client.disconnect();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    for url in ["nats://h:1", "nats://h:1/a.b", "nats+tls://h/a/b/c"] {
        assert!(Client::open(url, &Credentials::new()).is_err(), "{url}");
    }
    let secret = Client::open("nats://ada:s3cret@h:1/s", &Credentials::new()).unwrap();
    assert!(!format!("{secret:?}").contains("s3cret"));
}
