//! A figure per class, as grouped bars of several systems.

use plotters::prelude::*;

use super::style::{
    ColumnNames, Frame, INK, MARGIN, SMALL, UNITS, WIDTH, centered, color, draw_legend,
    legend_layout, px, render, series_color, text, ticks,
};
use crate::lengths::same_length;
use crate::{EvalError, Evaluation};

const PLOT_HEIGHT: i32 = 230;

/// Bars of per-class F1, one colour a system.
///
/// ```
/// use relevance_eval::{EvaluationConfig, Predictions, evaluate, plot};
///
/// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
/// let two = Predictions::new(&["q"; 2], &[0, 1], &[[0.9, 0.1], [0.4, 0.6]], &classes)?;
/// let evaluation = evaluate(&two, &EvaluationConfig::default())?;
/// let svg = plot::per_class_f1("F1 by class", &[("student", &evaluation)])?;
/// assert!(svg.starts_with("<svg") && svg.contains("student") && svg.contains("Exact"));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// No systems, and those of [`per_class_bars`].
pub fn per_class_f1<S: AsRef<str>>(
    title: &str,
    systems: &[(S, &Evaluation)],
) -> Result<String, EvalError> {
    let Some((_, first)) = systems.first() else {
        return Err(EvalError::Empty { what: "systems" });
    };
    let names: Vec<&str> = first.per_class.iter().map(|row| &*row.class).collect();
    let values: Vec<(&str, Vec<f64>)> = systems
        .iter()
        .map(|(name, evaluation)| {
            let f1 = evaluation.per_class.iter().map(|row| row.f1);
            (name.as_ref(), f1.collect())
        })
        .collect();
    per_class_bars(title, "F1", &names, &values)
}

/// Bars of values in [0, 1]: one group a class, one colour a system.
///
/// ```
/// use relevance_eval::plot;
///
/// let classes = ["Exact", "Irrelevant"];
/// let systems = [("teacher", [0.75, 0.5]), ("student", [0.5, 0.25])];
/// let svg = plot::per_class_bars("Recall by class", "recall", &classes, &systems)?;
/// assert!(svg.contains("teacher") && svg.contains(".75"));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// No classes or systems, a system without one value a class, a value outside [0, 1].
pub fn per_class_bars<C: AsRef<str>, S: AsRef<str>, V: AsRef<[f64]>>(
    title: &str,
    y_name: &str,
    class_names: &[C],
    systems: &[(S, V)],
) -> Result<String, EvalError> {
    if class_names.is_empty() || systems.is_empty() {
        return Err(EvalError::Empty {
            what: "classes or systems",
        });
    }
    for (_, values) in systems {
        let values = values.as_ref();
        same_length("values", values.len(), "class_names", class_names.len())?;
        if let Some(index) = values.iter().position(|v| !(0.0..=1.0).contains(v)) {
            return Err(EvalError::OutOfRange {
                what: "values",
                index,
                value: values[index],
                allowed: "numbers in [0, 1]",
            });
        }
    }
    let names: Vec<&str> = systems.iter().map(|(name, _)| name.as_ref()).collect();
    let (legend, top) = legend_layout(&names);
    let frame = Frame {
        left: MARGIN + 52,
        top: top + 12,
        right: WIDTH - MARGIN,
        bottom: top + 12 + PLOT_HEIGHT,
        x: (0.0, class_names.len() as f64),
        y: (0.0, 1.0),
    };
    let group = (frame.right - frame.left) / class_names.len() as i32;
    let below = ColumnNames::new(class_names, group);
    render(title, frame.bottom + below.height() + 10, |area| {
        draw_legend(area, &legend)?;
        frame.draw_y_axis(area, &ticks(0.0, 1.0, 5), y_name)?;
        frame.draw_x_axis(area, &[], "")?;
        let bar = 0.8 / systems.len() as f64;
        let bar_pixels = (bar * f64::from(group)) as i32;
        for (class, name) in class_names.iter().enumerate() {
            for (system, (_, values)) in systems.iter().enumerate() {
                let value = values.as_ref()[class];
                let start = class as f64 + 0.1 + system as f64 * bar;
                let (x0, y0) = frame.at(start, value);
                let (x1, y1) = frame.at(start + bar, 0.0);
                let fill = series_color(system).filled();
                area.draw(&Rectangle::new([(x0 + 1, y0), (x1 - 1, y1)], fill))?;
                if bar_pixels >= 22 {
                    let shown = format!("{value:.2}");
                    let shown = shown.strip_prefix('0').unwrap_or(&shown).to_string();
                    let at = ((x0 + x1) / 2, y0 - px(8));
                    area.draw(&Text::new(shown, at, centered(text(SMALL, color(INK)))))?;
                }
            }
            let (x, y) = frame.at(class as f64 + 0.5, 0.0);
            below.draw(area, (x / UNITS, y / UNITS), name.as_ref())?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bar_a_class_and_system() {
        let names = ["Exact", "Irrelevant"].map(String::from);
        let systems = [("one", vec![0.5, 0.25]), ("two <b>", vec![1.0, 0.0])];
        let svg = per_class_bars("F1 by class", "F1", &names, &systems).unwrap();
        let blue = svg.matches("fill=\"#0072B2\"").count();
        assert_eq!(blue, 3, "two bars and a swatch");
        assert!(svg.contains("two &lt;b&gt;") && svg.contains(".25") && svg.contains("Exact"));
    }

    #[test]
    fn bad_values_are_refused() {
        let names = [String::from("Exact")];
        let refused = |values: Vec<f64>| per_class_bars("t", "F1", &names, &[("a", values)]);
        assert!(refused(vec![]).is_err());
        assert!(refused(vec![1.5]).is_err());
        assert!(refused(vec![f64::NAN]).is_err());
        assert!(per_class_bars::<_, &str, Vec<f64>>("t", "F1", &names, &[]).is_err());
        assert!(per_class_f1::<&str>("t", &[]).is_err());
    }
}
