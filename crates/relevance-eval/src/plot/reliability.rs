//! Confidence against accuracy.

use plotters::prelude::*;

use super::style::{
    Frame, INK, MARGIN, SMALL, UNITS, WIDTH, color, draw_legend, ended, label, legend_layout, px,
    render, series_color, text, ticks,
};
use crate::{EvalError, ReliabilityBin, expected_calibration_error};

const PLOT_HEIGHT: i32 = 240;
const HISTOGRAM_HEIGHT: i32 = 64;

/// Accuracy of each bin as a bar, its mean confidence as a point on the diagonal's scale, and below,
/// the share of rows in each bin. A calibrated system's bars end on the dashed diagonal.
///
/// ```
/// use relevance_eval::{plot, reliability_bins};
///
/// let bins = reliability_bins(&[0.5, 0.75, 1.0], &[false, true, true], 10)?;
/// let svg = plot::reliability_diagram("Calibration", &bins)?;
/// assert!(svg.contains("ECE 0.250, 3 pairs")); // 1/3 · (0.5 + 0.25 + 0)
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// No bins, or none that holds a row.
pub fn reliability_diagram(title: &str, bins: &[ReliabilityBin]) -> Result<String, EvalError> {
    let total: u64 = bins.iter().map(|bin| bin.count).sum();
    if total == 0 {
        return Err(EvalError::Empty {
            what: "reliability bins",
        });
    }
    let (legend, top) = legend_layout(&["accuracy", "mean confidence"]);
    let upper = Frame {
        left: MARGIN + 52,
        top: top + 8,
        right: WIDTH - MARGIN - 4,
        bottom: top + 8 + PLOT_HEIGHT,
        x: (0.0, 1.0),
        y: (0.0, 1.0),
    };
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1);
    let lower = Frame {
        top: upper.bottom + 16,
        bottom: upper.bottom + 16 + HISTOGRAM_HEIGHT,
        y: (0.0, most as f64 / total as f64 * 1.1),
        ..upper
    };
    let ece = expected_calibration_error(bins);
    render(title, lower.bottom + 54, |area| {
        draw_legend(area, &legend)?;
        upper.draw_y_axis(area, &ticks(0.0, 1.0, 5), "accuracy")?;
        for bin in bins {
            let Some(accuracy) = bin.accuracy else {
                continue;
            };
            let (x0, y0) = upper.at(bin.lower, accuracy);
            let (x1, y1) = upper.at(bin.upper, 0.0);
            let fill = series_color(0).filled();
            area.draw(&Rectangle::new([(x0 + 2, y0), (x1 - 2, y1)], fill))?;
        }
        diagonal(area, &upper)?;
        for bin in bins {
            if let Some(confidence) = bin.mean_confidence {
                let point = upper.at(confidence, confidence);
                area.draw(&Circle::new(point, px(4), series_color(1).filled()))?;
                area.draw(&Circle::new(point, px(4), color(INK).stroke_width(2)))?;
            }
        }
        let base = [upper.at(0.0, 0.0), upper.at(1.0, 0.0)];
        area.draw(&PathElement::new(base, color(INK).stroke_width(2)))?;
        // Beside the legend: in the plot, bars may be anywhere.
        let shown = format!("ECE {ece:.3}, {total} pairs");
        let style = ended(text(SMALL, color(INK)));
        area.draw(&label((upper.right, legend[0].1), shown, style))?;
        lower.draw_y_axis(area, &ticks(0.0, lower.y.1, 2), "share")?;
        for bin in bins {
            let (x0, y0) = lower.at(bin.lower, bin.count as f64 / total as f64);
            let (x1, y1) = lower.at(bin.upper, 0.0);
            let fill = RGBColor(0x8C, 0x95, 0x9F).filled();
            area.draw(&Rectangle::new([(x0 + 2, y0), (x1 - 2, y1)], fill))?;
        }
        lower.draw_x_axis(
            area,
            &ticks(0.0, 1.0, 5),
            "confidence in the predicted class",
        )
    })
}

fn diagonal(area: &super::style::Area<'_>, frame: &Frame) -> super::style::DrawResult {
    const DASHES: usize = 40;
    for dash in (0..DASHES).step_by(2) {
        let (from, to) = (
            dash as f64 / DASHES as f64,
            (dash + 1) as f64 / DASHES as f64,
        );
        let points = [frame.at(from, from), frame.at(to, to)];
        area.draw(&PathElement::new(
            points,
            color(INK).stroke_width(UNITS as u32),
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reliability_bins;

    #[test]
    fn a_bar_and_a_point_for_each_bin_with_rows() {
        let bins = reliability_bins(&[0.3, 0.9, 0.95], &[false, true, true], 10).unwrap();
        let svg = reliability_diagram("calibration", &bins).unwrap();
        assert_eq!(
            svg.matches("fill=\"#0072B2\"").count(),
            4,
            "three bars, a swatch"
        );
        assert!(svg.contains("ECE 0.150, 3 pairs"), "{svg}");
        assert!(svg.contains("confidence in the predicted class"));
    }

    #[test]
    fn nothing_to_show_is_an_error() {
        assert!(reliability_diagram("t", &[]).is_err());
    }
}
