//! What the page says.

use core::fmt::{self, Write};

use flight_messages::{Attitude, Degrees, Elevator};
use heapless::String;

/// The longest answer.
pub const RESPONSE_BYTES: usize = 6144;

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
}

/// How everything is at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Page<P, E> {
    /// The time since the machine's start.
    pub uptime_ms: u64,
    /// The schedule's major frames since then.
    pub major_frames: u64,
    /// How the aircraft lies, if that is known and fresh.
    pub attitude: Option<Attitude>,
    /// Where the elevator should be, likewise.
    pub elevator: Option<Elevator>,
    /// The partitions.
    pub partitions: P,
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

impl<'a, P, E> Page<P, E>
where
    P: Iterator<Item = PartitionRow<'a>>,
    E: Iterator<Item = Event<'a>>,
{
    /// Writes the answer with the page in it.
    pub fn write(self, response: &mut String<RESPONSE_BYTES>) {
        response.clear();
        // What has no room is left out; browsers show what there is.
        let _ = self.write_whole(&mut Cut(response));
    }

    fn write_whole(self, to: &mut Cut<'_>) -> fmt::Result {
        head(to, "200 OK")?;
        write!(
            to,
            "<meta http-equiv=\"refresh\" content=\"1\"><title>cofferdam</title>\
             <style>body{{font:16px sans-serif;margin:2em}}table{{border-collapse:collapse}}\
             td,th{{padding:.2em .8em;text-align:right;border-bottom:1px solid #ccc}}\
             td:first-child,th:first-child{{text-align:left}}</style>\
             <h1>cofferdam</h1><p>up for {} s, {} major frames, {} pages shown before</p>",
            Seconds(self.uptime_ms),
            self.major_frames,
            self.shown
        )?;
        write!(to, "<h2>Control loop</h2><table>")?;
        match self.attitude {
            Some(attitude) => write!(
                to,
                "<tr><td>pitch<td id=\"pitch\">{} deg<tr><td>rate<td>{} deg/s<tr><td>step<td id=\"step\">{}",
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
        write!(
            to,
            "</table><h2>Partitions</h2><table><tr><th>partition<th>state<th>processor, us<th>restarts<th>events"
        )?;
        for row in self.partitions {
            write!(
                to,
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{}",
                row.name, row.state, row.processor_us, row.restarts, row.events
            )?;
        }
        write!(
            to,
            "</table><h2>Health log</h2><p>{} entries</p><table>",
            self.event_count
        )?;
        for event in self.events {
            write!(
                to,
                "<tr><td>{} s<td>{}<td>{}",
                Seconds(event.at_ms),
                event.partition,
                event.error
            )?;
        }
        write!(to, "</table>")
    }
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
