//! Documents side by side in rows of the context's length.

use causal_lm::{LmExample, LmTokenizer};
use training_loop::epoch_order;

use crate::documents::Document;
use crate::error::TeacherError;

/// Encodes documents, shuffles them by `seed` and packs them into rows of at most `context_length`
/// tokens.
///
/// Each document ends with the end-of-text token and is a segment of its own: attention never
/// crosses from one to the next. A document that is longer than a row goes on in further rows,
/// without what came before; a prompt stands only in the first of them.
///
/// ```
/// use teacher_train::{Document, pack, train_bpe_tokenizer};
///
/// let texts = ["usb cable", "garden hose"];
/// let tokenizer = train_bpe_tokenizer(texts, 280)?;
/// let rows = pack(&texts.map(Document::text), &tokenizer, 64, 7)?;
/// assert_eq!(rows.len(), 1); // both fit, each a segment of its own
/// let segments = rows[0].segment_ids.as_ref().unwrap();
/// assert_eq!((segments.first(), segments.last()), (Some(&0), Some(&1)));
/// # Ok::<(), teacher_train::TeacherError>(())
/// ```
///
/// # Errors
/// [`TeacherError::InvalidConfig`] if `context_length` is below 2; errors of the tokenizer.
pub fn pack(
    documents: &[Document],
    tokenizer: &LmTokenizer,
    context_length: usize,
    seed: u64,
) -> Result<Vec<LmExample>, TeacherError> {
    if context_length < 2 {
        return Err(TeacherError::invalid(
            "context_length",
            context_length,
            "at least 2",
        ));
    }
    let mut rows = Vec::new();
    let (mut row, mut used) = (Vec::new(), 0);
    for index in epoch_order(documents.len(), 0, seed) {
        for piece in pieces(&documents[index], tokenizer, context_length)? {
            if used + piece.len() > context_length {
                rows.push(LmExample::packed(&row));
                row.clear();
                used = 0;
            }
            used += piece.len();
            row.push(piece);
        }
    }
    if !row.is_empty() {
        rows.push(LmExample::packed(&row));
    }
    rows.retain(|row| row.num_targets() > 0);
    Ok(rows)
}

/// A document as examples of at most `context_length` tokens.
fn pieces(
    document: &Document,
    tokenizer: &LmTokenizer,
    context_length: usize,
) -> Result<Vec<LmExample>, TeacherError> {
    let mut prompt = match document.prompt.as_str() {
        "" => Vec::new(),
        prompt => tokenizer.encode(prompt)?,
    };
    prompt.truncate(context_length / 2);
    let mut text = tokenizer.encode(&document.text)?;
    text.push(tokenizer.eos_id());
    let whole = LmExample::completion(&prompt, &text);
    let chunks = whole
        .ids
        .chunks(context_length)
        .zip(whole.loss_mask.chunks(context_length));
    Ok(chunks
        .map(|(ids, loss_mask)| LmExample {
            ids: ids.to_vec(),
            loss_mask: loss_mask.to_vec(),
            segment_ids: None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::train_bpe_tokenizer;

    fn documents() -> Vec<Document> {
        let mut documents: Vec<Document> = (0..20)
            .map(|i| Document::text("usb cable ".repeat(1 + i % 5)))
            .collect();
        documents.push(Document {
            prompt: "Query: hose\nProduct: ".into(),
            text: "garden hose".into(),
        });
        documents.push(Document::text(
            "a very long text about many things ".repeat(20),
        ));
        documents
    }

    #[test]
    fn nothing_is_lost_and_no_row_is_too_long() {
        let documents = documents();
        let texts: Vec<String> = documents.iter().map(String::from).collect();
        let tokenizer = train_bpe_tokenizer(&texts, 300).expect("trains");
        let rows = pack(&documents, &tokenizer, 32, 7).expect("packs");
        assert!(rows.iter().all(|row| row.len() <= 32));
        let tokens: usize = rows.iter().map(LmExample::len).sum();
        let expected: usize = texts
            .iter()
            .map(|text| tokenizer.encode(text).expect("encodes").len() + 1)
            .sum();
        assert_eq!(tokens, expected);
        let ends = |row: &LmExample| {
            row.ids
                .iter()
                .filter(|id| **id == tokenizer.eos_id())
                .count()
        };
        assert_eq!(rows.iter().map(ends).sum::<usize>(), documents.len());
    }

    #[test]
    fn a_document_is_one_segment_and_its_prompt_is_not_learnt() {
        let documents = documents();
        let texts: Vec<String> = documents.iter().map(String::from).collect();
        let tokenizer = train_bpe_tokenizer(&texts, 300).expect("trains");
        let prompt = tokenizer.encode("Query: hose\nProduct: ").expect("encodes");
        let rows = pack(&documents, &tokenizer, 64, 7).expect("packs");
        let found = rows.iter().find_map(|row| {
            let at = row
                .ids
                .windows(prompt.len())
                .position(|window| window == prompt)?;
            Some((row, at))
        });
        let (row, at) = found.expect("the prompt is in a row");
        assert!(
            row.loss_mask[at..at + prompt.len()]
                .iter()
                .all(|learnt| !learnt)
        );
        assert!(row.loss_mask[at + prompt.len()]);
        for row in &rows {
            let segments = row.segment_ids.as_ref().expect("packed rows have segments");
            for i in 1..row.len() {
                // A new segment starts just where the last document ended, or was cut.
                let ended = row.ids[i - 1] == tokenizer.eos_id();
                assert!(!ended || segments[i] != segments[i - 1], "position {i}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let documents = documents();
        let texts: Vec<String> = documents.iter().map(String::from).collect();
        let tokenizer = train_bpe_tokenizer(&texts, 300).expect("trains");
        let ids = |seed| -> Vec<Vec<u32>> {
            let rows = pack(&documents, &tokenizer, 48, seed).expect("packs");
            rows.into_iter().map(|row| row.ids).collect()
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
    }
}
