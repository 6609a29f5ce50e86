//! One look for all plots: size, font, palette, title and legend.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::EvalError;

/// Text, axes: `#24292F`.
pub const INK: (u8, u8, u8) = (0x24, 0x29, 0x2F);
/// Grid lines: `#D8DEE4`.
pub const GRID: (u8, u8, u8) = (0xD8, 0xDE, 0xE4);
/// Background: `#FFFFFF`.
pub const PAPER: (u8, u8, u8) = (0xFF, 0xFF, 0xFF);
/// Colours of series, in order of use: Okabe and Ito's, without black and yellow. Further series have darker,
/// then paler ones of them.
pub const PALETTE: [(u8, u8, u8); 6] = [
    (0x00, 0x72, 0xB2),
    (0xE6, 0x9F, 0x00),
    (0x00, 0x9E, 0x73),
    (0xD5, 0x5E, 0x00),
    (0xCC, 0x79, 0xA7),
    (0x56, 0xB4, 0xE9),
];

/// Drawing units a displayed pixel: plotters rounds to whole units, the page shows half of them.
pub(super) const UNITS: i32 = 2;
/// Displayed width of every plot, in pixels.
pub(super) const WIDTH: i32 = 560;
pub(super) const MARGIN: i32 = 14;
pub(super) const TEXT: f64 = 14.0;
pub(super) const SMALL: f64 = 12.0;

const FONT: &str = "system-ui, -apple-system, Roboto, Helvetica, Arial, sans-serif";
const TITLE: f64 = 16.0;
const TITLE_BASELINE: i32 = 24;
const LEGEND_ROW: i32 = 22;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type DrawResult = Result<(), DrawingAreaErrorKind<std::io::Error>>;

pub(super) fn color((r, g, b): (u8, u8, u8)) -> RGBColor {
    RGBColor(r, g, b)
}

pub(super) fn series_color(index: usize) -> RGBColor {
    let (r, g, b) = PALETTE[index % PALETTE.len()];
    let mix = |channel: u8, other: f64, share: f64| {
        (f64::from(channel) * (1.0 - share) + other * share).round() as u8
    };
    let (other, share) = match index / PALETTE.len() % 3 {
        0 => return RGBColor(r, g, b),
        1 => (0.0, 0.5),
        _ => (255.0, 0.5),
    };
    RGBColor(
        mix(r, other, share),
        mix(g, other, share),
        mix(b, other, share),
    )
}

/// Displayed pixels to drawing units.
pub(super) fn px(pixels: i32) -> i32 {
    pixels * UNITS
}

/// Text of a displayed height; the SVG backend divides the size by 1.24.
pub(super) fn text(pixels: f64, ink: RGBColor) -> TextStyle<'static> {
    (FONT, pixels * f64::from(UNITS) * 1.24)
        .into_font()
        .color(&ink)
}

pub(super) fn bold(pixels: f64, ink: RGBColor) -> TextStyle<'static> {
    (FONT, pixels * f64::from(UNITS) * 1.24, FontStyle::Bold)
        .into_font()
        .color(&ink)
}

pub(super) fn centered(style: TextStyle<'static>) -> TextStyle<'static> {
    style.pos(Pos::new(HPos::Center, VPos::Center))
}

pub(super) fn ended(style: TextStyle<'static>) -> TextStyle<'static> {
    style.pos(Pos::new(HPos::Right, VPos::Center))
}

/// A text at a position in displayed pixels.
pub(super) fn label(
    at: (i32, i32),
    content: impl Into<String>,
    style: TextStyle<'static>,
) -> Text<'static, (i32, i32), String> {
    Text::new(content.into(), (px(at.0), px(at.1)), style)
}

/// A filled rectangle between two corners in displayed pixels.
pub(super) fn filled(
    corners: [(i32, i32); 2],
    fill: impl Into<ShapeStyle>,
) -> Rectangle<(i32, i32)> {
    Rectangle::new(corners.map(|(x, y)| (px(x), px(y))), fill)
}

/// Width that a text takes, in displayed pixels: fonts are not at hand, so by the average glyph.
pub(super) fn text_width(content: &str, pixels: f64) -> i32 {
    let ems: f64 = content
        .chars()
        .map(|c| if c.is_ascii() { 0.56 } else { 1.0 })
        .sum();
    (ems * pixels).ceil() as i32
}

/// The text, cut with an ellipsis to a width in displayed pixels. Its end stays, for names in a row often differ
/// there only.
pub(super) fn fitted(content: &str, pixels: f64, width: i32) -> String {
    // Control characters are not allowed in XML.
    let clean: Vec<char> = content
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let keeping = |count: usize| -> String {
        if count == clean.len() {
            return clean.iter().collect();
        }
        let (begin, end) = clean.split_at(count.div_ceil(2));
        let end = &end[end.len() - count / 2..];
        begin.iter().chain(&['…']).chain(end).collect()
    };
    let fits = |text: &String| text_width(text, pixels) <= width;
    let mut candidates = (0..=clean.len()).rev().map(keeping);
    candidates.find(fits).unwrap_or_else(|| "…".into())
}

/// How class names stand below their columns: across, or turned where one would not fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnNames {
    turned: bool,
    width: i32,
}

