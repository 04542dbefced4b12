//! Bound and fingerprint of a definition, as constant expressions.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Fields};

/// What the impls are filled with.
pub struct Schema {
    /// Expression of the longest encoding in bytes.
    pub bound: TokenStream,
    /// What follows the type's name in the fingerprint: calls of its builder.
    shape: TokenStream,
}

impl Schema {
    /// Expression of the fingerprint of the type with this name.
    pub fn fingerprint(&self, name: &TokenStream) -> TokenStream {
        let shape = &self.shape;
        quote!(::cofferdam_ipc::fingerprint::Fingerprint::of(#name)#shape.finish())
    }
}

pub fn of(input: &DeriveInput) -> Result<Schema, Error> {
    match &input.data {
        Data::Struct(data) => {
            let bound = sum_of_bounds(&data.fields);
            let fields = shape_of_fields(&data.fields);
            Ok(Schema {
                bound,
                shape: quote!(.text("struct")#fields),
            })
        }
        Data::Enum(data) => of_enum(input, data),
        Data::Union(data) => Err(Error::new(
            data.union_token.span(),
            "a message cannot be a union: nothing says which of its fields is meant; use an enum",
        )),
    }
}

fn of_enum(input: &DeriveInput, data: &DataEnum) -> Result<Schema, Error> {
    if data.variants.is_empty() {
        return Err(Error::new(
            input.ident.span(),
            "a message cannot be an enum without variants: it has no value to send",
        ));
    }
    // serde numbers variants in the order they stand, whatever their discriminants: hash that order.
    let highest_number = data.variants.len() as u64 - 1;
    let mut largest = quote!(0);
    let mut shape = quote!(.text("enum"));
    for variant in &data.variants {
        let bound = sum_of_bounds(&variant.fields);
        let name = wire_name(&variant.ident);
        let fields = shape_of_fields(&variant.fields);
        largest = quote!(::cofferdam_ipc::bounded::larger(#largest, #bound));
        shape.extend(quote!(.text(#name)#fields));
    }
    Ok(Schema {
        bound: quote!(::cofferdam_ipc::bounded::varint_length(#highest_number) + #largest),
        shape,
    })
}

fn sum_of_bounds(fields: &Fields) -> TokenStream {
    let bounds = fields.iter().map(|field| {
        let field_type = &field.ty;
        quote!(+ <#field_type as ::cofferdam_ipc::Bounded>::BOUND)
    });
    quote!((0 #(#bounds)*))
}

fn shape_of_fields(fields: &Fields) -> TokenStream {
    let count = fields.len() as u64;
    let shapes = fields.iter().enumerate().map(|(position, field)| {
        let name = field
            .ident
            .as_ref()
            .map_or_else(|| position.to_string(), wire_name);
        let field_type = &field.ty;
        quote!(.text(#name).number(<#field_type as ::cofferdam_ipc::Bounded>::SCHEMA))
    });
    quote!(.number(#count)#(#shapes)*)
}

/// A name without the `r#` of a raw identifier, which is notation and no part of it.
fn wire_name(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    String::from(name.strip_prefix("r#").unwrap_or(&name))
}
