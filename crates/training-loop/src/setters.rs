//! Builder methods of configurations.

/// Writes `with_…` methods, one a field: `#[non_exhaustive]` takes struct expressions from other
/// crates, and these stand in for them. A field is listed as `with_field: field = Type`, or
/// `= into Type` where an option or a string is to be given without wrapping.
///
/// For the crates of this workspace; no part of the public interface.
#[doc(hidden)]
#[macro_export]
macro_rules! setters {
    () => {};
    ($setter:ident: $field:ident = into $type:ty; $($rest:tt)*) => {
        #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub fn $setter(mut self, $field: impl Into<$type>) -> Self {
            self.$field = $field.into();
            self
        }
        $crate::setters! { $($rest)* }
    };
    ($setter:ident: $field:ident = $type:ty; $($rest:tt)*) => {
        #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub fn $setter(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
        $crate::setters! { $($rest)* }
    };
}
