use std::task::Waker;

use futures_util::task::noop_waker_ref;
use tokio::time::advance;

use super::*;

const KIB: usize = 1 << 10;

/// Returns an account and a hold with `bytes` counted bytes.
fn holds(budget: &Budget, bytes: usize) -> Result<(Account, Hold), NoRoom> {
    let account = budget.account();
    let mut hold = account.hold();
    hold.resize(&account, Budget::FREE + bytes)?;
    Ok((account, hold))
}

async fn seconds(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_bytes_are_free_and_allocate_nothing() {
    let budget = Budget::new(0);
    let all: Vec<_> = (0..100).map(|_| holds(&budget, 0).unwrap()).collect();
    assert!(all.iter().all(|(account, _)| account.entry.get().is_none()));
    assert_eq!(holds(&budget, 1).unwrap_err(), NoRoom);
    let (account, hold) = holds(&budget, 0).unwrap();
    let bytes = Bytes::from(vec![1; KIB]);
    assert_eq!(hold.attach(bytes.clone()).as_ptr(), bytes.as_ptr());
    let mut cx = Context::from_waker(noop_waker_ref());
    assert!(account.poll_evicted(&mut cx).is_pending());
}

#[tokio::test(start_paused = true)]
async fn holds_share_the_budget_and_release_their_bytes() {
    let budget = Budget::new(1000);
    let (account, mut one) = holds(&budget, 600).unwrap();
    one.resize(&account, Budget::FREE + 700).unwrap();
    one.resize(&account, Budget::FREE + 100).unwrap();
    let mut other = account.hold();
    other.resize(&account, Budget::FREE + 900).unwrap();
    assert_eq!((budget.held(), other.counted()), (1000, 900));
    assert_eq!(other.resize(&account, Budget::FREE + 901), Err(NoRoom));
    assert_eq!(other.counted(), 900, "the size is unchanged");
    drop(one);
    other.resize(&account, Budget::FREE + 1000).unwrap();
    other.resize(&account, 0).unwrap();
    assert_eq!(budget.held(), 0);
    drop((other, account));
    assert_eq!(budget.0.ledger().records.len(), 0);
    assert_eq!(budget.clone().0.ledger().evicted, 0);
}

#[tokio::test(start_paused = true)]
async fn attached_bytes_keep_their_hold_until_the_last_slice_is_dropped() {
    let budget = Budget::new(1000);
    let (_account, hold) = holds(&budget, 600).unwrap();
    let bytes = hold.attach(Bytes::from_static(b"a reply"));
    let slice = bytes.slice(2..);
    drop(bytes);
    assert_eq!((budget.held(), slice.as_ref()), (600, &b"reply"[..]));
    drop(slice);
    assert_eq!(budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_connection_with_the_most_bytes_for_the_longest_is_evicted() {
    let budget = Budget::new(1000);
    let long = holds(&budget, 100).unwrap();
    seconds(10).await;
    let most = holds(&budget, 500).unwrap();
    seconds(3).await;
    let fresh = holds(&budget, 400).unwrap();
    let new = holds(&budget, 100).unwrap();
    assert!(most.0.is_evicted(), "500 bytes for 3 s");
    assert!(!long.0.is_evicted() && !fresh.0.is_evicted());
    assert_eq!(budget.held(), 600, "its bytes are available at once");
    drop(most);
    // 400 bytes are free; after those, the next connection is evicted.
    let last = holds(&budget, 400).unwrap();
    assert!(!long.0.is_evicted());
    let another = holds(&budget, 50).unwrap();
    assert!(long.0.is_evicted());
    drop((long, fresh, new, last, another));
    let ledger = budget.0.ledger();
    assert_eq!((ledger.held, ledger.evicted), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_new_holds_refuses_the_next() {
    let budget = Budget::new(1000);
    let burst: Vec<_> = (0..10).map(|_| holds(&budget, 100).unwrap()).collect();
    advance(Budget::GRACE - Duration::from_nanos(1)).await;
    assert!(holds(&budget, 1).is_err());
    assert!(burst.iter().all(|(account, _)| !account.is_evicted()));
    advance(Duration::from_nanos(1)).await;
    let new = holds(&budget, 150).unwrap();
    let evicted = burst.iter().filter(|(account, _)| account.is_evicted());
    assert_eq!(evicted.count(), 2, "no more than needed");
    // The other eight hold 800 bytes, too few for either.
    assert!(holds(&budget, 901).is_err());
    assert!(holds(&budget, 1001).is_err());
    drop(new);
}

#[tokio::test(start_paused = true)]
async fn the_connection_with_the_most_bytes_for_the_longest_evicts_no_other() {
    let budget = Budget::new(1000);
    let (account, mut hold) = holds(&budget, 900).unwrap();
    seconds(5).await;
    let (other, _hold) = holds(&budget, 100).unwrap();
    seconds(5).await;
    assert_eq!(hold.resize(&account, Budget::FREE + 901), Err(NoRoom));
    assert!(!account.is_evicted() && !other.is_evicted());
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_drained_and_refilled_stays_young() {
    let budget = Budget::new(1000);
    let (busy, mut queue) = holds(&budget, 600).unwrap();
    let (stuck, _stuck) = holds(&budget, 200).unwrap();
    for _ in 0..1000 {
        // Each byte stays for 6 seconds on average.
        seconds(1).await;
        queue.resize(&busy, Budget::FREE + 500).unwrap();
        queue.resize(&busy, Budget::FREE + 600).unwrap();
    }
    let _new = holds(&budget, 300).unwrap();
    assert!(stuck.is_evicted() && !busy.is_evicted());
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_records_replaced_bytes_stays_young() {
    let budget = Budget::new(1000);
    let (busy, mut queue) = holds(&budget, 600).unwrap();
    let (stuck, _stuck) = holds(&budget, 200).unwrap();
    for _ in 0..1000 {
        seconds(1).await;
        queue.replaced(100);
    }
    let _new = holds(&budget, 300).unwrap();
    assert!(stuck.is_evicted() && !busy.is_evicted());
    // A number above the counted bytes means all of them.
    queue.replaced(usize::MAX);
    assert_eq!(budget.0.ledger().records[&busy.entry().id].age, 0);
}

#[tokio::test(start_paused = true)]
async fn an_evicted_connection_is_woken_and_gets_no_more_bytes() {
    struct Count(std::sync::atomic::AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = Arc::new(Count(0.into()));
    let waker = Waker::from(Arc::clone(&count));
    let mut cx = Context::from_waker(&waker);
    let budget = Budget::new(1000);
    let (account, mut hold) = holds(&budget, 1000).unwrap();
    assert!(account.poll_evicted(&mut cx).is_pending());
    seconds(2).await;
    let new = holds(&budget, 500).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert!(account.poll_evicted(&mut cx).is_ready());
    // The bytes it still holds are room neither for others nor for itself.
    hold.resize(&account, Budget::FREE + 10).unwrap();
    assert_eq!(hold.resize(&account, Budget::FREE + 11), Err(NoRoom));
    assert_eq!((budget.held(), budget.0.ledger().evicted), (500, 10));
    drop((hold, new));
    assert!(account.is_evicted(), "eviction is final");
}

#[tokio::test(start_paused = true)]
async fn evicted_connections_that_keep_their_bytes_are_replaced_only_once() {
    let budget = Budget::new(1000);
    let mut all = Vec::new();
    for _ in 0..10 {
        all.extend(holds(&budget, 1000).ok());
        seconds(2).await;
    }
    assert_eq!(all.len(), 2, "twice the budget");
}

#[test]
fn faults_say_whether_the_call_ran() {
    assert!(NoRoom.of_request().kind().is_refusal());
    assert!(!NoRoom.of_reply().kind().is_refusal());
}
