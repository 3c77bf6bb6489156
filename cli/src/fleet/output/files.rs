//! Results in files.

use std::collections::HashMap;
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
    /// If the path has no place for the host.
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

    /// Checks that each host has a file of its own, since one would take the place of the other.
    ///
    /// # Errors
    /// Two hosts that have not.
    pub(crate) fn check<'a>(hosts: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let mut names: HashMap<String, &str> = HashMap::new();
        for host in hosts {
            // Some file systems make no difference between capitals and other letters.
            if let Some(other) = names.insert(safe(host).to_lowercase(), host) {
                return Err(format!(
                    "the hosts {other} and {host} would have the same file"
                ));
            }
        }
        Ok(())
    }

    /// Returns the path of the file of a host.
    #[cfg(unix)]
    pub(crate) fn path(template: &str, host: &str) -> PathBuf {
        Places::of(&safe(host), "{url}").text(template).into()
    }

    /// Writes a result, and returns the path of its file.
    pub(crate) fn write(&self, report: &Report, result: &Json) -> io::Result<String> {
        let mut name = safe(&report.host);
        if let Some(job) = &report.job {
            name = format!("{name}-{}", job.line);
        }
        let path = PathBuf::from(Places::of(&name, "{url}").text(&self.template));
        write(&path, result)?;
        Ok(path.display().to_string())
    }
}

/// Writes a result to a file: bytes and texts as they are, other values as JSON. The file is a new
/// one: a link that somebody has put in its place is removed, not followed.
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
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(in_file(error)),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
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
    fn each_host_needs_a_file_of_its_own() {
        assert_eq!(Files::check(["a", "b", "a_b"].into_iter()), Ok(()));
        for hosts in [["a/b", "a_b"], [".", ".."], ["Node1", "node1"]] {
            let problem = Files::check(hosts.into_iter()).unwrap_err();
            assert!(hosts.iter().all(|host| problem.contains(host)), "{problem}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [victim, file] = ["victim", "node1"].map(|name| folder.path().join(name));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &file).unwrap();
        for text in ["one", "two"] {
            write(&file, &Json::text(text)).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        let mode = fs::symlink_metadata(&file).unwrap().file_type();
        assert!(mode.is_file());
    }

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
