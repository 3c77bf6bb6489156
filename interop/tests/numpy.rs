//! Arrays of numpy, numbers of numpy and `array.array`, exchanged with every CPython.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use farcall::pickle::{Array, Element, F16, Order, Pickle, array_array, numpy};
use ndarray::{Array1, Array2, Array3, ArrayD};
use serde::{Deserialize, Serialize};

use tests::{Python, hex, pythons, unhex};

/// Returns the versions of CPython that have numpy.
fn supported() -> Vec<Python> {
    let mut pythons = pythons();
    pythons.retain(|python| python.version >= (3, 6));
    pythons
}

/// Arrays of every type of numbers, in every order.
const VALUES: &str = r#"
import pickle, sys
import numpy as np

TYPES = ['?', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8', 'c8', 'c16']
SHAPES = [(), (0,), (1,), (5,), (2, 3), (3, 0, 2), (2, 3, 4)]

VALUES = {}
for code in TYPES:
    for order in '<>':
        for shape in SHAPES:
            count = int(np.prod(shape))
            # Beyond the range of one byte, so that the order of bytes counts.
            numbers = np.arange(count) * (1 if code in ('i1', 'u1') else 300) % 2000
            value = numbers.astype(order + code).reshape(shape)
            if code in ('f4', 'f8', 'f2'):
                value = np.asarray(value / 4).astype(order + code)
            name = '%s/%s' % (code, 'x'.join(map(str, shape)))
            VALUES[name + order + 'C'] = value
            VALUES[name + order + 'F'] = np.asfortranarray(value)
            if len(shape) == 3:
                VALUES[name + order + 'K'] = value.transpose(1, 0, 2)
            if len(shape) == 1:
                VALUES[name + order + 'S'] = value[::2]
"#;

const WRITE: &str = r"
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for name, value in VALUES.items():
        print(name, protocol, pickle.dumps(value, protocol).hex())
";

const COMPARE: &str = r#"
compared = 0
for line in open(sys.argv[1]):
    name, protocol, message = line.split()
    value, expected = pickle.loads(bytes.fromhex(message)), VALUES[name]
    assert type(value) is np.ndarray, name
    assert value.dtype == expected.dtype.newbyteorder('='), (name, value.dtype)
    assert value.shape == expected.shape, (name, value.shape, expected.shape)
    assert (value == expected).all(), (name, value, expected)
    assert value.flags.writeable
    if name[-1] in 'CF' and value.ndim > 1 and value.size and protocol != '5':
        assert value.flags.f_contiguous == (name[-1] == 'F'), name
    compared += 1
print(compared)
"#;

/// Passes an array through the types with these elements.
fn through<T: Element + Serialize + for<'de> Deserialize<'de>>(message: &[u8]) -> Vec<Vec<u8>> {
    #[derive(Serialize, Deserialize)]
    #[serde(bound = "T: Element")]
    struct Dynamic<T: Element>(#[serde(with = "numpy")] ArrayD<T>);

    let pickle = Pickle::default();
    let array: Array<T> = pickle
        .decode(message)
        .unwrap_or_else(|error| panic!("{error}"));
    let mut passed = vec![pickle.to_vec(&array).unwrap()];
    // ndarray and serde's sequences agree with it.
    let dynamic: Dynamic<T> = pickle.decode(message).unwrap();
    assert_eq!(dynamic.0.shape(), array.shape());
    passed.push(pickle.to_vec(&dynamic).unwrap());
    passed
}

#[test]
fn arrays_of_numpy_pass_through_rust_types() {
    for python in supported() {
        let written = python.run_numpy(&format!("{VALUES}{WRITE}"), &[]);
        let mut back = String::new();
        for line in written.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let [name, protocol, message] = fields.try_into().unwrap();
            let message = unhex(message);
            let (code, _) = name.split_once('/').unwrap();
            let passed = match code {
                "?" => through::<bool>(&message),
                "i1" => through::<i8>(&message),
                "i2" => through::<i16>(&message),
                "i4" => through::<i32>(&message),
                "i8" => through::<i64>(&message),
                "u1" => through::<u8>(&message),
                "u2" => through::<u16>(&message),
                "u4" => through::<u32>(&message),
                "u8" => through::<u64>(&message),
                "f4" => through::<f32>(&message),
                "f8" => through::<f64>(&message),
                "c8" => through::<[f32; 2]>(&message),
                "c16" => through::<[f64; 2]>(&message),
                "f2" => {
                    let array: Array<F16> = Pickle::default().decode(&message).unwrap();
                    vec![Pickle::default().to_vec(&array).unwrap()]
                }
                other => panic!("no type for {other}"),
            };
            for passed in passed {
                writeln!(back, "{name} {protocol} {}", hex(&passed)).unwrap();
            }
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &back).unwrap();
        let path = file.path().to_str().unwrap();
        let compared = python.run_numpy(&format!("{VALUES}{COMPARE}"), &[path]);
        assert_eq!(compared.trim(), back.lines().count().to_string());
        assert!(written.lines().count() > 1000);
    }
}

#[test]
fn numbers_and_arrays_are_read_as_rust_numbers() {
    let program = r"
import array, pickle
import numpy as np
value = {
    'half': np.float16(1.5), 'single': np.float32(0.1), 'double': np.float64(-2.5),
    'small': np.int8(-3), 'large': np.uint64(2 ** 64 - 1), 'truth': np.bool_(True),
    'complex': np.complex128(1 - 2j), 'rows': np.arange(6, dtype='>i2').reshape(2, 3),
    'columns': np.asfortranarray(np.arange(6.0).reshape(2, 3)), 'none': np.zeros((3, 0)),
    'plain': array.array('d', [0.5, 2]), 'bytes': array.array('B', b'ab'),
    'shorts': array.array('h', [-1, 300]), 'longs': array.array('q', [2 ** 40]),
}
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    print(pickle.dumps(value, protocol).hex())
";
    #[derive(Deserialize)]
    struct Numbers {
        half: f32,
        single: f32,
        double: f64,
        small: i32,
        large: u64,
        truth: bool,
        complex: (f64, f64),
        rows: Vec<Vec<i64>>,
        columns: [[f64; 3]; 2],
        none: Vec<Vec<f64>>,
        #[serde(with = "array_array")]
        plain: Vec<f64>,
        bytes: Vec<u8>,
        #[serde(with = "numpy")]
        shorts: Vec<i16>,
        longs: Vec<i64>,
    }
    for python in supported() {
        for line in python.run_numpy(program, &[]).lines() {
            let numbers: Numbers = Pickle::default().decode(&unhex(line)).unwrap();
            assert_eq!(
                (numbers.half, numbers.single, numbers.double),
                (1.5, 0.1, -2.5)
            );
            assert_eq!(
                (numbers.small, numbers.large, numbers.truth),
                (-3, u64::MAX, true)
            );
            assert_eq!(numbers.complex, (1.0, -2.0));
            assert_eq!(numbers.rows, [[0, 1, 2], [3, 4, 5]]);
            assert_eq!(numbers.columns, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
            assert_eq!(numbers.none, vec![vec![0.0; 0]; 3]);
            assert_eq!(
                (numbers.plain, numbers.bytes),
                (vec![0.5, 2.0], b"ab".to_vec())
            );
            assert_eq!(
                (numbers.shorts, numbers.longs),
                (vec![-1, 300], vec![1 << 40])
            );
        }
    }
}

#[test]
fn arrays_made_in_rust_are_arrays_in_python() {
    #[derive(Serialize)]
    struct Made {
        #[serde(with = "numpy")]
        line: Array1<f32>,
        #[serde(with = "numpy")]
        transposed: Array2<i64>,
        #[serde(with = "numpy")]
        gaps: Array3<u16>,
        #[serde(with = "numpy")]
        samples: Vec<bool>,
        #[serde(with = "array_array")]
        plain: Vec<f64>,
        #[serde(with = "array_array")]
        shorts: Vec<u16>,
        fortran: Array<f64>,
    }
    let cube = Array3::from_shape_fn((2, 3, 4), |(a, b, c)| (100 * a + 10 * b + c) as u16);
    let mut gaps = cube.clone();
    gaps.swap_axes(0, 1);
    let made = Made {
        line: Array1::from(vec![0.5, 1.5]),
        transposed: Array2::from_shape_fn((2, 3), |(a, b)| (10 * a + b) as i64).reversed_axes(),
        gaps,
        samples: vec![true, false],
        plain: vec![0.25],
        shorts: vec![1, 65_535],
        fortran: Array::with_order([2, 2], Order::Fortran, vec![1.0, 2.0, 3.0, 4.0]).unwrap(),
    };
    let program = r"
import array, pickle, sys, warnings
warnings.simplefilter('error')
import numpy as np
value = pickle.loads(bytes.fromhex(sys.argv[1]))
assert value['line'].dtype == 'f4' and value['line'].tolist() == [0.5, 1.5]
assert value['transposed'].tolist() == [[0, 10], [1, 11], [2, 12]]
assert value['transposed'].flags.f_contiguous
assert value['gaps'].dtype == 'u2' and value['gaps'].shape == (3, 2, 4)
assert value['gaps'][2, 1, 3] == 123
assert value['samples'].dtype == '?' and value['samples'].tolist() == [True, False]
assert value['plain'] == array.array('d', [0.25]) and value['plain'].typecode == 'd'
assert value['shorts'] == array.array('H', [1, 65535]) and value['shorts'].typecode == 'H'
assert value['fortran'].tolist() == [[1.0, 3.0], [2.0, 4.0]]
print('fine')
";
    let message = hex(&Pickle::default().to_vec(&made).unwrap());
    for python in supported() {
        assert_eq!(python.run_numpy(program, &[&message]).trim(), "fine");
    }
}

#[test]
fn other_arrays_are_clear_errors() {
    let program = r"
import pickle
import numpy as np
for value in (np.array(['a']), np.array([None]), np.array(['2024-01-01'], 'M8[D]'),
              np.zeros(2, [('x', 'f8')]), np.zeros(2, 'f8')):
    print(pickle.dumps(value, 4).hex())
";
    let python = supported().pop().unwrap();
    let output = python.run_numpy(program, &[]);
    let errors = output.lines().map(|line| {
        let read = Pickle::default().decode::<Array<i32>>(&unhex(line));
        read.unwrap_err().to_string()
    });
    let errors: Vec<String> = errors.collect();
    for error in &errors[..4] {
        assert!(error.contains("numpy"), "{error}");
    }
    assert!(
        errors[4].contains("expected an array with elements of type i4, found f8"),
        "{}",
        errors[4]
    );
}

/// An array is read with one copy of its bytes. Prints the figures with `-- --nocapture`.
#[test]
fn large_arrays_are_read_with_one_copy() {
    let elements: Vec<f64> = (0..8 << 20).map(f64::from).collect();
    let array = Array::from(elements);
    let pickle = Pickle::default();
    let begin = Instant::now();
    let message = pickle.to_vec(&array).unwrap();
    let writing = begin.elapsed();
    let mut reading = vec![];
    let mut copying = vec![];
    for _ in 0..5 {
        let begin = Instant::now();
        let read: Array<f64> = pickle.decode(&message).unwrap();
        reading.push(begin.elapsed());
        assert_eq!(read.elements().len(), 8 << 20);
        let begin = Instant::now();
        let copy = std::hint::black_box(message.clone());
        copying.push(begin.elapsed());
        assert_eq!(copy.len(), message.len());
    }
    let (reading, copying) = (reading.iter().min().unwrap(), copying.iter().min().unwrap());
    println!("64 MiB: written in {writing:?}, read in {reading:?}, copied in {copying:?}");
}

#[test]
fn arrays_go_to_rust_and_come_back() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_numpy-array-server"))
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let address = line.strip_prefix("listening on ").unwrap();
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/python/array_client.py"
    );
    for python in supported() {
        let mut command = python.command_at(script.as_ref());
        let output = command.arg(address).env("PYTHONPATH", python.numpy());
        let output = output.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let expected = "8 [5. 6. 7.] [3.391 3.391 3.391] 2024-07-01T12:00:00+00:00\n\
             (5, 2) [[4.5, 6.5], [4.75, 6.75], [5.0, 7.0], [5.25, 7.25], [5.5, 7.5]]\n\
             there are 3 sensors\n";
        assert_eq!(text, expected, "{errors}");
    }
    server.kill().unwrap();
    server.wait().unwrap();
}
