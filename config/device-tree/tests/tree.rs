//! The tree, read again by a decoder that knows nothing of the crate that wrote it.

use std::collections::BTreeMap;

use cofferdam_device_tree::{CONSOLE_HANDLE, DEVICES, DEVICES_SIZE, Facts, device_tree};
use fdt::Fdt;
use fdt::node::FdtNode;

fn facts() -> Facts<'static> {
    Facts {
        memory_bytes: 0x0800_0000,
        timebase_hz: 400_000_000,
        clock_hz: 800_000_000,
        bus_hz: 333_000_000,
        boot_arguments: "quiet off",
        initramfs: Some(0x0700_0000..0x070a_0123),
        receive_source: 3,
        transmit_source: 4,
        uart_source: None,
        pci: false,
        resets: false,
        powers_off: false,
        reserved: &[],
        pins_source: 5,
        reports_panics: false,
        disk_source: None,
        network_source: None,
        rng_seed: None,
    }
}

/// Every property of the tree, by the path of its node.
fn properties(facts: &Facts<'_>) -> BTreeMap<String, Vec<u8>> {
    let tree = device_tree(facts).unwrap();
    let tree = Fdt::new(&tree).unwrap();
    assert_eq!(tree.memory_reservations().count(), facts.reserved.len());
    let mut all = BTreeMap::new();
    collect(tree.find_node("/").unwrap(), "", &mut all);
    all
}

fn collect(node: FdtNode<'_, '_>, path: &str, all: &mut BTreeMap<String, Vec<u8>>) {
    for property in node.properties() {
        all.insert(format!("{path}/{}", property.name), property.value.to_vec());
    }
    for child in node.children() {
        collect(child, &format!("{path}/{}", child.name), all);
    }
}

fn cells(cells: &[u32]) -> Vec<u8> {
    cells.iter().flat_map(|cell| cell.to_be_bytes()).collect()
}

#[test]
fn every_property() {
    let expected: BTreeMap<String, Vec<u8>> = [
        ("/compatible", b"fsl,qemu-e500\0".to_vec()),
        ("/model", b"cofferdam\0".to_vec()),
        ("/#address-cells", cells(&[2])),
        ("/#size-cells", cells(&[2])),
        ("/cpus/#address-cells", cells(&[1])),
        ("/cpus/#size-cells", cells(&[0])),
        ("/cpus/PowerPC,8544@0/device_type", b"cpu\0".to_vec()),
        ("/cpus/PowerPC,8544@0/reg", cells(&[0])),
        ("/cpus/PowerPC,8544@0/status", b"okay\0".to_vec()),
        (
            "/cpus/PowerPC,8544@0/timebase-frequency",
            cells(&[400_000_000]),
        ),
        (
            "/cpus/PowerPC,8544@0/clock-frequency",
            cells(&[800_000_000]),
        ),
        ("/cpus/PowerPC,8544@0/bus-frequency", cells(&[333_000_000])),
        ("/cpus/PowerPC,8544@0/i-cache-size", cells(&[0x8000])),
        ("/cpus/PowerPC,8544@0/i-cache-line-size", cells(&[32])),
        ("/cpus/PowerPC,8544@0/d-cache-size", cells(&[0x8000])),
        ("/cpus/PowerPC,8544@0/d-cache-line-size", cells(&[32])),
        ("/memory/device_type", b"memory\0".to_vec()),
        ("/memory/reg", cells(&[0, 0, 0, 0x0800_0000])),
        ("/chosen/bootargs", b"quiet off\0".to_vec()),
        (
            "/chosen/stdout-path",
            b"/hypervisor/byte-channel@0\0".to_vec(),
        ),
        ("/chosen/linux,initrd-start", cells(&[0x0700_0000])),
        ("/chosen/linux,initrd-end", cells(&[0x070a_0123])),
        ("/soc@e0000000/device_type", b"soc\0".to_vec()),
        (
            "/soc@e0000000/compatible",
            b"fsl,mpc8544-immr\0simple-bus\0".to_vec(),
        ),
        ("/soc@e0000000/#address-cells", cells(&[1])),
        ("/soc@e0000000/#size-cells", cells(&[1])),
        (
            "/soc@e0000000/ranges",
            cells(&[0, 0, DEVICES, DEVICES_SIZE]),
        ),
        ("/soc@e0000000/bus-frequency", cells(&[333_000_000])),
        ("/soc@e0000000/pic@40000/reg", cells(&[0x4_0000, 0x4_0000])),
        ("/soc@e0000000/pic@40000/compatible", b"fsl,mpic\0".to_vec()),
        (
            "/soc@e0000000/pic@40000/device_type",
            b"open-pic\0".to_vec(),
        ),
        ("/soc@e0000000/pic@40000/interrupt-controller", vec![]),
        ("/soc@e0000000/pic@40000/#interrupt-cells", cells(&[2])),
        ("/soc@e0000000/pic@40000/#address-cells", cells(&[0])),
        ("/soc@e0000000/pic@40000/phandle", cells(&[1])),
        (
            "/hypervisor/compatible",
            b"epapr,hypervisor\0simple-bus\0".to_vec(),
        ),
        ("/hypervisor/#address-cells", cells(&[1])),
        ("/hypervisor/#size-cells", cells(&[0])),
        ("/hypervisor/hcall-instructions", cells(&[0x4400_0002])),
        ("/hypervisor/has-idle", vec![]),
        (
            "/hypervisor/byte-channel@0/compatible",
            b"epapr,hv-byte-channel\0".to_vec(),
        ),
        ("/hypervisor/byte-channel@0/reg", cells(&[CONSOLE_HANDLE])),
        (
            "/hypervisor/byte-channel@0/hv-handle",
            cells(&[CONSOLE_HANDLE]),
        ),
        ("/hypervisor/byte-channel@0/interrupt-parent", cells(&[1])),
        (
            "/hypervisor/byte-channel@0/interrupts",
            cells(&[3, 2, 4, 2]),
        ),
    ]
    .into_iter()
    .map(|(path, value)| (path.to_owned(), value))
    .collect();
    assert_eq!(properties(&facts()), expected);
}

