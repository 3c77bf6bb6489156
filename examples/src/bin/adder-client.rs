//! Sends numbers to `python3 examples/python/adder_server.py` or `adder-server`, which adds them.

use farcall::conn::PyConnection;

fn main() -> anyhow::Result<()> {
    let mut adder = PyConnection::connect(("127.0.0.1", 16000))
        .authkey("12345")
        .legacy_md5(true) // CPython up to 3.11 supports MD5 only
        .wait()?;
    for (a, b) in [(3, 5), (20, 22), (-1, 1)] {
        adder.send_as(&(a, b))?;
        println!("{a} + {b} = {}", adder.recv_as::<i64>()?);
    }
    Ok(())
}
