//! A server that answers all calls honestly except those of `attack`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{answer, reply};

/// The behaviour when `attack` is called.
#[derive(Clone)]
pub(super) enum Answer {
    /// Sends these bytes and closes the connection.
    Closed(Vec<u8>),
    /// Sends these bytes and waits for the next call.
    Kept(Vec<u8>),
    /// Sends the first bytes, and then the second repeatedly without end.
    Endless(Vec<u8>, Vec<u8>),
}

/// The server. It runs as long as it has clients.
pub(super) struct Server {
    pub(super) url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    attacks: AtomicUsize,
    written: AtomicUsize,
}

impl Server {
    pub(super) fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, counts) = (answer.clone(), Arc::clone(&shared));
                // The thread ends with the connection.
                thread::spawn(move || serve(&stream?, &answer, &counts));
            }
        });
        Self { url, counts }
    }

    /// The number of calls of `attack`.
    pub(super) fn attacks(&self) -> usize {
        self.counts.attacks.load(Ordering::Relaxed)
    }

    /// The number of bytes written of endless responses.
    pub(super) fn written(&self) -> usize {
        self.counts.written.load(Ordering::Relaxed)
    }
}

fn serve(stream: &TcpStream, attack: &Answer, counts: &Counts) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let request = read(&mut reader)?;
        if !request.contains("<methodName>attack<") {
            writer.write_all(&answer("200 OK", reply(number_of(&request))))?;
            continue;
        }
        counts.attacks.fetch_add(1, Ordering::Relaxed);
        match attack {
            Answer::Kept(bytes) => writer.write_all(bytes)?,
            Answer::Closed(bytes) => {
                writer.write_all(bytes)?;
                return stream.shutdown(Shutdown::Both);
            }
            Answer::Endless(start, again) => {
                writer.write_all(start)?;
                loop {
                    writer.write_all(again)?;
                    counts.written.fetch_add(again.len(), Ordering::Relaxed);
                }
            }
        }
    }
}

/// Reads the body of the next request.
pub(super) fn read(reader: &mut impl BufRead) -> io::Result<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(String::from_utf8(body).unwrap())
}

/// Returns the argument of a call.
pub(super) fn number_of(request: &str) -> i64 {
    let (_, rest) = request.split_once("<int>").unwrap();
    rest.split_once('<').unwrap().0.parse().unwrap()
}
