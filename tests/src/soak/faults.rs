//! Clients behind the fault-injecting relay.

use std::sync::Arc;
use std::time::Duration;

use farcall::Execution;
use fastrand::Rng;

use super::{Run, add};
use crate::faulty::{Direction, Fault, Pace, Plan};
use crate::protocol::{Outcome, Protocol, call};

/// The average pause after a call.
const PAUSE: Duration = Duration::from_millis(20);

/// The deadline of the calls.
const DEADLINE: Duration = Duration::from_secs(1);

/// The time by which a call may exceed its deadline on a busy machine.
const SLACK: Duration = Duration::from_secs(60);

/// The approximate length of the longest call in bytes: faults are injected before it.
const END: u64 = 320;

/// The protocols that make a single call per connection, so that the fault hits it.
const PROTOCOLS: [Protocol; 6] = [
    Protocol::XmlRpc,
    Protocol::XmlRpcBlocking,
    Protocol::XmlRpcUnix,
    Protocol::Rpc,
    Protocol::RpcReconnecting,
    Protocol::RpcIdempotent,
];

fn plan(random: &mut Rng) -> Plan {
    let fault = match random.u8(0..6) {
        0 => Fault::Close,
        1 => Fault::Reset,
        2 => Fault::HalfClose,
        3 => Fault::Stall,
        4 => Fault::Flip(random.u8(0..8)),
        _ => return Plan::pace(Pace::Random(random.u64(..), 100, Duration::from_millis(10))),
    };
    let direction = if random.bool() {
        Direction::Up
    } else {
        Direction::Down
    };
    Plan::fault(direction, random.u64(0..END), fault)
}

/// Makes calls until the run ends.
pub(super) async fn call_on(run: Arc<Run>, mut random: Rng) {
    let honest = farcall::xmlrpc::Client::new(&run.site.victim.url()).expect("a URL");
    while run.next_round(&mut random, PAUSE).await {
        let protocol = PROTOCOLS[random.usize(0..PROTOCOLS.len())];
        let plan = plan(&mut random);
        let name = format!("{:012x}", random.u64(..1 << 48));
        let outcome = call(&run.site, protocol, plan.clone(), &name, DEADLINE).await;
        add(&run.counts.faulty, 1);
        add(&run.counts.faults, outcome.faults);
        match honest.call("ledger.take", (&name,)).await {
            Ok(runs) if is_truthful(protocol, &plan, &name, &outcome, runs) => {}
            Ok(runs) => run.fail(format!("{protocol:?}, {plan:?}: {runs} runs, {outcome:?}")),
            Err(error) => run.fail(format!("an honest call after {plan:?}: {error:?}")),
        }
    }
}

/// Returns `true` if the outcome that the caller received is truthful and in time.
fn is_truthful(protocol: Protocol, plan: &Plan, name: &str, outcome: &Outcome, runs: u64) -> bool {
    let is_flip = |fault: Option<(u64, Fault)>| matches!(fault, Some((_, Fault::Flip(_))));
    let is_altered = is_flip(plan.up.fault) || is_flip(plan.down.fault);
    let is_consistent = match &outcome.result {
        // A flipped bit may turn it into another call or another reply.
        _ if is_altered => true,
        Ok(answer) => answer == name && runs >= 1,
        Err((Execution::Never, _)) => runs == 0,
        Err((execution, _)) => *execution == Execution::Maybe,
    };
    let is_once = runs <= 1 || protocol == Protocol::RpcIdempotent;
    is_consistent && is_once && outcome.elapsed < DEADLINE + SLACK
}