/// The longest name that is shown whole, in displayed pixels.
const LONGEST_NAME: i32 = 170;

/// Displayed width of the widest name, in pixels, at most that of the longest that is shown whole.
pub(super) fn widest_name<S: AsRef<str>>(names: &[S]) -> i32 {
    let widths = names.iter().map(|name| text_width(name.as_ref(), TEXT));
    widths.max().unwrap_or(0).min(LONGEST_NAME)
}

impl ColumnNames {
    /// For columns of this displayed width.
    pub(super) fn new<S: AsRef<str>>(names: &[S], column: i32) -> Self {
        let widest = widest_name(names);
        let turned = widest > column - 6;
        Self {
            turned,
            width: if turned { widest } else { column - 6 },
        }
    }

    /// The displayed height that the names take.
    pub(super) fn height(&self) -> i32 {
        if self.turned { self.width + 12 } else { 24 }
    }

    /// Draws a name below the middle of its column.
    pub(super) fn draw(&self, area: &Area<'_>, (x, top): (i32, i32), name: &str) -> DrawResult {
        let name = fitted(name, TEXT, self.width);
        let style = text(TEXT, color(INK));
        if self.turned {
            let style = ended(style).transform(FontTransform::Rotate270);
            area.draw(&label((x, top + 8), name, style))
        } else {
            area.draw(&label((x, top + 15), name, centered(style)))
        }
    }
}

/// Runs a drawing of a displayed height and returns the SVG, titled for readers who cannot see it.
pub(super) fn render(
    title: &str,
    height: i32,
    draw: impl FnOnce(&Area<'_>) -> DrawResult,
) -> Result<String, EvalError> {
    let mut svg = String::new();
    let size = (px(WIDTH) as u32, px(height) as u32);
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&color(PAPER))
            .and_then(|()| {
                area.draw(&label(
                    (MARGIN, TITLE_BASELINE),
                    fitted(title, TITLE, WIDTH - 2 * MARGIN),
                    bold(TITLE, color(INK)).pos(Pos::new(HPos::Left, VPos::Center)),
                ))
            })
            .and_then(|()| draw(&area))
            .and_then(|()| area.present())
    };
    drawn.map_err(|error| EvalError::Plot {
        title: title.into(),
        message: error.to_string(),
    })?;
    let opening = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
    let described = format!(
        "<svg role=\"img\" aria-label=\"{}\" stroke-linejoin=\"round\" width=\"{WIDTH}\" height=\"{height}\"",
        escaped(title)
    );
    Ok(svg.replacen(&opening, &described, 1))
}

fn escaped(content: &str) -> String {
    content
        .chars()
        .map(|c| match c {
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            '"' => "&quot;".into(),
            '\'' => "&#39;".into(),
            c if c.is_control() => " ".into(),
            c => c.to_string(),
        })
        .collect()
}

/// Places of the legend's entries below the title: (x, y, text), and the height that they take.
pub(super) fn legend_layout(names: &[&str]) -> (Vec<(i32, i32, String)>, i32) {
    let (mut x, mut y) = (MARGIN, TITLE_BASELINE + 24);
    let mut entries = Vec::new();
    for name in names {
        let shown = fitted(name, TEXT, WIDTH - 2 * MARGIN - 40);
        let width = 22 + text_width(&shown, TEXT) + 16;
        if x > MARGIN && x + width > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + LEGEND_ROW);
        }
        entries.push((x, y, shown));
        x += width;
    }
    let bottom = if names.is_empty() { TITLE_BASELINE } else { y };
    (entries, bottom + LEGEND_ROW / 2 + 4)
}

/// Draws the legend: a swatch and a name an entry.
pub(super) fn draw_legend(area: &Area<'_>, entries: &[(i32, i32, String)]) -> DrawResult {
    for (i, (x, y, name)) in entries.iter().enumerate() {
        let swatch = [(*x, y - 6), (x + 14, y + 6)];
        area.draw(&filled(swatch, series_color(i).filled()))?;
        let style = text(TEXT, color(INK)).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&label((x + 20, *y), name.as_str(), style))?;
    }
    Ok(())
}

/// The plotting rectangle in displayed pixels, and the linear maps into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

impl Frame {
    /// Drawing units of a point of the data.
    pub(super) fn at(&self, x: f64, y: f64) -> (i32, i32) {
        let map = |value: f64, (low, high): (f64, f64), from: i32, to: i32| {
            let share = (value - low) / (high - low);
            (f64::from(px(from)) + share * f64::from(px(to) - px(from))).round() as i32
        };
        (
            map(x, self.x, self.left, self.right),
            map(y, self.y, self.bottom, self.top),
        )
    }

