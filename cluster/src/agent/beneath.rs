//! Directories, and the resolution of paths below them.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use farcall_core::protocol::output::Foreign;
use farcall_core::{Fault, FaultKind};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::error::AgentError;
use super::options::FileRoot;

/// A directory that is only a place for further paths, not read.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PLACE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PLACE: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// Number of attempts while other processes rename directories on the way.
#[cfg(any(target_os = "linux", target_os = "android"))]
const ATTEMPTS: usize = 16;

/// The directories below which callers may use files.
#[derive(Debug)]
pub(super) struct Roots(Vec<FileRoot>);

/// A path below a root.
#[derive(Debug)]
pub(super) struct Located {
    root: OwnedFd,
    /// The path below the root, without `..`; it is empty for the root itself.
    relative: PathBuf,
    /// The path as the caller wrote it.
    path: String,
}

/// The directory of a path, and the name in it. The name itself is resolved by none of the
/// functions that get it: if it is a symbolic link, it stands for the link.
#[derive(Debug)]
pub(super) struct DirectoryEntry {
    pub(super) directory: OwnedFd,
    pub(super) name: OsString,
}

impl Roots {
    pub(super) fn new(roots: Vec<FileRoot>) -> Result<Self, AgentError> {
        match roots.iter().find(|root| !root.path.is_absolute()) {
            Some(root) => Err(AgentError::RelativeRoot(root.path.clone())),
            None => Ok(Self(roots)),
        }
    }

    /// Finds the root of a path: the innermost, if there are several. The functions of the result
    /// follow symbolic links only as long as these stay below it.
    pub(super) fn locate(&self, path: &str, to_write: bool) -> Result<Located, Fault> {
        let own = Path::new(path);
        let is_plain = |component| matches!(component, Component::RootDir | Component::Normal(_));
        if !own.is_absolute() || !own.components().all(is_plain) || path.contains('\0') {
            let message = "the path is not absolute, or has `..` or a NUL in it";
            return Err(Fault::invalid_params(message));
        }
        let below = |root: &'_ FileRoot| Some(own.strip_prefix(&root.path).ok()?.to_owned());
        let found = self.0.iter().filter_map(|root| Some((root, below(root)?)));
        let depth = |(root, _): &(&FileRoot, PathBuf)| root.path.components().count();
        let Some((root, relative)) = found.max_by_key(depth) else {
            let message = format!("`{}` is below no root", Foreign::excerpt(path));
            return Err(Fault::of(FaultKind::Denied, message));
        };
        if to_write && !root.write {
            let message = format!("`{}` is only for reading", root.path.display());
            return Err(Fault::of(FaultKind::Denied, message));
        }
        let opened = openat(CWD, &root.path, PLACE, Mode::empty());
        let root = opened.map_err(|error| fault(path, error.into()))?;
        Ok(Located {
            root,
            relative,
            path: path.to_owned(),
        })
    }
}

impl Located {
    /// Opens what is at the path. A device that waits, or would become the terminal of the agent,
    /// does neither.
    pub(super) fn open(&self, flags: OFlags) -> Result<OwnedFd, Fault> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = open_beneath(self.root.as_fd(), &self.relative, flags);
        opened.map_err(|error| self.fault(error.into()))
    }

    /// Opens the directory of the path.
    pub(super) fn entry(&self) -> Result<DirectoryEntry, Fault> {
        let (Some(name), Some(parent)) = (self.relative.file_name(), self.relative.parent()) else {
            return Err(Fault::of(FaultKind::Denied, "this is a root"));
        };
        let directory = open_beneath(self.root.as_fd(), parent, PLACE);
        Ok(DirectoryEntry {
            directory: directory.map_err(|error| self.fault(error.into()))?,
            name: name.to_owned(),
        })
    }

    /// Returns the name of the file within its directory; that of a root is its whole path.
    pub(super) fn name(&self) -> &OsStr {
        self.relative
            .file_name()
            .unwrap_or_else(|| self.path.as_ref())
    }

    pub(super) fn is_root(&self) -> bool {
        self.relative.as_os_str().is_empty()
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Returns the fault of something that is not a regular file: a device, a pipe, a socket.
    pub(super) fn not_regular(&self) -> Fault {
        not_regular(&self.path)
    }

    /// Returns the fault of a failure at this path.
    pub(super) fn fault(&self, error: io::Error) -> Fault {
        fault(&self.path, error)
    }
}

