//! Check for cycles and excessive depth, for pickles whose nodes are not a tree.

use super::error::{Error, ErrorKind};
use super::nodes::{Id, NodeArena};

/// State of a node in the depth-first search. In states above [`DONE`], the difference is the
/// number of levels of the node, including its own.
const UNSEEN: u16 = 0;
const OPEN: u16 = 1;
const DONE: u16 = 2;

/// Returns an error if a node contains itself, or if nodes are nested deeper than `max_depth`.
///
/// Decoding counts the depth too, but not the depth of shared values that were read before. Without
/// this check, shared values could be nested in each other, each of them shallow, and all together
/// as deep as the pickle is long.
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
                        return Err(Error::new(ErrorKind::Structure, at, text));
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

/// Creates the error for a value that is nested too deep.
pub(super) fn too_deep(at: usize, max_depth: u8) -> Error {
    let text = format!("the values are nested more than {max_depth} deep");
    Error::new(ErrorKind::Limit, at, text)
}
