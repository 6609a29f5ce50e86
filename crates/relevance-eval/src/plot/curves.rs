//! Losses by step, several series in one plot.

use plotters::prelude::*;
use serde::{Deserialize, Serialize};

use super::style::{Frame, MARGIN, WIDTH, draw_legend, legend_layout, render, series_color, ticks};
use crate::EvalError;

const PLOT_HEIGHT: i32 = 240;
/// More points than this are averaged in equal runs: no screen shows them.
const MOST_POINTS: usize = 1000;
/// Shorter series show their points, whatever the smoothing.
const FEWEST_TO_SMOOTH: usize = 30;

/// A named series of (step, value).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CurveSeries {
    /// Name in the legend.
    pub name: String,
    /// (step, value), by ascending step. Points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// Curves over the training step. With `smoothing` in (0, 1), a series of at least 30 points is drawn
/// pale and its moving average bold: the mean of the exponential averages from either end (each with
/// its bias corrected), so that a falling curve is not shown later than it fell.
///
/// ```
/// use relevance_eval::plot::{CurveSeries, loss_curves};
///
/// let points = vec![(0.0, 0.7), (1.0, 0.5), (2.0, 0.4)];
/// let series = [CurveSeries { name: "student".into(), points }];
/// let svg = loss_curves("Training", "loss", &series, None)?;
/// assert!(svg.starts_with("<svg") && svg.contains("student"));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// No finite point at all, a smoothing outside [0, 1).
pub fn loss_curves(
    title: &str,
    y_name: &str,
    series: &[CurveSeries],
    smoothing: Option<f64>,
) -> Result<String, EvalError> {
    let smoothing = smoothing.unwrap_or(0.0);
    if !(0.0..1.0).contains(&smoothing) {
        return Err(EvalError::InvalidConfig {
            field: "smoothing",
            value: smoothing.to_string(),
            allowed: "at least 0 and below 1",
        });
    }
    let curves: Vec<Curve> = series
        .iter()
        .map(|series| Curve::new(&series.points, smoothing))
        .collect();
    let points = || curves.iter().flat_map(|curve| &curve.raw);
    if points().next().is_none() {
        return Err(EvalError::Empty {
            what: "the curves (finite points)",
        });
    }
    let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    let (legend, top) = legend_layout(&names);
    let frame = Frame {
        left: MARGIN + 60,
        top: top + 8,
        right: WIDTH - MARGIN - 12,
        bottom: top + 8 + PLOT_HEIGHT,
        x: range(points().map(|point| point.0), 0.0),
        y: range(points().map(|point| point.1), 0.05),
    };
    render(title, frame.bottom + 54, |area| {
        draw_legend(area, &legend)?;
        frame.draw_y_axis(area, &ticks(frame.y.0, frame.y.1, 5), y_name)?;
        frame.draw_x_axis(area, &ticks(frame.x.0, frame.x.1, 6), "step")?;
        let stroke = |i: usize, pale: bool| {
            let opacity = if pale { 0.3 } else { 1.0 };
            series_color(i)
                .mix(opacity)
                .stroke_width(if pale { 2 } else { 4 })
        };
        for (i, curve) in curves.iter().enumerate() {
            let path = |points: &[(f64, f64)]| {
                let mapped = points.iter().map(|&(x, y)| frame.at(x, y));
                mapped.collect::<Vec<_>>()
            };
            area.draw(&PathElement::new(
                path(&curve.raw),
                stroke(i, curve.smooth.is_some()),
            ))?;
            if let Some(smooth) = &curve.smooth {
                area.draw(&PathElement::new(path(smooth), stroke(i, false)))?;
            }
            if let [only] = curve.raw[..] {
                let point = frame.at(only.0, only.1);
                area.draw(&Circle::new(point, 8, series_color(i).filled()))?;
            }
        }
        Ok(())
    })
}

struct Curve {
    raw: Vec<(f64, f64)>,
    smooth: Option<Vec<(f64, f64)>>,
}

