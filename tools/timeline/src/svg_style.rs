//! How the picture of a frame looks, in light and in dark, and its legend.

/// Everything that has a colour, with no word of where it comes from: the picture stands alone.
pub(crate) const STYLE: &str = "\
svg{--ground:#ffffff;--ink:#1c2127;--faint:#6a737d;--line:#d0d7de;--window:#dbe7f6;--run:#2f6fc4;--call:#0b2f66;--message:#b35900;--bad:#c4161c;--release:#1a7f37;--interrupt:#7a3fc0}
@media (prefers-color-scheme:dark){svg{--ground:#12161b;--ink:#e6edf3;--faint:#9aa4ae;--line:#363d46;--window:#22344b;--run:#5b9bea;--call:#cfe3ff;--message:#f0a04b;--bad:#ff7b72;--release:#56d364;--interrupt:#c297ff}}
text{font:13px system-ui,sans-serif;fill:var(--ink)}
.title{font-size:16px;font-weight:600}
.faint{fill:var(--faint)}
.ground{fill:var(--ground)}
.line{stroke:var(--line);stroke-width:1}
.window{fill:var(--window);stroke:var(--line)}
.run{fill:var(--run)}
.budget{fill:none;stroke:var(--run);stroke-width:1;stroke-dasharray:3 2}
.guard{fill:var(--ink);opacity:.45}
.call{stroke:var(--call);stroke-width:1}
.message{stroke:var(--message);stroke-width:1.2;fill:none;marker-end:url(#arrow)}
.elsewhere{stroke-dasharray:4 3}
.head{fill:var(--message)}
.bad{fill:var(--bad)}
.start{fill:none;stroke:var(--bad);stroke-width:1.5}
.release{stroke:var(--release);stroke-width:2}
.deadline{stroke:var(--bad);stroke-width:2}
.done{fill:var(--release)}
.interrupt{fill:var(--interrupt)}
";

/// The head of an arrow.
pub(crate) const ARROW: &str = "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\"><path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

/// What the marks mean: what is drawn from a point on its line on, and its words.
pub(crate) const LEGEND: [(&str, &str); 12] = [
    (
        "<rect class=\"window\" x=\"0\" y=\"-9\" width=\"18\" height=\"12\"/>",
        "window",
    ),
    (
        "<rect class=\"run\" x=\"0\" y=\"-7\" width=\"18\" height=\"8\"/>",
        "runs",
    ),
    (
        "<rect class=\"budget\" x=\"0\" y=\"-9\" width=\"18\" height=\"12\"/>",
        "budget",
    ),
    (
        "<rect class=\"guard\" x=\"7\" y=\"-9\" width=\"3\" height=\"12\"/>",
        "guard",
    ),
    (
        "<path class=\"call\" d=\"M4 -9V3M9 -9V3M14 -9V3\"/>",
        "hypercalls",
    ),
    ("<path class=\"message\" d=\"M0 -3H18\"/>", "message"),
    ("<path class=\"release\" d=\"M9 3V-9\"/>", "release"),
    ("<path class=\"deadline\" d=\"M9 3V-9\"/>", "deadline"),
    (
        "<circle class=\"done\" cx=\"9\" cy=\"-3\" r=\"4\"/>",
        "complete",
    ),
    (
        "<path class=\"bad\" d=\"M9 -10L15 -3L9 4L3 -3z\"/>",
        "health event",
    ),
    (
        "<path class=\"start\" d=\"M9 -10L15 -3L9 4L3 -3z\"/>",
        "start",
    ),
    (
        "<path class=\"interrupt\" d=\"M4 -9H14L9 2z\"/>",
        "interrupt",
    ),
];
