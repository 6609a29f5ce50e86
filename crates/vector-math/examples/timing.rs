//! Nanoseconds a number, of each function on each instruction set, in the first-level cache; beside them
//! the standard library's scalar functions. For `docs/DESIGN.md`.
//!
//! ```sh
//! cargo run --release -p vector-math --example timing
//! ```

use std::hint::black_box;
use std::time::Instant;

use vector_math::pulp::{Simd, WithSimd};
use vector_math::{
    Exp, Gelu, GeluTanh, Instructions, Tanh, VectorFunction, exponentiate, gelu_with_slope, largest,
};

/// Numbers of a row: what attention, and a batch of CRSD, have.
const ROW: usize = 128;
const ROWS: usize = 24;

fn numbers() -> Vec<f32> {
    let number = |i: usize| ((i * 7919) % 1009) as f32 / 100.0 - 5.0;
    (0..ROW * ROWS).map(number).collect()
}

/// The least of many, since another process can only add.
fn nanoseconds(mut work: impl FnMut(&mut [f32])) -> f64 {
    let start = numbers();
    let mut x = start.clone();
    let mut best = f64::INFINITY;
    for _ in 0..2000 {
        x.copy_from_slice(&start);
        let begun = Instant::now();
        work(black_box(&mut x));
        best = best.min(begun.elapsed().as_secs_f64());
    }
    best * 1e9 / x.len() as f64
}

/// The value, and the slope in the argument's place.
struct ValueAndSlope<'a> {
    x: &'a mut [f32],
    value: &'a mut [f32],
}

impl WithSimd for ValueAndSlope<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (x, _) = S::as_mut_simd_f32s(self.x);
        let (value, _) = S::as_mut_simd_f32s(self.value);
        for (x, value) in x.iter_mut().zip(value) {
            (*value, *x) = gelu_with_slope(simd, *x);
        }
    }
}

struct Softmax<'a>(&'a mut [f32]);

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.0.chunks_exact_mut(ROW) {
            let most = largest(simd, row);
            let share = 1.0 / exponentiate(simd, row, most);
            row.iter_mut().for_each(|x| *x *= share);
        }
    }
}

fn row(name: &str, simd: Instructions, function: impl VectorFunction) {
    let time = nanoseconds(|x| simd.map(function, x));
    println!("| `{name}` | {simd:?} | {time:.3} |");
}

fn main() {
    println!("| function | instructions | ns a number |");
    println!("|---|---|---:|");
    let scalar = |name: &str, function: fn(f32) -> f32| {
        let time = nanoseconds(|x| x.iter_mut().for_each(|x| *x = function(*x)));
        println!("| `{name}` | std | {time:.3} |");
    };
    scalar("exp", f32::exp);
    scalar("tanh", f32::tanh);
    for simd in Instructions::available() {
        row("exp", simd, Exp);
        row("gelu", simd, Gelu);
        row("gelu_tanh", simd, GeluTanh);
        row("tanh", simd, Tanh);
        let mut value = numbers();
        let time = nanoseconds(|x| {
            simd.dispatch(ValueAndSlope {
                x,
                value: &mut value,
            });
        });
        println!("| `gelu_with_slope` | {simd:?} | {time:.3} |");
        let time = nanoseconds(|x| simd.dispatch(Softmax(x)));
        println!("| softmax of rows of {ROW} | {simd:?} | {time:.3} |");
    }
}
