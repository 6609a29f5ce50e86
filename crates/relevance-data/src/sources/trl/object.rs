//! A training record before it is one.

use crate::{DataError, Position};
use serde_json::{Map, Value};

/// A row as an object of JSON.
pub(super) type Object = Map<String, Value>;

/// Objects with their places.
pub(super) type Objects = Box<dyn Iterator<Item = Result<(Position, Object), DataError>> + Send>;
