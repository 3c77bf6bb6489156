//! A key is nowhere in the memory of a process that has no more use for it, and neither is what HMAC
//! derives from it and would serve as well.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use conn::Listener;
use conn::auth::AuthKey;
use conn::rpc::{Client, Server};
use memchr::memchr_iter;
use rpc_core::Caller;
use sha2::{Digest as _, Sha256};

/// The folder with the key, for the program below.
const FOLDER: &str = "SECRETS_TEST_FOLDER";

/// Hides the key from the search for it in the file that says what to search for.
const MASK: u8 = 0x55;

/// The forms in which the search finds a key: as it is, and as the inner and the outer block of HMAC
/// (RFC 2104, section 2).
const PADS: [u8; 3] = [0, 0x36, 0x5c];

/// The number of bytes that are searched for, from the end of the key: freed memory loses its first
/// bytes to the allocator, and nothing else.
const TAIL: usize = 16;

#[test]
fn a_key_is_wiped_when_nobody_needs_it() {
    // Longer than a digest's block, and shorter.
    for length in [200, 32] {
        let folder = tempfile::tempdir().unwrap();
        let key: Vec<u8> = (0..length).map(|_| fastrand::u8(33..127)).collect();
        // HMAC takes the digest of a key that is longer than a block.
        let digest = Sha256::digest(&key);
        let tails = [&key[length - TAIL..], &digest[digest.len() - TAIL..]].concat();
        let masked: Vec<u8> = tails.iter().map(|byte| byte ^ MASK).collect();
        fs::write(folder.path().join("key"), key).unwrap();
        fs::write(folder.path().join("masked"), masked).unwrap();
        // A process of its own, in which nobody else has ever seen the key.
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
        assert!(found("held ") > 0, "the search finds what is there");
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
    // The frames that had the key in them are used again for what follows, as in any program.
    let held = connections(&folder, &tails);
    println!("\nheld {held}");
    let dropped = copies(&tails);
    println!("dropped {dropped}");
    // Each form is found where there is one.
    let planted: Vec<Vec<u8>> = tails
        .iter()
        .flat_map(|tail| PADS.map(|pad| tail.iter().map(|byte| byte ^ MASK ^ pad).collect()))
        .collect();
    println!("planted {}", copies(&tails) - dropped);
    drop(black_box(planted));
}

/// Makes connections that need the key, and counts its copies while they are there.
fn connections(folder: &Path, tails: &[&[u8]]) -> usize {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let key = AuthKey::from_file(folder.join("key")).unwrap();
        let server = Server::new();
        server
            .register_function("add", |a: i64, b: i64| a + b)
            .unwrap();
        let listener = Listener::bind("127.0.0.1:0").authkey(&key).await.unwrap();
        let address = listener.local_address().clone();
        let serving = tokio::spawn(server.serve(listener));
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

/// How often one of these is in the memory of this process, in any form.
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
        // Some of the kernel's own pages cannot be read.
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for (mask, tail) in &patterns {
            // One byte of a key is no secret; the whole of it must not be in memory to search for.
            let is_key = |place: &[u8]| place.iter().zip(*tail).all(|(a, b)| a ^ mask == *b);
            let begins = memchr_iter(tail[0] ^ mask, &bytes);
            let places = begins.filter_map(|begin| bytes.get(begin..begin + TAIL));
            count += places.filter(|place| is_key(place)).count();
        }
        // A copy in this buffer is none of the program's.
        bytes.fill(0);
    }
    count
}
