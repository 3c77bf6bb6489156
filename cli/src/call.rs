//! The commands that call methods, and the calls that they make.

use std::borrow::Cow;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
#[cfg(unix)]
use farcall::cluster::agent::{self, CopyError, CopyOptions, StoredFile};
use farcall::cluster::{AnyFormat, ClientFormat};
use farcall::jsonrpc::SocketClient;
#[cfg(unix)]
use farcall::protocol::output::Causes;
use farcall::protocol::output::Foreign;
use farcall::protocol::{Call, Format as _};
use farcall::{CallError, Caller, Context, FormatError, FormatErrorKind, Variadic};
use serde::de::IgnoredAny;
use tokio::task::spawn_blocking;

use crate::describe::{self, LIST_METHODS, MethodHelp};
use crate::json::Json;
use crate::{argument, manager, seconds};

pub(crate) const URL: &str = "http://HOST:PORT/PATH, https://HOST:PORT/PATH, http+unix://SOCKET:/PATH, \
                   json+http://HOST:PORT/PATH, json+https://HOST:PORT/PATH, \
                   json+http+unix://SOCKET:/PATH (JSON-RPC), \
                   scgi://HOST:PORT, scgi+unix://SOCKET, \
                   conn+rpc://HOST:PORT, conn+rpc+tls://HOST:PORT, conn+rpc+encrypted://HOST:PORT \
                   (TLS by the authkey alone), conn+rpc+unix://PATH, nats://HOST:PORT/SERVICE, \
                   json+tcp://HOST:PORT, json+tls://HOST:PORT, json+unix://PATH, ws://HOST:PORT/PATH, \
                   wss://HOST:PORT/PATH (JSON-RPC) or \
                   conn+manager://HOST:PORT/TYPEID (a manager of Python)";

/// Length of a result above which it is decoded on another thread, while the timers of other calls
/// go on.
const LONG: usize = 256 * 1024;

pub(crate) const HEADER: &str = "--header expects NAME: VALUE, with a name that HTTP allows";

