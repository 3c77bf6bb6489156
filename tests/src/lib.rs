//! Shared helpers of the tests: the peers in other languages, and how to run them.

pub mod certificates;
#[cfg(unix)]
pub mod faulty;
#[cfg(unix)]
pub mod limits;
#[cfg(unix)]
pub mod protocol;
#[cfg(unix)]
pub mod soak;
pub mod victim;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

/// Returns a free port, as port 0, of a loopback address of its own: for tests that release a port,
/// and then expect that nobody listens there, or use it again. No other test or program takes it.
#[must_use]
pub fn port_of_its_own() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    // Only Linux has more than one loopback address by default.
    let host = if cfg!(target_os = "linux") {
        let [.., high, low] = std::process::id().to_be_bytes();
        [127, NEXT.fetch_add(1, Ordering::Relaxed), high, low.max(1)]
    } else {
        [127, 0, 0, 1]
    };
    (host, 0).into()
}

/// Returns bytes as hexadecimal digits, in which programs in other languages take them.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the bytes of hexadecimal digits.
///
/// # Panics
/// If the text has anything else.
#[must_use]
pub fn unhex(digits: &str) -> Vec<u8> {
    let byte = |digits| {
        let digits = std::str::from_utf8(digits).expect("ASCII");
        u8::from_str_radix(digits, 16).expect("hexadecimal digits")
    };
    digits.trim().as_bytes().chunks(2).map(byte).collect()
}

/// A CPython interpreter on this machine.
#[derive(Clone, Debug)]
pub struct Python {
    /// Its version, such as `(3, 11)`.
    pub version: (u32, u32),
    program: PathBuf,
}

/// Returns every CPython on this machine: those of pyenv, and those on the path.
///
/// # Panics
/// If there is none: the tests need at least one `python3`.
#[must_use]
pub fn pythons() -> Vec<Python> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
    let versions = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let installed = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin").join("python"));
    let mut pythons: Vec<Python> = installed
        .chain(["python3".into(), "python2.7".into()])
        .filter_map(|program| {
            Some(Python {
                version: version(&program)?,
                program,
            })
        })
        .collect();
    pythons.sort_by_key(|python| python.version);
    pythons.dedup_by_key(|python| python.version);
    assert!(
        pythons.iter().any(|python| python.version >= (3, 6)),
        "the tests need CPython 3.6 or newer as `python3` on the path: install it (Debian: python3)"
    );
    pythons
}

/// Returns the newest CPython on this machine.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn newest_python() -> Python {
    pythons().pop().expect("pythons() has at least one")
}

fn version(program: &Path) -> Option<(u32, u32)> {
    let script = "import platform as p, sys; \
                  print('%s %d %d' % ((p.python_implementation(),) + sys.version_info[:2]))";
    let output = Command::new(program).args(["-c", script]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("CPython ")?.split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl Python {
    /// Runs a script of `peers/python` to completion and returns its output.
    ///
    /// # Panics
    /// If it cannot be started or fails; the message contains its output.
    #[must_use]
    pub fn run(&self, script: &str, args: &[&str]) -> String {
        let output = self.command(script, args).output().expect("python starts");
        self.check(script, &output)
    }

    /// Runs a program text to completion and returns its output.
    ///
    /// # Panics
    /// If it cannot be started or fails; the message contains its output.
    #[must_use]
    pub fn run_text(&self, text: &str, args: &[&str]) -> String {
        let output = self
            .command_text(text, args)
            .output()
            .expect("python starts");
        self.check("program", &output)
    }

    /// Runs a program text that uses numpy to completion and returns its output.
    ///
    /// # Panics
    /// If numpy is not installed for it, or if it fails; the message contains its output.
    #[must_use]
    pub fn run_numpy(&self, text: &str, args: &[&str]) -> String {
        let mut command = self.command_text(text, args);
        let output = command.env("PYTHONPATH", self.numpy()).output();
        self.check("program", &output.expect("python starts"))
    }

    /// Returns the folder with numpy for this Python, which its `PYTHONPATH` has to be.
    ///
    /// # Panics
    /// If it is not installed.
    #[must_use]
    pub fn numpy(&self) -> PathBuf {
        let (major, minor) = self.version;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/peers/numpy");
        let folder = folder.join(format!("{major}.{minor}"));
        assert!(
            folder.is_dir(),
            "the tests need numpy for CPython {major}.{minor}: interop/install installs it"
        );
        folder
    }

    /// Returns the command that runs a program text.
    #[must_use]
    pub fn command_text(&self, text: &str, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(text).args(args);
        command
    }

    fn check(&self, script: &str, output: &Output) -> String {
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success(),
            "{script} on CPython {:?}:\n{out}{err}",
            self.version
        );
        out.into_owned()
    }

    /// Starts a server script of `peers/python`, which prints the port it listens on.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn serve(&self, script: &str, args: &[&str]) -> PythonServer {
        let mut child = self
            .command(script, args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it prints its port");
        let port = line.trim().parse().expect("it prints its port");
        PythonServer { port, child }
    }

    /// Returns the command that runs a script of `peers/python`.
    #[must_use]
    pub fn command(&self, script: &str, args: &[&str]) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/python");
        let mut command = self.command_at(&folder.join(script));
        command.args(args);
        command
    }

    /// Returns the command that runs a script at any path.
    #[must_use]
    pub fn command_at(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.program);
        // The user's settings must not influence the peer.
        command
            .arg(script)
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONWARNINGS");
        command
    }
}

/// A server in Python, killed on drop.
#[derive(Debug)]
pub struct PythonServer {
    /// The port that it listens on.
    pub port: u16,
    child: Child,
}

impl PythonServer {
    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/RPC2", self.port)
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        // It may have exited already; a failure here changes nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
