//! Many calls, each with a fault of its own, and what is to be true of all of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use rpc_core::Execution;
use tests::faulty::{Direction, Fault, Plan};

use tests::protocol::{Outcome, Protocol, Site, call};

/// How many calls are under way at once.
const AT_ONCE: usize = 96;

/// How much longer than its deadline a call may take on a machine that is busy.
pub(crate) const SLACK: Duration = Duration::from_secs(15);

/// A call with a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) protocol: Protocol,
    pub(crate) direction: Direction,
    /// How many bytes go before the fault.
    pub(crate) at: u64,
    pub(crate) fault: Fault,
}

impl Case {
    fn plan(self) -> Plan {
        Plan::fault(self.direction, self.at, self.fault)
    }
}

/// A case, and what became of it.
pub(crate) struct Ended {
    pub(crate) case: Case,
    pub(crate) outcome: Outcome,
    name: String,
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.case, self.outcome)
    }
}

impl Ended {
    /// Whether the call gave its own name, as it does without a fault.
    pub(crate) fn is_answered(&self) -> bool {
        self.outcome.result.as_ref() == Ok(&self.name)
    }
}

/// A name of the same length as all others.
pub(crate) fn name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:012}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The fault before each byte of the call and of its answer, and behind the last. The first byte behind an
/// earlier call is left out, as that call would not survive it.
pub(crate) async fn at_every_byte(site: &Site, protocol: Protocol, fault: Fault) -> Vec<Case> {
    let harmless = call(site, protocol, Plan::default(), &name(), SLACK).await;
    assert!(harmless.result.is_ok(), "{protocol:?}: {harmless:?}");
    let mut cases = Vec::new();
    for direction in [Direction::Up, Direction::Down] {
        let before = harmless.before.of(direction);
        for at in before + u64::from(before > 0)..=harmless.after.of(direction) {
            cases.push(Case {
                protocol,
                direction,
                at,
                fault,
            });
        }
    }
    cases
}

/// Does something with each case, many at once, each in a task of its own.
pub(crate) async fn each<C, F>(
    cases: impl IntoIterator<Item = C>,
    mut run: impl FnMut(C) -> F,
) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks = cases.into_iter().map(|case| {
        let case = run(case);
        async { tokio::spawn(case).await.unwrap() }
    });
    let tasks = futures_util::stream::iter(tasks);
    tasks.buffer_unordered(AT_ONCE).collect().await
}

/// Makes the calls, and after each an honest one. Nothing takes longer than its deadline.
pub(crate) async fn run(site: &Arc<Site>, cases: Vec<Case>, deadline: Duration) -> Vec<Ended> {
    let honest = xmlrpc::Client::new(&site.victim.url()).unwrap();
    each(cases, |case| {
        let (site, honest) = (Arc::clone(site), honest.clone());
        async move {
            let name = name();
            let outcome = call(&site, case.protocol, case.plan(), &name, deadline).await;
            assert!(outcome.elapsed < deadline + SLACK, "{case:?}: {outcome:?}");
            let sum: i64 = honest.call("add", (3, 5)).await.unwrap();
            assert_eq!(sum, 8, "after {case:?}");
            Ended {
                case,
                outcome,
                name,
            }
        }
    })
    .await
}

/// Checks that the server is well, and that it and the callers agree: what ran did so once, and no caller is told
/// of a call that ran that it did not. Prints how much the callers know.
pub(crate) async fn check_truth(site: &Site, ended: &[Ended]) {
    // From here on nothing runs any more.
    site.victim
        .assert_well(&format!("{} faults", ended.len()))
        .await;
    // The calls met their faults, but for some of those behind the last byte.
    let met = ended.iter().filter(|ended| ended.outcome.faults > 0);
    let met = met.count();
    assert!(met * 10 >= ended.len() * 9, "{met} faults came about");
    let honest = xmlrpc::Client::new(&site.victim.url()).unwrap();
    let runs: HashMap<String, u64> = honest.call("ledger.all", ()).await.unwrap();
    let mut told = HashMap::<_, Told>::new();
    for ended in ended {
        let Case {
            protocol,
            direction,
            fault,
            ..
        } = ended.case;
        let runs = runs.get(&ended.name).copied().unwrap_or_default();
        let may_run_twice = protocol == Protocol::RpcIdempotent;
        assert!(runs <= 1 || may_run_twice, "{runs} runs: {ended:?}");
        let told = told.entry((protocol, direction, fault)).or_default();
        match &ended.outcome.result {
            Ok(_) => {
                assert!(ended.is_answered() && runs >= 1, "{runs} runs: {ended:?}");
                told.answered += 1;
            }
            Err((Execution::Never, _)) => {
                assert_eq!(runs, 0, "{ended:?}");
                told.never += 1;
            }
            Err((Execution::Maybe, _)) if runs == 0 => told.maybe_needlessly += 1,
            Err((Execution::Maybe, _)) => told.maybe += 1,
            Err((Execution::Completed, _)) => panic!("the answer is whole, or not: {ended:?}"),
        }
    }
    for ((protocol, direction, fault), told) in told {
        println!("{protocol:?}, {fault:?}, {direction:?}: {told:?}");
    }
    println!("{} cases", ended.len());
}

/// How many callers were told what.
#[derive(Debug, Default)]
struct Told {
    answered: usize,
    never: usize,
    maybe: usize,
    /// They were told that the call may have run, and it did not.
    maybe_needlessly: usize,
}
