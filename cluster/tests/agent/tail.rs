//! Files that are followed.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use farcall::FaultKind;
use farcall::cluster::agent::{AgentApi, AgentOptions, Allow, TailOptions};
use farcall::rpc::Stream;

use super::{Node, refused};

async fn node(root: &Path) -> Node {
    let options = TailOptions::default()
        .allow(Allow::everyone())
        .roots(vec![root.to_owned()])
        .max_followed(1);
    Node::start(AgentOptions::none().tail(options)).await
}

async fn next(lines: &mut Stream<String>) -> String {
    let next = tokio::time::timeout(Duration::from_secs(10), lines.next());
    let next = next.await.expect("a line comes");
    next.expect("it goes on").expect("it does not fail")
}

#[tokio::test]
async fn lines_follow_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let node = node(folder.path()).await;
    let agent = node.client().await;
    let mut log = File::create(&path).unwrap();
    log.write_all(b"one\ntwo\nthree\n").unwrap();
    let path_text = path.to_str().unwrap();
    let mut lines = agent.tail_file(path_text, Some(2)).await.unwrap();
    assert_eq!(next(&mut lines).await, "two");
    assert_eq!(next(&mut lines).await, "three");
    // A line is sent when it is complete.
    log.write_all(b"fo").unwrap();
    let early = tokio::time::timeout(Duration::from_millis(600), lines.next()).await;
    assert!(early.is_err(), "{early:?}");
    log.write_all(b"ur\r\nfi\xffve\n").unwrap();
    assert_eq!(next(&mut lines).await, "four");
    assert_eq!(next(&mut lines).await, "fi\u{fffd}ve");
    // A rotated file: what was written to the old one, and then the new one.
    fs::rename(&path, folder.path().join("log.1")).unwrap();
    log.write_all(b"last of the old").unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    fs::write(&path, "first of the new\n").unwrap();
    assert_eq!(next(&mut lines).await, "last of the old");
    assert_eq!(next(&mut lines).await, "first of the new");
    // A truncated one.
    fs::write(&path, "again\n").unwrap();
    assert_eq!(next(&mut lines).await, "again");
    // A line longer than the limit comes in pieces.
    let mut log = File::options().append(true).open(&path).unwrap();
    log.write_all(&vec![b'x'; 100_000]).unwrap();
    log.write_all(b"\n").unwrap();
    let pieces = [next(&mut lines).await.len(), next(&mut lines).await.len()];
    assert_eq!(pieces, [65536, 100_000 - 65536]);
    node.stop().await;
}

#[tokio::test]
async fn the_last_lines_are_within_a_mebibyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let node = node(folder.path()).await;
    let agent = node.client().await;
    let text: String = (0..2048)
        .map(|number| format!("{number:0>1023}\n"))
        .collect();
    fs::write(&path, text).unwrap();
    let mut lines = agent
        .tail_file(path.to_str().unwrap(), Some(u32::MAX))
        .await
        .unwrap();
    for number in 1024..2048 {
        assert_eq!(next(&mut lines).await, format!("{number:0>1023}"));
    }
    node.stop().await;
}

#[tokio::test]
async fn a_dropped_stream_frees_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "only\n").unwrap();
    let path = path.to_str().unwrap();
    let node = node(folder.path()).await;
    let agent = node.client().await;
    for last in [0, 1, 5] {
        let mut lines = agent.tail_file(path, Some(last)).await.unwrap();
        if last > 0 {
            assert_eq!(next(&mut lines).await, "only");
        }
        refused(agent.tail_file(path, None).await, FaultKind::Overloaded);
        drop(lines);
        let begin = Instant::now();
        while agent.tail_file(path, None).await.is_err() {
            assert!(
                begin.elapsed() < Duration::from_secs(10),
                "the place is free again"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The last one was dropped at once.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    node.stop().await;
}

#[tokio::test]
async fn only_files_below_the_roots_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(folder.path().join("outside"), "secret\n").unwrap();
    symlink("../outside", root.join("link")).unwrap();
    let node = node(&root).await;
    let agent = node.client().await;
    for path in [folder.path().join("outside"), root.join("link")] {
        let path = path.to_str().unwrap();
        refused(agent.tail_file(path, Some(9)).await, FaultKind::Denied);
    }
    // A file that is exchanged for a link later.
    let log = root.join("log");
    fs::write(&log, "public\n").unwrap();
    let mut lines = agent
        .tail_file(log.to_str().unwrap(), Some(1))
        .await
        .unwrap();
    assert_eq!(next(&mut lines).await, "public");
    fs::remove_file(&log).unwrap();
    symlink("../outside", &log).unwrap();
    let more = tokio::time::timeout(Duration::from_millis(1000), lines.next()).await;
    assert!(more.is_err(), "{more:?}");
    node.stop().await;
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let node = node(folder.path()).await;
    let agent = node.client().await;
    File::create(&path).unwrap();
    let mut lines = agent.tail_file(path.to_str().unwrap(), None).await.unwrap();
    let text: String = (0..100_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    fs::write(&path, text).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for number in 0..100_000 {
        assert_eq!(next(&mut lines).await, format!("line {number}"));
    }
    node.stop().await;
}
