//! Python without a library, over lines.

use farcall::Registry;
use farcall::jsonrpc::{Framing, Service, SocketServer};
use tokio::process::Command;

const PROGRAM: &str = r#"
import json, socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2]))).makefile("rw")
for number in range(3):
    call = {"jsonrpc": "2.0", "method": "subtract", "params": [42, number], "id": number}
    print(json.dumps(call), file=peer)
peer.flush()
answers = sorted((json.loads(peer.readline()) for _ in range(3)), key=lambda answer: answer["id"])
print([answer["result"] for answer in answers])
"#;

#[tokio::test]
async fn calls_over_a_socket() {
    let registry = Registry::new();
    registry.register_instance(demo::Specification).unwrap();
    let server = SocketServer::new(Service::new(registry), Framing::Lines);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().to_string();
    tokio::spawn(bound.serve());
    let (host, port) = address.split_once(':').unwrap();
    let mut python = Command::new("python3");
    let output = python
        .args(["-c", PROGRAM, host, port])
        .output()
        .await
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim_end(),
        "[42, 41, 40]"
    );
}
