//! Table of bound names, with its limits.

use std::collections::BTreeMap;
use std::sync::Weak;

use farcall_core::{Fault, FaultKind};
use tokio_util::sync::DropGuard;

use super::{Listing, Names};
use crate::rpc::error::overloaded;
use crate::rpc::remote::Remote;
use crate::rpc::session::SessionHandle;

/// Maximum number of names.
const MAX_NAMES: usize = 65_536;

/// Maximum number of names that one session can bind.
const MAX_SESSION_NAMES: usize = 4096;

/// Maximum length of a name, in bytes.
const MAX_NAME: usize = 256;

/// Maximum size of the metadata of a name, in bytes: keys, values, and [`ENTRY_OVERHEAD`] for each
/// entry.
const MAX_METADATA: usize = 16 * 1024;

/// Memory of a metadata entry beyond its key and value, in bytes.
const ENTRY_OVERHEAD: usize = 64;

/// Maximum size of all names and their metadata, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// Owner of a name.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    /// The program itself: the name was bound through its registry.
    Program,
    Session(Weak<SessionHandle>),
}

impl Owner {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Program, Self::Program) => true,
            (Self::Session(one), Self::Session(other)) => Weak::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Key that identifies the owner. The address of a session is unique, because a weak reference
    /// keeps its allocation from being reused.
    fn key(&self) -> usize {
        match self {
            Self::Program => 0,
            Self::Session(session) => session.as_ptr().addr(),
        }
    }
}

/// The names with which a caller may perform an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those that its own session bound.
    Own,
    All,
}

/// A bound name.
#[derive(Debug)]
pub(super) struct NameEntry {
    pub(super) object: Remote,
    metadata: BTreeMap<String, String>,
    owner: Owner,
    /// Number of the binding, unique in the table.
    number: u64,
    cost: usize,
    /// Stops the task that waits until the object or the owner is lost. The task holds the object.
    _unbound: DropGuard,
}

/// Request to bind a name.
pub(super) struct BindRequest {
    pub(super) name: String,
    pub(super) object: Remote,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) owner: Owner,
}

/// Policy for a name that is already taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnConflict {
    Reject,
    /// Replace the object if the same owner bound it.
    ReplaceOwn,
    Replace,
}

/// The bound names.
#[derive(Debug, Default)]
pub(super) struct NameTable {
    bound: BTreeMap<String, NameEntry>,
    /// Number of names of each owner.
    owned: BTreeMap<usize, usize>,
    bytes: usize,
    bindings: u64,
}

impl NameTable {
    /// Binds a name. Returns the number of the binding and the previous entry, which must be
    /// dropped outside the lock.
    pub(super) fn bind(
        &mut self,
        binding: BindRequest,
        on_conflict: OnConflict,
        unbound: DropGuard,
    ) -> Result<(u64, Option<NameEntry>), Fault> {
        let BindRequest {
            name,
            object,
            metadata,
            owner,
        } = binding;
        let cost = cost(&name, &metadata)?;
        let other = self.bound.get(&name);
        match (other, on_conflict) {
            (Some(_), OnConflict::Reject) => {
                let message = format!("the name `{name}` is taken");
                return Err(Fault::new(Names::TAKEN, message));
            }
            (Some(other), OnConflict::ReplaceOwn) if !other.owner.is(&owner) => {
                return Err(not_own(&name));
            }
            _ => {}
        }
        let (freed, same_owner) =
            other.map_or((0, false), |other| (other.cost, other.owner.is(&owner)));
        if other.is_none() && self.bound.len() >= MAX_NAMES {
            return Err(overloaded("too many names"));
        }
        let own = self.owned.get(&owner.key()).copied().unwrap_or_default();
        if own >= MAX_SESSION_NAMES && !same_owner {
            let message = format!("a session can bind at most {MAX_SESSION_NAMES} names");
            return Err(overloaded(message));
        }
        if self.bytes - freed + cost > MAX_BYTES {
            return Err(overloaded("names and metadata take too many bytes"));
        }
        let previous = self.remove(&name);
        self.bindings += 1;
        self.bytes += cost;
        *self.owned.entry(owner.key()).or_default() += 1;
        let bound = NameEntry {
            object,
            metadata,
            owner,
            number: self.bindings,
            cost,
            _unbound: unbound,
        };
        self.bound.insert(name, bound);
        Ok((self.bindings, previous))
    }

    pub(super) fn get(&self, name: &str) -> Result<&NameEntry, Fault> {
        let unknown = || {
            Fault::new(
                Names::UNKNOWN,
                format!("no object is bound to the name `{name}`"),
            )
        };
        self.bound.get(name).ok_or_else(unknown)
    }

    pub(super) fn list(&self, prefix: &str) -> Vec<Listing> {
        self.bound
            .range::<str, _>((
                std::ops::Bound::Included(prefix),
                std::ops::Bound::Unbounded,
            ))
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, bound)| Listing {
                name: name.clone(),
                metadata: bound.metadata.clone(),
            })
            .collect()
    }

    /// Unbinds a name, if it is bound and within `scope`.
    pub(super) fn unbind(
        &mut self,
        name: &str,
        owner: Option<&Owner>,
        scope: Scope,
    ) -> Result<Option<NameEntry>, Fault> {
        match self.bound.get(name) {
            Some(bound)
                if scope == Scope::Own && !owner.is_some_and(|owner| bound.owner.is(owner)) =>
            {
                Err(not_own(name))
            }
            _ => Ok(self.remove(name)),
        }
    }

    /// Removes a name if its binding is still the one with this number.
    pub(super) fn remove_binding(&mut self, name: &str, number: u64) -> Option<NameEntry> {
        let bound = self.bound.get(name)?;
        (bound.number == number).then(|| self.remove(name))?
    }

    fn remove(&mut self, name: &str) -> Option<NameEntry> {
        let bound = self.bound.remove(name)?;
        self.bytes -= bound.cost;
        let key = bound.owner.key();
        if let Some(own) = self.owned.get_mut(&key) {
            *own -= 1;
            if *own == 0 {
                self.owned.remove(&key);
            }
        }
        Some(bound)
    }
}

