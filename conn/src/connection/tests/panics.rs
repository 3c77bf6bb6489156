//! Values whose `Serialize` panics or fails in the middle: no part of them reaches the peer.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Waker;

use farcall_pickle::Pickle;
use serde::ser::{Error as _, SerializeSeq as _, Serializer};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{Json, MessagePack, Postcard};

/// A list of three numbers, or one that panics or fails after two.
#[derive(Clone, Copy)]
pub(crate) enum Item {
    Whole(u32),
    Panics,
    Fails,
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(3))?;
        let number = match self {
            Self::Whole(number) => *number,
            _ => 7,
        };
        list.serialize_element(&number)?;
        list.serialize_element(&number)?;
        match self {
            Self::Whole(_) => list.serialize_element(&number)?,
            Self::Panics => panic!("in the middle of a message"),
            Self::Fails => return Err(S::Error::custom("in the middle of a message")),
        }
        list.end()
    }
}

/// Panics in its `Deserialize`, after the message was taken.
#[derive(Debug)]
pub(crate) struct PanicsToo;

impl<'de> Deserialize<'de> for PanicsToo {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u32; 3]>::deserialize(deserializer)?;
        panic!("after the message")
    }
}

/// Polls a future once; `None` if it panics.
fn attempt<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let poll = || {
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    };
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Ready(result)) => Some(result),
        Ok(Poll::Pending) => panic!("the stream has room for the message"),
        Err(_) => None,
    }
}

async fn check<C: Codec>() {
    let (local, remote) = tokio::io::duplex(1 << 20);
    let mut local = Connection::<Item, (), C>::new(local);
    let mut remote = Connection::<(), Vec<u32>, C>::new(remote);
    let large = vec![3; 100_000];
    let half = |local: &mut Connection<Item, (), C>| {
        assert!(attempt(local.send(&Item::Panics)).is_none(), "{}", C::NAME);
        let failed = attempt(local.send(&Item::Fails));
        assert!(matches!(failed, Some(Err(SendError::Encode(_)))));
    };
    half(&mut local);
    local.send(&Item::Whole(1)).await.unwrap();
    half(&mut local);
    local.send_bytes(b"bytes").await.unwrap();
    half(&mut local);
    local.send_vectored(&[b"two ", b"slices"]).await.unwrap();
    half(&mut local);
    local.send_bytes(&large).await.unwrap();
    half(&mut local);
    local.send_array(&[5u8, 6]).await.unwrap();
    half(&mut local);
    local.send(&Item::Whole(2)).await.unwrap();
    half(&mut local);
    local.close().await.unwrap();

    assert_eq!(remote.recv().await.unwrap(), [1, 1, 1], "{}", C::NAME);
    assert_eq!(remote.recv_bytes(1 << 20).await.unwrap(), b"bytes");
    assert_eq!(remote.recv_bytes(1 << 20).await.unwrap(), b"two slices");
    assert_eq!(remote.recv_bytes(1 << 20).await.unwrap(), large);
    assert_eq!(remote.recv_bytes(1 << 20).await.unwrap(), [5, 6]);
    assert_eq!(remote.recv().await.unwrap(), [2, 2, 2]);
    assert!(remote.recv().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn a_value_that_panics_leaves_no_half_message() {
    check::<Bincode>().await;
    check::<Json>().await;
    check::<MessagePack>().await;
    check::<Pickle>().await;
    check::<Postcard>().await;
}

#[tokio::test]
async fn a_value_that_panics_leaves_no_half_message_to_clones_of_the_sender() {
    let (local, remote) = tokio::io::duplex(1 << 20);
    let (sender, _receiver) = Connection::<Item>::new(local).split();
    let mut remote = Connection::<(), Vec<u32>>::new(remote);
    for number in 0..20 {
        let clone = sender.clone();
        let panicking = tokio::spawn(async move { clone.send(&Item::Panics).await });
        assert!(panicking.await.unwrap_err().is_panic());
        sender.send(&Item::Whole(number)).await.unwrap();
        sender.send_bytes(b"bytes").await.unwrap();
    }
    for number in 0..20 {
        assert_eq!(remote.recv().await.unwrap(), [number; 3]);
        assert_eq!(remote.recv_bytes(10).await.unwrap(), b"bytes");
    }
}

#[tokio::test]
async fn a_type_that_panics_consumes_only_its_message() {
    let (local, remote) = tokio::io::duplex(1 << 20);
    let mut local = Connection::<Item>::new(local);
    let mut remote = Connection::<(), PanicsToo>::new(remote);
    local.send(&Item::Whole(1)).await.unwrap();
    local.send(&Item::Whole(2)).await.unwrap();
    assert!(attempt(remote.recv()).is_none());
    let mut remote = remote.with_types::<(), Vec<u32>>();
    assert_eq!(remote.recv().await.unwrap(), [2, 2, 2]);
}

/// A codec that the program defines.
#[derive(Clone, Debug, Default)]
struct Own;

impl Codec for Own {
    const NAME: &'static str = "own";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), farcall_core::FormatError> {
        out.extend_from_slice(b"the beginning");
        Bincode::default().encode(value, out)?;
        Ok(())
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, farcall_core::FormatError> {
        Bincode::default().decode(message.strip_prefix(b"the beginning").unwrap_or_default())
    }
}

#[tokio::test]
async fn a_custom_codec_leaves_no_half_message() {
    check::<Own>().await;
}
