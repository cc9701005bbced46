//! How is JSON read where it stands? A form says what it makes of each kind of JSON; this brings them together with `serde`.
//!
//! What does not fit is no error of the deserializer's, but a value like others: text is always read to its end, so that a
//! place where it is no JSON comes before all else, and so does the last of several fields of one name.

use std::fmt;

use serde::Deserialize as _;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Misfit;

/// What is read of a part of JSON, or the problem with it.
pub(super) type Fit<T> = Result<T, Misfit>;

/// Something that JSON can be read as.
pub(super) trait Form: Copy {
    type Out;

    /// Reads what neither is an array nor an object, or should be neither.
    fn value(self, json: Value) -> Fit<Self::Out>;

    fn natural(self, number: u64) -> Fit<Self::Out> {
        self.value(Value::from(number))
    }

    fn array<'de, A: SeqAccess<'de>>(self, items: A) -> Result<Fit<Self::Out>, A::Error> {
        whole_array(self, items)
    }

    fn object<'de, A: MapAccess<'de>>(self, fields: A) -> Result<Fit<Self::Out>, A::Error> {
        whole_object(self, fields)
    }

    fn read<'de, D: Deserializer<'de>>(self, json: D) -> Result<Fit<Self::Out>, D::Error> {
        json.deserialize_any(As(self))
    }

    /// Reads what is not `null`, where `null` was looked for.
    fn some<'de, D: Deserializer<'de>>(self, json: D) -> Result<Fit<Self::Out>, D::Error> {
        self.read(json)
    }

    /// Reads a value that is there already.
    fn read_value(self, json: &Value) -> Fit<Self::Out> {
        self.read(json).unwrap_or_else(|error| Err(Misfit::serde(&error)))
    }
}

/// Reads an array of which the form makes nothing item by item.
pub(super) fn whole_array<'de, F: Form, A: SeqAccess<'de>>(
    form: F,
    items: A,
) -> Result<Fit<F::Out>, A::Error> {
    Value::deserialize(SeqAccessDeserializer::new(items)).map(|json| form.value(json))
}

/// Reads an object of which the form makes nothing field by field.
pub(super) fn whole_object<'de, F: Form, A: MapAccess<'de>>(
    form: F,
    fields: A,
) -> Result<Fit<F::Out>, A::Error> {
    Value::deserialize(MapAccessDeserializer::new(fields)).map(|json| form.value(json))
}

/// A form, as `serde` takes it.
pub(super) struct As<F>(pub(super) F);

impl<'de, F: Form> DeserializeSeed<'de> for As<F> {
    type Value = Fit<F::Out>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        self.0.read(json)
    }
}

impl<'de, F: Form> Visitor<'de> for As<F> {
    type Value = Fit<F::Out>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<Self::Value, E> {
        Ok(self.0.value(Value::Bool(bool)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0.value(Value::from(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.natural(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.0.value(Value::from(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.value(Value::from(text)))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(self.0.value(Value::from(text)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(self.0.value(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(self.0.value(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        self.0.some(json)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        self.0.array(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        self.0.object(fields)
    }
}
