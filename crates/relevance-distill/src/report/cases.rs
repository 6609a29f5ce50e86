//! Some pairs with the teacher's reasoning and the students' answers, and the notes.

use super::html::{escape, section};
use super::{ExampleCase, ReportData, ReportError, StudentAnswer};

/// Longer item texts are folded.
const ITEM_CHARS: usize = 320;

pub(super) fn examples(data: &ReportData) -> Result<String, ReportError> {
    let mut body = String::new();
    for (index, case) in data.examples.iter().enumerate() {
        body += &card(index, case, &data.class_names)?;
    }
    if body.is_empty() {
        body = "<p>No example was kept.</p>\n".into();
    }
    Ok(section("examples", "Examples", &body))
}

fn card(index: usize, case: &ExampleCase, classes: &[String]) -> Result<String, ReportError> {
    let mut answers = String::new();
    for student in &case.students {
        if student.probabilities.len() != classes.len() {
            return Err(ReportError::DistributionWidth {
                example: index,
                system: student.system.clone(),
                found: student.probabilities.len(),
                expected: classes.len(),
            });
        }
        answers += &answer(student, &case.gold, classes);
    }
    let reasoning = match case.teacher_reasoning.as_str() {
        "" => "<p class=\"none\">No reasoning.</p>".into(),
        text => format!("<blockquote dir=\"auto\">{}</blockquote>", escape(text)),
    };
    Ok(format!(
        "<article class=\"case\">\n<h3 dir=\"auto\">{}</h3>\n{}<p>Gold label: <strong>{}</strong></p>\n\
         <div class=\"answers\">\n<div class=\"answer teacher\">\n<h4>teacher: {}</h4>\n{reasoning}\n</div>\n\
         {answers}</div>\n</article>\n",
        escape(&case.query),
        item(&case.item),
        escape(&case.gold),
        verdict(&case.teacher_label, &case.gold),
    ))
}

fn item(text: &str) -> String {
    if text.chars().count() <= ITEM_CHARS {
        return format!("<p class=\"item\" dir=\"auto\">{}</p>\n", escape(text));
    }
    let start: String = text.chars().take(ITEM_CHARS).collect();
    let rest: String = text.chars().skip(ITEM_CHARS).collect();
    format!(
        "<details class=\"item\" dir=\"auto\"><summary>{}…</summary>…{}</details>\n",
        escape(start.trim_end()),
        escape(&rest)
    )
}

fn verdict(label: &str, gold: &str) -> String {
    let (class, mark) = if label == gold {
        ("right", "✓")
    } else {
        ("wrong", "✗")
    };
    format!(
        "<span class=\"{class}\">{} <span role=\"img\" aria-label=\"{class}\">{mark}</span></span>",
        escape(label)
    )
}

fn answer(student: &StudentAnswer, gold: &str, classes: &[String]) -> String {
    let mut rows = String::new();
    for (class, &probability) in classes.iter().zip(&student.probabilities) {
        let width = if probability.is_finite() {
            probability.clamp(0.0, 1.0) * 100.0
        } else {
            0.0
        };
        rows += &format!(
            "<tr><th scope=\"row\">{}</th><td class=\"share\"><span class=\"bar\"><i style=\"width:{width:.1}%\"></i></span></td><td>{probability:.2}</td></tr>\n",
            escape(class)
        );
    }
    format!(
        "<div class=\"answer\">\n<h4>{}: {}</h4>\n<table class=\"distribution\"><tbody>\n{rows}</tbody></table>\n</div>\n",
        escape(&student.system),
        verdict(&student.predicted, gold)
    )
}

pub(super) fn notes(data: &ReportData) -> String {
    if data.notes.is_empty() {
        return String::new();
    }
    let item = |note: &String| format!("<li>{}</li>\n", escape(note));
    let items: String = data.notes.iter().map(item).collect();
    section(
        "notes",
        "Limits and notes",
        &format!("<ul>\n{items}</ul>\n"),
    )
}
