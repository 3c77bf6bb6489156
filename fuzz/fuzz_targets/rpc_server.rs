//! A server, and a client that sends anything: no limit is exceeded, memory is bounded, and nothing
//! is left when the connection is closed.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use farcall::conn::Listener;
use farcall::rpc::{Encoding, Server, ServerOptions};
use farcall::transport::Connect as _;
use farcall::transport::memory;
use fuzz::memory::bounded;
use fuzz::methods;
use fuzz::session::{Act, LONG, Limits, Message, Peer, State, Workshop};
use libfuzzer_sys::fuzz_target;
use tokio::time::{sleep, timeout};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    limits: Limits,
    leases: bool,
    scripts: bool,
    /// The first message, instead of a valid greeting.
    first: Option<Message<'a>>,
    theirs: [u16; 5],
    acts: Vec<Act<'a>>,
}

async fn run(input: &Input<'_>) {
    let lease = Duration::from_secs(if input.leases { 5 } else { 0 });
    let options = ServerOptions::default()
        .session(input.limits.options())
        .lease(lease);
    let server = Server::with_options(options);
    let workshop = Workshop::new(input.limits);
    server
        .register_instance(workshop.clone())
        .expect("names are free");
    let (listening, connector) = memory::listener("fuzz");
    let bound = server
        .listen(Listener::over(listening).max_message(16 << 10))
        .await
        .expect("a listener over memory always works");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async { drop(stopped.await) }));

    let encoding = if input.scripts {
        Encoding::MessagePack
    } else {
        Encoding::Bincode
    };
    let mut state = State::new(encoding);
    let connect = async || Peer::new(connector.connect().await.expect("it listens"));
    let mut peer = connect().await;
    let hello = Message::hello(false, input.theirs);
    peer.send(input.first.as_ref().unwrap_or(&hello), &mut state)
        .await;
    peer.receive(&mut state).await;
    let mut acts = input.acts.iter().take(64).peekable();
    while let Some(act) = acts.next() {
        match act {
            Act::Send(message) => peer.send(message, &mut state).await,
            Act::Bytes(bytes) => peer.write(bytes).await,
            Act::Receive => peer.receive(&mut state).await,
            Act::Wait(millis) => sleep(Duration::from_millis((*millis).into())).await,
            Act::Cut { resume } => {
                peer = connect().await;
                peer.send(&Message::hello(*resume, input.theirs), &mut state)
                    .await;
                state.resumed = false;
                peer.receive(&mut state).await;
                // A resumed session accepts no other message before `Held`.
                if state.resumed && !matches!(acts.peek(), Some(Act::Send(Message::Held(_)))) {
                    let held = state.held();
                    peer.send(&Message::Raw(&held), &mut state).await;
                }
            }
        }
    }
    drop(peer);
    sleep(LONG).await;
    workshop.check_nothing_is_left().await;
    drop(stop);
    let drained = timeout(LONG, serving).await.expect("the server stops");
    let drained = drained.expect("it does not panic");
    assert_eq!(drained.aborted, 0, "a connection was left");
}

fuzz_target!(|input: Input<'_>| {
    let runtime = methods::runtime();
    // Not proportional to the input: one byte may request a stream of 64 KiB.
    bounded(0, 0, 16 << 20, || runtime.block_on(run(&input)));
});
