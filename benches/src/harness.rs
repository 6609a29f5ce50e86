//! The frame around every bench: the device, criterion's settings and the exit status.

use std::process::ExitCode;
use std::time::Duration;

use burn::tensor::Device;
use criterion::Criterion;

use crate::bench_device;

/// Runs `bench` on the device that the environment names, ten samples of `measurement_time` in all
/// after half a second of warm-up. Command-line arguments are criterion's.
pub fn run(measurement_time: Duration, bench: fn(&mut Criterion, &Device)) -> ExitCode {
    let device = match bench_device() {
        Ok(device) => device,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(measurement_time)
        .configure_from_args();
    bench(&mut criterion, &device);
    criterion.final_summary();
    ExitCode::SUCCESS
}
