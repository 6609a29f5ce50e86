//! The report of a run as one self-contained HTML page: no network, no script, light and dark.
//!
//! A stage fills a [`ReportData`], which is plain data, and writes what [`render`] returns. The page
//! forbids itself any connection by its content security policy.

mod cases;
mod data;
mod error;
mod html;
mod run;
mod scores;

pub use data::{CurveSeries, ExampleCase, ReportData, StageSummary, StudentAnswer};
pub use error::ReportError;

const STYLE: &str = include_str!("style.css");

/// The page. The same data give the same bytes.
///
/// # Errors
/// Figures that do not fit together: a confusion matrix that does not match the class names, systems
/// with different classes, an example whose distribution has the wrong number of classes.
pub fn render(data: &ReportData) -> Result<String, ReportError> {
    let sections = [
        scores::headline(data),
        run::stages(data),
        run::losses(data)?,
        scores::per_class(data)?,
        scores::confusion(data)?,
        scores::reliability(data)?,
        cases::examples(data)?,
        cases::notes(data),
    ];
    let mut links = String::new();
    for (id, name) in [
        ("scores", "Scores"),
        ("ran", "What ran"),
        ("losses", "Losses"),
        ("classes", "By class"),
        ("confusion", "Confusion"),
        ("reliability", "Reliability"),
        ("examples", "Examples"),
        ("notes", "Limits and notes"),
    ] {
        let opening = format!("<section id=\"{id}\">");
        if sections.iter().any(|section| section.starts_with(&opening)) {
            links += &format!("<a href=\"#{id}\">{name}</a>\n");
        }
    }
    Ok(page(
        &data.title,
        &format!("{}<nav>\n{links}</nav>\n", run::header(data)),
        &sections.concat(),
    ))
}

/// A page that holds one table; every cell is text.
pub fn html_page(title: &str, notes: &[String], head: &[String], rows: &[Vec<String>]) -> String {
    let escaped: Vec<String> = head.iter().map(|cell| html::escape(cell)).collect();
    let head: Vec<&str> = escaped.iter().map(String::as_str).collect();
    let row = |cells: &Vec<String>| {
        let cells: String = cells
            .iter()
            .map(|cell| format!("<td>{}</td>", html::escape(cell)))
            .collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    let notes: String = notes
        .iter()
        .map(|note| format!("<p>{}</p>\n", html::escape(note)))
        .collect();
    let heading = format!("<header>\n<h1>{}</h1>\n</header>\n", html::escape(title));
    let body = html::table("grid", &head, &rows) + &notes;
    page(title, &heading, &html::section("table", "Table", &body))
}

/// The frame of a page; `title` is text, the rest HTML.
fn page(title: &str, above: &str, main: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{above}<main>\n{main}</main>\n</body>\n</html>\n",
        html::escape(title),
    )
}

#[cfg(test)]
mod tests {
    use relevance_eval::{EvaluationConfig, Predictions, evaluate};

    use super::*;

