//! A key is wiped from the memory of a process that no longer needs it, and so are the values that
//! HMAC derives from it and that would serve as well.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use farcall::conn::auth::AuthKey;
use farcall::rpc::{Client, Server};
use memchr::memchr_iter;
use sha2::{Digest as _, Sha256};

/// The environment variable with the folder of the key, for the program below.
const FOLDER: &str = "SECRETS_TEST_FOLDER";

/// Masks the search terms in their file, so that the file is not a copy of the key.
const MASK: u8 = 0x55;

/// The masks under which the search finds a key: unchanged, and as the inner and the outer block of
/// HMAC (RFC 2104, section 2).
const PADS: [u8; 3] = [0, 0x36, 0x5c];

/// The number of bytes searched for, from the end of the key: the allocator overwrites the first
/// bytes of freed memory, and no others.
const TAIL: usize = 16;

#[test]
fn a_key_is_wiped_after_use() {
    // One key longer than the block of the digest, and one shorter.
    for length in [200, 32] {
        let folder = tempfile::tempdir().unwrap();
        let key: Vec<u8> = (0..length).map(|_| fastrand::u8(33..127)).collect();
        // HMAC replaces a key longer than a block by its digest.
        let digest = Sha256::digest(&key);
        let tails = [&key[length - TAIL..], &digest[digest.len() - TAIL..]].concat();
        let masked: Vec<u8> = tails.iter().map(|byte| byte ^ MASK).collect();
        fs::write(folder.path().join("key"), key).unwrap();
        fs::write(folder.path().join("masked"), masked).unwrap();
        // A process of its own, in which no other code has ever had the key.
        let program = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::program", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&program.stdout);
        let found = |when: &str| -> usize {
            let line = output.lines().find_map(|line| line.strip_prefix(when));
            let line = line.unwrap_or_else(|| panic!("{program:?}"));
            line.trim().parse().unwrap()
        };
        assert!(found("held ") > 0, "the search finds a key in use");
        assert!(found("planted ") >= 2 * PADS.len(), "in every form");
        assert_eq!(found("dropped "), 0, "of a key of {length} bytes");
    }
}

/// The program that the test starts.
#[test]
#[ignore = "the other test starts it, as a process of its own: cargo test -p tests --test secrets"]
fn program() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let masked = fs::read(folder.join("masked")).unwrap();
    let tails: Vec<&[u8]> = masked.chunks(TAIL).collect();
    // Stack frames that contained the key are overwritten by later calls, as in any program.
    let held = connections(&folder, &tails);
    println!("\nheld {held}");
    let dropped = copies(&tails);
    println!("dropped {dropped}");
    // Every form is found if it is planted.
    let planted: Vec<Vec<u8>> = tails
        .iter()
        .flat_map(|tail| PADS.map(|pad| tail.iter().map(|byte| byte ^ MASK ^ pad).collect()))
        .collect();
    println!("planted {}", copies(&tails) - dropped);
    drop(black_box(planted));
}

/// Opens connections that need the key, and counts the copies of the key while they are open.
fn connections(folder: &Path, tails: &[&[u8]]) -> usize {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let key = AuthKey::from_file(folder.join("key")).unwrap();
        let server = Server::new();
        server
            .register_function("add", |a: i64, b: i64| a + b)
            .unwrap();
        let bound = server.bind("127.0.0.1:0").authkey(&key).await.unwrap();
        let address = bound.local_address().clone();
        let serving = tokio::spawn(bound.serve());
        for _ in 0..10 {
            let client = Client::connect(&address).authkey(&key).await.unwrap();
            let sum: i64 = client.call("add", (3, 5)).await.unwrap();
            assert_eq!(sum, 8);
        }
        let stranger = Client::connect(&address).authkey("another key").await;
        assert!(stranger.is_err());
        let held = copies(tails);
        serving.abort();
        held
    })
}

/// Counts the occurrences of the search terms in the memory of this process, in any form.
fn copies(tails: &[&[u8]]) -> usize {
    let patterns: Vec<(u8, &[u8])> = tails
        .iter()
        .flat_map(|&tail| PADS.map(|pad| (MASK ^ pad, tail)))
        .collect();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, access) = (fields.next().unwrap(), fields.next().unwrap());
        if !access.starts_with("rw") {
            continue;
        }
        let (begin, end) = range.split_once('-').unwrap();
        let begin = u64::from_str_radix(begin, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
        memory.seek(SeekFrom::Start(begin)).unwrap();
        // Some pages of the kernel cannot be read.
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for (mask, tail) in &patterns {
            // Compares single bytes: the whole key must not be in memory for the search.
            let is_key = |window: &[u8]| window.iter().zip(*tail).all(|(a, b)| a ^ mask == *b);
            let begins = memchr_iter(tail[0] ^ mask, &bytes);
            let windows = begins.filter_map(|begin| bytes.get(begin..begin + TAIL));
            count += windows.filter(|window| is_key(window)).count();
        }
        // A copy in this buffer is not the program's.
        bytes.fill(0);
    }
    count
}
