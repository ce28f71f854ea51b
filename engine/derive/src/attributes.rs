//! What attributes say.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprArray, Ident, LitStr, Path, Result, Type};

/// `#[keys(..)]` on a type or a variant.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) name: Option<String>,
    pub(crate) context: Option<Type>,
    pub(crate) tag: Option<String>,
    pub(crate) example: Option<String>,
    pub(crate) absent: Option<Expr>,
    pub(crate) off: Option<String>,
    pub(crate) later: Option<ExprArray>,
    pub(crate) also: Option<ExprArray>,
    pub(crate) check: Option<Path>,
    pub(crate) read: Option<Path>,
    pub(crate) brief: bool,
    pub(crate) defaults: bool,
}

impl Keys {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut keys = Self::default();
        each(attributes, "keys", |word, meta| {
            match word {
                "name" => keys.name = text(meta)?,
                "context" => keys.context = Some(meta.value()?.parse()?),
                "tag" => keys.tag = text(meta)?,
                "example" => keys.example = text(meta)?,
                "absent" => keys.absent = Some(meta.value()?.parse()?),
                "off" => keys.off = text(meta)?,
                "later" => keys.later = Some(meta.value()?.parse()?),
                "also" => keys.also = Some(meta.value()?.parse()?),
                "check" => keys.check = Some(meta.value()?.parse()?),
                "read" => keys.read = Some(meta.value()?.parse()?),
                "brief" => keys.brief = true,
                "defaults" => keys.defaults = true,
                _ => return Err(meta.error("this is not said of a section")),
            }
            Ok(())
        })?;
        Ok(keys)
    }
}

/// `#[key(..)]` on a field, or on a variant that is a word.
#[derive(Default)]
pub(crate) struct Key {
    pub(crate) name: Option<String>,
    pub(crate) shape: Option<Expr>,
    pub(crate) default: Option<Expr>,
    pub(crate) or: Option<Expr>,
    pub(crate) example: Option<String>,
    /// A field above, and what it must be.
    pub(crate) only: Option<(Ident, Path)>,
    pub(crate) read: Option<Path>,
    pub(crate) write: Option<Path>,
    pub(crate) flatten: bool,
    pub(crate) table: bool,
    pub(crate) with: Option<Expr>,
}

impl Key {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut key = Self::default();
        each(attributes, "key", |word, meta| {
            match word {
                "name" => key.name = text(meta)?,
                "shape" => key.shape = Some(meta.value()?.parse()?),
                "default" => key.default = Some(meta.value()?.parse()?),
                "or" => key.or = Some(meta.value()?.parse()?),
                "example" => key.example = text(meta)?,
                "only" => meta.parse_nested_meta(|only| {
                    key.only = Some((only.path.require_ident()?.clone(), only.value()?.parse()?));
                    Ok(())
                })?,
                "read" => key.read = Some(meta.value()?.parse()?),
                "write" => key.write = Some(meta.value()?.parse()?),
                "flatten" => key.flatten = true,
                "table" => key.table = true,
                "with" => key.with = Some(meta.value()?.parse()?),
                _ => return Err(meta.error("this is not said of a key")),
            }
            Ok(())
        })?;
        Ok(key)
    }
}

/// Hands on what stands in the attributes of a name, word by word.
fn each(
    attributes: &[Attribute],
    name: &str,
    mut take: impl FnMut(&str, &ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        attribute.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            take(&word, &meta)
        })?;
    }
    Ok(())
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<Option<String>> {
    Ok(Some(meta.value()?.parse::<LitStr>()?.value()))
}
