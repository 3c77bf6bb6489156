//! `wrk`, a load generator for HTTP servers.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::NamedTempFile;

use crate::case::Post;

/// Sends the requests, and prints the result in the format of the harness.
const SCRIPT: &str = r#"
wrk.method = "POST"
function done(summary)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  if failed > 0 then io.stderr:write("failed requests: " .. failed .. "\n") os.exit(1) end
  print(string.format('{"value": %f}', summary.requests / summary.duration * 1e6))
end
"#;

/// Returns the command that starts `wrk`, and its script, which must live as long.
pub(crate) fn command(
    origin: &str,
    connections: usize,
    post: &Post,
    time: Duration,
) -> Result<(Command, Option<NamedTempFile>)> {
    let mut script = NamedTempFile::with_suffix(".lua")?;
    let Post {
        path,
        content_type,
        body,
        ..
    } = post;
    writeln!(
        script,
        "{SCRIPT}\nwrk.headers['Content-Type'] = '{content_type}'"
    )?;
    writeln!(script, "wrk.body = [=[{body}]=]")?;
    // `wrk` takes whole seconds only.
    let seconds = time.as_secs_f64().round().max(1.0);
    let mut command = Command::new("wrk");
    command.arg("-t1").arg(format!("-c{connections}"));
    command
        .arg(format!("-d{seconds}s"))
        .arg("-s")
        .arg(script.path());
    command.arg(format!("{origin}{path}"));
    Ok((command, Some(script)))
}

/// Returns the version of `wrk`, or an error if it is not installed.
pub(crate) fn version() -> Result<String> {
    let output = Command::new("wrk").arg("-v").output();
    let output = output.context("wrk is missing: install it (Debian: wrk)")?;
    let output = String::from_utf8_lossy(&output.stdout);
    let version = output
        .lines()
        .next()
        .and_then(|line| line.split('[').next());
    Ok(version.unwrap_or_default().trim().to_owned())
}