impl Curve {
    fn new(points: &[(f64, f64)], smoothing: f64) -> Self {
        let finite: Vec<(f64, f64)> = points
            .iter()
            .copied()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .collect();
        let smooth = (smoothing > 0.0 && finite.len() >= FEWEST_TO_SMOOTH)
            .then(|| thinned(&moving_average(&finite, smoothing)));
        Self {
            raw: thinned(&finite),
            smooth,
        }
    }
}

/// Mean of the exponential averages from either end.
fn moving_average(points: &[(f64, f64)], smoothing: f64) -> Vec<(f64, f64)> {
    let values = || points.iter().map(|point| point.1);
    let forward = exponential_average(values(), smoothing);
    let backward = exponential_average(values().rev(), smoothing);
    let both = forward.iter().zip(backward.iter().rev());
    points
        .iter()
        .zip(both)
        .map(|(&(x, _), (a, b))| (x, (a + b) / 2.0))
        .collect()
}

fn exponential_average(values: impl Iterator<Item = f64>, smoothing: f64) -> Vec<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    values
        .map(|value| {
            sum = smoothing * sum + (1.0 - smoothing) * value;
            weight = smoothing * weight + (1.0 - smoothing);
            sum / weight
        })
        .collect()
}

fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let run = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let n = chunk.len() as f64;
        let sum = chunk.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        (sum.0 / n, sum.1 / n)
    };
    points.chunks(run).map(mean).collect()
}

/// The span of the values, widened by a share at both ends, never empty.
fn range(values: impl Iterator<Item = f64>, pad: f64) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let span = high - low;
    if span > 0.0 {
        (low - pad * span, high + pad * span)
    } else {
        (low - 0.5, high + 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: Vec<(f64, f64)>) -> Vec<CurveSeries> {
        vec![CurveSeries {
            name: "loss <x>".into(),
            points,
        }]
    }

    #[test]
    fn a_constant_stays_constant_when_smoothed() {
        let points = vec![(0.0, 2.0), (1.0, 2.0), (2.0, 2.0)];
        let smooth = moving_average(&points, 0.9);
        assert!(smooth.iter().all(|point| (point.1 - 2.0).abs() < 1e-12));
        // No lag: far from the ends a straight line is its own average.
        let line: Vec<(f64, f64)> = (0..200).map(|i| (f64::from(i), f64::from(i))).collect();
        assert!((moving_average(&line, 0.8)[100].1 - 100.0).abs() < 1e-6);
    }

    #[test]
    fn long_series_are_thinned_and_holes_are_left_out() {
        let mut points: Vec<(f64, f64)> = (0..5000).map(|i| (f64::from(i), 1.0)).collect();
        points[17].1 = f64::NAN;
        let curve = Curve::new(&points, 0.5);
        assert!(curve.raw.len() <= MOST_POINTS);
        assert!(curve.raw.iter().all(|point| point.1 == 1.0));
    }

    #[test]
    fn draws_one_point_a_flat_line_and_a_smoothed_one() {
        let svg = |points, smoothing| loss_curves("t", "loss", &series(points), smoothing).unwrap();
        assert!(svg(vec![(1.0, 0.7)], None).contains("<circle"));
        assert!(svg(vec![(1.0, 0.7), (2.0, 0.7)], None).contains("loss &lt;x&gt;"));
        let smoothed = svg(
            (0..50)
                .map(|i| (f64::from(i), 1.0 / f64::from(i + 1)))
                .collect(),
            Some(0.8),
        );
        assert_eq!(smoothed.matches("opacity=\"0.3\"").count(), 1);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(loss_curves("t", "loss", &[], None).is_err());
        assert!(loss_curves("t", "loss", &series(vec![(0.0, f64::NAN)]), None).is_err());
        assert!(loss_curves("t", "loss", &series(vec![(0.0, 1.0)]), Some(1.0)).is_err());
    }
}