    /// A report in which every text of a caller tries to be markup.
    fn hostile() -> ReportData {
        let evil = |name: &str| format!("{name}<script>alert(\"{name}\")</script>&'");
        let class_names = vec![evil("class0"), evil("class1")];
        let classes = [(&class_names[0], 1.0), (&class_names[1], 0.0)];
        let probabilities = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]];
        let queries = ["a", "a", "b", "b"];
        let predictions = Predictions::new(&queries, &[0, 1, 1, 0], &probabilities, &classes)
            .expect("valid predictions");
        let evaluation = evaluate(&predictions, &EvaluationConfig::default()).expect("figures");
        let answer = |system: &str, predicted: &str| StudentAnswer {
            system: evil(system),
            predicted: predicted.into(),
            probabilities: vec![0.75, 0.25],
        };
        ReportData {
            title: evil("title"),
            command_line: format!("relevance-distill run {}", evil("--out")),
            preset: evil("preset"),
            seed: 7,
            device: evil("device"),
            created: evil("created"),
            settings: vec![(evil("setting"), evil("setting value"))],
            stages: vec![
                StageSummary {
                    name: evil("stage"),
                    seconds: 61.0,
                    note: evil("note of stage"),
                    loss_curve: vec![CurveSeries {
                        name: evil("curve"),
                        points: (0..50)
                            .map(|i| (f64::from(i), 1.0 / f64::from(i + 1)))
                            .collect(),
                    }],
                    facts: vec![(evil("fact"), evil("fact value"))],
                },
                StageSummary {
                    name: "without a curve".into(),
                    loss_curve: vec![CurveSeries {
                        name: "nan".into(),
                        points: vec![(0.0, f64::NAN)],
                    }],
                    ..StageSummary::default()
                },
            ],
            systems: vec![
                (evil("system0"), evaluation.clone()),
                (evil("system1"), evaluation),
            ],
            class_names: class_names.clone(),
            examples: vec![ExampleCase {
                query: evil("query"),
                item: evil(&"item ".repeat(100)),
                gold: class_names[0].clone(),
                teacher_label: evil("teacher label"),
                teacher_reasoning: evil("reasoning"),
                students: vec![
                    answer("ce", &class_names[0]),
                    answer("crsd", &class_names[1]),
                ],
            }],
            notes: vec![evil("a note")],
        }
    }

    #[test]
    fn no_text_becomes_markup_and_nothing_is_fetched() {
        let page = render(&hostile()).expect("a page");
        assert!(!page.contains("<script") && !page.contains("alert(\""));
        for part in [
            "title",
            "--out",
            "preset",
            "device",
            "created",
            "setting",
            "setting value",
            "stage",
            "note of stage",
            "curve",
            "fact",
            "fact value",
            "class0",
            "class1",
            "system0",
            "system1",
            "query",
            "item ",
            "teacher label",
            "reasoning",
            "ce",
            "crsd",
            "a note",
        ] {
            assert!(page.contains(&format!("{part}&lt;")), "{part} is missing");
        }
        for outside in [
            "http://", "https://", "url(", "@import", "<link", " src=", "<img",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_section_stands_on_the_page_once_and_tags_balance() {
        let page = render(&hostile()).expect("a page");
        for id in [
            "scores",
            "ran",
            "losses",
            "classes",
            "confusion",
            "reliability",
            "examples",
            "notes",
        ] {
            assert_eq!(
                page.matches(&format!("<section id=\"{id}\">")).count(),
                1,
                "{id}"
            );
            assert_eq!(page.matches(&format!("href=\"#{id}\"")).count(), 1, "{id}");
        }
        // One loss, one per class, two confusions, two reliabilities.
        assert_eq!(page.matches("<svg ").count(), 6);
        for tag in [
            "section", "table", "tr", "td", "details", "div", "figure", "svg", "article", "ul",
            "li", "dl", "span", "p", "h2", "h3", "h4", "main", "style",
        ] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            let closed = page.matches(&format!("</{tag}>")).count();
            assert_eq!(opened, closed, "{tag}");
        }
        assert!(page.contains("1 min 01 s") && page.contains("aria-label=\"wrong\""));
        assert_eq!(page, render(&hostile()).expect("a page"), "the same bytes");
    }

    #[test]
    fn an_empty_report_is_still_a_page() {
        let page = render(&ReportData::default()).expect("a page");
        assert!(page.contains("No system was evaluated") && page.ends_with("</html>\n"));
    }

    #[test]
    fn figures_that_do_not_fit_are_refused_with_their_place() {
        let mut data = hostile();
        data.examples[0].students[1].probabilities.pop();
        let error = render(&data).expect_err("a short distribution").to_string();
        assert!(error.starts_with("example 0, system `crsd"), "{error}");

        let mut data = hostile();
        data.class_names.push("third".into());
        data.examples.clear();
        let error = render(&data).expect_err("a class too many").to_string();
        assert!(error.starts_with("figure `system0"), "{error}");
    }
}
