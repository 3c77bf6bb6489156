//! Results in files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::super::arguments::Places;
use super::super::report::Report;
use crate::json::Json;

/// The place of the files: a path with placeholders.
pub(crate) struct Files {
    template: String,
}

impl Files {
    /// # Errors
    /// If the files of several hosts would have the same path.
    pub(crate) fn new(template: &Path) -> Result<Self, String> {
        let template = template
            .to_str()
            .ok_or("--output-file: the path is not UTF-8")?;
        if !template.contains("{host}") {
            return Err("--output-file: the path needs {host}, as DIR/{host}".to_owned());
        }
        let template = template.to_owned();
        Ok(Self { template })
    }

    /// Writes a result, and returns the path of its file.
    pub(crate) fn write(&self, report: &Report, result: &Json) -> io::Result<String> {
        let mut name = safe(&report.host);
        if let Some(job) = &report.job {
            name = format!("{name}-{}", job.line);
        }
        let places = Places {
            host: &name,
            url: "{url}",
            input: None,
        };
        let path = PathBuf::from(places.text(&self.template));
        write(&path, result)?;
        Ok(path.display().to_string())
    }
}

/// Writes a result to a file: bytes and texts as they are, other values as JSON.
fn write(path: &Path, result: &Json) -> io::Result<()> {
    let json;
    let content = match result {
        Json::Bytes(bytes) => bytes,
        Json::String(text) => text.as_bytes(),
        other => {
            json = other.write() + "\n";
            json.as_bytes()
        }
    };
    let in_file =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(in_file)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path);
    file.and_then(|mut file| file.write_all(content))
        .map_err(in_file)
}

/// The name of a host as the name of a file, which leads to no other folder.
fn safe(host: &str) -> String {
    let is_safe =
        |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '[' | ']' | '@');
    let name: String = host
        .chars()
        .map(|c| if is_safe(c) { c } else { '_' })
        .collect();
    match name.trim_start_matches('.') {
        "" => "_".to_owned(),
        rest if rest.len() < name.len() => format!("_{rest}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_lead_to_no_other_folder() {
        for (host, name) in [
            ("node01", "node01"),
            ("../../etc/passwd", "__.._etc_passwd"),
            ("..", "_"),
            (".ssh", "_ssh"),
            ("http://[::1]:80/x", "http:__[::1]:80_x"),
        ] {
            assert_eq!(safe(host), name, "{host}");
        }
    }
}
