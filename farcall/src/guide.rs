//! The guide: one chapter for each task. Each begins with a complete program. The tests compile
//! every program, and run those that end by themselves and need no files.
//!
//! | chapter | at its end you have |
//! |---|---|
//! | [functions] | a server whose functions any XML-RPC client can call |
//! | [objects] | objects with `#[service]`, offered over more than one protocol |
//! | [clients] | clients whose calls the compiler checks, async or blocking |
//! | [requests] | timeouts, headers and batches of XML-RPC |
//! | [errors] | errors of your own, and clients that know whether a failed call ran |
//! | [retries] | calls that are repeated, and cannot run twice |
//! | [python] | connections that exchange values with Python |
//! | [pickles] | Python's classes as structs, and messages of any type |
//! | [managers] | the objects that Python processes share, hosted by Rust or used by it |
//! | [rpc] | objects, callbacks and streams over connections |
//! | [jsonrpc] | one object over JSON-RPC and XML-RPC at one port, and clients of it |
//! | [json_sockets] | JSON-RPC over sockets and WebSockets, with subscriptions |
//! | [reconnect] | clients and objects that survive a broken connection |
//! | [security] | a server that other machines can reach, with limits that fit it |
//! | [tls] | TLS without a proxy, and clients that are known by their certificates |
//! | [blocking] | servers and clients without async code |
//! | [middleware] | checks of tokens and limits of rates |
//! | [layers] | figures and traces for every call, and limits of a client |
//! | [cluster] | scripts and programs that act on many machines at once |
//! | [workers] | a server on all processors, replaced without losing a call |
//! | [pages] | a page that shows the methods of a server to people, and calls them |
//! | [watching] | figures, health, traces and an access log of a server |
//! | [descriptions] | what a server tells programs of its methods, and code that is generated from it |
//! | [services] | a service that systemd starts, watches and reloads, and a web server in front |
//! | [sockets] | servers of bytes and datagrams, as Python's `socketserver` |
//! | [testing] | tests of a service without sockets |
//! | [features] | a build with only what you need |
//!
//! For those who come from another library, these pages show the same program with both: Python's
//! [xmlrpc](from_xmlrpc) and [multiprocessing](from_multiprocessing), [Pyro5](from_pyro5),
//! [tarpc](from_tarpc), [tonic](from_tonic), [jsonrpsee](from_jsonrpsee).

/// Declares a chapter: a module whose documentation is a page of `docs/guide`.
///
/// The links of a page lead to files and to the published documentation, for readers of the
/// repository. Here, the definitions before the page take precedence.
macro_rules! chapters {
    ($($name:ident)*) => { $(
        #[doc = concat!(
            "[functions]: crate::guide::functions\n",
            "[objects]: crate::guide::objects\n",
            "[clients]: crate::guide::clients\n",
            "[requests]: crate::guide::requests\n",
            "[errors]: crate::guide::errors\n",
            "[retries]: crate::guide::retries\n",
            "[python]: crate::guide::python\n",
            "[pickles]: crate::guide::pickles\n",
            "[managers]: crate::guide::managers\n",
            "[rpc]: crate::guide::rpc\n",
            "[jsonrpc]: crate::guide::jsonrpc\n",
            "[json_sockets]: crate::guide::json_sockets\n",
            "[reconnect]: crate::guide::reconnect\n",
            "[security]: crate::guide::security\n",
            "[tls]: crate::guide::tls\n",
            "[blocking]: crate::guide::blocking\n",
            "[middleware]: crate::guide::middleware\n",
            "[layers]: crate::guide::layers\n",
            "[workers]: crate::guide::workers\n",
            "[pages]: crate::guide::pages\n",
            "[watching]: crate::guide::watching\n",
            "[descriptions]: crate::guide::descriptions\n",
            "[services]: crate::guide::services\n",
            "[sockets]: crate::guide::sockets\n",
            "[testing]: crate::guide::testing\n",
            "[cluster]: crate::guide::cluster\n",
            "[features]: crate::guide::features\n",
            "[api-registry]: crate::Registry\n",
            "[api-xmlrpc]: crate::xmlrpc\n",
            "[api-jsonrpc]: crate::jsonrpc\n",
            "[api-service]: macro@crate::service\n",
            "[api-client]: macro@crate::client\n",
            "[api-caller]: crate::Caller\n",
            "[api-client-options]: crate::xmlrpc::ClientOptions\n",
            "[api-fault]: crate::Fault\n",
            "[api-fault-kind]: crate::FaultKind\n",
            "[api-call-error]: crate::CallError\n",
            "[api-conn]: crate::conn\n",
            "[api-auth]: crate::conn::auth\n",
            "[api-managers]: crate::conn::managers\n",
            "[api-pickle]: mod@crate::pickle\n",
            "[api-attribute]: macro@crate::pickle::pickle\n",
            "[api-rpc]: crate::rpc\n",
            "[api-server-options]: crate::http::ServerOptions\n",
            "[api-budget]: crate::Budget\n",
            "[api-xmlrpc-blocking]: crate::xmlrpc::blocking\n",
            "[api-conn-blocking]: crate::conn::blocking\n",
            "[api-rpc-blocking]: crate::rpc::blocking\n",
            "[api-middleware]: crate::middleware\n",
            "[api-registry-layer]: crate::Registry::layer\n",
            "[api-workers]: crate::workers\n",
            "[api-systemd]: crate::systemd\n",
            "[api-sockets]: crate::sockets\n",
            "[api-service-caller]: crate::ServiceCaller\n",
            "[api-memory]: crate::transport::memory\n",
            "[api-reconnect]: crate::rpc::Reconnect\n",
            "[api-cluster]: crate::cluster\n",
            "[api-pages]: crate::http::Pages\n",
            "[api-metrics]: crate::metrics\n",
            "[api-operations]: crate::web::Operations\n",
        )]
        ///
        #[doc = include_str!(concat!("../docs/guide/", stringify!($name), ".md"))]
        pub mod $name {}
    )* };
}

chapters! {
    functions objects clients requests errors retries python pickles managers rpc jsonrpc json_sockets reconnect security
    tls blocking middleware layers cluster workers services sockets pages watching descriptions testing features
    from_xmlrpc from_multiprocessing from_pyro5 from_tarpc from_tonic from_jsonrpsee
}

/// Compiles the programs of the page that registries show.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
