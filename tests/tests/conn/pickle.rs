//! Pickles exchanged with real Pythons.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use farcall::pickle::{Object, Pickle, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tests::{Python, pythons};

/// Returns the supported Pythons.
fn supported() -> Vec<Python> {
    let mut pythons = pythons();
    pythons.retain(|python| python.version >= (3, 6));
    pythons
}

/// Values of all types that plain programs use, as `VALUES`, a dict by name.
const VALUES: &str = r#"
import collections, datetime, decimal, enum, fractions, functools, operator, pathlib, pickle
import sys, types, uuid

class Plain:
    def __init__(self, x, y):
        self.x = x
        self.y = y
    def __eq__(self, other):
        return type(other) is Plain and vars(self) == vars(other)

class Empty:
    def __eq__(self, other):
        return type(other) is Empty

class Slotted:
    __slots__ = ('a', 'b')
    def __eq__(self, other):
        return type(other) is Slotted and (self.a, self.b) == (other.a, other.b)

class SlottedToo(Slotted):
    def __eq__(self, other):
        return type(other) is SlottedToo and vars(self) == vars(other) and self.a == other.a

class Stateful:
    def __init__(self):
        self.held = None
    def __getstate__(self):
        return ('state', 3)
    def __setstate__(self, state):
        self.held = state
    def __eq__(self, other):
        return type(other) is Stateful and other.held in (None, ('state', 3))

class Outer:
    class Inner:
        def __eq__(self, other):
            return type(other) is Outer.Inner

class Keywords:
    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self.made = (args, kwargs)
        return self
    def __getnewargs_ex__(self):
        return self.made
    def __eq__(self, other):
        return type(other) is Keywords and self.made == other.made

