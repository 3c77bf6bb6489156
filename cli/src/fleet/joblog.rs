//! The log of a run, which `--resume` reads.
//!
//! A line is written before a call is sent, and one when it has ended. A line is one write to the
//! file, so it is there even if the command is killed: a call with no second line may have run.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::lock::lock;
use super::report::Report;
use crate::json::Json;

/// Maximum bytes of a line that is read. An error of 16 KiB, with each character escaped, takes
/// 96 KiB.
const MAX_LINE: u64 = 256 * 1024;

/// Maximum bytes of the names that are kept of a log: those of several million calls.
const MAX_KEPT: usize = 512 * 1024 * 1024;

/// The identity of a call across runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// `None`: any host, as the inputs of `map` are.
    pub(crate) host: Option<String>,
    pub(crate) call: String,
}

/// Returns the name of a call: the method, and a digest of its arguments, which may be secrets.
pub(crate) fn call_name(method: &str, arguments: &str) -> String {
    let digest = Sha256::digest(arguments.as_bytes());
    let digest: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{method} {digest}")
}

/// The outcome of a call in an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    Ok,
    /// It did not run.
    Never,
    /// It may have run: it has no end, or one that says so.
    Maybe,
    /// It ran, and its result could not be read.
    Completed,
}

/// The file that calls are written to.
pub(crate) struct JobLog {
    file: File,
    path: PathBuf,
}

/// The outcomes of the earlier runs, with the host that each call was sent to.
pub(crate) type History = HashMap<Key, (Earlier, String)>;

impl JobLog {
    /// Opens the file. With `resume`, it may have the calls of earlier runs, which are returned.
    pub(crate) fn open(path: &Path, resume: bool) -> Result<(Self, History), Box<dyn Error>> {
        let failed = |error| format!("--joblog: the file {}: {error}", path.display());
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        // Errors of hosts may be confidential.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let shown = path.display();
        // A device or a pipe may have no end.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(format!("--joblog: {shown} is no regular file").into());
        }
        // Two runs would both make the calls that neither has logged yet.
        lock(&file, path).map_err(|problem| format!("--joblog: {problem}"))?;
        if file.metadata().map_err(failed)?.len() > 0 && !resume {
            return Err(
                format!("--joblog: {shown} has calls already: --resume continues it").into(),
            );
        }
        let (history, is_cut) = read(&mut BufReader::new(&file))
            .map_err(|problem| format!("--joblog: {shown}: {problem}"))?;
        if is_cut {
            // The last line was cut when the command or the machine ended.
            file.write_all(b"\n").map_err(failed)?;
        }
        let path = path.to_owned();
        Ok((Self { file, path }, history))
    }

    /// Writes that a call is about to be sent.
    pub(crate) fn sent(&mut self, key: &Key, host: &str) -> Result<(), String> {
        self.write("sent", key, host, [])
    }

    /// Writes that a call has ended.
    pub(crate) fn ended(&mut self, key: &Key, report: &Report) -> Result<(), String> {
        let mut members = vec![("ok", Json::Bool(report.result.is_ok()))];
        if let Err(failure) = &report.result {
            members.push(("execution", Json::text(failure.execution_name())));
            members.push(("error", Json::text(&failure.text)));
        }
        members.push(("attempts", Json::number(&report.attempts)));
        members.push(("ms", Json::number(&report.elapsed.as_millis())));
        self.write("ended", key, &report.host, members)
    }

    fn write<'a>(
        &mut self,
        event: &'a str,
        key: &Key,
        host: &str,
        members: impl IntoIterator<Item = (&'a str, Json)>,
    ) -> Result<(), String> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = time.unwrap_or_default().as_secs_f64();
        let mut all = vec![
            (event, Json::Number(format!("{seconds:.3}"))),
            ("host", Json::text(host)),
            ("call", Json::text(&key.call)),
            ("any_host", Json::Bool(key.host.is_none())),
        ];
        all.extend(members);
        let line = Json::object(all).write() + "\n";
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| format!("--joblog: the file {}: {error}", self.path.display()))
    }
}

/// A line of the log.
#[derive(Deserialize)]
struct Line {
    sent: Option<f64>,
    ended: Option<f64>,
    host: String,
    call: String,
    any_host: bool,
    ok: Option<bool>,
    execution: Option<String>,
}

