//! Records without data.

use rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite};
use tokio::io::DuplexStream;

use super::*;

/// Returns records of a client without data, which rustls would not send, and its stream.
fn empty_records(
    stream: tokio_rustls::client::TlsStream<DuplexStream>,
    count: u64,
) -> (Vec<u8>, DuplexStream) {
    let (io, connection) = stream.into_inner();
    let Some(SupportedCipherSuite::Tls13(suite)) = connection.negotiated_cipher_suite() else {
        panic!("TLS 1.3");
    };
    let (first, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
    let mut encrypter = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
            suite.aead_alg.encrypter(key, iv)
        }
        _ => panic!("a known cipher"),
    };
    let records = (0..first + count).map(|number| {
        let empty = OutboundPlainMessage {
            typ: ContentType::ApplicationData,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(&[]),
        };
        encrypter.encrypt(empty, number).unwrap().encode()
    });
    // The key has to be used from the first record on.
    let skipped = usize::try_from(first).unwrap();
    (records.skip(skipped).flatten().collect(), io)
}

/// No code here does that: rustls does.
#[tokio::test]
async fn a_server_reads_few_records_without_data() {
    let authority = authority();
    let server = authority.leaf(&["localhost"]).server();
    let client = ClientTls::new().roots_pem(authority.certificate.as_bytes());
    let mut config = (*client.unwrap().config(Profile::Http).unwrap()).clone();
    config.enable_secret_extraction = true;
    let connector = TlsConnector::from(Arc::new(config));
    let connect = async || {
        let (near, far) = duplex(1 << 20);
        let name = ServerName::try_from("localhost").unwrap();
        let (accepted, connected) = tokio::join!(
            server.accept(Profile::Http, far),
            connector.connect(name, near)
        );
        (accepted.unwrap().0, connected.unwrap())
    };
    for (records, expected) in [(20, "close_notify"), (1000, "TooManyEmptyFragments")] {
        let (mut accepted, connected) = connect().await;
        let (flood, mut near) = empty_records(connected, records);
        near.write_all(&flood).await.unwrap();
        drop(near);
        let error = accepted.read_u8().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (updates, expected) in [(20, "end of file"), (1000, "TooManyKeyUpdateRequests")] {
        let (mut accepted, mut connected) = connect().await;
        for _ in 0..updates {
            connected.get_mut().1.refresh_traffic_keys().unwrap();
        }
        let _ = connected.shutdown().await;
        let error = accepted.read_u8().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
