//! The moment from which data counts as sent.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use farcall_core::transport::tls::ServerTls;
use farcall_core::transport::tls::rustls::ServerConnection;
use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::*;

/// A server in memory.
struct Server {
    session: ServerConnection,
    /// The number of bytes that it takes before the connection breaks.
    room: usize,
}

/// The stream to it.
struct Memory(Arc<Mutex<Server>>);

impl Stream for Memory {
    async fn try_read(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }

    async fn write(
        &mut self,
        bytes: &[u8],
        _: &mut [u8],
        _: Option<Instant>,
    ) -> io::Result<Progress> {
        let server = &mut *self.0.lock().unwrap();
        let mut taken = &bytes[..bytes.len().min(server.room)];
        if taken.is_empty() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = taken.len();
        server.room -= length;
        while !taken.is_empty() {
            server.session.read_tls(&mut taken)?;
            server.session.process_new_packets().unwrap();
        }
        Ok(Progress::Written(length))
    }

    async fn read(&mut self, space: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
        self.0.lock().unwrap().session.write_tls(&mut &mut *space)
    }

    fn write_last(&mut self, _: &[u8]) {}
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it never waits"),
    }
}

#[test]
fn a_request_is_sent_once_its_record_is_though_what_follows_is_not() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = ServerTls::from_pem(
        cert.pem().as_bytes(),
        signing_key.serialize_pem().as_bytes(),
    );
    let config = tls.unwrap().config(Profile::Http);
    let trust = ClientTls::new().pin_pem(cert.pem().as_bytes()).unwrap();
    let host = Host::Name("localhost".into());
    let target = TlsTarget::new(&trust, &host).unwrap();
    let request = [b'x'; 100];
    // The record of the request takes 122 bytes.
    for (room, is_sent) in [
        (0, false),
        (50, false),
        (121, true),
        (122, true),
        (130, true),
    ] {
        let server = Arc::new(Mutex::new(Server {
            session: ServerConnection::new(Arc::clone(&config)).unwrap(),
            room: usize::MAX,
        }));
        let stream = Memory(Arc::clone(&server));
        let mut tls = now(Tls::handshake(&target, stream, None)).unwrap();
        // The last message of the handshake, and the first request.
        assert_eq!(
            now(tls.write(b"first", &mut [0], None)).unwrap(),
            Progress::Written(5)
        );
        // An update of keys behind the request, as after 2^24 records.
        tls.written = tls.session.writer().write(&request).unwrap();
        tls.session.refresh_traffic_keys().unwrap();
        (tls.begin, tls.sent) = (0, 0);
        tls.sealed.clear();
        server.lock().unwrap().room = room;
        let written = now(tls.write(&request, &mut [0], None));
        match written {
            Ok(progress) => assert!(is_sent && progress == Progress::Written(100), "{room}"),
            Err(error) => assert!(!is_sent && error.kind() == io::ErrorKind::BrokenPipe),
        }
        let mut received = Vec::new();
        let _ = server
            .lock()
            .unwrap()
            .session
            .reader()
            .read_to_end(&mut received);
        assert_eq!(received.len() > 5, room >= 122, "{room}");
    }
}
