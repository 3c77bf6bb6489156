//! Attacks over one connection, with their expected responses.

use std::borrow::Cow;
use std::time::Duration;

use farcall::xmlrpc::{Client, ClientOptions};
use tests::victim::Victim;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::responses::{read_to_end, summary};

/// An attack.
pub(crate) struct Case {
    /// A short description.
    pub(crate) name: Cow<'static, str>,
    /// All bytes of the attack.
    pub(crate) attack: Vec<u8>,
    /// `true` if an honest request follows on the same connection, `false` if the client then
    /// closes its sending direction.
    pub(crate) continues: bool,
    /// The summary of all responses.
    pub(crate) expected: &'static str,
}

impl Case {
    /// An attack with an honest request after it.
    pub(crate) fn new(
        name: impl Into<Cow<'static, str>>,
        attack: impl Into<Vec<u8>>,
        expected: &'static str,
    ) -> Self {
        Self {
            name: name.into(),
            attack: attack.into(),
            continues: true,
            expected,
        }
    }

    /// The same without the honest request: the client closes its sending direction instead.
    pub(crate) fn ends(self) -> Self {
        Self {
            continues: false,
            ..self
        }
    }

    /// Runs the attack and returns the summary of the responses.
    async fn run(&self, victim: &Victim) -> String {
        let mut attack = self.attack.clone();
        if self.continues {
            attack.extend(request("Connection: close", &call("honest")));
        }
        let stream = TcpStream::connect(victim.xmlrpc).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let writing = async {
            // The server may close the connection before it has read everything.
            let _ = writer.write_all(&attack).await;
            if !self.continues {
                let _ = writer.shutdown().await;
            }
        };
        let ((), answers) = tokio::join!(writing, read_to_end(&mut reader));
        summary(&answers)
    }
}

/// Runs the attacks one after the other. After each, checks that no smuggled call ran and that the
/// server is healthy.
pub(crate) async fn assert_harmless(victim: &Victim, cases: impl IntoIterator<Item = Case>) {
    // Without kept-alive connections, which would count as additional descriptors.
    let options = ClientOptions::default().idle_timeout(Duration::ZERO);
    let client = Client::with_options(&victim.url(), options).unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    for case in cases {
        count += 1;
        let answers = case.run(victim).await;
        let name = &case.name;
        if answers != case.expected {
            failures.push(format!(
                "{name}: {answers:?} instead of {:?}",
                case.expected
            ));
        }
        let runs: i64 = client.call("ledger.runs", ("smuggled",)).await.unwrap();
        if runs != 0 {
            failures.push(format!("{name}: the smuggled request ran"));
            let _: bool = client.call("ledger.forget", ()).await.unwrap();
        }
        victim.assert_well(name).await;
    }
    println!(
        "{count} hostile cases, a peak of {} MiB",
        victim.peak() >> 20
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Returns the document of a call that records and returns this name.
pub(crate) fn call(name: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>ledger.run</methodName><params><param><value>\
         {name}</value></param></params></methodCall>"
    )
}

/// Returns a request with a correct length and one additional header line.
pub(crate) fn request(header: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    with_headers(format!("{header}\r\nContent-Length: {length}"), body)
}

/// Returns a request with these header lines, correct or not.
pub(crate) fn with_headers(headers: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Vec<u8> {
    let start = b"POST /RPC2 HTTP/1.1\r\nHost: victim\r\nContent-Type: text/xml\r\n";
    [start, headers.as_ref(), b"\r\n\r\n", body.as_ref()].concat()
}

/// Returns a complete request that must never run.
pub(crate) fn smuggled() -> Vec<u8> {
    request("Connection: keep-alive", &call("smuggled"))
}
