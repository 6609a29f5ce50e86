//! Texts that are nearly the same: MinHash and locality-sensitive hashing.
//!
//! The signature of a text holds, for each of `num_perm` hash functions, the least hash of its
//! shingles; two signatures agree at a place with the probability of the sets' Jaccard similarity
//! (Broder 1997). Signatures are cut into bands; texts that agree in a whole band are candidates
//! (Leskovec, Rajaraman, Ullman, section 3.4), and a candidate counts only if the exact similarity of
//! the shingles reaches the threshold.

use crate::{DataError, normalize_query};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// A Mersenne prime: sums and products modulo it are cheap and fit into 128 bits.
const PRIME: u64 = (1 << 61) - 1;
/// A text is compared with at most so many groups of one bucket, so that a bucket of a popular text
/// costs no more than its size times this.
const MOST_COMPARED: usize = 64;

/// When two texts are nearly the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct NearDuplicateConfig {
    /// Least Jaccard similarity of the shingles, above 0 and at most 1. Default 0.8.
    pub threshold: f64,
    /// Hash functions; more find more of the pairs just above the threshold. Default 128.
    pub num_perm: usize,
    /// Characters in a shingle of the normalised text. Default 5.
    pub shingle: usize,
    /// Seed of the hash functions.
    pub seed: u64,
}

impl Default for NearDuplicateConfig {
    fn default() -> Self {
        Self {
            threshold: 0.8,
            num_perm: 128,
            shingle: 5,
            seed: 0,
        }
    }
}

impl NearDuplicateConfig {
    /// Sets the least Jaccard similarity.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Sets how many hash functions there are.
    #[must_use]
    pub fn with_num_perm(mut self, num_perm: usize) -> Self {
        self.num_perm = num_perm;
        self
    }

    /// Sets how many characters a shingle has.
    #[must_use]
    pub fn with_shingle(mut self, shingle: usize) -> Self {
        self.shingle = shingle;
        self
    }

    /// Sets the seed of the hash functions.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`].
    pub fn validate(&self) -> Result<(), DataError> {
        let refuse = |field, value: String, allowed: &str| {
            Err(DataError::InvalidConfig {
                field,
                value,
                allowed: allowed.to_owned(),
            })
        };
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return refuse(
                "threshold",
                self.threshold.to_string(),
                "above 0, at most 1",
            );
        }
        if !(1..=4096).contains(&self.num_perm) {
            return refuse("num_perm", self.num_perm.to_string(), "1 to 4096");
        }
        if self.shingle == 0 {
            return refuse("shingle", "0".to_owned(), "at least 1");
        }
        Ok(())
    }

    /// Rows of a band: the most with which a pair at the threshold is still likelier found than not.
    fn rows(&self) -> usize {
        let found = |rows: usize| {
            let bands = (self.num_perm / rows) as f64;
            1.0 - (1.0 - self.threshold.powi(rows as i32)).powf(bands)
        };
        (1..=self.num_perm)
            .rev()
            .find(|&rows| found(rows) >= 0.95)
            .unwrap_or(1)
    }
}

/// The Jaccard similarity of two texts' shingles: 1 if they normalise to the same, 0 if they share
/// nothing.
///
/// ```
/// use relevance_data::cleaning::jaccard;
/// assert_eq!(jaccard("USB  cable", "usb cable", 3), 1.0);
/// // "abc" "bcd" against "abc" "bce": one of three.
/// assert_eq!(jaccard("abcd", "abce", 3), 1.0 / 3.0);
/// ```
pub fn jaccard(a: &str, b: &str, shingle: usize) -> f64 {
    similarity(&shingles(a, shingle), &shingles(b, shingle))
}

/// Groups of texts that are nearly the same, each of at least two positions, ascending; groups in the
/// order of their first. A text joins the first group whose first text it resembles.
///
/// Time grows with the number of texts, whatever repeats: a bucket compares each text with at most 64
/// groups. Which pairs are found depends on the seed; what is reported is exact.
///
/// ```
/// use relevance_data::cleaning::{NearDuplicateConfig, near_duplicates};
/// let titles = ["Garden hose, 20 m, green", "USB-C cable, 2 m", "Garden hose 20 m green"];
/// let config = NearDuplicateConfig::default().with_threshold(0.5).with_shingle(3);
/// assert_eq!(near_duplicates(&titles, &config)?, [vec![0, 2]]);
/// # Ok::<(), relevance_data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::InvalidConfig`] as [`NearDuplicateConfig::validate`].
pub fn near_duplicates<S: AsRef<str>>(
    texts: &[S],
    config: &NearDuplicateConfig,
) -> Result<Vec<Vec<usize>>, DataError> {
    config.validate()?;
    let sets: Vec<HashSet<u64>> = texts
        .iter()
        .map(|text| shingles(text.as_ref(), config.shingle))
        .collect();
    let hashes = Hashes::new(config);
    let rows = config.rows();
    // For each band's value, the first texts of the groups seen with it.
    let mut buckets: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    let mut leader: Vec<usize> = (0..texts.len()).collect();
    for (index, set) in sets.iter().enumerate() {
        let signature = hashes.signature(set);
        let keys: Vec<(usize, u64)> = signature
            .chunks_exact(rows)
            .enumerate()
            .map(|(band, values)| (band, combine(values)))
            .collect();
        let mut seen = HashSet::new();
        let resembled = keys
            .iter()
            .flat_map(|key| buckets.get(key).into_iter().flatten().take(MOST_COMPARED))
            .filter(|first| seen.insert(**first))
            .copied()
            .filter(|&first| similarity(&sets[first], set) >= config.threshold)
            .min();
        match resembled {
            Some(first) => leader[index] = first,
            None => keys.into_iter().for_each(|key| {
                buckets.entry(key).or_default().push(index);
            }),
        }
    }
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, &first) in leader.iter().enumerate() {
        groups.entry(first).or_default().push(index);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|g| g.len() > 1).collect();
    groups.sort();
    Ok(groups)
}

