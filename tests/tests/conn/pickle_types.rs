//! Python's types as Rust types, exchanged with every CPython in every protocol.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::{Debug, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use farcall::pickle;
use farcall::pickle::{
    Complex, Date, DateTime, Decimal, Exception, Fraction, IpInterface, IpNetwork, Path, PathClass,
    Pickle, Py, PythonType, Range, Slice, Time, TimeDelta, Uuid, Value, Zone,
};
use num_bigint::BigInt;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tests::{Python, hex, pythons, unhex};

fn supported() -> Vec<Python> {
    let mut pythons = pythons();
    pythons.retain(|python| python.version >= (3, 6));
    pythons
}

/// Classes and values of the tests, as `VALUES`, a dict by name.
const VALUES: &str = r#"
import array, collections, datetime, decimal, enum, fractions, ipaddress, pathlib, pickle, sys, uuid
from datetime import timedelta, timezone

class Order:
    def __init__(self, id=0, lines=()):
        self.id, self.lines = id, lines
    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)
    __hash__ = None

class Slotted:
    __slots__ = ('x', 'y')
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __eq__(self, other):
        return type(other) is Slotted and (self.x, self.y) == (other.x, other.y)

class Listed:
    """As a frozen dataclass with slots."""
    __slots__ = ('x', 'y')
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __getstate__(self):
        return [self.x, self.y]
    def __setstate__(self, state):
        self.x, self.y = state
    def __eq__(self, other):
        return type(other) is Listed and (self.x, self.y) == (other.x, other.y)

Pair = collections.namedtuple('Pair', 'number text')

class OutOfStock(Exception):
    def __init__(self, item, left):
        super().__init__(item, left)

class Outer:
    class Colour(enum.Enum):
        RED = 1
        GREEN = 'green'
        BLUE = -3

class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2

class Permissions(enum.IntFlag):
    READ = 1
    WRITE = 2

class Same:
    """Equality of exceptions, which Python has none of."""
    def __init__(self, error):
        self.error = error
    def __eq__(self, other):
        return type(self.error) is type(other) and self.error.args == other.args

