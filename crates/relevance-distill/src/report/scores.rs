//! The systems' figures: the headline table, per class, confusion, calibration.

use relevance_eval::{Evaluation, Interval, TieOrder, plot};

use super::html::{escape, figure, figures, section, table};
use super::{ReportData, ReportError};

type Column = (&'static str, fn(&Evaluation) -> Interval);

const COLUMNS: [Column; 6] = [
    ("macro F1", |system| system.macro_f1),
    ("micro F1", |system| system.micro_f1),
    ("weighted F1", |system| system.weighted_f1),
    ("accuracy", |system| system.accuracy),
    ("nDCG", |system| system.ndcg),
    ("nDCG@10", |system| system.ndcg_at_10),
];

pub(super) fn headline(data: &ReportData) -> String {
    let Some((_, first)) = data.systems.first() else {
        return section("scores", "Scores", "<p>No system was evaluated.</p>\n");
    };
    let best = COLUMNS.map(|(_, figure)| {
        let values = data.systems.iter().map(|(_, system)| figure(system).value);
        values.fold(f64::NEG_INFINITY, f64::max)
    });
    let lowest_ece = data
        .systems
        .iter()
        .map(|(_, system)| system.ece)
        .fold(f64::INFINITY, f64::min);
    let several = data.systems.len() > 1;
    let mut rows = String::new();
    for (name, system) in &data.systems {
        rows += &format!("<tr><th scope=\"row\">{}</th>", escape(name));
        for ((_, figure), best) in COLUMNS.iter().zip(best) {
            let Interval {
                value,
                lower,
                upper,
            } = figure(system);
            let class = best_class(several && value == best);
            rows += &format!("<td{class}>{value:.3}<small>{lower:.3} to {upper:.3}</small></td>");
        }
        let class = best_class(several && system.ece == lowest_ece);
        rows += &format!("<td{class}>{:.3}</td></tr>\n", system.ece);
    }
    let mut head = vec!["system"];
    head.extend(COLUMNS.map(|(name, _)| name));
    head.push("ECE");
    let how = format!(
        "<p class=\"how\">{} pairs of {} queries. Below each figure its {} % bootstrap interval over \
         queries ({} resamples). The best of a column is marked; overlapping intervals do not settle \
         which of two systems is better. nDCG: linear gains, items of equal score {}. \
         ECE: lower is better.</p>\n",
        first.num_pairs,
        first.num_queries,
        (first.bootstrap.confidence * 1e4).round() / 100.0,
        first.bootstrap.bootstrap_samples,
        match first.ties {
            TieOrder::ItemId => "by descending item id, as in trec_eval",
            TieOrder::Expected => "averaged over their orders",
        }
    );
    section("scores", "Scores", &(table("scores", &head, &rows) + &how))
}

fn best_class(best: bool) -> &'static str {
    if best { " class=\"best\"" } else { "" }
}

pub(super) fn per_class(data: &ReportData) -> Result<String, ReportError> {
    if data.systems.is_empty() {
        return Ok(String::new());
    }
    let systems: Vec<(&str, &Evaluation)> = data
        .systems
        .iter()
        .map(|(name, system)| (name.as_str(), system))
        .collect();
    let title = "F1 by class";
    let bars = figure(title, plot::per_class_f1(title, &systems))?;
    let mut rows = String::new();
    for (name, system) in systems {
        for (i, class) in system.per_class.iter().enumerate() {
            let shown = if i == 0 { escape(name) } else { String::new() };
            rows += &format!(
                "<tr><th scope=\"row\">{shown}</th><td class=\"text\">{}</td><td>{:.3}</td><td>{:.3}</td><td>{:.3}</td><td>{}</td></tr>\n",
                escape(&class.class),
                class.precision,
                class.recall,
                class.f1,
                class.support
            );
        }
    }
    let head = ["system", "class", "precision", "recall", "F1", "support"];
    let numbers = table("classes", &head, &rows);
    Ok(section("classes", "By class", &figures(&(bars + &numbers))))
}

pub(super) fn confusion(data: &ReportData) -> Result<String, ReportError> {
    let draw = |title: &str, system: &Evaluation| {
        plot::confusion_matrix(title, &data.class_names, &system.confusion_matrix)
    };
    let how = "Count, and share of the gold class's pairs; the shade is that share.";
    one_figure_each(data, "confusion", "Confusion", how, draw)
}

pub(super) fn reliability(data: &ReportData) -> Result<String, ReportError> {
    let draw =
        |title: &str, system: &Evaluation| plot::reliability_diagram(title, &system.reliability);
    let how = "Pairs sorted by the probability of the predicted class. A bar below the dashed line: \
               the system was surer than it was right. Below, the share of pairs in each bin.";
    one_figure_each(data, "reliability", "Reliability", how, draw)
}

fn one_figure_each(
    data: &ReportData,
    id: &str,
    heading: &str,
    how: &str,
    draw: impl Fn(&str, &Evaluation) -> Result<String, relevance_eval::EvalError>,
) -> Result<String, ReportError> {
    let mut drawn = String::new();
    for (name, system) in &data.systems {
        drawn += &figure(name, draw(name, system))?;
    }
    if drawn.is_empty() {
        return Ok(drawn);
    }
    let body = format!("<p class=\"how\">{how}</p>\n{}", figures(&drawn));
    Ok(section(id, heading, &body))
}