/// Hashes of the runs of `length` characters of the normalised text; the whole text if it is shorter.
fn shingles(text: &str, length: usize) -> HashSet<u64> {
    let normal: Vec<char> = normalize_query(text).chars().collect();
    if normal.len() <= length {
        return HashSet::from([hash(&normal)]);
    }
    normal.windows(length).map(hash).collect()
}

/// 64-bit FNV-1a over the characters, below [`PRIME`].
fn hash(chars: &[char]) -> u64 {
    let hash = chars.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &c| {
        (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // FNV's low bits see the last character best, its high bits the first.
    (hash ^ (hash >> 32)) % PRIME
}

fn combine(values: &[u64]) -> u64 {
    values.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &value| {
        (hash ^ value)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(31)
    })
}

fn similarity(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let shared = small
        .iter()
        .filter(|shingle| large.contains(shingle))
        .count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}

/// `(a h + b) mod PRIME`, one pair (a, b) a hash function.
struct Hashes(Vec<(u64, u64)>);

impl Hashes {
    fn new(config: &NearDuplicateConfig) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        let mut below = |least: u64| least + random.next_u64() % (PRIME - least);
        Self((0..config.num_perm).map(|_| (below(1), below(0))).collect())
    }

    fn signature(&self, set: &HashSet<u64>) -> Vec<u64> {
        let mut least = vec![u64::MAX; self.0.len()];
        for &shingle in set {
            for (least, &(a, b)) in least.iter_mut().zip(&self.0) {
                let product = u128::from(a) * u128::from(shingle) + u128::from(b);
                // Modulo a Mersenne prime: the high bits are added to the low ones.
                let folded = (product & u128::from(PRIME)) as u64 + (product >> 61) as u64;
                *least = (*least).min(if folded >= PRIME {
                    folded - PRIME
                } else {
                    folded
                });
            }
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_estimate_the_similarity() {
        let config = NearDuplicateConfig::default().with_num_perm(2048);
        let hashes = Hashes::new(&config);
        let (a, b) = (
            "acme wireless mouse, black, with usb receiver",
            "acme wireless mouse, white, with usb receiver and battery",
        );
        let [x, y] = [a, b].map(|text| hashes.signature(&shingles(text, 5)));
        let equal = x.iter().zip(&y).filter(|(x, y)| x == y).count();
        let (estimate, exact) = (equal as f64 / 2048.0, jaccard(a, b, 5));
        // Three standard deviations of a proportion.
        assert!(
            (estimate - exact).abs() < 3.0 * (0.25 / 2048.0_f64).sqrt(),
            "{estimate} {exact}"
        );
    }

    #[test]
    fn copies_with_a_small_change_form_a_group() {
        let texts = [
            "Acme Wireless Mouse for Laptops, Black, 2.4 GHz with USB receiver",
            "Garden hose, 20 m, green",
            "acme wireless mouse for laptops, black, 2.4 GHz with USB receivers",
            "Garden hose 20 m green",
            "something else",
        ];
        let config = NearDuplicateConfig::default();
        assert_eq!(near_duplicates(&texts, &config).unwrap(), [vec![0, 2]]);
        let loose = config.with_threshold(0.5).with_shingle(3);
        assert_eq!(
            near_duplicates(&texts, &loose).unwrap(),
            [vec![0, 2], vec![1, 3]]
        );
    }

    #[test]
    fn a_popular_text_does_not_cost_its_square() {
        let texts: Vec<String> = (0..20_000)
            .map(|i| format!("the same text {}", i % 3))
            .collect();
        let started = std::time::Instant::now();
        let groups = near_duplicates(&texts, &NearDuplicateConfig::default()).unwrap();
        assert!(groups.iter().map(Vec::len).sum::<usize>() == 20_000);
        // Twenty thousand squared comparisons would take hours.
        assert!(started.elapsed().as_secs() < 60);
    }

    #[test]
    fn bad_settings_are_named() {
        for (config, field) in [
            (
                NearDuplicateConfig::default().with_threshold(0.0),
                "threshold",
            ),
            (NearDuplicateConfig::default().with_num_perm(0), "num_perm"),
            (NearDuplicateConfig::default().with_shingle(0), "shingle"),
        ] {
            let error = near_duplicates(&["a"], &config).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{field}` is ")), "{error}");
        }
    }
}
