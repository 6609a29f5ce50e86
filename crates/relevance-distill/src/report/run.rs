//! What ran: the command, the settings, the stages and their losses.

use relevance_eval::plot;

use super::html::{duration, escape, facts, figure, figures, section, table};
use super::{ReportData, ReportError, StageSummary};

const SMOOTHING: f64 = 0.85;

pub(super) fn header(data: &ReportData) -> String {
    let mut chips = String::new();
    for (name, value) in [
        ("preset", data.preset.as_str()),
        ("seed", &data.seed.to_string()),
        ("device", &data.device),
        ("made", &data.created),
    ] {
        if !value.is_empty() {
            chips += &format!("<li><span>{name}</span> {}</li>\n", escape(value));
        }
    }
    let command = match data.command_line.as_str() {
        "" => String::new(),
        line => format!(
            "<pre class=\"command\"><code>{}</code></pre>\n",
            words(line)
        ),
    };
    let title = escape(&data.title);
    format!("<header>\n<h1>{title}</h1>\n<ul class=\"chips\">\n{chips}</ul>\n{command}</header>\n")
}

/// Words that a line break keeps whole: browsers would otherwise break after the hyphens of an option.
fn words(line: &str) -> String {
    let word = |word: &str| format!("<span>{}</span>", escape(word));
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

pub(super) fn stages(data: &ReportData) -> String {
    let total: f64 = data.stages.iter().map(|stage| stage.seconds).sum();
    let rows: String = data.stages.iter().map(|stage| row(stage, total)).collect();
    let mut body = if rows.is_empty() {
        "<p>No stage ran.</p>\n".into()
    } else {
        let last = format!(
            "<tr class=\"total\"><th scope=\"row\">total</th><td>{}</td><td></td></tr>\n",
            duration(total)
        );
        table("stages", &["stage", "time", "what it did"], &(rows + &last))
    };
    if !data.settings.is_empty() {
        body += &format!(
            "<details><summary>Settings ({})</summary>\n{}</details>\n",
            data.settings.len(),
            facts(&data.settings)
        );
    }
    section("ran", "What ran", &body)
}

fn row(stage: &StageSummary, total: f64) -> String {
    let share = 100.0 * stage.seconds / total;
    let share = if share.is_finite() {
        share.clamp(0.0, 100.0)
    } else {
        0.0
    };
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"time\">{}<span class=\"bar\"><i style=\"width:{share:.1}%\"></i></span></td><td>{}\n{}</td></tr>\n",
        escape(&stage.name),
        duration(stage.seconds),
        escape(&stage.note),
        facts(&stage.facts)
    )
}

pub(super) fn losses(data: &ReportData) -> Result<String, ReportError> {
    let mut drawn = String::new();
    for stage in &data.stages {
        let finite = |curve: &plot::CurveSeries| {
            let mut points = curve.points.iter();
            points.any(|(x, y)| x.is_finite() && y.is_finite())
        };
        if !stage.loss_curve.iter().any(finite) {
            continue;
        }
        let title = stage.name.as_str();
        let svg = plot::loss_curves(title, "loss", &stage.loss_curve, Some(SMOOTHING));
        drawn += &figure(title, svg)?;
    }
    let body = if drawn.is_empty() {
        "<p>No stage recorded a loss.</p>\n".into()
    } else {
        let how = "<p class=\"how\">Loss by training step. The pale line is the logged loss, the bold one \
                   its moving average; short series are shown as logged.</p>\n";
        how.to_owned() + &figures(&drawn)
    };
    Ok(section("losses", "Losses", &body))
}
