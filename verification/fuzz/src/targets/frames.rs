//! Frames into the server of the page: whatever comes from the wire, it goes on, and whoever then asks for the page has it.
//!
//! Checksums and sequence numbers keep what is merely random away from what is behind them. So most frames are made as by somebody who sees the answers:
//! they are right but for a few fields and bytes, and their checksums mostly fit.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use heapless::String;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use status::{Buffers, CONNECTIONS, LIFE_MS, RESPONSE_BYTES, Server, SocketStorage};

use super::choice::{either, one_of};
use super::noise;
use crate::Target;
use cable::Cable;

#[path = "../../../../partitions/status/src/tests/cable.rs"]
mod cable;

/// See the module.
pub const TARGET: Target = Target {
    name: "frames",
    seeds: || noise(48, 1500),
    run,
};

/// The longest frame, and the parts of one.
const FRAME_MAX: usize = 1514;
const ETHERNET_BYTES: usize = 14;
const IP_BYTES: usize = 20;
const TCP_BYTES: usize = 20;

const SERVER: ([u8; 6], [u8; 4]) = ([2, 0, 0, 0, 1, 1], [10, 0, 2, 15]);
const ATTACKER: ([u8; 6], [u8; 4]) = ([2, 0, 0, 0, 0, 7], [10, 0, 2, 2]);
const ASKER: ([u8; 6], [u8; 4]) = ([2, 0, 0, 0, 0, 9], [10, 0, 2, 3]);
const BROADCAST: [u8; 6] = [0xff; 6];
/// Who a packet may say that it is from, besides the attacker.
const SOURCES: [[u8; 4]; 6] = [
    ASKER.1,
    SERVER.1,
    [0; 4],
    [0xff; 4],
    [10, 0, 2, 255],
    [192, 0, 2, 1],
];

const ARP: u16 = 0x0806;
const IP: u16 = 0x0800;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const PORT: u16 = 80;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// More than the one who asks has room for at once.
const PAGE_BYTES: usize = 6000;

struct Bench<'a> {
    server: Server<'a>,
    cable: Cable,
    now_ms: u64,
    /// Of each port of the attacker's: its next sequence number and the server's, as the server's last packet has them.
    numbers: BTreeMap<u16, (u32, u32)>,
}

