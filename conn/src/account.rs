//! The account of one half of a connection in its listener's budget.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use farcall_core::Budget;
use farcall_core::protocol::time::Countdown;
use farcall_core::protocol::{Account, Hold, NoRoom};

/// The interval at which a half retries a reservation that found no room.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// The bytes that one half of a connection holds. It allocates memory only while they are more than
/// [`Budget::FREE`].
#[derive(Default)]
pub(crate) struct HalfAccount {
    /// The budget of the listener. Connections that a client opened have none.
    budget: Option<Budget>,
    reservation: Option<Box<Reservation>>,
}

/// The state of a half that holds more than [`Budget::FREE`]. Boxed, since few halves need it.
struct Reservation {
    account: Account,
    hold: Hold,
    /// Runs after an attempt that found no room.
    retry: Countdown,
    /// `true` if the half was evicted.
    is_evicted: bool,
}

/// Error of a half that was evicted, because it had held the most bytes for the longest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evicted;

impl HalfAccount {
    pub(crate) const fn new(budget: Option<Budget>) -> Self {
        Self {
            budget,
            reservation: None,
        }
    }

    #[inline]
    pub(crate) fn is_evicted(&self) -> bool {
        self.reservation
            .as_ref()
            .is_some_and(|reservation| reservation.is_evicted)
    }

    /// Returns `true` if the last attempt to reserve more found no room.
    pub(crate) fn waits_for_room(&self) -> bool {
        self.reservation
            .as_ref()
            .is_some_and(|reservation| reservation.retry.is_running())
    }

    /// Returns `true` if a half with `bytes` bytes must be counted in the budget, or has been.
    #[inline]
    pub(crate) const fn must_count(&self, bytes: usize) -> bool {
        (bytes > Budget::FREE || self.reservation.is_some()) && self.budget.is_some()
    }

    /// Changes the reservation to `bytes`. If the budget has no room for more, it stays as it was.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= Budget::FREE {
            self.release();
            return Ok(());
        }

        let Some(budget) = &self.budget else {
            return Ok(());
        };
        let reservation = self.reservation.get_or_insert_with(|| {
            let account = budget.account();
            let hold = account.hold();
            Box::new(Reservation {
                account,
                hold,
                retry: Countdown::new(),
                is_evicted: false,
            })
        });
        reservation.hold.resize(&reservation.account, bytes)
    }

    /// Returns `true` if `bytes` bytes fit into the budget when nothing else is held.
    pub(crate) fn can_ever_fit(&self, bytes: usize) -> bool {
        let counted = bytes.saturating_sub(Budget::FREE);
        self.budget
            .as_ref()
            .is_none_or(|budget| counted <= budget.bytes())
    }

    /// Releases the reservation.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.reservation.is_some() && !self.is_evicted() {
            self.reservation = None;
        }
    }

    /// Evicts the half, even if the budget did not request it.
    pub(crate) fn evict(&mut self) -> Evicted {
        if let Some(reservation) = &mut self.reservation {
            reservation.hold = reservation.account.hold();
            reservation.retry.stop();
            reservation.is_evicted = true;
        }
        Evicted
    }

    /// Returns an error if the half was evicted, and registers the task to wake when it is. An
    /// evicted half holds nothing and gets no room.
    pub(crate) fn poll_evicted(&mut self, cx: &mut Context<'_>) -> Result<(), Evicted> {
        match &self.reservation {
            Some(reservation) if reservation.account.poll_evicted(cx).is_ready() => {
                Err(self.evict())
            }
            _ if self.is_evicted() => Err(Evicted),
            _ => Ok(()),
        }
    }

    /// Changes the reservation to `bytes` unsent bytes, which the peer does not read. If the budget
    /// has no room for more, the half is evicted. Otherwise the task is woken when it is.
    pub(crate) fn hold(&mut self, cx: &mut Context<'_>, bytes: usize) -> Result<(), Evicted> {
        match self.resize(bytes) {
            Ok(()) => self.poll_evicted(cx),
            Err(NoRoom { .. }) => Err(self.evict()),
        }
    }

    /// Reserves `bytes` bytes. It is ready once the budget has room for them.
    pub(crate) fn poll_resize(
        &mut self,
        cx: &mut Context<'_>,
        bytes: usize,
    ) -> Poll<Result<(), Evicted>> {
        loop {
            let waiting = self.reservation.as_mut();
            if let Some(waiting) = waiting.filter(|one| one.retry.is_running()) {
                if waiting.retry.poll(RETRY, cx).is_pending() {
                    self.poll_evicted(cx)?;
                    return Poll::Pending;
                }
                waiting.retry.stop();
            }
            if self.resize(bytes).is_ok() {
                self.poll_evicted(cx)?;
                return Poll::Ready(Ok(()));
            }
            if !self.can_ever_fit(bytes) {
                return Poll::Ready(Err(self.evict()));
            }
            if let Some(refused) = &mut self.reservation {
                let _starts = refused.retry.poll(RETRY, cx);
            }
        }
    }
}