/// Returns the size of a name and its metadata in bytes.
///
/// # Errors
/// If one of them exceeds its limit.
fn cost(name: &str, metadata: &BTreeMap<String, String>) -> Result<usize, Fault> {
    if name.is_empty() || name.len() > MAX_NAME {
        let message = format!("a name must have 1 to {MAX_NAME} bytes");
        return Err(Fault::invalid_params(message));
    }
    let metadata_len: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len() + ENTRY_OVERHEAD)
        .sum();
    if metadata_len > MAX_METADATA {
        let message = format!(
            "the metadata has {metadata_len} bytes, including {ENTRY_OVERHEAD} for each entry, \
             over the limit of {MAX_METADATA}"
        );
        return Err(Fault::invalid_params(message));
    }
    Ok(name.len() + metadata_len)
}

fn not_own(name: &str) -> Fault {
    let message = format!("the name `{name}` was bound by another session");
    Fault::of(FaultKind::Denied, message)
}

#[cfg(test)]
mod tests {
    use farcall_core::service;
    use tokio_util::sync::CancellationToken;

    use super::*;

    struct TestObject;

    #[service]
    impl TestObject {
        pub fn nothing(&self) {}
    }

    fn binding(name: String, metadata_len: usize) -> BindRequest {
        BindRequest {
            name,
            object: Remote::new(TestObject),
            metadata: BTreeMap::from([(String::new(), "x".repeat(metadata_len))]),
            owner: Owner::Program,
        }
    }

    fn bind(table: &mut NameTable, name: String, metadata_len: usize) -> Result<(), Fault> {
        let guard = CancellationToken::new().drop_guard();
        let on_conflict = OnConflict::Reject;
        table
            .bind(binding(name, metadata_len), on_conflict, guard)
            .map(drop)
    }

    #[test]
    fn the_names_of_a_session_are_limited() {
        let mut table = NameTable::default();
        for n in 0..MAX_SESSION_NAMES {
            bind(&mut table, n.to_string(), 0).unwrap();
        }
        let fault = bind(&mut table, "one more".to_owned(), 0).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Overloaded);
        // A bound name can be replaced, and unbinding one makes room for another.
        let guard = CancellationToken::new().drop_guard();
        let again = table.bind(binding("7".to_owned(), 0), OnConflict::ReplaceOwn, guard);
        assert!(again.unwrap().1.is_some());
        assert!(table.unbind("7", None, Scope::Own).is_err());
        let removed = table.unbind("7", Some(&Owner::Program), Scope::Own);
        assert!(removed.unwrap().is_some());
        bind(&mut table, "one more".to_owned(), 0).unwrap();
    }

    #[test]
    fn the_bytes_of_all_names_are_limited() {
        let mut table = NameTable::default();
        let metadata_len = MAX_METADATA - ENTRY_OVERHEAD;
        assert!(bind(&mut table, "x".to_owned(), metadata_len + 1).is_err());
        table.bytes = MAX_BYTES - MAX_METADATA;
        let fault = bind(&mut table, "x".to_owned(), metadata_len).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Overloaded);
        bind(&mut table, "x".to_owned(), metadata_len - 1).unwrap();
        assert_eq!(table.bytes, MAX_BYTES);
        drop(table.remove("x"));
        assert_eq!(table.bytes, MAX_BYTES - MAX_METADATA);
    }

    #[test]
    fn a_name_and_its_metadata_may_have_exactly_their_limits() {
        let metadata = |length: usize| BTreeMap::from([(String::new(), "x".repeat(length))]);
        let (name, most) = ("x".repeat(MAX_NAME), MAX_METADATA - ENTRY_OVERHEAD);
        assert_eq!(cost(&name, &metadata(most)), Ok(MAX_NAME + MAX_METADATA));
        assert!(cost(&name, &metadata(most + 1)).is_err());
        assert!(cost(&(name + "x"), &BTreeMap::new()).is_err());
    }

    #[test]
    fn metadata_entries_count_their_overhead() {
        let entries = |n: usize| (0..n).map(|n| (format!("{n:03}"), String::new())).collect();
        assert!(cost("x", &entries(MAX_METADATA / (ENTRY_OVERHEAD + 3))).is_ok());
        assert!(cost("x", &entries(MAX_METADATA / (ENTRY_OVERHEAD + 3) + 1)).is_err());
    }

    #[test]
    fn the_number_of_names_is_limited() {
        let mut table = NameTable::default();
        for n in 0..MAX_NAMES {
            table.owned.clear();
            bind(&mut table, n.to_string(), 0).unwrap();
        }
        table.owned.clear();
        let fault = bind(&mut table, "x".to_owned(), 0).unwrap_err();
        assert_eq!(fault.message(), "too many names");
    }
}
