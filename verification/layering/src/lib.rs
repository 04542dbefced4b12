//! The rules of the house, as data. The tests of this crate hold the tree to them.
//!
//! Dependencies run downwards only. What stands here is the whole of it: a crate that is not named, or a
//! dependency that is not allowed, fails the test, and whoever wants it has to write it down here.

#![forbid(unsafe_code)]

/// What one crate, or each crate of a folder, may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// A folder: of one crate, or with `/*` of several.
    pub folder: &'static str,
    /// Folders of this workspace that it may depend on, each of one crate or with `/*`.
    pub below: &'static [&'static str],
    /// Whether it runs on the target, hence without the standard library.
    pub on_target: bool,
    /// Why unsafe code may stand in it; `None`: it may not, and forbids it.
    pub unsafe_code: Option<&'static str>,
    /// Whether it may hold assembly.
    pub assembly: bool,
}

const fn host(folder: &'static str, below: &'static [&'static str]) -> Layer {
    Layer {
        folder,
        below,
        on_target: false,
        unsafe_code: None,
        assembly: false,
    }
}

const fn target(folder: &'static str, below: &'static [&'static str]) -> Layer {
    Layer {
        on_target: true,
        ..host(folder, below)
    }
}

impl Layer {
    const fn with_unsafe_code(self, why: &'static str) -> Self {
        Self {
            unsafe_code: Some(why),
            ..self
        }
    }

    const fn with_assembly(self) -> Self {
        Self {
            assembly: true,
            ..self
        }
    }
}

/// The layers, the lowest first. Of several that match, the first counts.
pub const LAYERS: &[Layer] = &[
    target("microkernel/abi", &[]),
    target("config/tables", &["microkernel/abi"]),
    // `core` never names an architecture.
    target("microkernel/core", &["microkernel/abi", "config/tables"]),
    target(
        "microkernel/e500",
        &["microkernel/abi", "microkernel/core", "config/tables"],
    )
    .with_unsafe_code("the hardware")
    .with_assembly(),
    target(
        "microkernel/image",
        &["microkernel/abi", "microkernel/core", "microkernel/e500"],
    )
    .with_unsafe_code("the hardware's entries"),
    host("ipc/derive", &[]),
    target("ipc/wire", &["ipc/derive"]),
    target("ipc/ring", &["ipc/wire"]).with_unsafe_code("memory shared between partitions"),
    host("config/model", &["microkernel/abi"]),
    host(
        "config/check",
        &["microkernel/abi", "ipc/*", "config/model"],
    ),
    host("config/device-tree", &[]),
    // Only compile writes tables.
    host(
        "config/compile",
        &[
            "microkernel/abi",
            "ipc/*",
            "config/model",
            "config/check",
            "config/device-tree",
            "config/tables",
        ],
    ),
    host(
        "config/arinc653",
        &[
            "microkernel/abi",
            "ipc/*",
            "config/model",
            "config/check",
            // Its tests compare plans.
            "config/compile",
            "config/tables",
        ],
    ),
    // Protocols between drivers and whoever uses them, personalities among them.
    target("partitions/disk-messages", &["ipc/*"]),
    target("partitions/network-messages", &["ipc/*"]),
    host("personalities/native-build", &[]),
    host(
        "personalities/paravirtualise",
        &["microkernel/abi", "config/tables"],
    ),
    target("personalities/native", &["microkernel/abi", "ipc/*"])
        .with_unsafe_code("the hypercalls")
        .with_assembly(),
    // The ARINC 653 services are plain data, and know nothing of where they run.
    target("personalities/apex", &[]),
    target("personalities/apex-conformity", &["personalities/apex"]),
    target(
        "personalities/apex-native",
        &[
            "microkernel/abi",
            "personalities/apex",
            "personalities/native",
        ],
    )
    .with_unsafe_code("the contexts of processes")
    .with_assembly(),
    target("personalities/apex-a653rs", &["personalities/apex-native"])
        .with_unsafe_code("functions that the crate a653rs has as unsafe"),
    target(
        "personalities/apex-c",
        &[
            "personalities/apex-native",
            "personalities/native",
            "personalities/native-build",
        ],
    )
    .with_unsafe_code("addresses that C gives"),
    // The monitor is a partition's program.
    target(
        "personalities/guest",
        &[
            "microkernel/abi",
            "ipc/*",
            "personalities/*",
            "partitions/disk-messages",
            "partitions/network-messages",
        ],
    ),
    // What drivers and their clients are built on.
    target("partitions/virtio", &["ipc/*", "personalities/native"]),
    target(
        "partitions/driver-client",
        &["ipc/*", "personalities/native"],
    ),
    target(
        "partitions/disk-client",
        &[
            "ipc/*",
            "partitions/disk-messages",
            "partitions/driver-client",
        ],
    ),
    target(
        "partitions/network-client",
        &[
            "ipc/*",
            "partitions/driver-client",
            "partitions/network-messages",
        ],
    ),
    target(
        "partitions/apex-ping",
        &["ipc/*", "personalities/*", "partitions/*"],
    )
    .with_unsafe_code("what the macros of the crate a653rs write"),
    // No partition depends on the kernel; `abi` is what the two agree on.
    target(
        "partitions/*",
        &[
            "microkernel/abi",
            "ipc/*",
            "personalities/*",
            "partitions/*",
        ],
    ),
    // The prover shares no code with what made the image, nor with what runs it.
    host("verification/prove", &[]),
    // Verification reads everything, and nothing reads it; only the tools have the prover, which is a command of the user's, and the page of coverage.
    host(
        "verification/fuzz",
        &[
            "microkernel/abi",
            "microkernel/core",
            "ipc/*",
            "config/*",
            "personalities/guest",
            "partitions/*",
            "verification/*",
            "tools/record",
            "tools/timeline",
        ],
    ),
    host(
        "verification/*",
        &[
            "microkernel/abi",
            "microkernel/core",
            "ipc/*",
            "config/*",
            "personalities/*",
            "partitions/*",
            "verification/*",
            "tools/symbols",
        ],
    ),
    host("tools/icount", &[]).with_unsafe_code("QEMU's plugin interface, which is C"),
    // Nobody depends on the tools but tools, and verification on the one that reads debug information.
    host(
        "tools/*",
        &[
            "microkernel/abi",
            "microkernel/core",
            "ipc/*",
            "config/*",
            "personalities/*",
            "partitions/*",
            "verification/coverage",
            "verification/prove",
            "tools/*",
        ],
    ),
];

/// The longest file of Rust that a reader is asked to take in at once, in lines.
pub const LONGEST_FILE: usize = 600;

/// Whether `folder` is what `pattern` says.
pub fn matches(pattern: &str, folder: &str) -> bool {
    match pattern.strip_suffix("/*") {
        Some(parent) => folder
            .strip_prefix(parent)
            .is_some_and(|rest| rest.starts_with('/')),
        None => pattern == folder,
    }
}

/// The layer of a crate by its folder.
pub fn layer(folder: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| matches(layer.folder, folder))
}
