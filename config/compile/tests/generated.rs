//! The code that is generated for a partition.

mod common;

use cofferdam_compile::generate::{module, type_at};
use common::*;

/// The lines that the partition's module has about something.
fn lines(partition: &str, about: &str) -> Vec<String> {
    let checked = checked(EVERYTHING);
    let text = module(&checked, checked.system.partition_index(partition).unwrap());
    let about = |line: &&str| line.contains(about);
    text.lines().filter(about).map(str::to_owned).collect()
}

#[test]
fn a_port_of_an_array_is_called_after_its_peer_and_found_by_it() {
    assert_eq!(
        lines("console", "LOGS"),
        [
            r#"port! { LOGS_FLIGHT: QueuingDestination<ipc::Bytes<96>> = "logs_flight", slot 3, line 4 } // channel log"#,
            r#"port! { LOGS_PLANT: QueuingDestination<ipc::Bytes<96>> = "logs_plant", slot 4, line 5 } // channel log_plant"#,
            r#"ports! { LOGS: QueuingDestination<ipc::Bytes<96>> = "logs", [("plant", LOGS_PLANT), ("flight", LOGS_FLIGHT)] } // channel log_plant"#,
        ]
    );
}

/// Two partitions with ARINC 653 services, one of them pinned, with everything that can be said of them.
const APEX: &str = include_str!("apex.toml");

#[test]
fn the_services_are_told_all_that_the_file_says() {
    let text = include_str!("apex.generated.txt");
    let checked = checked(APEX);
    let of = |partition| {
        let module = module(&checked, checked.system.partition_index(partition).unwrap());
        let at = module.find("::cofferdam_apex_native").unwrap();
        module[at..].to_string()
    };
    let found = of("control") + &of("display");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apex.generated.txt");
        std::fs::write(path, &found).unwrap();
    } else {
        assert_eq!(found, text);
    }
    let other = module(&checked, checked.system.partition_index("plain").unwrap());
    assert!(!other.contains("cofferdam_apex"));
}

#[test]
fn each_key_of_the_services_changes_what_they_are_told() {
    let told = |text: &str| module(&checked(text), 0);
    let before = told(APEX);
    for (from, to) in [
        ("identifier          = 7", "identifier          = 8"),
        ("[\"8K\", \"12K\", \"4K\"]", "[\"8K\", \"4K\"]"),
        (
            "error_handler_stack = \"8K\"",
            "error_handler_stack = \"4K\"",
        ),
        ("exception_stack     = \"8K\"", ""),
        (
            "message             = \"64\"",
            "message             = \"60\"",
        ),
        (
            "storage             = \"2K\"",
            "storage             = \"1K\"",
        ),
        ("buffers             = 2", "buffers             = 3"),
        ("blackboards         = 1", "blackboards         = 2"),
        ("semaphores          = 3", "semaphores          = 4"),
        ("events              = 4", "events              = 5"),
        ("mutexes             = 5", "mutexes             = 6"),
        ("error_queue         = 6", ""),
        ("\"hardware_fault\", \"power_fail\"", "\"power_fail\""),
        ("name = \"nav\"", "name = \"map\""),
        (
            "{ name = \"log\", size = \"8K\" }",
            "{ name = \"log\", size = \"4K\" }",
        ),
        ("schedule = \"degraded\"", "schedule = \"normal\""),
        ("\"restart_warm\"", "\"restart_cold\""),
        ("\"restart_warm\"", "\"ignore\""),
        ("refresh = \"15ms\"", "refresh = \"20ms\""),
        ("depth = 16", "depth = 8"),
        ("\"schedule.set\"", "\"schedule.status\""),
        ("period = \"10ms\"", "period = \"20ms\""),
    ] {
        assert!(APEX.contains(from), "{from}");
        let changed = APEX.replacen(from, to, 1);
        let changed = match to {
            // The release of every second frame would be late.
            "period = \"20ms\"" => changed
                .replace("major_frame = \"10ms\"", "major_frame = \"20ms\"")
                .replace("length = \"6ms\"", "length = \"16ms\"")
                .replace("length = \"10ms\"", "length = \"20ms\""),
            _ => changed,
        };
        assert_ne!(told(&changed), before, "{from}");
    }
}

#[test]
fn a_ring_can_be_of_an_array() {
    let line = r#"ports! { BLOCKS: RingSource<ipc::Bytes<512>> = "blocks", [("console", BLOCKS_CONSOLE)] } // channel blocks"#;
    assert_eq!(lines("health", "ports!"), [line]);
}

#[test]
fn a_place_in_the_code_leads_back_to_the_type_in_the_file() {
    let text = EVERYTHING
        .replace("type     = \"bytes(8)\"", "type     = \"one::Ask\"")
        .replace("reply    = \"bytes(16)\"", "reply    = \"one::Say\"");
    let checked = checked(&text);
    for (partition, code, file) in [
        ("flight", "Attitude>", "\"flight_messages::Attitude\""),
        ("health", "Ask", "\"one::Ask\""),
        ("console", "Say", "\"one::Say\""),
        ("flight", "QueuingSource", ""),
        ("flight", "STACK_BYTES", ""),
    ] {
        let index = checked.system.partition_index(partition).unwrap();
        let module = module(&checked, index);
        let at = module.find(code).unwrap();
        let line = module[..at].matches('\n').count() + 1;
        let column = at - module[..at].rfind('\n').unwrap();
        let found = type_at(&checked, index, line, column).map(|found| found.span);
        let found = found.map_or("", |span| &text[span.start..span.end]);
        assert_eq!(found, file, "{partition}");
    }
}

#[test]
fn a_guests_monitor_learns_which_drivers_its_guest_has() {
    for (text, value) in [
        (
            include_str!("../../../systems/linux_attacks/system.toml"),
            "None;",
        ),
        (
            include_str!("../../../systems/linux_disk/system.toml"),
            "Some(&DISK); // channel disk_linux",
        ),
    ] {
        let checked = checked(text);
        let of = |partition| module(&checked, checked.system.partition_index(partition).unwrap());
        let expected = format!(
            "pub static GUEST_DISK: Option<&RingInitiator<::disk_messages::Request, ::disk_messages::Reply>> = {value}"
        );
        assert!(of("linux").lines().any(|line| line == expected), "{value}");
        assert!(of("linux").contains("network_messages::Reply>> = None;"));
        assert!(!of("flight").contains("GUEST_"));
    }
}

#[test]
fn a_guests_monitor_learns_what_follows_each_ending() {
    let text = include_str!("../../../systems/linux/system.toml");
    let first = text.find("on_reset ").unwrap();
    let (before, rest) = text.split_at(first);
    let (_, after) = rest.split_once("\n\n").unwrap();
    // The default of each, and the other one.
    let endings = [
        ("reset", "RestartCold", "Stop", "stop"),
        ("power_off", "Stop", "RestartCold", "restart_cold"),
        ("panic", "RestartCold", "Stop", "stop"),
        ("hang", "RestartCold", "Stop", "stop"),
    ];
    for (given, .., value) in endings {
        let checked = checked(&format!("{before}on_{given} = \"{value}\"\n\n{after}"));
        let index = checked.system.partition_index("linux").unwrap();
        let module = module(&checked, index);
        for (ending, default, other, _) in endings {
            let action = if ending == given { other } else { default };
            let name = ending.to_uppercase();
            let line =
                format!("GUEST_ON_{name}: abi::health::Action = abi::health::Action::{action};");
            assert!(module.contains(&line), "on_{given}: {line}");
        }
    }
}
