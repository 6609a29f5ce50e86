//! Latency of `rank`: 1, 10 and 100 items under 1 and 8 callers that each wait for their answer, through
//! the ranker itself and through a micro-batcher. Prints a Markdown table of percentiles.
//!
//! ```sh
//! RAYON_NUM_THREADS=2 cargo bench -p benches --bench rank_latency -- --calls 200
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{Fields, RerankList, bench_device, rerank_lists, student};
use clap::{Parser, ValueEnum};
use student_model::{MicroBatcher, MicroBatcherConfig, RankedItem, Ranker, StudentError};

/// Queries in turn, so that no call repeats its neighbour.
const QUERIES: usize = 50;

#[derive(Debug, Parser)]
struct Args {
    /// Calls a row; p99 needs at least 100.
    #[arg(long, default_value_t = 100)]
    calls: usize,
    /// Items a call.
    #[arg(long, num_args = 1.., default_values_t = [1, 10, 100])]
    items: Vec<usize>,
    /// Concurrent callers.
    #[arg(long, num_args = 1.., default_values_t = [1, 8])]
    callers: Vec<usize>,
    /// What an item's text is.
    #[arg(long, default_value = "title")]
    fields: FieldsArg,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FieldsArg {
    Title,
    Text,
}

impl From<FieldsArg> for Fields {
    fn from(fields: FieldsArg) -> Self {
        match fields {
            FieldsArg::Title => Self::Title,
            FieldsArg::Text => Self::Text,
        }
    }
}

type Rank<'a> = dyn Fn(&RerankList) -> Result<Vec<RankedItem>, StudentError> + Sync + 'a;

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let ranker = Arc::new(Ranker::new(student(&bench_device()?)?));
    let batcher = MicroBatcher::new(Arc::clone(&ranker), MicroBatcherConfig::default())?;
    let direct = |list: &RerankList| ranker.rank(&list.query, &list.items);
    let batched = |list: &RerankList| batcher.rank(&list.query, &list.items);
    let ways: [(&str, &Rank<'_>); 2] = [("`Ranker`", &direct), ("`MicroBatcher`", &batched)];
    println!("| through | items | callers | calls | p50, ms | p95, ms | p99, ms | pairs/s |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for &items in &args.items {
        let lists = rerank_lists(args.fields.into(), QUERIES, items)?;
        for &callers in &args.callers {
            for (way, rank) in ways {
                // One call a caller first, not counted.
                calls(rank, &lists, callers, callers)?;
                let (mut times, whole) = calls(rank, &lists, callers, args.calls)?;
                times.sort_unstable();
                let [p50, p95, p99] =
                    [50, 95, 99].map(|p| percentile(&times, p).as_secs_f64() * 1e3);
                let rate = (items * times.len()) as f64 / whole.as_secs_f64();
                println!(
                    "| {way} | {items} | {callers} | {} | {p50:.1} | {p95:.1} | {p99:.1} | {rate:.0} |",
                    times.len()
                );
            }
        }
    }
    Ok(())
}

/// The times of `count` calls, and of all of them together. Each caller takes the next list when it has
/// its answer.
fn calls(
    rank: &Rank<'_>,
    lists: &[RerankList],
    callers: usize,
    count: usize,
) -> Result<(Vec<Duration>, Duration), StudentError> {
    let next = AtomicUsize::new(0);
    let caller = || {
        let mut times = Vec::new();
        loop {
            let call = next.fetch_add(1, Ordering::Relaxed);
            if call >= count {
                return Ok(times);
            }
            let start = Instant::now();
            rank(&lists[call % lists.len()])?;
            times.push(start.elapsed());
        }
    };
    let start = Instant::now();
    let times: Result<Vec<Vec<Duration>>, StudentError> = thread::scope(|scope| {
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(caller)).collect();
        let join = |caller: thread::ScopedJoinHandle<'_, _>| caller.join().expect("no panic");
        callers.into_iter().map(join).collect()
    });
    Ok((times?.concat(), start.elapsed()))
}

/// By nearest rank: the smallest time that at least `percent` % of the calls did not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}
