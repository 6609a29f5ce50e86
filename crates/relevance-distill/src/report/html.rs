//! Pieces of HTML. Every text of a caller passes through [`escape`].

use super::ReportError;
use relevance_eval::EvalError;

/// A text as HTML content or attribute value; control characters other than line ends and tabs,
/// which HTML does not allow, become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => escaped.push('\u{FFFD}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A section with its heading; `id` and `title` are ours, `body` is HTML.
pub(super) fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section id=\"{id}\">\n<h2>{title}</h2>\n{body}</section>\n")
}

/// An inline figure.
pub(super) fn figure(title: &str, drawn: Result<String, EvalError>) -> Result<String, ReportError> {
    let svg = drawn.map_err(|source| ReportError::Figure {
        figure: title.into(),
        source,
    })?;
    // Inside HTML the namespace is implied.
    let svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    Ok(format!("<figure>{svg}</figure>\n"))
}

/// Figures side by side where the screen is wide enough.
pub(super) fn figures(inner: &str) -> String {
    format!("<div class=\"figures\">\n{inner}</div>\n")
}

/// A table that scrolls sideways on a narrow screen; class and head cells are ours, rows are HTML.
pub(super) fn table(class: &str, head: &[&str], rows: &str) -> String {
    let head: String = head
        .iter()
        .map(|cell| format!("<th scope=\"col\">{cell}</th>"))
        .collect();
    format!(
        "<div class=\"scroll\"><table class=\"{class}\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

/// Names and values, two columns.
pub(super) fn facts(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| {
        format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value))
    };
    let rows: String = rows.iter().map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("<dl class=\"facts\">\n{rows}</dl>\n")
}

/// A duration as people say it.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".into();
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    if whole < 3600 {
        return format!("{} min {:02} s", whole / 60, whole % 60);
    }
    let minutes = (seconds / 60.0).round() as u64;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>&\u{0}\n"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\u{FFFD}\n"
        );
    }

    #[test]
    fn durations_read_well() {
        let said: Vec<String> = [0.04, 59.97, 125.4, 3599.7, 3725.0, f64::NAN]
            .map(duration)
            .into();
        assert_eq!(
            said,
            [
                "0.0 s",
                "1 min 00 s",
                "2 min 05 s",
                "1 h 00 min",
                "1 h 02 min",
                "–"
            ]
        );
    }
}
