//! What the macro refuses, and with which words.

use super::expand;

fn refusal(definition: &str) -> String {
    let input = syn::parse_str(definition).expect("the definition is Rust");
    match expand(&input) {
        Ok(_) => String::from("accepted"),
        Err(errors) => {
            let all: Vec<_> = errors.into_iter().map(|e| e.to_string()).collect();
            all.join("\n")
        }
    }
}

#[test]
fn structures_and_enumerations_of_every_form_are_accepted() {
    for definition in [
        "struct A;",
        "struct A(u8, u16);",
        "struct A { x: u8, r#type: u16 }",
        "enum A { B, C(u8), D { e: u8 } }",
        "#[message(name = \"vendor::A\")] struct A;",
    ] {
        assert_eq!(refusal(definition), "accepted", "{definition}");
    }
}

#[test]
fn generic_parameters_are_refused() {
    for definition in [
        "struct A<T>(T);",
        "struct A<'a>(&'a u8);",
        "struct A<const N: usize>;",
    ] {
        assert!(
            refusal(definition).contains("generic parameters"),
            "{definition}"
        );
    }
}

#[test]
fn unions_and_empty_enumerations_are_refused() {
    assert!(refusal("union A { x: u8 }").contains("cannot be a union"));
    assert!(refusal("enum A {}").contains("without variants"));
}

#[test]
fn every_serde_attribute_is_reported_at_once() {
    let errors =
        refusal("#[serde(untagged)] enum A { #[serde(skip)] B, C(#[serde(with = \"m\")] u8) }");
    assert_eq!(errors.matches("cannot have serde attributes").count(), 3);
}

#[test]
fn wrong_message_attributes_are_refused() {
    assert!(refusal("#[message(size = 4)] struct A;").contains("unknown key"));
    assert!(refusal("#[message(name = \"\")] struct A;").contains("cannot be empty"));
    assert!(refusal("#[message(name = \"a\", name = \"b\")] struct A;").contains("given once"));
}
