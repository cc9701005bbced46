//! The JSON Schema of manifests, derived from the types that read them.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use super::{Manifest, text::Text};

impl Manifest {
    /// The JSON Schema of manifests. What it cannot say, such as what a policy allows, is checked when one is read.
    pub fn json_schema() -> Value {
        let mut schema = schemars::schema_for!(Text);
        Tidy.transform(&mut schema);
        schema.to_value()
    }
}

/// Makes the schema say what TOML is: there is no null, and whole numbers have ends. Of descriptions the first paragraph
/// is kept, as text without links. Defaults go: those of limits are the policy's.
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(table) = schema.as_object_mut() {
            table.remove("default");
            match table.get("format").and_then(Value::as_str) {
                Some("uint32") => drop(table.insert("maximum".to_owned(), u32::MAX.into())),
                Some("uint64") => drop(table.insert("maximum".to_owned(), u64::MAX.into())),
                _ => {}
            }
            if let Some(Value::String(text)) = table.get_mut("description") {
                *text = plain(text);
            }
            if let Some(Value::Array(types)) = table.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    table.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = table.get_mut("anyOf") {
                choices.retain(|one| one.get("type") != Some(&Value::from("null")));
            }
        }
        transform_subschemas(self, schema);
    }
}

/// The first paragraph in one line, and of each link its text.
fn plain(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let mut plain = String::new();
    let mut rest = paragraph.as_str();
    while let Some((before, after)) = rest.split_once("](") {
        plain.push_str(&before.replacen('[', "", 1));
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    plain + rest
}