one, two = timezone(timedelta(hours=1)), timezone(-timedelta(hours=2, minutes=30), 'odd')
VALUES = {
    'dates': [datetime.date(1, 1, 1), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31)],
    'times': [datetime.time(), datetime.time(23, 59, 58, 999999), datetime.time(1, 2, tzinfo=two)],
    'datetimes': [datetime.datetime(1, 1, 1), datetime.datetime(2024, 7, 1, 12, 30, 15, 250000),
                  datetime.datetime(2024, 7, 1, tzinfo=timezone.utc),
                  datetime.datetime(2024, 7, 1, 23, 5, tzinfo=one),
                  datetime.datetime(1969, 12, 31, 20, tzinfo=two)],
    'deltas': [timedelta(), timedelta(-1, 5, 7), timedelta(999999999, 86399, 999999),
               timedelta(-999999999)],
    'zones': [timezone.utc, one, two, timezone(timedelta(minutes=-1))],
    'decimals': [decimal.Decimal(text) for text in
                 ('3.14', '-0', 'Infinity', '-Infinity', 'NaN', 'sNaN12', '1E+1000', '0.' + '9' * 50)],
    'fractions': [fractions.Fraction(22, 7), fractions.Fraction(-1, 3), fractions.Fraction(2 ** 80)],
    'uuids': [uuid.UUID(int=0), uuid.UUID(int=2 ** 128 - 1), uuid.uuid5(uuid.NAMESPACE_DNS, 'x')],
    'paths': [pathlib.PurePosixPath('/usr/lib/x'), pathlib.PurePosixPath('a/b'),
              pathlib.PurePosixPath(), pathlib.Path('/tmp'), pathlib.PureWindowsPath('c:\\x\\y')],
    'addresses': [ipaddress.ip_address('192.0.2.1'), ipaddress.ip_address('2001:db8::1')],
    'networks': [ipaddress.ip_network('10.0.0.0/8'), ipaddress.ip_network('2001:db8::/32')],
    'interfaces': [ipaddress.ip_interface('10.1.2.3/8'), ipaddress.ip_interface('::1/128')],
    'complexes': [1 + 2j, complex(-0.5, 3)],
    'ranges': [range(0), range(5, 100, 7), range(10, 0, -1)],
    'slices': [slice(None), slice(1, 2, 3), slice(-1, None)],
    'big': [0, -1, 2 ** 64, -2 ** 200, 10 ** 100],
    'bytearray': bytearray(b'\x00\xff'), 'set': {1, 2, 3}, 'frozenset': frozenset(['a', 'b']),
    'deque': collections.deque([1, 2, 3]), 'ordered': collections.OrderedDict([('z', 1), ('a', 2)]),
    'counter': collections.Counter('abca'), 'tuple': (1, 2, 3, 4, 5), 'empty': collections.deque(),
    'order': Order(7, [Pair(1, 'one'), Pair(2, 'two')]), 'slotted': Slotted(1, -2),
    'listed': Listed(3, 4), 'called': Slotted(5, 6),
    'colours': [Outer.Colour.RED, Outer.Colour.GREEN, Outer.Colour.BLUE],
    'levels': [Level.LOW, Level.HIGH], 'permissions': Permissions.READ | Permissions.WRITE,
    'failures': [KeyError('colour'), OutOfStock('shoe', 3)],
    'error': ValueError('bad', 3), 'events': [Order(1, []), Slotted(1, 2)],
}
if sys.version_info >= (3, 9):
    import zoneinfo
    VALUES['zoned'] = [datetime.datetime(2024, 10, 27, 2, 30, fold=1,
                                         tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))]

def pickles(protocol):
    for name, value in VALUES.items():
        if protocol < 2 and name in ('slotted', 'called', 'events'):
            continue  # Python itself refuses slots there.
        if protocol < 4 and name == 'zoned':
            continue  # Without the fold.
        yield name, pickle.dumps(value, protocol)
"#;

const WRITE: &str = r"
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for name, message in pickles(protocol):
        print(name, protocol, message.hex())
";

/// Reads lines of names and pickles from the file in its argument, and compares them with the
/// values.
const COMPARE: &str = r#"
def same(a, b):
    if isinstance(a, BaseException):
        return Same(a) == b
    if type(a) is not type(b):
        return False
    if isinstance(a, decimal.Decimal):
        return str(a) == str(b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, datetime.datetime):
        return (repr(a), a.fold) == (repr(b), b.fold)
    return a == b and (not isinstance(a, dict) or list(a) == list(b))

compared = 0
for line in open(sys.argv[1]):
    name, protocol, message = line.split()
    value = pickle.loads(bytes.fromhex(message))
    assert same(VALUES[name], value), (name, protocol, value, VALUES[name])
    compared += 1
print(compared)
"#;

#[pickle(class = "__main__.Order")]
#[derive(Serialize, Deserialize, Debug)]
struct Order {
    id: u32,
    lines: Vec<Pair>,
}

#[pickle(class = "__main__.Pair")]
#[derive(Serialize, Deserialize, Debug)]
struct Pair(i32, String);

#[pickle(class = "__main__.Slotted", form = "slots")]
#[derive(Serialize, Deserialize, Debug)]
struct Slotted {
    x: i32,
    y: i32,
}

#[pickle(class = "__main__.Slotted", form = "call")]
#[derive(Serialize, Deserialize, Debug)]
struct Called {
    x: i32,
    y: i32,
}

#[pickle(class = "__main__.Listed", form = "fields")]
#[derive(Serialize, Deserialize, Debug)]
struct Listed {
    x: i32,
    y: i32,
}