    /// Horizontal grid lines and the labels left of them.
    pub(super) fn draw_y_axis(&self, area: &Area<'_>, ticks: &[f64], name: &str) -> DrawResult {
        for (&tick, content) in ticks.iter().zip(tick_labels(ticks)) {
            let (_, y) = self.at(self.x.0, tick);
            let points = [(px(self.left), y), (px(self.right), y)];
            area.draw(&PathElement::new(points, color(GRID).stroke_width(2)))?;
            let style = ended(text(SMALL, color(INK)));
            area.draw(&Text::new(content, (px(self.left - 8), y), style))?;
        }
        let style = centered(text(TEXT, color(INK))).transform(FontTransform::Rotate270);
        let middle = (self.top + self.bottom) / 2;
        area.draw(&label((MARGIN + 4, middle), name, style))
    }

    /// The base line, ticks and the labels below it.
    pub(super) fn draw_x_axis(&self, area: &Area<'_>, ticks: &[f64], name: &str) -> DrawResult {
        let base = [
            (px(self.left), px(self.bottom)),
            (px(self.right), px(self.bottom)),
        ];
        area.draw(&PathElement::new(base, color(INK).stroke_width(2)))?;
        for (&tick, content) in ticks.iter().zip(tick_labels(ticks)) {
            let (x, y) = self.at(tick, self.y.0);
            let points = [(x, y), (x, y + px(5))];
            area.draw(&PathElement::new(points, color(INK).stroke_width(2)))?;
            let style = centered(text(SMALL, color(INK)));
            area.draw(&Text::new(content, (x, y + px(15)), style))?;
        }
        let style = centered(text(TEXT, color(INK)));
        let middle = (self.left + self.right) / 2;
        area.draw(&label((middle, self.bottom + 36), name, style))
    }
}

/// Round numbers inside `[low, high]`, about `count` of them.
pub(super) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let raw = (high - low) / count.max(1) as f64;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|&step| step >= raw * 0.999)
        .unwrap_or(raw);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// What stands at the ticks: decimals that tell them apart, or powers of ten where there would be too many.
fn tick_labels(ticks: &[f64]) -> Vec<String> {
    let largest = ticks
        .iter()
        .fold(0.0_f64, |most, tick| most.max(tick.abs()));
    let near = |tick: f64, digits: usize| {
        let scaled = tick * 10f64.powi(digits as i32);
        (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1.0)
    };
    let digits_of = |ticks: &mut dyn Iterator<Item = f64>| -> usize {
        let ticks: Vec<f64> = ticks.collect();
        let exact = |digits: &usize| ticks.iter().all(|&tick| near(tick, *digits));
        (0..8).find(exact).unwrap_or(8)
    };
    if largest == 0.0 || (1e-3..1e5).contains(&largest) {
        let digits = digits_of(&mut ticks.iter().copied());
        return ticks
            .iter()
            .map(|tick| format!("{tick:.digits$}"))
            .collect();
    }
    // One power for all, so that they compare at a glance.
    let power = largest.log10().floor() as i32;
    let unit = 10f64.powi(power);
    let digits = digits_of(&mut ticks.iter().map(|tick| tick / unit));
    let label = |&tick: &f64| match tick {
        0.0 => "0".into(),
        _ => format!("{:.digits$}e{power}", tick / unit),
    };
    ticks.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_told_apart() {
        assert_eq!(ticks(0.0, 1.0, 5).len(), 6);
        assert_eq!(ticks(0.0, 230.0, 5), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(tick_labels(&[0.0, 0.25, 0.5]), ["0.00", "0.25", "0.50"]);
        assert_eq!(tick_labels(&[0.0, 50.0]), ["0", "50"]);
        assert_eq!(tick_labels(&[0.0, 2e-7, 4e-7]), ["0", "2e-7", "4e-7"]);
        assert_eq!(tick_labels(&[-2.5e6, 0.0, 2.5e6]), ["-2.5e6", "0", "2.5e6"]);
        assert_eq!(tick_labels(&[0.0]), ["0"]);
        for (low, high) in [(0.0, 1e-7), (-3e8, 4e9), (0.998, 1.003), (0.0, 99_999.0)] {
            let ticks = ticks(low, high, 5);
            let labels = tick_labels(&ticks);
            let distinct: std::collections::BTreeSet<&String> = labels.iter().collect();
            assert_eq!(distinct.len(), ticks.len(), "{labels:?}");
            assert!(labels.iter().all(|label| label.len() <= 6), "{labels:?}");
        }
    }

    #[test]
    fn long_text_is_cut_in_its_middle_and_control_characters_go() {
        assert_eq!(fitted("short", 14.0, 100), "short");
        let cut = fitted("a very long class name indeed, number 7", 14.0, 80);
        assert!(cut.contains('…') && cut.starts_with("a ") && cut.ends_with('7'));
        assert!(text_width(&cut, 14.0) <= 80);
        assert_eq!(fitted("long", 14.0, 0), "…");
        assert_eq!(fitted("a\u{1}b", 14.0, 100), "a b");
    }

    #[test]
    fn eighteen_series_have_colours_of_their_own() {
        let colours: std::collections::BTreeSet<(u8, u8, u8)> = (0..18)
            .map(series_color)
            .map(|RGBColor(r, g, b)| (r, g, b))
            .collect();
        assert_eq!(colours.len(), 18);
    }
}
