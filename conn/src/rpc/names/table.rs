//! The names that are bound, within limits.

use std::collections::BTreeMap;
use std::sync::Weak;

use rpc_core::{Fault, FaultKind};
use tokio_util::sync::DropGuard;

use super::{Listing, Names};
use crate::rpc::remote::Remote;
use crate::rpc::session::{Lifeline, overloaded};

/// How many names there can be.
const MAX_NAMES: usize = 65_536;

/// How many of them one session can have bound.
const MAX_SESSION_NAMES: usize = 4096;

/// How many bytes a name may have.
const MAX_NAME: usize = 256;

/// How many bytes what is said about an object may have, keys and values together.
const MAX_METADATA: usize = 16 * 1024;

/// What an entry of that takes beyond its bytes.
const ENTRY_OVERHEAD: usize = 64;

/// How many bytes all names and what is said about their objects may have.
const MAX_BYTES: usize = 64 << 20;

/// Who bound a name.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    /// The program itself, through its registry.
    Program,
    Session(Weak<Lifeline>),
}

impl Owner {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Program, Self::Program) => true,
            (Self::Session(one), Self::Session(other)) => Weak::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Tells owners apart; an address is not used again while anyone has a weak reference.
    fn key(&self) -> usize {
        match self {
            Self::Program => 0,
            Self::Session(session) => session.as_ptr().addr(),
        }
    }
}

#[derive(Debug)]
pub(super) struct NameEntry {
    pub(super) object: Remote,
    metadata: BTreeMap<String, String>,
    owner: Owner,
    /// Which of all bindings it is.
    number: u64,
    cost: usize,
    /// Ends the task that waits for the object or the owner to go, which holds the object.
    _unbound: DropGuard,
}

/// A name that is to be bound.
pub(super) struct BindRequest {
    pub(super) name: String,
    pub(super) object: Remote,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) owner: Owner,
}

/// What becomes of a name that something has already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnConflict {
    Reject,
    /// It is replaced if the same session bound it.
    ReplaceOwn,
    Replace,
}

#[derive(Debug, Default)]
pub(super) struct NameTable {
    bound: BTreeMap<String, NameEntry>,
    /// How many names each owner has.
    owned: BTreeMap<usize, usize>,
    bytes: usize,
    bindings: u64,
}

impl NameTable {
    /// Binds a name. Gives the number of the binding, and what had the name before, which is to be dropped where
    /// nothing is locked.
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
            return Err(overloaded("there are too many names"));
        }
        let own = self.owned.get(&owner.key()).copied().unwrap_or_default();
        if own >= MAX_SESSION_NAMES && !same_owner {
            let message = format!("a session can have {MAX_SESSION_NAMES} names");
            return Err(overloaded(message));
        }
        if self.bytes - freed + cost > MAX_BYTES {
            return Err(overloaded("the names have too many bytes"));
        }
        let before = self.remove(&name);
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
        Ok((self.bindings, before))
    }

    pub(super) fn get(&self, name: &str) -> Result<&NameEntry, Fault> {
        let unknown = || Fault::new(Names::UNKNOWN, format!("there is no object `{name}`"));
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

    /// Takes a name away, if there is such; of another owner only where that is allowed.
    pub(super) fn unbind(
        &mut self,
        name: &str,
        owner: Option<&Owner>,
        others: bool,
    ) -> Result<Option<NameEntry>, Fault> {
        match self.bound.get(name) {
            Some(bound) if !others && !owner.is_some_and(|owner| bound.owner.is(owner)) => {
                Err(not_own(name))
            }
            _ => Ok(self.remove(name)),
        }
    }

    /// Takes a name away if it is still this binding.
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

/// What a name and what is said about its object take, if that is allowed.
fn cost(name: &str, metadata: &BTreeMap<String, String>) -> Result<usize, Fault> {
    if name.is_empty() || name.len() > MAX_NAME {
        let message = format!("a name has 1 to {MAX_NAME} bytes");
        return Err(Fault::invalid_params(message));
    }
    let metadata_len: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len() + ENTRY_OVERHEAD)
        .sum();
    if metadata_len > MAX_METADATA {
        let message = format!(
            "{metadata_len} bytes of metadata, {ENTRY_OVERHEAD} for each entry included, are over the limit of \
             {MAX_METADATA}"
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
    use rpc_core::service;
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
        // One that it has can be replaced, and there is room again when one goes.
        let guard = CancellationToken::new().drop_guard();
        let again = table.bind(binding("7".to_owned(), 0), OnConflict::ReplaceOwn, guard);
        assert!(again.unwrap().1.is_some());
        assert!(table.unbind("7", None, false).is_err());
        let gone = table.unbind("7", Some(&Owner::Program), false);
        assert!(gone.unwrap().is_some());
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
    fn many_short_entries_take_more_than_their_bytes() {
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
        assert_eq!(fault.message(), "there are too many names");
    }
}
