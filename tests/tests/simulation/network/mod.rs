//! A network of one server and several clients, with network failures.

mod direction;
mod socket;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use farcall::transport::{Address, Connect, Listen, Peer};
use fastrand::Rng;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until};

use super::trace::Trace;

use direction::Direction;
use socket::Socket;

#[derive(Clone)]
pub(crate) struct Network(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    trace: Trace,
}

struct State {
    random: Rng,
    server: Server,
    /// The time until which each client is partitioned.
    partitioned: Vec<Instant>,
    connections: Vec<Connection>,
    /// The number of connections so far.
    connected: u64,
}

enum Server {
    Listens(UnboundedSender<Socket>),
    /// The process exited; its machine refuses connections.
    Refuses,
    /// The machine vanished, and nothing responds.
    Silent,
}

struct Connection {
    client: usize,
    to_server: Arc<Direction>,
    to_client: Arc<Direction>,
}

/// A direction of a connection, by its receiver.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Towards {
    Server,
    Client,
}

impl Connection {
    fn direction(&self, towards: Towards) -> &Direction {
        match towards {
            Towards::Server => &self.to_server,
            Towards::Client => &self.to_client,
        }
    }

    fn reset(&self) {
        self.to_server.reset();
        self.to_client.reset();
    }
}

impl Network {
    pub(crate) fn new(random: Rng, clients: usize, trace: Trace) -> Self {
        let state = State {
            random,
            server: Server::Refuses,
            partitioned: vec![Instant::now(); clients],
            connections: Vec::new(),
            connected: 0,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            trace,
        }))
    }

    /// Adds the server to the network, in place of a previous one.
    pub(crate) fn listen(&self) -> Listener {
        let (accepted, backlog) = unbounded_channel();
        let mut state = self.state();
        if matches!(state.server, Server::Silent) {
            // The machine has restarted, and does not know its connections.
            state.connections.iter().for_each(Connection::reset);
        }
        state.server = Server::Listens(accepted);
        Listener(backlog)
    }

    pub(crate) fn connector(&self, client: usize) -> Connector {
        Connector {
            network: self.clone(),
            client,
        }
    }

    /// Ends the server's process and its connections.
    pub(crate) fn refuse(&self) {
        self.event("the server's process ends");
        let mut state = self.state();
        state.server = Server::Refuses;
        state.connections.drain(..).for_each(|c| c.reset());
    }

    /// Makes the server's machine vanish without notice.
    pub(crate) fn silence(&self) {
        self.event("the server's machine vanishes");
        let mut state = self.state();
        state.server = Server::Silent;
        for connection in &state.connections {
            connection.to_server.lose();
            connection.to_client.lose();
        }
    }

    /// Delays all bytes between the client and the server for this time.
    pub(crate) fn partition(&self, client: usize, time: Duration) {
        self.event(format_args!("client {client} is cut off for {time:?}"));
        let mut state = self.state();
        let until = Instant::now() + time;
        state.partitioned[client] = state.partitioned[client].max(until);
        for connection in state.of(client) {
            connection.to_server.hold(until);
            connection.to_client.hold(until);
        }
    }

    /// Delays the bytes in one direction for this time.
    pub(crate) fn hold(&self, client: usize, towards: Towards, time: Duration) {
        self.event(format_args!(
            "client {client} is held towards the {towards:?} for {time:?}"
        ));
        for connection in self.state().of(client) {
            connection.direction(towards).hold(Instant::now() + time);
        }
    }

    /// Discards all further bytes in one direction.
    pub(crate) fn half_open(&self, client: usize, towards: Towards) {
        self.event(format_args!(
            "the connections of client {client} lose what goes towards the {towards:?}"
        ));
        for connection in self.state().of(client) {
            connection.direction(towards).lose();
        }
    }

    /// Breaks the client's connections, with notice to both sides.
    pub(crate) fn reset(&self, client: usize) {
        self.event(format_args!("the connections of client {client} break"));
        let mut state = self.state();
        state.of(client).for_each(Connection::reset);
        state.connections.retain(|c| c.client != client);
    }

    fn event(&self, event: impl fmt::Display) {
        self.0.trace.event(|| event.to_string());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl State {
    fn of(&self, client: usize) -> impl Iterator<Item = &Connection> {
        self.connections.iter().filter(move |c| c.client == client)
    }
}

pub(crate) struct Listener(UnboundedReceiver<Socket>);

impl Listen for Listener {
    type Io = Socket;

    async fn accept(&mut self) -> io::Result<(Socket, Peer)> {
        match self.0.recv().await {
            Some(socket) => Ok((socket, Peer::Unknown)),
            None => std::future::pending().await,
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Memory("simulation".to_owned()))
    }
}

#[derive(Clone)]
pub(crate) struct Connector {
    network: Network,
    client: usize,
}

impl Connect for Connector {
    type Io = Socket;

    async fn connect(&self) -> io::Result<Socket> {
        let network = &self.network;
        let delay = network.state().random.u64(..30);
        sleep(Duration::from_millis(delay)).await;
        loop {
            let partitioned = network.state().partitioned[self.client];
            if partitioned <= Instant::now() {
                break;
            }
            sleep_until(partitioned).await;
        }
        let connected = network.connect(self.client);
        match connected {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }
}

impl Network {
    /// Opens a connection. `None` if the server does not respond.
    fn connect(&self, client: usize) -> Option<io::Result<Socket>> {
        let mut state = self.state();
        let refused = || Some(Err(io::ErrorKind::ConnectionRefused.into()));
        let accepted = match &state.server {
            Server::Silent => return None,
            Server::Refuses => return refused(),
            Server::Listens(accepted) => accepted.clone(),
        };
        state.connected += 1;
        let number = state.connected;
        let to_server = Arc::new(Direction::new(state.random.fork()));
        let to_client = Arc::new(Direction::new(state.random.fork()));
        let (client_socket, server_socket) =
            Socket::pair(number, &to_server, &to_client, &self.0.trace);
        if accepted.send(server_socket).is_err() {
            return refused();
        }
        state.connections.push(Connection {
            client,
            to_server,
            to_client,
        });
        self.event(format_args!("client {client} has connection {number}"));
        Some(Ok(client_socket))
    }
}
