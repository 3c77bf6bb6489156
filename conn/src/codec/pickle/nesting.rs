//! Cycles and depth, where the nodes of a pickle are not a tree.

use rpc_core::FormatErrorKind;

use super::error::Error;
use super::nodes::{Id, NodeArena};

/// Where a node is in the search. What is above [`DONE`] is how deep the node is.
const UNSEEN: u16 = 0;
const OPEN: u16 = 1;
const DONE: u16 = 2;

/// Makes sure that nothing contains itself, and that nothing is nested deeper than the limit.
///
/// Reading counts the depth too, but not that of what it has already read. Without this, a value could
/// be shared by one that is shared by one, and so on, each of them shallow, all together as deep as
/// the pickle is long.
pub(super) fn check(arena: &NodeArena<'_>, root: Id, max_depth: u8) -> Result<(), Error> {
    if !arena.shares_containers {
        return Ok(());
    }
    enum Visit {
        Enter(Id),
        Leave(Id),
    }
    let mut states = vec![UNSEEN; arena.nodes.len()];
    let mut visits = vec![Visit::Enter(root)];
    while let Some(visit) = visits.pop() {
        match visit {
            Visit::Enter(id) => {
                if !arena.data(id).is_container() {
                    continue;
                }
                match states[id as usize] {
                    UNSEEN => {
                        states[id as usize] = OPEN;
                        visits.push(Visit::Leave(id));
                        arena.each_part(id, |part| visits.push(Visit::Enter(part)));
                    }
                    OPEN => {
                        let text = format!("{} contains itself", arena.describe(id));
                        let at = arena.at(id);
                        return Err(Error::new(FormatErrorKind::Structure, at, text));
                    }
                    _ => {}
                }
            }
            Visit::Leave(id) => {
                let mut deepest = 0;
                arena.each_part(id, |part| {
                    deepest = deepest.max(states[part as usize].saturating_sub(DONE));
                });
                let depth = deepest + 1;
                if depth > u16::from(max_depth) {
                    return Err(too_deep(arena.at(id), max_depth));
                }
                states[id as usize] = DONE + depth;
            }
        }
    }
    Ok(())
}

/// The error of a value that is nested too deep.
pub(super) fn too_deep(at: usize, max_depth: u8) -> Error {
    let text = format!("the values are nested more than {max_depth} deep");
    Error::new(FormatErrorKind::Limit, at, text)
}
