//! How times and fuel are written in a policy: `"250ms"`, and a number or `"unlimited"`.

/// A `Duration` as text, such as `"250ms"`, `"2s"` or `"1m 30s"`.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(|_| {
            D::Error::custom(format_args!(
                "`{text}` is not a time; write a whole number from 0 up and ms, s, m or h, such as `250ms`"
            ))
        })
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
}