impl Bench<'_> {
    /// One turn of the server. It says when it wants the next one: later.
    fn turn(&mut self) {
        let mut write = |response: &mut String<RESPONSE_BYTES>| {
            response.clear();
            let page = "page".chars().cycle().take(PAGE_BYTES);
            assert!(
                page.map(|letter| response.push(letter))
                    .all(|put| put.is_ok())
            );
        };
        self.server.serve(&mut self.cable, self.now_ms, &mut write);
        if let Some(next) = self.server.next_ms(self.now_ms) {
            assert!(next > self.now_ms, "it would never wait");
        }
    }

    /// The server receives a frame; its answers are looked at.
    fn give(&mut self, frame: Vec<u8>) {
        self.cable.comes.borrow_mut().push_back(frame);
        self.turn();
        self.look();
    }

    fn look(&mut self) {
        for frame in self.cable.goes.take() {
            assert!((ETHERNET_BYTES..=FRAME_MAX).contains(&frame.len()));
            assert_eq!(frame[6..12], SERVER.0, "it speaks as somebody else");
            let is_tcp = frame[12..14] == IP.to_be_bytes() && frame[23] == TCP;
            if let (true, Some(packet)) = (is_tcp, frame.get(ETHERNET_BYTES + IP_BYTES..)) {
                let word = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|n| packet[at + n]));
                let port = u16::from_be_bytes([packet[2], packet[3]]);
                let content = packet.len() - usize::from(packet[12] >> 4) * 4;
                let counted = content as u32 + u32::from(packet[13] & (SYN | FIN) != 0);
                let next = word(4).wrapping_add(counted);
                self.numbers.insert(port, (word(8), next));
            }
        }
    }

    /// A segment of a connection that is there, or of one that is not.
    fn segment(&self, u: &mut Unstructured<'_>) -> Vec<u8> {
        let port = 40_000 + one_of(u, CONNECTIONS + 2) as u16;
        let (mut own, mut theirs) = self.numbers.get(&port).copied().unwrap_or((1000, 0));
        let mut shift = |number: &mut u32| {
            *number = number.wrapping_add(match one_of(u, 8) {
                0 => u.arbitrary::<i8>().unwrap_or_default() as u32,
                1 => u.arbitrary::<i16>().unwrap_or_default() as u32,
                2 => u.arbitrary().unwrap_or_default(),
                _ => 0,
            });
        };
        shift(&mut own);
        shift(&mut theirs);
        let flags = match one_of(u, 12) {
            0..3 => SYN,
            3..5 => ACK,
            5..8 => ACK | PSH,
            8 => ACK | FIN,
            9 => RST,
            10 => SYN | ACK,
            _ => u.arbitrary().unwrap_or_default(),
        };
        let window = match one_of(u, 4) {
            0 => u.arbitrary().unwrap_or_default(),
            1 => 0,
            _ => 4096u16,
        };
        let options = options(u);
        let content = match one_of(u, 8) {
            0 | 1 => GET.to_vec(),
            2 => GET[..one_of(u, GET.len())].to_vec(),
            3 => GET[one_of(u, GET.len())..].to_vec(),
            4 => vec![b'x'; one_of(u, FRAME_MAX)],
            _ => Vec::new(),
        };
        let mut segment = [port.to_be_bytes(), PORT.to_be_bytes()].concat();
        segment.extend(own.to_be_bytes());
        segment.extend(theirs.to_be_bytes());
        let length = (TCP_BYTES + options.len()) / 4;
        segment.extend([(length as u8) << 4, flags]);
        segment.extend(window.to_be_bytes());
        // The checksum comes later.
        segment.extend([0; 4]);
        [segment, options, content].concat()
    }

    fn frame(&self, u: &mut Unstructured<'_>) -> Vec<u8> {
        let mut frame = match one_of(u, 10) {
            0 => {
                let length = one_of(u, 64);
                return u.bytes(length.min(u.len())).unwrap_or_default().to_vec();
            }
            1 => arp(u),
            2 => {
                let message = echo(u);
                ip(u, ICMP, &message)
            }
            _ => {
                let segment = self.segment(u);
                ip(u, TCP, &segment)
            }
        };
        if one_of(u, 4) == 0 {
            damage(&mut frame, u);
        }
        if one_of(u, 16) != 0 {
            mend(&mut frame);
        }
        frame.truncate(FRAME_MAX);
        frame
    }

    /// Whatever came before: when all connections have had their time, somebody else gets the page.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.now_ms += LIFE_MS + 1;
            self.turn();
        }
        self.cable.goes.take();
        let mut cable = self.cable.other_end();
        let config = Config::new(EthernetAddress(ASKER.0).into());
        let mut interface = Interface::new(config, &mut cable, instant(self.now_ms));
        let [a, b, c, d] = ASKER.1;
        interface.update_ip_addrs(|addresses| {
            let own = IpCidr::new(IpAddress::v4(a, b, c, d), 24);
            addresses.push(own).expect("there is room");
        });
        let (mut receive, mut send) = ([0; 2048], [0; 64]);
        let (receive, send) = (&mut receive[..], &mut send[..]);
        let mut socket = Socket::new(SocketBuffer::new(receive), SocketBuffer::new(send));
        let [a, b, c, d] = SERVER.1;
        socket
            .connect(
                interface.context(),
                (IpAddress::v4(a, b, c, d), PORT),
                50_000,
            )
            .expect("it can");
        let mut storage = [SocketStorage::EMPTY];
        let mut sockets = SocketSet::new(&mut storage[..]);
        let socket = sockets.add(socket);
        let (mut asked, mut page) = (false, Vec::new());
        for _ in 0..200 {
            interface.poll(instant(self.now_ms), &mut cable, &mut sockets);
            let socket = sockets.get_mut::<Socket<'_>>(socket);
            if !asked && socket.may_send() {
                asked = socket.send_slice(GET) == Ok(GET.len());
            }
            let mut bytes = [0; 2048];
            let count = socket.recv_slice(&mut bytes).unwrap_or_default();
            page.extend_from_slice(&bytes[..count]);
            if page.len() >= PAGE_BYTES {
                break;
            }
            self.turn();
            self.now_ms += 20;
        }
        let whole: Vec<_> = b"page".iter().copied().cycle().take(PAGE_BYTES).collect();
        assert!(page == whole, "{} bytes of the page came", page.len());
    }
}

fn instant(now_ms: u64) -> Instant {
    Instant::from_millis(now_ms as i64)
}

fn ethernet(u: &mut Unstructured<'_>, protocol: u16, body: &[u8]) -> Vec<u8> {
    let to = match one_of(u, 8) {
        0 => BROADCAST,
        _ => SERVER.0,
    };
    [&to[..], &ATTACKER.0, &protocol.to_be_bytes(), body].concat()
}

fn source(u: &mut Unstructured<'_>) -> [u8; 4] {
    match one_of(u, 8) {
        0 => SOURCES[one_of(u, SOURCES.len())],
        _ => ATTACKER.1,
    }
}

/// A question or an answer of the address resolution (RFC 826).
fn arp(u: &mut Unstructured<'_>) -> Vec<u8> {
    let kind = if either(u) { 1 } else { 2 };
    let head = [0, 1, 8, 0, 6, 4, 0, kind];
    let from = source(u);
    let body = [&head[..], &ATTACKER.0, &from, &SERVER.0, &SERVER.1].concat();
    ethernet(u, ARP, &body)
}

