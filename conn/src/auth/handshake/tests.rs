use farcall_core::transport::Credentials;

use super::super::{AuthKey, AuthKeys, Digest};
use super::*;

fn authentication(key: &str) -> Authentication {
    Authentication::new(AuthKey::new(key).unwrap())
}

fn new(role: Role, authentication: &Authentication, channel: Channel) -> Handshake {
    Handshake::new(role, authentication.clone(), channel).unwrap()
}

fn tcp(local: u16, peer: u16) -> Channel {
    let address = |port| ([127, 0, 0, 1], port).into();
    Channel::Tcp {
        local: address(local),
        peer: address(peer),
    }
}

fn unix(local: u32, peer: u32) -> Channel {
    let credentials = |uid| Credentials {
        uid,
        gid: 1,
        pid: i32::try_from(std::process::id()).ok(),
    };
    Channel::Unix {
        local: credentials(local),
        peer: credentials(peer),
    }
}

/// Keys whose labels are those of years.
fn keys() -> AuthKeys {
    AuthKeys::new([("2026", "new"), ("2025", "key"), ("2024", "old")]).unwrap()
}

/// The messages that passed between the two sides, the result of each, and the label of the key
/// that the listener found.
#[derive(Debug)]
struct Outcome {
    label: Option<Arc<str>>,
    messages: Vec<Vec<u8>>,
    listener: Result<(), AuthError>,
    client: Result<(), AuthError>,
}

fn run(mut listener: Handshake, mut client: Handshake) -> Outcome {
    let mut outcome = Outcome {
        label: None,
        messages: Vec::new(),
        listener: Ok(()),
        client: Ok(()),
    };
    loop {
        if let Some(message) = listener.outgoing() {
            if outcome.client.is_ok() {
                outcome.client = client.incoming(&message);
            }
            outcome.messages.push(message);
        } else if let Some(message) = client.outgoing() {
            if outcome.listener.is_ok() {
                outcome.listener = listener.incoming(&message);
            }
            outcome.messages.push(message);
        } else {
            break;
        }
    }
    assert_eq!(
        listener.is_complete() && client.is_complete(),
        outcome.listener.is_ok() && outcome.client.is_ok(),
        "both sides agree: {outcome:?}"
    );
    outcome.label = listener.key().cloned();
    outcome
}

fn run_with(
    listener: &Authentication,
    client: &Authentication,
    channels: (Channel, Channel),
) -> Outcome {
    run(
        new(Role::Listener, listener, channels.0),
        new(Role::Client, client, channels.1),
    )
}

#[test]
fn the_transcript_equals_that_of_cpython() {
    let key = authentication("12345");
    let random = *b"0123456789012345678901234567890123456789";
    let side = |role, channel| Handshake::with_random(role, key.clone(), channel, random).unwrap();
    let mut listener = side(Role::Listener, tcp(1, 2));
    let challenge = listener.outgoing().unwrap();
    assert_eq!(
        challenge,
        b"#CHALLENGE#{sha256}0123456789012345678901234567890123456789"
    );
    // hmac.new(b'12345', challenge[11:], 'sha256').hexdigest()
    let response = b"{sha256}\xdc\xb6\xec\xb2\x18\x9f\x14\xaa\x0e\x59\xb6\x48\x77\xb3\x69\x13\
        \x71\x88\xc9\x39\x31\x6a\xca\x2c\x5e\x6e\xfa\x74\xa9\xe1\x94\x66";
    listener.incoming(response).unwrap();
    assert_eq!(listener.outgoing().as_deref(), Some(WELCOME));
    assert!(!listener.is_complete());
}

#[test]
fn the_same_key_completes_the_handshake() {
    for digest in [
        Digest::Sha256,
        Digest::Sha384,
        Digest::Sha3_256,
        Digest::Sha3_384,
    ] {
        let key = authentication("key").digest(digest);
        for channels in [
            (tcp(1, 2), tcp(2, 1)),
            (unix(1, 2), unix(2, 1)),
            (Channel::Memory, Channel::Memory),
        ] {
            let outcome = run_with(&key, &key, channels);
            assert!(
                outcome.listener.is_ok() && outcome.client.is_ok(),
                "{outcome:?}"
            );
            assert!(outcome.messages.iter().all(|m| m.len() <= MAX_MESSAGE));
        }
    }
}

