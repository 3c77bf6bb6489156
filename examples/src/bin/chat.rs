//! A chat room. Each member gives the room an object of its own, and the room calls that object with
//! whatever is said. A member whose connection ends is out of the room at once.
//!
//! `chat` alone shows a room with two members. `chat serve ADDRESS` opens a room for all who come, and
//! `chat join ADDRESS NAME` says there what is typed.

use std::error::Error;

use clap::{Parser, Subcommand};
use conn::Listener;
use conn::rpc::{Client, Remote, Server};
use rpc_core::output::Foreign;
use rpc_core::{CallError, RegisterError, client, service};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

/// Both sides must know it. A real program reads its own from a file: see `AuthKey::from_file`.
const KEY: &str = "a secret of the members";

/// What the room calls on its members.
#[client]
trait MemberApi {
    async fn hear(&self, line: &str) -> Result<(), CallError>;
}

/// What members call on the room.
#[client]
trait RoomApi {
    async fn enter(
        &self,
        name: &str,
        member: Remote<dyn MemberApi>,
    ) -> Result<Remote<dyn SeatApi>, CallError>;
}

/// What a member has in the room: whatever it says there is said under its name.
#[client]
trait SeatApi {
    async fn say(&self, text: &str) -> Result<(), CallError>;
}

struct Room {
    lines: broadcast::Sender<String>,
}

#[service]
impl Room {
    /// Has `member` hear every line from now on, until its connection ends.
    pub fn enter(&self, name: String, member: Remote<dyn MemberApi>) -> Remote<dyn SeatApi> {
        let seat = Seat {
            name,
            lines: self.lines.clone(),
        };
        let lines = self.lines.subscribe();
        let (name, room) = (seat.name.clone(), self.lines.clone());
        tokio::spawn(async move {
            // Only a room without members does not hear it.
            let _ = room.send(format!("{name} has come."));
            pass_on(lines, member).await;
            let _ = room.send(format!("{name} has gone."));
        });
        Remote::new(seat)
    }
}

/// Each member has a task and a place of its own, so one that is slow to hear holds up nobody.
async fn pass_on(mut lines: broadcast::Receiver<String>, member: Remote<dyn MemberApi>) {
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = member.closed() => return,
        };
        let line = match line {
            Ok(line) => line,
            Err(RecvError::Lagged(count)) => format!("({count} lines were too fast for you.)"),
            Err(RecvError::Closed) => return,
        };
        if member.hear(&line).await.is_err() {
            return;
        }
    }
}

struct Seat {
    name: String,
    lines: broadcast::Sender<String>,
}

#[service]
impl Seat {
    pub fn say(&self, text: &str) {
        // Only a room without members does not hear it.
        let _ = self.lines.send(format!("{}: {text}", self.name));
    }
}

/// The object that the room calls: what it hears can be read at the other end of the channel.
struct Member(mpsc::Sender<String>);

#[service]
impl Member {
    pub async fn hear(&self, line: String) {
        // Who does not read any more does not want to hear.
        let _ = self.0.send(line).await;
    }
}

#[derive(Parser)]
#[command(about = "A chat room; without a command, it shows one with two members")]
struct Arguments {
    #[command(subcommand)]
    side: Option<Side>,
}

#[derive(Subcommand)]
enum Side {
    /// Open a room
    Serve { address: String },
    /// Say in a room what is typed, and print what is said there
    Join { address: String, name: String },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().side {
        None => show().await?,
        Some(Side::Serve { address }) => {
            let listener = Listener::bind(address).authkey(KEY).await?;
            println!("The room is open at {}.", listener.local_address());
            room()?.serve(listener).await?;
        }
        Some(Side::Join { address, name }) => {
            let mut chatter = Chatter::join(&address, &name).await?;
            let mut typed = BufReader::new(tokio::io::stdin()).lines();
            loop {
                tokio::select! {
                    line = typed.next_line() => match line? {
                        Some(line) => chatter.seat.say(&line).await?,
                        None => break,
                    },
                    line = chatter.heard.recv() => match line {
                        // Whoever said it could have typed what a terminal obeys.
                        Some(line) => println!("{}", Foreign::line(line)),
                        None => break,
                    },
                }
            }
        }
    }
    Ok(())
}

fn room() -> Result<Server, RegisterError> {
    let server = Server::new();
    server.register_instance(Room {
        lines: broadcast::Sender::new(100),
    })?;
    Ok(server)
}

/// One who is in the room.
struct Chatter {
    name: String,
    seat: Remote<dyn SeatApi>,
    heard: mpsc::Receiver<String>,
}

impl Chatter {
    async fn join(address: &str, name: &str) -> Result<Self, Box<dyn Error>> {
        let client = Client::connect(address).authkey(KEY).await?;
        let (lines, heard) = mpsc::channel(16);
        let seat = client.enter(name, Remote::new(Member(lines))).await?;
        Ok(Self {
            name: name.to_owned(),
            seat,
            heard,
        })
    }
}

/// A room and its members in one go.
async fn show() -> Result<(), Box<dyn Error>> {
    let listener = Listener::bind("127.0.0.1:0").authkey(KEY).await?;
    let address = listener.local_address().to_string();
    let server = room()?;
    tokio::spawn(server.serve(listener));

    println!("Ada enters.");
    let mut ada = Chatter::join(&address, "Ada").await?;
    hear([&mut ada]).await;
    println!("Grace enters, over a connection of her own.");
    let mut grace = Chatter::join(&address, "Grace").await?;
    hear([&mut ada, &mut grace]).await;
    println!("Grace says something.");
    grace.seat.say("Hello, Ada!").await?;
    hear([&mut ada, &mut grace]).await;
    println!("Grace's connection ends.");
    drop(grace);
    hear([&mut ada]).await;
    Ok(())
}

/// Prints one line from each.
async fn hear<const N: usize>(chatters: [&mut Chatter; N]) {
    for chatter in chatters {
        let line = chatter.heard.recv().await.unwrap_or_default();
        println!("  {} hears  {line}", chatter.name);
    }
}
