//! What the library calls: a trait for us to implement, and the table of functions that leads to it.

use std::fmt::Write as _;

use anyhow::bail;
use uniffi_bindgen::interface::{AsType, CallbackInterface, ComponentInterface, Method, Type};

use crate::callables::{Callables, c_argument};
use crate::names::{handles, lift, rust, snake, upper};
use crate::selection::Needed;

/// Every callback interface that is needed.
pub fn all(interface: &ComponentInterface, needed: &Needed<'_>, callables: &mut Callables) -> anyhow::Result<String> {
    let mut text = String::new();
    for callback in interface.callback_interface_definitions().iter().filter(|one| needed.has(one.name())) {
        text += &write(callback)?;
        let init = callback.ffi_init_callback().name();
        callables.symbol(init, "unsafe extern \"C\" fn(*const c_void)");
        callables.tables.push((init.to_owned(), table(callback.name())));
    }
    Ok(text)
}

fn table(name: &str) -> String {
    format!("{}_TABLE", upper(name))
}

fn write(callback: &CallbackInterface) -> anyhow::Result<String> {
    let (name, kept, table) = (callback.name(), handles(callback.name()), table(callback.name()));
    let (mut methods, mut slots, mut functions, mut filled) = (String::new(), String::new(), String::new(), String::new());
    for method in callback.methods() {
        if method.return_type().is_some() || method.throws_type().is_some() {
            bail!("{name}.{} gives something back, which the runtime has no way for", method.name());
        }
        let arguments: Vec<(String, Type)> = method.arguments().iter().map(|one| (snake(one.name()), one.as_type())).collect();
        let typed = arguments.iter().map(|(name, ty)| Ok(format!(", {name}: {}", rust(ty)?))).collect::<anyhow::Result<String>>()?;
        writeln!(methods, "fn {}(&self{typed});", snake(method.name()))?;
        let function = format!("{}_{}", upper(name).to_lowercase(), method.name());
        let (signature, types) = c_signature(method, &arguments)?;
        writeln!(slots, "{}: unsafe extern \"C\" fn({types}),", snake(method.name()))?;
        writeln!(filled, "{}: {function},", snake(method.name()))?;
        let lifted: String = arguments.iter().map(|(name, ty)| format!("let {name} = {};", lift(ty, name))).collect();
        let names = arguments.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let end = if method.is_async() { "unsafe { done(callback, data, future) };" } else { "" };
        writeln!(
            functions,
            "unsafe extern \"C\" fn {function}({signature}) {{
                guard(|| {{
                    let (Some(runtime), Some(ours)) = (RUNTIME.get(), {kept}.get(handle)) else {{ return Ok(()) }};
                    {lifted}
                    ours.{}({names});
                    Ok(())
                }});
                {end}
            }}",
            snake(method.name())
        )?;
    }
    Ok(format!(
        "
/// What the library tells us by calling.
pub trait {name}: Send + Sync + 'static {{ {methods} }}

static {kept}: Handles<dyn {name}> = Handles::new();

impl Codec for Arc<dyn {name}> {{
    fn put(&self, out: &mut Vec<u8>) {{ {kept}.put(Self::clone(self)).put(out); }}
    fn get(_: &mut Reader<'_>) -> Result<Self, DecodeError> {{ Err(DecodeError::Foreign) }}
}}

#[repr(C)]
struct {name}Table {{ {slots} free: unsafe extern \"C\" fn(u64), }}

static {table}: {name}Table = {name}Table {{ {filled} free: {0}_free }};

{functions}

unsafe extern \"C\" fn {0}_free(handle: u64) {{ {kept}.remove(handle); }}
",
        upper(name).to_lowercase()
    ))
}

/// A method's arguments in C, with and without names.
fn c_signature(method: &Method, arguments: &[(String, Type)]) -> anyhow::Result<(String, String)> {
    let mut all = vec![("handle".to_owned(), "u64".to_owned())];
    for (name, ty) in arguments {
        all.push((name.clone(), c_argument(ty)?));
    }
    let rest: &[(&str, &str)] = if method.is_async() {
        &[("callback", "ForeignDone"), ("data", "u64"), ("future", "*mut ForeignFuture")]
    } else {
        &[("_answer", "*mut c_void"), ("_status", "*mut CallStatus")]
    };
    all.extend(rest.iter().map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned())));
    let signature = all.iter().map(|(name, ty)| format!("{name}: {ty}")).collect::<Vec<_>>().join(", ");
    let types = all.into_iter().map(|(_, ty)| ty).collect::<Vec<_>>().join(", ");
    Ok((signature, types))
}