#[test]
fn another_key_is_rejected() {
    let outcome = run_with(
        &authentication("key"),
        &authentication("kez"),
        (tcp(1, 2), tcp(2, 1)),
    );
    assert!(matches!(outcome.listener, Err(AuthError::WrongAnswer)));
    assert!(matches!(outcome.client, Err(AuthError::Rejected)));
    assert_eq!(outcome.messages.last().map(Vec::as_slice), Some(FAILURE));
    assert_eq!(outcome.messages.len(), 3);
}

#[test]
fn a_listener_finds_the_key_of_a_client_and_responds_with_it() {
    let listener = Authentication::new(keys());
    let strict = listener.clone().binding(Binding::Require);
    for (key, label) in [("new", "2026"), ("key", "2025"), ("old", "2024")] {
        let client = authentication(key);
        let unbound = client.clone().binding(Binding::Off);
        for (listener, client, channels) in [
            (&listener, &client, (tcp(1, 2), tcp(2, 1))),
            (&listener, &client, (unix(1, 2), unix(2, 1))),
            (&listener, &unbound, (unix(1, 2), unix(2, 1))),
            (&strict, &client, (Channel::Memory, Channel::Memory)),
        ] {
            let outcome = run_with(listener, client, channels);
            assert!(outcome.client.is_ok(), "{outcome:?}");
            assert_eq!(outcome.label.as_deref(), Some(label));
        }
        let outcome = run_with(&strict, &unbound, (unix(1, 2), unix(2, 1)));
        assert!(matches!(outcome.listener, Err(AuthError::Unbound)));
        assert_eq!(outcome.label, None);
        // A relay is refused with every key.
        let outcome = run_with(&listener, &client, (unix(1, 7), unix(2, 7)));
        assert!(matches!(outcome.listener, Err(AuthError::WrongAnswer)));
    }
    let outcome = run_with(&listener, &authentication("kez"), (tcp(1, 2), tcp(2, 1)));
    assert!(matches!(outcome.listener, Err(AuthError::WrongAnswer)));
    assert_eq!(outcome.messages.len(), 3);
}

#[test]
fn a_client_with_several_keys_proves_and_accepts_the_first() {
    let client = Authentication::new(keys());
    let outcome = run_with(&authentication("new"), &client, (tcp(1, 2), tcp(2, 1)));
    assert!(outcome.client.is_ok(), "{outcome:?}");
    let mut client = new(Role::Client, &client, tcp(2, 1));
    client
        .incoming(&[CHALLENGE, b"{sha256}", &[7; RANDOM]].concat())
        .unwrap();
    client.outgoing().unwrap();
    client.incoming(WELCOME).unwrap();
    let challenge = client.outgoing().unwrap();
    let parts = [challenge.strip_prefix(CHALLENGE).unwrap()];
    let code = Algorithm::Modern(Digest::Sha256).hmac(&AuthKey::new("key").unwrap(), &parts);
    let answered = client.incoming(&[b"{sha256}", code.as_slice()].concat());
    assert!(matches!(answered, Err(AuthError::WrongAnswer)));
}

#[test]
fn replaced_keys_count_for_the_next_handshake() {
    let (keys, client) = (keys(), authentication("key"));
    let listener = Authentication::new(keys.clone());
    let begun = new(Role::Listener, &listener, tcp(1, 2));
    keys.replace([("2027", "newer")]).unwrap();
    let outcome = run(begun, new(Role::Client, &client, tcp(2, 1)));
    assert_eq!(outcome.label.as_deref(), Some("2025"));
    let outcome = run_with(&listener, &client, (tcp(1, 2), tcp(2, 1)));
    assert!(matches!(outcome.listener, Err(AuthError::WrongAnswer)));
    let outcome = run_with(&listener, &authentication("newer"), (tcp(1, 2), tcp(2, 1)));
    assert_eq!(outcome.label.as_deref(), Some("2027"));
}

