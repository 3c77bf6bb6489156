//! The objects of a server, and the references to them.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use farcall_core::transport::Peer;
use farcall_pickle::{Pickle, RawValue, Value};
use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::options::ManagerOptions;
use crate::managers::object::{Raises, Reference, SharedObject, Stored, StoredGuard, lock};
use crate::managers::wire::{Exception, ProxyValue, each_proxy, may_contain_proxies};

/// Bytes that a value counts for besides its own: what the memory around it takes.
const OVERHEAD: usize = 128;

/// Maximum number of machines that are remembered for the references of an object. One with
/// references from more of them is kept while any of these is connected.
const MAX_HOSTS: usize = 16;

/// Maximum bytes of the text of an object in `debug_info`, as in CPython.
const MAX_SHOWN: usize = 75;

/// The holder of references, as far as connections tell: a process of this machine, or a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Host {
    Machine(IpAddr),
    Process(i32),
    Unknown,
}

impl From<&Peer> for Host {
    fn from(peer: &Peer) -> Self {
        match peer {
            Peer::Unix(Some(credentials)) => credentials.pid.map_or(Self::Unknown, Self::Process),
            peer => peer.ip().map_or(Self::Unknown, Self::Machine),
        }
    }
}

/// The ids of objects that a connection has used.
pub(super) type UsedIds = HashSet<String, RandomState>;

/// An object as a connection uses it.
pub(super) struct Found {
    pub(super) typeid: Arc<str>,
    pub(super) object: Arc<dyn SharedObject>,
    pub(super) exposed: Arc<[String]>,
}

/// All objects by their ids.
pub(crate) struct Table {
    state: Mutex<TableState>,
    value_bytes: AtomicUsize,
    options: ManagerOptions,
    own: Weak<Self>,
}

#[derive(Default)]
struct TableState {
    /// Clients look ids up, and cannot choose those that are in it: a fast hash is enough.
    entries: HashMap<String, Entry, RandomState>,
    /// The ids of objects, by their addresses.
    idents: HashMap<usize, String>,
    /// The number of accepted connections of each host.
    hosts: HashMap<Host, usize>,
}

struct Entry {
    typeid: Arc<str>,
    object: Arc<dyn SharedObject>,
    exposed: Arc<[String]>,
    /// References of clients.
    references: u32,
    /// References out of values that objects hold.
    held: u32,
    /// Accepted connections that have used the object and are open.
    users: u32,
    /// `true` if the program keeps the object.
    is_permanent: bool,
    hosts: Vec<Host>,
    seen: Instant,
}

fn address_of(object: &Arc<dyn SharedObject>) -> usize {
    Arc::as_ptr(object).cast::<()>().addr()
}

fn unknown(ident: &str) -> Exception {
    let shown: String = ident.chars().take(40).collect();
    Exception::new("KeyError").with_args([shown.into()])
}

