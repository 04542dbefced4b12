//! The table on a terminal, drawn anew while the run goes on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cofferdam_interrupt::Hold;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Row as TableRow, Table, Wrap};
use ratatui::{DefaultTerminal, Frame};

use super::sample::{COLUMNS, Sample};

/// How often the accounts are read.
const REFRESH: Duration = Duration::from_millis(500);

/// Shows samples until the user has seen enough, or this process is asked to end. `take` gives the next one.
pub fn show(take: impl FnMut() -> Result<Sample>) -> Result<()> {
    let hold = Hold::new()?;
    let mut terminal = ratatui::try_init().context("the terminal cannot be drawn on")?;
    let shown = until_enough(&mut terminal, &hold, take);
    ratatui::try_restore().context("the terminal cannot be set as it was")?;
    shown
}

fn until_enough(
    terminal: &mut DefaultTerminal,
    hold: &Hold,
    mut take: impl FnMut() -> Result<Sample>,
) -> Result<()> {
    let mut sample = take()?;
    let mut taken = Instant::now();
    loop {
        // It asks for the terminal's size each time.
        terminal
            .draw(|frame| draw(frame, &sample))
            .context("the terminal cannot be drawn on")?;
        if hold.received() {
            return Ok(());
        }
        let left = REFRESH.saturating_sub(taken.elapsed());
        if !event::poll(left).context("the terminal has no keys")? {
            if sample.running {
                sample = take()?;
            }
            taken = Instant::now();
            continue;
        }
        if let Event::Key(key) = event::read().context("the terminal has no keys")? {
            let control_c =
                key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            let leave = matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) || control_c;
            if key.kind == KeyEventKind::Press && leave {
                return Ok(());
            }
        }
    }
}

fn draw(frame: &mut Frame<'_>, sample: &Sample) {
    let rows = sample.partitions.len() as u16;
    let parts = Layout::vertical([
        Constraint::Length(1),
        Constraint::Max(rows + 1),
        Constraint::Min(1),
        Constraint::Length(1),
    ]);
    let [head, middle, channels, foot] = parts.areas(frame.area());
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.render_widget(Line::styled(sample.head(), bold), head);
    let cells = sample
        .partitions
        .iter()
        .map(|row| row.cells(sample.timebase_hz));
    let cells: Vec<_> = cells.collect();
    let widths = COLUMNS.iter().enumerate().map(|(column, title)| {
        let widest = cells.iter().map(|row| row[column].len()).max().unwrap_or(0);
        Constraint::Length(widest.max(title.len()) as u16)
    });
    let widths: Vec<_> = widths.collect();
    let failing = Style::new().add_modifier(Modifier::REVERSED);
    let body = cells.iter().zip(&sample.partitions).map(|(cells, row)| {
        let style = if row.deadlines_missed > 0 {
            failing
        } else {
            Style::new()
        };
        TableRow::new(cells.iter().map(String::as_str)).style(style)
    });
    let table = Table::new(body, widths).header(TableRow::new(COLUMNS).style(bold));
    frame.render_widget(table, middle);
    frame.render_widget(
        Paragraph::new(sample.foot()).wrap(Wrap { trim: true }),
        channels,
    );
    let words = if sample.running {
        "q leaves; the run goes on"
    } else {
        "the run has ended; q leaves"
    };
    frame.render_widget(Line::from(words), foot);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::top::sample::{Fill, Row};

    fn sample() -> Sample {
        let row = |name: &str, missed| Row {
            name: name.to_owned(),
            state: "ready",
            cpu_permille: 123,
            cpu_ticks: 400,
            windows_seen: Some(6),
            windows_used: Some(5),
            worst_window_used_ticks: 4,
            granted_ticks: 390,
            budget_spent: None,
            releases: 7,
            deadlines_missed: missed,
            response_max_ticks: 9,
            hypercalls: Some(5),
            faults: 0,
            health_events: 1,
            restarts: 0,
        };
        Sample {
            system: "small".to_owned(),
            running: true,
            state: "running".to_owned(),
            kernel: "trace",
            timebase_hz: 1_000_000,
            elapsed_ticks: 3000,
            since_last: true,
            major_frames: 3,
            schedule: "main".to_owned(),
            late_windows: 0,
            health_events: 0,
            partitions: vec![row("control", 1), row("load", 0)],
            channels: vec![Fill {
                channel: "lines".to_owned(),
                held: Some(2),
                depth: 4,
            }],
        }
    }

    fn on(width: u16, height: u16, sample: &Sample) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, sample)).unwrap();
        terminal
    }

    fn drawn(width: u16, height: u16, sample: &Sample) -> String {
        on(width, height, sample).backend().to_string()
    }

    #[test]
    fn it_is_drawn_at_every_size() {
        let sample = sample();
        let text = drawn(140, 8, &sample);
        for part in [
            "small: running, trace kernel, 3 ms",
            "control",
            "12.3",
            "lines 2/4",
            "5/6",
            "390 us",
            "q leaves",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for (width, height) in [(0, 0), (1, 1), (10, 2), (80, 3), (500, 100)] {
            on(width, height, &sample);
        }
    }

    #[test]
    fn a_run_that_has_ended_says_so() {
        let mut sample = sample();
        sample.running = false;
        assert!(drawn(140, 8, &sample).contains("the run has ended"));
    }
}
