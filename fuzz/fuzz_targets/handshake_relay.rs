//! A relay without the key between several handshakes of one process that have it: whatever
//! messages it forwards, truncates, changes and joins, no handshake completes.
#![no_main]

use std::net::SocketAddr;

use arbitrary::Arbitrary;
use farcall::conn::auth::{AuthKey, Authentication, Binding, Channel, Handshake, Role};
use farcall::transport::Credentials;
use fuzz::edit::Edit;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    ends: [End; 4],
    acts: Vec<Act<'a>>,
}

#[derive(Arbitrary, Debug)]
struct End {
    listens: bool,
    legacy_md5: bool,
    unix: bool,
    binds: bool,
}

#[derive(Arbitrary, Debug)]
struct Act<'a> {
    message: u8,
    to: u8,
    edit: Option<Edit<'a>>,
    /// Another message, appended to the first.
    more: Option<u8>,
}

impl End {
    fn begin(&self, number: u16) -> Handshake {
        let role = if self.listens {
            Role::Listener
        } else {
            Role::Client
        };
        let binding = if self.binds {
            Binding::Prefer
        } else {
            Binding::Off
        };
        let authentication = Authentication::new(AuthKey::new("a key").unwrap())
            .legacy_md5(self.legacy_md5)
            .binding(binding);
        // Each peer is connected to the relay, which is a process of another user.
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let user = |uid, pid| Credentials {
            uid,
            gid: 1,
            pid: Some(pid),
        };
        let channel = if self.unix {
            Channel::Unix {
                local: user(1, 1),
                peer: user(2, 2),
            }
        } else {
            Channel::Tcp {
                local: address(1000 + number),
                peer: address(2000 + number),
            }
        };
        Handshake::new(role, authentication, channel).expect("nothing is required")
    }
}

fuzz_target!(|input: Input<'_>| {
    let ends = (1..).zip(&input.ends);
    let mut ends: Vec<Handshake> = ends.map(|(number, end)| end.begin(number)).collect();
    let mut recorded: Vec<Vec<u8>> = vec![b"#WELCOME#".to_vec(), b"#CHALLENGE#".to_vec()];
    for act in &input.acts {
        for end in &mut ends {
            recorded.extend(std::iter::from_fn(|| end.outgoing()));
        }
        let pick = |number: u8| recorded[usize::from(number) % recorded.len()].clone();
        let mut message = pick(act.message);
        if let Some(edit) = &act.edit {
            message = edit.apply(message);
        }
        if let Some(more) = act.more {
            message.extend(pick(more));
        }
        let to = usize::from(act.to) % ends.len();
        let _ = ends[to].incoming(&message);
        while ends[to]
            .outgoing()
            .map(|message| recorded.push(message))
            .is_some()
        {}
        assert!(!ends[to].is_complete(), "a relay was accepted");
    }
});
