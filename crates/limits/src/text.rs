//! How times and fuel are written in a policy: `"250ms"`, and a number or `"unlimited"`.

/// A `Duration` as text, such as `"250ms"`, `"2s"` or `"1m 30s"`.
pub mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*value))
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// It is no text, or none of this form.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(|_| {
            D::Error::custom(format_args!(
                "`{text}` is not a time; write a whole number from 0 up and ms, s, m or h, such as `250ms`"
            ))
        })
    }

    /// The form of the text, for a JSON Schema.
    #[cfg(feature = "schemars")]
    #[derive(Debug)]
    #[non_exhaustive]
    pub struct Text;

    #[cfg(feature = "schemars")]
    impl schemars::JsonSchema for Text {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Duration".into()
        }

        fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            // As `humantime` reads it. What JSON Schema cannot say: that the whole fits 64 bits of seconds.
            const PATTERN: &str = concat!(
                r"^(0|(\s*[0-9][0-9\s]*(\.\s*[0-9][0-9\s]*)?(nanos|nsec|ns|usec|us|µs|millis|msec|ms",
                "|seconds|second|secs|sec|s|minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d",
                r"|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y))+\s*)$"
            );
            schemars::json_schema!({
                "description": "A time, such as \"250ms\", \"2s\" or \"1m 30s\".",
                "type": "string",
                "pattern": PATTERN,
            })
        }
    }
}

/// Fuel as a whole number, or `"unlimited"`.
pub(crate) mod fuel {
    use std::fmt;

    use serde::{Deserializer, Serializer, de};

    const UNLIMITED: &str = "unlimited";

    #[expect(clippy::ref_option, reason = "serde passes a field by reference")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(fuel) => serializer.serialize_u64(*fuel),
            None => serializer.serialize_str(UNLIMITED),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Option<u64>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of fuel units from 0 up, or \"unlimited\"")
            }

            fn visit_u64<E: de::Error>(self, fuel: u64) -> Result<Option<u64>, E> {
                Ok(Some(fuel))
            }

            fn visit_i64<E: de::Error>(self, fuel: i64) -> Result<Option<u64>, E> {
                u64::try_from(fuel)
                    .map(Some)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(fuel), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<u64>, E> {
                if text == UNLIMITED {
                    return Ok(None);
                }
                Err(E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }

    /// The form of the number or text, for a JSON Schema.
    #[cfg(feature = "schemars")]
    pub(crate) struct Written;

    #[cfg(feature = "schemars")]
    impl schemars::JsonSchema for Written {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Fuel".into()
        }

        fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            schemars::json_schema!({
                "description": "A whole number of fuel units, or \"unlimited\".",
                "anyOf": [
                    { "type": "integer", "minimum": 0, "maximum": u64::MAX },
                    { "const": UNLIMITED },
                ],
            })
        }
    }
}
