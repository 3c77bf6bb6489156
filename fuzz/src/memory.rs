//! Limits of memory per input.

/// Runs `work`, and checks that its peak memory is at most `base` bytes and `per_byte` bytes per
/// byte of input.
///
/// # Panics
/// If it needs more.
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
