//! The confusion matrix as a heat map.

use plotters::prelude::*;

use super::style::{
    Area, ColumnNames, DrawResult, INK, MARGIN, SMALL, TEXT, WIDTH, bold, centered, color, ended,
    filled, fitted, label, render, text, text_width, widest_name,
};
use crate::lengths::same_length;
use crate::{ConfusionMatrix, EvalError};

const TOP: i32 = 44;

/// Rows are gold classes, columns predicted ones. A cell shows its count and its share of the row;
/// the shade is that share, so that a rare class reads as well as a frequent one.
///
/// ```
/// use relevance_eval::plot;
///
/// let svg = plot::confusion_matrix("Student", &["Exact", "Irrelevant"], &[[8, 2], [1, 9]])?;
/// assert!(svg.starts_with("<svg") && svg.contains("Irrelevant") && svg.contains("80 %"));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Those of [`ConfusionMatrix::from_rows`], names that do not match the table.
pub fn confusion_matrix<S: AsRef<str>, R: AsRef<[u64]>>(
    title: &str,
    class_names: &[S],
    counts: &[R],
) -> Result<String, EvalError> {
    let matrix = ConfusionMatrix::from_rows(counts)?;
    let classes = matrix.classes();
    let names = class_names.len();
    same_length("class_names", names, "the confusion matrix", classes)?;
    let widest = widest_name(class_names);
    let left = MARGIN + 24 + widest + 10;
    let cell_width = (WIDTH - MARGIN - left) / classes as i32;
    let cell_height = cell_width.clamp(16, 64);
    let bottom = TOP + cell_height * classes as i32;
    let below = ColumnNames::new(class_names, cell_width);
    render(title, bottom + below.height() + 28, |area| {
        for (gold, name) in class_names.iter().enumerate() {
            let y = TOP + gold as i32 * cell_height;
            let name = fitted(name.as_ref(), TEXT, widest);
            let style = ended(text(TEXT, color(INK)));
            area.draw(&label((left - 10, y + cell_height / 2), name, style))?;
            for predicted in 0..classes {
                let x = left + predicted as i32 * cell_width;
                let corners = [(x + 1, y + 1), (x + cell_width - 1, y + cell_height - 1)];
                let (count, of) = (matrix.count(gold, predicted), matrix.support(gold));
                cell(area, corners, count, of)?;
            }
        }
        for (predicted, name) in class_names.iter().enumerate() {
            let x = left + predicted as i32 * cell_width + cell_width / 2;
            below.draw(area, (x, bottom), name.as_ref())?;
        }
        let axis = |style| centered(bold(SMALL, style));
        let middle = (left + WIDTH - MARGIN) / 2;
        let place = (middle, bottom + below.height() + 12);
        area.draw(&label(place, "predicted", axis(color(INK))))?;
        let turned = axis(color(INK)).transform(FontTransform::Rotate270);
        area.draw(&label((MARGIN + 4, (TOP + bottom) / 2), "gold", turned))
    })
}

/// One cell: the count and, where there is room, the share of the row's `of` pairs; a row without pairs has no
/// shares.
fn cell(area: &Area<'_>, corners: [(i32, i32); 2], count: u64, of: u64) -> DrawResult {
    let [(left, top), (right, bottom)] = corners;
    let (width, height) = (right - left, bottom - top);
    let share = count as f64 / of.max(1) as f64;
    area.draw(&filled(corners, shade(share).filled()))?;
    let ink = readable_on(shade(share));
    let (x, y) = ((left + right) / 2, (top + bottom) / 2);
    let roomy = height >= 42;
    let pixels = if roomy { TEXT } else { SMALL };
    let Some(shown) = shown(count, pixels, width) else {
        return Ok(());
    };
    if !roomy || of == 0 {
        return area.draw(&label((x, y), shown, centered(bold(pixels, ink))));
    }
    area.draw(&label((x, y - 8), shown, centered(bold(pixels, ink))))?;
    let percent = format!("{:.0} %", 100.0 * share);
    area.draw(&label((x, y + 11), percent, centered(text(SMALL, ink))))
}

/// The count as it fits: in full, or in thousands, millions or billions; none where neither does.
fn shown(count: u64, pixels: f64, width: i32) -> Option<String> {
    // Bold digits are wider than the average letter.
    let fits = |text: &String| f64::from(text_width(text, pixels)) * 1.2 <= f64::from(width);
    let rounded = |(unit, name): (f64, &str)| {
        let value = count as f64 / unit;
        let digits = usize::from(value < 9.95);
        (value >= 0.995).then(|| format!("{value:.digits$}{name}"))
    };
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let short = units.into_iter().find_map(rounded);
    std::iter::once(count.to_string()).chain(short).find(fits)
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
    fn counts_are_shortened_before_they_are_left_out() {
        let shown = |count, width| shown(count, TEXT, width);
        assert_eq!(shown(31_209_740, 100).unwrap(), "31209740");
        assert_eq!(shown(31_209_740, 40).unwrap(), "31M");
        assert_eq!(shown(9_949_999, 40).unwrap(), "9.9M");
        assert_eq!(shown(98_765, 40).unwrap(), "99k");
        assert_eq!(shown(999_600, 40).unwrap(), "1.0M");
        assert_eq!(shown(98_765, 10), None);
        assert_eq!(shown(7, 12).unwrap(), "7");
    }

    #[test]
    fn a_class_without_pairs_has_no_shares() {
        let names = ["a", "b"].map(String::from);
        let svg = confusion_matrix("t", &names, &[vec![3, 0], vec![0, 0]]).unwrap();
        assert_eq!(svg.matches(" %").count(), 2, "those of the first row");
    }

    #[test]
    fn many_classes_and_bad_tables() {
        let names: Vec<String> = (0..30).map(|i| format!("class number {i}")).collect();
        let counts = vec![vec![12345; 30]; 30];
        assert!(confusion_matrix("many", &names, &counts).is_ok());
        assert!(confusion_matrix("few names", &names[..3], &counts).is_err());
        assert!(confusion_matrix::<&str, [u64; 0]>("empty", &[], &[]).is_err());
    }
}
