//! Independent seeds from one.

/// Mixes a stream number into a seed (two rounds of splitmix64), so that neighbouring seeds and
/// neighbouring streams give unrelated values.
///
/// ```
/// assert_ne!(training_loop::mix_seed(1, 0), training_loop::mix_seed(0, 1));
/// assert_eq!(training_loop::mix_seed(7, 3), training_loop::mix_seed(7, 3));
/// ```
pub fn mix_seed(seed: u64, stream: u64) -> u64 {
    splitmix64(splitmix64(seed) ^ stream)
}

fn splitmix64(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