#[test]
fn several_keys_authenticate_with_md5_too() {
    let listener = Authentication::new(keys()).legacy_md5(true);
    for (key, label) in [("new", "2026"), ("old", "2024")] {
        let mut listener = new(Role::Listener, &listener, unix(1, 2));
        let challenge = listener.outgoing().unwrap();
        let key = AuthKey::new(key).unwrap();
        let respond = |challenge: &[u8]| Algorithm::Md5.hmac(&key, &[challenge]);
        let challenge = challenge.strip_prefix(CHALLENGE).unwrap();
        listener.incoming(&respond(challenge)).unwrap();
        assert_eq!(listener.outgoing().as_deref(), Some(WELCOME));
        listener.incoming(&legacy_challenge()).unwrap();
        let response = listener.outgoing().unwrap();
        assert_eq!(response, respond(&legacy_challenge()[CHALLENGE.len()..]));
        assert_eq!(listener.key(), None, "the peer may still refuse");
        listener.incoming(WELCOME).unwrap();
        assert_eq!(listener.key().map(|label| &**label), Some(label));
    }
}

/// The challenge of a listener with the handshake of CPython up to 3.11.
fn legacy_challenge() -> Vec<u8> {
    [CHALLENGE, b"01234567890123456789"].concat()
}

#[test]
fn md5_only_if_allowed() {
    let strict = authentication("key");
    let mut client = new(Role::Client, &strict, tcp(1, 2));
    let rejected = client.incoming(&legacy_challenge());
    assert!(matches!(rejected, Err(AuthError::LegacyPeer)));
    assert_eq!(client.outgoing(), None, "no response to guess the key from");

    let mut listener = new(Role::Listener, &strict, tcp(1, 2));
    let rejected = listener.incoming(&[0; 16]);
    assert!(matches!(rejected, Err(AuthError::LegacyPeer)));

    let named = [CHALLENGE, b"{md5}0123456789012345678901234567890123456789"].concat();
    let mut client = new(Role::Client, &strict, tcp(1, 2));
    assert!(matches!(
        client.incoming(&named),
        Err(AuthError::LegacyPeer)
    ));

    let lenient = strict.legacy_md5(true);
    let mut client = new(Role::Client, &lenient, tcp(1, 2));
    client.incoming(&legacy_challenge()).unwrap();
    // hmac.new(b'key', b'01234567890123456789', 'md5').digest()
    let response = client.outgoing().unwrap();
    let of_python = 0xae7d_03e3_3d47_01b0_d5b8_1be8_e060_2616_u128;
    assert_eq!(response, of_python.to_be_bytes());
    client.incoming(WELCOME).unwrap();
    let challenge = client.outgoing().unwrap();
    let response = Algorithm::Md5.hmac(
        &AuthKey::new("key").unwrap(),
        &[challenge.strip_prefix(CHALLENGE).unwrap()],
    );
    client.incoming(&response).unwrap();
    assert_eq!(client.outgoing().as_deref(), Some(WELCOME));
    assert!(client.is_complete());
}

#[test]
fn a_challenge_of_this_process_gets_no_response_on_another_channel() {
    let key = authentication("key");
    let mut listener = new(Role::Listener, &key, tcp(6000, 5000));
    let challenge = listener.outgoing().unwrap();

    let mut relayed = new(Role::Client, &key, tcp(4000, 7000));
    assert!(matches!(
        relayed.incoming(&challenge),
        Err(AuthError::Reflected)
    ));
    assert_eq!(relayed.outgoing(), None);

    let mut direct = new(Role::Client, &key, tcp(5000, 6000));
    direct.incoming(&challenge).unwrap();
    assert!(direct.outgoing().is_some());

    drop(listener);
    let mut stale = new(Role::Client, &key, tcp(4000, 7000));
    stale.incoming(&challenge).unwrap();
}

