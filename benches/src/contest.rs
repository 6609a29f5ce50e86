//! One side of a comparison: cases by name, each measured when it is asked for, so that the sides can
//! take turns. `peers/contest.py` is the same for the Python sides, and candle's side compiles this file.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use serde_json::json;

/// Cases by name.
pub struct Contest<'a> {
    side: String,
    cases: BTreeMap<String, Box<dyn FnMut() + 'a>>,
    parity: BTreeMap<&'static str, f64>,
}

impl<'a> Contest<'a> {
    /// A side of this name, without cases.
    pub fn new(side: impl Into<String>) -> Self {
        Self {
            side: side.into(),
            cases: BTreeMap::new(),
            parity: BTreeMap::new(),
        }
    }

    /// Adds a case: `run` does its work once.
    pub fn case(&mut self, name: impl Into<String>, run: impl FnMut() + 'a) {
        self.cases.insert(name.into(), Box::new(run));
    }

    /// Notes a difference from the reference; the largest of each kind is reported.
    pub fn differs(&mut self, what: &'static str, by: f64) {
        // A NaN is the worst of all, and no number in JSON.
        let by = if by.is_nan() { f64::MAX } else { by };
        let worst = self.parity.entry(what).or_insert(0.0);
        *worst = worst.max(by);
    }

    /// Prints one JSON line with the side's name, its cases and its differences from the reference.
    /// Then, if `serve`, measures each case that a line of standard input names for `time` and prints
    /// its times; otherwise each case once.
    ///
    /// # Errors
    /// Standard input or output fails, or an unknown case is named.
    pub fn run(mut self, serve: bool, time: Duration) -> io::Result<()> {
        let names: Vec<String> = self.cases.keys().cloned().collect();
        print(&json!({"side": self.side, "cases": names, "parity": self.parity}))?;
        if !serve {
            return names.iter().try_for_each(|name| self.measure(name, time));
        }
        for line in io::stdin().lock().lines() {
            self.measure(line?.trim(), time)?;
        }
        Ok(())
    }

    fn measure(&mut self, name: &str, time: Duration) -> io::Result<()> {
        let Some(run) = self.cases.get_mut(name) else {
            return Err(io::Error::other(format!("no case is called {name:?}")));
        };
        run(); // Not counted: the first finds cold caches.
        let (mut times, start) = (Vec::new(), Instant::now());
        while times.len() < 3 || start.elapsed() < time {
            let one = Instant::now();
            run();
            times.push(one.elapsed().as_secs_f64() * 1e3);
        }
        print(&json!({"case": name, "ms": times}))
    }
}

fn print(line: &serde_json::Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
