//! A server with demo methods, for peers in any language.
//!
//! It prints one line per listener when it is ready, and stops gracefully on SIGINT and SIGTERM.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Parser, ValueEnum};
use demo::{Demo, Hostile, Specification, Ticks, connections};
use farcall::Json;
use farcall::cluster::nats;
use farcall::conn::auth::AuthKey;
use farcall::conn::{Bincode, Listener, ListenerBuilder};
use farcall::http::{BoundServer, ServerOptions};
use farcall::jsonrpc::{BoundSocketServer, Framing, Service, SocketServer, SocketServerOptions};
use farcall::pickle::{self, Pickle};
use farcall::rpc;
#[cfg(unix)]
use farcall::systemd;
use farcall::transport::tls::{ClientCertificates, ServerTls, TlsError};
use farcall::web::{Documentation, Health, Operations};
use farcall::xmlrpc::{self};
use farcall::{Fault, RegisterError, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
#[command(
    about = "Offers small methods over XML-RPC, JSON-RPC and connections, and plain connections, for peers to try"
)]
struct Arguments {
    /// Serve XML-RPC and JSON-RPC, also over WebSocket, on this TCP address; port 0 selects a free
    /// port, and systemd:NAME a socket of systemd, here and below [default: 127.0.0.1:8000 if no
    /// listener is given, or the sockets of systemd named xmlrpc, scgi, rpc, conn and manager]
    #[arg(long, value_name = "HOST:PORT")]
    xmlrpc: Option<String>,
    /// Serve XML-RPC and JSON-RPC on this Unix socket
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    xmlrpc_unix: Option<PathBuf>,
    /// Serve JSON-RPC on this TCP address, as lines
    #[arg(long, value_name = "HOST:PORT")]
    json_lines: Option<String>,
    /// Serve JSON-RPC on this Unix socket, as lines
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    json_unix: Option<PathBuf>,
    /// Serve XML-RPC and JSON-RPC over SCGI on this TCP address
    #[arg(long, value_name = "HOST:PORT")]
    scgi: Option<String>,
    /// Serve XML-RPC and JSON-RPC over SCGI on this Unix socket
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    scgi_unix: Option<PathBuf>,
    /// Serve RPC over connections on this TCP address
    #[arg(long, value_name = "HOST:PORT")]
    rpc: Option<String>,
    /// Serve RPC over connections on this Unix socket
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    rpc_unix: Option<PathBuf>,
    /// Accept plain connections on this TCP address
    #[arg(long, value_name = "HOST:PORT")]
    conn: Option<String>,
    /// Accept plain connections on this Unix socket
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    conn_unix: Option<PathBuf>,
    /// Serve as a micro service over NATS, and sessions of RPC: the URL of a NATS server
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// Name of the service over NATS
    #[arg(long, value_name = "NAME", default_value = "demo")]
    name: String,
    /// Show figures (/metrics), health and readiness on this TCP address, and offer system.health
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,
    /// Offer relay(url), which calls `noted` of any server for its caller: for tests of traces only
    #[arg(long)]
    relay: bool,
    /// Host the objects of a manager of Python on this TCP address, in pickle
    #[arg(long, value_name = "HOST:PORT")]
    manager: Option<String>,
    /// Permissions of Unix socket files, in octal: 660 lets the group connect
    #[cfg(unix)]
    #[arg(long, value_name = "MODE", value_parser = mode, default_value = "600")]
    unix_mode: u32,
    /// Encoding of the values of plain connections
    #[arg(long, value_enum, default_value_t = Encoding::Pickle)]
    codec: Encoding,
    /// File with the authkey that peers of connections must know
    #[arg(long, value_name = "FILE")]
    authkey_file: Option<PathBuf>,
    /// Serve TCP addresses over TLS, with the certificate and chain in this PEM file. It is read
    /// again on SIGHUP, and when it has changed
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Demand certificates of clients, signed by an authority in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Serve connections at TCP addresses over TLS by the authkey alone
    #[arg(long, conflicts_with = "tls_cert")]
    encrypted: bool,
    /// Allow authentication with MD5, which CPython up to 3.11 requires
    #[arg(long)]
    legacy_md5: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Encoding {
    Pickle,
    Bincode,
    Json,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = Arguments::parse();
    if arguments.has_no_listener() {
        #[cfg(unix)]
        arguments.take_sockets();
    }
    if arguments.has_no_listener() {
        arguments.xmlrpc = Some("127.0.0.1:8000".to_owned());
    }

    let demo = Arc::new(Demo::default());
    let mut options = ServerOptions::default().pages(documentation());
    let tls = arguments.tls()?;
    #[cfg(unix)]
    reload_on_hangup(tls.clone())?;
    if let Some(tls) = &tls {
        options = options.tls(tls.clone());
    }
    let over_http = farcall::jsonrpc::Server::with_options(options);
    over_http.register_instance(Arc::clone(&demo))?;
    over_http.register_instance(Specification)?;
    over_http.service().registry().register_instance(Ticks)?;
    over_http.register_instance(Hostile)?;
    let over_connections = rpc::Server::new();
    over_connections.register_instance(Ticks)?;
    over_connections.register_instance(Arc::clone(&demo))?;

    if arguments.relay {
        over_http.register_function("relay", relay)?;
    }
    let health = Health::new();
    let _operations = match &arguments.metrics {
        Some(address) => {
            health.register(over_http.xmlrpc())?;
            health.register(over_http.service().registry())?;
            health.register(&over_connections)?;
            let listening = Operations::new(&health)?.bind(address).await?;
            println!(
                "listening metrics http://{}/metrics",
                listening.local_address()
            );
            // Until the end of the program: it tells that the others stop.
            Some(tokio::spawn(listening.serve()))
        }
        None => None,
    };

    let stop = CancellationToken::new();
    // Before the first line reports a listener, since its reader may stop the server at once.
    let stopped = stop_signal()?;
    let mut listeners = JoinSet::new();
    if let Some(address) = &arguments.xmlrpc {
        let listening = over_http.bind(address).await?;
        println!("listening xmlrpc {}", listening.url());
        serve(&mut listeners, listening, &stop);
    }
    #[cfg(unix)]
    if let Some(path) = &arguments.xmlrpc_unix {
        let listening = over_http.bind(path).mode(arguments.unix_mode).await?;
        println!("listening xmlrpc-unix {}", path.display());
        serve(&mut listeners, listening, &stop);
    }
    let as_lines = arguments.over_lines(over_http.service(), tls.as_ref());
    if let Some(address) = &arguments.json_lines {
        let bound = as_lines.bind(address).await?;
        println!("listening json-lines {}", bound.url());
        serve_lines(&mut listeners, bound, &stop);
    }
    #[cfg(unix)]
    if let Some(path) = &arguments.json_unix {
        let bound = as_lines.bind(path).await?;
        println!("listening json-unix {}", path.display());
        serve_lines(&mut listeners, bound, &stop);
    }
    if let Some(address) = &arguments.scgi {
        let listening = over_http.bind_scgi(address).await?;
        println!("listening scgi {}", listening.url());
        serve(&mut listeners, listening, &stop);
    }
    #[cfg(unix)]
    if let Some(path) = &arguments.scgi_unix {
        let listening = over_http.bind_scgi(path).mode(arguments.unix_mode).await?;
        println!("listening scgi-unix {}", path.display());
        serve(&mut listeners, listening, &stop);
    }
    if let Some(address) = &arguments.rpc {
        let listener = arguments.configured(Listener::bind(address))?;
        let listener = arguments.protected(listener, tls.as_ref());
        let bound = over_connections.listen(listener).await?;
        println!("listening rpc {}", bound.url());
        serve_calls(&mut listeners, bound, &stop);
    }
    #[cfg(unix)]
    if let Some(path) = &arguments.rpc_unix {
        let listener = arguments.configured(Listener::bind(path))?;
        let bound = over_connections.listen(listener).await?;
        println!("listening rpc-unix {}", path.display());
        serve_calls(&mut listeners, bound, &stop);
    }
    if let Some(address) = &arguments.conn {
        let listener = arguments.configured(Listener::bind(address))?;
        let listener = arguments.protected(listener, tls.as_ref()).await?;
        println!("listening conn {}", listener.local_address());
        listeners.spawn(arguments.connections(listener, &stop));
    }
    #[cfg(unix)]
    if let Some(path) = &arguments.conn_unix {
        let listener = arguments.configured(Listener::bind(path))?.await?;
        println!("listening conn-unix {}", path.display());
        listeners.spawn(arguments.connections(listener, &stop));
    }
    if let Some(url) = &arguments.nats {
        let connection = nats::Connection::open(url).await?;
        let over_nats = nats::Server::new(arguments.name.as_str());
        over_nats.register_instance(demo)?;
        register_for_judges(&over_nats)?;
        let bound = over_nats.bind(&connection).await?;
        let opened = nats::StreamListener::new(&connection, &arguments.name, bound.id()).await?;
        let sessions = arguments.configured(Listener::over(opened))?;
        let sessions = over_connections.listen(sessions).await?;
        println!("listening nats {}", bound.url());
        serve_calls(&mut listeners, sessions, &stop);
        let stopped = stop.clone().cancelled_owned();
        listeners.spawn(async {
            bound.serve_until(stopped).await;
        });
    }

    if let Some(address) = &arguments.manager {
        let listener = arguments.configured(Listener::bind(address))?;
        let bound = demo::managers::server()?.listen(listener).await?;
        println!("listening manager {}", bound.local_address());
        let stop = stop.clone().cancelled_owned();
        listeners.spawn(async {
            bound.serve_until(stop).await;
        });
    }

    health.set_ready(true);
    #[cfg(unix)]
    {
        systemd::ready();
        tokio::spawn(systemd::feed_watchdog());
    }
    stopped.await;
    #[cfg(unix)]
    systemd::stopping();
    health.set_ready(false);
    stop.cancel();
    listeners.join_all().await;
    Ok(())
}

/// Calls `noted` of an XML-RPC server, for its caller.
async fn relay(url: String) -> Result<Value, Fault> {
    let client =
        xmlrpc::Client::new(&url).map_err(|error| Fault::invalid_params(error.to_string()))?;
    Ok(client.call("noted", ()).await?)
}

/// The page that browsers see.
fn documentation() -> Documentation {
    Documentation::new("Demo server")
        .version(env!("CARGO_PKG_VERSION"))
        .introduction(
            "Small methods for peers in any language to try. The same object answers **XML-RPC** \
             and **JSON-RPC 2.0** at this address.",
        )
}

impl Arguments {
    fn has_no_listener(&self) -> bool {
        #[cfg(unix)]
        let unix = [
            &self.xmlrpc_unix,
            &self.json_unix,
            &self.scgi_unix,
            &self.rpc_unix,
            &self.conn_unix,
        ];
        #[cfg(unix)]
        if unix.iter().any(|listener| listener.is_some()) {
            return false;
        }
        let tcp = [
            &self.xmlrpc,
            &self.json_lines,
            &self.scgi,
            &self.rpc,
            &self.conn,
            &self.nats,
            &self.manager,
        ];
        tcp.iter().all(|listener| listener.is_none())
    }