#[test]
fn a_proof_is_bound_to_the_users_of_both_peers() {
    let key = authentication("key");
    let relay = || (unix(1, 7), unix(2, 7));
    let outcome = run_with(&key, &key, relay());
    assert!(matches!(outcome.listener, Err(AuthError::WrongAnswer)));

    let unbound = key.clone().binding(Binding::Off);
    for (listener, client) in [(&key, &unbound), (&unbound, &key), (&unbound, &unbound)] {
        let outcome = run_with(listener, client, relay());
        assert!(outcome.client.is_ok(), "{outcome:?}");
    }
    let strict = key.clone().binding(Binding::Require);
    for (listener, client) in [(&key, &strict), (&strict, &key), (&strict, &strict)] {
        let direct = run_with(listener, client, (unix(1, 2), unix(2, 1)));
        assert!(direct.listener.is_ok() && direct.client.is_ok());
        let relayed = run_with(listener, client, relay());
        assert!(relayed.listener.is_err() && relayed.client.is_err());
    }
    let outcome = run_with(&strict, &unbound, (unix(1, 2), unix(2, 1)));
    assert!(matches!(outcome.listener, Err(AuthError::Unbound)));
    let outcome = run_with(&unbound, &strict, (unix(1, 2), unix(2, 1)));
    assert!(matches!(outcome.client, Err(AuthError::Unbound)));
    assert!(matches!(
        Handshake::new(Role::Client, strict, tcp(1, 2)),
        Err(AuthError::NothingToBind)
    ));
}

#[test]
fn a_proof_is_bound_to_its_tls_connection() {
    let key = authentication("key");
    let strict = key.clone().binding(Binding::Require);
    let channel = |byte| Channel::Tls {
        exporter: [byte; 32],
    };
    let direct = run_with(&strict, &strict, (channel(1), channel(1)));
    assert!(direct.listener.is_ok() && direct.client.is_ok());

    let respond = |role, challenge: &[u8], byte| {
        let identity = channel(byte).identity(role).unwrap();
        bound_response(role, &key, challenge, &identity)
    };
    // A relay has one channel with each peer: exporter 1 with the listener, 2 with the client. The
    // listener is asked for a proof by a client of another process, and the reverse.
    for side in [&key, &strict] {
        let mut listener = new(Role::Listener, side, channel(1));
        let challenge = listener.outgoing().unwrap();
        let relayed = respond(Role::Client, &challenge, 2);
        assert!(matches!(
            listener.incoming(&relayed),
            Err(AuthError::WrongAnswer)
        ));

        for (exporter, accepted) in [(1, false), (2, true)] {
            let mut client = new(Role::Client, side, channel(2));
            let forged = [CHALLENGE, b"{sha256}", &[7; RANDOM], MARK].concat();
            client.incoming(&forged).unwrap();
            let response = client.outgoing().unwrap();
            assert_eq!(response, respond(Role::Client, &forged, 2));
            client.incoming(WELCOME).unwrap();
            let challenge = client.outgoing().unwrap();
            let relayed = respond(Role::Listener, &challenge, exporter);
            let result = client.incoming(&relayed);
            assert_eq!(result.is_ok(), accepted, "{result:?}");
        }
    }
}

#[test]
fn a_side_that_requires_binding_gives_no_unbound_proof() {
    let strict = authentication("key").binding(Binding::Require);
    let mut client = new(Role::Client, &strict, unix(2, 1));
    let unmarked = [CHALLENGE, b"{sha256}", &[7; RANDOM]].concat();
    assert!(matches!(
        client.incoming(&unmarked),
        Err(AuthError::Unbound)
    ));
    assert_eq!(client.outgoing(), None);
}

#[test]
fn removing_the_mark_in_transit_fails() {
    let key = authentication("key");
    let mut listener = new(Role::Listener, &key, unix(1, 7));
    let mut client = new(Role::Client, &key, unix(2, 7));
    let challenge = listener.outgoing().unwrap();
    let stripped = challenge.strip_suffix(MARK).unwrap();
    client.incoming(stripped).unwrap();
    let response = client.outgoing().unwrap();
    assert!(matches!(
        listener.incoming(&response),
        Err(AuthError::WrongAnswer)
    ));
}

/// Returns a client that received a forged challenge and welcome, and the challenge that it sent.
fn deceived_client(key: &Authentication) -> (Handshake, Vec<u8>) {
    let mut client = new(Role::Client, key, unix(2, 1));
    let forged = [CHALLENGE, b"{sha256}", &[7; RANDOM], MARK].concat();
    client.incoming(&forged).unwrap();
    client.outgoing().unwrap();
    client.incoming(WELCOME).unwrap();
    let challenge = client.outgoing().unwrap();
    (client, challenge)
}

