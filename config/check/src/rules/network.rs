//! Networks: who is who on them, and who may talk to whom.

use cofferdam_model::{Board, Channel, NetworkClient, Spanned, System};

use super::{Findings, Rule, rule};

pub(super) static RULES: &[&Rule] = &[
    &NETWORK_ADDRESS,
    &NETWORK_CLIENTS,
    &NETWORK_PEERS,
    &NETWORK_RATE,
    &NETWORK_PROTOCOLS,
    &NETWORK_FORWARD,
];

/// The channels that are for clients of a network.
fn clients(system: &System) -> impl Iterator<Item = (&Channel, &NetworkClient)> {
    let channels = system.channels.iter();
    channels.filter_map(|channel| Some((channel, channel.network.as_ref()?)))
}

/// The partition that serves a channel.
fn server(channel: &Channel) -> Option<&str> {
    let end = channel.to.first()?;
    Some(&end.partition)
}

/// The partition that asks.
fn client(channel: &Channel) -> Option<&str> {
    let end = channel.from.as_ref()?;
    Some(&end.partition)
}

rule! {
    /// The hardware address of a client of a network is that of one station, and nobody else's on it.
    NETWORK_ADDRESS = "NETWORK-ADDRESS", address;
}

fn address(system: &System, _: &Board, findings: &mut Findings) {
    let all: Vec<_> = clients(system).collect();
    for (index, (channel, own)) in all.iter().enumerate() {
        let place = own.address.span;
        // The lowest bit of the first byte is set in the address of a group (IEEE 802.3, 3.2.3).
        let Some(station) = (own.station()).filter(|bytes| *bytes != [0; 6] && bytes[0] & 1 == 0)
        else {
            let message = format!("`{}` is no address of a station", *own.address);
            let hint = "write six bytes of two hexadecimal digits each, the first of them even, as \"02:00:00:00:01:01\"";
            findings.push(NETWORK_ADDRESS.violation(place, message).hint(hint));
            continue;
        };
        let same = |(other, theirs): &&(&Channel, &NetworkClient)| {
            server(other) == server(channel) && theirs.station() == Some(station)
        };
        if let Some((other, theirs)) = all[..index].iter().find(same) {
            let message = format!(
                "`{}` and `{}` have the same address",
                channel.name, other.name
            );
            let violation = NETWORK_ADDRESS.violation(place, message);
            let violation = violation.also(theirs.address.span, "this one");
            findings.push(violation.hint("give each its own"));
        }
    }
}

rule! {
    /// Each client of a driver of a network has an address, a rate and peers, and a payload for its frames.
    NETWORK_CLIENTS = "NETWORK-CLIENTS", whole;
}

fn whole(system: &System, _: &Board, findings: &mut Findings) {
    for (channel, own) in clients(system) {
        if channel.payload_bytes.is_none() {
            let message = format!("`{}` is for a network, and has no payload", channel.name);
            let violation = NETWORK_CLIENTS.violation(own.address.span, message);
            findings
                .push(violation.hint("add `payload = \"64K\"`, for example, or remove `network`"));
        }
    }
    for channel in &system.channels {
        let array = |of: &Channel| of.to.first().and_then(|end| end.array.clone());
        let beside = |(other, _): &(&Channel, &NetworkClient)| {
            server(other) == server(channel) && array(other) == array(channel)
        };
        if channel.network.is_none()
            && array(channel).is_some()
            && let Some((other, _)) = clients(system).find(beside)
        {
            let message = format!(
                "`{}` is at the same ports as `{}`, and does not say who its client is",
                channel.name, other.name
            );
            let violation = NETWORK_CLIENTS.violation(channel.name.span, message);
            findings.push(violation.hint("add `network`, or use another array of ports"));
        }
    }
}

rule! {
    /// A client of a network talks with `wire` and with other clients of the same driver, who say the same of it.
    NETWORK_PEERS = "NETWORK-PEERS", peers;
}

fn peers(system: &System, _: &Board, findings: &mut Findings) {
    for (channel, own) in clients(system) {
        for peer in own
            .peers
            .iter()
            .filter(|peer| ***peer != *NetworkClient::WIRE)
        {
            let named = |(other, _): &(&Channel, &NetworkClient)| {
                server(other) == server(channel)
                    && client(other) == Some(peer.as_str())
                    && other.name.value != channel.name.value
            };
            let (message, hint) = match clients(system).find(named) {
                None => {
                    let message = format!("`{}` is no other client of this network", **peer);
                    (
                        message,
                        "name the partition at the other end of another of its channels, or `wire`"
                            .to_string(),
                    )
                }
                Some((other, theirs)) => {
                    let Some(name) = client(channel) else {
                        continue;
                    };
                    if theirs.may_talk_with(name) {
                        continue;
                    }
                    let message = format!("`{}` does not say that it talks with `{name}`", **peer);
                    let hint = format!(
                        "add \"{name}\" to the peers of `{}`, or remove this one",
                        other.name
                    );
                    (message, hint)
                }
            };
            findings.push(NETWORK_PEERS.violation(peer.span, message).hint(hint));
        }
    }
}

rule! {
    /// A client of a network may send something.
    NETWORK_RATE = "NETWORK-RATE", rate;
}

fn rate(system: &System, _: &Board, findings: &mut Findings) {
    for (channel, own) in clients(system) {
        let (frames, per_ticks) = *own.rate;
        if frames == 0 || per_ticks == 0 {
            let message = format!("the client of `{}` may never send", channel.name);
            let violation = NETWORK_RATE.violation(own.rate.span, message);
            findings.push(violation.hint("write \"1000/s\", for example"));
        }
    }
}

rule! {
    /// The protocols of a client of a network are types of frames, and at least one.
    NETWORK_PROTOCOLS = "NETWORK-PROTOCOLS", protocols;
}

fn protocols(system: &System, _: &Board, findings: &mut Findings) {
    for (channel, own) in clients(system) {
        let Some(protocols) = &own.protocols else {
            continue;
        };
        if protocols.is_empty() {
            let message = format!("the client of `{}` may send no frame", channel.name);
            let violation = NETWORK_PROTOCOLS.violation(protocols.span, message);
            findings.push(violation.hint("name one, or remove `protocols`: then all may be sent"));
        }
        let wrong = |text: &&Spanned<String>| NetworkClient::protocol(text).is_none();
        for text in protocols.iter().filter(wrong) {
            let message = format!("`{}` is no type of a frame", **text);
            let violation = NETWORK_PROTOCOLS.violation(text.span, message);
            let hint = "write `arp`, `ipv4`, `ipv6`, or a number from 0x600 to 0xffff, as `0x88b5`";
            findings.push(violation.hint(hint));
        }
    }
}

rule! {
    /// What the host forwards is a port, and to a device that has a network.
    NETWORK_FORWARD = "NETWORK-FORWARD", forward;
}

fn forward(system: &System, board: &Board, findings: &mut Findings) {
    for device in &system.devices {
        let Some(port) = &device.forward else {
            continue;
        };
        let emulator = (board.device(&device.name)).and_then(|one| one.emulator.as_deref());
        let (message, hint) = if !emulator.is_some_and(|text| text.contains("netdev=")) {
            let message = format!("there is no network behind `{}`", device.name);
            (message, "remove `forward`")
        } else if **port == 0 || **port > u64::from(u16::MAX) {
            let message = format!("{} is no port of TCP", **port);
            (message, "write a number from 1 to 65535")
        } else {
            continue;
        };
        findings.push(NETWORK_FORWARD.violation(port.span, message).hint(hint));
    }
}
