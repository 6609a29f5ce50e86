//! A student of some of a deeper model's layers.

use std::fmt;

use crate::StudentError;

/// Why a choice of layers cannot make a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerFault {
    /// None was chosen.
    Empty,
    /// A layer that there is not.
    OutOfRange(usize),
    /// A layer was chosen twice.
    Repeated(usize),
}

impl fmt::Display for LayerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("at least one is needed"),
            Self::OutOfRange(layer) => write!(f, "there is no layer {layer}"),
            Self::Repeated(layer) => write!(f, "layer {layer} is chosen twice"),
        }
    }
}

/// The chosen ones of all layers, in the order chosen.
pub(crate) fn choose<L>(all: Vec<L>, chosen: &[usize]) -> Result<Vec<L>, StudentError> {
    let available = all.len();
    let mut all: Vec<Option<L>> = all.into_iter().map(Some).collect();
    let taken = chosen.iter().map(|&layer| match all.get_mut(layer) {
        None => Err(LayerFault::OutOfRange(layer)),
        Some(slot) => slot.take().ok_or(LayerFault::Repeated(layer)),
    });
    let kept: Result<Vec<L>, LayerFault> = taken.collect();
    let kept = kept.and_then(|kept| match kept.is_empty() {
        true => Err(LayerFault::Empty),
        false => Ok(kept),
    });
    kept.map_err(|reason| StudentError::Layers {
        layers: chosen.to_vec(),
        available,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_taken_in_the_order_chosen_and_faults_are_named() {
        let all = || vec!["a", "b", "c", "d"];
        assert_eq!(choose(all(), &[0, 2, 3]).unwrap(), ["a", "c", "d"]);
        assert_eq!(choose(all(), &[3, 0]).unwrap(), ["d", "a"]);
        let refused = |chosen: &[usize]| choose(all(), chosen).unwrap_err().to_string();
        assert_eq!(
            refused(&[]),
            "layers []: at least one is needed (4 layers, 0 to 3)"
        );
        assert_eq!(
            refused(&[1, 4]),
            "layers [1, 4]: there is no layer 4 (4 layers, 0 to 3)"
        );
        assert_eq!(
            refused(&[1, 2, 1]),
            "layers [1, 2, 1]: layer 1 is chosen twice (4 layers, 0 to 3)"
        );
    }
}
