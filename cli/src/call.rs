//! The commands that call methods, and the calls that they make.

use std::borrow::Cow;
use std::time::Duration;

use clap::Subcommand;
use farcall::cluster::{AnyFormat, ClientFormat};
use farcall::protocol::output::Foreign;
use farcall::protocol::{Call, Format as _};
use farcall::{CallError, Caller, Context, FormatError, FormatErrorKind, Variadic};
use serde::de::IgnoredAny;

use crate::json::Json;
use crate::{argument, manager, seconds};

const URL: &str = "http://HOST:PORT/PATH, https://HOST:PORT/PATH, http+unix://SOCKET:/PATH, \
                   scgi://HOST:PORT, scgi+unix://SOCKET, conn+rpc://HOST:PORT, conn+rpc+tls://HOST:PORT, conn+rpc+encrypted://HOST:PORT \
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

/// Calls a method. A stream or an object in the result is an error: JSON has nothing for them, and
/// shows the number that stands for them.
async fn call(
    server: &impl Caller<Format: ClientFormat>,
    method: &str,
    args: &[Json],
) -> Result<Json, CallError> {
    let args = Variadic(args.iter().collect());
    let format = server.format();
    if let AnyFormat::XmlRpc(_) = format.clone().into() {
        return server.call(method, args).await;
    }
    let call = Call {
        params: format.params(&args).map_err(CallError::Encode)?,
        format: format.clone(),
        context: Context::new(method),
    };
    let reply = server.send(call).await?;
    if reply.attachments().is_empty() {
        return format.decode_reply(&reply).map_err(CallError::Decode);
    }
    let text = "it has a stream or an object, which this command cannot show";
    let error = FormatError::new(FormatErrorKind::Mismatch, text);
    Err(CallError::Decode(error))
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
