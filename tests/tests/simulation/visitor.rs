//! A client, from its first connection to its last.

use std::time::Duration;

use farcall::Registry;
use farcall::rpc::{Client, Encoding, Reconnect, SessionOptions};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::HANG_TIMEOUT;
use super::activity::Activity;
use super::ledger::Ledger;
use super::network::{Network, Towards};
use super::objects::Listener;

/// One of the clients. It connects again when its connection is lost.
pub(crate) struct Visitor {
    pub(crate) number: usize,
    pub(crate) network: Network,
    pub(crate) ledger: Ledger,
    pub(crate) random: Rng,
    pub(crate) healthy: bool,
    pub(crate) end: Instant,
}

impl Visitor {
    /// Makes calls until the end of the run. Returns the client if it is still connected.
    pub(crate) async fn visit(mut self) -> Option<Client> {
        let reconnects = self.random.bool();
        let mut last = None;
        while Instant::now() < self.end {
            let Some(client) = self.connect(reconnects).await else {
                let pause = Duration::from_millis(self.random.u64(..300));
                sleep(pause).await;
                continue;
            };
            last = self.use_client(client).await;
        }
        last
    }

    async fn connect(&mut self, reconnects: bool) -> Option<Client> {
        let offered = Registry::new();
        offered
            .register_instance(Listener::new(&self.ledger))
            .unwrap();
        let encoding = if self.random.bool() {
            Encoding::Bincode
        } else {
            Encoding::MessagePack
        };
        let mut client = Client::over(self.network.connector(self.number))
            .encoding(encoding)
            .session(options(&mut self.random, self.healthy))
            .timeout(Duration::from_secs(3))
            .offer(offered);
        if reconnects {
            // Jitter would not be reproducible from the seed.
            let reconnect = Reconnect::default()
                .jitter(0.0)
                .max_pause(Duration::from_secs(1))
                .give_up_after(Some(Duration::from_secs(20)));
            client = client.reconnect(reconnect);
        }
        match timeout(HANG_TIMEOUT, client.into_future()).await {
            Ok(Ok(client)) => Some(client),
            Ok(Err(error)) => {
                self.ledger.count(format_args!("connect: {error}"));
                self.ledger
                    .check(!self.healthy, format_args!("no connection: {error:?}"));
                None
            }
            Err(_) => {
                self.ledger.violation("connecting hangs");
                None
            }
        }
    }

    async fn use_client(&mut self, client: Client) -> Option<Client> {
        let mut tasks = JoinSet::new();
        for _ in 0..self.random.u8(1..4) {
            let random = self.random.fork();
            let activity = Activity::new(self.ledger.clone(), client.clone(), random, self.healthy);
            tasks.spawn(activity.run(self.end));
        }
        if self.random.u8(..4) == 0 {
            // Leaves while calls are running, sometimes without notice to the server.
            sleep(Duration::from_millis(self.random.u64(..2000))).await;
            if !self.healthy && self.random.bool() {
                self.network.half_open(self.number, Towards::Server);
                self.network.half_open(self.number, Towards::Client);
            }
            self.ledger
                .event(format_args!("client {} leaves", self.number));
            tasks.shutdown().await;
            return None;
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                self.ledger.violation(error);
            }
        }
        (!client.is_closed()).then_some(client)
    }
}

/// Returns random limits of a session.
pub(crate) fn options(random: &mut Rng, healthy: bool) -> SessionOptions {
    let mut choose = |choices: &[u32]| choices[random.usize(..choices.len())];
    SessionOptions::default()
        .max_calls_per_session(choose(&[2, 10, 1000]) as usize)
        .window(choose(&[1, 300, 100_000]) as usize)
        // With a shorter keepalive, a slow connection would be taken for a silent one.
        .keepalive(if healthy {
            Duration::from_secs(30)
        } else {
            Duration::from_millis(choose(&[500, 3000]).into())
        })
}
