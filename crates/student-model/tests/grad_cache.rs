//! A student's step with cached gradients equals the step of the whole batch.
//!
//! Alone in its file, one test at a time: on `flex` the random numbers of dropout belong to the
//! process.

#![cfg(feature = "train")]

mod student;

use std::sync::{Mutex, MutexGuard};

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use crsd_loss::{
    Align, AlignWeighting, CrsdInput, CrsdLossConfig, Direction, ProjectionHeadConfig,
};
use student::{ITEMS, config, reason, tokenizer};
use student_model::{
    BertConfig, BertForSequenceClassification, LogitKdConfig, ObjectiveConfig, RDropConfig,
    StudentExample, StudentModule, StudentTask, StudentTrainConfig, ViewBatch, train_student,
};
use training_loop::{Progress, StepContext, TrainTask, TrainerOptions, TrainingConfig, mix_seed};

static RANDOM: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    RANDOM.lock().unwrap_or_else(|e| e.into_inner())
}

/// Pairs whose views are of different lengths, in no common order.
fn examples() -> Vec<StudentExample> {
    let queries = ["mouse", "black keyboard", "red usb cable for a lamp"];
    let pairs = queries
        .iter()
        .flat_map(|query| ITEMS.iter().map(move |item| (query, item)));
    let example = |((query, item), i): ((&&str, &&str), usize)| {
        StudentExample::new(*query, *item, i % 3)
            .with_reason(reason("the query asks colour, ".repeat(1 + i * 5 % 4)))
            .with_teacher_probabilities(vec![0.2, 0.5, 0.3])
            .with_teacher_confidence(0.25 * (i % 5) as f32)
    };
    pairs.zip(0..).map(example).collect()
}

fn settings(chunk: Option<usize>) -> StudentTrainConfig {
    let training = TrainingConfig::new()
        .with_learning_rate(1e-3)
        .with_max_steps(6)
        .with_logging_steps(1);
    StudentTrainConfig::new()
        .with_training(training)
        .with_objective(ObjectiveConfig::Crsd(crsd()))
        .with_train_batch_size(21)
        .with_grad_cache_chunk_size(chunk)
}

fn crsd() -> CrsdLossConfig {
    let loss = CrsdLossConfig::new().with_direction(Direction::Symmetric);
    loss.with_lambda(0.6).with_lambda_warmup_ratio(0.0)
}

fn model(dropout: f64) -> BertForSequenceClassification {
    let shape = BertConfig {
        hidden_dropout_prob: dropout,
        attention_probs_dropout_prob: dropout,
        ..config()
    };
    shape.init(1, &Device::default().autodiff()).unwrap()
}

fn context() -> StepContext {
    StepContext {
        step: 3,
        max_steps: 6,
        epoch: 3,
        batch: 0,
        micro_step: 3,
        accumulated: 1,
        seed: 5,
    }
}

fn task(config: &StudentTrainConfig) -> StudentTask {
    let device = Device::default().autodiff();
    StudentTask::new(&examples(), 3, &tokenizer(24, 40), config, &device).unwrap()
}

struct Outcome {
    loss: f32,
    gradients: Vec<Vec<f32>>,
}

fn outcome(module: &impl Module, loss: Tensor<1>, gradients: &GradientsParams) -> Outcome {
    struct Values<'a>(&'a GradientsParams, Vec<Vec<f32>>);
    impl ModuleVisitor for Values<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = self.0.get::<D>(param.id).expect("every parameter is used");
            self.1.push(gradient.into_data().iter().collect());
        }
    }
    let mut values = Values(gradients, Vec::new());
    module.visit(&mut values);
    Outcome {
        loss: loss.into_scalar(),
        gradients: values.1,
    }
}

/// The second step, so that a queue holds something.
fn step(
    model: &BertForSequenceClassification,
    edit: impl Fn(&mut StudentTrainConfig),
    chunk: Option<usize>,
) -> Outcome {
    let mut config = settings(chunk);
    edit(&mut config);
    let task = task(&config);
    let module = StudentModule::new(model.clone(), &*config.objective.init().unwrap(), 5).unwrap();
    let earlier = StepContext {
        micro_step: 2,
        ..context()
    };
    let batch = task.batch(2, 0, 5).unwrap();
    task.step(&module, batch, &earlier).unwrap();

    let batch = task.batch(3, 0, 5).unwrap();
    let output = task.step(&module, batch, &context()).unwrap();
    assert_eq!(output.num_items, Some(21));
    let gradients = output
        .gradients
        .unwrap_or_else(|| GradientsParams::from_grads(output.loss.backward(), &module));
    outcome(&module, output.loss, &gradients)
}

/// Within 1e-5 of the largest number of the whole gradient.
fn assert_equal(found: &Outcome, expected: &Outcome) {
    let far = (found.loss - expected.loss).abs() / expected.loss.abs();
    assert!(far <= 1e-5, "loss {} {}", found.loss, expected.loss);
    let all = expected.gradients.iter().flatten();
    let scale = all.fold(0f32, |scale, x| scale.max(x.abs()));
    for (found, expected) in found.gradients.iter().zip(&expected.gradients) {
        let differences = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
        let worst = differences.fold(0f32, f32::max);
        assert!(worst <= 1e-5 * scale, "{worst} of {scale}");
    }
}

