//! What a module's XML has to obey.

use cofferdam_model::{RuleText, rule_text};

rule_text! {
    /// The file is well-formed XML in UTF-8, without a document type.
    ///
    /// A document type could declare entities that grow without bounds; no configuration needs one.
    pub(crate) static XML_SYNTAX = "XML-SYNTAX";
}
rule_text! {
    /// Each element and each attribute is one of the dialect, where it belongs.
    ///
    /// A misspelt one would be ignored silently, and leave a default in force that nobody meant. What is in another namespace is a vendor's
    /// extension: it is reported, and left out. `docs/arinc653-xml.md` lists the dialect.
    pub(crate) static XML_DIALECT = "XML-DIALECT";
}
rule_text! {
    /// Each attribute that has no default is given.
    pub(crate) static XML_MISSING = "XML-MISSING";
}
rule_text! {
    /// Each value has the form that its attribute asks for.
    ///
    /// Numbers are decimal, or hexadecimal behind `0x`; times are decimal seconds, of whole nanoseconds.
    pub(crate) static XML_VALUE = "XML-VALUE";
}
rule_text! {
    /// Each partition and each port that is named exists, and nothing has two names or one name twice.
    pub(crate) static XML_REFERENCE = "XML-REFERENCE";
}
rule_text! {
    /// The ends of a channel are ports of one kind, in the right directions, that agree in message size, depth and refresh period; no port is an end
    /// of two channels.
    ///
    /// A channel has one type of messages here. A queuing channel has one destination.
    pub(crate) static XML_CHANNEL = "XML-CHANNEL";
}
rule_text! {
    /// The windows of a schedule do not overlap and lie in its major frame, and give each partition its duration in each period.
    pub(crate) static XML_TIME = "XML-TIME";
}
rule_text! {
    /// Each extension is one key of `system.toml`, in its place and once, with one value in TOML.
    pub(crate) static XML_EXTENSION = "XML-EXTENSION";
}
rule_text! {
    /// What has no counterpart on the other side is reported.
    ///
    /// It is a warning: what the XML has more is left out of `system.toml`; what `system.toml` has more is kept in extensions, which other tools do
    /// not read.
    pub(crate) static XML_COUNTERPART = "XML-COUNTERPART";
}
rule_text! {
    /// What `system.toml` needs and the XML does not say is added, and reported.
    ///
    /// It is a warning: somebody has to look whether it is what was meant.
    pub(crate) static XML_DEFAULT = "XML-DEFAULT";
}

/// The texts of all of them.
pub fn rule_texts() -> impl Iterator<Item = &'static RuleText> {
    [
        &XML_SYNTAX,
        &XML_DIALECT,
        &XML_MISSING,
        &XML_VALUE,
        &XML_REFERENCE,
        &XML_CHANNEL,
        &XML_TIME,
        &XML_EXTENSION,
        &XML_COUNTERPART,
        &XML_DEFAULT,
    ]
    .into_iter()
}
