//! Precision against recall.

use plotters::prelude::*;

use super::style::{Frame, MARGIN, WIDTH, draw_legend, legend_layout, render, series_color, ticks};
use crate::{EvalError, PrecisionRecallPoint};

const PLOT_HEIGHT: i32 = 240;

/// One curve a series, as steps: the precision of a threshold holds back to the recall of the one
/// before, so that the area under the line is the average precision.
///
/// ```
/// use relevance_eval::{plot, precision_recall_curve};
///
/// let curve = precision_recall_curve(&[true, false, true], &[0.9, 0.8, 0.3])?;
/// let svg = plot::precision_recall("Exact", &[("student", &curve)])?;
/// assert!(svg.starts_with("<svg") && svg.contains("recall"));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// No series, or one without a point.
pub fn precision_recall<S: AsRef<str>, P: AsRef<[PrecisionRecallPoint]>>(
    title: &str,
    series: &[(S, P)],
) -> Result<String, EvalError> {
    let empty = |points: &P| points.as_ref().is_empty();
    if series.is_empty() || series.iter().any(|(_, points)| empty(points)) {
        return Err(EvalError::Empty {
            what: "a precision-recall curve",
        });
    }
    let names: Vec<&str> = series.iter().map(|(name, _)| name.as_ref()).collect();
    let (legend, top) = legend_layout(&names);
    let frame = Frame {
        left: MARGIN + 52,
        top: top + 8,
        right: WIDTH - MARGIN - 12,
        bottom: top + 8 + PLOT_HEIGHT,
        x: (0.0, 1.0),
        y: (0.0, 1.05),
    };
    render(title, frame.bottom + 54, |area| {
        draw_legend(area, &legend)?;
        frame.draw_y_axis(area, &ticks(0.0, 1.0, 5), "precision")?;
        frame.draw_x_axis(area, &ticks(0.0, 1.0, 5), "recall")?;
        for (i, (_, points)) in series.iter().enumerate() {
            let line = steps(points.as_ref()).into_iter();
            let line: Vec<_> = line.map(|(x, y)| frame.at(x, y)).collect();
            area.draw(&PathElement::new(line, series_color(i).stroke_width(4)))?;
        }
        Ok(())
    })
}

fn steps(points: &[PrecisionRecallPoint]) -> Vec<(f64, f64)> {
    let mut recall = 0.0;
    let mut line = Vec::with_capacity(2 * points.len());
    for point in points {
        line.push((recall, point.precision));
        line.push((point.recall, point.precision));
        recall = point.recall;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::precision_recall_curve;

    #[test]
    fn the_steps_enclose_the_average_precision() {
        let positive = [true, false, true, true, false];
        let scores = [0.9, 0.8, 0.7, 0.3, 0.2];
        let curve = precision_recall_curve(&positive, &scores).unwrap();
        let line = steps(&curve);
        let area: f64 = line.windows(2).map(|w| (w[1].0 - w[0].0) * w[1].1).sum();
        let ap = crate::average_precision(&positive, &scores).unwrap();
        assert!((area - ap).abs() < 1e-12);
        let svg = precision_recall("Exact", &[("student", curve.as_slice())]).unwrap();
        assert!(svg.contains("recall") && svg.contains("student"));
        assert!(precision_recall::<&str, &[PrecisionRecallPoint]>("t", &[]).is_err());
        let none: [PrecisionRecallPoint; 0] = [];
        assert!(precision_recall("t", &[("s", none)]).is_err());
    }
}