#[test]
fn every_objective_and_chunk_size_gives_the_whole_batchs_gradient() {
    let _alone = alone();
    let model = model(0.0);
    let heads = crsd()
        .with_learnable_temperature(true)
        .with_projection(Some(ProjectionHeadConfig::new().with_output_size(5)));
    let weighting = AlignWeighting::TeacherConfidence;
    for objective in [
        ObjectiveConfig::CrossEntropy,
        ObjectiveConfig::Crsd(crsd()),
        ObjectiveConfig::Crsd(crsd().with_detach_reasoned(true).with_queue_size(30)),
        ObjectiveConfig::Crsd(crsd().with_align(Align::SupCon)),
        ObjectiveConfig::Crsd(crsd().with_align_weighting(weighting)),
        ObjectiveConfig::Crsd(heads),
        ObjectiveConfig::LogitKd(LogitKdConfig::default()),
        ObjectiveConfig::RDrop(RDropConfig::default()),
    ] {
        let edit = |config: &mut StudentTrainConfig| {
            config.weigh_by_confidence = objective.needs_reasons();
            config.objective = objective.clone();
        };
        let whole = step(&model, edit, None);
        for chunk in [1, 4, 20, 21, 100] {
            assert_equal(&step(&model, edit, Some(chunk)), &whole);
        }
    }
}

#[test]
fn buckets_of_like_length_change_the_padding_and_nothing_else() {
    let _alone = alone();
    let model = model(0.0);
    let bucketed = |size| move |config: &mut StudentTrainConfig| config.length_bucket_size = size;
    let one = step(&model, bucketed(None), None);
    let padding = |size| {
        let mut config = settings(None);
        bucketed(size)(&mut config);
        task(&config).batch(3, 0, 5).unwrap().padding()
    };
    for size in [4, 20, 21] {
        assert_equal(&step(&model, bucketed(Some(size)), None), &one);
        assert!(size == 21 || padding(Some(size)) < padding(None));
    }
    assert!(padding(Some(1)) == 0.0 && padding(None) > 0.2);
}

/// All chunks of both views in one graph, each drawn with the masks of its place.
fn whole_with_the_same_masks(model: &BertForSequenceClassification, chunk: usize) -> Outcome {
    let task = task(&settings(Some(chunk)));
    let batch = task.batch(3, 0, 5).unwrap();
    let seed = mix_seed(context().seed, context().micro_step as u64);
    let forward = |view: &ViewBatch, pass: u64| {
        let outputs = view.chunks.iter().zip(0..).map(|(chunk, number)| {
            let seed = mix_seed(seed, pass).wrapping_add(number);
            model.device().seed(seed);
            let output = model.forward(&chunk.input);
            (output.logits, output.cls)
        });
        let (logits, cls): (Vec<_>, Vec<_>) = outputs.unzip();
        let rows: Vec<usize> = view.chunks.iter().flat_map(|c| c.rows.clone()).collect();
        let place = |row| rows.iter().position(|&other| other == row).unwrap() as i64;
        let order: Vec<i64> = (0..rows.len()).map(place).collect();
        let data = TensorData::new(order, [rows.len()]);
        let order = Tensor::<1, Int>::from_data(data, &model.device());
        [logits, cls].map(|parts| Tensor::cat(parts, 0).select(0, order.clone()))
    };
    let [standard_logits, standard] = forward(&batch.standard, 0);
    let [reasoned_logits, reasoned] = forward(batch.reasoned.as_ref().unwrap(), 1);
    let input = CrsdInput {
        standard_logits,
        reasoned_logits,
        standard,
        reasoned,
        labels: batch.labels,
        negatives: batch.negatives,
    };
    let loss = crsd().init().unwrap().forward(input, 1.0).unwrap();
    let loss = loss.per_example.mean();
    let gradients = GradientsParams::from_grads(loss.backward(), model);
    outcome(model, loss, &gradients)
}

#[test]
fn both_passes_draw_the_same_dropout() {
    let _alone = alone();
    let model = model(0.3);
    for chunk in [4, 10] {
        let found = step(&model, |_| (), Some(chunk));
        assert_equal(&found, &whole_with_the_same_masks(&model, chunk));
    }
}

#[test]
fn each_view_is_cut_by_its_own_lengths() {
    let _alone = alone();
    let task = task(&settings(Some(4)));
    let batch = task.batch(0, 0, 5).unwrap();
    let reasoned = batch.reasoned.unwrap();
    let rows = |view: &ViewBatch| {
        view.chunks
            .iter()
            .map(|c| c.rows.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&batch.standard).len(), 6);
    assert_ne!(rows(&batch.standard), rows(&reasoned));
    for view in [&batch.standard, &reasoned] {
        let widths = view.chunks.iter().map(|c| c.input.dims()[1]);
        assert!(widths.is_sorted_by(|a, b| a >= b), "the longest first");
        assert_eq!(view.num_rows(), 21);
    }
    assert!(
        reasoned
            .chunks
            .iter()
            .any(|c| c.input.attention_mask.is_none()),
        "no mask where no row is padded"
    );
}

#[test]
fn a_run_with_cached_gradients_learns_what_the_whole_batch_teaches() {
    let _alone = alone();
    let losses = |chunk| {
        let options = TrainerOptions::new().with_progress(Progress::Hidden);
        let config = settings(chunk);
        let tokenizer = tokenizer(24, 40);
        let report = train_student(model(0.0), &tokenizer, &examples(), &config, options);
        let entries = report.unwrap().log_history.into_iter();
        entries.map(|entry| entry.loss).collect::<Vec<_>>()
    };
    let (whole, cached) = (losses(None), losses(Some(5)));
    for (whole, cached) in whole.iter().zip(&cached) {
        assert!((whole - cached).abs() < 1e-3 * whole, "{whole} {cached}");
    }
    assert!(whole.last() < whole.first());
}