/// Returns the fault of a failure at a path: it has the number of the error as its code.
pub(super) fn fault(path: &str, error: io::Error) -> Fault {
    let shown = Foreign::excerpt(path);
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::XDEV) => {
            let message = format!("`{shown}` leads out of its root");
            Fault::of(FaultKind::Denied, message)
        }
        // A link in the place of a file, or many links.
        Some(Errno::LOOP) => {
            let message = format!("`{shown}` leads over a symbolic link");
            Fault::of(FaultKind::Denied, message)
        }
        // A socket, or a device that is not there.
        Some(Errno::NXIO) => not_regular(path),
        Some(errno) => Fault::new(errno.raw_os_error().into(), format!("`{shown}`: {error}")),
        None => Fault::internal(error),
    }
}

fn not_regular(path: &str) -> Fault {
    let message = format!("`{}` is not a regular file", Foreign::excerpt(path));
    Fault::new(Errno::INVAL.raw_os_error().into(), message)
}

/// Opens a path below a directory. Symbolic links on the way are followed only if they stay below.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_beneath(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};

    let path = or_dot(path);
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            // Linux before 5.6, or a filter of system calls that does not know it.
            Err(Errno::NOSYS | Errno::PERM) => return walk(root, path, flags),
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_beneath(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    walk(root, or_dot(path), flags)
}

fn or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// Opens a path below a directory one name at a time, and no symbolic link.
fn walk(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let mut directory: Option<OwnedFd> = None;
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        let here = directory.as_ref().map_or(root, AsFd::as_fd);
        let flags = if names.peek().is_some() { PLACE } else { flags };
        let name = name.as_os_str();
        directory = Some(openat(here, name, flags | OFlags::NOFOLLOW, Mode::empty())?);
    }
    directory.ok_or(Errno::NOENT)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    type Open = fn(BorrowedFd<'_>, &Path, OFlags) -> rustix::io::Result<OwnedFd>;

    fn read(open: Open, root: &Path, path: &str) -> Result<String, Errno> {
        let root = openat(CWD, root, PLACE, Mode::empty()).unwrap();
        let file = open(root.as_fd(), Path::new(path), OFlags::RDONLY)?;
        let mut text = String::new();
        fs::File::from(file).read_to_string(&mut text).unwrap();
        Ok(text)
    }

    #[test]
    fn no_link_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "secret").unwrap();
        fs::write(root.join("a/b/file"), "inside").unwrap();
        symlink("/etc", root.join("absolute")).unwrap();
        symlink("../outside", root.join("up")).unwrap();
        symlink("../../../outside/secret", root.join("a/b/deep")).unwrap();
        symlink("a/b", root.join("in")).unwrap();
        for open in [open_beneath as Open, walk] {
            assert_eq!(read(open, &root, "a/b/file").as_deref(), Ok("inside"));
            for path in [
                "absolute/passwd",
                "up/secret",
                "a/b/deep",
                "../outside/secret",
            ] {
                let read = read(open, &root, path);
                assert!(read.is_err() || path.starts_with(".."), "{path}: {read:?}");
            }
        }
        assert_eq!(
            read(open_beneath, &root, "in/file").as_deref(),
            Ok("inside")
        );
        assert!(read(open_beneath, &root, "../outside/secret").is_err());
        // `..` is refused before.
        let roots = Roots::new(vec![FileRoot::read(&root)]).unwrap();
        let path = root.join("../outside/secret");
        assert!(roots.locate(path.to_str().unwrap(), false).is_err());
    }

    #[test]
    fn the_innermost_root_decides() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let outer = FileRoot::read(folder.path());
        let roots = Roots::new(vec![FileRoot::write(&inner), outer]).unwrap();
        let can_write = |path: &Path| roots.locate(path.to_str().unwrap(), true).is_ok();
        assert!(can_write(&inner.join("file")));
        assert!(!can_write(&folder.path().join("file")));
        assert!(!can_write(&folder.path().join("inner-too/file")));
        assert!(!can_write(Path::new("/etc/passwd")));
        assert!(Roots::new(vec![FileRoot::read("relative")]).is_err());
    }
}
