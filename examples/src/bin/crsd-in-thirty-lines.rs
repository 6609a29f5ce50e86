//! CRSD on thirty lines of data. The student sees each pair twice, once with the teacher's reason: cross
//! entropy on both views, and InfoNCE between them (Figure 3 of arXiv 2510.11056). It starts from nothing,
//! and after some seconds it labels pairs without a reason, as it will in a service.

use std::error::Error;

use relevance_distill::burn::tensor::Device;
use relevance_distill::relevance_data::{LabelSchema, Rationale};
use relevance_distill::student_model::{
    BertConfig, StudentExample, StudentReason, StudentTrainConfig, predict, train_student,
};
use relevance_distill::training_loop::{TrainerOptions, TrainingConfig};

/// Query, item, label, reason.
const LINES: &str = "\
red mouse|red usb mouse|Exact|a mouse, and red as asked
red mouse|blue usb mouse|Substitute|a mouse, but blue and not red
red mouse|red desk lamp|Irrelevant|red, but a lamp and no mouse
red mouse|mouse pad|Complement|a pad, to be used with a mouse
red mouse|blue desk lamp|Irrelevant|a lamp, and blue
blue mouse|blue usb mouse|Exact|a mouse, and blue as asked
blue mouse|red usb mouse|Substitute|a mouse, but red and not blue
blue mouse|blue desk lamp|Irrelevant|blue, but a lamp and no mouse
blue mouse|mouse pad|Complement|a pad, to be used with a mouse
blue mouse|red desk lamp|Irrelevant|a lamp, and red
red lamp|red desk lamp|Exact|a lamp, and red as asked
red lamp|blue desk lamp|Substitute|a lamp, but blue and not red
red lamp|red usb mouse|Irrelevant|red, but a mouse and no lamp
red lamp|lamp bulb|Complement|a bulb, to be used with a lamp
red lamp|blue usb mouse|Irrelevant|a mouse, and blue
blue lamp|blue desk lamp|Exact|a lamp, and blue as asked
blue lamp|red desk lamp|Substitute|a lamp, but red and not blue
blue lamp|blue usb mouse|Irrelevant|blue, but a mouse and no lamp
blue lamp|lamp bulb|Complement|a bulb, to be used with a lamp
blue lamp|red usb mouse|Irrelevant|a mouse, and red
usb mouse|red usb mouse|Exact|a mouse with usb, of any color
usb mouse|blue usb mouse|Exact|a mouse with usb, of any color
usb mouse|mouse pad|Complement|a pad, to be used with a mouse
usb mouse|red desk lamp|Irrelevant|a lamp and no mouse
usb mouse|lamp bulb|Irrelevant|a bulb and no mouse
desk lamp|red desk lamp|Exact|a lamp for the desk, of any color
desk lamp|blue desk lamp|Exact|a lamp for the desk, of any color
desk lamp|lamp bulb|Complement|a bulb, to be used with a lamp
desk lamp|red usb mouse|Irrelevant|a mouse and no lamp
desk lamp|mouse pad|Irrelevant|a pad and no lamp";

fn main() -> Result<(), Box<dyn Error>> {
    let (schema, mut examples) = (LabelSchema::esci(), Vec::new());
    for fields in LINES
        .lines()
        .map(|line| line.split('|').collect::<Vec<_>>())
    {
        // The reason loses the words that name a label: the student must not copy the answer.
        let reason = StudentReason::new(&Rationale::new(fields[3]), &schema);
        let label = schema.parse(fields[2])?.index();
        examples.push(StudentExample::new(fields[0], fields[1], label).with_reason(reason));
    }
    let (device, lengths) = (Device::default(), Default::default());
    let bert = BertConfig::toy().with_labels(&schema.names());
    let (model, tokenizer) = bert.init_from_texts(LINES.lines(), lengths, 7, &device)?;

    let training = TrainingConfig::new().with_learning_rate(1e-2);
    let config = StudentTrainConfig::new().with_training(training.with_max_steps(320));
    let config = config.with_train_batch_size(10);
    let trained = train_student(model, &tokenizer, &examples, &config, TrainerOptions::new())?;

    let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
    let probabilities = predict(&trained.model, &tokenizer, &pairs, 32)?;
    let rows = probabilities.rows().into_iter().zip(&examples);
    let right = rows.filter(|(row, e)| row[e.label] > 0.5).count();
    println!("from query and item alone {right} of 30 are labelled as the teacher labelled them");
    assert!(right >= 22);
    Ok(())
}
