//! The folder of the official ESCI files.

use std::path::Path;

use relevance_data::esci::{EXAMPLES_FILE, EsciDataset, PRODUCTS_FILE};

use crate::error::DistillError;

/// Opens the two official ESCI files in `folder`.
///
/// # Errors
///
/// [`DistillError::MissingData`] names the first of the two that is not there; a file is not ESCI's.
pub fn open_esci(folder: &Path) -> Result<EsciDataset, DistillError> {
    let files = [EXAMPLES_FILE, PRODUCTS_FILE];
    match files.into_iter().find(|file| !folder.join(file).exists()) {
        None => Ok(EsciDataset::open(folder)?),
        Some(file) => Err(DistillError::MissingData {
            folder: folder.to_owned(),
            file,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_data_says_what_to_give() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(EXAMPLES_FILE), "").expect("written");
        let error = open_esci(folder.path()).expect_err("no products");
        let error = error.to_string();
        assert!(
            error.starts_with("no file shopping_queries_dataset_products.parquet"),
            "{error}"
        );
        assert!(error.contains("give a folder with"), "{error}");
    }
}
