//! The reference of the policy and the schema for editors.

use anyhow::{Context as _, Result};

/// The reference, as the model writes it.
pub fn reference() -> String {
    let mut text = garth_policy::reference_markdown().trim_end().to_owned();
    text.push('\n');
    text
}

/// The JSON Schema.
///
/// # Errors
/// When it cannot be written as text.
pub fn schema() -> Result<String> {
    let mut text = serde_json::to_string_pretty(&garth_policy::schema()).context("the schema is no JSON")?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_of_the_schema_is_in_the_reference() {
        let schema: serde_json::Value = serde_json::from_str(&schema().unwrap()).unwrap();
        let sections: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert!(
            sections.iter().any(|name| *name == "files") && sections.iter().any(|name| *name == "network")
        );
        let reference = reference();
        let missing: Vec<_> = sections.iter().filter(|name| !reference.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "not in the reference: {missing:?}");
    }
}
