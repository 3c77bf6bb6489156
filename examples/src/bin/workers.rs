//! A server of several processes. A crash of one affects only its own calls, and SIGHUP replaces
//! all processes, by a newer build for example, while calls go on.
//!
//! Try `kill -9` on a worker, and `kill -HUP` and `kill` on the supervisor.

/// Starts the workers. The first argument is the address, the second the number of workers, by
/// default the number of processors.
#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    use farcall::workers::Workers;
    use farcall::xmlrpc::Server;

    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    // `env::args` panics at an argument that is not UTF-8.
    let mut arguments = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned());
    let address = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let mut workers = Workers::new();
    if let Some(count) = arguments.next() {
        workers = workers.count(count.parse()?);
    }

    let processes = workers.processes(&address.parse()?, async |worker| {
        let server = Server::new();
        server.register_function("add", |a: i64, b: i64| a + b)?;
        server.register_function("process", std::process::id)?;
        server.serve_worker(worker).await
    })?;
    // Workers never return from the call above: from here on this is the supervisor.
    println!("process {}", std::process::id());
    println!("listening {}", processes.local_address());
    processes.run()?;
    Ok(())
}

/// Sockets can be passed to other processes on Unix only.
#[cfg(not(unix))]
fn main() {
    eprintln!("this example needs Unix");
}