#[pickle(class = "__main__:Outer.Colour")]
#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Colour {
    Red = 1,
    #[pickle(value = "green")]
    Green,
    Blue = -3,
}

#[pickle(class = "__main__.Level")]
#[derive(Serialize, Deserialize, Debug)]
enum Level {
    #[serde(rename = "LOW")]
    Low = 1,
    #[serde(rename = "HIGH")]
    High = 2,
}

#[pickle(class = "__main__.Permissions", form = "call")]
#[derive(Serialize, Deserialize, Debug)]
struct Permissions(u32);

#[pickle]
#[derive(Serialize, Deserialize, Debug)]
enum Failure {
    #[pickle(class = "KeyError", form = "call")]
    Key(String),
    #[pickle(class = "__main__.OutOfStock", form = "call")]
    OutOfStock { item: String, left: u32 },
}

#[pickle]
#[derive(Serialize, Deserialize, Debug)]
enum Event {
    #[pickle(class = "__main__.Order", form = "content")]
    Ordered(Order),
    #[pickle(class = "__main__.Slotted", form = "slots")]
    Moved { x: i32, y: i32 },
}

macro_rules! forms {
    ($($name:ident: $type:ty, $form:literal;)*) => {$(
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        struct $name(#[serde(with = $form)] $type);
    )*};
}

forms! {
    AsByteArray: Vec<u8>, "farcall::pickle::bytearray";
    AsSet: BTreeSet<i32>, "farcall::pickle::set";
    AsFrozenSet: BTreeSet<String>, "farcall::pickle::frozenset";
    AsDeque: VecDeque<i32>, "farcall::pickle::deque";
    AsOrderedDict: Entries, "farcall::pickle::ordered_dict";
    AsCounter: BTreeMap<char, u32>, "farcall::pickle::counter";
    AsTuple: Vec<u8>, "farcall::pickle::tuple";
}

/// A map that keeps its order.
struct Entries(Vec<(String, i32)>);

impl Serialize for Entries {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> serde::de::Visitor<'de> for EntriesVisitor {
            type Value = Entries;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// Decodes a message as a type, and encodes it again.
fn again<T: Serialize + DeserializeOwned>(message: &[u8]) -> Result<Vec<u8>, pickle::Error> {
    let pickle = Pickle::default();
    let value: T = pickle.decode(message)?;
    pickle.to_vec(&value)
}

/// Returns the types that a value of the tests is passed through.
fn round(name: &str, message: &[u8]) -> Vec<Result<Vec<u8>, pickle::Error>> {
    macro_rules! through {
        ($($type:ty),*) => { vec![$(again::<$type>(message)),*] };
    }
    match name {
        "dates" => through![
            Vec<Date>,
            Py<Vec<jiff::civil::Date>>,
            Py<Vec<chrono::NaiveDate>>,
            Py<Vec<time::Date>>
        ],
        "times" => through![Vec<Time>],
        "datetimes" => through![Vec<DateTime>],
        "deltas" => through![
            Vec<TimeDelta>,
            Py<Vec<jiff::SignedDuration>>,
            Py<Vec<time::Duration>>
        ],
        "zones" => through![Vec<Zone>],
        "zoned" => through![Vec<DateTime>, Py<Vec<jiff::Zoned>>],
        "decimals" => through![Vec<Decimal>],
        "fractions" => through![Vec<Fraction>],
        "uuids" => through![Vec<Uuid>, Py<Vec<uuid::Uuid>>],
        "paths" => through![Vec<Path>],
        "addresses" => through![Py<Vec<IpAddr>>, Vec<Value>],
        "networks" => through![Vec<IpNetwork>],
        "interfaces" => through![Vec<IpInterface>],
        "complexes" => through![Vec<Complex>],
        "ranges" => through![Vec<Range>],
        "slices" => through![Vec<Slice>],
        "big" => through![Py<Vec<BigInt>>],
        "bytearray" => through![AsByteArray],
        "set" => through![AsSet],
        "frozenset" => through![AsFrozenSet],
        "deque" | "empty" => through![AsDeque],
        "ordered" => through![AsOrderedDict],
        "counter" => through![AsCounter],
        "tuple" => through![AsTuple],
        "order" => through![Order],
        "slotted" => through![Slotted, Called],
        "called" => through![Called, Slotted],
        "listed" => through![Listed],
        "colours" => through![Vec<Colour>],
        "levels" => through![Vec<Level>],
        "permissions" => through![Permissions],
        "failures" => through![Vec<Failure>, Vec<Exception>],
        "error" => through![Exception],
        "events" => through![Vec<Event>],
        other => panic!("no type for {other}"),
    }
}

#[test]
fn pythons_types_pass_through_rust_types() {
    for python in supported() {
        let written = python.run_text(&format!("{VALUES}{WRITE}"), &[]);
        let mut back = String::new();
        for line in written.lines() {
            let [name, protocol, message] = fields(line);
            for passed in round(name, &unhex(message)) {
                let passed = passed.unwrap_or_else(|error| {
                    panic!("{name}, protocol {protocol}, {:?}: {error}", python.version)
                });
                writeln!(back, "{name} {protocol} {}", hex(&passed)).unwrap();
            }
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &back).unwrap();
        let path = file.path().to_str().unwrap();
        let compared = python.run_text(&format!("{VALUES}{COMPARE}"), &[path]);
        assert_eq!(compared.trim(), back.lines().count().to_string());
        let values = written.lines().filter(|line| line.contains(" 4 ")).count();
        assert!(values >= 34, "{values}");
    }
}

#[allow(clippy::needless_pass_by_value, reason = "short calls")]
fn same<T: PythonType + PartialEq + Debug, U: PythonType + PartialEq + Debug>(value: &T, other: U) {
    assert_eq!(U::from_python(value.to_python().unwrap()).unwrap(), other);
    assert_eq!(T::from_python(other.to_python().unwrap()).unwrap(), *value);
}

fn datetime(micros: i128) -> DateTime {
    DateTime::from_unix_microseconds(micros).unwrap()
}

#[test]
fn types_of_other_crates_are_the_same_instances() {
    let micros = 1_719_837_015_250_000;
    let utc = datetime(micros);
    assert_eq!(utc.to_string(), "2024-07-01T12:30:15.250000+00:00");
    same(
        &utc,
        jiff::Timestamp::from_microsecond(micros as i64).unwrap(),
    );
    same(
        &utc,
        chrono::DateTime::from_timestamp_micros(micros as i64).unwrap(),
    );
    same(
        &utc,
        time::OffsetDateTime::from_unix_timestamp_nanos(micros * 1000).unwrap(),
    );
    same(
        &utc,
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros as u64),
    );
    same(
        &datetime(-1),
        SystemTime::UNIX_EPOCH - Duration::from_micros(1),
    );

    let local = utc.clone().with_zone(None);
    same(
        &local,
        "2024-07-01T12:30:15.25"
            .parse::<jiff::civil::DateTime>()
            .unwrap(),
    );
    same(
        &local,
        "2024-07-01T12:30:15.25"
            .parse::<chrono::NaiveDateTime>()
            .unwrap(),
    );
    let date = Date::new(2024, 7, 1).unwrap();
    same(&date, chrono::NaiveDate::from_ymd_opt(2024, 7, 1).unwrap());
    let clock = Time::new(12, 30, 15, 250_000).unwrap();
    same(&clock, jiff::civil::time(12, 30, 15, 250_000_000));
    same(
        &clock,
        time::Time::from_hms_micro(12, 30, 15, 250_000).unwrap(),
    );
    let east = local.clone().with_zone(Zone::fixed(7200));
    same(
        &east,
        "2024-07-01T12:30:15.25+02:00"
            .parse::<chrono::DateTime<chrono::FixedOffset>>()
            .unwrap(),
    );

    // Clocks were set back an hour at three, so half past two was twice.
    let berlin = |fold| {
        let local: DateTime = "2024-10-27T02:30:00".parse().unwrap();
        local
            .with_zone(Zone::named("Europe/Berlin"))
            .with_fold(fold)
    };
    same(
        &berlin(false),
        "2024-10-27T02:30:00+02:00[Europe/Berlin]"
            .parse::<jiff::Zoned>()
            .unwrap(),
    );
    same(
        &berlin(true),
        "2024-10-27T02:30:00+01:00[Europe/Berlin]"
            .parse::<jiff::Zoned>()
            .unwrap(),
    );
    let error = jiff::Timestamp::from_python(berlin(true).to_python().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "datetime.datetime: the offset of the zone Europe/Berlin is not in the pickle"
    );

    let delta = TimeDelta::new(-1, 5, 7).unwrap();
    assert_eq!(delta.to_string(), "-1 day, 0:00:05.000007");
    same(&delta, chrono::TimeDelta::microseconds(-86_394_999_993));
    same(
        &TimeDelta::from_seconds(90).unwrap(),
        Duration::from_secs(90),
    );
    assert!(Duration::from_python(delta.to_python().unwrap()).is_err());

    let decimal: Decimal = "-12.50".parse().unwrap();
    same(&decimal, "-12.50".parse::<rust_decimal::Decimal>().unwrap());
    let huge: Decimal = "1E+1000".parse().unwrap();
    assert!(rust_decimal::Decimal::from_python(huge.to_python().unwrap()).is_err());
    same(&Uuid(5), uuid::Uuid::from_u128(5));
    same(&Ipv4Addr::LOCALHOST, IpAddr::V4(Ipv4Addr::LOCALHOST));
    same(&Ipv6Addr::LOCALHOST, IpAddr::V6(Ipv6Addr::LOCALHOST));
    same(
        &Path::new(PathClass::PurePosix, "/a/b"),
        PathBuf::from("/a/b"),
    );
}

#[test]
fn farcalls_dates_are_datetimes() {
    let pickle = Pickle::default();
    let date: farcall::DateTime = "2024-07-01T12:30:15.25+02:00".parse().unwrap();
    let message = pickle.to_vec(&date).unwrap();
    let instance: DateTime = pickle.decode(&message).unwrap();
    assert_eq!(instance.to_string(), "2024-07-01T12:30:15.250000+02:00");
    assert_eq!(pickle.decode::<farcall::DateTime>(&message).unwrap(), date);
    let value = farcall::Value::from(vec![farcall::Value::DateTime(date)]);
    let message = pickle.to_vec(&value).unwrap();
    assert_eq!(pickle.decode::<farcall::Value>(&message).unwrap(), value);
    let zoned = instance.with_zone(Zone::named("Europe/Berlin"));
    let message = pickle.to_vec(&zoned).unwrap();
    let error = pickle.decode::<farcall::DateTime>(&message).unwrap_err();
    assert!(error.to_string().contains("Europe/Berlin"), "{error}");
}

#[test]
fn zones_of_pytz_keep_their_offsets() {
    // pickle.dumps(pytz.timezone('Europe/Berlin').localize(datetime.datetime(2024, 7, 1)), 2)
    let message = b"\x80\x02cdatetime\ndatetime\nc_codecs\nencode\nX\x0b\0\0\0\x07\xc3\xa8\x07\x01\
        \0\0\0\0\0\0X\x06\0\0\0latin1\x86Rcpytz\n_p\n(X\x0d\0\0\0Europe/BerlinM \x1cM\x10\x0e\
        X\x04\0\0\0CESTtR\x86R.";
    let pickle = Pickle::default();
    let summer: DateTime = pickle.decode(message).unwrap();
    assert_eq!(summer.to_string(), "2024-07-01T00:00:00+02:00");
    assert_eq!(summer.zone().unwrap().key(), Some("Europe/Berlin"));
    let again: DateTime = pickle.decode(&pickle.to_vec(&summer).unwrap()).unwrap();
    assert_eq!(again, summer);
    let zoned = jiff::Zoned::try_from(summer).unwrap();
    assert_eq!(
        zoned.to_string(),
        "2024-07-01T00:00:00+02:00[Europe/Berlin]"
    );
}

#[test]
fn unmapped_classes_are_named_with_their_position() {
    let pickle = Pickle::default();
    let error = |message: &[u8]| {
        pickle
            .decode::<(i32, Order)>(message)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(b"\x80\x04K\x01cshop\nOther\n)\x81\x86."),
        "[1]: expected struct Order, found an instance of shop.Other, whose class is not mapped to \
         it (see Pickle::class), at byte 17"
    );
    let error = pickle
        .decode::<Vec<Date>>(b"\x80\x04](cshop\nOther\n)\x81e.")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "[0]: expected datetime.date, found an instance of shop.Other, at byte 17"
    );
    let error = pickle
        .decode::<Failure>(b"\x80\x04cshop\nOther\n)\x81.")
        .unwrap_err();
    assert!(
        error.to_string().contains("an instance of shop.Other"),
        "{error}"
    );
    let error = pickle.decode::<Failure>(b"\x80\x04\x8c\x01x.").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("[\"KeyError\", \"__main__.OutOfStock\"]"),
        "{error}"
    );
}

