//! What the running process has used so far, as Linux counts it.

/// The largest resident set in bytes (`VmHWM`); none where there is no `/proc`.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Seconds of processor time, of all threads, by the user and the system; none where there is no `/proc`.
/// Other work on the machine moves it far less than the clock on the wall.
pub fn cpu_seconds() -> Option<f64> {
    /// Fixed in Linux's interface whatever the kernel's own clock.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, which may hold anything, ends at the last bracket; utime and stime are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_used_is_counted() {
        let before = (peak_memory().unwrap(), cpu_seconds().unwrap());
        let mut block = vec![1_u8; 64 << 20];
        for round in 0..20_u8 {
            block
                .iter_mut()
                .for_each(|byte| *byte = byte.wrapping_mul(3) ^ round);
        }
        assert!(std::hint::black_box(block).len() == 64 << 20);
        assert!(peak_memory().unwrap() >= 64 << 20);
        assert!(peak_memory().unwrap() >= before.0 && cpu_seconds().unwrap() > before.1);
    }
}
