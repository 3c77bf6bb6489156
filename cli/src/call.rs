//! The commands that call methods, and their calls of one server.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use clap::Subcommand;
use farcall::cluster::{Client, ConnectOptions, ConnectionUrl, Credentials, Protection};
use farcall::protocol::output::Foreign;
use farcall::rpc::{self, Encoding, GreetingError};
use farcall::xmlrpc::{ClientOptions, InvalidHeader};
use farcall::{CallError, Caller, Variadic};
use serde::de::IgnoredAny;
use tokio::time::timeout;

use crate::connection::{connect_error, key_expected, target};
use crate::json::{self, ADVICE, Json};
use crate::manager::{self, ManagedObject};
use crate::{Options, argument, seconds};

const URL: &str = "http://HOST:PORT/PATH, https://HOST:PORT/PATH, http+unix://SOCKET:/PATH, \
                   conn+rpc://HOST:PORT, conn+rpc+tls://HOST:PORT, conn+rpc+encrypted://HOST:PORT \
                   (TLS by the authkey alone), conn+rpc+unix://PATH, nats://HOST:PORT/SERVICE or \
                   conn+manager://HOST:PORT/TYPEID (a manager of Python)";

/// The method that every server with introspection has.
const LIST_METHODS: &str = "system.listMethods";

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
        /// The program and its arguments, among which there are no options of this command;
        /// `{host}` and `{url}` stand for the host's. With -w, the URL is left out
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
         and `inf`. With -w, the URL is left out; `{{host}}` and `{{url}}` in arguments stand for the \
         host's, `@FILE` for the content of a file, `-` for that of standard input, `@@` for `@`"
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
            | Self::Hosts { words, .. } => words,
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
                return Err("the METHOD is missing".to_owned());
            }
            [] => (None, words),
            [..] => return Err("too many words: with -w, there is no URL".to_owned()),
        };
        if matches!(self, Self::Help { .. }) && !args.is_empty() {
            return Err("too many words: with -w, there is no URL".to_owned());
        }
        Ok(Words { url, method, args })
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
}

/// Runs the command on one server, and returns the text to print.
pub(crate) async fn run(
    command: &CallCommand,
    options: &Options,
) -> Result<String, Box<dyn Error>> {
    let Words { url, method, args } = command.split(true)?;
    let (url, method) = (url.unwrap_or_default(), method.unwrap_or_default());
    let args = arguments(args, max_integer(url))?;
    let request = match command {
        CallCommand::Methods { .. } => Request::Methods,
        CallCommand::Help { .. } => Request::Help { method },
        _ => Request::Call {
            method,
            args: args.into(),
        },
    };
    let result = if url.starts_with("conn+rpc") {
        let client = over_connection(url, options).await?;
        perform(&client.within(options.timeout), &request).await?
    } else if url.starts_with(manager::SCHEME) {
        let managed = timeout(options.timeout, with_manager(url, &request, options));
        managed
            .await
            .map_err(|_| "the manager did not reply in time")??
    } else if url.starts_with("nats") {
        let connect = ConnectOptions::default().connect_timeout(options.timeout);
        let client = Client::with_options(url, &Credentials::new(), connect)?;
        perform(&client.within(options.timeout), &request).await?
    } else {
        perform(&over_http(url, options)?, &request).await?
    };
    Ok(match request {
        Request::Call { .. } => result.write(),
        _ => text(&result),
    })
}

/// The largest integer that a protocol carries.
pub(crate) fn max_integer(url: &str) -> u64 {
    if ["conn+rpc", "nats", manager::SCHEME]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        u64::MAX
    } else {
        // The one of `<i8>`.
        i64::MAX.unsigned_abs()
    }
}

/// Parses the arguments of a call. Integers over `max_integer` are refused.
fn arguments(texts: &[String], max_integer: u64) -> Result<Vec<Json>, String> {
    let read = |(index, text): (usize, &String)| {
        let value = json::read(text).and_then(|value| value.check(max_integer).map(|()| value));
        value.map_err(|problem| {
            let number = index + 1;
            format!("argument {number}: {problem}; {ADVICE}")
        })
    };
    texts.iter().enumerate().map(read).collect()
}

