//! Files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use farcall::cluster::agent::{
    AgentApi, AgentOptions, Allow, CopyError, CopyOptions, FileKind, FileOptions, FilePart,
    FilePrefix, FileRoot, PutOptions, StoredFile, download, upload,
};
use farcall::rpc::{Client, Stream};
use farcall::{CallError, FaultKind, Value};

use super::{Node, eventually, refused};

/// The SHA-256 of `hello world`.
const HELLO: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

/// A folder with a root that can be written, one that can be read, and a place outside of both.
struct Folders {
    _folder: tempfile::TempDir,
    writable: PathBuf,
    readable: PathBuf,
    outside: PathBuf,
}

impl Folders {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [writable, readable, outside] =
            ["writable", "readable", "outside"].map(|name| folder.path().join(name));
        for folder in [&writable, &readable, &outside] {
            fs::create_dir(folder).unwrap();
        }
        Self {
            _folder: folder,
            writable,
            readable,
            outside,
        }
    }

    fn options(&self) -> FileOptions {
        let roots = vec![
            FileRoot::write(&self.writable),
            FileRoot::read(&self.readable),
        ];
        FileOptions::default().allow(Allow::everyone()).roots(roots)
    }

    async fn node(&self, options: FileOptions) -> Node {
        Node::start(AgentOptions::none().files(options)).await
    }

    /// Returns the names in the writable root.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.writable).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn content(parts: &[&'static str]) -> Stream<Bytes> {
    let (sender, content) = Stream::channel(parts.len().max(1));
    let parts: Vec<Bytes> = parts
        .iter()
        .map(|part| Bytes::from_static(part.as_bytes()))
        .collect();
    tokio::spawn(async move {
        for part in parts {
            if sender.send(part).await.is_err() {
                return;
            }
        }
    });
    content
}

async fn put(
    agent: &Client,
    path: &Path,
    parts: &[&'static str],
    options: Option<PutOptions>,
) -> Result<StoredFile, CallError> {
    agent.put_file(text(path), content(parts), options).await
}

fn code(error: &CallError) -> i64 {
    error.fault().expect("a fault").code()
}

#[tokio::test]
async fn files_are_put_and_got() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let place = folders.writable.join("file");
    let stored = put(&agent, &place, &["hello ", "world"], None)
        .await
        .unwrap();
    assert_eq!(
        stored,
        StoredFile {
            size: 11,
            sha256: HELLO.to_owned()
        }
    );
    assert_eq!(fs::read(&place).unwrap(), b"hello world");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&place), 0o644);
    let options = PutOptions::default().mode(0o750).sha256(HELLO);
    put(&agent, &place, &["hello world"], Some(options))
        .await
        .unwrap();
    assert_eq!(mode(&place), 0o750);
    // The permissions of a file that is replaced stay.
    put(&agent, &place, &[], None).await.unwrap();
    assert_eq!(
        (mode(&place), fs::read(&place).unwrap()),
        (0o750, Vec::new())
    );
    put(&agent, &place, &["hello world"], None).await.unwrap();

    let mut got = agent.get_file(text(&place), None).await.unwrap();
    assert_eq!((got.offset, got.stat.size, got.stat.mode), (0, 11, 0o750));
    let part = got.parts.next().await.unwrap().unwrap();
    assert_eq!(part, FilePart::Data("hello world".into()));
    let end = got.parts.next().await.unwrap().unwrap();
    assert_eq!(end, FilePart::End(stored.clone()));
    assert!(got.parts.next().await.is_none());
    assert_eq!(agent.checksum_file(text(&place)).await.unwrap(), stored);
    assert_eq!(folders.names(), ["file"]);
    assert!(agent.remove_file(text(&place)).await.unwrap());
    assert!(!agent.remove_file(text(&place)).await.unwrap());
    node.stop().await;
}

