//! How the library's names and types are written in Rust.

use anyhow::bail;
use uniffi_bindgen::interface::{FfiType, Type};

/// A function's, an argument's or a field's name.
pub fn snake(name: &str) -> String {
    match name {
        "type" | "ref" | "match" | "move" | "use" | "loop" | "where" | "async" | "in" | "fn" | "box" => format!("r#{name}"),
        name => name.to_owned(),
    }
}

/// A variant's name.
pub fn camel(name: &str) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
    };
    name.split('_').map(part).collect()
}

/// A type as our side of a call has it.
pub fn rust(ty: &Type) -> anyhow::Result<String> {
    Ok(match ty {
        Type::UInt8 => "u8".into(),
        Type::Int8 => "i8".into(),
        Type::UInt16 => "u16".into(),
        Type::Int16 => "i16".into(),
        Type::UInt32 => "u32".into(),
        Type::Int32 => "i32".into(),
        Type::UInt64 => "u64".into(),
        Type::Int64 => "i64".into(),
        Type::Float32 => "f32".into(),
        Type::Float64 => "f64".into(),
        Type::Boolean => "bool".into(),
        Type::String => "String".into(),
        Type::Bytes => "Vec<u8>".into(),
        Type::Object { name, .. } | Type::Record { name, .. } | Type::Enum { name, .. } => name.clone(),
        Type::CallbackInterface { name, .. } => format!("Arc<dyn {name}>"),
        Type::Optional { inner_type } => format!("Option<{}>", rust(inner_type)?),
        Type::Sequence { inner_type } => format!("Vec<{}>", rust(inner_type)?),
        Type::Map { key_type, value_type } => format!("HashMap<{}, {}>", rust(key_type)?, rust(value_type)?),
        Type::Custom { builtin, .. } => rust(builtin)?,
        other => bail!("the runtime knows no {other:?}"),
    })
}

/// A type as C has it.
pub fn c(ty: &FfiType) -> anyhow::Result<String> {
    Ok(match ty {
        FfiType::UInt8 => "u8".into(),
        FfiType::Int8 => "i8".into(),
        FfiType::UInt16 => "u16".into(),
        FfiType::Int16 => "i16".into(),
        FfiType::UInt32 => "u32".into(),
        FfiType::Int32 => "i32".into(),
        FfiType::UInt64 | FfiType::Handle => "u64".into(),
        FfiType::Int64 => "i64".into(),
        FfiType::RustArcPtr(_) | FfiType::VoidPointer => "*const c_void".into(),
        FfiType::RustBuffer(_) => "RustBuffer".into(),
        other => bail!("the runtime knows no {other:?}"),
    })
}

/// An expression that hands `name` over. `runtime` names ours at that place.
pub fn lower(ty: &Type, name: &str) -> String {
    match ty {
        Type::String => format!("runtime.buffer({name}.as_bytes())"),
        Type::Boolean => format!("i8::from({name})"),
        Type::UInt8 | Type::Int8 | Type::UInt16 | Type::Int16 | Type::UInt32 | Type::Int32 | Type::UInt64 | Type::Int64 => name.to_owned(),
        Type::CallbackInterface { name: interface, .. } => format!("{}.put({name})", handles(interface)),
        Type::Custom { builtin, .. } => lower(builtin, name),
        _ => format!("runtime.lower(&{name})"),
    }
}

/// An expression that takes `name` over.
pub fn lift(ty: &Type, name: &str) -> String {
    match ty {
        Type::String => format!("runtime.text({name})?"),
        Type::Boolean => format!("{name} != 0"),
        Type::UInt8 | Type::Int8 | Type::UInt16 | Type::Int16 | Type::UInt32 | Type::Int32 | Type::UInt64 | Type::Int64 => name.to_owned(),
        Type::Object { name: object, .. } => format!("{object}::of(library, {name})"),
        Type::Custom { builtin, .. } => lift(builtin, name),
        _ => format!("runtime.lift({name})?"),
    }
}

/// The static that keeps our ends of this interface.
pub fn handles(interface: &str) -> String {
    format!("{}_HANDLES", upper(interface))
}

/// `EventListener` as `EVENT_LISTENER`.
pub fn upper(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_uppercase());
    }
    text
}