async fn over_connection(url: &str, options: &Options) -> Result<rpc::Client, Box<dyn Error>> {
    // Results of any type are shown, which needs a self-describing encoding.
    let ConnectionUrl {
        target, protection, ..
    } = target("conn+rpc", url)?;
    let mut client = rpc::Client::connect(target)
        .encoding(Encoding::MessagePack)
        .legacy_md5(options.authentication.legacy_md5)
        .timeout(options.timeout);
    client = match protection {
        Protection::None => client,
        Protection::Tls => client.tls(options.tls.settings()?),
        Protection::Encrypted => client.encrypted(),
    };
    if let Some(key) = options.authentication.authkey()? {
        client = client.authkey(key);
    }
    client.await.map_err(|error| match error {
        rpc::OpenError::Connect(error) => connect_error(options.timeout, error),
        rpc::OpenError::Greeting {
            source: error @ GreetingError::KeyExpected,
            ..
        } => key_expected(error),
        error => error.into(),
    })
}

/// Makes the call of a request with an object of a manager.
async fn with_manager(
    url: &str,
    request: &Request<'_>,
    options: &Options,
) -> Result<Json, Box<dyn Error>> {
    let object = ManagedObject::open(url, options).await?;
    let result = match request {
        Request::Call { method, args } => object.call(method, args).await,
        Request::Methods => object.methods().await.map_err(Into::into),
        Request::Help { method } => object.help(method).await.map_err(Into::into),
        Request::Ping => Ok(Json::Bool(true)),
    };
    object.close().await;
    result
}

fn over_http(url: &str, options: &Options) -> Result<farcall::xmlrpc::Client, Box<dyn Error>> {
    // An invalid URL is not repeated, since it may be misspelt and contain a password.
    let (scheme, _) = url.split_once("://").unwrap_or_default();
    if !["http", "https", "http+unix"].contains(&&*scheme.to_ascii_lowercase()) {
        return Err(format!("the URL is not {URL}").into());
    }
    let mut settings = ClientOptions::default().timeout(Some(options.timeout));
    if scheme.eq_ignore_ascii_case("https") {
        settings = settings.tls(options.tls.settings()?);
    }
    for header in &options.headers {
        let (name, value) = header.split_once(':').ok_or(HEADER)?;
        settings = match settings.header(name.trim(), value.trim()) {
            // The name is not repeated: it may be a value without one, such as `Bearer abc:def`.
            Err(InvalidHeader::Name(_)) => return Err(HEADER.into()),
            result => result?,
        };
    }
    Ok(farcall::xmlrpc::Client::with_options(url, settings)?)
}

/// Makes the calls of a request. A description is a text, or texts that are shown one per line.
pub(crate) async fn perform(
    server: &impl Caller,
    request: &Request<'_>,
) -> Result<Json, CallError> {
    match request {
        Request::Call { method, args } => {
            server.call(*method, Variadic(args.iter().collect())).await
        }
        Request::Methods => {
            let methods: Vec<String> = server.call(LIST_METHODS, ()).await?;
            Ok(Json::Array(methods.into_iter().map(Json::String).collect()))
        }
        // Any answer is one: that there is no such method, too.
        Request::Ping => match server.call::<IgnoredAny>(LIST_METHODS, ()).await {
            Ok(_) | Err(CallError::Fault(_) | CallError::Decode(_)) => Ok(Json::Bool(true)),
            Err(error) => Err(error),
        },
        Request::Help { method } => {
            let help: String = server.call("system.methodHelp", (method,)).await?;
            // Servers without signatures report this in different ways, so any result of another
            // type counts as none.
            let signatures: Option<Vec<Vec<String>>> =
                server.call("system.methodSignature", (method,)).await.ok();
            let mut lines: Vec<String> = signatures
                .unwrap_or_default()
                .iter()
                .filter_map(|signature| signature.split_first())
                .map(|(result, params)| format!("{method}({}) -> {result}", params.join(", ")))
                .map(|signature| Foreign::line(signature).to_string())
                .collect();
            if !lines.is_empty() && !help.is_empty() {
                lines.push(String::new());
            }
            lines.push(help);
            Ok(Json::String(lines.join("\n").trim_end().to_owned()))
        }
    }
}

/// A description as text. Line breaks in names and signatures are escaped, so that each stays on
/// one line.
fn text(description: &Json) -> String {
    match description {
        Json::String(text) => text.clone(),
        Json::Array(values) => {
            let lines = values
                .iter()
                .map(|value| Foreign::line(text(value)).to_string());
            lines.collect::<Vec<_>>().join("\n")
        }
        other => other.write(),
    }
}
