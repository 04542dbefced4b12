//! Overlays: what they may add, and what they may not.

use cofferdam_device_tree::{Facts, Fault, device_tree, overlaid};
use dtoolkit::ToPropertyValue;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};
use fdt::Fdt;

fn base() -> Vec<u8> {
    device_tree(&Facts {
        memory_bytes: 64 << 20,
        timebase_hz: 400_000_000,
        clock_hz: 400_000_000,
        bus_hz: 400_000_000,
        boot_arguments: "",
        initramfs: None,
        receive_source: 3,
        uart_source: None,
        pci: false,
        transmit_source: 4,
        resets: false,
        powers_off: false,
        reserved: &[],
        pins_source: 5,
        reports_panics: false,
        disk_source: None,
        network_source: None,
        rng_seed: None,
    })
    .unwrap()
}

fn property(name: &str, value: impl ToPropertyValue) -> DeviceTreeProperty {
    DeviceTreeProperty::new(name, value).unwrap()
}

fn node(
    name: &str,
    properties: Vec<DeviceTreeProperty>,
    children: Vec<DeviceTreeNode>,
) -> DeviceTreeNode {
    let mut node = DeviceTreeNode::new(name).unwrap();
    properties
        .into_iter()
        .for_each(|one| node.add_property(one));
    children.into_iter().for_each(|one| node.add_child(one));
    node
}

/// An overlay that adds to the node at `path`.
fn at(path: &str, properties: Vec<DeviceTreeProperty>, children: Vec<DeviceTreeNode>) -> Vec<u8> {
    let mut tree = DeviceTree::new();
    tree.root.add_child(node(
        "fragment@0",
        vec![property("target-path", path)],
        vec![node("__overlay__", properties, children)],
    ));
    tree.to_dtb()
}

#[test]
fn adds_a_device() {
    let timer = node(
        "timer@41100",
        vec![
            property("compatible", "fsl,mpic-global-timer"),
            property("reg", [0x4_1100_u32, 0x100]),
        ],
        vec![],
    );
    let tree = overlaid(&base(), &at("/soc@e0000000", vec![], vec![timer])).unwrap();
    let tree = Fdt::new(&tree).unwrap();
    let timer = tree.find_node("/soc@e0000000/timer@41100").unwrap();
    assert_eq!(
        timer.property("compatible").unwrap().as_str(),
        Some("fsl,mpic-global-timer")
    );
    assert!(tree.find_node("/soc@e0000000/pic@40000").is_some());
    assert!(tree.find_node("/__symbols__").is_none());
}

#[test]
fn names_the_interrupt_controller_by_its_label() {
    // As dtc compiles `&{/} { thing { interrupt-parent = <&pic>; }; };`.
    let mut overlay = DeviceTree::new();
    let thing = node(
        "thing",
        vec![property("interrupt-parent", 0xffff_ffff_u32)],
        vec![],
    );
    overlay.root.add_child(node(
        "fragment@0",
        vec![property("target-path", "/")],
        vec![node("__overlay__", vec![], vec![thing])],
    ));
    overlay.root.add_child(node(
        "__fixups__",
        vec![property(
            "pic",
            "/fragment@0/__overlay__/thing:interrupt-parent:0",
        )],
        vec![],
    ));
    let tree = overlaid(&base(), &overlay.to_dtb()).unwrap();
    let tree = Fdt::new(&tree).unwrap();
    let of = |path, name| tree.find_node(path).unwrap().property(name).unwrap().value;
    assert_eq!(
        of("/thing", "interrupt-parent"),
        of("/soc@e0000000/pic@40000", "phandle")
    );
}

#[test]
fn changes_nothing() {
    let overlay = at(
        "/memory",
        vec![property("reg", [0_u32, 0, 0, 0x4000_0000])],
        vec![],
    );
    assert_eq!(
        overlaid(&base(), &overlay),
        Err(Fault::Changes {
            node: "/memory".to_owned(),
            property: "reg".to_owned()
        })
    );
}

#[test]
fn says_nothing_more_of_what_is_complete() {
    for (path, name, value) in [
        ("/memory", "linux,usable-memory", "none"),
        ("/soc@e0000000/pic@40000", "status", "disabled"),
        ("/soc@e0000000", "status", "disabled"),
        ("/cpus", "power-isa-e", "no"),
        ("/", "serial-number", "1"),
    ] {
        assert_eq!(
            overlaid(&base(), &at(path, vec![property(name, value)], vec![])),
            Err(Fault::Adds {
                node: path.to_owned(),
                property: name.to_owned()
            })
        );
    }
    for path in ["/chosen", "/soc@e0000000"] {
        let overlay = at(path, vec![property("own,note", "mine")], vec![]);
        let tree = overlaid(&base(), &overlay).unwrap();
        let tree = Fdt::new(&tree).unwrap();
        assert!(tree.find_node(path).unwrap().property("own,note").is_some());
    }
}

#[test]
fn invents_no_memory() {
    let more = node(
        "memory@10000000",
        vec![
            property("device_type", "memory"),
            property("reg", [0_u32, 0x1000_0000, 0, 0x1000_0000]),
        ],
        vec![],
    );
    let overlay = at("/", vec![], vec![node("bus", vec![], vec![more])]);
    assert_eq!(
        overlaid(&base(), &overlay),
        Err(Fault::Invents {
            node: "/bus/memory@10000000".to_owned(),
            kind: "memory".to_owned()
        })
    );
}

#[test]
fn what_is_no_tree_or_aims_at_nothing_is_refused() {
    for bytes in [&b""[..], b"/dts-v1/; / { };", &base()[..100]] {
        assert!(matches!(overlaid(&base(), bytes), Err(Fault::NoTree(_))));
    }
    let overlay = at("/no/such/node", vec![], vec![]);
    assert!(matches!(
        overlaid(&base(), &overlay),
        Err(Fault::Unfitting(_))
    ));
}
