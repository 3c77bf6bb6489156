//! Sends numbers to `python3 examples/python/adder_server.py` or `adder-server`, which adds them.

use farcall::conn::Client;
use farcall::conn::blocking::Connection;
use farcall::pickle::Pickle;

fn main() -> anyhow::Result<()> {
    let mut adder: Connection<(i64, i64), i64, Pickle> = Client::connect(("127.0.0.1", 16000))
        .authkey("12345")
        .legacy_md5(true) // CPython up to 3.11 supports MD5 only
        .wait()?;
    for (a, b) in [(3, 5), (20, 22), (-1, 1)] {
        adder.send(&(a, b))?;
        println!("{a} + {b} = {}", adder.recv()?);
    }
    Ok(())
}