fn echo(u: &mut Unstructured<'_>) -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0, 0, 1, 0, 1];
    message.extend(std::iter::repeat_n(b'e', one_of(u, FRAME_MAX)));
    message
}

/// Options of a segment (RFC 9293, 3.1): none, such as are common, or such as make no sense.
fn options(u: &mut Unstructured<'_>) -> Vec<u8> {
    let mut options = match one_of(u, 8) {
        0 => vec![2, 4, 5, 180],
        1 => vec![2, 4, 0, 0],
        2 => vec![3, 3, 255, 4, 2],
        3 => vec![8, 10, 0, 0, 0, 1, 0, 0, 0, 0],
        4 => {
            let length = one_of(u, 41);
            u.bytes(length.min(u.len())).unwrap_or_default().to_vec()
        }
        _ => Vec::new(),
    };
    options.resize(options.len().next_multiple_of(4), 1);
    options
}

/// A packet of IP in a frame (RFC 791, 3.1), in one piece or as one of several.
fn ip(u: &mut Unstructured<'_>, protocol: u8, body: &[u8]) -> Vec<u8> {
    let length = (IP_BYTES + body.len()) as u16;
    let pieces: u16 = match one_of(u, 16) {
        0 => u.arbitrary().unwrap_or_default(),
        _ => 0x4000,
    };
    let mut head = vec![0x45, 0];
    head.extend(length.to_be_bytes());
    head.extend([0; 2]);
    head.extend(pieces.to_be_bytes());
    head.extend([64, protocol, 0, 0]);
    head.extend(source(u));
    head.extend(SERVER.1);
    ethernet(u, IP, &[&head, body].concat())
}

/// Some bytes are others, or the end is another.
fn damage(frame: &mut Vec<u8>, u: &mut Unstructured<'_>) {
    for _ in 0..=one_of(u, 3) {
        // Headers have more to break than what is behind them.
        let reach = frame.len().min(if either(u) { 64 } else { FRAME_MAX });
        let place = one_of(u, reach.max(1));
        match one_of(u, 4) {
            0 => frame.truncate(place),
            1 => frame.insert(place.min(frame.len()), u.arbitrary().unwrap_or_default()),
            _ => {
                if let Some(byte) = frame.get_mut(place) {
                    *byte = u.arbitrary().unwrap_or_default();
                }
            }
        }
    }
}

/// Makes the checksums of a packet right, as far as it is one.
fn mend(frame: &mut [u8]) {
    let Some((ethernet, packet)) = frame.split_at_mut_checked(ETHERNET_BYTES) else {
        return;
    };
    let head = packet.first().map_or(0, |byte| usize::from(byte & 15) * 4);
    if ethernet[12..] != IP.to_be_bytes() || head < IP_BYTES || packet.len() < head {
        return;
    }
    let (head, body) = packet.split_at_mut(head);
    head[10..12].fill(0);
    let sum = checksum(&[head]);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    // What is behind the length that the packet says is no part of it.
    let said = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let length = said.saturating_sub(head.len()).min(body.len());
    let body = &mut body[..length];
    let protocol = head[9];
    let counted = (length as u16).to_be_bytes();
    let pseudo = [&head[12..20], &[0, protocol], &counted].concat();
    let (at, pseudo) = match protocol {
        TCP => (16, &pseudo[..]),
        ICMP => (2, &[][..]),
        _ => return,
    };
    if let Some(place) = body.get_mut(at..at + 2) {
        place.fill(0);
        let sum = checksum(&[pseudo, body]);
        body[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The checksum of the internet (RFC 1071) over parts, of which the last alone may be odd.
fn checksum(parts: &[&[u8]]) -> u16 {
    let pairs = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = pairs
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |byte| u32::from(*byte)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut cable = Cable::default();
    let mut buffers = [const { Buffers::EMPTY }; CONNECTIONS];
    let mut storage = [const { SocketStorage::EMPTY }; CONNECTIONS];
    let memory = (&mut buffers, &mut storage);
    let address = (SERVER.1, 24);
    let mut bench = Bench {
        server: Server::new(&mut cable, SERVER.0, address, 7, memory),
        cable,
        now_ms: 0,
        numbers: BTreeMap::new(),
    };
    // The first turn makes the server listen.
    bench.turn();
    // It answers nobody whose address it does not know: so it is told.
    bench.give(arp(&mut Unstructured::new(&[])));
    while !u.is_empty() {
        match one_of(&mut u, 16) {
            0 => bench.now_ms += one_of(&mut u, 2 * LIFE_MS as usize) as u64,
            1 => bench.now_ms += one_of(&mut u, 100) as u64,
            _ => {
                let frame = bench.frame(&mut u);
                bench.give(frame);
            }
        }
    }
    bench.settle();
}
