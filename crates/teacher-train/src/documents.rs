//! The texts of domain-adaptive pre-training.

use std::collections::BTreeSet;

use relevance_data::{Item, LabelSchema, LabeledPair};

/// One text of the domain. With a prompt, the loss falls on the text only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What comes before the text and is not learnt; empty for plain text.
    pub prompt: String,
    /// What is learnt.
    pub text: String,
}

impl Document {
    /// A plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            prompt: String::new(),
            text: text.into(),
        }
    }
}

/// The domain's documents (METHOD, stage 1.1): each item's record once, its attributes in words
/// once, and `query → title` for the pairs of the schema's first (most relevant) label.
///
/// The order is that of the pairs. Append general text to the result to replay it.
///
/// ```
/// use relevance_data::{Item, LabelSchema, LabeledPair, Pair, Query};
/// let schema = LabelSchema::esci();
/// let item = Item { brand: "Acme".into(), ..Item::new("B1", "USB cable") };
/// let pair = Pair { query: Query::new("1", "cable"), item };
/// let labeled = LabeledPair { pair, label: schema.parse("Exact")? };
/// let documents = teacher_train::domain_documents(&[labeled], &schema);
/// assert_eq!(documents[1].text, "The brand of USB cable is Acme.");
/// assert_eq!(documents[2].prompt, "Query: cable\nProduct: ");
/// # Ok::<(), relevance_data::DataError>(())
/// ```
pub fn domain_documents(pairs: &[LabeledPair], schema: &LabelSchema) -> Vec<Document> {
    let best = schema.labels().next();
    let mut seen = BTreeSet::new();
    let mut documents = Vec::new();
    for LabeledPair { pair, label } in pairs {
        let item = &pair.item;
        if seen.insert((&item.locale, &item.id, &item.title)) {
            documents.push(Document::text(item.text()));
            documents.extend(attributes(item).map(Document::text));
        }
        if Some(*label) == best {
            documents.push(Document {
                prompt: format!("Query: {}\nProduct: ", pair.query.text),
                text: item.title.clone(),
            });
        }
    }
    documents.retain(|document| !document.text.trim().is_empty());
    documents
}

/// The item's attributes as a sentence or two; none if it has none.
fn attributes(item: &Item) -> Option<String> {
    let title = item.title.trim();
    let sentences: Vec<String> = [("brand", &item.brand), ("color", &item.color)]
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| format!("The {name} of {title} is {}.", value.trim()))
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

impl<'a> From<&'a Document> for String {
    fn from(document: &'a Document) -> Self {
        format!("{}{}", document.prompt, document.text)
    }
}
