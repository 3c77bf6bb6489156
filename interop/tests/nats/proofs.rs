//! NATS servers that demand a proof, and TLS.

use farcall::cluster::nats::{Connection, ServerOptions};
use farcall::cluster::{Client, Credentials};
use farcall::transport::tls::ClientTls;
use farcall::{CallError, Caller as _, Execution};
use tests::certificates::Certificates;

use crate::server::{NatsServer, free_port};
use crate::start;

/// A key of the documentation of NATS: its seed, and its public part.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

/// A server with a configuration of its own, and the folder of its file.
fn server(config: &str) -> (NatsServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nats.conf");
    std::fs::write(&file, config).unwrap();
    let options = ["-c".to_owned(), file.to_str().unwrap().to_owned()];
    (NatsServer::start_at(free_port(), &options), folder)
}

async fn add(url: &str, credentials: &Credentials) -> Result<i64, CallError> {
    Client::open(url, credentials)
        .unwrap()
        .call("add", (3, 5))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_proof_is_accepted_and_no_other() {
    let proofs = [
        (
            "authorization { user: ada, password: s3cret }".to_owned(),
            Credentials::new().nats_password("ada", "s3cret"),
        ),
        (
            "authorization { token: t0ken }".to_owned(),
            Credentials::new().nats_token("t0ken"),
        ),
        (
            format!("authorization {{ users: [ {{ nkey: {PUBLIC} }} ] }}"),
            Credentials::new().nats_nkey(SEED),
        ),
    ];
    for (number, (config, right)) in proofs.iter().enumerate() {
        let (nats, _folder) = server(config);
        let connection = Connection::open_as(&nats.url(), right).await.unwrap();
        let running = start(&connection, "calc", ServerOptions::default()).await;
        let url = format!("{}/calc", nats.url());
        assert_eq!(add(&url, right).await.unwrap(), 8, "{config}");
        let others = proofs
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number);
        let others = others.map(|(_, (_, wrong))| wrong.clone());
        for wrong in others.chain([Credentials::new()]) {
            let error = add(&url, &wrong).await.unwrap_err();
            assert_eq!(error.execution(), Execution::Never, "{config}: {error:?}");
            let shown = format!("{error:?}");
            assert!(
                !shown.contains("s3cret") && !shown.contains(SEED),
                "{shown}"
            );
        }
        drop(running);
    }
    // The URL has them, too.
    for (number, user) in ["ada:s%33cret", "t0ken"].into_iter().enumerate() {
        let (config, right) = &proofs[number];
        let (nats, _folder) = server(config);
        let connection = Connection::open_as(&nats.url(), right).await.unwrap();
        let running = start(&connection, "calc", ServerOptions::default()).await;
        let url = nats.url().replace("nats://", &format!("nats://{user}@"));
        assert_eq!(
            add(&format!("{url}/calc"), &Credentials::new())
                .await
                .unwrap(),
            8,
            "{config}"
        );
        drop(running);
    }
    // It is no key and no file of credentials.
    let (nats, _folder) = server("authorization { token: t0ken }");
    let url = format!("{}/calc", nats.url());
    for wrong in [
        Credentials::new().nats_nkey("nonsense"),
        Credentials::new().nats_credentials("nonsense"),
    ] {
        let error = add(&url, &wrong).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_has_the_authorities_and_the_certificate_of_the_credentials() {
    let files = Certificates::new();
    let config = format!(
        "tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}",
        files.text("server.pem"),
        files.text("server.key"),
        files.text("ca.pem"),
    );
    let (nats, _folder) = server(&config);
    let trusting = || ClientTls::new().roots(files.path("ca.pem")).unwrap();
    let certified = trusting()
        .certificate(files.path("client.pem"), files.path("client.key"))
        .unwrap();
    let right = Credentials::new().tls(certified);
    let tls_url = nats.url().replace("nats://", "tls://");
    let connection = Connection::open_as(&tls_url, &right).await.unwrap();
    let _running = start(&connection, "calc", ServerOptions::default()).await;
    let url = format!("{}/calc", nats.url().replace("nats://", "nats+tls://"));
    assert_eq!(add(&url, &right).await.unwrap(), 8);
    for wrong in [
        // Trusts others, and has no certificate.
        Credentials::new(),
        Credentials::new().tls(trusting()),
    ] {
        let error = add(&url, &wrong).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
    }
}
