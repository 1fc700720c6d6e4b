//! Which of the library's calls are bound, and which types they need.

use std::collections::BTreeSet;

use anyhow::bail;
use uniffi_bindgen::interface::{AsType, ComponentInterface, Type};

/// What the file of calls asks for.
pub struct Allowed {
    calls: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Allowed {
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let mut allowed = Self { calls: BTreeSet::new(), secrets: BTreeSet::new() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(' ') {
                Some(("secret", place)) => allowed.secrets.insert(place.to_owned()),
                Some(("func", _)) => allowed.calls.insert(line.to_owned()),
                None if line.contains('.') => allowed.calls.insert(line.to_owned()),
                _ => bail!("{line:?} names no call"),
            };
        }
        Ok(allowed)
    }

    pub fn calls(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(String::as_str)
    }

    pub fn has_function(&self, name: &str) -> bool {
        self.calls.contains(&function(name))
    }

    pub fn has_method(&self, object: &str, name: &str) -> bool {
        self.calls.contains(&method(object, name))
    }

    pub fn is_secret(&self, place: &str) -> bool {
        self.secrets.contains(place)
    }

    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }
}

/// A function's line in the file of calls.
pub fn function(name: &str) -> String {
    format!("func {name}")
}

/// A method's.
pub fn method(object: &str, name: &str) -> String {
    format!("{object}.{name}")
}

/// The types that were needed so far, with what is inside them.
pub struct Needed<'a> {
    interface: &'a ComponentInterface,
    names: BTreeSet<String>,
}

impl<'a> Needed<'a> {
    pub fn new(interface: &'a ComponentInterface) -> Self {
        Self { interface, names: BTreeSet::new() }
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Needs this type from now on.
    pub fn add(&mut self, ty: &Type) {
        for part in ty.iter_types() {
            if matches!(part, Type::Custom { .. }) {
                continue;
            }
            let Some(name) = part.name() else { continue };
            if self.names.insert(name.to_owned()) {
                for inner in self.inside(name) {
                    self.add(&inner);
                }
            }
        }
    }

    fn inside(&self, name: &str) -> Vec<Type> {
        if let Some(record) = self.interface.get_record_definition(name) {
            return record.fields().iter().map(AsType::as_type).collect();
        }
        if let Some(choice) = self.interface.get_enum_definition(name) {
            return choice.variants().iter().flat_map(|variant| variant.fields().iter().map(AsType::as_type)).collect();
        }
        let Some(callback) = self.interface.get_callback_interface_definition(name) else { return Vec::new() };
        callback.methods().iter().flat_map(|method| method.arguments().into_iter().map(AsType::as_type)).collect()
    }
}
