//! A client, and a server that sends anything: every call completes, memory is bounded, and nothing
//! is left when the connection is closed.
#![no_main]

use std::any::Any;
use std::time::Duration;

use arbitrary::Arbitrary;
use farcall::Registry;
use farcall::rpc::{Client, Encoding, Pipelined as _, Reconnect, Remote, Stream};
use farcall::transport::Listen as _;
use farcall::transport::memory::{self, MemoryListener};
use futures_util::stream;
use fuzz::memory::bounded;
use fuzz::methods;
use fuzz::session::{Act, LONG, Limits, Message, Peer, State, Workshop, WorkshopApi as _};
use libfuzzer_sys::fuzz_target;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    limits: Limits,
    reconnects: bool,
    scripts: bool,
    /// The first message, instead of a valid greeting.
    first: Option<Message<'a>>,
    theirs: [u16; 5],
    acts: Vec<Act<'a>>,
}

/// Makes calls of all kinds, and ignores their results.
async fn call(client: Client, object: Remote<dyn Any>) {
    let mut calls = JoinSet::new();
    let of = |client: &Client| client.clone();
    let (a, b, c, d) = (of(&client), of(&client), of(&client), of(&client));
    calls.spawn(async move {
        let _ = a.echo("text").await;
        let _ = a.within(Duration::from_secs(1)).echo("in time").await;
        let _ = a.echo_again("more than once").await;
        let _ = a.tell("unheard").await;
    });
    calls.spawn(async move {
        let made = b.make().pipelined();
        let _ = made.echo("ahead").await;
        if let Ok(made) = b.make().await {
            let _ = made.echo("on an object").await;
            let _ = b.keep(&made.cast()).await;
        }
    });
    calls.spawn(async move {
        if let Ok(mut items) = c.produce(3, 100).await {
            while let Some(Ok(_)) = items.next().await {}
        }
        let _ = c.consume(Stream::new(stream::iter((0..100).map(Ok)))).await;
    });
    calls.spawn(async move {
        let _ = d.keep(&object).await;
        // A call whose future is dropped.
        let _ = timeout(Duration::from_millis(3), d.echo("given up")).await;
    });
    drop(client);
    while calls.join_next().await.is_some() {}
}

async fn accept(listener: &mut MemoryListener) -> Option<Peer> {
    let accepted = timeout(Duration::from_secs(30), listener.accept()).await;
    accepted
        .ok()
        .map(|accepted| Peer::new(accepted.expect("memory does not fail").0))
}

async fn run(input: &Input<'_>) {
    let (mut listener, connector) = memory::listener("fuzz");
    let encoding = if input.scripts {
        Encoding::MessagePack
    } else {
        Encoding::Bincode
    };
    let workshop = Workshop::new(input.limits);
    let offered = Registry::new();
    offered
        .register_instance(workshop.clone())
        .expect("names are free");
    let mut builder = Client::over(connector)
        .encoding(encoding)
        .session(input.limits.options())
        .max_message(16 << 10)
        .offer(offered);
    if input.reconnects {
        builder = builder.reconnect(Reconnect::default());
    }
    let object = Remote::<dyn Any>::new(workshop.clone());
    let calling = tokio::spawn(async move {
        if let Ok(client) = builder.await {
            let closed = client.clone();
            call(client, object).await;
            closed.close().await;
        }
    });

    let mut state = State::new(encoding);
    // The token of sessions of this server.
    state.token = Some([7; 16]);
    let mut peer = accept(&mut listener).await;
    let mut first = input.first.as_ref();
    let hello = Message::hello(input.reconnects, input.theirs);
    if let Some(peer) = &mut peer {
        peer.send(first.take().unwrap_or(&hello), &mut state).await;
        peer.receive(&mut state).await;
    }
    for act in input.acts.iter().take(64) {
        let Some(connected) = &mut peer else {
            break;
        };
        match act {
            Act::Send(message) => connected.send(message, &mut state).await,
            Act::Bytes(bytes) => connected.write(bytes).await,
            Act::Receive => connected.receive(&mut state).await,
            Act::Wait(millis) => sleep(Duration::from_millis((*millis).into())).await,
            Act::Cut { .. } => {
                drop(peer);
                peer = accept(&mut listener).await;
                if let Some(peer) = &mut peer {
                    peer.send(&hello, &mut state).await;
                    peer.receive(&mut state).await;
                }
            }
        }
    }
    drop((peer, listener));
    let ended = timeout(LONG, calling).await;
    ended
        .expect("every call completes")
        .expect("nothing panics");
    sleep(LONG).await;
    workshop.check_nothing_is_left().await;
}

fuzz_target!(|input: Input<'_>| {
    let runtime = methods::runtime();
    bounded(0, 0, 16 << 20, || runtime.block_on(run(&input)));
});
