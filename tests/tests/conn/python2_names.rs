//! The names of Python 2 in pickles of protocol 2, against the table of CPython.

use farcall::pickle::{Pickle, Value};
use tests::pythons;

/// Prints each name of Python 2, and the module and the name by which Python 3 looks it up.
const TABLE: &str = "
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
names = dict(NAME_MAPPING)
names.update(((module, 'any'), (new, 'any')) for module, new in IMPORT_MAPPING.items())
for old, new in names.items():
    print(*old, *new)
";

#[test]
fn names_of_python_2_are_those_of_python_3() {
    let python = pythons().pop().unwrap();
    let table = python.run_text(TABLE, &[]);
    let mut count = 0;
    for line in table.lines() {
        let [module, name, new_module, new_name] = *line.split(' ').collect::<Vec<_>>() else {
            panic!("four words: {line}");
        };
        let pickle = |protocol, module, name| format!("{protocol}c{module}\n{name}\n.");
        let old = pickle("\u{2}", module, name);
        let old = [b"\x80", old.as_bytes()].concat();
        // Protocol 3 does not translate names.
        let new = [b"\x80", pickle("\u{3}", new_module, new_name).as_bytes()].concat();
        let decode = |message: &[u8]| Pickle::default().decode::<Value>(message).unwrap();
        assert_eq!(decode(&old), decode(&new), "{line}");
        count += 1;
    }
    assert!(count > 100, "{count} names");
}