class MyList(list): pass
class MyDict(dict): pass
class MySet(set): pass
class MyStr(str): pass
class MyInt(int): pass
class MyTuple(tuple): pass
class MyError(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code

Named = collections.namedtuple('Named', 'first second')

class Colour(enum.Enum):
    RED = 1
    GREEN = 'green'

class Flag(enum.IntFlag):
    A = 1
    B = 2

def function(): pass

def with_attributes(instance, **attributes):
    for name, value in attributes.items():
        setattr(instance, name, value)
    return instance

shared = ['shared', {'list': True}]
long_text = 'long ' * 100
shared_bytes = bytearray(b'shared')
instance = Plain(shared, None)
ordered = collections.OrderedDict([('z', 1), ('a', 2)])
default = collections.defaultdict(int, {'x': 1})

VALUES = {
    'none': None, 'true': True, 'false': False,
    'ints': [sign * (2 ** bits + more) for bits in
             (0, 1, 7, 8, 15, 16, 31, 32, 62, 63, 64, 65, 127, 128, 500, 2039, 2040, 2048, 9000)
             for more in (-1, 0, 1) for sign in (1, -1)],
    'large': 10 ** 40, 'two_to_63': 2 ** 63,
    'floats': [0.0, 1.5, -2.25, 1e300, 5e-324, float('inf'), -float('inf'), 0.1],
    'nan': float('nan'), 'minus_zero': -0.0,
    'complex': [1 + 2j, complex(0.0, -0.0), complex(float('inf'), 1)],
    'texts': ['', 'a', 'it\'s "quoted"', '\x00\n', '\xe9', '\u20ac', '\U0001f600', 'x' * 255,
              'x' * 256, 'y' * 70000],
    'surrogates': ['\ud800', 'a\udc80b', '\udfff\ud800', '\ud83d\ude00', 'x' * 300 + '\udcff'],
    'bytes': [b'', b'a', bytes(range(256)), b'x' * 255, b'x' * 256, b'y' * 70000],
    'bytearrays': [bytearray(), bytearray(b'a'), bytearray(range(256)), bytearray(70000)],
    'tuples': [tuple(range(n)) for n in range(6)],
    'lists': [[], [1], [[[]]], [None] * 999, list(range(1001)), list(range(3000))],
    'dicts': [{}, {'a': 1}, {n: str(n) for n in range(2500)}, {'a': {'b': {'c': []}}}],
    'odd_keys': {(1, 'two'): 'tuple', None: 'none', 1.5: 'float', b'b': 'bytes', True: 'true',
                 frozenset([1]): 'frozenset', 2 ** 70: 'large', Colour.RED: 'member'},
    'sets': [set(), {1}, {'a', 'b', (1, 2)}, set(range(1500))],
    'frozensets': [frozenset(), frozenset([1]), frozenset(['a', frozenset([2])])],
    'ordered': ordered, 'empty_ordered': collections.OrderedDict(),
    'default': default, 'default_of_lists': collections.defaultdict(list, a=[1]),
    'no_default': collections.defaultdict(None, a=1),
    'deque': collections.deque([1, 'a', None]), 'bounded': collections.deque([1, 2], 5),
    'empty_deque': collections.deque(),
    'counter': collections.Counter('abracadabra'),
    'chain_map': collections.ChainMap({'a': 1}, {'b': 2}),
    'datetime': datetime.datetime(2024, 2, 29, 23, 59, 58, 123456),
    'aware': datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
    'offset': datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    'dates': [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(2000, 200 // 25, 7)],
    'time': datetime.time(12, 34, 56), 'delta': datetime.timedelta(-1, 2, 3),
    'decimals': [decimal.Decimal('3.14'), decimal.Decimal('Infinity'), decimal.Decimal('-0')],
    'fraction': fractions.Fraction(22, 7), 'uuid': uuid.UUID(int=2 ** 100 + 5),
    'path': pathlib.PurePosixPath('/usr/lib'),
    'ranges': [range(0), range(10), range(5, 100, 7), range(2 ** 70)],
    'singletons': [Ellipsis, NotImplemented], 'slices': [slice(None), slice(1, 2, 3)],
    'members': [Colour.RED, Colour.GREEN, Flag.A],
    'exceptions': [ValueError('no', 3), KeyError('k'), Exception(), OSError(2, 'gone'),
                   OSError(2, 'gone', 'file'), UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'why'),
                   MyError(7), with_attributes(ValueError('x'), extra=[1])],
    'named': Named(1, ['two']), 'plain': Plain(1, {'a': 'b'}), 'empty': Empty(),
    'slotted': with_attributes(Slotted(), a=1, b='two'),
    'slotted_too': with_attributes(SlottedToo(), a=1, b=2, c=3),
    'stateful': Stateful(), 'inner': Outer.Inner(), 'keywords': Keywords(1, two=2),
    'subclasses': [MyList([1, 2]), MyDict(a=1), MySet([1]), MyStr('s'), MyInt(5), MyTuple((1, 2)),
                   with_attributes(MyList([1]), extra=2)],
    'namespace': types.SimpleNamespace(a=1),
    'classes': [int, dict, ValueError, type(None), Plain, Outer.Inner, collections.OrderedDict],
    'functions': [len, print, function, operator.itemgetter, datetime.datetime.now],
    'shared': [shared, shared, (shared, {'again': shared})],
    'shared_texts': [long_text, long_text, {'key': long_text}],
    'shared_others': [shared_bytes, shared_bytes, instance, {'i': instance}, ordered, [ordered],
                      default, default],
    'partial': functools.partial(int, base=2), 'getter': operator.itemgetter(1, 'two'),
    'shared_keys': [{'name': n, 'other': str(n)} for n in range(100)],
}

def unpicklable(value, protocol):
    try:
        pickle.dumps(value, protocol)
    except Exception:
        return True
"#;

/// Prints every value in every protocol.
const WRITE: &str = r#"
for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
    for name, value in VALUES.items():
        # Some are beyond the older ones.
        if not unpicklable(value, protocol):
            print(name, protocol, pickle.dumps(value, protocol).hex())
"#;

/// Reads lines of names and pickles from the file in its argument, and compares them with the
/// values.
const COMPARE: &str = r#"
def same(a, b, seen):
    """Whether they are equal, of equal types, and share the same parts."""
    if (type(a), type(b)) != (type(b), type(a)):
        return False
    shares = (list, dict, set, bytearray, Plain, collections.OrderedDict, collections.deque)
    if isinstance(a, shares) or isinstance(a, str) and len(a) > 100:
        if id(a) in seen or id(b) in seen:
            return seen.get(id(a)) == id(b) and seen.get(id(b)) == id(a)
        seen[id(a)] = id(b)
        seen[id(b)] = id(a)
    if isinstance(a, float):
        return repr(a) == repr(b)
    if isinstance(a, complex):
        return repr(a) == repr(b)
    if isinstance(a, BaseException):
        return (same(a.args, b.args, seen) and vars(a) == vars(b)
                and (a.__class__ is not OSError or (a.errno, a.filename) == (b.errno, b.filename)))
    if isinstance(a, functools.partial):
        return (a.func, a.args, a.keywords) == (b.func, b.args, b.keywords)
    if isinstance(a, operator.itemgetter):
        return repr(a) == repr(b)
    if isinstance(a, collections.defaultdict) and a.default_factory is not b.default_factory:
        return False
    if isinstance(a, collections.deque) and a.maxlen != b.maxlen:
        return False
    if isinstance(a, (list, tuple, collections.deque)):
        return len(a) == len(b) and all(same(c, d, seen) for c, d in zip(a, b)) \
            and getattr(a, '__dict__', 0) == getattr(b, '__dict__', 0)
    if isinstance(a, (dict, collections.OrderedDict)):
        return len(a) == len(b) and all(
            same(k, l, seen) and same(v, w, seen)
            for (k, v), (l, w) in zip(a.items(), b.items()))
    if isinstance(a, Plain):
        return same(vars(a), vars(b), seen)
    return a == b

compared = 0
for line in open(sys.argv[1]):
    name, protocol, pickled = line.split()
    pickled = bytes.fromhex(pickled)
    assert pickled[:2] == b'\x80\x04', name
    value = pickle.loads(pickled)
    assert same(value, VALUES[name], {}), (name, protocol, value, VALUES[name])
    compared += 1
print(compared)
"#;

#[test]
fn pickles_of_python_survive_a_round_trip() {
    for python in supported() {
        let written = python.run_text(&format!("{VALUES}{WRITE}"), &[]);
        let mut back = String::new();
        let mut names = BTreeMap::new();
        for line in written.lines() {
            let [name, protocol, pickled] = fields(line);
            let message = bytes(pickled);
            let value: Value = Pickle::default()
                .decode(&message)
                .unwrap_or_else(|error| panic!("{name}, protocol {protocol}: {error}"));
            let mut again = Vec::new();
            Pickle::default().encode(&value, &mut again).unwrap();
            let same: Value = Pickle::default().decode(&again).unwrap();
            assert!(same == value || name == "nan", "{name}: {value} and {same}");
            writeln!(back, "{name} {protocol} {}", hex(&again)).unwrap();
            *names.entry(name.to_owned()).or_insert(0) += 1;
        }
        assert!(names.len() >= 60, "{names:?}");
        assert!(names.values().all(|count| *count >= 2), "{names:?}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &back).unwrap();
        let path = file.path().to_str().unwrap();
        let compared = python.run_text(&format!("{VALUES}{COMPARE}"), &[path]);
        assert_eq!(compared.trim(), written.lines().count().to_string());
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Circle(f64),
    Line(i32, i32),
    Rectangle { width: u8, height: u8 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    nothing: (),
    absent: Option<u8>,
    truth: bool,
    number: i64,
    large: u64,
    huge: u128,
    low: i128,
    float: f64,
    text: String,
    letter: char,
    list: Vec<i32>,
    tuple: (u8, String, Vec<u8>, u8),
    map: BTreeMap<i32, String>,
    shapes: Vec<Shape>,
    many: Vec<u32>,
    extra: Value,
}

fn everything() -> Everything {
    Everything {
        nothing: (),
        absent: None,
        truth: true,
        number: -5_000_000_000,
        large: u64::MAX,
        huge: u128::MAX,
        low: i128::MIN,
        float: 0.1,
        text: "naïve 😀".to_owned(),
        letter: 'é',
        list: vec![0, 255, 256, 65_535, 65_536, -1, i32::MIN],
        tuple: (1, "two".to_owned(), vec![], 4),
        map: BTreeMap::from([(-1, "minus".to_owned()), (1, String::new())]),
        shapes: vec![
            Shape::Dot,
            Shape::Circle(1.5),
            Shape::Line(1, -2),
            Shape::Rectangle {
                width: 3,
                height: 4,
            },
        ],
        many: (0..2500).collect(),
        extra: Value::Set(vec![Value::Complex(1.0, -1.0)]),
    }
}

#[test]
fn rust_types_are_plain_values_in_python() {
    let program = r#"
import pickle, sys
value = pickle.loads(bytes.fromhex(open(sys.argv[1]).read()))
expected = {
    'nothing': None, 'absent': None, 'truth': True, 'number': -5000000000, 'large': 2**64 - 1,
    'huge': 2**128 - 1, 'low': -2**127, 'float': 0.1, 'text': 'na\xefve \U0001f600',
    'letter': '\xe9', 'list': [0, 255, 256, 65535, 65536, -1, -2**31],
    'tuple': (1, 'two', [], 4), 'map': {-1: 'minus', 1: ''},
    'shapes': ['Dot', {'Circle': 1.5}, {'Line': (1, -2)}, {'Rectangle': {'width': 3, 'height': 4}}],
    'many': list(range(2500)), 'extra': {1 - 1j},
}
assert value == expected, value
assert repr(value) == repr(expected), value
for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
    print(pickle.dumps(expected, protocol).hex())
"#;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), hex(&write(&Pickle::default(), &everything()))).unwrap();
    for python in supported() {
        let output = python.run_text(program, &[file.path().to_str().unwrap()]);
        for line in output.lines() {
            assert_eq!(read::<Everything>(&Pickle::default(), line), everything());
        }
        assert!(output.lines().count() >= 3);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i32, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Job {
    id: u32,
    at: Point,
    pairs: Vec<Pair>,
}

#[test]
fn mapped_structs_are_instances_in_python() {
    let program = r#"
import collections, pickle, sys

class Point:
    pass

class Slotted:
    __slots__ = ('x', 'y')

class Job:
    class Inner:
        pass

Pair = collections.namedtuple('Pair', 'number text')
Tuple = collections.namedtuple('Tuple', 'x y')

job = pickle.loads(bytes.fromhex(sys.argv[1]))
assert type(job) is Job.Inner and type(job.at) is Point
assert vars(job.at) == {'x': -1, 'y': 0.5}
assert job.id == 7 and job.pairs == [Pair(1, 'a'), Pair(2, 'b')]
assert [type(pair) for pair in job.pairs] == [Pair, Pair]

slotted = Slotted()
slotted.x, slotted.y = -1, 0.5
points = [job.at, slotted, Tuple(-1, 0.5), {'x': -1, 'y': 0.5}, collections.OrderedDict(x=-1, y=0.5)]
if sys.version_info >= (3, 10):
    import dataclasses
    @dataclasses.dataclass(frozen=True, slots=True)
    class Data:
        x: int
        y: float
    points.append(Data(-1, 0.5))
for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
    print(pickle.dumps((job, points), protocol).hex())
"#;
    let pickle = Pickle::default()
        .class("__main__.Point", "Point")
        .class("__main__.Slotted", "Point")
        .class("__main__.Tuple", "Point")
        .class("__main__.Data", "Point")
        .class("__main__.Pair", "Pair")
        .class("__main__:Job.Inner", "Job");
    let point = || Point { x: -1, y: 0.5 };
    let job = || Job {
        id: 7,
        at: point(),
        pairs: vec![Pair(1, "a".to_owned()), Pair(2, "b".to_owned())],
    };
    let message = hex(&write(&pickle, &job()));
    for python in supported() {
        let output = python.run_text(program, &[&message]);
        for line in output.lines() {
            let (same, points): (Job, Vec<Point>) = read(&pickle, line);
            assert_eq!(same, job());
            let expected = if python.version >= (3, 10) { 6 } else { 5 };
            assert_eq!(points.len(), expected);
            assert!(points.iter().all(|read| *read == point()));
            let unmapped = Pickle::default().decode::<(Job, Value)>(&bytes(line));
            let error = unmapped.unwrap_err().to_string();
            assert!(
                error.contains("an instance of __main__.Job.Inner"),
                "{error}"
            );
        }
        assert!(output.lines().count() >= 3);
    }
}

#[test]
fn values_made_in_rust_are_objects_in_python() {
    let program = r#"
import collections, pickle, sys
error, ordered, where, shared = pickle.loads(bytes.fromhex(sys.argv[1]))
assert type(error) is ValueError and error.args == ('no', 3)
assert type(ordered) is collections.OrderedDict and list(ordered) == ['z', 'a']
assert where is collections.deque
assert shared[0] is shared[1] and shared[0] == [1]
print('fine')
"#;
    let shared = Value::Shared(Value::from(vec![1]).into());
    let entries = [("z".into(), 1.into()), ("a".into(), 2.into())];
    let value = Value::Tuple(vec![
        Object::call("ValueError")
            .with_args(["no".into(), 3.into()])
            .into(),
        Object::call("collections.OrderedDict")
            .with_entries(entries)
            .into(),
        Value::Class("collections.deque".into()),
        vec![shared.clone(), shared].into(),
    ]);
    let message = hex(&write(&Pickle::default(), &value));
    for python in supported() {
        assert_eq!(python.run_text(program, &[&message]).trim(), "fine");
    }
}

/// The output of CPython 2.7.18 for the program below, as few machines have Python 2.
const PYTHON_2: [&str; 2] = [
    "80027d71012855096279746561727261797102635f5f6275696c74696e5f5f0a6279746561727261790a\
     71035802000000c3bf55076c6174696e2d318652710455037365747105635f5f6275696c74696e5f5f0a\
     7365740a71065d71074b01618552710855076f726465726564710963636f6c6c656374696f6e730a4f72\
     6465726564446963740a710a5d710b5d710c285501614b0165618552710d55057475706c65710e4b014b\
     0286710f5503696e74711049313039393531313632373737360a58040000007465787471115802000000\
     c3a95505666c6f61747112473ff8000000000000550372617771135501ff55046e6f6e6571144e55046c\
     69737471155d7116284b014b026555046c6f6e6771178a09000000000000000040550572616e67657118\
     635f5f6275696c74696e5f5f0a7872616e67650a71194b004b034b018752711a5503737472711b550361\
     6263711c55056572726f72711d63657863657074696f6e730a56616c75654572726f720a711e55026e6f\
     711f8571205271215505736d616c6c71224b01752e",
    "80027d71002855096279746561727261797101635f5f6275696c74696e5f5f0a6279746561727261790a\
     71025802000000c3bf710355076c6174696e2d31710486710552710655037365747107635f5f6275696c\
     74696e5f5f0a7365740a71085d71094b016185710a52710b55076f726465726564710c63636f6c6c6563\
     74696f6e730a4f726465726564446963740a710d5d710e5d710f2855016171104b016561857111527112\
     55057475706c6571134b014b028671145503696e74711549313039393531313632373737360a58040000\
     007465787471165802000000c3a971175505666c6f61747118473ff80000000000005503726177711955\
     01ff711a55046e6f6e65711b4e55046c697374711c5d711d284b014b026555046c6f6e67711e8a090000\
     00000000000040550572616e6765711f635f5f6275696c74696e5f5f0a7872616e67650a71204b004b03\
     4b01877121527122550373747271235503616263712455056572726f72712563657863657074696f6e73\
     0a56616c75654572726f720a712655026e6f71278571285271295505736d616c6c712a4b01752e",
];

#[test]
fn python_2_is_read() {
    let program = r#"
import collections, cPickle, pickle
value = {
    u'text': u'\xe9', 'str': 'abc', 'raw': '\xff', 'small': 1, 'int': 2**40, 'long': 2**70,
    'float': 1.5, 'none': None, 'list': [1, 2], 'tuple': (1, 2), 'set': set([1]),
    'ordered': collections.OrderedDict([('a', 1)]), 'error': ValueError('no'), 'range': xrange(3),
    'bytearray': bytearray(b'\xff'),
}
print(cPickle.dumps(value, 2).encode('hex'))
print(pickle.dumps(value, 2).encode('hex'))
"#;
    let mut all = pythons();
    all.retain(|python| python.version == (2, 7));
    let printed = all.iter().map(|python| python.run_text(program, &[]));
    for lines in printed.chain([PYTHON_2.join("\n")]) {
        assert_eq!(lines.lines().count(), 2);
        for line in lines.lines() {
            let value: Value = read(&Pickle::default(), line);
            assert_eq!(value["text"], "é");
            assert_eq!(value["raw"], Value::Bytes(vec![0xff]));
            assert_eq!(value["bytearray"], Value::ByteArray(vec![0xff]));
            assert_eq!(value["int"], 1_i64 << 40);
            assert_eq!(value["error"].to_string(), "ValueError('no')");
            assert_eq!(value["range"].to_string(), "range(0, 3, 1)");
            let strings: HashMap<String, Value> = read(&Pickle::default(), line);
            assert_eq!(strings.len(), 15);
        }
    }
}

fn write<T: Serialize>(pickle: &Pickle, value: &T) -> Vec<u8> {
    let mut message = Vec::new();
    pickle.encode(value, &mut message).unwrap();
    message
}

fn read<T: DeserializeOwned>(pickle: &Pickle, line: &str) -> T {
    let read = pickle.decode(&bytes(line));
    read.unwrap_or_else(|error| panic!("{error}"))
}

fn fields(line: &str) -> [&str; 3] {
    let fields: Vec<&str> = line.split(' ').collect();
    fields.try_into().unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.trim().as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