#[tokio::test]
async fn metadata_and_lists() {
    let folders = Folders::new();
    let node = folders.node(folders.options().max_entries(3)).await;
    let agent = node.command().await;
    let root = &folders.writable;
    fs::write(root.join("b"), "12").unwrap();
    symlink("/etc/passwd", root.join("a")).unwrap();
    fs::create_dir(root.join("c")).unwrap();
    let found = agent.list_files(text(root)).await.unwrap();
    let found: Vec<_> = found.iter().map(|file| (&*file.name, file.kind)).collect();
    assert_eq!(
        found,
        [
            ("a", FileKind::Symlink),
            ("b", FileKind::File),
            ("c", FileKind::Directory)
        ]
    );
    let stat = agent.stat_file(text(&root.join("b"))).await.unwrap();
    assert_eq!((stat.size, stat.uid), (2, nix::unistd::geteuid().as_raw()));
    assert_eq!(
        agent.stat_file(text(root)).await.unwrap().kind,
        FileKind::Directory
    );
    let path = text(&root.join("b")).to_owned();
    let Value::Struct(stat) = agent.call("files.stat", (path,)).await.unwrap() else {
        panic!("a struct");
    };
    assert_eq!(stat.get("kind"), Some(&Value::from("file")));
    fs::write(root.join("d"), "").unwrap();
    refused(agent.list_files(text(root)).await, FaultKind::Overloaded);
    let missing = agent
        .stat_file(text(&root.join("missing")))
        .await
        .unwrap_err();
    assert_eq!(code(&missing), 2);
    node.stop().await;
}

#[tokio::test]
async fn nothing_outside_of_the_roots_is_reached() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let secret = folders.outside.join("secret");
    fs::write(&secret, "secret").unwrap();
    let root = &folders.writable;
    symlink(&folders.outside, root.join("absolute")).unwrap();
    symlink("../outside", root.join("relative")).unwrap();
    symlink(&secret, root.join("file")).unwrap();
    symlink("/proc/self/root", root.join("magic")).unwrap();
    let magic = format!("magic{}", secret.display());
    let paths = [
        secret.clone(),
        root.join("absolute/secret"),
        root.join("relative/secret"),
        root.join("file"),
        root.join(&magic),
        root.join("../outside/secret"),
        PathBuf::from("/etc/passwd"),
        PathBuf::from("relative"),
        PathBuf::new(),
    ];
    for path in &paths {
        let got = agent.get_file(text(path), None).await;
        assert!(got.is_err(), "{}", path.display());
        assert!(
            agent.checksum_file(text(path)).await.is_err(),
            "{}",
            path.display()
        );
        // The link itself can be replaced and removed, but not what it leads to.
        if *path != root.join("file") {
            let put = put(&agent, path, &["changed"], None).await;
            assert!(put.is_err(), "{}", path.display());
            assert!(
                agent.remove_file(text(path)).await.is_err(),
                "{}",
                path.display()
            );
            assert!(
                agent.stat_file(text(path)).await.is_err(),
                "{}",
                path.display()
            );
            assert!(
                agent.list_files(text(path)).await.is_err(),
                "{}",
                path.display()
            );
        }
    }
    for link in ["absolute", "relative", "magic"] {
        assert!(
            agent.list_files(text(&root.join(link))).await.is_err(),
            "{link}"
        );
        let stat = agent.stat_file(text(&root.join(link))).await.unwrap();
        assert_eq!(stat.kind, FileKind::Symlink);
    }
    put(&agent, &root.join("file"), &["mine"], None)
        .await
        .unwrap();
    assert_eq!(fs::read(root.join("file")).unwrap(), b"mine");
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    for (kind, path) in [
        (FaultKind::Denied, secret),
        (FaultKind::Denied, root.join("relative/secret")),
        (FaultKind::Denied, root.join("absolute/secret")),
        (FaultKind::InvalidParams, root.join("../outside/secret")),
    ] {
        refused(agent.get_file(text(&path), None).await, kind);
    }
    node.stop().await;
}

