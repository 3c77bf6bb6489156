//! The operation that a command makes on each host.

#[cfg(unix)]
use farcall::cluster::agent::CopyOptions;

#[cfg(unix)]
use super::arguments::Places;
use super::arguments::Template;
use super::hosts::Target;
use super::joblog::{Key, call_name};
#[cfg(unix)]
use super::output::Files;
use crate::Options;
use crate::call::{self, CallCommand, Request, Words};
use crate::json::Json;

/// The method of an agent that runs a program.
const RUN: &str = "run.output";

/// The settings of a copy. The time of an attempt limits it, too.
#[cfg(unix)]
fn copy_options(options: &Options, partial: bool) -> CopyOptions {
    let copy = CopyOptions::default().timeout(options.timeout);
    if partial { copy.resume() } else { copy }
}

/// An operation, with placeholders for the host and the input.
pub(crate) enum Operation {
    Call {
        method: String,
        template: Template,
    },
    /// A program that an agent runs.
    Run {
        template: Template,
    },
    Methods,
    Help {
        method: String,
    },
    Ping,
    /// A file that is copied to hosts. The paths have placeholders.
    #[cfg(unix)]
    Put {
        local: String,
        remote: String,
        options: CopyOptions,
    },
    /// A file that is copied from hosts.
    #[cfg(unix)]
    Get {
        remote: String,
        local: String,
        options: CopyOptions,
    },
}

impl Operation {
    /// # Errors
    /// If an argument is malformed, or a number cannot be sent to one of the hosts.
    pub(crate) fn new(
        command: &CallCommand,
        words: &Words<'_>,
        options: &Options,
        targets: &[Target],
    ) -> Result<Self, String> {
        let are_bytes = options.fleet.bytes;
        let args = words.args;
        let owned = words.method.map(str::to_owned);
        let (method, template) = match (command, owned) {
            (CallCommand::Methods { .. }, _) => return Ok(Self::Methods),
            (CallCommand::Help { .. }, Some(method)) => return Ok(Self::Help { method }),
            (CallCommand::Run { .. }, Some(program)) => {
                let words = std::iter::once(program).chain(args.iter().cloned());
                let template = Template::of_program(words);
                return Ok(Self::Run { template });
            }
            #[cfg(unix)]
            (CallCommand::Put { mode, partial, .. }, Some(local)) => {
                let options = copy_options(options, *partial);
                let options = mode.map_or(options.clone(), |mode| options.mode(mode));
                let remote = args.concat();
                return Ok(Self::Put {
                    local,
                    remote,
                    options,
                });
            }
            #[cfg(unix)]
            (CallCommand::Get { partial, .. }, Some(remote)) => {
                let local = args.concat();
                if targets.len() > 1 {
                    if !local.contains("{host}") {
                        return Err("the local file needs {host}, as DIR/{host}".to_owned());
                    }
                    Files::check(targets.iter().map(|target| target.host.name()))?;
                }
                return Ok(Self::Get {
                    remote,
                    local,
                    options: copy_options(options, *partial),
                });
            }
            (CallCommand::Map { .. }, Some(method)) => {
                (method, Template::read_for_inputs(args, are_bytes)?)
            }
            (_, Some(method)) => (method, Template::read(args, are_bytes)?),
            (_, None) => return Ok(Self::Ping),
        };
        let max_integers = targets
            .iter()
            .map(|target| call::max_integer(&target.entry.url));
        template.check(max_integers.min().unwrap_or(u64::MAX))?;
        Ok(Self::Call { method, template })
    }

    /// The calls of one host, and of one input.
    pub(crate) fn request(&self, host: &str, url: &str, input: Option<&Json>) -> Request<'_> {
        match self {
            Self::Call { method, template } => Request::Call {
                method,
                args: template.fill(host, url, input),
            },
            Self::Run { template } => Request::Call {
                method: RUN,
                args: template.fill(host, url, input),
            },
            Self::Methods => Request::Methods,
            Self::Help { method } => Request::Help { method },
            Self::Ping => Request::Ping,
            #[cfg(unix)]
            Self::Put {
                local,
                remote,
                options,
            } => Request::Put {
                local: Places::of(host, url).text(local).into(),
                remote: Places::of(host, url).text(remote),
                options: options.clone(),
            },
            #[cfg(unix)]
            Self::Get {
                remote,
                local,
                options,
            } => Request::Get {
                remote: Places::of(host, url).text(remote),
                local: Files::path(local, host),
                options: options.clone(),
            },
        }
    }

    /// Returns `true` if results are texts that are shown as they are.
    pub(crate) const fn is_raw(&self) -> bool {
        !matches!(self, Self::Call { .. })
    }

    /// Identifies the call of a host, or the `number`th call with this input.
    pub(crate) fn key(&self, host: Option<&str>, input: Option<(&str, usize)>) -> Key {
        let (name, mut arguments) = match self {
            Self::Call { method, template } => (&**method, template.written()),
            Self::Run { template } => (RUN, template.written()),
            Self::Methods => ("system.listMethods", String::new()),
            Self::Help { method } => ("system.methodHelp", method.clone()),
            Self::Ping => ("ping", String::new()),
            #[cfg(unix)]
            Self::Put { local, remote, .. } => ("files.put", format!("{local}\n{remote}")),
            #[cfg(unix)]
            Self::Get { remote, local, .. } => ("files.get", format!("{remote}\n{local}")),
        };
        if let Some((input, number)) = input {
            arguments = format!("{arguments}\n{input}\n{number}");
        }
        Key {
            host: host.map(str::to_owned),
            call: call_name(name, &arguments),
        }
    }

    /// Describes the calls of one host.
    pub(crate) fn shown(&self, host: &str, url: &str, input: Option<&Json>) -> String {
        match self.request(host, url, input) {
            Request::Call { method, args } => {
                let args = args.iter().map(Json::write);
                let words: Vec<String> = std::iter::once(method.to_owned()).chain(args).collect();
                words.join(" ")
            }
            Request::Methods => "methods".to_owned(),
            Request::Help { method } => format!("help {method}"),
            Request::Ping => "ping".to_owned(),
            #[cfg(unix)]
            Request::Put { local, remote, .. } => format!("put {} {remote}", local.display()),
            #[cfg(unix)]
            Request::Get { remote, local, .. } => format!("get {remote} {}", local.display()),
        }
    }
}