impl Table {
    pub(super) fn new(options: ManagerOptions) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            state: Mutex::default(),
            value_bytes: AtomicUsize::new(0),
            options,
            own: own.clone(),
        })
    }

    /// Adds an object, or finds it if it is known, and counts references of this host. Returns its
    /// id and the names of its methods.
    pub(super) fn insert(
        &self,
        typeid: &str,
        object: &Arc<dyn SharedObject>,
        references: u32,
        host: Option<Host>,
    ) -> Raises<(String, Arc<[String]>)> {
        let exposed: Arc<[String]> = object.exposed().into();
        let mut state = lock(&self.state);
        let state = &mut *state;
        let known = state.idents.get(&address_of(object)).cloned();
        let ident = match known {
            Some(ident) => ident,
            None => {
                if state.entries.len() >= self.options.max_objects {
                    let text = "the manager has its maximum number of objects";
                    return Err(Exception::with_text("MemoryError", text));
                }
                let ident = new_ident(&state.entries)?;
                state.idents.insert(address_of(object), ident.clone());
                ident
            }
        };
        let entry = state.entries.entry(ident.clone()).or_insert_with(|| Entry {
            typeid: typeid.into(),
            object: Arc::clone(object),
            exposed,
            references: 0,
            held: 0,
            users: 0,
            is_permanent: false,
            hosts: Vec::new(),
            seen: Instant::now(),
        });
        entry.references = entry.references.saturating_add(references);
        entry.see(host);
        Ok((ident, Arc::clone(&entry.exposed)))
    }

    /// Keeps an object for as long as the server exists.
    pub(super) fn insert_permanent(
        &self,
        typeid: &str,
        object: &Arc<dyn SharedObject>,
    ) -> Raises<()> {
        let (ident, _) = self.insert(typeid, object, 0, None)?;
        if let Some(entry) = lock(&self.state).entries.get_mut(&ident) {
            entry.is_permanent = true;
        }
        Ok(())
    }

    /// Returns an object. `used` are the objects that the connection has used.
    pub(super) fn find(&self, ident: &str, used: &mut UsedIds) -> Raises<Found> {
        let mut state = lock(&self.state);
        let entry = state.entries.get_mut(ident).ok_or_else(|| unknown(ident))?;
        if !used.contains(ident) {
            used.insert(ident.to_owned());
            entry.users += 1;
        }
        Ok(Found {
            typeid: Arc::clone(&entry.typeid),
            object: Arc::clone(&entry.object),
            exposed: Arc::clone(&entry.exposed),
        })
    }

    /// Ends a connection that has used these objects.
    pub(super) fn leave(&self, used: &UsedIds, host: Host, caller: u64) {
        let mut objects = Vec::new();
        {
            let mut state = lock(&self.state);
            for ident in used {
                if let Some(entry) = state.entries.get_mut(ident) {
                    entry.users = entry.users.saturating_sub(1);
                    entry.seen = Instant::now();
                    objects.push(Arc::clone(&entry.object));
                }
            }
            if let Some(count) = state.hosts.get_mut(&host) {
                *count -= 1;
                if *count == 0 {
                    state.hosts.remove(&host);
                }
            }
        }
        for object in objects {
            object.release(caller);
        }
    }

    /// Counts an accepted connection.
    pub(super) fn join(&self, host: Host) {
        *lock(&self.state).hosts.entry(host).or_default() += 1;
    }

    pub(super) fn incref(&self, ident: &str, host: Host) -> Raises<()> {
        let mut state = lock(&self.state);
        let entry = state.entries.get_mut(ident).ok_or_else(|| unknown(ident))?;
        entry.references = entry.references.saturating_add(1);
        entry.see(Some(host));
        Ok(())
    }

    pub(super) fn decref(&self, ident: &str) -> Raises<()> {
        let mut state = lock(&self.state);
        let entry = state.entries.get_mut(ident).ok_or_else(|| unknown(ident))?;
        entry.seen = Instant::now();
        match entry.references.checked_sub(1) {
            Some(left) => {
                entry.references = left;
                Ok(())
            }
            // As CPython does with an object that only values refer to.
            None if entry.held > 0 => Ok(()),
            None => Err(unknown(ident)),
        }
    }

    /// Returns the names of the methods of an object.
    pub(super) fn exposed(&self, ident: &str) -> Raises<Arc<[String]>> {
        let state = lock(&self.state);
        let entry = state.entries.get(ident).ok_or_else(|| unknown(ident))?;
        Ok(Arc::clone(&entry.exposed))
    }

    /// Returns the number of objects that clients have references to.
    pub(super) fn count(&self) -> usize {
        let state = lock(&self.state);
        let entries = state.entries.values();
        entries.filter(|entry| entry.references > 0).count()
    }

    /// Returns two lines for each object that clients have references to or the program shares, as
    /// CPython does, and further ones for its methods.
    pub(super) fn debug_info(&self) -> String {
        let mut shown: Vec<(String, u32, Arc<dyn SharedObject>)> = {
            let state = lock(&self.state);
            let entries = state.entries.iter();
            entries
                .filter(|(_, entry)| entry.references > 0 || entry.is_permanent)
                .map(|(ident, entry)| (ident.clone(), entry.references, Arc::clone(&entry.object)))
                .collect()
        };
        shown.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let mut text = String::new();
        for (ident, references, object) in shown {
            let separator = if text.is_empty() { "" } else { "\n" };
            let repr: String = object.repr().chars().take(MAX_SHOWN).collect();
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "{separator}  {ident}:       refcount={references}\n    {repr}"
            );
            for line in object.descriptions() {
                let _ = write!(text, "\n      {line}");
            }
        }
        text
    }

    /// Takes an argument into the budget, with references to the objects whose proxies are in it.
    pub(super) fn store(&self, pickle: &Pickle, raw: RawValue) -> Raises<Stored> {
        // Releases the bytes if it fails.
        let mut guard = ValueGuard {
            table: self.own.clone(),
            pickle: pickle.clone(),
            bytes: AtomicUsize::new(0),
            held: Vec::new(),
            is_whole: false,
        };
        guard.charge(raw.code().len() + OVERHEAD)?;
        if may_contain_proxies(&raw) {
            let value: Value = raw
                .decode(&pickle.clone().max_depth(255))
                .map_err(|error| Exception::with_text("ValueError", error.to_string()))?;
            guard.is_whole = ProxyValue::from_value(&value).is_some();
            let mut idents = Vec::new();
            each_proxy(&value, &mut |proxy| idents.push(proxy.token.ident));
            guard.held = idents.iter().filter_map(|ident| self.hold(ident)).collect();
        }
        Ok(Stored::new(raw, Some(Arc::new(guard))))
    }

    /// Returns a reference to an object, if it is one of this server. Ids are random, so those of
    /// other servers are told apart whatever name their address has.
    fn hold(&self, ident: &str) -> Option<HeldReference> {
        let mut state = lock(&self.state);
        let entry = state.entries.get_mut(ident)?;
        entry.held += 1;
        Some(HeldReference {
            table: self.own.clone(),
            ident: ident.to_owned(),
            object: Arc::clone(&entry.object),
        })
    }

    fn release(&self, ident: &str) {
        if let Some(entry) = lock(&self.state).entries.get_mut(ident) {
            entry.held = entry.held.saturating_sub(1);
            entry.seen = Instant::now();
        }
    }

    /// Removes objects that nobody refers to any more, and references of clients that have gone.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut dropped = Vec::new();
        {
            let mut state = lock(&self.state);
            let TableState {
                entries,
                idents,
                hosts,
            } = &mut *state;
            entries.retain(|_, entry| {
                if entry.is_abandoned(now, self.options.reference_grace, hosts) {
                    entry.references = 0;
                }
                let is_used = entry.is_permanent || entry.references > 0 || entry.held > 0;
                if is_used || now.duration_since(entry.seen) < self.options.linger {
                    return true;
                }
                idents.remove(&address_of(&entry.object));
                dropped.push(Arc::clone(&entry.object));
                false
            });
        }
        // Their values may hold references to other objects, which take the lock.
        drop(dropped);
    }
}