#[tokio::test]
async fn directories_that_are_exchanged_for_links_lead_nowhere() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let root = folders.writable.clone();
    fs::write(folders.outside.join("file"), "secret").unwrap();
    fs::create_dir(root.join("real")).unwrap();
    fs::write(root.join("real/file"), "public").unwrap();
    symlink("../outside", root.join("link")).unwrap();
    // Swaps a directory and a link to the outside as fast as it can.
    let swap = root.join("swap");
    let [real, link] = ["real", "link"].map(|name| root.join(name));
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let swapping = std::thread::spawn(move || {
        while stopped.try_recv().is_err() {
            for source in [&real, &link] {
                fs::rename(source, &swap).unwrap();
                fs::rename(&swap, source).unwrap();
            }
        }
    });
    for _ in 0..300 {
        if let Ok(mut got) = agent.get_file(text(&root.join("swap/file")), None).await {
            let part = got.parts.next().await.unwrap().unwrap();
            assert_eq!(part, FilePart::Data("public".into()));
        }
        let _ = put(&agent, &root.join("swap/new"), &["x"], None).await;
    }
    stop.send(()).unwrap();
    swapping.join().unwrap();
    assert_eq!(fs::read_dir(&folders.outside).unwrap().count(), 1);
    node.stop().await;
}

#[tokio::test]
async fn a_root_for_reading_is_not_written() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let place = folders.readable.join("file");
    fs::write(&place, "as it was").unwrap();
    refused(
        put(&agent, &place, &["changed"], None).await,
        FaultKind::Denied,
    );
    refused(agent.remove_file(text(&place)).await, FaultKind::Denied);
    refused(
        agent.partial_file(text(&place), HELLO).await,
        FaultKind::Denied,
    );
    assert!(agent.get_file(text(&place), None).await.is_ok());
    assert_eq!(fs::read(&place).unwrap(), b"as it was");
    // Nor is a root itself removed or replaced.
    refused(
        agent.remove_file(text(&folders.writable)).await,
        FaultKind::Denied,
    );
    refused(
        put(&agent, &folders.writable, &[], None).await,
        FaultKind::Denied,
    );
    node.stop().await;
}

#[tokio::test]
async fn a_file_appears_only_when_it_is_complete_and_right() {
    let folders = Folders::new();
    let node = folders.node(folders.options().max_file(20)).await;
    let agent = node.client().await;
    let place = folders.writable.join("file");
    fs::write(&place, "as it was").unwrap();
    let wrong = PutOptions::default().sha256(HELLO);
    let error = put(&agent, &place, &["hello"], Some(wrong.clone()))
        .await
        .unwrap_err();
    assert!(error.fault().unwrap().message().contains("SHA-256"));
    // Resumable, it is not kept either: nothing that begins with it is right.
    put(&agent, &place, &["hello"], Some(wrong.resumable()))
        .await
        .unwrap_err();
    let error = put(&agent, &place, &["more than twenty bytes"], None)
        .await
        .unwrap_err();
    assert_eq!(code(&error), 27);
    for options in [
        PutOptions::default().mode(0o4755),
        PutOptions::default().sha256("abc"),
        PutOptions::default().resumable(),
        PutOptions::default().offset(3),
        PutOptions::default().sha256(HELLO).resumable().offset(3),
    ] {
        refused(
            put(&agent, &place, &["x"], Some(options)).await,
            FaultKind::InvalidParams,
        );
    }
    let folder = folders.writable.join("folder");
    fs::create_dir(&folder).unwrap();
    assert_eq!(
        code(&put(&agent, &folder, &["x"], None).await.unwrap_err()),
        21
    );
    // A caller that goes in the middle of it.
    let (sender, content) = Stream::channel(1);
    let call = agent.put_file(text(&place), content, None);
    tokio::select! {
        result = call => panic!("it waits for more: {result:?}"),
        () = async {
            sender.send(Bytes::from_static(b"half")).await.unwrap();
            eventually("it arrives", || folders.names().len() == 3).await;
        } => {}
    }
    eventually("nothing is left", || folders.names() == ["file", "folder"]).await;
    assert_eq!(fs::read(&place).unwrap(), b"as it was");
    node.stop().await;
}

