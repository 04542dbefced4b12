//! Diagnostics as text for a human: the snippets that `rustc` made familiar.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Diagnostics, Label, Severity};

impl Diagnostics {
    /// All of them as text, with terminal colours if `coloured`.
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let texts: Vec<_> = self
            .list
            .iter()
            .map(|one| self.render_one(&renderer, one))
            .collect();
        texts.join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.rule.id);
        let mut group = Group::with_title(title);
        if let Some(primary) = &diagnostic.primary {
            let file = primary.span.file;
            let mut snippet = Snippet::source(self.sources.text(file))
                .path(self.sources.name(file))
                .annotation(
                    AnnotationKind::Primary
                        .span(self.range(primary))
                        .label((!primary.text.is_empty()).then_some(primary.text.as_str())),
                );
            for label in &diagnostic.secondary {
                if label.span.file == file {
                    snippet = snippet.annotation(
                        AnnotationKind::Context
                            .span(self.range(label))
                            .label(label.text.as_str()),
                    );
                }
            }
            group = group.element(snippet);
            for label in &diagnostic.secondary {
                if label.span.file != file {
                    let position = self.sources.position(label.span);
                    group = group.element(
                        Origin::path(self.sources.name(label.span.file))
                            .line(position.line)
                            .char_column(position.column),
                    );
                    group = group.element(Level::NOTE.message(label.text.as_str()));
                }
            }
        }
        group = group.element(Level::HELP.message(diagnostic.hint.as_str()));
        renderer.render(&[group])
    }

    /// The label's bytes, kept within the text and on boundaries of characters: a snippet may not cut one.
    fn range(&self, label: &Label) -> std::ops::Range<usize> {
        let text = self.sources.text(label.span.file);
        let start = text.floor_char_boundary(label.span.start);
        start..text.ceil_char_boundary(label.span.end).max(start)
    }
}
