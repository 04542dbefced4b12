//! A user's additions to the tree.

use std::fmt;

use dtoolkit::fdt::Fdt;
use dtoolkit::model::overlay::OverlayApplier;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};
use dtoolkit::overlay::NODE_SYMBOLS;
use dtoolkit::{Node, Property};

/// The labels by which an overlay may name our nodes, as `&pic` in its source, and the beginning of their names.
const LABELS: [(&str, &str); 3] = [("soc", "/soc"), ("pic", "/soc/pic"), ("chosen", "/chosen")];

/// The kinds of node that say what the machine consists of.
const PARTS_OF_THE_MACHINE: [&str; 3] = ["memory", "cpu", "open-pic"];

/// Why an overlay cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no flattened device tree.
    NoTree(String),
    /// It is one, and does not fit on ours.
    Unfitting(String),
    /// It would change a property that we set.
    Changes {
        /// The path of the node.
        node: String,
        /// The property.
        property: String,
    },
    /// It would add a property to a node of ours that is complete.
    Adds {
        /// The path of the node.
        node: String,
        /// The property.
        property: String,
    },
    /// It would give the guest a part of a machine that it does not have.
    Invents {
        /// The path of the node.
        node: String,
        /// Its `device_type`.
        kind: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTree(why) => write!(
                f,
                "it is no flattened device tree ({why}); `dtc -@ -I dts -O dtb` makes one of its source"
            ),
            Self::Unfitting(why) => write!(
                f,
                "it does not fit on the guest's tree ({why}); it may name /soc, /soc/pic and /chosen, as &soc, &pic and &chosen"
            ),
            Self::Changes { node, property } => write!(
                f,
                "it changes the property `{property}` of {node}, which follows from the system; an overlay only adds"
            ),
            Self::Adds { node, property } => write!(
                f,
                "it adds the property `{property}` to {node}, of which the system says all; properties may be added to /chosen, and others than `status` to /soc"
            ),
            Self::Invents { node, kind } => write!(
                f,
                "it adds {node} of the type `{kind}`; what memory, processors and interrupt controllers there are follows from the system"
            ),
        }
    }
}

impl std::error::Error for Fault {}

/// The tree `base`, which is one of ours, with a user's overlay on it.
pub fn overlaid(base: &[u8], overlay: &[u8]) -> Result<Vec<u8>, Fault> {
    let parse = |bytes| Fdt::new(bytes).map_err(|error| Fault::NoTree(error.to_string()));
    let unfitting = |why: &dyn fmt::Display| Fault::Unfitting(why.to_string());
    let base = DeviceTree::from_fdt(&parse(base)?);
    let overlay = parse(overlay)?;
    let mut tree = base.clone();
    // Labels are for whoever applies overlays, not for the guest, whose look-ups walk all that there is.
    let symbols = symbols(&base.root).map_err(|error| unfitting(&error))?;
    tree.root.add_child(symbols);
    OverlayApplier::new(&mut tree)
        .apply_overlay(&overlay)
        .map_err(|error| unfitting(&error))?;
    tree.root.remove_child(NODE_SYMBOLS);
    agree(&base.root, &tree.root, "")?;
    Ok(tree.to_dtb())
}

fn symbols(root: &DeviceTreeNode) -> Result<DeviceTreeNode, dtoolkit::error::ModelError> {
    let mut symbols = DeviceTreeNode::new(NODE_SYMBOLS)?;
    for (label, path) in LABELS {
        let mut node = root;
        let mut full = String::new();
        for name in path.split('/').skip(1) {
            let Some(child) = node.child(name) else { break };
            node = child;
            full.push('/');
            full.push_str(node.name());
        }
        symbols.add_property(DeviceTreeProperty::new(label, full)?);
    }
    Ok(symbols)
}

/// Whether all of `base` is in `tree`, and nothing is there besides that the guest does not have.
fn agree(base: &DeviceTreeNode, tree: &DeviceTreeNode, path: &str) -> Result<(), Fault> {
    let place = || if path.is_empty() { "/" } else { path }.to_owned();
    for property in base.properties() {
        let name = property.name();
        let same = |other: &DeviceTreeProperty| (&other).value() == property.value();
        if !(&tree).property(name).is_some_and(same) {
            return Err(Fault::Changes {
                node: place(),
                property: name.to_owned(),
            });
        }
    }
    // A new property can contradict as well: `linux,usable-memory` of /memory, or `status` of a device.
    let soc = format!("/soc@{:x}", crate::DEVICES);
    let is_open = |property: &str| match path {
        "/chosen" => true,
        _ => path == soc && property != "status",
    };
    let added = tree.properties().find(|property| {
        !base.properties().any(|old| old.name() == property.name()) && !is_open(property.name())
    });
    if let Some(property) = added {
        return Err(Fault::Adds {
            node: place(),
            property: property.name().to_owned(),
        });
    }
    for child in tree.children() {
        let path = format!("{path}/{}", child.name());
        match base.children().find(|old| old.name() == child.name()) {
            Some(old) => agree(old, child, &path)?,
            None => invents_nothing(child, &path)?,
        }
    }
    Ok(())
}

fn invents_nothing(node: &DeviceTreeNode, path: &str) -> Result<(), Fault> {
    let kind = (&node)
        .property("device_type")
        .and_then(|property| property.value_as::<&str>().ok());
    if let Some(kind) = kind.filter(|kind| PARTS_OF_THE_MACHINE.contains(kind)) {
        return Err(Fault::Invents {
            node: path.to_owned(),
            kind: kind.to_owned(),
        });
    }
    node.children()
        .try_for_each(|child| invents_nothing(child, &format!("{path}/{}", child.name())))
}