#[tokio::test]
async fn callers_that_do_nothing_are_not_waited_for() {
    let folders = Folders::new();
    let options = folders
        .options()
        .idle_timeout(Duration::from_millis(200))
        .max_transfers(1);
    let node = folders.node(options).await;
    let agent = node.client().await;
    let (sender, silent) = Stream::channel(1);
    let place = folders.writable.join("file");
    let error = agent
        .put_file(text(&place), silent, None)
        .await
        .unwrap_err();
    let kind = error.fault().unwrap().kind();
    assert_eq!(kind, FaultKind::DeadlineExceeded);
    drop(sender);
    assert!(folders.names().is_empty());
    // More than the window of the stream.
    fs::write(&place, vec![7; 2 << 20]).unwrap();
    let unread = agent.get_file(text(&place), None).await.unwrap();
    let message = refused(
        agent.get_file(text(&place), None).await,
        FaultKind::Overloaded,
    );
    assert!(message.contains("1 files"), "{message}");
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let mut second = agent.get_file(text(&place), None).await.unwrap();
    let mut length = 0;
    while let Some(part) = second.parts.next().await {
        match part.unwrap() {
            FilePart::Data(bytes) => length += bytes.len(),
            FilePart::End(end) => assert_eq!(end.size, 2 << 20),
        }
    }
    assert_eq!(length, 2 << 20);
    drop(unread);
    node.stop().await;
}

#[tokio::test]
async fn only_files_with_content_are_read() {
    let folders = Folders::new();
    let node = folders.node(folders.options().max_file(10)).await;
    let agent = node.client().await;
    let pipe = folders.writable.join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let within = tokio::time::timeout(Duration::from_secs(5), agent.get_file(text(&pipe), None));
    let error = within.await.expect("it waits for no writer").unwrap_err();
    assert_eq!(code(&error), 22);
    // Devices, sockets and pipes alike.
    let socket = folders.writable.join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for place in [&pipe, &socket] {
        let error = agent.checksum_file(text(place)).await.unwrap_err();
        let message = error.fault().unwrap().message().to_owned();
        assert_eq!(code(&error), 22);
        assert!(message.ends_with("is not a regular file"), "{message}");
    }
    let error = agent
        .get_file(text(&folders.readable), None)
        .await
        .unwrap_err();
    assert_eq!(code(&error), 21);
    fs::write(folders.readable.join("large"), "12345678901").unwrap();
    let large = folders.readable.join("large");
    assert_eq!(
        code(&agent.get_file(text(&large), None).await.unwrap_err()),
        27
    );
    let error = agent.checksum_file(text(&large)).await.unwrap_err();
    assert_eq!(code(&error), 27);
    fs::write(&large, "1234567890").unwrap();
    assert!(agent.checksum_file(text(&large)).await.is_ok());
    node.stop().await;
}

#[tokio::test]
async fn a_file_is_put_in_several_attempts() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let place = folders.writable.join("file");
    let options = PutOptions::default().sha256(HELLO).resumable();
    let (sender, half) = Stream::channel(1);
    let length = |names: &[String]| {
        let part = names.first().map(|name| folders.writable.join(name));
        part.and_then(|part| fs::metadata(part).ok())
            .map(|part| part.len())
    };
    assert_eq!(agent.partial_file(text(&place), HELLO).await.unwrap(), None);
    {
        let first = agent.put_file(text(&place), half, Some(options.clone()));
        tokio::select! {
            result = first => panic!("it waits for more: {result:?}"),
            () = async {
                sender.send(Bytes::from_static(b"hello")).await.unwrap();
                eventually("it arrives", || length(&folders.names()) == Some(5)).await;
                // Nobody else writes it meanwhile.
                let other = agent.put_file(text(&place), content(&["x"]), Some(options.clone()));
                refused(other.await, FaultKind::Overloaded);
            } => {}
        }
    }
    let partial = async || agent.partial_file(text(&place), HELLO).await.unwrap();
    let prefix = partial().await.expect("it is kept");
    assert_eq!(prefix.length, 5);
    assert!(!place.exists());
    let mut stored = put(&agent, &place, &[" world"], Some(options.clone().offset(5))).await;
    // The first attempt may not have ended yet.
    while stored.is_err() {
        refused(stored, FaultKind::Overloaded);
        stored = put(&agent, &place, &[" world"], Some(options.clone().offset(5))).await;
    }
    assert_eq!(fs::read(&place).unwrap(), b"hello world");
    assert_eq!(folders.names(), ["file"]);
    node.stop().await;
}

