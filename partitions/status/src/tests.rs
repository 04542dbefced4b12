//! The page, requests for it, and connections from a host that behaves and one that does not.

mod cable;

use std::format;
use std::string::{String as Text, ToString};
use std::vec;
use std::vec::Vec;

use flight_messages::{Attitude, Elevator, microradians};
use heapless::String;
use network_messages::{ClientCounts, Counts};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use cable::Cable;

use crate::{
    Buffers, CONNECTIONS, Event, LIFE_MS, Page, PartitionRow, RESPONSE_BYTES, Request, Server,
    Verdict, WindowRow,
};

fn page(rows: usize) -> String<RESPONSE_BYTES> {
    let mut response = String::new();
    let row = PartitionRow {
        name: "flight",
        state: "waiting",
        processor_us: 1234,
        restarts: 5,
        events: 6,
    };
    let event = Event {
        at_ms: 2_050,
        partition: "plant",
        error: "trap",
        action: "restart_cold",
    };
    let windows = [
        (0, 500, &["flight"][..]),
        (500, 9500, &["status", "network"]),
    ];
    let client = ClientCounts {
        address: [2, 0, 0, 0, 1, 0xab],
        sent: 11,
        received: 12,
        refused: 13,
        over_rate: 14,
        lost: 15,
    };
    let counts = Counts {
        clients: core::iter::once(client).collect(),
        unwanted: 16,
    };
    let page = Page {
        uptime_ms: 61_007,
        major_frames: 6100,
        schedule: ("operational", 10_000),
        windows: windows.iter().map(|(at_us, us, partitions)| WindowRow {
            at_us: *at_us,
            us: *us,
            partitions,
        }),
        network: Some(&counts),
        attitude: Some(Attitude {
            pitch_microradians: microradians(1500),
            rate_microradians_per_second: 0,
            step: 77,
        }),
        elevator: None::<Elevator>,
        partitions: core::iter::repeat_n(row, rows),
        events: core::iter::once(event),
        event_count: 9,
        shown: 3,
    };
    page.write(&mut response);
    response
}

#[test]
fn the_page_says_how_everything_is() {
    let page = page(1);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"));
    let said = [
        "up for 61.007 s, 6100 major frames, 3 pages",
        "<td id=\"step\">77",
        "elevator<td>not known",
        "<td>flight<td>waiting<td>1234<td>0.0%<td",
        "</u><td>5<td>6",
        "9 so far",
        "<td>2.050 s<td>plant<td>trap<td>restart_cold",
        "schedule operational, frame of 10000 us",
        "left:5.0%;width:95.0%",
        "<td>status network <td>500<td>9500",
        "<td>02:00:00:00:01:ab<td>11<td>12<td>13<td>14<td>15",
        "16 frames from the wire for nobody",
    ];
    for text in said {
        assert!(page.contains(text), "{text} is not in {page}");
    }
}

#[test]
fn a_page_without_room_is_cut() {
    let page = page(10_000);
    assert!(page.len() <= RESPONSE_BYTES && page.len() > RESPONSE_BYTES - 100);
}

#[test]
fn requests_are_understood_when_they_are_whole() {
    let cases: [(&[u8], Verdict); 9] = [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::Page),
        (b"GET /?now HTTP/1.0\r\n\r\nmore", Verdict::Page),
        (b"GET /other HTTP/1.1\r\n\r\n", Verdict::NotFound),
        (b"POST / HTTP/1.1\r\n\r\n", Verdict::Bad),
        (b"GET / HTTP/2\r\n\r\n", Verdict::Bad),
        (b"GET / HTTP/1.1 x\r\n\r\n", Verdict::Bad),
        (b"\r\n\r\n", Verdict::Bad),
        (b"GET / HTTP/1.1\r\n", Verdict::More),
        (b"", Verdict::More),
    ];
    for (bytes, verdict) in cases {
        let mut request = Request::new();
        assert_eq!(request.push(bytes), bytes.len());
        assert_eq!(request.verdict(), verdict, "{bytes:?}");
    }
    let mut endless = Request::new();
    while endless.verdict() == Verdict::More {
        assert!(endless.push(&[b'a'; 100]) > 0);
    }
    assert_eq!(endless.verdict(), Verdict::Bad);
}

/// A host at the other end of the cable.
struct Host {
    cable: Cable,
    interface: Interface,
    sockets: SocketSet<'static>,
    next_port: u16,
}