    /// Returns the server of JSON-RPC as lines.
    fn over_lines(&self, service: &Service, tls: Option<&ServerTls>) -> SocketServer {
        let mut options = SocketServerOptions::default();
        if let Some(tls) = tls {
            options = options.tls(tls.clone());
        }
        #[cfg(unix)]
        let options = options.mode(self.unix_mode);
        SocketServer::with_options(service.clone(), Framing::Lines, options)
    }

    /// Listens on the sockets of the service manager that have names of listeners.
    #[cfg(unix)]
    fn take_sockets(&mut self) {
        for name in systemd::socket_names() {
            let listener = match name.as_str() {
                "xmlrpc" => &mut self.xmlrpc,
                "scgi" => &mut self.scgi,
                "rpc" => &mut self.rpc,
                "conn" => &mut self.conn,
                "manager" => &mut self.manager,
                _ => continue,
            };
            *listener = Some(format!("systemd:{name}"));
        }
    }

    /// Returns the TLS of the server, if it has a certificate.
    fn tls(&self) -> Result<Option<ServerTls>, TlsError> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let tls = ServerTls::from_files(certificate, key)?.watch();
        Ok(Some(match &self.tls_client_ca {
            Some(roots) => tls.client_roots(roots, ClientCertificates::Required)?,
            None => tls,
        }))
    }

