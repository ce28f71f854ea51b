//! The codecs of structs and enums: their fields in order, an enum after the number of its variant.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Type, parse_quote};

/// One form that a value can have: a struct's only one, or a variant.
struct Form<'a> {
    /// What matches it and builds it, binding every field.
    pattern: TokenStream,
    names: Vec<Ident>,
    types: Vec<&'a Type>,
    /// Of a variant.
    tag: Option<u8>,
}

impl<'a> Form<'a> {
    fn new(path: TokenStream, fields: &'a Fields, tag: Option<u8>) -> Self {
        let types = fields.iter().map(|field| &field.ty).collect();
        let names: Vec<Ident> = (0..fields.len()).map(|i| format_ident!("field_{i}")).collect();
        let pattern = match fields {
            Fields::Named(named) => {
                let fields = named.named.iter().filter_map(|field| field.ident.as_ref());
                quote!(#path { #(#fields: #names),* })
            }
            Fields::Unnamed(_) => quote!(#path(#(#names),*)),
            Fields::Unit => path,
        };
        Self { pattern, names, types, tag }
    }

    /// `call` of the tag, if there is one, and of every field.
    fn each(
        &self,
        of_tag: impl Fn(u8) -> TokenStream,
        call: impl Fn(&Ident) -> TokenStream,
    ) -> TokenStream {
        let (pattern, tag) = (&self.pattern, self.tag.map(of_tag));
        let fields = self.names.iter().map(call);
        quote!(#pattern => { #tag #(#fields)* })
    }
}

/// What a type can be.
///
/// # Errors
/// For unions, empty enums and those with more variants than a byte counts.
fn forms<'a>(input: &'a DeriveInput) -> Result<Vec<Form<'a>>> {
    match &input.data {
        Data::Struct(data) => Ok(vec![Form::new(quote!(Self), &data.fields, None)]),
        Data::Enum(data) if data.variants.is_empty() => {
            Err(Error::new_spanned(&input.ident, "an enum without variants has no value"))
        }
        Data::Enum(data) if data.variants.len() > 256 => {
            Err(Error::new_spanned(&input.ident, "more variants than a byte counts"))
        }
        Data::Enum(data) => {
            let form = |(variant, tag): (&'a syn::Variant, u8)| {
                let name = &variant.ident;
                Form::new(quote!(Self::#name), &variant.fields, Some(tag))
            };
            Ok(data.variants.iter().zip(0..=u8::MAX).map(form).collect())
        }
        Data::Union(_) => Err(Error::new_spanned(&input.ident, "a union says not what it holds")),
    }
}

/// Reads one of the forms with the trait's function for reading.
fn reading(
    forms: &[Form<'_>],
    tag: TokenStream,
    read: TokenStream,
    error: TokenStream,
) -> TokenStream {
    let build = |form: &Form<'_>| {
        let Form { pattern, names, .. } = form;
        quote!({ #(let #names = #read(bytes)?;)* Ok(#pattern) })
    };
    if let [form @ Form { tag: None, .. }] = forms {
        return build(form);
    }
    let tags = forms.iter().map(|form| form.tag);
    let builds = forms.iter().map(build);
    quote!(match #tag(bytes)? {
        #(#tags => #builds,)*
        _ => Err(#error("no such variant")),
    })
}

/// `impl Snapshot`, for what a type is generic over if that is one.
pub(crate) fn snapshot(input: &DeriveInput) -> Result<TokenStream> {
    let (name, forms) = (&input.ident, forms(input)?);
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(Snapshot));
    }
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let save = forms.iter().map(|form| {
        form.each(|tag| quote!(out.push(#tag);), |field| quote!(Snapshot::save(#field, out);))
    });
    let load = reading(
        &forms,
        quote!(<u8 as Snapshot>::load),
        quote!(Snapshot::load),
        quote!(SnapshotError),
    );
    Ok(quote!(const _: () = {
        use ::anthill_protocol::{Snapshot, SnapshotError};

        impl #parameters Snapshot for #name #arguments #bounds {
            fn save(&self, out: &mut Vec<u8>) {
                match self { #(#save)* }
            }

            fn load(bytes: &mut &[u8]) -> ::core::result::Result<Self, SnapshotError> {
                #load
            }
        }
    };))
}

/// `impl Wire`, with so many zero bytes in front.
pub(crate) fn wire(input: &DeriveInput, header: u32) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a generic type has no fixed form"));
    }
    let (name, forms) = (&input.ident, forms(input)?);
    let write = forms.iter().map(|form| {
        form.each(|tag| quote!(out.push(#tag);), |field| quote!(Wire::write(#field, out);))
    });
    let len = forms.iter().map(|form| {
        form.each(|_| quote!(len += 1;), |field| quote!(len += Wire::wire_len(#field);))
    });
    let fold = forms.iter().map(|form| {
        form.each(
            |tag| quote!(hash = Wire::fold(&#tag, hash);),
            |field| quote!(hash = Wire::fold(#field, hash);),
        )
    });
    let bodies = forms
        .iter()
        .map(|form| form.each(|_| quote!(), |field| quote!(Wire::visit_bodies(#field, visit);)));
    let carries =
        forms.iter().flat_map(|form| &form.types).map(|ty| quote!(<#ty as Wire>::HAS_BODIES));
    let read = reading(&forms, quote!(<u8 as Wire>::read), quote!(Wire::read), quote!(WireError));
    let header_len = header as usize;
    let (write_header, read_header) = match header {
        0 => (None, None),
        _ => (
            Some(quote!(out.extend_from_slice(&[0; #header_len]);)),
            Some(quote!(
                if <[u8; #header_len] as Wire>::read(bytes)? != [0; #header_len] {
                    return Err(WireError("a header that is not zero"));
                }
            )),
        ),
    };
    Ok(quote!(const _: () = {
        use ::anthill_protocol::{Shared, Wire, WireError};

        impl Wire for #name {
            const HAS_BODIES: bool = false #(|| #carries)*;

            fn write(&self, out: &mut Vec<u8>) {
                #write_header
                match self { #(#write)* }
            }

            fn read(bytes: &mut &[u8]) -> ::core::result::Result<Self, WireError> {
                #read_header
                #read
            }

            #[inline]
            #[allow(unused_mut)]
            fn wire_len(&self) -> u32 {
                let mut len = #header;
                match self { #(#len)* }
                len
            }

            #[inline]
            #[allow(unused_mut)]
            fn fold(&self, mut hash: u64) -> u64 {
                match self { #(#fold)* }
                hash
            }

            #[inline]
            #[allow(unused_variables)]
            fn visit_bodies(&self, visit: &mut impl FnMut(Shared)) {
                match self { #(#bodies)* }
            }
        }
    };))
}
