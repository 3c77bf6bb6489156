use proptest::prelude::*;

use super::*;
use crate::rpc::error::Violation;

fn messages() -> Vec<Message<'static>> {
    let id = ObjectId([7; 16]);
    let references = vec![
        Reference::SenderHosted(id),
        Reference::ReceiverHosted(id),
        Reference::Stream(300),
    ];
    let limits = SessionLimits {
        max_message: 1,
        max_calls: 200,
        max_streams: 70_000,
        max_objects: 4,
        window: u64::MAX,
    };
    let call = Call {
        id: 5,
        target: CallTarget::Root,
        one_way: false,
        promise: true,
        idempotent: false,
        timeout: Some(Duration::from_millis(100)),
        method: "add",
        headers: Headers::default(),
        references: references.clone(),
    };
    let fault = Fault::new(-7, "no").with_remote_causes(["why".to_owned()]);
    let caused = Fault::new(5, "no").with_remote_causes(vec!["why".to_owned(); MAX_CAUSES]);
    vec![
        Message::Hello(Box::new(Hello {
            version: VERSION,
            start: SessionStart::Resumed,
            takes_headers: true,
            encoding: b"bincode".to_vec(),
            limits,
            session: Some(Token([1; 16])),
        })),
        Message::Call(call.clone(), 0),
        Message::Call(
            Call {
                target: CallTarget::Object(id),
                one_way: true,
                timeout: None,
                references: Vec::new(),
                ..call.clone()
            },
            0,
        ),
        Message::Call(
            Call {
                headers: Headers::read(&mut &[1, 1, b'a', 2, b'v', b'w'][..]).unwrap(),
                ..call.clone()
            },
            0,
        ),
        Message::Call(
            Call {
                target: CallTarget::Promise(4),
                timeout: Some(Duration::ZERO),
                references: Vec::new(),
                ..call
            },
            0,
        ),
        Message::Return {
            id: 5,
            references: references.clone(),
            payload: 0,
        },
        Message::Fault {
            id: 6,
            fault: fault.clone(),
        },
        Message::Fault {
            id: 7,
            fault: caused,
        },
        Message::Cancel(7),
        Message::Finish(8),
        Message::Release(Counts(
            b"\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\xf4\x03",
        )),
        Message::Item {
            stream: 9,
            references: Vec::new(),
            payload: 0,
        },
        Message::End {
            stream: 9,
            fault: None,
        },
        Message::End {
            stream: 9,
            fault: Some(fault),
        },
        Message::Credit {
            stream: 9,
            bytes: 1 << 40,
        },
        Message::Stop(9),
        Message::Ping(1),
        Message::Pong(1),
        Message::Goodbye {
            last: 10,
            reason: "enough",
        },
        Message::Held(Counts(b"0123456789abcdef\x03")),
    ]
}

#[test]
fn encoded_messages_are_decoded() {
    for message in messages() {
        let mut out = Vec::new();
        message.write(&mut out);
        let end = out.len();
        out.extend(b"payload");
        match Message::read(&out, 10) {
            Ok(Message::Hello(_)) | Err(_) => {
                assert_eq!(Message::read(&out[..end], 10).unwrap(), message);
            }
            Ok(mut read) => {
                if let Message::Call(_, payload)
                | Message::Return { payload, .. }
                | Message::Item { payload, .. } = &mut read
                {
                    assert_eq!(*payload, end);
                    *payload = 0;
                }
                assert_eq!(read, message);
            }
        }
    }
}

#[test]
fn truncated_messages_are_rejected() {
    for message in messages() {
        let mut out = Vec::new();
        message.write(&mut out);
        for len in 0..out.len() {
            if let Ok(shorter) = Message::read(&out[..len], 10) {
                // A list without a count may end earlier.
                assert!(matches!(shorter, Message::Release(_) | Message::Held(_)));
            }
        }
        out.push(0);
        let has_payload = matches!(
            message,
            Message::Hello(_) | Message::Call(..) | Message::Return { .. } | Message::Item { .. }
        );
        assert_eq!(Message::read(&out, 10).is_ok(), has_payload);
    }
}

#[test]
fn another_version_is_read_as_far_as_its_number() {
    let hello = b"\0FARCALL\x63 whatever comes then";
    let Ok(Message::Hello(hello)) = Message::read(hello, 10) else {
        panic!("a first message");
    };
    assert_eq!(hello.version, 0x63);
    assert_eq!(Message::read(b"\0HELLO", 10), Err(Violation::NotHello));
    assert_eq!(
        Message::read(b"\xff", 10),
        Err(Violation::UnknownKind(0xff))
    );
    assert_eq!(Message::read(b"", 10), Err(Violation::EmptyMessage));
}

