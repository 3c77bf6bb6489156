//! The WebSocket of JavaScript, as browsers have it, in Node.

use tokio::process::Command;

use super::serve;

/// Calls, subscribes, and prints what it receives.
const PROGRAM: &str = r#"
const peer = new WebSocket(process.argv[1]);
const send = (id, method, params) => peer.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
peer.onopen = () => send(1, "subtract", { minuend: 42, subtrahend: 23 });
peer.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.id === 1) {
    console.log(message.result);
    send(2, "subscribe_ticks", [2, 0]);
  } else if (message.id === 2) {
    console.log(message.result);
  } else if ("result" in message.params) {
    console.log(message.params.result);
  } else {
    console.log(message.params.error);
    peer.close();
  }
};
peer.onclose = ({ code }) => console.log("closed", code);
"#;

#[tokio::test]
async fn a_page_calls_and_subscribes() {
    let url = serve().await.replace("http://", "ws://");
    // Without the flag, it is not in every version.
    let mut node = Command::new("node");
    node.args(["--experimental-websocket", "-e", PROGRAM, "--", &url]);
    let output = node
        .output()
        .await
        .expect("node is missing: run interop/install");
    let (text, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        ["19", "0x1", "1", "2", "null", "closed 1005"],
        "{errors}"
    );
}
