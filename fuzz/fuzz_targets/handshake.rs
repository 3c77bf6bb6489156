//! The handshake on both sides: a peer without the key is never authenticated, whatever it sends,
//! and two peers with the key succeed unless a message was changed on the way.
#![no_main]

use std::net::SocketAddr;

use arbitrary::Arbitrary;
use farcall::conn::auth::{AuthKey, Authentication, Binding, Channel, Digest, Handshake, Role};
use fuzz::edit::Edit;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    listener: Settings,
    client: Settings,
    channel: bool,
    scenario: Scenario<'a>,
}

#[derive(Arbitrary, Debug)]
struct Settings {
    digest: u8,
    legacy_md5: bool,
    binding: u8,
}

#[derive(Arbitrary, Debug)]
enum Scenario<'a> {
    /// One side, and a peer without the key.
    Stranger {
        listens: bool,
        messages: Vec<Message<'a>>,
    },
    /// Two sides with different keys, and a relay that changes messages.
    Strangers(Vec<Option<Edit<'a>>>),
    /// Two sides with the same key, and a relay that changes messages.
    Friends(Vec<Option<Edit<'a>>>),
}

#[derive(Arbitrary, Debug)]
enum Message<'a> {
    Raw(&'a [u8]),
    Challenge(u8, &'a [u8], bool),
    Answer(u8, &'a [u8]),
    Welcome,
    Failure,
}

const NAMES: [&str; 7] = [
    "",
    "{md5}",
    "{sha256}",
    "{sha384}",
    "{sha3_256}",
    "{sha3_384}",
    "{sha1}",
];

impl Message<'_> {
    fn bytes(&self) -> Vec<u8> {
        let name = |number: &u8| NAMES[usize::from(*number) % NAMES.len()].as_bytes();
        match self {
            Self::Raw(bytes) => bytes.to_vec(),
            Self::Challenge(digest, random, marked) => {
                let mark: &[u8] = if *marked { b"{farcall-bound-1}" } else { b"" };
                [b"#CHALLENGE#", name(digest), random, mark].concat()
            }
            Self::Answer(digest, code) => [name(digest), code].concat(),
            Self::Welcome => b"#WELCOME#".to_vec(),
            Self::Failure => b"#FAILURE#".to_vec(),
        }
    }
}

impl Settings {
    fn begin(&self, role: Role, key: &str, bindable: bool) -> Option<Handshake> {
        let digests = [
            Digest::Sha256,
            Digest::Sha384,
            Digest::Sha3_256,
            Digest::Sha3_384,
        ];
        let authentication = Authentication::new(AuthKey::new(key).unwrap())
            .digest(digests[usize::from(self.digest) % digests.len()])
            .legacy_md5(self.legacy_md5)
            .binding(self.binding());
        let (local, remote) = match role {
            Role::Listener => (1, 2),
            Role::Client => (2, 1),
        };
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let channel = if bindable {
            Channel::Memory
        } else {
            Channel::Tcp {
                local: address(local),
                peer: address(remote),
            }
        };
        let begun = Handshake::new(role, authentication, channel);
        assert!(begun.is_ok() || self.requires() && !bindable);
        begun.ok()
    }

    fn binding(&self) -> Binding {
        let bindings = [Binding::Off, Binding::Prefer, Binding::Require];
        bindings[usize::from(self.binding) % bindings.len()]
    }

    fn requires(&self) -> bool {
        self.binding() == Binding::Require
    }

    fn binds(&self) -> bool {
        self.binding() != Binding::Off
    }
}

fn stranger(mut side: Handshake, messages: &[Message<'_>]) {
    let mut failed = false;
    for message in messages {
        while side.outgoing().is_some() {}
        let result = side.incoming(&message.bytes());
        assert!(result.is_err() || !failed, "a failure is not final");
        failed = result.is_err();
        assert!(!side.is_complete(), "a peer without the key was accepted");
    }
}

/// Passes messages between both sides until there are none. Returns for each side whether it
/// completed, and whether the message that proves the key to it arrived unchanged.
fn meet(sides: [Handshake; 2], edits: &[Option<Edit<'_>>]) -> [(bool, bool); 2] {
    let [mut listener, mut client] = sides;
    let mut edits = edits.iter();
    let mut proved = [true; 2];
    let mut taken = [0; 2];
    loop {
        let mut quiet = true;
        for to in [1, 0] {
            let (from, side, proof) = match to {
                // The response to the client's own challenge is the third message to it.
                1 => (&mut listener, &mut client, 2),
                _ => (&mut client, &mut listener, 0),
            };
            while let Some(message) = from.outgoing() {
                quiet = false;
                assert!(message.len() <= farcall::conn::auth::MAX_MESSAGE);
                let sent = match edits.next() {
                    Some(Some(edit)) => edit.apply(message.clone()),
                    _ => message.clone(),
                };
                if taken[to] == proof && sent != message {
                    proved[to] = false;
                }
                taken[to] += 1;
                let _ = side.incoming(&sent);
            }
        }
        if quiet {
            let ins = [listener.is_complete(), client.is_complete()];
            return [(ins[0], proved[0]), (ins[1], proved[1])];
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let listener = |key| input.listener.begin(Role::Listener, key, input.channel);
    let client = |key| input.client.begin(Role::Client, key, input.channel);
    match &input.scenario {
        Scenario::Stranger { listens, messages } => {
            let side = if *listens {
                listener("a key")
            } else {
                client("a key")
            };
            if let Some(side) = side {
                stranger(side, messages);
            }
        }
        Scenario::Strangers(edits) => {
            if let (Some(listener), Some(client)) = (listener("a key"), client("another")) {
                let ends = meet([listener, client], edits);
                assert!(!ends[0].0 && !ends[1].0, "a wrong key was accepted");
            }
        }
        Scenario::Friends(edits) => {
            if let (Some(listener), Some(client)) = (listener("a key"), client("a key")) {
                let ends = meet([listener, client], edits);
                if edits.iter().all(Option::is_none) {
                    let refused = input.listener.requires() && !input.client.binds()
                        || input.client.requires() && !input.listener.binds();
                    assert_eq!(ends, [(!refused, true); 2]);
                }
                // MD5 has two spellings, so a changed message may still be valid.
                if !input.listener.legacy_md5 && !input.client.legacy_md5 {
                    assert!(ends.iter().all(|(is_in, proved)| *proved || !is_in));
                }
            }
        }
    }
});
