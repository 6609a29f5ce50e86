//! Options that take one of several names.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a value of `T` by one of `names`, which are those that configuration files have for it.
pub(super) fn choice<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names)
        .try_map(|name| serde_json::from_value::<T>(Value::String(name)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::{Arg, Command};

    /// Panics where a name of an option is none of its type.
    pub(crate) fn check<T>(names: &'static [&'static str])
    where
        T: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        for name in names {
            let command = Command::new("test").arg(Arg::new("x").value_parser(choice::<T>(names)));
            let read = command.try_get_matches_from(["test", name]);
            assert!(read.is_ok(), "{name}: {:?}", read.err());
        }
    }

    #[test]
    fn another_name_is_refused_with_the_allowed_ones() {
        let command = Command::new("test");
        let command = command.arg(Arg::new("x").value_parser(choice::<bool>(&["yes"])));
        let error = command
            .try_get_matches_from(["test", "no"])
            .expect_err("unknown");
        assert!(
            error.to_string().contains("possible values: yes"),
            "{error}"
        );
    }
}
