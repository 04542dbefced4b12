//! The client with all rights: asks for the time and says it, sets the clock and sets it back, and has the machine switched off.
//!
//! It takes one release for each step, and leaves what came of it; `systems/instruments/expected` says what has to.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use chrono::DateTime;
use clock_messages::{FIRST_SECOND, LAST_SECOND, Reply, Request, Time};
use cofferdam_native::{Period, log, page, time};
use evidence::seen;
use power_messages::Request as Power;

cofferdam_native::partition!("steward", main);

/// 2028-02-29 12:00:00: the chip knows leap years.
const LEAP_DAY: u64 = 1_835_438_400;
/// The release more than a second behind the first one, and less than two.
const A_SECOND_LATER: u32 = 12;

fn main() -> ! {
    let mut period = Period::new();
    period.wait_release();
    let began = ask();
    say("the clock says", began);
    period.wait_release();
    sampled();
    period.wait_release();
    without_the_right();
    period.wait_release();
    out_of_range();
    period.wait_release();
    levels();
    while period.wait_release().number < A_SECOND_LATER {}
    say("a second later it says", ask());
    period.wait_release();
    seen!("clock.set", set(LEAP_DAY));
    say("set to a leap day, it says", ask_again());
    period.wait_release();
    put_back(began);
    say("set back, it says", ask_again());
    log!("that was all: the machine is switched off");
    period.wait_release();
    let reply = ports::POWER.call(&Power::PowerOff, 0);
    log!("the machine is still on: {reply:?}");
    seen!("power.still_on", steward::power(reply));
    loop {
        period.wait_release();
    }
}

/// What the clock says, in whole seconds, and from how long ago it is.
fn ask() -> Option<Time> {
    let reply = ports::CLOCK.call(&Request::Now, 0);
    match &reply {
        Ok(Reply::Time(time)) => {
            seen!("clock.valid", u32::from(time.valid));
            let age_us = time::now().saturating_sub(time.tick) / ticks_per_us();
            seen!("clock.age_us", u32::try_from(age_us).unwrap_or(u32::MAX));
        }
        Ok(_) => {}
        Err(error) => log!("the clock does not answer: {error:?}"),
    }
    seen!("clock.now", steward::clock(reply));
    match reply {
        Ok(Reply::Time(time)) => Some(time),
        _ => None,
    }
}

/// The same when the clock has been set.
fn ask_again() -> Option<Time> {
    let reply = ports::CLOCK.call(&Request::Now, 0);
    seen!("clock.now_set", steward::clock(reply));
    match reply {
        Ok(Reply::Time(time)) => Some(time),
        _ => None,
    }
}

fn ticks_per_us() -> u64 {
    u64::from(page::timebase_hz() / 1_000_000)
}

fn set(second: u64) -> u32 {
    steward::clock(ports::CLOCK_SET.call(&Request::Set(second), 0))
}

fn say(before: &str, time: Option<Time>) {
    let Some(time) = time else {
        return log!("{before} nothing");
    };
    let doubt = if time.valid { "" } else { ", but stood still" };
    let date = i64::try_from(time.utc_seconds).ok();
    match date.and_then(|second| DateTime::from_timestamp(second, 0)) {
        Some(date) => log!("{before} {date}{doubt}"),
        None => log!("{before} what is no time"),
    }
}

/// The time of the clock's last release.
fn sampled() {
    let sample = match ports::TIME.read() {
        Ok(Some(sample)) => sample,
        _ => return seen!("clock.sampled", 0),
    };
    let second = u32::try_from(sample.value.utc_seconds).unwrap_or(u32::MAX);
    seen!("clock.sampled", second);
    seen!("clock.sampled_valid", u32::from(sample.valid));
}

/// The port at which one may only ask.
fn without_the_right() {
    let reply = ports::CLOCK.call(&Request::Set(LEAP_DAY), 0);
    seen!("clock.set_by_client", steward::clock(reply));
    ask();
}

fn out_of_range() {
    for second in [0, FIRST_SECOND - 1, LAST_SECOND + 1, u64::MAX] {
        seen!("clock.out_of_range", set(second));
    }
    ask();
}

/// Sets the clock to what it would say by now.
fn put_back(began: Option<Time>) {
    let Some(began) = began else { return };
    let passed = time::now().saturating_sub(began.tick) / u64::from(page::timebase_hz());
    seen!(
        "clock.set_back",
        set(began.utc_seconds.saturating_add(passed))
    );
}

/// An input, and what is none.
fn levels() {
    for pin in [1, 31, 0, 32, u8::MAX] {
        let reply = ports::POWER.call(&Power::Level(pin), 0);
        seen!("power.level", steward::power(reply));
    }
}