    /// Applies the options for connections to the builder of a listener.
    fn configured(&self, builder: ListenerBuilder) -> std::io::Result<ListenerBuilder> {
        let builder = builder.legacy_md5(self.legacy_md5);
        #[cfg(unix)]
        let builder = builder.mode(self.unix_mode);
        Ok(match &self.authkey_file {
            Some(file) => builder.authkey(AuthKey::from_file(file)?),
            None => builder,
        })
    }

    /// Applies the options for TLS to the builder of a listener at a TCP address.
    fn protected(&self, builder: ListenerBuilder, tls: Option<&ServerTls>) -> ListenerBuilder {
        match tls {
            Some(tls) => builder.tls(tls.clone()),
            None if self.encrypted => builder.encrypted(),
            None => builder,
        }
    }

    fn connections(
        &self,
        listener: Listener,
        stop: &CancellationToken,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let stop = stop.clone();
        match self.codec {
            Encoding::Pickle => {
                Box::pin(connections::serve::<Pickle, pickle::Value>(listener, stop))
            }
            // Bincode is not self-describing, so the type is fixed.
            Encoding::Bincode => Box::pin(connections::serve::<Bincode, String>(listener, stop)),
            Encoding::Json => Box::pin(connections::serve::<Json, serde_json::Value>(
                listener, stop,
            )),
        }
    }
}

