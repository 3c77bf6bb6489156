//! A run: two hosts and the connection between them, random activity, and the checks.

use std::sync::{Arc, Weak};
use std::time::Duration;

use farcall_core::Budget;
use farcall_core::protocol::CallLimit;

use super::host::Host;
use super::run::Run;
use super::wire::Wire;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{SessionLimits, SessionStart};
use crate::rpc::session::settings::Settings;

/// Virtual time in which a drain ends: more than all timeouts together.
const DRAIN: Duration = Duration::from_secs(60);

/// Two hosts: a client, which may reconnect, and a server, which may keep the session meanwhile.
pub(super) struct World {
    run: Arc<Run>,
    hosts: [Host; 2],
    /// One from each host to the other.
    wires: [Wire; 2],
}

fn settings(run: &Run, name: &str) -> Arc<Settings> {
    let is_tight = run.chance(40);
    let up_to = |tight, roomy| 1 + run.below(if is_tight { tight } else { roomy });
    Arc::new(Settings {
        limits: SessionLimits {
            max_message: 1 << 20,
            max_calls: up_to(5, 60),
            max_streams: up_to(4, 60),
            max_objects: up_to(4, 60),
            window: up_to(2_000, 100_000),
        },
        max_backlog: up_to(3_000, 2_000_000),
        keepalive: Duration::from_secs(1),
        timeout: (!run.chance(15)).then_some(Duration::from_secs(3)),
        max_reply: 1 << 20,
        budget: run.chance(40).then(|| Budget::new(250 << 10)),
        lease: Duration::from_secs(if name == "server" {
            run.below(2) * 60
        } else {
            0
        }),
        reconnects: name == "client" && run.chance(50),
        sends_causes: run.chance(20),
        calls: run.chance(40).then(|| CallLimit::new(6)),
        layers: None,
    })
}

impl World {
    pub(super) fn new(run: &Arc<Run>) -> Self {
        let host = |name| Host::new(name, &settings(run, name), run);
        let mut world = Self {
            run: Arc::clone(run),
            hosts: [host("client"), host("server")],
            wires: Default::default(),
        };
        world.connect(SessionStart::New);
        world
    }

    fn connect(&mut self, start: SessionStart) {
        self.wires = Default::default();
        let hellos = [self.hosts[0].hello(start), self.hosts[1].hello(start)];
        let [client, server] = &mut self.hosts;
        client.connect(&hellos[1], start);
        server.connect(&hellos[0], start);
    }

    /// Runs it to its end.
    pub(super) fn run(mut self) {
        for _ in 0..60 + self.run.below(200) {
            let micros = [300, 20_000, 700_000][[0, 0, 0, 1, 1, 2][self.run.below(6) as usize]];
            self.run.advance(self.run.below(micros));
            self.disturb();
            for side in 0..2 {
                self.act(side);
                self.step(side, 3);
            }
        }
        self.settle();
    }

    /// The program of a host does something.
    fn act(&mut self, side: usize) {
        let run = &self.run;
        let host = &mut self.hosts[side];
        match run.below(400) {
            0..120 => {
                let caller = host.call(false);
                host.callers.extend(caller);
            }
            120..128 if !host.callers.is_empty() => {
                let index = run.below(host.callers.len() as u64) as usize;
                host.callers.swap_remove(index).cancel(run);
            }
            128..160 if !host.objects.is_empty() => {
                let index = run.below(host.objects.len() as u64) as usize;
                drop(host.objects.swap_remove(index));
            }
            160..168 if !host.readers.is_empty() => {
                let index = run.below(host.readers.len() as u64) as usize;
                drop(host.readers.swap_remove(index));
            }
            168 => host.close(),
            169 if run.chance(30) => host.drop_link(),
            170 if host.is_connected && run.chance(30) => host.misbehave(),
            _ => {}
        }
    }

    /// Something happens to the connection.
    fn disturb(&mut self) {
        let run = &self.run;
        match run.below(200) {
            0 => {
                run.event(|| "the connection is cut".to_owned());
                self.wires.iter_mut().for_each(|wire| wire.cut(run));
            }
            1..60 if !self.hosts[0].is_connected && !self.hosts[0].is_ended() => self.reconnect(),
            _ => {}
        }
    }

    /// The client connects again. The server may have forgotten the session.
    fn reconnect(&mut self) {
        let lost = Disconnected::broken(std::fmt::Error);
        self.hosts[1].disconnect(&lost);
        if !self.hosts[1].is_ended() && !self.run.chance(25) {
            return self.connect(SessionStart::Resumed);
        }
        let server = Host::new("server", &self.hosts[1].settings, &self.run);
        let former = std::mem::replace(&mut self.hosts[1], server);
        former
            .end
            .update(|state| state.end(&Disconnected::Forgotten));
        self.retire(former);
        self.connect(SessionStart::New);
    }

