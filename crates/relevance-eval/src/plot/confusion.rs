//! The confusion matrix as a heat map.

use plotters::prelude::*;

use super::style::{
    INK, MARGIN, SMALL, TEXT, WIDTH, bold, centered, color, ended, filled, fitted, label, render,
    text, text_width,
};
use crate::ConfusionMatrix;
use crate::EvalError;

const TOP: i32 = 44;

/// Rows are gold classes, columns predicted ones. A cell shows its count and its share of the row;
/// the shade is that share, so that a rare class reads as well as a frequent one.
///
/// # Errors
/// A table that is empty or not square, names that do not match it.
pub fn confusion_matrix(
    title: &str,
    class_names: &[String],
    counts: &[Vec<u64>],
) -> Result<String, EvalError> {
    let matrix = ConfusionMatrix::from_rows(counts)?;
    let classes = matrix.classes();
    crate::predictions::same_length(
        "class_names",
        class_names.len(),
        "the confusion matrix",
        classes,
    )?;
    let widest = class_names.iter().map(|name| text_width(name, TEXT)).max();
    let widest = widest.unwrap_or(0).min(130);
    let left = MARGIN + 24 + widest + 10;
    let cell_width = (WIDTH - MARGIN - left) / classes as i32;
    let cell_height = cell_width.clamp(16, 64);
    let bottom = TOP + cell_height * classes as i32;
    let turned = widest > cell_width - 6;
    let below = if turned { widest + 12 } else { 24 };
    render(title, bottom + below + 28, |area| {
        for (gold, name) in class_names.iter().enumerate() {
            let y = TOP + gold as i32 * cell_height;
            let name = fitted(name, TEXT, widest);
            let style = ended(text(TEXT, color(INK)));
            area.draw(&label((left - 10, y + cell_height / 2), name, style))?;
            for predicted in 0..classes {
                let count = matrix.count(gold, predicted);
                let share = count as f64 / matrix.support(gold).max(1) as f64;
                let x = left + predicted as i32 * cell_width;
                let corners = [(x + 1, y + 1), (x + cell_width - 1, y + cell_height - 1)];
                area.draw(&filled(corners, shade(share).filled()))?;
                let ink = readable_on(shade(share));
                let (middle, center) = (x + cell_width / 2, y + cell_height / 2);
                let count = count.to_string();
                if text_width(&count, TEXT) > cell_width - 4 {
                    continue;
                }
                if cell_height < 44 {
                    area.draw(&label((middle, center), count, centered(bold(SMALL, ink))))?;
                    continue;
                }
                let percent = format!("{:.0} %", 100.0 * share);
                area.draw(&label(
                    (middle, center - 8),
                    count,
                    centered(bold(TEXT, ink)),
                ))?;
                area.draw(&label(
                    (middle, center + 11),
                    percent,
                    centered(text(SMALL, ink)),
                ))?;
            }
        }
        for (predicted, name) in class_names.iter().enumerate() {
            let x = left + predicted as i32 * cell_width + cell_width / 2;
            let name = fitted(name, TEXT, widest);
            if turned {
                let style = ended(text(TEXT, color(INK))).transform(FontTransform::Rotate270);
                area.draw(&label((x, bottom + 8), name, style))?;
            } else {
                area.draw(&label(
                    (x, bottom + 14),
                    name,
                    centered(text(TEXT, color(INK))),
                ))?;
            }
        }
        let axis = |style| centered(bold(SMALL, style));
        let middle = (left + WIDTH - MARGIN) / 2;
        area.draw(&label(
            (middle, bottom + below + 12),
            "predicted",
            axis(color(INK)),
        ))?;
        let turned = axis(color(INK)).transform(FontTransform::Rotate270);
        area.draw(&label((MARGIN + 4, (TOP + bottom) / 2), "gold", turned))
    })
}

/// From near white to dark blue.
fn shade(share: f64) -> RGBColor {
    let mix = |from: f64, to: f64| (from + (to - from) * share).round() as u8;
    RGBColor(mix(238.0, 0.0), mix(244.0, 82.0), mix(250.0, 138.0))
}

/// Black or white, whichever stands out more (WCAG relative luminance).
fn readable_on(RGBColor(r, g, b): RGBColor) -> RGBColor {
    let linear = |channel: u8| (f64::from(channel) / 255.0).powf(2.2);
    let luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    if luminance < 0.18 {
        RGBColor(0xFE, 0xFE, 0xFE)
    } else {
        RGBColor(0x11, 0x11, 0x11)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_on_the_map_and_names_are_escaped() {
        let names = ["<Exact>", "Irrelevant & more"].map(String::from);
        let svg = confusion_matrix("A \"b\"", &names, &[vec![41, 3], vec![7, 1009]]).unwrap();
        for needle in [
            "41",
            "1009",
            "&lt;Exact&gt;",
            "predicted",
            "gold",
            "&quot;b&quot;",
        ] {
            assert!(svg.contains(needle), "{needle}");
        }
        assert!(svg.starts_with("<svg role=\"img\"") && svg.trim_end().ends_with("</svg>"));
        assert!(!svg.contains("<Exact>"));
    }

    #[test]
    fn many_classes_and_bad_tables() {
        let names: Vec<String> = (0..30).map(|i| format!("class number {i}")).collect();
        let counts = vec![vec![12345; 30]; 30];
        assert!(confusion_matrix("many", &names, &counts).is_ok());
        assert!(confusion_matrix("few names", &names[..3], &counts).is_err());
        assert!(confusion_matrix("empty", &[], &[]).is_err());
    }
}