impl fmt::Debug for HalfAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self
            .reservation
            .as_ref()
            .map_or(0, |reservation| reservation.hold.counted());
        f.debug_struct("HalfAccount")
            .field("counted", &counted)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::transport::memory::{MemoryConnector, listener};
    use tokio::time::{Instant, advance, sleep};

    use super::*;
    use crate::{Connection, Listener, RecvError, SendError};

    const MIB: usize = 1 << 20;

    /// A listener with a budget of 2 MiB.
    async fn listen() -> (Listener, MemoryConnector, Budget) {
        let (listening, connector) = listener("budget");
        let budget = Budget::new(2 * MIB);
        let listener = Listener::over(listening).budget(budget.clone());
        (listener.await.unwrap(), connector, budget)
    }

    /// Returns a connected pair; the first is the listener's.
    async fn pair(
        listener: &mut Listener,
        connector: &MemoryConnector,
    ) -> (Connection, Connection) {
        let client = Connection::over(connector.clone());
        let (local, remote) = tokio::join!(listener.accept(), client);
        (local.unwrap(), remote.unwrap())
    }

    /// Sends the header of a message of `length` bytes and the first `part` bytes of it.
    async fn send_part(peer: &mut Connection, length: usize, part: usize) {
        let header = crate::frame::Header::new(length as u64);
        let bytes = [header.as_bytes(), &vec![7; part]].concat();
        peer.writer.encoder.push_raw(&bytes);
        peer.writer.flush().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn received_messages_are_counted_until_the_program_has_them() {
        let (mut listener, connector, budget) = listen().await;
        let (mut local, mut remote) = pair(&mut listener, &connector).await;
        let received = tokio::spawn(async move {
            let message = local.recv_bytes(MIB).await.unwrap();
            (message.len(), local)
        });
        send_part(&mut remote, MIB, MIB - 1).await;
        sleep(RETRY).await;
        assert_eq!(budget.held(), MIB - Budget::FREE);
        remote.writer.encoder.push_raw(&[7]);
        remote.writer.flush().await.unwrap();
        let (length, _local) = received.await.unwrap();
        assert_eq!((length, budget.held()), (MIB, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_message_makes_room_for_others() {
        let (mut listener, connector, budget) = listen().await;
        let mut stuck = Vec::new();
        for part in [100_000, 900_000] {
            let (mut local, mut remote) = pair(&mut listener, &connector).await;
            let receive = tokio::spawn(async move { local.recv_bytes(2 * MIB).await });
            send_part(&mut remote, 2 * MIB, part).await;
            stuck.push((receive, remote));
            advance(Budget::GRACE * 5).await;
        }
        let (mut local, mut remote) = pair(&mut listener, &connector).await;
        let sent = tokio::spawn(async move { remote.send_bytes(&vec![7; MIB]).await });
        assert_eq!(local.recv_bytes(MIB).await.unwrap().len(), MIB);
        sent.await.unwrap().unwrap();
        let (most, _remote) = stuck.pop().unwrap();
        assert!(matches!(most.await.unwrap(), Err(RecvError::Evicted)));
        let (other, _remote) = stuck.pop().unwrap();
        assert!(!other.is_finished());
        other.abort();
        tokio::task::yield_now().await;
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_waits_for_those_that_arrive_at_the_same_moment() {
        let (mut listener, connector, budget) = listen().await;
        let mut received = Vec::new();
        for _ in 0..4 {
            let (mut local, mut remote) = pair(&mut listener, &connector).await;
            received.push(tokio::spawn(async move { local.recv_bytes(MIB).await }));
            tokio::spawn(async move {
                send_part(&mut remote, MIB, MIB - 1).await;
                sleep(Budget::GRACE / 2).await;
                remote.writer.encoder.push_raw(&[7]);
                remote.writer.flush().await.unwrap();
            });
        }
        for message in received {
            assert_eq!(message.await.unwrap().unwrap().len(), MIB);
            assert!(budget.held() <= budget.bytes());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn unread_output_is_counted_and_the_newest_send_is_evicted() {
        let (mut listener, connector, budget) = listen().await;
        let mut all = Vec::new();
        let mut evicted = 0;
        for _ in 0..6 {
            let (local, remote) = pair(&mut listener, &connector).await;
            let mut local = local.with_types::<Vec<u8>, ()>();
            let sent = tokio::spawn(async move { local.send(&vec![7; MIB / 2]).await });
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            if sent.is_finished() {
                assert!(matches!(sent.await.unwrap(), Err(SendError::Evicted)));
                evicted += 1;
            } else {
                all.push((sent, remote));
            }
        }
        assert!(evicted > 0 && budget.held() > MIB, "{evicted}");
        // The sends whose peer reads complete.
        for (sent, mut remote) in all {
            remote.recv_bytes(MIB).await.unwrap();
            sent.await.unwrap().unwrap();
        }
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_default_budget_has_room_for_the_longest_message() {
        let longest = 80 * MIB;
        let (listening, connector) = listener("default budget");
        let listener = Listener::over(listening).max_message(longest);
        let (mut local, mut remote) = pair(&mut listener.await.unwrap(), &connector).await;
        let message = vec![7; longest];
        let (sent, received) = tokio::join!(remote.send_bytes(&message), local.recv_bytes(longest));
        sent.unwrap();
        assert!(received.unwrap() == message);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_can_never_fit_fails_at_once() {
        let (mut listener, connector, _) = listen().await;
        let (mut local, mut remote) = pair(&mut listener, &connector).await;
        tokio::spawn(async move { remote.send_bytes(&vec![7; 4 * MIB]).await });
        let begin = Instant::now();
        let received = local.recv_bytes(usize::MAX).await;
        assert!(matches!(received, Err(RecvError::Evicted)));
        assert!(begin.elapsed() < RETRY);
        assert!(matches!(local.recv_bytes(1).await, Err(RecvError::Evicted)));
    }

    /// A thread that waits for the rest of a message is notified of its eviction.
    #[cfg(unix)]
    #[test]
    fn a_blocking_connection_is_evicted_too() {
        use std::io::Write as _;

        let budget = Budget::new(2 * MIB);
        let listener = Listener::bind("127.0.0.1:0").budget(budget.clone());
        let mut listener = listener.wait().unwrap();
        let farcall_core::transport::Address::Tcp(address) = listener.local_address().clone()
        else {
            panic!("a TCP address");
        };
        let mut stranger = std::net::TcpStream::connect(address).unwrap();
        let header = crate::frame::Header::new(2 * MIB as u64);
        stranger.write_all(header.as_bytes()).unwrap();
        stranger.write_all(&vec![7; MIB * 3 / 2]).unwrap();
        let mut local: crate::blocking::Connection = listener.accept().unwrap();
        let receive = std::thread::spawn(move || local.recv_bytes(2 * MIB));
        // With just a mebibyte, there would be room for another one.
        while budget.held() <= MIB {
            std::thread::sleep(RETRY / 10);
        }
        let account = budget.account();
        let mut other = account.hold();
        // There is room once the received bytes, of which the last may just have arrived, are old
        // enough on average.
        while other.resize(&account, MIB).is_err() {
            std::thread::sleep(RETRY / 10);
        }
        assert!(matches!(receive.join().unwrap(), Err(RecvError::Evicted)));

        // The same for a thread that waits for its peer to read.
        drop(other);
        let _deaf = std::net::TcpStream::connect(address).unwrap();
        let mut local: crate::blocking::Connection<Vec<u8>> = listener.accept().unwrap();
        let mut tight = account.hold();
        tight.resize(&account, 2 * MIB).unwrap();
        let sent = local.send(&vec![7; 16 * MIB]);
        assert!(matches!(sent, Err(SendError::Evicted)), "{sent:?}");
        assert!(matches!(local.send(&vec![7]), Err(SendError::Broken)));
    }
}