/// Reads a log. Returns `true` beside the calls if the last line has no end.
///
/// # Errors
/// The first line that is none of a log, or that the limits do not allow.
fn read(log: &mut impl BufRead) -> Result<(History, bool), String> {
    let mut history = History::new();
    let mut kept = 0;
    let mut is_cut = false;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let length = log.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if length.map_err(|error| error.to_string())? == 0 {
            break;
        }
        is_cut = line.last() != Some(&b'\n');
        if is_cut && line.len() as u64 == MAX_LINE {
            return Err(format!(
                "line {number} is longer than any of a log of calls"
            ));
        }
        let call =
            call(&line).map_err(|NotOfALog| format!("line {number} is not of a log of calls"))?;
        let Some((key, earlier, host)) = call else {
            continue;
        };
        kept += key.call.len() + key.host.as_ref().map_or(0, String::len) + host.len();
        if kept > MAX_KEPT {
            return Err(format!("the {number} lines so far have too many calls"));
        }
        history.insert(key, (earlier, host));
    }
    Ok((history, is_cut))
}

/// Another line than those of a log.
struct NotOfALog;

/// Reads a line. Returns `None` if it has no call: if it is empty, or was cut as it was written, so
/// that nothing followed from it.
fn call(line: &[u8]) -> Result<Option<(Key, Earlier, String)>, NotOfALog> {
    let line = line.trim_ascii_end();
    if line.is_empty() {
        return Ok(None);
    }
    let line: Line = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => {
            let is_cut = [&b"{\"sent\":"[..], b"{\"ended\":"]
                .iter()
                .any(|start| line.starts_with(start) || start.starts_with(line));
            return (is_cut && error.is_eof()).then_some(None).ok_or(NotOfALog);
        }
    };
    let outcome = match (line.sent, line.ended, line.ok, line.execution.as_deref()) {
        (Some(_), None, ..) => Earlier::Maybe,
        (None, Some(_), Some(true), _) => Earlier::Ok,
        (None, Some(_), Some(false), Some("never")) => Earlier::Never,
        (None, Some(_), Some(false), Some("completed")) => Earlier::Completed,
        (None, Some(_), Some(false), Some("maybe")) => Earlier::Maybe,
        _ => return Err(NotOfALog),
    };
    let host = (!line.any_host).then(|| line.host.clone());
    let key = Key {
        host,
        call: line.call,
    };
    Ok(Some((key, outcome, line.host)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use farcall::CallError;

    use super::super::report::Failure;
    use super::*;

    fn key(host: &str) -> Key {
        Key {
            host: Some(host.to_owned()),
            call: call_name("run", "1"),
        }
    }

    fn report(host: &str, result: Result<Json, Failure>) -> Report {
        Report {
            host: host.into(),
            job: None,
            result,
            program: None,
            attempts: 1,
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn a_call_without_an_end_may_have_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (mut log, history) = JobLog::open(&path, false).unwrap();
        assert!(history.is_empty());
        for host in ["a", "b", "c"] {
            log.sent(&key(host), host).unwrap();
        }
        log.ended(&key("a"), &report("a", Ok(Json::Null))).unwrap();
        let error = CallError::NotSent("no route".into());
        let never = Failure::new(&error, false, str::to_owned);
        log.ended(&key("b"), &report("b", Err(never))).unwrap();
        log.file.write_all(b"{\"ended\":1,\"host\":\"c\"").unwrap();
        drop(log);

        assert!(JobLog::open(&path, false).is_err());
        let locked = JobLog::open(&path, true).unwrap();
        let error = JobLog::open(&path, true).err().unwrap().to_string();
        assert!(error.contains("is in use by"), "{error}");
        if cfg!(target_os = "linux") {
            let process = format!("process {}:", std::process::id());
            assert!(error.contains(&process), "{error}");
        }
        drop(locked);
        for _ in 0..2 {
            let (mut log, history) = JobLog::open(&path, true).unwrap();
            let earlier = |host: &str| history[&key(host)].0;
            assert_eq!(earlier("a"), Earlier::Ok);
            assert_eq!(earlier("b"), Earlier::Never);
            assert_eq!(earlier("c"), Earlier::Maybe);
            log.file.write_all(b"{\"sent\":2,").unwrap();
        }
    }

    #[test]
    fn what_is_no_log_of_calls_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let good = r#"{"sent":1,"host":"a","call":"run 1","any_host":false}"#;
        let endless = good.replace('a', &"a".repeat(1 << 20));
        for (line, expected) in [
            ("something else", "line 2 is not"),
            (r#"{"sent":"x","host":5}"#, "line 2 is not"),
            (r#"{"sent":1}"#, "line 2 is not"),
            (
                r#"{"ended":1,"host":"a","call":"b","any_host":true}"#,
                "line 2 is not",
            ),
            (&endless, "line 2 is longer"),
        ] {
            std::fs::write(&path, format!("{good}\n{line}\n{good}\n")).unwrap();
            let error = JobLog::open(&path, true).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
        #[cfg(unix)]
        for device in ["/dev/full", "/dev/zero"] {
            let error = JobLog::open(Path::new(device), true).err().unwrap();
            assert!(error.to_string().contains("no regular file"), "{error}");
        }
    }
}
