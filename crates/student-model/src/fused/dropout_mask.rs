//! Which elements dropout keeps, as a function of a key and the element's position.

use burn::backend::Flex;
use burn::backend::FloatDType;
use burn::backend::ops::FloatTensorOps;
use burn::nn::Dropout;
use burn::tensor::{Distribution, Shape};

/// Dropout's factors without an array of them: a counter-based generator, so that any thread can
/// ask for any element, and the backward pass asks again.
#[derive(Debug, Clone, Copy)]
pub(super) struct DropoutMask {
    key: [u32; 2],
    /// Draws below it are dropped.
    threshold: u32,
    /// `1 / (1 - p)`
    scale: f32,
}

impl DropoutMask {
    /// The mask of one application of `dropout`. The key comes from the device's generator: the same
    /// seed gives the same masks.
    pub(super) fn draw(dropout: &Dropout) -> Self {
        if dropout.prob == 0.0 || !dropout.training.is_enabled() {
            return Self::keep_all();
        }
        let device = Default::default();
        let uniform = Distribution::Uniform(0.0, 1.0);
        let key = Flex::float_random(Shape::new([2]), uniform, &device, FloatDType::F64);
        let key = key.storage::<f64>();
        Self::new(
            dropout.prob,
            [key[0], key[1]].map(|x| (x * 4_294_967_296.0) as u32),
        )
    }

    fn keep_all() -> Self {
        Self {
            key: [0; 2],
            threshold: 0,
            scale: 1.0,
        }
    }

    fn new(prob: f64, key: [u32; 2]) -> Self {
        Self {
            key,
            threshold: (prob * 4_294_967_296.0) as u32,
            scale: (1.0 / (1.0 - prob)) as f32,
        }
    }

    /// 0 if the element at `index` is dropped, else `1 / (1 - p)`.
    #[inline(always)]
    pub(super) fn factor(self, index: u32) -> f32 {
        let [first, second] = self.key;
        let draw = mix(mix(index.wrapping_add(first)) ^ second);
        if draw < self.threshold {
            0.0
        } else {
            self.scale
        }
    }
}

/// Wellons' `lowbias32`, a bijection of 32 bits in which each input bit flips each output bit with
/// probability one half to within 0.2 % (<https://nullprogram.com/blog/2018/07/31/>).
#[inline(always)]
fn mix(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_share_is_one_minus_p_under_every_key() {
        for (prob, key) in [
            (0.1, [1, 2]),
            (0.1, [0, 0]),
            (0.5, [7, 9]),
            (0.3, [u32::MAX, 5]),
        ] {
            let mask = DropoutMask::new(prob, key);
            let kept = (0..1_000_000).filter(|&i| mask.factor(i) > 0.0).count() as f64 / 1e6;
            // 5 standard deviations
            assert!(
                (kept - (1.0 - prob)).abs() < 2.5e-3,
                "{prob} {key:?} {kept}"
            );
            assert!((f64::from(mask.scale) - 1.0 / (1.0 - prob)).abs() < 1e-6);
        }
    }

    #[test]
    fn neighbours_and_neighbouring_keys_are_dropped_independently() {
        let mask = DropoutMask::new(0.5, [3, 4]);
        let other = [DropoutMask::new(0.5, [4, 4]), DropoutMask::new(0.5, [3, 5])];
        let dropped = |mask: DropoutMask, i| mask.factor(i) == 0.0;
        for lag in [1, 2, 16, 384] {
            let both = (0..100_000).filter(|&i| dropped(mask, i) && dropped(mask, i + lag));
            assert!((both.count() as f64 / 1e5 - 0.25).abs() < 8e-3, "{lag}");
        }
        for other in other {
            let both = (0..100_000).filter(|&i| dropped(mask, i) && dropped(other, i));
            assert!((both.count() as f64 / 1e5 - 0.25).abs() < 8e-3, "{other:?}");
        }
    }

    #[test]
    fn without_dropout_every_factor_is_one() {
        assert!((0..1000).all(|i| DropoutMask::keep_all().factor(i) == 1.0));
    }
}
