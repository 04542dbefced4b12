//! What the page says.

use core::fmt::{self, Write};

use flight_messages::{Attitude, Degrees, Elevator};
use heapless::String;
use network_messages::Counts;

/// The longest answer.
pub const RESPONSE_BYTES: usize = 8192;

/// A partition, as the page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it does.
    pub state: &'a str,
    /// Its processor time.
    pub processor_us: u64,
    /// Starts after the first.
    pub restarts: u32,
    /// Its entries in the health log.
    pub events: u32,
}

/// An entry of the health log, as the page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// When.
    pub at_ms: u64,
    /// Whose.
    pub partition: &'a str,
    /// What.
    pub error: &'a str,
    /// And what followed.
    pub action: &'a str,
}

/// A window of the schedule in use, as the page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRow<'a> {
    /// When it begins in the frame.
    pub at_us: u64,
    /// How long it is.
    pub us: u64,
    /// Whose it is.
    pub partitions: &'a [&'a str],
}

/// How everything is at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Page<'n, P, E, W> {
    /// The time since the machine's start.
    pub uptime_ms: u64,
    /// The schedule's major frames since then.
    pub major_frames: u64,
    /// The schedule in use, and how long its frame is.
    pub schedule: (&'n str, u64),
    /// Its windows.
    pub windows: W,
    /// How the aircraft lies, if that is known and fresh.
    pub attitude: Option<Attitude>,
    /// Where the elevator should be, likewise.
    pub elevator: Option<Elevator>,
    /// The partitions.
    pub partitions: P,
    /// What became of the network's frames, if that is known.
    pub network: Option<&'n Counts>,
    /// The last entries of the health log.
    pub events: E,
    /// How many entries there were.
    pub event_count: u32,
    /// How many pages were shown before.
    pub shown: u32,
}

/// Text of which what has no room is left out.
struct Cut<'a>(&'a mut String<RESPONSE_BYTES>);

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text).map_err(|_| fmt::Error)
    }
}

/// The beginning of the page. Elements that end by themselves have no end tag (HTML, 13.1.2.4), and the browser asks for no icon.
const HEAD: &str = "<html lang=en><meta charset=utf-8><meta http-equiv=refresh content=1>\
    <meta name=viewport content=\"width=device-width\"><link rel=icon href=\"data:,\"><title>cofferdam</title><style>\
    body{margin:0;font:15px/1.5 system-ui,sans-serif;color:#1b2733;background:#eef1f4}\
    header{background:#12344d;color:#fff;padding:.8em 2em}header b{font-size:1.5em;margin-right:1em}\
    main{display:grid;grid-template-columns:repeat(auto-fit,minmax(26em,1fr));gap:1em;padding:1em 2em;max-width:76em;margin:auto}#health{grid-column:1/-1}\
    section{background:#fff;border-radius:8px;padding:.6em 1.2em 1em;box-shadow:0 1px 3px #0003}\
    h2{font-size:1em;margin:.3em 0 .6em;color:#12344d}h2 small{color:#789;font-weight:400}\
    table{border-collapse:collapse;width:100%}td,th{padding:.15em .5em;text-align:right;border-bottom:1px solid #e3e8ec}\
    td:first-child,th:first-child{text-align:left}th{color:#678;font-weight:500;white-space:nowrap}td{font-variant-numeric:tabular-nums}\
    .f{display:flex;gap:1.5em;align-items:center}.w{position:relative;height:2em;background:#e3e8ec;margin-bottom:.6em}\
    .w i{position:absolute;top:0;bottom:0;background:#2a7ab0;border-right:1px solid #fff}.w i:nth-child(2n){background:#e08e2b}.w i.m{background:#5a9e6f}\
    u{display:block;height:.5em;background:#2a7ab0;min-width:1px}</style>\n";