/// What is in the tree of `more` and not in that of [`facts`]. Nothing else differs.
fn added(more: &Facts<'_>) -> BTreeMap<String, Vec<u8>> {
    let mut all = properties(more);
    for (path, value) in properties(&facts()) {
        assert_eq!(all.remove(&path), Some(value), "{path}");
    }
    all
}

#[test]
fn a_register_that_resets() {
    let utilities = "/soc@e0000000/global-utilities@e0000";
    let expected = [
        ("reg", cells(&[0xe_0000, 0x1000])),
        ("compatible", b"fsl,mpc8548-guts\0".to_vec()),
        ("fsl,has-rstcr", vec![]),
    ];
    let facts = Facts {
        resets: true,
        ..facts()
    };
    assert_eq!(
        added(&facts),
        expected
            .map(|(name, value)| (format!("{utilities}/{name}"), value))
            .into()
    );
}

#[test]
fn a_pin_that_switches_off() {
    let facts = Facts {
        powers_off: true,
        ..facts()
    };
    let added = added(&facts);
    let of = |path: &str| added.get(&format!("/soc@e0000000/{path}")).unwrap();
    assert_eq!(added.len(), 9);
    assert_eq!(*of("gpio@ff000/interrupts"), cells(&[5, 2]));
    assert_eq!(*of("gpio@ff000/interrupt-parent"), cells(&[1]));
    assert_eq!(*of("gpio@ff000/compatible"), b"fsl,qoriq-gpio\0");
    assert_eq!(*of("gpio@ff000/reg"), cells(&[0xf_f000, 0x1000]));
    assert_eq!(*of("gpio@ff000/#gpio-cells"), cells(&[2]));
    assert!(of("gpio@ff000/gpio-controller").is_empty());
    assert_eq!(*of("power-off/compatible"), b"gpio-poweroff\0");
    let phandle = of("gpio@ff000/phandle");
    assert_eq!(of("power-off/gpios")[..4], phandle[..]);
    assert_eq!(of("power-off/gpios")[4..], cells(&[0, 0]));
}

#[test]
fn a_register_for_panics() {
    let facts = Facts {
        reports_panics: true,
        ..facts()
    };
    let register = "/soc@e0000000/pvpanic@fe000";
    let expected = [
        ("reg", cells(&[0xf_e000, 2])),
        ("compatible", b"qemu,pvpanic-mmio\0".to_vec()),
    ];
    let expected = expected.map(|(name, value)| (format!("{register}/{name}"), value));
    assert_eq!(added(&facts), expected.into());
}

