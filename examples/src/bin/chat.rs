//! A chat room. Each member passes an object to the room, and the room calls it with every line. A
//! member whose connection closes leaves the room at once.
//!
//! `chat` alone shows a room with two members. `chat serve ADDRESS` opens a room, and
//! `chat join ADDRESS NAME` joins one and sends the lines that are typed.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use examples::report;
use farcall::protocol::output::Foreign;
use farcall::rpc::{Client, Remote, Server};
use farcall::{CallError, RegisterError, client, service};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

/// The shared authkey. A real program reads its key from a file: see `AuthKey::from_file`.
const KEY: &str = "a secret of the members";

/// The calls of the room on its members.
#[client]
trait MemberApi {
    async fn hear(&self, line: &str) -> Result<(), CallError>;
}

/// The calls of members on the room.
#[client]
trait RoomApi {
    async fn enter(
        &self,
        name: &str,
        member: Remote<dyn MemberApi>,
    ) -> Result<Remote<dyn SeatApi>, CallError>;
}

/// The calls of a member on its seat in the room, which sends lines under its name.
#[client]
trait SeatApi {
    async fn say(&self, text: &str) -> Result<(), CallError>;
}

struct Room {
    lines: broadcast::Sender<String>,
}

#[service]
impl Room {
    /// Passes every line to `member` from now on, until its connection closes.
    pub fn enter(&self, name: String, member: Remote<dyn MemberApi>) -> Remote<dyn SeatApi> {
        let seat = Seat {
            name,
            lines: self.lines.clone(),
        };
        let lines = self.lines.subscribe();
        let (name, room) = (seat.name.clone(), self.lines.clone());
        tokio::spawn(async move {
            // An error only means that the room has no members.
            let _ = room.send(format!("{name} has joined."));
            pass_on(lines, member).await;
            let _ = room.send(format!("{name} has left."));
        });
        Remote::new(seat)
    }
}

/// Passes lines to a member. Each member has a task and a queue position of its own, so that a slow
/// member does not delay the others.
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
        // An error only means that the room has no members.
        let _ = self.lines.send(format!("{}: {text}", self.name));
    }
}

/// The object that the room calls. It forwards lines to a channel.
struct Member(mpsc::Sender<String>);

#[service]
impl Member {
    pub async fn hear(&self, line: String) {
        // A closed channel means that the lines are no longer wanted.
        let _ = self.0.send(line).await;
    }
}

#[derive(Parser)]
#[command(about = "A chat room; without a command, it shows one with two members")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Open a room at ADDRESS
    Serve { address: String },
    /// Join a room: send the lines that are typed, and print the lines of all members
    Join { address: String, name: String },
}

#[tokio::main]
async fn main() -> ExitCode {
    report("chat", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().command {
        None => show().await?,
        Some(Command::Serve { address }) => {
            let bound = room()?.bind(address).authkey(KEY).await?;
            println!("The room is open at {}.", bound.local_address());
            bound.serve().await;
        }
        Some(Command::Join { address, name }) => {
            let mut chatter = Chatter::join(&address, &name).await?;
            let mut typed = BufReader::new(tokio::io::stdin()).lines();
            loop {
                tokio::select! {
                    line = typed.next_line() => match line? {
                        Some(line) => chatter.seat.say(&line).await?,
                        None => break,
                    },
                    line = chatter.heard.recv() => match line {
                        // Other members could send control characters of the terminal.
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

/// A member of the room.
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

/// Shows a room and its members in one process.
async fn show() -> Result<(), Box<dyn Error>> {
    let bound = room()?.bind("127.0.0.1:0").authkey(KEY).await?;
    let address = bound.local_address().to_string();
    tokio::spawn(bound.serve());

    println!("Ada enters.");
    let mut ada = Chatter::join(&address, "Ada").await?;
    hear([&mut ada]).await;
    println!("Grace enters, over a connection of her own.");
    let mut grace = Chatter::join(&address, "Grace").await?;
    hear([&mut ada, &mut grace]).await;
    println!("Grace says something.");
    grace.seat.say("Hello, Ada!").await?;
    hear([&mut ada, &mut grace]).await;
    println!("Grace's connection closes.");
    drop(grace);
    hear([&mut ada]).await;
    Ok(())
}

/// Prints the next line that each member receives.
async fn hear<const N: usize>(chatters: [&mut Chatter; N]) {
    for chatter in chatters {
        let line = chatter.heard.recv().await.unwrap_or_default();
        println!("  {} hears  {line}", chatter.name);
    }
}
