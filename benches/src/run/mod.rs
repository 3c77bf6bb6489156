//! Runs the contestants: one after the other, round after round, with server and load in separate
//! processes.

mod files;
mod pin;
mod process;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use farcall::transport::Address;

use crate::case::{Case, Contestant, Part, Plan, Scale};
use crate::memory::{self, resident};
use crate::messages::{Announcement, Measured, send_line};
use crate::peers::{http, wrk};
use crate::results::{Results, Sample};
use crate::task::{Server, Task};
use crate::tls::{self, Certificate};
pub(crate) use files::allow_many_files;
use process::Process;

/// Maximum time of a process besides the measured time: to start, to connect, to create its data.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The argument that makes a process of this program a part of a contestant.
pub(crate) const PART: &str = "part";

/// The part of a contestant that this process runs.
#[derive(clap::Args)]
pub(crate) struct PartArguments {
    case: String,
    contestant: String,
    /// Absent in the server itself.
    #[arg(long)]
    server: Option<Address>,
    #[arg(long, default_value_t = 0)]
    pid: i32,
    /// Absent in servers.
    #[arg(long)]
    seconds: Option<f64>,
}

/// Runs the cases, and adds the figures to the results. Returns the names of those that failed.
pub(crate) fn run(cases: &[Case], plan: &Plan, results: &mut Results) -> Vec<String> {
    let mut failed = Vec::new();
    for case in cases {
        results.begin(case);
    }
    for round in 0..plan.rounds {
        for case in cases.iter().filter(|case| round < case.max_rounds) {
            for contestant in &case.contestants {
                let name = format!("{}: {}", case.name, contestant.name);
                if failed.contains(&name) {
                    continue;
                }
                match measure(case, contestant, plan) {
                    Ok(sample) => {
                        let (value, unit) = (sample.value, case.unit.name());
                        eprintln!("{}/{}  {name}  {value:.1} {unit}", round + 1, plan.rounds);
                        results.add(case, contestant, round, sample);
                    }
                    Err(error) => {
                        eprintln!("{name} failed: {error:#}");
                        failed.push(name);
                    }
                }
            }
        }
    }
    failed
}

/// Runs one contestant once.
fn measure(case: &Case, contestant: &Contestant, plan: &Plan) -> Result<Sample> {
    let files = tempfile::tempdir()?;
    let certificate = if case.tls {
        Some(Certificate::create_in(files.path())?)
    } else {
        None
    };
    let part = |part, seconds, server: Option<(&Address, i32)>| {
        let (mut command, script) = command(case, contestant, part, seconds, server, plan.scale)?;
        if let Some(certificate) = &certificate {
            command.env(tls::DIRECTORY, certificate.directory());
        }
        anyhow::Ok((command, script))
    };
    let mut server = None;
    if let Some(serve) = &contestant.server {
        let (mut command, _script) = part(serve, None, None)?;
        let mut process = Process::start(command.env("TMPDIR", files.path()), case.cpus)?;
        let Announcement { address } = process.line(TIMEOUT).context("the server failed")?;
        let address: Address = address.parse()?;
        let base = resident(process.id())?;
        server = Some((process, address, base));
    }
    let of_server = server
        .as_ref()
        .map(|(process, address, _)| (address, process.id()));
    if let (Part::Wrk(_, post), Some((address, _))) = (&contestant.load, of_server) {
        http::check(address, certificate.as_ref(), &post())?;
    }
    let (mut command, _script) = part(&contestant.load, Some(plan.time), of_server)?;
    let mut load = Process::start(&mut command, case.cpus)?;
    let time = TIMEOUT + 2 * plan.time;
    let Measured { value, peak } = load.line(time).context("the load failed")?;
    let server_peak = match &server {
        Some((process, _, base)) => Some(memory::peak(process.id())?.saturating_sub(*base)),
        None => None,
    };
    if !value.is_finite() || value <= 0.0 {
        bail!("invalid figure: {value}");
    }
    Ok(Sample {
        value,
        peak: Some(peak).filter(|peak| *peak > 0),
        server_peak,
    })
}

/// Returns the command that starts the process of a part, and a file that must live as long as it.
fn command(
    case: &Case,
    contestant: &Contestant,
    part: &Part,
    time: Option<Duration>,
    server: Option<(&Address, i32)>,
    scale: Scale,
) -> Result<(Command, Option<tempfile::NamedTempFile>)> {
    match part {
        Part::Serve(_) | Part::Load(_) => {
            let mut command = Command::new(std::env::current_exe()?);
            if scale == Scale::Smoke {
                command.arg("--smoke");
            }
            command.args([PART, case.name, &contestant.name]);
            if let Some(time) = time {
                command.arg("--seconds").arg(time.as_secs_f64().to_string());
            }
            if let Some((address, pid)) = server {
                command.arg("--server").arg(address.to_string());
                command.arg("--pid").arg(pid.to_string());
            }
            Ok((command, None))
        }
        Part::Python(interpreter, script, arguments) => {
            let mut command = Command::new(interpreter);
            command.args(["-c", script]).args(arguments);
            // A program of pyenv starts the interpreter of this version.
            let version = interpreter.trim_start_matches("python");
            command.env("PYENV_VERSION", version);
            command.env("HARNESS", std::env::current_exe()?);
            if let Some(time) = time {
                command.arg(time.as_secs_f64().to_string());
            }
            if let Some((address, pid)) = server {
                command.arg(address.to_string()).arg(pid.to_string());
            }
            Ok((command, None))
        }
        Part::Wrk(connections, post) => {
            let (address, _) = server.context("wrk needs a server")?;
            let scheme = if case.tls { "https" } else { "http" };
            let origin = format!("{scheme}://{address}");
            wrk::command(&origin, *connections, &post(), time.unwrap_or_default())
        }
    }
}

/// Runs the part that the arguments name, in a process that the harness started.
pub(crate) fn run_part(which: &PartArguments, cases: &[Case]) -> Result<()> {
    let case = cases.iter().find(|case| case.name == which.case);
    let mut contestants = case.into_iter().flat_map(|case| &case.contestants);
    let contestant = contestants.find(|contestant| contestant.name == which.contestant);
    let contestant = contestant.context("there is no such contestant")?;
    let Some(seconds) = which.seconds else {
        return match &contestant.server {
            Some(Part::Serve(serve)) => serve(),
            _ => bail!("its server is not in this program"),
        };
    };
    let Part::Load(load) = &contestant.load else {
        bail!("its load is not in this program");
    };
    // The memory of the program itself does not count.
    let base = resident(std::process::id().cast_signed())?;
    let value = load(&Task {
        server: which.server.clone().map(|address| Server {
            address,
            pid: which.pid,
        }),
        certificate: Certificate::of_part(),
        time: Duration::try_from_secs_f64(seconds)?,
    })?;
    send_line(&Measured {
        value,
        peak: memory::own_peak()?.saturating_sub(base),
    })
}
