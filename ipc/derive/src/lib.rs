//! The derive macro of cofferdam-ipc's `Message`. Use it from there.
//!
//! It writes down, as constants, what serde's two derives do with the same definition: postcard sends
//! the fields in their order, of an enumeration the variant's number first. So whatever would make
//! serde send something else (its attributes) is refused here: a fingerprint has to be the truth.
//!
//! The module `schema` computes bound and fingerprint; this module reads the attributes and assembles the impls.

#![forbid(unsafe_code)]

mod schema;

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, DeriveInput, Error, LitStr, parse_macro_input};

/// Implements `cofferdam_ipc::Message` and `cofferdam_ipc::Bounded` for a structure or enumeration
/// without generic parameters, which derives serde's `Serialize` and `Deserialize` too.
///
/// The message's name is its path, `module::Type`, unless `#[message(name = "...")]` gives another.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream, Error> {
    refuse_generics(input)?;
    refuse_serde_attributes(input)?;
    let type_name = &input.ident;
    let name = match name_attribute(&input.attrs)? {
        Some(name) => quote!(#name),
        None => {
            let ident = type_name.to_string();
            quote!(::core::concat!(::core::module_path!(), "::", #ident))
        }
    };
    let schema = schema::of(input)?;
    let bound = &schema.bound;
    let fingerprint = schema.fingerprint(&name);
    let too_long = format!(
        "the qualified name of the message `{type_name}` has more than 64 bytes: \
         give it a shorter one with #[message(name = \"...\")]"
    );
    Ok(quote! {
        impl ::cofferdam_ipc::Bounded for #type_name {
            const BOUND: usize = #bound;
            const SCHEMA: u64 = #fingerprint;
        }

        impl ::cofferdam_ipc::Message for #type_name {
            const NAME: &'static str = #name;
            type Buffer = [u8; <#type_name as ::cofferdam_ipc::Bounded>::BOUND];
            const EMPTY_BUFFER: Self::Buffer = [0; <#type_name as ::cofferdam_ipc::Bounded>::BOUND];
        }

        // A port note has this much room for the name of a type.
        const _: () = ::core::assert!(
            ::cofferdam_ipc::note::Text::<64>::new(<#type_name as ::cofferdam_ipc::Message>::NAME).is_some(),
            #too_long
        );
    })
}

/// The channel's buffers need one size per type, and notes one fingerprint.
fn refuse_generics(input: &DeriveInput) -> Result<(), Error> {
    match input.generics.params.first() {
        None => Ok(()),
        Some(parameter) => Err(Error::new(
            parameter.span(),
            "a message cannot have generic parameters: its size and fingerprint must be known; \
             define a type of its own for each use",
        )),
    }
}

/// serde's attributes change what goes over the wire, behind the fingerprint's back.
fn refuse_serde_attributes(input: &DeriveInput) -> Result<(), Error> {
    let mut errors = None::<Error>;
    let mut check = |attributes: &[Attribute]| {
        for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
            let error = Error::new(
                attribute.span(),
                "a message cannot have serde attributes: they change the wire format, \
                 and its fingerprint would not show it",
            );
            match &mut errors {
                Some(all) => all.combine(error),
                None => errors = Some(error),
            }
        }
    };
    check(&input.attrs);
    match &input.data {
        syn::Data::Struct(data) => data.fields.iter().for_each(|f| check(&f.attrs)),
        syn::Data::Enum(data) => {
            for variant in &data.variants {
                check(&variant.attrs);
                variant.fields.iter().for_each(|f| check(&f.attrs));
            }
        }
        syn::Data::Union(_) => {}
    }
    errors.map_or(Ok(()), Err)
}

/// The value of `#[message(name = "...")]`.
fn name_attribute(attributes: &[Attribute]) -> Result<Option<LitStr>, Error> {
    let mut name = None;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("message")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("unknown key: a message has `name = \"...\"` only"));
            }
            let value: LitStr = meta.value()?.parse()?;
            if value.value().is_empty() {
                return Err(Error::new(
                    value.span(),
                    "the name of a message cannot be empty",
                ));
            }
            if name.replace(value).is_some() {
                return Err(meta.error("the name of a message is given once"));
            }
            Ok(())
        })?;
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
