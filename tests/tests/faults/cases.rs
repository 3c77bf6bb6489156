//! Many calls with one injected fault each, and checks that hold for all of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use farcall::Execution;
use futures_util::StreamExt as _;
use tests::faulty::{Direction, Fault, Plan};

use tests::protocol::{Outcome, Protocol, Site, call};

/// The number of concurrent calls.
const AT_ONCE: usize = 96;

/// The time by which a call may exceed its deadline on a busy machine.
pub(crate) const SLACK: Duration = Duration::from_secs(15);

/// A call with an injected fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) protocol: Protocol,
    pub(crate) direction: Direction,
    /// The number of bytes before the fault.
    pub(crate) at: u64,
    pub(crate) fault: Fault,
}

impl Case {
    fn plan(self) -> Plan {
        Plan::fault(self.direction, self.at, self.fault)
    }
}

/// The result of a case.
pub(crate) struct CaseResult {
    pub(crate) case: Case,
    pub(crate) outcome: Outcome,
    name: String,
}

impl fmt::Debug for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.case, self.outcome)
    }
}

impl CaseResult {
    /// Returns `true` if the call returned its own name, as it does without a fault.
    pub(crate) fn is_answered(&self) -> bool {
        self.outcome.result.as_ref() == Ok(&self.name)
    }
}

/// Returns a unique name of constant length.
pub(crate) fn name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:012}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Returns a case with the fault before each byte of the call and of its reply, and one after the
/// last byte. The first byte after an earlier call on the connection is left out, as a fault there
/// would fail that call.
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

/// Runs all cases concurrently, each in a task of its own.
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

/// Makes the calls, with an honest call after each. None may exceed its deadline by more than
/// [`SLACK`].
pub(crate) async fn run(site: &Arc<Site>, cases: Vec<Case>, deadline: Duration) -> Vec<CaseResult> {
    let honest = farcall::xmlrpc::Client::new(&site.victim.url()).unwrap();
    each(cases, |case| {
        let (site, honest) = (Arc::clone(site), honest.clone());
        async move {
            let name = name();
            let outcome = call(&site, case.protocol, case.plan(), &name, deadline).await;
            assert!(outcome.elapsed < deadline + SLACK, "{case:?}: {outcome:?}");
            let sum: i64 = honest.call("add", (3, 5)).await.unwrap();
            assert_eq!(sum, 8, "after {case:?}");
            CaseResult {
                case,
                outcome,
                name,
            }
        }
    })
    .await
}

/// Checks that the server is healthy, and that its record matches the outcomes of the callers: no
/// call ran twice, and no call ran that its caller's error reports as not run. Prints a tally.
pub(crate) async fn check_truth(site: &Site, results: &[CaseResult]) {
    // The server has settled, so no call runs any more.
    site.victim
        .assert_well(&format!("{} faults", results.len()))
        .await;
    // Faults after the last byte of a call may not occur.
    let injected = results.iter().filter(|result| result.outcome.faults > 0);
    let injected = injected.count();
    assert!(injected * 10 >= results.len() * 9, "only {injected} faults");
    let honest = farcall::xmlrpc::Client::new(&site.victim.url()).unwrap();
    let runs: HashMap<String, u64> = honest.call("ledger.all", ()).await.unwrap();
    let mut tallies = HashMap::<_, Tally>::new();
    for result in results {
        let Case {
            protocol,
            direction,
            fault,
            ..
        } = result.case;
        let runs = runs.get(&result.name).copied().unwrap_or_default();
        let may_run_twice = protocol == Protocol::RpcIdempotent;
        assert!(runs <= 1 || may_run_twice, "{runs} runs: {result:?}");
        let tally = tallies.entry((protocol, direction, fault)).or_default();
        match &result.outcome.result {
            Ok(_) => {
                assert!(result.is_answered() && runs >= 1, "{runs} runs: {result:?}");
                tally.answered += 1;
            }
            Err((Execution::Never, _)) => {
                assert_eq!(runs, 0, "{result:?}");
                tally.never += 1;
            }
            Err((Execution::Maybe, _)) if runs == 0 => tally.maybe_needlessly += 1,
            Err((Execution::Maybe, _)) => tally.maybe += 1,
            Err((Execution::Completed, _)) => panic!("a partial reply was accepted: {result:?}"),
        }
    }
    for ((protocol, direction, fault), tally) in tallies {
        println!("{protocol:?}, {fault:?}, {direction:?}: {tally:?}");
    }
    println!("{} cases", results.len());
}

/// The number of callers by outcome.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    never: usize,
    maybe: usize,
    /// Calls that may have run according to the error, although they did not.
    maybe_needlessly: usize,
}
