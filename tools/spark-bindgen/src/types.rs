//! Records and enums, each with its codec.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;
use uniffi_bindgen::interface::{AsType, ComponentInterface, Enum, Field, Record, Variant};

use crate::names::{camel, rust, snake};
use crate::selection::{Allowed, Needed};

/// Every type that is needed.
pub fn all(interface: &ComponentInterface, needed: &Needed<'_>, allowed: &Allowed) -> anyhow::Result<String> {
    let mut writer = Writer { allowed, hidden: BTreeSet::new() };
    let mut text = String::new();
    for one in interface.record_definitions().filter(|one| needed.has(one.name())) {
        text += &writer.record(one)?;
    }
    for one in interface.enum_definitions().filter(|one| needed.has(one.name())) {
        text += &writer.choice(one, interface.is_name_used_as_error(one.name()))?;
    }
    // A secret that was moved or renamed would be shown.
    if let Some(lost) = allowed.secrets().find(|secret| !writer.hidden.contains(*secret)) {
        bail!("the library has no {lost}, which is said to be secret");
    }
    Ok(text)
}

struct Writer<'a> {
    allowed: &'a Allowed,
    /// Secrets that were found.
    hidden: BTreeSet<String>,
}

impl Writer<'_> {
    fn ty(&mut self, owner: &str, name: &str, field: &Field) -> anyhow::Result<String> {
        let (place, ty) = (format!("{owner}.{name}"), rust(&field.as_type())?);
        Ok(if self.allowed.is_secret(&place) {
            self.hidden.insert(place);
            format!("Secret<{ty}>")
        } else {
            ty
        })
    }

    fn fields(&mut self, owner: &str, fields: &[Field], visible: &str) -> anyhow::Result<String> {
        let mut text = String::new();
        for field in fields {
            writeln!(text, "{visible}{}: {},", snake(field.name()), self.ty(owner, field.name(), field)?)?;
        }
        Ok(text)
    }

    fn record(&mut self, record: &Record) -> anyhow::Result<String> {
        let (name, fields) = (record.name(), record.fields());
        let put: String = fields.iter().map(|field| format!("self.{}.put(out);\n", snake(field.name()))).collect();
        let get: String = fields.iter().map(|field| format!("{}: Codec::get(reader)?,\n", snake(field.name()))).collect();
        let (out, reader) = if fields.is_empty() { ("_", "_") } else { ("out", "reader") };
        let fields = self.fields(name, fields, "pub ")?;
        Ok(format!(
            "#[derive(Debug, Clone)]
pub struct {name} {{ {fields} }}

impl Codec for {name} {{
    fn put(&self, {out}: &mut Vec<u8>) {{ {put} }}
    fn get({reader}: &mut Reader<'_>) -> Result<Self, DecodeError> {{ Ok(Self {{ {get} }}) }}
}}
"
        ))
    }

    fn choice(&mut self, choice: &Enum, is_error: bool) -> anyhow::Result<String> {
        // An error without fields of its own travels as its words.
        let is_worded = is_error && choice.is_flat();
        let (mut body, mut put, mut get) = (String::new(), String::new(), String::new());
        for (number, variant) in (1..).zip(choice.variants()) {
            let (name, names) = (camel(variant.name()), names(variant, is_worded));
            writeln!(body, "{name}{},", self.variant(choice.name(), variant, is_worded)?)?;
            let puts: String = names.iter().map(|field| format!("{field}.put(out); ")).collect();
            let pattern = shape(variant, &names, is_worded, |field| field.to_owned());
            writeln!(put, "Self::{name}{pattern} => {{ {number}i32.put(out); {puts} }}")?;
            let read = shape(variant, &names, is_worded, |field| match variant.has_nameless_fields() || is_worded {
                true => "Codec::get(reader)?".to_owned(),
                false => format!("{field}: Codec::get(reader)?"),
            });
            writeln!(get, "{number} => Self::{name}{read},")?;
        }
        let name = choice.name();
        Ok(format!(
            "#[derive(Debug, Clone)]
pub enum {name} {{ {body} }}

impl Codec for {name} {{
    fn put(&self, out: &mut Vec<u8>) {{ match self {{ {put} }} }}
    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {{
        Ok(match i32::get(reader)? {{ {get} other => return Err(DecodeError::Variant(\"{name}\", other)), }})
    }}
}}
"
        ))
    }

    fn variant(&mut self, owner: &str, variant: &Variant, is_worded: bool) -> anyhow::Result<String> {
        let owner = format!("{owner}.{}", camel(variant.name()));
        if is_worded {
            return Ok("(String)".to_owned());
        }
        if variant.fields().is_empty() {
            return Ok(String::new());
        }
        if variant.has_nameless_fields() {
            let types = variant.fields().iter().enumerate().map(|(at, field)| self.ty(&owner, &at.to_string(), field));
            return Ok(format!("({})", types.collect::<anyhow::Result<Vec<_>>>()?.join(", ")));
        }
        Ok(format!(" {{ {} }}", self.fields(&owner, variant.fields(), "")?))
    }
}

fn names(variant: &Variant, is_worded: bool) -> Vec<String> {
    if is_worded {
        return vec!["words".to_owned()];
    }
    let named = |(at, field): (usize, &Field)| if variant.has_nameless_fields() { format!("field{at}") } else { snake(field.name()) };
    variant.fields().iter().enumerate().map(named).collect()
}

/// A variant's fields between their brackets.
fn shape(variant: &Variant, names: &[String], is_worded: bool, each: impl Fn(&str) -> String) -> String {
    let fields = names.iter().map(|name| each(name)).collect::<Vec<_>>().join(", ");
    match () {
        () if names.is_empty() => String::new(),
        () if variant.has_nameless_fields() || is_worded => format!("({fields})"),
        () => format!(" {{ {fields} }}"),
    }
}