#[test]
fn every_kind_of_fault_has_a_byte() {
    for (place, kind) in FAULT_KINDS.into_iter().enumerate() {
        assert_eq!(usize::from(fault_kind_byte(kind)), place);
    }
}

fn object() -> impl Strategy<Value = ObjectId> {
    any::<[u8; 16]>().prop_map(ObjectId)
}

fn references() -> impl Strategy<Value = Vec<Reference>> {
    let reference = prop_oneof![
        object().prop_map(Reference::SenderHosted),
        object().prop_map(Reference::ReceiverHosted),
        any::<u64>().prop_map(Reference::Stream),
    ];
    prop::collection::vec(reference, 0..5)
}

fn fault() -> impl Strategy<Value = Fault> {
    let kind = prop::sample::select(&FAULT_KINDS[..]);
    let causes = prop::collection::vec(any::<String>(), 0..=MAX_CAUSES);
    (kind, any::<i64>(), any::<String>(), causes).prop_map(|(kind, code, text, causes)| {
        let fault = Fault::of(kind, text).with_code(code);
        fault.with_remote_causes(causes)
    })
}

fn target() -> impl Strategy<Value = CallTarget> {
    prop_oneof![
        Just(CallTarget::Root),
        object().prop_map(CallTarget::Object),
        any::<u64>().prop_map(CallTarget::Promise),
    ]
}

prop_compose! {
    fn call()(
        id: u64,
        target in target(),
        flags: (bool, bool, bool),
        micros in prop::option::of(0..u64::MAX / 2),
        method in prop::sample::select(&["", "add", "größe"][..]),
        references in references(),
    ) -> Message<'static> {
        let timeout = micros.map(Duration::from_micros);
        let (one_way, promise, idempotent) = flags;
        Message::Call(
            Call {
                id, target, one_way, promise, idempotent, timeout, method, references,
                headers: Headers::default(),
            },
            0,
        )
    }
}

fn message() -> impl Strategy<Value = Message<'static>> {
    prop_oneof![
        call(),
        (any::<u64>(), references()).prop_map(|(id, references)| Message::Return {
            id,
            references,
            payload: 0
        }),
        (any::<u64>(), fault()).prop_map(|(id, fault)| Message::Fault { id, fault }),
        any::<u64>().prop_map(Message::Cancel),
        any::<u64>().prop_map(Message::Finish),
        (any::<u64>(), references()).prop_map(|(stream, references)| Message::Item {
            stream,
            references,
            payload: 0
        }),
        (any::<u64>(), prop::option::of(fault()))
            .prop_map(|(stream, fault)| Message::End { stream, fault }),
        any::<(u64, u64)>().prop_map(|(stream, bytes)| Message::Credit { stream, bytes }),
        any::<u64>().prop_map(Message::Stop),
        any::<u64>().prop_map(Message::Ping),
        any::<u64>().prop_map(Message::Pong),
        any::<u64>().prop_map(|last| Message::Goodbye {
            last,
            reason: "enough"
        }),
    ]
}

/// Writes a message that was read of these bytes.
fn with_payload(message: &Message<'_>, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    message.write(&mut out);
    if let Message::Call(_, payload)
    | Message::Return { payload, .. }
    | Message::Item { payload, .. } = message
    {
        out.extend_from_slice(&bytes[*payload..]);
    }
    out
}

proptest! {
    #[test]
    fn any_message_that_is_written_is_read(message in message()) {
        let mut out = Vec::new();
        message.write(&mut out);
        let mut read = Message::read(&out, 10).unwrap();
        if let Message::Call(_, payload)
        | Message::Return { payload, .. }
        | Message::Item { payload, .. } = &mut read
        {
            prop_assert_eq!(*payload, out.len());
            *payload = 0;
        }
        prop_assert_eq!(read, message);
    }

    #[test]
    fn any_counts_that_are_written_are_read(
        objects in prop::collection::vec((object(), any::<u64>()), 0..5),
        is_release: bool,
    ) {
        let mut counts = Vec::new();
        write_counts(objects.iter().copied(), &mut counts);
        let message = if is_release { Message::Release } else { Message::Held };
        let mut out = Vec::new();
        message(Counts(&counts)).write(&mut out);
        let (Message::Release(read) | Message::Held(read)) = Message::read(&out, 10).unwrap() else {
            panic!("it is what was written");
        };
        prop_assert_eq!(read.collect::<Vec<_>>(), objects);
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(kind in 0..16_u8, rest: Vec<u8>) {
        let bytes = [&[kind][..], &rest].concat();
        if let Ok(message) = Message::read(&bytes, 10) {
            let written = with_payload(&message, &bytes);
            let again = Message::read(&written, 10).unwrap();
            prop_assert_eq!(&with_payload(&again, &written), &written);
        }
    }
}