/// The commands that call methods. Without `-w`, their first word is the URL of the only host.
#[derive(Debug, Subcommand)]
pub(crate) enum CallCommand {
    /// Call a method and print its result as JSON
    #[command(override_usage = usage("call", "METHOD [ARGUMENT]..."))]
    Call {
        #[arg(required = true, value_name = "URL METHOD ARGUMENT", help = call_help())]
        #[arg(value_parser = argument)]
        words: Vec<String>,
    },
    /// Call a method once for each line of standard input, on whichever host is free
    #[command(override_usage = usage("map", "METHOD [ARGUMENT]..."))]
    Map {
        /// As for `call`; `{}` stands for the line, which is the last argument if none has it. With
        /// -w, the URL is left out
        #[arg(required = true, value_name = "URL METHOD ARGUMENT")]
        #[arg(value_parser = argument)]
        words: Vec<String>,
    },
    /// Run a program on hosts with an agent, and show its output
    #[command(override_usage = usage("run", "PROGRAM [ARGUMENT]..."))]
    Run {
        /// The program and its arguments, among which there are no options of this command: these
        /// end with the program, or with `--`. `{host}` and `{url}` stand for the host's. With -w,
        /// the URL is left out
        #[arg(required = true, value_name = "URL PROGRAM ARGUMENT")]
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_parser = argument)]
        words: Vec<String>,
    },
    /// List the methods of a server, one per line
    #[command(override_usage = usage("methods", ""))]
    Methods {
        #[arg(num_args = 0..=1, value_name = "URL", help = URL)]
        #[arg(value_parser = argument)]
        words: Vec<String>,
    },
    /// Show the signature and the documentation of a method
    #[command(override_usage = usage("help", "METHOD"))]
    Help {
        #[arg(num_args = 1..=2, required = true, value_name = "URL METHOD", help = URL)]
        #[arg(value_parser = argument)]
        words: Vec<String>,
    },
    /// Show whether hosts answer, and after how long
    #[command(override_usage = usage("ping", ""))]
    Ping {
        #[arg(num_args = 0..=1, value_name = "URL", help = URL)]
        #[arg(value_parser = argument)]
        words: Vec<String>,
    },
    /// Call a method again and again, and show calls, errors and latencies by host
    #[command(override_usage = usage("top", "[METHOD [ARGUMENT]...]"))]
    Top {
        /// As for `call`. Default of the method: system.listMethods
        #[arg(value_name = "URL METHOD ARGUMENT")]
        #[arg(value_parser = argument)]
        words: Vec<String>,
        /// Pause between two rounds of calls
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        interval: Duration,
        /// End after this many rounds [default: at Ctrl-C]
        #[arg(long, value_name = "N")]
        rounds: Option<u64>,
    },
    /// Show the items of a stream from each host, as they come, until Ctrl-C
    #[command(override_usage = usage("subscribe", "METHOD [ARGUMENT]..."))]
    Subscribe {
        /// As for `call`
        #[arg(required = true, value_name = "URL METHOD ARGUMENT")]
        #[arg(value_parser = argument)]
        words: Vec<String>,
    },
    /// Follow a file on hosts with an agent, until Ctrl-C
    #[command(override_usage = usage("tail", "PATH"))]
    Tail {
        /// `{host}` and `{url}` in the path stand for the host's. With -w, the URL is left out
        #[arg(required = true, num_args = 1..=2, value_name = "URL PATH")]
        #[arg(value_parser = argument)]
        words: Vec<String>,
        /// Begin with so many of the lines that are there already
        #[arg(long, value_name = "N", default_value_t = 10)]
        lines: u32,
    },
    /// Copy a file to hosts with an agent, where it appears when it is complete
    #[cfg(unix)]
    #[command(override_usage = usage("put", "FILE PATH"))]
    Put {
        /// The local file, and the path at the hosts. `{host}` and `{url}` stand for the host's.
        /// With -w, the URL is left out
        #[arg(required = true, num_args = 2..=3, value_name = "URL FILE PATH")]
        #[arg(value_parser = argument)]
        words: Vec<String>,
        /// Permissions, such as 644 [default: those of the file that is replaced, or 644]
        #[arg(long, value_name = "MODE", value_parser = mode)]
        mode: Option<u32>,
        /// Keep what was copied if the copy breaks off, and go on from there the next time
        #[arg(long)]
        partial: bool,
    },
    /// Copy a file from hosts with an agent
    #[cfg(unix)]
    #[command(override_usage = usage("get", "PATH FILE"))]
    Get {
        /// The path at the hosts, and the local file: of several hosts, with `{host}` in its name.
        /// With -w, the URL is left out
        #[arg(required = true, num_args = 2..=3, value_name = "URL PATH FILE")]
        #[arg(value_parser = argument)]
        words: Vec<String>,
        /// Keep what was copied if the copy breaks off, and go on from there the next time
        #[arg(long)]
        partial: bool,
    },
    /// List hosts with their URLs and protection
    #[command(override_usage = usage("hosts", ""))]
    Hosts {
        #[arg(num_args = 0..=1, value_name = "URL", help = URL)]
        #[arg(value_parser = argument)]
        words: Vec<String>,
        /// Print the names only, folded into one line
        #[arg(long)]
        fold: bool,
    },
}

fn usage(command: &str, words: &str) -> String {
    format!(
        "farcall {command} [OPTIONS] URL {words} | farcall -w HOSTS {command} [OPTIONS] {words}"
    )
}

fn call_help() -> String {
    format!(
        "URL: {URL}. METHOD: its name. ARGUMENT: JSON; any other text is a string, including `nan` \
         and `inf`. `{{host}}` and `{{url}}` in arguments stand for the host's, `@FILE` for the \
         content of a file, `-` for that of standard input, `@@` for `@`. With -w, the URL is left \
         out"
    )
}

impl CallCommand {
    pub(crate) fn words(&self) -> &[String] {
        match self {
            Self::Call { words }
            | Self::Map { words }
            | Self::Run { words }
            | Self::Methods { words }
            | Self::Help { words }
            | Self::Ping { words }
            | Self::Top { words, .. }
            | Self::Subscribe { words }
            | Self::Tail { words, .. }
            | Self::Hosts { words, .. } => words,
            #[cfg(unix)]
            Self::Put { words, .. } | Self::Get { words, .. } => words,
        }
    }

    /// The URL, unless there is `-w`.
    pub(crate) fn first_word(&self) -> &str {
        self.words().first().map_or("", String::as_str)
    }

    /// Returns `true` if the command acts on a set of hosts even if there is one only.
    pub(crate) const fn is_for_many(&self) -> bool {
        !matches!(
            self,
            Self::Call { .. } | Self::Methods { .. } | Self::Help { .. }
        )
    }