impl Host {
    fn new(mut cable: Cable) -> Self {
        let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 9]).into());
        let mut interface = Interface::new(config, &mut cable, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            let own = IpCidr::new(IpAddress::v4(10, 0, 2, 2), 24);
            addresses.push(own).expect("there is room");
        });
        let storage: Vec<_> = (0..16).map(|_| SocketStorage::EMPTY).collect();
        let storage: &'static mut [SocketStorage<'static>] = storage.leak();
        Self {
            cable,
            interface,
            sockets: SocketSet::new(storage),
            next_port: 50_000,
        }
    }

    fn connect(&mut self) -> SocketHandle {
        let buffer = |bytes: usize| SocketBuffer::new(&mut vec![0; bytes].leak()[..]);
        let mut socket = Socket::new(buffer(16_384), buffer(4096));
        self.next_port += 1;
        let server = (IpAddress::v4(10, 0, 2, 15), 80);
        socket
            .connect(self.interface.context(), server, self.next_port)
            .expect("it can");
        self.sockets.add(socket)
    }

    fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }
}

struct Bench {
    cable: Cable,
    server: Server<'static>,
    host: Host,
    now_ms: u64,
    shown: u32,
}

impl Bench {
    fn new() -> Self {
        let mut cable = Cable::default();
        let other = cable.other_end();
        let buffers = vec![[const { Buffers::EMPTY }; CONNECTIONS]].leak();
        let storage = vec![[const { SocketStorage::EMPTY }; CONNECTIONS]].leak();
        let memory = (&mut buffers[0], &mut storage[0]);
        let station = [2, 0, 0, 0, 1, 1];
        let server = Server::new(&mut cable, station, ([10, 0, 2, 15], 24), 7, memory);
        Self {
            cable,
            server,
            host: Host::new(other),
            now_ms: 0,
            shown: 0,
        }
    }

    fn run(&mut self, turns: usize) {
        for _ in 0..turns {
            let now = Instant::from_millis(self.now_ms as i64);
            let shown = &mut self.shown;
            self.server
                .serve(&mut self.cable, self.now_ms, &mut |response| {
                    response.clear();
                    response.push_str(&format!("page {shown}")).expect("room");
                    *shown += 1;
                });
            let host = &mut self.host;
            host.interface.poll(now, &mut host.cable, &mut host.sockets);
            self.now_ms += 1;
        }
    }

    fn fetch(&mut self, request: &[u8]) -> Text {
        let handle = self.host.connect();
        self.run(20);
        let sent = self.host.socket(handle).send_slice(request);
        assert_eq!(sent, Ok(request.len()));
        self.run(40);
        let mut bytes = [0; 8192];
        let socket = self.host.socket(handle);
        let count = socket.recv_slice(&mut bytes).unwrap_or(0);
        socket.close();
        self.run(40);
        self.host.sockets.remove(handle);
        Text::from_utf8_lossy(&bytes[..count]).to_string()
    }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_page_is_fetched_again_and_again() {
    let mut bench = Bench::new();
    bench.run(1);
    for number in 0..10 {
        assert_eq!(bench.fetch(GET), format!("page {number}"));
    }
    assert!(bench.fetch(b"GET /x HTTP/1.1\r\n\r\n").contains("404"));
    assert!(bench.fetch(&[b'x'; 3000]).contains("400"));
    assert_eq!(bench.fetch(GET), "page 10");
}

#[test]
fn who_says_nothing_is_sent_away() {
    let mut bench = Bench::new();
    bench.run(1);
    let silent: Vec<_> = (0..CONNECTIONS).map(|_| bench.host.connect()).collect();
    bench.run(20);
    assert!(silent.iter().all(|one| bench.host.socket(*one).may_send()));
    assert_eq!(
        bench
            .server
            .next_ms(bench.now_ms)
            .map(|at| at <= LIFE_MS + 21),
        Some(true)
    );
    bench.now_ms += LIFE_MS;
    bench.run(20);
    assert!(!silent.iter().any(|one| bench.host.socket(*one).is_open()));
    assert_eq!(bench.fetch(GET), "page 0");
}

#[test]
fn frames_that_are_none_are_nothing() {
    let mut bench = Bench::new();
    bench.run(1);
    for length in 0..200usize {
        let frame: Vec<u8> = (0..length).map(|at| (at * length) as u8).collect();
        let mut addressed = [&[2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 9, 8, 0][..], &frame].concat();
        bench.cable.comes.borrow_mut().push_back(frame);
        bench.cable.comes.borrow_mut().push_back(addressed.clone());
        addressed.splice(
            14..14,
            [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 2, 2],
        );
        bench.cable.comes.borrow_mut().push_back(addressed);
        bench.run(1);
    }
    assert_eq!(bench.fetch(GET), "page 0");
}
