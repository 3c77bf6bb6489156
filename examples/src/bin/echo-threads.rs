//! An echo server of lines without async code: each connection has a thread, and at most 16 do.

use std::io::{BufRead, BufReader, Read, Write};

use farcall::sockets::StreamServer;

fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:20000".into());
    let server = StreamServer::threads(|connection| {
        let mut connection = BufReader::new(connection);
        let mut line = Vec::new();
        // A line of a peer has at most 8 KiB.
        while connection
            .by_ref()
            .take(8 << 10)
            .read_until(b'\n', &mut line)?
            > 0
        {
            connection.get_mut().write_all(&line)?;
            line.clear();
        }
        Ok(())
    });
    let bound = server.max_connections(16).bind_blocking(address)?;
    println!("listening on {}", bound.local_address());
    Ok(bound.serve().map(drop)?)
}