    /// Tells the words apart, of which the first one is a URL or not.
    pub(crate) fn split(&self, has_url: bool) -> Result<Words<'_>, String> {
        let mut words = self.words();
        let mut url = None;
        if has_url {
            let (first, rest) = words.split_first().ok_or("a URL or -w HOSTS is missing")?;
            url = Some(first.as_str());
            words = rest;
        }
        let takes_method = !matches!(
            self,
            Self::Methods { .. } | Self::Ping { .. } | Self::Hosts { .. }
        );
        let (method, args) = match words {
            [method, args @ ..] if takes_method => (Some(method.as_str()), args),
            [] if takes_method && !matches!(self, Self::Top { .. }) => {
                return Err(self.missing(url));
            }
            [] => (None, words),
            [..] => return Err("too many words: with -w, there is no URL".to_owned()),
        };
        let expected = match self {
            Self::Help { .. } | Self::Tail { .. } => Some(0),
            #[cfg(unix)]
            Self::Put { .. } | Self::Get { .. } => Some(1),
            _ => None,
        };
        match expected {
            Some(expected) if args.len() > expected => {
                Err("too many words: with -w, there is no URL".to_owned())
            }
            Some(expected) if args.len() < expected => Err("the second path is missing".to_owned()),
            _ => Ok(()),
        }?;
        Ok(Words { url, method, args })
    }

    /// Describes the word that is missing behind the URL, if it is one.
    fn missing(&self, url: Option<&str>) -> String {
        let word = match self {
            Self::Run { .. } => "PROGRAM",
            Self::Tail { .. } => "PATH",
            #[cfg(unix)]
            Self::Get { .. } => "PATH",
            #[cfg(unix)]
            Self::Put { .. } => "FILE",
            _ => "METHOD",
        };
        match url {
            Some(url) if !url.contains("://") => {
                format!("the URL or the {word} is missing: -w HOSTS stands in place of the URL")
            }
            _ => format!("the {word} is missing"),
        }
    }
}

/// The words of a command.
pub(crate) struct Words<'a> {
    pub(crate) url: Option<&'a str>,
    pub(crate) method: Option<&'a str>,
    pub(crate) args: &'a [String],
}

/// A call of a server, or the calls that describe it.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    Call {
        method: &'a str,
        args: Cow<'a, [Json]>,
    },
    Methods,
    Help {
        method: &'a str,
    },
    Ping,
    #[cfg(unix)]
    Put {
        local: PathBuf,
        remote: String,
        options: CopyOptions,
    },
    #[cfg(unix)]
    Get {
        remote: String,
        local: PathBuf,
        options: CopyOptions,
    },
}

/// The largest integer that a protocol carries.
pub(crate) fn max_integer(url: &str) -> u64 {
    if ["conn+rpc", "nats", "json+", manager::SCHEME]
        .iter()
        .any(|scheme| url.starts_with(scheme))
        || SocketClient::has_scheme(url)
    {
        u64::MAX
    } else {
        // The one of `<i8>`.
        i64::MAX.unsigned_abs()
    }
}

/// Calls a method. A stream or an object in the result is an error: JSON has nothing for them, and
/// shows the number that stands for them.
async fn call(
    server: &impl Caller<Format: ClientFormat>,
    method: &str,
    args: &[Json],
) -> Result<Json, CallError> {
    let args = Variadic(args.iter().collect());
    let format = server.format();
    if let AnyFormat::XmlRpc(_) | AnyFormat::Json(_) = format.clone().into() {
        return server.call(method, args).await;
    }
    let call = Call {
        params: format.params(&args).map_err(CallError::Encode)?,
        format: format.clone(),
        context: Context::new(method),
    };
    let reply = server.send(call).await?;
    if reply.attachments().is_empty() {
        if reply.as_slice().len() < LONG {
            return format.decode_reply(&reply).map_err(CallError::Decode);
        }
        let decoded = spawn_blocking(move || format.decode_reply(&reply)).await;
        let decoded = decoded.map_err(|error| CallError::Lost(error.into()))?;
        return decoded.map_err(CallError::Decode);
    }
    let text = "it has a stream or an object, which `call` cannot show: `subscribe` shows streams, \
                `get` copies files";
    let error = FormatError::new(FormatErrorKind::Mismatch, text);
    Err(CallError::Decode(error))
}