#[test]
fn other_codecs_carry_the_types_too() {
    let value = (
        Date::new(2024, 2, 29).unwrap(),
        Order {
            id: 1,
            lines: vec![Pair(1, "x".to_owned())],
        },
        Colour::Green,
    );
    let json = serde_json::to_string(&value).unwrap();
    let (date, order, colour): (Date, Order, Colour) = serde_json::from_str(&json).unwrap();
    assert_eq!((date, order.id, colour), (value.0, 1, Colour::Green));
}

/// Random dates, times, durations and numbers, from Rust to Python and back.
#[test]
fn random_instances_pass_through_python() {
    let mut runner = TestRunner::new(Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (
        -62_135_596_800_000_000_i64..=253_402_300_799_999_999,
        -1439..1440_i32,
        any::<u128>(),
        any::<i128>(),
        1_u64..,
        any::<[f64; 2]>(),
        any::<(u32, u8)>(),
        "[a-z/.]{0,12}",
    );
    let cases = std::cell::RefCell::new(Vec::new());
    runner
        .run(&strategy, |case| {
            cases.borrow_mut().push(case);
            Ok(())
        })
        .unwrap();
    let pickle = Pickle::default();
    let mut lines = String::new();
    let mut expected = Vec::new();
    for (micros, offset, bits, number, denominator, parts, (address, prefix), path) in
        cases.into_inner()
    {
        let utc = datetime(micros.into());
        let delta = TimeDelta::from_microseconds(number % 86_399_999_913_600_000_000).unwrap();
        let zone = Zone::fixed(offset * 60).unwrap();
        let decimal: Decimal = format!("{number}E{offset}").parse().unwrap();
        let values = (
            (
                utc.date(),
                utc.time().with_zone(zone.clone()),
                utc.with_zone(zone),
                delta,
            ),
            (
                decimal,
                Fraction::new(number, denominator).unwrap(),
                Uuid(bits),
            ),
            (
                Complex {
                    real: parts[0],
                    imaginary: parts[1],
                },
                Py(Ipv4Addr::from_bits(address)),
            ),
            IpInterface::new(Ipv4Addr::from_bits(address).into(), prefix % 33).unwrap(),
            Path::new(PathClass::PurePosix, format!("x{path}")),
        );
        writeln!(lines, "{}", hex(&pickle.to_vec(&values).unwrap())).unwrap();
        expected.push(values);
    }
    let program = "import pickle, sys\n\
        for line in open(sys.argv[1]):\n    \
            value = pickle.loads(bytes.fromhex(line.strip()))\n    \
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):\n        \
                print(pickle.dumps(value, protocol).hex())\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &lines).unwrap();
    for python in supported() {
        let output = python.run_text(program, &[file.path().to_str().unwrap()]);
        let protocols = output.lines().count() / expected.len();
        for (index, line) in output.lines().enumerate() {
            let (first, second, third, interface, path) = &expected[index / protocols];
            type Read = (
                (Date, Time, DateTime, TimeDelta),
                (Decimal, Fraction, Uuid),
                (Complex, Py<Ipv4Addr>),
                IpInterface,
                Path,
            );
            let read: Read = pickle.decode(&unhex(line)).unwrap();
            assert_eq!(read.0, *first);
            // Python reduces fractions, normalises exponents, and simplifies paths.
            assert_eq!(read.1.2, second.2);
            let cross = |a: &Fraction, b: &Fraction| a.numerator() * b.denominator();
            assert_eq!(cross(&read.1.1, &second.1), cross(&second.1, &read.1.1));
            assert_eq!((read.2, read.3), (*third, *interface));
            assert_eq!(read.4.class(), path.class());
        }
    }
}

#[test]
fn maps_are_read_from_every_kind_of_dict() {
    let program = "import collections, pickle, sys\n\
        for value in (dict(a=1), collections.OrderedDict(a=1), collections.Counter(a=1), \
                      collections.defaultdict(int, a=1)):\n    \
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):\n        \
                print(pickle.dumps(value, protocol).hex())\n";
    for python in supported() {
        for line in python.run_text(program, &[]).lines() {
            let map: HashMap<String, i32> = Pickle::default().decode(&unhex(line)).unwrap();
            assert_eq!(map, HashMap::from([("a".to_owned(), 1)]), "{line}");
        }
    }
}

fn fields(line: &str) -> [&str; 3] {
    let fields: Vec<&str> = line.split(' ').collect();
    fields.try_into().unwrap()
}

/// Every class with its types, the direction, and the value of the tests that shows it: the table
/// of docs/PYTHON-TYPES.md.
const CLASSES: [(&str, &str, &str, &str); 31] = [
    (
        "datetime.date",
        "`Date`, `jiff::civil::Date`, `chrono::NaiveDate`, `time::Date`",
        BOTH,
        "dates",
    ),
    (
        "datetime.time",
        "`Time`; without a zone also `jiff::civil::Time`, `chrono::NaiveTime`, `time::Time`",
        BOTH,
        "times",
    ),
    (
        "datetime.datetime",
        "`DateTime`, `farcall::DateTime`; without a zone `jiff::civil::DateTime`, \
         `chrono::NaiveDateTime`, `time::PrimitiveDateTime`; with an offset `SystemTime`, \
         `jiff::Timestamp`, `chrono::DateTime`, `time::OffsetDateTime`; with a zone `jiff::Zoned`",
        BOTH,
        "datetimes",
    ),
    (
        "datetime.timedelta",
        "`TimeDelta`, `std::time::Duration`, `jiff::SignedDuration`, `chrono::TimeDelta`, \
         `time::Duration`",
        BOTH,
        "deltas",
    ),
    ("datetime.timezone", "`Zone::Fixed`", BOTH, "zones"),
    (
        "zoneinfo.ZoneInfo",
        "`Zone::Named`; `jiff::Zoned` looks it up",
        BOTH,
        "zoned",
    ),
    (
        "decimal.Decimal",
        "`Decimal` (its text), `rust_decimal::Decimal`",
        BOTH,
        "decimals",
    ),
    ("fractions.Fraction", "`Fraction`", BOTH, "fractions"),
    (
        "uuid.UUID",
        "`Uuid` (its number), `uuid::Uuid`",
        BOTH,
        "uuids",
    ),
    (
        "pathlib.PurePosixPath, PosixPath, PureWindowsPath, WindowsPath",
        "`Path`, `std::path::PathBuf`",
        BOTH,
        "paths",
    ),
    (
        "ipaddress.IPv4Address, IPv6Address",
        "`std::net::IpAddr`, `Ipv4Addr`, `Ipv6Addr`",
        BOTH,
        "addresses",
    ),
    (
        "ipaddress.IPv4Network, IPv6Network",
        "`IpNetwork`",
        BOTH,
        "networks",
    ),
    (
        "ipaddress.IPv4Interface, IPv6Interface",
        "`IpInterface`",
        BOTH,
        "interfaces",
    ),
    (
        "complex",
        "`Complex`; a pair of floats",
        "both; the pair is read",
        "complexes",
    ),
    ("range", "`Range`", BOTH, "ranges"),
    ("slice", "`Slice`", BOTH, "slices"),
    ("int beyond 128 bits", "`num_bigint::BigInt`", BOTH, "big"),
    (
        "bytearray",
        "`Vec<u8>` with `farcall::pickle::bytearray`",
        BOTH,
        "bytearray",
    ),
    ("set", "sequences with `farcall::pickle::set`", BOTH, "set"),
    (
        "frozenset",
        "sequences with `farcall::pickle::frozenset`",
        BOTH,
        "frozenset",
    ),
    (
        "tuple",
        "tuples; sequences with `farcall::pickle::tuple`",
        BOTH,
        "tuple",
    ),
    (
        "collections.deque",
        "sequences with `farcall::pickle::deque`",
        BOTH,
        "deque",
    ),
    (
        "collections.OrderedDict",
        "maps with `farcall::pickle::ordered_dict`",
        BOTH,
        "ordered",
    ),
    (
        "collections.Counter",
        "maps with `farcall::pickle::counter`",
        BOTH,
        "counter",
    ),
    (
        "a class, a dataclass",
        "a struct with `#[pickle(class = \"…\")]`",
        BOTH,
        "order",
    ),
    (
        "a class with `__slots__`",
        "a struct with `#[pickle(class = \"…\", form = \"slots\")]`",
        BOTH,
        "slotted",
    ),
    (
        "a frozen dataclass with `slots=True`",
        "a struct with `#[pickle(class = \"…\", form = \"fields\")]`, or `\"call\"`",
        BOTH,
        "listed",
    ),
    (
        "a named tuple",
        "a tuple struct with `#[pickle(class = \"…\")]`",
        BOTH,
        "order",
    ),
    (
        "enum.Enum, IntEnum",
        "an enum with `#[pickle(class = \"…\")]`",
        BOTH,
        "colours",
    ),
    (
        "an exception",
        "`Exception`; a variant with `#[pickle(class = \"…\", form = \"call\")]`",
        BOTH,
        "failures",
    ),
    (
        "one of several classes",
        "an enum whose variants have a class",
        BOTH,
        "events",
    ),
];

const BOTH: &str = "both";

#[test]
fn the_table_of_the_documentation_is_complete() {
    let mut table = "| Python | Rust | direction |\n|---|---|---|\n".to_owned();
    for (class, types, direction, value) in CLASSES {
        assert!(
            VALUES.contains(&format!("'{value}'")),
            "{class} has no value in the tests"
        );
        // A name, or several in one module; others are descriptions.
        let class = match class.split_once(' ') {
            Some((first, _)) if !first.contains('.') => class.to_owned(),
            _ => format!("`{class}`"),
        };
        writeln!(table, "| {class} | {types} | {direction} |").unwrap();
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PYTHON-TYPES.md");
    let text = std::fs::read_to_string(page).unwrap();
    assert!(
        text.contains(&table),
        "the table of docs/PYTHON-TYPES.md should be:\n{table}"
    );
}
