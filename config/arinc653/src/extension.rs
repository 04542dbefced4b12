//! Keys of `system.toml` in the XML: elements `key` of the namespace, each with a name and a value in TOML.

use toml::de::{DeTable, DeValue};

/// Whether a text is one value in TOML.
pub fn is_value(text: &str) -> bool {
    let whole = format!("value = {text}\n");
    DeTable::parse(&whole).is_ok_and(|table| table.get_ref().len() == 1)
}

/// The keys of an inline table and the texts of their values, in their order; `None` if the text is no table.
pub fn entries(text: &str) -> Option<Vec<(String, String)>> {
    let whole = format!("value = {text}\n");
    let table = DeTable::parse(&whole).ok()?;
    match table.get_ref().get("value")?.get_ref() {
        DeValue::Table(inner) => Some(entries_of(inner, &whole)),
        _ => None,
    }
}

/// The keys of a table of `text` and the texts of their values, in the order of the text.
pub fn entries_of(table: &DeTable<'_>, text: &str) -> Vec<(String, String)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
        .into_iter()
        .map(|(key, value)| {
            let value = inline(value.get_ref(), value.span(), text);
            (key.get_ref().to_string(), value)
        })
        .collect()
}

/// A value on one line. What is no table and no list stands as it was written.
fn inline(value: &DeValue<'_>, span: std::ops::Range<usize>, text: &str) -> String {
    match value {
        DeValue::Table(table) => {
            let entries = entries_of(table, text).into_iter();
            let entries: Vec<_> = entries
                .map(|(name, value)| format!("{} = {value}", crate::text::key(&name)))
                .collect();
            if entries.is_empty() {
                "{}".to_string()
            } else {
                format!("{{ {} }}", entries.join(", "))
            }
        }
        DeValue::Array(items) => {
            let items = items.iter();
            let items: Vec<_> = items
                .map(|item| inline(item.get_ref(), item.span(), text))
                .collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::String(content) => crate::text::quote(content),
        _ => text.get(span).unwrap_or_default().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_value_and_nothing_else() {
        assert!(is_value("{ max = 3, per = \"10s\" }"));
        assert!(is_value("\"a\""));
        for wrong in ["", "a", "1\nother = 2", "{ a = 1", "1 2"] {
            assert!(!is_value(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_table_keeps_the_order_of_its_keys() {
        let found = entries("{ z = 0x10, a = [\"x\",\n \"y\"], m = { q = true } }").unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(shown, ["z=0x10", "a=[\"x\", \"y\"]", "m={ q = true }"]);
        assert_eq!(entries("1"), None);
    }
}