/// The size and the digest of a copied file.
#[cfg(unix)]
fn stored(file: &StoredFile) -> Json {
    Json::object([
        ("size", Json::number(&file.size)),
        ("sha256", Json::text(&file.sha256)),
    ])
}

/// Parses permissions in octal digits.
#[cfg(unix)]
fn mode(text: &str) -> Result<u32, &'static str> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("expected permissions in octal digits, at most 777"),
    }
}

/// Makes the calls of a request. A description is a text, or texts that are shown one per line.
pub(crate) async fn perform(
    server: &impl Caller<Format: ClientFormat>,
    request: &Request<'_>,
) -> Result<Json, CallError> {
    match request {
        Request::Call { method, args } => call(server, method, args).await,
        Request::Methods => {
            let methods: Vec<String> = server.call(LIST_METHODS, ()).await?;
            Ok(Json::Array(methods.into_iter().map(Json::String).collect()))
        }
        // Any answer is one: that there is no such method, too.
        Request::Ping => match server.call::<IgnoredAny>(LIST_METHODS, ()).await {
            Ok(_) | Err(CallError::Fault(_) | CallError::Decode(_)) => Ok(Json::Bool(true)),
            Err(error) => Err(error),
        },
        #[cfg(unix)]
        Request::Put {
            local,
            remote,
            options,
        } => {
            let copied = agent::upload(server, local, remote, options.clone()).await;
            copied
                .map(|file| stored(&file))
                .map_err(|error| match error {
                    CopyError::Call(error) => error,
                    // It is read before anything is sent.
                    error @ CopyError::Local { .. } => CallError::NotSent(error.into()),
                    error => CallError::Lost(error.into()),
                })
        }
        #[cfg(unix)]
        Request::Get {
            remote,
            local,
            options,
        } => {
            if let Some(folder) = local.parent() {
                let made = std::fs::create_dir_all(folder);
                made.map_err(|error| CallError::NotSent(error.into()))?;
            }
            let copied = agent::download(server, remote, local, options.clone()).await;
            copied
                .map(|file| stored(&file))
                .map_err(|error| match error {
                    CopyError::Call(error) => error,
                    CopyError::Stream(_) | CopyError::Incomplete | CopyError::TimedOut(_) => {
                        CallError::Lost(error.into())
                    }
                    error => CallError::Decode(FormatError::new(
                        FormatErrorKind::Mismatch,
                        Causes(&error).to_string(),
                    )),
                })
        }
        Request::Help { method } => help(server, method).await.map(Json::String),
    }
}

/// Returns the signatures and the documentation of a method.
async fn help(
    server: &impl Caller<Format: ClientFormat>,
    method: &str,
) -> Result<String, CallError> {
    // Names of parameters are in this description only.
    let described = describe::help(server, method).await?;
    let (signatures, text) = match described {
        Some(MethodHelp { signature, text }) if !text.is_empty() => (vec![signature], text),
        Some(MethodHelp { signature, .. }) => {
            // A long description leaves out texts. Not every server that describes itself has them
            // elsewhere.
            let text = match server.call("system.methodHelp", (method,)).await {
                Err(CallError::Fault(_)) => String::new(),
                text => text?,
            };
            (vec![signature], text)
        }
        None => {
            let text: String = server.call("system.methodHelp", (method,)).await?;
            (signatures(server, method).await, text)
        }
    };
    let mut lines: Vec<String> = signatures
        .into_iter()
        .map(|signature| Foreign::line(signature).to_string())
        .collect();
    if !lines.is_empty() && !text.is_empty() {
        lines.push(String::new());
    }
    lines.push(text);
    Ok(lines.join("\n").trim_end().to_owned())
}

/// Returns the signatures of a method, by its types. Servers without signatures report this in
/// different ways, so any result of another type counts as none.
async fn signatures(server: &impl Caller<Format: ClientFormat>, method: &str) -> Vec<String> {
    let signatures: Option<Vec<Vec<String>>> =
        server.call("system.methodSignature", (method,)).await.ok();
    signatures
        .unwrap_or_default()
        .iter()
        .filter_map(|signature| signature.split_first())
        .map(|(result, params)| format!("{method}({}) -> {result}", params.join(", ")))
        .collect()
}
