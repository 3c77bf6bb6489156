//! Pings that nobody reads the answers to.

use std::time::Duration;

use farcall_core::Budget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::timeout;

use super::*;

/// Bytes that the stream keeps in each direction.
const CAPACITY: usize = 1 << 10;

const MESSAGE: &[u8] = b"[1]";

/// Returns the frame of a ping with the longest payload, or of [`MESSAGE`], as the other role sends
/// it. Its mask is zero.
fn frame(role: Role, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let head: &[u8] = match role {
        Role::Server => &[0x80 | opcode, 0x80 | length, 0, 0, 0, 0],
        Role::Client => &[0x80 | opcode, length],
    };
    [head, payload].concat()
}

/// Writes pings until the peer reads no more. Returns their number, and what is left of the last.
async fn flood(io: &mut DuplexStream, role: Role) -> (usize, Vec<u8>) {
    let ping = frame(role, 0x9, &[b'p'; 125]);
    for count in 1..10_000 {
        let mut rest = ping.as_slice();
        while !rest.is_empty() {
            // Time passes only while nobody can go on.
            match timeout(Duration::from_secs(1), io.write(rest)).await {
                Ok(written) => rest = &rest[written.unwrap()..],
                Err(_) => return (count, rest.to_vec()),
            }
        }
    }
    panic!("the pongs of all pings wait");
}

async fn pongs_are_limited(role: Role, document: Option<Bytes>) {
    let (local, mut peer) = duplex(CAPACITY);
    let counts = Arc::<Counts>::default();
    let io: Box<dyn Io> = Box::new(local);
    let io = Counted::new(io, Arc::clone(&counts));
    let socket = WebSocketStream::from_raw_socket(io, role, Some(config(1 << 20))).await;
    let (mut reader, mut writer) = halves(socket, counts);
    let account = Arc::new(SessionAccount::new(Budget::default()));
    let reading = tokio::spawn(async move {
        let message = reader.read(0, &account).await;
        message.unwrap().unwrap().document
    });
    let length = document.as_ref().map_or(0, Bytes::len);
    let writing = tokio::spawn(async move {
        if let Some(document) = document {
            writer.write(document).await.unwrap();
        }
        writer
    });
    let (count, rest) = flood(&mut peer, role).await;
    let most = MAX_PONGS + 2 * READ + 2 * CAPACITY;
    assert!(count * 127 < most, "{role:?}: {count} pings were read");
    // All are answered once the peer reads, and what comes behind them is read.
    let (mut source, mut sink) = tokio::io::split(peer);
    let answers = tokio::spawn(async move {
        let head = if matches!(role, Role::Client) { 6 } else { 2 };
        let mut bytes = vec![0; count * (head + 125) + length];
        source.read_exact(&mut bytes).await.unwrap();
        source
    });
    sink.write_all(&rest).await.unwrap();
    sink.write_all(&frame(role, 0x1, MESSAGE)).await.unwrap();
    let end = async { (reading.await.unwrap(), answers.await.unwrap()) };
    let (message, _source) = timeout(Duration::from_secs(60), end).await.unwrap();
    assert_eq!(message, MESSAGE);
    drop(writing.await.unwrap());
}

/// Regression: the pongs piled up in memory, for as long as the peer sent pings and read nothing.
#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_is_not_read_while_its_answers_are_not() {
    for role in [Role::Server, Role::Client] {
        pongs_are_limited(role, None).await;
        let long = Bytes::from("1".repeat(100_000));
        pongs_are_limited(role, Some(long)).await;
    }
}
