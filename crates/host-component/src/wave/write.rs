//! From values to WAVE.
//!
//! Written here and not by Wasmtime, whose writer panics at what it does not know, has no end to its recursion, and knows
//! neither maps nor resources. For all other values the text is the same, byte for byte.

use std::fmt::{Display, Write};

use wasmtime::component::Val;
use wasmtime::component::wasm_wave::lex::Keyword;

use super::WaveError;
use crate::check::{DEEPEST, kind};
use crate::handles::{Handles, Pending};

/// Writes values with commas between them; nothing is put among `handles` unless all can be written.
pub(super) fn values(handles: Option<&mut Handles>, vals: &[Val]) -> Result<String, WaveError> {
    let mut writer = Writer { out: String::new(), pending: handles.map(Handles::pending), depth: 0 };
    writer.items(vals)?;
    if let Some(pending) = writer.pending {
        pending.commit();
    }
    Ok(writer.out)
}

/// Writes values; resources only if they can get a handle.
struct Writer<'h> {
    out: String,
    pending: Option<Pending<'h>>,
    depth: usize,
}

impl Writer<'_> {
    fn write(&mut self, val: &Val) -> Result<(), WaveError> {
        if self.depth >= DEEPEST {
            return Err(WaveError::TooDeep { deepest: DEEPEST });
        }
        self.depth += 1;
        let written = self.write_inside(val);
        self.depth -= 1;
        written
    }

    fn write_inside(&mut self, val: &Val) -> Result<(), WaveError> {
        match val {
            Val::Bool(bool) => self.display(bool),
            Val::S8(number) => self.display(number),
            Val::U8(number) => self.display(number),
            Val::S16(number) => self.display(number),
            Val::U16(number) => self.display(number),
            Val::S32(number) => self.display(number),
            Val::U32(number) => self.display(number),
            Val::S64(number) => self.display(number),
            Val::U64(number) => self.display(number),
            Val::Float32(number) if number.is_nan() => self.out.push_str("nan"),
            Val::Float32(number) => self.display(number),
            Val::Float64(number) if number.is_nan() => self.out.push_str("nan"),
            Val::Float64(number) => self.display(number),
            Val::Char(character) => {
                self.out.push('\'');
                self.escaped(*character);
                self.out.push('\'');
            }
            Val::String(text) => {
                self.out.push('"');
                self.text(text);
                self.out.push('"');
            }
            Val::List(items) | Val::FixedLengthList(items) => {
                self.out.push('[');
                self.items(items)?;
                self.out.push(']');
            }
            Val::Tuple(items) => {
                self.out.push('(');
                self.items(items)?;
                self.out.push(')');
            }
            Val::Map(entries) => {
                self.out.push('[');
                for (index, (key, val)) in entries.iter().enumerate() {
                    self.out.push_str(if index == 0 { "(" } else { ", (" });
                    self.write(key)?;
                    self.out.push_str(", ");
                    self.write(val)?;
                    self.out.push(')');
                }
                self.out.push(']');
            }
            Val::Record(fields) => {
                let mut separator = "{";
                for (name, val) in fields.iter().filter(|(_, val)| !matches!(val, Val::Option(None))) {
                    self.out.push_str(separator);
                    separator = ", ";
                    self.out.push_str(name);
                    self.out.push_str(": ");
                    self.write(val)?;
                }
                // `{}` would be flags.
                self.out.push_str(if separator == "{" { "{:}" } else { "}" });
            }
            Val::Variant(name, payload) => {
                self.label(name);
                self.payload(payload.as_deref())?;
            }
            Val::Enum(name) => self.label(name),
            Val::Option(None) => self.out.push_str("none"),
            Val::Option(Some(inner)) => {
                self.out.push_str("some");
                self.payload(Some(inner))?;
            }
            Val::Result(result) => {
                let (word, payload) = match result {
                    Ok(payload) => ("ok", payload),
                    Err(payload) => ("err", payload),
                };
                self.out.push_str(word);
                self.payload(payload.as_deref())?;
            }
            Val::Flags(names) => {
                self.out.push('{');
                self.out.push_str(&names.join(", "));
                self.out.push('}');
            }
            Val::Resource(resource) => {
                let Some(pending) = &mut self.pending else {
                    return Err(WaveError::NoNotation { kind: "resource" });
                };
                let handle = pending.number(*resource)?;
                let _ = write!(self.out, "handle({handle})");
            }
            Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
                return Err(WaveError::NoNotation { kind: kind(val) });
            }
        }
        Ok(())
    }

    fn items(&mut self, items: &[Val]) -> Result<(), WaveError> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.write(item)?;
        }
        Ok(())
    }

    fn payload(&mut self, payload: Option<&Val>) -> Result<(), WaveError> {
        if let Some(val) = payload {
            self.out.push('(');
            self.write(val)?;
            self.out.push(')');
        }
        Ok(())
    }

    /// The name of a case, marked where it would be read as a keyword.
    fn label(&mut self, name: &str) {
        if Keyword::decode(name).is_some() {
            self.out.push('%');
        }
        self.out.push_str(name);
    }

    fn display(&mut self, value: impl Display) {
        let _ = write!(self.out, "{value}");
    }

    /// Text in which most of what is there stands for itself: that is copied in one piece.
    fn text(&mut self, text: &str) {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'"' | b'\'');
        let mut rest = text;
        while let Some(other) = rest.bytes().position(|byte| !is_plain(byte)) {
            let (plain, others) = rest.split_at(other);
            self.out.push_str(plain);
            let mut characters = others.chars();
            characters.by_ref().take(1).for_each(|character| self.escaped(character));
            rest = characters.as_str();
        }
        self.out.push_str(rest);
    }

    fn escaped(&mut self, character: char) {
        if matches!(character, '\\' | '"' | '\'' | '\t' | '\r' | '\n') {
            self.out.extend(character.escape_default());
        } else if character.is_control() {
            self.out.extend(character.escape_unicode());
        } else {
            self.out.extend(character.escape_debug());
        }
    }
}
