//! What is written as text of a form of its own, for a JSON Schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Contents, NetworkRule, Time};

/// A time as `humantime` reads it.
pub(crate) struct Duration;

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // What JSON Schema cannot say: that the whole fits 64 bits of seconds.
        const PATTERN: &str = concat!(
            r"^(0|(\s*[0-9][0-9\s]*(\.\s*[0-9][0-9\s]*)?(nanos|nsec|ns|usec|us|µs|millis|msec|ms",
            "|seconds|second|secs|sec|s|minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d",
            r"|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y))+\s*)$"
        );
        json_schema!({ "description": "A step of time, such as \"1ms\".", "type": "string", "pattern": PATTERN })
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // What JSON Schema cannot say: how many days a month has.
        const PATTERN: &str = concat!(
            "^(19[7-9][0-9]|2[0-5][0-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
            r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]*)?(Z|\+00:00)$"
        );
        json_schema!({
            "description": "A time from 1970 to 2554, such as \"2026-01-01T00:00:00Z\".",
            "type": "string",
            "pattern": PATTERN,
        })
    }
}

impl JsonSchema for NetworkRule {
    fn schema_name() -> Cow<'static, str> {
        "NetworkRule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // What JSON Schema cannot say: what is a name, an address or a network.
        const PATTERN: &str = concat!(
            r"^(dns|dns:[^/:\s]+",
            r"|(tcp|udp)://([^/?#@\[\]:\s]+(/[0-9]+)?|\[[0-9A-Fa-f:.]+(/[0-9]+)?\])",
            r":(\*|[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?)",
            r"|https?://([^/?#@\[\]:\s]+|\[[0-9A-Fa-f:.]+(/[0-9]+)?\])",
            r"(:(\*|[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?))?/[^?#]*)$"
        );
        json_schema!({
            "description": "What may be done in the network, such as \"dns:example.org\", \"tcp://*.example.org:443\", \
                \"udp://127.0.0.1:5353\" or \"https://api.example.org/v1/*\".",
            "type": "string",
            "pattern": PATTERN,
        })
    }
}

impl JsonSchema for Contents {
    fn schema_name() -> Cow<'static, str> {
        "Contents".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let bytes = generator.subschema_for::<Vec<u8>>();
        json_schema!({
            "description": "What is in a file: a text, or { bytes = [0, 255] }.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "bytes": bytes },
                    "required": ["bytes"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