/// Registers methods that tell a cluster's instances apart, and what ran.
fn register_for_judges(server: &nats::Server) -> Result<(), RegisterError> {
    let runs = Arc::new(Mutex::new(HashMap::<String, u64>::new()));
    let ran = Arc::clone(&runs);
    server
        .register_function("hostname", || format!("process {}", std::process::id()))?
        .register_function("big", |bytes: usize| match bytes {
            ..=64_000_000 => Ok("x".repeat(bytes)),
            _ => Err(Fault::invalid_params("at most 64,000,000 bytes")),
        })?
        .register_function("run", move |token: String| {
            let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
            // A ledger that grows without limit would be the end of a long test.
            if runs.len() < 10_000_000 {
                *runs.entry(token).or_default() += 1;
            }
            true
        })?
        .register_function("ran", move |token: String| {
            let ran = ran.lock().unwrap_or_else(PoisonError::into_inner);
            ran.get(&token).copied().unwrap_or_default()
        })?;
    Ok(())
}

/// Parses octal permissions.
#[cfg(unix)]
fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode @ 0..=0o777) => Ok(mode),
        _ => Err("permissions are an octal number up to 777".to_owned()),
    }
}

fn serve(listeners: &mut JoinSet<()>, listening: BoundServer, stop: &CancellationToken) {
    let stop = stop.clone().cancelled_owned();
    listeners.spawn(async {
        listening.serve_until(stop).await;
    });
}

fn serve_lines(listeners: &mut JoinSet<()>, bound: BoundSocketServer, stop: &CancellationToken) {
    let stop = stop.clone().cancelled_owned();
    listeners.spawn(async {
        bound.serve_until(stop).await;
    });
}

fn serve_calls(listeners: &mut JoinSet<()>, bound: rpc::BoundServer, stop: &CancellationToken) {
    let stop = stop.clone().cancelled_owned();
    listeners.spawn(async {
        bound.serve_until(stop).await;
    });
}

/// Reads the files of TLS again on each SIGHUP, if there are any.
#[cfg(unix)]
fn reload_on_hangup(tls: Option<ServerTls>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            systemd::reloading();
            match tls.as_ref().map(ServerTls::reload) {
                None => {}
                Some(Ok(())) => eprintln!("read the files of TLS again"),
                Some(Err(error)) => eprintln!("the files of TLS cannot be used: {error:?}"),
            }
            systemd::ready();
        }
    });
    Ok(())
}

/// Starts to listen for the signals that stop the process. The future completes when one arrives.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

/// Starts to listen for the signal that stops the process. The future completes when it arrives.
#[cfg(windows)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
