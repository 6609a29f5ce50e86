//! The two stages by hand, from the crates, without the pipeline. Stage 1: a decoder from nothing reads the
//! domain's texts, learns to reason and to judge, and annotates pairs with labels and reasons. Stage 2: a
//! BERT from nothing learns from these annotations by CRSD, and is held against the gold labels, which it
//! has never seen. Its pairs are the teacher's own, toys as they are; the pipeline parts them by query.

use std::error::Error;

use relevance_distill::burn::tensor::Device;
use relevance_distill::causal_lm::{CausalLmConfig, GenerationConfig};
use relevance_distill::evaluation::evaluate_student;
use relevance_distill::relevance_data::{LabelSchema, read_annotations, read_labeled_pairs};
use relevance_distill::relevance_eval::EvaluationConfig;
use relevance_distill::student_examples::{StudentLabels, read_student_examples};
use relevance_distill::student_model::{BertConfig, Student, StudentTrainConfig, train_student};
use relevance_distill::teacher_train::{
    AnnotateConfig, PretrainConfig, PromptTemplate, SftConfig, Teacher, domain_documents, pretrain,
    sft, sft_examples, train_bpe_tokenizer,
};
use relevance_distill::training_loop::{Interrupt, TrainerOptions, TrainingConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let (schema, device, options) = (LabelSchema::esci(), Device::default(), TrainerOptions::new);
    let training = TrainingConfig::new().with_learning_rate(1e-2);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/toy/annotations.jsonl");
    let text = std::fs::read_to_string(file)?;
    let gold = read_labeled_pairs(file, &schema)?;

    // Stage 1: pre-training, fine-tuning, annotation. DPO would come before the last.
    let tokenizer = train_bpe_tokenizer(text.lines(), 500)?;
    let mut decoder = CausalLmConfig::default().with_tokenizer(&tokenizer);
    (decoder.hidden_size, decoder.num_hidden_layers) = (32, 2);
    let model = decoder.init(7, &device)?;
    let config = PretrainConfig::new().with_context_length(64);
    let config = config.with_training(training.clone().with_max_steps(10));
    let documents = domain_documents(&gold, &schema);
    let model = pretrain(model, &tokenizer, &documents, &config, options())?.model;

    let template = PromptTemplate::compact(&schema);
    let reasons = read_annotations(file, &schema)?.into_iter();
    let explained = gold.iter().zip(reasons.map(|row| row.rationale));
    let examples = sft_examples(explained, &template, &schema, &tokenizer, 128)?;
    let config = SftConfig::new().with_max_length(128);
    let config = config.with_training(training.clone().with_max_steps(120));
    let model = sft(model, &tokenizer, &examples, &config, options())?.model;

    let teacher = Teacher {
        model,
        tokenizer,
        template,
        schema: schema.clone(),
        max_prompt_length: 96,
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("annotations.jsonl");
    let pairs: Vec<_> = gold.iter().map(|labeled| labeled.pair.clone()).collect();
    let greedy = AnnotateConfig::new().with_generation(GenerationConfig::default());
    let report = teacher.annotate(&pairs, None, &file, &greedy, &Interrupt::new())?;
    println!("annotated: {} of {} pairs", report.annotated, report.pairs);

    // Stage 2: a student of these annotations.
    let examples = read_student_examples(&file, &schema, StudentLabels::Teacher)?;
    let (bert, lengths) = (BertConfig::toy(), Default::default());
    let bert = bert.with_labels(&schema.names());
    let (model, tokenizer) = bert.init_from_texts(text.lines(), lengths, 7, &device)?;
    let training = training.with_max_steps(240);
    let config = StudentTrainConfig::new().with_training(training);
    let model = train_student(model, &tokenizer, &examples, &config, options())?.model;
    let student = Student::new(&model, tokenizer, &schema.gains())?;
    let figures = evaluate_student(&student, &gold, &schema, &EvaluationConfig::default())?;
    println!("accuracy of the student: {}", figures.accuracy);
    assert!(report.annotated > 36 && figures.accuracy.value > 0.4);
    Ok(())
}