impl<'a, P, E, W> Page<'_, P, E, W>
where
    P: Iterator<Item = PartitionRow<'a>>,
    E: Iterator<Item = Event<'a>>,
    W: Iterator<Item = WindowRow<'a>> + Clone,
{
    /// Writes the answer with the page in it.
    pub fn write(self, response: &mut String<RESPONSE_BYTES>) {
        response.clear();
        // What has no room is left out; browsers show what there is.
        let _ = self.write_whole(&mut Cut(response));
    }

    fn write_whole(mut self, to: &mut Cut<'_>) -> fmt::Result {
        head(to, "200 OK")?;
        to.write_str(HEAD)?;
        write!(
            to,
            "<header><b>cofferdam</b>up for {} s, {} major frames, {} pages shown before</header><main>",
            Seconds(self.uptime_ms),
            self.major_frames,
            self.shown
        )?;
        self.write_loop(to)?;
        self.write_windows(to)?;
        self.write_partitions(to)?;
        if let Some(network) = self.network {
            write_network(to, network)?;
        }
        write!(
            to,
            "<section id=health><h2>Health log <small>{} so far</small></h2><table>",
            self.event_count
        )?;
        for event in self.events {
            write!(
                to,
                "\n<tr><td>{} s<td>{}<td>{}<td>{}",
                Seconds(event.at_ms),
                event.partition,
                event.error,
                event.action
            )?;
        }
        write!(to, "</table></section></main>")
    }

    fn write_loop(&self, to: &mut Cut<'_>) -> fmt::Result {
        write!(to, "<section id=loop><h2>Control loop</h2><div class=f>")?;
        write_horizon(to, self.attitude, self.elevator)?;
        write!(to, "<table>")?;
        match self.attitude {
            Some(attitude) => write!(
                to,
                "<tr><td>pitch<td id=\"pitch\">{} deg\n<tr><td>rate<td>{} deg/s\n<tr><td>step<td id=\"step\">{}\n",
                Degrees(attitude.pitch_microradians),
                Degrees(attitude.rate_microradians_per_second),
                attitude.step
            )?,
            None => write!(to, "<tr><td>pitch<td>not known")?,
        }
        match self.elevator {
            Some(elevator) => {
                let deflection = Degrees(elevator.deflection_microradians);
                write!(to, "<tr><td>elevator<td>{deflection} deg")?;
            }
            None => write!(to, "<tr><td>elevator<td>not known")?,
        }
        write!(to, "</table></div></section>")
    }

    fn write_windows(&self, to: &mut Cut<'_>) -> fmt::Result {
        let (name, frame_us) = self.schedule;
        write!(
            to,
            "<section id=windows><h2>Windows <small>schedule {name}, frame of {frame_us} us</small></h2><div class=w>"
        )?;
        for window in self.windows.clone() {
            write!(
                to,
                "<i{} style=\"left:{}%;width:{}%\"></i>",
                if window.partitions.len() > 1 {
                    " class=m"
                } else {
                    ""
                },
                Share(window.at_us, frame_us),
                Share(window.us, frame_us)
            )?;
        }
        write!(to, "</div><table><tr><th>who<th>at, us<th>length, us")?;
        for window in self.windows.clone() {
            write!(to, "\n<tr><td>")?;
            for partition in window.partitions {
                write!(to, "{partition} ")?;
            }
            write!(to, "<td>{}<td>{}", window.at_us, window.us)?;
        }
        write!(to, "</table></section>")
    }

    fn write_partitions(&mut self, to: &mut Cut<'_>) -> fmt::Result {
        write!(
            to,
            "<section id=partitions><h2>Partitions</h2><table><tr><th>partition<th>state<th>us<th>of all<th><th>restarts<th>events"
        )?;
        let all_us = self.uptime_ms.saturating_mul(1000);
        for row in &mut self.partitions {
            let share = Share(row.processor_us, all_us);
            write!(
                to,
                "\n<tr><td>{}<td>{}<td>{}<td>{share}%<td style=\"width:4em\"><u style=\"width:{share}%\"></u><td>{}<td>{}",
                row.name, row.state, row.processor_us, row.restarts, row.events
            )?;
        }
        write!(to, "</table></section>")
    }
}

/// The aircraft before the horizon, and its elevator at the side. As much as there is room for is shown of an angle.
fn write_horizon(
    to: &mut Cut<'_>,
    attitude: Option<Attitude>,
    elevator: Option<Elevator>,
) -> fmt::Result {
    /// Four units of the picture for a degree.
    const MICRORADIANS_OF_UNIT: i32 = 4_363;
    const MICRORADIANS_OF_DEGREE: i32 = 17_453;
    let pitch = attitude.map_or(0, |one| one.pitch_microradians / MICRORADIANS_OF_UNIT);
    let deflection = elevator.map_or(0, |one| {
        one.deflection_microradians / MICRORADIANS_OF_DEGREE
    });
    write!(
        to,
        "<svg width=150 viewBox=\"-50 -40 100 80\"><path fill=\"#8fc3e8\" d=\"M-50-40h100v80h-100z\"/>\
         <path fill=\"#b08556\" d=\"M-50 {}h100v120h-100z\"/><path stroke=\"#fff\" d=\"M-8-10h16M-12-20h24M-8 10h16M-12 20h24\"/>\
         <path stroke=\"#111\" stroke-width=\"2.5\" fill=none d=\"M-30 0h20l10 6 10-6h20\"/>\
         <path stroke=\"#c22\" stroke-width=3 d=\"M34 30h12\" transform=\"rotate({} 34 30)\"/></svg>",
        pitch.clamp(-40, 40),
        deflection.clamp(-60, 60)
    )
}

fn write_network(to: &mut Cut<'_>, network: &Counts) -> fmt::Result {
    write!(
        to,
        "<section id=network><h2>Network <small>{} frames from the wire for nobody</small></h2><table>\
         <tr><th>client<th>sent<th>received<th>refused<th>over rate<th>lost",
        network.unwanted
    )?;
    for client in &network.clients {
        write!(to, "\n<tr><td>")?;
        for (number, byte) in client.address.iter().enumerate() {
            let colon = if number == 0 { "" } else { ":" };
            write!(to, "{colon}{byte:02x}")?;
        }
        write!(
            to,
            "<td>{}<td>{}<td>{}<td>{}<td>{}",
            client.sent, client.received, client.refused, client.over_rate, client.lost
        )?;
    }
    write!(to, "</table></section>")
}

/// Writes an answer without a page.
pub(crate) fn refuse(response: &mut String<RESPONSE_BYTES>, status: &str) {
    response.clear();
    let mut to = Cut(response);
    // There is room.
    let _ = head(&mut to, status).and_then(|()| write!(to, "<title>{status}</title>{status}"));
}

/// The answer's own lines (RFC 9112, section 4). It ends with the connection.
fn head(to: &mut Cut<'_>, status: &str) -> fmt::Result {
    write!(
        to,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n\
         <!doctype html>"
    )
}

/// Milliseconds, shown in seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// A part of a whole in per cent, with a decimal.
struct Share(u64, u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(part, whole) = *self;
        let thousandths = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
        write!(f, "{}.{}", thousandths / 10, thousandths % 10)
    }
}