    /// A host does what it can, and reads up to `items` of each stream.
    fn step(&mut self, side: usize, items: u64) {
        let host = &mut self.hosts[side];
        host.poll();
        if self.run.chance(50) {
            host.read_streams(items);
        }
        let [first, second] = &mut self.wires;
        let (out, back) = match side {
            0 => (first, second),
            _ => (second, first),
        };
        if host.is_connected {
            host.write(out);
        }
        if host.is_connected {
            host.read(back, out);
        }
        if !host.is_connected {
            out.close();
            back.kill();
        }
        let violation = self.hosts[side].violation.take();
        if let Some(violation) = violation {
            let peer = &self.hosts[1 - side];
            assert!(peer.has_misbehaved, "the {} sent: {violation}", peer.name);
            self.run.ledger().count("violation");
        }
        self.check_limits(side);
    }

    fn check_limits(&self, side: usize) {
        let host = &self.hosts[side];
        let (own, peer) = (&host.settings.limits, &self.hosts[1 - side].settings.limits);
        let (stats, incoming, in_flight, held) = host.end.update(|state| {
            let calls = (state.incoming.len(), state.outgoing.in_flight());
            (state.stats(), calls.0, calls.1, state.held())
        });
        let name = host.name;
        assert!(
            incoming as u64 <= own.max_calls,
            "calls of the {name}: {incoming}"
        );
        assert!(
            in_flight as u64 <= peer.max_calls,
            "calls in flight: {in_flight}"
        );
        assert!(
            stats.imported_objects as u64 <= own.max_objects,
            "{name}: {stats:?}"
        );
        let exported = stats.exported_objects as u64;
        assert!(
            exported <= own.max_objects.min(peer.max_objects),
            "{name}: {stats:?}"
        );
        let streams = own.max_streams + own.max_streams.min(peer.max_streams);
        assert!(stats.streams as u64 <= streams, "{name}: {stats:?}");
        // Half a megabyte: the outbox, and a message or two.
        let backlog = host.settings.max_backlog + (1 << 19);
        assert!(
            held.backlog <= backlog,
            "{name}: {} bytes wait",
            held.backlog
        );
        if let Some(budget) = &host.settings.budget {
            assert!(budget.held() <= budget.bytes(), "{name}: {budget:?}");
        }
    }

    /// The sessions close, one way or another. Nothing may be left of them.
    fn settle(mut self) {
        self.run.event(|| "the run settles".to_owned());
        match self.run.below(4) {
            0 => self.hosts[0].close(),
            1 => self.hosts[1].close(),
            2 => self.hosts.iter().for_each(Host::close),
            _ => self.hosts.iter_mut().for_each(Host::drop_link),
        }
        // Only the last link closes a session: calls and objects have one, too.
        let until = self.run.passed() + DRAIN;
        while self.hosts.iter().any(|host| host.is_connected) {
            self.run.advance(1 + self.run.below(100_000));
            for side in 0..2 {
                self.hosts[side].objects.clear();
                self.step(side, u64::MAX);
            }
            let is_late = self.run.passed() > until;
            assert!(!is_late, "the drain does not end: {}", self.describe());
        }
        let Self { run, hosts, .. } = self;
        for host in hosts {
            host.close();
            Self::retire_in(&run, host);
        }
        run.ledger().check_all_ended();
    }

    fn retire(&self, host: Host) {
        Self::retire_in(&self.run, host);
    }

    /// Checks that nothing is left of a host whose session has ended.
    fn retire_in(run: &Run, mut host: Host) {
        let name = host.name;
        assert!(host.is_ended(), "the session of the {name} has not ended");
        host.link = None;
        host.poll();
        assert_eq!(
            host.callers.len(),
            0,
            "calls of the {name} wait for an ended session"
        );
        host.read_streams(u64::MAX);
        assert_eq!(
            host.readers.len(),
            0,
            "streams of the {name} wait for an ended session"
        );
        // Calls that do not notice that they are cancelled.
        while !host.handlers.is_empty() {
            run.advance(50_000);
            host.poll();
        }
        host.objects.clear();
        host.poll();
        let left = host.end.update(|state| {
            let held = state.held();
            let sum = held.unprocessed + held.backlog + state.incoming.dependents_cost();
            (
                state.stats(),
                sum,
                state.has_output(),
                state.account.is_used(),
            )
        });
        assert_eq!(left, Default::default(), "left of the {name}");
        assert!(
            host.passed
                .iter()
                .all(|object| Weak::strong_count(object) == 0)
        );
        if let Some(calls) = &host.settings.calls {
            assert_eq!(calls.running(), 0, "calls of the {name} that run");
        }
        if let Some(budget) = &host.settings.budget {
            assert_eq!(budget.held(), 0, "budget of the {name}");
        }
    }

    fn describe(&self) -> String {
        let hosts = self.hosts.iter();
        let hosts = hosts.map(|host| {
            host.end.update(|state| {
                let (stats, in_flight) = (state.stats(), state.outgoing.in_flight());
                let (backlog, can_read) = (state.outbox.backlog(), state.can_read());
                let is_closed = state.is_closed(true);
                format!(
                    "{}: connected {}, {stats:?}, {in_flight} in flight, backlog {backlog}, reads \
                     {can_read}, closed {is_closed}",
                    host.name, host.is_connected
                )
            })
        });
        hosts.collect::<Vec<_>>().join("; ")
    }
}
