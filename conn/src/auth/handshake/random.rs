//! With random messages the handshake fails or continues, but never completes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::AuthKey;
use super::*;

fn message() -> impl Strategy<Value = Vec<u8>> {
    let digests = [
        "",
        "{md5}",
        "{sha256}",
        "{sha384}",
        "{sha3_256}",
        "{sha1}",
        "{",
    ];
    prop_oneof![
        vec(any::<u8>(), 0..=MAX_MESSAGE),
        Just(WELCOME.to_vec()),
        Just(FAILURE.to_vec()),
        (
            proptest::sample::select(digests.to_vec()),
            vec(any::<u8>(), 0..64)
        )
            .prop_map(|(digest, rest)| [digest.as_bytes(), &rest].concat()),
        (
            proptest::sample::select(digests.to_vec()),
            vec(any::<u8>(), 0..64)
        )
            .prop_map(|(digest, rest)| [CHALLENGE, digest.as_bytes(), &rest].concat()),
    ]
}

proptest! {
    #[test]
    fn random_messages_never_complete_the_handshake(
        messages in vec(message(), 1..8),
        listener: bool,
        legacy_md5: bool,
        bound: bool,
    ) {
        let role = if listener { Role::Listener } else { Role::Client };
        let channel = if bound { Channel::Memory } else { Channel::Unknown };
        let authentication =
            Authentication::new(AuthKey::new("key").unwrap()).legacy_md5(legacy_md5);
        let mut handshake = Handshake::new(role, authentication, channel).unwrap();
        let mut failed = false;
        for message in messages {
            while handshake.outgoing().is_some() {}
            let result = handshake.incoming(&message);
            prop_assert!(result.is_err() || !failed, "a failure is final");
            failed = result.is_err();
            prop_assert!(!handshake.is_complete());
        }
    }
}