#[test]
fn a_uart_in_place_of_the_byte_channel() {
    let with_uart = properties(&Facts {
        uart_source: Some(42),
        ..facts()
    });
    let path = b"/soc@e0000000/serial@4500\0".to_vec();
    assert_eq!(with_uart["/chosen/stdout-path"], path);
    assert_eq!(with_uart["/aliases/serial0"], path);
    assert!(with_uart.keys().all(|path| !path.contains("byte-channel")));
    let without: BTreeMap<_, _> = properties(&facts());
    let new: BTreeMap<_, _> = with_uart
        .into_iter()
        .filter(|(path, _)| !without.contains_key(path) && !path.contains("aliases"))
        .collect();
    let expected = [
        ("reg", cells(&[0x4500, 0x100])),
        ("compatible", b"ns16550\0".to_vec()),
        ("device_type", b"serial\0".to_vec()),
        ("clock-frequency", cells(&[333_000_000])),
        ("interrupt-parent", cells(&[1])),
        ("interrupts", cells(&[42, 2])),
    ];
    assert_eq!(
        new,
        expected
            .map(|(name, value)| (format!("/soc@e0000000/serial@4500/{name}"), value))
            .into()
    );
}

#[test]
fn a_bus_with_its_two_windows() {
    let facts = Facts {
        pci: true,
        ..facts()
    };
    let added = added(&facts);
    let of = |name: &str| added.get(&format!("/pci@e0008000/{name}")).unwrap();
    assert_eq!(added.len(), 8);
    assert_eq!(*of("compatible"), b"fsl,mpc8540-pci\0");
    assert_eq!(*of("device_type"), b"pci\0");
    assert_eq!(*of("#address-cells"), cells(&[3]));
    assert_eq!(*of("#size-cells"), cells(&[2]));
    assert_eq!(*of("#interrupt-cells"), cells(&[1]));
    assert_eq!(*of("reg"), cells(&[0, 0xe000_8000, 0, 0x1000]));
    assert_eq!(*of("bus-range"), cells(&[0, 0]));
    let memory = [0x0200_0000, 0, 0xc000_0000, 0, 0xc000_0000, 0, 0x10_0000];
    let ports = [0x0100_0000, 0, 0, 0, 0xe100_0000, 0, 0x1_0000];
    assert_eq!(*of("ranges"), cells(&[memory, ports].concat()));
}

#[test]
fn randomness_only_when_given() {
    let facts = Facts {
        rng_seed: Some([7; 32]),
        ..facts()
    };
    let expected = [("/chosen/rng-seed".to_owned(), vec![7; 32])];
    assert_eq!(added(&facts), expected.into());
}

#[test]
fn without_an_initramfs_nothing_is_said_of_one() {
    let facts = Facts {
        initramfs: None,
        ..facts()
    };
    let said = properties(&facts);
    assert!(said.keys().all(|path| !path.contains("initrd")));
}

#[test]
fn what_is_reserved_stands_in_the_block_for_it() {
    let none = device_tree(&facts()).unwrap();
    assert_eq!(Fdt::new(&none).unwrap().memory_reservations().count(), 0);
    let pages = 0x56_2000..0x57_a000;
    let facts = Facts {
        reserved: std::slice::from_ref(&pages),
        ..facts()
    };
    let tree = device_tree(&facts).unwrap();
    let tree = Fdt::new(&tree).unwrap();
    let reserved: Vec<_> = tree.memory_reservations().collect();
    assert_eq!(reserved.len(), 1);
    assert_eq!(reserved[0].address() as usize, 0x56_2000);
    assert_eq!(reserved[0].size(), 0x1_8000);
    assert!(added(&facts).is_empty(), "the tree itself is the same");
}

#[test]
fn a_disk_and_a_network_are_there_if_the_guest_has_them() {
    let of = |disk_source, network_source| {
        let there = Facts {
            disk_source,
            network_source,
            ..facts()
        };
        let mut all = properties(&there);
        for path in properties(&facts()).keys() {
            assert!(all.remove(path).is_some(), "{path}");
        }
        all
    };
    assert!(of(None, None).is_empty());
    for (sources, offset, source) in [
        ((Some(45), None), 0xd_2000, 45),
        ((None, Some(46)), 0xd_3000, 46),
    ] {
        let node = format!("/soc@e0000000/virtio_mmio@{offset:x}");
        let expected = [
            ("compatible", b"virtio,mmio\0".to_vec()),
            ("reg", cells(&[offset, 0x200])),
            ("interrupt-parent", cells(&[1])),
            ("interrupts", cells(&[source, 2])),
        ];
        let expected: BTreeMap<_, _> = expected
            .into_iter()
            .map(|(name, value)| (format!("{node}/{name}"), value))
            .collect();
        assert_eq!(of(sources.0, sources.1), expected);
    }
    assert_eq!(of(Some(45), Some(46)).len(), 8);
}