/// Returns the response of `role` to a challenge. The listener is user 1, the client is user 2.
fn response_of(role: Role, key: &Authentication, challenge: &[u8]) -> Vec<u8> {
    let identity = unix(1, 2).identity(Role::Listener).unwrap();
    bound_response(role, key, challenge, &identity)
}

/// Returns the response of `role` on a channel with this identity, as another process computes it.
fn bound_response(role: Role, key: &Authentication, challenge: &[u8], identity: &[u8]) -> Vec<u8> {
    let challenge = challenge.strip_prefix(CHALLENGE).unwrap();
    let parts = bound_input(role, challenge, identity);
    let code = Algorithm::Modern(Digest::Sha256).hmac(&key.keys.current()[0].key, &parts);
    [b"{sha256}", code.as_slice()].concat()
}

#[test]
fn a_response_cannot_be_used_for_the_other_role() {
    let key = authentication("key");
    // A forged listener passes the challenge of one client to another client on the same channel:
    // only the role distinguishes this response from a listener's.
    let (mut victim, challenge) = deceived_client(&key);
    let mut oracle = new(Role::Client, &key, unix(2, 1));
    oracle.incoming(&challenge).unwrap();
    let response = oracle.outgoing().unwrap();
    assert_eq!(response, response_of(Role::Client, &key, &challenge));
    let rejected = victim.incoming(&response);
    assert!(
        matches!(rejected, Err(AuthError::WrongAnswer)),
        "{rejected:?}"
    );
    assert!(!victim.is_complete());

    let (mut victim, challenge) = deceived_client(&key);
    let response = response_of(Role::Listener, &key, &challenge);
    victim.incoming(&response).unwrap();

    // And a forged client passes the challenge of a listener to another listener.
    for (role, accepted) in [(Role::Listener, false), (Role::Client, true)] {
        let mut victim = new(Role::Listener, &key, unix(1, 2));
        let challenge = victim.outgoing().unwrap();
        let result = victim.incoming(&response_of(role, &key, &challenge));
        assert_eq!(result.is_ok(), accepted, "{role:?}: {result:?}");
    }
}

#[test]
fn messages_outside_the_protocol_are_rejected() {
    let key = authentication("key");
    for message in [
        b"".as_slice(),
        b"#CHALLENGE#",
        b"#CHALLENGE#too short",
        b"GET / HTTP/1.1",
        &[b"#CHALLENGE#".as_slice(), &[b'x'; 30]].concat(),
        &[b"#CHALLENGE#{".as_slice(), &[b'x'; 30]].concat(),
    ] {
        let mut client = new(Role::Client, &key, tcp(1, 2));
        assert!(matches!(
            client.incoming(message),
            Err(AuthError::Unexpected { .. })
        ));
        assert_eq!(client.outgoing(), None);
        assert!(client.incoming(message).is_err(), "the handshake is over");
    }
    let mut client = new(Role::Client, &key, tcp(1, 2));
    let unknown = [b"#CHALLENGE#{sha1}".as_slice(), &[b'x'; 40]].concat();
    let error = client.incoming(&unknown).unwrap_err();
    assert_eq!(error.to_string(), "the peer uses the unknown digest `sha1`");

    for response in [
        b"".as_slice(),
        b"{sha256}",
        b"{sha256}short",
        b"{}",
        &[0; 256],
    ] {
        let mut listener = new(Role::Listener, &key, tcp(1, 2));
        listener.outgoing();
        assert!(listener.incoming(response).is_err());
        assert_eq!(listener.outgoing().as_deref(), Some(FAILURE));
        assert_eq!(listener.outgoing(), None);
    }
}

#[test]
fn debug_output_has_no_key() {
    let handshake = new(Role::Client, &authentication("hush"), tcp(1, 2));
    assert!(!format!("{handshake:?}").contains("hush"));
    assert!(matches!(AuthKey::new(""), Err(AuthError::EmptyKey)));
}
