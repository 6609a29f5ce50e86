//! What a BERT's inner loops are made of beside sums and products: `e^x`, GELU with its slope, tanh,
//! and the softmax of a row, in f32 on the widest vectors that the processor has (AVX-512, AVX2, NEON,
//! WebAssembly's, or none; `pulp` chooses at run time, and nothing here is `unsafe`). Each is written
//! once and used by inference, training and losses alike, and each states its error against f64.
//!
//! ```
//! use vector_math::{Exp, Instructions};
//!
//! let mut x = [0.0, 1.0, -1e9, f32::NAN];
//! Instructions::best().map(Exp, &mut x);
//! assert_eq!((x[0], x[2]), (1.0, 0.0));
//! assert!((x[1] - std::f32::consts::E).abs() < 1e-6 && x[3].is_nan());
//! ```
//!
//! | to | take |
//! |---|---|
//! | apply a function to every number of a slice | [`Instructions::map`] with [`Exp`], [`Gelu`], [`GeluTanh`] or [`Tanh`] |
//! | write a loop of one's own | [`Instructions::dispatch`] with a type that implements [`pulp::WithSimd`] |
//! | use a function within it | [`exp`], [`gelu`], [`gelu_with_slope`], [`gelu_tanh`], [`tanh`] |
//! | take a softmax of a row within it | [`largest`], [`exponentiate`] |
//! | turn a few logits into probabilities, in f64 | [`softmax`], [`softmax_in_place`] (without the feature `simd` too) |
//!
//! The same argument gives the same bits wherever it stands in a slice; another instruction set may
//! give other last bits, because only some have a fused multiply-add.

#[cfg(feature = "simd")]
mod exponential;
#[cfg(feature = "simd")]
mod gelu;
#[cfg(feature = "simd")]
mod instructions;
#[cfg(feature = "simd")]
mod map;
#[cfg(feature = "simd")]
mod row;
mod softmax;
#[cfg(feature = "simd")]
mod tanh;

#[cfg(feature = "simd")]
pub use exponential::{Exp, exp};
#[cfg(feature = "simd")]
pub use gelu::{Gelu, gelu, gelu_with_slope};
#[cfg(feature = "simd")]
pub use instructions::Instructions;
#[cfg(feature = "simd")]
pub use map::VectorFunction;
#[cfg(feature = "simd")]
pub use pulp;
#[cfg(feature = "simd")]
pub use row::{exponentiate, largest};
pub use softmax::{softmax, softmax_in_place};
#[cfg(feature = "simd")]
pub use tanh::{GeluTanh, Tanh, gelu_tanh, tanh};

/// The examples of the README are tested.
#[cfg(all(doctest, feature = "simd"))]
#[doc = include_str!("../README.md")]
mod readme {}
