//! Functions and methods: one Rust function for each, and the table of the symbols behind them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use uniffi_bindgen::interface::{AsType, Callable, ComponentInterface, FfiFunction, FfiType, Function, Object, Type};

use crate::names::{c, lift, lower, rust, snake};
use crate::selection::{self, Allowed, Needed};

/// What was written so far.
#[derive(Default)]
pub struct Callables {
    /// Lines of the file of calls that were found.
    found: BTreeSet<String>,
    /// Each symbol with its C type.
    symbols: Vec<(String, String)>,
    /// Each call's checksum, by the symbol that tells it.
    checksums: Vec<(String, u16)>,
    /// Symbols that are called once, with the address of a table.
    pub tables: Vec<(String, String)>,
}

/// Where a call is made from.
#[derive(Clone, Copy)]
enum From<'a> {
    Library,
    Constructor(&'a str),
    Object,
}

impl Callables {
    pub fn function(&mut self, needed: &mut Needed<'_>, function: &Function) -> anyhow::Result<String> {
        self.found.insert(selection::function(function.name()));
        self.checksum(function.checksum_fn_name(), function.checksum());
        self.write(needed, function, function.name(), function.ffi_func(), From::Library)
    }

    /// An object with the calls of it that are wanted; nothing, if none is.
    pub fn object(&mut self, needed: &mut Needed<'_>, object: &Object, allowed: &Allowed) -> anyhow::Result<String> {
        let name = object.name();
        let mut text = String::new();
        for constructor in object.constructors().into_iter().filter(|call| allowed.has_method(name, call.name())) {
            self.found.insert(selection::method(name, constructor.name()));
            self.checksum(constructor.checksum_fn_name(), constructor.checksum());
            text += &self.write(needed, constructor, constructor.name(), constructor.ffi_func(), From::Constructor(name))?;
        }
        for method in object.methods().into_iter().filter(|call| allowed.has_method(name, call.name())) {
            self.found.insert(selection::method(name, method.name()));
            self.checksum(method.checksum_fn_name(), method.checksum());
            text += &self.write(needed, method, method.name(), method.ffi_func(), From::Object)?;
        }
        if text.is_empty() {
            return Ok(text);
        }
        let (clone, free) = (object.ffi_object_clone().name(), object.ffi_object_free().name());
        self.symbol(clone, "unsafe extern \"C\" fn(*const c_void, *mut CallStatus) -> *const c_void");
        self.symbol(free, "unsafe extern \"C\" fn(*const c_void, *mut CallStatus)");
        Ok(format!(
            "
/// One reference to an object of the library's.
pub struct {name} {{ library: &'static Library, address: usize }}

impl {name} {{
    fn of(library: &'static Library, pointer: *const c_void) -> Self {{ Self {{ library, address: pointer.expose_provenance() }} }}

    /// Another reference, which the call it is handed to takes over.
    fn reference(&self) -> *const c_void {{
        let mut status = CallStatus::default();
        unsafe {{ (self.library.{clone})(std::ptr::with_exposed_provenance(self.address), &mut status) }}
    }}

{text}
}}

impl Drop for {name} {{
    fn drop(&mut self) {{
        let mut status = CallStatus::default();
        unsafe {{ (self.library.{free})(std::ptr::with_exposed_provenance(self.address), &mut status) }}
    }}
}}
"
        ))
    }

    /// A wanted call that the library does not have.
    pub fn unknown<'a>(&self, allowed: &'a Allowed) -> Option<&'a str> {
        allowed.calls().find(|call| !self.found.contains(*call))
    }

    fn write(
        &mut self,
        needed: &mut Needed<'_>,
        call: &dyn Callable,
        name: &str,
        symbol: &FfiFunction,
        from: From<'_>,
    ) -> anyhow::Result<String> {
        let arguments: Vec<(String, Type)> = call.arguments().iter().map(|one| (snake(one.name()), one.as_type())).collect();
        let types = arguments.iter().map(|(_, ty)| ty).chain(call.return_type()).chain(call.throws_type());
        types.for_each(|ty| needed.add(ty));
        let error = call.throws_type().map_or(Ok("Infallible".to_owned()), rust)?;
        let answer = match (from, call.return_type()) {
            (From::Constructor(object), _) => object.to_owned(),
            (_, Some(ty)) => rust(ty)?,
            (_, None) => "()".to_owned(),
        };
        let lifted = match (from, call.return_type()) {
            (From::Constructor(object), _) => format!("Ok({object}::of(library, value))"),
            (_, Some(ty)) => format!("Ok({})", lift(ty, "value")),
            (_, None) => "let () = value; Ok(())".to_owned(),
        };
        let mut handed: Vec<String> = arguments.iter().map(|(name, ty)| lower(ty, name)).collect();
        let mut c_types = symbol.arguments().iter().map(|one| c(&one.type_())).collect::<anyhow::Result<Vec<_>>>()?;
        let c_answer = match from {
            From::Constructor(_) => Some(FfiType::VoidPointer),
            From::Library | From::Object => call.return_type().map(FfiType::from),
        };
        let (receiver, library) = match from {
            From::Library => (Some("&'static self"), "self"),
            From::Constructor(_) => (Some("library: &'static Library"), "library"),
            From::Object => (Some("&self"), "self.library"),
        };
        if matches!(from, From::Object) {
            handed.insert(0, "self.reference()".to_owned());
        }
        let typed = arguments.iter().map(|(name, ty)| Ok(format!("{name}: {}", rust(ty)?))).collect::<anyhow::Result<Vec<_>>>()?;
        let signature = receiver.map(str::to_owned).into_iter().chain(typed).collect::<Vec<_>>().join(", ");
        let (name, c_name) = (snake(name), symbol.name());
        let mut text = String::new();
        if call.is_async() {
            self.symbol(c_name, &format!("unsafe extern \"C\" fn({}) -> u64", c_types.join(", ")));
            let kind = match FfiType::return_type_name(c_answer.as_ref()).as_str() {
                "rust_buffer" => "buffer",
                "pointer" => "pointer",
                "void" => "void",
                other => bail!("{c_name} gives a {other}, which the runtime has no future for"),
            };
            writeln!(
                text,
                "pub async fn {name}({signature}) -> Result<{answer}, CallError<{error}>> {{
                    let library: &'static Library = {library};
                    let runtime = &library.runtime;
                    let handle = unsafe {{ (library.{c_name})({}) }};
                    let (value, status) = RustFuture::new(handle, &runtime.futures.{kind}).await;
                    runtime.check::<{error}>(status)?;
                    {lifted}
                }}\n",
                handed.join(", ")
            )?;
        } else {
            c_types.push("*mut CallStatus".to_owned());
            let returns = c_answer.as_ref().map(c).transpose()?.map(|ty| format!(" -> {ty}")).unwrap_or_default();
            self.symbol(c_name, &format!("unsafe extern \"C\" fn({}){returns}", c_types.join(", ")));
            handed.push("&mut status".to_owned());
            writeln!(
                text,
                "pub fn {name}({signature}) -> Result<{answer}, CallError<{error}>> {{
                    let library: &'static Library = {library};
                    let runtime = &library.runtime;
                    let mut status = CallStatus::default();
                    let value = unsafe {{ (library.{c_name})({}) }};
                    runtime.check::<{error}>(status)?;
                    {lifted}
                }}\n",
                handed.join(", ")
            )?;
        }
        Ok(text)
    }

    /// A symbol that is looked up when the library is loaded.
    pub fn symbol(&mut self, name: &str, ty: &str) {
        self.symbols.push((name.to_owned(), ty.to_owned()));
    }

    fn checksum(&mut self, symbol: &str, sum: u16) {
        self.checksums.push((symbol.to_owned(), sum));
    }

    /// The table of symbols, and how it is filled.
    pub fn library(&self, interface: &ComponentInterface) -> String {
        let mut text = format!(
            "/// The version of UniFFI's agreement that both sides keep.\npub const CONTRACT: u32 = {};\n\n",
            interface.uniffi_contract_version()
        );
        let sums: String = self.checksums.iter().map(|(name, sum)| format!("(\"{name}\", {sum}),\n")).collect();
        text += &format!(
            "/// What each call's signature comes to, by the symbol that tells it.\nconst CHECKSUMS: &[(&str, u16)] = &[\n{sums}];\n\n"
        );
        let fields: String = self.symbols.iter().map(|(name, ty)| format!("{name}: {ty},\n")).collect();
        text += &format!("/// The loaded library. It is never unloaded.\npub struct Library {{\nruntime: Runtime,\n{fields}}}\n\n");
        let looked_up: String = self.symbols.iter().map(|(name, _)| format!("{name}: symbol(&source, \"{name}\")?,\n")).collect();
        let tables: String =
            self.tables.iter().map(|(symbol, table)| format!("unsafe {{ (library.{symbol})((&raw const {table}).cast()) }};\n")).collect();
        let namespace = interface.namespace();
        text + &format!(
            "impl Library {{
    /// Loads the library in this file, which has to be the one these bindings were made from.
    pub fn load(path: &Path) -> Result<&'static Self, LoadError> {{
        let (source, runtime) = Runtime::open(path, \"{namespace}\", CONTRACT, CHECKSUMS)?;
        let library: &'static Self = Box::leak(Box::new(Self {{ runtime, {looked_up} }}));
        std::mem::forget(source);
        RUNTIME.get_or_init(|| &library.runtime);
        {tables}
        Ok(library)
    }}
}}

/// For calls that come from the library: they bring nothing along to find it by.
static RUNTIME: std::sync::OnceLock<&'static Runtime> = std::sync::OnceLock::new();
"
        )
    }
}

/// The C arguments of a call that comes from the library.
pub fn c_argument(ty: &Type) -> anyhow::Result<String> {
    c(&FfiType::from(ty)).context("an argument of a callback")
}
