//! The elements and attributes that are read, once: reading refuses what is not declared here.

/// What becomes of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It must be there.
    Required,
    /// It may be there.
    Optional,
    /// It has no counterpart.
    Unread,
}
use Use::{Optional, Required, Unread};

/// An element.
#[derive(Debug)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// Its attributes.
    pub attributes: &'static [(&'static str, Use)],
    /// Its elements.
    pub children: &'static [&'static str],
    /// Whether extensions may stand in it.
    pub extended: bool,
}

const fn shape(
    name: &'static str,
    attributes: &'static [(&'static str, Use)],
    children: &'static [&'static str],
) -> Shape {
    Shape {
        name,
        attributes,
        children,
        extended: false,
    }
}

impl Shape {
    const fn extended(self) -> Self {
        Self {
            extended: true,
            ..self
        }
    }
}

/// The root.
pub const ROOT: &str = "ARINC_653_Module";

/// Every element.
pub const DIALECT: &[Shape] = &[
    shape(
        ROOT,
        &[
            ("ModuleName", Optional),
            ("ModuleVersion", Unread),
            ("ModuleId", Unread),
        ],
        &[
            "System_HM_Table",
            "Module_HM_Table",
            "Partition",
            "Partition_Memory",
            "Module_Schedule",
            "Partition_HM_Table",
            "Connection_Table",
        ],
    )
    .extended(),
    shape("System_HM_Table", &[], &["System_State_Entry"]),
    shape(
        "Module_HM_Table",
        &[("ModuleCallback", Unread)],
        &["System_State_Entry"],
    ),
    shape(
        "Partition_HM_Table",
        &[
            ("PartitionIdentifier", Required),
            ("PartitionName", Optional),
            ("PartitionCallback", Unread),
        ],
        &["System_State_Entry"],
    ),
    shape(
        "System_State_Entry",
        &[("SystemState", Optional), ("Description", Optional)],
        &["Error_ID_Level", "Error_ID_Action"],
    ),
    shape(
        "Error_ID_Level",
        &[
            ("ErrorIdentifier", Required),
            ("Description", Optional),
            ("ErrorLevel", Required),
            ("ErrorCode", Optional),
        ],
        &[],
    ),
    shape(
        "Error_ID_Action",
        &[
            ("ErrorIdentifier", Required),
            ("Description", Optional),
            ("Action", Required),
        ],
        &[],
    ),
    shape(
        "Partition",
        &[
            ("PartitionIdentifier", Required),
            ("PartitionName", Required),
            ("Criticality", Unread),
            ("SystemPartition", Unread),
            ("EntryPoint", Unread),
        ],
        &["Sampling_Port", "Queuing_Port", "Process"],
    )
    .extended(),
    shape(
        "Sampling_Port",
        &[
            ("Name", Required),
            ("MaxMessageSize", Required),
            ("Direction", Required),
            ("RefreshRateSeconds", Optional),
        ],
        &[],
    ),
    shape(
        "Queuing_Port",
        &[
            ("Name", Required),
            ("MaxMessageSize", Required),
            ("Direction", Required),
            ("MaxNbMessages", Required),
        ],
        &[],
    ),
    shape(
        "Process",
        &[("Name", Optional), ("StackSize", Required)],
        &[],
    ),
    shape(
        "Partition_Memory",
        &[
            ("PartitionIdentifier", Required),
            ("PartitionName", Optional),
        ],
        &["Memory_Requirements"],
    ),
    shape(
        "Memory_Requirements",
        &[
            ("RegionName", Optional),
            ("Type", Optional),
            ("SizeBytes", Required),
            ("Access", Required),
            ("PhysicalAddress", Unread),
        ],
        &[],
    ),
    shape(
        "Module_Schedule",
        &[
            ("ScheduleIdentifier", Optional),
            ("ScheduleName", Optional),
            ("InitialModuleSchedule", Optional),
            ("MajorFrameSeconds", Required),
        ],
        &["Partition_Schedule"],
    ),
    shape(
        "Partition_Schedule",
        &[
            ("PartitionIdentifier", Required),
            ("PartitionName", Optional),
            ("PeriodSeconds", Required),
            ("PeriodDurationSeconds", Required),
            ("SetModuleSchedule", Optional),
            ("ScheduleChangeAction", Optional),
        ],
        &["Window_Schedule"],
    ),
    shape(
        "Window_Schedule",
        &[
            ("WindowIdentifier", Optional),
            ("WindowStartSeconds", Required),
            ("WindowDurationSeconds", Required),
            ("PartitionPeriodStart", Optional),
        ],
        &[],
    )
    .extended(),
    shape("Connection_Table", &[], &["Channel"]).extended(),
    shape(
        "Channel",
        &[("ChannelIdentifier", Required), ("ChannelName", Optional)],
        &["Source", "Destination"],
    )
    .extended(),
    shape("Source", &[], END),
    shape("Destination", &[], END),
    shape(
        "Standard_Partition",
        &[
            ("PartitionIdentifier", Required),
            ("PartitionName", Optional),
            ("PortName", Required),
            ("PhysicalAddress", Unread),
        ],
        &[],
    ),
    shape(
        "Pseudo_Partition",
        &[
            ("Name", Unread),
            ("PhysicalAddress", Unread),
            ("Procedure", Unread),
        ],
        &[],
    ),
];

/// What stands at an end of a channel.
const END: &[&str] = &["Standard_Partition", "Pseudo_Partition"];

/// The element of this name.
pub fn find(name: &str) -> Option<&'static Shape> {
    DIALECT.iter().find(|shape| shape.name == name)
}