#[tokio::test]
async fn what_others_have_left_is_not_continued() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let victim = folders.outside.join("victim");
    fs::write(&victim, "as it was").unwrap();
    let part = folders
        .writable
        .join(format!(".file.{}.part", &HELLO[..16]));
    let options = PutOptions::default().sha256(HELLO).resumable();
    let place = folders.writable.join("file");
    // A second name of a file outside, and a symbolic link to it.
    fs::hard_link(&victim, &part).unwrap();
    refused(
        put(&agent, &place, &["x"], Some(options.clone())).await,
        FaultKind::Denied,
    );
    fs::remove_file(&part).unwrap();
    symlink(&victim, &part).unwrap();
    refused(
        put(&agent, &place, &["x"], Some(options)).await,
        FaultKind::Denied,
    );
    assert_eq!(fs::read(&victim).unwrap(), b"as it was");
    node.stop().await;
}

#[tokio::test]
async fn the_rest_of_a_file_is_got() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let place = folders.readable.join("file");
    fs::write(&place, "hello world").unwrap();
    let prefix = |length, sha256: &str| {
        Some(FilePrefix {
            length,
            sha256: sha256.to_owned(),
        })
    };
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for (prefix, offset, rest) in [
        (prefix(5, hello), 5, &b" world"[..]),
        (prefix(5, HELLO), 0, b"hello world"),
        (prefix(4, hello), 0, b"hello world"),
        (prefix(u64::MAX, hello), 0, b"hello world"),
        (prefix(11, HELLO), 11, b""),
    ] {
        let mut got = agent.get_file(text(&place), prefix).await.unwrap();
        assert_eq!(got.offset, offset);
        let mut bytes = Vec::new();
        while let Some(part) = got.parts.next().await {
            match part.unwrap() {
                FilePart::Data(data) => bytes.extend_from_slice(&data),
                FilePart::End(end) => assert_eq!(end.sha256, HELLO),
            }
        }
        assert_eq!(bytes, rest);
    }
    node.stop().await;
}

#[tokio::test]
async fn whole_files_are_copied_and_resumed() {
    let folders = Folders::new();
    let node = folders.node(folders.options()).await;
    let agent = node.client().await;
    let source = folders.outside.join("source");
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    fs::write(&source, &bytes).unwrap();
    let remote = folders.writable.join("remote");
    let options = CopyOptions::default().mode(0o600).resume();
    let stored = upload(&agent, &source, text(&remote), options.clone())
        .await
        .unwrap();
    assert_eq!(fs::read(&remote).unwrap(), bytes);
    // The bytes that an earlier attempt has left are not sent again.
    let part = folders
        .writable
        .join(format!(".remote.{}.part", &stored.sha256[..16]));
    fs::write(&part, &bytes[..2_000_000]).unwrap();
    fs::remove_file(&remote).unwrap();
    upload(&agent, &source, text(&remote), options.clone())
        .await
        .unwrap();
    assert_eq!(fs::read(&remote).unwrap(), bytes);
    assert_eq!(folders.names(), ["remote"]);

    let local = folders.outside.join("local");
    let got = download(&agent, text(&remote), &local, CopyOptions::default())
        .await
        .unwrap();
    assert_eq!((fs::read(&local).unwrap(), &got), (bytes.clone(), &stored));
    assert_eq!(
        fs::metadata(&local).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for left in [&bytes[..1_000_000], b"of another file"] {
        fs::remove_file(&local).unwrap();
        fs::write(folders.outside.join(".local.part"), left).unwrap();
        download(&agent, text(&remote), &local, options.clone())
            .await
            .unwrap();
        assert_eq!(fs::read(&local).unwrap(), bytes);
        assert!(!folders.outside.join(".local.part").exists());
    }
    let hasty = CopyOptions::default().timeout(Duration::from_micros(1));
    let error = upload(&agent, &source, text(&remote), hasty.clone())
        .await
        .unwrap_err();
    assert!(
        matches!(error, CopyError::TimedOut(_) | CopyError::Call(_)),
        "{error:?}"
    );
    let error = download(&agent, text(&remote), &local, hasty)
        .await
        .unwrap_err();
    assert!(
        matches!(error, CopyError::TimedOut(_) | CopyError::Call(_)),
        "{error:?}"
    );
    assert_eq!(folders.names(), ["remote"]);
    node.stop().await;
}