impl Entry {
    fn see(&mut self, host: Option<Host>) {
        self.seen = Instant::now();
        if let Some(host) = host
            && self.hosts.len() < MAX_HOSTS
            && !self.hosts.contains(&host)
        {
            self.hosts.push(host);
        }
    }

    /// Returns `true` if the clients that have references have all gone.
    fn is_abandoned(
        &self,
        now: Instant,
        grace: Option<Duration>,
        connected: &HashMap<Host, usize>,
    ) -> bool {
        let Some(grace) = grace else { return false };
        self.references > 0
            && self.users == 0
            && now.duration_since(self.seen) >= grace
            && !self.hosts.iter().any(|host| connected.contains_key(host))
    }
}

/// Returns an id that no other object has, and that nobody can guess.
fn new_ident(entries: &HashMap<String, Entry, RandomState>) -> Raises<String> {
    loop {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)
            .map_err(|error| Exception::with_text("OSError", error.to_string()))?;
        let ident = format!("{:016x}", u64::from_ne_bytes(bytes));
        if !entries.contains_key(&ident) {
            return Ok(ident);
        }
    }
}

/// The things that a stored value holds: its bytes in the budget, and its references.
struct ValueGuard {
    table: Weak<Table>,
    pickle: Pickle,
    bytes: AtomicUsize,
    held: Vec<HeldReference>,
    /// `true` if the whole value is a proxy.
    is_whole: bool,
}

impl StoredGuard for ValueGuard {
    fn referent(&self) -> Option<&Arc<dyn SharedObject>> {
        match &self.held[..] {
            [held] if self.is_whole => Some(held.object()),
            _ => None,
        }
    }

    fn charge(&self, bytes: usize) -> Raises<()> {
        let Some(table) = self.table.upgrade() else {
            return Ok(());
        };
        let held = &table.value_bytes;
        let max = table.options.max_value_bytes;
        let more = |total: usize| total.checked_add(bytes).filter(|total| *total <= max);
        match held.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => {
                self.bytes.fetch_add(bytes, Ordering::AcqRel);
                Ok(())
            }
            Err(_) => {
                let text = "the manager holds its maximum of values";
                Err(Exception::with_text("MemoryError", text))
            }
        }
    }

    fn store(&self, raw: RawValue) -> Raises<Stored> {
        match self.table.upgrade() {
            Some(table) => table.store(&self.pickle, raw),
            None => Ok(raw.into()),
        }
    }
}

impl Drop for ValueGuard {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table
                .value_bytes
                .fetch_sub(*self.bytes.get_mut(), Ordering::AcqRel);
        }
    }
}

struct HeldReference {
    table: Weak<Table>,
    ident: String,
    object: Arc<dyn SharedObject>,
}

impl Reference for HeldReference {
    fn object(&self) -> &Arc<dyn SharedObject> {
        &self.object
    }
}

impl Drop for HeldReference {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.release(&self.ident);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::managers::Dict;

    #[tokio::test(start_paused = true)]
    async fn the_references_of_a_client_that_has_gone_end_after_the_grace_time() {
        let options = ManagerOptions::default()
            .linger(Duration::from_secs(1))
            .reference_grace(Some(Duration::from_secs(5)));
        let table = Table::new(options);
        let object: Arc<dyn SharedObject> = Dict::new();
        let host = Host::Unknown;
        table.join(host);
        table.insert("dict", &object, 1, Some(host)).unwrap();
        let used = UsedIds::default();
        advance(Duration::from_secs(10)).await;
        table.sweep();
        assert_eq!(table.count(), 1);
        table.leave(&used, host, 1);
        table.sweep();
        assert_eq!(table.count(), 0);
    }
}
