//! How much memory an input may take.

/// Does something within so many bytes of memory per byte of input, beyond what it takes in any case.
///
/// # Panics
/// If it takes more.
pub fn bounded<T>(input: usize, per_byte: u64, base: u64, work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let taken = allocation_counter::measure(|| result = Some(work())).bytes_max;
    let limit = base + input as u64 * per_byte;
    assert!(
        taken <= limit,
        "{input} bytes of input took {taken} bytes of memory, more than {limit}"
    );
    result.unwrap()
}
